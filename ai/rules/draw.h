/*
 * ai/rules/draw.h: a generator whose state is a whole hash. Inside of ai/rules.
 *
 * notch_rng_init() takes 64 bits; what is asked of an account is drawn from all 256 of its seed.
 */
#ifndef NOTCH_AI_RULES_DRAW_H
#define NOTCH_AI_RULES_DRAW_H

#include "base/codec.h"
#include "base/rng.h"

/* Raw: the state from the bytes of a hash. */
static inline struct notch_rng notch__rng_of_hash(const struct notch_hash *seed)
{
    struct notch_rng rng;
    struct notch_reader reader = notch_reader(notch_bytes(seed->raw, sizeof seed->raw));
    for (size_t i = 0; i < 4; i++) {
        rng.state[i] = notch_read_u64(&reader);
    }
    rng.state[0] |= 1; /* xoshiro must not stand at zero */
    return rng;
}

#endif
