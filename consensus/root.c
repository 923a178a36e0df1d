#include "chain/weights.h"
#include "consensus/parts.h"

/*
 * The blob of a base: everything that the chain up to it determines and that its bodies alone would not give back
 * without reading them all; and, node's own, which checkpoint made it final.
 *
 *   version u8; the votes that a child of the base must carry (8 L2), as this node holds them; final checkpoint; store
 *   set index; sets; header, hash, proposer, output, open claims of the base; onchain; tallies; trail; justified
 *   checkpoints; accounts
 *
 * Without those votes, a validator that lost its vote log behind a signal block could never show that the block is
 * final, and nobody could lead the next set. Everything behind them is the same on every node with this base.
 */
#define ROOT_VERSION 1
#define SETS_MAX 64
#define TALLIES_MAX (1u << 20)

static void write_checkpoint(struct notch_writer *writer, const struct notch__checkpoint *checkpoint)
{
    notch_write_u32(writer, checkpoint->set_id);
    /* Raw: the stored form of a slot. */
    notch_write_uvar(writer, checkpoint->at.slot.raw);
    notch_write_hash(writer, &checkpoint->at.hash);
}

static struct notch__checkpoint read_checkpoint(struct notch_reader *reader)
{
    struct notch__checkpoint checkpoint;
    checkpoint.set_id = notch_read_u32(reader);
    /* Raw: the stored form of a slot. */
    checkpoint.at.slot.raw = notch_read_uvar(reader);
    checkpoint.at.hash = notch_read_hash(reader);
    return checkpoint;
}

/* The sets that the base and the store refer to, each once. */
static uint32_t list_sets(const struct notch_consensus *core, const struct notch__set *sets[4])
{
    const struct notch__onchain *at = &core->tree.base->onchain;
    const struct notch__set *all[4] = {at->previous, at->set, at->next, core->store};
    uint32_t count = 0;
    for (unsigned i = 0; i < 4; i++) {
        bool is_there = all[i] == NULL;
        for (uint32_t k = 0; k < count && !is_there; k++) {
            is_there = sets[k] == all[i];
        }
        if (!is_there) {
            sets[count++] = all[i];
        }
    }
    return count;
}

/* 0 for none, else its place in the list plus one. */
static void write_set_index(struct notch_writer *writer, const struct notch__set *const sets[4], uint32_t count,
                            const struct notch__set *set)
{
    uint32_t index = 0;
    for (uint32_t i = 0; i < count; i++) {
        index = sets[i] == set ? i + 1 : index;
    }
    notch_write_uvar(writer, index);
}

static void write_onchain(struct notch_writer *writer, const struct notch__onchain *at,
                          const struct notch__set *const sets[4], uint32_t count)
{
    write_set_index(writer, sets, count, at->set);
    write_set_index(writer, sets, count, at->previous);
    write_set_index(writer, sets, count, at->next);
    write_checkpoint(writer, &at->root);
    write_checkpoint(writer, &at->justified);
    write_checkpoint(writer, &at->finalized);
    /* Raw: the stored form of heights and slots. */
    notch_write_uvar(writer, at->finalized_height.raw);
    notch_write_uvar(writer, at->floor.raw);
    notch_write_uvar(writer, at->signal.slot.raw);
    notch_write_hash(writer, &at->signal.hash);
    notch_write_hash(writer, &at->mix);
    notch_write_uvar(writer, at->carrier.raw);
    notch_write_u8(writer, at->is_handed_over);
    notch_write_uvar(writer, at->handed_over.raw);
}

static void write_base(struct notch_writer *writer, const struct notch__block *base)
{
    notch_header_encode(writer, &base->header);
    notch_write_hash(writer, &base->hash);
    notch_write_key(writer, &base->proposer);
    notch_write_hash(writer, &base->output);
    notch_write_u8(writer, base->has_open_claims);
    notch_write_uvar(writer, base->tallies.count);
    for (uint32_t i = 0; i < base->tallies.count; i++) {
        const struct notch__tally *tally = &base->tallies.items[i];
        notch_vote_data_encode(writer, &tally->data);
        uint32_t words = NOTCH__BITS_WORDS;
        while (words > 0 && tally->bits.word[words - 1] == 0) {
            words--;
        }
        notch_write_u8(writer, (uint8_t)words);
        for (uint32_t k = 0; k < words; k++) {
            notch_write_uvar(writer, tally->bits.word[k]);
        }
    }
}

void notch__root_write(const struct notch_consensus *core, struct notch_buf *out, struct notch_bytes due)
{
    struct notch_writer writer = notch_writer_grow(out);
    const struct notch__set *sets[4] = {NULL};
    uint32_t count = list_sets(core, sets);
    notch_write_u8(&writer, ROOT_VERSION);
    notch_write_blob(&writer, due);
    write_checkpoint(&writer, &core->final);
    notch_write_uvar(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        notch_set_encode(&writer, &sets[i]->set);
        for (uint32_t k = 0; k < sets[i]->set.count; k++) {
            notch_write_uvar(&writer, sets[i]->reputations[k]);
        }
        notch_write_hash(&writer, &sets[i]->seed);
    }
    write_set_index(&writer, sets, count, core->store);
    write_onchain(&writer, &core->tree.base->onchain, sets, count);
    write_base(&writer, core->tree.base);
    notch_write_uvar(&writer, core->tree.trail_count);
    for (uint32_t i = 0; i < core->tree.trail_count; i++) {
        /* Raw: the stored form of heights and slots. */
        notch_write_hash(&writer, &core->tree.trail[i].hash);
        notch_write_uvar(&writer, core->tree.trail[i].height.raw);
        notch_write_uvar(&writer, core->tree.trail[i].slot.raw);
    }
    notch_write_uvar(&writer, core->justified.count);
    for (uint32_t i = 0; i < core->justified.count; i++) {
        write_checkpoint(&writer, &core->justified.items[i]);
    }
    notch__accounts_write(&writer, &core->accounts);
}

static const struct notch__set *read_set_index(struct notch_reader *reader, const struct notch__set *const *sets,
                                               uint64_t count)
{
    uint64_t index = notch_read_uvar_max(reader, count);
    return index > 0 ? sets[index - 1] : NULL;
}

static void read_onchain(struct notch_reader *reader, struct notch__onchain *at, const struct notch__set *const *sets,
                         uint64_t count)
{
    at->set = read_set_index(reader, sets, count);
    at->previous = read_set_index(reader, sets, count);
    at->next = read_set_index(reader, sets, count);
    at->root = read_checkpoint(reader);
    at->justified = read_checkpoint(reader);
    at->finalized = read_checkpoint(reader);
    /* Raw: the stored form of heights and slots. */
    at->finalized_height.raw = notch_read_uvar(reader);
    at->floor.raw = notch_read_uvar(reader);
    at->signal.slot.raw = notch_read_uvar(reader);
    at->signal.hash = notch_read_hash(reader);
    at->mix = notch_read_hash(reader);
    at->carrier.raw = notch_read_uvar(reader);
    at->is_handed_over = notch_read_u8(reader) != 0;
    at->handed_over.raw = notch_read_uvar(reader);
    if (at->set == NULL) {
        notch_reader_fail(reader);
    }
}

static const struct notch__set *read_set(struct notch_consensus *core, struct notch_reader *reader)
{
    const struct notch_alloc *alloc = core->options.alloc;
    struct notch_member *members = notch_alloc_array(alloc, NOTCH_SET_MEMBERS_MAX, sizeof *members);
    uint64_t *reputations = notch_alloc_array(alloc, NOTCH_SET_MEMBERS_MAX, sizeof *reputations);
    const struct notch__set *added = NULL;
    struct notch_set set;
    struct notch_reject reject = notch_set_decode(&set, members, NOTCH_SET_MEMBERS_MAX, reader, core->options.domain);
    for (uint32_t k = 0; notch_is_valid(reject) && k < set.count; k++) {
        reputations[k] = notch_read_uvar(reader);
    }
    struct notch_hash seed = notch_read_hash(reader);
    if (notch_is_valid(reject) && !reader->failed) {
        added = notch__sets_add(core, set.id, members, reputations, set.count, &seed);
    } else {
        notch_reader_fail(reader);
    }
    notch_free(alloc, members, NOTCH_SET_MEMBERS_MAX * sizeof *members);
    notch_free(alloc, reputations, NOTCH_SET_MEMBERS_MAX * sizeof *reputations);
    return added;
}

static void read_tallies(struct notch_reader *reader, struct notch__block *base)
{
    uint64_t count = notch_read_uvar_max(reader, TALLIES_MAX);
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        struct notch__tally tally = {0};
        notch_vote_data_decode(&tally.data, reader);
        uint8_t words = notch_read_u8(reader);
        if (words > NOTCH__BITS_WORDS) {
            notch_reader_fail(reader);
            return;
        }
        for (uint8_t k = 0; k < words; k++) {
            tally.bits.word[k] = notch_read_uvar(reader);
        }
        (void)notch__tallies_add(&base->tallies, &tally);
    }
}

static bool read_base(struct notch_consensus *core, struct notch_reader *reader, const struct notch__onchain *onchain)
{
    struct notch_header header;
    struct notch_reject reject = notch_header_decode(&header, reader);
    struct notch_hash hash = notch_read_hash(reader);
    if (!notch_is_valid(reject) || reader->failed) {
        return false;
    }
    struct notch__block *base = notch__tree_add(&core->tree, &hash, &header, NULL);
    base->stage = NOTCH__STAGE_VALID;
    base->in_view = true;
    base->is_executed = true;
    base->onchain = *onchain;
    base->proposer = notch_read_key(reader);
    base->output = notch_read_hash(reader);
    base->has_open_claims = notch_read_u8(reader) != 0;
    read_tallies(reader, base);
    return !reader->failed;
}

static void read_trail(struct notch_consensus *core, struct notch_reader *reader)
{
    uint64_t count = notch_read_uvar_max(reader, notch_reader_left(reader) / 34 + 1);
    if (count == 0) {
        return;
    }
    core->tree.trail = notch_alloc_array(core->options.alloc, (size_t)count, sizeof *core->tree.trail);
    core->tree.trail_cap = (uint32_t)count;
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        struct notch__trail_item *item = &core->tree.trail[core->tree.trail_count++];
        item->hash = notch_read_hash(reader);
        /* Raw: the stored form of heights and slots. */
        item->height.raw = notch_read_uvar(reader);
        item->slot.raw = notch_read_uvar(reader);
    }
}

bool notch__root_read(struct notch_consensus *core, struct notch_bytes blob)
{
    struct notch_reader reader = notch_reader(blob);
    if (notch_read_u8(&reader) != ROOT_VERSION) {
        return false;
    }
    struct notch_bytes due = notch_read_blob(&reader, notch_reader_left(&reader));
    core->final = read_checkpoint(&reader);
    const struct notch__set *sets[4] = {NULL};
    uint64_t count = notch_read_uvar_max(&reader, NOTCH_ARRAY_LEN(sets));
    for (uint64_t i = 0; i < count && !reader.failed; i++) {
        sets[i] = read_set(core, &reader);
    }
    core->store = read_set_index(&reader, sets, count);
    struct notch__onchain onchain = {0};
    read_onchain(&reader, &onchain, sets, count);
    if (reader.failed || core->store == NULL || !read_base(core, &reader, &onchain)) {
        return false;
    }
    read_trail(core, &reader);
    uint64_t justified = notch_read_uvar_max(&reader, notch_reader_left(&reader) / 37 + 1);
    for (uint64_t i = 0; i < justified && !reader.failed; i++) {
        struct notch__checkpoint checkpoint = read_checkpoint(&reader);
        notch__checkpoints_add(&core->justified, &checkpoint);
    }
    notch__accounts_read(&reader, &core->accounts);
    core->greatest = core->final;
    size_t votes;
    if (!notch_reader_done(&reader) || !notch_is_valid(notch_votes_check(&votes, due, SIZE_MAX))) {
        return false;
    }
    struct notch_vote vote;
    for (struct notch_votes_iter iter = notch_votes_iter(due); notch_votes_next(&iter, &vote);) {
        notch__vote_take_known(core, &vote);
    }
    return true;
}

void notch__root_genesis(struct notch_consensus *core)
{
    const struct notch_genesis *genesis = core->options.genesis;
    notch__accounts_genesis(&core->accounts, genesis);
    struct notch_member members[NOTCH_SET_MEMBERS_MAX];
    uint64_t weights[NOTCH_SET_MEMBERS_MAX];
    uint64_t reputations[NOTCH_SET_MEMBERS_MAX];
    notch_weights_of_genesis(weights, genesis);
    for (uint32_t i = 0; i < genesis->member_count; i++) {
        reputations[i] = genesis->members[i].reputation;
        members[i] = (struct notch_member){genesis->members[i].key, weights[i]};
    }
    core->store = notch__sets_add(core, 0, members, reputations, genesis->member_count, &genesis->seed);
    struct notch_header header = {.slot = genesis->slot0, .time = genesis->time0};
    const struct notch_hash *hash = &core->options.domain->genesis;
    struct notch__block *base = notch__tree_add(&core->tree, hash, &header, NULL);
    base->stage = NOTCH__STAGE_VALID;
    base->in_view = true;
    base->is_executed = true;
    struct notch__onchain *at = &base->onchain;
    at->set = core->store;
    at->root = (struct notch__checkpoint){0, {genesis->slot0, *hash}};
    at->justified = at->root;
    at->finalized = at->root;
    at->mix = genesis->seed;
    /* The first set needs no hand-over. */
    at->is_handed_over = true;
    core->final = at->root;
    core->greatest = at->root;
    notch__checkpoints_add(&core->justified, &at->root);
}
