/*
 * node/core.h: the one machine: consensus, ledger and record intake composed, with one door in and one door out.
 *
 *        events                                            effects
 *   TICK  REQUEST  WORKED  DONE  FAILED  ->  [ node core ]  ->  PERSIST  WORK  REPLY  SEND  HEAD  FINAL  ALARM
 *   PEER_UP  PEER_DOWN  MESSAGE          ->                 ->  REJECT
 *
 * A driver (node/daemon, or tests/sim) does forever: handle all events that are there, poll until there is no effect
 * left, carry the effects out, wait until the next event or notch_node_deadline(). Nothing here blocks, reads a clock,
 * draws a random number or touches a file; reads of the store go through the view given at create.
 *
 *   intake     SUBMIT -> WORK (another thread checks form and signature) -> WORKED -> batch -> PERSIST -> DONE ->
 *              acknowledged
 *   chain      consensus proposes from pending batches, votes after PERSIST, and says what is final
 *   ledger     executes blocks as layers over the last final block; FINAL flushes one layer to the keys
 *   peers      a MESSAGE is decoded, what is signed in it goes through WORK, and only then the parts hear of it; what
 *              is invalid is a REJECT that names the peer. What the node lacks it asks for, from one peer after the
 *              other, until it has it. Who relays what to whom, and who is worth a connection, is p2p's affair
 *
 * Persist before send: an effect whose `after` is not 0 is carried out only when the PERSIST with that token is DONE.
 * A driver that keeps effects in order and holds back those that wait cannot get it wrong.
 *
 * Start        create() takes memory only. start() reads the base from the view, goes through the bodies behind it once
 *              more, and loads the vote log: it may take long, and reports progress by a callback of its own.
 * Ownership    Everything an event points to is copied before handle() returns. What an effect points to is valid until
 *              the next handle() or poll(), but a WORK's work until its WORKED and a PERSIST's commit until its DONE or
 *              FAILED.
 * Determinism  The same options, view and events give the same effects, byte for byte.
 * Limits       In the options; every queue is bounded and answers BUSY when full.
 * Re-entry     handle() and poll() assert that they are not inside each other. One thread.
 */
#ifndef NOTCH_NODE_CORE_H
#define NOTCH_NODE_CORE_H

#include "base/crypto.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rng.h"
#include "chain/batch.h"
#include "chain/genesis.h"
#include "chain/record.h"
#include "chain/store.h"
#include "consensus/effect.h"
#include "node/api.h"
#include "node/message.h"

struct notch_node;

struct notch_node_options {
    const struct notch_genesis *genesis; /* borrowed */
    const struct notch_domain *domain;   /* of that genesis; borrowed */
    const struct notch_crypto *crypto;   /* borrowed */
    const struct notch_store_view *view; /* borrowed; always the latest state of the store */
    const struct notch_alloc *alloc;
    const struct notch_log *log;          /* may be NULL */
    const struct notch_signer *validator; /* borrowed; NULL: does not vote, make batches or propose */
    const struct notch_signer *author;    /* borrowed; NULL: PUBLISH, SIGN and NEED are refused */
    struct notch_siphash_key hash_key;    /* for the tables; random in the daemon */
    bool clock_is_trusted;                /* the operating system says that its clock is synchronised */
    uint32_t in_flight_max;               /* submitted records without a reply; 0: the default, 16384 */
    uint32_t in_flight_bytes_max;         /* and their bytes; 0: the default, 64 MiB */
    uint32_t batch_delay_ms;              /* an open batch is flushed after this at the latest; 0: the default, 25 */
    uint32_t layers_max;                  /* non-final blocks executed in memory; 0: the default, 1024 */
    uint32_t retry_ms;                    /* what was asked for is asked for again; 0: the default, 2 DELTA */
    uint32_t heartbeat_ms;                /* peers hear from us at least so often; 0: the default, 4 slots */
    uint32_t acknowledge_ms;              /* a record waits so long for others to store it; 0: the default, 2000 */
};

/* Pure work for another thread: run it with notch_node_run(), anywhere, and answer WORKED. It reads and writes only
 * what it points to, all of which belongs to the node. */
enum notch_node_work_type {
    NOTCH_NODE_CHECK_RECORDS,
    NOTCH_NODE_CHECK_CONSENSUS,
    NOTCH_NODE_CHECK_BATCH,
    NOTCH_NODE_SIGN /* `message` into `sig` */
};
struct notch_node_verdict {
    struct notch_reject reject;
    struct notch_record record;
    struct notch_hash salt_hash; /* what (author, salt) is known by */
};
struct notch_node_work {
    enum notch_node_work_type type;
    const struct notch_rules *rules;
    size_t count;
    const struct notch_bytes *records; /* CHECK_RECORDS */
    struct notch_node_verdict *verdicts;
    const struct notch_consensus_check *checks; /* CHECK_CONSENSUS */
    struct notch_consensus_result *results;
    struct notch_node_batch_check *batch; /* CHECK_BATCH */
    const struct notch_signer *signer;    /* SIGN */
    const struct notch_hash *message;
    struct notch_sig *sig;
};

/* A whole batch of somebody else: header, every record, the root. */
struct notch_node_batch_check {
    struct notch_bytes bytes;
    struct notch_reject reject;
    struct notch_batch batch;
    struct notch_record records[NOTCH_BATCH_RECORDS_MAX];
    struct notch_hash salt_hashes[NOTCH_BATCH_RECORDS_MAX];
};

enum notch_node_event_type {
    NOTCH_NODE_TICK,    /* the clock reached `now` */
    NOTCH_NODE_REQUEST, /* see node/api.h */
    NOTCH_NODE_WORKED,  /* the work of the WORK effect `token` has been run */
    NOTCH_NODE_DONE,    /* the PERSIST `token` is durable */
    NOTCH_NODE_FAILED,  /* the PERSIST `token` and all later ones will never be */
    NOTCH_NODE_PEER_UP, /* a peer is connected and has proved its keys */
    NOTCH_NODE_PEER_DOWN,
    NOTCH_NODE_MESSAGE /* from a peer that is up; any bytes */
};

struct notch_node_event {
    enum notch_node_event_type type;
    uint64_t seq;          /* one more than the event before */
    struct notch_time now; /* an earlier one counts as the latest */
    union {
        const struct notch_request *request;
        uint64_t token; /* WORKED, DONE */
        struct {
            uint64_t token;
            enum notch_err err; /* why */
        } failed;
        struct {
            uint64_t peer;        /* not 0, and not one that is up */
            struct notch_key key; /* its validator's, if the handshake proved one; else zero */
        } peer_up;
        uint64_t peer_down;
        struct {
            uint64_t peer;
            enum notch_node_message what;
            struct notch_bytes bytes;
        } message;
    };
};

enum notch_node_effect_type {
    NOTCH_NODE_PERSIST, /* carry out a commit; answer DONE or FAILED */
    NOTCH_NODE_WORK,    /* run this on another thread; answer WORKED */
    NOTCH_NODE_REPLY,   /* to a request */
    NOTCH_NODE_SEND,    /* to one peer or to all, once `after` is DONE */
    NOTCH_NODE_REJECT,  /* a peer sent what is invalid */
    NOTCH_NODE_HEAD,    /* the chain that this node follows has another head; for subscribers */
    NOTCH_NODE_FINAL,   /* this block and all below it are final and in the view; for subscribers */
    NOTCH_NODE_ALARM    /* an operator must look at this */
};

struct notch_node_effect {
    enum notch_node_effect_type type;
    uint64_t token; /* names this effect in the event that answers it */
    uint64_t after; /* the PERSIST that must be DONE first; 0 if none */
    union {
        const struct notch_commit *persist;
        const struct notch_node_work *work;
        const struct notch_reply *reply;
        struct {
            uint64_t to; /* a peer; 0: everybody, those included that only others are connected to */
            enum notch_node_message what;
            struct notch_bytes bytes;
        } send;
        struct {
            uint64_t peer;
            enum notch_node_message what;
            struct notch_reject reject;
        } reject;
        struct notch_block_ref block; /* HEAD and FINAL */
        struct {
            const char *text; /* a literal: what happened, and what to do */
        } alarm;
    };
};

/* Memory only. INVALID if the options contradict each other. */
NOTCH_MUST_USE enum notch_err notch_node_create(const struct notch_node_options *options, struct notch_node **out);
void notch_node_destroy(struct notch_node *node);

/*
 * Takes up the chain where the store has it, or begins it. progress may be NULL; it is told how many bodies of how many
 * have been gone through. IO and CORRUPT come from the view; VERSION: the chain's rules are newer than this code.
 */
typedef void (*notch_node_progress)(void *arg, uint64_t done, uint64_t total);
NOTCH_MUST_USE enum notch_err notch_node_start(struct notch_node *node, struct notch_time now,
                                               notch_node_progress progress, void *arg);

void notch_node_handle(struct notch_node *node, const struct notch_node_event *event);
bool notch_node_poll(struct notch_node *node, struct notch_node_effect *effect);

/* When the node wants its next TICK; UINT64_MAX if only an event can move it. */
struct notch_time notch_node_deadline(const struct notch_node *node);

void notch_node_info(const struct notch_node *node, struct notch_node_info *out);

/* Runs a WORK's work. Pure; any thread. */
void notch_node_run(const struct notch_node_work *work);

#endif
