/*
 * p2p/internal.h: what the parts of the network core offer each other; what they keep is in
 * p2p/parts.h and p2p/peer.h.
 *
 *   core.c     create, handle, poll, deadline; the queue of effects
 *   session.c  connections: handshake, pings, time limits, who has to make room
 *   receive.c  bytes to frames to messages; quotas; who handles which type
 *   queue.c    what waits for a peer, and how it is packed into frames
 *   gossip.c   items: duplicate cache, spreading, pulling
 *   mesh.c     the mesh, and what is told to those outside of it
 *   score.c    points, bans, memory of those who left
 *   dial.c     whom to connect to; addresses
 *   query.c    save, load, what operators see
 */
#ifndef NOTCH_P2P_INTERNAL_H
#define NOTCH_P2P_INTERNAL_H

#include "p2p/parts.h"

/* ---- core.c ---- */
struct notch_p2p_effect *notch__p2p_emit(struct notch_p2p *p2p, enum notch_p2p_effect_type type, uint64_t peer,
                                         struct notch__blob *blob);
struct notch__peer *notch__p2p_find(struct notch_p2p *p2p, uint64_t id);
uint32_t notch__p2p_place(const struct notch_p2p *p2p, const struct notch__peer *peer);
/* The used places from *at on; NULL at the end. */
struct notch__peer *notch__p2p_next(const struct notch_p2p *p2p, uint32_t *at);
/* Places of peers that are up and for which `wanted` holds, in random order; returns how many. */
typedef bool (*notch__p2p_filter)(struct notch_p2p *p2p, const struct notch__peer *peer, const void *context);
uint32_t notch__p2p_pick(struct notch_p2p *p2p, uint32_t out[NOTCH_P2P_PEERS_MAX], notch__p2p_filter filter,
                         const void *context);
static inline bool notch__bit(const struct notch__peer_bits *bits, uint32_t place)
{
    return (bits->words[place / 64] >> (place % 64) & 1) != 0;
}
static inline void notch__bit_set(struct notch__peer_bits *bits, uint32_t place)
{
    bits->words[place / 64] |= UINT64_C(1) << (place % 64);
}
static inline void notch__bit_clear(struct notch__peer_bits *bits, uint32_t place)
{
    bits->words[place / 64] &= ~(UINT64_C(1) << (place % 64));
}

/* ---- session.c ---- */
void notch__p2p_connected(struct notch_p2p *p2p, const struct notch_p2p_event *event);
void notch__p2p_hello(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_hello *hello);
void notch__p2p_ping(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message);
/* Says BYE and hangs up, or (driver closed it) only forgets. The place is free afterwards. */
void notch__p2p_close(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_reason reason);
void notch__p2p_gone(struct notch_p2p *p2p, struct notch__peer *peer, enum notch_p2p_reason reason);
void notch__p2p_check_time(struct notch_p2p *p2p);

/* ---- receive.c ---- */
void notch__p2p_receive(struct notch_p2p *p2p, struct notch__peer *peer, struct notch_bytes bytes);
void notch__p2p_send_to(struct notch_p2p *p2p, uint64_t peer, const struct notch_p2p_message *message);
void notch__p2p_check_requests(struct notch_p2p *p2p, struct notch__peer *peer);

/* ---- queue.c ---- */
struct notch__blob *notch__blob_new(struct notch_p2p *p2p, struct notch_bytes bytes);
struct notch__blob *notch__blob_ref(struct notch__blob *blob);
void notch__blob_drop(struct notch_p2p *p2p, struct notch__blob *blob);
/* Puts a message (copied) or an item (shared) behind the others of its class. */
void notch__p2p_send(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message);
void notch__p2p_send_item(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_hash *id,
                          const struct notch__item *item, uint8_t hops);
void notch__p2p_queues_clear(struct notch_p2p *p2p, struct notch__peer *peer);
/* The next frame that may go out; false if none may. */
bool notch__p2p_next_frame(struct notch_p2p *p2p, struct notch_p2p_effect *effect);
/* When a peer's queue that waits for company is due; UINT64_MAX if none waits. */
uint64_t notch__p2p_queue_due(const struct notch_p2p *p2p);

/* ---- gossip.c ---- */
void notch__p2p_items(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message);
void notch__p2p_ids(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message);
void notch__p2p_publish(struct notch_p2p *p2p, const struct notch_p2p_event *event);
void notch__p2p_verdict(struct notch_p2p *p2p, const struct notch_p2p_event *event);
void notch__p2p_check_wanted(struct notch_p2p *p2p);
void notch__p2p_list_add(struct notch_p2p *p2p, struct notch__peer *peer, enum notch__list list, uint8_t type,
                         const struct notch_hash *id);
void notch__p2p_lists_flush(struct notch_p2p *p2p);
/* A place is about to be free: nobody sits there who has or was asked for anything. */
void notch__p2p_forget_place(struct notch_p2p *p2p, const struct notch__peer *peer);
bool notch__p2p_takes(const struct notch__peer *peer, uint8_t type);

/* ---- mesh.c ---- */
void notch__p2p_mesh(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_mesh *mesh);
void notch__p2p_mesh_heartbeat(struct notch_p2p *p2p);

/* ---- score.c ---- */
int32_t notch__p2p_score(const struct notch_p2p *p2p, const struct notch__peer *peer);
enum notch__fault { NOTCH__FAULT_INVALID, NOTCH__FAULT_BEHAVIOUR };
/* Adds thousandths; the peer may be gone afterwards. */
void notch__p2p_fault(struct notch_p2p *p2p, struct notch__peer *peer, enum notch__fault kind, uint64_t milli);
void notch__p2p_ban(struct notch_p2p *p2p, const struct notch_key *key, uint64_t until);
void notch__p2p_decay(struct notch_p2p *p2p);
void notch__p2p_remember(struct notch_p2p *p2p, const struct notch__peer *peer);
void notch__p2p_recall(struct notch_p2p *p2p, struct notch__peer *peer);

/* ---- dial.c ---- */
void notch__p2p_dial(struct notch_p2p *p2p);
void notch__p2p_dial_over(struct notch_p2p *p2p, const struct notch_p2p_address *address, bool has_failed);
void notch__p2p_static(struct notch_p2p *p2p, const struct notch_p2p_address *address, bool is_wanted);
void notch__p2p_static_lost(struct notch_p2p *p2p, const struct notch_p2p_address *address, bool has_failed);
void notch__p2p_addresses(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message);
void notch__p2p_tell_addresses(struct notch_p2p *p2p, struct notch__peer *peer);
void notch__p2p_heard_of(struct notch_p2p *p2p, const struct notch_p2p_seen *seen,
                         const struct notch_p2p_address *source);

#endif
