/* A lone record: its batch is signed while it is checked, and the signature is used only for what it was made for. */
#include "chain/batch.h"
#include "chain/memstore.h"
#include "node/core.h"
#include "tests/support/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { WORKS_MAX = 8, START_MS = 2000 };

struct waiting {
    uint64_t token;
    const struct notch_node_work *work;
};

struct world {
    struct notch_test_chain chain;
    struct notch_rng rng;
    struct notch_memstore *disk;
    struct notch_store_view view;
    struct notch_node *node;
    uint64_t now_ms;
    uint64_t seq;
    struct waiting works[WORKS_MAX]; /* checks of records and signatures, in the order in which they were given out */
    size_t work_count;
    uint32_t batches; /* that were written, all of them valid */
    uint32_t batch_records;
    uint64_t batch_seq;
    uint32_t replies;
    struct notch_record_result last;
};

static void drain(struct world *world);

static void handle(struct world *world, struct notch_node_event event)
{
    event.seq = ++world->seq;
    event.now.raw = world->now_ms;
    notch_node_handle(world->node, &event);
    drain(world);
}

/* A batch that is written is valid in all its parts; blocks are none of our business. */
static void look_for_batches(struct world *world, const struct notch_commit *commit)
{
    struct notch_reader reader = notch_reader(notch_buf_bytes(&commit->bodies));
    while (notch_reader_left(&reader) > 0) {
        struct notch_batch batch;
        struct notch_bytes body = notch_read_blob(&reader, NOTCH_STORE_BODY_MAX);
        if (!notch_is_valid(notch_batch_decode(&batch, body))) {
            continue;
        }
        assert_int_equal(notch_batch_check(&batch, NULL, NULL, body, &world->chain.rules).code, NOTCH_REJECT_NONE);
        assert_true(batch.seq > world->batch_seq);
        world->batches++;
        world->batch_records = batch.record_count;
        world->batch_seq = batch.seq;
    }
}

static void carry_out(struct world *world, const struct notch_node_effect *effect)
{
    if (effect->type == NOTCH_NODE_PERSIST) {
        look_for_batches(world, effect->persist);
        notch_memstore_submit(world->disk, effect->persist);
    } else if (effect->type == NOTCH_NODE_WORK) {
        assert_in_range(world->work_count, 0, WORKS_MAX - 1);
        world->works[world->work_count++] = (struct waiting){effect->token, effect->work};
    } else if (effect->type == NOTCH_NODE_REPLY) {
        assert_int_equal(effect->reply->err, NOTCH_OK);
        world->replies++;
        world->last = effect->reply->records.results[0];
    }
    assert_int_not_equal(effect->type, NOTCH_NODE_ALARM);
}

static void finish(struct world *world, size_t index)
{
    assert_in_range(index, 0, world->work_count - 1);
    struct waiting done = world->works[index];
    world->work_count--;
    for (size_t i = index; i < world->work_count; i++) {
        world->works[i] = world->works[i + 1];
    }
    notch_node_run(done.work);
    handle(world, (struct notch_node_event){.type = NOTCH_NODE_WORKED, .token = done.token});
}

/* The work of this type that waits longest; false if there is none. */
static bool finish_type(struct world *world, enum notch_node_work_type type)
{
    for (size_t i = 0; i < world->work_count; i++) {
        if (world->works[i].work->type == type) {
            finish(world, i);
            return true;
        }
    }
    return false;
}

/* The disk and what consensus asks for are done at once: only records and signatures wait for the test. */
static void drain(struct world *world)
{
    struct notch_node_effect effect;
    while (notch_node_poll(world->node, &effect)) {
        carry_out(world, &effect);
    }
    uint64_t token;
    if (notch_memstore_complete(world->disk, &token)) {
        handle(world, (struct notch_node_event){.type = NOTCH_NODE_DONE, .token = token});
    }
}

static void settle(struct world *world)
{
    while (finish_type(world, NOTCH_NODE_CHECK_CONSENSUS)) {
    }
}

static int setup(void **state)
{
    struct world *world = notch_alloc(notch_alloc_heap(), sizeof *world);
    notch_test_chain_init(&world->chain, NOTCH_MODE_PRIVATE, notch_crypto_secp(), 1);
    notch_rng_init(&world->rng, 11);
    world->disk = notch_memstore_create(notch_alloc_heap(), (struct notch_siphash_key){1, 2});
    world->view = notch_memstore_view(world->disk);
    world->now_ms = NOTCH_TEST_NOW_MS + START_MS;
    struct notch_node_options options = {
        .genesis = &world->chain.genesis,
        .domain = &world->chain.domain,
        .crypto = world->chain.crypto,
        .view = &world->view,
        .alloc = notch_alloc_heap(),
        .validator = &world->chain.signers[0],
        .hash_key = {3, 4},
        .clock_is_trusted = true,
    };
    assert_int_equal(notch_node_create(&options, &world->node), NOTCH_OK);
    assert_int_equal(notch_node_start(world->node, (struct notch_time){world->now_ms}, NULL, NULL), NOTCH_OK);
    drain(world);
    settle(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    notch_node_destroy(world->node);
    notch_memstore_destroy(world->disk);
    notch_test_chain_fini(&world->chain);
    notch_free(notch_alloc_heap(), world, sizeof *world);
    return 0;
}

/* A record of `entries` insights; `damage` makes its signature wrong. */
static void submit(struct world *world, uint32_t entries, bool damage)
{
    struct notch_buf record;
    notch_buf_init(&record, notch_alloc_heap());
    notch_test_record(&record, &world->rng, &world->chain, 1, entries);
    if (damage) {
        struct notch_record decoded;
        assert_int_equal(notch_record_decode(&decoded, notch_buf_bytes(&record)).code, NOTCH_REJECT_NONE);
        record.data[decoded.header.len + 1] ^= 1; /* the signature stands behind the header */
    }
    struct notch_bytes bytes = notch_buf_bytes(&record);
    struct notch_request request = {.type = NOTCH_REQUEST_SUBMIT, .token = 1, .submit = {&bytes, 1}};
    handle(world, (struct notch_node_event){.type = NOTCH_NODE_REQUEST, .request = &request});
    notch_buf_fini(&record);
}

static struct notch_node_info info(const struct world *world)
{
    struct notch_node_info out;
    notch_node_info(world->node, &out);
    return out;
}

static void expect(const struct world *world, uint32_t batches, uint32_t records, uint32_t replies, uint64_t ahead)
{
    assert_int_equal(world->batches, batches);
    assert_int_equal(world->batch_records, records);
    assert_int_equal(world->replies, replies);
    assert_int_equal(info(world).batches_ahead, ahead);
}

/* ---- tests ---- */

static void the_batch_waits_for_both_whichever_comes_first(void **state)
{
    struct world *world = *state;
    submit(world, 1, false);
    assert_int_equal(world->work_count, 2);
    /* In this order: a driver that does the first itself has given the second away by then. */
    assert_int_equal(world->works[0].work->type, NOTCH_NODE_CHECK_RECORDS);
    assert_int_equal(world->works[1].work->type, NOTCH_NODE_SIGN);
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    expect(world, 0, 0, 0, 0);
    assert_true(finish_type(world, NOTCH_NODE_SIGN));
    expect(world, 1, 1, 1, 1);
    assert_int_equal(world->last.status, NOTCH_STATUS_STORED);

    submit(world, 1, false);
    assert_true(finish_type(world, NOTCH_NODE_SIGN));
    expect(world, 1, 1, 1, 1);
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    expect(world, 2, 1, 2, 2);
    assert_int_equal(world->last.status, NOTCH_STATUS_STORED);
}

static void a_signature_of_a_bad_record_is_never_used(void **state)
{
    struct world *world = *state;
    for (uint32_t sign_first = 0; sign_first < 2; sign_first++) {
        submit(world, 1, true);
        assert_true(finish_type(world, sign_first ? NOTCH_NODE_SIGN : NOTCH_NODE_CHECK_RECORDS));
        assert_true(finish_type(world, sign_first ? NOTCH_NODE_CHECK_RECORDS : NOTCH_NODE_SIGN));
        assert_int_equal(world->last.status, NOTCH_STATUS_REFUSED);
        assert_int_equal(world->batches, sign_first);
        submit(world, 1, false);
        assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
        assert_true(finish_type(world, NOTCH_NODE_SIGN));
        expect(world, sign_first + 1, 1, 2 * (sign_first + 1), sign_first + 1);
    }
    submit(world, 1, true);
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    assert_true(finish_type(world, NOTCH_NODE_SIGN));
    submit(world, 64, false); /* alone as well, but too large to be signed ahead: the old signature is not its own */
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    expect(world, 3, 1, 6, 2);
}

static void a_record_that_joins_makes_another_batch_of_it(void **state)
{
    struct world *world = *state;
    submit(world, 1, false);
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    submit(world, 1, false);
    assert_int_equal(world->work_count, 2); /* the first signature, the second check */
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    expect(world, 0, 0, 0, 0);
    assert_true(finish_type(world, NOTCH_NODE_SIGN));
    expect(world, 1, 2, 2, 0);
}

/* Nobody waits longer than batch_delay_ms, however long the signature takes. */
static void a_late_signature_is_not_waited_for(void **state)
{
    struct world *world = *state;
    submit(world, 1, false);
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    world->now_ms += 25;
    handle(world, (struct notch_node_event){.type = NOTCH_NODE_TICK});
    expect(world, 1, 1, 1, 0);
    submit(world, 1, false); /* while the first signature is still out, no second one is asked for */
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    assert_true(finish_type(world, NOTCH_NODE_SIGN));
    expect(world, 2, 1, 2, 0);
    settle(world);
    assert_int_equal(world->work_count, 0);
}

static void neither_large_nor_several_are_signed_ahead(void **state)
{
    struct world *world = *state;
    submit(world, 64, false);
    assert_int_equal(world->work_count, 1);
    submit(world, 1, false);
    assert_int_equal(world->work_count, 2);
    assert_false(finish_type(world, NOTCH_NODE_SIGN));
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    assert_true(finish_type(world, NOTCH_NODE_CHECK_RECORDS));
    expect(world, 2, 1, 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_batch_waits_for_both_whichever_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signature_of_a_bad_record_is_never_used, setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_that_joins_makes_another_batch_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_signature_is_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(neither_large_nor_several_are_signed_ahead, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
