/*
 * node/net.h: what the parts of the node core that deal with peers keep, and what they offer. Not for anybody outside
 * of node/; see node/internal.h.
 *
 * Ownership    All of it belongs to the one struct notch_node.
 * Limits       NOTCH__PEERS_MAX peers, NOTCH__WANTS_MAX things asked for at a time, and so many checks of batches and
 *              receipts under way; what comes beyond that is dropped, and comes again when it is still needed.
 */
#ifndef NOTCH_NODE_NET_H
#define NOTCH_NODE_NET_H

#include "base/map.h"
#include "node/core.h"
#include "node/message.h"

struct notch_node;
struct notch__batch;

#define NOTCH__PEERS_MAX 1024
#define NOTCH__WANTS_MAX 4096
#define NOTCH__BATCH_CHECKS_MAX 64
#define NOTCH__STORED_CHECKS_MAX 1024

struct notch__peer {
    uint64_t id;
    struct notch_key key;
    uint64_t rejected;
    struct notch_status_message status;
    bool has_status;
};

/* Something that was asked for. The key of the map is the kind (a byte) and the hash. */
struct notch__want_key {
    uint8_t bytes[33];
};
struct notch__want {
    uint64_t hint; /* who is likely to have it; 0: nobody in particular */
    uint32_t tries;
    struct notch_time due;
};

/* Taking up the chain of a peer, a range of blocks at a time. */
struct notch__sync {
    bool is_active;
    uint64_t peer;
    struct notch_hash tip;
    struct notch_hash asked; /* the newest block of the last range that was asked behind */
    struct notch_hash last;  /* the newest block that came */
    struct notch_time until; /* then it is given up: another peer may be better */
};

struct notch__net {
    struct notch__peer *peers;
    uint32_t peer_count, peer_cap;
    uint32_t next_peer; /* whose turn it is to be asked */
    struct notch_map wants;
    struct notch_time want_due; /* the earliest of theirs */
    struct notch__sync sync;
    struct notch_time heartbeat_due;
    uint32_t batch_checks;
    uint32_t stored_checks;
    struct notch__batch **acks; /* own batches that wait for others to store them */
    size_t ack_count, ack_cap;
    struct notch_time ack_due; /* the earliest moment at which one of them needs something */
    uint64_t block_peer;       /* who sent the last block: likely to have its batches */
};

/* peers.c */
void notch__net_init(struct notch_node *node);
void notch__net_fini(struct notch_node *node);
struct notch__peer *notch__peer_find(struct notch_node *node, uint64_t id);
void notch__peer_up(struct notch_node *node, uint64_t id, const struct notch_key *key);
void notch__peer_down(struct notch_node *node, uint64_t id);
void notch__peer_reject(struct notch_node *node, uint64_t id, enum notch_node_message what, struct notch_reject reject);
void notch__send(struct notch_node *node, uint64_t to, enum notch_node_message what, struct notch_bytes bytes,
                 uint64_t after);
void notch__message(struct notch_node *node, uint64_t id, enum notch_node_message what, struct notch_bytes bytes);
void notch__batch_checked(struct notch_node *node, struct notch_node_batch_check *check, uint64_t peer);
void notch__net_run(struct notch_node *node);
struct notch_time notch__net_deadline(const struct notch_node *node);
struct notch_time notch__after_ms(const struct notch_node *node, uint64_t ms);

/* wants.c */
void notch__want(struct notch_node *node, enum notch_want_kind kind, const struct notch_hash *hash, uint64_t peer);
bool notch__is_wanted(const struct notch_node *node, enum notch_want_kind kind, const struct notch_hash *hash);
void notch__want_done(struct notch_node *node, enum notch_want_kind kind, const struct notch_hash *hash);
void notch__wants_run(struct notch_node *node);
void notch__want_send(struct notch_node *node, uint64_t to, const struct notch_want_message *message);
void notch__want_answer(struct notch_node *node, uint64_t peer, const struct notch_want_message *message);

/* sync.c */
void notch__status_send(struct notch_node *node, uint64_t to);
void notch__status_taken(struct notch_node *node, struct notch__peer *peer);
void notch__have_send(struct notch_node *node, uint64_t to);
void notch__sync_block(struct notch_node *node, uint64_t peer, const struct notch_hash *hash,
                       const struct notch_hash *parent);
void notch__sync_run(struct notch_node *node);
void notch__chain_answer(struct notch_node *node, uint64_t peer, const struct notch_want_message *message);
bool notch__is_block_known(const struct notch_node *node, const struct notch_hash *hash);

/* stored.c */
bool notch__acks_wait(struct notch_node *node, struct notch__batch *batch);
bool notch__acks_enough(const struct notch_node *node, const struct notch__batch *batch);
void notch__acks_forget(struct notch_node *node, struct notch__batch *batch);
void notch__acks_run(struct notch_node *node);
void notch__holder_add(struct notch__batch *batch, const struct notch_key *key);
void notch__stored_send(struct notch_node *node, const struct notch__batch *batch, uint64_t to);
void notch__stored_taken(struct notch_node *node, const struct notch_stored_message *message, uint64_t peer);
void notch__stored_checked(struct notch_node *node, const struct notch_hash *batch, const struct notch_key *key);

#endif
