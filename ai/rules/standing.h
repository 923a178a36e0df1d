/*
 * ai/rules/standing.h: what an account's answers to challenges have earned it.
 *
 * Each kind has a running score R in 0 .. 65535, from 0: a verdict with target T moves it by floor((T - R) * rate /
 * 65536). The rate says how much a verdict weighs: an answer 2048 (half of the past is forgotten in 22 windows), an
 * absence 655, a fault (a wrong answer, or a commitment that was not revealed) 16384 with T = 0. Rates are the same
 * upwards and downwards, else the score would not be proper; only faults weigh more.
 *
 * Beside R stand the sums since the last set change, of rate and of rate * T. They give the term `challenges` of a
 * validator's reputation, 0 .. 1,000,000 as duty and proposals are: over the kinds that were asked, each with its
 * weight, the mean of T by rate. Where nothing was asked there is no term, and duty stands in for it (8 E4).
 *
 * Encoding: for each kind: R u16 | rates uvar | earned uvar | counts uvar, one for each outcome but VOID.
 *
 * Limits       A sum takes up at most NOTCH_STANDING_RATES_MAX of rates between two set changes; further verdicts move
 *              R alone. earned stays below 2^44.
 * Thread       Values.
 * Source       design/ai.md A; design/consensus.md 1.8, 8 E4, E5.
 */
#ifndef NOTCH_AI_RULES_STANDING_H
#define NOTCH_AI_RULES_STANDING_H

#include "base/codec.h"
#include "chain/entry_model.h"

#define NOTCH_CHALLENGE_KINDS 4
#define NOTCH_STANDING_RATES_MAX (UINT64_C(1) << 28)
#define NOTCH_CHALLENGE_TERM_ONE 1000000u

enum notch_outcome {
    NOTCH_OUTCOME_VOID,     /* nothing to judge by: moves nothing */
    NOTCH_OUTCOME_ANSWERED, /* right, or a forecast with its score */
    NOTCH_OUTCOME_ABSENT,   /* asked, and no commitment in time */
    NOTCH_OUTCOME_WITHHELD, /* committed, not revealed */
    NOTCH_OUTCOME_WRONG     /* evidence */
};
#define NOTCH_OUTCOMES 5

struct notch_verdict {
    enum notch_outcome outcome;
    uint32_t target; /* T; 0 unless ANSWERED */
};

struct notch_standing_kind {
    uint32_t score; /* R */
    uint64_t rates;
    uint64_t earned;
    uint32_t counts[NOTCH_OUTCOMES]; /* since ever, by outcome; they stop at UINT32_MAX */
};

struct notch_standing {
    struct notch_standing_kind kinds[NOTCH_CHALLENGE_KINDS];
};

/* "answered", ... */
const char *notch_outcome_name(enum notch_outcome outcome);

void notch_standing_apply(struct notch_standing *standing, enum notch_challenge_kind kind,
                          struct notch_verdict verdict);

/* At a set change: the sums begin anew. */
void notch_standing_turn(struct notch_standing *standing);

/* The term, 0 .. 1,000,000; false where nothing was asked. */
bool notch_standing_term(uint32_t *term, const struct notch_standing *standing);

/* weight * R / 65536 over the kinds by their weights: linear in weight, so that splitting an account gains nothing.
 * weight <= 2^40. */
uint64_t notch_standing_influence(const struct notch_standing *standing, uint64_t weight);

void notch_standing_write(struct notch_writer *writer, const struct notch_standing *standing);

/* Fails the reader where a value is out of its bounds. */
void notch_standing_read(struct notch_reader *reader, struct notch_standing *out);

#endif
