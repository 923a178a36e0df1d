#include "consensus/leader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MEMBERS = 5, SLOTS = 40000 };

/* Every member leads as often as its weight says: within five standard deviations. */
static void leaders_follow_the_weights(void **state)
{
    (void)state;
    struct notch_domain domain;
    notch_domain_init(&domain, &(struct notch_hash){{1}});
    struct notch_member members[MEMBERS];
    for (uint8_t i = 0; i < MEMBERS; i++) {
        members[i] = (struct notch_member){{{(uint8_t)(i + 1)}}, (uint64_t)(i + 1) << 30};
    }
    struct notch_set set;
    assert_true(notch_is_valid(notch_set_make(&set, &domain, 0, members, MEMBERS)));
    uint32_t led[MEMBERS] = {0};
    struct notch_hash seed = {{9}};
    for (uint64_t slot = 1; slot <= SLOTS; slot++) {
        led[notch__leader_index(&set, &domain, &seed, (struct notch_slot){slot})]++;
    }
    for (uint32_t i = 0; i < MEMBERS; i++) {
        double share = (i + 1) / 15.0;
        double expected = SLOTS * share;
        double variance = SLOTS * share * (1 - share);
        double off = led[i] - expected;
        assert_true(off * off < 25 * variance);
    }
}

static void seed_slot_and_chain_decide(void **state)
{
    (void)state;
    struct notch_domain domain;
    struct notch_domain other;
    notch_domain_init(&domain, &(struct notch_hash){{1}});
    notch_domain_init(&other, &(struct notch_hash){{2}});
    struct notch_hash seed = {{9}};
    struct notch_hash mixed = seed;
    struct notch_hash a;
    struct notch_hash b;
    notch__leader_vrf_input(&a, &domain, &seed, (struct notch_slot){4});
    notch__leader_vrf_input(&b, &domain, &seed, (struct notch_slot){4});
    assert_true(notch_hash_eq(&a, &b));
    notch__leader_vrf_input(&b, &domain, &seed, (struct notch_slot){5});
    assert_false(notch_hash_eq(&a, &b));
    notch__leader_vrf_input(&b, &other, &seed, (struct notch_slot){4});
    assert_false(notch_hash_eq(&a, &b));
    notch__leader_mix(&mixed, &domain, &a);
    assert_false(notch_hash_eq(&mixed, &seed));
    struct notch_hash again = seed;
    notch__leader_mix(&again, &domain, &b);
    assert_false(notch_hash_eq(&mixed, &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaders_follow_the_weights),
        cmocka_unit_test(seed_slot_and_chain_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
