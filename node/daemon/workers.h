/*
 * node/daemon/workers.h: the threads that run the node's pure work: signatures, form of records, Merkle roots.
 *
 * Two queues, as many threads as asked for: what blocks and votes wait for goes before records, or under load the chain
 * would stand still behind thousands of signatures. They are the daemon's own and not libuv's pool: that is shared with
 * file and DNS work of the whole process, is sized by the environment, and cannot be waited for.
 *
 * Ownership    Work is borrowed until `ran` was called for it, on the thread that ran it.
 * Limits       The queue grows; the node bounds what it gives out (node/core.h).
 * Lifecycle    create -> start -> add ... -> stop -> destroy. stop() drops what has not begun, waits for what has, and
 *              works from any stage.
 * Thread       create, start, stop, destroy: the owner's. add and depth: any.
 * Errors       start: IO when the system gives no thread.
 */
#ifndef NOTCH_NODE_DAEMON_WORKERS_H
#define NOTCH_NODE_DAEMON_WORKERS_H

#include "base/alloc.h"
#include "base/error.h"
#include "node/core.h"

struct notch_workers;

typedef void (*notch_workers_ran)(void *arg, uint64_t token);

struct notch_workers *notch_workers_create(const struct notch_alloc *alloc, unsigned count, notch_workers_ran ran,
                                           void *arg);
void notch_workers_destroy(struct notch_workers *workers);

NOTCH_MUST_USE enum notch_err notch_workers_start(struct notch_workers *workers);
void notch_workers_stop(struct notch_workers *workers);

void notch_workers_add(struct notch_workers *workers, uint64_t token, const struct notch_node_work *work);

/* Nothing waits and nothing runs. */
bool notch_workers_are_idle(struct notch_workers *workers);

/* How much waits, and how much has been run since the start. */
void notch_workers_depth(struct notch_workers *workers, uint64_t *waiting, uint64_t *ran);

/* The processors that this process may use: at least 1. */
unsigned notch_workers_default_count(void);

#endif
