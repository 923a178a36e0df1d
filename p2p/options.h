/*
 * p2p/options.h: every limit and default of the network core, in one place.
 *
 * notch_p2p_limits_default() fills in the documented defaults (p2p/README.md shows them as a table); an operator
 * changes single ones, and notch_p2p_limits_check() says what does not fit together.
 *
 * Memory       A core takes at most
 *                peers_max * (queue_bytes + NOTCH_P2P_PAYLOAD_MAX + 1 MiB) + cache_bytes + 64 B * wanted_max
 *                + 200 B * duplicate_cache + the address book (p2p/book.h) + 2 * NOTCH_P2P_PAYLOAD_MAX
 *              and what it takes grows with what arrived: an announced length takes no memory.
 * Thread       Values.
 */
#ifndef NOTCH_P2P_OPTIONS_H
#define NOTCH_P2P_OPTIONS_H

#include "base/error.h"
#include "p2p/book.h"
#include "p2p/wire.h"

#define NOTCH_P2P_PEERS_MAX 256
#define NOTCH_P2P_STATIC_MAX 64

/* Who gets an item of a class. */
enum notch_p2p_strategy {
    NOTCH_P2P_FLOOD,   /* every peer, at once */
    NOTCH_P2P_GOSSIP,  /* some of the mesh at once, ids to the others; who lacks it asks */
    NOTCH_P2P_DIRECTED /* the addressed peer; without one, `eager` peers with `services`; nobody relays it */
};

/* What happens to a queue that is full. */
enum notch_p2p_overflow {
    NOTCH_P2P_DROP_OLDEST, /* the newer matters more */
    NOTCH_P2P_DROP_NEWEST, /* the sender may ask again */
    NOTCH_P2P_HANG_UP      /* the peer cannot be served without it: SLOW */
};

struct notch_p2p_class_limits {
    enum notch_p2p_strategy strategy;
    enum notch_p2p_overflow overflow;
    uint32_t eager;       /* GOSSIP: to how many peers an item of our own goes at once; DIRECTED: to how many at all */
    uint32_t relay;       /* GOSSIP: the same for an item of others; the rest of the mesh hears its id at once */
    uint32_t services;    /* DIRECTED without an address: NOTCH_SERVICE_* that a receiver must have */
    uint32_t queue_max;   /* messages in the queue of one peer */
    uint32_t delay_ms;    /* how long a first item waits for others to share a frame */
    uint32_t rate_milli;  /* items that a peer may send us in 1,000 seconds... */
    uint32_t burst;       /* ...and at once */
    uint32_t rate_bytes;  /* bytes per second... */
    uint32_t burst_bytes; /* ...and at once: at least the cap of every type in the class */
};

struct notch_p2p_limits {
    /* spreading */
    uint32_t max_hops;        /* 7: an item that came this far is not relayed */
    uint32_t gossip_ppm;      /* 500,000: share of the peers outside of the mesh that are told ids */
    uint32_t duplicate_cache; /* 10,000 ids remembered */
    uint32_t cache_bytes;     /* 32 MiB of items kept, to serve those who ask */
    uint32_t batch;           /* 100 items in a message */
    uint32_t batch_bytes;     /* 64 KiB: a message with more is sent at once */
    uint32_t wanted_max;      /* 32,768 announced ids not yet here */
    uint32_t wanted_peer_max; /* 4,096 of one peer */
    uint32_t want_delay_ms;   /* 50: an announced item may be under way anyhow */
    uint32_t want_timeout_ms; /* 1,000: then another announcer is asked */
    uint32_t want_tries;      /* 4 */
    uint32_t dont_want_bytes; /* 1,024: from this size on, others are told not to send it too */
    uint32_t history_ms;      /* 5,000: how long an id is announced again */
    uint32_t mesh_low;        /* 6 */
    uint32_t mesh;            /* 8 */
    uint32_t mesh_high;       /* 12 */
    uint32_t mesh_outbound;   /* 2 of the mesh are peers that we dialled */
    uint32_t mesh_pause_ms;   /* 60,000 between PRUNE and the next GRAFT */
    /* time */
    uint32_t heartbeat_ms; /* 1,000: upkeep of mesh, scores, announcements */
    uint32_t ping_ms;      /* 15,000 */
    uint32_t silent_ms;    /* 45,000 without a PONG */
    uint32_t handshake_ms; /* 5,000 */
    uint32_t frame_ms;     /* 10,000, and a second per 64 KiB, for a frame to arrive */
    uint32_t stall_ms;     /* 20,000 without SENT while something waits */
    uint32_t request_ms;   /* 2,000 for an answer (consensus.md 4) */
    /* queues */
    uint32_t queue_bytes;    /* 4 MiB of one peer, all classes; one message alone may be larger */
    uint32_t window_bytes;   /* 256 KiB given out by SEND and not yet SENT: what cannot be overtaken any more */
    uint32_t fair_every;     /* 16: one frame in so many goes to the least important class that waits */
    uint32_t requests_max;   /* 16 open requests to one peer */
    uint32_t compress_bytes; /* 512: from this size on */
    /* connections */
    uint32_t peers_max;      /* 128 */
    uint32_t inbound_max;    /* 96 */
    uint32_t outbound_full;  /* 8 */
    uint32_t outbound_block; /* 2 */
    uint32_t subnet_max;     /* 4 inbound of one group; outbound: one */
    uint32_t feeler_ms;      /* 120,000 */
    uint32_t dial_ms;        /* 1,000 between two dials */
    uint32_t backoff_ms;     /* 1,000: of a static peer, doubled with every failure... */
    uint32_t backoff_ms_max; /* 300,000: ...up to this */
    uint32_t ban_ms;         /* 86,400,000 */
    uint32_t bans_max;       /* 1,024 keys */
    uint32_t remembered_max; /* 1,024 scores of peers that left */
    /* points */
    int32_t score_gossip; /* -10: below, ids are neither told nor taken */
    int32_t score_ignore; /* -50: below, its items are not looked at */
    int32_t score_ban;    /* -80 */
    uint32_t decay_ppm;   /* 990,000 of every count are left after a second */
    struct notch_p2p_book_limits book;
    struct notch_p2p_class_limits classes[NOTCH_P2P_CLASS_COUNT];
};

void notch_p2p_limits_default(struct notch_p2p_limits *out);

/* NULL, or what is wrong with them. */
const char *notch_p2p_limits_check(const struct notch_p2p_limits *limits);

#endif
