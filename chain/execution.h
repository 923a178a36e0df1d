/*
 * chain/execution.h: the executing of one block. Inside of the ledger.
 *
 * The memory of an execution stays with the ledger and is used again for the next block: nothing is allocated per
 * record once it has grown.
 *
 *      execute.c            the block: claims that settle, batches, writes of consensus, roots
 *      execute_record.c     one record: ref, expiry, account, salt, quota; then its entries through the apply table
 *      execute_account.c    accounts touched by the block: loaded once, written once; feeds and quotas
 *      execute_claim.c      claims that settle in this block
 */
#ifndef NOTCH_CHAIN_EXECUTION_H
#define NOTCH_CHAIN_EXECUTION_H

#include "base/map.h"
#include "chain/batch.h"
#include "chain/index.h"
#include "chain/ledger.h"
#include "chain/nodes.h"

#define NOTCH__ROWS (NOTCH_ENTRY_TYPE_MAX + 1)
#define NOTCH__REFS 64
#define NOTCH__NO_FEED UINT32_MAX

/* What a block hands on to its child beside its result. */
struct notch__chain_tip {
    struct notch_merkle history;
    uint64_t claim_first; /* open claims are [first, next) */
    uint64_t claim_next;
    uint64_t pauses; /* paused slots so far */
};

/* An account that the block touches. */
struct notch__account {
    struct notch_key id;
    struct notch_account state;
    uint64_t reputation;
    uint32_t feed_first; /* of its records in this block: index into feeds */
    uint32_t feed_last;
    bool is_dirty;
};

struct notch__author {
    uint32_t account; /* index */
    bool is_active;
};

/* The leaf of an accepted record, and the next one of the same account. */
struct notch__feed {
    struct notch_hash leaf;
    uint32_t next;
};

/* A ref that was looked up: the records of a block name few. */
struct notch__ref {
    struct notch_hash hash;
    bool is_used;
    bool is_known;
    struct notch_slot slot;
};

struct notch_execution {
    /* for the life of the ledger */
    const struct notch_genesis *genesis;
    const struct notch_domain *domain;
    const struct notch_alloc *alloc;
    const struct notch_apply_row *rows[NOTCH__ROWS];
    struct notch__node_cache *cache;
    struct notch_smt *smt;
    struct notch_index_builder *index;
    struct notch_apply apply;

    /* of one block */
    const struct notch_store_view *view;
    struct notch_layer *layer;
    const struct notch_ledger_block *block;
    struct notch_ledger_result *result;
    struct notch__chain_tip *tip;
    struct notch_merkle receipts_tree;
    struct notch_buf receipts;
    struct notch_buf row_batches;
    struct notch_map authors;       /* key -> notch__author */
    struct notch_map account_index; /* account id -> uint32_t */
    struct notch__account *accounts;
    uint32_t account_count, account_cap;
    struct notch__feed *feeds;
    uint32_t feed_count, feed_cap;
    struct notch_quota newcomers;
    bool newcomers_known, newcomers_dirty;
    struct notch__ref refs[NOTCH__REFS];
    struct notch_buf value; /* scratch: what notch_apply_get() gives */
    struct notch_buf scratch;
    struct notch_smt_change *changes;
    uint32_t change_cap;
    struct notch_receipt receipt;
};

void notch__execution_init(struct notch_execution *execution, const struct notch_ledger_options *options);
void notch__execution_fini(struct notch_execution *execution);

/* Runs the block into `layer`; fills *result and moves *tip (the parent's, a copy) on. */
NOTCH_MUST_USE enum notch_err notch__execute(struct notch_execution *execution, const struct notch_store_view *view,
                                             struct notch_layer *layer, const struct notch_ledger_block *block,
                                             struct notch_ledger_result *result, struct notch__chain_tip *tip);

/* Height 0: the members of the genesis; of `block` only the writes and next_set, which is set 0, are looked at. */
NOTCH_MUST_USE enum notch_err notch__execute_genesis(struct notch_execution *execution,
                                                     const struct notch_store_view *view, struct notch_layer *layer,
                                                     const struct notch_ledger_block *block,
                                                     struct notch_ledger_result *result, struct notch__chain_tip *tip);

/* The batch as checked; known NULL: the id is computed. Gives the id. Appends to the receipts. */
NOTCH_MUST_USE enum notch_err notch__execute_record(struct notch_execution *execution, struct notch_hash *id,
                                                    const struct notch_batch *batch, struct notch_bytes bytes,
                                                    const struct notch_hash *known);

/* Claims whose time has come. */
NOTCH_MUST_USE enum notch_err notch__execute_settle(struct notch_execution *execution);

/* Accounts. */
NOTCH_MUST_USE enum notch_err notch__account_of(struct notch_execution *execution, uint32_t *index, bool *is_active,
                                                const struct notch_key *author);

/* What consensus has written for a key; 0 where there is none. */
NOTCH_MUST_USE enum notch_err notch__reputation_of(struct notch_execution *execution, uint64_t *out,
                                                   const struct notch_key *id);
void notch__account_feed(struct notch_execution *execution, uint32_t index, const struct notch_hash *record_id);

/* Whether `bytes` more fit the account's quota of this set; takes them if so. */
NOTCH_MUST_USE enum notch_err notch__account_quota(struct notch_execution *execution, bool *fits, uint32_t index,
                                                   uint64_t bytes);
NOTCH_MUST_USE enum notch_err notch__execution_write_accounts(struct notch_execution *execution);
void notch__accounts_reset(struct notch_execution *execution);

/* State below the apply table. */
NOTCH_MUST_USE enum notch_err notch__state_get(struct notch_execution *execution, struct notch_bytes *value,
                                               const struct notch_store_key *key);
void notch__state_put(struct notch_execution *execution, const struct notch_store_key *key, struct notch_bytes value);

/* Encodes the row of a block (chain/lookup.h). */
void notch__block_row_write(struct notch_buf *out, const struct notch_ledger_result *result, uint64_t position,
                            uint32_t batch_count, struct notch_bytes batches);

#endif
