/* Kind 1: proof of model. It shows that a network was run, not that it is any good: a gate, so its weight is small. */
#include "ai/rules/challenge_rows.h"
#include "ai/rules/draw.h"
#include "ai/rules/net8.h"
#include "base/assert.h"

#define DIGEST_BYTES 32

static void model_subject(struct notch_writer *writer, const struct notch_challenge *challenge)
{
    notch_write_hash(writer, &challenge->as.model.model->root);
}

static struct notch_reject model_form(const struct notch_challenge *challenge, struct notch_bytes solution)
{
    (void)challenge;
    return solution.len >= DIGEST_BYTES ? NOTCH_VALID : NOTCH_REJECT(MALFORMED, "model: no digest");
}

static int8_t narrow(int64_t value)
{
    return (int8_t)(value > INT8_MAX ? INT8_MAX : value < INT8_MIN ? INT8_MIN : value);
}

/* Raw: ratios and prices as numbers; 1/128 is the step of a ratio, a tick of 2^13 that of a price. */
void notch_challenge_features(int8_t out[NOTCH_FEATURES], const struct notch_insight *insight)
{
    enum { STEP = NOTCH_PPM_ONE / 128 };
    uint32_t tick = 0;
    memset(out, 0, NOTCH_FEATURES);
    out[0] = notch_forecast_midpoint(&tick, insight) ? narrow((int64_t)(tick >> 13) - 256) : 0;
    out[1] = (insight->mask & NOTCH_INSIGHT_TREND) != 0 ? narrow(insight->trend.raw / STEP) : 0;
    out[2] = (insight->mask & NOTCH_INSIGHT_VOLATILITY) != 0 ? narrow(insight->volatility.raw / STEP) : 0;
    out[3] = (insight->mask & NOTCH_INSIGHT_CONFIDENCE) != 0 ? narrow(insight->confidence.raw / STEP) : 0;
    out[4] = (insight->mask & NOTCH_INSIGHT_SUCCESS) != 0 ? narrow(insight->success.raw / STEP) : 0;
    if ((insight->mask & NOTCH_INSIGHT_SEASONALITY) != 0) {
        for (uint32_t i = 0; i < insight->season_count && 5 + i < NOTCH_FEATURES; i++) {
            out[5 + i] = narrow(insight->seasons[i].raw / STEP);
        }
    }
}

static void draw_inputs(int8_t *out, uint32_t count, struct notch_rng *rng)
{
    for (uint32_t i = 0; i < count; i += 8) {
        uint64_t word = notch_rng_u64(rng);
        for (uint32_t b = 0; b < 8 && i + b < count; b++) {
            out[i + b] = (int8_t)((int)(word >> (8 * b) & 0xff) - 128);
        }
    }
}

void notch_challenge_digest(struct notch_hash *out, const struct notch_domain *domain,
                            const struct notch_challenge *challenge, const struct notch_net8 *network,
                            const struct notch_alloc *alloc)
{
    uint32_t features = challenge->as.model.feature_count;
    uint32_t inputs = network->widths[0];
    uint32_t outputs = network->widths[network->width_count - 1];
    size_t scratch = notch_net8_scratch(network);
    notch_assert(features <= NOTCH_PROOF_VECTORS);
    struct notch_hash seed;
    notch__challenge_seed(&seed, domain, "model", &challenge->beacon, challenge);
    struct notch_rng rng = notch__rng_of_hash(&seed);
    struct notch_sha256 sha;
    notch_domain_begin(&sha, domain, NOTCH_TAG_MODEL);
    notch_sha256_update(&sha, seed.raw, sizeof seed.raw); /* Raw: hashes */
    int8_t *in = notch_alloc(alloc, inputs);
    int16_t *results = notch_alloc_array(alloc, outputs, sizeof *results);
    void *work = notch_alloc(alloc, scratch);
    for (uint32_t v = 0; v < NOTCH_PROOF_VECTORS + features; v++) {
        if (v < NOTCH_PROOF_VECTORS) {
            draw_inputs(in, inputs, &rng);
        } else {
            for (uint32_t i = 0; i < inputs; i++) {
                in[i] = challenge->as.model.features[v - NOTCH_PROOF_VECTORS][i % NOTCH_FEATURES];
            }
        }
        notch_net8_run(network, results, in, work);
        for (uint32_t i = 0; i < outputs; i++) {
            uint8_t bytes[2] = {(uint8_t)((uint16_t)results[i] & 0xff), (uint8_t)((uint16_t)results[i] >> 8)};
            notch_sha256_update(&sha, bytes, sizeof bytes);
        }
    }
    notch_sha256_final(&sha, out);
    notch_free(alloc, work, scratch);
    notch_free(alloc, results, outputs * sizeof *results);
    notch_free(alloc, in, inputs);
}

/* Raw: a digest by its bytes. */
static struct notch_verdict model_judge(const struct notch_domain *domain, const struct notch_challenge_case *found,
                                        const struct notch_alloc *alloc)
{
    const struct notch_verdict wrong = {NOTCH_OUTCOME_WRONG, 0};
    struct notch_bytes bytes = notch_bytes(found->solution.data + DIGEST_BYTES, found->solution.len - DIGEST_BYTES);
    if (bytes.len == 0) {
        bytes = found->network;
    }
    struct notch_net8 network;
    if (bytes.len == 0 || !notch_is_valid(notch_net8_decode(&network, bytes)) ||
        !notch_is_valid(notch_net8_matches(&network, bytes, found->challenge->as.model.model))) {
        return wrong;
    }
    struct notch_hash digest;
    notch_challenge_digest(&digest, domain, found->challenge, &network, alloc);
    if (memcmp(digest.raw, found->solution.data, DIGEST_BYTES) != 0) {
        return wrong;
    }
    return (struct notch_verdict){NOTCH_OUTCOME_ANSWERED, NOTCH_SCORE_ONE};
}

const struct notch_challenge_row notch__challenge_model = {
    NOTCH_CHALLENGE_MODEL, "model", 1, model_subject, model_form, model_judge,
};
