#include "rpc/cli/feed_market.h"

#include "base/fixed.h"
#include "rpc/cli/cli.h"

#include <stdlib.h>

/* The bounds of a ratio, as wide as what is compared with them. */
#define RATIO_MAX ((int64_t)NOTCH_RATIO_MAX)

struct row {
    uint64_t time_ms;
    int64_t price;
    int64_t quantity;
    uint32_t series; /* as they came; their rank by name once they are sorted */
};

/* A period of a series. */
struct bucket {
    uint64_t index;
    uint32_t rank;
    uint32_t rows;
    int64_t price;
    int64_t lo, hi;
};

void notch_feed_market_init(struct notch_feed_market *market, const struct notch_alloc *alloc)
{
    *market = (struct notch_feed_market){.alloc = alloc};
    notch_feed_names_init(&market->series, alloc);
    notch_buf_init(&market->last, alloc);
    notch_buf_init(&market->rows, alloc);
}

void notch_feed_market_fini(struct notch_feed_market *market)
{
    notch_feed_names_fini(&market->series);
    notch_buf_fini(&market->last);
    notch_buf_fini(&market->rows);
}

/* ---- rows ---- */

/* The cell of a role, or what stands for it where it is empty. */
static struct notch_bytes part_of(const struct notch_feed_columns *columns, const struct notch_csv *row, uint32_t role,
                                  struct notch_bytes otherwise)
{
    struct notch_bytes cell = notch_feed_cell(columns, row, role);
    return cell.len > 0 ? cell : otherwise;
}

static struct notch_feed_fault read_series(struct notch_feed_market *market, uint32_t *series,
                                           const struct notch_feed_columns *columns, const struct notch_csv *row,
                                           const struct notch_feed_market_form *form)
{
    const uint32_t roles[] = {NOTCH_MARKET_PRODUCT, NOTCH_MARKET_MARKET, NOTCH_MARKET_CURRENCY, NOTCH_MARKET_UNIT,
                              NOTCH_MARKET_PACK};
    const struct notch_bytes otherwise[] = {{NULL, 0}, {NULL, 0}, form->currency, form->unit, form->pack};
    struct notch_buf name;
    notch_buf_init(&name, market->alloc);
    struct notch_feed_fault fault = {0, NULL};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(roles) && fault.reason == NULL; i++) {
        struct notch_bytes part = part_of(columns, row, roles[i], otherwise[i]);
        if (part.len > 0 || i < 2) {
            fault = (struct notch_feed_fault){roles[i], notch_feed_check_name(part)};
        }
        notch_buf_append(&name, part.data, part.len);
        if (i + 1 < NOTCH_ARRAY_LEN(roles)) {
            notch_buf_append(&name, "|", 1);
        }
    }
    if (fault.reason == NULL) {
        *series = notch_feed_names_put(&market->series, notch_buf_bytes(&name));
    }
    notch_buf_fini(&name);
    return fault;
}

static const char *read_time(struct row *out, struct notch_bytes cell, const struct notch_feed_market_form *form)
{
    const char *reason =
        notch_when_parse_as(&out->time_ms, (const char *)cell.data, cell.len, form->time_format, form->time_origin_ms);
    return reason == NULL && out->time_ms > form->now_ms ? "in the future" : reason;
}

static const char *read_quantity(struct row *out, struct notch_bytes cell, const struct notch_feed_market_form *form)
{
    if (form->quantity_log == NOTCH_LOG_NONE) {
        return notch_feed_number(&out->quantity, cell, NOTCH_FEED_QUANTITY_MAX);
    }
    int64_t log;
    const char *reason = notch_feed_signed_number(&log, cell);
    return reason != NULL ? reason
                          : notch_feed_antilog(&out->quantity, log, form->quantity_log, NOTCH_FEED_QUANTITY_MAX);
}

static void note_order(struct notch_feed_market *market, const struct row *row)
{
    uint64_t last = 0;
    size_t at = (size_t)row->series * sizeof last;
    if (market->last.len == at) {
        notch_buf_append(&market->last, &row->time_ms, sizeof row->time_ms);
        return;
    }
    memcpy(&last, market->last.data + at, sizeof last);
    market->out_of_order += row->time_ms < last;
    memcpy(market->last.data + at, &row->time_ms, sizeof row->time_ms);
}

struct notch_feed_fault notch_feed_market_row(struct notch_feed_market *market,
                                              const struct notch_feed_columns *columns, const struct notch_csv *row,
                                              const struct notch_feed_market_form *form)
{
    struct row out = {0};
    const char *reason = read_time(&out, notch_feed_cell(columns, row, NOTCH_MARKET_TIME), form);
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_MARKET_TIME, reason};
    }
    reason = notch_feed_number(&out.price, notch_feed_cell(columns, row, NOTCH_MARKET_PRICE), NOTCH_FEED_PRICE_MAX);
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_MARKET_PRICE, reason};
    }
    reason = read_quantity(&out, notch_feed_cell(columns, row, NOTCH_MARKET_QUANTITY), form);
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_MARKET_QUANTITY, reason};
    }
    if (market->row_count == NOTCH_FEED_ROWS_MAX) {
        return (struct notch_feed_fault){NOTCH_MARKET_TIME, "more than 20 million rows: split the file"};
    }
    struct notch_feed_fault fault = read_series(market, &out.series, columns, row, form);
    if (fault.reason == NULL) {
        note_order(market, &out);
        notch_buf_append(&market->rows, &out, sizeof out);
        market->row_count++;
    }
    return fault;
}

/* ---- order ---- */

static struct row *rows_of(const struct notch_feed_market *market)
{
    return (struct row *)(void *)market->rows.data;
}

struct named {
    struct notch_bytes name;
    uint32_t series;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *left = a;
    const struct named *right = b;
    return notch_bytes_cmp(left->name, right->name);
}

/* The series by name: names[rank]. The rows then carry ranks. */
static struct named *rank_series(struct notch_feed_market *market, uint32_t count)
{
    struct named *names = notch_alloc_array(market->alloc, count, sizeof *names);
    uint32_t *ranks = notch_alloc_array(market->alloc, count, sizeof *ranks);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = (struct named){notch_feed_names_at(&market->series, i), i};
    }
    qsort(names, count, sizeof *names, compare_named);
    for (uint32_t i = 0; i < count; i++) {
        ranks[names[i].series] = i;
    }
    struct row *rows = rows_of(market);
    for (uint64_t i = 0; i < market->row_count; i++) {
        rows[i].series = ranks[rows[i].series];
    }
    notch_free(market->alloc, ranks, count * sizeof *ranks);
    return names;
}

/* Rows that compare equal are equal: their order says nothing. */
static int compare_rows(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    if (left->series != right->series) {
        return left->series < right->series ? -1 : 1;
    }
    if (left->time_ms != right->time_ms) {
        return left->time_ms < right->time_ms ? -1 : 1;
    }
    if (left->price != right->price) {
        return left->price < right->price ? -1 : 1;
    }
    return (left->quantity > right->quantity) - (left->quantity < right->quantity);
}

/* The unit that most gaps between rows of one series speak for; the finer one of two. */
static enum notch_when_unit guess_unit(const struct notch_feed_market *market)
{
    static const uint64_t up_to[] = {12 * NOTCH_WHEN_HOUR_MS, 4 * NOTCH_WHEN_DAY_MS, 20 * NOTCH_WHEN_DAY_MS,
                                     200 * NOTCH_WHEN_DAY_MS, UINT64_MAX};
    uint64_t counts[NOTCH_ARRAY_LEN(up_to)] = {0};
    const struct row *rows = rows_of(market);
    for (uint64_t i = 1; i < market->row_count; i++) {
        if (rows[i].series != rows[i - 1].series || rows[i].time_ms == rows[i - 1].time_ms) {
            continue;
        }
        unsigned class = 0;
        while (rows[i].time_ms - rows[i - 1].time_ms > up_to[class]) {
            class ++;
        }
        counts[class]++;
    }
    unsigned best = 0;
    for (unsigned i = 1; i < NOTCH_ARRAY_LEN(counts); i++) {
        best = counts[i] > counts[best] ? i : best;
    }
    return counts[best] == 0 ? NOTCH_UNIT_DAY : (enum notch_when_unit)best;
}

/* ---- periods ---- */

/* a / b rounded half away from zero; b > 0. */
static __int128 rounded(__int128 a, __int128 b)
{
    return a >= 0 ? (a + b / 2) / b : -((-a + b / 2) / b);
}

/* The rows from..to of one series and period. */
static struct bucket make_bucket(const struct row *rows, uint64_t from, uint64_t to, uint64_t index)
{
    struct bucket bucket = {.index = index,
                            .rank = rows[from].series,
                            .rows = (uint32_t)(to - from),
                            .lo = rows[from].price,
                            .hi = rows[from].price};
    __int128 value = 0;
    __int128 quantity = 0;
    __int128 plain = 0;
    for (uint64_t i = from; i < to; i++) {
        value += (__int128)rows[i].price * rows[i].quantity;
        quantity += rows[i].quantity;
        plain += rows[i].price;
        bucket.lo = rows[i].price < bucket.lo ? rows[i].price : bucket.lo;
        bucket.hi = rows[i].price > bucket.hi ? rows[i].price : bucket.hi;
    }
    bucket.price = (int64_t)(quantity > 0 ? rounded(value, quantity) : rounded(plain, (__int128)(to - from)));
    return bucket;
}

static void make_buckets(const struct notch_feed_market *market, struct notch_buf *out, enum notch_when_unit unit)
{
    const struct row *rows = rows_of(market);
    for (uint64_t from = 0; from < market->row_count;) {
        uint64_t index = notch_when_index(rows[from].time_ms, unit);
        uint64_t to = from + 1;
        while (to < market->row_count && rows[to].series == rows[from].series &&
               notch_when_index(rows[to].time_ms, unit) == index) {
            to++;
        }
        struct bucket bucket = make_bucket(rows, from, to, index);
        notch_buf_append(out, &bucket, sizeof bucket);
        from = to;
    }
}

/* ---- figures of a window ---- */

struct window {
    const struct bucket *first;
    uint32_t count; /* periods with rows */
    uint64_t samples;
    int64_t lo, hi;
    __int128 sum; /* of the prices */
};

static struct window look_back(const struct bucket *buckets, const struct bucket *at, uint32_t periods)
{
    struct window window = {.lo = at->lo, .hi = at->hi};
    const struct bucket *bucket = at;
    for (;; bucket--) {
        window.first = bucket;
        window.count++;
        window.samples += bucket->rows;
        window.sum += bucket->price;
        window.lo = bucket->lo < window.lo ? bucket->lo : window.lo;
        window.hi = bucket->hi > window.hi ? bucket->hi : window.hi;
        if (bucket == buckets || bucket[-1].rank != at->rank || at->index - bucket[-1].index >= periods) {
            return window;
        }
    }
}

static int64_t clamp(__int128 value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : (int64_t)value;
}

/*
 * slope = (n * sum(xy) - sum(x) sum(y)) / (n * sum(xx) - sum(x)^2), and the mean is sum(y) / n. With x < 520 and y
 * below 10^15 the products stay below 2^100.
 */
static int64_t trend_of(const struct window *window)
{
    __int128 n = window->count;
    __int128 x_sum = 0;
    __int128 xx_sum = 0;
    __int128 xy_sum = 0;
    for (uint32_t i = 0; i < window->count; i++) {
        __int128 x = (__int128)(window->first[i].index - window->first->index);
        x_sum += x;
        xx_sum += x * x;
        xy_sum += x * window->first[i].price;
    }
    __int128 below = (n * xx_sum - x_sum * x_sum) * window->sum;
    return clamp(rounded((n * xy_sum - x_sum * window->sum) * n * NOTCH_PPM_ONE, below), -NOTCH_PPM_ONE, RATIO_MAX);
}

static int64_t volatility_of(const struct window *window)
{
    __int128 squares = 0;
    for (uint32_t i = 0; i < window->count; i++) {
        __int128 ratio = rounded((__int128)window->first[i].price * window->count * NOTCH_PPM_ONE, window->sum);
        squares += (ratio - NOTCH_PPM_ONE) * (ratio - NOTCH_PPM_ONE);
    }
    uint64_t variance = (uint64_t)(squares / window->count);
    uint64_t root = notch_u64_isqrt(variance);
    root += variance - root * root > root; /* to the nearest */
    return clamp((__int128)root, 0, RATIO_MAX);
}

static int64_t confidence_of(const struct window *window, uint32_t periods)
{
    __int128 samples = (__int128)window->samples;
    return (int64_t)rounded((__int128)NOTCH_PPM_ONE * window->count * samples, (__int128)periods * (samples + 4));
}

/* ---- what the mode lets through ---- */

/* A ratio on the grid of noise/8, with noise. */
static int64_t with_noise(int64_t ratio, uint8_t field, const struct notch_insight *bare,
                          const struct notch_feed_market_options *options)
{
    struct notch_hash key;
    struct notch_hash bits;
    uint8_t message[32 + 32 + 32 + 8 + 8 + 8 + 8 + 4 + 1];
    struct notch_writer writer = notch_writer(message, sizeof message);
    notch_hash_tagged(&key, "notch/secret/noise", notch_bytes(options->secret, 32));
    notch_write_hash(&writer, &key);
    notch_write_hash(&writer, &options->domain->genesis);
    notch_write_hash(&writer, &bare->market);
    /* Raw: what the noise depends on. */
    notch_write_u64(&writer, bare->period.start.raw);
    notch_write_u64(&writer, bare->period.length_ms);
    notch_write_u64(&writer, bare->samples);
    notch_write_u64(&writer, (uint64_t)ratio);
    notch_write_u32(&writer, options->noise_ppm);
    notch_write_u8(&writer, field);
    notch_hash_tagged(&bits, "notch/feed/noise", notch_writer_bytes(&writer));
    notch_wipe(&key, sizeof key);
    notch_wipe(message, sizeof message);
    int64_t ones = 0;
    for (size_t i = 0; i < sizeof bits.raw; i++) {
        ones += __builtin_popcount(bits.raw[i]);
    }
    int64_t step = options->noise_ppm / 8;
    return (notch_i64_rdiv(ratio, step) + ones - 128) * step;
}

/* Raw: figures become fields. */
static void fill_public(struct notch_insight *out, const struct notch_feed_market_options *options)
{
    struct notch_insight bare = *out;
    out->mask = (out->mask & (NOTCH_INSIGHT_TREND | NOTCH_INSIGHT_VOLATILITY)) | NOTCH_INSIGHT_SAMPLES |
                NOTCH_INSIGHT_CONFIDENCE | NOTCH_INSIGHT_AGGREGATED | NOTCH_INSIGHT_NOISE;
    out->noise.raw = (int32_t)(options->noise_ppm / 8 * 8);
    out->trend.raw = (int32_t)clamp(with_noise(bare.trend.raw, 0, &bare, options), -NOTCH_PPM_ONE, RATIO_MAX);
    out->volatility.raw = (int32_t)clamp(with_noise(bare.volatility.raw, 1, &bare, options), 0, RATIO_MAX);
}

static void fill_consortium(struct notch_insight *out)
{
    out->mask &= ~NOTCH_INSIGHT_POINT;
    out->lo = notch_grid_floor(out->lo);
    struct notch_price hi = notch_grid_ceil(out->hi);
    if (hi.raw == out->lo.raw) {
        /* Raw: one price that lies on the grid would show itself: up to the next edge. */
        hi = notch_grid_ceil((struct notch_price){hi.raw + 1});
    }
    out->hi = hi;
}

/* false: the mode leaves nothing. Raw: figures become fields. */
static bool make_insight(struct notch_insight *out, const struct bucket *buckets, const struct bucket *at,
                         const struct notch_hash *market, enum notch_when_unit unit,
                         const struct notch_feed_market_options *options)
{
    struct window window = look_back(buckets, at, options->window);
    *out = (struct notch_insight){.market = *market,
                                  .period = notch_when_period(at->index, unit),
                                  .mask = NOTCH_INSIGHT_POINT | NOTCH_INSIGHT_RANGE | NOTCH_INSIGHT_CONFIDENCE |
                                          NOTCH_INSIGHT_SAMPLES};
    out->point.raw = at->price;
    out->lo.raw = window.lo;
    out->hi.raw = window.hi;
    out->confidence.raw = (int32_t)confidence_of(&window, options->window);
    out->samples = window.samples;
    if (window.count >= 2 && window.sum > 0) {
        out->mask |= NOTCH_INSIGHT_TREND | NOTCH_INSIGHT_VOLATILITY;
        out->trend.raw = (int32_t)trend_of(&window);
        out->volatility.raw = (int32_t)volatility_of(&window);
    }
    switch (options->mode) {
    case NOTCH_MODE_PRIVATE:
        return true;
    case NOTCH_MODE_CONSORTIUM:
        fill_consortium(out);
        return true;
    case NOTCH_MODE_PUBLIC:
        if ((out->mask & NOTCH_INSIGHT_TREND) == 0 || out->samples < options->aggregate_min) {
            return false;
        }
        fill_public(out, options);
        return true;
    }
    notch_unreachable();
}

/* ---- all of it ---- */

/* A place in the order of publishing. */
struct ordered {
    const struct bucket *bucket;
};

static int compare_buckets(const void *a, const void *b)
{
    const struct bucket *left = ((const struct ordered *)a)->bucket;
    const struct bucket *right = ((const struct ordered *)b)->bucket;
    if (left->index != right->index) {
        return left->index < right->index ? -1 : 1;
    }
    return (left->rank > right->rank) - (left->rank < right->rank);
}

static void name_market(struct notch_hash *out, struct notch_bytes name,
                        const struct notch_feed_market_options *options)
{
    struct notch_bytes parts[5];
    const uint8_t *at = name.data;
    const uint8_t *end = name.data + name.len;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(parts); i++) {
        const uint8_t *bar = at == end ? NULL : memchr(at, '|', (size_t)(end - at));
        const uint8_t *stop = bar == NULL ? end : bar;
        parts[i] = notch_bytes(at, (size_t)(stop - at));
        at = bar == NULL ? end : bar + 1;
    }
    struct notch_market_name market = {parts[0], parts[1], parts[2], parts[3], parts[4]};
    enum notch_err err = notch_market_id(out, options->domain, &market, options->audience_secret);
    notch_assert(err == NOTCH_OK); /* the parts were checked when the row was read */
}

void notch_feed_market_build(struct notch_feed_market *market, struct notch_feed_market_result *result,
                             struct notch_feed_plan *plan, const struct notch_feed_market_options *options)
{
    uint32_t series = notch_feed_names_count(&market->series);
    *result = (struct notch_feed_market_result){.unit = options->unit, .series = series};
    if (market->row_count == 0) {
        return;
    }
    struct named *names = rank_series(market, series);
    qsort(rows_of(market), market->row_count, sizeof(struct row), compare_rows);
    result->unit = options->unit_known ? options->unit : guess_unit(market);
    struct notch_buf bytes;
    notch_buf_init(&bytes, market->alloc);
    make_buckets(market, &bytes, result->unit);
    const struct bucket *buckets = (const struct bucket *)(const void *)bytes.data;
    size_t count = bytes.len / sizeof *buckets;
    struct ordered *order = notch_alloc_array(market->alloc, count, sizeof *order);
    struct notch_hash *ids = notch_alloc_array(market->alloc, series, sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        order[i].bucket = &buckets[i];
    }
    for (uint32_t i = 0; i < series; i++) {
        name_market(&ids[i], names[i].name, options);
    }
    qsort(order, count, sizeof *order, compare_buckets);
    for (size_t i = 0; i < count; i++) {
        struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT};
        if (i > 0 && !options->spans_periods && order[i].bucket->index != order[i - 1].bucket->index) {
            notch_feed_plan_cut(plan);
        }
        if (make_insight(&entry.as.insight, buckets, order[i].bucket, &ids[order[i].bucket->rank], result->unit,
                         options)) {
            notch_feed_plan_add(plan, &entry, 0);
            result->insights++;
        } else {
            result->too_few++;
        }
    }
    notch_feed_plan_cut(plan);
    notch_free(market->alloc, ids, series * sizeof *ids);
    notch_free(market->alloc, order, count * sizeof *order);
    notch_free(market->alloc, names, series * sizeof *names);
    notch_buf_fini(&bytes);
}
