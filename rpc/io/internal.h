/*
 * rpc/io/internal.h: the parts of the server, as they see each other. Not for anybody outside of rpc/io.
 *
 *   auth      who calls: cookie, users, rate
 *   waiting   requests that are with the node, by token
 *   http      one HTTP request: checks, body, response
 *   pages     /health, /metrics and the page
 *   socket    the thread of the WebSockets
 *
 * Locks, never held together: `waiting.lock` for the table of tokens, `auth.lock` for credentials, `sockets.lock` for
 * what is handed to the thread of the WebSockets.
 */
#ifndef NOTCH_RPC_IO_INTERNAL_H
#define NOTCH_RPC_IO_INTERNAL_H

#include "base/map.h"
#include "rpc/io/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/* Where the time of a request goes, and how requests end. Written by many threads. */
struct notch__counters {
    _Atomic uint64_t http_requests;
    _Atomic uint64_t http_errors; /* answered with 4xx or 5xx */
    _Atomic uint64_t calls;
    _Atomic uint64_t call_errors;
    _Atomic uint64_t sockets_opened;
    _Atomic uint64_t sockets_slow; /* dropped: they did not read */
    _Atomic uint64_t notes;
    _Atomic uint64_t buckets[NOTCH_METRICS_BOUNDS + 1];
    _Atomic uint64_t sum_us;
};

/* Somebody whose exchange waits for the node. */
struct notch__waiter {
    struct notch_server *server;
    struct notch_exchange *exchange;
    uint32_t awaited;
    void (*ready)(struct notch__waiter *waiter); /* nothing is awaited any more: any thread, no lock held */
};

struct notch__ticket {
    struct notch__waiter *waiter;
    uint32_t index;
};

struct notch__waiting {
    pthread_mutex_t lock;
    struct notch_map tickets; /* token -> struct notch__ticket */
    uint64_t token;
    uint32_t waiters;
    bool stopping;
};

#define NOTCH__COOKIE_HEX 64
#define NOTCH__USERS_MAX 64

struct notch__credential {
    bool verified; /* `digest` is that of a password that was found right */
    uint8_t digest[32];
    uint64_t tokens_ms; /* of the rate: a request costs 1000 / rate */
    uint64_t at_ms;
};

struct notch__auth {
    pthread_mutex_t lock;
    char cookie[NOTCH__COOKIE_HEX + 1];
    char cookie_header[128]; /* the whole Authorization that it makes: what nearly every request shows */
    bool has_cookie;         /* set before there are threads */
    bool cookie_is_written;  /* the owner's alone */
    uint8_t key[32];         /* of the digests */
    struct notch__credential credentials[NOTCH__USERS_MAX + 1]; /* the cookie's, then the users' */
    uint64_t hashing_since_ms;
    unsigned hashings;
};

struct notch__sockets;

struct notch_server {
    struct notch_server_options options;
    struct MHD_Daemon *daemon;
    struct notch__waiting waiting;
    struct notch__auth auth;
    struct notch__sockets *sockets;
    struct notch__counters counters;
    char error[256]; /* what the HTTP library said last, for `detail` */
};

uint64_t notch__now_us(void);

/* ---- auth.c ---- */

enum notch__auth_verdict { NOTCH__AUTH_OK, NOTCH__AUTH_UNKNOWN, NOTCH__AUTH_TOO_FAST };

void notch__auth_init(struct notch_server *server);
void notch__auth_fini(struct notch_server *server);

/* Draws the cookie: before there are threads. Writing it to its file comes when the port is ours. */
void notch__cookie_make(struct notch_server *server);
NOTCH_MUST_USE enum notch_err notch__cookie_write(struct notch_server *server, const char **detail);
void notch__cookie_remove(struct notch_server *server);

/* `header` is the value of Authorization, or NULL. */
enum notch__auth_verdict notch__auth_check(struct notch_server *server, const char *header, enum notch_rpc_role *role);

/* ---- waiting.c ---- */

void notch__waiting_init(struct notch_server *server);
void notch__waiting_fini(struct notch_server *server);

/*
 * Hands out the requests of the exchange. false: there are none, or all were refused at once, and the exchange can be
 * finished. true: `suspend(arg)` was called first, and `ready` will be, perhaps before this returns.
 */
bool notch__waiting_send(struct notch__waiter *waiter, void (*suspend)(void *arg), void *arg);

/* Answers all that wait with CLOSED, and refuses more. */
void notch__waiting_stop(struct notch_server *server);

/* ---- http.c ---- */

enum MHD_Result notch__http_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                   const char *version, const char *data, size_t *len, void **request);
void notch__http_done(void *arg, struct MHD_Connection *connection, void **request,
                      enum MHD_RequestTerminationCode code);

/* Counts an exchange that was finished. */
void notch__count(struct notch_server *server, const struct notch_exchange *exchange);
void notch__observe(struct notch_server *server, uint64_t since_us);

/* ---- pages.c ---- */

/* Appends the page and returns its status. */
unsigned notch__page_health(struct notch_server *server, struct notch_buf *out);
void notch__page_metrics(struct notch_server *server, struct notch_buf *out);
void notch__page_root(struct notch_buf *out);

/* ---- handshake.c ---- */

/* The value of Sec-WebSocket-Accept for a key (RFC 6455, 4.2.2); false: not a key. out holds 29 bytes. */
bool notch__handshake_accept(char out[29], const char *key);

/* Whether a comma-separated header holds a token, whatever its case. */
bool notch__header_has(const char *value, const char *token);

/* Whether a Host header names this machine. */
bool notch__host_is_ours(const struct notch_server *server, const char *host);

/* ---- socket.c ---- */

NOTCH_MUST_USE enum notch_err notch__sockets_start(struct notch_server *server);

/* stop() ends the thread and its connections; free() comes when no other thread is left that could hand anything in. */
void notch__sockets_stop(struct notch_server *server);
void notch__sockets_free(struct notch_server *server);

/* Takes over an upgraded connection, with what was read from it already; false: no room. */
bool notch__sockets_add(struct notch_server *server, struct MHD_UpgradeResponseHandle *handle, int fd,
                        enum notch_rpc_role role, struct notch_bytes extra);
void notch__sockets_note(struct notch_server *server, enum notch_rpc_stream stream,
                         const struct notch_block_ref *block);
uint32_t notch__sockets_count(struct notch_server *server);

#endif
