/*
 * Lists of records against an oracle that looks at every record, for any query, page by page.
 */
#include "chain/index.h"
#include "tests/support/gen.h"
#include "tests/support/ledger.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BLOCKS 12
#define RECORDS_MAX 200

/* What the oracle knows of an accepted record. */
struct known {
    uint64_t height;
    uint32_t ordinal;
    uint64_t time;
    uint32_t author;
    bool types[8];
    bool markets[4];
};

struct world {
    struct notch_test_chain chain;
    struct notch_test_ledger test;
    struct notch_ledger_result tip;
    struct known known[RECORDS_MAX];
    uint32_t count;
};

static struct notch_hash market_of(uint64_t n)
{
    struct notch_hash hash = {{0}};
    notch_put_be64(hash.raw + 3, n + 1);
    return hash;
}

static void any_entry(struct notch_entry *out, struct known *known, struct notch_gen *gen, uint32_t index)
{
    uint64_t market = notch_gen_below(gen, 4);
    struct notch_period period = {{NOTCH_TEST_NOW_MS - 1000}, 1 + index};
    *out = (struct notch_entry){.type = NOTCH_ENTRY_INSIGHT};
    switch (notch_gen_below(gen, 3)) {
    case 0:
        out->type = NOTCH_ENTRY_CAPACITY;
        out->as.capacity.resource = market_of(market);
        out->as.capacity.period = period;
        break;
    case 1:
        out->type = NOTCH_ENTRY_MODEL; /* no market */
        out->as.model = (struct notch_model){.bytes = 1 + index, .layer_count = 2, .layers = {1, 1}};
        break;
    default:
        out->as.insight.market = market_of(market);
        out->as.insight.period = period;
        out->as.insight.mask = NOTCH_INSIGHT_POINT;
        break;
    }
    known->types[out->type] = true;
    known->markets[market] = known->markets[market] || out->type != NOTCH_ENTRY_MODEL;
}

static void add_block(struct world *world, struct notch_gen *gen)
{
    struct notch_test_block block;
    struct notch_checkpoint genesis = {world->chain.genesis.slot0, world->chain.genesis_hash};
    notch_test_block_init(&block, &world->chain, &world->tip, 1 + notch_gen_below(gen, 3), &genesis);
    struct notch_buf records[10];
    struct known fresh[10];
    bool repeated[10];
    uint32_t count = (uint32_t)notch_gen_below(gen, 10);
    for (uint32_t i = 0; i < count; i++) {
        struct notch_entry entries[3];
        uint32_t n = 1 + (uint32_t)notch_gen_below(gen, 3);
        fresh[i] = (struct known){world->tip.height.raw + 1, i, block.header.time.raw, .author = 0};
        fresh[i].author = (uint32_t)notch_gen_below(gen, 3);
        for (uint32_t e = 0; e < n; e++) {
            any_entry(&entries[e], &fresh[i], gen, e);
        }
        /* Some repeat the first salt of all, which signer 0 uses: only its first record is on the lists. */
        repeated[i] = notch_gen_below(gen, 6) == 0;
        fresh[i].author = repeated[i] ? 0 : fresh[i].author;
        uint64_t salt = repeated[i] ? 0 : fresh[i].height * 100 + i;
        struct notch_test_draft draft = {
            fresh[i].author, NOTCH_TEST_NOW_MS + i, world->chain.genesis_hash, salt, entries, n};
        notch_buf_init(&records[i], notch_alloc_heap());
        notch_test_draft_build(&records[i], &world->chain, &draft);
    }
    if (count > 0) {
        notch_test_block_add(&block, &world->chain, records, count);
    }
    notch_test_block_seal(&block, &world->chain);
    assert_int_equal(notch_test_ledger_run(&world->test, &block), NOTCH_OK);
    world->tip = block.result;
    static bool first_salt_used;
    first_salt_used = world->tip.height.raw > 1 && first_salt_used;
    for (uint32_t i = 0; i < count; i++) {
        if (!repeated[i] || !first_salt_used) {
            world->known[world->count++] = fresh[i];
        }
        first_salt_used = first_salt_used || repeated[i];
        notch_buf_fini(&records[i]);
    }
    notch_test_block_fini(&block);
}

static void any_query(struct notch_index_query *query, const struct world *world, struct notch_gen *gen,
                      uint32_t *author, uint64_t *market)
{
    memset(query, 0, sizeof *query);
    query->by_type = notch_gen_below(gen, 2) == 0;
    query->by_author = notch_gen_below(gen, 2) == 0;
    query->by_market = notch_gen_below(gen, 2) == 0;
    query->by_time = notch_gen_below(gen, 2) == 0;
    *author = (uint32_t)notch_gen_below(gen, 4);
    *market = notch_gen_below(gen, 4);
    query->type = notch_gen_below(gen, 2) == 0 ? NOTCH_ENTRY_INSIGHT : NOTCH_ENTRY_CAPACITY;
    query->author = world->chain.signers[*author].key;
    query->market = market_of(*market);
    uint64_t slot_ms = UINT64_C(4) * world->chain.genesis.delta_ms;
    query->from.raw = NOTCH_TEST_NOW_MS + notch_gen_below(gen, 2 * BLOCKS * slot_ms);
    query->to.raw = query->from.raw + notch_gen_below(gen, 2 * BLOCKS * slot_ms);
    query->direction = notch_gen_below(gen, 2) == 0 ? NOTCH_SCAN_UP : NOTCH_SCAN_DOWN;
    query->top = world->tip.height;
    query->limit = 1 + (uint32_t)notch_gen_below(gen, 7);
}

static bool is_meant(const struct known *known, const struct notch_index_query *query, uint32_t author, uint64_t market)
{
    return (!query->by_type || known->types[query->type]) && (!query->by_author || known->author == author) &&
           (!query->by_market || known->markets[market]) &&
           (!query->by_time || (known->time >= query->from.raw && known->time <= query->to.raw));
}

struct page {
    struct notch_record_place places[RECORDS_MAX];
    uint32_t count;
};

static bool collect(void *arg, const struct notch_record_place *place)
{
    struct page *page = arg;
    page->places[page->count++] = *place;
    return true;
}

/* All pages of a query; false where a page is longer than it may be. */
static const char *all_pages(struct page *out, const struct notch_lookup *lookup, struct notch_index_query *query)
{
    out->count = 0;
    bool more = true;
    for (uint32_t i = 0; more; i++) {
        uint32_t before = out->count;
        struct notch_index_cursor next;
        if (i > RECORDS_MAX) {
            return "no end";
        }
        if (notch_index_list(lookup, &next, &more, query, collect, out) != NOTCH_OK) {
            return "an error";
        }
        if (out->count - before > query->limit) {
            return "a page longer than its limit";
        }
        query->has_cursor = true;
        query->cursor = next;
    }
    return NULL;
}

static const char *check_query(const struct world *world, const struct notch_lookup *lookup, struct notch_gen *gen)
{
    static struct page page;
    struct notch_index_query query;
    uint32_t author;
    uint64_t market;
    any_query(&query, world, gen, &author, &market);
    const char *broken = all_pages(&page, lookup, &query);
    uint32_t at = 0;
    for (uint32_t i = 0; broken == NULL && i < world->count; i++) {
        const struct known *known = &world->known[query.direction == NOTCH_SCAN_UP ? i : world->count - 1 - i];
        if (!is_meant(known, &query, author, market)) {
            continue;
        }
        const struct notch_record_place *place = &page.places[at];
        if (at == page.count || place->height.raw != known->height || place->ordinal != known->ordinal) {
            return "another record, or one left out";
        }
        if (place->position != known->height * 100 || place->index != known->ordinal) {
            return "another place";
        }
        at++;
    }
    return broken != NULL ? broken : at == page.count ? NULL : "records that are not meant";
}

static const char *queries(struct notch_gen *gen, void *context)
{
    (void)context;
    static struct world world;
    memset(&world, 0, sizeof world);
    notch_test_chain_init(&world.chain, NOTCH_MODE_PRIVATE, notch_crypto_standin(), 1);
    notch_test_ledger_init(&world.test, &world.chain, 3);
    world.tip = *notch_ledger_base(world.test.ledger);
    uint64_t final = notch_gen_below(gen, BLOCKS);
    for (uint64_t i = 0; i < BLOCKS; i++) {
        add_block(&world, gen);
        if (i == final) { /* some in the store, some in layers */
            notch_test_ledger_finalize(&world.test, &world.tip.block);
        }
    }
    struct notch_lookup lookup;
    const char *broken =
        notch_ledger_lookup(world.test.ledger, &lookup, &world.tip.block) == NOTCH_OK ? NULL : "no look-up";
    for (int i = 0; i < 12 && broken == NULL; i++) {
        broken = check_query(&world, &lookup, gen);
    }
    notch_test_ledger_fini(&world.test);
    notch_test_chain_fini(&world.chain);
    return broken;
}

static void test_queries(void **state)
{
    (void)state;
    assert_true(notch_property_holds("index queries", 150, 1, queries, NULL));
}

static void test_limits(void **state)
{
    (void)state;
    struct notch_index_query query = {.limit = 0};
    struct notch_index_cursor next;
    bool more;
    struct notch_lookup lookup = {.alloc = notch_alloc_heap()};
    assert_int_equal(notch_index_list(&lookup, &next, &more, &query, collect, NULL), NOTCH_ERR_INVALID);
    query.limit = NOTCH_INDEX_PAGE_MAX + 1;
    assert_int_equal(notch_index_list(&lookup, &next, &more, &query, collect, NULL), NOTCH_ERR_INVALID);
}

static void put_list(struct notch_memstore *store, const struct notch_index_term *term, uint64_t height,
                     struct notch_bytes value)
{
    struct notch_commit commit;
    notch_commit_init(&commit, notch_alloc_heap());
    struct notch_store_key key = notch_key_begin(NOTCH_FLAT_INDEX);
    notch_key_add_u8(&key, term->kind);
    notch_key_add(&key, term->term, sizeof term->term);
    notch_key_add_be64(&key, height);
    notch_commit_put(&commit, notch_store_key_bytes(&key), value);
    notch_memstore_apply(store, &commit);
    notch_commit_fini(&commit);
}

static void test_corrupt(void **state)
{
    (void)state;
    static const uint8_t lists[3][6] = {{0x80}, {0xff, 0xff, 0xff, 0xff, 0x0f, 0x00}, {0x01}};
    static const size_t lens[3] = {1, 6, 1}; /* cut short; beyond 32 bits; a block that is not there */
    for (int i = 0; i < 3; i++) {
        struct notch_memstore *store = notch_memstore_create(notch_alloc_heap(), (struct notch_siphash_key){1, 1});
        struct notch_store_view view = notch_memstore_view(store);
        struct notch_lookup lookup = {.view = &view, .alloc = notch_alloc_heap()};
        struct notch_index_term term = notch_index_term_type(1);
        put_list(store, &term, 1, notch_bytes(lists[i], lens[i]));
        struct notch_index_query query = {.by_type = true, .type = 1, .top = {5}, .limit = 5};
        struct notch_index_cursor next;
        bool more;
        assert_int_equal(notch_index_list(&lookup, &next, &more, &query, collect, NULL), NOTCH_ERR_CORRUPT);
        notch_memstore_destroy(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
