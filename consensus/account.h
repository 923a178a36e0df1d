/*
 * consensus/account.h: what every validator and candidate did, as the chain's own bodies show it, and the set that
 * follows.
 *
 * A fold over the chain: the accounts after a block are a function of those before it and of the block. They are
 * kept for the last final block; for a signal block they are copied and folded on along its branch.
 *
 * Two things are counted. Since the last signal: votes that were good (on the chain in time, head and target on the
 * chain), slots led and blocks made; that gives reputation. Over the last NOTCH__WINDOW voted slots, however old:
 * who voted at all, shadow votes included; that decides who is active (8 L5, 11.2). A voted slot is one with at
 * least one member's vote.
 *
 * Invariants   Items stand in the order of their keys.
 * Limits       NOTCH__ACCOUNTS_MAX; who joins beyond it is not taken up.
 * Source       design/consensus.md 1.8, 1.9, 8 E1 to E5, L5, 9, 11.2.
 */
#ifndef NOTCH_CONSENSUS_ACCOUNT_H
#define NOTCH_CONSENSUS_ACCOUNT_H

#include "chain/evidence.h"
#include "chain/genesis.h"
#include "chain/set.h"

#define NOTCH__ACCOUNTS_MAX 2048
#define NOTCH__WINDOW 256
#define NOTCH__JAIL_SETS 8

enum notch__account_flags {
    NOTCH__ACCOUNT_MEMBER = 1,    /* of the set that was announced last */
    NOTCH__ACCOUNT_CANDIDATE = 2, /* wants to be one */
    NOTCH__ACCOUNT_LEAVING = 4,
    NOTCH__ACCOUNT_BANNED = 8
};

struct notch__account {
    struct notch_key key;
    uint64_t reputation; /* micro-units */
    uint64_t share;      /* normalised weight after the churn limit, before the cap */
    uint32_t flags;
    uint32_t jailed_until;           /* the first set id that may hold it again */
    struct notch_slot punished_slot; /* of the last E4 that counted */
    uint64_t punished_seq;           /* batches (E5) below this count no more */
    uint32_t votes_ok;
    uint32_t led;
    uint32_t produced;
    uint64_t voted[NOTCH__WINDOW / 64]; /* bit i: voted in window slot i */
};

struct notch__accounts {
    struct notch__account *items;
    uint32_t count;
    uint32_t cap;
    uint32_t vote_slots; /* voted slots since the last signal */
    uint32_t window;     /* how many voted slots the window holds at most */
    uint32_t window_used;
    uint32_t window_next;
    struct notch_slot slots[NOTCH__WINDOW]; /* which slot each bit is */
    const struct notch_alloc *alloc;
};

/* The accounts of genesis: its members, with their reputations, in force. */
void notch__accounts_init(struct notch__accounts *accounts, const struct notch_alloc *alloc, uint32_t epoch_slots);
void notch__accounts_fini(struct notch__accounts *accounts);
void notch__accounts_genesis(struct notch__accounts *accounts, const struct notch_genesis *genesis);
void notch__accounts_copy(struct notch__accounts *out, const struct notch__accounts *from);

/* NULL if there is none. */
struct notch__account *notch__accounts_find(const struct notch__accounts *accounts, const struct notch_key *key);

/* Whether somebody waits to come in, or to leave. */
bool notch__accounts_has_due_change(const struct notch__accounts *accounts);

/* Whether `slot` is counted as voted already; if not, and `by_member`, it is from now on and *is_new is set. */
void notch__accounts_vote(struct notch__accounts *accounts, bool *is_new, const struct notch_key *key,
                          struct notch_slot slot, bool by_member, bool is_good);
void notch__accounts_led(struct notch__accounts *accounts, const struct notch_key *leader);
void notch__accounts_produced(struct notch__accounts *accounts, const struct notch_key *proposer);
void notch__accounts_punish(struct notch__accounts *accounts, const struct notch_evidence *evidence, uint32_t set_id);
void notch__accounts_join(struct notch__accounts *accounts, const struct notch_key *key);
void notch__accounts_leave(struct notch__accounts *accounts, const struct notch_key *key);

/*
 * The turn of a set, at its signal block: reputations are settled, the counts begin anew, and `members` (which holds
 * NOTCH_SET_MEMBERS_MAX) is filled with the next set, `reputations` with what each has. `set` is the one in force.
 */
void notch__accounts_turn(struct notch__accounts *accounts, struct notch_member *members, uint64_t *reputations,
                          uint32_t *member_count, const struct notch_set *set);

void notch__accounts_write(struct notch_writer *writer, const struct notch__accounts *accounts);
void notch__accounts_read(struct notch_reader *reader, struct notch__accounts *accounts);

#endif
