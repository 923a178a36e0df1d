/* Answers to requests. What a reply points to travels with it in the outbox. */
#include "node/internal.h"

/* A reply and `extra` bytes behind it, in one piece of memory. */
static struct notch_reply *reply_with(struct notch_node *node, enum notch_request_type type, uint64_t token,
                                      size_t extra, void **behind)
{
    size_t head = (sizeof(struct notch_reply) + 15) / 16 * 16;
    void *memory;
    struct notch_node_effect *effect = notch__out(node, NOTCH_NODE_REPLY, head + extra, &memory);
    struct notch_reply *reply = memory;
    reply->type = type;
    reply->token = token;
    effect->reply = reply;
    if (behind != NULL) {
        *behind = (uint8_t *)memory + head;
    }
    return reply;
}

void notch__reply_error(struct notch_node *node, const struct notch_request *request, enum notch_err err)
{
    reply_with(node, request->type, request->token, 0, NULL)->err = err;
}

void notch__reply_records(struct notch_node *node, const struct notch__submission *submission, enum notch_err err)
{
    size_t results = submission->count * sizeof *submission->results;
    size_t record = submission->record.len;
    void *behind;
    struct notch_reply *reply = reply_with(node, submission->type, submission->token, results + record, &behind);
    reply->err = err;
    memcpy(behind, submission->results, results);
    uint8_t *bytes = (uint8_t *)behind + results;
    if (record > 0) {
        memcpy(bytes, submission->record.data, record);
    }
    reply->records.results = behind;
    reply->records.count = submission->count;
    reply->records.record = notch_bytes(bytes, record);
}

void notch__reply_status(struct notch_node *node, const struct notch_request *request)
{
    void *behind;
    struct notch_record_result *result;
    struct notch_reply *reply = reply_with(node, request->type, request->token, sizeof *result, &behind);
    result = behind;
    *result = notch__record_status(node, &request->status.record);
    reply->records.results = result;
    reply->records.count = 1;
}

void notch__reply_validators(struct notch_node *node, const struct notch_request *request)
{
    struct notch_consensus_status status;
    notch_consensus_status(node->consensus, &status);
    size_t count = status.set.count;
    void *behind;
    struct notch_reply *reply =
        reply_with(node, request->type, request->token, count * sizeof(struct notch_validator_info), &behind);
    struct notch_validator_info *members = behind;
    struct notch_consensus_member member;
    size_t known = 0;
    while (known < count && notch_consensus_member(node->consensus, (uint32_t)known, &member)) {
        const struct notch_signer *self = node->options.validator;
        members[known] = (struct notch_validator_info){
            .key = member.key,
            .weight = member.weight,
            .reputation = member.reputation,
            .last_vote = member.last_vote,
            .self = self != NULL && notch_key_eq(&self->key, &member.key),
        };
        known++;
    }
    reply->validators.set_id = status.set.id;
    reply->validators.set_root = status.set.root;
    reply->validators.members = members;
    reply->validators.count = known;
}

static struct notch_block_ref ref_of(const struct notch_node *node, const struct notch_hash *hash,
                                     struct notch_height height)
{
    struct notch_block_ref ref = {.hash = *hash, .height = height};
    const struct notch_header *header = notch_consensus_header(node->consensus, hash);
    if (header != NULL) {
        ref.slot = header->slot;
        ref.time = header->time;
    }
    return ref;
}

void notch__finality_info(const struct notch_node *node, struct notch_finality_info *out)
{
    struct notch_consensus_status status;
    notch_consensus_status(node->consensus, &status);
    *out = (struct notch_finality_info){
        .head = ref_of(node, &status.head, status.head_height),
        .confirmed = ref_of(node, &status.confirmed, status.confirmed_height),
        .justified = {.hash = status.justified.hash, .slot = status.justified.slot},
        .final = node->final,
        .set_id = status.set.id,
        .weight_total = status.set.weight,
        .weight_voting = status.participation,
    };
    const struct notch_header *justified = notch_consensus_header(node->consensus, &status.justified.hash);
    if (justified != NULL) {
        out->justified.height = justified->height;
        out->justified.time = justified->time;
    }
    if (notch_slot_cmp(out->head.slot, out->final.slot) > 0) {
        out->lag_slots = out->head.slot.raw - out->final.slot.raw; /* Raw: a plain count for people */
    }
}

void notch__reply_finality(struct notch_node *node, const struct notch_request *request)
{
    struct notch_reply *reply = reply_with(node, request->type, request->token, 0, NULL);
    notch__finality_info(node, &reply->finality);
}
