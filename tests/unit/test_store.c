#include "chain/io/crc32c.h"
#include "chain/io/keys_log.h"
#include "chain/io/segment.h"
#include "tests/support/fault_disk.h"
#include "tests/support/fault_env.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWERS_MAX 4096

struct fixture {
    struct fault_disk *disk;
    void *env;
    struct notch_store_options options;
    struct notch_store *store;
    struct notch_store_failure failure;
    struct notch_commit commit; /* made by fill() */
    uint64_t bodies;            /* submitted */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    uint64_t tokens[ANSWERS_MAX];
    enum notch_err errs[ANSWERS_MAX];
    size_t answers;
};

static void on_done(void *arg, uint64_t token, enum notch_err err)
{
    struct fixture *fixture = arg;
    (void)pthread_mutex_lock(&fixture->lock);
    fixture->tokens[fixture->answers] = token;
    fixture->errs[fixture->answers++] = err;
    (void)pthread_cond_signal(&fixture->answered);
    (void)pthread_mutex_unlock(&fixture->lock);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->disk = fault_disk_create(1);
    fixture->env = fault_env_create(fault_disk_ops(fixture->disk));
    fixture->options = notch_store_options_default();
    fixture->options.dir = "d";
    fixture->options.genesis.raw[0] = 1;
    fixture->options.alloc = notch_alloc_heap();
    fixture->options.files = fault_disk_ops(fixture->disk);
    fixture->options.keys_env = fixture->env;
    fixture->options.done = on_done;
    fixture->options.done_arg = fixture;
    fixture->options.runner = NOTCH_STORE_CALLER_RUNS;
    fixture->options.segment_bytes = 4096;
    (void)pthread_mutex_init(&fixture->lock, NULL);
    (void)pthread_cond_init(&fixture->answered, NULL);
    notch_commit_init(&fixture->commit, notch_alloc_heap());
    *state = fixture;
    return 0;
}

static void close_store(struct fixture *fixture)
{
    notch_store_destroy(fixture->store);
    fixture->store = NULL;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    close_store(fixture);
    notch_commit_fini(&fixture->commit);
    fault_env_destroy(fixture->env);
    fault_disk_destroy(fixture->disk);
    (void)pthread_mutex_destroy(&fixture->lock);
    (void)pthread_cond_destroy(&fixture->answered);
    free(fixture);
    return 0;
}

static enum notch_err open_store(struct fixture *fixture)
{
    close_store(fixture);
    fixture->store = notch_store_create(&fixture->options);
    enum notch_err err = notch_store_open(fixture->store, &fixture->failure);
    struct notch_store_view view = notch_store_latest(fixture->store);
    fixture->bodies = err == NOTCH_OK ? view.body_count(view.self) : 0;
    return err;
}

static struct notch_bytes text(const char *chars)
{
    return notch_bytes(chars, strlen(chars));
}

/* Parts are NULL where a commit has none of them. */
static void fill(struct fixture *fixture, struct notch_commit *commit, const char *body, const char *vote,
                 const char *key, const char *value)
{
    notch_commit_clear(commit);
    commit->body_first = fixture->bodies;
    if (body) {
        (void)notch_commit_body(commit, text(body));
        fixture->bodies++;
    }
    if (vote) {
        notch_commit_vote(commit, text(vote));
    }
    if (key && value) {
        notch_commit_put(commit, text(key), text(value));
    } else if (key) {
        notch_commit_delete(commit, text(key));
    }
}

static enum notch_err carry_out(struct fixture *fixture, const char *body, const char *vote, const char *key,
                                const char *value)
{
    fill(fixture, &fixture->commit, body, vote, key, value);
    enum notch_err err = notch_store_submit(fixture->store, &fixture->commit);
    if (err != NOTCH_OK) {
        return err;
    }
    size_t before = fixture->answers;
    while (notch_store_run(fixture->store)) {
    }
    assert_int_equal(fixture->answers, before + 1);
    return fixture->errs[before];
}

static void assert_get(const struct notch_store_view *view, const char *key, const char *value)
{
    struct notch_buf out;
    notch_buf_init(&out, notch_alloc_heap());
    enum notch_err err = view->get(view->self, &out, text(key));
    assert_int_equal(err, value ? NOTCH_OK : NOTCH_ERR_NOT_FOUND);
    if (value) {
        assert_true(notch_bytes_eq(notch_buf_bytes(&out), text(value)));
    }
    notch_buf_fini(&out);
}

static void assert_body(const struct notch_store_view *view, uint64_t position, const char *body)
{
    struct notch_buf out;
    notch_buf_init(&out, notch_alloc_heap());
    enum notch_err err = view->body(view->self, &out, position);
    assert_int_equal(err, body ? NOTCH_OK : NOTCH_ERR_NOT_FOUND);
    struct notch_buf part;
    notch_buf_init(&part, notch_alloc_heap());
    const struct notch_store_span span = {1, (uint32_t)(body ? strlen(body) - 1 : 0)};
    assert_int_equal(view->part(view->self, &part, position, span), err);
    assert_true(notch_bytes_eq(notch_buf_bytes(&part), text(body ? body + 1 : "")));
    notch_buf_fini(&part);
    if (body) {
        assert_true(notch_bytes_eq(notch_buf_bytes(&out), text(body)));
    }
    notch_buf_fini(&out);
}

static bool join(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct notch_buf *out = arg;
    notch_buf_append(out, key.data, key.len);
    notch_buf_append(out, "=", 1);
    notch_buf_append(out, value.data, value.len);
    notch_buf_append(out, " ", 1);
    return out->len < 12;
}

static void assert_scan(const struct notch_store_view *view, const char *from, const char *to,
                        enum notch_scan direction, const char *expected)
{
    struct notch_buf out;
    notch_buf_init(&out, notch_alloc_heap());
    assert_int_equal(view->scan(view->self, text(from), text(to), direction, join, &out), NOTCH_OK);
    assert_true(notch_bytes_eq(notch_buf_bytes(&out), text(expected)));
    notch_buf_fini(&out);
}

static void all_parts_stay(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    assert_int_equal(carry_out(fixture, "body 0", "vote", "a", "1"), NOTCH_OK);
    assert_int_equal(carry_out(fixture, "body 1", NULL, NULL, NULL), NOTCH_OK);
    assert_int_equal(carry_out(fixture, NULL, NULL, NULL, NULL), NOTCH_OK);
    for (unsigned round = 0; round < 2; round++) {
        struct notch_store_view view = notch_store_latest(fixture->store);
        assert_int_equal(view.body_count(view.self), 2);
        assert_body(&view, 0, "body 0");
        assert_body(&view, 1, "body 1");
        assert_body(&view, 2, NULL);
        assert_get(&view, "a", "1");
        assert_get(&view, "b", NULL);
        struct notch_buf votes;
        notch_buf_init(&votes, notch_alloc_heap());
        assert_int_equal(view.votes(view.self, join, &votes), NOTCH_OK);
        assert_true(notch_bytes_eq(notch_buf_bytes(&votes), text("=vote ")));
        notch_buf_fini(&votes);
        assert_int_equal(open_store(fixture), NOTCH_OK);
    }
}

static void scans_go_both_ways(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    static const char *const keys[] = {"a", "b", "ba", "c", "d"};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(keys); i++) {
        assert_int_equal(carry_out(fixture, NULL, NULL, keys[i], keys[i]), NOTCH_OK);
    }
    assert_int_equal(carry_out(fixture, NULL, NULL, "c", NULL), NOTCH_OK);
    struct notch_store_view view = notch_store_latest(fixture->store);
    assert_scan(&view, "", "b", NOTCH_SCAN_UP, "a=a ");
    assert_scan(&view, "b", "c", NOTCH_SCAN_UP, "b=b ba=ba ");
    assert_scan(&view, "b", "c", NOTCH_SCAN_DOWN, "ba=ba b=b ");
    assert_scan(&view, "a", "z", NOTCH_SCAN_DOWN, "d=d ba=ba b=b "); /* join() ends it there */
    assert_scan(&view, "c", "d", NOTCH_SCAN_UP, "");
    assert_scan(&view, "c", "a", NOTCH_SCAN_UP, "");
    assert_scan(&view, "z", "zz", NOTCH_SCAN_DOWN, "");
    /* The adapter's own keys lie behind everything that a commit may write. */
    assert_scan(&view, "c", "\xff", NOTCH_SCAN_DOWN, "d=d ");
}

static void a_pinned_view_stays(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    assert_int_equal(carry_out(fixture, "body 0", NULL, "a", "1"), NOTCH_OK);
    const struct notch_store_view *old = notch_store_pin(fixture->store);
    const struct notch_store_view *same = notch_store_pin(fixture->store);
    assert_ptr_equal(old, same);
    notch_store_unpin(fixture->store, same);
    assert_int_equal(carry_out(fixture, "body 1", NULL, "a", "2"), NOTCH_OK);
    const struct notch_store_view *now = notch_store_pin(fixture->store);
    assert_get(old, "a", "1");
    assert_get(now, "a", "2");
    assert_body(old, 1, NULL);
    assert_body(now, 1, "body 1");
    assert_int_equal(old->body_count(old->self), 1);
    notch_store_unpin(fixture->store, old);
    notch_store_unpin(fixture->store, now);
}

static void what_waits_is_synced_together(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    struct notch_commit commits[30];
    struct notch_store_stats before;
    notch_store_stats(fixture->store, &before);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(commits); i++) {
        notch_commit_init(&commits[i], notch_alloc_heap());
        fill(fixture, &commits[i], "a body", "a vote", i % 2 ? "key" : NULL, "v");
        commits[i].token = 100 + i;
        assert_int_equal(notch_store_submit(fixture->store, &commits[i]), NOTCH_OK);
    }
    assert_int_equal(fixture->answers, 0);
    assert_true(notch_store_run(fixture->store));
    assert_false(notch_store_run(fixture->store));
    assert_int_equal(fixture->answers, NOTCH_ARRAY_LEN(commits));
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(commits); i++) {
        assert_int_equal(fixture->tokens[i], 100 + i);
        assert_int_equal(fixture->errs[i], NOTCH_OK);
        notch_commit_fini(&commits[i]);
    }
    struct notch_store_stats stats;
    notch_store_stats(fixture->store, &stats);
    assert_int_equal(stats.body_syncs - before.body_syncs, 1);
    assert_int_equal(stats.vote_syncs - before.vote_syncs, 1);
    assert_int_equal(stats.key_syncs - before.key_syncs, 1);
    assert_int_equal(stats.commits, NOTCH_ARRAY_LEN(commits));
    assert_int_equal(stats.votes, NOTCH_ARRAY_LEN(commits));
}

static void a_full_queue_says_so(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.queue_max = 2;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    assert_int_equal(notch_store_submit(fixture->store, &fixture->commit), NOTCH_OK);
    assert_int_equal(notch_store_submit(fixture->store, &fixture->commit), NOTCH_OK);
    assert_int_equal(notch_store_submit(fixture->store, &fixture->commit), NOTCH_ERR_BUSY);
    assert_true(notch_store_run(fixture->store));
    assert_int_equal(notch_store_submit(fixture->store, &fixture->commit), NOTCH_OK);
}

/* Whatever call fails, the answer says why, nothing more is taken, and what was answered before is there again. */
static void a_failure_ends_the_store(void **state)
{
    struct fixture *fixture = *state;
    static const int numbers[] = {ENOSPC, EIO, EROFS};
    static const enum notch_err errs[] = {NOTCH_ERR_DISK_FULL, NOTCH_ERR_IO, NOTCH_ERR_READ_ONLY};
    uint64_t good = 0;
    unsigned failures = 0;
    for (uint64_t calls = 0; calls < 60; calls++) {
        assert_int_equal(open_store(fixture), NOTCH_OK);
        struct notch_store_view view = notch_store_latest(fixture->store);
        assert_true(view.body_count(view.self) >= good);
        fault_disk_fail_after(fixture->disk, calls, numbers[calls % 3]);
        enum notch_err err = NOTCH_OK;
        while (err == NOTCH_OK) {
            err = carry_out(fixture, "0123456789", "vote", "key", "value");
            good = err == NOTCH_OK ? fixture->bodies : good;
        }
        assert_int_equal(err, errs[calls % 3]);
        failures++;
        fault_disk_fail_after(fixture->disk, 0, 0);
        assert_int_equal(carry_out(fixture, "more", NULL, NULL, NULL), errs[calls % 3]);
        struct notch_store_stats stats;
        notch_store_stats(fixture->store, &stats);
        assert_int_equal(stats.failed, errs[calls % 3]);
    }
    assert_int_equal(failures, 60);
}

static void stores_of_others_are_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    struct notch_store *second = notch_store_create(&fixture->options);
    assert_int_equal(notch_store_open(second, &fixture->failure), NOTCH_ERR_LOCKED);
    assert_non_null(strstr(fixture->failure.text, "another process"));
    notch_store_destroy(second);

    fixture->options.genesis.raw[0] = 2;
    assert_int_equal(open_store(fixture), NOTCH_ERR_NETWORK);
    assert_non_null(strstr(fixture->failure.text, "another data directory"));
    fixture->options.genesis.raw[0] = 1;
    assert_int_equal(open_store(fixture), NOTCH_OK);
}

/* Offsets 8 to 11 of STORE are its format; a format that was written well, with its checksum, comes from another
 * program. */
static void another_format_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    close_store(fixture);
    fault_disk_flip(fixture->disk, "d/STORE", 8, 2);
    assert_int_equal(open_store(fixture), NOTCH_ERR_CORRUPT);
    struct notch_buf head;
    notch_buf_init(&head, notch_alloc_heap());
    assert_int_equal(notch__file_load(fixture->options.files, &head, "d/STORE", 100), NOTCH_OK);
    uint32_t crc = notch__crc32c(0, head.data, head.len - 4);
    for (unsigned i = 0; i < 4; i++) {
        head.data[head.len - 4 + i] = (uint8_t)(crc >> 8 * i);
    }
    fault_disk_put(fixture->disk, "d/STORE", head.data, head.len);
    notch_buf_fini(&head);
    assert_int_equal(open_store(fixture), NOTCH_ERR_VERSION);
    assert_non_null(strstr(fixture->failure.text, "the program that made it"));
}

struct found {
    unsigned notes;
    unsigned damage;
    unsigned lost;
    char last[256];
    uint64_t progress;
};

static void on_finding(void *self, const struct notch_finding *finding)
{
    struct found *found = self;
    found->notes += finding->grade == NOTCH_FINDING_NOTE;
    found->damage += finding->grade == NOTCH_FINDING_DAMAGE;
    found->lost += finding->grade == NOTCH_FINDING_LOST;
    assert_true(finding->grade == NOTCH_FINDING_NOTE || strlen(finding->remedy) > 0);
    (void)snprintf(found->last, sizeof found->last, "%s", finding->file);
}

static void on_progress(void *self, uint64_t done, uint64_t total)
{
    struct found *found = self;
    found->progress = done;
    assert_true(total >= done);
}

static enum notch_err verify(struct fixture *fixture, struct found *found)
{
    *found = (struct found){0};
    struct notch_store_verify_sink sink = {on_finding, on_progress, found};
    return notch_store_verify(&fixture->options, &sink, &fixture->failure);
}

static void fill_store(struct fixture *fixture)
{
    assert_int_equal(open_store(fixture), NOTCH_OK);
    char body[400];
    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    for (unsigned i = 0; i < 30; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%u", i);
        assert_int_equal(carry_out(fixture, body, "vote", key, body), NOTCH_OK);
    }
}

static void verification_names_what_is_damaged(void **state)
{
    struct fixture *fixture = *state;
    struct found found;
    assert_int_equal(verify(fixture, &found), NOTCH_ERR_NOT_FOUND);
    fill_store(fixture);
    assert_int_equal(verify(fixture, &found), NOTCH_ERR_LOCKED);
    close_store(fixture);
    assert_int_equal(verify(fixture, &found), NOTCH_OK);
    assert_int_equal(found.notes + found.damage + found.lost, 0);
    assert_true(found.progress > 12000);

    static const struct {
        const char *file;
        uint64_t at;
        unsigned damage;
        unsigned lost;
        unsigned notes;
    } cases[] = {
        {"d/bodies/000000.seg", 200, 1, 0, 0},
        {"d/bodies/000000.seg", 10, 1, 0, 0},
        {"d/bodies/000001.idx", 30, 0, 0, 1},
        {"d/bodies/000002.seg", 70, 1, 0, 0},
        {"d/votes", 5, 0, 1, 0},
        {"d/votes", 70, 0, 1, 0},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(cases); i++) {
        fault_disk_flip(fixture->disk, cases[i].file, cases[i].at, 8);
        assert_int_equal(verify(fixture, &found), cases[i].damage ? NOTCH_ERR_CORRUPT : NOTCH_OK);
        assert_int_equal(found.damage > 0, cases[i].damage);
        assert_int_equal(found.lost, cases[i].lost);
        assert_int_equal(found.notes, cases[i].notes);
        if (!cases[i].damage) {
            assert_string_equal(found.last, cases[i].file);
        }
        fault_disk_flip(fixture->disk, cases[i].file, cases[i].at, 8);
    }
    assert_int_equal(verify(fixture, &found), NOTCH_OK);
}

static bool find_log(char out[80], const struct notch_file_ops *files)
{
    struct notch__io io = {.files = files, .alloc = notch_alloc_heap()};
    struct notch__keys_logs logs;
    bool is_there = notch__keys_logs_find(&logs, &io, "d/keys") == NOTCH_OK && logs.newest_log[0] != '\0';
    (void)snprintf(out, 80, "d/keys/%s", logs.newest_log);
    return is_there;
}

/* Any byte of a record that another follows is damage; of the last one, a torn end. Never a silent loss in the
 * middle. */
static void leveldbs_log_is_cut_only_at_its_end(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    assert_int_equal(open_store(fixture), NOTCH_OK); /* a log with nothing but what follows */
    char log[80];
    assert_true(find_log(log, fixture->options.files));
    assert_int_equal(carry_out(fixture, NULL, NULL, "a", "1"), NOTCH_OK);
    uint64_t first = fault_disk_file_size(fixture->disk, log);
    assert_int_equal(carry_out(fixture, NULL, NULL, "a", "2"), NOTCH_OK);
    uint64_t second = fault_disk_file_size(fixture->disk, log);
    close_store(fixture);

    struct notch_buf whole;
    notch_buf_init(&whole, notch_alloc_heap());
    assert_int_equal(notch__file_load(fixture->options.files, &whole, log, 1u << 20), NOTCH_OK);
    struct notch__keys_log judged;
    notch__keys_log_judge(&judged, notch_buf_bytes(&whole));
    assert_int_equal(judged.records, 2);
    assert_int_equal(judged.end, second);
    for (uint64_t at = 0; at < second; at++) {
        whole.data[at] ^= 0x11;
        notch__keys_log_judge(&judged, notch_buf_bytes(&whole));
        assert_int_equal(judged.damaged, at < first);
        assert_int_equal(judged.torn, at >= first);
        assert_int_equal(judged.end, at < first ? 0 : first);
        whole.data[at] ^= 0x11;
    }
    for (size_t len = 0; len < whole.len; len++) {
        notch__keys_log_judge(&judged, notch_bytes(whole.data, len));
        assert_false(judged.damaged);
        assert_int_equal(judged.end, len < first ? 0 : first);
    }
    fault_disk_flip(fixture->disk, log, first - 1, 4);
    assert_int_equal(open_store(fixture), NOTCH_ERR_CORRUPT);
    assert_non_null(strstr(fixture->failure.text, log));
    assert_non_null(strstr(fixture->failure.text, "move the folder"));
    fault_disk_flip(fixture->disk, log, first - 1, 4);
    fault_disk_flip(fixture->disk, log, second - 1, 4);
    assert_int_equal(open_store(fixture), NOTCH_OK);
    struct notch_store_view view = notch_store_latest(fixture->store);
    assert_get(&view, "a", "1");
    notch_buf_fini(&whole);
}

/* A record of LevelDB's log taken out whole, as a disk may that drops a write: two marks of a last commit are left. */
static void a_lost_middle_of_the_keys_is_seen(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    assert_int_equal(open_store(fixture), NOTCH_OK);
    char log[80];
    assert_true(find_log(log, fixture->options.files));
    uint64_t ends[3];
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(carry_out(fixture, NULL, NULL, "a", i == 0 ? "1" : i == 1 ? "2" : "3"), NOTCH_OK);
        ends[i] = fault_disk_file_size(fixture->disk, log);
    }
    close_store(fixture);
    struct notch_buf whole;
    notch_buf_init(&whole, notch_alloc_heap());
    assert_int_equal(notch__file_load(fixture->options.files, &whole, log, 1u << 20), NOTCH_OK);
    memmove(whole.data + ends[0], whole.data + ends[1], (size_t)(ends[2] - ends[1]));
    fault_disk_put(fixture->disk, log, whole.data, (size_t)(ends[0] + ends[2] - ends[1]));
    notch_buf_fini(&whole);
    assert_int_equal(open_store(fixture), NOTCH_ERR_CORRUPT);
    assert_non_null(strstr(fixture->failure.text, "holds 2 marks"));
}

/* A disk that takes back what it had synced: of keys or of bodies, the other log knows. */
static void the_logs_vouch_for_each_other(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    assert_int_equal(open_store(fixture), NOTCH_OK);
    char log[80];
    assert_true(find_log(log, fixture->options.files));
    assert_int_equal(carry_out(fixture, "one", NULL, "a", "1"), NOTCH_OK);
    uint64_t size = fault_disk_file_size(fixture->disk, log);
    assert_int_equal(carry_out(fixture, "two", NULL, "a", "2"), NOTCH_OK);
    assert_int_equal(carry_out(fixture, "three", NULL, NULL, NULL), NOTCH_OK);
    close_store(fixture);
    fault_disk_shorten(fixture->disk, log, size);
    assert_int_equal(open_store(fixture), NOTCH_ERR_CORRUPT);
    assert_non_null(strstr(fixture->failure.text, "d/keys: ends with commit 1, but 2 was on disk"));
}

static void bodies_that_were_acknowledged_are_missed(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    assert_int_equal(carry_out(fixture, "one", NULL, NULL, NULL), NOTCH_OK);
    assert_int_equal(carry_out(fixture, "two", "vote", NULL, NULL), NOTCH_OK);
    close_store(fixture);
    fault_disk_shorten(fixture->disk, "d/bodies/000000.seg", NOTCH__SEGMENT_HEAD);
    assert_int_equal(open_store(fixture), NOTCH_ERR_CORRUPT);
    assert_non_null(strstr(fixture->failure.text, "holds 0 bodies, but 2 were on disk"));
}

static void remove_keys(struct fixture *fixture)
{
    struct notch__path path;
    static const char *const names[] = {"CURRENT", "LOCK"};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(names); i++) {
        path = notch__path_join("d/keys", names[i]);
        fault_disk_remove(fixture->disk, path.text);
    }
    for (unsigned i = 0; i < 100; i++) {
        char names_of_number[3][64];
        (void)snprintf(names_of_number[0], 64, "d/keys/%06u.log", i);
        (void)snprintf(names_of_number[1], 64, "d/keys/%06u.ldb", i);
        (void)snprintf(names_of_number[2], 64, "d/keys/MANIFEST-%06u", i);
        for (size_t k = 0; k < NOTCH_ARRAY_LEN(names_of_number); k++) {
            fault_disk_remove(fixture->disk, names_of_number[k]);
        }
    }
}

static void keys_that_were_moved_away_are_begun_again(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    assert_int_equal(carry_out(fixture, "one", NULL, "a", "1"), NOTCH_OK);
    assert_int_equal(carry_out(fixture, "two", NULL, "a", "2"), NOTCH_OK);
    close_store(fixture);
    fault_disk_remove(fixture->disk, "d/keys/CURRENT");
    assert_int_equal(open_store(fixture), NOTCH_ERR_CORRUPT);
    close_store(fixture);
    remove_keys(fixture);
    assert_int_equal(open_store(fixture), NOTCH_OK);
    struct notch_store_view view = notch_store_latest(fixture->store);
    assert_get(&view, "a", NULL);
    assert_body(&view, 1, "two");
    assert_int_equal(carry_out(fixture, "three", NULL, "a", "3"), NOTCH_OK);
    assert_int_equal(open_store(fixture), NOTCH_OK);
}

static void a_backup_holds_all_but_the_votes(void **state)
{
    struct fixture *fixture = *state;
    fill_store(fixture);
    assert_int_equal(notch_store_backup(fixture->store, "copy", &fixture->failure), NOTCH_OK);
    assert_int_equal(notch_store_backup(fixture->store, "copy", &fixture->failure), NOTCH_ERR_EXISTS);
    assert_int_equal(carry_out(fixture, "later", NULL, "k0", "later"), NOTCH_OK);
    fixture->options.dir = "copy";
    assert_int_equal(open_store(fixture), NOTCH_OK);
    struct notch_store_view view = notch_store_latest(fixture->store);
    assert_int_equal(view.body_count(view.self), 30);
    struct notch_buf out;
    notch_buf_init(&out, notch_alloc_heap());
    for (uint64_t i = 0; i < 30; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%u", (unsigned)i);
        notch_buf_clear(&out);
        assert_int_equal(view.body(view.self, &out, i), NOTCH_OK);
        assert_int_equal(out.len, 399);
        notch_buf_clear(&out);
        assert_int_equal(view.get(view.self, &out, text(key)), NOTCH_OK);
        assert_int_equal(out.len, 399);
    }
    assert_int_equal(view.votes(view.self, join, &out), NOTCH_ERR_CORRUPT);
    struct notch_store_stats stats;
    notch_store_stats(fixture->store, &stats);
    assert_true(stats.votes_lost);
    assert_int_equal(carry_out(fixture, NULL, "wait", NULL, NULL), NOTCH_OK);
    notch_buf_clear(&out);
    assert_int_equal(view.votes(view.self, join, &out), NOTCH_OK);
    assert_true(notch_bytes_eq(notch_buf_bytes(&out), text("=wait ")));
    notch_buf_fini(&out);
    close_store(fixture);
    struct found found;
    assert_int_equal(verify(fixture, &found), NOTCH_OK);
}

/* The real thread, the system's files, and readers on other threads meanwhile. */

#define THREADED_COMMITS 400

struct reading {
    struct fixture *fixture;
    uint64_t reads;
};

static void *read_along(void *arg)
{
    struct reading *reading = arg;
    struct notch_store *store = reading->fixture->store;
    struct notch_buf out;
    notch_buf_init(&out, notch_alloc_heap());
    for (uint64_t seen = 0; seen < THREADED_COMMITS;) {
        const struct notch_store_view *view = notch_store_pin(store);
        uint64_t count = view->body_count(view->self);
        notch_buf_clear(&out);
        enum notch_err err = view->get(view->self, &out, text("count"));
        /* Keys are never ahead of the bodies that they account for. */
        seen = err == NOTCH_OK ? notch_get_be64(out.data) : 0;
        assert_true(seen <= count);
        if (count > 0) {
            notch_buf_clear(&out);
            assert_int_equal(view->body(view->self, &out, reading->reads % count), NOTCH_OK);
            assert_int_equal(out.len, 300);
        }
        notch_store_unpin(store, view);
        reading->reads++;
    }
    notch_buf_fini(&out);
    return NULL;
}

static void wait_for(struct fixture *fixture, size_t answers)
{
    (void)pthread_mutex_lock(&fixture->lock);
    while (fixture->answers < answers) {
        (void)pthread_cond_wait(&fixture->answered, &fixture->lock);
    }
    (void)pthread_mutex_unlock(&fixture->lock);
}

static void submit_threaded(struct fixture *fixture, struct notch_commit *commits)
{
    char body[301];
    memset(body, 'x', 300);
    body[300] = '\0';
    for (uint64_t i = 0; i < THREADED_COMMITS; i++) {
        notch_commit_init(&commits[i], notch_alloc_heap());
        fill(fixture, &commits[i], body, NULL, NULL, NULL);
        commits[i].token = i;
        if (i % 16 == 15) {
            uint8_t count[8];
            notch_put_be64(count, i + 1);
            notch_commit_put(&commits[i], text("count"), notch_bytes(count, sizeof count));
        }
        while (notch_store_submit(fixture->store, &commits[i]) == NOTCH_ERR_BUSY) {
            wait_for(fixture, (size_t)i - 10);
        }
    }
}

static void the_thread_works_beside_readers(void **state)
{
    struct fixture *fixture = *state;
    const char *tmp = getenv("TMPDIR");
    char dir[256];
    (void)snprintf(dir, sizeof dir, "%s/store-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    fixture->options.dir = dir;
    fixture->options.files = NULL;
    fixture->options.keys_env = NULL;
    fixture->options.runner = NOTCH_STORE_OWN_THREAD;
    fixture->options.queue_max = 64;
    assert_int_equal(open_store(fixture), NOTCH_OK);
    pthread_t threads[3];
    struct reading readings[3];
    for (size_t i = 0; i < 3; i++) {
        readings[i] = (struct reading){fixture, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &readings[i]), 0);
    }
    struct notch_commit *commits = calloc(THREADED_COMMITS, sizeof *commits);
    submit_threaded(fixture, commits);
    wait_for(fixture, THREADED_COMMITS);
    for (size_t i = 0; i < 3; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_true(readings[i].reads > 0);
    }
    for (uint64_t i = 0; i < THREADED_COMMITS; i++) {
        assert_int_equal(fixture->tokens[i], i);
        assert_int_equal(fixture->errs[i], NOTCH_OK);
        notch_commit_fini(&commits[i]);
    }
    free(commits);
    assert_int_equal(open_store(fixture), NOTCH_OK);
    assert_int_equal(fixture->bodies, THREADED_COMMITS);
    close_store(fixture);
    char command[300];
    (void)snprintf(command, sizeof command, "rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_parts_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(scans_go_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pinned_view_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_is_synced_together, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_queue_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_ends_the_store, setup, teardown),
        cmocka_unit_test_setup_teardown(stores_of_others_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(another_format_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(verification_names_what_is_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(leveldbs_log_is_cut_only_at_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_middle_of_the_keys_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(the_logs_vouch_for_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies_that_were_acknowledged_are_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_that_were_moved_away_are_begun_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backup_holds_all_but_the_votes, setup, teardown),
        cmocka_unit_test_setup_teardown(the_thread_works_beside_readers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
