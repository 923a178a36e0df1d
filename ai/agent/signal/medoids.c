#include "ai/agent/signal/medoids.h"

#include "ai/agent/signal/robust.h"

#include <math.h>
#include <string.h>

#define STRUCTURE_MIN 0.25

void notch_medoids_scale(double *features, size_t count, size_t columns, const struct notch_alloc *alloc)
{
    double *column = notch_alloc_array(alloc, 2 * count, sizeof *column);
    double *scratch = column + count;
    for (size_t c = 0; c < columns; c++) {
        for (size_t i = 0; i < count; i++) {
            column[i] = features[i * columns + c];
        }
        double median = notch_median(column, count, scratch);
        double spread = notch_mad(column, count, median, scratch);
        if (!(spread > 0)) {
            spread = notch_sum(scratch, count) / (double)count;
        }
        for (size_t i = 0; i < count; i++) {
            double scaled = spread > 0 ? (column[i] - median) / spread : 0;
            features[i * columns + c] = fmin(NOTCH_MEDOIDS_BOUND, fmax(-NOTCH_MEDOIDS_BOUND, scaled));
        }
    }
    notch_free(alloc, column, 2 * count * sizeof *column);
}

struct things {
    size_t count;
    double *far; /* count * count */
};

static double far(const struct things *things, size_t a, size_t b)
{
    return things->far[a * things->count + b];
}

static void things_init(struct things *things, const double *features, size_t count, size_t columns,
                        const struct notch_alloc *alloc)
{
    things->count = count;
    things->far = notch_alloc_array(alloc, count * count, sizeof *things->far);
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b < count; b++) {
            double sum = 0;
            for (size_t c = 0; c < columns; c++) {
                sum += fabs(features[a * columns + c] - features[b * columns + c]);
            }
            things->far[a * count + b] = sum;
        }
    }
}

/* Sum of the distances from the nearest of the middles. */
static double cost_of(const struct things *things, const size_t *middle, size_t k)
{
    double cost = 0;
    for (size_t i = 0; i < things->count; i++) {
        double nearest = far(things, i, middle[0]);
        for (size_t g = 1; g < k; g++) {
            nearest = fmin(nearest, far(things, i, middle[g]));
        }
        cost += nearest;
    }
    return cost;
}

static bool is_middle(const struct notch_medoids *medoids, size_t k, size_t thing)
{
    for (size_t g = 0; g < k; g++) {
        if (medoids->middle[g] == thing) {
            return true;
        }
    }
    return false;
}

/* The thing that, as the group's middle, makes the cost least; the first of equal ones. Infinity: there is none. */
static double best_for(const struct things *things, const struct notch_medoids *medoids, size_t group, size_t k,
                       size_t *thing)
{
    struct notch_medoids trial = *medoids;
    double best = INFINITY;
    for (size_t i = 0; i < things->count; i++) {
        if (is_middle(medoids, k, i)) {
            continue;
        }
        trial.middle[group] = i;
        double cost = cost_of(things, trial.middle, group < k ? k : k + 1);
        if (cost < best) {
            best = cost;
            *thing = i;
        }
    }
    return best;
}

/* One swap, the best there is; false where none helps. */
static bool swap_one(const struct things *things, struct notch_medoids *medoids)
{
    double best = medoids->cost * (1 - 1e-12);
    size_t best_group = medoids->k;
    size_t best_thing = 0;
    for (size_t g = 0; g < medoids->k; g++) {
        size_t thing = 0;
        double cost = best_for(things, medoids, g, medoids->k, &thing);
        if (cost < best) {
            best = cost;
            best_group = g;
            best_thing = thing;
        }
    }
    if (best_group == medoids->k) {
        return false;
    }
    medoids->middle[best_group] = best_thing;
    medoids->cost = best;
    return true;
}

static void assign(const struct things *things, const struct notch_medoids *medoids, uint32_t *group)
{
    for (size_t i = 0; i < things->count; i++) {
        group[i] = 0;
        for (uint32_t g = 1; g < medoids->k; g++) {
            if (far(things, i, medoids->middle[g]) < far(things, i, medoids->middle[group[i]])) {
                group[i] = g;
            }
        }
    }
}

static double silhouette_of(const struct things *things, const uint32_t *group, size_t k, size_t thing)
{
    double sums[NOTCH_MEDOIDS_GROUPS_MAX] = {0};
    size_t counts[NOTCH_MEDOIDS_GROUPS_MAX] = {0};
    for (size_t i = 0; i < things->count; i++) {
        if (i != thing) {
            sums[group[i]] += far(things, thing, i);
            counts[group[i]]++;
        }
    }
    if (counts[group[thing]] == 0) {
        return 0;
    }
    double own = sums[group[thing]] / (double)counts[group[thing]];
    double other = INFINITY;
    for (size_t g = 0; g < k; g++) {
        if (g != group[thing] && counts[g] > 0) {
            other = fmin(other, sums[g] / (double)counts[g]);
        }
    }
    double greater = fmax(own, other);
    return other < INFINITY && greater > 0 ? (other - own) / greater : 0;
}

static void solve(struct notch_medoids *out, uint32_t *group, const struct things *things, size_t k)
{
    memset(out, 0, sizeof *out);
    for (size_t g = 0; g < k; g++) {
        out->cost = best_for(things, out, g, g, &out->middle[g]);
    }
    out->k = k;
    while (swap_one(things, out)) {
    }
    for (size_t g = 1; g < k; g++) {
        size_t middle = out->middle[g];
        size_t place = g;
        for (; place > 0 && out->middle[place - 1] > middle; place--) {
            out->middle[place] = out->middle[place - 1];
        }
        out->middle[place] = middle;
    }
    assign(things, out, group);
    for (size_t i = 0; k > 1 && i < things->count; i++) {
        out->silhouette += silhouette_of(things, group, k, i) / (double)things->count;
    }
}

static void check_sizes(size_t count, size_t k)
{
    notch_assert(count > 0 && count <= NOTCH_MEDOIDS_MAX);
    notch_assert(k > 0 && k <= NOTCH_MEDOIDS_GROUPS_MAX && k <= count);
}

void notch_medoids(struct notch_medoids *out, uint32_t *group, const double *features, size_t count, size_t columns,
                   size_t k, const struct notch_alloc *alloc)
{
    struct things things;
    check_sizes(count, k);
    things_init(&things, features, count, columns, alloc);
    solve(out, group, &things, k);
    notch_free(alloc, things.far, count * count * sizeof *things.far);
}

void notch_medoids_best(struct notch_medoids *out, uint32_t *group, const double *features, size_t count,
                        size_t columns, size_t k_max, const struct notch_alloc *alloc)
{
    struct things things;
    size_t most = k_max < count ? k_max : count;
    check_sizes(count, most);
    things_init(&things, features, count, columns, alloc);
    size_t best_k = 1;
    double best = STRUCTURE_MIN;
    for (size_t k = 2; k <= most; k++) {
        solve(out, group, &things, k);
        if (out->silhouette > best) {
            best = out->silhouette;
            best_k = k;
        }
    }
    solve(out, group, &things, best_k);
    notch_free(alloc, things.far, count * count * sizeof *things.far);
}
