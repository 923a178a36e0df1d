/* The threads of the daemon: what blocks and votes wait for goes before records, and idle means idle. */
#include "node/daemon/workers.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { RECORD_JOBS = 64, CONSENSUS_JOBS = 4, TOKEN_CONSENSUS = 1000, JOBS = RECORD_JOBS + CONSENSUS_JOBS };

/* The first job is held in the hands of its thread until the test lets go. */
struct log {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t order[JOBS];
    size_t count;
    bool is_held;
};

static void on_ran(void *arg, uint64_t token)
{
    struct log *log = arg;
    pthread_mutex_lock(&log->mutex);
    log->order[log->count++] = token;
    pthread_cond_broadcast(&log->changed);
    while (log->is_held) {
        pthread_cond_wait(&log->changed, &log->mutex);
    }
    pthread_mutex_unlock(&log->mutex);
}

static void wait_for(struct log *log, size_t count)
{
    pthread_mutex_lock(&log->mutex);
    while (log->count < count) {
        pthread_cond_wait(&log->changed, &log->mutex);
    }
    pthread_mutex_unlock(&log->mutex);
}

static void let_go(struct log *log)
{
    pthread_mutex_lock(&log->mutex);
    log->is_held = false;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->mutex);
}

static int setup(void **state)
{
    static struct log log;
    log = (struct log){.is_held = true};
    pthread_mutex_init(&log.mutex, NULL);
    pthread_cond_init(&log.changed, NULL);
    *state = &log;
    return 0;
}

static int teardown(void **state)
{
    struct log *log = *state;
    pthread_cond_destroy(&log->changed);
    pthread_mutex_destroy(&log->mutex);
    return 0;
}

/* Nothing in it: the order is what is looked at. */
static const struct notch_rules rules;
static const struct notch_node_work records = {.type = NOTCH_NODE_CHECK_RECORDS, .rules = &rules};
static const struct notch_node_work consensus = {.type = NOTCH_NODE_CHECK_CONSENSUS, .rules = &rules};

static void consensus_goes_before_records_under_full_load(void **state)
{
    struct log *log = *state;
    struct notch_workers *workers = notch_workers_create(notch_alloc_heap(), 1, on_ran, log);
    assert_int_equal(notch_workers_start(workers), NOTCH_OK);
    for (uint64_t token = 0; token < RECORD_JOBS; token++) {
        notch_workers_add(workers, token, &records);
    }
    wait_for(log, 1); /* the only thread has begun with the records, and as many as it likes wait behind */
    for (uint64_t i = 0; i < CONSENSUS_JOBS; i++) {
        notch_workers_add(workers, TOKEN_CONSENSUS + i, &consensus);
    }
    uint64_t waiting, ran;
    notch_workers_depth(workers, &waiting, &ran);
    assert_int_equal(waiting, JOBS - 1);
    assert_int_equal(ran, 1);
    let_go(log);
    wait_for(log, JOBS);
    assert_int_equal(log->order[0], 0);
    for (uint64_t i = 0; i < CONSENSUS_JOBS; i++) {
        assert_int_equal(log->order[1 + i], TOKEN_CONSENSUS + i);
    }
    for (uint64_t i = 1; i < RECORD_JOBS; i++) {
        assert_int_equal(log->order[CONSENSUS_JOBS + i], i);
    }
    notch_workers_destroy(workers);
}

static void they_are_idle_when_nothing_waits_or_runs(void **state)
{
    struct log *log = *state;
    struct notch_workers *workers = notch_workers_create(notch_alloc_heap(), 2, on_ran, log);
    assert_true(notch_workers_are_idle(workers));
    notch_workers_add(workers, 1, &records);
    assert_false(notch_workers_are_idle(workers)); /* it waits */
    assert_int_equal(notch_workers_start(workers), NOTCH_OK);
    wait_for(log, 1);
    assert_false(notch_workers_are_idle(workers)); /* it runs */
    let_go(log);
    while (!notch_workers_are_idle(workers)) {
        sched_yield();
    }
    notch_workers_destroy(workers);
}

/* What has not begun is dropped, what has begun is waited for. */
static void a_stop_waits_for_what_runs_and_for_nothing_else(void **state)
{
    struct log *log = *state;
    struct notch_workers *workers = notch_workers_create(notch_alloc_heap(), 1, on_ran, log);
    notch_workers_add(workers, 1, &records);
    notch_workers_stop(workers);
    assert_int_equal(notch_workers_start(workers), NOTCH_OK);
    notch_workers_destroy(workers);
    assert_int_equal(log->count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(consensus_goes_before_records_under_full_load, setup, teardown),
        cmocka_unit_test_setup_teardown(they_are_idle_when_nothing_waits_or_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_waits_for_what_runs_and_for_nothing_else, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
