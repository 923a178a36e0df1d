#include "chain/io/votelog.h"
#include "tests/support/fault_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEEP_BYTES 400

struct fixture {
    struct fault_disk *disk;
    struct notch__io io;
    struct notch__votelog votes;
};

static void make_log(struct fixture *fixture)
{
    fixture->io = (struct notch__io){
        .files = fault_disk_ops(fixture->disk),
        .alloc = notch_alloc_heap(),
        .salt = 99,
    };
    notch__votelog_init(&fixture->votes, &fixture->io, "d", KEEP_BYTES);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->disk = fault_disk_create(1);
    make_log(fixture);
    assert_int_equal(fixture->io.files->make_dir(fixture->io.files->self, "d"), 0);
    assert_int_equal(notch__votelog_make(&fixture->votes), NOTCH_OK);
    assert_int_equal(notch__votelog_open(&fixture->votes), NOTCH_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    notch__votelog_close(&fixture->votes);
    notch__votelog_fini(&fixture->votes);
    fault_disk_destroy(fixture->disk);
    free(fixture);
    return 0;
}

static void reopen(struct fixture *fixture)
{
    notch__votelog_close(&fixture->votes);
    notch__votelog_fini(&fixture->votes);
    make_log(fixture);
    assert_int_equal(notch__votelog_open(&fixture->votes), NOTCH_OK);
}

/* kind, then a number. */
static void append(struct fixture *fixture, char kind, uint8_t number)
{
    uint8_t entry[20] = {(uint8_t)kind, number};
    notch__votelog_append(&fixture->votes, notch_bytes(entry, sizeof entry), number);
    assert_int_equal(notch__votelog_sync(&fixture->votes), NOTCH_OK);
}

struct seen {
    char text[2048]; /* kind and number of each, "v1 v2 p3 " */
    size_t count;
};

static bool see(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct seen *seen = arg;
    assert_int_equal(key.len, 0);
    assert_int_equal(value.len, 20);
    size_t len = strlen(seen->text);
    (void)snprintf(seen->text + len, sizeof seen->text - len, "%c%u ", value.data[0], value.data[1]);
    seen->count++;
    return true;
}

static void assert_reads(struct fixture *fixture, const char *expected)
{
    struct seen seen = {0};
    assert_int_equal(notch__votelog_visit(&fixture->votes, see, &seen), NOTCH_OK);
    assert_string_equal(seen.text, expected);
}

static void assert_lost(struct fixture *fixture)
{
    struct seen seen = {0};
    assert_int_equal(fixture->votes.state, NOTCH__VOTELOG_LOST);
    assert_int_equal(notch__votelog_visit(&fixture->votes, see, &seen), NOTCH_ERR_CORRUPT);
    assert_int_equal(seen.count, 0);
}

static void entries_stay_in_order(void **state)
{
    struct fixture *fixture = *state;
    assert_reads(fixture, "");
    append(fixture, 'v', 1);
    append(fixture, 'p', 2);
    assert_reads(fixture, "v1 p2 ");
    reopen(fixture);
    assert_reads(fixture, "v1 p2 ");
    append(fixture, 'v', 3);
    reopen(fixture);
    assert_reads(fixture, "v1 p2 v3 ");
    assert_int_equal(fixture->votes.last_mark, 3);
}

static void a_torn_last_entry_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 'v', 1);
    uint64_t safe = fixture->votes.written;
    append(fixture, 'v', 2);
    struct notch_buf whole;
    notch_buf_init(&whole, notch_alloc_heap());
    assert_int_equal(notch__file_load(fixture->io.files, &whole, "d/votes", 4096), NOTCH_OK);
    for (uint64_t size = safe; size < whole.len; size++) {
        fault_disk_put(fixture->disk, "d/votes", whole.data, (size_t)size);
        reopen(fixture);
        assert_int_equal(fixture->votes.state, NOTCH__VOTELOG_GOOD);
        /* The padding of a frame may be missing. */
        bool dropped = size < safe + NOTCH__FRAME_HEAD + 20;
        assert_reads(fixture, dropped ? "v1 " : "v1 v2 ");
        append(fixture, 'v', 7);
        assert_reads(fixture, dropped ? "v1 v7 " : "v1 v2 v7 ");
    }
    notch_buf_fini(&whole);
}

/* Any bit before the last entry: lost, or padding; never another story. */
static void any_other_damage_is_a_loss(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 'v', 1);
    append(fixture, 'v', 2);
    uint64_t checked = fixture->votes.written;
    append(fixture, 'v', 3);
    unsigned losses = 0;
    for (uint64_t at = 0; at < checked; at++) {
        fault_disk_flip(fixture->disk, "d/votes", at, 0x20);
        notch__votelog_close(&fixture->votes);
        notch__votelog_fini(&fixture->votes);
        make_log(fixture);
        assert_int_equal(notch__votelog_open(&fixture->votes), NOTCH_OK);
        if (fixture->votes.state == NOTCH__VOTELOG_LOST) {
            assert_lost(fixture);
            losses++;
        } else {
            assert_reads(fixture, "v1 v2 v3 ");
        }
        fault_disk_flip(fixture->disk, "d/votes", at, 0x20);
    }
    assert_int_equal(losses, NOTCH__VOTELOG_HEAD + 2 * (NOTCH__FRAME_HEAD + 20));
}

static void a_missing_log_is_a_loss_until_the_first_new_entry(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 'v', 1);
    fault_disk_remove(fixture->disk, "d/votes");
    reopen(fixture);
    assert_lost(fixture);
    reopen(fixture);
    assert_lost(fixture);
    append(fixture, 'r', 9);
    assert_reads(fixture, "r9 ");
    append(fixture, 'v', 10);
    reopen(fixture);
    assert_reads(fixture, "r9 v10 ");
}

static void a_damaged_log_is_kept_aside(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 'v', 1);
    append(fixture, 'v', 2);
    uint64_t size = fault_disk_file_size(fixture->disk, "d/votes");
    fault_disk_flip(fixture->disk, "d/votes", 0, 1);
    reopen(fixture);
    assert_lost(fixture);
    assert_int_equal(fault_disk_file_size(fixture->disk, "d/votes"), size);
    append(fixture, 'r', 5);
    assert_int_equal(fault_disk_file_size(fixture->disk, "d/votes.damaged"), size);
    reopen(fixture);
    assert_reads(fixture, "r5 ");
}

static void a_rotation_keeps_the_end_and_the_newest_of_each_kind(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 'p', 1);
    append(fixture, 'p', 2);
    append(fixture, 'r', 3);
    for (uint8_t i = 4; i < 40; i++) {
        append(fixture, 'v', i);
        notch__votelog_flushed(&fixture->votes);
    }
    assert_true(fixture->votes.written <= (uint64_t)KEEP_BYTES * 5);
    struct seen seen = {0};
    assert_int_equal(notch__votelog_visit(&fixture->votes, see, &seen), NOTCH_OK);
    assert_memory_equal(seen.text, "p2 r3 v", 7);
    assert_string_equal(seen.text + strlen(seen.text) - 12, "v37 v38 v39 ");
    assert_true(seen.count < 32);
    reopen(fixture);
    assert_int_equal(fixture->votes.appended, seen.count);
    append(fixture, 'v', 40);
    reopen(fixture);
    assert_int_equal(fixture->votes.appended, seen.count + 1);
}

/* While nothing becomes final, a restart needs every vote since the keys were written (found by simulate --seed
 * 3589). */
static void nothing_is_forgotten_since_keys_were_written(void **state)
{
    struct fixture *fixture = *state;
    for (uint8_t i = 0; i < 100; i++) {
        append(fixture, 'v', i);
    }
    struct seen seen = {0};
    assert_int_equal(notch__votelog_visit(&fixture->votes, see, &seen), NOTCH_OK);
    assert_int_equal(seen.count, 100);
    notch__votelog_flushed(&fixture->votes);
    append(fixture, 'v', 100);
    append(fixture, 'v', 101);
    seen = (struct seen){0};
    assert_int_equal(notch__votelog_visit(&fixture->votes, see, &seen), NOTCH_OK);
    assert_true(seen.count < 100);
}

static void another_networks_log_is_refused(void **state)
{
    struct fixture *fixture = *state;
    notch__votelog_close(&fixture->votes);
    fixture->io.genesis.raw[31] = 1;
    assert_int_equal(notch__votelog_open(&fixture->votes), NOTCH_ERR_NETWORK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_stay_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_last_entry_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(any_other_damage_is_a_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_log_is_a_loss_until_the_first_new_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_log_is_kept_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_forgotten_since_keys_were_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rotation_keeps_the_end_and_the_newest_of_each_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(another_networks_log_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
