#include "consensus/parts.h"

void notch_consensus_verify(const struct notch_crypto *crypto, const struct notch_consensus_check *checks, size_t count,
                            struct notch_consensus_result *results)
{
    for (size_t i = 0; i < count; i++) {
        const struct notch_consensus_check *check = &checks[i];
        memset(&results[i], 0, sizeof results[i]);
        results[i].valid =
            check->is_vrf ? notch_vrf_verify(crypto, &results[i].output, &check->key, &check->message, &check->proof)
                          : notch_verify(crypto, &check->key, &check->message, &check->sig);
    }
}

static void free_job(const struct notch_consensus *core, struct notch__job *job)
{
    notch_free(core->options.alloc, job->checks, job->check_count * sizeof *job->checks);
    notch_free(core->options.alloc, job->votes, job->votes != NULL ? job->check_count * sizeof *job->votes : 0);
    notch_buf_fini(&job->bytes);
    *job = (struct notch__job){.kind = NOTCH__JOB_FREE};
}

void notch__jobs_fini(struct notch_consensus *core)
{
    for (uint32_t i = 0; i < core->options.limits.jobs; i++) {
        if (core->jobs[i].kind != NOTCH__JOB_FREE) {
            free_job(core, &core->jobs[i]);
        }
    }
    notch_free(core->options.alloc, core->jobs, core->options.limits.jobs * sizeof *core->jobs);
}

struct notch__job *notch__job_add(struct notch_consensus *core, enum notch__job_kind kind, size_t checks)
{
    for (uint32_t i = 0; i < core->options.limits.jobs; i++) {
        struct notch__job *job = &core->jobs[i];
        if (job->kind != NOTCH__JOB_FREE) {
            continue;
        }
        *job = (struct notch__job){.kind = kind, .token = core->next_token++, .check_count = checks};
        notch_buf_init(&job->bytes, core->options.alloc);
        job->checks = notch_alloc_array(core->options.alloc, checks, sizeof *job->checks);
        if (kind != NOTCH__JOB_HEADER) {
            job->votes = notch_alloc_array(core->options.alloc, checks, sizeof *job->votes);
        }
        return job;
    }
    notch__emit_alarm(core, NOTCH_CONSENSUS_ALARM_FULL, "too many checks under way", notch_bytes(NULL, 0));
    return NULL;
}

void notch__job_send(struct notch_consensus *core, struct notch__job *job)
{
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_VERIFY);
    effect->token = job->token;
    effect->verify.checks = job->checks;
    effect->verify.count = job->check_count;
}

/* The set that a vote from outside names: in force, the one before, or announced on any branch. */
static const struct notch__set *set_of_vote(const struct notch_consensus *core, const struct notch_vote_data *data)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    for (const struct notch__set *set = core->sets; set != NULL; set = set->next_known) {
        if (set->set.id == data->set_id && memcmp(set->set.root.raw, data->set_root8, sizeof data->set_root8) == 0) {
            return set;
        }
    }
    return NULL;
}

static bool is_wanted(const struct notch_consensus *core, const struct notch_vote *vote, const struct notch__set *set)
{
    /* Raw: one slot ahead is a clock that is a little ahead. */
    bool in_window = notch_slot_cmp(vote->data.slot, core->tree.base->onchain.floor) > 0 &&
                     vote->data.slot.raw <= core->slot.raw + 1;
    if (!in_window || set == NULL || notch__votes_has(&core->votes, vote)) {
        return false;
    }
    if (vote->validator == NOTCH_VOTE_SHADOW) {
        return notch__fold_is_candidate(core, core->head, &vote->key);
    }
    return vote->validator < set->set.count;
}

void notch__votes_event(struct notch_consensus *core, struct notch_bytes bytes, uint64_t peer)
{
    size_t count;
    struct notch_reject reject = notch_votes_check(&count, bytes, 4096);
    if (!notch_is_valid(reject)) {
        notch__emit_score(core, peer, reject);
        return;
    }
    size_t wanted = 0;
    bool is_ahead = false;
    struct notch_vote vote;
    for (struct notch_votes_iter iter = notch_votes_iter(bytes); notch_votes_next(&iter, &vote);) {
        wanted += is_wanted(core, &vote, set_of_vote(core, &vote.data));
        is_ahead = is_ahead || vote.data.set_id > core->store->set.id + 1;
    }
    if (is_ahead && notch_slot_cmp(core->asked_cert, core->slot) != 0) {
        core->asked_cert = core->slot;
        notch__emit_request(core, NOTCH_CONSENSUS_WHAT_CERT, &core->final.at.hash, peer);
    }
    struct notch__job *job = wanted > 0 ? notch__job_add(core, NOTCH__JOB_VOTES, wanted) : NULL;
    if (job == NULL) {
        return;
    }
    job->peer = peer;
    size_t at = 0;
    for (struct notch_votes_iter iter = notch_votes_iter(bytes); notch_votes_next(&iter, &vote);) {
        const struct notch__set *set = set_of_vote(core, &vote.data);
        if (!is_wanted(core, &vote, set)) {
            continue;
        }
        if (vote.validator != NOTCH_VOTE_SHADOW) {
            vote.key = set->set.members[vote.validator].key;
        }
        job->votes[at] = vote;
        job->checks[at].key = vote.key;
        job->checks[at].sig = vote.sig;
        notch_vote_hash(&job->checks[at].message, core->options.domain, &vote.data);
        at++;
    }
    notch__job_send(core, job);
}

void notch__vote_take(struct notch_consensus *core, const struct notch_vote *vote, const struct notch__set *set,
                      enum notch__origin origin, uint64_t peer)
{
    if (vote->validator != NOTCH_VOTE_SHADOW) {
        notch__slash_vote(core, vote, set);
    }
    switch (notch__votes_add(&core->votes, vote, set, origin)) {
    case NOTCH__ADDED:
        core->is_dirty = true;
        break;
    case NOTCH__KNOWN:
    case NOTCH__REFUSED:
        return;
    }
    struct notch__trail_item item;
    if (notch__tree_find(&core->tree, &vote->data.head) == NULL &&
        !notch__tree_on_chain(&core->tree, &item, core->tree.base, &vote->data.head)) {
        notch__emit_request(core, NOTCH_CONSENSUS_WHAT_HEADER, &vote->data.head, peer);
    }
}

static void votes_verified(struct notch_consensus *core, const struct notch__job *job,
                           const struct notch_consensus_result *results)
{
    for (size_t i = 0; i < job->check_count; i++) {
        const struct notch__set *set = set_of_vote(core, &job->votes[i].data);
        if (!results[i].valid) {
            notch__emit_score(core, job->peer, NOTCH_REJECT(SIGNATURE, "vote"));
        } else if (is_wanted(core, &job->votes[i], set)) {
            notch__vote_take(core, &job->votes[i], set, NOTCH__FROM_GOSSIP, job->peer);
        }
    }
}

static void body_verified(struct notch_consensus *core, const struct notch__job *job,
                          const struct notch_consensus_result *results)
{
    struct notch__block *block = notch__tree_find(&core->tree, &job->block);
    if (block == NULL || block->stage != NOTCH__STAGE_BODY) {
        return;
    }
    block->is_verifying = false;
    block->is_verified = true;
    for (size_t i = 0; i < job->check_count; i++) {
        if (!results[i].valid) {
            block->stage = NOTCH__STAGE_INVALID;
            notch__emit_score(core, job->peer, NOTCH_REJECT(SIGNATURE, "vote in a body"));
            return;
        }
    }
    notch__accept_progress(core, block);
}

void notch__job_verdict(struct notch_consensus *core, const struct notch_consensus_event *event)
{
    struct notch__job *found = NULL;
    for (uint32_t i = 0; i < core->options.limits.jobs && found == NULL; i++) {
        if (core->jobs[i].kind != NOTCH__JOB_FREE && core->jobs[i].token == event->verdict.token) {
            found = &core->jobs[i];
        }
    }
    notch_assert(found != NULL);
    notch_assert(found->check_count == event->verdict.count);
    /* What follows may need a job of its own: this one is out of the table meanwhile. */
    struct notch__job job = *found;
    *found = (struct notch__job){.kind = NOTCH__JOB_FREE};
    switch (job.kind) {
    case NOTCH__JOB_FREE:
        break;
    case NOTCH__JOB_HEADER:
        notch__accept_verified(core, &job, event->verdict.results);
        break;
    case NOTCH__JOB_VOTES:
        votes_verified(core, &job, event->verdict.results);
        break;
    case NOTCH__JOB_BODY:
        body_verified(core, &job, event->verdict.results);
        break;
    }
    free_job(core, &job);
}
