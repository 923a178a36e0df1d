/*
 * p2p/p2p.h: the network core: who we talk to, and who hears what. Events in, effects out, nothing else.
 *
 * It sees connections as numbers and bytes. TLS, sockets, names and timers are the driver's; what is valid on the
 * chain is the node's. In between the core does the handshake, takes frames apart, spreads items (each once, and
 * only those that the node accepted), keeps queues short, keeps scores, and keeps up enough connections.
 *
 *      driver                            core
 *        | -- CONNECTED 7, key, binding --> |
 *        | <-- SEND 7: HELLO -------------- |
 *        | -- BYTES 7 --------------------> |   its HELLO: network, version, signature over the channel
 *        | <-- PEER_UP 7, STATUS 7 -------- |
 *        | -- BYTES 7 --------------------> |   BATCHES
 *        | <-- DELIVER 7, id, bytes ------- |   new here
 *        | -- VERDICT id ACCEPT ----------> |
 *        | <-- SEND 9, SEND 12... --------- |   to the mesh; ids to the others
 *        | -- SENT 9, len ----------------> |   more may follow
 *        | -- PUBLISH votes --------------> |   overtakes what waits in the queues
 *
 * Time         `now` is in every event; an earlier one counts as the latest. deadline() says when a TICK is wanted.
 * Randomness   From the seed in the options: choice of peers, jitter, nonces. The same options and events give the
 *              same effects, byte for byte. (Bytes of compressed frames depend on the version of zstd.)
 * Memory       Bounded by the limits (p2p/options.h).
 * Errors       What is wrong with data from outside costs the peer points or the connection; there is no return
 *              value.
 * Ownership    The core copies what it keeps. An effect's pointers are valid until the next handle() or poll().
 * Thread       One at a time. handle() and poll() assert that they are not inside each other.
 * Source       design README section 3; consensus.md 3 and 6. p2p/README.md tells what is in which file.
 */
#ifndef NOTCH_P2P_P2P_H
#define NOTCH_P2P_P2P_H

#include "base/crypto.h"
#include "base/log.h"
#include "base/rng.h"
#include "p2p/effect.h"
#include "p2p/event.h"
#include "p2p/options.h"

#define NOTCH_P2P_VERSION_MIN 1
#define NOTCH_P2P_VERSION 1

struct notch_p2p;

struct notch_p2p_options {
    struct notch_hash genesis;
    const struct notch_crypto *crypto; /* borrowed; signs and checks one HELLO per connection */
    const struct notch_signer *signer; /* borrowed: the node key, which is in our certificate */
    const struct notch_alloc *alloc;
    const struct notch_log *log; /* may be NULL */
    uint64_t seed;
    struct notch_siphash_key hash_key; /* secret: of tables whose keys others choose */
    uint32_t services;                 /* NOTCH_SERVICE_* */
    uint32_t capabilities;             /* NOTCH_P2P_CAN_* */
    struct notch_p2p_address listen;   /* none: we do not listen, or do not tell */
    const char *agent;                 /* for people; at most NOTCH_P2P_AGENT_MAX */
    struct notch_p2p_limits limits;
};

/* The limits are valid (check). */
void notch_p2p_create(struct notch_p2p **out, const struct notch_p2p_options *options);
void notch_p2p_destroy(struct notch_p2p *p2p);

/* Takes one event. */
void notch_p2p_handle(struct notch_p2p *p2p, const struct notch_p2p_event *event);

/* Gives the next effect; false when there is none. */
bool notch_p2p_poll(struct notch_p2p *p2p, struct notch_p2p_effect *effect);

/* When the next TICK is wanted. */
struct notch_time notch_p2p_deadline(const struct notch_p2p *p2p);

/*
 * Addresses, bans and anchors as bytes, for a restart. Loading is done right after create, before any event: into an
 * empty book. Bytes that were not saved by this code are refused, and nothing changes.
 */
void notch_p2p_save(const struct notch_p2p *p2p, struct notch_buf *out);
NOTCH_MUST_USE struct notch_reject notch_p2p_load(struct notch_p2p *p2p, struct notch_bytes bytes);

/* ---- what `getpeers`, `listbans` and the metrics show; values as of the last handle() ---- */

struct notch_p2p_peer_info {
    uint64_t peer;
    struct notch_key key;
    struct notch_p2p_address address;
    enum notch_p2p_purpose purpose;
    uint16_t version;
    uint32_t services;
    uint32_t capabilities;
    bool is_up;
    bool is_in_mesh;
    int32_t score;
    uint32_t ping_ms; /* the last; 0: none yet */
    struct notch_time since;
    struct notch_p2p_status status;
    uint64_t bytes_in, bytes_out;
    uint32_t queued_bytes;
    char agent[NOTCH_P2P_AGENT_MAX + 1];
};

/* Walks the peers: start with *at = 0; false at the end. */
bool notch_p2p_next_peer(const struct notch_p2p *p2p, size_t *at, struct notch_p2p_peer_info *out);

struct notch_p2p_stats {
    uint32_t peers_up;
    uint32_t inbound, outbound;
    uint32_t mesh;
    uint32_t bans;
    uint32_t addresses_new, addresses_tried;
    uint64_t published, delivered, relayed;  /* items */
    uint64_t duplicates;                     /* items that were here already */
    uint64_t pulled;                         /* items that came because we asked */
    uint64_t dropped[NOTCH_P2P_CLASS_COUNT]; /* messages that a full queue lost */
    uint64_t limited[NOTCH_P2P_CLASS_COUNT]; /* items over a peer's quota */
    uint64_t invalid;                        /* items that the node rejected */
    uint64_t frames_bad;
    uint64_t bytes_in, bytes_out;
    uint32_t queued_bytes, queued_bytes_peak; /* of the fullest peer */
    uint32_t cached_items, cached_bytes;
    uint32_t wanted;
};
void notch_p2p_stats(const struct notch_p2p *p2p, struct notch_p2p_stats *out);

bool notch_p2p_is_banned(const struct notch_p2p *p2p, const struct notch_key *key);

#endif
