#include "chain/weights.h"

#include "base/assert.h"

__extension__ typedef unsigned __int128 notch__u128;

/* Reputation is in micro-units; a member has one unit of weight for each thousand (8 E2). */
#define REPUTATION_PER_WEIGHT 1000

void notch_weights_normalise(uint64_t *w, size_t count)
{
    notch__u128 sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += w[i];
    }
    for (size_t i = 0; sum > 0 && i < count; i++) {
        w[i] = (uint64_t)((notch__u128)w[i] * NOTCH_WEIGHT_ONE / sum);
    }
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

void notch_weights_churn(uint64_t *w, const uint64_t *old, size_t count)
{
    uint64_t total = 0;
    uint64_t moved = 0;
    for (size_t i = 0; i < count; i++) {
        total += old[i];
        moved += distance(w[i], old[i]);
    }
    uint64_t half = moved / 2;
    if (8 * half <= total) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t step = (uint64_t)((notch__u128)distance(w[i], old[i]) * total / ((notch__u128)8 * half));
        w[i] = w[i] > old[i] ? old[i] + step : old[i] - step;
    }
}

static uint64_t capped_sum(const uint64_t *w, size_t count, uint64_t cap)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += w[i] < cap ? w[i] : cap;
    }
    return sum;
}

/* How many members there are, their greatest weight, and how many of them have at least a quarter of it. */
static size_t count_members(const uint64_t *w, size_t count, uint64_t *greatest, size_t *substantial)
{
    size_t members = 0;
    *greatest = 0;
    for (size_t i = 0; i < count; i++) {
        members += w[i] > 0;
        *greatest = w[i] > *greatest ? w[i] : *greatest;
    }
    *substantial = 0;
    for (size_t i = 0; i < count; i++) {
        *substantial += w[i] > 0 && 4 * w[i] >= *greatest;
    }
    return members;
}

static void clip(uint64_t *w, size_t count, uint64_t cap)
{
    for (size_t i = 0; i < count; i++) {
        w[i] = w[i] < cap ? w[i] : cap;
    }
}

uint64_t notch_weights_cap(uint64_t *w, size_t count)
{
    uint64_t greatest;
    size_t substantial;
    size_t members = count_members(w, count, &greatest, &substantial);
    if (members == 0) {
        return 0;
    }
    notch_assert(greatest <= NOTCH_WEIGHT_ONE);
    if (members <= 3) {
        for (size_t i = 0; i < count; i++) {
            w[i] = w[i] > 0 ? NOTCH_WEIGHT_ONE / members : 0;
        }
        return NOTCH_WEIGHT_ONE / members;
    }
    uint64_t f = substantial <= 22 ? (substantial - 1) / 3 : (substantial + 11) / 12;
    f = f > 0 ? f : 1;
    /* The greatest C with 3 * f * C < sum(min(w, C)). What is short of C grows the left side faster: it is monotone. */
    uint64_t low = 1;
    uint64_t high = greatest;
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        if (3 * f * middle < capped_sum(w, count, middle)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    clip(w, count, low);
    return low;
}

void notch_weights_of_genesis(uint64_t *w, const struct notch_genesis *genesis)
{
    for (uint32_t i = 0; i < genesis->member_count; i++) {
        w[i] = genesis->members[i].reputation / REPUTATION_PER_WEIGHT;
    }
    notch_weights_normalise(w, genesis->member_count);
    notch_weights_cap(w, genesis->member_count);
}
