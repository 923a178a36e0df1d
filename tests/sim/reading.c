#include "tests/sim/reading.h"

#include "chain/batch.h"
#include "chain/block.h"
#include "chain/receipt.h"
#include "chain/record.h"

void sim_reading_open(struct sim_reading *reading, const struct notch_alloc *alloc)
{
    reading->lookup = (struct notch_lookup){reading->view, NULL, reading->domain, alloc};
    notch_map_init(&reading->times, alloc, (struct notch_siphash_key){3, 4}, sizeof(struct notch_hash),
                   sizeof(uint64_t), 0);
    notch_buf_init(&reading->body, alloc);
    notch_buf_init(&reading->row, alloc);
}

void sim_reading_close(struct sim_reading *reading)
{
    notch_map_fini(&reading->times);
    notch_buf_fini(&reading->body);
    notch_buf_fini(&reading->row);
}

static const char *count_records(struct sim_reading *reading, const struct notch_block_row *row, uint64_t position,
                                 uint32_t *ordinal)
{
    struct notch_batch batch;
    notch_buf_clear(&reading->body);
    if (reading->view->body(reading->view->self, &reading->body, position) != NOTCH_OK ||
        !notch_is_valid(notch_batch_decode(&batch, notch_buf_bytes(&reading->body)))) {
        return "a batch of a final block cannot be read";
    }
    struct notch_reader reader = notch_reader(batch.records);
    struct notch_bytes bytes;
    while (notch_batch_next_record(&reader, &bytes)) {
        struct notch_record record;
        struct notch_receipt receipt;
        if (!notch_is_valid(notch_record_decode(&record, bytes)) ||
            notch_lookup_receipt(&reading->lookup, &receipt, row->height, (*ordinal)++) != NOTCH_OK) {
            return "a record of a final block has no receipt";
        }
        notch_record_hash(&record, reading->domain);
        if (receipt.record == NOTCH_REJECT_NONE) {
            uint64_t *times = notch_map_put(&reading->times, &record.id, NULL);
            (*times)++;
        }
    }
    return NULL;
}

static const char *read_block(struct sim_reading *reading, uint64_t height)
{
    struct notch_block_row row;
    notch_buf_clear(&reading->row);
    if (notch_lookup_block(&reading->lookup, &row, &reading->row, (struct notch_height){height}) != NOTCH_OK) {
        return "a final block is not in the view";
    }
    const struct notch_hash *kept = notch_map_get(reading->finals, &height);
    if (kept != NULL && !notch_hash_eq(kept, &row.hash)) {
        return "what was final at a height is another block now";
    }
    struct notch_reader reader = notch_reader(row.batches);
    struct notch_batch_place place;
    uint32_t ordinal = 0;
    const char *failure = NULL;
    while (failure == NULL && notch_block_row_batch(&reader, &place)) {
        failure = count_records(reading, &row, place.position, &ordinal);
    }
    return failure;
}

static const char *check_exactly_once(const struct sim_reading *reading)
{
    size_t at = 0;
    const void *id;
    while (notch_map_next(reading->acknowledged, &at, &id, NULL)) {
        const uint64_t *times = notch_map_get(&reading->times, id);
        if (times == NULL) {
            return "an acknowledged record is not final";
        }
        if (*times != 1) {
            return "a record is on the chain more than once";
        }
    }
    return NULL;
}

const char *sim_reading_check(struct sim_reading *reading, uint64_t height)
{
    const char *failure = NULL;
    for (uint64_t at = 1; at <= height && failure == NULL; at++) {
        failure = read_block(reading, at);
    }
    return failure == NULL ? check_exactly_once(reading) : failure;
}
