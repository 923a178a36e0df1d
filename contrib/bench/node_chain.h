/*
 * contrib/bench/node_chain.h: a validator on a chain of its own, inside the program that measures: the core, the loop,
 * the workers and the store of notchd (node/daemon/daemon.h) on a real disk, without HTTP.
 *
 * The folder is a data directory as `notchd --dev --data DIR` makes it, so notchd can go on where the measurement
 * stopped.
 *
 * Lifecycle    open (make or take up the folder, start) ... close (drained, everything on disk).
 * Ownership    The chain owns everything but the records that are submitted: those stay until all are answered.
 * Thread       The node runs on threads of its own; everything here is called from one other thread.
 * Errors       false, with a message on stderr.
 */
#ifndef NOTCH_CONTRIB_BENCH_NODE_CHAIN_H
#define NOTCH_CONTRIB_BENCH_NODE_CHAIN_H

#include "base/bytes.h"
#include "base/hash.h"
#include "node/api.h"
#include "node/daemon/daemon.h"

struct notch_bench_chain;

/* workers 0: as many as there are processors. */
NOTCH_MUST_USE bool notch_bench_chain_open(struct notch_bench_chain **out, const char *dir, uint32_t workers);
void notch_bench_chain_close(struct notch_bench_chain *chain);

const struct notch_domain *notch_bench_chain_domain(const struct notch_bench_chain *chain);

/*
 * Submits all of them in requests of `group` records, with at most `in_flight` records unanswered at a time, until all
 * are answered or `until_ns` (CLOCK_MONOTONIC) has passed; then nothing more is submitted, and what was is waited for.
 * The number of records that were taken as new goes to *taken. false: one was refused, or the node has failed.
 */
NOTCH_MUST_USE bool notch_bench_chain_submit(struct notch_bench_chain *chain, uint64_t *taken,
                                             const struct notch_bytes *records, size_t count, uint32_t group,
                                             uint32_t in_flight, uint64_t until_ns);

/* Waits until so many records are final on this chain, all time: on disk with their indexes, and visible. */
NOTCH_MUST_USE bool notch_bench_chain_await_final(struct notch_bench_chain *chain, uint64_t records);

void notch_bench_chain_info(struct notch_bench_chain *chain, struct notch_node_info *out);
void notch_bench_chain_stats(struct notch_bench_chain *chain, struct notch_daemon_stats *out);

#endif
