/* Rows in, entries out: figures by hand, what modes let through, parties, and what is wrong with rows. */
#include "rpc/cli/feed_market.h"
#include "rpc/cli/feed_party.h"

#include "chain/salt.h"
#include "tests/support/gen.h"
#include "tests/support/records.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAY NOTCH_WHEN_DAY_MS

static struct notch_test_chain chain;

static int set_up(void **state)
{
    (void)state;
    notch_test_chain_init(&chain, NOTCH_MODE_PRIVATE, notch_crypto_standin(), 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    notch_test_chain_fini(&chain);
    return 0;
}

/* ---- reading a text as the command reads a file ---- */

struct input {
    const struct notch_feed_kind *kind;
    const char *columns;
    struct notch_feed_market *market;
    const struct notch_feed_market_form *form;
    struct notch_feed_party *party;
    char faults[2048]; /* "row.role reason\n" */
    uint64_t taken;
};

static void take_row(struct input *input, const struct notch_feed_columns *columns, const struct notch_csv *csv)
{
    struct notch_feed_fault fault = input->market != NULL
                                        ? notch_feed_market_row(input->market, columns, csv, input->form)
                                        : notch_feed_party_row(input->party, columns, csv);
    size_t used = strlen(input->faults);
    if (fault.reason == NULL) {
        input->taken++;
    } else {
        (void)snprintf(input->faults + used, sizeof input->faults - used, "%llu.%s %s\n", (unsigned long long)csv->row,
                       input->kind->roles[fault.role].name, fault.reason);
    }
}

static void read_text(struct input *input, const char *text)
{
    struct notch_csv csv;
    struct notch_feed_columns columns;
    struct notch_buf problem;
    struct notch_bytes bytes = notch_bytes(text, strlen(text));
    notch_csv_init(&csv, notch_alloc_heap(), ',');
    notch_buf_init(&problem, notch_alloc_heap());
    assert_int_equal(notch_csv_next(&csv, &bytes, true), NOTCH_CSV_ROW);
    assert_true(notch_feed_columns_find(&columns, &problem, input->kind, &csv, input->columns));
    for (;;) {
        enum notch_csv_step step = notch_csv_next(&csv, &bytes, true);
        if (step == NOTCH_CSV_END) {
            break;
        }
        assert_int_equal(step, NOTCH_CSV_ROW);
        take_row(input, &columns, &csv);
    }
    notch_buf_fini(&problem);
    notch_csv_fini(&csv);
}

/* ---- insights ---- */

static struct notch_feed_market_options market_options(enum notch_mode mode)
{
    return (struct notch_feed_market_options){.unit_known = true,
                                              .unit = NOTCH_UNIT_DAY,
                                              .window = 4,
                                              .mode = mode,
                                              .aggregate_min = 2,
                                              .noise_ppm = 8000,
                                              .domain = &chain.domain,
                                              .secret = chain.secrets[0]};
}

#define FORM \
    { \
        .now_ms = UINT64_C(4000000000000) \
    }

/* The entries that a text makes, encoded, with the plan around them. */
static void make(struct notch_feed_plan *plan, struct notch_feed_market_result *result, const char *text,
                 const struct notch_feed_market_options *options)
{
    const struct notch_feed_market_form form = FORM;
    struct notch_feed_market market;
    struct input input = {.kind = notch_feed_kind(NOTCH_FEED_MARKET), .market = &market, .form = &form};
    notch_feed_market_init(&market, notch_alloc_heap());
    notch_feed_plan_init(plan, notch_alloc_heap(), 256, NOTCH_RECORD_BYTES_MAX);
    read_text(&input, text);
    assert_string_equal(input.faults, "");
    notch_feed_market_build(&market, result, plan, options);
    notch_feed_market_fini(&market);
}

static struct notch_insight insight_at(const struct notch_feed_plan *plan, size_t index)
{
    struct notch_reader reader = notch_reader(notch_buf_bytes(&plan->entries));
    struct notch_entry_view view;
    struct notch_entry entry;
    for (size_t i = 0; i <= index; i++) {
        assert_true(notch_record_next_entry(&reader, &view));
    }
    assert_true(notch_is_valid(notch_entry_decode(&entry, view.type, view.payload)));
    assert_int_equal(entry.type, NOTCH_ENTRY_INSIGHT);
    return entry.as.insight;
}

#define HEAD "time,market,product,price,quantity\n"

static void test_figures_by_hand(void **state)
{
    (void)state;
    struct notch_feed_plan plan;
    struct notch_feed_market_result result;
    struct notch_feed_market_options options = market_options(NOTCH_MODE_PRIVATE);
    /* Two rows on the first day: (1.00*3 + 2.00*1) / 4 = 1.25. Then 1.50, 1.75, and after a day without rows 2.25. */
    make(&plan, &result,
         HEAD "2022-01-01,m,p,1.00,3\n2022-01-01,m,p,2.00,1\n2022-01-02,m,p,1.50,5\n2022-01-03,m,p,1.75,1\n"
              "2022-01-05,m,p,2.25,1\n",
         &options);
    assert_int_equal(result.insights, 4);
    struct notch_insight first = insight_at(&plan, 0);
    assert_int_equal(first.point.raw, 1250000);
    assert_int_equal(first.lo.raw, 1000000);
    assert_int_equal(first.hi.raw, 2000000);
    assert_int_equal(first.samples, 2);
    assert_int_equal(first.mask & (NOTCH_INSIGHT_TREND | NOTCH_INSIGHT_VOLATILITY), 0);
    assert_int_equal(first.confidence.raw, 83333); /* 1/4 * 2/6 */
    assert_int_equal(first.period.start.raw, UINT64_C(1640995200000));
    assert_int_equal(first.period.length_ms, DAY);
    struct notch_insight third = insight_at(&plan, 2);
    assert_int_equal(third.trend.raw, 166667);      /* 0.25 a day over a mean of 1.50 */
    assert_int_equal(third.volatility.raw, 136083); /* sqrt(((1/6)^2 + 0 + (1/6)^2) / 3) */
    assert_int_equal(third.samples, 4);
    assert_int_equal(third.confidence.raw, 375000); /* 3/4 * 4/8 */
    /* The window of the 5th begins with the 2nd: 1.50, 1.75, none, 2.25 at 0, 1, 3: slope 0.25, mean 5.5/3. */
    struct notch_insight last = insight_at(&plan, 3);
    assert_int_equal(last.trend.raw, 136364);
    assert_int_equal(last.lo.raw, 1500000);
    assert_int_equal(last.hi.raw, 2250000);
    notch_feed_plan_fini(&plan);
}

static void test_nothing_sold_and_nothing_charged(void **state)
{
    (void)state;
    struct notch_feed_plan plan;
    struct notch_feed_market_result result;
    struct notch_feed_market_options options = market_options(NOTCH_MODE_PRIVATE);
    make(&plan, &result, HEAD "2022-01-01,m,p,1,0\n2022-01-01,m,p,2,0\n2022-01-01,f,p,0,1\n2022-01-02,f,p,0,1\n",
         &options);
    assert_int_equal(result.insights, 3);
    assert_int_equal(insight_at(&plan, 0).point.raw, 0);
    assert_int_equal(insight_at(&plan, 1).point.raw, 1500000);
    assert_int_equal(insight_at(&plan, 2).mask & NOTCH_INSIGHT_TREND, 0);
    notch_feed_plan_fini(&plan);
}

/* Records end with a period unless they may span several; 256 entries are a full one. */
static void test_records(void **state)
{
    (void)state;
    struct notch_feed_plan plan;
    struct notch_feed_market_result result;
    struct notch_feed_market_options options = market_options(NOTCH_MODE_PRIVATE);
    struct notch_buf text;
    notch_buf_init(&text, notch_alloc_heap());
    notch_buf_append(&text, HEAD, sizeof HEAD - 1);
    for (unsigned day = 1; day <= 2; day++) {
        for (unsigned market = 0; market < 300; market++) {
            char line[64];
            int len = snprintf(line, sizeof line, "2022-01-0%u,m%03u,p,1.5,1\n", day, market);
            notch_buf_append(&text, line, (size_t)len);
        }
    }
    notch_buf_append(&text, "", 1);
    make(&plan, &result, (const char *)text.data, &options);
    assert_int_equal(notch_feed_plan_count(&plan), 4);
    assert_int_equal(notch_feed_plan_at(&plan, 0).count, 256);
    assert_int_equal(notch_feed_plan_at(&plan, 1).count, 44);
    notch_feed_plan_fini(&plan);
    options.spans_periods = true;
    make(&plan, &result, (const char *)text.data, &options);
    assert_int_equal(notch_feed_plan_count(&plan), 3);
    assert_int_equal(plan.entry_count, 600);
    notch_feed_plan_fini(&plan);
    notch_buf_fini(&text);
}

/* A chain of that mode takes every insight. */
static void check_form(const struct notch_feed_plan *plan, enum notch_mode mode, size_t count)
{
    struct notch_rules rules = chain.rules;
    rules.mode = mode;
    rules.aggregate_min = 2;
    struct notch_form form = {.rules = &rules, .author = chain.signers[0].key, .ts = {UINT64_C(4000000000000)}};
    for (size_t i = 0; i < count; i++) {
        struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT};
        entry.as.insight = insight_at(plan, i);
        struct notch_reject reject = notch_entry_check(&entry, &form);
        if (!notch_is_valid(reject)) {
            fail_msg("insight %zu: %s", i, reject.reason);
        }
    }
}

static const char prices[] = HEAD "2022-01-01,m,p,1.2,3\n2022-01-02,m,p,1.2,1\n2022-01-03,m,p,1.37,5\n"
                                  "2022-01-01,n,p,0,3\n2022-01-02,n,p,0,1\n2022-01-03,n,p,977.777777,5\n";

static void test_modes(void **state)
{
    (void)state;
    struct notch_feed_plan plan;
    struct notch_feed_market_result result;
    struct notch_feed_market_options options = market_options(NOTCH_MODE_PRIVATE);
    make(&plan, &result, prices, &options);
    check_form(&plan, NOTCH_MODE_PRIVATE, result.insights);
    notch_feed_plan_fini(&plan);

    options = market_options(NOTCH_MODE_CONSORTIUM);
    make(&plan, &result, prices, &options);
    assert_int_equal(result.insights, 6);
    check_form(&plan, NOTCH_MODE_CONSORTIUM, result.insights);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(insight_at(&plan, i).mask & NOTCH_INSIGHT_POINT, 0);
    }
    /* 1.2 lies on the grid: alone, it would show itself. */
    assert_int_equal(insight_at(&plan, 0).lo.raw, 1200000);
    assert_int_equal(insight_at(&plan, 0).hi.raw, 1300000);
    notch_feed_plan_fini(&plan);

    options = market_options(NOTCH_MODE_PUBLIC);
    make(&plan, &result, prices, &options);
    assert_int_equal(result.insights, 3);
    assert_int_equal(result.too_few, 3);
    check_form(&plan, NOTCH_MODE_PUBLIC, result.insights);
    notch_feed_plan_fini(&plan);
}

/* The noise is on a grid, is the same for the same author and content, and another for others; it spreads as it
 * says. */
static void test_noise(void **state)
{
    (void)state;
    struct notch_feed_plan plan;
    struct notch_feed_plan again;
    struct notch_feed_market_result result;
    struct notch_feed_market_options options = market_options(NOTCH_MODE_PUBLIC);
    make(&plan, &result, prices, &options);
    make(&again, &result, prices, &options);
    assert_true(notch_bytes_eq(notch_buf_bytes(&plan.entries), notch_buf_bytes(&again.entries)));
    notch_feed_plan_fini(&again);
    options.secret = chain.secrets[1];
    make(&again, &result, prices, &options);
    assert_false(notch_bytes_eq(notch_buf_bytes(&plan.entries), notch_buf_bytes(&again.entries)));
    notch_feed_plan_fini(&again);
    notch_feed_plan_fini(&plan);

    struct notch_buf text;
    notch_buf_init(&text, notch_alloc_heap());
    notch_buf_append(&text, HEAD, sizeof HEAD - 1);
    for (unsigned i = 0; i < 2000; i++) {
        char line[96];
        int len = snprintf(line, sizeof line, "2022-01-01,m%u,p,1,1\n2022-01-02,m%u,p,1.5,1\n", i, i);
        notch_buf_append(&text, line, (size_t)len);
    }
    notch_buf_append(&text, "", 1);
    options = market_options(NOTCH_MODE_PUBLIC);
    make(&plan, &result, (const char *)text.data, &options);
    assert_int_equal(result.insights, 2000);
    int64_t sum = 0;
    int64_t squares = 0;
    for (size_t i = 0; i < 2000; i++) {
        struct notch_insight insight = insight_at(&plan, i);
        int64_t off = insight.trend.raw - 400000; /* 0.5 over 1.25 */
        assert_int_equal(insight.noise.raw, 8000);
        assert_int_equal(off % 1000, 0);
        sum += off;
        squares += off * off;
    }
    /* 2000 draws of standard deviation 8000: the mean within 5 of its own deviations, the variance within 20 %. */
    assert_true(llabs(sum / 2000) < 900);
    assert_true(squares / 2000 > 51200000 && squares / 2000 < 76800000);
    notch_feed_plan_fini(&plan);
    notch_buf_fini(&text);
}

/* The order of rows changes nothing, and is noticed. */
static void test_order(void **state)
{
    (void)state;
    const struct notch_feed_market_form form = FORM;
    struct notch_feed_plan plan;
    struct notch_feed_plan other;
    struct notch_feed_market_result result;
    struct notch_feed_market_options options = market_options(NOTCH_MODE_PRIVATE);
    struct notch_feed_market market;
    struct input input = {.kind = notch_feed_kind(NOTCH_FEED_MARKET), .market = &market, .form = &form};
    const char shuffled[] = HEAD "2022-01-03,n,p,977.777777,5\n2022-01-02,m,p,1.2,1\n2022-01-01,n,p,0,3\n"
                                 "2022-01-01,m,p,1.2,3\n2022-01-03,m,p,1.37,5\n2022-01-02,n,p,0,1\n";
    make(&plan, &result, prices, &options);
    make(&other, &result, shuffled, &options);
    assert_true(notch_bytes_eq(notch_buf_bytes(&plan.entries), notch_buf_bytes(&other.entries)));
    notch_feed_plan_fini(&other);
    notch_feed_plan_fini(&plan);
    notch_feed_market_init(&market, notch_alloc_heap());
    read_text(&input, shuffled);
    assert_int_equal(market.out_of_order, 2);
    notch_feed_market_fini(&market);
}

static void test_guessed_periods(void **state)
{
    (void)state;
    struct notch_feed_plan plan;
    struct notch_feed_market_result result;
    struct notch_feed_market_options options = market_options(NOTCH_MODE_PRIVATE);
    const struct {
        const char *text;
        enum notch_when_unit unit;
    } cases[] = {
        {HEAD "2022-01-01,m,p,1,1\n", NOTCH_UNIT_DAY},
        {HEAD "2022-01-01T10:00,m,p,1,1\n2022-01-01T11:00,m,p,1,1\n", NOTCH_UNIT_HOUR},
        {HEAD "2022-01-01,m,p,1,1\n2022-01-02,m,p,1,1\n2022-01-05,m,p,1,1\n", NOTCH_UNIT_DAY},
        {HEAD "2022-01-02,m,p,1,1\n2022-01-09,m,p,1,1\n2022-02-20,m,p,1,1\n2022-02-27,m,p,1,1\n", NOTCH_UNIT_WEEK},
        {HEAD "2022-01,m,p,1,1\n2022-02,m,p,1,1\n", NOTCH_UNIT_MONTH},
        {HEAD "2020,m,p,1,1\n2021,m,p,1,1\n", NOTCH_UNIT_YEAR},
    };
    options.unit_known = false;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make(&plan, &result, cases[i].text, &options);
        assert_int_equal(result.unit, cases[i].unit);
        notch_feed_plan_fini(&plan);
    }
}

static void test_bad_prices(void **state)
{
    (void)state;
    const struct notch_feed_market_form form = {.now_ms = UINT64_C(1700000000000)};
    struct notch_feed_market market;
    struct input input = {.kind = notch_feed_kind(NOTCH_FEED_MARKET), .market = &market, .form = &form};
    notch_feed_market_init(&market, notch_alloc_heap());
    read_text(&input, HEAD "2022-01-01,m,p,one,1\n2022-01-01,m,p,NaN,1\n2022-01-01,m,p,-0.5,1\n2022-01-01,m,p,,1\n"
                           "2022-01-01,m,p,1,\n2022-01-01,m,p,1,1e5\n2022-01-01,m,p,1000000000.000001,1\n"
                           "2022-01-01,m,p,99999999999999999999,1\nyesterday,m,p,1,1\n2099-01-01,m,p,1,1\n"
                           "2022-01-01,,p,1,1\n2022-01-01,m|n,p,1,1\n2022-01-01,m,\xff,1,1\n"
                           "2022-01-01,m,p,0.1234567, 2 \n");
    assert_string_equal(input.faults, "2.price not a plain decimal number\n"
                                      "3.price not a plain decimal number\n"
                                      "4.price negative\n"
                                      "5.price empty\n"
                                      "6.quantity empty\n"
                                      "7.quantity not a plain decimal number\n"
                                      "8.price too large\n"
                                      "9.price too large\n"
                                      "10.time no date; expected YYYY-MM-DD\n"
                                      "11.time in the future\n"
                                      "12.market empty\n"
                                      "13.market has a '|', which separates the parts of a name\n"
                                      "14.product not UTF-8\n");
    assert_int_equal(input.taken, 1);
    notch_feed_market_fini(&market);
}

/* ---- columns ---- */

static void check_columns(const char *header, const char *list, const char *expected)
{
    struct notch_csv csv;
    struct notch_feed_columns columns;
    struct notch_buf problem;
    struct notch_bytes bytes = notch_bytes(header, strlen(header));
    notch_csv_init(&csv, notch_alloc_heap(), ',');
    notch_buf_init(&problem, notch_alloc_heap());
    assert_int_equal(notch_csv_next(&csv, &bytes, true), NOTCH_CSV_ROW);
    bool found = notch_feed_columns_find(&columns, &problem, notch_feed_kind(NOTCH_FEED_MARKET), &csv, list);
    notch_buf_append(&problem, "", 1);
    assert_string_equal((const char *)problem.data, expected);
    assert_int_equal(found, *expected == '\0');
    notch_buf_fini(&problem);
    notch_csv_fini(&csv);
}

static void test_columns(void **state)
{
    (void)state;
    check_columns("time,market,product,price,quantity", NULL, "");
    check_columns("a,b,c,d,e", "time=a,market=b,product=c,price=d, quantity = e", "");
    check_columns("time,market,product,cost,quantity", "price=cost", "");
    check_columns(
        "time,market,product,price", NULL,
        "no column \"quantity\": say which one it is with --columns quantity=NAME; the columns are: time, market, "
        "product, price");
    check_columns("time,b", "market=x", "no column \"x\" for market; the columns are: time, b");
    check_columns(
        "time", "cost=time",
        "--columns: --market has no \"cost\"; it has time, market, product, price, quantity, currency, unit, pack");
    check_columns("time", "price", "--columns: expected ROLE=COLUMN,..., not \"price\"");
}

/* ---- logarithms ---- */

/* Against the C library, where the result is large enough for six decimals to say something. */
static const char *antilog_is_exp(struct notch_gen *gen, void *context)
{
    static const double factors[] = {1.0, 0.69314718055994530942, 2.30258509299404568402};
    (void)context;
    unsigned base = (unsigned)notch_gen_below(gen, 3);
    double limit = 27.0 / factors[base];
    int64_t log = (int64_t)notch_gen_below(gen, (uint64_t)(2 * limit * 1e6)) - (int64_t)(limit * 1e6);
    int64_t out;
    const char *fault = notch_feed_antilog(&out, log, (enum notch_feed_log)(base + 1), INT64_MAX);
    if (fault != NULL) {
        return fault;
    }
    double expected = exp((double)log / 1e6 * factors[base]) * 1e6;
    double off = fabs((double)out - expected);
    return off <= 0.51 + expected * 1e-12 ? NULL : "off by more than its rounding";
}

static void test_antilog(void **state)
{
    (void)state;
    int64_t out;
    assert_true(notch_property_holds("antilog", 5000, 1, antilog_is_exp, NULL));
    assert_null(notch_feed_antilog(&out, 0, NOTCH_LOG_E, INT64_MAX));
    assert_int_equal(out, 1000000);
    assert_null(notch_feed_antilog(&out, 3000000, NOTCH_LOG_10, INT64_MAX));
    assert_int_equal(out, 1000000000);
    assert_null(notch_feed_antilog(&out, 10000000, NOTCH_LOG_2, INT64_MAX));
    assert_int_equal(out, 1024000000);
    assert_null(notch_feed_antilog(&out, -1000000, NOTCH_LOG_2, INT64_MAX));
    assert_int_equal(out, 500000);
    assert_null(notch_feed_antilog(&out, -60000000, NOTCH_LOG_10, INT64_MAX));
    assert_int_equal(out, 0);
    assert_non_null(notch_feed_antilog(&out, 60000000, NOTCH_LOG_E, INT64_MAX));
    assert_non_null(notch_feed_antilog(&out, INT64_MAX, NOTCH_LOG_E, INT64_MAX));
    assert_non_null(notch_feed_antilog(&out, INT64_MIN + 1, NOTCH_LOG_E, INT64_MAX));
    assert_non_null(notch_feed_antilog(&out, 3000000, NOTCH_LOG_10, 999999999));
}

/* ---- parties ---- */

static void build_party(struct notch_feed_plan *plan, struct notch_buf *openings, const struct notch_feed_party *feed,
                        bool reveal)
{
    struct notch_feed_key keys[NOTCH_TEST_SIGNERS];
    for (size_t i = 0; i < NOTCH_TEST_SIGNERS; i++) {
        keys[i] = (struct notch_feed_key){chain.signers[i].key, chain.secrets[i]};
    }
    struct notch_feed_party_options options = {
        .domain = &chain.domain, .reveal = reveal, .first_signer = 1, .keys = keys};
    notch_feed_plan_init(plan, notch_alloc_heap(), 256, NOTCH_RECORD_BYTES_MAX);
    notch_feed_party_build(feed, plan, openings, &options);
}

static struct notch_entry entry_of(const struct notch_feed_plan *plan, size_t record)
{
    struct notch_feed_record planned = notch_feed_plan_at(plan, record);
    struct notch_reader reader = notch_reader(notch_bytes(plan->entries.data + planned.from, (size_t)planned.len));
    struct notch_entry_view view;
    struct notch_entry entry;
    assert_true(notch_record_next_entry(&reader, &view));
    assert_true(notch_is_valid(notch_entry_decode(&entry, view.type, view.payload)));
    return entry;
}

static void test_needs(void **state)
{
    (void)state;
    struct notch_feed_party feed;
    struct notch_feed_plan plan;
    struct notch_buf openings;
    struct input input = {.kind = notch_feed_kind(NOTCH_FEED_NEEDS), .party = &feed};
    notch_feed_party_init(&feed, notch_alloc_heap(), NOTCH_FEED_NEEDS);
    notch_buf_init(&openings, notch_alloc_heap());
    read_text(&input, "recipient,resource,period,amount\n\"country:B, the\",rice,2022,4442200000.5\n"
                      "country:A,rice,2022-Q1,1\ncountry:A,rice,2022-Q1,2\ncountry:A,rice,2022-Q2,-1\n"
                      "country:A,rice,soon,1\ncountry:A,,2022,1\n,rice,2022,1\ncountry:A,rice,2022,9300000000000\n");
    assert_string_equal(input.faults,
                        "4.recipient a second row for this resource and period\n"
                        "5.amount negative\n"
                        "6.period no period; expected 2022, 2022-Q1, 2022-03, 2022-W07, 2022-03-15 or FROM/TO\n"
                        "7.resource empty\n"
                        "8.recipient empty\n"
                        "9.amount too large\n");
    build_party(&plan, &openings, &feed, false);
    /* A stands before B, though it came later: party 1, so signer 2. */
    assert_int_equal(notch_feed_plan_count(&plan), 2);
    assert_int_equal(notch_feed_plan_at(&plan, 0).signer, 2);
    struct notch_entry commit = entry_of(&plan, 1);
    assert_int_equal(commit.type, NOTCH_ENTRY_NEED_COMMIT);
    notch_feed_plan_fini(&plan);
    assert_int_equal(openings.len, 2 * sizeof(struct notch_feed_opening));
    notch_buf_clear(&openings);
    build_party(&plan, &openings, &feed, true);
    struct notch_entry reveal = entry_of(&plan, 1);
    assert_int_equal(reveal.type, NOTCH_ENTRY_NEED_REVEAL);
    assert_int_equal(reveal.as.need_reveal.amount.raw, INT64_C(4442200000500000));
    assert_true(notch_commitment_opens(&commit.as.need_commit.commitment, reveal.as.need_reveal.amount,
                                       &reveal.as.need_reveal.blinding));
    assert_true(notch_hash_eq(&commit.as.need_commit.resource, &reveal.as.need_reveal.resource));
    notch_feed_plan_fini(&plan);
    notch_buf_fini(&openings);
    notch_feed_party_fini(&feed);
}

static void test_capacities(void **state)
{
    (void)state;
    struct notch_feed_party feed;
    struct notch_feed_plan plan;
    struct input input = {.kind = notch_feed_kind(NOTCH_FEED_CAPACITIES), .party = &feed};
    notch_feed_party_init(&feed, notch_alloc_heap(), NOTCH_FEED_CAPACITIES);
    read_text(&input, "provider,resource,period,amount,kind\nd,rice,2022,5.5,flow\nd,oil,2022,1,stock\ne,rice,2022,1,\n"
                      "f,rice,2022,1,gift\n");
    assert_string_equal(input.faults, "5.kind neither stock nor flow\n");
    build_party(&plan, NULL, &feed, false);
    assert_int_equal(notch_feed_plan_count(&plan), 2);
    assert_int_equal(notch_feed_plan_at(&plan, 0).count, 2);
    struct notch_entry oil = entry_of(&plan, 0);
    assert_int_equal(oil.type, NOTCH_ENTRY_CAPACITY);
    assert_int_equal(oil.as.capacity.kind, NOTCH_CAPACITY_STOCK);
    assert_int_equal(oil.as.capacity.amount.raw, 1000000);
    notch_feed_plan_fini(&plan);
    notch_feed_party_fini(&feed);
}

static void test_recognition(void **state)
{
    (void)state;
    struct notch_feed_party feed;
    struct notch_feed_plan plan;
    struct input input = {.kind = notch_feed_kind(NOTCH_FEED_RECOGNITION), .party = &feed};
    notch_feed_party_init(&feed, notch_alloc_heap(), NOTCH_FEED_RECOGNITION);
    read_text(&input,
              "from,to,share_ppm\na,b,600000\na,c,400000\na,d,1\nb,a,1000001\nb,a,0\nb,a,0.5\nb,a,10\nb,a,11\n");
    assert_string_equal(input.faults, "4.share_ppm the shares of this party sum to more than 1000000\n"
                                      "5.share_ppm too large\n"
                                      "6.share_ppm not a whole number from 1 to 1000000\n"
                                      "7.share_ppm not a whole number from 1 to 1000000\n"
                                      "9.to a second share for the same two\n");
    build_party(&plan, NULL, &feed, false);
    assert_int_equal(notch_feed_plan_count(&plan), 2);
    struct notch_entry entry = entry_of(&plan, 0);
    struct notch_form form = {.rules = &chain.rules, .author = chain.signers[0].key, .ts = {1}};
    assert_int_equal(entry.type, NOTCH_ENTRY_RECOGNITION);
    assert_int_equal(entry.as.recognition.count, 2);
    assert_true(notch_is_valid(notch_entry_check(&entry, &form)));
    notch_feed_plan_fini(&plan);
    notch_feed_party_fini(&feed);
}

/* A record is no larger than the chain allows. */
static void test_record_size(void **state)
{
    (void)state;
    struct notch_feed_plan plan;
    struct notch_feed_party feed;
    struct input input = {.kind = notch_feed_kind(NOTCH_FEED_CAPACITIES), .party = &feed};
    struct notch_buf text;
    notch_buf_init(&text, notch_alloc_heap());
    notch_buf_append(&text, "provider,resource,period,amount\n", 32);
    for (unsigned i = 0; i < 100; i++) {
        char line[64];
        int len = snprintf(line, sizeof line, "d,r%u,2022,5\n", i);
        notch_buf_append(&text, line, (size_t)len);
    }
    notch_buf_append(&text, "", 1);
    notch_feed_party_init(&feed, notch_alloc_heap(), NOTCH_FEED_CAPACITIES);
    read_text(&input, (const char *)text.data);
    struct notch_feed_key keys[] = {{chain.signers[0].key, chain.secrets[0]}};
    struct notch_feed_party_options options = {.domain = &chain.domain, .keys = keys};
    notch_feed_plan_init(&plan, notch_alloc_heap(), 256, 1024);
    notch_feed_party_build(&feed, &plan, NULL, &options);
    assert_true(notch_feed_plan_count(&plan) > 1);
    for (size_t i = 0; i < notch_feed_plan_count(&plan); i++) {
        struct notch_feed_record planned = notch_feed_plan_at(&plan, i);
        struct notch_record_draft draft = {.author = chain.signers[0].key, .ref = chain.genesis_hash};
        struct notch_buf record;
        notch_buf_init(&record, notch_alloc_heap());
        draft.entries = notch_bytes(plan.entries.data + planned.from, (size_t)planned.len);
        assert_int_equal(notch_record_build(&record, &draft, &chain.signers[0], &chain.domain, chain.crypto), NOTCH_OK);
        assert_true(record.len <= 1024);
        notch_buf_fini(&record);
    }
    notch_feed_plan_fini(&plan);
    notch_feed_party_fini(&feed);
    notch_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_by_hand), cmocka_unit_test(test_nothing_sold_and_nothing_charged),
        cmocka_unit_test(test_records),         cmocka_unit_test(test_modes),
        cmocka_unit_test(test_noise),           cmocka_unit_test(test_order),
        cmocka_unit_test(test_guessed_periods), cmocka_unit_test(test_bad_prices),
        cmocka_unit_test(test_columns),         cmocka_unit_test(test_antilog),
        cmocka_unit_test(test_needs),           cmocka_unit_test(test_capacities),
        cmocka_unit_test(test_recognition),     cmocka_unit_test(test_record_size),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
