/* Proofs: of an entry, of a value of the state, of a block's place in the history; and verifying the first of them. */
#include "chain/groups.h"
#include "chain/state.h"
#include "rpc/internal.h"

/* ---- where the parts of a proof come from ---- */

/* The blocks that a proof asks for again: the first one or the checkpoint, the record's, the newest. */
enum { BLOCKS_HELD = 3 };

/* Parts that are asked for more than once, or that finding the record has read already. */
struct cache {
    struct notch__found found; /* the record */
    struct notch__block blocks[BLOCKS_HELD];
    bool held[BLOCKS_HELD];
    size_t next; /* the slot to be given up for another block */
};

struct source {
    const struct notch__call *call;
    struct notch_lookup lookup;
    struct cache *cache;
};

/* *out is valid until the next one is read. */
static enum notch_err read_block(const struct source *source, const struct notch__block **out,
                                 struct notch_height height)
{
    struct cache *cache = source->cache;
    for (size_t i = 0; i < BLOCKS_HELD; i++) {
        if (cache->held[i] && notch_height_cmp(cache->blocks[i].row.height, height) == 0) {
            *out = &cache->blocks[i];
            return NOTCH_OK;
        }
    }
    size_t slot = cache->next;
    cache->next = (slot + 1) % BLOCKS_HELD;
    enum notch_err err = notch__block_read(source->call, &cache->blocks[slot], height);
    cache->held[slot] = err == NOTCH_OK;
    *out = &cache->blocks[slot];
    return err;
}

static enum notch_err source_genesis(const void *self, struct notch_buf *out)
{
    const struct source *source = self;
    notch_buf_append(out, source->call->rpc->genesis.data, source->call->rpc->genesis.len);
    return NOTCH_OK;
}

static enum notch_err source_header(const void *self, struct notch_header *out, struct notch_height height)
{
    const struct source *source = self;
    const struct notch__block *block;
    enum notch_err err = read_block(source, &block, height);
    if (err == NOTCH_OK && block->encoded.len == 0) {
        err = NOTCH_ERR_NOT_FOUND; /* height 0 has no header */
    }
    if (err == NOTCH_OK) {
        *out = block->header;
    }
    return err;
}

static enum notch_err source_batch_ids(const void *self, struct notch_buf *out, struct notch_height height)
{
    const struct source *source = self;
    const struct notch__block *block;
    enum notch_err err = read_block(source, &block, height);
    if (err == NOTCH_OK && block->encoded.len > 0) {
        notch_buf_append(out, block->body.batches, (size_t)block->body.n_batches * sizeof(struct notch_hash));
    }
    return err;
}

/* The record was found by its place, and the batch with it: the builder compares what it gets with the id. */
static enum notch_err source_content(const void *self, struct notch_proof_content *out, const struct notch_hash *batch,
                                     uint32_t record_index)
{
    const struct source *source = self;
    (void)batch;
    return notch_lookup_content(&source->lookup, out, source->cache->found.place.position, record_index);
}

/* A certificate as the node keeps it (chain/keys.h), and the set that gave it. */
static enum notch_err read_certificate(const struct source *source, struct notch_proof_final *out,
                                       struct notch_bytes value)
{
    struct notch_reader reader = notch_reader(value);
    struct notch_height height = {notch_read_uvar(&reader)};
    struct notch_bytes both = notch_read_bytes(&reader, notch_reader_left(&reader));
    struct notch_votes_iter iter = notch_votes_iter(both);
    struct notch_vote vote;
    if (reader.failed || !notch_votes_next(&iter, &vote)) {
        return NOTCH_ERR_CORRUPT;
    }
    enum notch_err err = source_header(source, &out->header, height);
    if (err == NOTCH_OK) {
        struct notch_hash block;
        notch_header_hash(&block, source->lookup.domain, &out->header);
        err = notch_proof_pick_votes(&out->votes, both, &block, source->lookup.alloc);
    }
    if (err == NOTCH_OK) {
        struct notch_store_key set = notch_state_key_set(vote.data.set_id);
        err = notch_lookup_state(&source->lookup, &out->set, notch_store_key_bytes(&set));
    }
    return err;
}

struct first_value {
    struct notch_buf *out;
    bool found;
};

static bool keep_value(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct first_value *first = arg;
    (void)key;
    first->found = true;
    notch_buf_append(first->out, value.data, value.len);
    return false;
}

/* Certificates of changes alone are kept for good, in the order of the sets. */
static enum notch_err source_change(const void *self, struct notch_proof_final *out, uint32_t set_id)
{
    const struct source *source = self;
    const struct notch_store_view *view = source->call->sight->view;
    struct notch_store_key from = notch_key_number(NOTCH_FLAT_CERTIFICATE, set_id);
    struct notch_store_key to = notch_key_number(NOTCH_FLAT_CERTIFICATE, NOTCH_CERTIFICATE_NEWEST);
    struct notch_buf value = notch__buf(source->call);
    struct first_value first = {.out = &value};
    enum notch_err err = view->scan(view->self, notch_store_key_bytes(&from), notch_store_key_bytes(&to), NOTCH_SCAN_UP,
                                    keep_value, &first);
    if (err == NOTCH_OK) {
        err = first.found ? read_certificate(source, out, notch_buf_bytes(&value)) : NOTCH_ERR_NOT_FOUND;
    }
    notch_buf_fini(&value);
    return err;
}

static enum notch_err source_final(const void *self, struct notch_proof_final *out)
{
    const struct source *source = self;
    const struct notch_store_view *view = source->call->sight->view;
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_CERTIFICATE, NOTCH_CERTIFICATE_NEWEST);
    struct notch_buf value = notch__buf(source->call);
    enum notch_err err = view->get(view->self, &value, notch_store_key_bytes(&key));
    if (err == NOTCH_OK) {
        err = read_certificate(source, out, notch_buf_bytes(&value));
    }
    notch_buf_fini(&value);
    return err;
}

/* ---- getproof, verifyproof ---- */

static bool same_position(const struct notch_block_row *row, uint64_t position, uint32_t *index)
{
    struct notch_reader reader = notch_reader(row->batches);
    struct notch_batch_place place;
    for (*index = 0; notch_block_row_batch(&reader, &place); (*index)++) {
        if (place.position == position) {
            return true;
        }
    }
    return false;
}

/* The record of parameter 0 as a proof wants it named. */
static enum notch_err locate(struct notch__call *call, struct cache *cache, struct notch_proof_request *request)
{
    struct notch_hash id = notch__hash(call, 0);
    struct notch__found *found = &cache->found;
    enum notch_err err = notch__found_by_id(call, found, &id);
    if (err == NOTCH_OK) {
        request->height = found->place.height;
        request->record_index = found->place.index;
        err = same_position(&found->row, found->place.position, &request->batch_index) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
    }
    return err;
}

static void write_proof(struct notch__call *call, const struct notch_buf *proof,
                        const struct notch_proof_request *request)
{
    struct notch_json *json = &call->json;
    struct notch_lookup lookup = notch__lookup(call);
    struct notch_block_row row;
    struct notch_buf scratch = notch__buf(call);
    enum notch_err err = notch_lookup_block(&lookup, &row, &scratch, request->checkpoint);
    if (err != NOTCH_OK) {
        notch__fail_err(call, err, "the checkpoint");
    } else {
        struct notch_hash id = notch__hash(call, 0);
        notch_json_open_object(json);
        notch_json_put_hash(json, "record", &id);
        notch_json_put_number(json, "index", request->entry_index);
        notch_json_put_hash(json, "checkpoint", &row.hash);
        notch_json_put_height(json, "height", request->height);
        notch_json_put_hex(json, "proof", proof->data, proof->len);
        notch_json_close_object(json);
    }
    notch_buf_fini(&scratch);
}

static void prove(struct notch__call *call, struct cache *cache, struct notch_proof_request *request)
{
    enum notch_err err = locate(call, cache, request);
    if (err != NOTCH_OK) {
        notch__fail_err(call, err, "a final record with this id");
        return;
    }
    uint64_t index = notch__uint(call, 1);
    if (index >= cache->found.record.entry_count) {
        notch__fail(call, NOTCH_RPC_NOT_FOUND, "the record has the entries 0 to %u",
                    cache->found.record.entry_count - 1);
        return;
    }
    request->entry_index = (uint32_t)index;
    struct source source = {call, notch__lookup(call), cache};
    const struct notch_proof_source parts = {.genesis = source_genesis,
                                             .header = source_header,
                                             .batch_ids = source_batch_ids,
                                             .content = source_content,
                                             .change = source_change,
                                             .final = source_final,
                                             .history = notch_lookup_history(&source.lookup),
                                             .self = &source};
    struct notch_buf proof = notch__buf(call);
    err = notch_proof_build(&proof, request, &parts, call->rpc->options.domain, call->rpc->options.alloc);
    if (err == NOTCH_ERR_NOT_FOUND) {
        notch__fail(call, NOTCH_RPC_NOT_FOUND,
                    "no certificate covers the block of this record yet: try again when the next block is final");
    } else if (err != NOTCH_OK) {
        notch__fail_err(call, err, "the proof");
    } else {
        write_proof(call, &proof, request);
    }
    notch_buf_fini(&proof);
}

void notch__do_getproof(struct notch__call *call)
{
    struct notch_proof_request request = {.entry_index = 0};
    struct cache cache = {.next = 0};
    if (notch__has(call, 2) && !notch__block_height(call, 2, &request.checkpoint)) {
        return;
    }
    notch__found_init(&cache.found, call);
    for (size_t i = 0; i < BLOCKS_HELD; i++) {
        notch__block_init(&cache.blocks[i], call);
    }
    prove(call, &cache, &request);
    for (size_t i = 0; i < BLOCKS_HELD; i++) {
        notch__block_fini(&cache.blocks[i]);
    }
    notch__found_fini(&cache.found);
}

static void write_verified(struct notch_json *json, const struct notch_proof_result *result)
{
    notch_json_put_hash(json, "genesis", &result->genesis);
    notch_json_put_hash(json, "record", &result->record_id);
    notch_json_put_key(json, "author", &result->author);
    notch_json_put_time(json, "ts_ms", result->record_ts);
    notch_json_put_number(json, "index", result->entry_index);
    notch_json_key(json, "entry");
    notch_json_open_object(json);
    notch__write_entry(json, &result->entry);
    notch_json_close_object(json);
    notch_json_put_hash(json, "batch", &result->batch_id);
    notch_json_key(json, "block");
    notch_json_open_object(json);
    notch_json_put_hash(json, "hash", &result->block);
    notch_json_put_height(json, "height", result->height);
    notch_json_put_slot(json, "slot", result->slot);
    notch_json_put_time(json, "time_ms", result->time);
    notch_json_close_object(json);
    notch_json_put_hash(json, "final_block", &result->final_block);
    notch_json_put_height(json, "final_height", result->final_height);
    notch_json_put_bool(json, "by_checkpoint", result->by_checkpoint);
    notch_json_put_number(json, "hops", result->hops);
    notch_json_put_number(json, "set_id", result->set_id);
    notch_json_put_decimal(json, "weight", result->weight);
    notch_json_put_decimal(json, "weight_total", result->weight_total);
}

void notch__do_verifyproof(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    struct notch_buf proof = notch__buf(call);
    struct notch_hash checkpoint = notch__hash(call, 1);
    struct notch_proof_result result;
    notch__hex(call, &proof, 0);
    struct notch_reject reject = notch_proof_verify(&result, notch_buf_bytes(&proof), &checkpoint,
                                                    call->rpc->options.crypto, call->rpc->options.alloc);
    notch_json_open_object(json);
    notch_json_put_bool(json, "valid", notch_is_valid(reject));
    if (notch_is_valid(reject)) {
        write_verified(json, &result);
    } else {
        notch_json_put_string(json, "code", notch_reject_name(reject.code));
        notch_json_put_string(json, "reason", reject.reason);
    }
    notch_json_close_object(json);
    notch_buf_fini(&proof);
}

/* ---- getstate, gethistoryproof ---- */

static enum notch_err write_state(struct notch__call *call, struct notch_bytes key)
{
    struct notch_json *json = &call->json;
    struct notch_lookup lookup = notch__lookup(call);
    struct notch_buf proof = notch__buf(call);
    struct notch_buf value = notch__buf(call);
    struct notch_buf scratch = notch__buf(call);
    struct notch_block_row row;
    struct notch_height top;
    bool present = false;
    enum notch_err err = notch__top(call, &top);
    if (err == NOTCH_OK) {
        err = notch_lookup_block(&lookup, &row, &scratch, top);
    }
    if (err == NOTCH_OK) {
        err = notch_lookup_prove_state(&lookup, &proof, &value, &present, key);
    }
    if (err == NOTCH_OK) {
        notch_json_put_hex(json, "key", key.data, key.len);
        notch_json_put_bool(json, "present", present);
        if (present) {
            notch_json_put_hex(json, "value", value.data, value.len);
        }
        notch_json_put_hash(json, "state_root", &row.state_root);
        notch_json_put_hash(json, "block", &row.hash);
        notch_json_put_height(json, "height", row.height);
        notch_json_put_hex(json, "proof", proof.data, proof.len);
    }
    notch_buf_fini(&proof);
    notch_buf_fini(&value);
    notch_buf_fini(&scratch);
    return err;
}

void notch__do_getstate(struct notch__call *call)
{
    struct notch_buf key = notch__buf(call);
    notch__hex(call, &key, 0);
    if (key.len > NOTCH_STATE_KEY_MAX) {
        notch__fail_param(call, 0, "a state key has at most %d bytes", NOTCH_STATE_KEY_MAX);
    } else {
        notch_json_open_object(&call->json);
        enum notch_err err = write_state(call, notch_buf_bytes(&key));
        if (err != NOTCH_OK) {
            notch__fail_err(call, err, "the state");
        }
        notch_json_close_object(&call->json);
    }
    notch_buf_fini(&key);
}

static enum notch_err write_history(struct notch__call *call, struct notch_height height, struct notch_height head)
{
    struct notch_json *json = &call->json;
    struct notch_lookup lookup = notch__lookup(call);
    struct notch_hash proof[NOTCH_MERKLE_PROOF_MAX];
    size_t proof_len = 0;
    struct notch__block block;
    struct notch_block_row row;
    struct notch_buf scratch = notch__buf(call);
    notch__block_init(&block, call);
    enum notch_err err = notch__block_read(call, &block, head);
    if (err == NOTCH_OK) {
        err = notch_lookup_block(&lookup, &row, &scratch, height);
    }
    if (err == NOTCH_OK) {
        err = notch_lookup_prove_history(&lookup, proof, &proof_len, height, head.raw); /* Raw: a count of blocks */
    }
    if (err == NOTCH_OK) {
        notch_json_put_hash(json, "block", &row.hash);
        notch_json_put_height(json, "height", height);
        notch_json_put_hash(json, "head", &block.row.hash);
        notch_json_put_height(json, "size", head);
        notch_json_put_hash(json, "history_root", &block.header.history_root);
        notch_json_key(json, "proof");
        notch_json_open_array(json);
        for (size_t i = 0; i < proof_len; i++) {
            notch_json_hash(json, &proof[i]);
        }
        notch_json_close_array(json);
    }
    notch__block_fini(&block);
    notch_buf_fini(&scratch);
    return err;
}

void notch__do_gethistoryproof(struct notch__call *call)
{
    struct notch_height height;
    struct notch_height head;
    if (!notch__block_height(call, 0, &height) || !notch__block_height(call, 1, &head)) {
        return;
    }
    if (notch_height_cmp(height, head) >= 0) {
        notch__fail_param(call, 0, "expected an ancestor of the head");
        return;
    }
    notch_json_open_object(&call->json);
    enum notch_err err = write_history(call, height, head);
    if (err != NOTCH_OK) {
        notch__fail_err(call, err, "the proof");
    }
    notch_json_close_object(&call->json);
}
