#include "chain/memstore.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEYS 64

static const struct notch_siphash_key seed = {1, 2};

/* What the keys should be, the plain way. */
struct model {
    bool present[KEYS];
    uint8_t value[KEYS];
};

static void commit_one(struct notch_commit *commit, struct model *model, struct notch_gen *gen)
{
    uint8_t key[2] = {'k', (uint8_t)notch_gen_below(gen, KEYS)};
    uint8_t value = (uint8_t)notch_gen_below(gen, 256);
    bool is_put = notch_gen_below(gen, 3) > 0;
    if (is_put) {
        notch_commit_put(commit, notch_bytes(key, sizeof key), notch_bytes(&value, 1));
        model->value[key[1]] = value;
    } else {
        notch_commit_delete(commit, notch_bytes(key, sizeof key));
    }
    model->present[key[1]] = is_put;
}

struct scan {
    const struct model *model;
    int next;
    int step;
    int end;
    bool good;
};

static bool see_key(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct scan *scan = arg;
    while (scan->next != scan->end && !scan->model->present[scan->next]) {
        scan->next += scan->step;
    }
    scan->good = scan->good && scan->next != scan->end && key.len == 2 && key.data[1] == scan->next && value.len == 1 &&
                 value.data[0] == scan->model->value[scan->next];
    scan->next += scan->good ? scan->step : 0;
    return scan->good;
}

static bool scan_is(struct notch_store_view view, const struct model *model, unsigned from, unsigned to,
                    enum notch_scan direction)
{
    uint8_t low[2] = {'k', (uint8_t)from};
    uint8_t high[2] = {'k', (uint8_t)to};
    bool up = direction == NOTCH_SCAN_UP;
    struct scan scan = {model, up ? (int)from : (int)to - 1, up ? 1 : -1, up ? (int)to : (int)from - 1, true};
    if (from > to) {
        scan.next = scan.end; /* nothing may be seen */
    }
    (void)view.scan(view.self, notch_bytes(low, 2), notch_bytes(high, 2), direction, see_key, &scan);
    while (scan.next != scan.end && !model->present[scan.next]) {
        scan.next += scan.step;
    }
    return scan.good && scan.next == scan.end;
}

static const char *keys_are_those_of_a_plain_model(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_memstore *store = notch_memstore_create(notch_alloc_heap(), seed);
    struct notch_store_view view = notch_memstore_view(store);
    struct model model = {0};
    struct notch_commit commit;
    notch_commit_init(&commit, notch_alloc_heap());
    const char *broken = NULL;
    uint64_t commits = notch_gen_below(gen, 30);
    for (uint64_t i = 0; i < commits && !broken; i++) {
        uint64_t ops = notch_gen_below(gen, 12);
        for (uint64_t op = 0; op < ops; op++) {
            commit_one(&commit, &model, gen);
        }
        notch_memstore_apply(store, &commit);
        notch_commit_clear(&commit);
        unsigned from = (unsigned)notch_gen_below(gen, KEYS);
        unsigned to = (unsigned)notch_gen_below(gen, KEYS);
        if (!scan_is(view, &model, from, to, NOTCH_SCAN_UP)) {
            broken = "a scan upwards differs";
        } else if (!scan_is(view, &model, from, to, NOTCH_SCAN_DOWN)) {
            broken = "a scan downwards differs";
        }
        for (unsigned k = 0; k < KEYS && !broken; k++) {
            uint8_t key[2] = {'k', (uint8_t)k};
            struct notch_buf value;
            notch_buf_init(&value, notch_alloc_heap());
            enum notch_err err = view.get(view.self, &value, notch_bytes(key, 2));
            bool right = model.present[k] ? err == NOTCH_OK && value.len == 1 && value.data[0] == model.value[k]
                                          : err == NOTCH_ERR_NOT_FOUND;
            broken = right ? NULL : "a get differs";
            notch_buf_fini(&value);
        }
    }
    notch_commit_fini(&commit);
    notch_memstore_destroy(store);
    return broken;
}

static void keys_model(void **state)
{
    (void)state;
    assert_true(notch_property_holds("memstore keys", 400, 5, keys_are_those_of_a_plain_model, NULL));
}

struct count {
    uint64_t votes;
    uint8_t last;
};

static bool count_vote(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct count *count = arg;
    assert_int_equal(key.len, 0);
    assert_int_equal(value.data[0], count->votes);
    count->votes++;
    count->last = value.data[0];
    return true;
}

#define COMMITS 12

/* Each commit has two bodies, two votes, and writes its number under one key. */
static void make_commit(struct notch_commit *commit, uint8_t number)
{
    commit->token = number;
    commit->body_first = (uint64_t)number * 2;
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t content = (uint8_t)(number * 2 + i);
        (void)notch_commit_body(commit, notch_bytes(&content, 1));
        notch_commit_vote(commit, notch_bytes(&content, 1));
    }
    notch_commit_put(commit, notch_bytes("n", 1), notch_bytes(&number, 1));
}

static void a_crash_keeps_what_a_disk_may(void **state)
{
    (void)state;
    bool seen_partial_bodies = false;
    bool seen_votes_behind = false;
    bool seen_keys_behind = false;
    for (uint64_t run = 0; run < 500; run++) {
        struct notch_rng rng;
        notch_rng_init(&rng, run);
        struct notch_memstore *store = notch_memstore_create(notch_alloc_heap(), seed);
        struct notch_store_view view = notch_memstore_view(store);
        for (uint8_t i = 0; i < COMMITS; i++) {
            struct notch_commit commit;
            notch_commit_init(&commit, notch_alloc_heap());
            make_commit(&commit, i);
            notch_memstore_submit(store, &commit);
            notch_commit_fini(&commit);
        }
        uint64_t completed = notch_rng_below(&rng, COMMITS);
        for (uint64_t i = 0; i < completed; i++) {
            uint64_t token;
            assert_true(notch_memstore_complete(store, &token));
            assert_int_equal(token, i);
        }
        notch_memstore_crash(store, &rng);
        assert_int_equal(notch_memstore_waiting(store), 0);

        uint64_t bodies = view.body_count(view.self);
        struct count count = {0};
        assert_int_equal(view.votes(view.self, count_vote, &count), NOTCH_OK);
        struct notch_buf value;
        notch_buf_init(&value, notch_alloc_heap());
        uint64_t keys = view.get(view.self, &value, notch_bytes("n", 1)) == NOTCH_OK ? value.data[0] + 1u : 0;
        assert_in_range(bodies, completed * 2, COMMITS * 2);
        assert_in_range(count.votes, completed * 2, bodies - bodies % 2);
        assert_in_range(keys, completed, count.votes / 2);
        for (uint64_t position = 0; position < bodies; position++) {
            notch_buf_clear(&value);
            assert_int_equal(view.body(view.self, &value, position), NOTCH_OK);
            assert_int_equal(value.data[0], position);
        }
        assert_int_equal(view.body(view.self, &value, bodies), NOTCH_ERR_NOT_FOUND);
        notch_buf_fini(&value);
        seen_partial_bodies |= bodies % 2 == 1;
        seen_votes_behind |= count.votes < bodies - 1;
        seen_keys_behind |= keys < count.votes / 2;
        notch_memstore_destroy(store);
    }
    assert_true(seen_partial_bodies && seen_votes_behind && seen_keys_behind);
}

static void waiting_commits_are_not_seen(void **state)
{
    (void)state;
    struct notch_memstore *store = notch_memstore_create(notch_alloc_heap(), seed);
    struct notch_store_view view = notch_memstore_view(store);
    struct notch_commit commit;
    notch_commit_init(&commit, notch_alloc_heap());
    make_commit(&commit, 0);
    notch_memstore_submit(store, &commit);
    assert_int_equal(view.body_count(view.self), 0);
    uint64_t token;
    assert_true(notch_memstore_complete(store, &token));
    assert_false(notch_memstore_complete(store, &token));
    assert_int_equal(view.body_count(view.self), 2);
    notch_commit_fini(&commit);
    notch_memstore_destroy(store);
}

static void lost_votes_are_lost_until_the_next(void **state)
{
    (void)state;
    struct notch_memstore *store = notch_memstore_create(notch_alloc_heap(), seed);
    struct notch_store_view view = notch_memstore_view(store);
    struct notch_commit commit;
    notch_commit_init(&commit, notch_alloc_heap());
    make_commit(&commit, 0);
    notch_memstore_apply(store, &commit);
    notch_memstore_lose_votes(store);
    struct count count = {0};
    assert_int_equal(view.votes(view.self, count_vote, &count), NOTCH_ERR_CORRUPT);
    notch_commit_clear(&commit);
    uint8_t entry = 0;
    notch_commit_vote(&commit, notch_bytes(&entry, 1));
    notch_memstore_apply(store, &commit);
    assert_int_equal(view.votes(view.self, count_vote, &count), NOTCH_OK);
    assert_int_equal(count.votes, 1);
    notch_memstore_wipe(store);
    assert_int_equal(view.body_count(view.self), 0);
    notch_commit_fini(&commit);
    notch_memstore_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_model),
        cmocka_unit_test(a_crash_keeps_what_a_disk_may),
        cmocka_unit_test(waiting_commits_are_not_seen),
        cmocka_unit_test(lost_votes_are_lost_until_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
