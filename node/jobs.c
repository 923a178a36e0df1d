/* Work for other threads. A job belongs to the node from the moment it is given out until it comes back. */
#include "node/internal.h"

static struct notch__job *take_free(struct notch_node *node)
{
    struct notch__job *free_one = node->job_free;
    if (free_one != NULL) {
        node->job_free = free_one->next_free;
        return free_one;
    }
    if (node->job_count == node->job_cap) {
        size_t cap = node->job_cap == 0 ? 16 : node->job_cap * 2;
        node->jobs =
            notch_realloc(node->alloc, node->jobs, node->job_cap * sizeof *node->jobs, cap * sizeof *node->jobs);
        node->job_cap = cap;
    }
    struct notch__job *job = notch_alloc(node->alloc, sizeof *job);
    notch_buf_init(&job->bytes, node->alloc);
    notch_assert(node->job_count < (size_t)1 << NOTCH__JOB_SLOT_BITS);
    job->slot = node->job_count;
    node->jobs[node->job_count++] = job;
    return job;
}

void notch__node_jobs_fini(struct notch_node *node)
{
    for (size_t i = 0; i < node->job_count; i++) {
        struct notch__job *job = node->jobs[i];
        notch_buf_fini(&job->bytes);
        notch_free(node->alloc, job->verdicts, NOTCH__JOB_RECORDS_MAX * sizeof *job->verdicts);
        notch_free(node->alloc, job->results, job->result_cap * sizeof *job->results);
        notch_free(node->alloc, job->batch, sizeof *job->batch);
        notch_free(node->alloc, job, sizeof *job);
    }
    notch_free(node->alloc, node->jobs, node->job_cap * sizeof *node->jobs);
}

static void give_out(struct notch_node *node, struct notch__job *job)
{
    job->token = ++node->job_token << NOTCH__JOB_SLOT_BITS | job->slot;
    struct notch_node_effect *effect = notch__out(node, NOTCH_NODE_WORK, 0, NULL);
    effect->token = job->token;
    effect->work = &job->work;
}

void notch__job_add_record(struct notch_node *node, struct notch_bytes record, struct notch__ticket ticket)
{
    struct notch__job *job = node->job_open;
    if (job == NULL) {
        job = take_free(node);
        job->work = (struct notch_node_work){.type = NOTCH_NODE_CHECK_RECORDS, .rules = &node->rules};
        notch_buf_clear(&job->bytes);
        node->job_open = job;
    }
    size_t index = job->work.count++;
    job->offsets[index] = job->bytes.len;
    job->tickets[index] = ticket;
    notch_buf_append(&job->bytes, record.data, record.len);
    job->offsets[index + 1] = job->bytes.len;
    if (job->work.count == NOTCH__JOB_RECORDS_MAX) {
        notch__job_send_records(node);
    }
}

void notch__job_send_records(struct notch_node *node)
{
    struct notch__job *job = node->job_open;
    if (job == NULL) {
        return;
    }
    for (size_t i = 0; i < job->work.count; i++) {
        job->views[i] = notch_bytes(job->bytes.data + job->offsets[i], job->offsets[i + 1] - job->offsets[i]);
    }
    if (job->verdicts == NULL) {
        job->verdicts = notch_alloc_array(node->alloc, NOTCH__JOB_RECORDS_MAX, sizeof *job->verdicts);
    }
    job->work.records = job->views;
    job->work.verdicts = job->verdicts;
    node->job_open = NULL;
    give_out(node, job);
    if (job->work.count == 1) {
        notch__ahead_begin(node, job->views[0]);
    }
}

void notch__job_send_sign(struct notch_node *node, const struct notch_hash *message)
{
    struct notch__job *job = take_free(node);
    job->sign_message = *message;
    job->work = (struct notch_node_work){
        .type = NOTCH_NODE_SIGN,
        .rules = &node->rules,
        .count = 1,
        .signer = node->options.validator,
        .message = &job->sign_message,
        .sig = &job->sig,
    };
    give_out(node, job);
}

static struct notch_consensus_result *results_of(struct notch_node *node, struct notch__job *job, size_t count)
{
    if (job->result_cap < count) {
        notch_free(node->alloc, job->results, job->result_cap * sizeof *job->results);
        job->results = notch_alloc_array(node->alloc, count, sizeof *job->results);
        job->result_cap = count;
    }
    return job->results;
}

void notch__job_send_checks(struct notch_node *node, uint64_t consensus_token,
                            const struct notch_consensus_check *checks, size_t count)
{
    struct notch__job *job = take_free(node);
    job->consensus_token = consensus_token;
    job->work = (struct notch_node_work){
        .type = NOTCH_NODE_CHECK_CONSENSUS,
        .rules = &node->rules,
        .count = count,
        .checks = checks,
        .results = results_of(node, job, count),
    };
    give_out(node, job);
}

void notch__job_send_batch(struct notch_node *node, struct notch_bytes bytes, uint64_t peer)
{
    struct notch__job *job = take_free(node);
    notch_buf_clear(&job->bytes);
    notch_buf_append(&job->bytes, bytes.data, bytes.len);
    job->batch = notch_alloc(node->alloc, sizeof *job->batch);
    job->batch->bytes = notch_buf_bytes(&job->bytes);
    struct notch_reject reject = notch_batch_decode(&job->batch->batch, job->batch->bytes);
    notch_assert(notch_is_valid(reject)); /* it was taken apart before */
    notch_batch_hash(&job->batch->batch, node->options.domain);
    job->peer = peer;
    job->batch_id = job->batch->batch.id;
    job->work = (struct notch_node_work){.type = NOTCH_NODE_CHECK_BATCH, .rules = &node->rules, .batch = job->batch};
    give_out(node, job);
}

/* Whether a batch of that id is being checked. */
bool notch__job_has_batch(const struct notch_node *node, const struct notch_hash *id)
{
    for (size_t i = 0; node->net.batch_checks > 0 && i < node->job_count; i++) {
        const struct notch__job *job = node->jobs[i];
        if (job->token != 0 && job->work.type == NOTCH_NODE_CHECK_BATCH && notch_hash_eq(&job->batch_id, id)) {
            return true;
        }
    }
    return false;
}

void notch__job_send_stored(struct notch_node *node, const struct notch_stored_message *message, uint64_t peer)
{
    struct notch__job *job = take_free(node);
    job->is_stored = true;
    job->peer = peer;
    job->batch_id = message->batch;
    job->stored = (struct notch_consensus_check){.key = message->key, .sig = message->sig};
    notch_stored_hash(&job->stored.message, node->options.domain, &message->batch, &message->key);
    job->work = (struct notch_node_work){
        .type = NOTCH_NODE_CHECK_CONSENSUS,
        .rules = &node->rules,
        .count = 1,
        .checks = &job->stored,
        .results = results_of(node, job, 1),
    };
    give_out(node, job);
}

static void batch_worked(struct notch_node *node, struct notch__job *job)
{
    notch__batch_checked(node, job->batch, job->peer);
    notch_free(node->alloc, job->batch, sizeof *job->batch);
    job->batch = NULL;
}

static void stored_worked(struct notch_node *node, struct notch__job *job)
{
    job->is_stored = false;
    node->net.stored_checks--;
    if (job->results[0].valid) {
        notch__stored_checked(node, &job->batch_id, &job->stored.key);
    } else {
        notch__peer_reject(node, job->peer, NOTCH_NODE_MESSAGE_STORED, NOTCH_REJECT(SIGNATURE, "stored"));
    }
}

/* The results travel with the event: the job may be used again before consensus gets to read it. */
static void tell_consensus(struct notch_node *node, const struct notch__job *job)
{
    size_t size = job->work.count * sizeof *job->results;
    struct notch_consensus_result *results = notch_alloc(node->alloc, size);
    memcpy(results, job->results, size);
    struct notch_consensus_event event = {
        .type = NOTCH_CONSENSUS_EVENT_VERDICT,
        .verdict = {.token = job->consensus_token, .results = results, .count = job->work.count},
    };
    notch__consensus_event(node, &event, results, size);
}

static void job_done(struct notch_node *node, struct notch__job *job)
{
    switch (job->work.type) {
    case NOTCH_NODE_CHECK_RECORDS:
        for (size_t at = 0; at < job->work.count; at++) {
            notch__intake_verdict(node, job->tickets[at], job->views[at], &job->verdicts[at]);
        }
        return;
    case NOTCH_NODE_CHECK_CONSENSUS:
        if (job->is_stored) {
            stored_worked(node, job);
        } else {
            tell_consensus(node, job);
        }
        return;
    case NOTCH_NODE_CHECK_BATCH:
        batch_worked(node, job);
        return;
    case NOTCH_NODE_SIGN:
        notch__ahead_signed(node, &job->sig);
        return;
    }
    notch_unreachable();
}

void notch__job_worked(struct notch_node *node, uint64_t token)
{
    size_t slot = token & (((uint64_t)1 << NOTCH__JOB_SLOT_BITS) - 1);
    notch_assert(slot < node->job_count);
    struct notch__job *job = node->jobs[slot];
    notch_assert(job->token == token);
    job_done(node, job);
    job->token = 0;
    job->next_free = node->job_free;
    node->job_free = job;
}

static void check_record(const struct notch_rules *rules, struct notch_bytes bytes, struct notch_node_verdict *verdict)
{
    verdict->reject = notch_record_check(&verdict->record, bytes, rules);
    if (notch_is_valid(verdict->reject)) {
        notch_salt_hash(&verdict->salt_hash, rules->domain, &verdict->record.author, &verdict->record.salt);
    }
}

static void check_batch(const struct notch_rules *rules, struct notch_node_batch_check *check)
{
    check->reject = notch_batch_check(&check->batch, check->records, NULL, check->bytes, rules);
    for (uint32_t i = 0; notch_is_valid(check->reject) && i < check->batch.record_count; i++) {
        const struct notch_record *record = &check->records[i];
        notch_salt_hash(&check->salt_hashes[i], rules->domain, &record->author, &record->salt);
    }
}

void notch_node_run(const struct notch_node_work *work)
{
    switch (work->type) {
    case NOTCH_NODE_CHECK_RECORDS:
        for (size_t i = 0; i < work->count; i++) {
            check_record(work->rules, work->records[i], &work->verdicts[i]);
        }
        return;
    case NOTCH_NODE_CHECK_CONSENSUS:
        notch_consensus_verify(work->rules->crypto, work->checks, work->count, work->results);
        return;
    case NOTCH_NODE_CHECK_BATCH:
        check_batch(work->rules, work->batch);
        return;
    case NOTCH_NODE_SIGN: {
        bool ok = notch_sign(work->rules->crypto, work->sig, work->signer, work->message);
        notch_assert(ok); /* the key was tried at create */
        return;
    }
    }
    notch_unreachable();
}
