/*
 * From a submitted record to its acknowledgement: checked on another thread, refused where the chain would certainly
 * reject it, put into the open batch, and answered when that batch is on disk.
 *
 * The open batch is closed as soon as no batch is being written (so a lone record waits for nothing but its signature,
 * see node/ahead.c), when it is full, or after batch_delay_ms. While the disk is busy it fills, which is what makes
 * many records cost one sync.
 */
#include "base/fixed.h"
#include "node/internal.h"

void notch__intake_init(struct notch_node *node)
{
    notch_batch_builder_init(&node->intake.builder, node->alloc, node->rules.batch_bytes_max);
}

static void free_results(struct notch_node *node, struct notch__submission *submission)
{
    notch_free(node->alloc, submission->results, submission->count * sizeof *submission->results);
    notch_buf_fini(&submission->record);
    submission->results = NULL;
}

void notch__intake_fini(struct notch_node *node)
{
    struct notch__intake *intake = &node->intake;
    for (uint32_t i = 0; i < intake->submission_count; i++) {
        if (intake->submissions[i].used) {
            free_results(node, &intake->submissions[i]);
        }
    }
    notch_free(node->alloc, intake->submissions, intake->submission_count * sizeof *intake->submissions);
    notch_free(node->alloc, intake->free, intake->submission_count * sizeof *intake->free);
    notch_batch_builder_fini(&intake->builder);
    if (intake->open != NULL) {
        notch__batch_free(node, intake->open);
    }
}

static void grow_submissions(struct notch_node *node)
{
    struct notch__intake *intake = &node->intake;
    uint32_t old = intake->submission_count;
    uint32_t count = old == 0 ? 64 : old * 2;
    intake->submissions = notch_realloc(node->alloc, intake->submissions, old * sizeof *intake->submissions,
                                        count * sizeof *intake->submissions);
    memset(intake->submissions + old, 0, (count - old) * sizeof *intake->submissions);
    intake->free = notch_realloc(node->alloc, intake->free, old * sizeof *intake->free, count * sizeof *intake->free);
    for (uint32_t i = count; i-- > old;) {
        intake->free[intake->free_count++] = i;
    }
    intake->submission_count = count;
}

static uint32_t take_submission(struct notch_node *node, const struct notch_request *request, uint32_t count)
{
    struct notch__intake *intake = &node->intake;
    if (intake->free_count == 0) {
        grow_submissions(node);
    }
    uint32_t index = intake->free[--intake->free_count];
    struct notch__submission *submission = &intake->submissions[index];
    *submission = (struct notch__submission){
        .used = true,
        .type = request->type,
        .token = request->token,
        .count = count,
        .left = count,
        .results = notch_alloc_array(node->alloc, count, sizeof *submission->results),
        .at = node->now,
    };
    notch_buf_init(&submission->record, node->alloc);
    return index;
}

static void settle(struct notch_node *node, struct notch__ticket ticket, const struct notch_record_result *result)
{
    struct notch__intake *intake = &node->intake;
    struct notch__submission *submission = &intake->submissions[ticket.submission];
    notch_assert(submission->used);
    notch_assert(submission->left > 0);
    submission->results[ticket.index] = *result;
    intake->records--;
    if (result->status == NOTCH_STATUS_REFUSED) {
        node->counts.refused++;
    } else if (result->duplicate) {
        node->counts.duplicates++;
    } else {
        node->counts.acknowledged++;
    }
    if (--submission->left > 0) {
        return;
    }
    notch__reply_records(node, submission, NOTCH_OK);
    free_results(node, submission);
    submission->used = false;
    intake->free[intake->free_count++] = ticket.submission;
}

void notch__intake_submit(struct notch_node *node, const struct notch_request *request,
                          const struct notch_bytes *records, size_t count)
{
    struct notch__intake *intake = &node->intake;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += records[i].len;
    }
    enum notch_err err = NOTCH_OK;
    if (count == 0 || count > NOTCH_SUBMIT_MAX) {
        err = NOTCH_ERR_RANGE;
    } else if (node->failed) {
        err = node->failure;
    } else if (node->options.validator == NULL) {
        err = NOTCH_ERR_UNSUPPORTED; /* without a validator's key there is nobody to sign a batch */
    } else if (intake->records + count > node->options.in_flight_max ||
               intake->bytes + bytes > node->options.in_flight_bytes_max) {
        err = NOTCH_ERR_BUSY;
    }
    if (err != NOTCH_OK) {
        notch__reply_error(node, request, err);
        return;
    }
    uint32_t index = take_submission(node, request, (uint32_t)count);
    if (request->type != NOTCH_REQUEST_SUBMIT) {
        notch_buf_append(&intake->submissions[index].record, records[0].data, records[0].len);
    }
    intake->records += count;
    intake->bytes += bytes;
    node->counts.submitted += count;
    for (size_t i = 0; i < count; i++) {
        notch__job_add_record(node, records[i], (struct notch__ticket){index, (uint32_t)i});
    }
}

/* Fills in what the lookup says of a record that is in a block behind or at the base. */
static bool find_on_chain(struct notch_record_result *result, const struct notch_record_place *place,
                          enum notch_err err)
{
    if (err != NOTCH_OK) {
        return false;
    }
    result->status = NOTCH_STATUS_FINAL;
    result->height = place->height.raw; /* Raw: a plain number in the reply */
    return true;
}

struct notch_record_result notch__record_status(const struct notch_node *node, const struct notch_hash *id)
{
    struct notch_record_result result = {.id = *id, .status = NOTCH_STATUS_UNKNOWN};
    const struct notch__where *where = notch_map_get(&node->pool.records, id);
    if (where != NULL) {
        result.status = notch__pool_status(node, where->batch);
        result.height = where->batch->included_height;
        result.stored_by = (uint32_t)(where->batch->holders.len / sizeof(struct notch_key));
        return result;
    }
    struct notch_lookup lookup;
    struct notch_record_place place;
    if (notch_ledger_lookup(node->ledger, &lookup, NULL) == NOTCH_OK) {
        (void)find_on_chain(&result, &place, notch_lookup_record(&lookup, &place, id));
    }
    return result;
}

/* The id of the record at a place of the chain: read from the batch it is in. */
static enum notch_err read_record_id(struct notch_node *node, struct notch_hash *id,
                                     const struct notch_record_place *place)
{
    notch_buf_clear(&node->scratch);
    const struct notch_store_view *view = node->options.view;
    enum notch_err err = view->body(view->self, &node->scratch, place->position);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_batch batch;
    struct notch_bytes bytes;
    struct notch_record record;
    if (!notch_is_valid(notch_batch_decode(&batch, notch_buf_bytes(&node->scratch))) ||
        notch_batch_record(&batch, &bytes, place->index) != NOTCH_OK ||
        !notch_is_valid(notch_record_decode(&record, bytes))) {
        return NOTCH_ERR_CORRUPT;
    }
    notch_record_hash(&record, node->options.domain);
    *id = record.id;
    return NOTCH_OK;
}

enum known { KNOWN_NEW, KNOWN_PENDING, KNOWN_FINAL, KNOWN_ERROR };

/* Whether (author, salt) is taken, and by which record. */
static enum known find_duplicate(struct notch_node *node, struct notch_record_result *result,
                                 struct notch__batch **pending, const struct notch_node_verdict *verdict)
{
    const struct notch__where *where = notch_map_get(&node->pool.salts, &verdict->salt_hash);
    if (where != NULL) {
        *result = (struct notch_record_result){.id = where->id, .duplicate = true};
        *pending = where->batch;
        return KNOWN_PENDING;
    }
    struct notch_lookup lookup;
    struct notch_record_place place;
    enum notch_err err = notch_ledger_lookup(node->ledger, &lookup, NULL);
    if (err == NOTCH_OK) {
        err = notch_lookup_salt(&lookup, &place, &verdict->record.author, &verdict->record.salt);
    }
    if (err == NOTCH_ERR_NOT_FOUND) {
        return KNOWN_NEW;
    }
    *result = (struct notch_record_result){.duplicate = true};
    if (err == NOTCH_OK) {
        err = read_record_id(node, &result->id, &place);
    }
    return find_on_chain(result, &place, err) ? KNOWN_FINAL : KNOWN_ERROR;
}

/*
 * Refuses what the ledger would reject: a ref that is no final block, or too old a one. The last good ref is
 * remembered, because the records of one feed share it.
 */
static struct notch_reject check_ref(struct notch_node *node, const struct notch_record *record)
{
    struct notch__intake *intake = &node->intake;
    struct notch_slot now = notch_genesis_slot_at(node->options.genesis, node->now);
    if (!notch_hash_eq(&record->ref, &intake->ref)) {
        struct notch_lookup lookup;
        struct notch_block_row row;
        struct notch_height height;
        enum notch_err err = notch_ledger_lookup(node->ledger, &lookup, NULL);
        if (err == NOTCH_OK) {
            err = notch_lookup_height(&lookup, &height, &record->ref);
        }
        notch_buf_clear(&node->scratch);
        if (err == NOTCH_OK) {
            err = notch_lookup_block(&lookup, &row, &node->scratch, height);
        }
        struct notch_slot until;
        if (err != NOTCH_OK || !notch_hash_eq(&row.hash, &record->ref) ||
            notch_slot_add(&until, row.slot, node->options.genesis->expiry_slots) != NOTCH_OK) {
            return NOTCH_REJECT(UNKNOWN_REF, "ref: not a final block of this chain");
        }
        intake->ref = record->ref;
        intake->ref_until = until;
    }
    if (notch_slot_cmp(now, intake->ref_until) > 0) {
        return NOTCH_REJECT(EXPIRED, "ref: too old; sign again with a newer final block");
    }
    return NOTCH_VALID;
}

static void close_batch(struct notch_node *node)
{
    struct notch__intake *intake = &node->intake;
    struct notch__batch *batch = intake->open;
    notch_assert(batch != NULL);
    notch__batch_sign(node, batch);
    batch->position = notch__commit_body(node, notch_buf_bytes(&batch->bytes));
    batch->commit = node->commit_open;
    batch->state = NOTCH__BATCH_WRITING;
    notch__pool_add(node, batch);
    intake->batches_writing++;
    intake->open = NULL;
    notch_batch_builder_clear(&intake->builder);
    node->counts.batches_made++;
    notch__send(node, 0, NOTCH_NODE_MESSAGE_BATCH, notch_buf_bytes(&batch->bytes), batch->commit);
    notch__bridge_pending(node);
}

static void add_to_batch(struct notch_node *node, struct notch__ticket ticket, struct notch_bytes bytes,
                         const struct notch_node_verdict *verdict)
{
    struct notch__intake *intake = &node->intake;
    enum notch_err err = notch_batch_builder_add(&intake->builder, bytes, &verdict->record.id);
    if (err == NOTCH_ERR_SPACE) {
        close_batch(node);
        err = notch_batch_builder_add(&intake->builder, bytes, &verdict->record.id);
    }
    notch_assert(err == NOTCH_OK); /* one record always fits an empty batch: the genesis check sees to that */
    if (intake->open == NULL) {
        intake->open = notch__batch_new(node);
        intake->open->maker = node->options.validator->key;
        intake->open->is_own = true;
        intake->open->oldest = intake->submissions[ticket.submission].at;
        intake->open_since = node->now;
    }
    notch__pool_note_record(node, intake->open, &verdict->record.id, &verdict->salt_hash);
    notch_buf_append(&intake->open->tickets, &ticket, sizeof ticket);
}

void notch__intake_verdict(struct notch_node *node, struct notch__ticket ticket, struct notch_bytes bytes,
                           const struct notch_node_verdict *verdict)
{
    node->intake.bytes -= bytes.len;
    if (node->failed) {
        return; /* answered when it failed */
    }
    struct notch_record_result result = {.id = verdict->record.id, .status = NOTCH_STATUS_REFUSED};
    result.reject = verdict->reject;
    if (notch_is_valid(result.reject)) {
        result.reject = check_ref(node, &verdict->record);
    }
    if (!notch_is_valid(result.reject)) {
        settle(node, ticket, &result);
        return;
    }
    struct notch__batch *pending = NULL;
    switch (find_duplicate(node, &result, &pending, verdict)) {
    case KNOWN_NEW:
        add_to_batch(node, ticket, bytes, verdict);
        return;
    case KNOWN_PENDING:
        if (pending->state == NOTCH__BATCH_WRITING || pending->is_waiting) {
            notch_buf_append(&pending->repeats, &ticket, sizeof ticket);
            node->intake.submissions[ticket.submission].results[ticket.index] = result;
            return;
        }
        result.status = notch__pool_status(node, pending);
        result.height = pending->included_height;
        settle(node, ticket, &result);
        return;
    case KNOWN_FINAL:
        settle(node, ticket, &result);
        return;
    case KNOWN_ERROR:
        notch__commit_failed(node, NOTCH_ERR_CORRUPT);
        return;
    }
    notch_unreachable();
}

void notch__intake_flush_if_due(struct notch_node *node)
{
    struct notch__intake *intake = &node->intake;
    if (intake->open == NULL || node->failed) {
        return;
    }
    bool idle = intake->batches_writing == 0 && !intake->ahead.is_out;
    if (idle || notch_time_cmp(node->now, notch__intake_deadline(node)) >= 0) {
        close_batch(node);
    }
}

struct notch_time notch__intake_deadline(const struct notch_node *node)
{
    struct notch_time never = {UINT64_MAX};
    struct notch_time due;
    if (node->intake.open == NULL || node->failed ||
        notch_time_add_ms(&due, node->intake.open_since, node->options.batch_delay_ms) != NOTCH_OK) {
        return never;
    }
    return due;
}

static struct notch__ticket ticket_at(const struct notch_buf *tickets, size_t index)
{
    struct notch__ticket ticket;
    memcpy(&ticket, tickets->data + index * sizeof ticket, sizeof ticket);
    return ticket;
}

/* The batch is on our disk: whoever waits for its records is answered, if that is enough. */
void notch__intake_stored(struct notch_node *node, struct notch__batch *batch)
{
    node->intake.batches_writing--;
    if (notch__acks_enough(node, batch)) {
        notch__intake_answer(node, batch, NOTCH_STATUS_STORED);
    } else if (!notch__acks_wait(node, batch)) {
        notch__intake_answer(node, batch, NOTCH_STATUS_LOCAL);
    }
}

void notch__intake_answer(struct notch_node *node, struct notch__batch *batch, enum notch_record_status status)
{
    uint32_t holders = (uint32_t)(batch->holders.len / sizeof(struct notch_key));
    struct notch_record_result result = {.status = status, .stored_by = holders, .height = batch->final_height};
    for (size_t i = 0; i < batch->tickets.len / sizeof(struct notch__ticket); i++) {
        result.id = notch__batch_record(batch, (uint32_t)i);
        settle(node, ticket_at(&batch->tickets, i), &result);
    }
    result.duplicate = true;
    for (size_t i = 0; i < batch->repeats.len / sizeof(struct notch__ticket); i++) {
        struct notch__ticket ticket = ticket_at(&batch->repeats, i);
        result.id = node->intake.submissions[ticket.submission].results[ticket.index].id;
        settle(node, ticket, &result);
    }
    notch_buf_fini(&batch->tickets);
    notch_buf_fini(&batch->repeats);
}

/* The disk failed: everybody who waits is told, and nobody is taken any more. */
void notch__intake_failed(struct notch_node *node)
{
    struct notch__intake *intake = &node->intake;
    for (uint32_t i = 0; i < intake->submission_count; i++) {
        struct notch__submission *submission = &intake->submissions[i];
        if (!submission->used) {
            continue;
        }
        notch__reply_records(node, submission, node->failure);
        free_results(node, submission);
        submission->used = false;
        intake->free[intake->free_count++] = i;
    }
    intake->records = 0;
}
