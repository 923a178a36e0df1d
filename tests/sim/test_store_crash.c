/*
 * Power cuts and failing writes under the store, at any call, with any loss of what was not synced: what chain/store.h
 * promises holds afterwards, again and again on the same disk.
 *
 *   test_sim_store_crash [FIRST_SEED [SEEDS]]
 *
 * One seed is one disk that goes through several lives. In each life random commits are handed over and carried out in
 * groups, until the power goes at some call (or a call fails), often enough in the middle of opening. The next life
 * opens what is left and compares it with all that was ever handed over.
 */
#include "chain/io/store.h"
#include "tests/support/fault_disk.h"
#include "tests/support/fault_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SEEDS_DEFAULT 1500
#define LIVES 5
#define COMMITS_MAX 400
#define WAITING_MAX 12
#define KEYS 40
#define KINDS 3

/* What one commit carries, as the numbers that its contents are made from. */
struct made {
    uint64_t bodies_before;
    uint64_t votes_before;
    uint32_t bodies;
    uint32_t votes;
    bool has_keys;
    struct notch_commit commit;
};

struct world {
    uint64_t seed;
    struct notch_rng rng;
    struct fault_disk *disk;
    void *env;
    struct made made[COMMITS_MAX];
    size_t made_count;
    size_t submitted;
    size_t done; /* commits answered OK */
    uint64_t done_bodies;
    uint64_t done_votes;
    size_t done_keys; /* 1 + the last commit with keys answered OK, 0 without */
    bool failed;
    uint32_t segment_bytes;
    uint32_t votes_keep_bytes;
    uint32_t salt; /* makes contents differ between seeds */
    int life;
};

static struct world *current;

static void die(const char *what, uint64_t a, uint64_t b)
{
    fprintf(stderr, "seed %llu, life %d: %s (%llu, %llu)\n", (unsigned long long)current->seed, current->life, what,
            (unsigned long long)a, (unsigned long long)b);
    abort();
}

#define require(condition, a, b) ((condition) ? (void)0 : die(#condition, (uint64_t)(a), (uint64_t)(b)))

/* Contents are functions of their number, so that nothing has to be kept to be compared. */

static size_t fill(struct world *world, uint8_t *out, uint64_t number, size_t max)
{
    struct notch_rng rng;
    notch_rng_init(&rng, number * 7919 + world->salt);
    size_t len = (size_t)notch_rng_below(&rng, notch_rng_below(&rng, 12) == 0 ? (uint64_t)max : (uint64_t)max / 40 + 1);
    notch_rng_fill(&rng, out, len);
    return len;
}

#define BODY_BYTES_MAX 20000
#define VOTE_BYTES_MAX 600

static size_t body_contents(struct world *world, uint8_t out[BODY_BYTES_MAX], uint64_t position)
{
    return fill(world, out, position, BODY_BYTES_MAX);
}

/* kind, number, something. */
static size_t vote_contents(struct world *world, uint8_t out[VOTE_BYTES_MAX + 9], uint64_t number)
{
    out[0] = (uint8_t)(number % 11 == 0 ? 2 : number % 2);
    notch_put_be64(out + 1, number);
    return 9 + fill(world, out + 9, number + 1000000, VOTE_BYTES_MAX);
}

/* What commit `index` does to key k: nothing, put, or delete. */
static int key_change(struct world *world, size_t index, unsigned k, uint8_t value[64], size_t *len)
{
    struct notch_rng rng;
    notch_rng_init(&rng, (uint64_t)index * 1000 + k + world->salt);
    uint64_t draw = notch_rng_below(&rng, 6);
    *len = (size_t)notch_rng_below(&rng, 64);
    notch_rng_fill(&rng, value, *len);
    return draw < 3 ? 1 : draw == 3 ? -1 : 0;
}

static void make_commit(struct world *world)
{
    size_t index = world->made_count++;
    struct made *made = &world->made[index];
    const struct made *before = index > 0 ? made - 1 : NULL;
    made->bodies_before = before ? before->bodies_before + before->bodies : 0;
    made->votes_before = before ? before->votes_before + before->votes : 0;
    made->bodies = notch_rng_below(&world->rng, 4) == 0 ? 0 : (uint32_t)notch_rng_below(&world->rng, 4);
    made->votes = (uint32_t)notch_rng_below(&world->rng, 3);
    made->has_keys = notch_rng_below(&world->rng, 3) == 0;
    notch_commit_init(&made->commit, notch_alloc_heap());
    made->commit.token = index;
    made->commit.body_first = made->bodies_before;

    static uint8_t contents[BODY_BYTES_MAX];
    for (uint32_t i = 0; i < made->bodies; i++) {
        size_t len = body_contents(world, contents, made->bodies_before + i);
        (void)notch_commit_body(&made->commit, notch_bytes(contents, len));
    }
    for (uint32_t i = 0; i < made->votes; i++) {
        size_t len = vote_contents(world, contents, made->votes_before + i);
        notch_commit_vote(&made->commit, notch_bytes(contents, len));
    }
    for (unsigned k = 0; made->has_keys && k < KEYS; k++) {
        uint8_t key = (uint8_t)k;
        size_t len;
        int change = key_change(world, index, k, contents, &len);
        if (change > 0) {
            notch_commit_put(&made->commit, notch_bytes(&key, 1), notch_bytes(contents, len));
        } else if (change < 0) {
            notch_commit_delete(&made->commit, notch_bytes(&key, 1));
        }
    }
    if (made->has_keys) {
        uint8_t number[8];
        notch_put_be64(number, index);
        notch_commit_put(&made->commit, notch_bytes("number", 6), notch_bytes(number, sizeof number));
    }
}

static void drop_commits(struct world *world, size_t keep)
{
    while (world->made_count > keep) {
        notch_commit_fini(&world->made[--world->made_count].commit);
    }
}

/* Answers come in order, and none after a failure is good. */
static void on_done(void *arg, uint64_t token, enum notch_err err)
{
    struct world *world = arg;
    if (err != NOTCH_OK) {
        world->failed = true;
        return;
    }
    require(!world->failed, token, 0);
    require(token == world->done, token, world->done);
    const struct made *made = &world->made[token];
    world->done++;
    world->done_bodies = made->bodies_before + made->bodies;
    world->done_votes = made->votes_before + made->votes;
    world->done_keys = made->has_keys ? (size_t)token + 1 : world->done_keys;
}

/* Comparing. */

struct votes_seen {
    struct world *world;
    uint64_t next; /* number behind the last one seen */
    uint64_t gaps_end;
    uint64_t newest[KINDS];
    uint64_t count;
};

static bool see_vote(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct votes_seen *seen = arg;
    static uint8_t expected[VOTE_BYTES_MAX + 9];
    require(key.len == 0, key.len, 0);
    require(value.len >= 9, value.len, 0);
    uint64_t number = notch_get_be64(value.data + 1);
    size_t len = vote_contents(seen->world, expected, number);
    require(notch_bytes_eq(value, notch_bytes(expected, len)), number, len);
    require(number >= seen->next, number, seen->next);
    seen->gaps_end = number > seen->next ? number : seen->gaps_end;
    seen->next = number + 1;
    seen->newest[value.data[0]] = number + 1;
    seen->count++;
    return true;
}

/* Which votes are there: all up to some number, but for old ones that a rotation left out; never the newest of a
 * kind. */
static uint64_t check_votes(struct world *world, const struct notch_store_view *view)
{
    struct votes_seen seen = {.world = world};
    enum notch_err err = view->votes(view->self, see_vote, &seen);
    require(err == NOTCH_OK, -err, 0);
    uint64_t submitted = world->made[world->submitted - 1].votes_before + world->made[world->submitted - 1].votes;
    require(seen.next >= world->done_votes, seen.next, world->done_votes);
    require(seen.next <= submitted, seen.next, submitted);
    uint64_t bytes = 0;
    static uint8_t contents[VOTE_BYTES_MAX + 9];
    for (uint64_t number = seen.next; number > seen.gaps_end; number--) {
        bytes += vote_contents(world, contents, number - 1) + 40;
    }
    require(seen.gaps_end == 0 || bytes + VOTE_BYTES_MAX + 41 >= world->votes_keep_bytes, seen.gaps_end, bytes);
    uint64_t newest[KINDS] = {0};
    for (uint64_t number = 0; number < seen.next; number++) {
        (void)vote_contents(world, contents, number);
        newest[contents[0]] = number + 1;
    }
    for (unsigned kind = 0; kind < KINDS; kind++) {
        require(newest[kind] == seen.newest[kind], newest[kind], seen.newest[kind]);
    }
    return seen.next;
}

static uint64_t check_bodies(struct world *world, const struct notch_store_view *view)
{
    const struct made *last = &world->made[world->submitted - 1];
    uint64_t count = view->body_count(view->self);
    require(count >= world->done_bodies, count, world->done_bodies);
    require(count <= last->bodies_before + last->bodies, count, last->bodies_before + last->bodies);
    static uint8_t expected[BODY_BYTES_MAX];
    struct notch_buf body;
    notch_buf_init(&body, notch_alloc_heap());
    for (uint64_t position = 0; position < count; position++) {
        notch_buf_clear(&body);
        enum notch_err err = view->body(view->self, &body, position);
        require(err == NOTCH_OK, position, -err);
        size_t len = body_contents(world, expected, position);
        require(notch_bytes_eq(notch_buf_bytes(&body), notch_bytes(expected, len)), position, len);
    }
    require(view->body(view->self, &body, count) == NOTCH_ERR_NOT_FOUND, count, 0);
    notch_buf_fini(&body);
    return count;
}

struct keys_seen {
    struct world *world;
    bool present[KEYS];
    size_t from[KEYS]; /* the commit that put it */
    unsigned next;
};

static bool see_key(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct keys_seen *seen = arg;
    uint8_t expected[64];
    size_t len;
    while (seen->next < KEYS && !seen->present[seen->next]) {
        seen->next++;
    }
    require(key.len == 1 && seen->next < KEYS && key.data[0] == seen->next, key.data[0], seen->next);
    int change = key_change(seen->world, seen->from[seen->next], seen->next, expected, &len);
    require(change == 1 && notch_bytes_eq(value, notch_bytes(expected, len)), seen->next, len);
    seen->next++;
    return true;
}

/* The keys are those of one commit: 1 + which, or 0. */
static size_t check_keys(struct world *world, const struct notch_store_view *view)
{
    struct notch_buf number;
    notch_buf_init(&number, notch_alloc_heap());
    enum notch_err err = view->get(view->self, &number, notch_bytes("number", 6));
    require(err == NOTCH_OK || err == NOTCH_ERR_NOT_FOUND, -err, 0);
    size_t upto = err == NOTCH_OK ? (size_t)notch_get_be64(number.data) + 1 : 0;
    notch_buf_fini(&number);
    require(upto >= world->done_keys, upto, world->done_keys);
    require(upto <= world->submitted, upto, world->submitted);

    struct keys_seen seen = {.world = world};
    for (size_t i = 0; i < upto; i++) {
        for (unsigned k = 0; world->made[i].has_keys && k < KEYS; k++) {
            uint8_t value[64];
            size_t len;
            int change = key_change(world, i, k, value, &len);
            seen.present[k] = change > 0 || (change == 0 && seen.present[k]);
            seen.from[k] = change > 0 ? i : seen.from[k];
        }
    }
    uint8_t end = KEYS;
    err = view->scan(view->self, notch_bytes("", 0), notch_bytes(&end, 1), NOTCH_SCAN_UP, see_key, &seen);
    require(err == NOTCH_OK, -err, 0);
    while (seen.next < KEYS) {
        require(!seen.present[seen.next], seen.next, upto);
        seen.next++;
    }
    return upto;
}

/* What is there now is the truth from here on: commits that are not wholly there are made again. */
static void adopt(struct world *world, uint64_t bodies, uint64_t votes, size_t keys)
{
    size_t whole = 0;
    while (whole < world->submitted && world->made[whole].bodies_before + world->made[whole].bodies <= bodies &&
           world->made[whole].votes_before + world->made[whole].votes <= votes) {
        whole++;
    }
    require(keys <= whole, keys, whole);
    for (size_t i = 0; i < world->submitted; i++) {
        bool some_votes = world->made[i].votes > 0 && votes > world->made[i].votes_before;
        require(!some_votes || world->made[i].bodies_before + world->made[i].bodies <= bodies, i, bodies);
    }
    drop_commits(world, whole);
    /* What is left over of a commit becomes one of its own, without keys. */
    const struct made *last = whole > 0 ? &world->made[whole - 1] : NULL;
    uint64_t bodies_in = last ? last->bodies_before + last->bodies : 0;
    uint64_t votes_in = last ? last->votes_before + last->votes : 0;
    for (size_t i = keys; i < whole; i++) {
        world->made[i].has_keys = false;
    }
    if (bodies > bodies_in || votes > votes_in) {
        struct made *rest = &world->made[world->made_count++];
        *rest = (struct made){bodies_in, votes_in, (uint32_t)(bodies - bodies_in), (uint32_t)(votes - votes_in),
                              false,     {0}};
        notch_commit_init(&rest->commit, notch_alloc_heap());
    }
    world->submitted = world->made_count;
    world->done = world->made_count;
    world->done_bodies = bodies;
    world->done_votes = votes;
    world->done_keys = keys;
}

/* A life. */

static struct notch_store *store_new(struct world *world)
{
    struct notch_store_options options = notch_store_options_default();
    options.dir = "store";
    memset(options.genesis.raw, 7, sizeof options.genesis.raw);
    options.alloc = notch_alloc_heap();
    options.files = fault_disk_ops(world->disk);
    options.keys_env = world->env;
    options.done = on_done;
    options.done_arg = world;
    options.runner = NOTCH_STORE_CALLER_RUNS;
    options.segment_bytes = world->segment_bytes;
    options.votes_keep_bytes = world->votes_keep_bytes;
    options.cache_bytes = (size_t)64 << 10;
    options.write_buffer_bytes = (size_t)64 << 10;
    options.group_bytes_max = (size_t)1 << (10 + notch_rng_below(&world->rng, 8));
    return notch_store_create(&options);
}

static void check_store(struct world *world, struct notch_store *store)
{
    struct notch_store_view view = notch_store_latest(store);
    if (world->submitted == 0) {
        require(view.body_count(view.self) == 0, view.body_count(view.self), 0);
        return;
    }
    uint64_t bodies = check_bodies(world, &view);
    uint64_t votes = check_votes(world, &view);
    size_t keys = check_keys(world, &view);
    adopt(world, bodies, votes, keys);
}

static void work(struct world *world, struct notch_store *store)
{
    while (!world->failed && world->made_count < COMMITS_MAX - 2) {
        uint64_t burst = 1 + notch_rng_below(&world->rng, WAITING_MAX);
        for (uint64_t i = 0; i < burst && world->made_count < COMMITS_MAX - 2; i++) {
            make_commit(world);
            enum notch_err err = notch_store_submit(store, &world->made[world->made_count - 1].commit);
            require(err == NOTCH_OK, -err, 0);
            world->submitted = world->made_count;
        }
        while (notch_store_run(store)) {
        }
        if (notch_rng_below(&world->rng, 60) == 0) {
            return; /* a clean stop */
        }
    }
}

static void arm(struct world *world)
{
    uint64_t calls = notch_rng_below(&world->rng, notch_rng_below(&world->rng, 3) == 0 ? 30 : 400);
    if (notch_rng_below(&world->rng, 5) == 0) {
        fault_disk_fail_after(world->disk, calls, notch_rng_below(&world->rng, 2) == 0 ? ENOSPC : EIO);
    } else {
        fault_disk_cut_after(world->disk, calls);
    }
}

static void live(struct world *world)
{
    world->failed = false;
    struct notch_store *store = store_new(world);
    struct notch_store_failure failure = {0};
    arm(world);
    enum notch_err err = notch_store_open(store, &failure);
    if (err == NOTCH_OK && !fault_disk_is_off(world->disk)) {
        check_store(world, store);
        work(world, store);
    } else if (err == NOTCH_ERR_CORRUPT || err == NOTCH_ERR_NETWORK || err == NOTCH_ERR_VERSION ||
               err == NOTCH_ERR_LOCKED) {
        fprintf(stderr, "%s\n", failure.text);
        die("the store does not open", (uint64_t)-err, 0);
    }
    notch_store_close(store);
    notch_store_destroy(store);
    fault_disk_power_on(world->disk, (enum fault_loss)notch_rng_below(&world->rng, FAULT_LOSS_COUNT));
}

/* The last life: nothing fails any more. */
static void check_at_peace(struct world *world)
{
    world->failed = false;
    struct notch_store *store = store_new(world);
    struct notch_store_failure failure = {0};
    enum notch_err err = notch_store_open(store, &failure);
    if (err != NOTCH_OK) {
        fprintf(stderr, "%s\n", failure.text);
        die("the store does not open", (uint64_t)-err, 0);
    }
    check_store(world, store);
    notch_store_close(store);
    notch_store_destroy(store);
}

static void run_seed(uint64_t seed)
{
    struct world *world = calloc(1, sizeof *world);
    notch_assert(world != NULL);
    current = world;
    world->seed = seed;
    notch_rng_init(&world->rng, seed);
    world->salt = (uint32_t)notch_rng_u64(&world->rng);
    world->segment_bytes = 2048u << notch_rng_below(&world->rng, 9);
    world->votes_keep_bytes = 512u << notch_rng_below(&world->rng, 8);
    world->disk = fault_disk_create(notch_rng_u64(&world->rng));
    world->env = fault_env_create(fault_disk_ops(world->disk));
    for (world->life = 0; world->life < LIVES; world->life++) {
        live(world);
    }
    check_at_peace(world);
    drop_commits(world, 0);
    fault_env_destroy(world->env);
    fault_disk_destroy(world->disk);
    free(world);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : SEEDS_DEFAULT;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        run_seed(seed);
    }
    printf("%llu seeds, %d lives each\n", (unsigned long long)seeds, LIVES);
    return 0;
}
