/*
 * rpc/exchange.h: one JSON-RPC 2.0 body in, one response text out, and the requests to the node that it takes in
 * between.
 *
 *      body -> [ exchange ] -> requests to the node (node/api.h) -> replies -> [ exchange ] -> response text
 *
 * Nothing here blocks or meets a socket. Reads of what is final are answered at once, from a view of the store;
 * whatever needs the node is a request that the driver hands over, and comes back as a reply. A driver does:
 *
 *      exchange = notch_exchange_create(rpc, caller)
 *      notch_exchange_run(exchange, sight, body)                        parses, runs what it can
 *      while ((request = notch_exchange_request(exchange)) != NULL)     gives each to the node, under a token of its
 *      own
 *      notch_exchange_take(exchange, index, reply) for each             copies the reply: on the thread that has it
 *      notch_exchange_finish(exchange, sight)                           once nothing is awaited
 *      notch_exchange_text(exchange), notch_exchange_outcome(exchange)
 *
 * The calls of a batch request run in order; their requests to the node go out together, so that a batch of submissions
 * waits for the disk once. Nothing is stored where anything is wrong with a call: its parameters are checked before its
 * request is made.
 *
 * Errors in a response: {"code", "message", "data": {"reason": ...}}
 *      -32700 parse error       -32600 invalid request     -32601 method not found
 *      -32602 invalid params    -32603 internal error      and own ones, enum notch_rpc_code
 * `reason` is for people: it names the parameter, what was expected and, where there is one, the remedy.
 *
 * Invariants   One response for each call that has an id; none for a notification, and no text at all where all were.
 *              The response is valid JSON whatever the body was.
 * Ownership    The exchange owns its memory; requests point into it and stay valid until the reply is taken, so an
 *              exchange is destroyed only when nothing is awaited. rpc outlives its exchanges and borrows what its
 *              options name.
 * Limits       In the options. Nesting deeper than NOTCH_RPC_DEPTH_MAX is a parse error.
 * Thread       struct notch_rpc: made once, then read by any thread. An exchange: one thread at a time; the hand-over
 *              between threads is the driver's, and take() may run on another thread than run() and finish().
 * Source       JSON-RPC 2.0 specification; OpenRPC 1.2.6 for rpc.discover; design section 5.
 */
#ifndef NOTCH_RPC_EXCHANGE_H
#define NOTCH_RPC_EXCHANGE_H

#include "base/crypto.h"
#include "base/hash.h"
#include "chain/genesis.h"
#include "chain/store.h"
#include "node/api.h"
#include "rpc/method.h"

#define NOTCH_RPC_DEPTH_MAX 32

/* Our own error codes. */
enum notch_rpc_code {
    NOTCH_RPC_NOT_FOUND = -32001,   /* no such block, record, entry, ... among what is final */
    NOTCH_RPC_REFUSED = -32002,     /* data is invalid: data.code is the name of the reject */
    NOTCH_RPC_FORBIDDEN = -32003,   /* the caller's role does not allow the method */
    NOTCH_RPC_UNAVAILABLE = -32004, /* this node cannot do it: no author key, no proof for that yet, disk failed */
    NOTCH_RPC_BUSY = -32005,        /* too much at once: try again */
    NOTCH_RPC_TOO_LARGE = -32006,   /* body, batch or response beyond the limits */
};

struct notch_rpc;
struct notch_exchange;

struct notch_rpc_options {
    const struct notch_genesis *genesis; /* borrowed, as the next two */
    const struct notch_domain *domain;
    const struct notch_crypto *crypto;
    const struct notch_alloc *alloc; /* safe from any thread */
    const char *version;             /* of the program; borrowed */
    const char *config;              /* what getconfig answers: a JSON object without secrets; borrowed */
    uint32_t body_bytes_max;         /* 0: the default, 4 MiB */
    uint32_t response_bytes_max;     /* 0: the default, 32 MiB */
    uint32_t batch_max;              /* calls in one batch request; 0: the default, 256 */
};

/* INVALID: config is no JSON object. */
NOTCH_MUST_USE enum notch_err notch_rpc_create(struct notch_rpc **out, const struct notch_rpc_options *options);
void notch_rpc_destroy(struct notch_rpc *rpc);
const struct notch_rpc_options *notch_rpc_options(const struct notch_rpc *rpc);

/*
 * What can be seen while a call runs: a pinned view, and the node's vital signs as they were before the view was
 * pinned, so that what they call final is in it. Both stay as they are during the call.
 */
struct notch_rpc_sight {
    const struct notch_store_view *view;
    const struct notch_node_info *info;
};

/* Streams of a WebSocket; the bits of a set of them. The names in JSON are these, in lower case. */
enum notch_rpc_stream { NOTCH_RPC_BLOCKS = 1, NOTCH_RPC_FINALITY = 2, NOTCH_RPC_RECORDS = 4 };
#define NOTCH_RPC_STREAMS_ALL 7u
const char *notch_rpc_stream_name(enum notch_rpc_stream stream);

struct notch_rpc_caller {
    enum notch_rpc_role role;
    uint32_t *streams; /* what is subscribed to; NULL: not a WebSocket */
};

struct notch_exchange *notch_exchange_create(const struct notch_rpc *rpc, const struct notch_rpc_caller *caller);
void notch_exchange_destroy(struct notch_exchange *exchange);

/* Once, first. The body is not needed afterwards. */
void notch_exchange_run(struct notch_exchange *exchange, const struct notch_rpc_sight *sight, struct notch_bytes body);

/* The next request for the node; NULL when there is none left. *index names it in take(); `token` is the driver's to
 * set. */
struct notch_request *notch_exchange_request(struct notch_exchange *exchange, uint32_t *index);

/* Copies what the reply says. For a request that could not be handed over: a reply with an err. */
void notch_exchange_take(struct notch_exchange *exchange, uint32_t index, const struct notch_reply *reply);

/* How many requests were given out and not yet answered. */
uint32_t notch_exchange_awaited(const struct notch_exchange *exchange);

/* Makes the response. Nothing is awaited. */
void notch_exchange_finish(struct notch_exchange *exchange, const struct notch_rpc_sight *sight);

enum notch_exchange_outcome {
    NOTCH_EXCHANGE_ANSWER,    /* the text is the response; errors of calls are inside */
    NOTCH_EXCHANGE_SILENT,    /* nothing but notifications: no response */
    NOTCH_EXCHANGE_FORBIDDEN, /* the text says so: a single call that the role does not allow */
    NOTCH_EXCHANGE_TOO_LARGE  /* the text says so: the body is beyond the limit */
};
enum notch_exchange_outcome notch_exchange_outcome(const struct notch_exchange *exchange);

/* Valid until the exchange is destroyed. */
struct notch_bytes notch_exchange_text(const struct notch_exchange *exchange);

/* The text as a buffer of its own, which the caller gives back with notch_buf_fini(); the exchange has none then. */
struct notch_buf notch_exchange_detach(struct notch_exchange *exchange);

/* Whether a `stop` was accepted: the driver stops once the response is out. */
bool notch_exchange_stops(const struct notch_exchange *exchange);

/* How many calls there were, and how many of them ended in an error: for the counters. */
void notch_exchange_counts(const struct notch_exchange *exchange, uint32_t *calls, uint32_t *errors);

/* A whole response that reports one error and belongs to no call: for a driver that refuses before there is an
 * exchange. */
void notch_rpc_error_text(struct notch_buf *out, int code, const char *message, const char *reason);

/* Notifications of the streams: {"jsonrpc":"2.0","method":"blocks","params":{"seq":...,...}}, appended. */
void notch_rpc_note_block(struct notch_buf *out, enum notch_rpc_stream stream, uint64_t seq,
                          const struct notch_block_ref *block);

/* The records of one final block, at most NOTCH_RPC_NOTE_RECORDS from ordinal `first` on; *next is where to go on, 0 at
 * the end. */
#define NOTCH_RPC_NOTE_RECORDS 1000
NOTCH_MUST_USE enum notch_err notch_rpc_note_records(const struct notch_rpc *rpc, struct notch_buf *out, uint32_t *next,
                                                     uint64_t seq, const struct notch_store_view *view,
                                                     struct notch_height height, uint32_t first);

#endif
