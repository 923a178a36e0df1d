/* A CSV file: read in one piece and byte by byte it gives the same rows and faults, within the limits. */
#include "rpc/cli/csv.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A hash of everything that the reader says. */
static uint64_t read_all(const uint8_t *data, size_t size, size_t piece)
{
    struct notch_csv csv;
    uint64_t hash = UINT64_C(14695981039346656037);
    size_t at = 0;
    struct notch_bytes input = {NULL, 0};
    notch_csv_init(&csv, notch_alloc_heap(), notch_csv_guess_separator(notch_bytes(data, size)));
    for (;;) {
        if (input.len == 0) {
            size_t step = size - at < piece ? size - at : piece;
            input = notch_bytes(data + at, step);
            at += step;
        }
        enum notch_csv_step step = notch_csv_next(&csv, &input, at == size);
        if (step == NOTCH_CSV_END) {
            break;
        }
        if (step == NOTCH_CSV_MORE) {
            continue;
        }
        hash = (hash ^ csv.row ^ csv.line << 20 ^ (uint64_t)step << 60) * UINT64_C(1099511628211);
        notch_assert((step == NOTCH_CSV_FAULT) == (csv.fault != NULL));
        notch_assert(notch_csv_columns(&csv) <= NOTCH_CSV_COLUMNS_MAX);
        for (uint32_t i = 0; step == NOTCH_CSV_ROW && i < notch_csv_columns(&csv); i++) {
            struct notch_bytes cell = notch_csv_cell(&csv, i);
            notch_assert(cell.len <= NOTCH_CSV_CELL_MAX);
            for (size_t k = 0; k < cell.len; k++) {
                hash = (hash ^ cell.data[k]) * UINT64_C(1099511628211);
            }
            hash = (hash ^ 0x100) * UINT64_C(1099511628211);
        }
    }
    notch_csv_fini(&csv);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = read_all(data, size, size == 0 ? 1 : size);
    notch_assert(read_all(data, size, 1) == whole);
    notch_assert(read_all(data, size, 7) == whole);
    return 0;
}
