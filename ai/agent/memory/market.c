#include "ai/agent/memory/market.h"

#include "ai/agent/memory/bins.h"
#include "ai/agent/memory/number.h"

#include <math.h>
#include <string.h>

#define EXPLORATION_MAX 1000.0
#define STD_LEAST 0.002
#define STD_MOST 0.25
#define TIME_MAX UINT64_C(253402300799999) /* the last ms of the year 9999 */
#define GRID_MAX (2 * NOTCH_LANDSCAPE_BINS)

struct notch_market_options notch_market_defaults(void)
{
    return (struct notch_market_options){.mode = NOTCH_MARKET_KERNEL,
                                         .half_life_ms = NOTCH_MARKET_DAY_MS,
                                         .period_ms = NOTCH_MARKET_DAY_MS,
                                         .exploration = 1};
}

const char *notch_market_check_price(double price)
{
    if (!(price > 0)) {
        return "a price is a number above 0";
    }
    if (price < NOTCH_MEMORY_PRICE_MIN) {
        return "a price is at least 0.000001";
    }
    return price <= NOTCH_MEMORY_PRICE_MAX ? NULL : "a price is at most 9,000,000,000,000";
}

static bool is_span(uint64_t ms)
{
    return ms > 0 && ms <= NOTCH_MARKET_GAP_MS_MAX;
}

enum notch_err notch_market_init(struct notch_market *market, const struct notch_market_options *options,
                                 const struct notch_alloc *alloc)
{
    bool is_classic = options->mode == NOTCH_MARKET_CLASSIC;
    if (!is_span(options->half_life_ms) || !is_span(options->period_ms) ||
        !(options->exploration >= 0 && options->exploration <= EXPLORATION_MAX) ||
        (is_classic && options->history_count == 0)) {
        return NOTCH_ERR_RANGE;
    }
    for (size_t i = 0; i < options->history_count; i++) {
        if (notch_market_check_price(options->history[i]) != NULL) {
            return NOTCH_ERR_RANGE;
        }
    }
    memset(market, 0, sizeof *market);
    market->mode = options->mode;
    market->half_life_ms = options->half_life_ms;
    market->period_ms = options->period_ms;
    market->exploration = options->exploration;
    notch_landscape_init(&market->landscape);
    notch_sources_init(&market->sources);
    if (is_classic) {
        notch_classic_init(&market->classic, alloc, options->history, options->history_count);
    }
    return NOTCH_OK;
}

/* ---- observing ---- */

#define REFUSE(which, text) ((struct notch_market_refusal){NOTCH_MARKET_FIELD_##which, "" text})

static struct notch_market_refusal check_time(const struct notch_market *market,
                                              const struct notch_observation *observation, uint64_t now_ms)
{
    if (market->observed > 0 && market->is_timed != observation->has_time) {
        return market->is_timed ? REFUSE(TIME, "the time is missing: the observations before it have one")
                                : REFUSE(TIME, "there is a time: the observations before it have none");
    }
    if (!observation->has_time) {
        return REFUSE(NONE, "");
    }
    if (observation->time_ms > TIME_MAX) {
        return REFUSE(TIME, "the time is beyond the year 9999");
    }
    if (now_ms > 0 && observation->time_ms > now_ms && observation->time_ms - now_ms > NOTCH_MARKET_AHEAD_MS_MAX) {
        return REFUSE(TIME, "the time is more than a day in the future");
    }
    if (market->observed > 0 && observation->time_ms < market->time_ms) {
        return REFUSE(TIME, "the time goes back: it is before that of the observation before");
    }
    if (market->observed > 0 && observation->time_ms - market->time_ms > NOTCH_MARKET_GAP_MS_MAX) {
        return REFUSE(TIME, "the time is more than ten years behind that of the observation before");
    }
    return REFUSE(NONE, "");
}

static struct notch_market_refusal check(const struct notch_market *market, const struct notch_observation *observation,
                                         uint64_t now_ms)
{
    const char *price = notch_market_check_price(observation->price);
    if (price != NULL) {
        return (struct notch_market_refusal){NOTCH_MARKET_FIELD_PRICE, price};
    }
    if (!(fabs(observation->reward) <= NOTCH_MEMORY_REWARD_MAX)) {
        return REFUSE(REWARD, "a reward is a number from -1,000,000,000,000 to 1,000,000,000,000");
    }
    if (observation->has_quantity &&
        !(observation->quantity >= 0 && observation->quantity <= NOTCH_MEMORY_REWARD_MAX)) {
        return REFUSE(QUANTITY, "a quantity is a number from 0 to 1,000,000,000,000");
    }
    return check_time(market, observation, now_ms);
}

static struct notch_sources_scene scene_of(const struct notch_market *market, uint64_t now_ms)
{
    return (struct notch_sources_scene){
        .now_ms = now_ms,
        .half_life_ms = (double)market->half_life_ms,
        .bandwidth = notch_landscape_bandwidth(&market->landscape),
        .reward_mean = market->landscape.fit.reward,
        .reward_spread = notch_landscape_reward_deviation(&market->landscape),
    };
}

struct notch_market_refusal notch_market_observe(struct notch_market *market,
                                                 const struct notch_observation *observation, uint64_t now_ms)
{
    struct notch_market_refusal refusal = check(market, observation, now_ms);
    if (refusal.field != NOTCH_MARKET_FIELD_NONE) {
        market->refused++;
        return refusal;
    }
    enum notch_gate_verdict verdict = notch_gate_take(&market->gate, observation->price);
    if (verdict == NOTCH_GATE_REFUSE) {
        market->refused++;
        return REFUSE(PRICE, "the price is more than 100 times off the median of the last ones: a slip?");
    }
    double price = observation->price;
    uint64_t time_ms = observation->has_time ? observation->time_ms : market->time_ms + 1;
    if (observation->has_time && market->observed > 0) {
        notch_landscape_age(&market->landscape, (double)(time_ms - market->time_ms) / (double)market->half_life_ms);
    }
    if (market->sources.count > 0) {
        struct notch_landscape_look alone = notch_landscape_at(&market->landscape, price);
        struct notch_sources_scene scene = scene_of(market, observation->has_time ? time_ms : now_ms);
        notch_sources_score(&market->sources, price, observation->reward, &alone, &scene);
    }
    notch_landscape_update(&market->landscape, price, observation->reward,
                           observation->has_quantity ? observation->quantity : observation->reward / price);
    notch_series_add(&market->series, observation->has_time ? time_ms / market->period_ms : time_ms, price);
    if (market->mode == NOTCH_MARKET_CLASSIC) {
        notch_classic_update(&market->classic, price, observation->reward);
    }
    market->is_timed = observation->has_time;
    market->time_ms = time_ms;
    market->observed++;
    market->anomalies += verdict == NOTCH_GATE_ANOMALY;
    return (struct notch_market_refusal){NOTCH_MARKET_FIELD_NONE, NULL};
}

/* ---- kernel mode ---- */

struct view {
    double own, others; /* kernel counts, kappa applied to the second */
    double reward;      /* expected, of both */
};

static struct view view_at(const struct notch_market *market, double price, uint64_t now_ms, bool with_others)
{
    struct notch_landscape_look own = notch_landscape_at(&market->landscape, price);
    struct view view = {own.n, 0, own.reward};
    if (with_others && market->sources.count > 0) {
        struct notch_sources_scene scene = scene_of(market, now_ms);
        struct notch_landscape_look others = notch_sources_at(&market->sources, price, &scene);
        view.others = notch_sources_kappa(&market->sources) * others.n;
        double total = view.own + view.others;
        if (total > 0) {
            view.reward = (view.own * own.reward + view.others * others.reward) / total;
        }
    }
    return view;
}

/* What everybody has seen: the N of the design. */
static double total_weight(const struct notch_market *market, uint64_t now_ms, bool with_others)
{
    double total = notch_landscape_weight(&market->landscape);
    for (uint32_t i = 0; with_others && i < market->sources.count; i++) {
        const struct notch_source *source = &market->sources.list[i];
        double age = source->time_ms >= now_ms ? 0 : (double)(now_ms - source->time_ms);
        total += notch_sources_kappa(&market->sources) * notch_source_quality(source) * source->samples *
                 notch_sources_calibrated(&market->sources, source->confidence) *
                 pow(2, -age / (double)market->half_life_ms);
    }
    return total;
}

static double width_of_bound(double c, double total, double n)
{
    return c * sqrt(log(1 + total) / (1 + n));
}

static double kernel_bonus(const struct notch_market *market, double price, uint64_t now_ms, bool with_others)
{
    struct view view = view_at(market, price, now_ms, with_others);
    /* Others may know a price from afar without being counted at it: N is never less than n. */
    double total = fmax(total_weight(market, now_ms, with_others), view.own + view.others);
    return width_of_bound(market->exploration, total, view.own + view.others);
}

static double kernel_std(const struct notch_market *market, double price, uint64_t now_ms, bool with_others)
{
    const struct notch_landscape *landscape = &market->landscape;
    double shrink = pow(fmax(1, total_weight(market, now_ms, with_others)), -0.25);
    struct notch_landscape_demand demand;
    if (!notch_landscape_demand(landscape, &demand)) {
        return STD_MOST * (landscape->count > 0 ? landscape->fit.price : price) * shrink;
    }
    double lo = (double)notch_bin_lo(landscape->bins[0].bin) / 1e6;
    double hi = (double)notch_bin_hi(landscape->bins[landscape->count - 1].bin) / 1e6;
    double best = fmin(hi, fmax(lo, demand.intercept / demand.slope / 2));
    double ratio = demand.noise * best / demand.slope;
    double std = pow(ratio * ratio / 8, 0.25) * shrink;
    return fmin(STD_MOST * best, fmax(STD_LEAST * best, std));
}

/* The bins from the lowest to the highest price that anybody knows, every step-th where they are too many. */
struct grid {
    uint32_t first, last, step;
};

static bool grid_of(const struct notch_market *market, struct grid *grid, bool with_others)
{
    const struct notch_landscape *landscape = &market->landscape;
    bool is_set = landscape->count > 0;
    *grid = (struct grid){0, 0, 1};
    if (is_set) {
        grid->first = landscape->bins[0].bin;
        grid->last = landscape->bins[landscape->count - 1].bin;
    }
    for (uint32_t i = 0; with_others && i < market->sources.count; i++) {
        const struct notch_source *source = &market->sources.list[i];
        if (source->has_range) {
            uint32_t lo = notch_bin_of(notch_bin_micro(source->lo));
            uint32_t hi = notch_bin_of(notch_bin_micro(source->hi));
            grid->first = is_set && grid->first < lo ? grid->first : lo;
            grid->last = is_set && grid->last > hi ? grid->last : hi;
            is_set = true;
        }
    }
    if (is_set) {
        grid->step = (grid->last - grid->first) / GRID_MAX + 1;
    }
    return is_set;
}

static double price_of(uint32_t bin)
{
    return ((double)notch_bin_lo(bin) + (double)notch_bin_hi(bin)) / 2e6;
}

static size_t kernel_regions(const struct notch_market *market,
                             struct notch_memory_region out[NOTCH_MARKET_REGIONS_MAX], uint64_t now_ms,
                             bool with_others)
{
    struct grid grid;
    double upper[GRID_MAX + 1];
    double best = -INFINITY;
    size_t points = 0;
    if (!grid_of(market, &grid, with_others)) {
        return 0;
    }
    double total = total_weight(market, now_ms, with_others);
    double spread = notch_landscape_reward_deviation(&market->landscape);
    for (uint32_t bin = grid.first; bin <= grid.last; bin += grid.step) {
        struct view view = view_at(market, price_of(bin), now_ms, with_others);
        double n = view.own + view.others;
        double width = spread * width_of_bound(market->exploration, fmax(total, n), n);
        upper[points++] = view.reward + width;
        best = fmax(best, view.reward - width);
    }
    size_t count = 0;
    for (size_t i = 0; i < points; i++) {
        if (upper[i] < best) {
            continue;
        }
        uint32_t from = grid.first + (uint32_t)i * grid.step;
        while (i + 1 < points && upper[i + 1] >= best) {
            i++;
        }
        uint32_t to = grid.first + (uint32_t)i * grid.step + grid.step - 1;
        to = to > grid.last ? grid.last : to;
        out[count++] = (struct notch_memory_region){(double)notch_bin_lo(from) / 1e6, (double)notch_bin_hi(to) / 1e6};
        if (count == NOTCH_MARKET_REGIONS_MAX) {
            break;
        }
    }
    return count;
}

/* ---- both ---- */

static void ask_classic(const struct notch_market *market, struct notch_market_answer *out, double price,
                        uint64_t now_ms)
{
    const struct notch_classic *classic = &market->classic;
    struct notch_sources nobody;
    notch_sources_init(&nobody);
    out->bonus_own = notch_classic_bonus(classic, price);
    out->std_own = notch_classic_std(classic, price);
    out->confidence = notch_classic_confidence(classic, price);
    out->bonus = NOTCH_MARKET_WEIGHT_OWN * out->bonus_own +
                 NOTCH_MARKET_WEIGHT_NETWORK * notch_sources_classic_bonus(&market->sources, price, now_ms);
    out->std = NOTCH_MARKET_WEIGHT_OWN * out->std_own +
               NOTCH_MARKET_WEIGHT_NETWORK * notch_sources_classic_std(&market->sources, price, classic->sigma, now_ms);
    out->bonus_no_peers = NOTCH_MARKET_WEIGHT_OWN * out->bonus_own +
                          NOTCH_MARKET_WEIGHT_NETWORK * notch_sources_classic_bonus(&nobody, price, now_ms);
    out->std_no_peers = NOTCH_MARKET_WEIGHT_OWN * out->std_own +
                        NOTCH_MARKET_WEIGHT_NETWORK * notch_sources_classic_std(&nobody, price, classic->sigma, now_ms);
}

void notch_market_ask(const struct notch_market *market, struct notch_market_answer *out, double price, uint64_t now_ms)
{
    memset(out, 0, sizeof *out);
    if (market->mode == NOTCH_MARKET_CLASSIC) {
        ask_classic(market, out, price, now_ms);
        return;
    }
    struct view view = view_at(market, price, now_ms, true);
    out->bonus = kernel_bonus(market, price, now_ms, true);
    out->std = kernel_std(market, price, now_ms, true);
    out->confidence = (view.own + view.others) / (1 + view.own + view.others);
    out->bonus_own = kernel_bonus(market, price, now_ms, false);
    out->std_own = kernel_std(market, price, now_ms, false);
    out->bonus_no_peers = out->bonus_own;
    out->std_no_peers = out->std_own;
}

size_t notch_market_regions_own(const struct notch_market *market,
                                struct notch_memory_region out[NOTCH_MARKET_REGIONS_MAX])
{
    if (market->mode == NOTCH_MARKET_CLASSIC) {
        return notch_classic_regions(&market->classic, out);
    }
    return kernel_regions(market, out, market->time_ms, false);
}

size_t notch_market_regions(const struct notch_market *market, struct notch_memory_region out[NOTCH_MARKET_REGIONS_MAX],
                            uint64_t now_ms)
{
    if (market->mode == NOTCH_MARKET_CLASSIC) {
        size_t count = notch_classic_regions(&market->classic, out);
        count += notch_sources_classic_regions(&market->sources, now_ms, out + count);
        return notch_regions_merge(out, count);
    }
    return kernel_regions(market, out, now_ms, true);
}

void notch_market_shape(const struct notch_market *market, struct notch_market_shape *out)
{
    const struct notch_classic *classic = &market->classic;
    const struct notch_landscape *landscape = &market->landscape;
    if (market->mode == NOTCH_MARKET_CLASSIC) {
        *out = (struct notch_market_shape){classic->lo,    classic->hi,   classic->bins,   classic->sigma,
                                           classic->decay, classic->rate, classic->updates};
        return;
    }
    *out = (struct notch_market_shape){.bins = landscape->count,
                                       .sigma = notch_landscape_price_deviation(landscape),
                                       .decay = pow(2, -(double)NOTCH_MARKET_DAY_MS / (double)market->half_life_ms),
                                       .rate = market->exploration,
                                       .updates = landscape->updates};
    if (landscape->count > 0) {
        out->lo = (double)notch_bin_lo(landscape->bins[0].bin) / 1e6;
        out->hi = (double)notch_bin_hi(landscape->bins[landscape->count - 1].bin) / 1e6;
    }
}

uint64_t notch_market_sync_ms(const struct notch_market *market, uint64_t base_ms)
{
    double gain = fmin(0.5, notch_sources_gain(&market->sources));
    double factor = 8 * pow(64, -2 * gain);
    return (uint64_t)fmax(1, (double)base_ms * factor);
}

/* ---- bytes ---- */

void notch_market_write(struct notch_writer *writer, const struct notch_market *market)
{
    notch_write_u8(writer, market->mode == NOTCH_MARKET_CLASSIC);
    notch_write_uvar(writer, market->half_life_ms);
    notch_write_uvar(writer, market->period_ms);
    notch__write_double(writer, market->exploration);
    notch_write_u8(writer, market->is_timed);
    notch_write_uvar(writer, market->time_ms);
    notch_write_uvar(writer, market->observed);
    notch_write_uvar(writer, market->anomalies);
    notch_write_uvar(writer, market->refused);
    notch_gate_write(writer, &market->gate);
    notch_series_write(writer, &market->series);
    notch_landscape_write(writer, &market->landscape);
    notch_sources_write(writer, &market->sources);
    if (market->mode == NOTCH_MARKET_CLASSIC) {
        notch_classic_write(writer, &market->classic);
    }
}

void notch_market_read(struct notch_reader *reader, struct notch_market *out)
{
    memset(out, 0, sizeof *out);
    out->mode = notch__read_flag(reader) ? NOTCH_MARKET_CLASSIC : NOTCH_MARKET_KERNEL;
    out->half_life_ms = notch_read_uvar_max(reader, NOTCH_MARKET_GAP_MS_MAX);
    out->period_ms = notch_read_uvar_max(reader, NOTCH_MARKET_GAP_MS_MAX);
    out->exploration = notch__read_double(reader, 0, EXPLORATION_MAX);
    out->is_timed = notch__read_flag(reader);
    out->time_ms = notch_read_uvar_max(reader, TIME_MAX);
    out->observed = notch_read_uvar(reader);
    out->anomalies = notch_read_uvar(reader);
    out->refused = notch_read_uvar(reader);
    notch_gate_read(reader, &out->gate);
    notch_series_read(reader, &out->series);
    notch_landscape_read(reader, &out->landscape);
    notch_sources_read(reader, &out->sources);
    if (out->mode == NOTCH_MARKET_CLASSIC) {
        notch_classic_read(reader, &out->classic);
    }
    /* What follows from the rest and what would break a promise later. */
    uint64_t last = out->series.count > 0 ? notch_series_at(&out->series, out->series.count - 1)->period : 0;
    uint64_t latest = out->is_timed && out->period_ms > 0 ? out->time_ms / out->period_ms : out->time_ms;
    if (!is_span(out->half_life_ms) || !is_span(out->period_ms) || last > latest) {
        notch_reader_fail(reader);
    }
}
