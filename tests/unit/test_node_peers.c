/*
 * A node and its peers: what is invalid is refused by name, what is valid is stored and receipted, and a record is
 * acknowledged when another validator has it as well.
 */
#include "chain/entry.h"
#include "chain/memstore.h"
#include "node/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { PEER = 5, ACKNOWLEDGE_MS = 1000 };

struct world {
    const struct notch_crypto *crypto;
    struct notch_genesis genesis;
    struct notch_domain domain;
    uint8_t secrets[3][32];
    struct notch_signer self, other, stranger;
    struct notch_memstore *disk;
    struct notch_store_view view;
    struct notch_node *node;
    uint64_t now_ms;
    uint64_t seq;
    uint32_t rejects; /* since they were last looked at */
    uint64_t rejected_peer;
    uint32_t stored_sent;    /* receipts to PEER */
    struct notch_hash batch; /* the last own one that was sent */
    bool has_reply;
    struct notch_record_result reply;
};

static void note_send(struct world *world, const struct notch_node_effect *effect)
{
    if (effect->send.what == NOTCH_NODE_MESSAGE_BATCH) {
        struct notch_batch batch;
        assert_true(notch_is_valid(notch_batch_decode(&batch, effect->send.bytes)));
        notch_batch_hash(&batch, &world->domain);
        world->batch = batch.id;
    }
    if (effect->send.what == NOTCH_NODE_MESSAGE_STORED) {
        assert_int_equal(effect->send.to, PEER);
        world->stored_sent++;
    }
}

static void event(struct world *world, struct notch_node_event *event);

static void drain(struct world *world)
{
    struct notch_node_effect effect;
    while (notch_node_poll(world->node, &effect)) {
        struct notch_node_event next = {.type = NOTCH_NODE_WORKED, .token = effect.token};
        switch (effect.type) {
        case NOTCH_NODE_PERSIST:
            notch_memstore_apply(world->disk, effect.persist);
            next.type = NOTCH_NODE_DONE;
            event(world, &next);
            break;
        case NOTCH_NODE_WORK:
            notch_node_run(effect.work);
            event(world, &next);
            break;
        case NOTCH_NODE_REPLY:
            world->has_reply = true;
            world->reply = effect.reply->records.results[0];
            break;
        case NOTCH_NODE_SEND:
            note_send(world, &effect);
            break;
        case NOTCH_NODE_REJECT:
            world->rejects++;
            world->rejected_peer = effect.reject.peer;
            break;
        case NOTCH_NODE_HEAD:
        case NOTCH_NODE_FINAL:
        case NOTCH_NODE_ALARM:
            break;
        }
    }
}

static void event(struct world *world, struct notch_node_event *event)
{
    event->seq = ++world->seq;
    event->now.raw = world->now_ms;
    notch_node_handle(world->node, event);
}

static void give(struct world *world, struct notch_node_event *given)
{
    event(world, given);
    drain(world);
}

static void say(struct world *world, enum notch_node_message what, struct notch_bytes bytes)
{
    struct notch_node_event said = {.type = NOTCH_NODE_MESSAGE, .message = {PEER, what, bytes}};
    give(world, &said);
}

static void make_key(struct world *world, struct notch_signer *signer, int index)
{
    memset(world->secrets[index], index + 1, sizeof world->secrets[index]);
    signer->secret = world->secrets[index];
    assert_true(world->crypto->key_of_secret(world->crypto->self, &signer->key, signer->secret));
}

static int set_up(void **state)
{
    struct world *world = notch_alloc(notch_alloc_heap(), sizeof *world);
    world->crypto = notch_crypto_standin();
    make_key(world, &world->self, 0);
    make_key(world, &world->other, 1);
    make_key(world, &world->stranger, 2);
    struct notch_genesis *genesis = &world->genesis;
    notch_genesis_init(genesis, notch_alloc_heap());
    notch_genesis_defaults(genesis, NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    assert_true(notch_genesis_set_name(genesis, "peers", 5));
    world->now_ms = UINT64_C(1700000000000);
    genesis->time0.raw = world->now_ms;
    genesis->delta_ms = 100;
    struct notch_genesis_member member = {.key = world->self.key, .reputation = NOTCH_GENESIS_REPUTATION};
    assert_int_equal(notch_genesis_add_member(genesis, &member), NOTCH_OK);
    member.key = world->other.key;
    assert_int_equal(notch_genesis_add_member(genesis, &member), NOTCH_OK);
    struct notch_hash hash;
    notch_hash_tagged(&hash, "test/genesis", notch_bytes("peers", 5));
    notch_domain_init(&world->domain, &hash);
    world->disk = notch_memstore_create(notch_alloc_heap(), (struct notch_siphash_key){1, 2});
    world->view = notch_memstore_view(world->disk);
    struct notch_node_options options = {
        .genesis = genesis,
        .domain = &world->domain,
        .crypto = world->crypto,
        .view = &world->view,
        .alloc = notch_alloc_heap(),
        .validator = &world->self,
        .author = &world->self,
        .hash_key = {1, 2},
        .clock_is_trusted = true,
        .acknowledge_ms = ACKNOWLEDGE_MS,
    };
    assert_int_equal(notch_node_create(&options, &world->node), NOTCH_OK);
    assert_int_equal(notch_node_start(world->node, (struct notch_time){world->now_ms}, NULL, NULL), NOTCH_OK);
    drain(world);
    struct notch_node_event up = {.type = NOTCH_NODE_PEER_UP, .peer_up = {PEER, world->other.key}};
    give(world, &up);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    notch_node_destroy(world->node);
    notch_memstore_destroy(world->disk);
    notch_genesis_fini(&world->genesis);
    notch_free(notch_alloc_heap(), world, sizeof *world);
    return 0;
}

static void build_record(struct world *world, struct notch_buf *out)
{
    struct notch_node_info info;
    notch_node_info(world->node, &info);
    struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT};
    entry.as.insight.period = (struct notch_period){{1000000}, 604800000};
    entry.as.insight.mask = NOTCH_INSIGHT_POINT;
    entry.as.insight.point.raw = 5;
    struct notch_buf entries;
    notch_buf_init(&entries, notch_alloc_heap());
    notch_entry_append(&entries, &entry);
    struct notch_record_draft draft = {.author = world->stranger.key,
                                       .ts = {world->now_ms},
                                       .ref = info.finality_state.final.hash,
                                       .entries = notch_buf_bytes(&entries)};
    notch_buf_init(out, notch_alloc_heap());
    assert_int_equal(notch_record_build(out, &draft, &world->stranger, &world->domain, world->crypto), NOTCH_OK);
    notch_buf_fini(&entries);
}

static void submit(struct world *world)
{
    struct notch_buf record;
    build_record(world, &record);
    struct notch_bytes bytes = notch_buf_bytes(&record);
    struct notch_request request = {.type = NOTCH_REQUEST_SUBMIT, .token = 1, .submit = {&bytes, 1}};
    struct notch_node_event asked = {.type = NOTCH_NODE_REQUEST, .request = &request};
    give(world, &asked);
    notch_buf_fini(&record);
}

static void build_batch(struct world *world, struct notch_buf *out, const struct notch_signer *maker)
{
    struct notch_buf bytes;
    build_record(world, &bytes);
    struct notch_record record;
    struct notch_rules rules = notch_genesis_rules(&world->genesis, &world->domain, world->crypto);
    assert_true(notch_is_valid(notch_record_check(&record, notch_buf_bytes(&bytes), &rules)));
    struct notch_batch_builder builder;
    notch_batch_builder_init(&builder, notch_alloc_heap(), rules.batch_bytes_max);
    assert_int_equal(notch_batch_builder_add(&builder, notch_buf_bytes(&bytes), &record.id), NOTCH_OK);
    struct notch_hash id;
    notch_buf_init(out, notch_alloc_heap());
    struct notch_time now = {world->now_ms};
    assert_int_equal(notch_batch_builder_sign(&builder, out, &id, 1, now, maker, &rules), NOTCH_OK);
    notch_batch_builder_fini(&builder);
    notch_buf_fini(&bytes);
}

static void say_stored(struct world *world, const struct notch_signer *signer, const struct notch_key *key)
{
    struct notch_stored_message message = {.batch = world->batch, .key = *key};
    struct notch_hash hash;
    notch_stored_hash(&hash, &world->domain, &message.batch, &message.key);
    assert_true(notch_sign(world->crypto, &message.sig, signer, &hash));
    uint8_t out[200];
    struct notch_writer writer = notch_writer(out, sizeof out);
    notch_stored_message_encode(&writer, &message);
    say(world, NOTCH_NODE_MESSAGE_STORED, notch_writer_bytes(&writer));
}

static uint64_t pending(const struct world *world)
{
    struct notch_node_info info;
    notch_node_info(world->node, &info);
    return info.pending_batches;
}

static void what_is_malformed_is_refused_by_name(void **state)
{
    struct world *world = *state;
    static const uint8_t noise[] = {0xff, 0xee, 0xdd};
    for (int what = NOTCH_NODE_MESSAGE_BATCH; what <= NOTCH_NODE_MESSAGE_STORED; what++) {
        world->rejects = 0;
        world->rejected_peer = 0;
        say(world, (enum notch_node_message)what, notch_bytes(noise, sizeof noise));
        assert_int_equal(world->rejects, 1);
        assert_int_equal(world->rejected_peer, PEER);
        say(world, (enum notch_node_message)what, notch_bytes(NULL, 0));
        assert_int_equal(world->rejects, 2);
    }
    struct notch_node_event down = {.type = NOTCH_NODE_PEER_DOWN, .peer_down = PEER};
    give(world, &down);
    say(world, NOTCH_NODE_MESSAGE_BATCH, notch_bytes(noise, sizeof noise)); /* it came too late */
    assert_int_equal(world->rejects, 2);
}

static void a_record_is_acknowledged_when_another_has_it(void **state)
{
    struct world *world = *state;
    submit(world);
    assert_false(world->has_reply);
    say_stored(world, &world->stranger, &world->stranger.key); /* no validator: it counts for nothing */
    assert_false(world->has_reply);
    say_stored(world, &world->stranger, &world->other.key); /* in another's name */
    assert_int_equal(world->rejects, 1);
    assert_false(world->has_reply);
    say_stored(world, &world->other, &world->other.key);
    assert_true(world->has_reply);
    assert_int_equal(world->reply.status, NOTCH_STATUS_STORED);
    assert_int_equal(world->reply.stored_by, 2);
}

static void without_another_it_is_only_local(void **state)
{
    struct world *world = *state;
    uint64_t until = world->now_ms + ACKNOWLEDGE_MS;
    submit(world);
    while (world->now_ms < until) {
        assert_false(world->has_reply);
        uint64_t deadline = notch_node_deadline(world->node).raw;
        assert_true(deadline > world->now_ms);
        world->now_ms = deadline;
        struct notch_node_event tick = {.type = NOTCH_NODE_TICK};
        give(world, &tick);
    }
    assert_true(world->has_reply);
    assert_int_equal(world->reply.status, NOTCH_STATUS_LOCAL);
    assert_int_equal(world->reply.stored_by, 1);
}

static void a_batch_of_another_is_stored_and_receipted(void **state)
{
    struct world *world = *state;
    struct notch_buf batch;
    build_batch(world, &batch, &world->other);
    uint64_t before = world->view.body_count(world->view.self);
    say(world, NOTCH_NODE_MESSAGE_BATCH, notch_buf_bytes(&batch));
    assert_int_equal(world->view.body_count(world->view.self), before + 1);
    assert_int_equal(pending(world), 1);
    assert_int_equal(world->stored_sent, 1);
    say(world, NOTCH_NODE_MESSAGE_BATCH, notch_buf_bytes(&batch)); /* its maker missed the receipt */
    assert_int_equal(world->view.body_count(world->view.self), before + 1);
    assert_int_equal(world->stored_sent, 2);
    assert_int_equal(world->rejects, 0);
    notch_buf_fini(&batch);
}

static void a_batch_that_is_not_its_makers_is_refused(void **state)
{
    struct world *world = *state;
    struct notch_buf batch;
    build_batch(world, &batch, &world->other);
    batch.data[batch.len - 1] ^= 1; /* in the record */
    uint64_t before = world->view.body_count(world->view.self);
    say(world, NOTCH_NODE_MESSAGE_BATCH, notch_buf_bytes(&batch));
    assert_int_equal(world->rejects, 1);
    assert_int_equal(world->rejected_peer, PEER);
    notch_buf_fini(&batch);
    build_batch(world, &batch, &world->stranger); /* well signed, by nobody who may make one */
    say(world, NOTCH_NODE_MESSAGE_BATCH, notch_buf_bytes(&batch));
    assert_int_equal(world->rejects, 1);
    assert_int_equal(pending(world), 0);
    assert_int_equal(world->view.body_count(world->view.self), before);
    assert_int_equal(world->stored_sent, 0);
    notch_buf_fini(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_malformed_is_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_record_is_acknowledged_when_another_has_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_another_it_is_only_local, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_batch_of_another_is_stored_and_receipted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_batch_that_is_not_its_makers_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
