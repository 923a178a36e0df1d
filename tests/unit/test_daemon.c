/* The loop that drives a node: real store, real signatures, a chain of one validator with slots of 40 ms. */
#include "node/daemon/daemon.h"

#include "chain/entry.h"
#include "wallet/io/random.h"

#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* What the hooks and replies tell the thread of the test. */
struct news {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t final_height;
    uint64_t started;
    uint64_t replies;
    struct notch_record_result last;
    enum notch_err last_err;
    uint64_t last_token;
};

struct fixture {
    char folder[PATH_MAX];
    char store[PATH_MAX + 8];
    uint8_t secrets[2][32];
    struct notch_signer validator;
    struct notch_signer author;
    struct notch_genesis genesis;
    struct notch_domain domain;
    struct notch_daemon *daemon;
    pthread_t thread;
    enum notch_err run_err;
    struct news news;
};

static void make_signer(struct notch_signer *out, uint8_t secret[32])
{
    const struct notch_crypto *crypto = notch_crypto_secp();
    notch_random_fill(secret, 32);
    *out = (struct notch_signer){.secret = secret};
    assert_true(crypto->key_of_secret(crypto->self, &out->key, secret));
}

static void make_genesis(struct fixture *fixture)
{
    struct timespec now;
    struct notch_genesis *genesis = &fixture->genesis;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    notch_genesis_init(genesis, notch_alloc_heap());
    notch_genesis_defaults(genesis, NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    assert_true(notch_genesis_set_name(genesis, "loop", 4));
    genesis->time0.raw = (uint64_t)now.tv_sec * 1000;
    genesis->seed.raw[0] = 1;
    struct notch_genesis_member member = {
        .key = fixture->validator.key, .operator_key = fixture->author.key, .reputation = NOTCH_GENESIS_REPUTATION};
    assert_int_equal(notch_genesis_add_member(genesis, &member), NOTCH_OK);
    assert_int_equal(notch_genesis_add_governance(genesis, &member.operator_key), NOTCH_OK);
    genesis->governance_quorum = 1;
    assert_int_equal(notch_genesis_check(genesis).code, NOTCH_REJECT_NONE);
    struct notch_buf bytes;
    struct notch_hash hash;
    notch_buf_init(&bytes, notch_alloc_heap());
    notch_genesis_encode(genesis, &bytes);
    notch_genesis_hash(&hash, notch_buf_bytes(&bytes));
    notch_buf_fini(&bytes);
    notch_domain_init(&fixture->domain, &hash);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    const char *base = getenv("TMPDIR");
    int len = snprintf(fixture->folder, sizeof fixture->folder, "%s/notch-loop-XXXXXX", base != NULL ? base : "/tmp");
    assert_in_range(len, 1, sizeof fixture->folder - 1);
    assert_non_null(mkdtemp(fixture->folder));
    len = snprintf(fixture->store, sizeof fixture->store, "%s/store", fixture->folder);
    assert_in_range(len, 1, sizeof fixture->store - 1);
    make_signer(&fixture->validator, fixture->secrets[0]);
    make_signer(&fixture->author, fixture->secrets[1]);
    make_genesis(fixture);
    pthread_mutex_init(&fixture->news.mutex, NULL);
    pthread_cond_init(&fixture->news.changed, NULL);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[PATH_MAX + 16];
    notch_genesis_fini(&fixture->genesis);
    pthread_cond_destroy(&fixture->news.changed);
    pthread_mutex_destroy(&fixture->news.mutex);
    int len = snprintf(command, sizeof command, "rm -rf '%s'", fixture->folder);
    assert_in_range(len, 1, sizeof command - 1);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

/* ---- hooks ---- */

static void on_started(void *arg)
{
    struct news *news = arg;
    pthread_mutex_lock(&news->mutex);
    news->started++;
    pthread_cond_broadcast(&news->changed);
    pthread_mutex_unlock(&news->mutex);
}

static void on_final(void *arg, const struct notch_block_ref *block)
{
    struct news *news = arg;
    pthread_mutex_lock(&news->mutex);
    news->final_height = block->height.raw;
    pthread_cond_broadcast(&news->changed);
    pthread_mutex_unlock(&news->mutex);
}

static void on_reply(void *arg, const struct notch_reply *reply)
{
    struct news *news = arg;
    pthread_mutex_lock(&news->mutex);
    news->replies++;
    news->last_err = reply->err;
    news->last_token = reply->token;
    bool has_result = reply->type != NOTCH_REQUEST_FINALITY && reply->type != NOTCH_REQUEST_VALIDATORS;
    if (reply->err == NOTCH_OK && has_result && reply->records.count > 0) {
        news->last = reply->records.results[0];
    }
    pthread_cond_broadcast(&news->changed);
    pthread_mutex_unlock(&news->mutex);
}

/* Until the counter has that value; a minute is far more than any machine needs. */
static void wait_for(struct news *news, const uint64_t *counter, uint64_t value)
{
    struct timespec until;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += 60;
    int failed = 0;
    pthread_mutex_lock(&news->mutex);
    while (*counter < value && failed == 0) {
        failed = pthread_cond_timedwait(&news->changed, &news->mutex, &until);
    }
    pthread_mutex_unlock(&news->mutex);
    assert_int_equal(failed, 0);
}

/* ---- a daemon that runs ---- */

static void *run(void *arg)
{
    struct fixture *fixture = arg;
    struct notch_daemon_failure failure;
    fixture->run_err = notch_daemon_run(fixture->daemon, &failure);
    return NULL;
}

static void create(struct fixture *fixture, uint32_t requests_max)
{
    struct notch_daemon_options options = {
        .genesis = &fixture->genesis,
        .domain = &fixture->domain,
        .crypto = notch_crypto_secp(),
        .alloc = notch_alloc_heap(),
        .validator = &fixture->validator,
        .author = &fixture->author,
        .hash_key = {1, 2},
        .clock_is_trusted = true,
        .store = notch_store_options_default(),
        .workers = 2,
        .requests_max = requests_max,
        .hooks = {.started = on_started, .final = on_final, .arg = &fixture->news},
    };
    options.store.dir = fixture->store;
    fixture->daemon = notch_daemon_create(&options);
}

static void start(struct fixture *fixture)
{
    struct notch_daemon_failure failure;
    create(fixture, 0);
    assert_int_equal(notch_daemon_open(fixture->daemon, &failure), NOTCH_OK);
    uint64_t started = fixture->news.started;
    assert_int_equal(pthread_create(&fixture->thread, NULL, run, fixture), 0);
    wait_for(&fixture->news, &fixture->news.started, started + 1);
}

static void stop(struct fixture *fixture)
{
    notch_daemon_stop(fixture->daemon);
    assert_int_equal(pthread_join(fixture->thread, NULL), 0);
    assert_int_equal(fixture->run_err, NOTCH_OK);
    notch_daemon_close(fixture->daemon);
    notch_daemon_destroy(fixture->daemon);
    fixture->daemon = NULL;
}

static void ask(struct fixture *fixture, const struct notch_request *request)
{
    uint64_t replies = fixture->news.replies;
    assert_int_equal(notch_daemon_request(fixture->daemon, request, on_reply, &fixture->news), NOTCH_OK);
    wait_for(&fixture->news, &fixture->news.replies, replies + 1);
    assert_int_equal(fixture->news.last_token, request->token);
}

static struct notch_hash publish(struct fixture *fixture, int64_t price)
{
    struct notch_buf entries;
    notch_buf_init(&entries, notch_alloc_heap());
    struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT};
    entry.as.insight.market.raw[0] = 7;
    entry.as.insight.period.start = fixture->genesis.time0;
    entry.as.insight.period.length_ms = 1000;
    entry.as.insight.mask = NOTCH_INSIGHT_POINT;
    entry.as.insight.point.raw = price;
    notch_entry_append(&entries, &entry);
    struct notch_bytes list = notch_buf_bytes(&entries);
    struct notch_request request = {
        .type = NOTCH_REQUEST_PUBLISH, .token = 1000 + (uint64_t)price, .publish = {&list, 1}};
    ask(fixture, &request);
    notch_buf_fini(&entries);
    assert_int_equal(fixture->news.last_err, NOTCH_OK);
    assert_int_equal(fixture->news.last.reject.code, NOTCH_REJECT_NONE);
    assert_int_equal(fixture->news.last.status, NOTCH_STATUS_STORED);
    return fixture->news.last.id;
}

static uint64_t final_records(struct fixture *fixture)
{
    struct notch_daemon_sight sight;
    notch_daemon_sight_take(fixture->daemon, &sight);
    uint64_t records = sight.info->records;
    notch_daemon_sight_give(fixture->daemon, &sight);
    return records;
}

static void wait_until_final(struct fixture *fixture, uint64_t records)
{
    while (final_records(fixture) < records) {
        wait_for(&fixture->news, &fixture->news.final_height, fixture->news.final_height + 1);
    }
}

/* ---- tests ---- */

static void a_record_becomes_final_and_stays_so(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    struct notch_hash id = publish(fixture, 1);
    wait_for(&fixture->news, &fixture->news.final_height, 1);
    stop(fixture);

    start(fixture);
    struct notch_request status = {.type = NOTCH_REQUEST_STATUS, .token = 5, .status.record = id};
    ask(fixture, &status);
    assert_in_range(fixture->news.last.status, NOTCH_STATUS_STORED, NOTCH_STATUS_SETTLED);
    publish(fixture, 2);
    publish(fixture, 3);
    stop(fixture);
}

/* What was acknowledged is on disk, however soon the stop comes; and it becomes final after the next start. */
static void a_stop_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    enum { RECORDS = 20 };
    start(fixture);
    for (int64_t i = 0; i < RECORDS; i++) {
        publish(fixture, 10 + i);
    }
    stop(fixture);
    start(fixture);
    wait_until_final(fixture, RECORDS);
    assert_int_equal(final_records(fixture), RECORDS);
    stop(fixture);
}

static struct notch_daemon_stats stats(const struct fixture *fixture)
{
    struct notch_daemon_stats out;
    notch_daemon_stats(fixture->daemon, &out);
    return out;
}

/* One record at a time, and nobody else at work: the loop checks some of them itself, while a worker signs the
 * batch. */
static void a_lone_record_is_checked_by_the_loop(void **state)
{
    struct fixture *fixture = *state;
    start(fixture);
    int64_t price = 100;
    while (stats(fixture).work_by_loop == 0) {
        publish(fixture, price++);
        assert_in_range(price, 100, 1000);
    }
    stop(fixture);
}

static void requests_before_the_start_are_answered(void **state)
{
    struct fixture *fixture = *state;
    struct notch_daemon_failure failure;
    create(fixture, 2);
    assert_int_equal(notch_daemon_open(fixture->daemon, &failure), NOTCH_OK);
    struct notch_request request = {.type = NOTCH_REQUEST_FINALITY, .token = 77};
    assert_int_equal(notch_daemon_request(fixture->daemon, &request, on_reply, &fixture->news), NOTCH_OK);
    assert_int_equal(notch_daemon_request(fixture->daemon, &request, on_reply, &fixture->news), NOTCH_OK);
    assert_int_equal(notch_daemon_request(fixture->daemon, &request, on_reply, &fixture->news), NOTCH_ERR_BUSY);
    assert_int_equal(pthread_create(&fixture->thread, NULL, run, fixture), 0);
    wait_for(&fixture->news, &fixture->news.replies, 2);
    assert_int_equal(fixture->news.last_err, NOTCH_OK);
    assert_int_equal(fixture->news.last_token, 77);
    notch_daemon_stop(fixture->daemon);
    assert_int_equal(notch_daemon_request(fixture->daemon, &request, on_reply, &fixture->news), NOTCH_ERR_CLOSED);
    stop(fixture);
}

/* A daemon that never ran answers what it was asked when it goes. */
static void closing_answers_what_waits(void **state)
{
    struct fixture *fixture = *state;
    struct notch_daemon_failure failure;
    create(fixture, 8);
    assert_int_equal(notch_daemon_open(fixture->daemon, &failure), NOTCH_OK);
    struct notch_request request = {.type = NOTCH_REQUEST_FINALITY, .token = 9};
    assert_int_equal(notch_daemon_request(fixture->daemon, &request, on_reply, &fixture->news), NOTCH_OK);
    notch_daemon_close(fixture->daemon);
    notch_daemon_destroy(fixture->daemon);
    assert_int_equal(fixture->news.replies, 1);
    assert_int_equal(fixture->news.last_err, NOTCH_ERR_CLOSED);
    assert_int_equal(fixture->news.last_token, 9);
}

static void a_store_of_another_chain_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct notch_daemon_failure failure;
    start(fixture);
    stop(fixture);
    struct notch_domain own = fixture->domain;
    struct notch_hash other = {{42}};
    notch_domain_init(&fixture->domain, &other);
    create(fixture, 0);
    assert_int_equal(notch_daemon_open(fixture->daemon, &failure), NOTCH_ERR_NETWORK);
    assert_non_null(strstr(failure.text, "network"));
    notch_daemon_destroy(fixture->daemon);
    fixture->domain = own;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_record_becomes_final_and_stays_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lone_record_is_checked_by_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(requests_before_the_start_are_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_answers_what_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_of_another_chain_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
