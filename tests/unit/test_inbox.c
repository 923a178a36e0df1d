/* What other threads say to the loop: whom it wakes and when, and that every request has one reply. */
#include "node/daemon/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct told {
    uint32_t wakes;
    uint32_t replies;
    uint64_t last_token;
};

static void on_wake(void *arg)
{
    struct told *told = arg;
    told->wakes++;
}

static void on_reply(void *arg, const struct notch_reply *reply)
{
    struct told *told = arg;
    told->replies++;
    told->last_token = reply->token;
}

static size_t take(struct notch_inbox *inbox)
{
    size_t count;
    (void)notch_inbox_take(inbox, &count);
    return count;
}

static void post(struct notch_inbox *inbox, uint64_t token)
{
    notch_inbox_post(inbox, (struct notch_inbox_item){.type = NOTCH_INBOX_DONE, .token = token});
}

/* A loop that is awake takes again by itself; one that rests is woken by the first thing, and once. */
static void only_a_loop_that_rests_is_woken(void **state)
{
    (void)state;
    struct told told = {0};
    struct notch_inbox *inbox = notch_inbox_create(notch_alloc_heap(), 4, on_wake, &told);
    post(inbox, 1); /* before the loop runs at all */
    post(inbox, 2);
    assert_int_equal(told.wakes, 1);
    assert_int_equal(take(inbox), 2);
    post(inbox, 3); /* it is at work */
    assert_int_equal(told.wakes, 1);
    assert_int_equal(take(inbox), 1);
    assert_int_equal(take(inbox), 0); /* it rests */
    post(inbox, 4);
    post(inbox, 5);
    assert_int_equal(told.wakes, 2);
    assert_int_equal(take(inbox), 2);
    assert_int_equal(take(inbox), 0);
    assert_int_equal(take(inbox), 0); /* a timer woke it, for nothing */
    post(inbox, 6);
    assert_int_equal(told.wakes, 3);
    notch_inbox_destroy(inbox);
}

static void requests_wake_as_well_and_are_bounded(void **state)
{
    (void)state;
    struct told told = {0};
    struct notch_inbox *inbox = notch_inbox_create(notch_alloc_heap(), 1, on_wake, &told);
    struct notch_request request = {.type = NOTCH_REQUEST_FINALITY, .token = 77};
    assert_int_equal(take(inbox), 0);
    assert_int_equal(notch_inbox_ask(inbox, &request, on_reply, &told), NOTCH_OK);
    assert_int_equal(told.wakes, 1);
    assert_int_equal(notch_inbox_ask(inbox, &request, on_reply, &told), NOTCH_ERR_BUSY);
    size_t count;
    const struct notch_inbox_item *items = notch_inbox_take(inbox, &count);
    assert_int_equal(count, 1);
    assert_int_equal(items[0].type, NOTCH_INBOX_REQUEST);
    struct notch_reply reply = {.type = NOTCH_REQUEST_FINALITY, .token = items[0].token};
    notch_inbox_answer(inbox, &reply);
    assert_int_equal(told.replies, 1);
    assert_int_equal(told.last_token, 77);
    notch_inbox_close(inbox);
    assert_int_equal(notch_inbox_ask(inbox, &request, on_reply, &told), NOTCH_ERR_CLOSED);
    assert_false(notch_inbox_refuse_one(inbox, NOTCH_ERR_CLOSED));
    notch_inbox_destroy(inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_loop_that_rests_is_woken),
        cmocka_unit_test(requests_wake_as_well_and_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
