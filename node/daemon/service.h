/*
 * node/daemon/service.h: notchd as a whole: from a configuration to a node that runs, and back to nothing.
 *
 * Parts are taken in this order and given back in the reverse one, also where one of them fails:
 *
 *      log, data directory, genesis, keys, store and node, RPC, signals, the loop
 *
 * so that a wrong password is said before a store is opened, and a taken port before many bodies are gone through.
 *
 * Errors       What went wrong is one line on standard error, which names the remedy; the answer is the exit code.
 * Thread       One; the process is the service's until it ends.
 */
#ifndef NOTCH_NODE_DAEMON_SERVICE_H
#define NOTCH_NODE_DAEMON_SERVICE_H

#include "node/daemon/arguments.h"

enum notch_exit notch_service_run(const struct notch_config *config, bool is_dev, const struct notch_alloc *alloc);

/* The sizes of the configuration, and `dir`. */
struct notch_store_options;
void notch_service_store_options(struct notch_store_options *out, const struct notch_config *config, const char *dir);

#endif
