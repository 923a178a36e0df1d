/*
 * node/daemon/peers.h: the network of a node: the policy of p2p/p2p.h over the sockets of p2p/io, as one thing.
 *
 *      send(), reject() --> +-----------+ --> net: TLS, TCP
 *      up, down, message <-- | p2p, net  | <-- DNS seeds
 *                            +-----------+
 *
 * What goes to everybody is gossiped, each thing once; what goes to one peer, and what only the two of them care about
 * (where they stand, what they want), goes as NODE messages. What a peer gossips is given to the node and not passed
 * on: so every two nodes that need each other's blocks must be connected (static peers).
 *
 * Lifecycle    create -> start -> ... -> close, then destroy when done() was called.
 * Ownership    Options are copied, what they point to is borrowed until destroy. Bytes of a message: during the call.
 * Errors       start(): *problem says which address cannot be listened on, and why.
 * Thread       The loop's. The callbacks come from within the loop, and from send() and reject().
 */
#ifndef NOTCH_NODE_DAEMON_PEERS_H
#define NOTCH_NODE_DAEMON_PEERS_H

#include "base/hash.h"
#include "node/core.h"
#include "p2p/p2p.h"

struct uv_loop_s;
struct notch_peers;

/* Where a node is reached, and whom it looks for. */
struct notch_peers_config {
    bool listens;
    struct notch_p2p_address listen;
    const struct notch_p2p_address *fixed; /* connections that are kept */
    size_t fixed_count;
    const char *const *seeds; /* DNS names */
    size_t seed_count;
    uint16_t seed_port; /* of addresses that come without one */
};

struct notch_peers_options {
    struct uv_loop_s *loop;
    const struct notch_peers_config *config;
    const struct notch_domain *domain;
    const struct notch_crypto *crypto;
    const struct notch_signer *signer; /* the node key */
    const struct notch_alloc *alloc;
    const struct notch_log *log; /* may be NULL */
    struct notch_siphash_key hash_key;
    uint64_t seed;
    uint32_t services;
    struct notch_time (*now)(void *arg);
    void (*up)(void *arg, uint64_t peer);
    void (*down)(void *arg, uint64_t peer);
    void (*message)(void *arg, uint64_t peer, enum notch_node_message what, struct notch_bytes bytes);
    void *arg;
};

/* CRYPTO: there is no certificate to be had. */
NOTCH_MUST_USE enum notch_err notch_peers_create(struct notch_peers **out, const struct notch_peers_options *options);
NOTCH_MUST_USE enum notch_err notch_peers_start(struct notch_peers *peers, struct notch_buf *problem);
void notch_peers_close(struct notch_peers *peers, void (*done)(void *arg));
void notch_peers_destroy(struct notch_peers *peers);

/* to: a peer; 0: everybody. */
void notch_peers_send(struct notch_peers *peers, uint64_t to, enum notch_node_message what, struct notch_bytes bytes);

/* The peer sent what is invalid. */
void notch_peers_reject(struct notch_peers *peers, uint64_t peer, struct notch_reject reject);

void notch_peers_stats(const struct notch_peers *peers, struct notch_p2p_stats *out);

#endif
