/* What waits between peers and the node: in order, within bounds, and not before its commit. */
#include "node/daemon/mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void arrive(struct notch_mail *mail, uint64_t peer, const char *text)
{
    notch_mail_arrived(mail, NOTCH_NODE_MESSAGE, peer, NOTCH_NODE_MESSAGE_VOTES, notch_bytes(text, strlen(text)));
}

static void test_arrivals_in_order(void **state)
{
    (void)state;
    struct notch_mail mail;
    struct notch_node_event event;
    notch_mail_init(&mail, notch_alloc_heap());
    assert_false(notch_mail_first(&mail, &event));
    notch_mail_arrived(&mail, NOTCH_NODE_PEER_UP, 7, NOTCH_NODE_MESSAGE_STATUS, notch_bytes(NULL, 0));
    arrive(&mail, 7, "one");
    arrive(&mail, 8, "two");
    notch_mail_arrived(&mail, NOTCH_NODE_PEER_DOWN, 7, NOTCH_NODE_MESSAGE_STATUS, notch_bytes(NULL, 0));
    assert_true(notch_mail_first(&mail, &event));
    assert_int_equal(event.type, NOTCH_NODE_PEER_UP);
    assert_int_equal(event.peer_up.peer, 7);
    notch_mail_drop(&mail);
    assert_true(notch_mail_first(&mail, &event));
    assert_int_equal(event.type, NOTCH_NODE_MESSAGE);
    assert_int_equal(event.message.peer, 7);
    assert_int_equal(event.message.what, NOTCH_NODE_MESSAGE_VOTES);
    assert_true(notch_bytes_eq(event.message.bytes, notch_bytes("one", 3)));
    notch_mail_drop(&mail);
    notch_mail_drop(&mail);
    assert_true(notch_mail_first(&mail, &event));
    assert_int_equal(event.type, NOTCH_NODE_PEER_DOWN);
    assert_int_equal(event.peer_down, 7);
    notch_mail_drop(&mail);
    assert_false(notch_mail_first(&mail, &event));
    assert_int_equal(mail.count, 0);
    assert_int_equal(mail.bytes, 0);
    notch_mail_fini(&mail);
}

/* A peer that sends faster than the node takes loses messages, never its coming and going. */
static void test_bounds(void **state)
{
    (void)state;
    struct notch_mail mail;
    uint8_t *large = calloc(1, 1 << 20);
    assert_non_null(large);
    notch_mail_init(&mail, notch_alloc_heap());
    for (int i = 0; i < 100; i++) {
        notch_mail_arrived(&mail, NOTCH_NODE_MESSAGE, 1, NOTCH_NODE_MESSAGE_BLOCK, notch_bytes(large, 1 << 20));
    }
    assert_int_equal(mail.bytes, NOTCH_MAIL_BYTES_MAX);
    assert_int_equal(mail.dropped, 100 - (NOTCH_MAIL_BYTES_MAX >> 20));
    notch_mail_arrived(&mail, NOTCH_NODE_PEER_DOWN, 1, NOTCH_NODE_MESSAGE_STATUS, notch_bytes(NULL, 0));
    assert_int_equal(mail.count, (NOTCH_MAIL_BYTES_MAX >> 20) + 1);
    notch_mail_fini(&mail);
    notch_mail_init(&mail, notch_alloc_heap());
    for (int i = 0; i < NOTCH_MAIL_COUNT_MAX + 5; i++) {
        arrive(&mail, 1, "x");
    }
    assert_int_equal(mail.count, NOTCH_MAIL_COUNT_MAX);
    assert_int_equal(mail.dropped, 5);
    notch_mail_fini(&mail);
    free(large);
}

static void hold(struct notch_mail *mail, uint64_t after, const char *text)
{
    struct notch_node_effect effect = {.type = NOTCH_NODE_SEND, .after = after};
    effect.send.what = NOTCH_NODE_MESSAGE_VOTES;
    effect.send.bytes = notch_bytes(text, strlen(text));
    notch_mail_hold(mail, &effect);
}

static void test_nothing_leaves_before_its_commit(void **state)
{
    (void)state;
    struct notch_mail mail;
    notch_mail_init(&mail, notch_alloc_heap());
    hold(&mail, 3, "a vote");
    hold(&mail, 3, "its header");
    hold(&mail, 4, "the next");
    assert_null(notch_mail_ready(&mail));
    notch_mail_done(&mail, 2);
    assert_null(notch_mail_ready(&mail));
    notch_mail_done(&mail, 3);
    const struct notch_mail_item *letter = notch_mail_ready(&mail);
    assert_non_null(letter);
    assert_memory_equal(letter->bytes, "a vote", 6);
    notch_mail_sent(&mail);
    assert_memory_equal(notch_mail_ready(&mail)->bytes, "its header", 10);
    notch_mail_sent(&mail);
    assert_null(notch_mail_ready(&mail));
    notch_mail_done(&mail, 9);
    assert_memory_equal(notch_mail_ready(&mail)->bytes, "the next", 8);
    notch_mail_fini(&mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrivals_in_order),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_nothing_leaves_before_its_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
