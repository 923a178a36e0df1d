/*
 * consensus/ffg.h: which checkpoints a set of votes justifies, and which it finalises.
 *
 * One function serves the chain's own accounting and the local view: it sees links (votes of equal content, as a
 * bitmap of their voters) and knows nothing of where they came from. Who calls it has left out the votes that are
 * not valid (8 S5).
 *
 *   (T, c) is justified   by a quorum of votes of slot c with target T whose sources are justified; sources may differ
 *   (B, c) is final       if it is justified and a quorum of votes of slot c + 1 has it as source, whatever their
 *   target
 *
 * Source       design/consensus.md 1.7, 8 S4 (finality looks at the source alone), S7 (an equivocator counts for
 *              each).
 */
#ifndef NOTCH_CONSENSUS_FFG_H
#define NOTCH_CONSENSUS_FFG_H

#include "chain/set.h"
#include "chain/vote.h"

/* A checkpoint, and the set whose votes it is about. */
struct notch__checkpoint {
    uint32_t set_id;
    struct notch_checkpoint at;
};

static inline bool notch__checkpoint_eq(const struct notch__checkpoint *a, const struct notch__checkpoint *b)
{
    return a->set_id == b->set_id && notch_slot_cmp(a->at.slot, b->at.slot) == 0 &&
           notch_hash_eq(&a->at.hash, &b->at.hash);
}

/* The order of checkpoints: by set, then by slot. */
static inline int notch__checkpoint_cmp(const struct notch__checkpoint *a, const struct notch__checkpoint *b)
{
    if (a->set_id != b->set_id) {
        return a->set_id < b->set_id ? -1 : 1;
    }
    return notch_slot_cmp(a->at.slot, b->at.slot);
}

/* Members of a set. 1024 bits. */
#define NOTCH__BITS_WORDS 16
struct notch__bits {
    uint64_t word[NOTCH__BITS_WORDS];
};

static inline bool notch__bits_get(const struct notch__bits *bits, uint32_t index)
{
    return (bits->word[index / 64] >> (index % 64) & 1) != 0;
}

static inline void notch__bits_set(struct notch__bits *bits, uint32_t index)
{
    bits->word[index / 64] |= (uint64_t)1 << (index % 64);
}

static inline void notch__bits_or(struct notch__bits *bits, const struct notch__bits *more)
{
    for (unsigned i = 0; i < NOTCH__BITS_WORDS; i++) {
        bits->word[i] |= more->word[i];
    }
}

/* The weight of the members whose bits are set. */
uint64_t notch__bits_weight(const struct notch__bits *bits, const struct notch_set *set);

/* Votes of one set and slot with the same source and target. */
struct notch__link {
    const struct notch_vote_data *data;
    const struct notch__bits *bits;
};

/* A growing list of checkpoints in ascending order of slot. */
struct notch__checkpoints {
    struct notch__checkpoint *items;
    uint32_t count;
    uint32_t cap;
    const struct notch_alloc *alloc;
};

void notch__checkpoints_init(struct notch__checkpoints *list, const struct notch_alloc *alloc);
void notch__checkpoints_fini(struct notch__checkpoints *list);
void notch__checkpoints_add(struct notch__checkpoints *list, const struct notch__checkpoint *checkpoint);
bool notch__checkpoints_has(const struct notch__checkpoints *list, const struct notch__checkpoint *checkpoint);

/* Drops those below `floor`, whatever their set. */
void notch__checkpoints_prune(struct notch__checkpoints *list, struct notch_slot floor);

/*
 * Adds to `justified` what the links justify, starting from what is in it, and sets *final to the greatest final
 * checkpoint of the set (left alone if there is none). The links are of `set` and in ascending order of slot.
 */
void notch__ffg_run(struct notch__checkpoints *justified, struct notch__checkpoint *final, const struct notch_set *set,
                    const struct notch__link *links, size_t count);

#endif
