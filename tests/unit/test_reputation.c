#include "chain/weights.h"
#include "consensus/account.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 12 };

/* ---- the cap (8 E2) against every possible cap ---- */

static uint64_t f_of(const uint64_t *w, size_t count)
{
    uint64_t greatest = 0;
    for (size_t i = 0; i < count; i++) {
        greatest = w[i] > greatest ? w[i] : greatest;
    }
    uint64_t ne = 0;
    for (size_t i = 0; i < count; i++) {
        ne += w[i] > 0 && 4 * w[i] >= greatest;
    }
    uint64_t f = ne <= 22 ? (ne - 1) / 3 : (ne + 11) / 12;
    return f > 0 ? f : 1;
}

static uint64_t brute_cap(const uint64_t *w, size_t count, uint64_t greatest)
{
    uint64_t best = 0;
    for (uint64_t cap = 1; cap <= greatest; cap++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += w[i] < cap ? w[i] : cap;
        }
        best = 3 * f_of(w, count) * cap < sum ? cap : best;
    }
    return best;
}

/* What the f heaviest hold, after the cap. */
static uint64_t heaviest(const uint64_t *w, size_t count, uint64_t f)
{
    uint64_t copy[40];
    memcpy(copy, w, count * sizeof *w);
    uint64_t sum = 0;
    for (uint64_t round = 0; round < f; round++) {
        size_t best = 0;
        for (size_t i = 0; i < count; i++) {
            best = copy[i] > copy[best] ? i : best;
        }
        sum += copy[best];
        copy[best] = 0;
    }
    return sum;
}

static const char *cap(struct notch_gen *gen, void *context)
{
    (void)context;
    uint64_t w[40] = {0};
    uint64_t capped[40];
    size_t count = 1 + (size_t)notch_gen_below(gen, notch_gen_below(gen, 4) == 0 ? 40 : 9);
    uint64_t greatest = 0;
    uint64_t members = 0;
    for (size_t i = 0; i < count; i++) {
        w[i] = notch_gen_below(gen, 60);
        greatest = w[i] > greatest ? w[i] : greatest;
        members += w[i] > 0;
    }
    memcpy(capped, w, sizeof w);
    uint64_t found = notch_weights_cap(capped, count);
    if (members == 0) {
        return found == 0 ? NULL : "a cap for nobody";
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += capped[i];
        if ((w[i] > 0) != (capped[i] > 0)) {
            return "a member is lost, or made";
        }
    }
    if (members <= 3) {
        return sum == members * found ? NULL : "up to three are equal";
    }
    if (found != brute_cap(w, count, greatest)) {
        return "another cap than the greatest";
    }
    return 3 * heaviest(capped, count, f_of(w, count)) < sum ? NULL : "f members hold a third";
}

static void the_cap_equals_brute_force(void **state)
{
    (void)state;
    assert_true(notch_property_holds("cap", 5000, 7, cap, NULL));
    /* The example of the review: 32, 8, 8, 8 gave one member more than a third. */
    uint64_t w[] = {32, 8, 8, 8};
    assert_int_equal(notch_weights_cap(w, 4), 11);
    /* A newcomer with next to nothing leaves the others as they are. */
    uint64_t young[] = {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1, 1};
    (void)notch_weights_cap(young, 9);
    assert_int_equal(young[0], 1000);
}

/* ---- the churn limit (8 E3) ---- */

static const char *churn(struct notch_gen *gen, void *context)
{
    (void)context;
    uint64_t old[MANY];
    uint64_t wanted[MANY];
    uint64_t w[MANY];
    size_t count = 2 + (size_t)notch_gen_below(gen, MANY - 1);
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        old[i] = notch_gen_below(gen, 1000);
        wanted[i] = notch_gen_below(gen, 1000);
    }
    old[0] += 1;
    wanted[0] += 1;
    notch_weights_normalise(old, count);
    notch_weights_normalise(wanted, count);
    memcpy(w, wanted, sizeof w);
    notch_weights_churn(w, old, count);
    uint64_t asked = 0;
    uint64_t moved = 0;
    for (size_t i = 0; i < count; i++) {
        total += old[i];
        asked += wanted[i] > old[i] ? wanted[i] - old[i] : old[i] - wanted[i];
        moved += w[i] > old[i] ? w[i] - old[i] : old[i] - w[i];
        bool is_between = (w[i] >= old[i] && w[i] <= wanted[i]) || (w[i] <= old[i] && w[i] >= wanted[i]);
        if (!is_between) {
            return "beyond what was asked for";
        }
    }
    if (8 * (asked / 2) <= total) {
        return memcmp(w, wanted, count * sizeof *w) == 0 ? NULL : "a small change is not taken as it is";
    }
    /* Rounding towards zero costs at most one unit each. */
    return 8 * (moved / 2) <= total + 8 && 8 * (moved / 2 + count + 1) >= total ? NULL : "not an eighth of the total";
}

static void churn_is_limited_to_an_eighth(void **state)
{
    (void)state;
    assert_true(notch_property_holds("churn", 5000, 8, churn, NULL));
}

/* ---- accounts ---- */

struct fixture {
    struct notch_genesis genesis;
    struct notch__accounts accounts;
    struct notch_domain domain;
    struct notch_member members[NOTCH_SET_MEMBERS_MAX];
    uint64_t reputations[NOTCH_SET_MEMBERS_MAX];
    struct notch_set set;
    uint64_t slot;
};

static struct notch_key key_of(uint32_t who)
{
    struct notch_key key = {{0}};
    notch_put_be32(key.raw, who + 1);
    return key;
}

static void make_set(struct fixture *f, uint32_t id, uint32_t count)
{
    assert_true(notch_is_valid(notch_set_make(&f->set, &f->domain, id, f->members, count)));
}

static void init(struct fixture *f, uint32_t members)
{
    memset(f, 0, sizeof *f);
    notch_genesis_init(&f->genesis, notch_alloc_heap());
    notch_genesis_defaults(&f->genesis, NOTCH_NETWORK_DEV, NOTCH_MODE_CONSORTIUM);
    notch_domain_init(&f->domain, &(struct notch_hash){{1}});
    for (uint32_t i = 0; i < members; i++) {
        struct notch_genesis_member member = {.key = key_of(i), .reputation = NOTCH_GENESIS_REPUTATION};
        assert_int_equal(notch_genesis_add_member(&f->genesis, &member), NOTCH_OK);
        f->members[i] = (struct notch_member){member.key, 100};
    }
    notch__accounts_init(&f->accounts, notch_alloc_heap(), 32);
    notch__accounts_genesis(&f->accounts, &f->genesis);
    make_set(f, 0, members);
}

static void fini(struct fixture *f)
{
    notch__accounts_fini(&f->accounts);
    notch_genesis_fini(&f->genesis);
}

/* One voted slot in which those of the mask vote; members are 0 .. members - 1, others cast shadow votes. */
static void vote(struct fixture *f, uint32_t mask, uint32_t members)
{
    f->slot++;
    for (uint32_t i = 0; i < 32; i++) {
        if ((mask >> i & 1) != 0) {
            struct notch_key key = key_of(i);
            bool is_new;
            notch__accounts_vote(&f->accounts, &is_new, &key, (struct notch_slot){f->slot}, i < members, true);
        }
    }
}

static uint32_t turn(struct fixture *f)
{
    uint32_t count;
    notch__accounts_turn(&f->accounts, f->members, f->reputations, &count, &f->set);
    make_set(f, f->set.id + 1, count);
    return count;
}

static void reputation_is_exact(void **state)
{
    (void)state;
    struct fixture f;
    init(&f, 4);
    for (unsigned i = 0; i < 16; i++) {
        vote(&f, i < 12 ? 0xf : 0x7, 4);
    }
    struct notch_key keys[4] = {key_of(0), key_of(1), key_of(2), key_of(3)};
    for (unsigned i = 0; i < 5; i++) {
        notch__accounts_led(&f.accounts, &keys[0]);
        notch__accounts_led(&f.accounts, &keys[1]);
    }
    for (unsigned i = 0; i < 2; i++) {
        notch__accounts_produced(&f.accounts, &keys[1]);
    }
    assert_int_equal(turn(&f), 4);
    /* 16e6 - 16e6/32 + (6 * duty + 2 * prop + 2 * duty) / 10, by hand. */
    assert_int_equal(f.reputations[0], 15500000 + (6 * 1000000 + 0 + 2 * 1000000) / 10);
    assert_int_equal(f.reputations[1], 15500000 + (6 * 1000000 + 2 * 400000 + 2 * 1000000) / 10);
    assert_int_equal(f.reputations[2], 15500000 + 1000000);
    assert_int_equal(f.reputations[3], 15500000 + 750000);
    fini(&f);
}

/* Nobody voted: what is neutral keeps the reputation as it is, and the set. */
static void an_idle_set_stays(void **state)
{
    (void)state;
    struct fixture f;
    init(&f, 4);
    struct notch_key fifth = key_of(4);
    notch__accounts_join(&f.accounts, &fifth);
    assert_int_equal(turn(&f), 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(f.reputations[i], 16000000);
    }
    fini(&f);
}

/* 8 L5: who wants to come in has to have been seen voting; three quarters of the window are enough. */
static void newcomers_have_to_be_alive(void **state)
{
    (void)state;
    struct fixture f;
    init(&f, 4);
    struct notch_key fifth = key_of(4);
    struct notch_key sixth = key_of(5);
    notch__accounts_join(&f.accounts, &fifth);
    notch__accounts_join(&f.accounts, &sixth);
    for (unsigned i = 0; i < 16; i++) {
        vote(&f, 0xf | (i < 12 ? 0x10u : 0) | (i < 11 ? 0x20u : 0), 4);
    }
    assert_int_equal(turn(&f), 5);
    assert_true(notch_key_eq(&f.members[4].key, &fifth));
    assert_true(notch__accounts_has_due_change(&f.accounts));
    /* Its weight came in under the churn limit: an eighth of the whole. */
    uint64_t before = f.members[4].weight;
    for (unsigned i = 0; i < 16; i++) {
        vote(&f, 0x3f, 5);
    }
    assert_int_equal(turn(&f), 6);
    assert_true(f.members[4].weight >= before);
    assert_false(notch__accounts_has_due_change(&f.accounts));
    fini(&f);
}

/* 8 L5: a set of which more than a quarter would be dead does not come into force; the old one goes on. */
static void a_dead_set_does_not_come_into_force(void **state)
{
    (void)state;
    struct fixture f;
    init(&f, 4);
    struct notch_key gone = key_of(3);
    notch__accounts_leave(&f.accounts, &gone);
    for (unsigned i = 0; i < 16; i++) {
        vote(&f, 0x3, 4);
    }
    assert_int_equal(turn(&f), 4);
    assert_int_equal(f.members[0].weight, 100);
    /* The others are back: now it does, and the one that leaves is on its way out. */
    for (unsigned i = 0; i < 16; i++) {
        vote(&f, 0xf, 4);
    }
    uint32_t sets = 1;
    for (; turn(&f) == 4; sets++) {
        assert_true(sets < 10);
        for (unsigned i = 0; i < 16; i++) {
            vote(&f, 0xf, 4);
        }
    }
    assert_int_equal(f.set.count, 3);
    assert_int_equal(notch_set_index(&f.set, &gone), NOTCH_SET_NO_MEMBER);
    fini(&f);
}

static void the_caught_are_out_at_once(void **state)
{
    (void)state;
    struct fixture f;
    init(&f, 7);
    for (unsigned i = 0; i < 16; i++) {
        vote(&f, 0x7f, 7);
    }
    struct notch_evidence ban = {.kind = NOTCH_EVIDENCE_EQUIVOCATION, .offender = key_of(1), .slot = {3}};
    struct notch_evidence jail = {.kind = NOTCH_EVIDENCE_PROPOSALS, .offender = key_of(2), .slot = {4}};
    struct notch_evidence rebuke = {.kind = NOTCH_EVIDENCE_BATCH, .offender = key_of(3), .seq = 9};
    for (unsigned i = 0; i < 3; i++) {
        /* Shown again, it has no more effect. */
        notch__accounts_punish(&f.accounts, &ban, 0);
        notch__accounts_punish(&f.accounts, &jail, 0);
        notch__accounts_punish(&f.accounts, &rebuke, 0);
    }
    assert_int_equal(notch__accounts_find(&f.accounts, &ban.offender)->reputation, 0);
    assert_int_equal(notch__accounts_find(&f.accounts, &jail.offender)->reputation, 8000000);
    assert_int_equal(notch__accounts_find(&f.accounts, &rebuke.offender)->reputation, 12000000);
    assert_int_equal(turn(&f), 5);
    assert_int_equal(notch_set_index(&f.set, &ban.offender), NOTCH_SET_NO_MEMBER);
    assert_int_equal(notch_set_index(&f.set, &jail.offender), NOTCH_SET_NO_MEMBER);
    /* A banned key does not come back by asking; a jailed one does, after eight sets. */
    notch__accounts_join(&f.accounts, &ban.offender);
    uint32_t jailed_sets = 0;
    while (notch_set_index(&f.set, &jail.offender) == NOTCH_SET_NO_MEMBER) {
        jailed_sets++;
        assert_true(jailed_sets < 20);
        for (unsigned i = 0; i < 16; i++) {
            vote(&f, 0x7f, 7);
        }
        (void)turn(&f);
    }
    assert_int_equal(jailed_sets, NOTCH__JAIL_SETS);
    assert_int_equal(notch_set_index(&f.set, &ban.offender), NOTCH_SET_NO_MEMBER);
    fini(&f);
}

static const char *accounts_round_trip(struct notch_gen *gen, void *context)
{
    (void)context;
    struct fixture *f = calloc(1, sizeof *f);
    init(f, 4);
    uint64_t steps = notch_gen_below(gen, 40);
    for (uint64_t i = 0; i < steps; i++) {
        struct notch_key key = key_of((uint32_t)notch_gen_below(gen, 7));
        switch (notch_gen_below(gen, 4)) {
        case 0:
            notch__accounts_join(&f->accounts, &key);
            break;
        case 1:
            notch__accounts_leave(&f->accounts, &key);
            break;
        case 2:
            (void)turn(f);
            break;
        default:
            vote(f, (uint32_t)notch_gen_below(gen, 128), 4);
            break;
        }
    }
    struct notch_buf first;
    struct notch_buf second;
    notch_buf_init(&first, notch_alloc_heap());
    notch_buf_init(&second, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&first);
    notch__accounts_write(&writer, &f->accounts);
    struct notch__accounts back;
    notch__accounts_init(&back, notch_alloc_heap(), 32);
    struct notch_reader reader = notch_reader(notch_buf_bytes(&first));
    notch__accounts_read(&reader, &back);
    bool is_read = notch_reader_done(&reader);
    writer = notch_writer_grow(&second);
    notch__accounts_write(&writer, &back);
    bool is_same = notch_bytes_eq(notch_buf_bytes(&first), notch_buf_bytes(&second));
    notch_buf_fini(&first);
    notch_buf_fini(&second);
    notch__accounts_fini(&back);
    fini(f);
    free(f);
    return is_read && is_same ? NULL : "not the same again";
}

static void accounts_survive_being_stored(void **state)
{
    (void)state;
    assert_true(notch_property_holds("accounts", 200, 9, accounts_round_trip, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cap_equals_brute_force), cmocka_unit_test(churn_is_limited_to_an_eighth),
        cmocka_unit_test(reputation_is_exact),        cmocka_unit_test(an_idle_set_stays),
        cmocka_unit_test(newcomers_have_to_be_alive), cmocka_unit_test(a_dead_set_does_not_come_into_force),
        cmocka_unit_test(the_caught_are_out_at_once), cmocka_unit_test(accounts_survive_being_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
