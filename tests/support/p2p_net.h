/*
 * tests/support/p2p_net.h: network cores in one process, joined by links with delay, loss and slow readers.
 *
 * A heap of (time, order, event) drives the cores' own handle() and poll(). Every node accepts each item but those that
 * begin with 0xff, which it rejects; what it answers to requests is up to the test, which sees the last MESSAGE.
 *
 * Ownership    The net owns its nodes. Frames are looked into on their way, so compression is off unless a test asks.
 * Limits       NOTCH_TEST_NODES_MAX nodes; every SEND is one event.
 * Thread       One at a time.
 */
#ifndef NOTCH_TESTS_SUPPORT_P2P_NET_H
#define NOTCH_TESTS_SUPPORT_P2P_NET_H

#include "p2p/p2p.h"
#include "tests/support/alloc.h"

enum { NOTCH_TEST_NODES_MAX = 64, NOTCH_TEST_LINKS_MAX = 4096 };

struct notch_test_node {
    struct notch_p2p *p2p;
    struct notch_test_alloc alloc;
    uint8_t secret[32];
    struct notch_signer signer;
    struct notch_p2p_address address;
    uint64_t seq;
    uint64_t tick_at;
    uint32_t read_rate; /* bytes per second that it reads; 0: any */
    bool is_dead;       /* nobody answers a dial */

    /* what it was told */
    uint32_t ups, downs, delivered, messages, expired, asked, dials, bans;
    uint32_t votes_delivered, records_delivered;
    uint64_t first_vote_at, last_record_at;
    enum notch_p2p_reason last_reason; /* of the last DISCONNECT of its own */
    uint8_t last_bye;                  /* in the last BYE sent to it */
    enum notch_p2p_type last_message;
    uint32_t last_token;
    enum notch_p2p_purpose last_purpose; /* of the last DIAL */
    struct notch_p2p_address last_dial;
    struct notch_p2p_status last_status;
    uint64_t last_peer; /* the last PEER_UP */
};

struct notch_test_net;

/* `tune` may change the options of each node before it is made; NULL: the defaults, with small tables. */
typedef void (*notch_test_tune)(struct notch_p2p_options *options, uint32_t node, void *context);
struct notch_test_net *notch_test_net_new(uint32_t count, uint64_t seed, notch_test_tune tune, void *context);

/* Ends all of it; asserts that no core has leaked. */
void notch_test_net_free(struct notch_test_net *net);

struct notch_test_node *notch_test_net_node(struct notch_test_net *net, uint32_t node);
uint64_t notch_test_net_now(const struct notch_test_net *net);

/* Per million frames, once both ends of a link are up; and one way, milliseconds. */
void notch_test_net_weather(struct notch_test_net *net, uint32_t loss_ppm, uint32_t delay_ms_min,
                            uint32_t delay_ms_max);

/* `a` dials `b`. Returns the number of the connection at a; at b it is one more. */
uint64_t notch_test_net_connect(struct notch_test_net *net, uint32_t a, uint32_t b);

/* A connection of `a` whose other end is the test: it is given what `key` and `address` say. */
uint64_t notch_test_net_connect_raw(struct notch_test_net *net, uint32_t a, const struct notch_key *key,
                                    struct notch_p2p_address address);

/* Runs all events up to then. */
void notch_test_net_run(struct notch_test_net *net, uint64_t ms);

/* One event for one node, now; seq and now are filled in. */
void notch_test_net_give(struct notch_test_net *net, uint32_t node, struct notch_p2p_event *event);

/* The usual ones. */
void notch_test_net_publish(struct notch_test_net *net, uint32_t node, enum notch_p2p_type type, const void *bytes,
                            size_t len);
void notch_test_net_bytes(struct notch_test_net *net, uint32_t node, uint64_t peer, const void *bytes, size_t len);
void notch_test_net_frame(struct notch_test_net *net, uint32_t node, uint64_t peer,
                          const struct notch_p2p_message *message);
/* A HELLO for a raw connection, signed by `signer` (NULL: a signature of zeros), of the network `genesis`. */
void notch_test_net_hello(struct notch_test_net *net, uint32_t node, uint64_t peer, const struct notch_signer *signer,
                          const struct notch_hash *genesis);

/* What was seen on the wire so far: greatest hops of an item, items and frames sent, frames lost. */
struct notch_test_wire {
    uint32_t hops_max;
    uint64_t items, frames, lost, bytes;
    uint64_t trace; /* a hash over every frame in order */
};
const struct notch_test_wire *notch_test_net_wire(const struct notch_test_net *net);

/* Every node's key is made from its number; so are the addresses: each in a subnet of its own. */
struct notch_p2p_address notch_test_net_address(uint32_t node);

/* Bytes sent to the test's end of a raw connection, oldest first. */
struct notch_bytes notch_test_net_raw_sent(const struct notch_test_net *net);

#endif
