/*
 * ai/rules/challenge_rows.h: the rows of the kinds, one file each. Inside of ai/rules.
 *
 * Source       ai/rules/challenge.h.
 */
#ifndef NOTCH_AI_RULES_CHALLENGE_ROWS_H
#define NOTCH_AI_RULES_CHALLENGE_ROWS_H

#include "ai/rules/challenge.h"

extern const struct notch_challenge_row notch__challenge_compute;
extern const struct notch_challenge_row notch__challenge_model;
extern const struct notch_challenge_row notch__challenge_forecast;

/* A seed of its own for one use: tagged(CHALLENGE, use | beacon | account | subject). */
void notch__challenge_seed(struct notch_hash *out, const struct notch_domain *domain, const char *use,
                           const struct notch_hash *beacon, const struct notch_challenge *challenge);

#endif
