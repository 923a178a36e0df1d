#include "ai/rules/allocation_matching.h"

#include "base/fixed.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 u128;

/* Residuals are worked out as if the greatest need filled this many bits: small matchings lose no digits. */
#define SCALE_BITS 62
#define ONE ((u128)NOTCH_LAMBDA_ONE * NOTCH_RECOGNITION_ONE)

static unsigned bits_of(u128 value)
{
    unsigned bits = 0;
    for (; value != 0; value >>= 1) {
        bits++;
    }
    return bits;
}

static struct notch_reject check_amounts(const int64_t *amounts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (amounts[i] < 0) {
            return NOTCH_REJECT(BOUNDS, "a capacity or need is negative");
        }
    }
    return NOTCH_VALID;
}

struct notch_reject notch_matching_check(const struct notch_matching *matching)
{
    if (matching->provider_count > NOTCH_MATCHING_PARTIES_MAX ||
        matching->recipient_count > NOTCH_MATCHING_PARTIES_MAX || matching->edge_count > NOTCH_MATCHING_EDGES_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "too many providers, recipients or edges");
    }
    struct notch_reject reject = check_amounts(matching->capacities, matching->provider_count);
    if (notch_is_valid(reject)) {
        reject = check_amounts(matching->needs, matching->recipient_count);
    }
    for (size_t i = 0; i < matching->edge_count && notch_is_valid(reject); i++) {
        const struct notch_matching_edge *edge = &matching->edges[i];
        if (edge->provider >= matching->provider_count || edge->recipient >= matching->recipient_count) {
            return NOTCH_REJECT(BOUNDS, "an edge leads to nobody");
        }
        if (edge->recognition > NOTCH_RECOGNITION_ONE) {
            return NOTCH_REJECT(BOUNDS, "a recognition above one");
        }
        if (i > 0 && (edge[-1].provider > edge->provider ||
                      (edge[-1].provider == edge->provider && edge[-1].recipient >= edge->recipient))) {
            return NOTCH_REJECT(MALFORMED, "edges out of order, or one twice");
        }
    }
    return reject;
}

/* ---- the walk over the edges ---- */

struct walk {
    const struct notch_matching *matching;
    const struct notch_alloc *alloc;
    unsigned scale;      /* needs are shifted left by this */
    uint64_t *residuals; /* s of each recipient, scaled */
    u128 *weights;       /* of each edge: MR * s */
    u128 *denominators;  /* D of each provider, times NOTCH_RECOGNITION_ONE, scaled */
};

static unsigned scale_of(const struct notch_matching *matching)
{
    int64_t greatest = 0;
    for (size_t i = 0; i < matching->recipient_count; i++) {
        greatest = matching->needs[i] > greatest ? matching->needs[i] : greatest;
    }
    unsigned bits = bits_of((u128)greatest);
    return bits < SCALE_BITS ? SCALE_BITS - bits : 0;
}

static void *array(const struct notch_alloc *alloc, size_t count, size_t size)
{
    return notch_alloc_array(alloc, count > 0 ? count : 1, size);
}

static void array_free(const struct notch_alloc *alloc, void *memory, size_t count, size_t size)
{
    notch_free(alloc, memory, (count > 0 ? count : 1) * size);
}

static void walk_init(struct walk *walk, const struct notch_matching *matching, const uint64_t *lambdas,
                      const struct notch_alloc *alloc)
{
    *walk = (struct walk){.matching = matching, .alloc = alloc, .scale = scale_of(matching)};
    walk->residuals = array(alloc, matching->recipient_count, sizeof *walk->residuals);
    walk->weights = array(alloc, matching->edge_count, sizeof *walk->weights);
    walk->denominators = array(alloc, matching->provider_count, sizeof *walk->denominators);
    u128 *shares = array(alloc, matching->recipient_count, sizeof *shares);
    for (size_t i = 0; i < matching->edge_count; i++) {
        const struct notch_matching_edge *edge = &matching->edges[i];
        notch_assert(lambdas[edge->provider] <= NOTCH_LAMBDA_MAX);
        shares[edge->recipient] += (u128)lambdas[edge->provider] * edge->recognition;
    }
    /* The need, times one: below 2^125. */
    for (size_t i = 0; i < matching->recipient_count; i++) {
        u128 need = (u128)matching->needs[i] << walk->scale;
        u128 whole = ONE + shares[i];
        walk->residuals[i] = (uint64_t)((need * ONE + whole / 2) / whole);
    }
    for (size_t i = 0; i < matching->edge_count; i++) {
        const struct notch_matching_edge *edge = &matching->edges[i];
        walk->weights[i] = (u128)edge->recognition * walk->residuals[edge->recipient];
        walk->denominators[edge->provider] += walk->weights[i];
    }
    array_free(alloc, shares, matching->recipient_count, sizeof *shares);
}

static void walk_fini(struct walk *walk)
{
    const struct notch_matching *matching = walk->matching;
    array_free(walk->alloc, walk->residuals, matching->recipient_count, sizeof *walk->residuals);
    array_free(walk->alloc, walk->weights, matching->edge_count, sizeof *walk->weights);
    array_free(walk->alloc, walk->denominators, matching->provider_count, sizeof *walk->denominators);
}

/* D / eps, in the units of the matching, rounded down. */
static u128 most_of(const struct walk *walk, size_t provider)
{
    u128 most = walk->denominators[provider] * (NOTCH_LAMBDA_MAX / NOTCH_LAMBDA_ONE) / NOTCH_RECOGNITION_ONE;
    return most >> walk->scale;
}

/* min(1/eps, C/D) in Q32, rounded down. */
static uint64_t target_of(const struct walk *walk, size_t provider)
{
    u128 capacity = (u128)walk->matching->capacities[provider];
    u128 denominator = walk->denominators[provider];
    if (capacity == 0) {
        return 0;
    }
    if (denominator == 0 || capacity > most_of(walk, provider)) {
        return NOTCH_LAMBDA_MAX;
    }
    /* The capacity is at most D / eps, which leaves room: below 2^127. Then the fraction, of 94 bits at most. */
    u128 scaled = (capacity << walk->scale) * NOTCH_RECOGNITION_ONE;
    unsigned bits = bits_of(denominator);
    unsigned shift = bits > 94 ? bits - 94 : 0;
    scaled >>= shift;
    denominator >>= shift;
    u128 target = (scaled / denominator << 32) + ((scaled % denominator << 32) / denominator);
    return target >= NOTCH_LAMBDA_MAX ? NOTCH_LAMBDA_MAX : (uint64_t)target;
}

/* ---- the split ---- */

struct remainder {
    uint64_t left;
    size_t at;
};

static int more_left(const void *a, const void *b)
{
    const struct remainder *x = a;
    const struct remainder *y = b;
    if (x->left != y->left) {
        return x->left > y->left ? -1 : 1;
    }
    return x->at < y->at ? -1 : 1;
}

void notch_matching_split(int64_t *amounts, int64_t total, const unsigned __int128 *weights, size_t count,
                          const struct notch_alloc *alloc)
{
    notch_assert(total >= 0);
    u128 sum = 0;
    for (size_t i = 0; i < count; i++) {
        amounts[i] = 0;
        sum += weights[i];
    }
    if (sum == 0 || total == 0) {
        return;
    }
    /* Below 2^63, so that a weight times the total fits; what falls off is less than one of the units split. */
    unsigned bits = bits_of(sum);
    unsigned shift = bits > 63 ? bits - 63 : 0;
    sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weights[i] >> shift;
    }
    struct remainder *remainders = notch_alloc_array(alloc, count, sizeof *remainders);
    int64_t rest = total;
    for (size_t i = 0; i < count; i++) {
        u128 product = (u128)total * (weights[i] >> shift);
        amounts[i] = (int64_t)(product / sum);
        rest -= amounts[i];
        remainders[i] = (struct remainder){(uint64_t)(product % sum), i};
    }
    qsort(remainders, count, sizeof *remainders, more_left);
    for (size_t i = 0; rest > 0; i++, rest--) {
        notch_assert(i < count);
        amounts[remainders[i].at]++;
    }
    notch_free(alloc, remainders, count * sizeof *remainders);
}

void notch_matching_cut(const struct notch_matching *matching, int64_t *amounts, const struct notch_alloc *alloc)
{
    int64_t *left = array(alloc, matching->recipient_count, sizeof *left);
    if (matching->recipient_count > 0) {
        memcpy(left, matching->needs, matching->recipient_count * sizeof *left);
    }
    for (size_t i = 0; i < matching->edge_count; i++) {
        int64_t *rest = &left[matching->edges[i].recipient];
        amounts[i] = amounts[i] < *rest ? amounts[i] : *rest;
        *rest -= amounts[i];
    }
    array_free(alloc, left, matching->recipient_count, sizeof *left);
}

/* What a provider gives in all: min(C, D / eps), rounded down. */
static int64_t total_of(const struct walk *walk, size_t provider)
{
    int64_t capacity = walk->matching->capacities[provider];
    u128 most = most_of(walk, provider);
    return most < (u128)capacity ? (int64_t)most : capacity;
}

/* The amounts of a walk, each recipient's cut to its need. */
static void walk_commit(const struct walk *walk, int64_t *amounts)
{
    const struct notch_matching *matching = walk->matching;
    size_t at = 0;
    while (at < matching->edge_count) {
        uint32_t provider = matching->edges[at].provider;
        size_t end = at;
        while (end < matching->edge_count && matching->edges[end].provider == provider) {
            end++;
        }
        notch_matching_split(amounts + at, total_of(walk, provider), walk->weights + at, end - at, walk->alloc);
        at = end;
    }
    notch_matching_cut(matching, amounts, walk->alloc);
}

void notch_matching_commit(const struct notch_matching *matching, int64_t *amounts, const uint64_t *lambdas,
                           const struct notch_alloc *alloc)
{
    struct walk walk;
    walk_init(&walk, matching, lambdas, alloc);
    walk_commit(&walk, amounts);
    walk_fini(&walk);
}

/* ---- the judgement ---- */

/* log2 of a value in [2^63, 2^64), less 63, in 2^-40: one bit for each squaring. */
static uint64_t log2_fraction(uint64_t mantissa)
{
    uint64_t log = 0;
    for (unsigned i = 0; i < 40; i++) {
        u128 square = (u128)mantissa * mantissa; /* [2^126, 2^128) */
        unsigned carry = square >> 127 != 0;
        mantissa = (uint64_t)(square >> (63 + carry));
        log = log << 1 | carry;
    }
    return log;
}

static int64_t log2_of(uint64_t value)
{
    unsigned bits = bits_of(value);
    return (int64_t)((uint64_t)(bits - 1) << 40 | log2_fraction(value << (64 - bits)));
}

uint64_t notch_ln_ratio(uint64_t a, uint64_t b)
{
    notch_assert(a > 0);
    notch_assert(b > 0);
    uint64_t more = a > b ? a : b;
    uint64_t less = a > b ? b : a;
    /* Where they are close, the first two terms of the series are nearer than a difference of logarithms. */
    u128 relative = (u128)(more - less) * 1000000000 / less;
    if (relative < 1000000) {
        return (uint64_t)(relative - relative * relative / 2000000000);
    }
    u128 log2 = (u128)(log2_of(more) - log2_of(less));
    return (uint64_t)(log2 * 693147181 >> 40);
}

/* One unit of Q32 away is as near as a lambda can be. */
static uint64_t lambda_distance(uint64_t lambda, uint64_t target)
{
    if ((lambda > target ? lambda - target : target - lambda) <= 1) {
        return 0;
    }
    return lambda == 0 || target == 0 ? UINT64_MAX : notch_ln_ratio(lambda, target);
}

static bool is_over(const struct notch_matching *matching, const int64_t *amounts, const struct notch_alloc *alloc)
{
    u128 *given = array(alloc, matching->provider_count, sizeof *given);
    u128 *taken = array(alloc, matching->recipient_count, sizeof *taken);
    bool over = false;
    for (size_t i = 0; i < matching->edge_count && !over; i++) {
        const struct notch_matching_edge *edge = &matching->edges[i];
        u128 amount = amounts[i] < 0 ? 0 : (u128)amounts[i];
        given[edge->provider] = given[edge->provider] + amount;
        taken[edge->recipient] = taken[edge->recipient] + amount;
        over = amounts[i] < 0 || given[edge->provider] > (u128)matching->capacities[edge->provider] ||
               taken[edge->recipient] > (u128)matching->needs[edge->recipient];
    }
    array_free(alloc, given, matching->provider_count, sizeof *given);
    array_free(alloc, taken, matching->recipient_count, sizeof *taken);
    return over;
}

/* part / whole in billionths; 0 of nothing is 0, more of nothing is beyond all. */
static uint64_t billionths(u128 part, u128 whole)
{
    if (part == 0) {
        return 0;
    }
    while (part >> 96 != 0) {
        part >>= 1;
        whole >>= 1;
    }
    if (whole == 0) {
        return UINT64_MAX;
    }
    u128 ratio = part * NOTCH_RECOGNITION_ONE / whole;
    return ratio > UINT64_MAX ? UINT64_MAX : (uint64_t)ratio;
}

static uint64_t amounts_distance(const struct walk *walk, const int64_t *amounts)
{
    const struct notch_matching *matching = walk->matching;
    int64_t *expected = array(walk->alloc, matching->edge_count, sizeof *expected);
    walk_commit(walk, expected);
    u128 apart = 0;
    u128 whole = 0;
    for (size_t i = 0; i < matching->edge_count; i++) {
        __int128 difference = (__int128)amounts[i] - expected[i];
        u128 distance = difference < 0 ? (u128)-difference : (u128)difference;
        u128 right = (u128)expected[i];
        apart += distance;
        whole += right;
    }
    array_free(walk->alloc, expected, matching->edge_count, sizeof *expected);
    return billionths(apart, whole);
}

void notch_matching_judge(const struct notch_matching *matching, struct notch_matching_distance *out,
                          const uint64_t *lambdas, const int64_t *amounts, const struct notch_alloc *alloc)
{
    struct walk walk;
    walk_init(&walk, matching, lambdas, alloc);
    *out = (struct notch_matching_distance){.is_over = is_over(matching, amounts, alloc)};
    for (size_t i = 0; i < matching->provider_count; i++) {
        uint64_t distance = lambda_distance(lambdas[i], target_of(&walk, i));
        if (distance > out->lambda) {
            out->lambda = distance;
            out->worst = i;
        }
    }
    u128 unmet = 0;
    u128 needs = 0;
    for (size_t i = 0; i < matching->recipient_count; i++) {
        unmet += walk.residuals[i];
        needs += (u128)matching->needs[i] << walk.scale;
    }
    out->unmet = billionths(unmet, needs);
    out->amounts = amounts_distance(&walk, amounts);
    walk_fini(&walk);
}
