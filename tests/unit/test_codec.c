#include "base/codec.h"
#include "tests/support/alloc.h"
#include "tests/support/gen.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A copy of exactly its size, so that the sanitizers see a read one byte beyond. */
static uint8_t *exact_copy(const void *data, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, data, len);
    return copy;
}

static size_t encode_uvar(uint8_t out[NOTCH_UVAR_MAX], uint64_t value)
{
    struct notch_writer writer = notch_writer(out, NOTCH_UVAR_MAX);
    notch_write_uvar(&writer, value);
    assert_true(notch_writer_ok(&writer));
    return notch_writer_bytes(&writer).len;
}

/* Whether the bytes are one uvar and nothing else. */
static bool decode_uvar(uint64_t *value, const uint8_t *data, size_t len)
{
    uint8_t *copy = exact_copy(data, len);
    struct notch_reader reader = notch_reader(notch_bytes(copy, len));
    *value = notch_read_uvar(&reader);
    bool ok = notch_reader_done(&reader);
    free(copy);
    return ok;
}

static void check_uvar(uint64_t value)
{
    uint8_t bytes[NOTCH_UVAR_MAX + 1];
    uint64_t back;
    size_t len = encode_uvar(bytes, value);
    assert_int_equal(len, notch_uvar_len(value));
    assert_true(decode_uvar(&back, bytes, len));
    assert_true(back == value);
    for (size_t cut = 0; cut < len; cut++) {
        assert_false(decode_uvar(&back, bytes, cut));
        assert_true(back == 0);
    }
    /* The same value with zero groups behind it, in every length, is refused. */
    for (size_t padded = len + 1; padded <= NOTCH_UVAR_MAX + 1; padded++) {
        encode_uvar(bytes, value);
        bytes[len - 1] |= 0x80;
        memset(bytes + len, 0x80, padded - len - 1);
        bytes[padded - 1] = 0;
        assert_false(decode_uvar(&back, bytes, padded));
    }
}

static void test_uvar_at_every_boundary(void **state)
{
    (void)state;
    check_uvar(0);
    check_uvar(UINT64_MAX);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;
        check_uvar(power - 1);
        check_uvar(power);
        check_uvar(power + 1);
        check_uvar(power ^ UINT64_MAX);
    }
}

static void test_uvar_known_bytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *hex;
    } rows[] = {
        {0, "00"},
        {1, "01"},
        {127, "7f"},
        {128, "8001"},
        {300, "ac02"},
        {16383, "ff7f"},
        {16384, "808001"},
        {624485, "e58e26"},
        {UINT64_MAX, "ffffffffffffffffff01"},
        {UINT64_C(1) << 63, "80808080808080808001"},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(rows); i++) {
        uint8_t bytes[NOTCH_UVAR_MAX];
        size_t len = encode_uvar(bytes, rows[i].value);
        assert_true(notch_test_hex_is(bytes, len, rows[i].hex));
    }
}

static void test_uvar_beyond_64_bits(void **state)
{
    (void)state;
    uint8_t bytes[12];
    uint64_t back;
    memset(bytes, 0x80, sizeof bytes);
    for (unsigned last = 0; last < 256; last++) {
        bytes[9] = (uint8_t)last;
        bytes[10] = 1;
        assert_true(decode_uvar(&back, bytes, 10) == (last == 1));
        assert_false(decode_uvar(&back, bytes, 11));
    }
}

/* Of all strings of one to three bytes, exactly the canonical ones are taken, and each stands for itself. */
static void test_uvar_exhaustive_short(void **state)
{
    (void)state;
    size_t taken = 0;
    for (uint32_t word = 0; word < 1U << 24; word += word < 1U << 16 ? 1 : 257) {
        uint8_t bytes[3] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16)};
        for (size_t len = 1; len <= 3; len++) {
            struct notch_reader reader = notch_reader(notch_bytes(bytes, len));
            uint64_t value = notch_read_uvar(&reader);
            if (!notch_reader_done(&reader)) {
                continue;
            }
            uint8_t again[NOTCH_UVAR_MAX];
            assert_int_equal(encode_uvar(again, value), len);
            assert_memory_equal(again, bytes, len);
            taken++;
        }
    }
    assert_true(taken > 100000);
}

static void test_svar(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *hex;
    } rows[] = {
        {0, "00"},
        {-1, "01"},
        {1, "02"},
        {-2, "03"},
        {63, "7e"},
        {-64, "7f"},
        {64, "8001"},
        {-65, "8101"},
        {INT64_MAX, "feffffffffffffffff01"},
        {INT64_MIN, "ffffffffffffffffff01"},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(rows); i++) {
        uint8_t bytes[NOTCH_UVAR_MAX];
        struct notch_writer writer = notch_writer(bytes, sizeof bytes);
        notch_write_svar(&writer, rows[i].value);
        struct notch_bytes written = notch_writer_bytes(&writer);
        assert_true(notch_test_hex_is(written.data, written.len, rows[i].hex));
        struct notch_reader reader = notch_reader(written);
        assert_true(notch_read_svar(&reader) == rows[i].value);
        assert_true(notch_reader_done(&reader));
    }
}

static void test_fixed_width_is_little_endian(void **state)
{
    (void)state;
    uint8_t bytes[15];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_write_u8(&writer, 0x01);
    notch_write_u16(&writer, 0x8203);
    notch_write_u32(&writer, 0x84050607);
    notch_write_u64(&writer, UINT64_C(0x88090a0b0c0d0e0f));
    assert_true(notch_writer_ok(&writer));
    assert_true(notch_test_hex_is(bytes, sizeof bytes, "010382070605840f0e0d0c0b0a0988"));
    struct notch_reader reader = notch_reader(notch_writer_bytes(&writer));
    assert_int_equal(notch_read_u8(&reader), 0x01);
    assert_int_equal(notch_read_u16(&reader), 0x8203);
    assert_int_equal(notch_read_u32(&reader), 0x84050607);
    assert_true(notch_read_u64(&reader) == UINT64_C(0x88090a0b0c0d0e0f));
    assert_true(notch_reader_done(&reader));
}

static void test_big_endian_sorts(void **state)
{
    (void)state;
    uint8_t four[4];
    uint8_t eight[8];
    notch_put_be32(four, 0x81020304);
    notch_put_be64(eight, UINT64_C(0x8102030405060708));
    assert_true(notch_test_hex_is(four, 4, "81020304"));
    assert_true(notch_test_hex_is(eight, 8, "8102030405060708"));
    assert_int_equal(notch_get_be32(four), 0x81020304);
    assert_true(notch_get_be64(eight) == UINT64_C(0x8102030405060708));
}

static void test_reader_is_sticky(void **state)
{
    (void)state;
    uint8_t *data = exact_copy("\x01\x02\x03\x04", 4);
    struct notch_reader reader = notch_reader(notch_bytes(data, 4));
    assert_int_equal(notch_read_u8(&reader), 1);
    assert_int_equal(notch_read_u32(&reader), 0); /* three are left */
    assert_int_equal(notch_reader_left(&reader), 0);
    assert_int_equal(notch_read_u8(&reader), 0);
    assert_int_equal(notch_read_uvar(&reader), 0);
    assert_int_equal(notch_read_svar(&reader), 0);
    assert_null(notch_read_bytes(&reader, 0).data);
    assert_null(notch_read_blob(&reader, 10).data);
    struct notch_hash hash = notch_read_hash(&reader);
    struct notch_key key = notch_read_key(&reader);
    struct notch_sig sig = notch_read_sig(&reader);
    static const struct notch_sig zeros;
    assert_true(notch_hash_is_zero(&hash));
    assert_memory_equal(key.raw, zeros.raw, sizeof key.raw);
    assert_memory_equal(sig.raw, zeros.raw, sizeof sig.raw);
    assert_false(notch_reader_done(&reader));

    reader = notch_reader(notch_bytes(data, 4));
    assert_int_equal(notch_read_u32(&reader), 0x04030201);
    assert_true(notch_reader_done(&reader));
    notch_reader_fail(&reader);
    assert_false(notch_reader_done(&reader));
    free(data);
}

static void test_lengths_are_bounded(void **state)
{
    (void)state;
    uint8_t *data = exact_copy("\x03xyz", 4);
    struct notch_reader reader = notch_reader(notch_bytes(data, 4));
    struct notch_bytes blob = notch_read_blob(&reader, 3);
    assert_int_equal(blob.len, 3);
    assert_memory_equal(blob.data, "xyz", 3);
    assert_true(notch_reader_done(&reader));
    reader = notch_reader(notch_bytes(data, 4));
    assert_null(notch_read_blob(&reader, 2).data);
    assert_true(reader.failed);
    reader = notch_reader(notch_bytes(data, 3));
    assert_null(notch_read_blob(&reader, SIZE_MAX).data);
    assert_true(reader.failed);
    reader = notch_reader(notch_bytes(data, 4));
    assert_null(notch_read_bytes(&reader, SIZE_MAX).data);
    assert_true(reader.failed);
    reader = notch_reader(notch_bytes(data, 1));
    assert_int_equal(notch_read_uvar_max(&reader, 3), 3);
    reader = notch_reader(notch_bytes(data, 1));
    assert_int_equal(notch_read_uvar_max(&reader, 2), 0);
    assert_true(reader.failed);
    free(data);
}

/* An empty input and an empty output are nothing special, whatever pointer comes with them. */
static void test_nothing_at_all(void **state)
{
    (void)state;
    struct notch_reader reader = notch_reader(notch_bytes(NULL, 0));
    assert_true(notch_reader_done(&reader));
    assert_int_equal(notch_read_bytes(&reader, 0).len, 0);
    assert_true(notch_reader_done(&reader));
    assert_int_equal(notch_read_u8(&reader), 0);
    assert_false(notch_reader_done(&reader));

    struct notch_writer writer = notch_writer(NULL, 0);
    notch_write_bytes(&writer, NULL, 0);
    assert_true(notch_writer_ok(&writer));
    assert_int_equal(notch_writer_bytes(&writer).len, 0);
    notch_write_blob(&writer, notch_bytes(NULL, 0));
    assert_false(notch_writer_ok(&writer));

    struct notch_test_alloc test;
    struct notch_buf buf;
    notch_test_alloc_init(&test);
    notch_buf_init(&buf, &test.alloc);
    writer = notch_writer_grow(&buf);
    notch_write_bytes(&writer, NULL, 0);
    assert_int_equal(buf.len, 0);
    notch_write_blob(&writer, notch_bytes(NULL, 0));
    assert_int_equal(buf.len, 1);
    notch_buf_fini(&buf);
    assert_int_equal(test.live_blocks, 0);
}

static void test_writer_is_sticky_and_stays_inside(void **state)
{
    (void)state;
    uint8_t canary[16];
    memset(canary, 0xee, sizeof canary);
    struct notch_writer writer = notch_writer(canary, 5);
    notch_write_u32(&writer, 1);
    assert_true(notch_writer_ok(&writer));
    notch_write_u16(&writer, 0);
    assert_false(notch_writer_ok(&writer));
    notch_write_u8(&writer, 7); /* would fit, and must not be written */
    notch_write_bytes(&writer, NULL, 0);
    assert_false(notch_writer_ok(&writer));
    assert_int_equal(notch_writer_bytes(&writer).len, 4);
    assert_true(notch_test_hex_is(canary, sizeof canary, "01000000eeeeeeeeeeeeeeeeeeeeeeee"));
}

enum { SCRIPT_MAX = 40, BLOB_MAX = 12 };

struct step {
    unsigned kind;
    uint64_t number;
    uint8_t blob[64];
    size_t blob_len;
};

enum { KINDS = 11 };

static void draw_step(struct notch_gen *gen, struct step *step)
{
    *step = (struct step){.kind = (unsigned)notch_gen_below(gen, KINDS)};
    step->number = notch_gen_edge_u64(gen);
    if (step->kind >= 6) {
        step->blob_len = (size_t)notch_gen_below(gen, BLOB_MAX + 1);
        memset(step->blob, (int)notch_gen_below(gen, 256), sizeof step->blob);
    }
}

static void write_step(struct notch_writer *writer, const struct step *step)
{
    struct notch_hash hash;
    struct notch_key key;
    struct notch_sig sig;
    memcpy(hash.raw, step->blob, sizeof hash.raw);
    memcpy(key.raw, step->blob, sizeof key.raw);
    memcpy(sig.raw, step->blob, sizeof sig.raw);
    switch (step->kind) {
    case 0:
        notch_write_u8(writer, (uint8_t)step->number);
        break;
    case 1:
        notch_write_u16(writer, (uint16_t)step->number);
        break;
    case 2:
        notch_write_u32(writer, (uint32_t)step->number);
        break;
    case 3:
        notch_write_u64(writer, step->number);
        break;
    case 4:
        notch_write_uvar(writer, step->number);
        break;
    case 5:
        notch_write_svar(writer, (int64_t)step->number);
        break;
    case 6:
        notch_write_bytes(writer, step->blob, step->blob_len);
        break;
    case 7:
        notch_write_blob(writer, notch_bytes(step->blob, step->blob_len));
        break;
    case 8:
        notch_write_hash(writer, &hash);
        break;
    case 9:
        notch_write_key(writer, &key);
        break;
    case 10:
        notch_write_sig(writer, &sig);
        break;
    }
}

/* Whether the reader gives what the step wrote. */
static bool read_step(struct notch_reader *reader, const struct step *step)
{
    struct notch_bytes view;
    switch (step->kind) {
    case 0:
        return notch_read_u8(reader) == (uint8_t)step->number;
    case 1:
        return notch_read_u16(reader) == (uint16_t)step->number;
    case 2:
        return notch_read_u32(reader) == (uint32_t)step->number;
    case 3:
        return notch_read_u64(reader) == step->number;
    case 4:
        return notch_read_uvar(reader) == step->number;
    case 5:
        return notch_read_svar(reader) == (int64_t)step->number;
    case 6:
        view = notch_read_bytes(reader, step->blob_len);
        return notch_bytes_eq(view, notch_bytes(step->blob, step->blob_len));
    case 7:
        view = notch_read_blob(reader, BLOB_MAX);
        return notch_bytes_eq(view, notch_bytes(step->blob, step->blob_len));
    case 8:
        return memcmp(notch_read_hash(reader).raw, step->blob, 32) == 0;
    case 9:
        return memcmp(notch_read_key(reader).raw, step->blob, 32) == 0;
    default:
        return memcmp(notch_read_sig(reader).raw, step->blob, 64) == 0;
    }
}

/* A truncated encoding never reads as whole, and never reads past its end (which ASan would see). */
static const char *truncations_fail(const struct step *steps, size_t count, struct notch_bytes whole)
{
    for (size_t cut = 0; cut < whole.len; cut++) {
        uint8_t *copy = exact_copy(whole.data, cut);
        struct notch_reader reader = notch_reader(notch_bytes(copy, cut));
        for (size_t i = 0; i < count; i++) {
            (void)read_step(&reader, &steps[i]);
        }
        bool done = notch_reader_done(&reader);
        free(copy);
        if (done) {
            return "a truncated encoding was taken";
        }
    }
    return NULL;
}

/* Any sequence of writes: into a growing buffer, into one that just fits, and into one that is a byte short. */
static const char *writes_read_back(struct notch_gen *gen, void *context)
{
    (void)context;
    struct step steps[SCRIPT_MAX];
    size_t count = (size_t)notch_gen_below(gen, SCRIPT_MAX + 1);
    struct notch_test_alloc test;
    struct notch_buf buf;
    notch_test_alloc_init(&test);
    notch_buf_init(&buf, &test.alloc);
    struct notch_writer grow = notch_writer_grow(&buf);
    for (size_t i = 0; i < count; i++) {
        draw_step(gen, &steps[i]);
        write_step(&grow, &steps[i]);
    }
    const char *broken = truncations_fail(steps, count, notch_buf_bytes(&buf));
    uint8_t *out = exact_copy(buf.len > 0 ? buf.data : (const uint8_t *)"", buf.len);
    for (size_t spare = 0; spare < 2 && buf.len > 0; spare++) {
        struct notch_writer writer = notch_writer(out, buf.len - spare);
        for (size_t i = 0; i < count; i++) {
            write_step(&writer, &steps[i]);
        }
        if (notch_writer_ok(&writer) != (spare == 0)) {
            broken = "a fixed writer does not know whether all fitted";
        }
        if (spare == 0 && !notch_bytes_eq(notch_writer_bytes(&writer), notch_buf_bytes(&buf))) {
            broken = "a fixed writer writes something else than a growing one";
        }
    }
    struct notch_reader reader = notch_reader(notch_bytes(out, buf.len));
    for (size_t i = 0; i < count; i++) {
        broken = read_step(&reader, &steps[i]) ? broken : "read something else than was written";
    }
    broken = notch_reader_done(&reader) ? broken : "the reader is not done at the end";
    free(out);
    notch_buf_fini(&buf);
    return test.live_blocks == 0 ? broken : "leaks";
}

static void test_any_writes_read_back(void **state)
{
    (void)state;
    assert_true(notch_property_holds("codec", 400, 11, writes_read_back, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uvar_at_every_boundary),
        cmocka_unit_test(test_uvar_known_bytes),
        cmocka_unit_test(test_uvar_beyond_64_bits),
        cmocka_unit_test(test_uvar_exhaustive_short),
        cmocka_unit_test(test_svar),
        cmocka_unit_test(test_fixed_width_is_little_endian),
        cmocka_unit_test(test_big_endian_sorts),
        cmocka_unit_test(test_reader_is_sticky),
        cmocka_unit_test(test_lengths_are_bounded),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_writer_is_sticky_and_stays_inside),
        cmocka_unit_test(test_any_writes_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
