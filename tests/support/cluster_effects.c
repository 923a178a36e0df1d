#include "chain/proof.h"
#include "consensus/votelog.h"
#include "tests/support/cluster_internal.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- small things ---- */

void *cluster__grow(void *items, size_t count, size_t size)
{
    void *more = realloc(items, (count + 1) * size);
    assert_non_null(more);
    return more;
}

void cluster__put_bytes(struct notch_buf *buf, struct notch_bytes bytes)
{
    notch_buf_init(buf, notch_alloc_heap());
    notch_buf_append(buf, bytes.data, bytes.len);
}

struct world_block *cluster__find_block(struct cluster *cluster, const struct notch_hash *hash)
{
    for (size_t i = cluster->block_count; i > 0; i--) {
        if (notch_hash_eq(&cluster->blocks[i - 1].hash, hash)) {
            return &cluster->blocks[i - 1];
        }
    }
    return NULL;
}

void cluster__trace(struct cluster *cluster, uint32_t node, const char *format, ...)
{
    if (!cluster->is_tracing) {
        return;
    }
    /* Raw: slots and ms are printed. */
    uint64_t since = cluster->now_ms - cluster->genesis.time0.raw;
    uint64_t slot_ms = (uint64_t)4 * cluster->genesis.delta_ms;
    char *at = cluster->trace + cluster->trace_len;
    size_t room = TRACE_MAX - cluster->trace_len;
    int len = snprintf(at, room, "%" PRIu64 ".%03" PRIu64 " n%" PRIu32 " ", since / slot_ms,
                       since % slot_ms * 1000 / slot_ms, node);
    va_list args;
    va_start(args, format);
    len += vsnprintf(at + len, room - (size_t)len, format, args);
    va_end(args);
    assert_true((size_t)len + 2 < room);
    at[len] = '\n';
    at[len + 1] = '\0';
    cluster->trace_len += (size_t)len + 1;
}

/* "b7" for the block of slot 7; "g" for genesis. */
static const char *block_name(struct cluster *cluster, const struct notch_hash *hash, char out[24])
{
    const struct world_block *block = cluster__find_block(cluster, hash);
    if (block == NULL) {
        snprintf(out, 24, "?");
    } else if (block->height.raw == 0) {
        snprintf(out, 24, "g");
    } else {
        snprintf(out, 24, "b%" PRIu64, block->slot.raw);
    }
    return out;
}

/* ---- messages ---- */

static struct message *post(struct cluster *cluster, uint32_t to, enum notch_consensus_event_type type)
{
    if (cluster->queue_head + cluster->queue_count == cluster->queue_cap) {
        if (cluster->queue_count > 0) {
            memmove(cluster->queue, cluster->queue + cluster->queue_head,
                    cluster->queue_count * sizeof *cluster->queue);
        }
        cluster->queue_head = 0;
        if (cluster->queue_count == cluster->queue_cap) {
            cluster->queue_cap = cluster->queue_cap > 0 ? 2 * cluster->queue_cap : 64;
            cluster->queue = realloc(cluster->queue, cluster->queue_cap * sizeof *cluster->queue);
            assert_non_null(cluster->queue);
        }
    }
    struct message *message = &cluster->queue[cluster->queue_head + cluster->queue_count++];
    memset(message, 0, sizeof *message);
    message->to = to;
    message->event.type = type;
    notch_buf_init(&message->bytes, notch_alloc_heap());
    return message;
}

void cluster__free_message(struct message *message)
{
    notch_buf_fini(&message->bytes);
    free(message->results);
    free(message->ids);
    free(message->changes);
}

static void post_bytes(struct cluster *cluster, uint32_t from, uint32_t to, enum notch_consensus_what what,
                       struct notch_bytes bytes)
{
    static const enum notch_consensus_event_type types[] = {
        [NOTCH_CONSENSUS_WHAT_BLOCK] = NOTCH_CONSENSUS_EVENT_BLOCK,
        [NOTCH_CONSENSUS_WHAT_HEADER] = NOTCH_CONSENSUS_EVENT_HEADER,
        [NOTCH_CONSENSUS_WHAT_VOTES] = NOTCH_CONSENSUS_EVENT_VOTES,
        [NOTCH_CONSENSUS_WHAT_EVIDENCE] = NOTCH_CONSENSUS_EVENT_EVIDENCE,
        [NOTCH_CONSENSUS_WHAT_CERT] = NOTCH_CONSENSUS_EVENT_VOTES,
    };
    if (cluster->cut[from][to]) {
        return;
    }
    struct message *message = post(cluster, to, types[what]);
    message->event.peer = from + 1;
    notch_buf_append(&message->bytes, bytes.data, bytes.len);
}

static void broadcast(struct cluster *cluster, uint32_t from, const struct send *send)
{
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if (i != from && cluster->nodes[i].is_up && (send->to == 0 || send->to == i + 1)) {
            post_bytes(cluster, from, i, send->what, notch_buf_bytes(&send->bytes));
        }
    }
}

static void release_sends(struct cluster *cluster, uint32_t node, uint64_t token)
{
    struct node *self = &cluster->nodes[node];
    size_t kept = 0;
    for (size_t i = 0; i < self->send_count; i++) {
        struct send send = self->sends[i];
        if (send.after != token) {
            self->sends[kept++] = send;
            continue;
        }
        broadcast(cluster, node, &send);
        notch_buf_fini(&send.bytes);
    }
    self->send_count = kept;
}

/* ---- the world's ledger ---- */

void cluster__run_block(struct world_block *block, const struct world_block *parent)
{
    block->history = parent->history;
    struct notch_hash leaf;
    notch_merkle_leaf(&leaf, notch_bytes(block->hash.raw, 32));
    notch_merkle_append(&block->history, &leaf);
    notch_merkle_root(&block->history, &block->executed.history_root);
    notch_hash_tagged(&block->executed.state_root, "test/state", notch_bytes(block->hash.raw, 32));
    notch_hash_tagged(&block->executed.receipts_root, "test/receipts", notch_bytes(block->hash.raw, 32));
}

static void learn_block(struct cluster *cluster, const struct notch_consensus_effect *effect)
{
    if (cluster__find_block(cluster, &effect->execute.hash) != NULL) {
        return;
    }
    cluster->blocks = cluster__grow(cluster->blocks, cluster->block_count, sizeof *cluster->blocks);
    struct world_block *block = &cluster->blocks[cluster->block_count];
    memset(block, 0, sizeof *block);
    block->hash = effect->execute.hash;
    block->parent = effect->execute.header.parent;
    block->height = effect->execute.header.height;
    block->slot = effect->execute.header.slot;
    block->n_batches = effect->execute.body.n_batches;
    block->batches = calloc(block->n_batches + 1, sizeof *block->batches);
    for (uint32_t i = 0; i < block->n_batches; i++) {
        block->batches[i] = notch_body_batch(&effect->execute.body, i);
    }
    cluster__put_bytes(&block->bytes, effect->execute.block);
    const struct world_block *parent = cluster__find_block(cluster, &block->parent);
    assert_non_null(parent);
    cluster__run_block(block, parent);
    cluster->block_count++;
}

/* For a batch that is not final: only blocks that are not final either are looked at. */
static bool is_on_chain(struct cluster *cluster, const struct notch_hash *tip, const struct notch_hash *id)
{
    for (const struct world_block *at = cluster__find_block(cluster, tip);
         at != NULL && at->height.raw > 0 && at->height.raw >= cluster->final_count;
         at = cluster__find_block(cluster, &at->parent)) {
        for (uint32_t i = 0; i < at->n_batches; i++) {
            if (notch_hash_eq(&at->batches[i], id)) {
                return true;
            }
        }
    }
    return false;
}

static uint32_t pending_on(struct cluster *cluster, const struct notch_hash *tip, struct notch_hash *ids, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < cluster->batch_count; i++) {
        if (cluster->batches[i].times_final == 0 && !is_on_chain(cluster, tip, &cluster->batches[i].id) &&
            count < max) {
            if (ids != NULL) {
                ids[count] = cluster->batches[i].id;
            }
            count++;
        }
    }
    return count;
}

/* ---- effects ---- */

static void on_persist(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct node *self = &cluster->nodes[node];
    bool crashes = self->crash_armed;
    if (!crashes || self->crash_keeps_entry) {
        self->log = cluster__grow(self->log, self->log_count, sizeof *self->log);
        cluster__put_bytes(&self->log[self->log_count++], effect->persist.entry);
    }
    struct notch__log_entry entry;
    struct notch_reject reject = notch__log_read(&entry, effect->persist.entry);
    assert_true(notch_is_valid(reject));
    char head[24];
    char target[24];
    char source[24];
    switch (entry.kind) {
    case NOTCH__LOG_VOTE:
        cluster__trace(cluster, node, "vote      %s target %s source %s@%" PRIu64 "%s",
                       block_name(cluster, &entry.vote.data.head, head),
                       block_name(cluster, &entry.vote.data.target, target),
                       block_name(cluster, &entry.vote.data.source.hash, source), entry.vote.data.source.slot.raw,
                       crashes ? " crash" : "");
        break;
    case NOTCH__LOG_PROPOSAL:
        cluster__trace(cluster, node, "propose   b%" PRIu64 "%s", entry.slot.raw, crashes ? " crash" : "");
        break;
    case NOTCH__LOG_RESET:
    case NOTCH__LOG_LOST:
        cluster__trace(cluster, node, "log       %s", entry.kind == NOTCH__LOG_RESET ? "reset" : "lost");
        break;
    }
    if (crashes) {
        self->crash_armed = false;
        self->is_up = false;
        return;
    }
    struct message *message = post(cluster, node, NOTCH_CONSENSUS_EVENT_DONE);
    message->event.done.token = effect->token;
}

static void on_send(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct node *self = &cluster->nodes[node];
    struct send send = {.after = effect->after, .what = effect->send.what, .to = effect->send.to};
    /* What is signed anew waits for the disk; only the last vote is sent again, after a restart. */
    bool is_signed = send.what == NOTCH_CONSENSUS_WHAT_VOTES || send.what == NOTCH_CONSENSUS_WHAT_BLOCK;
    assert_true(!is_signed || send.after != 0 || self->is_booting);
    cluster__put_bytes(&send.bytes, effect->send.bytes);
    if (send.after == 0) {
        broadcast(cluster, node, &send);
        notch_buf_fini(&send.bytes);
        return;
    }
    self->sends = cluster__grow(self->sends, self->send_count, sizeof *self->sends);
    self->sends[self->send_count++] = send;
}

static void on_verify(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct message *message = post(cluster, node, NOTCH_CONSENSUS_EVENT_VERDICT);
    message->results = calloc(effect->verify.count + 1, sizeof *message->results);
    notch_consensus_verify(cluster->options.crypto, effect->verify.checks, effect->verify.count, message->results);
    message->event.verdict.token = effect->token;
    message->event.verdict.results = message->results;
    message->event.verdict.count = effect->verify.count;
}

static void on_request(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct world_block *block = cluster__find_block(cluster, &effect->request.hash);
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if (i == node || !cluster->nodes[i].is_up || cluster->cut[node][i]) {
            continue;
        }
        if (effect->request.what == NOTCH_CONSENSUS_WHAT_CERT) {
            struct message *message = post(cluster, i, NOTCH_CONSENSUS_EVENT_WANTED);
            message->event.peer = node + 1;
            message->event.wanted.from = effect->request.from;
            continue;
        }
        bool has_it = false;
        for (size_t k = 0; block != NULL && k < cluster->nodes[i].body_count && !has_it; k++) {
            has_it = notch_hash_eq(&cluster->nodes[i].bodies[k], &effect->request.hash);
        }
        if (has_it) {
            bool is_header = effect->request.what == NOTCH_CONSENSUS_WHAT_HEADER;
            struct notch_bytes bytes = notch_buf_bytes(&block->bytes);
            bytes.len = is_header ? NOTCH_HEADER_LEN : bytes.len;
            post_bytes(cluster, i, node, effect->request.what, bytes);
            return;
        }
    }
}

static void on_need_batches(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct message *message = post(cluster, node, NOTCH_CONSENSUS_EVENT_BATCHES);
    message->ids = calloc(effect->need_batches.max + 1u, sizeof *message->ids);
    message->event.batches.token = effect->token;
    message->event.batches.count =
        pending_on(cluster, &effect->need_batches.parent, message->ids, effect->need_batches.max);
    message->event.batches.n_records = message->event.batches.count;
    message->event.batches.ids = message->ids;
}

static void on_execute(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct node *self = &cluster->nodes[node];
    learn_block(cluster, effect);
    const struct world_block *block = cluster__find_block(cluster, &effect->execute.hash);
    self->bodies = cluster__grow(self->bodies, self->body_count, sizeof *self->bodies);
    self->bodies[self->body_count++] = block->hash;
    struct message *message = post(cluster, node, NOTCH_CONSENSUS_EVENT_EXECUTED);
    message->event.executed.hash = block->hash;
    message->event.executed.executed = block->executed;
    message->changes = calloc(block->n_batches + 1, sizeof *message->changes);
    uint32_t count = 0;
    for (uint32_t i = 0; i < block->n_batches; i++) {
        uint8_t kind = block->batches[i].raw[0];
        if (kind == ID_JOIN || kind == ID_LEAVE) {
            message->changes[count].kind = kind == ID_JOIN ? NOTCH_MEMBERSHIP_JOIN : NOTCH_MEMBERSHIP_LEAVE;
            message->changes[count++].key = cluster->nodes[block->batches[i].raw[1]].signer.key;
        }
    }
    message->event.executed.changes = message->changes;
    message->event.executed.change_count = count;
}

static void count_final_batches(struct cluster *cluster, const struct world_block *block)
{
    for (uint32_t i = 0; i < block->n_batches; i++) {
        for (uint32_t k = 0; k < cluster->batch_count; k++) {
            if (notch_hash_eq(&cluster->batches[k].id, &block->batches[i])) {
                cluster->batches[k].times_final++;
                cluster->batches[k].final_ms = cluster->now_ms - cluster->batches[k].born_ms;
            }
        }
    }
}

/* Agreement: whoever is first at a height says what is final there; everybody else has to say the same. */
static void check_final(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct node *self = &cluster->nodes[node];
    uint64_t from = self->final_height;
    assert_true(effect->final.height.raw > from);
    struct world_block *block = cluster__find_block(cluster, &effect->final.hash);
    for (uint64_t height = effect->final.height.raw; height > from; height--) {
        assert_non_null(block);
        assert_int_equal(block->height.raw, height);
        while (cluster->final_count <= height) {
            cluster->final_by_height =
                cluster__grow(cluster->final_by_height, cluster->final_count, sizeof *cluster->final_by_height);
            memset(&cluster->final_by_height[cluster->final_count++], 0, sizeof *cluster->final_by_height);
        }
        struct notch_hash *known = &cluster->final_by_height[height];
        if (notch_hash_is_zero(known)) {
            *known = block->hash;
            count_final_batches(cluster, block);
        }
        assert_true(notch_hash_eq(known, &block->hash));
        block = cluster__find_block(cluster, &block->parent);
    }
    assert_true(from == 0 || notch_hash_eq(&block->hash, &cluster->final_by_height[from]));
    self->final_height = effect->final.height.raw;
}

static uint32_t set_of_votes(struct notch_bytes votes)
{
    struct notch_votes_iter iter = notch_votes_iter(votes);
    struct notch_vote vote;
    assert_true(notch_votes_next(&iter, &vote));
    return vote.data.set_id;
}

/*
 * What proofs are made of: the half of a certificate that they carry says one thing, once for each voter; and the last
 * block that a set makes final is its signal block, so that with its certificate the chain of sets is whole.
 */
static void check_certificate(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct node *self = &cluster->nodes[node];
    struct notch_buf half;
    notch_buf_init(&half, notch_alloc_heap());
    assert_int_equal(notch_proof_pick_votes(&half, effect->final.cert, &effect->final.hash, notch_alloc_heap()),
                     NOTCH_OK);
    uint32_t set_id = set_of_votes(notch_buf_bytes(&half));
    assert_int_equal(set_of_votes(effect->final.cert), set_id);
    struct notch_votes_iter iter = notch_votes_iter(notch_buf_bytes(&half));
    struct notch_vote vote;
    bool voted[CLUSTER_NODES_MAX] = {false};
    while (notch_votes_next(&iter, &vote)) {
        assert_int_equal(vote.data.set_id, set_id);
        assert_true(vote.data.source.slot.raw == effect->final.checkpoint.slot.raw);
        assert_true(vote.data.slot.raw == vote.data.source.slot.raw + 1);
        assert_true(vote.validator < CLUSTER_NODES_MAX);
        assert_false(voted[vote.validator]);
        voted[vote.validator] = true;
    }
    notch_buf_fini(&half);
    uint32_t before = self->cert.len == 0 ? 0 : set_of_votes(notch_buf_bytes(&self->cert));
    if (set_id != before) {
        const struct world_block *signal = cluster__find_block(cluster, &self->base);
        struct notch_header header;
        struct notch_reader reader = notch_reader(notch_buf_bytes(&signal->bytes));
        assert_true(notch_is_valid(notch_header_decode(&header, &reader)));
        assert_int_equal(set_id, before + 1);
        assert_int_equal(header.flags, NOTCH_HEADER_SIGNAL);
        assert_int_equal(header.set_id, before);
    }
}

static void on_final(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct node *self = &cluster->nodes[node];
    check_final(cluster, node, effect);
    check_certificate(cluster, node, effect);
    self->base = effect->final.hash;
    notch_buf_clear(&self->root);
    notch_buf_append(&self->root, effect->final.root.data, effect->final.root.len);
    notch_buf_clear(&self->cert);
    notch_buf_append(&self->cert, effect->final.cert.data, effect->final.cert.len);
    size_t votes;
    assert_true(notch_is_valid(notch_votes_check(&votes, effect->final.cert, 65536)));
    char name[24];
    cluster__trace(cluster, node, "final     %s@%" PRIu64, block_name(cluster, &effect->final.hash, name),
                   effect->final.checkpoint.slot.raw);
}

void cluster__tell_pending(struct cluster *cluster, uint32_t node)
{
    struct node *self = &cluster->nodes[node];
    struct notch_consensus_status status;
    notch_consensus_status(self->core, &status);
    uint64_t pending = pending_on(cluster, &status.head, NULL, UINT32_MAX);
    if (pending != self->told_pending) {
        self->told_pending = pending;
        struct message *message = post(cluster, node, NOTCH_CONSENSUS_EVENT_PENDING);
        message->event.pending.batches = pending;
    }
}

static void on_effect(struct cluster *cluster, uint32_t node, const struct notch_consensus_effect *effect)
{
    struct node *self = &cluster->nodes[node];
    char name[24];
    switch (effect->type) {
    case NOTCH_CONSENSUS_PERSIST:
        on_persist(cluster, node, effect);
        return;
    case NOTCH_CONSENSUS_SEND:
        on_send(cluster, node, effect);
        return;
    case NOTCH_CONSENSUS_VERIFY:
        on_verify(cluster, node, effect);
        return;
    case NOTCH_CONSENSUS_REQUEST:
        on_request(cluster, node, effect);
        return;
    case NOTCH_CONSENSUS_NEED_BATCHES:
        on_need_batches(cluster, node, effect);
        return;
    case NOTCH_CONSENSUS_FETCH: {
        struct message *message = post(cluster, node, NOTCH_CONSENSUS_EVENT_AVAILABLE);
        message->event.available.hash = effect->fetch.hash;
        message->event.available.is_valid = true;
        return;
    }
    case NOTCH_CONSENSUS_EXECUTE:
        on_execute(cluster, node, effect);
        return;
    case NOTCH_CONSENSUS_HEAD:
        cluster__trace(cluster, node, "head      %s", block_name(cluster, &effect->head.hash, name));
        return;
    case NOTCH_CONSENSUS_CONFIRMED:
        cluster__trace(cluster, node, "confirmed %s", block_name(cluster, &effect->confirmed.hash, name));
        return;
    case NOTCH_CONSENSUS_JUSTIFIED:
        cluster__trace(cluster, node, "justified %s@%" PRIu64,
                       block_name(cluster, &effect->justified.checkpoint.hash, name),
                       effect->justified.checkpoint.slot.raw);
        return;
    case NOTCH_CONSENSUS_FINAL:
        on_final(cluster, node, effect);
        return;
    case NOTCH_CONSENSUS_SET_CHANGE:
        cluster__trace(cluster, node, "set       %" PRIu32 " of %" PRIu32 " members", effect->set_change.set.id,
                       effect->set_change.set.count);
        return;
    case NOTCH_CONSENSUS_DROPPED:
        return;
    case NOTCH_CONSENSUS_SCORE:
        self->scores++;
        cluster__trace(cluster, node, "score     %s", effect->score.reject.reason);
        return;
    case NOTCH_CONSENSUS_ALARM:
        self->alarms[effect->alarm.kind]++;
        cluster__trace(cluster, node, "alarm     %s", effect->alarm.text);
        return;
    }
    fail();
}

void cluster__feed(struct cluster *cluster, uint32_t node, struct notch_consensus_event *event)
{
    struct node *self = &cluster->nodes[node];
    if (!self->is_up) {
        return;
    }
    event->now = (struct notch_time){cluster->now_ms};
    event->seq = ++self->seq;
    notch_consensus_handle(self->core, event);
    struct notch_consensus_effect effect;
    while (notch_consensus_poll(self->core, &effect)) {
        if (self->is_up) {
            on_effect(cluster, node, &effect);
        }
    }
    if (event->type == NOTCH_CONSENSUS_EVENT_DONE) {
        release_sends(cluster, node, event->done.token);
    }
    if (self->is_up && event->type != NOTCH_CONSENSUS_EVENT_START) {
        cluster__tell_pending(cluster, node);
    }
}

void cluster__pump(struct cluster *cluster)
{
    while (cluster->queue_count > 0) {
        struct message message = cluster->queue[cluster->queue_head];
        cluster->queue_head++;
        cluster->queue_count--;
        struct notch_bytes bytes = notch_buf_bytes(&message.bytes);
        switch (message.event.type) {
        case NOTCH_CONSENSUS_EVENT_BLOCK:
            message.event.block.bytes = bytes;
            break;
        case NOTCH_CONSENSUS_EVENT_HEADER:
            message.event.header.bytes = bytes;
            break;
        case NOTCH_CONSENSUS_EVENT_VOTES:
            message.event.votes.bytes = bytes;
            break;
        case NOTCH_CONSENSUS_EVENT_EVIDENCE:
            message.event.evidence.bytes = bytes;
            break;
        default:
            break;
        }
        cluster__feed(cluster, message.to, &message.event);
        cluster__free_message(&message);
    }
}
