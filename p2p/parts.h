/*
 * p2p/parts.h: what the network core keeps. Not for anybody outside of p2p/; see p2p/internal.h.
 *
 * Ownership    All of it belongs to the one struct notch_p2p.
 */
#ifndef NOTCH_P2P_PARTS_H
#define NOTCH_P2P_PARTS_H

#include "base/map.h"
#include "p2p/book.h"
#include "p2p/peer.h"

#define NOTCH__DIALS_MAX 32
#define NOTCH__ANCHORS_MAX 2

enum notch__item_state {
    NOTCH__ITEM_PENDING,  /* the node is looking at it */
    NOTCH__ITEM_ACCEPTED, /* is relayed */
    NOTCH__ITEM_IGNORED,
    NOTCH__ITEM_REJECTED
};

struct notch__item {
    struct notch__blob *blob; /* NULL: not kept any more */
    struct notch__peer_bits has;
    uint64_t at;
    uint64_t from; /* the connection that brought it; 0: ourselves */
    uint8_t type;
    uint8_t hops;
    uint8_t state;
};

/* An id that peers announced or asked us not to send, and that is not here. */
struct notch__wanted {
    struct notch__peer_bits has;
    uint64_t first; /* the connection whose quota it counts against */
    uint64_t asked; /* the connection that was asked last; 0: none */
    uint64_t due;   /* when to ask, or to give up on who was asked */
    uint8_t type;
    uint8_t tries;
    bool is_announced; /* false: nobody has offered it, peers only know it */
};

struct notch__dial {
    struct notch_p2p_address address; /* port 0: free */
    enum notch_p2p_purpose purpose;
    uint64_t until;
};

struct notch__static {
    struct notch_p2p_address address; /* port 0: free */
    uint64_t next;
    uint32_t failures;
};

struct notch__remembered {
    struct notch__points points;
    uint64_t at;
};

struct notch__effect {
    struct notch__effect *next;
    struct notch_p2p_effect effect;
    struct notch__blob *blob; /* what the effect points into */
};

struct notch_p2p {
    struct notch_p2p_options options;
    struct notch_p2p_limits *limits; /* those in the options */
    struct notch_buf agent;
    struct notch_rng rng;
    uint64_t now;
    uint64_t seq;
    bool is_busy;
    bool is_closing;
    struct notch_p2p_status status;

    struct notch__peer *peers; /* limits->peers_max places */
    struct notch_map by_id;    /* connection -> uint32_t place */
    uint32_t next_send;        /* whose turn it is */
    struct notch_p2p_zstd zstd;
    struct notch_buf payload; /* being built */
    struct notch_buf frame;   /* given out by the last SEND */

    struct notch__effect *effects, *effects_last;
    struct notch__effect *polled; /* the one given out last */

    struct notch_map items;  /* id -> struct notch__item */
    struct notch_ring order; /* ids, oldest first */
    uint64_t order_base;     /* number of the oldest in `order` */
    uint64_t blobs_from;     /* older ones have no bytes any more */
    struct notch_map wanted; /* id -> struct notch__wanted */
    uint64_t wanted_next;    /* when to look at them */
    bool has_lists;          /* some peer's lists are not empty */

    struct notch_map remembered; /* key -> struct notch__remembered */
    struct notch_map bans;       /* key -> uint64_t until */
    struct notch_map rates;      /* key -> int32_t */
    uint64_t heartbeat_next;
    uint64_t graft_next; /* opportunistic */

    struct notch_p2p_book book;
    struct notch__dial dials[NOTCH__DIALS_MAX];
    struct notch__static statics[NOTCH_P2P_STATIC_MAX];
    struct notch_p2p_address anchors[NOTCH__ANCHORS_MAX];
    uint64_t dial_next;
    uint64_t feeler_next;
    struct notch_p2p_stats stats;
};

#endif
