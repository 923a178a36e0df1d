/*
 * contrib/bench/node_records.h: signed records for measurements, made before the clock starts.
 *
 * Each is an ordinary record of a pricing agent: one author, and entries of type INSIGHT with every field that a
 * private chain allows (price, range, trend, volatility, a season of twelve months, confidence, samples, success),
 * about 115 bytes each; so a record of one entry has about 300 bytes.
 *
 * Invariants   A record is a function of its plan and its number: the same ones can be made again, by any thread.
 * Ownership    Authors own their secrets (in locked memory) and signers; records own their bytes. fini gives both back.
 * Limits       NOTCH_SECRETS_MAX authors; 256 entries as long as the record stays within 30 KiB (asserted).
 * Thread       Plans and authors may be shared once made. notch_bench_records_make() starts and joins its own threads.
 * Errors       false, with a message on stderr, where there is no memory or no thread.
 */
#ifndef NOTCH_CONTRIB_BENCH_NODE_RECORDS_H
#define NOTCH_CONTRIB_BENCH_NODE_RECORDS_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/hash.h"

struct notch_secrets;

struct notch_bench_authors {
    struct notch_secrets *secrets;
    struct notch_signer *signers;
    uint32_t count;
};

NOTCH_MUST_USE bool notch_bench_authors_init(struct notch_bench_authors *out, uint32_t count, uint64_t seed);
void notch_bench_authors_fini(struct notch_bench_authors *authors);

struct notch_bench_plan {
    const struct notch_domain *domain;
    const struct notch_bench_authors *authors; /* they take turns */
    uint64_t seed;
    uint32_t entries; /* in each record */
    struct notch_time ts;
    struct notch_hash ref;
};

/* Appends record `number` of the plan. */
void notch_bench_record(struct notch_buf *out, const struct notch_bench_plan *plan, uint64_t number);

struct notch_bench_records {
    struct notch_bytes *at;
    size_t count;
    uint64_t bytes; /* of all of them */
    struct notch_buf *parts;
    unsigned part_count;
};

/* Records `first` to `first + count - 1`, signed by as many threads as there are processors. */
NOTCH_MUST_USE bool notch_bench_records_make(struct notch_bench_records *out, const struct notch_bench_plan *plan,
                                             uint64_t first, size_t count);
void notch_bench_records_fini(struct notch_bench_records *records);

#endif
