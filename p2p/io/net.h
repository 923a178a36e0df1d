/*
 * p2p/io/net.h: the sockets of a node: it listens, dials, carries TLS, and turns all of it into events of p2p/event.h.
 *
 *      core  -- DIAL, SEND, DISCONNECT, BAN -->  net  -- TCP, TLS -->  others
 *      core  <-- CONNECTED, DIAL_FAILED, BYTES, SENT, DISCONNECTED --
 *
 * A connection is told of once its TLS is up (p2p/io/tls.h); what fails before that was never there, but for its
 * DIAL_FAILED. Connections have numbers that are never used again.
 *
 * Limits       Before TLS is up nobody has a name, so room is by address: so many handshakes at a time, so many of
 *              one group (p2p/address.h), each for so long. Afterwards a connection that takes nothing of what is
 *              unsent for stall_ms_max, or leaves more than unsent_bytes_max, is closed. How many connections there may
 *              be, and who is worth one, is the core's.
 * Units        ms of the loop's clock; `now` of the options is the time of day, for bans alone.
 * Ownership    The options' pointers are borrowed until close_all() has called back.
 * Errors       listen(): ADDRESS_IN_USE, PERMISSION, IO, with a text. All else is an event or a log line.
 * Thread       The loop's. Events come from within its callbacks and from perform(); their receiver may call perform().
 */
#ifndef NOTCH_P2P_IO_NET_H
#define NOTCH_P2P_IO_NET_H

#include "base/log.h"
#include "p2p/effect.h"
#include "p2p/event.h"
#include "p2p/io/tls.h"

struct uv_loop_s;
struct notch_net;

struct notch_net_options {
    struct uv_loop_s *loop;
    struct notch_tls *tls;
    const struct notch_alloc *alloc;
    const struct notch_log *log;   /* may be NULL */
    uint32_t handshakes_max;       /* accepted and not up yet; 0: 64 */
    uint32_t handshakes_group_max; /* of one group; 0: 8 */
    uint32_t handshake_ms_max;     /* to be up, also of what is dialled; 0: 10,000 */
    uint32_t stall_ms_max;         /* 0: 30,000 */
    uint32_t unsent_bytes_max;     /* 0: 8 MiB */
    struct notch_time (*now)(void *arg);
    /* seq and now are the receiver's to fill in. What it points to is valid during the call. */
    void (*event)(void *arg, struct notch_p2p_event *event);
    void *arg;
};

NOTCH_MUST_USE enum notch_err notch_net_create(struct notch_net **out, const struct notch_net_options *options);

/* Any number of times. Port 0: any; *address then says which. *detail: a literal, when it fails. */
NOTCH_MUST_USE enum notch_err notch_net_listen(struct notch_net *net, struct notch_p2p_address *address,
                                               const char **detail);

/* SEND, DISCONNECT, DIAL and BAN; of a connection that is gone: nothing happens. Other effects are not for it. */
void notch_net_perform(struct notch_net *net, const struct notch_p2p_effect *effect);

/* Ends all connections, listens no more, gives no more events; done() when the loop has nothing of it left. */
void notch_net_close_all(struct notch_net *net, void (*done)(void *arg));

/* After done(). */
void notch_net_destroy(struct notch_net *net);

struct notch_net_stats {
    uint32_t links;   /* of any state */
    uint32_t shaking; /* accepted, not up */
    uint64_t accepted, dialled;
    uint64_t refused; /* for want of room, or banned */
    uint64_t failed;  /* handshakes */
    uint64_t stalled; /* closed because nothing was taken */
};
void notch_net_stats(const struct notch_net *net, struct notch_net_stats *out);

#endif
