/*
 * node/daemon/daemon.h: the loop that drives a node: one thread for the core, others for disk, signatures and callers.
 *
 *      any thread -- request() --> inbox --+                       +--> REPLY: `replied`, on the loop's thread
 *      workers ------- WORKED -----------> | loop: handle, poll    |--> WORK: workers
 *      store thread -- DONE, FAILED -----> |       (node/core.h)   |--> PERSIST: store
 *      clock --------- TICK -------------> +-----------------------+--> HEAD, FINAL, ALARM: hooks
 *
 * This is all of notchd that is not about users: no configuration, no HTTP, no signals. A program that wants a node
 * inside itself (a benchmark, a test) uses it as notchd does.
 *
 * Lifecycle    create (memory) -> open (store, threads) -> run ... stop -> close -> destroy. close() works from any
 *              stage. run() starts the node, which may go through many bodies, then loops until stop(): no request is
 *              taken any more, those that were get their replies (CLOSED after drain_ms), and run() returns.
 * Ownership    Options are copied, what they point to is borrowed until destroy. What a request points to must stay
 *              until its reply; what a reply points to is valid during `replied` only.
 * Limits       requests_max requests without a reply, then BUSY; the rest is in node/core.h and chain/io/store.h.
 * Thread       create, open, run, close, destroy: one, the owner's. Everything else: any thread.
 * Errors       open and run fill in `failure`, which names what to do.
 */
#ifndef NOTCH_NODE_DAEMON_DAEMON_H
#define NOTCH_NODE_DAEMON_DAEMON_H

#include "chain/io/store.h"
#include "node/core.h"
#include "node/daemon/peers.h"

struct notch_daemon;

/* On the loop's thread. Must not block. */
typedef void (*notch_daemon_replied)(void *arg, const struct notch_reply *reply);

/* All on the loop's thread, all may be NULL. */
struct notch_daemon_hooks {
    void (*progress)(void *arg, uint64_t done, uint64_t total); /* while the node starts */
    void (*started)(void *arg);                                 /* the node runs */
    void (*head)(void *arg, const struct notch_block_ref *block);
    void (*final)(void *arg, const struct notch_block_ref *block);
    void (*alarm)(void *arg, const char *text);
    void (*beat)(void *arg); /* every second: the loop is alive */
    void *arg;
};

struct notch_daemon_options {
    const struct notch_genesis *genesis;
    const struct notch_domain *domain;
    const struct notch_crypto *crypto;
    const struct notch_alloc *alloc;      /* safe from any thread */
    const struct notch_log *log;          /* safe from any thread; may be NULL */
    const struct notch_signer *validator; /* may be NULL, as the next one: see node/core.h */
    const struct notch_signer *author;
    struct notch_siphash_key hash_key;        /* random */
    const struct notch_peers_config *network; /* NULL: the node is alone */
    const struct notch_signer *node_key;      /* with a network: the key by which peers know this node */
    uint64_t seed;                            /* with a network: random */
    bool clock_is_trusted;
    uint32_t in_flight_max; /* as in node/core.h, and likewise the next three */
    uint32_t in_flight_bytes_max;
    uint32_t batch_delay_ms;
    uint32_t layers_max;
    struct notch_store_options store; /* dir and sizes; the rest is filled in here */
    uint32_t workers;                 /* threads; 0: as many as there are processors */
    uint32_t requests_max;            /* without a reply; 0: 16384 */
    uint32_t drain_ms;                /* how long stop() waits for replies; 0: 5000 */
    struct notch_daemon_hooks hooks;
};

struct notch_daemon_failure {
    enum notch_err err;
    char text[640];
};

struct notch_daemon *notch_daemon_create(const struct notch_daemon_options *options);
void notch_daemon_destroy(struct notch_daemon *daemon);

NOTCH_MUST_USE enum notch_err notch_daemon_open(struct notch_daemon *daemon, struct notch_daemon_failure *failure);

/* OK after a stop(). Otherwise the node did not start. */
NOTCH_MUST_USE enum notch_err notch_daemon_run(struct notch_daemon *daemon, struct notch_daemon_failure *failure);
void notch_daemon_close(struct notch_daemon *daemon);

/*
 * Ends run(). While the node still starts, that is when the start is done: whoever cannot wait may end the process from
 * the progress hook, since a start writes nothing.
 */
void notch_daemon_stop(struct notch_daemon *daemon);
bool notch_daemon_is_stopping(const struct notch_daemon *daemon);

/* BUSY, or CLOSED once stopped: then `replied` is never called. Requests made before run() wait for it. */
NOTCH_MUST_USE enum notch_err notch_daemon_request(struct notch_daemon *daemon, const struct notch_request *request,
                                                   notch_daemon_replied replied, void *arg);

/* A view pinned, and the vital signs from before it was, so that what they call final is in it. info NULL: starting. */
struct notch_daemon_sight {
    const struct notch_store_view *view;
    const struct notch_node_info *info;
};
void notch_daemon_sight_take(struct notch_daemon *daemon, struct notch_daemon_sight *out);
void notch_daemon_sight_give(struct notch_daemon *daemon, const struct notch_daemon_sight *sight);

struct notch_daemon_stats {
    struct notch_store_stats store;
    uint64_t work_waiting;
    uint64_t work_ran;     /* by the workers */
    uint64_t work_by_loop; /* lone records that the loop checked itself */
    uint64_t requests_open;
    uint64_t wakes; /* of the loop */
};
void notch_daemon_stats(struct notch_daemon *daemon, struct notch_daemon_stats *out);

#endif
