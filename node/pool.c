/*
 * Batches that no final block contains. Each stands on disk (or is on its way there), and stays here until a final
 * block contains it and that block's keys are on disk: only then can the bodies before it be passed over at the next
 * start.
 */
#include "base/fixed.h"
#include "node/internal.h"

void notch__pool_init(struct notch_node *node)
{
    struct notch__pool *pool = &node->pool;
    struct notch_siphash_key key = node->options.hash_key;
    notch_map_init(&pool->batches, node->alloc, key, sizeof(struct notch_hash), sizeof(struct notch__batch *), 0);
    notch_map_init(&pool->records, node->alloc, key, sizeof(struct notch_hash), sizeof(struct notch__where), 0);
    notch_map_init(&pool->salts, node->alloc, key, sizeof(struct notch_hash), sizeof(struct notch__where), 0);
}

struct notch__batch *notch__batch_new(struct notch_node *node)
{
    struct notch__batch *batch = notch_alloc(node->alloc, sizeof *batch);
    notch_buf_init(&batch->bytes, node->alloc);
    notch_buf_init(&batch->ids, node->alloc);
    notch_buf_init(&batch->salts, node->alloc);
    notch_buf_init(&batch->tickets, node->alloc);
    notch_buf_init(&batch->repeats, node->alloc);
    notch_buf_init(&batch->holders, node->alloc);
    return batch;
}

void notch__batch_free(struct notch_node *node, struct notch__batch *batch)
{
    notch_buf_fini(&batch->bytes);
    notch_buf_fini(&batch->ids);
    notch_buf_fini(&batch->salts);
    notch_buf_fini(&batch->tickets);
    notch_buf_fini(&batch->repeats);
    notch_buf_fini(&batch->holders);
    notch_free(node->alloc, batch, sizeof *batch);
}

void notch__pool_fini(struct notch_node *node)
{
    struct notch__pool *pool = &node->pool;
    for (size_t i = 0; i < pool->order_count; i++) {
        notch__batch_free(node, pool->order[i]);
    }
    notch_free(node->alloc, pool->order, pool->order_cap * sizeof(struct notch__batch *));
    notch_map_fini(&pool->batches);
    notch_map_fini(&pool->records);
    notch_map_fini(&pool->salts);
}

struct notch__batch *notch__pool_find(const struct notch_node *node, const struct notch_hash *id)
{
    struct notch__batch **found = notch_map_get(&node->pool.batches, id);
    return found == NULL ? NULL : *found;
}

struct notch_hash notch__batch_record(const struct notch__batch *batch, uint32_t index)
{
    struct notch_hash id;
    memcpy(&id, batch->ids.data + index * sizeof id, sizeof id);
    return id;
}

static struct notch_hash batch_salt(const struct notch__batch *batch, uint32_t index)
{
    struct notch_hash hash;
    memcpy(&hash, batch->salts.data + index * sizeof hash, sizeof hash);
    return hash;
}

void notch__pool_note_record(struct notch_node *node, struct notch__batch *batch, const struct notch_hash *id,
                             const struct notch_hash *salt_hash)
{
    notch_buf_append(&batch->ids, id, sizeof *id);
    notch_buf_append(&batch->salts, salt_hash, sizeof *salt_hash);
    batch->record_count++;
    struct notch__where where = {batch, *id};
    bool added;
    struct notch__where *at = notch_map_put(&node->pool.records, id, &added);
    if (added) {
        *at = where;
    }
    at = notch_map_put(&node->pool.salts, salt_hash, &added);
    if (added) {
        *at = where;
    }
}

void notch__pool_add(struct notch_node *node, struct notch__batch *batch)
{
    struct notch__pool *pool = &node->pool;
    bool added;
    struct notch__batch **at = notch_map_put(&pool->batches, &batch->id, &added);
    notch_assert(added);
    *at = batch;
    if (pool->order_count == pool->order_cap) {
        size_t cap = pool->order_cap == 0 ? 64 : pool->order_cap * 2;
        pool->order = notch_realloc(node->alloc, pool->order, pool->order_cap * sizeof(struct notch__batch *),
                                    cap * sizeof(struct notch__batch *));
        pool->order_cap = cap;
    }
    pool->order[pool->order_count++] = batch;
    pool->record_count += batch->record_count;
    pool->waiting++;
}

/* Forgets a record of a batch that goes, unless another batch has taken its place. */
static void forget(struct notch_map *map, const struct notch_hash *key, const struct notch__batch *batch)
{
    const struct notch__where *where = notch_map_get(map, key);
    if (where != NULL && where->batch == batch) {
        notch_map_remove(map, key);
    }
}

static void forget_batch(struct notch_node *node, struct notch__batch *batch)
{
    struct notch__pool *pool = &node->pool;
    for (uint32_t i = 0; i < batch->record_count; i++) {
        struct notch_hash id = notch__batch_record(batch, i);
        struct notch_hash salt = batch_salt(batch, i);
        forget(&pool->records, &id, batch);
        forget(&pool->salts, &salt, batch);
    }
    notch_map_remove(&pool->batches, &batch->id);
    pool->record_count -= batch->record_count;
    if (batch->included_height == 0) {
        pool->waiting--;
    }
    notch__batch_free(node, batch);
}

/* The final blocks up to `height` are on disk, keys and all. */
void notch__pool_remove_final(struct notch_node *node, uint64_t height)
{
    struct notch__pool *pool = &node->pool;
    size_t kept = 0;
    for (size_t i = 0; i < pool->order_count; i++) {
        struct notch__batch *batch = pool->order[i];
        if (batch->final_height == 0 || batch->final_height > height) {
            pool->order[kept++] = batch;
            continue;
        }
        if (batch->is_own) {
            uint64_t took_ms = notch_time_until_ms(batch->oldest, node->now);
            notch_latency_add(&node->counts.finality, took_ms, batch->record_count);
        }
        notch__acks_forget(node, batch);
        forget_batch(node, batch);
    }
    pool->order_count = kept;
}

void notch__batch_set_included(struct notch_node *node, struct notch__batch *batch, uint64_t height)
{
    if (batch->included_height == 0 && height != 0) {
        node->pool.waiting--;
    }
    if (batch->included_height != 0 && height == 0) {
        node->pool.waiting++;
    }
    batch->included_height = height;
}

/* A batch that was found behind the base at start. */
enum notch_err notch__pool_recover(struct notch_node *node, const struct notch_batch *decoded, uint64_t position)
{
    struct notch_lookup lookup;
    enum notch_err err = notch_ledger_lookup(node->ledger, &lookup, NULL);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_height height;
    uint32_t index;
    err = notch_lookup_batch(&lookup, &height, &index, &decoded->id);
    if (err != NOTCH_ERR_NOT_FOUND || notch__pool_find(node, &decoded->id) != NULL) {
        return err == NOTCH_ERR_NOT_FOUND ? NOTCH_OK : err; /* final already, or twice in the log */
    }
    struct notch__batch *batch = notch__batch_new(node);
    const struct notch_signer *self = node->options.validator;
    batch->id = decoded->id;
    batch->maker = decoded->maker;
    batch->seq = decoded->seq;
    batch->is_own = self != NULL && notch_key_eq(&self->key, &decoded->maker);
    notch__holder_add(batch, &decoded->maker);
    if (self != NULL) {
        notch__holder_add(batch, &self->key);
    }
    batch->ts = decoded->ts;
    batch->oldest = node->now;
    batch->position = position;
    batch->state = NOTCH__BATCH_STORED;
    notch_buf_append(&batch->bytes, decoded->encoded.data, decoded->encoded.len);
    struct notch_reader reader = notch_reader(decoded->records);
    struct notch_bytes bytes;
    while (notch_batch_next_record(&reader, &bytes)) {
        struct notch_record record;
        if (!notch_is_valid(notch_record_decode(&record, bytes))) {
            notch__batch_free(node, batch);
            return NOTCH_ERR_CORRUPT;
        }
        struct notch_hash salt_hash;
        notch_record_hash(&record, node->options.domain);
        notch_salt_hash(&salt_hash, node->options.domain, &record.author, &record.salt);
        notch__pool_note_record(node, batch, &record.id, &salt_hash);
    }
    notch__pool_add(node, batch);
    return NOTCH_OK;
}

/* The batches of the blocks from `parent` down to the base. */
static void collect_included(const struct notch_node *node, struct notch_map *included, const struct notch_hash *parent)
{
    const struct notch__block *block = notch_map_get(&node->blocks, parent);
    while (block != NULL) {
        for (uint32_t i = 0; i < block->batch_count; i++) {
            notch_map_put(included, &block->batches[i], NULL);
        }
        block = notch_map_get(&node->blocks, &block->parent);
    }
}

/* Answers NEED_BATCHES: the oldest batches that are not on the chain up to `parent`. */
void notch__pool_select(struct notch_node *node, uint64_t token, const struct notch_hash *parent,
                        struct notch_time time, uint32_t max)
{
    struct notch_map included;
    notch_map_init(&included, node->alloc, node->options.hash_key, sizeof(struct notch_hash), 0, 0);
    collect_included(node, &included, parent);
    size_t size = (size_t)(max == 0 ? 1 : max) * sizeof(struct notch_hash);
    struct notch_hash *ids = notch_alloc(node->alloc, size);
    uint32_t count = 0;
    uint32_t records = 0;
    for (size_t i = 0; i < node->pool.order_count && count < max; i++) {
        const struct notch__batch *batch = node->pool.order[i];
        bool dated_later = notch_time_cmp(batch->ts, time) > 0;
        if (!dated_later && batch->final_height == 0 && notch_map_get(&included, &batch->id) == NULL) {
            ids[count++] = batch->id;
            records += batch->record_count;
        }
    }
    notch_map_fini(&included);
    struct notch_consensus_event event = {
        .type = NOTCH_CONSENSUS_EVENT_BATCHES,
        .batches = {.token = token, .ids = ids, .count = count, .n_records = records},
    };
    notch__consensus_event(node, &event, ids, size);
}

/* The first body that a start from the base must read again. */
uint64_t notch__pool_oldest_position(const struct notch_node *node)
{
    uint64_t oldest = node->bodies;
    for (size_t i = 0; i < node->pool.order_count; i++) {
        const struct notch__batch *batch = node->pool.order[i];
        if (batch->final_height == 0 && batch->position < oldest) {
            oldest = batch->position;
        }
    }
    return oldest;
}

enum notch_record_status notch__pool_status(const struct notch_node *node, const struct notch__batch *batch)
{
    if (batch->state == NOTCH__BATCH_WRITING) {
        return NOTCH_STATUS_UNKNOWN;
    }
    if (batch->included_height != 0) {
        return batch->included_height <= node->confirmed_height ? NOTCH_STATUS_CONFIRMED : NOTCH_STATUS_INCLUDED;
    }
    return notch__acks_enough(node, batch) ? NOTCH_STATUS_STORED : NOTCH_STATUS_LOCAL;
}
