/*
 * ai/rules/challenge.h: challenges: what is asked of whom and when, and the verdict, as functions of the chain alone.
 *
 * Windows are cut from heights: window w holds the blocks w * blocks .. (w + 1) * blocks - 1. A challenge of window w
 * is drawn from its beacon (the chain's randomness as it stood at the last block before it) and the account; its
 * CHALLENGE_COMMIT belongs into window w, its CHALLENGE_REVEAL into window w + 1, and the verdict falls at the first
 * block of window w + 2, from whose beacon comes the randomness that was unknown to everybody when answers were fixed.
 * Who copies copies too late; who does not reveal what it committed to is worse off than with any answer.
 *
 * A kind is a row of one table: what it asks about (subject), the form of a solution, the verdict on one, its weight in
 * the reputation. A kind whose `judge` is NULL is not active: its entries are rejected and nobody is asked.
 *
 *   compute      ai/rules/compute.h; the commitment counts only up to a slot deadline, by the slot of its block
 *   model        int8 inference of the account's MODEL on vectors nobody could know before: 16 drawn from beacon,
 *                account and root, and one for each of up to 16 insights of the window before. Solution: digest 32 |
 *                the network's bytes, none where the MODEL entry carried them. The digest is of all outputs, and of the
 *                account, so that it cannot be copied
 *   forecast     ai/rules/forecast.h
 *   certificate  not active here
 *
 * Ownership    Everything borrows.
 * Limits       Those of the kinds. A verdict costs at most a few milliseconds (contrib/bench/challenge).
 * Thread       Pure functions.
 * Source       design/ai.md A; design/consensus.md 8 E4, E5.
 */
#ifndef NOTCH_AI_RULES_CHALLENGE_H
#define NOTCH_AI_RULES_CHALLENGE_H

#include "ai/rules/forecast.h"
#include "ai/rules/standing.h"
#include "chain/entry_model.h"

/* ---- windows ---- */

struct notch_window_rules {
    uint64_t blocks;        /* in a window; > 0 */
    uint64_t compute_slots; /* how long after the first slot of the window an answer of kind 0 may stand on the chain */
};

uint64_t notch_window_of(const struct notch_window_rules *rules, struct notch_height height);

enum notch_window_phase { NOTCH_WINDOW_BEFORE, NOTCH_WINDOW_COMMIT, NOTCH_WINDOW_REVEAL, NOTCH_WINDOW_OVER };

/* Where a challenge of `window` stands for entries in a block of this height. */
enum notch_window_phase notch_window_phase(const struct notch_window_rules *rules, uint64_t window,
                                           struct notch_height height);

/* randomness: what the VRF outputs of the chain add up to at the last block before the window. */
void notch_challenge_beacon(struct notch_hash *out, const struct notch_domain *domain,
                            const struct notch_hash *randomness, uint64_t window);

/* ---- what is asked ---- */

#define NOTCH_FEATURES 16
#define NOTCH_PROOF_VECTORS 16

struct notch_challenge {
    uint64_t window;
    enum notch_challenge_kind kind;
    struct notch_key account;
    struct notch_hash beacon;
    union {
        struct {
            uint32_t difficulty;
        } compute;
        struct {
            const struct notch_model *model;
            const int8_t (*features)[NOTCH_FEATURES]; /* of insights on the chain, notch_challenge_features() */
            uint32_t feature_count;                   /* up to NOTCH_PROOF_VECTORS */
        } model;
        struct {
            const struct notch_hash *markets; /* as drawn */
            uint32_t market_count;            /* 1 .. NOTCH_FORECAST_MARKETS_MAX */
        } forecast;
    } as;
};

/* What a CHALLENGE_COMMIT and its reveal name. */
void notch_challenge_id(struct notch_hash *out, const struct notch_domain *domain,
                        const struct notch_challenge *challenge);

/*
 * Draws the markets of a window, the same for every account: brings min(count, NOTCH_FORECAST_MARKETS_MAX) of `markets`
 * to the front, which stand in the order of their hashes before, each with a past of NOTCH_FORECAST_SEEN_MIN outcomes.
 * Returns how many.
 */
uint32_t notch_challenge_draw_markets(struct notch_hash *markets, uint32_t count, const struct notch_domain *domain,
                                      const struct notch_hash *beacon);

/* An insight as sixteen small numbers. */
void notch_challenge_features(int8_t out[NOTCH_FEATURES], const struct notch_insight *insight);

/* Whether a commitment in a block of this height is one to this challenge, in time; a late answer of kind 0 is refused
 * by its slot, against the first slot of the window. */
struct notch_reject notch_challenge_check_commit(const struct notch_window_rules *rules,
                                                 const struct notch_domain *domain,
                                                 const struct notch_challenge *challenge,
                                                 const struct notch_challenge_commit *commit,
                                                 struct notch_height height);
struct notch_reject notch_challenge_check_deadline(const struct notch_window_rules *rules,
                                                   enum notch_challenge_kind kind, struct notch_slot first,
                                                   struct notch_slot slot);

/* Whether a reveal in a block of this height opens the account's commitment. */
struct notch_reject
notch_challenge_check_reveal(const struct notch_window_rules *rules, const struct notch_domain *domain,
                             const struct notch_challenge *challenge, const struct notch_challenge_commit *commit,
                             const struct notch_challenge_reveal *reveal, struct notch_height height);

/* ---- answering ---- */

/* Appends the solution of kind 0. */
void notch_challenge_solve_compute(struct notch_buf *out, const struct notch_domain *domain,
                                   const struct notch_challenge *challenge, const struct notch_alloc *alloc);

/* The digest of kind 1. network: as decoded from the model's bytes. */
struct notch_net8;
void notch_challenge_digest(struct notch_hash *out, const struct notch_domain *domain,
                            const struct notch_challenge *challenge, const struct notch_net8 *network,
                            const struct notch_alloc *alloc);

/* ---- judging ---- */

/* What became of a market by the end of window w + 1. */
struct notch_challenge_market {
    bool has_outcome;
    uint32_t outcome;                /* without the account's own cluster */
    struct notch_forecast_past past; /* before this outcome; seen >= NOTCH_FORECAST_SEEN_MIN, else it is not drawn */
};

struct notch_challenge_case {
    const struct notch_challenge *challenge;
    bool is_committed; /* in time */
    bool is_revealed;  /* in time, and it opens the commitment */
    struct notch_bytes solution;
    struct notch_hash later;    /* the beacon of window w + 2 */
    struct notch_bytes network; /* kind 1: the model's bytes where its entry carried them, else empty */
    const struct notch_challenge_market *markets; /* kind 2: one for each that was drawn */
};

/* Everything there is to say about an account and a challenge. */
struct notch_verdict notch_challenge_judge(const struct notch_domain *domain, const struct notch_challenge_case *found,
                                           const struct notch_alloc *alloc);

struct notch_challenge_row {
    enum notch_challenge_kind kind;
    const char *name;
    uint32_t weight;
    /* Writes what is asked about: part of the challenge's id. */
    void (*subject)(struct notch_writer *writer, const struct notch_challenge *challenge);
    struct notch_reject (*form)(const struct notch_challenge *challenge, struct notch_bytes solution);
    /* The solution has passed the form check. NULL: not active. */
    struct notch_verdict (*judge)(const struct notch_domain *domain, const struct notch_challenge_case *found,
                                  const struct notch_alloc *alloc);
};

const struct notch_challenge_row *notch_challenge_row(enum notch_challenge_kind kind);

#endif
