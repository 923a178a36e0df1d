#include "node/api.h"

const char *notch_record_status_name(enum notch_record_status status)
{
    switch (status) {
    case NOTCH_STATUS_UNKNOWN:
        return "unknown";
    case NOTCH_STATUS_REFUSED:
        return "refused";
    case NOTCH_STATUS_LOCAL:
        return "local";
    case NOTCH_STATUS_STORED:
        return "stored";
    case NOTCH_STATUS_INCLUDED:
        return "included";
    case NOTCH_STATUS_CONFIRMED:
        return "confirmed";
    case NOTCH_STATUS_FINAL:
        return "final";
    case NOTCH_STATUS_SETTLED:
        return "settled";
    }
    return "unknown";
}

/* 32 buckets of one ms, then 16 to each octave: the error is at most one sixteenth. */
static unsigned bucket_of(uint64_t ms)
{
    if (ms < 32) {
        return (unsigned)ms;
    }
    unsigned octave = 63u - (unsigned)__builtin_clzll(ms);
    unsigned step = (unsigned)(ms >> (octave - 4)) & 15u;
    unsigned index = 32 + (octave - 5) * 16 + step;
    return index < NOTCH_LATENCY_BUCKETS ? index : NOTCH_LATENCY_BUCKETS - 1;
}

uint64_t notch_latency_bound(unsigned index)
{
    notch_assert(index < NOTCH_LATENCY_BUCKETS);
    if (index < 32) {
        return index;
    }
    unsigned octave = 5 + (index - 32) / 16;
    uint64_t step = (index - 32) % 16;
    return ((16 + step + 1) << (octave - 4)) - 1;
}

void notch_latency_add(struct notch_latency *latency, uint64_t ms, uint64_t count)
{
    latency->counts[bucket_of(ms)] += count;
    latency->total += count;
    latency->sum_ms += ms * count;
}

uint64_t notch_latency_quantile(const struct notch_latency *latency, uint32_t ppm)
{
    uint64_t wanted = (latency->total * ppm + NOTCH_PPM_ONE - 1) / NOTCH_PPM_ONE;
    uint64_t seen = 0;
    for (unsigned i = 0; i < NOTCH_LATENCY_BUCKETS && latency->total > 0; i++) {
        seen += latency->counts[i];
        if (seen >= wanted) {
            return notch_latency_bound(i);
        }
    }
    return 0;
}
