/*
 * p2p/event.h: what the driver tells the network core. See p2p/p2p.h for the whole.
 *
 * Ownership    The core copies what it keeps: everything that an event points to is needed during handle() only.
 */
#ifndef NOTCH_P2P_EVENT_H
#define NOTCH_P2P_EVENT_H

#include "p2p/effect.h"

#define NOTCH_P2P_EVENT_TABLE(X) \
    X(TICK, "tick") \
    X(CONNECTED, "connected")       /* TLS is up, both certificates checked */ \
    X(DIAL_FAILED, "dial-failed")   /* answers DIAL */ \
    X(BYTES, "bytes")               /* from the peer, in any pieces */ \
    X(SENT, "sent")                 /* answers SEND: the bytes are with the operating system */ \
    X(DISCONNECTED, "disconnected") /* the other side, or the driver, closed it */ \
    X(PUBLISH, "publish")           /* an item of our own, or one that the node vouches for */ \
    X(VERDICT, "verdict")           /* answers DELIVER */ \
    X(SEND_TO, "send-to")           /* a request, an answer or DIRECT, to one peer */ \
    X(FAULT, "fault")               /* the node found that a peer sent what is invalid */ \
    X(RATE, "rate")                 /* points for a key, from the node: weight in the set, usefulness */ \
    X(MOVED, "moved")               /* our own place on the chain changed: what HELLO and PING say */ \
    X(ADDRESSES, "addresses")       /* from DNS seeds, the configuration, or the local network */ \
    X(STATIC, "static")             /* keep a connection to this address, or no longer */ \
    X(CLOSE, "close")               /* the operator, or a shutdown */ \
    X(BANNED, "banned")             /* the operator bans a key, or lifts a ban */

enum notch_p2p_event_type {
#define X(name, text) NOTCH_P2P_EVENT_##name,
    NOTCH_P2P_EVENT_TABLE(X)
#undef X
};

enum notch_p2p_verdict {
    NOTCH_P2P_ACCEPT, /* valid: relay it */
    NOTCH_P2P_IGNORE, /* neither: late, full, not for us. Not relayed, nobody's fault */
    NOTCH_P2P_REJECT  /* invalid: the sender's fault */
};

struct notch_p2p_event {
    enum notch_p2p_event_type type;
    uint64_t seq; /* one more than the event before */
    struct notch_time now;
    uint64_t peer; /* the driver's number of a connection; never 0, never used again */
    union {
        struct {
            struct notch_key key;             /* the node key in its certificate */
            uint8_t binding[32];              /* RFC 9266, of this TLS session */
            struct notch_p2p_address address; /* of the other end */
            enum notch_p2p_purpose purpose;   /* as in DIAL; INBOUND for accepted ones */
        } connected;
        struct {
            struct notch_p2p_address address;
        } dial_failed;
        struct {
            struct notch_bytes bytes;
        } bytes;
        struct {
            size_t len;
        } sent;
        struct {
            enum notch_p2p_type type;
            struct notch_bytes bytes;
            uint64_t to; /* this peer alone, and no further; 0: as the strategy of its class says */
        } publish;
        struct {
            struct notch_hash id;
            enum notch_p2p_verdict verdict;
        } verdict;
        struct {
            const struct notch_p2p_message *message; /* the token of a request is the node's, unique while open */
        } send_to;
        struct {
            uint32_t points; /* 1: doubtful; 10: invalid; 100: no honest node does this */
        } fault;
        struct {
            struct notch_key key;
            int32_t points; /* replaces what was said before; within +-100 */
        } rate;
        struct {
            struct notch_p2p_status status;
        } moved;
        struct {
            const struct notch_p2p_seen *seen;
            size_t count;
            struct notch_p2p_address source; /* who says so; none: ourselves */
        } addresses;
        struct {
            struct notch_p2p_address address;
            bool is_wanted;
        } fixed;
        struct {
            enum notch_p2p_reason reason;
        } close; /* of `peer`; 0: of all, and no new ones */
        struct {
            struct notch_key key;
            struct notch_time until; /* zero: lift it */
        } banned;
    };
};

/* "tick", ... */
const char *notch_p2p_event_name(enum notch_p2p_event_type type);

#endif
