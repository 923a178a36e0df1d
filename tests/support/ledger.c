#include "tests/support/ledger.h"

struct notch_slot notch_test_now_slot(const struct notch_test_chain *chain)
{
    return notch_genesis_slot_at(&chain->genesis, (struct notch_time){NOTCH_TEST_NOW_MS});
}

static void create(struct notch_test_ledger *test, uint64_t seed)
{
    struct notch_ledger_options options = {
        .genesis = &test->chain->genesis,
        .domain = &test->chain->domain,
        .crypto = test->chain->crypto,
        .alloc = notch_alloc_heap(),
        .hash_key = {seed, seed + 1},
        .layers_max = 64,
    };
    options.rows = notch_apply_rows(&options.row_count);
    enum notch_err err = notch_ledger_create(&test->ledger, &options);
    notch_assert(err == NOTCH_OK);
}

static void begin_commit(struct notch_test_ledger *test)
{
    notch_commit_clear(&test->commit);
    test->commit.token = ++test->token;
}

void notch_test_ledger_init(struct notch_test_ledger *test, const struct notch_test_chain *chain, uint64_t seed)
{
    *test = (struct notch_test_ledger){.chain = chain};
    test->store = notch_memstore_create(notch_alloc_heap(), (struct notch_siphash_key){seed, 7});
    test->view = notch_memstore_view(test->store);
    notch_commit_init(&test->commit, notch_alloc_heap());
    create(test, seed);
    struct notch_member members[NOTCH_TEST_SIGNERS];
    for (uint32_t i = 0; i < chain->genesis.member_count; i++) {
        members[i] = (struct notch_member){chain->genesis.members[i].key, 1000};
    }
    struct notch_set set;
    struct notch_reject reject = notch_set_make(&set, &chain->domain, 0, members, chain->genesis.member_count);
    notch_assert(notch_is_valid(reject));
    begin_commit(test);
    enum notch_err err = notch_ledger_genesis(test->ledger, &test->commit, &test->view, &set, NULL, 0);
    notch_assert(err == NOTCH_OK);
    notch_memstore_submit(test->store, &test->commit);
    notch_test_ledger_complete(test);
}

void notch_test_ledger_fini(struct notch_test_ledger *test)
{
    notch_ledger_destroy(test->ledger);
    notch_commit_fini(&test->commit);
    notch_memstore_destroy(test->store);
}

void notch_test_ledger_restart(struct notch_test_ledger *test)
{
    notch_ledger_destroy(test->ledger);
    create(test, test->token + 100);
    enum notch_err err = notch_ledger_open(test->ledger, &test->view);
    notch_assert(err == NOTCH_OK);
}

void notch_test_ledger_complete(struct notch_test_ledger *test)
{
    uint64_t token;
    while (notch_memstore_complete(test->store, &token)) {
        notch_ledger_done(test->ledger, token);
    }
}

void notch_test_ledger_submit_final(struct notch_test_ledger *test, const struct notch_hash *block)
{
    begin_commit(test);
    enum notch_err err = notch_ledger_finalize(test->ledger, &test->commit, block, test->token);
    notch_assert(err == NOTCH_OK);
    notch_memstore_submit(test->store, &test->commit);
}

void notch_test_ledger_finalize(struct notch_test_ledger *test, const struct notch_hash *block)
{
    notch_test_ledger_submit_final(test, block);
    notch_test_ledger_complete(test);
}

void notch_test_ledger_flush(struct notch_test_ledger *test, const struct notch_hash *block)
{
    begin_commit(test);
    enum notch_err err = notch_ledger_flush(test->ledger, &test->commit, block, test->token);
    notch_assert(err == NOTCH_OK);
    notch_memstore_submit(test->store, &test->commit);
    notch_test_ledger_complete(test);
}

void notch_test_ledger_undo(struct notch_test_ledger *test)
{
    begin_commit(test);
    enum notch_err err = notch_ledger_undo(test->ledger, &test->commit);
    notch_assert(err == NOTCH_OK);
    notch_memstore_submit(test->store, &test->commit);
    notch_test_ledger_complete(test);
}

static bool dump_key(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    if (key.data[0] == NOTCH_FLAT_BASE) {
        return true; /* its contents are compared as results */
    }
    uint64_t lens[2] = {key.len, value.len};
    notch_sha256_update(arg, lens, sizeof lens);
    notch_sha256_update(arg, key.data, key.len);
    notch_sha256_update(arg, value.data, value.len);
    return true;
}

struct notch_hash notch_test_ledger_dump(const struct notch_test_ledger *test)
{
    struct notch_sha256 sha;
    notch_sha256_init(&sha);
    uint8_t first = 0;
    uint8_t last = 0xff;
    enum notch_err err =
        test->view.scan(test->view.self, notch_bytes(&first, 1), notch_bytes(&last, 1), NOTCH_SCAN_UP, dump_key, &sha);
    notch_assert(err == NOTCH_OK);
    struct notch_hash out;
    notch_sha256_final(&sha, &out);
    return out;
}

void notch_test_block_init(struct notch_test_block *block, const struct notch_test_chain *chain,
                           const struct notch_ledger_result *parent, uint64_t slots,
                           const struct notch_checkpoint *finalized)
{
    memset(block, 0, sizeof *block);
    struct notch_slot slot = notch_test_now_slot(chain);
    slot.raw = (parent->slot.raw > slot.raw ? parent->slot.raw : slot.raw) + slots;
    block->header = (struct notch_header){
        .rules = 1,
        .slot = slot,
        .height = {parent->height.raw + 1},
        .parent = parent->block,
        .parent_state_root = parent->state_root,
        .parent_receipts_root = parent->receipts_root,
        .history_root = parent->history_root,
        .finalized = *finalized,
    };
    enum notch_err err = notch_genesis_slot_time(&chain->genesis, &block->header.time, slot);
    notch_assert(err == NOTCH_OK);
    for (uint32_t i = 0; i < NOTCH_TEST_BATCHES; i++) {
        notch_buf_init(&block->bytes[i], notch_alloc_heap());
    }
}

void notch_test_block_fini(struct notch_test_block *block)
{
    for (uint32_t i = 0; i < NOTCH_TEST_BATCHES; i++) {
        notch_buf_fini(&block->bytes[i]);
    }
}

void notch_test_block_add(struct notch_test_block *block, const struct notch_test_chain *chain,
                          const struct notch_buf *records, uint32_t count)
{
    notch_assert(block->batch_count < NOTCH_TEST_BATCHES);
    notch_assert(block->record_count + count <= NOTCH_TEST_RECORDS);
    struct notch_batch_builder builder;
    notch_batch_builder_init(&builder, notch_alloc_heap(), chain->rules.batch_bytes_max);
    for (uint32_t i = 0; i < count; i++) {
        struct notch_record record;
        struct notch_reject reject = notch_record_check(&record, notch_buf_bytes(&records[i]), &chain->rules);
        notch_assert(notch_is_valid(reject));
        enum notch_err added = notch_batch_builder_add(&builder, notch_buf_bytes(&records[i]), &record.id);
        notch_assert(added == NOTCH_OK);
        block->ids[block->record_count++] = record.id;
    }
    uint32_t at = block->batch_count++;
    struct notch_ledger_batch *batch = &block->batches[at];
    /* A sequence number of its own in each block: two batches of the same records are two batches. */
    uint64_t seq = block->header.height.raw * NOTCH_TEST_BATCHES + at + block->header.slot.raw * 1000;
    struct notch_time ts = {block->batch_ts_ms > 0 ? block->batch_ts_ms : NOTCH_TEST_NOW_MS};
    enum notch_err err =
        notch_batch_builder_sign(&builder, &block->bytes[at], &batch->id, seq, ts, &chain->signers[0], &chain->rules);
    notch_assert(err == NOTCH_OK);
    batch->bytes = notch_buf_bytes(&block->bytes[at]);
    batch->position = block->header.height.raw * 100 + at;
    notch_batch_builder_fini(&builder);
}

void notch_test_block_seal(struct notch_test_block *block, const struct notch_test_chain *chain)
{
    struct notch_hash ids[NOTCH_TEST_BATCHES];
    for (uint32_t i = 0; i < block->batch_count; i++) {
        notch_merkle_leaf(&ids[i], notch_bytes(block->batches[i].id.raw, 32));
    }
    notch_merkle_root_of(&block->header.batches_root, ids, block->batch_count);
    block->header.n_batches = block->batch_count;
    block->header.n_records = block->record_count;
    notch_header_hash(&block->hash, &chain->domain, &block->header);
}

enum notch_err notch_test_ledger_run(struct notch_test_ledger *test, struct notch_test_block *block)
{
    struct notch_ledger_block run = {
        .header = &block->header,
        .hash = block->hash,
        .position = block->header.height.raw * 100 + 99,
        .batches = block->batches,
        .batch_count = block->batch_count,
        .next_set = block->next_set,
        .is_paused = block->is_paused,
        .vrf = block->hash,
    };
    return notch_ledger_execute(test->ledger, &block->result, &run);
}

void notch_test_draft_build(struct notch_buf *out, const struct notch_test_chain *chain,
                            const struct notch_test_draft *draft)
{
    struct notch_buf entries;
    notch_buf_init(&entries, notch_alloc_heap());
    for (uint32_t i = 0; i < draft->count; i++) {
        notch_entry_append(&entries, &draft->entries[i]);
    }
    struct notch_record_draft record = {
        .author = chain->signers[draft->author].key,
        .ts = {draft->ts_ms},
        .ref = draft->ref,
        .entries = notch_buf_bytes(&entries),
    };
    notch_put_be64(record.salt.raw, draft->salt);
    enum notch_err err =
        notch_record_build(out, &record, &chain->signers[draft->author], &chain->domain, chain->crypto);
    notch_assert(err == NOTCH_OK);
    notch_buf_fini(&entries);
}
