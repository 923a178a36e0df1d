/* p2p/io/net_internal.h: what net.c (who may connect) and link.c (one connection) share. */
#ifndef NOTCH_P2P_IO_NET_INTERNAL_H
#define NOTCH_P2P_IO_NET_INTERNAL_H

#include "p2p/io/net.h"

#include <uv.h>

#define NOTCH__BANS_MAX 256

enum notch__link_state {
    NOTCH__LINK_CONNECTING,
    NOTCH__LINK_SHAKING,
    NOTCH__LINK_UP,
    NOTCH__LINK_ENDING, /* what is unsent goes out; what comes is thrown away until the other side closes, too */
    NOTCH__LINK_CLOSED  /* until the loop lets go of it */
};

struct notch__link {
    uv_tcp_t tcp; /* its data is this link */
    uv_connect_t connecting;
    uv_write_t writing;
    uv_shutdown_t shutting;
    bool is_shut; /* for writing */
    struct notch_net *net;
    struct notch__link *next;
    struct notch__link *prev;
    uint64_t number;
    enum notch__link_state state;
    enum notch_p2p_purpose purpose;
    struct notch_p2p_address address;
    struct notch_tls_session *session; /* NULL while connecting */
    struct notch_buf cipher;           /* with the operating system; empty: nothing is */
    size_t plain_unsent;               /* bytes of SEND not yet answered by SENT, and not in `cipher` */
    size_t plain_writing;              /* the same, in `cipher` */
    uint64_t since_ms;
    uint64_t taken_ms; /* when the other side last took something, or there was nothing to take */
};

struct notch__listener {
    uv_tcp_t tcp;
    struct notch_net *net;
    struct notch__listener *next;
};

struct notch__ban {
    struct notch_key key;
    struct notch_p2p_address address;
    struct notch_time until;
};

struct notch_net {
    struct notch_net_options options;
    struct notch__listener *listeners;
    struct notch__link *links;
    uint64_t numbers; /* the last one given */
    uv_timer_t timer;
    uint32_t handles; /* that the loop still holds */
    bool closing;
    void (*done)(void *arg);
    struct notch__ban bans[NOTCH__BANS_MAX];
    size_t ban_at; /* the oldest, which the next one replaces */
    struct notch_buf plain;
    uint8_t chunk[65536]; /* what the loop reads into: used up in the callback */
    struct notch_net_stats stats;
};

/* net.c */
void notch__net_event(struct notch_net *net, struct notch_p2p_event *event);
bool notch__net_is_banned(const struct notch_net *net, const struct notch_key *key,
                          const struct notch_p2p_address *address);
void notch__net_released(struct notch_net *net); /* one handle less */

/* link.c */
struct notch__link *notch__link_create(struct notch_net *net, enum notch_p2p_purpose purpose);
void notch__link_accepted(struct notch__link *link);
void notch__link_dial(struct notch__link *link, const struct sockaddr *to);
void notch__link_send(struct notch__link *link, struct notch_bytes plain);
void notch__link_end(struct notch__link *link);
void notch__link_check(struct notch__link *link); /* its deadlines */
void notch__link_close(struct notch__link *link, const char *why);

#endif
