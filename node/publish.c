/*
 * Records that this node signs itself, with its author key: entries given by an operator, and needs.
 *
 * The salt comes from the content (chain/salt.h), so the same content published twice is the same record and adds
 * nothing.
 */
#include "chain/entry.h"
#include "chain/salt.h"
#include "node/internal.h"

static enum notch_err sign(struct notch_node *node, struct notch_buf *out, struct notch_bytes entries)
{
    const struct notch_signer *author = node->options.author;
    struct notch_record_draft draft = {.author = author->key, .ts = node->now, .ref = node->final.hash};
    struct notch_hash root;
    uint32_t count;
    enum notch_err err = notch_record_entries_root(&root, &count, entries);
    if (err != NOTCH_OK) {
        return err;
    }
    notch_record_salt(&draft.salt, node->options.domain, author->secret, &root);
    draft.entries = entries;
    return notch_record_build(out, &draft, author, node->options.domain, node->options.crypto);
}

/* The entry of a need. Its blinding can be had again from the author's secret, the resource and the period. */
static enum notch_err need_entry(struct notch_node *node, struct notch_buf *out, const struct notch_need_request *need)
{
    struct notch_period period = {.start = need->start, .length_ms = need->length_ms};
    struct notch_blinding blinding;
    notch_need_blinding(&blinding, node->options.domain, node->options.author->secret, &need->resource, &period,
                        need->amount);
    struct notch_entry entry = {0};
    enum notch_err err = NOTCH_OK;
    switch (need->step) {
    case NOTCH_NEED_STEP_COMMIT:
        entry.type = NOTCH_ENTRY_NEED_COMMIT;
        entry.as.need_commit.resource = need->resource;
        entry.as.need_commit.period = period;
        if (!notch_commit_amount(&entry.as.need_commit.commitment, need->amount, &blinding)) {
            err = NOTCH_ERR_RANGE;
        }
        break;
    case NOTCH_NEED_STEP_REVEAL:
        entry.type = NOTCH_ENTRY_NEED_REVEAL;
        entry.as.need_reveal = (struct notch_need_reveal){need->resource, period, need->amount, blinding};
        break;
    }
    notch_wipe(&blinding, sizeof blinding);
    if (err == NOTCH_OK) {
        notch_entry_append(out, &entry);
    }
    return err;
}

static enum notch_err gather(struct notch_node *node, struct notch_buf *entries, const struct notch_request *request)
{
    if (request->type == NOTCH_REQUEST_NEED) {
        return need_entry(node, entries, &request->need);
    }
    if (request->publish.count == 0 || request->publish.count > NOTCH_RECORD_ENTRIES_MAX) {
        return NOTCH_ERR_RANGE;
    }
    for (size_t i = 0; i < request->publish.count; i++) {
        notch_buf_append(entries, request->publish.entries[i].data, request->publish.entries[i].len);
    }
    return NOTCH_OK;
}

/* SIGN: the record itself is the answer, with the verdict that submitting it would get for its form. */
static void reply_signed(struct notch_node *node, const struct notch_request *request, struct notch_bytes bytes)
{
    struct notch_record record;
    struct notch_record_result result = {.status = NOTCH_STATUS_UNKNOWN};
    result.reject = notch_record_check_unsigned(&record, bytes, &node->rules);
    if (notch_is_valid(result.reject)) {
        result.id = record.id;
    } else {
        result.status = NOTCH_STATUS_REFUSED;
    }
    struct notch__submission submission = {
        .type = request->type, .token = request->token, .count = 1, .results = &result};
    notch_buf_init(&submission.record, node->alloc);
    notch_buf_append(&submission.record, bytes.data, bytes.len);
    notch__reply_records(node, &submission, NOTCH_OK);
    notch_buf_fini(&submission.record);
}

void notch__publish(struct notch_node *node, const struct notch_request *request)
{
    if (node->options.author == NULL) {
        notch__reply_error(node, request, NOTCH_ERR_UNSUPPORTED);
        return;
    }
    struct notch_buf entries;
    struct notch_buf record;
    notch_buf_init(&entries, node->alloc);
    notch_buf_init(&record, node->alloc);
    enum notch_err err = gather(node, &entries, request);
    if (err == NOTCH_OK) {
        err = sign(node, &record, notch_buf_bytes(&entries));
    }
    struct notch_bytes bytes = notch_buf_bytes(&record);
    if (err != NOTCH_OK) {
        notch__reply_error(node, request, err);
    } else if (request->type == NOTCH_REQUEST_SIGN) {
        reply_signed(node, request, bytes);
    } else {
        notch__intake_submit(node, request, &bytes, 1);
    }
    notch_buf_fini(&entries);
    notch_buf_fini(&record);
}
