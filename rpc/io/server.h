/*
 * rpc/io/server.h: the RPC on the network: HTTP, WebSocket, who may call, and how much.
 *
 *      POST /         JSON-RPC 2.0 (rpc/exchange.h)          GET /health    200, or 503 with the reason
 *      GET  /         a small page that says what this is    GET /metrics   Prometheus text
 *      GET  /ws       WebSocket: JSON-RPC, and streams
 *
 * HTTP threads (libmicrohttpd, epoll) answer what a view of the store can answer. A call that needs the node suspends
 * its connection: the request goes out through `request`, and the reply comes in through notch_server_reply(), which
 * only copies it and wakes the connection. One more thread serves the WebSockets. No thread ever waits for another.
 *
 * Who may call: HTTP Basic, on / by POST and on /ws, with the cookie (user "__cookie__", role operate; the file is made
 * anew at start, 0600, and removed at stop) or a user of the options with an Argon2id hash. /health, /metrics and the
 * page tell nothing secret and are open, /metrics unless `metrics_private`. 401 without a good credential, 403 where
 * the role does not suffice, where the Host header names neither an address, nor localhost, nor one of `hosts` (DNS
 * rebinding), or where an Origin header comes from elsewhere (no CORS); 413 beyond body_bytes_max, 429 beyond the rate.
 *
 * Lifecycle    create (memory) -> start (cookie, socket, threads) -> stop -> destroy. stop() works from any stage: it
 *              answers every request that still waits for the node with CLOSED, closes all connections and joins the
 *              threads. The driver must look at no request any more that it was given and has not handed to the node by
 *              then; `request` answers CLOSED from then on.
 * Ownership    Options are copied at create, but what they point to is borrowed until destroy.
 * Limits       In the options: connections, body, queue of a WebSocket (a reader too slow for it is dropped, with the
 *              reason "slow reader"), waiting requests, requests per second and credential.
 * Thread       create, start, stop, destroy: the owner's. reply, head, final: one thread at a time, any. The callbacks
 *              are called from many threads at once.
 * Errors       ADDRESS_IN_USE, PERMISSION, IO, INVALID; *detail says more, for a user.
 */
#ifndef NOTCH_RPC_IO_SERVER_H
#define NOTCH_RPC_IO_SERVER_H

#include "base/log.h"
#include "rpc/exchange.h"
#include "rpc/metrics.h"

struct notch_server;

#define NOTCH_SERVER_PASSWORD_HASH_MAX 128

struct notch_server_user {
    const char *name;
    enum notch_rpc_role role;
    const char *hash; /* Argon2id as text ("$argon2id$v=19$..."), notch_server_hash_password() */
};

struct notch_server_options {
    const struct notch_rpc *rpc;
    const struct notch_alloc *alloc; /* safe from any thread */
    const struct notch_log *log;     /* safe from any thread; may be NULL */
    const char *bind;                /* a numeric address; NULL: 127.0.0.1 */
    bool allow_remote;               /* else an address that is not loopback is refused: INVALID */
    uint16_t port;                   /* 0: a free one, see notch_server_port() */
    const char *cookie_path;         /* NULL: no cookie */
    const struct notch_server_user *users;
    size_t user_count;
    const char *const *hosts; /* names by which the Host header may call this machine, besides localhost */
    size_t host_count;
    bool metrics_private;             /* /metrics asks for a credential too */
    uint32_t threads;                 /* of HTTP; 0: the default, 2 */
    uint32_t connections_max;         /* 0: 1024 */
    uint32_t idle_s_max;              /* 0: 30 */
    uint32_t waiting_max;             /* HTTP requests that wait for the node; 0: 1024 */
    uint32_t sockets_max;             /* WebSockets; 0: 256 */
    uint32_t socket_queue_bytes_max;  /* unsent, to one WebSocket: at half of it no more calls are read; 0: 8 MiB */
    uint32_t socket_stall_s_max;      /* for which one may take nothing of what is unsent; 0: 20 */
    uint32_t requests_per_second_max; /* of one credential; 0: no limit */

    /* Any thread. What sight_take gives stays until sight_give. info NULL: the node is starting. */
    void (*sight_take)(void *arg, struct notch_rpc_sight *out);
    void (*sight_give)(void *arg, const struct notch_rpc_sight *sight);

    /*
     * Any thread: hands a request to the node. What it points to stays until the reply, which carries its token; the
     * struct itself is copied here. Anything but OK: no reply will come (BUSY: the queue is full; CLOSED: stopping).
     */
    enum notch_err (*request)(void *arg, const struct notch_request *request);

    /* Any thread: somebody allowed to called `stop`. The response is on its way. */
    void (*stop)(void *arg);

    /* Any thread: appends families of the driver's own, of the store and the pools (rpc/metrics.h). May be NULL. */
    void (*metrics)(void *arg, struct notch_buf *out);
    void *arg;
};

NOTCH_MUST_USE enum notch_err notch_server_create(struct notch_server **out, const struct notch_server_options *options,
                                                  const char **detail);
void notch_server_destroy(struct notch_server *server);

NOTCH_MUST_USE enum notch_err notch_server_start(struct notch_server *server, const char **detail);
void notch_server_stop(struct notch_server *server);

/* Where it listens, once started. */
uint16_t notch_server_port(const struct notch_server *server);

/* The node's reply to a request of this server; others are ignored. Copies, and returns at once. */
void notch_server_reply(struct notch_server *server, const struct notch_reply *reply);

/* For the streams: another head; and final blocks, whose records are in the view that sight_take gives from now on. */
void notch_server_head(struct notch_server *server, const struct notch_block_ref *block);
void notch_server_final(struct notch_server *server, const struct notch_block_ref *block);

/* The text of an Argon2id hash for `[rpc] user`: 64 MiB, 2 passes. CRYPTO where there is no memory for it. */
NOTCH_MUST_USE enum notch_err notch_server_hash_password(char out[NOTCH_SERVER_PASSWORD_HASH_MAX], const char *password,
                                                         size_t len);

#endif
