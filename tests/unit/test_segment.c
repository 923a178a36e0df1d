#include "chain/io/bodies.h"
#include "chain/io/crc32c.h"
#include "tests/support/fault_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEGMENT_BYTES 1024

struct fixture {
    struct fault_disk *disk;
    struct notch__io io;
    struct notch__bodies bodies;
    uint32_t segment_bytes;
};

static void make_io(struct fixture *fixture)
{
    fixture->io = (struct notch__io){
        .files = fault_disk_ops(fixture->disk),
        .alloc = notch_alloc_heap(),
        .salt = 12345,
    };
    fixture->io.genesis.raw[0] = 9;
    notch__bodies_init(&fixture->bodies, &fixture->io, "d", fixture->segment_bytes);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->disk = fault_disk_create(1);
    fixture->segment_bytes = SEGMENT_BYTES;
    make_io(fixture);
    assert_int_equal(fixture->io.files->make_dir(fixture->io.files->self, "d"), 0);
    assert_int_equal(notch__bodies_make(&fixture->bodies), NOTCH_OK);
    assert_int_equal(fixture->io.files->sync_dir(fixture->io.files->self, "d"), 0);
    assert_int_equal(notch__bodies_open(&fixture->bodies), NOTCH_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    notch__bodies_close(&fixture->bodies);
    notch__bodies_fini(&fixture->bodies);
    fault_disk_destroy(fixture->disk);
    free(fixture);
    return 0;
}

static enum notch_err reopen(struct fixture *fixture)
{
    notch__bodies_close(&fixture->bodies);
    notch__bodies_fini(&fixture->bodies);
    make_io(fixture);
    return notch__bodies_open(&fixture->bodies);
}

static void one_large_segment(struct fixture *fixture)
{
    fixture->segment_bytes = 1u << 20;
    assert_int_equal(reopen(fixture), NOTCH_OK);
}

static size_t body_at(uint8_t out[400], uint64_t position)
{
    struct notch_rng rng;
    notch_rng_init(&rng, position + 77);
    size_t len = (size_t)notch_rng_below(&rng, 400);
    notch_rng_fill(&rng, out, len);
    return len;
}

static void append(struct fixture *fixture, unsigned count)
{
    uint8_t body[400];
    for (unsigned i = 0; i < count; i++) {
        size_t len = body_at(body, fixture->bodies.appended);
        assert_int_equal(notch__bodies_append(&fixture->bodies, notch_bytes(body, len), fixture->bodies.appended),
                         NOTCH_OK);
    }
}

static void append_synced(struct fixture *fixture, unsigned count)
{
    append(fixture, count);
    assert_int_equal(notch__bodies_sync(&fixture->bodies), NOTCH_OK);
}

static bool body_is_right(struct fixture *fixture, uint64_t position)
{
    uint8_t expected[400];
    size_t len = body_at(expected, position);
    struct notch_buf body;
    notch_buf_init(&body, notch_alloc_heap());
    bool right = notch__bodies_read(&fixture->bodies, &body, position) == NOTCH_OK &&
                 notch_bytes_eq(notch_buf_bytes(&body), notch_bytes(expected, len));
    notch_buf_fini(&body);
    return right;
}

/* Any part of a body is that part of what was written. */
static void parts_are_right(struct fixture *fixture, uint64_t position)
{
    uint8_t expected[400];
    size_t len = body_at(expected, position);
    struct notch_buf part;
    notch_buf_init(&part, notch_alloc_heap());
    for (size_t at = 0; at <= len; at += 1 + len / 5) {
        for (size_t some = 0; some <= len - at; some += 1 + len / 3) {
            const struct notch_store_span span = {(uint32_t)at, (uint32_t)some};
            notch_buf_clear(&part);
            notch_buf_append(&part, "before", 6);
            assert_int_equal(notch__bodies_read_part(&fixture->bodies, &part, position, span), NOTCH_OK);
            assert_int_equal(part.len, 6 + some);
            assert_memory_equal(part.data, "before", 6);
            assert_memory_equal(part.data + 6, expected + at, some);
        }
    }
    const struct notch_store_span behind[] = {
        {(uint32_t)len, 8}, {0, (uint32_t)len + 8}, {UINT32_MAX, 1}, {1, UINT32_MAX}};
    notch_buf_clear(&part);
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        assert_int_equal(notch__bodies_read_part(&fixture->bodies, &part, position, behind[i]), NOTCH_ERR_CORRUPT);
    }
    assert_int_equal(part.len, 0);
    notch_buf_fini(&part);
}

static void assert_holds(struct fixture *fixture, uint64_t count)
{
    assert_int_equal(notch__bodies_count(&fixture->bodies), count);
    for (uint64_t position = 0; position < count; position++) {
        assert_true(body_is_right(fixture, position));
        parts_are_right(fixture, position);
    }
    struct notch_buf body;
    notch_buf_init(&body, notch_alloc_heap());
    const struct notch_store_span nothing = {0, 0};
    assert_int_equal(notch__bodies_read(&fixture->bodies, &body, count), NOTCH_ERR_NOT_FOUND);
    assert_int_equal(notch__bodies_read_part(&fixture->bodies, &body, count, nothing), NOTCH_ERR_NOT_FOUND);
    assert_int_equal(body.len, 0);
    notch_buf_fini(&body);
}

/* The vectors of RFC 3720, appendix B.4. */
static void crc32c_vectors(void **state)
{
    (void)state;
    uint8_t block[32];
    memset(block, 0, sizeof block);
    assert_int_equal(notch__crc32c(0, block, sizeof block), 0x8a9136aa);
    memset(block, 0xff, sizeof block);
    assert_int_equal(notch__crc32c(0, block, sizeof block), 0x62a8ab43);
    for (unsigned i = 0; i < sizeof block; i++) {
        block[i] = (uint8_t)i;
    }
    assert_int_equal(notch__crc32c(0, block, sizeof block), 0x46dd794e);
    assert_int_equal(notch__crc32c_table(0, block, sizeof block), 0x46dd794e);
}

static void crc32c_by_table_and_in_parts(void **state)
{
    (void)state;
    uint8_t data[257];
    struct notch_rng rng;
    notch_rng_init(&rng, 3);
    notch_rng_fill(&rng, data, sizeof data);
    for (size_t len = 0; len <= sizeof data; len++) {
        uint32_t whole = notch__crc32c(0, data, len);
        assert_int_equal(whole, notch__crc32c_table(0, data, len));
        assert_int_equal(whole, notch__crc32c(notch__crc32c(0, data, len / 3), data + len / 3, len - len / 3));
    }
}

/* Long inputs go in three lanes of 2 KiB. */
static void crc32c_of_long_inputs(void **state)
{
    (void)state;
    static uint8_t data[20000];
    static const size_t lens[] = {6143, 6144, 6145, 6151, 12287, 12288, 12290, 18433, sizeof data - 7};
    struct notch_rng rng;
    notch_rng_init(&rng, 4);
    notch_rng_fill(&rng, data, sizeof data);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(lens); i++) {
        for (size_t start = 0; start < 8; start++) {
            uint32_t begun = (uint32_t)notch_rng_u64(&rng);
            uint32_t whole = notch__crc32c(begun, data + start, lens[i] - start);
            assert_int_equal(whole, notch__crc32c_table(begun, data + start, lens[i] - start));
        }
    }
}

static void a_frame_with_any_bit_changed_is_bad(void **state)
{
    (void)state;
    struct notch_buf frame;
    notch_buf_init(&frame, notch_alloc_heap());
    notch__frame_append(&frame, 5, notch_bytes("fifteen letters", 15), 100, 98, 7);
    assert_int_equal(frame.len, notch__frame_size(15));
    for (size_t bit = 0; bit <= (NOTCH__FRAME_HEAD + 15) * 8; bit++) {
        bool changed = bit < (NOTCH__FRAME_HEAD + 15) * 8;
        frame.data[bit / 8] ^= (uint8_t)(changed ? 1u << bit % 8 : 0);
        struct notch__frame head;
        bool good = notch__frame_head(&head, 5, notch_bytes(frame.data, NOTCH__FRAME_HEAD)) &&
                    notch__frame_payload_ok(&head, notch_bytes(frame.data + NOTCH__FRAME_HEAD, 15));
        assert_int_equal(good, !changed);
        frame.data[bit / 8] ^= (uint8_t)(changed ? 1u << bit % 8 : 0);
    }
    struct notch__frame head;
    assert_false(notch__frame_head(&head, 6, notch_bytes(frame.data, NOTCH__FRAME_HEAD)));
    assert_false(notch__frame_head(&head, 5, notch_bytes(frame.data, NOTCH__FRAME_HEAD - 1)));
    notch_buf_fini(&frame);
}

static void bodies_stay_over_many_segments(void **state)
{
    struct fixture *fixture = *state;
    assert_holds(fixture, 0);
    for (unsigned round = 0; round < 20; round++) {
        append_synced(fixture, round % 5);
        assert_holds(fixture, fixture->bodies.appended);
        assert_int_equal(reopen(fixture), NOTCH_OK);
        assert_holds(fixture, fixture->bodies.appended);
    }
    assert_true(fixture->bodies.segment_count > 5);
    assert_int_equal(fixture->bodies.last_mark, fixture->bodies.appended - 1);
}

static void a_body_longer_than_a_segment_has_one_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t large[5 * SEGMENT_BYTES];
    memset(large, 3, sizeof large);
    append_synced(fixture, 1);
    assert_int_equal(notch__bodies_append(&fixture->bodies, notch_bytes(large, sizeof large), 1), NOTCH_OK);
    assert_int_equal(notch__bodies_sync(&fixture->bodies), NOTCH_OK);
    append_synced(fixture, 1);
    assert_int_equal(reopen(fixture), NOTCH_OK);
    assert_int_equal(fixture->bodies.segment_count, 3);
    struct notch_buf body;
    notch_buf_init(&body, notch_alloc_heap());
    assert_int_equal(notch__bodies_read(&fixture->bodies, &body, 1), NOTCH_OK);
    assert_true(notch_bytes_eq(notch_buf_bytes(&body), notch_bytes(large, sizeof large)));
    notch_buf_fini(&body);
}

static void what_is_not_synced_is_not_visible(void **state)
{
    struct fixture *fixture = *state;
    append_synced(fixture, 2);
    append(fixture, 3);
    assert_int_equal(notch__bodies_count(&fixture->bodies), 2);
    assert_false(body_is_right(fixture, 2));
    assert_int_equal(notch__bodies_sync(&fixture->bodies), NOTCH_OK);
    assert_holds(fixture, 5);
}

/* Whatever is cut off the end of the last group leaves what was synced before, and a log that goes on. */
static void a_torn_end_is_cut_off_anywhere(void **state)
{
    struct fixture *fixture = *state;
    one_large_segment(fixture);
    append_synced(fixture, 3);
    uint64_t safe = fixture->bodies.written;
    append_synced(fixture, 3);
    uint64_t end = fixture->bodies.written;
    struct notch_buf whole;
    notch_buf_init(&whole, notch_alloc_heap());
    assert_int_equal(notch__file_load(fixture->io.files, &whole, "d/bodies/000000.seg", 1u << 21), NOTCH_OK);
    for (uint64_t size = safe; size < end; size += 7) {
        fault_disk_put(fixture->disk, "d/bodies/000000.seg", whole.data, whole.len);
        fault_disk_shorten(fixture->disk, "d/bodies/000000.seg", size);
        assert_int_equal(reopen(fixture), NOTCH_OK);
        uint64_t left = fixture->bodies.appended;
        assert_in_range(left, 3, 5);
        assert_holds(fixture, left);
        append_synced(fixture, 2);
        assert_int_equal(reopen(fixture), NOTCH_OK);
        assert_holds(fixture, left + 2);
    }
    notch_buf_fini(&whole);
}

/* The same group with any one byte bad: its later frames may be good, and go as well. */
static void a_torn_group_is_cut_off_at_its_first_bad_frame(void **state)
{
    struct fixture *fixture = *state;
    one_large_segment(fixture);
    append_synced(fixture, 3);
    uint64_t safe = fixture->bodies.written;
    append_synced(fixture, 3);
    uint64_t end = fixture->bodies.written;
    struct notch_buf whole;
    notch_buf_init(&whole, notch_alloc_heap());
    assert_int_equal(notch__file_load(fixture->io.files, &whole, "d/bodies/000000.seg", 1u << 21), NOTCH_OK);
    unsigned counts[7] = {0};
    for (uint64_t at = safe; at < end; at += 5) {
        fault_disk_put(fixture->disk, "d/bodies/000000.seg", whole.data, (size_t)end);
        fault_disk_flip(fixture->disk, "d/bodies/000000.seg", at, 0x40);
        assert_int_equal(reopen(fixture), NOTCH_OK);
        assert_in_range(fixture->bodies.appended, 3, 6); /* 6: the byte was padding */
        counts[fixture->bodies.appended]++;
        assert_holds(fixture, fixture->bodies.appended);
    }
    assert_true(counts[3] > 0 && counts[4] > 0 && counts[5] > 0);
    notch_buf_fini(&whole);
}

/* Any byte of any frame that a later sync vouches for: named with its file, never cut off. */
static void damage_before_a_synced_point_is_named(void **state)
{
    struct fixture *fixture = *state;
    one_large_segment(fixture);
    append_synced(fixture, 4);
    uint64_t first_end = fixture->bodies.written;
    append_synced(fixture, 1);
    for (uint64_t at = 0; at < first_end; at += 3) {
        fault_disk_flip(fixture->disk, "d/bodies/000000.seg", at, 0x10);
        enum notch_err err = reopen(fixture);
        if (err == NOTCH_OK) {
            assert_holds(fixture, 5); /* padding */
        } else {
            assert_int_equal(err, NOTCH_ERR_CORRUPT);
            assert_non_null(strstr(fixture->io.failure.text, "d/bodies/000000.seg: offset "));
            assert_non_null(strstr(fixture->io.failure.text, "backup"));
        }
        fault_disk_flip(fixture->disk, "d/bodies/000000.seg", at, 0x10);
    }
    assert_int_equal(reopen(fixture), NOTCH_OK);
    assert_holds(fixture, 5);
}

static void damage_in_a_full_segment_is_found(void **state)
{
    struct fixture *fixture = *state;
    append_synced(fixture, 12);
    assert_true(fixture->bodies.segment_count > 2);
    uint64_t size = fault_disk_file_size(fixture->disk, "d/bodies/000000.seg");
    for (uint64_t at = NOTCH__SEGMENT_HEAD; at < size; at += 3) {
        fault_disk_flip(fixture->disk, "d/bodies/000000.seg", at, 1);
        /* With the index it opens, and the read finds it; without, the start does. */
        assert_int_equal(reopen(fixture), NOTCH_OK);
        unsigned bad = 0;
        for (uint64_t position = 0; position < 12; position++) {
            bad += !body_is_right(fixture, position);
        }
        assert_in_range(bad, 0, 1);
        notch__bodies_close(&fixture->bodies);
        struct notch_buf index;
        notch_buf_init(&index, notch_alloc_heap());
        assert_int_equal(notch__file_load(fixture->io.files, &index, "d/bodies/000000.idx", 1u << 20), NOTCH_OK);
        fault_disk_remove(fixture->disk, "d/bodies/000000.idx");
        assert_int_equal(reopen(fixture), bad ? NOTCH_ERR_CORRUPT : NOTCH_OK);
        fault_disk_put(fixture->disk, "d/bodies/000000.idx", index.data, index.len);
        notch_buf_fini(&index);
        fault_disk_flip(fixture->disk, "d/bodies/000000.seg", at, 1);
    }
}

static void a_bad_index_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    append_synced(fixture, 12);
    uint64_t size = fault_disk_file_size(fixture->disk, "d/bodies/000001.idx");
    assert_true(size > 0);
    for (uint64_t at = 0; at < size; at++) {
        fault_disk_flip(fixture->disk, "d/bodies/000001.idx", at, 4);
        assert_int_equal(reopen(fixture), NOTCH_OK);
        assert_holds(fixture, 12);
        struct notch__segment again = {.number = 1, .first = fixture->bodies.segments[1].first};
        assert_true(notch__segment_index_load(&again, &fixture->io, "d/bodies",
                                              fault_disk_file_size(fixture->disk, "d/bodies/000001.seg")));
        notch__segment_fini(&again, &fixture->io);
    }
}

static void missing_misplaced_and_foreign_segments_are_refused(void **state)
{
    struct fixture *fixture = *state;
    append_synced(fixture, 14);
    assert_true(fixture->bodies.segment_count > 3);
    struct notch_buf first;
    struct notch_buf second;
    notch_buf_init(&first, notch_alloc_heap());
    notch_buf_init(&second, notch_alloc_heap());
    assert_int_equal(notch__file_load(fixture->io.files, &first, "d/bodies/000001.seg", 1u << 20), NOTCH_OK);
    assert_int_equal(notch__file_load(fixture->io.files, &second, "d/bodies/000002.seg", 1u << 20), NOTCH_OK);

    fault_disk_remove(fixture->disk, "d/bodies/000001.seg");
    assert_int_equal(reopen(fixture), NOTCH_ERR_CORRUPT);
    assert_non_null(strstr(fixture->io.failure.text, "d/bodies/000001.seg: is missing"));

    fault_disk_put(fixture->disk, "d/bodies/000001.seg", second.data, second.len);
    assert_int_equal(reopen(fixture), NOTCH_ERR_CORRUPT);

    fault_disk_put(fixture->disk, "d/bodies/000001.seg", first.data, first.len);
    fixture->io.genesis.raw[0] = 10;
    notch__bodies_close(&fixture->bodies);
    notch__bodies_fini(&fixture->bodies);
    notch__bodies_init(&fixture->bodies, &fixture->io, "d", fixture->segment_bytes);
    fixture->io.failure.err = NOTCH_OK;
    assert_int_equal(notch__bodies_open(&fixture->bodies), NOTCH_ERR_NETWORK);
    assert_int_equal(reopen(fixture), NOTCH_OK);
    assert_holds(fixture, 14);
    notch_buf_fini(&first);
    notch_buf_fini(&second);
}

static void segment_names(void **state)
{
    (void)state;
    uint32_t number;
    assert_true(notch__segment_number(&number, "000000.seg"));
    assert_int_equal(number, 0);
    assert_true(notch__segment_number(&number, "1234567.seg"));
    assert_int_equal(number, 1234567);
    static const char *const others[] = {"",           ".seg",           "0.seg",           "0000000.seg",
                                         "000001.idx", "000001.seg.tmp", "99999999999.seg", "-00001.seg"};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(others); i++) {
        assert_false(notch__segment_number(&number, others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_vectors),
        cmocka_unit_test(crc32c_by_table_and_in_parts),
        cmocka_unit_test(crc32c_of_long_inputs),
        cmocka_unit_test(a_frame_with_any_bit_changed_is_bad),
        cmocka_unit_test_setup_teardown(bodies_stay_over_many_segments, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_longer_than_a_segment_has_one_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_synced_is_not_visible, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_end_is_cut_off_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_group_is_cut_off_at_its_first_bad_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_before_a_synced_point_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_in_a_full_segment_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_index_is_made_again, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_misplaced_and_foreign_segments_are_refused, setup, teardown),
        cmocka_unit_test(segment_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
