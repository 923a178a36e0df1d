/* Messages between nodes: what is written is read back, and nothing else is. */
#include "node/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct notch_bytes writing_of(uint8_t *out, size_t cap, void (*write)(struct notch_writer *))
{
    struct notch_writer writer = notch_writer(out, cap);
    write(&writer);
    assert_true(notch_writer_ok(&writer));
    return notch_writer_bytes(&writer);
}

static void write_status(struct notch_writer *writer)
{
    struct notch_status_message message = {
        .slot = {1234567},
        .head = {{1, 2}},
        .head_height = {300},
        .head_slot = {400},
        .final_slot = {128},
        .final = {{3}},
        .final_height = {127},
        .justified_slot = {UINT64_MAX},
    };
    notch_status_message_encode(writer, &message);
}

static const uint8_t hashes[NOTCH_HAVE_MAX * 32] = {1, 2, 3};

static void write_want(struct notch_writer *writer)
{
    struct notch_want_message message = {.kind = NOTCH_WANT_CHAIN, .count = NOTCH_WANT_MAX, .hashes = hashes};
    notch_want_message_encode(writer, &message);
}

static void write_certificate(struct notch_writer *writer)
{
    struct notch_want_message message = {.kind = NOTCH_WANT_CERTIFICATE, .slot = {77}, .count = 1, .hashes = hashes};
    notch_want_message_encode(writer, &message);
}

static void write_have(struct notch_writer *writer)
{
    struct notch_have_message message = {.count = NOTCH_HAVE_MAX, .hashes = hashes};
    notch_have_message_encode(writer, &message);
}

static void write_stored(struct notch_writer *writer)
{
    struct notch_stored_message message = {.batch = {{9}}, .key = {{8}}, .sig = {{7}}};
    notch_stored_message_encode(writer, &message);
}

static bool reads_status(struct notch_bytes bytes)
{
    struct notch_status_message out;
    return notch_is_valid(notch_status_message_decode(&out, bytes));
}

static bool reads_want(struct notch_bytes bytes)
{
    struct notch_want_message out;
    return notch_is_valid(notch_want_message_decode(&out, bytes));
}

static bool reads_have(struct notch_bytes bytes)
{
    struct notch_have_message out;
    return notch_is_valid(notch_have_message_decode(&out, bytes));
}

static bool reads_stored(struct notch_bytes bytes)
{
    struct notch_stored_message out;
    return notch_is_valid(notch_stored_message_decode(&out, bytes));
}

static void only_the_whole_of_a_message_is_read(void **state)
{
    (void)state;
    static const struct {
        void (*write)(struct notch_writer *);
        bool (*reads)(struct notch_bytes);
    } messages[] = {{write_status, reads_status},
                    {write_want, reads_want},
                    {write_certificate, reads_want},
                    {write_have, reads_have},
                    {write_stored, reads_stored}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(messages); i++) {
        uint8_t out[NOTCH_HAVE_MAX * 32 + 16];
        struct notch_bytes bytes = writing_of(out, sizeof out - 1, messages[i].write);
        assert_true(messages[i].reads(bytes));
        out[bytes.len] = 0;
        assert_false(messages[i].reads(notch_bytes(out, bytes.len + 1)));
        for (size_t len = 0; len < bytes.len; len++) {
            assert_false(messages[i].reads(notch_bytes(out, len)));
        }
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    uint8_t out[NOTCH_HAVE_MAX * 32 + 16];
    struct notch_status_message status;
    assert_true(notch_is_valid(notch_status_message_decode(&status, writing_of(out, sizeof out, write_status))));
    assert_int_equal(status.slot.raw, 1234567);
    assert_int_equal(status.head.raw[1], 2);
    assert_int_equal(status.head_height.raw, 300);
    assert_int_equal(status.head_slot.raw, 400);
    assert_int_equal(status.final_slot.raw, 128);
    assert_int_equal(status.final.raw[0], 3);
    assert_int_equal(status.final_height.raw, 127);
    assert_true(status.justified_slot.raw == UINT64_MAX);
    struct notch_want_message want;
    assert_true(notch_is_valid(notch_want_message_decode(&want, writing_of(out, sizeof out, write_certificate))));
    assert_int_equal(want.kind, NOTCH_WANT_CERTIFICATE);
    assert_int_equal(want.slot.raw, 77);
    assert_int_equal(want.count, 1);
    assert_int_equal(notch_message_hash(want.hashes, 0).raw[2], 3);
    struct notch_stored_message stored;
    assert_true(notch_is_valid(notch_stored_message_decode(&stored, writing_of(out, sizeof out, write_stored))));
    assert_int_equal(stored.batch.raw[0], 9);
    assert_int_equal(stored.key.raw[0], 8);
    assert_int_equal(stored.sig.raw[0], 7);
}

static void what_has_no_meaning_is_refused(void **state)
{
    (void)state;
    uint8_t out[NOTCH_HAVE_MAX * 32 + 64];
    struct notch_want_message want = {.kind = NOTCH_WANT_BLOCKS, .slot = {1}, .count = 1, .hashes = hashes};
    struct notch_writer writer = notch_writer(out, sizeof out);
    notch_want_message_encode(&writer, &want); /* a slot, and no checkpoint */
    assert_false(reads_want(notch_writer_bytes(&writer)));
    want = (struct notch_want_message){.kind = NOTCH_WANT_KINDS, .count = 1, .hashes = hashes};
    writer = notch_writer(out, sizeof out);
    notch_want_message_encode(&writer, &want); /* no such kind */
    assert_false(reads_want(notch_writer_bytes(&writer)));
    want = (struct notch_want_message){.kind = NOTCH_WANT_BLOCKS, .count = NOTCH_WANT_MAX + 1, .hashes = hashes};
    writer = notch_writer(out, sizeof out);
    notch_want_message_encode(&writer, &want); /* more than may be asked for */
    assert_false(reads_want(notch_writer_bytes(&writer)));
    static const uint8_t nothing[] = {0};
    assert_false(reads_have(notch_bytes(nothing, sizeof nothing)));
}

/* A receipt is for one batch, one key and one chain. */
static void a_receipt_signs_batch_and_key(void **state)
{
    (void)state;
    struct notch_domain domain;
    struct notch_domain other;
    notch_domain_init(&domain, &(struct notch_hash){{1}});
    notch_domain_init(&other, &(struct notch_hash){{2}});
    struct notch_hash batch = {{3}};
    struct notch_key key = {{4}};
    struct notch_hash first;
    struct notch_hash second;
    notch_stored_hash(&first, &domain, &batch, &key);
    notch_stored_hash(&second, &other, &batch, &key);
    assert_false(notch_hash_eq(&first, &second));
    notch_stored_hash(&second, &domain, &(struct notch_hash){{5}}, &key);
    assert_false(notch_hash_eq(&first, &second));
    notch_stored_hash(&second, &domain, &batch, &(struct notch_key){{5}});
    assert_false(notch_hash_eq(&first, &second));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_whole_of_a_message_is_read),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(what_has_no_meaning_is_refused),
        cmocka_unit_test(a_receipt_signs_batch_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
