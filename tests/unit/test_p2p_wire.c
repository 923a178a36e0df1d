#include "p2p/frame.h"

#include "tests/support/alloc.h"
#include "tests/support/p2p_messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zstd.h>

/* ---- messages ---- */

static const char *round_trip(struct notch_gen *gen, void *context)
{
    struct notch_test_message *test = context;
    notch_test_message_draw(test, gen);
    uint8_t code = (uint8_t)test->message.type;
    struct notch_buf first;
    struct notch_buf second;
    notch_buf_init(&first, notch_alloc_heap());
    notch_buf_init(&second, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&first);
    notch_p2p_encode(&writer, &test->message);
    struct notch_p2p_message back;
    bool is_valid = notch_is_valid(notch_p2p_decode(&back, code, notch_buf_bytes(&first)));
    bool is_same = false;
    bool is_cut_refused = first.len == 0;
    if (is_valid) {
        writer = notch_writer_grow(&second);
        notch_p2p_encode(&writer, &back);
        is_same = notch_bytes_eq(notch_buf_bytes(&first), notch_buf_bytes(&second)) &&
                  notch_p2p_token(&back) == notch_p2p_token(&test->message);
    }
    struct notch_p2p_message other;
    if (first.len > 0) {
        is_cut_refused = !notch_is_valid(notch_p2p_decode(&other, code, notch_bytes(first.data, first.len - 1)));
    }
    notch_buf_append(&first, "", 1);
    bool is_tail_refused = !notch_is_valid(notch_p2p_decode(&other, code, notch_buf_bytes(&first)));
    notch_buf_fini(&first);
    notch_buf_fini(&second);
    if (!is_valid) {
        return "what was encoded does not decode";
    }
    if (!is_same) {
        return "not the same again";
    }
    return is_cut_refused && is_tail_refused ? NULL : "a byte less or more is accepted";
}

static void messages_round_trip(void **state)
{
    (void)state;
    struct notch_test_message test;
    notch_test_message_init(&test);
    assert_true(notch_property_holds("messages round trip", 5000, 1, round_trip, &test));
    notch_test_message_fini(&test);
}

static enum notch_reject_code decode(enum notch_p2p_type type, const void *bytes, size_t len)
{
    struct notch_p2p_message message;
    return notch_p2p_decode(&message, (uint8_t)type, notch_bytes(bytes, len)).code;
}

static void bounds_are_kept(void **state)
{
    (void)state;
    uint8_t bytes[33 * 1002] = {NOTCH_P2P_VOTES};
    struct notch_writer writer = notch_writer(bytes + 1, 2);
    notch_write_uvar(&writer, NOTCH_P2P_IDS_MAX);
    assert_int_equal(decode(NOTCH_P2P_HAVE, bytes, 3 + 32 * NOTCH_P2P_IDS_MAX), NOTCH_REJECT_NONE);
    writer = notch_writer(bytes + 1, 2);
    notch_write_uvar(&writer, NOTCH_P2P_IDS_MAX + 1);
    assert_int_equal(decode(NOTCH_P2P_HAVE, bytes, 3 + 32 * (NOTCH_P2P_IDS_MAX + 1)), NOTCH_REJECT_MALFORMED);
    /* No ids; ids of what is no item; an unknown type; a flag that is neither 0 nor 1. */
    assert_int_equal(decode(NOTCH_P2P_HAVE, (uint8_t[]){NOTCH_P2P_VOTES, 0}, 2), NOTCH_REJECT_MALFORMED);
    uint8_t of_ping[34] = {NOTCH_P2P_PING, 1};
    assert_int_equal(decode(NOTCH_P2P_HAVE, of_ping, sizeof of_ping), NOTCH_REJECT_MALFORMED);
    assert_int_equal(decode((enum notch_p2p_type)99, "", 0), NOTCH_REJECT_UNKNOWN_TYPE);
    assert_int_equal(decode(NOTCH_P2P_SNAPSHOT, (uint8_t[]){1, 0, 0, 0, 2}, 5), NOTCH_REJECT_MALFORMED);
    assert_int_equal(decode(NOTCH_P2P_BYE, "ab", 2), NOTCH_REJECT_TOO_LARGE);
}

/* An end below the one before, or a last range that ends early, leaves ids that nobody would reconcile. */
static void ranges_cover_everything(void **state)
{
    (void)state;
    uint8_t bytes[5 + 2 * 33] = {1, 0, 0, 0, 2};
    memset(bytes + 6, 0x20, 32);
    memset(bytes + 39, 0xff, 32);
    assert_int_equal(decode(NOTCH_P2P_RECONCILE, bytes, sizeof bytes), NOTCH_REJECT_NONE);
    memset(bytes + 6, 0xff, 32);
    assert_int_equal(decode(NOTCH_P2P_RECONCILE, bytes, sizeof bytes), NOTCH_REJECT_MALFORMED);
    memset(bytes + 6, 0x20, 32);
    bytes[70] = 0xfe;
    assert_int_equal(decode(NOTCH_P2P_RECONCILE, bytes, sizeof bytes), NOTCH_REJECT_MALFORMED);
}

static void an_item_is_named_by_type_and_bytes(void **state)
{
    (void)state;
    struct notch_hash a;
    struct notch_hash b;
    notch_p2p_item_id(&a, NOTCH_P2P_BLOCKS, notch_bytes("x", 1));
    notch_p2p_item_id(&b, NOTCH_P2P_BATCHES, notch_bytes("x", 1));
    assert_false(notch_hash_eq(&a, &b));
    notch_p2p_item_id(&b, NOTCH_P2P_BLOCKS, notch_bytes("x", 1));
    assert_true(notch_hash_eq(&a, &b));
}

/* ---- frames ---- */

struct stream {
    struct notch_test_alloc alloc;
    struct notch_p2p_zstd zstd;
    struct notch_p2p_framer framer;
};

static void stream_init(struct stream *stream)
{
    notch_test_alloc_init(&stream->alloc);
    notch_p2p_zstd_init(&stream->zstd, &stream->alloc.alloc);
    notch_p2p_framer_init(&stream->framer, &stream->alloc.alloc);
    stream->framer.is_open = true;
}

static void stream_fini(struct stream *stream)
{
    notch_p2p_framer_fini(&stream->framer);
    notch_p2p_zstd_fini(&stream->zstd);
    assert_int_equal(stream->alloc.live_blocks, 0);
}

static enum notch_p2p_frame_state feed(struct stream *stream, struct notch_bytes *input, uint8_t *code,
                                       struct notch_bytes *payload, enum notch_p2p_reason *reason)
{
    return notch_p2p_framer_next(&stream->framer, &stream->zstd, input, code, payload, reason);
}

/* Frames come out the same however the bytes are cut, compressed or not. */
static const char *pieces(struct notch_gen *gen, void *context)
{
    (void)context;
    struct stream stream;
    stream_init(&stream);
    uint8_t text[6000];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i % 97);
    }
    struct notch_buf wire;
    notch_buf_init(&wire, notch_alloc_heap());
    uint32_t count = 1 + (uint32_t)notch_gen_below(gen, 5);
    size_t lens[5];
    size_t compress = notch_gen_below(gen, 2) == 0 ? 0 : 64;
    for (uint32_t i = 0; i < count; i++) {
        lens[i] = (size_t)notch_gen_below(gen, sizeof text + 1);
        notch_p2p_frame_append(&wire, &stream.zstd, NOTCH_P2P_VOTES, notch_bytes(text, lens[i]), compress);
    }
    const char *wrong = NULL;
    uint32_t seen = 0;
    for (size_t at = 0; at < wire.len && wrong == NULL;) {
        size_t len = 1 + (size_t)notch_gen_below(gen, 3000);
        len = len < wire.len - at ? len : wire.len - at;
        struct notch_bytes input = notch_bytes(wire.data + at, len);
        at += len;
        uint8_t code;
        struct notch_bytes payload;
        enum notch_p2p_reason reason;
        enum notch_p2p_frame_state step;
        while ((step = feed(&stream, &input, &code, &payload, &reason)) == NOTCH_P2P_FRAME_WHOLE) {
            bool is_right =
                seen < count && code == NOTCH_P2P_VOTES && notch_bytes_eq(payload, notch_bytes(text, lens[seen]));
            wrong = is_right ? wrong : "another frame came out";
            seen++;
        }
        wrong = step == NOTCH_P2P_FRAME_BAD ? "refused" : wrong;
    }
    notch_buf_fini(&wire);
    stream_fini(&stream);
    return wrong != NULL || seen == count ? wrong : "a frame is missing";
}

static void frames_come_in_any_pieces(void **state)
{
    (void)state;
    assert_true(notch_property_holds("frames in pieces", 300, 2, pieces, NULL));
}

static enum notch_p2p_reason refusal(struct stream *stream, const void *bytes, size_t len)
{
    struct notch_bytes input = notch_bytes(bytes, len);
    uint8_t code;
    struct notch_bytes payload;
    enum notch_p2p_reason reason;
    return feed(stream, &input, &code, &payload, &reason) == NOTCH_P2P_FRAME_BAD ? reason : NOTCH_P2P_REASON_NONE;
}

/* By the head alone, and with the few bytes of it taken, whatever length it announces. */
static void oversized_frames_take_no_memory(void **state)
{
    (void)state;
    struct stream stream;
    stream_init(&stream);
    static const uint8_t huge[] = {NOTCH_P2P_PING, 0, 0xff, 0xff, 0xff, 0x7f};
    assert_int_equal(refusal(&stream, huge, sizeof huge), NOTCH_P2P_REASON_TOO_LARGE);
    assert_true(stream.alloc.peak_bytes <= 64);
    stream_fini(&stream);

    /* Five megabytes are announced, and never come: memory follows what did. */
    stream_init(&stream);
    static const uint8_t never_ending[] = {NOTCH_P2P_BLOCKS, 0, 0x00, 0x00, 0x50, 0x00};
    assert_int_equal(refusal(&stream, never_ending, sizeof never_ending), NOTCH_P2P_REASON_NONE);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(refusal(&stream, "x", 1), NOTCH_P2P_REASON_NONE);
    }
    assert_true(stream.alloc.peak_bytes <= 4096);
    size_t frame_len;
    assert_true(notch_p2p_framer_is_inside(&stream.framer, &frame_len));
    assert_int_equal(frame_len, 6 + (5 << 20));
    stream_fini(&stream);
}

static void unknown_frames_are_refused(void **state)
{
    (void)state;
    struct stream stream;
    stream_init(&stream);
    assert_int_equal(refusal(&stream, "\x63\0\0\0\0\0", 6), NOTCH_P2P_REASON_MALFORMED);
    stream_fini(&stream);
    stream_init(&stream);
    assert_int_equal(refusal(&stream, "\x02\x02\0\0\0\0", 6), NOTCH_P2P_REASON_MALFORMED);
    stream_fini(&stream);
    /* Before the handshake only HELLO and BYE, and nothing compressed. */
    stream_init(&stream);
    stream.framer.is_open = false;
    assert_int_equal(refusal(&stream, "\x02\0\x10\0\0\0", 6), NOTCH_P2P_REASON_UNEXPECTED);
    stream_fini(&stream);
    stream_init(&stream);
    stream.framer.is_open = false;
    assert_int_equal(refusal(&stream, "\x01\x01\x10\0\0\0", 6), NOTCH_P2P_REASON_UNEXPECTED);
    stream_fini(&stream);
}

/* Returns the length of the frame written to `out`. */
static size_t compressed(uint8_t *out, size_t cap, uint8_t code, const void *data, size_t len)
{
    size_t size = ZSTD_compress(out + 6, cap - 6, data, len, 19);
    assert_false(ZSTD_isError(size));
    struct notch_writer writer = notch_writer(out, 6);
    notch_write_u8(&writer, code);
    notch_write_u8(&writer, NOTCH_P2P_FRAME_ZSTD);
    notch_write_u32(&writer, (uint32_t)size);
    return 6 + size;
}

/* Small on the wire, large inside: refused by the size that is stated, before any of it is unpacked. */
static void compressed_bombs_are_refused(void **state)
{
    (void)state;
    size_t len = 64 << 20;
    uint8_t *zeros = calloc(1, len);
    uint8_t frame[32768];
    size_t size = compressed(frame, sizeof frame, NOTCH_P2P_VOTES, zeros, len);
    struct stream stream;
    stream_init(&stream);
    assert_int_equal(refusal(&stream, frame, size), NOTCH_P2P_REASON_TOO_LARGE);
    assert_true(stream.alloc.peak_bytes < 64 << 10);
    stream_fini(&stream);

    /* Bytes behind the zstd frame, a broken one, and one that does not state its size. */
    size = compressed(frame, sizeof frame, NOTCH_P2P_VOTES, zeros, 1000);
    frame[2]++;
    frame[size] = 0;
    stream_init(&stream);
    assert_int_equal(refusal(&stream, frame, size + 1), NOTCH_P2P_REASON_MALFORMED);
    stream_fini(&stream);
    size = compressed(frame, sizeof frame, NOTCH_P2P_VOTES, zeros, 1000);
    frame[6] ^= 0xff;
    stream_init(&stream);
    assert_int_equal(refusal(&stream, frame, size), NOTCH_P2P_REASON_MALFORMED);
    stream_fini(&stream);
    free(zeros);
}

static void one_large_frame_keeps_no_memory(void **state)
{
    (void)state;
    struct stream stream;
    stream_init(&stream);
    size_t len = 2 << 20;
    uint8_t *zeros = calloc(1, len);
    struct notch_buf wire;
    notch_buf_init(&wire, notch_alloc_heap());
    notch_p2p_frame_append(&wire, &stream.zstd, NOTCH_P2P_BLOCKS, notch_bytes(zeros, len), 0);
    notch_p2p_frame_append(&wire, &stream.zstd, NOTCH_P2P_BYE, notch_bytes(zeros, 1), 0);
    struct notch_bytes input = notch_buf_bytes(&wire);
    uint8_t code;
    struct notch_bytes payload;
    enum notch_p2p_reason reason;
    assert_int_equal(feed(&stream, &input, &code, &payload, &reason), NOTCH_P2P_FRAME_WHOLE);
    assert_int_equal(payload.len, len);
    assert_int_equal(feed(&stream, &input, &code, &payload, &reason), NOTCH_P2P_FRAME_WHOLE);
    assert_int_equal(code, NOTCH_P2P_BYE);
    assert_true(stream.alloc.live_bytes < 1024);
    notch_buf_fini(&wire);
    free(zeros);
    stream_fini(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_round_trip),
        cmocka_unit_test(bounds_are_kept),
        cmocka_unit_test(ranges_cover_everything),
        cmocka_unit_test(an_item_is_named_by_type_and_bytes),
        cmocka_unit_test(frames_come_in_any_pieces),
        cmocka_unit_test(oversized_frames_take_no_memory),
        cmocka_unit_test(unknown_frames_are_refused),
        cmocka_unit_test(compressed_bombs_are_refused),
        cmocka_unit_test(one_large_frame_keeps_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
