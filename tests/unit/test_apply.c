/*
 * The apply table, entry type by entry type: one entry, one record, one block, and what the receipt says.
 */
#include "chain/smt.h"
#include "tests/support/gen.h"
#include "tests/support/ledger.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A chain that grows by one record a block. */
struct world {
    struct notch_test_chain chain;
    struct notch_test_ledger test;
    struct notch_ledger_result tip;
    struct notch_checkpoint finalized; /* what headers say */
    struct notch_entry_ref last;       /* the entry executed last */
    uint64_t salt;
    uint64_t slots; /* to the next block */
    uint64_t ts_ms;
    uint64_t batch_ts_ms;
    bool is_paused;
};

static void world_init(struct world *world, enum notch_mode mode, uint32_t members)
{
    memset(world, 0, sizeof *world);
    notch_test_chain_init(&world->chain, mode, notch_crypto_standin(), members);
    notch_test_ledger_init(&world->test, &world->chain, 5);
    world->tip = *notch_ledger_base(world->test.ledger);
    world->finalized = (struct notch_checkpoint){world->chain.genesis.slot0, world->chain.genesis_hash};
    world->slots = 1;
    world->ts_ms = NOTCH_TEST_NOW_MS;
}

static void world_fini(struct world *world)
{
    notch_test_ledger_fini(&world->test);
    notch_test_chain_fini(&world->chain);
}

/* Executes a block of these records (none: an empty block) and makes it the tip. */
static void run_records(struct world *world, const struct notch_buf *records, uint32_t count)
{
    struct notch_test_block block;
    notch_test_block_init(&block, &world->chain, &world->tip, world->slots, &world->finalized);
    block.is_paused = world->is_paused;
    block.batch_ts_ms = world->batch_ts_ms;
    if (count > 0) {
        notch_test_block_add(&block, &world->chain, records, count);
    }
    notch_test_block_seal(&block, &world->chain);
    assert_int_equal(notch_test_ledger_run(&world->test, &block), NOTCH_OK);
    world->tip = block.result;
    world->last = (struct notch_entry_ref){count > 0 ? block.ids[0] : world->last.record, 0};
    size_t bytes;
    if (notch_ledger_layers(world->test.ledger, &bytes) > 40) {
        notch_test_ledger_finalize(&world->test, &block.hash);
    }
    notch_test_block_fini(&block);
}

static struct notch_receipt receipt_at(const struct world *world, uint32_t ordinal)
{
    static struct notch_receipt receipt;
    struct notch_lookup lookup;
    assert_int_equal(notch_ledger_lookup(world->test.ledger, &lookup, &world->tip.block), NOTCH_OK);
    assert_int_equal(notch_lookup_receipt(&lookup, &receipt, world->tip.height, ordinal), NOTCH_OK);
    return receipt;
}

static struct notch_outcome run(struct world *world, uint32_t author, const struct notch_entry *entry)
{
    struct notch_test_draft draft = {author, world->ts_ms, world->chain.genesis_hash, ++world->salt, entry, 1};
    struct notch_buf record;
    notch_buf_init(&record, notch_alloc_heap());
    notch_test_draft_build(&record, &world->chain, &draft);
    run_records(world, &record, 1);
    notch_buf_fini(&record);
    struct notch_receipt receipt = receipt_at(world, 0);
    return notch_receipt_outcome(&receipt, 0);
}

#define assert_applied(outcome) assert_int_equal((outcome).type, NOTCH_APPLIED)

static void assert_rejected(struct notch_outcome outcome, enum notch_reject_code code)
{
    assert_int_equal(outcome.type, NOTCH_REJECTED);
    assert_int_equal(outcome.code, code);
}

/* The value of a state key at the tip; its length, 0 where there is none. */
static struct notch_bytes state_value(const struct world *world, const struct notch_store_key *key)
{
    static struct notch_buf value;
    notch_buf_fini(&value);
    notch_buf_init(&value, notch_alloc_heap());
    struct notch_lookup lookup;
    assert_int_equal(notch_ledger_lookup(world->test.ledger, &lookup, &world->tip.block), NOTCH_OK);
    enum notch_err err = notch_lookup_state(&lookup, &value, notch_store_key_bytes(key));
    assert_true(err == NOTCH_OK || err == NOTCH_ERR_NOT_FOUND);
    return notch_buf_bytes(&value);
}

static struct notch_hash resource_of(uint8_t n)
{
    return (struct notch_hash){{n, 1}};
}

static const struct notch_period week = {{NOTCH_TEST_NOW_MS}, 604800000};

static struct notch_entry capacity_entry(uint8_t resource, int64_t amount)
{
    struct notch_entry entry = {.type = NOTCH_ENTRY_CAPACITY};
    entry.as.capacity.resource = resource_of(resource);
    entry.as.capacity.period = week;
    entry.as.capacity.amount.raw = amount;
    return entry;
}

static struct notch_blinding blinding_of(uint8_t n)
{
    uint8_t entropy[64] = {n, 1};
    struct notch_blinding out;
    notch_blinding_from_entropy(&out, entropy);
    return out;
}

static struct notch_entry commit_entry(uint8_t resource, int64_t amount, uint8_t blinding)
{
    struct notch_entry entry = {.type = NOTCH_ENTRY_NEED_COMMIT};
    entry.as.need_commit.resource = resource_of(resource);
    entry.as.need_commit.period = week;
    struct notch_blinding hidden = blinding_of(blinding);
    assert_true(notch_commit_amount(&entry.as.need_commit.commitment, (struct notch_amount){amount}, &hidden));
    return entry;
}

static struct notch_entry reveal_entry(uint8_t resource, int64_t amount, uint8_t blinding)
{
    struct notch_entry entry = {.type = NOTCH_ENTRY_NEED_REVEAL};
    entry.as.need_reveal.resource = resource_of(resource);
    entry.as.need_reveal.period = week;
    entry.as.need_reveal.amount.raw = amount;
    entry.as.need_reveal.blinding = blinding_of(blinding);
    return entry;
}

static struct notch_entry allocation_entry(const struct world *world, uint32_t provider, uint32_t recipient,
                                           uint64_t sequence, uint8_t resource, int64_t amount)
{
    const struct notch_test_chain *chain = &world->chain;
    struct notch_entry entry = {.type = NOTCH_ENTRY_ALLOCATION};
    struct notch_allocation *allocation = &entry.as.allocation;
    allocation->provider = chain->signers[provider].key;
    allocation->recipient = chain->signers[recipient].key;
    allocation->sequence = sequence;
    allocation->resource = resource_of(resource);
    allocation->period = week;
    allocation->amount.raw = amount;
    struct notch_hash sighash;
    notch_allocation_sighash(&sighash, &chain->domain, allocation);
    assert_true(notch_sign(chain->crypto, &allocation->provider_sig, &chain->signers[provider], &sighash));
    assert_true(notch_sign(chain->crypto, &allocation->recipient_sig, &chain->signers[recipient], &sighash));
    return entry;
}

/* ---- */

static void test_lists_and_inactive(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_rng rng;
    notch_rng_init(&rng, 1);
    static const struct {
        enum notch_entry_type type;
        bool is_applied;
    } cases[] = {
        {NOTCH_ENTRY_INSIGHT, true},           {NOTCH_ENTRY_SEALED, true},
        {NOTCH_ENTRY_RECOGNITION, true},       {NOTCH_ENTRY_MODEL, true},
        {NOTCH_ENTRY_ALLOCATION_CERT, false},  {NOTCH_ENTRY_CHALLENGE_COMMIT, false},
        {NOTCH_ENTRY_CHALLENGE_REVEAL, false}, {NOTCH_ENTRY_WITNESS, false},
    };
    static struct notch_test_entry entry;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(cases); i++) {
        notch_test_entry(&entry, &rng, &world.chain, cases[i].type, 3);
        struct notch_outcome outcome = run(&world, 3, &entry.entry);
        if (cases[i].is_applied) {
            assert_applied(outcome);
        } else {
            assert_rejected(outcome, NOTCH_REJECT_NOT_ACTIVE);
        }
    }
    world_fini(&world);
}

static void test_unknown_type(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_buf entries, record;
    notch_buf_init(&entries, notch_alloc_heap());
    notch_buf_init(&record, notch_alloc_heap());
    notch_entry_append_raw(&entries, 4711, notch_bytes("hello", 5));
    struct notch_rng rng;
    notch_rng_init(&rng, 2);
    notch_test_record_of(&record, &rng, &world.chain, 3, notch_buf_bytes(&entries));
    run_records(&world, &record, 1);
    struct notch_receipt receipt = receipt_at(&world, 0);
    assert_rejected(notch_receipt_outcome(&receipt, 0), NOTCH_REJECT_UNKNOWN_TYPE);
    assert_int_equal(world.tip.accepted, 1); /* the record counts, its entry does nothing */
    notch_buf_fini(&entries);
    notch_buf_fini(&record);
    world_fini(&world);
}

static void test_recognition(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_store_key key = notch_state_key_32(NOTCH_STATE_RECOGNITION, world.chain.signers[3].key.raw);
    for (int32_t i = 1; i < 4; i++) {
        uint8_t raw[64];
        struct notch_writer writer = notch_writer(raw, sizeof raw);
        struct notch_share share = {world.chain.signers[1].key, {i * 1000}};
        notch_share_put(&writer, &share);
        struct notch_entry entry = {.type = NOTCH_ENTRY_RECOGNITION};
        entry.as.recognition = (struct notch_recognition){1, notch_writer_bytes(&writer)};
        assert_applied(run(&world, 3, &entry));
        struct notch_bytes value = state_value(&world, &key);
        assert_int_equal(value.len, 32 + 1 + notch_writer_bytes(&writer).len);
        assert_memory_equal(value.data, world.last.record.raw, 32); /* the latest stands */
        assert_memory_equal(value.data + 33, raw, value.len - 33);
    }
    world_fini(&world);
}

static void test_capacity(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_entry entry = capacity_entry(1, 100);
    assert_applied(run(&world, 3, &entry));
    entry = capacity_entry(1, 40);
    assert_applied(run(&world, 3, &entry)); /* nothing is allocated yet */
    entry = commit_entry(1, 1000, 1);
    assert_applied(run(&world, 4, &entry));
    entry = reveal_entry(1, 1000, 1);
    assert_applied(run(&world, 4, &entry));
    entry = allocation_entry(&world, 3, 4, 1, 1, 30);
    assert_applied(run(&world, 3, &entry));
    entry = capacity_entry(1, 29);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_CAPACITY);
    entry = capacity_entry(1, 30);
    entry.as.capacity.committed = true;
    entry.as.capacity.commitment = commit_entry(1, 30, 1).as.need_commit.commitment;
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_CAPACITY);
    entry = capacity_entry(1, 30);
    assert_applied(run(&world, 3, &entry));
    entry = allocation_entry(&world, 3, 4, 2, 1, 1);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_CAPACITY);
    world_fini(&world);
}

static void test_allocation(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_entry entry = allocation_entry(&world, 3, 4, 5, 1, 10);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_CAPACITY); /* none offered */
    entry = capacity_entry(1, 100);
    assert_applied(run(&world, 3, &entry));
    entry = allocation_entry(&world, 3, 4, 5, 1, 10);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_NEED); /* none stated */
    entry = commit_entry(1, 50, 9);
    assert_applied(run(&world, 4, &entry));
    entry = allocation_entry(&world, 3, 4, 5, 1, 10);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_NEED); /* not opened */
    entry = allocation_entry(&world, 3, 4, 5, 1, 0);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_NEED); /* not even of nothing */
    entry = reveal_entry(1, 50, 9);
    assert_applied(run(&world, 4, &entry));
    entry = allocation_entry(&world, 3, 4, 5, 1, 30);
    assert_applied(run(&world, 6, &entry)); /* the two signatures count, not who hands it in */
    entry = allocation_entry(&world, 3, 4, 5, 1, 11);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_SEQUENCE);
    entry = allocation_entry(&world, 3, 4, 6, 1, 21);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_NEED);
    entry = allocation_entry(&world, 3, 4, 6, 1, 20);
    assert_applied(run(&world, 3, &entry));
    struct notch_store_key key = notch_state_key_sum(&entry.as.allocation.resource, &week, &world.chain.signers[4].key,
                                                     &world.chain.signers[3].key);
    uint64_t sum;
    assert_int_equal(notch_number_decode(&sum, state_value(&world, &key)), NOTCH_OK);
    assert_int_equal(sum, 50);
    world_fini(&world);
}

static void test_need(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_entry entry = reveal_entry(1, 5, 1);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_OPENING); /* nothing to open */
    entry = commit_entry(1, 5, 1);
    assert_applied(run(&world, 3, &entry));
    struct notch_entry_ref first = world.last;
    entry = commit_entry(1, 6, 2);
    struct notch_outcome late = run(&world, 3, &entry);
    assert_int_equal(late.type, NOTCH_SUPERSEDED);
    assert_memory_equal(late.superseded.record.raw, first.record.raw, 32);
    assert_applied(run(&world, 4, &entry)); /* another recipient has a need of its own */
    entry = reveal_entry(1, 6, 1);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_OPENING);
    entry = reveal_entry(1, 5, 2);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_OPENING);
    entry = reveal_entry(1, 5, 1);
    assert_applied(run(&world, 3, &entry));
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_CONFLICT);
    entry = commit_entry(1, 6, 2);
    late = run(&world, 3, &entry);
    assert_int_equal(late.type, NOTCH_SUPERSEDED);
    world_fini(&world);
}

/* Random providers, recipients and amounts: no sum passes what it must not pass, and an applied one is never
 * forgotten. */
static const char *allocations_fit(struct notch_gen *gen, void *context)
{
    (void)context;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    int64_t capacity[2], need[2], given[2] = {0, 0}, got[2] = {0, 0};
    for (uint32_t i = 0; i < 2; i++) {
        capacity[i] = (int64_t)notch_gen_below(gen, 100);
        need[i] = (int64_t)notch_gen_below(gen, 100);
        struct notch_entry entry = capacity_entry(1, capacity[i]);
        run(&world, 2 + i, &entry);
        entry = commit_entry(1, need[i], (uint8_t)(i + 1));
        run(&world, 4 + i, &entry);
        entry = reveal_entry(1, need[i], (uint8_t)(i + 1));
        run(&world, 4 + i, &entry);
    }
    const char *broken = NULL;
    for (uint64_t step = 1; step < 12 && broken == NULL; step++) {
        uint64_t p = notch_gen_below(gen, 2);
        uint64_t r = notch_gen_below(gen, 2);
        int64_t amount = (int64_t)notch_gen_below(gen, 60);
        struct notch_entry entry = allocation_entry(&world, 2 + (uint32_t)p, 4 + (uint32_t)r, step, 1, amount);
        bool fits = given[p] + amount <= capacity[p] && got[r] + amount <= need[r];
        struct notch_outcome outcome = run(&world, 7, &entry);
        if (fits != (outcome.type == NOTCH_APPLIED)) {
            broken = fits ? "refused what fits" : "applied what does not fit";
        }
        given[p] += fits ? amount : 0;
        got[r] += fits ? amount : 0;
    }
    world_fini(&world);
    return broken;
}

static void test_allocations_fit(void **state)
{
    (void)state;
    assert_true(notch_property_holds("allocations fit", 100, 4, allocations_fit, NULL));
}

/* ---- claims ---- */

static struct notch_entry model_entry(uint8_t root, uint32_t bytes)
{
    struct notch_entry entry = {.type = NOTCH_ENTRY_MODEL};
    entry.as.model = (struct notch_model){.root = {{root, 9}}, .bytes = bytes, .layer_count = 2, .layers = {1, 1}};
    return entry;
}

static struct notch_claims model_claims(const struct world *world, uint8_t root)
{
    struct notch_entry entry = model_entry(root, 1);
    struct notch_store_key key = notch_state_key_32(NOTCH_STATE_MODEL, entry.as.model.root.raw);
    struct notch_claims claims;
    assert_int_equal(notch_claims_decode(&claims, state_value(world, &key)), NOTCH_OK);
    return claims;
}

/* Lets `slots` pass in an empty block by which everything up to `final_slot` is final. */
static void pass(struct world *world, uint64_t slots, uint64_t final_slot)
{
    world->slots = slots;
    world->finalized.slot.raw = final_slot;
    run_records(world, NULL, 0);
    world->slots = 1;
}

static void test_settlement(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_entry entry = model_entry(1, 1);
    assert_applied(run(&world, 3, &entry));
    struct notch_entry_ref first = world.last;
    uint64_t slot = world.tip.slot.raw;
    assert_int_equal(world.tip.open_claims, 1);
    struct notch_outcome late = run(&world, 4, &entry); /* a slot later */
    assert_int_equal(late.type, NOTCH_SUPERSEDED);
    uint64_t settle = world.chain.genesis.settle_slots;
    pass(&world, settle + 10, slot + settle - 1);
    assert_int_equal(world.tip.open_claims, 1);
    assert_false(model_claims(&world, 1).is_settled);
    pass(&world, 1, slot + settle);
    assert_int_equal(world.tip.open_claims, 0);
    struct notch_claims claims = model_claims(&world, 1);
    assert_true(claims.is_settled);
    assert_memory_equal(claims.contenders[0].by.record.raw, first.record.raw, 32);
    late = run(&world, 5, &entry);
    assert_int_equal(late.type, NOTCH_SUPERSEDED);
    assert_memory_equal(late.superseded.record.raw, first.record.raw, 32);
    world_fini(&world);
}

static void test_paused_slots_do_not_count(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_entry entry = model_entry(1, 1);
    assert_applied(run(&world, 3, &entry));
    uint64_t slot = world.tip.slot.raw;
    uint64_t settle = world.chain.genesis.settle_slots;
    world.is_paused = true;
    pass(&world, 30, slot);
    world.is_paused = false;
    pass(&world, 200, slot + settle + 29);
    assert_int_equal(world.tip.open_claims, 1);
    pass(&world, 1, slot + settle + 30);
    assert_int_equal(world.tip.open_claims, 0);
    /* However long the pause, it ends. */
    entry = model_entry(2, 1);
    assert_applied(run(&world, 3, &entry));
    slot = world.tip.slot.raw;
    world.is_paused = true;
    pass(&world, NOTCH_LEDGER_PAUSE_MAX + 500, slot);
    pass(&world, 1, slot + settle + NOTCH_LEDGER_PAUSE_MAX - 1);
    assert_int_equal(world.tip.open_claims, 1);
    pass(&world, 1, slot + settle + NOTCH_LEDGER_PAUSE_MAX);
    assert_int_equal(world.tip.open_claims, 0);
    world_fini(&world);
}

/* A claim dated into the future gives way to one that comes after it on the chain, but is dated before. */
static void test_earlier_slot_wins(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_entry entry = model_entry(1, 1);
    uint64_t later = NOTCH_TEST_NOW_MS + UINT64_C(400) * world.chain.genesis.delta_ms;
    for (uint8_t i = 1; i <= 2; i++) { /* by the author's clock, by the maker's clock */
        entry = model_entry(i, 1);
        world.ts_ms = i == 1 ? later : NOTCH_TEST_NOW_MS;
        world.batch_ts_ms = i == 2 ? later : NOTCH_TEST_NOW_MS;
        assert_applied(run(&world, 3, &entry));
        world.ts_ms = world.batch_ts_ms = NOTCH_TEST_NOW_MS;
        assert_applied(run(&world, 4, &entry));
        struct notch_claims claims = model_claims(&world, i);
        assert_int_equal(claims.count, 1);
        assert_memory_equal(claims.contenders[0].account.raw, world.chain.signers[4].key.raw, 32);
    }
    world_fini(&world);
}

/* Level claims: reputation decides, and where that is level too, a hash that nobody could know. */
static void test_level_claims(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 2); /* signers 0 and 1 have reputation */
    struct notch_buf records[3];
    static const uint32_t authors[3] = {5, 1, 6};
    for (uint32_t i = 0; i < 3; i++) {
        struct notch_entry entry = model_entry(1, 1);
        struct notch_test_draft draft = {authors[i], world.ts_ms, world.chain.genesis_hash, 1, &entry, 1};
        notch_buf_init(&records[i], notch_alloc_heap());
        notch_test_draft_build(&records[i], &world.chain, &draft);
    }
    run_records(&world, records, 3);
    assert_int_equal(model_claims(&world, 1).count, 3);
    pass(&world, 100, world.tip.slot.raw + world.chain.genesis.settle_slots);
    struct notch_claims claims = model_claims(&world, 1);
    assert_true(claims.is_settled);
    assert_memory_equal(claims.contenders[0].account.raw, world.chain.signers[1].key.raw, 32);
    for (uint32_t i = 0; i < 3; i++) {
        notch_buf_fini(&records[i]);
    }
    world_fini(&world);
}

static void test_claims_are_bounded(void **state)
{
    (void)state;
    struct notch_claims claims = {.count = 0};
    struct notch_slot slot = {9};
    for (uint32_t i = 0; i < NOTCH_CLAIM_CONTENDERS_MAX + 2; i++) {
        struct notch_contender contender = {.by = {{{(uint8_t)i}}, 0}};
        struct notch_outcome outcome = notch_claims_enter(&claims, &contender, slot);
        assert_int_equal(outcome.type, i < NOTCH_CLAIM_CONTENDERS_MAX ? NOTCH_APPLIED : NOTCH_SUPERSEDED);
    }
    uint8_t raw[NOTCH_STATE_VALUE_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_claims_write(&writer, &claims);
    assert_true(notch_writer_ok(&writer));
    struct notch_claims again;
    assert_int_equal(notch_claims_decode(&again, notch_writer_bytes(&writer)), NOTCH_OK);
    assert_int_equal(again.count, NOTCH_CLAIM_CONTENDERS_MAX);
    assert_int_equal(again.contenders[15].by.record.raw[0], 15);
}

/* ---- AUTHOR ---- */

static struct notch_entry author_entry(const struct world *world, uint32_t account, uint32_t new_key, bool is_revoke)
{
    const struct notch_test_chain *chain = &world->chain;
    struct notch_entry entry = {.type = NOTCH_ENTRY_AUTHOR};
    struct notch_author_entry *author = &entry.as.author;
    author->account = chain->signers[account].key;
    author->action = is_revoke ? NOTCH_AUTHOR_REVOKE : NOTCH_AUTHOR_ROTATE;
    if (!is_revoke) {
        author->new_key = chain->signers[new_key].key;
        struct notch_hash sighash;
        notch_author_sighash(&sighash, &chain->domain, &author->account, &author->new_key);
        assert_true(notch_sign(chain->crypto, &author->possession, &chain->signers[new_key], &sighash));
    }
    return entry;
}

static uint64_t feed_size(const struct world *world, uint32_t account)
{
    struct notch_store_key key = notch_state_key_32(NOTCH_STATE_ACCOUNT, world->chain.signers[account].key.raw);
    struct notch_account out;
    assert_int_equal(notch_account_decode(&out, state_value(world, &key)), NOTCH_OK);
    return out.feed_size;
}

static void test_author(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_entry capacity = capacity_entry(1, 10);
    assert_applied(run(&world, 3, &capacity));
    assert_applied(run(&world, 6, &capacity)); /* signer 6 has an account now */
    struct notch_entry entry = author_entry(&world, 3, 6, false);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_CONFLICT);
    entry = author_entry(&world, 3, 4, false);
    assert_rejected(run(&world, 6, &entry), NOTCH_REJECT_NOT_AUTHORISED);
    assert_applied(run(&world, 3, &entry));
    assert_rejected(run(&world, 3, &capacity), NOTCH_REJECT_AUTHOR_REVOKED);
    assert_applied(run(&world, 4, &capacity));
    assert_int_equal(feed_size(&world, 3), 4); /* one account, two keys; what was rejected as a whole is not in it */
    entry = author_entry(&world, 3, 5, false);
    assert_applied(run(&world, 4, &entry));
    assert_rejected(run(&world, 4, &capacity), NOTCH_REJECT_AUTHOR_REVOKED);
    entry = author_entry(&world, 3, 0, true);
    assert_applied(run(&world, 5, &entry));
    assert_rejected(run(&world, 5, &capacity), NOTCH_REJECT_AUTHOR_REVOKED);
    world_fini(&world);
}

/* Inside of one record and one block: the new key counts from the next record on. */
static void test_author_in_one_block(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_entry entries[2] = {author_entry(&world, 3, 4, false), author_entry(&world, 3, 5, false)};
    struct notch_entry capacity = capacity_entry(1, 10);
    struct notch_entry taken = author_entry(&world, 3, 6, false);
    struct notch_test_draft drafts[5] = {
        {6, world.ts_ms, world.chain.genesis_hash, 4, &capacity, 1}, /* signer 6 has an account from here on */
        {3, world.ts_ms, world.chain.genesis_hash, 5, &taken, 1},
        {3, world.ts_ms, world.chain.genesis_hash, 1, entries, 2},
        {3, world.ts_ms, world.chain.genesis_hash, 2, &capacity, 1},
        {4, world.ts_ms, world.chain.genesis_hash, 3, &capacity, 1},
    };
    struct notch_buf records[5];
    for (int i = 0; i < 5; i++) {
        notch_buf_init(&records[i], notch_alloc_heap());
        notch_test_draft_build(&records[i], &world.chain, &drafts[i]);
    }
    run_records(&world, records, 5);
    struct notch_receipt receipt = receipt_at(&world, 1);
    assert_rejected(notch_receipt_outcome(&receipt, 0), NOTCH_REJECT_CONFLICT);
    receipt = receipt_at(&world, 2);
    assert_applied(notch_receipt_outcome(&receipt, 0));
    assert_rejected(notch_receipt_outcome(&receipt, 1), NOTCH_REJECT_NOT_AUTHORISED);
    assert_int_equal(world.tip.accepted, 4); /* all but the one under the old key */
    assert_int_equal(feed_size(&world, 3), 3);
    for (int i = 0; i < 5; i++) {
        notch_buf_fini(&records[i]);
    }
    world_fini(&world);
}

/* ---- membership: signer 7 - i is the operator of member i ---- */

static struct notch_entry validator_entry(const struct world *world, enum notch_validator_action action, uint32_t key,
                                          uint32_t operator_key)
{
    struct notch_entry entry = {.type = NOTCH_ENTRY_VALIDATOR};
    entry.as.validator.action = action;
    entry.as.validator.key = world->chain.signers[key].key;
    if (action == NOTCH_VALIDATOR_JOIN) {
        struct notch_hash sighash;
        notch_validator_sighash(&sighash, &world->chain.domain, &world->chain.signers[operator_key].key,
                                &entry.as.validator.key);
        assert_true(
            notch_sign(world->chain.crypto, &entry.as.validator.possession, &world->chain.signers[key], &sighash));
    }
    return entry;
}

static void assert_change(const struct world *world, enum notch_member_change_kind kind, uint32_t key)
{
    assert_int_equal(world->tip.change_count, 1);
    assert_int_equal(world->tip.changes[0].kind, kind);
    assert_memory_equal(world->tip.changes[0].key.raw, world->chain.signers[key].key.raw, 32);
}

static void test_vouched_member(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_CONSORTIUM, 4); /* two of four are needed: a third of the weight */
    struct notch_entry join = validator_entry(&world, NOTCH_VALIDATOR_JOIN, 4, 3);
    struct notch_entry vouch = {.type = NOTCH_ENTRY_VOUCH};
    vouch.as.vouch.key = world.chain.signers[4].key;
    assert_rejected(run(&world, 7, &vouch), NOTCH_REJECT_CONFLICT); /* nobody asked */
    assert_applied(run(&world, 3, &join));
    assert_rejected(run(&world, 3, &join), NOTCH_REJECT_CONFLICT);
    assert_rejected(run(&world, 2, &vouch), NOTCH_REJECT_NOT_AUTHORISED); /* no operator of a member */
    assert_applied(run(&world, 7, &vouch));
    assert_int_equal(world.tip.change_count, 0);
    vouch.as.vouch.action = NOTCH_VOUCH_WITHDRAW;
    assert_applied(run(&world, 7, &vouch));
    assert_rejected(run(&world, 7, &vouch), NOTCH_REJECT_CONFLICT);
    vouch.as.vouch.action = NOTCH_VOUCH_GIVE;
    assert_applied(run(&world, 7, &vouch));
    assert_applied(run(&world, 7, &vouch)); /* twice is once */
    assert_int_equal(world.tip.change_count, 0);
    assert_applied(run(&world, 6, &vouch));
    assert_change(&world, NOTCH_MEMBER_JOIN, 4);
    assert_rejected(run(&world, 5, &vouch), NOTCH_REJECT_CONFLICT); /* in already */
    struct notch_entry leave = validator_entry(&world, NOTCH_VALIDATOR_LEAVE, 4, 3);
    assert_rejected(run(&world, 7, &leave), NOTCH_REJECT_NOT_AUTHORISED);
    assert_applied(run(&world, 3, &leave));
    assert_change(&world, NOTCH_MEMBER_LEAVE, 4);
    assert_rejected(run(&world, 3, &leave), NOTCH_REJECT_NOT_AUTHORISED);
    world_fini(&world);
}

static struct notch_entry governance_entry(const struct world *world, uint8_t raw[256], uint64_t sequence,
                                           enum notch_governance_action action, uint32_t key, uint32_t signer)
{
    struct notch_entry entry = {.type = NOTCH_ENTRY_GOVERNANCE};
    struct notch_governance *governance = &entry.as.governance;
    governance->sequence = sequence;
    governance->action = action;
    governance->member.key = world->chain.signers[key].key;
    governance->member.operator_key = world->chain.signers[key].key;
    governance->member.reputation = NOTCH_GENESIS_REPUTATION;
    governance->rules = 2;
    struct notch_hash sighash;
    notch_governance_sighash(&sighash, &world->chain.domain, governance);
    struct notch_signer_entry sig = {.index = 0};
    assert_true(notch_sign(world->chain.crypto, &sig.sig, &world->chain.signers[signer], &sighash));
    struct notch_writer writer = notch_writer(raw, 256);
    notch_signer_put(&writer, &sig);
    governance->signer_count = 1;
    governance->signers = notch_writer_bytes(&writer);
    return entry;
}

static void test_governance(void **state)
{
    (void)state;
    struct world world;
    uint8_t raw[256];
    world_init(&world, NOTCH_MODE_PRIVATE, 1);
    struct notch_entry join = validator_entry(&world, NOTCH_VALIDATOR_JOIN, 4, 3);
    assert_rejected(run(&world, 3, &join), NOTCH_REJECT_NOT_AUTHORISED); /* private: governance alone */
    struct notch_entry entry = governance_entry(&world, raw, 2, NOTCH_GOVERNANCE_ADD_MEMBER, 4, 0);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_SEQUENCE);
    entry = governance_entry(&world, raw, 1, NOTCH_GOVERNANCE_ADD_MEMBER, 4, 1);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_NOT_AUTHORISED); /* signed by another key */
    entry = governance_entry(&world, raw, 1, NOTCH_GOVERNANCE_ADD_MEMBER, 4, 0);
    assert_applied(run(&world, 3, &entry));
    assert_change(&world, NOTCH_MEMBER_JOIN, 4);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_SEQUENCE); /* once */
    entry = governance_entry(&world, raw, 2, NOTCH_GOVERNANCE_ADD_MEMBER, 4, 0);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_CONFLICT);
    entry = governance_entry(&world, raw, 2, NOTCH_GOVERNANCE_REMOVE_MEMBER, 4, 0);
    assert_applied(run(&world, 3, &entry));
    assert_change(&world, NOTCH_MEMBER_LEAVE, 4);
    entry = governance_entry(&world, raw, 3, NOTCH_GOVERNANCE_REMOVE_MEMBER, 4, 0);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_CONFLICT);
    entry = governance_entry(&world, raw, 3, NOTCH_GOVERNANCE_RULES, 4, 0);
    assert_rejected(run(&world, 3, &entry), NOTCH_REJECT_NOT_ACTIVE);
    world_fini(&world);
}

static void test_sets_are_written(void **state)
{
    (void)state;
    struct world world;
    world_init(&world, NOTCH_MODE_PRIVATE, 3);
    struct notch_store_key key = notch_state_key_set(0);
    struct notch_bytes value = state_value(&world, &key);
    struct notch_member members[8];
    struct notch_set set;
    struct notch_reader reader = notch_reader(value);
    assert_true(notch_is_valid(notch_set_decode(&set, members, 8, &reader, &world.chain.domain)));
    assert_int_equal(set.count, 3);
    key = notch_state_key_32(NOTCH_STATE_REPUTATION, world.chain.genesis.members[2].key.raw);
    uint64_t reputation;
    assert_int_equal(notch_number_decode(&reputation, state_value(&world, &key)), NOTCH_OK);
    assert_int_equal(reputation, NOTCH_GENESIS_REPUTATION);
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_and_inactive),
        cmocka_unit_test(test_unknown_type),
        cmocka_unit_test(test_recognition),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_allocation),
        cmocka_unit_test(test_need),
        cmocka_unit_test(test_allocations_fit),
        cmocka_unit_test(test_settlement),
        cmocka_unit_test(test_paused_slots_do_not_count),
        cmocka_unit_test(test_earlier_slot_wins),
        cmocka_unit_test(test_level_claims),
        cmocka_unit_test(test_claims_are_bounded),
        cmocka_unit_test(test_author),
        cmocka_unit_test(test_author_in_one_block),
        cmocka_unit_test(test_vouched_member),
        cmocka_unit_test(test_governance),
        cmocka_unit_test(test_sets_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
