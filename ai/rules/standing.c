#include "ai/rules/standing.h"

#include "ai/rules/challenge.h"
#include "ai/rules/forecast.h"
#include "base/assert.h"

_Static_assert(NOTCH_STANDING_RATES_MAX <= UINT64_MAX / NOTCH_SCORE_ONE / 1000000, "terms are below 2^64");

const char *notch_outcome_name(enum notch_outcome outcome)
{
    static const char *const names[NOTCH_OUTCOMES] = {"void", "answered", "absent", "withheld", "wrong"};
    notch_assert((unsigned)outcome < NOTCH_OUTCOMES);
    return names[outcome];
}

static uint32_t rate_of(enum notch_outcome outcome)
{
    static const uint32_t rates[NOTCH_OUTCOMES] = {0, 2048, 655, 16384, 16384};
    notch_assert((unsigned)outcome < NOTCH_OUTCOMES);
    return rates[outcome];
}

void notch_standing_apply(struct notch_standing *standing, enum notch_challenge_kind kind, struct notch_verdict verdict)
{
    notch_assert((unsigned)kind < NOTCH_CHALLENGE_KINDS);
    notch_assert(verdict.target <= NOTCH_SCORE_ONE);
    notch_assert(verdict.target == 0 || verdict.outcome == NOTCH_OUTCOME_ANSWERED);
    struct notch_standing_kind *at = &standing->kinds[kind];
    uint32_t rate = rate_of(verdict.outcome);
    if (rate == 0) {
        return;
    }
    if (verdict.target >= at->score) {
        at->score += (verdict.target - at->score) * rate / 65536;
    } else {
        at->score -= ((at->score - verdict.target) * rate + 65535) / 65536;
    }
    at->counts[verdict.outcome] += at->counts[verdict.outcome] < UINT32_MAX ? 1 : 0;
    if (at->rates <= NOTCH_STANDING_RATES_MAX - rate) {
        at->rates += rate;
        at->earned += (uint64_t)rate * verdict.target;
    }
}

void notch_standing_turn(struct notch_standing *standing)
{
    for (size_t i = 0; i < NOTCH_CHALLENGE_KINDS; i++) {
        standing->kinds[i].rates = 0;
        standing->kinds[i].earned = 0;
    }
}

bool notch_standing_term(uint32_t *term, const struct notch_standing *standing)
{
    uint64_t sum = 0;
    uint64_t weights = 0;
    for (size_t i = 0; i < NOTCH_CHALLENGE_KINDS; i++) {
        const struct notch_standing_kind *at = &standing->kinds[i];
        if (at->rates > 0) {
            uint64_t weight = notch_challenge_row((enum notch_challenge_kind)i)->weight;
            uint64_t share = at->earned * NOTCH_CHALLENGE_TERM_ONE / (at->rates * NOTCH_SCORE_ONE);
            sum += weight * share;
            weights += weight;
        }
    }
    if (weights == 0) {
        return false;
    }
    *term = (uint32_t)(sum / weights);
    return true;
}

uint64_t notch_standing_influence(const struct notch_standing *standing, uint64_t weight)
{
    notch_assert(weight <= NOTCH_FORECAST_WEIGHT_MAX);
    uint64_t sum = 0;
    uint64_t weights = 0;
    for (size_t i = 0; i < NOTCH_CHALLENGE_KINDS; i++) {
        uint64_t share = notch_challenge_row((enum notch_challenge_kind)i)->weight;
        sum += share * standing->kinds[i].score;
        weights += share;
    }
    return weight * (sum / weights) / 65536;
}

void notch_standing_write(struct notch_writer *writer, const struct notch_standing *standing)
{
    for (size_t i = 0; i < NOTCH_CHALLENGE_KINDS; i++) {
        const struct notch_standing_kind *at = &standing->kinds[i];
        notch_write_u16(writer, (uint16_t)at->score);
        notch_write_uvar(writer, at->rates);
        notch_write_uvar(writer, at->earned);
        for (size_t outcome = 1; outcome < NOTCH_OUTCOMES; outcome++) {
            notch_write_uvar(writer, at->counts[outcome]);
        }
    }
}

void notch_standing_read(struct notch_reader *reader, struct notch_standing *out)
{
    *out = (struct notch_standing){0};
    for (size_t i = 0; i < NOTCH_CHALLENGE_KINDS; i++) {
        struct notch_standing_kind *at = &out->kinds[i];
        at->score = notch_read_u16(reader);
        at->rates = notch_read_uvar_max(reader, NOTCH_STANDING_RATES_MAX);
        at->earned = notch_read_uvar_max(reader, at->rates * NOTCH_SCORE_ONE);
        for (size_t outcome = 1; outcome < NOTCH_OUTCOMES; outcome++) {
            at->counts[outcome] = (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
        }
    }
}
