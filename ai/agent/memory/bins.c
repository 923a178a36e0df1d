#include "ai/agent/memory/bins.h"

#include "ai/agent/memory/number.h"
#include "base/assert.h"

#include <math.h>

static uint32_t octave_of(int64_t price)
{
    uint32_t octave = 0;
    while (price > 1) {
        price >>= 1;
        octave++;
    }
    return octave;
}

/* Where within its octave the bin begins: 32 steps of 2^octave / 32, rounded down. */
static int64_t step_of(uint32_t octave, uint32_t step)
{
    return octave >= 5 ? (int64_t)step << (octave - 5) : (int64_t)step >> (5 - octave);
}

uint32_t notch_bin_of(int64_t price)
{
    notch_assert(price > 0);
    uint32_t octave = octave_of(price);
    int64_t above = price - ((int64_t)1 << octave);
    uint32_t step = (uint32_t)(octave >= 5 ? above >> (octave - 5) : above << (5 - octave));
    return octave * NOTCH_BINS_PER_OCTAVE + step;
}

int64_t notch_bin_lo(uint32_t bin)
{
    notch_assert(bin < NOTCH_BINS_COUNT);
    uint32_t octave = bin / NOTCH_BINS_PER_OCTAVE;
    return ((int64_t)1 << octave) + step_of(octave, bin % NOTCH_BINS_PER_OCTAVE);
}

int64_t notch_bin_hi(uint32_t bin)
{
    uint32_t octave = bin / NOTCH_BINS_PER_OCTAVE;
    int64_t width = octave >= 5 ? (int64_t)1 << (octave - 5) : 1;
    int64_t lo = notch_bin_lo(bin);
    return lo > INT64_MAX - width ? INT64_MAX : lo + width;
}

int notch_bin_is_used(uint32_t bin)
{
    return bin < NOTCH_BINS_COUNT && notch_bin_of(notch_bin_lo(bin)) == bin;
}

int64_t notch_bin_micro(double price)
{
    double micro = floor(fmin(price, NOTCH_MEMORY_PRICE_MAX) * 1e6 + 0.5);
    return micro < 1 ? 1 : (int64_t)micro;
}
