/*
 * chain/ledger.h: the one machine that executes blocks: records in, state, receipts and indexes out.
 *
 *      execute(block on its parent)  ->  a layer: state root, receipts root, history for the child's header
 *      finalize(block)               ->  a commit: the layers from the base up to the block, and the new base
 *      done(token)                   ->  the layers are dropped, with all that does not descend from the new base
 *
 * The base is the last block whose keys were given to a commit: the last final one, or a later one that was flushed
 * early. Everything newer is a layer in memory (chain/layer.h), found again after a crash by executing the bodies
 * once more.
 *
 * What counts (design/consensus.md 8, T):
 *   effective slot   of a record: the greatest of slot(record.ts), slot(batch.ts) and the slot of the including block
 *   ref              an ancestor of the block: else UNKNOWN_REF; and EXPIRED where the effective slot is greater than
 *                    slot(ref) + expiry
 *   (author, salt)   the first accepted occurrence in chain order counts; the others are DUPLICATE
 *   rejected         records stay on the chain with their receipt. They take no salt, no quota, no place in the
 *                    author's feed and none in the lists: the same content may be signed again with a newer ref
 *   claims           on one key settle when header.finalized.slot >= slot of the first claim's block + settle + the
 *                    slots that were paused since (at most NOTCH_LEDGER_PAUSE_MAX)
 *   accepted         records are in their author's feed, in chain order, whatever became of their entries
 * No record can make a block invalid; an error of execute() is always ours.
 *
 * Invariants   The result is a function of the genesis and the blocks of that chain: not of forks seen, order of
 *              execution, hash key, restarts or what was flushed when. undo(flush(x)) == x.
 * Ownership    The ledger borrows genesis, domain, rows and the view. Batches and writes of a block are borrowed
 *              during execute(). A commit is the caller's.
 * Limits       layers_max blocks in memory (then SPACE: finalize, flush or drop first). NOTCH_LEDGER_SETTLE_MAX
 *              claims are settled in one block.
 * Thread       One at a time. Other threads read what is final through chain/lookup.h and a view of their own.
 * Errors       IO and CORRUPT from the view; NOT_FOUND for a block that is not known; SPACE.
 */
#ifndef NOTCH_CHAIN_LEDGER_H
#define NOTCH_CHAIN_LEDGER_H

#include "chain/apply.h"
#include "chain/block.h"
#include "chain/genesis.h"
#include "chain/lookup.h"
#include "chain/merkle.h"
#include "chain/set.h"

#define NOTCH_LEDGER_LAYERS_MAX 4096
#define NOTCH_LEDGER_SETTLE_MAX 20000
#define NOTCH_LEDGER_PAUSE_MAX 86400

struct notch_ledger;

struct notch_ledger_options {
    const struct notch_genesis *genesis;
    const struct notch_domain *domain;
    const struct notch_crypto *crypto;
    const struct notch_alloc *alloc;
    struct notch_siphash_key hash_key;
    const struct notch_apply_row *rows; /* the apply table; a type without a row is UNKNOWN_TYPE */
    size_t row_count;
    uint32_t layers_max; /* 1 .. NOTCH_LEDGER_LAYERS_MAX */
};

/* INVALID: an option is out of its bounds, or two rows have one type. */
NOTCH_MUST_USE enum notch_err notch_ledger_create(struct notch_ledger **out,
                                                  const struct notch_ledger_options *options);
void notch_ledger_destroy(struct notch_ledger *ledger);

/* A write of consensus to the state: its keys begin with NOTCH_STATE_CONSENSUS or NOTCH_STATE_REPUTATION. */
struct notch_state_write {
    struct notch_bytes key;
    struct notch_bytes value; /* data NULL: delete */
};

/* What executing a block gave, and what a base is. */
struct notch_ledger_result {
    struct notch_hash block;
    struct notch_hash parent;
    struct notch_height height;
    struct notch_slot slot;
    struct notch_time time;
    struct notch_hash state_root;    /* the child's header.parent_state_root */
    struct notch_hash receipts_root; /* the child's header.parent_receipts_root */
    struct notch_hash history_root;  /* the child's header.history_root: the blocks 0 .. height */
    uint32_t records;                /* in this block */
    uint32_t accepted;               /* of them, not rejected as a whole */
    uint32_t entries;                /* of the accepted ones */
    uint64_t records_total;          /* on the chain so far */
    uint64_t accepted_total;
    uint64_t entries_total;
    uint64_t open_claims;  /* not settled yet: a quiet chain stays awake for them */
    uint32_t change_count; /* of membership, recorded in this block */
    struct notch_member_change changes[NOTCH_MEMBER_CHANGES_MAX];
    uint64_t accounted; /* of a base: the body position behind which the bodies are to be read again */
};

/*
 * A new chain: the block of height 0 is executed (members of the genesis, set 0, further writes of consensus) and is
 * the base; its keys go into the commit. The view is empty; it is used from now on.
 */
NOTCH_MUST_USE enum notch_err notch_ledger_genesis(struct notch_ledger *ledger, struct notch_commit *commit,
                                                   const struct notch_store_view *view, const struct notch_set *set,
                                                   const struct notch_state_write *writes, size_t write_count);

/* A known chain: reads the base from the view, which is used until the next open() or notch_ledger_set_view().
 * NOT_FOUND: the view holds no chain. */
NOTCH_MUST_USE enum notch_err notch_ledger_open(struct notch_ledger *ledger, const struct notch_store_view *view);
void notch_ledger_set_view(struct notch_ledger *ledger, const struct notch_store_view *view);

/* A batch of the block, in the order of the body. It was checked (notch_batch_check) before. */
struct notch_ledger_batch {
    struct notch_hash id;
    struct notch_bytes bytes;            /* encoded */
    uint64_t position;                   /* of its body in the log */
    const struct notch_hash *record_ids; /* of its records, where the check kept them; NULL: computed again */
};

struct notch_ledger_block {
    const struct notch_header *header;
    struct notch_hash hash;
    uint64_t position; /* of the block in the bodies log */
    const struct notch_ledger_batch *batches;
    uint32_t batch_count;
    const struct notch_state_write *writes; /* of consensus, done after the records; keys without repetition */
    size_t write_count;
    const struct notch_set *next_set; /* of a signal block: goes into the state; else NULL */
    /* It carries votes, and they show 3/4 of the weight in none of their slots: its slots do not count towards the
     * settlement of claims (8 T3). */
    bool is_paused;
    struct notch_hash vrf; /* the random value of this block: breaks ties between claims (8 T2) */
};

/* Executes a block on its parent: the base or a layer. A block that was executed already gives its result again. */
NOTCH_MUST_USE enum notch_err notch_ledger_execute(struct notch_ledger *ledger, struct notch_ledger_result *result,
                                                   const struct notch_ledger_block *block);

/* The result of a block that is the base or a layer; NULL where it is neither. Valid until the next call that
 * changes. */
const struct notch_ledger_result *notch_ledger_result(const struct notch_ledger *ledger,
                                                      const struct notch_hash *block);
const struct notch_ledger_result *notch_ledger_base(const struct notch_ledger *ledger);

/*
 * `block` is final: appends the keys of the layers up to it to the commit, and makes it the base. commit->token
 * names the flush; `accounted` is the body position up to which nothing needs to be read again after a restart.
 * Layers that do not descend from the new base are dropped at once, those that were flushed when done(token) says
 * that they are on disk. NOT_FOUND: not a layer, nor the base (where it is a no-op).
 */
NOTCH_MUST_USE enum notch_err notch_ledger_finalize(struct notch_ledger *ledger, struct notch_commit *commit,
                                                    const struct notch_hash *block, uint64_t accounted);
void notch_ledger_done(struct notch_ledger *ledger, uint64_t token);

/*
 * Moves the base up by one block that is not final, to give its memory back during a long non-finality; its undo record
 * goes with it, and is removed by the finalize() of a descendant. Its siblings stay away: undo() before turning to
 * them. INVALID: not a child of the base.
 */
NOTCH_MUST_USE enum notch_err notch_ledger_flush(struct notch_ledger *ledger, struct notch_commit *commit,
                                                 const struct notch_hash *block, uint64_t accounted);

/* Moves the base back to its parent. All layers are dropped. Only when nothing awaits its done(): BUSY. NOT_FOUND: the
 * base was final. */
NOTCH_MUST_USE enum notch_err notch_ledger_undo(struct notch_ledger *ledger, struct notch_commit *commit);

/* Drops a layer with all its descendants; unknown blocks are ignored. */
void notch_ledger_drop(struct notch_ledger *ledger, const struct notch_hash *block);

/* How many layers there are, and the memory they hold. */
uint32_t notch_ledger_layers(const struct notch_ledger *ledger, size_t *bytes);

/* What look-ups on the chain of `block` go through (NULL: the base). NOT_FOUND. Valid until the ledger changes. */
NOTCH_MUST_USE enum notch_err notch_ledger_lookup(const struct notch_ledger *ledger, struct notch_lookup *out,
                                                  const struct notch_hash *block);

#endif
