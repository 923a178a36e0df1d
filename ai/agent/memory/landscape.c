#include "ai/agent/memory/landscape.h"

#include "ai/agent/memory/bins.h"
#include "ai/agent/memory/number.h"
#include "base/assert.h"

#include <math.h>
#include <string.h>

/* 2^40: beyond it the weights are scaled back. */
#define INFLATION_MAX 1099511627776.0
/* What is left of an observation after 40 half-lives counts for nothing. */
#define WEIGHT_MIN 1e-12
#define BANDWIDTH_MIN 0.03
#define BANDWIDTH_MAX 0.5
/* Bounds of stored sums: weight * (price or reward or demand, whichever is greatest)^2. */
#define SUM_MAX 1e80
#define DEMAND_MAX 1e18

void notch_landscape_init(struct notch_landscape *landscape)
{
    memset(landscape, 0, sizeof *landscape);
    landscape->inflation = 1;
}

static double log_price_of(uint32_t bin)
{
    return log(((double)notch_bin_lo(bin) + (double)notch_bin_hi(bin)) / 2e6);
}

static void scale(struct notch_landscape *landscape, double factor)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < landscape->count; i++) {
        struct notch_landscape_bin bin = landscape->bins[i];
        bin.weight *= factor;
        bin.reward *= factor;
        bin.square *= factor;
        if (bin.weight >= WEIGHT_MIN) {
            landscape->bins[kept++] = bin;
        }
    }
    landscape->count = kept;
    struct notch_landscape_fit *fit = &landscape->fit;
    fit->weight *= factor;
    fit->pp *= factor;
    fit->ll *= factor;
    fit->pd *= factor;
    fit->dd *= factor;
    fit->rr *= factor;
    if (fit->weight < WEIGHT_MIN) {
        memset(fit, 0, sizeof *fit);
    }
}

void notch_landscape_age(struct notch_landscape *landscape, double half_lives)
{
    notch_assert(half_lives >= 0);
    double growth = pow(2, fmin(half_lives, 1000));
    if (landscape->inflation * growth <= INFLATION_MAX) {
        landscape->inflation *= growth;
        return;
    }
    scale(landscape, 1 / landscape->inflation / growth);
    landscape->inflation = 1;
}

/* The first bin whose number is not below. */
static uint32_t place_of(const struct notch_landscape *landscape, uint32_t bin)
{
    uint32_t from = 0;
    uint32_t to = landscape->count;
    while (from < to) {
        uint32_t middle = (from + to) / 2;
        if (landscape->bins[middle].bin < bin) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static void forget_lightest(struct notch_landscape *landscape)
{
    uint32_t lightest = 0;
    for (uint32_t i = 1; i < landscape->count; i++) {
        lightest = landscape->bins[i].weight < landscape->bins[lightest].weight ? i : lightest;
    }
    landscape->count--;
    memmove(&landscape->bins[lightest], &landscape->bins[lightest + 1],
            (landscape->count - lightest) * sizeof landscape->bins[0]);
}

static struct notch_landscape_bin *bin_at(struct notch_landscape *landscape, uint32_t bin)
{
    uint32_t place = place_of(landscape, bin);
    if (place < landscape->count && landscape->bins[place].bin == bin) {
        return &landscape->bins[place];
    }
    if (landscape->count == NOTCH_LANDSCAPE_BINS) {
        forget_lightest(landscape);
        place = place_of(landscape, bin);
    }
    memmove(&landscape->bins[place + 1], &landscape->bins[place],
            (landscape->count - place) * sizeof landscape->bins[0]);
    landscape->count++;
    landscape->bins[place] = (struct notch_landscape_bin){.bin = bin, .log_price = log_price_of(bin)};
    return &landscape->bins[place];
}

static void fit_update(struct notch_landscape_fit *fit, double weight, double price, double demand, double reward)
{
    double log_price = log(price);
    fit->weight += weight;
    double share = weight / fit->weight;
    double from_price = price - fit->price;
    double from_log = log_price - fit->log_price;
    double from_demand = demand - fit->demand;
    double from_reward = reward - fit->reward;
    fit->price += share * from_price;
    fit->log_price += share * from_log;
    fit->demand += share * from_demand;
    fit->reward += share * from_reward;
    fit->pp += weight * from_price * (price - fit->price);
    fit->ll += weight * from_log * (log_price - fit->log_price);
    fit->pd += weight * from_price * (demand - fit->demand);
    fit->dd += weight * from_demand * (demand - fit->demand);
    fit->rr += weight * from_reward * (reward - fit->reward);
}

void notch_landscape_update(struct notch_landscape *landscape, double price, double reward, double demand)
{
    double weight = landscape->inflation;
    struct notch_landscape_bin *bin = bin_at(landscape, notch_bin_of(notch_bin_micro(price)));
    bin->weight += weight;
    bin->reward += weight * reward;
    bin->square += weight * reward * reward;
    fit_update(&landscape->fit, weight, price, demand, reward);
    landscape->updates++;
}

double notch_landscape_weight(const struct notch_landscape *landscape)
{
    return landscape->fit.weight / landscape->inflation;
}

double notch_landscape_bandwidth(const struct notch_landscape *landscape)
{
    double weight = notch_landscape_weight(landscape);
    if (weight <= 1) {
        return BANDWIDTH_MIN;
    }
    double spread = sqrt(fmax(0, landscape->fit.ll / landscape->fit.weight));
    return fmin(BANDWIDTH_MAX, fmax(BANDWIDTH_MIN, 1.06 * spread * pow(weight, -0.2)));
}

struct notch_landscape_look notch_landscape_at(const struct notch_landscape *landscape, double price)
{
    double h = notch_landscape_bandwidth(landscape);
    double at = log(price);
    double n = 0;
    double reward = 0;
    for (uint32_t i = 0; i < landscape->count; i++) {
        const struct notch_landscape_bin *bin = &landscape->bins[i];
        double distance = (at - bin->log_price) / h;
        double kernel = exp(-0.5 * distance * distance);
        n += kernel * bin->weight;
        reward += kernel * bin->reward;
    }
    struct notch_landscape_look look = {n / landscape->inflation, landscape->fit.reward};
    if (n > 0) {
        look.reward = reward / n;
    }
    return look;
}

static double deviation(double sum, double weight)
{
    return weight > 0 ? sqrt(fmax(0, sum / weight)) : 0;
}

double notch_landscape_price_deviation(const struct notch_landscape *landscape)
{
    return deviation(landscape->fit.pp, landscape->fit.weight);
}

double notch_landscape_reward_deviation(const struct notch_landscape *landscape)
{
    return deviation(landscape->fit.rr, landscape->fit.weight);
}

bool notch_landscape_demand(const struct notch_landscape *landscape, struct notch_landscape_demand *out)
{
    const struct notch_landscape_fit *fit = &landscape->fit;
    double spread = notch_landscape_price_deviation(landscape);
    if (notch_landscape_weight(landscape) < 3 || !(spread > 1e-4 * fit->price) || !(fit->pd < 0)) {
        return false;
    }
    out->slope = -fit->pd / fit->pp;
    out->intercept = fit->demand + out->slope * fit->price;
    out->noise = deviation(fit->dd - fit->pd * fit->pd / fit->pp, fit->weight);
    return true;
}

/* ---- bytes ---- */

void notch_landscape_write(struct notch_writer *writer, const struct notch_landscape *landscape)
{
    const struct notch_landscape_fit *fit = &landscape->fit;
    const double sums[] = {fit->weight, fit->price, fit->log_price, fit->demand, fit->reward,
                           fit->pp,     fit->ll,    fit->pd,        fit->dd,     fit->rr};
    notch__write_double(writer, landscape->inflation);
    notch_write_uvar(writer, landscape->updates);
    notch_write_uvar(writer, landscape->count);
    for (uint32_t i = 0; i < landscape->count; i++) {
        const struct notch_landscape_bin *bin = &landscape->bins[i];
        notch_write_uvar(writer, bin->bin);
        notch__write_double(writer, bin->weight);
        notch__write_double(writer, bin->reward);
        notch__write_double(writer, bin->square);
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(sums); i++) {
        notch__write_double(writer, sums[i]);
    }
}

static void read_bin(struct notch_reader *reader, struct notch_landscape *out, uint32_t i)
{
    struct notch_landscape_bin *bin = &out->bins[i];
    bin->bin = (uint32_t)notch_read_uvar_max(reader, NOTCH_BINS_COUNT - 1);
    bin->weight = notch__read_double(reader, 0, SUM_MAX);
    bin->reward = notch__read_double(reader, -SUM_MAX, SUM_MAX);
    bin->square = notch__read_double(reader, 0, SUM_MAX);
    bool is_above = i == 0 || bin->bin > out->bins[i - 1].bin;
    if (!is_above || !notch_bin_is_used(bin->bin) || !(bin->weight > 0)) {
        notch_reader_fail(reader);
    }
    bin->log_price = log_price_of(bin->bin);
}

void notch_landscape_read(struct notch_reader *reader, struct notch_landscape *out)
{
    struct notch_landscape_fit *fit = &out->fit;
    notch_landscape_init(out);
    out->inflation = notch__read_double(reader, 1, INFLATION_MAX);
    out->updates = notch_read_uvar(reader);
    out->count = (uint32_t)notch_read_uvar_max(reader, NOTCH_LANDSCAPE_BINS);
    for (uint32_t i = 0; i < out->count; i++) {
        read_bin(reader, out, i);
    }
    fit->weight = notch__read_double(reader, 0, SUM_MAX);
    fit->price = notch__read_double(reader, 0, NOTCH_MEMORY_PRICE_MAX);
    fit->log_price = notch__read_double(reader, -50, 50);
    fit->demand = notch__read_double(reader, -DEMAND_MAX, DEMAND_MAX);
    fit->reward = notch__read_double(reader, -NOTCH_MEMORY_REWARD_MAX, NOTCH_MEMORY_REWARD_MAX);
    fit->pp = notch__read_double(reader, -SUM_MAX, SUM_MAX);
    fit->ll = notch__read_double(reader, -SUM_MAX, SUM_MAX);
    fit->pd = notch__read_double(reader, -SUM_MAX, SUM_MAX);
    fit->dd = notch__read_double(reader, -SUM_MAX, SUM_MAX);
    fit->rr = notch__read_double(reader, -SUM_MAX, SUM_MAX);
}
