/*
 * rpc/cli/feed_party.h: needs, capacities and recognition between parties: each party signs for itself.
 *
 * Rows are gathered first: names of parties, and what each says. Then the caller knows the parties and gives each its
 * key and secret; then the entries are made, by party in the order of names, by resource and period inside.
 *
 *   needs          NEED_COMMIT, the blinding derived from the party's secret and the need (chain/salt.h); or, to
 *                  reveal, NEED_REVEAL of the same
 *   capacities     CAPACITY
 *   recognition    RECOGNITION: all rows of one party are one entry
 *
 * Ownership    init / fini; secrets are borrowed during build.
 * Limits       NOTCH_PARTIES_MAX parties; NOTCH_RECOGNITION_MAX shares of one.
 * Thread       One. Pure.
 */
#ifndef NOTCH_RPC_CLI_FEED_PARTY_H
#define NOTCH_RPC_CLI_FEED_PARTY_H

#include "rpc/cli/feed.h"

/* Their secrets are in locked memory, which is scarce (wallet/io/secrets.h). */
#define NOTCH_PARTIES_MAX 1000

struct notch_feed_party {
    const struct notch_alloc *alloc;
    enum notch_feed_kind_id kind;
    struct notch_feed_names parties;
    struct notch_feed_names resources;
    struct notch_map seen;   /* what may be said once: a hash of it */
    struct notch_map totals; /* of shares: party -> uint64_t, ppm in the upper half, count in the lower */
    struct notch_buf rows;
    uint64_t row_count;
};

void notch_feed_party_init(struct notch_feed_party *feed, const struct notch_alloc *alloc,
                           enum notch_feed_kind_id kind);
void notch_feed_party_fini(struct notch_feed_party *feed);

struct notch_feed_fault notch_feed_party_row(struct notch_feed_party *feed, const struct notch_feed_columns *columns,
                                             const struct notch_csv *row);

/* A party's key and secret, by its number in feed->parties. */
struct notch_feed_key {
    struct notch_key key;
    const uint8_t *secret;
};

struct notch_feed_party_options {
    const struct notch_domain *domain;
    struct notch_bytes audience_secret;
    bool reveal;
    uint32_t first_signer;             /* of party 0 in the plan */
    const struct notch_feed_key *keys; /* of all parties */
};

/* An opening that was made: for the file of openings. */
struct notch_feed_opening {
    uint32_t party;
    uint32_t resource;
    struct notch_period period;
    struct notch_amount amount;
    struct notch_commitment commitment;
    struct notch_blinding blinding;
};

/* All entries into the plan. `openings` gets a struct notch_feed_opening for each need; the caller wipes it. */
void notch_feed_party_build(const struct notch_feed_party *feed, struct notch_feed_plan *plan,
                            struct notch_buf *openings, const struct notch_feed_party_options *options);

#endif
