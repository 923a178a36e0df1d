/*
 * node/internal.h: the parts of the node core, as they see each other. Not for anybody outside of node/.
 *
 *   outbox    effects that wait to be polled, each with the memory that it points to
 *   commits   what is on its way to the disk, and who waits for it
 *   jobs      work for other threads: records and consensus checks
 *   pool      batches that are not final yet, and the records in them
 *   intake    submissions: from the request to its reply
 *   ahead     the signature of a batch, made while its one record is being checked
 *   bridge    consensus on one side, ledger and pool on the other
 *   fetch     batches that blocks lack
 *   peers     who is connected; what is sent and what comes in
 *   wants     what is asked for until it comes, and answers to those who ask
 *   sync      where others stand; taking up a chain that is ahead of ours
 *   stored    receipts: who else has our batches on disk
 *
 * One handle() may cause several commits' worth of writing; they are gathered in the open commit, which is sealed when
 * the driver has polled everything else: so whatever happens between two polls costs one sync.
 */
#ifndef NOTCH_NODE_INTERNAL_H
#define NOTCH_NODE_INTERNAL_H

#include "node/net.h"
#include "node/parts.h"

struct notch_node {
    struct notch_node_options options;
    const struct notch_alloc *alloc;
    struct notch_rules rules;
    struct notch_time now;
    uint64_t seq;
    bool inside; /* handle() or poll() is running */
    bool started;
    bool starting; /* the bodies are being gone through: nothing is written or sent */
    bool failed;   /* the disk */
    enum notch_err failure;

    struct notch_consensus *consensus;
    struct notch_ledger *ledger;

    struct notch__out *outbox; /* a ring that grows */
    size_t out_head, out_count, out_cap;
    void *polled_owned; /* of the effect that was polled last */
    size_t polled_owned_size;

    struct notch__commit commits[NOTCH__COMMITS_MAX];
    uint64_t commit_first; /* token of the oldest that is not durable; tokens count from 1 */
    uint64_t commit_open;  /* token of the open one */
    uint64_t bodies;       /* position of the next body */

    struct notch__job **jobs;
    size_t job_count, job_cap;
    struct notch__job *job_free; /* the first of a list */
    struct notch__job *job_open; /* records are being added */
    uint64_t job_token;

    struct notch__pool pool;
    struct notch__intake intake;

    struct notch__deferred *deferred;
    size_t deferred_count, deferred_cap;
    uint64_t consensus_seq;
    struct notch_map blocks; /* block hash -> struct notch__block, behind the base */
    struct notch__fetch *fetches;
    uint32_t fetch_count, fetch_cap;
    struct notch__net net;
    struct notch_buf scratch;
    struct notch_buf scratch_bodies;
    uint64_t pending_told;     /* what consensus was last told of the pool */
    uint64_t recover_position; /* of the body that is being gone through, or NOTCH__NOT_RECOVERED */
    struct notch_hash head;
    uint64_t head_height;
    uint64_t confirmed_height;
    struct notch_block_ref final; /* the last one that is in the view */

    struct notch_node_info counts; /* the counters of it */
};

/* outbox.c */
struct notch_node_effect *notch__out(struct notch_node *node, enum notch_node_effect_type type, size_t owned_size,
                                     void **owned);
void notch__alarm(struct notch_node *node, const char *text);

/* commits.c */
struct notch__commit *notch__commit_open(struct notch_node *node);
uint64_t notch__commit_body(struct notch_node *node, struct notch_bytes body);
void notch__commit_seal(struct notch_node *node);
bool notch__commit_room(const struct notch_node *node);
struct notch__commit *notch__commit_at(struct notch_node *node, uint64_t token);
uint64_t notch__commit_of_waiter(const struct notch_node *node, uint64_t waiter);
void notch__commit_done(struct notch_node *node, uint64_t token);
void notch__commit_failed(struct notch_node *node, enum notch_err err);

/* jobs.c */
void notch__node_jobs_fini(struct notch_node *node);
void notch__job_add_record(struct notch_node *node, struct notch_bytes record, struct notch__ticket ticket);
void notch__job_send_records(struct notch_node *node);
void notch__job_send_checks(struct notch_node *node, uint64_t consensus_token,
                            const struct notch_consensus_check *checks, size_t count);
void notch__job_worked(struct notch_node *node, uint64_t token);
void notch__job_send_batch(struct notch_node *node, struct notch_bytes bytes, uint64_t peer);
void notch__job_send_stored(struct notch_node *node, const struct notch_stored_message *message, uint64_t peer);
bool notch__job_has_batch(const struct notch_node *node, const struct notch_hash *id);

void notch__job_send_sign(struct notch_node *node, const struct notch_hash *message);

/* ahead.c */
void notch__ahead_begin(struct notch_node *node, struct notch_bytes record);
void notch__ahead_signed(struct notch_node *node, const struct notch_sig *sig);
void notch__batch_sign(struct notch_node *node, struct notch__batch *batch);

/* pool.c */
void notch__pool_init(struct notch_node *node);
void notch__pool_fini(struct notch_node *node);
struct notch__batch *notch__batch_new(struct notch_node *node);
void notch__batch_free(struct notch_node *node, struct notch__batch *batch);
struct notch_hash notch__batch_record(const struct notch__batch *batch, uint32_t index);
void notch__batch_set_included(struct notch_node *node, struct notch__batch *batch, uint64_t height);
struct notch__batch *notch__pool_find(const struct notch_node *node, const struct notch_hash *id);
void notch__pool_note_record(struct notch_node *node, struct notch__batch *batch, const struct notch_hash *id,
                             const struct notch_hash *salt_hash);
void notch__pool_add(struct notch_node *node, struct notch__batch *batch);
void notch__pool_remove_final(struct notch_node *node, uint64_t height);
NOTCH_MUST_USE enum notch_err notch__pool_recover(struct notch_node *node, const struct notch_batch *decoded,
                                                  uint64_t position);
void notch__pool_select(struct notch_node *node, uint64_t token, const struct notch_hash *parent,
                        struct notch_time time, uint32_t max);
uint64_t notch__pool_oldest_position(const struct notch_node *node);
enum notch_record_status notch__pool_status(const struct notch_node *node, const struct notch__batch *batch);

/* intake.c */
void notch__intake_init(struct notch_node *node);
void notch__intake_fini(struct notch_node *node);
void notch__intake_submit(struct notch_node *node, const struct notch_request *request,
                          const struct notch_bytes *records, size_t count);
void notch__intake_verdict(struct notch_node *node, struct notch__ticket ticket, struct notch_bytes bytes,
                           const struct notch_node_verdict *verdict);
void notch__intake_flush_if_due(struct notch_node *node);
void notch__intake_stored(struct notch_node *node, struct notch__batch *batch);
void notch__intake_answer(struct notch_node *node, struct notch__batch *batch, enum notch_record_status status);
void notch__intake_failed(struct notch_node *node);
struct notch_time notch__intake_deadline(const struct notch_node *node);
struct notch_record_result notch__record_status(const struct notch_node *node, const struct notch_hash *id);

/* publish.c */
void notch__publish(struct notch_node *node, const struct notch_request *request);

/* fetch.c */
void notch__fetch(struct notch_node *node, const struct notch_consensus_effect *effect);
void notch__fetch_retry(struct notch_node *node, bool look_into_chain);
void notch__fetch_drop(struct notch_node *node, const struct notch_hash *block);
void notch__fetch_fini(struct notch_node *node);
struct notch_hash *notch__copy_batches(struct notch_node *node, const struct notch_body *body);
NOTCH_MUST_USE enum notch_err notch__find_final_batch(struct notch_node *node, struct notch_batch_place *place,
                                                      const struct notch_hash *id);

/* replies.c */
void notch__reply_error(struct notch_node *node, const struct notch_request *request, enum notch_err err);
void notch__reply_records(struct notch_node *node, const struct notch__submission *submission, enum notch_err err);
void notch__reply_status(struct notch_node *node, const struct notch_request *request);
void notch__reply_validators(struct notch_node *node, const struct notch_request *request);
void notch__reply_finality(struct notch_node *node, const struct notch_request *request);
void notch__finality_info(const struct notch_node *node, struct notch_finality_info *out);

/* bridge.c */
void notch__consensus_event(struct notch_node *node, struct notch_consensus_event *event, void *owned,
                            size_t owned_size);
void notch__consensus_run(struct notch_node *node);
void notch__bridge_batch_stored(struct notch_node *node, struct notch__batch *batch);
void notch__bridge_flushed(struct notch_node *node, const struct notch__commit *commit);
void notch__bridge_pending(struct notch_node *node);
void notch__bridge_fini(struct notch_node *node);

#endif
