/*
 * ai/agent/allocation/message.h: the three messages of allocation, and their bytes.
 *
 *   AllocationRequest   recipient to provider: what I still need, and what I expect of you
 *   AllocationResponse  provider to recipient: what you would get of me now, and, if I care to say, what I have and how
 *                       much of it is asked for
 *   DenominatorGossip   recipient to recipient: how contended a provider is, as far as I can tell
 *
 * A response is an offer of the moment, not a gift: amounts become binding when both sides sign an ALLOCATION
 * (chain/entry_allocation.h), which the chain keeps within the capacity.
 *
 * Encoding: kind u8 | market 32 | from 32 | to 32 | sent uvar ms | body | signature 64
 *   1 request   sequence uvar | residual need f64 | expected allocation f64
 *   2 response  answers uvar | allocated f64 | hints u8 (0, 1) | capacity f64, utilisation f64 if 1
 *   3 gossip    provider 32 | denominator f64 | residual need f64 | recognition f64 | confidence f64
 * An f64 is the 8 bytes of an IEEE 754 double, big endian; it is finite and not below 0, and zero has one encoding. The
 * signature is over a tagged hash of all before it. The market id is a hash over chain, resource and period, so no
 * message can be shown elsewhere; `sequence` and `answers` make an old one harmless.
 *
 * Ownership    Values.
 * Limits       NOTCH_ALLOCATION_MESSAGE_BYTES_MAX.
 * Units        Amounts: those of the capacity, as real numbers. Recognition and confidence: 0 .. 1.
 * Thread       Pure functions.
 * Source       design/sources/004-async-denominator.md, "Message Types".
 */
#ifndef NOTCH_AI_AGENT_ALLOCATION_MESSAGE_H
#define NOTCH_AI_AGENT_ALLOCATION_MESSAGE_H

#include "base/codec.h"
#include "base/crypto.h"
#include "base/error.h"

#define NOTCH_ALLOCATION_MESSAGE_BYTES_MAX 256

enum notch_allocation_kind { NOTCH_ALLOCATION_REQUEST = 1, NOTCH_ALLOCATION_RESPONSE = 2, NOTCH_ALLOCATION_GOSSIP = 3 };

struct notch_allocation_request {
    uint64_t sequence; /* of this recipient to this provider; grows */
    double residual_need;
    double expected;
};

struct notch_allocation_response {
    uint64_t answers; /* the sequence of the request */
    double allocated;
    bool has_hints;
    double capacity;
    double utilisation; /* the sum of what is offered to all */
};

struct notch_allocation_gossip {
    struct notch_key provider;
    double denominator;
    double residual_need;
    double recognition;
    double confidence;
};

struct notch_allocation_message {
    enum notch_allocation_kind kind;
    struct notch_hash market;
    struct notch_key from;
    struct notch_key to;
    struct notch_time sent;
    union {
        struct notch_allocation_request request;
        struct notch_allocation_response response;
        struct notch_allocation_gossip gossip;
    } as;
};

/* The id of what is allocated: on one chain, of one resource, in one period. */
void notch_allocation_market(struct notch_hash *out, const struct notch_hash *genesis,
                             const struct notch_hash *resource, struct notch_time start, uint64_t length_ms);

/* Signs and appends. message->from is the signer's key. false: the signature could not be made. */
NOTCH_MUST_USE bool notch_allocation_message_write(struct notch_writer *writer,
                                                   const struct notch_allocation_message *message,
                                                   const struct notch_crypto *crypto,
                                                   const struct notch_signer *signer);

/* Checks form and signature; who may speak to whom is for the agents. `bytes` holds the message and nothing else. */
NOTCH_MUST_USE struct notch_reject notch_allocation_message_read(struct notch_allocation_message *out,
                                                                 struct notch_bytes bytes,
                                                                 const struct notch_crypto *crypto);

#endif
