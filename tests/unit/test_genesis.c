#include "chain/genesis.h"

#include "chain/weights.h"
#include "tests/support/alloc.h"
#include "tests/support/records.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct notch_test_alloc test_alloc;

static struct notch_genesis make(enum notch_network network, enum notch_mode mode)
{
    struct notch_genesis genesis;
    notch_genesis_init(&genesis, &test_alloc.alloc);
    notch_genesis_defaults(&genesis, network, mode);
    assert_true(notch_genesis_set_name(&genesis, "corner-shops", 12));
    genesis.time0.raw = NOTCH_TEST_NOW_MS;
    memset(genesis.seed.raw, 7, sizeof genesis.seed.raw);
    for (unsigned i = 0; i < 4; i++) {
        struct notch_genesis_member member = {.reputation = NOTCH_GENESIS_REPUTATION, .services = i};
        /* Added in another order than that of the keys. */
        member.key.raw[0] = (uint8_t)(200 - 50 * i);
        member.operator_key.raw[0] = (uint8_t)i;
        assert_int_equal(notch_genesis_add_member(&genesis, &member), NOTCH_OK);
        assert_int_equal(notch_genesis_add_member(&genesis, &member), NOTCH_ERR_EXISTS);
        assert_int_equal(notch_genesis_add_governance(&genesis, &member.key), NOTCH_OK);
        assert_int_equal(notch_genesis_add_governance(&genesis, &member.key), NOTCH_ERR_EXISTS);
    }
    genesis.governance_quorum = 3;
    return genesis;
}

static int set_up(void **state)
{
    (void)state;
    notch_test_alloc_init(&test_alloc);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return test_alloc.live_blocks == 0 ? 0 : -1;
}

static void check_round_trip(const struct notch_genesis *genesis)
{
    assert_true(notch_is_valid(notch_genesis_check(genesis)));
    struct notch_buf bytes;
    notch_buf_init(&bytes, &test_alloc.alloc);
    notch_genesis_encode(genesis, &bytes);
    struct notch_genesis back;
    notch_genesis_init(&back, &test_alloc.alloc);
    struct notch_reject reject = notch_genesis_decode(&back, notch_buf_bytes(&bytes));
    assert_true(notch_is_valid(reject));
    assert_string_equal(back.name, genesis->name);
    assert_memory_equal(&back.caps, &genesis->caps, sizeof back.caps);
    struct notch_buf again;
    notch_buf_init(&again, &test_alloc.alloc);
    notch_genesis_encode(&back, &again);
    assert_true(notch_bytes_eq(notch_buf_bytes(&bytes), notch_buf_bytes(&again)));
    notch_buf_fini(&again);
    notch_buf_fini(&bytes);
    notch_genesis_fini(&back);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int network = NOTCH_NETWORK_MAIN; network <= NOTCH_NETWORK_DEV; network++) {
        for (int mode = NOTCH_MODE_PRIVATE; mode <= NOTCH_MODE_PUBLIC; mode++) {
            struct notch_genesis genesis = make((enum notch_network)network, (enum notch_mode)mode);
            check_round_trip(&genesis);
            notch_genesis_fini(&genesis);
        }
    }
}

static void test_defaults(void **state)
{
    (void)state;
    struct notch_genesis genesis = make(NOTCH_NETWORK_DEV, NOTCH_MODE_PUBLIC);
    assert_int_equal(genesis.delta_ms, 10);
    assert_int_equal(genesis.epoch_slots, 32);
    assert_int_equal(genesis.target, NOTCH_TARGET_CONFIRMED);
    notch_genesis_fini(&genesis);
    genesis = make(NOTCH_NETWORK_MAIN, NOTCH_MODE_CONSORTIUM);
    assert_int_equal(genesis.delta_ms, 250);
    assert_int_equal(genesis.epoch_slots, 4096);
    assert_int_equal(genesis.quiet_slots, 150);
    assert_int_equal(genesis.settle_slots, 64);
    assert_int_equal(genesis.eta_slots, 32);
    for (uint32_t i = 1; i < genesis.member_count; i++) {
        assert_true(notch_key_cmp(&genesis.members[i - 1].key, &genesis.members[i].key) < 0);
        assert_true(notch_key_cmp(&genesis.governance[i - 1], &genesis.governance[i]) < 0);
    }
    notch_genesis_fini(&genesis);
}

/* The hash is part of the protocol: this one may change only together with the format version. */
static void test_known_hash(void **state)
{
    (void)state;
    struct notch_genesis genesis = make(NOTCH_NETWORK_MAIN, NOTCH_MODE_PRIVATE);
    struct notch_buf bytes;
    notch_buf_init(&bytes, &test_alloc.alloc);
    notch_genesis_encode(&genesis, &bytes);
    struct notch_hash hash;
    notch_genesis_hash(&hash, notch_buf_bytes(&bytes));
    assert_true(notch_test_hex_is(hash.raw, 32, "eda7ac5fb559972af0519ad52fae12cc2f1b6e34be3877a28909a481784a5b31"));
    notch_buf_fini(&bytes);
    notch_genesis_fini(&genesis);
}

/* Whatever byte is changed, the file is refused or has another hash; and any cut is refused. */
static void test_altered_bytes(void **state)
{
    (void)state;
    struct notch_genesis genesis = make(NOTCH_NETWORK_TEST, NOTCH_MODE_CONSORTIUM);
    struct notch_buf bytes;
    notch_buf_init(&bytes, &test_alloc.alloc);
    notch_genesis_encode(&genesis, &bytes);
    unsigned accepted = 0;
    for (size_t at = 0; at < bytes.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.data[at] ^= (uint8_t)(1u << bit);
            struct notch_genesis back;
            notch_genesis_init(&back, &test_alloc.alloc);
            if (notch_is_valid(notch_genesis_decode(&back, notch_buf_bytes(&bytes)))) {
                struct notch_buf again;
                notch_buf_init(&again, &test_alloc.alloc);
                notch_genesis_encode(&back, &again);
                assert_true(notch_bytes_eq(notch_buf_bytes(&again), notch_buf_bytes(&bytes)));
                notch_buf_fini(&again);
                notch_genesis_fini(&back);
                accepted++;
            }
            bytes.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    assert_true(accepted > 0);
    for (size_t cut = 0; cut < bytes.len; cut++) {
        struct notch_genesis back;
        notch_genesis_init(&back, &test_alloc.alloc);
        assert_false(notch_is_valid(notch_genesis_decode(&back, notch_bytes(bytes.data, cut))));
    }
    notch_buf_append(&bytes, "", 1);
    struct notch_genesis back;
    notch_genesis_init(&back, &test_alloc.alloc);
    assert_int_equal(notch_genesis_decode(&back, notch_buf_bytes(&bytes)).code, NOTCH_REJECT_MALFORMED);
    notch_buf_fini(&bytes);
    notch_genesis_fini(&genesis);
}

/* A field set to a value that is out of its bounds, and the word that the reason must hold. */
#define REFUSES(statement, reject_code, word) \
    do { \
        struct notch_genesis genesis = make(NOTCH_NETWORK_MAIN, NOTCH_MODE_PUBLIC); \
        statement; \
        struct notch_reject reject = notch_genesis_check(&genesis); \
        assert_int_equal(reject.code, NOTCH_REJECT_##reject_code); \
        assert_non_null(strstr(reject.reason, word)); \
        notch_genesis_fini(&genesis); \
    } while (0)

static void test_bounds_of_time(void **state)
{
    (void)state;
    REFUSES(genesis.slot0.raw = UINT64_MAX, BOUNDS, "slot0");
    REFUSES(genesis.time0.raw = NOTCH_TIME_MAX + 1, BOUNDS, "time0");
    REFUSES(genesis.delta_ms = 0, BOUNDS, "delta_ms");
    REFUSES(genesis.delta_ms = 60001, BOUNDS, "delta_ms");
    REFUSES(genesis.eta_slots = 1, BOUNDS, "eta");
    REFUSES(genesis.epoch_slots = 7, BOUNDS, "epoch");
    REFUSES(genesis.quiet_slots = 0, BOUNDS, "quiet");
    REFUSES(genesis.settle_slots = 0, BOUNDS, "settle");
    REFUSES(genesis.expiry_slots = 2 * genesis.settle_slots - 1, BOUNDS, "expiry");
    REFUSES(genesis.target = NOTCH_TARGET_HEAD, MODE, "target");
    REFUSES(genesis.rules = 0, VERSION, "rules");
    REFUSES(genesis.rules = NOTCH_RULES_VERSION + 1, VERSION, "rules");
}

static void test_bounds_of_sizes(void **state)
{
    (void)state;
    REFUSES(genesis.caps.body_bytes = 4095, BOUNDS, "body_bytes");
    REFUSES(genesis.caps.batches = 0, BOUNDS, "batches");
    REFUSES(genesis.caps.votes = 65537, BOUNDS, "votes");
    REFUSES(genesis.caps.evidence = 257, BOUNDS, "evidence");
    REFUSES(genesis.caps.batch_bytes = 65537, BOUNDS, "batch_bytes");
    REFUSES(genesis.caps.batch_bytes = genesis.caps.record_bytes + 2, BOUNDS, "batch_bytes");
    REFUSES(genesis.caps.record_bytes = 511, BOUNDS, "record_bytes");
    REFUSES(genesis.caps.record_bytes = 30721, BOUNDS, "record_bytes");
    REFUSES(genesis.author_bytes = 0, BOUNDS, "quotas");
    REFUSES(genesis.newcomer_bytes = (UINT64_C(1) << 40) + 1, BOUNDS, "quotas");
    REFUSES(genesis.aggregate_min = 0, BOUNDS, "aggregate_min");
}

static void test_bounds_of_members(void **state)
{
    (void)state;
    REFUSES(genesis.name[0] = 'A', BOUNDS, "name");
    REFUSES(genesis.name[0] = '\0', BOUNDS, "name");
    REFUSES(memset(genesis.name, 'a', sizeof genesis.name), BOUNDS, "name");
    REFUSES(genesis.mode = (enum notch_mode)3, BOUNDS, "mode");
    REFUSES(genesis.members[1].key = genesis.members[0].key, BOUNDS, "ascending");
    REFUSES(genesis.members[0].reputation = 999, BOUNDS, "reputation");
    REFUSES(genesis.members[0].reputation = NOTCH_REPUTATION_MAX + 1, BOUNDS, "reputation");
    REFUSES(genesis.members[0].services = 8, BOUNDS, "service");
    REFUSES(genesis.governance_count = 0, BOUNDS, "governance");
    REFUSES(genesis.governance[0] = genesis.governance[3], BOUNDS, "governance");
    REFUSES(genesis.governance_quorum = 0, BOUNDS, "quorum");
    REFUSES(genesis.governance_quorum = 5, BOUNDS, "quorum");
    struct notch_genesis genesis;
    notch_genesis_init(&genesis, &test_alloc.alloc);
    assert_false(notch_genesis_set_name(&genesis, "-a", 2));
    assert_false(notch_genesis_set_name(&genesis, "a-", 2));
    assert_false(notch_genesis_set_name(&genesis, "a b", 3));
    assert_false(notch_genesis_set_name(&genesis, "", 0));
    assert_false(notch_genesis_set_name(&genesis, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 33));
    assert_true(notch_genesis_set_name(&genesis, "a", 1));
}

static void test_slots(void **state)
{
    (void)state;
    struct notch_genesis genesis = make(NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    genesis.slot0.raw = 1000;
    uint64_t time0 = genesis.time0.raw;
    assert_true(notch_genesis_slot_at(&genesis, (struct notch_time){0}).raw == 1000);
    assert_true(notch_genesis_slot_at(&genesis, (struct notch_time){time0 + 39}).raw == 1000);
    assert_true(notch_genesis_slot_at(&genesis, (struct notch_time){time0 + 40}).raw == 1001);
    struct notch_time at;
    assert_int_equal(notch_genesis_slot_time(&genesis, &at, (struct notch_slot){1001}), NOTCH_OK);
    assert_true(at.raw == time0 + 40);
    assert_int_equal(notch_genesis_slot_time(&genesis, &at, (struct notch_slot){999}), NOTCH_ERR_RANGE);
    assert_int_equal(notch_genesis_slot_time(&genesis, &at, (struct notch_slot){UINT64_MAX}), NOTCH_ERR_OVERFLOW);
    notch_genesis_fini(&genesis);
}

static void test_weights(void **state)
{
    (void)state;
    struct notch_genesis genesis = make(NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    uint64_t w[4];
    notch_weights_of_genesis(w, &genesis);
    for (size_t i = 0; i < 4; i++) {
        assert_true(w[i] == w[0]);
    }
    /* 32, 8, 8, 8 (design consensus 8 E2): f is 1, and nobody may hold a third. */
    genesis.members[0].reputation = 32000000;
    for (size_t i = 1; i < 4; i++) {
        genesis.members[i].reputation = 8000000;
    }
    notch_weights_of_genesis(w, &genesis);
    uint64_t sum = w[0] + w[1] + w[2] + w[3];
    assert_true(3 * w[0] < sum);
    /* The cap is the greatest: one more would be a third or more. */
    assert_true(3 * (w[0] + 1) >= sum + 1);
    notch_genesis_fini(&genesis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_known_hash),        cmocka_unit_test(test_altered_bytes),
        cmocka_unit_test(test_bounds_of_time),    cmocka_unit_test(test_bounds_of_sizes),
        cmocka_unit_test(test_bounds_of_members), cmocka_unit_test(test_slots),
        cmocka_unit_test(test_weights),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
