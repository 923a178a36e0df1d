/*
 * p2p/peer.h: what the network core keeps of one connection. Not for anybody outside of p2p/; see p2p/internal.h.
 *
 * Ownership    A peer owns its framer, its queues and its lists; blobs are counted.
 * Units        Times are milliseconds since 1970 as plain numbers: core.c takes them out of the events.
 */
#ifndef NOTCH_P2P_PEER_H
#define NOTCH_P2P_PEER_H

#include "p2p/frame.h"
#include "p2p/p2p.h"

#define NOTCH__PEER_WORDS (NOTCH_P2P_PEERS_MAX / 64)
#define NOTCH__NO_PEER UINT32_MAX
#define NOTCH__REQUESTS_MAX 64

/* Bytes that several queues, the cache and effects share. */
struct notch__blob {
    uint32_t refs;
    size_t len;
    uint8_t bytes[];
};

/* What waits for a peer: an item, or the payload of another message. */
struct notch__queued {
    struct notch__queued *next;
    struct notch__blob *blob;
    struct notch_hash id; /* of an item */
    uint64_t at;
    uint8_t type;
    uint8_t hops;
    bool is_item;
};

struct notch__queue {
    struct notch__queued *first, *last;
    uint32_t count;
    size_t bytes;
};

/* Which peers (by their place in the table). */
struct notch__peer_bits {
    uint64_t words[NOTCH__PEER_WORDS];
};

struct notch__bucket {
    uint64_t items_milli;
    uint64_t bytes_milli;
    uint64_t at;
};

/* Counted in thousandths, and less with time. */
struct notch__points {
    uint64_t first;     /* items that it was the first to bring */
    uint64_t invalid;   /* items and messages that were invalid */
    uint64_t behaviour; /* what is not invalid, but not fair either */
};

struct notch__request {
    uint32_t token;
    uint8_t type; /* 0: free */
    uint64_t until;
};

struct notch__id_list {
    struct notch_buf ids[8]; /* by type - RECORDS: hashes to be sent in one message */
};

enum notch__list { NOTCH__LIST_HAVE, NOTCH__LIST_WANT, NOTCH__LIST_DONT_WANT, NOTCH__LIST_COUNT };

struct notch__peer {
    uint64_t id; /* 0: the place is free */
    bool is_up;
    enum notch_p2p_purpose purpose;
    struct notch_key key;
    uint8_t binding[32];
    struct notch_p2p_address address;
    struct notch_p2p_address listen;
    struct notch_p2p_group group;
    uint64_t since;
    uint16_t version;
    uint32_t services;
    uint32_t capabilities;
    struct notch_p2p_status status;
    char agent[NOTCH_P2P_AGENT_MAX + 1];

    struct notch_p2p_framer framer;
    uint64_t frame_since; /* when the frame that is not whole began; 0: none */
    struct notch__bucket buckets[NOTCH_P2P_CLASS_COUNT];
    struct notch__queue queues[NOTCH_P2P_CLASS_COUNT];
    size_t queued_bytes;
    size_t in_flight;  /* given out by SEND, not SENT */
    uint64_t progress; /* the last SENT, or when in_flight was 0 */
    uint32_t frames;   /* since the last one out of turn */
    struct notch__id_list lists[NOTCH__LIST_COUNT];
    bool has_lists;

    uint64_t ping_nonce; /* 0: none is under way */
    uint64_t ping_at;
    uint64_t pong_at;
    uint32_t ping_ms;
    bool is_in_mesh;
    uint64_t graft_from;  /* we may graft it from then on... */
    uint64_t prune_until; /* ...and it may graft us from then on */
    uint32_t wanted;      /* ids that it was the first to announce and that are not here */
    struct notch__request requests[NOTCH__REQUESTS_MAX];
    bool was_told_addresses;
    struct notch__points points;
    int32_t rate; /* from the node */
    uint64_t last_item;
    uint64_t bytes_in, bytes_out;
};

#endif
