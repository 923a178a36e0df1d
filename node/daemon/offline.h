/*
 * node/daemon/offline.h: what notchd does besides running: looking through a store, copying it, hashing a password.
 *
 * Errors       One line on standard error, which names the remedy; the answer is the exit code.
 * Thread       One.
 */
#ifndef NOTCH_NODE_DAEMON_OFFLINE_H
#define NOTCH_NODE_DAEMON_OFFLINE_H

#include "node/daemon/arguments.h"

/* Reads everything in the store with every checksum; says what it finds, where, and what to do. 1: there is damage. */
enum notch_exit notch_offline_verify(const struct notch_config *config, const struct notch_alloc *alloc);

/* A data directory that a node can start from: genesis and store, without keys and vote log. */
enum notch_exit notch_offline_backup(const struct notch_config *config, const struct notch_alloc *alloc,
                                     const char *target);

/* Reads one line from standard input. */
enum notch_exit notch_offline_hash_password(void);

#endif
