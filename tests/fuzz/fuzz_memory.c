/*
 * Any bytes as a written price memory, and as one market of it. What is accepted is written as the same bytes, and goes
 * on to work: it observes, answers, and is read back after that.
 */
#include "ai/agent/memory/insight.h"
#include "ai/agent/memory/memory.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void use(struct notch_market *market)
{
    static struct notch_memory_region regions[NOTCH_MARKET_REGIONS_MAX];
    struct notch_market_answer answer;
    struct notch_insight insight;
    const struct notch_hash id = {{1}};
    for (uint64_t i = 0; i < 20; i++) {
        const struct notch_observation seen = {
            .has_time = market->is_timed, .time_ms = market->time_ms + i * 1000, .price = 10 + (double)i, .reward = 1};
        (void)notch_market_observe(market, &seen, 0);
    }
    notch_market_ask(market, &answer, 12, market->time_ms);
    must(!isnan(answer.std));
    must(!isnan(answer.bonus));
    must(notch_market_regions(market, regions, market->time_ms) <= NOTCH_MARKET_REGIONS_MAX);
    enum notch_err err = notch_market_insight(market, &insight, &id, notch_alloc_heap());
    must(err == NOTCH_OK || err == NOTCH_ERR_NOT_FOUND);
    if (err == NOTCH_OK) {
        (void)notch_market_learn(market, &(struct notch_key){{1}}, &insight);
    }
}

static void as_market(struct notch_bytes bytes, struct notch_buf *out)
{
    struct notch_market *market = notch_alloc(notch_alloc_heap(), sizeof *market);
    struct notch_reader reader = notch_reader(bytes);
    notch_market_read(&reader, market);
    if (notch_reader_done(&reader)) {
        struct notch_writer writer = notch_writer_grow(out);
        notch_market_write(&writer, market);
        must(notch_bytes_eq(bytes, notch_buf_bytes(out)));
        use(market);
        notch_buf_clear(out);
        notch_market_write(&writer, market);
        reader = notch_reader(notch_buf_bytes(out));
        notch_market_read(&reader, market);
        must(notch_reader_done(&reader));
    }
    notch_free(notch_alloc_heap(), market, sizeof *market);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_memory *memory;
    struct notch_memory_options options = notch_memory_defaults(notch_alloc_heap());
    struct notch_buf out;
    options.max_markets = 4;
    must(notch_memory_create(&memory, &options) == NOTCH_OK);
    notch_buf_init(&out, notch_alloc_heap());
    if (notch_memory_read(memory, notch_bytes(data, size)) == NOTCH_OK) {
        notch_memory_write(memory, &out);
        must(notch_bytes_eq(notch_bytes(data, size), notch_buf_bytes(&out)));
    }
    notch_buf_clear(&out);
    as_market(notch_bytes(data, size), &out);
    notch_buf_fini(&out);
    notch_memory_destroy(memory);
    return 0;
}
