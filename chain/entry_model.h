/*
 * chain/entry_model.h: MODEL, CHALLENGE_COMMIT and CHALLENGE_REVEAL.
 *
 * Encodings:
 *   MODEL             root 32 | bytes uvar (1..2^30) | layers uvar (2..16), then the width of each uvar (1..65536) |
 *                     follows u8 (0, 1) | if 1: the network's bytes, `bytes` of them (at most 24 KiB)
 *   CHALLENGE_COMMIT  window uvar | kind u8 | challenge 32 | commitment 32
 *   CHALLENGE_REVEAL  window uvar | kind u8 | challenge 32 | salt 32 | solution blob (1..24 KiB)
 *
 * The root of a model is the RFC 9162 root of its canonical bytes (ai/model) in chunks of 1024, the last one shorter;
 * where the bytes follow in the entry, the form check computes it. The mode must allow models (chain/mode.h).
 *
 * A commitment to a solution is tagged(CHALLENGE, window u64 | kind u8 | challenge | author | salt | solution): with
 * the author inside nobody can hand in what another has committed to. Whether the window is open and what the verdict
 * is are functions of the chain.
 */
#ifndef NOTCH_CHAIN_ENTRY_MODEL_H
#define NOTCH_CHAIN_ENTRY_MODEL_H

#include "base/codec.h"
#include "base/error.h"
#include "base/hash.h"

#define NOTCH_MODEL_BYTES_MAX (1u << 30)
#define NOTCH_MODEL_INLINE_MAX (24u << 10)
#define NOTCH_MODEL_LAYERS_MIN 2
#define NOTCH_MODEL_LAYERS_MAX 16
#define NOTCH_MODEL_WIDTH_MAX 65536
#define NOTCH_MODEL_CHUNK 1024
#define NOTCH_SOLUTION_MAX (24u << 10)

struct notch_model {
    struct notch_hash root;
    uint32_t bytes;
    uint32_t layer_count; /* inputs, hidden, outputs */
    uint32_t layers[NOTCH_MODEL_LAYERS_MAX];
    bool follows;
    struct notch_bytes network; /* if follows */
};

/* Kinds of design ai A; others are refused. */
enum notch_challenge_kind {
    NOTCH_CHALLENGE_COMPUTE = 0,
    NOTCH_CHALLENGE_MODEL = 1,
    NOTCH_CHALLENGE_FORECAST = 2,
    NOTCH_CHALLENGE_CERTIFICATE = 3,
};

struct notch_challenge_commit {
    uint64_t window;
    enum notch_challenge_kind kind;
    struct notch_hash challenge;
    struct notch_hash commitment;
};

struct notch_challenge_reveal {
    uint64_t window;
    enum notch_challenge_kind kind;
    struct notch_hash challenge;
    struct notch_hash salt;
    struct notch_bytes solution;
};

/* Of the canonical bytes of a network. bytes.len > 0. */
void notch_model_root(struct notch_hash *out, struct notch_bytes bytes);

void notch_challenge_commitment(struct notch_hash *out, const struct notch_domain *domain,
                                const struct notch_challenge_reveal *reveal, const struct notch_key *author);

#endif
