/*
 * A record that comes alone is signed into its batch while it is still being checked, on another thread: the two take
 * as long as the longer one. The signature is used only if the record turns out to be good, new, and the whole batch;
 * else it is forgotten here, in memory, and the batch is signed when it is closed.
 */
#include "chain/merkle.h"
#include "node/internal.h"

/* Finding out the id hashes the entries, on the loop: for a large record that costs more than it saves. */
enum { RECORD_BYTES_MAX = 1024 };

static uint64_t next_seq(const struct notch_node *node)
{
    uint64_t ms = node->now.raw; /* Raw: a sequence number that never falls back, whatever backup was restored */
    uint64_t last = node->intake.seq_last;
    return ms > last ? ms : last + 1;
}

static bool is_worth_it(const struct notch_node *node, struct notch_bytes bytes)
{
    const struct notch__intake *intake = &node->intake;
    return intake->records == 1 && intake->open == NULL && intake->batches_writing == 0 && !intake->ahead.is_out &&
           !node->failed && bytes.len <= RECORD_BYTES_MAX;
}

void notch__ahead_begin(struct notch_node *node, struct notch_bytes bytes)
{
    struct notch__ahead *ahead = &node->intake.ahead;
    struct notch_record record;
    if (!is_worth_it(node, bytes) || !notch_is_valid(notch_record_decode(&record, bytes))) {
        return;
    }
    notch_record_hash(&record, node->options.domain);
    ahead->record = record.id;
    ahead->seq = next_seq(node);
    ahead->ts = node->now;
    struct notch_hash leaf; /* Raw: the bytes of a record id are the data of its leaf. */
    notch_merkle_leaf(&leaf, notch_bytes(record.id.raw, sizeof record.id.raw));
    notch_batch_head_make(&ahead->head, &leaf, 1, ahead->seq, ahead->ts, &node->options.validator->key,
                          node->options.domain);
    ahead->is_out = true;
    ahead->is_signed = false;
    notch__job_send_sign(node, &ahead->head.id);
}

void notch__ahead_signed(struct notch_node *node, const struct notch_sig *sig)
{
    struct notch__ahead *ahead = &node->intake.ahead;
    notch_assert(ahead->is_out);
    ahead->is_out = false;
    ahead->is_signed = true;
    ahead->sig = *sig;
}

/* Whether the batch is what was signed ahead; then it has been filled in. */
static bool take(struct notch_node *node, struct notch__batch *batch)
{
    struct notch__intake *intake = &node->intake;
    struct notch__ahead *ahead = &intake->ahead;
    if (!ahead->is_signed) {
        return false;
    }
    ahead->is_signed = false;
    struct notch_hash first = notch__batch_record(batch, 0);
    if (batch->record_count != 1 || ahead->seq <= intake->seq_last || !notch_hash_eq(&first, &ahead->record)) {
        return false;
    }
    batch->seq = ahead->seq;
    batch->ts = ahead->ts;
    batch->id = ahead->head.id;
    notch_batch_builder_finish(&intake->builder, &batch->bytes, &ahead->head, &ahead->sig);
    node->counts.batches_ahead++;
    return true;
}

void notch__batch_sign(struct notch_node *node, struct notch__batch *batch)
{
    struct notch__intake *intake = &node->intake;
    if (!take(node, batch)) {
        batch->seq = next_seq(node);
        batch->ts = node->now;
        enum notch_err err = notch_batch_builder_sign(&intake->builder, &batch->bytes, &batch->id, batch->seq,
                                                      batch->ts, node->options.validator, &node->rules);
        notch_assert(err == NOTCH_OK); /* the builder is not empty, and the key was tried at create */
    }
    intake->seq_last = batch->seq;
}
