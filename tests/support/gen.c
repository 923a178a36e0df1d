#include "tests/support/gen.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS_MAX = 65536, SHRINK_RUNS_MAX = 4000, DRAWS_SHOWN = 64 };

/* Each draw, at most `max`, goes onto the tape as what the property sees, so that a smaller draw is a simpler input. */
static uint64_t draw(struct notch_gen *gen, uint64_t max)
{
    notch_assert(gen->drawn < DRAWS_MAX);
    uint64_t value;
    if (!gen->replay) {
        value = max == UINT64_MAX ? notch_rng_u64(&gen->rng) : notch_rng_below(&gen->rng, max + 1);
    } else {
        value = gen->drawn < gen->tape_len ? gen->tape[gen->drawn] : 0;
        value = value <= max ? value : max;
    }
    gen->tape[gen->drawn++] = value;
    return value;
}

uint64_t notch_gen_below(struct notch_gen *gen, uint64_t bound)
{
    notch_assert(bound > 0);
    return draw(gen, bound - 1);
}

uint64_t notch_gen_u64(struct notch_gen *gen)
{
    return draw(gen, UINT64_MAX);
}

uint64_t notch_gen_edge_u64(struct notch_gen *gen)
{
    uint64_t kind = notch_gen_below(gen, 4);
    if (kind == 0) {
        return notch_gen_below(gen, 16);
    }
    if (kind == 1) {
        return notch_gen_u64(gen);
    }
    uint64_t power = UINT64_C(1) << notch_gen_below(gen, 64);
    if (kind == 2) { /* 2^n - 2 to 2^n + 2, around 0 where it wraps */
        return power - 2 + notch_gen_below(gen, 5);
    }
    return power | (notch_gen_u64(gen) & (power - 1));
}

int64_t notch_gen_edge_i64(struct notch_gen *gen)
{
    /* Zigzag, so that small draws are small numbers of both signs. */
    uint64_t zigzag = notch_gen_edge_u64(gen);
    int64_t magnitude = (int64_t)(zigzag >> 1);
    return (zigzag & 1) != 0 ? -magnitude - 1 : magnitude;
}

void notch_gen_bytes(struct notch_gen *gen, void *out, size_t len)
{
    uint8_t *at = out;
    for (size_t i = 0; i < len; i++) {
        at[i] = (uint8_t)notch_gen_below(gen, 256);
    }
}

/* What shrinking works on: the smallest failing tape so far, and a second one to try changes on. */
struct shrinker {
    notch_property property;
    void *context;
    uint64_t *best;
    size_t best_len;
    const char *reason;
    uint64_t *scratch;
    unsigned runs_left;
};

/* Whether the property fails on the first `len` draws of scratch; if it does, they are the best from now on. */
static bool still_fails(struct shrinker *shrinker, size_t len)
{
    if (shrinker->runs_left == 0) {
        return false;
    }
    shrinker->runs_left--;
    struct notch_gen gen = {.tape = shrinker->scratch, .tape_len = len, .replay = true};
    const char *reason = shrinker->property(&gen, shrinker->context);
    if (reason == NULL) {
        return false;
    }
    shrinker->best_len = gen.drawn < len ? gen.drawn : len;
    memcpy(shrinker->best, shrinker->scratch, shrinker->best_len * sizeof shrinker->best[0]);
    shrinker->reason = reason;
    return true;
}

static void scratch_from_best(struct shrinker *shrinker)
{
    memcpy(shrinker->scratch, shrinker->best, shrinker->best_len * sizeof shrinker->best[0]);
}

/* Leaves out runs of draws, long ones first. */
static bool leave_out(struct shrinker *shrinker)
{
    bool progress = false;
    for (size_t chunk = shrinker->best_len; chunk > 0; chunk /= 2) {
        size_t at = 0;
        while (at + chunk <= shrinker->best_len) {
            size_t tail = shrinker->best_len - at - chunk;
            scratch_from_best(shrinker);
            memmove(shrinker->scratch + at, shrinker->best + at + chunk, tail * sizeof shrinker->best[0]);
            if (still_fails(shrinker, at + tail)) {
                progress = true;
            } else {
                at += chunk;
            }
        }
    }
    return progress;
}

/* Lowers the draw at `index` as far as the property goes on failing: to 0, else by halves of what is left. */
static bool lower_one(struct shrinker *shrinker, size_t index)
{
    bool progress = false;
    uint64_t low = 0; /* below this it holds, as far as is known */
    while (index < shrinker->best_len && low < shrinker->best[index]) {
        uint64_t candidate = low + (low == 0 ? 0 : (shrinker->best[index] - low) / 2);
        scratch_from_best(shrinker);
        shrinker->scratch[index] = candidate;
        if (still_fails(shrinker, shrinker->best_len)) {
            progress = true;
        } else {
            low = candidate + 1;
        }
    }
    return progress;
}

static void shrink(struct shrinker *shrinker)
{
    bool progress = true;
    while (progress && shrinker->runs_left > 0) {
        progress = leave_out(shrinker);
        for (size_t i = 0; i < shrinker->best_len; i++) {
            progress = lower_one(shrinker, i) || progress;
        }
    }
}

static uint64_t *tape_alloc(void)
{
    uint64_t *tape = malloc(DRAWS_MAX * sizeof tape[0]);
    notch_assert(tape != NULL);
    return tape;
}

bool notch_property_check(struct notch_counterexample *out, unsigned runs, uint64_t seed, notch_property property,
                          void *context)
{
    uint64_t *tape = tape_alloc();
    for (unsigned run = 0; run < runs; run++) {
        struct notch_gen gen = {.tape = tape};
        notch_rng_init(&gen.rng, seed + run);
        const char *reason = property(&gen, context);
        if (reason != NULL) {
            struct shrinker shrinker = {
                .property = property,
                .context = context,
                .best = tape,
                .best_len = gen.drawn,
                .reason = reason,
                .scratch = tape_alloc(),
                .runs_left = SHRINK_RUNS_MAX,
            };
            shrink(&shrinker);
            free(shrinker.scratch);
            *out = (struct notch_counterexample){run, shrinker.reason, tape, shrinker.best_len};
            return false;
        }
    }
    free(tape);
    return true;
}

bool notch_property_holds(const char *name, unsigned runs, uint64_t seed, notch_property property, void *context)
{
    struct notch_counterexample found;
    if (notch_property_check(&found, runs, seed, property, context)) {
        return true;
    }
    fprintf(stderr, "%s: %s (seed %" PRIu64 ", run %" PRIu64 ", %zu draws:", name, found.reason, seed, found.run,
            found.tape_len);
    for (size_t i = 0; i < found.tape_len && i < DRAWS_SHOWN; i++) {
        fprintf(stderr, " %" PRIu64, found.tape[i]);
    }
    fprintf(stderr, "%s)\n", found.tape_len > DRAWS_SHOWN ? " ..." : "");
    free(found.tape);
    return false;
}
