/*
 * chain/entry_allocation.h: needs and capacities matched by mutual recognition: RECOGNITION, CAPACITY, NEED_COMMIT,
 * NEED_REVEAL, ALLOCATION, ALLOCATION_CERT, and the commitment that hides a need until it is opened.
 *
 * Encodings (period: start_ms uvar, length_ms uvar > 0; lists strictly ascending by key, so each has one encoding):
 *   RECOGNITION      count uvar (0..512) | per peer: key 32, share uvar ppm (1..1e6); the shares sum to at most 1e6
 *   CAPACITY         resource 32 | period | kind u8 (0 stock, 1 flow) | form u8 | form 0: amount uvar; 1: commitment 32
 *   NEED_COMMIT      resource 32 | period | commitment 32
 *   NEED_REVEAL      resource 32 | period | amount uvar | blinding 32
 *   ALLOCATION       provider 32 | sequence uvar | recipient 32 | resource 32 | period | amount uvar | provider's sig
 *                    64 | recipient's sig 64; both over tagged(ALLOCATION, everything before the signatures)
 *   ALLOCATION_CERT  provider 32 | resource 32 | period | capacity uvar | deduction uvar | lambda uvar (Q32) |
 *                    count uvar (0..512) | per recipient: key 32, amount uvar
 * Amounts are 0 .. 2^63-1 micro-units.
 *
 * Commitment: Pedersen on ristretto255 (RFC 9496), C = v*G + r*H, with G the base point and
 *   H = from_hash(SHA512("notch/pedersen/H/ristretto255")), the map to the group of RFC 9496 4.3.4:
 * nobody knows the logarithm of H to G, since H comes out of a hash of words that leave nothing to choose. v is the
 * amount as a scalar, little endian; v = 0 gives r*H. It hides whatever the amount, as r is uniform below the group's
 * order.
 *
 * Ownership    Lists are views of their encoded items; walk them with the _next functions, make them with the _put
 * ones.
 */
#ifndef NOTCH_CHAIN_ENTRY_ALLOCATION_H
#define NOTCH_CHAIN_ENTRY_ALLOCATION_H

#include "base/crypto.h"
#include "chain/entry_insight.h"

#define NOTCH_RECOGNITION_MAX 512
#define NOTCH_CERT_ROWS_MAX 512

/* A commitment, and the blinding that opens it: a scalar below the group's order, uniform, used once, secret until
 * then. */
struct notch_commitment {
    uint8_t raw[32];
};
struct notch_blinding {
    uint8_t raw[32];
};

struct notch_share {
    struct notch_key peer;
    struct notch_ppm share;
};

/* The author's shares of recognition: 1,000,000 ppm in all, over peers (itself allowed). Its latest stands. */
struct notch_recognition {
    uint32_t count;
    struct notch_bytes shares;
};

/* A stock is used up over the period; a flow is there anew in each. */
enum notch_capacity_kind { NOTCH_CAPACITY_STOCK = 0, NOTCH_CAPACITY_FLOW = 1 };

struct notch_capacity {
    struct notch_hash resource;
    struct notch_period period;
    enum notch_capacity_kind kind;
    bool committed; /* whether the commitment counts, else the amount */
    struct notch_amount amount;
    struct notch_commitment commitment;
};

struct notch_need_commit {
    struct notch_hash resource;
    struct notch_period period;
    struct notch_commitment commitment;
};

struct notch_need_reveal {
    struct notch_hash resource;
    struct notch_period period;
    struct notch_amount amount;
    struct notch_blinding blinding;
};

struct notch_allocation {
    struct notch_key provider;
    uint64_t sequence; /* of the provider; its order decides what still fits its capacity */
    struct notch_key recipient;
    struct notch_hash resource;
    struct notch_period period;
    struct notch_amount amount;
    struct notch_sig provider_sig;
    struct notch_sig recipient_sig;
};

struct notch_cert_row {
    struct notch_key recipient;
    struct notch_amount amount;
};

struct notch_allocation_cert {
    struct notch_key provider;
    struct notch_hash resource;
    struct notch_period period;
    struct notch_amount capacity;
    struct notch_amount deduction; /* from the capacity: what was allocated for needs opened in private */
    uint64_t lambda;               /* Q32 */
    uint32_t count;
    struct notch_bytes rows;
};

/* A list under construction: append in ascending order of keys, then set count and the bytes. */
void notch_share_put(struct notch_writer *writer, const struct notch_share *share);
void notch_cert_row_put(struct notch_writer *writer, const struct notch_cert_row *row);

/* Walk a list with a reader over its bytes; false at the end. */
bool notch_share_next(struct notch_reader *reader, struct notch_share *out);
bool notch_cert_row_next(struct notch_reader *reader, struct notch_cert_row *out);

/* What provider and recipient sign. The signatures of *allocation are not looked at. */
void notch_allocation_sighash(struct notch_hash *out, const struct notch_domain *domain,
                              const struct notch_allocation *allocation);

/* C = amount*G + blinding*H. false if the amount is negative or the blinding is no scalar below the order, or zero. */
NOTCH_MUST_USE bool notch_commit_amount(struct notch_commitment *out, struct notch_amount amount,
                                        const struct notch_blinding *blinding);

/* Whether amount and blinding open the commitment. */
NOTCH_MUST_USE bool notch_commitment_opens(const struct notch_commitment *commitment, struct notch_amount amount,
                                           const struct notch_blinding *blinding);

/* A uniform blinding out of 64 uniform bytes (an ENTROPY effect gives them). */
void notch_blinding_from_entropy(struct notch_blinding *out, const uint8_t entropy[64]);

/* Whether the bytes encode a point of the group; whether they are a scalar below its order, and not zero. */
bool notch_commitment_is_valid(const struct notch_commitment *commitment);
bool notch_blinding_is_valid(const struct notch_blinding *blinding);

#endif
