/*
 * p2p/wire.h: the messages between two nodes, and their one canonical encoding.
 *
 * A message is a type and a payload; p2p/frame.h carries it. What belongs to the chain (records, batches, blocks,
 * votes, evidence) travels as bytes here: its decoders are in chain/, and the node runs them. Lists stay packed:
 * decoding copies nothing and allocates nothing, and walks every element once, so that the notch_p2p_next_*()
 * functions cannot fail on a list that was accepted.
 *
 *   HELLO          genesis 32 | version min u16, max u16 | services u32 | capabilities u32 | listen: ip 16, port u16
 *                  (all zero: does not listen) | agent blob | status | sig 64
 *   status         slot u64 | set u32 | head 32, height u64 | final slot u64, hash 32, height u64 |
 *                  justified slot u64, hash 32
 *   PING, PONG     nonce u64 | status
 *   BYE            reason u8
 *   MESH           action u8 | pause_ms u32
 *   HAVE...        type u8 | list of ids 32                             (HAVE, WANT, DONT_WANT)
 *   items          list of (hops u8, blob)                              (RECORDS ... CHALLENGES)
 *   DIRECT, NODE   topic u16 | blob                                     (NODE: what node/message.h says)
 *   ADDRESSES      list of (ip 16, port u16, services u32, seen_s u32); GET_ADDRESSES is empty
 *   requests       token u32 | what each struct says
 *   list           count uvar, then the elements
 *
 * An item is named by notch_p2p_item_id(), a hash over its type and all its bytes, signatures included: two different
 * encodings of one block are two items, so that a spoiled copy cannot stand in the way of a good one. Requests name
 * things by their ids on the chain.
 *
 * Invariants   encode(decode(x)) == x for every accepted x; trailing bytes are refused.
 * Ownership    A decoded message borrows the payload. Encoding borrows what the message points to.
 * Limits       NOTCH_P2P_*_MAX below, and the cap of each type (last column of the table).
 * Errors       struct notch_reject: form only.
 * Thread       Values; pure functions.
 * Source       design README section 3; consensus.md 1.3, 3, 4, 6, 8 A1 and L3, 11.1.
 */
#ifndef NOTCH_P2P_WIRE_H
#define NOTCH_P2P_WIRE_H

#include "base/codec.h"
#include "base/error.h"
#include "chain/block.h"
#include "p2p/message.h"

/* How often a type is sent, and what for: the order is that of importance. Queues and quotas go by it. */
#define NOTCH_P2P_CLASS_TABLE(X) \
    X(CONTROL, "control") \
    X(VOTES, "votes") \
    X(BLOCKS, "blocks") \
    X(BATCHES, "batches") \
    X(CHALLENGES, "challenges") \
    X(RECORDS, "records") \
    X(SYNC, "sync") \
    X(ADDRESSES, "addresses")

enum notch_p2p_class {
#define X(name, text) NOTCH_P2P_CLASS_##name,
    NOTCH_P2P_CLASS_TABLE(X)
#undef X
        NOTCH_P2P_CLASS_COUNT
};

/* name, code on the wire, class, shape of the payload, greatest payload in bytes */
#define NOTCH_P2P_TYPE_TABLE(X) \
    X(HELLO, 1, CONTROL, hello, 512) \
    X(PING, 2, CONTROL, ping, 256) \
    X(PONG, 3, CONTROL, ping, 256) \
    X(BYE, 4, CONTROL, bye, 1) \
    X(MESH, 5, CONTROL, mesh, 5) \
    X(HAVE, 8, CONTROL, ids, 40u << 10) \
    X(WANT, 9, CONTROL, ids, 40u << 10) \
    X(DONT_WANT, 10, CONTROL, ids, 40u << 10) \
    X(RECORDS, 16, RECORDS, items, 128u << 10) \
    X(BATCHES, 17, BATCHES, items, 256u << 10) \
    X(BLOCKS, 18, BLOCKS, items, 5u << 20) \
    X(VOTES, 19, VOTES, items, 512u << 10) \
    X(CERTIFICATES, 20, VOTES, items, 1u << 20) \
    X(RECEIPTS, 21, BATCHES, items, 128u << 10) \
    X(EVIDENCE, 22, VOTES, items, 128u << 10) \
    X(CHALLENGES, 23, CHALLENGES, items, 256u << 10) \
    X(DIRECT, 24, CHALLENGES, direct, 64u << 10) \
    X(NODE, 25, SYNC, direct, 5u << 20) \
    X(GET_SETS, 32, SYNC, get_sets, 64) \
    X(SETS, 33, SYNC, blobs, 2u << 20) \
    X(GET_HEADERS, 34, SYNC, get_headers, 64) \
    X(HEADERS, 35, SYNC, headers, 1u << 20) \
    X(GET_BODIES, 36, SYNC, get_ids, 4u << 10) \
    X(BODIES, 37, SYNC, blobs, 5u << 20) \
    X(GET_BATCHES, 38, SYNC, get_ids, 4u << 10) \
    X(GOT_BATCHES, 39, SYNC, blobs, 5u << 20) \
    X(GET_CERTIFICATE, 40, SYNC, get_certificate, 128) \
    X(CERTIFICATE, 41, SYNC, certificate, 1u << 20) \
    X(RECONCILE, 42, SYNC, reconcile, 256u << 10) \
    X(RECONCILED, 43, SYNC, reconcile, 256u << 10) \
    X(GET_SNAPSHOT, 44, SYNC, get_snapshot, 64) \
    X(SNAPSHOT, 45, SYNC, snapshot, 256) \
    X(GET_CHUNK, 46, SYNC, get_chunk, 64) \
    X(CHUNK, 47, SYNC, chunk, 5u << 20) \
    X(GET_ADDRESSES, 56, ADDRESSES, empty, 0) \
    X(ADDRESSES, 57, ADDRESSES, addresses, 32u << 10)

enum notch_p2p_type {
#define X(name, code, class, shape, cap) NOTCH_P2P_##name = (code),
    NOTCH_P2P_TYPE_TABLE(X)
#undef X
};

/* The largest of the caps above. */
#define NOTCH_P2P_PAYLOAD_MAX (5u << 20)

/* A message: the member of the union is the shape in the table. */
struct notch_p2p_message {
    enum notch_p2p_type type;
    union {
        struct notch_p2p_hello hello;
        struct notch_p2p_ping ping;
        struct notch_p2p_bye bye;
        struct notch_p2p_mesh mesh;
        struct notch_p2p_ids ids;
        struct notch_p2p_items items;
        struct notch_p2p_direct direct;
        struct notch_p2p_get_sets get_sets;
        struct notch_p2p_get_headers get_headers;
        struct notch_p2p_headers headers;
        struct notch_p2p_get_ids get_ids;
        struct notch_p2p_blobs blobs;
        struct notch_p2p_get_certificate get_certificate;
        struct notch_p2p_certificate certificate;
        struct notch_p2p_reconcile reconcile;
        struct notch_p2p_get_snapshot get_snapshot;
        struct notch_p2p_snapshot snapshot;
        struct notch_p2p_get_chunk get_chunk;
        struct notch_p2p_chunk chunk;
        struct notch_p2p_addresses addresses;
    };
};

/* What is known of a type: NULL if the code names none. */
struct notch_p2p_type_info {
    enum notch_p2p_type type;
    enum notch_p2p_class class;
    uint32_t payload_max;
    const char *name; /* "HELLO", ... */
    bool is_items;    /* is gossiped by id */
};
const struct notch_p2p_type_info *notch_p2p_type_info(uint8_t code);

/* "votes", ... */
const char *notch_p2p_class_name(enum notch_p2p_class class);

/* The type that answers a request, or 0; and whether a type is such an answer. */
uint8_t notch_p2p_answer_of(enum notch_p2p_type request);
bool notch_p2p_is_answer(enum notch_p2p_type type);

/* The token of a request or an answer; 0 for every other type. */
uint32_t notch_p2p_token(const struct notch_p2p_message *message);

/* Writes the payload. The lists of the message are packed and well formed: made by the functions below, or decoded. */
void notch_p2p_encode(struct notch_writer *writer, const struct notch_p2p_message *message);

/* Reads a payload: everything must be read. `code` is the type as it stood in the frame. */
NOTCH_MUST_USE struct notch_reject notch_p2p_decode(struct notch_p2p_message *out, uint8_t code,
                                                    struct notch_bytes payload);

/* What an item is called between peers: SHA-256 over its type and its bytes. */
void notch_p2p_item_id(struct notch_hash *out, enum notch_p2p_type type, struct notch_bytes bytes);

/* What HELLO signs: hash tagged "notch/p2p/hello" over genesis, channel binding, signer's key, other side's key. */
void notch_p2p_hello_hash(struct notch_hash *out, const struct notch_hash *genesis, const uint8_t binding[32],
                          const struct notch_key *signer, const struct notch_key *other);

#endif
