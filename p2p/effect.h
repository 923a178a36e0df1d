/*
 * p2p/effect.h: what the network core asks of its driver. See p2p/p2p.h for the whole.
 *
 * Ownership    Every pointer in an effect is valid until the next notch_p2p_handle() or notch_p2p_poll().
 */
#ifndef NOTCH_P2P_EFFECT_H
#define NOTCH_P2P_EFFECT_H

#include "base/error.h"
#include "p2p/wire.h"

/* name, text for traces */
#define NOTCH_P2P_EFFECT_TABLE(X) \
    X(SEND, "send")             /* write these bytes to the peer, then answer SENT */ \
    X(DISCONNECT, "disconnect") /* close the connection once what was sent before is out; no DISCONNECTED is wanted */ \
    X(DIAL, "dial")             /* connect to an address; answer CONNECTED or DIAL_FAILED */ \
    X(BAN, "ban")             /* accept no connection of this key, or (key all zero) from this address, until then */ \
    X(PEER_UP, "peer-up")     /* the handshake is done */ \
    X(PEER_DOWN, "peer-down") /* a peer that was up is gone */ \
    X(STATUS, "status")       /* where a peer says it stands: in HELLO, PING and PONG */ \
    X(DELIVER, "deliver")     /* an item that is new here: check it, answer VERDICT */ \
    X(MESSAGE, "message")     /* a request, an answer, or DIRECT: for the node alone */ \
    X(ASKED, "asked")         /* a peer wants items that are not in the cache any more: the node may SEND_TO it */ \
    X(EXPIRED, "expired")     /* a request got no answer in time, or its peer is gone: ask another */

enum notch_p2p_effect_type {
#define X(name, text) NOTCH_P2P_EFFECT_##name,
    NOTCH_P2P_EFFECT_TABLE(X)
#undef X
};

/* name, value on the wire (in BYE), text. The ones of somebody's fault are marked in policy. */
#define NOTCH_P2P_REASON_TABLE(X) \
    X(NONE, 0, "none") \
    X(SHUTDOWN, 1, "shutting down") \
    X(OTHER_NETWORK, 2, "is of another network: its genesis differs") \
    X(VERSION, 3, "no protocol version in common") \
    X(SELF, 4, "it is this very node") \
    X(DUPLICATE, 5, "connected already") \
    X(SIGNATURE, 6, "its HELLO does not sign this channel") \
    X(HANDSHAKE_TIMEOUT, 7, "no HELLO in time") \
    X(MALFORMED, 8, "sent what is no message") \
    X(TOO_LARGE, 9, "sent a frame above the cap of its type") \
    X(UNEXPECTED, 10, "sent a message out of turn") \
    X(SILENT, 11, "answers no ping") \
    X(SLOW, 12, "reads too slowly") \
    X(SCORE, 13, "its score fell too low") \
    X(BANNED, 14, "is banned") \
    X(FULL, 15, "no room for another connection") \
    X(SUBNET, 16, "too many connections from its subnet") \
    X(EVICTED, 17, "made room for another") \
    X(FEELER, 18, "the feeler found it alive") \
    X(OPERATOR, 19, "the operator closed it") \
    X(FRAME_TIMEOUT, 20, "a frame took too long")

enum notch_p2p_reason {
#define X(name, value, text) NOTCH_P2P_REASON_##name = (value),
    NOTCH_P2P_REASON_TABLE(X)
#undef X
};

/* Why a connection is made: what limits it counts against. */
enum notch_p2p_purpose {
    NOTCH_P2P_INBOUND,    /* the other side dialled */
    NOTCH_P2P_FULL,       /* one of outbound_full */
    NOTCH_P2P_BLOCK_ONLY, /* no records, challenges or addresses: gives no hint of who is connected to whom */
    NOTCH_P2P_FEELER,     /* is the address alive? */
    NOTCH_P2P_STATIC      /* named by the operator: kept, dialled again, bound by no limit */
};

struct notch_p2p_effect {
    enum notch_p2p_effect_type type;
    uint64_t peer; /* 0 where none is meant */
    union {
        struct {
            struct notch_bytes bytes; /* whole frames */
        } send;
        struct {
            enum notch_p2p_reason reason;
        } disconnect; /* and PEER_DOWN */
        struct {
            struct notch_p2p_address address;
            enum notch_p2p_purpose purpose;
        } dial;
        struct {
            struct notch_key key;
            struct notch_p2p_address address;
            struct notch_time until;
            enum notch_p2p_reason reason;
        } ban;
        struct {
            struct notch_key key;
            struct notch_p2p_address address; /* of the connection */
            struct notch_p2p_address listen;  /* as it says itself; may be none */
            enum notch_p2p_purpose purpose;
            uint16_t version;
            uint32_t services;
            uint32_t capabilities;
        } up;
        struct {
            struct notch_key key;
            struct notch_p2p_status status;
        } status;
        struct {
            enum notch_p2p_type type;
            struct notch_hash id;
            struct notch_bytes bytes;
        } deliver;
        struct {
            struct notch_p2p_message message;
        } message;
        struct {
            struct notch_p2p_ids ids;
        } asked;
        struct {
            enum notch_p2p_type type; /* of the request */
            uint32_t token;
        } expired;
    };
};

/* "send", ...; and "OTHER_NETWORK", "is of another network..." ("UNKNOWN" for values of a later version). */
const char *notch_p2p_effect_name(enum notch_p2p_effect_type type);
const char *notch_p2p_reason_name(uint8_t reason);
const char *notch_p2p_reason_text(uint8_t reason);

#endif
