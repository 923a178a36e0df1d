/* Which faults a seed brings: each run has some of them and not others, so that none hides another. */
#include "tests/sim/net_internal.h"

enum { HALF = 500000, THIRD = 333333, MOST = 800000, MESH_FROM = 12, MESH_DEGREE = 6 };

static uint32_t below(struct notch_rng *rng, uint32_t bound)
{
    return (uint32_t)notch_rng_below(rng, bound);
}

static uint32_t maybe(struct notch_rng *rng, uint32_t ppm, uint32_t bound)
{
    return notch_rng_chance(rng, ppm) ? below(rng, bound) : 0;
}

static void draw_partition(struct net_options *options, struct notch_rng *rng)
{
    if (options->nodes < 2 || !notch_rng_chance(rng, HALF)) {
        return;
    }
    options->partition = (enum net_partition)(1 + below(rng, NET_PARTITION_KINDS - 1));
    options->partition_from = below(rng, options->slots / 2 + 1);
    options->partition_to = options->partition_from + 1 + below(rng, options->slots / 2 + 1);
    options->side = 1 + below(rng, options->nodes - 1);
    options->partition_is_told = notch_rng_chance(rng, HALF);
}

struct net_options net_options_of_seed(uint64_t seed, uint32_t nodes)
{
    struct notch_rng rng;
    notch_rng_init(&rng, seed ^ UINT64_C(0x6e6574776f726b73));
    static const uint32_t sizes[] = {1, 2, 3, 4, 4, 4, 5, 7, 7, 10};
    uint32_t drawn = sizes[below(&rng, sizeof sizes / sizeof *sizes)];
    struct net_options options = {
        .seed = seed,
        .nodes = nodes != 0 ? nodes : drawn,
        .slots = 10 + below(&rng, 40),
        .submit_ms = 20 + below(&rng, 600),
        .delay_ms_max = 1 + below(&rng, notch_rng_chance(&rng, THIRD) ? 400 : 50),
        .loss_ppm = maybe(&rng, HALF, 200000),
        .twice_ppm = maybe(&rng, THIRD, 200000),
        .crash_ppm = maybe(&rng, HALF, 30000),
        .power_cut_ppm = maybe(&rng, THIRD, 60000),
        .down_ms_max = 1 + below(&rng, 8000),
        .skew_ms_max = maybe(&rng, HALF, 25),
        .work_ms_max = below(&rng, 30),
        .disk_ms_max = below(&rng, notch_rng_chance(&rng, THIRD) ? 400 : 40),
    };
    options.degree = options.nodes >= MESH_FROM ? MESH_DEGREE : 0;
    options.observers = options.nodes > 2 && notch_rng_chance(&rng, THIRD) ? 1 : 0;
    options.late = options.nodes > 1 && notch_rng_chance(&rng, THIRD) ? 1 + below(&rng, options.nodes / 2) : 0;
    draw_partition(&options, &rng);
    return options;
}
