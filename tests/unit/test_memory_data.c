/*
 * The price memory on the avocado weeks 2017 to 2020 (45 US markets, 2 kinds): segments, anomalies, rate. The file is
 * not part of the tree: it is read from NOTCH_DATA_DIR. Where that is not set when the build is configured, there is no
 * such test.
 */
#include "ai/agent/memory/segments.h"
#include "base/hash.h"
#include "rpc/cli/csv.h"
#include "rpc/cli/files.h"
#include "rpc/cli/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MARKETS 90
#define FILE_BYTES_MAX (16u << 20)

struct data {
    struct notch_buf file;
    struct notch_memory *memory;
    uint64_t rows;
};

static bool cell_is(const struct notch_csv *csv, uint32_t column, const char *text)
{
    return notch_bytes_eq(notch_csv_cell(csv, column), notch_bytes(text, strlen(text)));
}

static double number_of(const struct notch_csv *csv, uint32_t column)
{
    char text[32];
    struct notch_bytes cell = notch_csv_cell(csv, column);
    (void)snprintf(text, sizeof text, "%.*s", (int)cell.len, (const char *)cell.data);
    return strtod(text, NULL);
}

/* The first byte says the kind, so that a test can tell; the rest is the name. */
static struct notch_hash market_of(const struct notch_csv *csv)
{
    struct notch_hash id = {{0}};
    struct notch_bytes name = notch_csv_cell(csv, 0);
    id.raw[0] = cell_is(csv, 3, "organic") ? 2 : 1;
    memcpy(id.raw + 1, name.data, name.len < 31 ? name.len : 31);
    return id;
}

static void take_row(struct data *data, const struct notch_csv *csv)
{
    if (!cell_is(csv, 1, "market")) {
        return;
    }
    struct notch_hash id = market_of(csv);
    struct notch_bytes date = notch_csv_cell(csv, 2);
    struct notch_observation seen = {
        .has_time = true, .has_quantity = true, .price = number_of(csv, 4), .quantity = number_of(csv, 5)};
    assert_null(notch_when_parse(&seen.time_ms, (const char *)date.data, date.len));
    seen.reward = seen.price * seen.quantity;
    struct notch_market_refusal refusal = notch_market_observe(notch_memory_market(data->memory, &id), &seen, 0);
    assert_int_equal(refusal.field, NOTCH_MARKET_FIELD_NONE);
    data->rows++;
}

static void read_all(struct data *data)
{
    struct notch_csv csv;
    struct notch_bytes input = notch_buf_bytes(&data->file);
    enum notch_csv_step step;
    notch_csv_init(&csv, notch_alloc_heap(), ',');
    assert_int_equal(notch_csv_next(&csv, &input, true), NOTCH_CSV_ROW); /* the header */
    while ((step = notch_csv_next(&csv, &input, true)) == NOTCH_CSV_ROW) {
        take_row(data, &csv);
    }
    assert_int_equal(step, NOTCH_CSV_END);
    notch_csv_fini(&csv);
}

static int setup(void **state)
{
    static struct data data;
    char path[4096];
    const char *folder = getenv("NOTCH_DATA_DIR");
    if (folder == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/avocado_hab_2017_2020.csv", folder);
    notch_buf_init(&data.file, notch_alloc_heap());
    if (notch_file_read(&data.file, path, FILE_BYTES_MAX) != NOTCH_OK) {
        return -1;
    }
    struct notch_memory_options options = notch_memory_defaults(notch_alloc_heap());
    options.market.period_ms = NOTCH_WHEN_WEEK_MS;
    options.market.half_life_ms = 26 * NOTCH_WHEN_WEEK_MS;
    if (notch_memory_create(&data.memory, &options) != NOTCH_OK) {
        return -1;
    }
    *state = &data;
    return 0;
}

static int teardown(void **state)
{
    struct data *data = *state;
    notch_memory_destroy(data->memory);
    notch_buf_fini(&data->file);
    return 0;
}

/* Two kinds of avocado, which differ in price by half: the groups find them without being told. */
static void segments_tell_the_kinds(void **state)
{
    struct data *data = *state;
    struct notch_segment *segments = calloc(NOTCH_MEDOIDS_MAX, sizeof *segments);
    struct notch_medoids groups;
    assert_non_null(segments);
    read_all(data);
    assert_int_equal(notch_memory_count(data->memory), MARKETS);
    assert_int_equal(notch_memory_segments(data->memory, segments, NOTCH_MEDOIDS_MAX, &groups, notch_alloc_heap()),
                     MARKETS);
    assert_in_range(groups.k, 2, 8);
    size_t kinds[8][3] = {{0}};
    size_t right = 0;
    for (size_t i = 0; i < MARKETS; i++) {
        kinds[segments[i].group][segments[i].market.raw[0]]++;
    }
    for (size_t g = 0; g < groups.k; g++) {
        right += kinds[g][1] > kinds[g][2] ? kinds[g][1] : kinds[g][2];
        print_message("group %zu: %zu conventional, %zu organic, log price %.2f, volatility %.3f\n", g, kinds[g][1],
                      kinds[g][2], segments[groups.middle[g]].features[0], segments[groups.middle[g]].features[1]);
    }
    print_message("%llu rows; silhouette %.2f; %zu of %d markets lie in a group of their kind\n",
                  (unsigned long long)data->rows, groups.silhouette, right, MARKETS);
    assert_true(right >= MARKETS * 85 / 100);
    free(segments);
}

/* Few prices stand out, but some do: 2017 was the year of the shortage. */
static void anomalies_are_few(void **state)
{
    struct data *data = *state;
    uint32_t at = 0;
    uint64_t anomalies = 0;
    uint64_t observed = 0;
    struct notch_hash id;
    for (const struct notch_market *market; (market = notch_memory_next(data->memory, &at, &id)) != NULL;) {
        anomalies += market->anomalies;
        observed += market->observed;
    }
    print_message("%llu anomalies in %llu weeks\n", (unsigned long long)anomalies, (unsigned long long)observed);
    assert_true(anomalies > 0);
    assert_true(anomalies < observed / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_tell_the_kinds),
        cmocka_unit_test(anomalies_are_few),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
