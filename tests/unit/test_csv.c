/* CSV as people and programs write it, in pieces of every size, and what is wrong with the rest. */
#include "rpc/cli/csv.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEXT_MAX 4096

/* What a file gives, as one text: "[a][b]\n" for a row, "!row.line.column reason\n" for a fault. */
static void show(char out[TEXT_MAX], const char *file, size_t len, char separator, size_t piece)
{
    struct notch_csv csv;
    size_t used = 0;
    size_t at = 0;
    notch_csv_init(&csv, notch_alloc_heap(), separator);
    struct notch_bytes input = {NULL, 0};
    out[0] = '\0';
    for (;;) {
        if (input.len == 0) {
            size_t step = len - at < piece ? len - at : piece;
            input = notch_bytes(file + at, step);
            at += step;
        }
        bool last = at == len;
        enum notch_csv_step step = notch_csv_next(&csv, &input, last);
        if (step == NOTCH_CSV_END) {
            break;
        }
        if (step == NOTCH_CSV_ROW) {
            for (uint32_t i = 0; i < notch_csv_columns(&csv); i++) {
                struct notch_bytes cell = notch_csv_cell(&csv, i);
                used += (size_t)snprintf(out + used, TEXT_MAX - used, "[%.*s]", (int)cell.len, (const char *)cell.data);
            }
            used += (size_t)snprintf(out + used, TEXT_MAX - used, "\n");
        } else if (step == NOTCH_CSV_FAULT) {
            used += (size_t)snprintf(out + used, TEXT_MAX - used, "!%llu.%llu.%u %s\n", (unsigned long long)csv.row,
                                     (unsigned long long)csv.line, csv.fault_column, csv.fault);
        }
    }
    notch_csv_fini(&csv);
}

/* The same whatever the pieces are. */
static void check(const char *file, size_t len, const char *expected)
{
    char out[TEXT_MAX];
    for (size_t piece = 1; piece <= len + 1; piece = piece < 8 ? piece + 1 : piece * 2) {
        show(out, file, len, ',', piece);
        assert_string_equal(out, expected);
    }
}

#define CHECK(file, expected) check((file), sizeof(file) - 1, (expected))

static void test_rows(void **state)
{
    (void)state;
    CHECK("", "");
    CHECK("a", "[a]\n");
    CHECK("a,b\n1,2\n", "[a][b]\n[1][2]\n");
    CHECK("a,b\r\n1,2\r\n", "[a][b]\n[1][2]\n");
    CHECK("a,b\n1,2", "[a][b]\n[1][2]\n");
    CHECK("a,b\n,\n", "[a][b]\n[][]\n");
    CHECK("a,b,\n", "[a][b][]\n");
    CHECK(" a , b \n", "[ a ][ b ]\n");
}

static void test_quotes(void **state)
{
    (void)state;
    CHECK("\"a,b\",c\n", "[a,b][c]\n");
    CHECK("\"a\"\"b\",\"\"\n", "[a\"b][]\n");
    CHECK("\"two\nlines\",2\n3,4\n", "[two\nlines][2]\n[3][4]\n");
    CHECK("\"two\r\nlines\",2\r\n3,4\r\n", "[two\r\nlines][2]\n[3][4]\n");
    /* A line that is a pair of quotes holds one empty cell: it is not blank. */
    CHECK("\"\"\n", "[]\n");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    CHECK("\xef\xbb\xbf"
          "a,b\n",
          "[a][b]\n");
    CHECK("\xef\xbb\xbf\"a\",b\n", "[a][b]\n");
    CHECK("\xef\xbb\xbf", "");
    CHECK("\xef\xbb"
          "a\n",
          "[\xef\xbb"
          "a]\n");
    CHECK("\xef", "[\xef]\n");
    CHECK("a\n\xef\xbb\xbf\n", "[a]\n[\xef\xbb\xbf]\n");
}

static void test_blank_lines_are_counted(void **state)
{
    (void)state;
    CHECK("\n\na\n\n\"\"x\n", "[a]\n!5.5.1 text behind the closing quote\n");
    CHECK("a\r\n\r\nb\r\n", "[a]\n[b]\n");
}

static void test_faults_name_row_line_and_column(void **state)
{
    (void)state;
    CHECK("a,b\n1,2\"3\n4,5\n", "[a][b]\n!2.2.2 a quote inside of a cell that does not begin with one\n[4][5]\n");
    CHECK("a\n\"b\nc\"d,e\nf\n", "[a]\n!2.2.1 text behind the closing quote\n[f]\n");
    CHECK("\"a\nb\",c\nd,e\rf\ng\n", "[a\nb][c]\n!2.3.2 a carriage return without a line feed\n[g]\n");
    CHECK("a\nb,\"c\nd\n", "[a]\n!2.2.2 the file ends inside of quotes\n");
    CHECK("a\nb\0c\nd\n", "[a]\n!2.2.1 a zero byte: no text in UTF-8 (saved as UTF-16?)\n[d]\n");
    CHECK("a\n\"b\0\"\nd\n", "[a]\n!2.2.1 a zero byte: no text in UTF-8 (saved as UTF-16?)\n[d]\n");
}

static void test_limits(void **state)
{
    (void)state;
    struct notch_csv csv;
    size_t len = NOTCH_CSV_CELL_MAX + 8;
    char *file = malloc(len);
    memset(file, 'x', len);
    file[NOTCH_CSV_CELL_MAX] = '\n';
    file[NOTCH_CSV_CELL_MAX + 1] = 'y';
    file[NOTCH_CSV_CELL_MAX + 2] = '\n';
    struct notch_bytes input = notch_bytes(file, NOTCH_CSV_CELL_MAX + 3);
    notch_csv_init(&csv, notch_alloc_heap(), ',');
    assert_int_equal(notch_csv_next(&csv, &input, false), NOTCH_CSV_ROW);
    assert_int_equal(notch_csv_cell(&csv, 0).len, NOTCH_CSV_CELL_MAX);
    notch_csv_fini(&csv);

    file[NOTCH_CSV_CELL_MAX] = 'x';
    file[NOTCH_CSV_CELL_MAX + 1] = '\n';
    file[NOTCH_CSV_CELL_MAX + 2] = 'y';
    file[NOTCH_CSV_CELL_MAX + 3] = '\n';
    input = notch_bytes(file, NOTCH_CSV_CELL_MAX + 4);
    notch_csv_init(&csv, notch_alloc_heap(), ',');
    assert_int_equal(notch_csv_next(&csv, &input, true), NOTCH_CSV_FAULT);
    assert_int_equal(notch_csv_next(&csv, &input, true), NOTCH_CSV_ROW);
    assert_int_equal(notch_csv_cell(&csv, 0).len, 1);
    notch_csv_fini(&csv);

    memset(file, ',', NOTCH_CSV_COLUMNS_MAX);
    file[NOTCH_CSV_COLUMNS_MAX - 1] = '\n';
    input = notch_bytes(file, NOTCH_CSV_COLUMNS_MAX);
    notch_csv_init(&csv, notch_alloc_heap(), ',');
    assert_int_equal(notch_csv_next(&csv, &input, true), NOTCH_CSV_ROW);
    assert_int_equal(notch_csv_columns(&csv), NOTCH_CSV_COLUMNS_MAX);
    notch_csv_fini(&csv);

    memset(file, ',', NOTCH_CSV_COLUMNS_MAX);
    file[NOTCH_CSV_COLUMNS_MAX] = '\n';
    input = notch_bytes(file, NOTCH_CSV_COLUMNS_MAX + 1);
    notch_csv_init(&csv, notch_alloc_heap(), ',');
    assert_int_equal(notch_csv_next(&csv, &input, true), NOTCH_CSV_FAULT);
    notch_csv_fini(&csv);
    free(file);
}

static void test_separators(void **state)
{
    (void)state;
    char out[TEXT_MAX];
    show(out, "a;b,c\n", 6, ';', 3);
    assert_string_equal(out, "[a][b,c]\n");
    assert_int_equal(notch_csv_guess_separator(notch_bytes("a;b;c,d\n,,,,,", 13)), ';');
    assert_int_equal(notch_csv_guess_separator(notch_bytes("a\tb\n", 4)), '\t');
    assert_int_equal(notch_csv_guess_separator(notch_bytes("\"a;b;c\",d\n", 10)), ',');
    assert_int_equal(notch_csv_guess_separator(notch_bytes("one", 3)), ',');
}

/* Whatever the cells hold: written with quotes where they need them, they read back. */
static const char *round_trip(struct notch_gen *gen, void *context)
{
    static const char alphabet[] = "ab ,\"\n\r;\xc3\xa9";
    char file[512];
    char expected[TEXT_MAX];
    char out[TEXT_MAX];
    size_t len = 0;
    size_t used = 0;
    (void)context;
    size_t columns = 1 + notch_gen_below(gen, 4);
    for (size_t i = 0; i < columns; i++) {
        char cell[16];
        size_t cell_len = notch_gen_below(gen, sizeof cell);
        file[len++] = '"';
        for (size_t k = 0; k < cell_len; k++) {
            cell[k] = alphabet[notch_gen_below(gen, sizeof alphabet - 1)];
            if (cell[k] == '"') {
                file[len++] = '"';
            }
            file[len++] = cell[k];
        }
        file[len++] = '"';
        file[len++] = i + 1 == columns ? '\n' : ',';
        used += (size_t)snprintf(expected + used, sizeof expected - used, "[%.*s]", (int)cell_len, cell);
    }
    (void)snprintf(expected + used, sizeof expected - used, "\n");
    show(out, file, len, ',', 1 + notch_gen_below(gen, 40));
    return strcmp(out, expected) == 0 ? NULL : "a row reads back as another";
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_true(notch_property_holds("csv round trip", 2000, 1, round_trip, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_blank_lines_are_counted),
        cmocka_unit_test(test_faults_name_row_line_and_column),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_separators),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
