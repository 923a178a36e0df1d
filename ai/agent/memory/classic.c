#include "ai/agent/memory/classic.h"

#include "ai/agent/memory/number.h"
#include "ai/agent/signal/robust.h"

#include <math.h>
#include <string.h>

#define SOFT_VISIT 0.1
#define EXPLORED 0.5
#define BASE_OF_SIGMA 0.1

/* As linspace: the last edge is the end of the range itself. */
static double edge(const struct notch_classic *classic, uint32_t index)
{
    if (index == classic->bins) {
        return classic->hi;
    }
    return classic->lo + (double)index * ((classic->hi - classic->lo) / classic->bins);
}

/* How many edges lie at or below the price, less one, within the bins. */
static uint32_t bin_of(const struct notch_classic *classic, double price)
{
    uint32_t from = 0;
    uint32_t to = classic->bins + 1;
    while (from < to) {
        uint32_t middle = (from + to) / 2;
        if (edge(classic, middle) <= price) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    if (from == 0) {
        return 0;
    }
    return from > classic->bins ? classic->bins - 1 : from - 1;
}

static uint32_t bin_count(const double *sorted, size_t count, double range)
{
    double spread = notch_quantile_sorted(sorted, count, 0.75) - notch_quantile_sorted(sorted, count, 0.25);
    if (range <= 0) {
        return NOTCH_CLASSIC_BINS_MIN;
    }
    double width = 2 * spread / pow((double)count, 1.0 / 3.0);
    if (width <= 0 || range / width >= NOTCH_CLASSIC_BINS_MAX) {
        return NOTCH_CLASSIC_BINS_MAX;
    }
    double bins = floor(range / width);
    return bins < NOTCH_CLASSIC_BINS_MIN ? NOTCH_CLASSIC_BINS_MIN : (uint32_t)bins;
}

void notch_classic_init(struct notch_classic *classic, const struct notch_alloc *alloc, const double *history,
                        size_t count)
{
    notch_assert(count > 0);
    memset(classic, 0, sizeof *classic);
    double *sorted = notch_alloc_array(alloc, count, sizeof *sorted);
    memcpy(sorted, history, count * sizeof *sorted);
    notch_sort(sorted, count);
    double mean = notch_sum(history, count) / (double)count;
    classic->sigma = sorted[0] < sorted[count - 1] ? notch_deviation(history, count) : 0;
    classic->lo = fmax(0, mean - 2 * classic->sigma);
    classic->hi = mean + 2 * classic->sigma;
    classic->decay = 1 - 1 / (double)count;
    classic->rate = 1;
    classic->bins = bin_count(sorted, count, classic->hi - classic->lo);
    notch_free(alloc, sorted, count * sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        classic->visits[bin_of(classic, history[i])] += SOFT_VISIT;
    }
    for (uint32_t i = 0; i < classic->bins; i++) {
        classic->unexplored[i] = classic->visits[i] < EXPLORED;
    }
}

static void keep_reward(struct notch_classic *classic, double reward)
{
    if (classic->reward_count == NOTCH_CLASSIC_REWARDS) {
        memmove(classic->rewards, classic->rewards + 1, sizeof classic->rewards - sizeof classic->rewards[0]);
        classic->reward_count--;
    }
    classic->rewards[classic->reward_count++] = reward;
}

double notch_classic_trend(const struct notch_classic *classic)
{
    uint32_t count = classic->reward_count < NOTCH_CLASSIC_RECENT ? classic->reward_count : NOTCH_CLASSIC_RECENT;
    return count == 0 ? 0 : notch_sum(classic->rewards + classic->reward_count - count, count) / count;
}

void notch_classic_update(struct notch_classic *classic, double price, double reward)
{
    uint32_t bin = bin_of(classic, price);
    for (uint32_t i = 0; i < classic->bins; i++) {
        classic->visits[i] *= classic->decay;
    }
    classic->visits[bin] += 1;
    double step = 1 / (1 + classic->visits[bin]);
    classic->success[bin] = (1 - step) * classic->success[bin] + step * reward;
    classic->unexplored[bin] = false;
    classic->updates++;
    keep_reward(classic, reward);
    if (classic->reward_count >= NOTCH_CLASSIC_RECENT) {
        double overall = notch_sum(classic->rewards, classic->reward_count) / classic->reward_count;
        /* Equal means differ by what rounding left of them at most: they count as equal. */
        bool is_better = notch_classic_trend(classic) - overall > 1e-14 * fabs(overall);
        classic->rate = is_better ? classic->rate * 0.995 : fmin(1.0, classic->rate * 1.005);
    }
}

static double most_visits(const struct notch_classic *classic)
{
    double most = 1;
    for (uint32_t i = 0; i < classic->bins; i++) {
        most = fmax(most, classic->visits[i]);
    }
    return most;
}

double notch_classic_confidence(const struct notch_classic *classic, double price)
{
    return classic->visits[bin_of(classic, price)] / most_visits(classic);
}

double notch_classic_bonus(const struct notch_classic *classic, double price)
{
    uint32_t bin = bin_of(classic, price);
    double least = classic->success[0];
    double most = classic->success[0];
    for (uint32_t i = 1; i < classic->bins; i++) {
        least = fmin(least, classic->success[i]);
        most = fmax(most, classic->success[i]);
    }
    double visit_part = exp(-notch_classic_confidence(classic, price));
    double success_part = classic->visits[bin] > 0 ? 1 - (classic->success[bin] - least) / (most - least + 1e-6) : 0;
    return classic->rate * (0.4 * visit_part + (classic->unexplored[bin] ? 0.4 : 0) + 0.2 * success_part);
}

double notch_classic_std(const struct notch_classic *classic, double price)
{
    uint32_t bin = bin_of(classic, price);
    double base = BASE_OF_SIGMA * classic->sigma;
    if (classic->unexplored[bin]) {
        return 2 * base * classic->rate;
    }
    for (uint32_t distance = 1; distance < classic->bins; distance++) {
        bool is_below = bin >= distance && classic->unexplored[bin - distance];
        bool is_above = bin + distance < classic->bins && classic->unexplored[bin + distance];
        if (is_below || is_above) {
            return base * (1 + classic->rate * exp(-(double)distance / (0.1 * classic->bins)));
        }
    }
    return base * classic->rate;
}

struct notch_memory_region notch_classic_bin(const struct notch_classic *classic, double price)
{
    uint32_t bin = bin_of(classic, price);
    return (struct notch_memory_region){edge(classic, bin), edge(classic, bin + 1)};
}

size_t notch_classic_regions(const struct notch_classic *classic,
                             struct notch_memory_region out[NOTCH_CLASSIC_BINS_MAX])
{
    double mean = notch_sum(classic->success, classic->bins) / classic->bins;
    double limit = mean + 0.5 * notch_deviation(classic->success, classic->bins);
    size_t count = 0;
    for (uint32_t i = 0; i < classic->bins; i++) {
        if (!(classic->success[i] > limit)) {
            continue;
        }
        uint32_t from = i;
        while (i + 1 < classic->bins && classic->success[i + 1] > limit) {
            i++;
        }
        out[count++] = (struct notch_memory_region){edge(classic, from), edge(classic, i + 1)};
    }
    return count;
}

/* ---- bytes ---- */

void notch_classic_write(struct notch_writer *writer, const struct notch_classic *classic)
{
    notch__write_double(writer, classic->lo);
    notch__write_double(writer, classic->hi);
    notch__write_double(writer, classic->sigma);
    notch__write_double(writer, classic->decay);
    notch__write_double(writer, classic->rate);
    notch_write_uvar(writer, classic->updates);
    notch_write_uvar(writer, classic->bins);
    for (uint32_t i = 0; i < classic->bins; i++) {
        notch__write_double(writer, classic->visits[i]);
        notch__write_double(writer, classic->success[i]);
        notch_write_u8(writer, classic->unexplored[i]);
    }
    notch_write_uvar(writer, classic->reward_count);
    for (uint32_t i = 0; i < classic->reward_count; i++) {
        notch__write_double(writer, classic->rewards[i]);
    }
}

void notch_classic_read(struct notch_reader *reader, struct notch_classic *out)
{
    memset(out, 0, sizeof *out);
    out->lo = notch__read_double(reader, 0, 2 * NOTCH_MEMORY_PRICE_MAX);
    out->hi = notch__read_double(reader, out->lo, 4 * NOTCH_MEMORY_PRICE_MAX);
    out->sigma = notch__read_double(reader, 0, NOTCH_MEMORY_PRICE_MAX);
    out->decay = notch__read_double(reader, 0, 1);
    out->rate = notch__read_double(reader, 0, 1);
    out->updates = notch_read_uvar(reader);
    out->bins = (uint32_t)notch_read_uvar_max(reader, NOTCH_CLASSIC_BINS_MAX);
    if (out->bins < NOTCH_CLASSIC_BINS_MIN) {
        notch_reader_fail(reader);
    }
    for (uint32_t i = 0; i < out->bins; i++) {
        out->visits[i] = notch__read_double(reader, 0, NOTCH_MEMORY_WEIGHT_MAX);
        out->success[i] = notch__read_double(reader, -NOTCH_MEMORY_REWARD_MAX, NOTCH_MEMORY_REWARD_MAX);
        out->unexplored[i] = notch__read_flag(reader);
    }
    out->reward_count = (uint32_t)notch_read_uvar_max(reader, NOTCH_CLASSIC_REWARDS);
    for (uint32_t i = 0; i < out->reward_count; i++) {
        out->rewards[i] = notch__read_double(reader, -NOTCH_MEMORY_REWARD_MAX, NOTCH_MEMORY_REWARD_MAX);
    }
}
