#include "chain/set.h"

#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct notch_domain domain;

static int setup(void **state)
{
    (void)state;
    notch_domain_init(&domain, &(struct notch_hash){{7}});
    return 0;
}

static void fill(struct notch_member *members, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        members[i] = (struct notch_member){.weight = 10 + i};
        notch_put_be32(members[i].key.raw, 3 * i + 1);
    }
}

static void members_are_found(void **state)
{
    (void)state;
    struct notch_member members[100];
    struct notch_set set;
    for (uint32_t count = 1; count <= 100; count++) {
        fill(members, count);
        assert_true(notch_is_valid(notch_set_make(&set, &domain, 4, members, count)));
        uint64_t sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(notch_set_index(&set, &members[i].key), i);
            assert_int_equal(notch_set_weight_of(&set, &members[i].key), 10 + i);
            sum += 10 + i;
            struct notch_key other = members[i].key;
            other.raw[3] = (uint8_t)(other.raw[3] + 1);
            assert_int_equal(notch_set_index(&set, &other), NOTCH_SET_NO_MEMBER);
            assert_int_equal(notch_set_weight_of(&set, &other), 0);
        }
        assert_int_equal(set.weight, sum);
    }
}

static void quorum_is_more_than_two_thirds(void **state)
{
    (void)state;
    for (uint64_t weight = 1; weight < 40; weight++) {
        struct notch_set set = {.weight = weight};
        for (uint64_t some = 0; some <= weight; some++) {
            assert_int_equal(notch_set_is_quorum(&set, some), 3 * some > 2 * weight);
            assert_int_equal(notch_set_is_third(&set, some), 3 * some > weight);
            /* Two quorums share more than a third: what all of safety stands on. */
            bool overlap = !notch_set_is_quorum(&set, some) || notch_set_is_third(&set, 2 * some - weight);
            assert_true(overlap);
        }
    }
}

static void bad_sets_are_refused(void **state)
{
    (void)state;
    struct notch_member members[3];
    struct notch_set set;
    fill(members, 3);
    assert_int_equal(notch_set_make(&set, &domain, 0, members, 0).code, NOTCH_REJECT_EMPTY);
    members[1].weight = 0;
    assert_int_equal(notch_set_make(&set, &domain, 0, members, 3).code, NOTCH_REJECT_BOUNDS);
    members[1].weight = NOTCH_SET_WEIGHT_MAX - 20;
    assert_int_equal(notch_set_make(&set, &domain, 0, members, 3).code, NOTCH_REJECT_BOUNDS);
    fill(members, 3);
    members[2].key = members[1].key;
    assert_int_equal(notch_set_make(&set, &domain, 0, members, 3).code, NOTCH_REJECT_MALFORMED);
}

static const char *round_trip(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_member members[20];
    struct notch_member back[20];
    uint32_t count = 1 + (uint32_t)notch_gen_below(gen, 20);
    fill(members, count);
    members[notch_gen_below(gen, count)].weight = 1 + notch_gen_below(gen, 1u << 30);
    struct notch_set set;
    struct notch_set other;
    if (!notch_is_valid(notch_set_make(&set, &domain, (uint32_t)notch_gen_u64(gen), members, count))) {
        return "a good set is refused";
    }
    uint8_t bytes[NOTCH_SET_ENCODED_MAX];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_set_encode(&writer, &set);
    struct notch_bytes encoded = notch_writer_bytes(&writer);
    struct notch_reader reader = notch_reader(encoded);
    if (!notch_is_valid(notch_set_decode(&other, back, 20, &reader, &domain)) || !notch_reader_done(&reader)) {
        return "does not decode";
    }
    if (!notch_hash_eq(&set.root, &other.root) || other.weight != set.weight || other.id != set.id) {
        return "decodes to another set";
    }
    /* The root is over every byte but those of the id. */
    notch_put_be32(bytes, (uint32_t)notch_gen_u64(gen));
    reader = notch_reader(encoded);
    if (!notch_is_valid(notch_set_decode(&other, back, 20, &reader, &domain)) ||
        !notch_hash_eq(&set.root, &other.root)) {
        return "the id is in the root";
    }
    size_t at = sizeof set.id + (size_t)notch_gen_below(gen, encoded.len - sizeof set.id);
    bytes[at] ^= (uint8_t)(1u << notch_gen_below(gen, 8));
    reader = notch_reader(encoded);
    bool is_read = notch_is_valid(notch_set_decode(&other, back, 20, &reader, &domain)) && notch_reader_done(&reader);
    return is_read && notch_hash_eq(&set.root, &other.root) ? "another set has the same root" : NULL;
}

static void sets_round_trip(void **state)
{
    (void)state;
    assert_true(notch_property_holds("sets round trip", 1000, 2, round_trip, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(quorum_is_more_than_two_thirds),
        cmocka_unit_test(bad_sets_are_refused),
        cmocka_unit_test(sets_round_trip),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
