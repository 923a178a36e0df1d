#include "contrib/bench/latency.h"

#include "base/assert.h"

#include <stddef.h>

enum { SUB_BITS = 6, SUBS = 1 << SUB_BITS, PPM = 1000000 };

static size_t bucket_of(uint64_t duration_ns)
{
    if (duration_ns < SUBS) {
        return (size_t)duration_ns;
    }
    unsigned exponent = 63U - (unsigned)__builtin_clzll(duration_ns);
    size_t sub = (size_t)(duration_ns >> (exponent - SUB_BITS)) & (SUBS - 1);
    return (size_t)(exponent - SUB_BITS + 1) * SUBS + sub;
}

/* The largest duration that falls into the bucket. */
static uint64_t bucket_end_ns(size_t bucket)
{
    if (bucket < SUBS) {
        return bucket;
    }
    unsigned shift = (unsigned)(bucket / SUBS) - 1;
    uint64_t start = (uint64_t)(SUBS + bucket % SUBS) << shift;
    return start + ((UINT64_C(1) << shift) - 1);
}

void notch_bench_latency_add(struct notch_bench_latency *latency, uint64_t duration_ns)
{
    latency->counts[bucket_of(duration_ns)]++;
    latency->total++;
    if (duration_ns > latency->max_ns) {
        latency->max_ns = duration_ns;
    }
}

uint64_t notch_bench_latency_percentile_ns(const struct notch_bench_latency *latency, uint32_t ppm)
{
    notch_assert(ppm <= PPM);
    notch_assert(latency->total <= UINT64_MAX / PPM - 1);
    uint64_t rank = (latency->total * ppm + PPM - 1) / PPM;
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < NOTCH_BENCH_LATENCY_BUCKETS; bucket++) {
        seen += latency->counts[bucket];
        if (seen >= rank && seen > 0) {
            uint64_t end_ns = bucket_end_ns(bucket);
            return end_ns < latency->max_ns ? end_ns : latency->max_ns;
        }
    }
    return 0;
}
