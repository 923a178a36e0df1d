/* Work for other threads. A job belongs to the node from the moment it is given out until it comes back. */
#include "node/internal.h"

static struct notch__job *take_free(struct notch_node *node)
{
    for (size_t i = 0; i < node->job_count; i++) {
        struct notch__job *job = node->jobs[i];
        if (job->token == 0 && job != node->job_open) {
            return job;
        }
    }
    if (node->job_count == node->job_cap) {
        size_t cap = node->job_cap == 0 ? 16 : node->job_cap * 2;
        node->jobs =
            notch_realloc(node->alloc, node->jobs, node->job_cap * sizeof *node->jobs, cap * sizeof *node->jobs);
        node->job_cap = cap;
    }
    struct notch__job *job = notch_alloc(node->alloc, sizeof *job);
    notch_buf_init(&job->bytes, node->alloc);
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
        notch_free(node->alloc, job, sizeof *job);
    }
    notch_free(node->alloc, node->jobs, node->job_cap * sizeof *node->jobs);
}

static void give_out(struct notch_node *node, struct notch__job *job)
{
    job->token = ++node->job_token;
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
}

void notch__job_send_checks(struct notch_node *node, uint64_t consensus_token,
                            const struct notch_consensus_check *checks, size_t count)
{
    struct notch__job *job = take_free(node);
    if (job->result_cap < count) {
        notch_free(node->alloc, job->results, job->result_cap * sizeof *job->results);
        job->results = notch_alloc_array(node->alloc, count, sizeof *job->results);
        job->result_cap = count;
    }
    job->consensus_token = consensus_token;
    job->work = (struct notch_node_work){
        .type = NOTCH_NODE_CHECK_CONSENSUS,
        .rules = &node->rules,
        .count = count,
        .checks = checks,
        .results = job->results,
    };
    give_out(node, job);
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

void notch__job_worked(struct notch_node *node, uint64_t token)
{
    for (size_t i = 0; i < node->job_count; i++) {
        struct notch__job *job = node->jobs[i];
        if (job->token != token) {
            continue;
        }
        if (job->work.type == NOTCH_NODE_CHECK_CONSENSUS) {
            tell_consensus(node, job);
        } else {
            for (size_t at = 0; at < job->work.count; at++) {
                notch__intake_verdict(node, job->tickets[at], job->views[at], &job->verdicts[at]);
            }
        }
        job->token = 0;
        return;
    }
    notch_unreachable();
}

static void check_record(const struct notch_rules *rules, struct notch_bytes bytes, struct notch_node_verdict *verdict)
{
    verdict->reject = notch_record_check(&verdict->record, bytes, rules);
    if (notch_is_valid(verdict->reject)) {
        notch_salt_hash(&verdict->salt_hash, rules->domain, &verdict->record.author, &verdict->record.salt);
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
    }
    notch_unreachable();
}
