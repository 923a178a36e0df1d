/*
 * Blocks that lack batches. Consensus asks once for each block (FETCH); it is answered when the last batch is here,
 * however long that takes. What is missing is asked for from peers (wants.c).
 */
#include "node/internal.h"

struct notch_hash *notch__copy_batches(struct notch_node *node, const struct notch_body *body)
{
    if (body->n_batches == 0) {
        return NULL;
    }
    struct notch_hash *ids = notch_alloc_array(node->alloc, body->n_batches, sizeof *ids);
    for (uint32_t i = 0; i < body->n_batches; i++) {
        ids[i] = notch_body_batch(body, i);
    }
    return ids;
}

/* Where a batch is that a final block of this chain holds already (a batch may stand in two blocks). */
enum notch_err notch__find_final_batch(struct notch_node *node, struct notch_batch_place *place,
                                       const struct notch_hash *id)
{
    struct notch_lookup lookup;
    struct notch_height height;
    struct notch_block_row row;
    uint32_t index;
    enum notch_err err = notch_ledger_lookup(node->ledger, &lookup, NULL);
    if (err == NOTCH_OK) {
        err = notch_lookup_batch(&lookup, &height, &index, id);
    }
    notch_buf_clear(&node->scratch);
    if (err == NOTCH_OK) {
        err = notch_lookup_block(&lookup, &row, &node->scratch, height);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_reader reader = notch_reader(row.batches);
    for (uint32_t i = 0; i <= index; i++) {
        if (!notch_block_row_batch(&reader, place)) {
            return NOTCH_ERR_CORRUPT;
        }
    }
    return NOTCH_OK;
}

/* Whether a batch is here, and how many records it holds. */
static bool have_batch(struct notch_node *node, uint32_t *records, const struct notch_hash *id, bool look_into_chain)
{
    const struct notch__batch *pooled = notch__pool_find(node, id);
    if (pooled != NULL) {
        *records = pooled->record_count;
        return true;
    }
    struct notch_batch_place place;
    if (!look_into_chain || notch__find_final_batch(node, &place, id) != NOTCH_OK) {
        return false;
    }
    *records = place.records;
    return true;
}

/* Goes on from the first batch that was missing. Only what comes first is looked for in the pool alone. */
static bool answer(struct notch_node *node, struct notch__fetch *fetch, bool look_into_chain)
{
    while (fetch->next < fetch->batch_count) {
        uint32_t count;
        if (!have_batch(node, &count, &fetch->batches[fetch->next], look_into_chain)) {
            return false;
        }
        fetch->records += count;
        fetch->next++;
        look_into_chain = true;
    }
    struct notch_consensus_event event = {
        .type = NOTCH_CONSENSUS_EVENT_AVAILABLE,
        .available = {.hash = fetch->block, .is_valid = fetch->records == fetch->n_records},
    };
    notch__consensus_event(node, &event, NULL, 0);
    return true;
}

static void ask(struct notch_node *node, const struct notch__fetch *fetch)
{
    for (uint32_t i = fetch->next; i < fetch->batch_count; i++) {
        uint32_t records;
        if (!have_batch(node, &records, &fetch->batches[i], true)) {
            notch__want(node, NOTCH_WANT_BATCHES, &fetch->batches[i], node->net.block_peer);
        }
    }
}

static void fetch_free(struct notch_node *node, struct notch__fetch *fetch)
{
    notch_free(node->alloc, fetch->batches, fetch->batch_count * sizeof *fetch->batches);
}

void notch__fetch(struct notch_node *node, const struct notch_consensus_effect *effect)
{
    struct notch__fetch fetch = {
        .block = effect->fetch.hash,
        .batches = notch__copy_batches(node, &effect->fetch.body),
        .batch_count = effect->fetch.body.n_batches,
        .n_records = effect->fetch.header.n_records,
    };
    if (answer(node, &fetch, true)) {
        fetch_free(node, &fetch);
        return;
    }
    ask(node, &fetch);
    if (node->fetch_count == node->fetch_cap) { /* bounded by the blocks that consensus holds: one each */
        uint32_t cap = node->fetch_cap == 0 ? 16 : node->fetch_cap * 2;
        node->fetches = notch_realloc(node->alloc, node->fetches, node->fetch_cap * sizeof *node->fetches,
                                      cap * sizeof *node->fetches);
        node->fetch_cap = cap;
    }
    node->fetches[node->fetch_count++] = fetch;
}

/* Blocks whose last batch has come. */
void notch__fetch_retry(struct notch_node *node, bool look_into_chain)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->fetch_count; i++) {
        struct notch__fetch fetch = node->fetches[i];
        if (answer(node, &fetch, look_into_chain)) {
            fetch_free(node, &fetch);
            continue;
        }
        if (look_into_chain) {
            ask(node, &fetch);
        }
        node->fetches[kept++] = fetch;
    }
    node->fetch_count = kept;
}

void notch__fetch_drop(struct notch_node *node, const struct notch_hash *block)
{
    for (uint32_t i = 0; i < node->fetch_count; i++) {
        struct notch__fetch *fetch = &node->fetches[i];
        if (!notch_hash_eq(&fetch->block, block)) {
            continue;
        }
        for (uint32_t k = fetch->next; k < fetch->batch_count; k++) {
            notch__want_done(node, NOTCH_WANT_BATCHES, &fetch->batches[k]);
        }
        fetch_free(node, fetch);
        node->fetches[i] = node->fetches[--node->fetch_count];
        return;
    }
}

void notch__fetch_fini(struct notch_node *node)
{
    for (uint32_t i = 0; i < node->fetch_count; i++) {
        fetch_free(node, &node->fetches[i]);
    }
    notch_free(node->alloc, node->fetches, node->fetch_cap * sizeof *node->fetches);
}
