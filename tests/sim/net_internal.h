/* What the files of the simulated network share. */
#ifndef NOTCH_TESTS_SIM_NET_INTERNAL_H
#define NOTCH_TESTS_SIM_NET_INTERNAL_H

#include "base/map.h"
#include "chain/memstore.h"
#include "node/core.h"
#include "tests/sim/net.h"

enum net_what { NET_TICK, NET_WORKED, NET_DISK, NET_START, NET_MESSAGE, NET_CLIENT, NET_SLOT };

/* Bytes under way, shared by all copies. */
struct net_message {
    uint32_t references;
    enum notch_node_message what;
    bool is_for_all;
    struct notch_hash id;
    size_t len;
    uint8_t bytes[];
};

struct net_item {
    uint64_t at_ms;
    uint64_t number; /* breaks ties, so the order is total */
    enum net_what what;
    uint32_t node;
    uint32_t from; /* MESSAGE */
    uint64_t life; /* what belongs to an earlier life of the node is dropped */
    uint64_t token;
    const struct notch_node_work *work;
    struct net_message *message;
};

struct net_held {
    uint64_t after;
    uint64_t to;
    struct net_message *message;
};

struct net_node {
    uint8_t secrets[2][32];
    struct notch_signer validator;
    struct notch_signer author;
    bool is_observer;
    struct notch_memstore *disk;
    struct notch_store_view view;
    struct notch_node *node; /* NULL while it is down */
    uint64_t life;
    uint64_t seq;
    uint64_t durable;
    int64_t skew_ms;
    bool tick_due;
    struct net_held *held;
    size_t held_count, held_cap;
    struct notch_map seen;     /* message id: passed on already */
    struct notch_map voted;    /* slot -> hash */
    struct notch_map proposed; /* slot -> hash */
    uint64_t final_height;
    bool is_up_to[NET_NODES_MAX]; /* which peers it was told of */
};

struct net {
    struct net_options options;
    struct notch_rng rng;
    struct notch_rng client_rng; /* of its own, so that what clients do does not hang on how nodes work */
    const struct notch_alloc *alloc;
    const struct notch_crypto *crypto;
    struct notch_genesis genesis;
    struct notch_domain domain;
    struct net_node *nodes;
    bool linked[NET_NODES_MAX][NET_NODES_MAX];
    bool cut[NET_NODES_MAX][NET_NODES_MAX]; /* from, to */
    bool faults;
    uint64_t now_ms;
    uint64_t begin_ms;
    uint64_t heal_ms;
    uint64_t heal_height;

    struct net_item *heap;
    size_t heap_count, heap_cap;
    uint64_t numbers;

    struct notch_map acknowledged; /* record id -> the node that promised */
    struct notch_map finals;       /* height -> block hash */
    uint64_t final_height;
    struct notch_buf last_record;
    uint64_t contents;

    struct notch_sha256 trace;
    struct net_result result;
    bool tells_story;
    struct notch_buf story;
    const char *failure;
};

/* net.c */
void net_fail(struct net *net, const char *what);
void net_note(struct net *net, uint32_t node, const char *what, uint64_t a, uint64_t b);
void net_tell(struct net *net, const char *format, ...) NOTCH_PRINTF(2, 3);
struct net_item *net_later(struct net *net, enum net_what what, uint32_t node, uint64_t delay_ms);
void net_event(struct net *net, uint32_t node, struct notch_node_event *event);
uint64_t net_draw(struct net *net, uint64_t max, uint64_t healed_max);
void net_power_off(struct net *net, uint32_t node);
uint64_t net_slot_ms(const struct net *net);

/* net_link.c */
void net_links_make(struct net *net);
void net_links_update(struct net *net);
void net_partition_begin(struct net *net);
void net_partition_end(struct net *net);
struct net_message *net_message_new(struct net *net, enum notch_node_message what, struct notch_bytes bytes,
                                    bool is_for_all);
void net_message_drop(struct net *net, struct net_message *message);
void net_send(struct net *net, uint32_t from, uint64_t to, struct net_message *message);
void net_arrive(struct net *net, const struct net_item *item);

/* net_client.c */
void net_client_step(struct net *net);
void net_client_reply(struct net *net, uint32_t node, const struct notch_reply *reply);

/* net_check.c */
void net_check_sent(struct net *net, uint32_t node, const struct net_message *message);
void net_check_final(struct net *net, uint32_t node, const struct notch_block_ref *block);
bool net_is_healed(struct net *net);
void net_check_healed(struct net *net);

#endif
