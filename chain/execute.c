#include "chain/execution.h"

#include "chain/groups.h"

#include "chain/set.h"

void notch__execution_init(struct notch_execution *execution, const struct notch_ledger_options *options)
{
    const struct notch_alloc *alloc = options->alloc;
    *execution = (struct notch_execution){
        .genesis = options->genesis,
        .domain = options->domain,
        .alloc = alloc,
        .cache = notch__node_cache_create(alloc),
        .smt = notch_smt_create(alloc, options->domain),
        .index = notch_index_builder_create(alloc, options->hash_key),
        .apply = {.genesis = options->genesis, .domain = options->domain, .crypto = options->crypto},
    };
    execution->apply.execution = execution;
    for (size_t i = 0; i < options->row_count; i++) {
        execution->rows[options->rows[i].type] = &options->rows[i];
    }
    notch_buf_init(&execution->receipts, alloc);
    notch_buf_init(&execution->row_batches, alloc);
    notch_buf_init(&execution->value, alloc);
    notch_buf_init(&execution->scratch, alloc);
    notch_map_init(&execution->authors, alloc, options->hash_key, sizeof(struct notch_key),
                   sizeof(struct notch__author), 0);
    notch_map_init(&execution->account_index, alloc, options->hash_key, sizeof(struct notch_key), sizeof(uint32_t), 0);
}

void notch__execution_fini(struct notch_execution *execution)
{
    const struct notch_alloc *alloc = execution->alloc;
    notch__node_cache_destroy(execution->cache);
    notch_smt_destroy(execution->smt);
    notch_index_builder_destroy(execution->index);
    notch_buf_fini(&execution->receipts);
    notch_buf_fini(&execution->row_batches);
    notch_buf_fini(&execution->value);
    notch_buf_fini(&execution->scratch);
    notch_map_fini(&execution->authors);
    notch_map_fini(&execution->account_index);
    notch_free(alloc, execution->accounts, execution->account_cap * sizeof *execution->accounts);
    notch_free(alloc, execution->feeds, execution->feed_cap * sizeof *execution->feeds);
    notch_free(alloc, execution->changes, execution->change_cap * sizeof *execution->changes);
}

/* Forgets the block before, keeps the memory. */
static void begin(struct notch_execution *execution, const struct notch_store_view *view, struct notch_layer *layer,
                  struct notch_ledger_result *result, struct notch__chain_tip *tip)
{
    execution->view = view;
    execution->layer = layer;
    execution->result = result;
    execution->tip = tip;
    notch_merkle_init(&execution->receipts_tree);
    notch_buf_clear(&execution->receipts);
    notch_buf_clear(&execution->row_batches);
    notch__accounts_reset(execution);
    for (size_t i = 0; i < NOTCH__REFS; i++) {
        execution->refs[i].is_used = false;
    }
}

static void write_member(struct notch_execution *execution, const struct notch_genesis_member *member)
{
    uint8_t raw[NOTCH_STATE_VALUE_MAX];
    struct notch_membership membership = {
        .is_member = true, .operator_key = member->operator_key, .services = member->services};
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_membership_write(&writer, &membership);
    struct notch_store_key key = notch_state_key_member(&member->key);
    notch__state_put(execution, &key, notch_writer_bytes(&writer));
    key = notch_state_key_operator(&member->operator_key);
    notch__state_put(execution, &key, notch_bytes(member->key.raw, sizeof member->key.raw));
    writer = notch_writer(raw, sizeof raw);
    notch_write_uvar(&writer, member->reputation);
    key = notch_state_key_32(NOTCH_STATE_REPUTATION, member->key.raw);
    notch__state_put(execution, &key, notch_writer_bytes(&writer));
}

static void write_set(struct notch_execution *execution, const struct notch_set *set)
{
    if (set == NULL) {
        return;
    }
    notch_buf_clear(&execution->scratch);
    struct notch_writer writer = notch_writer_grow(&execution->scratch);
    notch_set_encode(&writer, set);
    struct notch_store_key key = notch_state_key_set(set->id);
    notch__state_put(execution, &key, notch_buf_bytes(&execution->scratch));
}

static void write_consensus(struct notch_execution *execution, const struct notch_state_write *writes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        notch_assert(writes[i].key.len > 0);
        uint8_t kind = writes[i].key.data[0];
        notch_assert(kind == NOTCH_STATE_CONSENSUS || kind == NOTCH_STATE_REPUTATION);
        struct notch_store_key key = notch_key_state(writes[i].key);
        if (writes[i].value.data == NULL) {
            notch_layer_delete(execution->layer, notch_store_key_bytes(&key));
        } else {
            notch_layer_put(execution->layer, notch_store_key_bytes(&key), writes[i].value);
        }
    }
}

static void add_change(struct notch_execution *execution, uint32_t count, const struct notch_commit_op *op)
{
    if (count == execution->change_cap) {
        uint32_t cap = count == 0 ? 64 : count * 2;
        execution->changes = notch_realloc(execution->alloc, execution->changes, count * sizeof *execution->changes,
                                           cap * sizeof *execution->changes);
        execution->change_cap = cap;
    }
    struct notch_smt_change *change = &execution->changes[count];
    change->is_delete = op->is_delete;
    if (!op->is_delete) {
        notch_sha256(&change->value_hash, op->value);
    }
}

/* Points a change at its key, once the layer's memory cannot move any more. */
static void set_keys(struct notch_execution *execution, struct notch_buf *keys)
{
    struct notch_commit_op op;
    uint32_t at = 0;
    size_t count = 0;
    notch_buf_clear(keys);
    while (notch_layer_next(execution->layer, &at, &op)) {
        if (op.key.data[0] == NOTCH_FLAT_STATE) {
            notch_buf_append(keys, op.key.data + 1, op.key.len - 1);
        }
    }
    size_t from = 0;
    at = 0;
    while (notch_layer_next(execution->layer, &at, &op)) {
        if (op.key.data[0] == NOTCH_FLAT_STATE) {
            execution->changes[count++].key = notch_bytes(keys->data + from, op.key.len - 1);
            from += op.key.len - 1;
        }
    }
}

/* The state root behind this block, from all state keys that its layer wrote. */
static enum notch_err update_state(struct notch_execution *execution)
{
    struct notch_commit_op op;
    uint32_t at = 0;
    uint32_t count = 0;
    while (notch_layer_next(execution->layer, &at, &op)) {
        if (op.key.data[0] == NOTCH_FLAT_STATE) {
            add_change(execution, count++, &op);
        }
    }
    set_keys(execution, &execution->scratch);
    struct notch__nodes nodes = {
        .target = execution->layer, .layer = execution->layer, .view = execution->view, .cache = execution->cache};
    struct notch_smt_nodes functions = notch__nodes_of(&nodes);
    return notch_smt_update(execution->smt, &execution->result->state_root, &functions, execution->changes, count);
}

static void update_history(struct notch_execution *execution)
{
    struct notch_ledger_result *result = execution->result;
    struct notch_merkle *history = &execution->tip->history;
    struct notch_hash leaf, nodes[NOTCH_MERKLE_LEVELS];
    notch_merkle_leaf(&leaf, notch_bytes(result->block.raw, sizeof result->block.raw));
    uint64_t size = history->size;
    unsigned count = notch_merkle_append_nodes(history, nodes, &leaf);
    for (unsigned level = 1; level < count; level++) {
        struct notch_store_key key = notch_key_history(level, size + 1 - (UINT64_C(1) << level));
        notch_layer_put(execution->layer, notch_store_key_bytes(&key),
                        notch_bytes(nodes[level].raw, sizeof nodes[level].raw));
    }
    notch_merkle_root(history, &result->history_root);
}

/* What the block leaves behind beside the state: row, hash, receipts, history. */
static void write_block(struct notch_execution *execution, uint64_t position, uint32_t batch_count)
{
    struct notch_ledger_result *result = execution->result;
    uint64_t height = result->height.raw; /* Raw: encoding */
    update_history(execution);
    notch_merkle_root(&execution->receipts_tree, &result->receipts_root);
    notch_buf_clear(&execution->scratch);
    notch__block_row_write(&execution->scratch, result, position, batch_count,
                           notch_buf_bytes(&execution->row_batches));
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_BLOCK, height);
    notch_layer_put(execution->layer, notch_store_key_bytes(&key), notch_buf_bytes(&execution->scratch));
    uint8_t raw[NOTCH_UVAR_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_write_uvar(&writer, height);
    key = notch_key_hash16(NOTCH_FLAT_HASH, &result->block);
    notch_layer_put(execution->layer, notch_store_key_bytes(&key), notch_writer_bytes(&writer));
    if (result->records > 0) {
        key = notch_key_number(NOTCH_FLAT_RECEIPTS, height);
        notch_layer_put(execution->layer, notch_store_key_bytes(&key), notch_buf_bytes(&execution->receipts));
    }
}

static enum notch_err locate_batch(struct notch_execution *execution, const struct notch_hash *id, uint32_t index)
{
    struct notch_store_key key = notch_key_hash16(NOTCH_FLAT_BATCH, id);
    notch_buf_clear(&execution->value);
    enum notch_err err =
        notch_layer_get(execution->layer, execution->view, &execution->value, notch_store_key_bytes(&key));
    if (err != NOTCH_ERR_NOT_FOUND) {
        return err;
    }
    uint8_t raw[2 * NOTCH_UVAR_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_write_uvar(&writer, execution->result->height.raw); /* Raw: encoding */
    notch_write_uvar(&writer, index);
    notch_layer_put(execution->layer, notch_store_key_bytes(&key), notch_writer_bytes(&writer));
    return NOTCH_OK;
}

/* A batch of one group is read whole. */
static void write_groups(struct notch_execution *execution, const struct notch_batch *batch, uint64_t position,
                         const struct notch_hash *leaves)
{
    if (batch->record_count > NOTCH_GROUP_RECORDS) {
        struct notch_store_key key = notch_key_number(NOTCH_FLAT_GROUPS, position);
        notch_buf_clear(&execution->scratch);
        notch_groups_write(&execution->scratch, batch, leaves);
        notch_layer_put(execution->layer, notch_store_key_bytes(&key), notch_buf_bytes(&execution->scratch));
    }
}

/* Raw: the bytes of a record id are the data of its leaf. */
static enum notch_err execute_batch(struct notch_execution *execution, const struct notch_ledger_batch *batch,
                                    uint32_t index)
{
    struct notch_batch view;
    if (!notch_is_valid(notch_batch_decode(&view, batch->bytes))) {
        return NOTCH_ERR_CORRUPT; /* it was checked before it came here */
    }
    enum notch_err err = locate_batch(execution, &batch->id, index);
    struct notch_writer writer = notch_writer_grow(&execution->row_batches);
    notch_write_uvar(&writer, batch->position);
    notch_write_uvar(&writer, view.record_count);
    struct notch_reader reader = notch_reader(view.records);
    struct notch_bytes record;
    struct notch_hash leaves[NOTCH_BATCH_RECORDS_MAX];
    for (uint32_t i = 0; err == NOTCH_OK && notch_batch_next_record(&reader, &record); i++) {
        const struct notch_hash *known = batch->record_ids == NULL ? NULL : &batch->record_ids[i];
        struct notch_hash id;
        err = notch__execute_record(execution, &id, &view, record, known);
        if (err == NOTCH_OK) {
            notch_merkle_leaf(&leaves[i], notch_bytes(id.raw, sizeof id.raw));
        }
    }
    if (err == NOTCH_OK) {
        write_groups(execution, &view, batch->position, leaves);
    }
    return err;
}

static enum notch_err execute_all(struct notch_execution *execution, const struct notch_ledger_block *block)
{
    enum notch_err err = notch__execute_settle(execution);
    for (uint32_t i = 0; err == NOTCH_OK && i < block->batch_count; i++) {
        err = execute_batch(execution, &block->batches[i], i);
    }
    if (err == NOTCH_OK) {
        err = notch__execution_write_accounts(execution);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    write_consensus(execution, block->writes, block->write_count);
    write_set(execution, block->next_set);
    notch_index_builder_finish(execution->index, execution->layer, execution->result->height);
    return update_state(execution);
}

enum notch_err notch__execute(struct notch_execution *execution, const struct notch_store_view *view,
                              struct notch_layer *layer, const struct notch_ledger_block *block,
                              struct notch_ledger_result *result, struct notch__chain_tip *tip)
{
    const struct notch_header *header = block->header;
    uint64_t parent_slot = result->slot.raw;
    result->parent = result->block;
    result->block = block->hash;
    result->height = header->height;
    result->slot = header->slot;
    result->time = header->time;
    result->records = result->accepted = result->entries = result->change_count = 0;
    begin(execution, view, layer, result, tip);
    execution->block = block;
    execution->apply.height = header->height;
    execution->apply.slot = header->slot;
    execution->apply.set_id = block->header->set_id;
    execution->apply.pauses = tip->pauses;
    enum notch_err err = execute_all(execution, block);
    if (err != NOTCH_OK) {
        notch_index_builder_clear(execution->index);
        return err;
    }
    write_block(execution, block->position, block->batch_count);
    tip->pauses += block->is_paused ? header->slot.raw - parent_slot : 0; /* Raw: a distance in slots */
    result->records_total += result->records;
    result->accepted_total += result->accepted;
    result->entries_total += result->entries;
    result->open_claims = tip->claim_next - tip->claim_first;
    return NOTCH_OK;
}

enum notch_err notch__execute_genesis(struct notch_execution *execution, const struct notch_store_view *view,
                                      struct notch_layer *layer, const struct notch_ledger_block *block,
                                      struct notch_ledger_result *result, struct notch__chain_tip *tip)
{
    const struct notch_genesis *genesis = execution->genesis;
    *result = (struct notch_ledger_result){
        .block = execution->domain->genesis, .slot = genesis->slot0, .time = genesis->time0};
    *tip = (struct notch__chain_tip){.pauses = 0};
    notch_merkle_init(&tip->history);
    begin(execution, view, layer, result, tip);
    for (uint32_t i = 0; i < genesis->member_count; i++) {
        write_member(execution, &genesis->members[i]);
    }
    write_set(execution, block->next_set);
    write_consensus(execution, block->writes, block->write_count);
    enum notch_err err = update_state(execution);
    if (err == NOTCH_OK) {
        write_block(execution, NOTCH_NO_POSITION, 0);
    }
    return err;
}
