/*
 * The blocks behind the base are nodes of a tree, in the order in which they were executed, so a parent stands
 * before its children and one walk over the list finds all descendants. A node that was handed to a commit waits for
 * it to be done: until then its layer answers for what the view may not show yet.
 *
 *      base(7) -- 8 -- 9 -- 10          finalize(9):   8, 9 wait for the commit; 8' goes at once; base = 9
 *          \                            done:          8, 9 are dropped; 10 stands on the view
 *           8'
 */
#include "chain/execution.h"

enum { BASE_FORMAT = 1 };

struct node {
    struct node *next;   /* in order of execution */
    struct node *parent; /* NULL: its layer stands on the view */
    struct notch_layer layer;
    struct notch_ledger_result result;
    struct notch__chain_tip tip;
    uint64_t token; /* of the commit that it waits for */
    bool is_flushed;
    bool is_dropped; /* mark of one sweep */
};

struct notch_ledger {
    const struct notch_alloc *alloc;
    struct notch_siphash_key hash_key;
    uint32_t layers_max;
    struct notch_execution execution;
    const struct notch_store_view *view;
    struct notch_map nodes; /* hash -> struct node * */
    struct node *first, *last;
    uint32_t count; /* nodes that are not flushed */
    bool is_open;
    struct notch_ledger_result base;
    struct notch__chain_tip base_tip;
    struct node *base_node;    /* its layer, while it waits for its commit */
    struct notch_height final; /* up to here; base.height is above it where layers were flushed early */
};

/* ---- create, destroy ---- */

static bool options_are_valid(const struct notch_ledger_options *options)
{
    bool seen[NOTCH__ROWS] = {false};
    if (options->layers_max < 1 || options->layers_max > NOTCH_LEDGER_LAYERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < options->row_count; i++) {
        unsigned type = options->rows[i].type;
        if (type >= NOTCH__ROWS || seen[type]) {
            return false;
        }
        seen[type] = true;
    }
    return true;
}

enum notch_err notch_ledger_create(struct notch_ledger **out, const struct notch_ledger_options *options)
{
    if (!options_are_valid(options)) {
        return NOTCH_ERR_INVALID;
    }
    struct notch_ledger *ledger = notch_alloc(options->alloc, sizeof *ledger);
    ledger->alloc = options->alloc;
    ledger->hash_key = options->hash_key;
    ledger->layers_max = options->layers_max;
    notch__execution_init(&ledger->execution, options);
    notch_map_init(&ledger->nodes, options->alloc, options->hash_key, sizeof(struct notch_hash), sizeof(struct node *),
                   0);
    *out = ledger;
    return NOTCH_OK;
}

static void free_node(struct notch_ledger *ledger, struct node *node)
{
    notch_layer_fini(&node->layer);
    notch_free(ledger->alloc, node, sizeof *node);
}

static void free_all(struct notch_ledger *ledger)
{
    while (ledger->first != NULL) {
        struct node *node = ledger->first;
        ledger->first = node->next;
        free_node(ledger, node);
    }
    ledger->last = NULL;
    ledger->base_node = NULL;
    ledger->count = 0;
    notch_map_clear(&ledger->nodes);
}

void notch_ledger_destroy(struct notch_ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    free_all(ledger);
    notch_map_fini(&ledger->nodes);
    notch__execution_fini(&ledger->execution);
    notch_free(ledger->alloc, ledger, sizeof *ledger);
}

/* ---- nodes ---- */

static struct node *find_node(const struct notch_ledger *ledger, const struct notch_hash *hash)
{
    struct node **slot = notch_map_get(&ledger->nodes, hash->raw);
    return slot == NULL ? NULL : *slot;
}

static bool is_base(const struct notch_ledger *ledger, const struct notch_hash *hash)
{
    return notch_hash_eq(&ledger->base.block, hash);
}

static struct node *new_node(struct notch_ledger *ledger, struct node *parent)
{
    struct node *node = notch_alloc(ledger->alloc, sizeof *node);
    node->parent = parent;
    notch_layer_init(&node->layer, ledger->alloc, ledger->hash_key, parent == NULL ? NULL : &parent->layer);
    return node;
}

static void append_node(struct notch_ledger *ledger, struct node *node)
{
    if (ledger->last == NULL) {
        ledger->first = node;
    } else {
        ledger->last->next = node;
    }
    ledger->last = node;
}

static void add_node(struct notch_ledger *ledger, struct node *node)
{
    append_node(ledger, node);
    bool added;
    struct node **slot = notch_map_put(&ledger->nodes, node->result.block.raw, &added);
    notch_assert(added);
    *slot = node;
    ledger->count++;
}

/* Takes the marked nodes out of the list and frees them. */
static void sweep(struct notch_ledger *ledger)
{
    struct node **link = &ledger->first;
    ledger->last = NULL;
    while (*link != NULL) {
        struct node *node = *link;
        if (!node->is_dropped) {
            ledger->last = node;
            link = &node->next;
            continue;
        }
        *link = node->next;
        if (!node->is_flushed) {
            bool was_there = notch_map_remove(&ledger->nodes, node->result.block.raw);
            notch_assert(was_there);
            ledger->count--;
        }
        free_node(ledger, node);
    }
}

/* Drops what does not descend from the base. */
static void drop_siblings(struct notch_ledger *ledger)
{
    for (struct node *node = ledger->first; node != NULL; node = node->next) {
        if (node->is_flushed) {
            continue;
        }
        bool is_child = is_base(ledger, &node->result.parent);
        bool has_live_parent = node->parent != NULL && !node->parent->is_flushed && !node->parent->is_dropped;
        node->is_dropped = !is_child && !has_live_parent;
    }
    sweep(ledger);
}

void notch_ledger_drop(struct notch_ledger *ledger, const struct notch_hash *block)
{
    struct node *top = find_node(ledger, block);
    if (top == NULL) {
        return;
    }
    top->is_dropped = true;
    for (struct node *node = top->next; node != NULL; node = node->next) {
        node->is_dropped = node->parent != NULL && node->parent->is_dropped;
    }
    sweep(ledger);
}

uint32_t notch_ledger_layers(const struct notch_ledger *ledger, size_t *bytes)
{
    *bytes = 0;
    for (const struct node *node = ledger->first; node != NULL; node = node->next) {
        *bytes += sizeof *node + notch_layer_size(&node->layer);
    }
    return ledger->count;
}

/* ---- the base as bytes ---- */

/*
 * u8 format | block 32 | parent 32 | height, slot, time uvar | state root 32 | receipts root 32 | records, accepted,
 * entries in all uvar | accounted uvar | final height uvar | claims first, next uvar | pauses uvar | frontier of the
 * history
 */
static void write_base(struct notch_buf *out, const struct notch_ledger_result *result,
                       const struct notch__chain_tip *tip, struct notch_height final)
{
    struct notch_writer writer = notch_writer_grow(out);
    notch_write_u8(&writer, BASE_FORMAT);
    notch_write_hash(&writer, &result->block);
    notch_write_hash(&writer, &result->parent);
    notch_write_uvar(&writer, result->height.raw); /* Raw: encoding, and the next two */
    notch_write_uvar(&writer, result->slot.raw);   /* Raw: encoding */
    notch_write_uvar(&writer, result->time.raw);   /* Raw: encoding */
    notch_write_hash(&writer, &result->state_root);
    notch_write_hash(&writer, &result->receipts_root);
    notch_write_uvar(&writer, result->records_total);
    notch_write_uvar(&writer, result->accepted_total);
    notch_write_uvar(&writer, result->entries_total);
    notch_write_uvar(&writer, result->accounted);
    notch_write_uvar(&writer, final.raw); /* Raw: encoding */
    notch_write_uvar(&writer, tip->claim_first);
    notch_write_uvar(&writer, tip->claim_next);
    notch_write_uvar(&writer, tip->pauses);
    notch_merkle_write(&writer, &tip->history);
}

static enum notch_err read_base(struct notch_ledger *ledger, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    struct notch_ledger_result *base = &ledger->base;
    struct notch__chain_tip *tip = &ledger->base_tip;
    if (notch_read_u8(&reader) != BASE_FORMAT) {
        return reader.failed ? NOTCH_ERR_CORRUPT : NOTCH_ERR_VERSION;
    }
    *base = (struct notch_ledger_result){.block = notch_read_hash(&reader)};
    base->parent = notch_read_hash(&reader);
    base->height.raw = notch_read_uvar(&reader); /* Raw: decoding, and the next two */
    base->slot.raw = notch_read_uvar(&reader);   /* Raw: decoding */
    base->time.raw = notch_read_uvar(&reader);   /* Raw: decoding */
    base->state_root = notch_read_hash(&reader);
    base->receipts_root = notch_read_hash(&reader);
    base->records_total = notch_read_uvar(&reader);
    base->accepted_total = notch_read_uvar(&reader);
    base->entries_total = notch_read_uvar(&reader);
    base->accounted = notch_read_uvar(&reader);
    ledger->final.raw = notch_read_uvar(&reader); /* Raw: decoding */
    tip->claim_first = notch_read_uvar(&reader);
    tip->claim_next = notch_read_uvar(&reader);
    tip->pauses = notch_read_uvar(&reader);
    notch_merkle_read(&reader, &tip->history);
    bool is_sane = notch_reader_done(&reader) && tip->history.size == base->height.raw + 1 && /* Raw: a count */
                   tip->claim_first <= tip->claim_next;
    if (!is_sane) {
        return NOTCH_ERR_CORRUPT;
    }
    notch_merkle_root(&tip->history, &base->history_root);
    base->open_claims = tip->claim_next - tip->claim_first;
    return NOTCH_OK;
}

static const uint8_t base_key_byte = NOTCH_FLAT_BASE;

static struct notch_bytes base_key(void)
{
    return notch_bytes(&base_key_byte, 1);
}

static void put_base(struct notch_ledger *ledger, struct notch_commit *commit)
{
    struct notch_buf buf;
    notch_buf_init(&buf, ledger->alloc);
    write_base(&buf, &ledger->base, &ledger->base_tip, ledger->final);
    notch_commit_put(commit, base_key(), notch_buf_bytes(&buf));
    notch_buf_fini(&buf);
}

/* ---- genesis, open ---- */

void notch_ledger_set_view(struct notch_ledger *ledger, const struct notch_store_view *view)
{
    ledger->view = view;
}

static void reset(struct notch_ledger *ledger, const struct notch_store_view *view)
{
    free_all(ledger);
    notch__node_cache_forget(ledger->execution.cache, NULL);
    ledger->view = view;
    ledger->is_open = false;
}

enum notch_err notch_ledger_genesis(struct notch_ledger *ledger, struct notch_commit *commit,
                                    const struct notch_store_view *view, const struct notch_set *set,
                                    const struct notch_state_write *writes, size_t write_count)
{
    reset(ledger, view);
    struct node *node = new_node(ledger, NULL);
    const struct notch_ledger_block block = {.writes = writes, .write_count = write_count, .next_set = set};
    enum notch_err err =
        notch__execute_genesis(&ledger->execution, view, &node->layer, &block, &ledger->base, &ledger->base_tip);
    if (err != NOTCH_OK) {
        free_node(ledger, node);
        return err;
    }
    ledger->final = (struct notch_height){0};
    ledger->is_open = true;
    ledger->base_node = node;
    node->result = ledger->base;
    node->is_flushed = true;
    node->token = commit->token;
    append_node(ledger, node);
    notch_layer_flush(&node->layer, NULL, ledger->alloc, commit);
    put_base(ledger, commit);
    return NOTCH_OK;
}

enum notch_err notch_ledger_open(struct notch_ledger *ledger, const struct notch_store_view *view)
{
    reset(ledger, view);
    struct notch_buf buf;
    notch_buf_init(&buf, ledger->alloc);
    enum notch_err err = view->get(view->self, &buf, base_key());
    if (err == NOTCH_OK) {
        err = read_base(ledger, notch_buf_bytes(&buf));
    }
    notch_buf_fini(&buf);
    ledger->is_open = err == NOTCH_OK;
    return err;
}

/* ---- execute ---- */

enum notch_err notch_ledger_execute(struct notch_ledger *ledger, struct notch_ledger_result *result,
                                    const struct notch_ledger_block *block)
{
    notch_assert(ledger->is_open);
    const struct notch_ledger_result *known = notch_ledger_result(ledger, &block->hash);
    if (known != NULL) {
        *result = *known;
        return NOTCH_OK;
    }
    const struct notch_hash *parent_hash = &block->header->parent;
    struct node *parent = find_node(ledger, parent_hash);
    if (parent == NULL && !is_base(ledger, parent_hash)) {
        return NOTCH_ERR_NOT_FOUND;
    }
    if (ledger->count == ledger->layers_max) {
        return NOTCH_ERR_SPACE;
    }
    struct node *node = new_node(ledger, parent != NULL ? parent : ledger->base_node);
    node->result = parent != NULL ? parent->result : ledger->base;
    node->tip = parent != NULL ? parent->tip : ledger->base_tip;
    node->result.accounted = 0;
    if (block->header->height.raw != node->result.height.raw + 1) { /* Raw: the next height */
        free_node(ledger, node);
        return NOTCH_ERR_INVALID;
    }
    enum notch_err err =
        notch__execute(&ledger->execution, ledger->view, &node->layer, block, &node->result, &node->tip);
    if (err != NOTCH_OK) {
        free_node(ledger, node);
        return err;
    }
    add_node(ledger, node);
    *result = node->result;
    return NOTCH_OK;
}

const struct notch_ledger_result *notch_ledger_result(const struct notch_ledger *ledger, const struct notch_hash *block)
{
    if (is_base(ledger, block)) {
        return &ledger->base;
    }
    const struct node *node = find_node(ledger, block);
    return node == NULL ? NULL : &node->result;
}

const struct notch_ledger_result *notch_ledger_base(const struct notch_ledger *ledger)
{
    return &ledger->base;
}

enum notch_err notch_ledger_lookup(const struct notch_ledger *ledger, struct notch_lookup *out,
                                   const struct notch_hash *block)
{
    const struct node *node = ledger->base_node;
    if (block != NULL && !is_base(ledger, block)) {
        node = find_node(ledger, block);
        if (node == NULL) {
            return NOTCH_ERR_NOT_FOUND;
        }
    }
    *out = (struct notch_lookup){ledger->view, node == NULL ? NULL : &node->layer, ledger->execution.domain,
                                 ledger->alloc};
    return NOTCH_OK;
}

/* ---- the base moves ---- */

/* Makes `node` the base: what was below it waits for the commit with it. */
static void move_base(struct notch_ledger *ledger, struct node *node, uint64_t token, uint64_t accounted)
{
    for (struct node *at = node; at != NULL && !at->is_flushed; at = at->parent) {
        at->is_flushed = true;
        at->token = token;
        bool was_there = notch_map_remove(&ledger->nodes, at->result.block.raw);
        notch_assert(was_there);
        ledger->count--;
    }
    ledger->base = node->result;
    ledger->base.accounted = accounted;
    ledger->base_tip = node->tip;
    ledger->base_node = node;
    drop_siblings(ledger);
}

/* Undo records up to the new final height are of no more use. */
static void forget_undo(struct notch_ledger *ledger, struct notch_commit *commit, struct notch_height final)
{
    while (ledger->final.raw < final.raw) {                                                /* Raw: counting */
        ledger->final.raw++;                                                               /* Raw: counting */
        struct notch_store_key key = notch_key_number(NOTCH_FLAT_UNDO, ledger->final.raw); /* Raw: encoding */
        notch_commit_delete(commit, notch_store_key_bytes(&key));
    }
}

/* A block below the base, or the base, is final: nothing is written but that. */
static enum notch_err finalize_below(struct notch_ledger *ledger, struct notch_commit *commit,
                                     const struct notch_hash *block, uint64_t accounted)
{
    struct notch_lookup lookup;
    struct notch_height height = {0};
    enum notch_err err = notch_ledger_lookup(ledger, &lookup, NULL);
    if (err == NOTCH_OK) {
        err = notch_lookup_height(&lookup, &height, block);
    }
    if (err != NOTCH_OK || height.raw <= ledger->final.raw) { /* Raw: comparison */
        return err;
    }
    forget_undo(ledger, commit, height);
    ledger->base.accounted = accounted;
    put_base(ledger, commit);
    return NOTCH_OK;
}

enum notch_err notch_ledger_finalize(struct notch_ledger *ledger, struct notch_commit *commit,
                                     const struct notch_hash *block, uint64_t accounted)
{
    struct node *node = find_node(ledger, block);
    if (node == NULL) {
        return finalize_below(ledger, commit, block, accounted);
    }
    const struct notch_layer *below = ledger->base_node == NULL ? NULL : &ledger->base_node->layer;
    struct notch_height flushed = ledger->base.height;
    notch_layer_flush(&node->layer, below, ledger->alloc, commit);
    move_base(ledger, node, commit->token, accounted);
    forget_undo(ledger, commit, flushed);
    ledger->final = ledger->base.height;
    put_base(ledger, commit);
    return NOTCH_OK;
}

void notch_ledger_done(struct notch_ledger *ledger, uint64_t token)
{
    for (struct node *node = ledger->first; node != NULL; node = node->next) {
        node->is_dropped = node->is_flushed && node->token <= token;
        if (node->is_dropped) {
            notch__node_cache_forget(ledger->execution.cache, &node->layer);
        }
        if (node->parent != NULL && node->parent->is_dropped) {
            node->parent = NULL;
            node->layer.parent = NULL;
        }
    }
    if (ledger->base_node != NULL && ledger->base_node->is_dropped) {
        ledger->base_node = NULL;
    }
    sweep(ledger);
}

/* ---- flushed early, and back ---- */

enum notch_err notch_ledger_flush(struct notch_ledger *ledger, struct notch_commit *commit,
                                  const struct notch_hash *block, uint64_t accounted)
{
    struct node *node = find_node(ledger, block);
    if (node == NULL || !is_base(ledger, &node->result.parent)) {
        return NOTCH_ERR_INVALID;
    }
    struct notch_buf undo;
    notch_buf_init(&undo, ledger->alloc);
    /* First the base that it goes back to, then the keys. */
    struct notch_buf base;
    notch_buf_init(&base, ledger->alloc);
    write_base(&base, &ledger->base, &ledger->base_tip, ledger->final);
    struct notch_writer writer = notch_writer_grow(&undo);
    notch_write_blob(&writer, notch_buf_bytes(&base));
    enum notch_err err = notch_layer_undo(&node->layer, ledger->view, &undo);
    if (err == NOTCH_OK) {
        const struct notch_layer *below = ledger->base_node == NULL ? NULL : &ledger->base_node->layer;
        notch_layer_flush(&node->layer, below, ledger->alloc, commit);
        struct notch_store_key key = notch_key_number(NOTCH_FLAT_UNDO, node->result.height.raw); /* Raw: encoding */
        notch_commit_put(commit, notch_store_key_bytes(&key), notch_buf_bytes(&undo));
        move_base(ledger, node, commit->token, accounted);
        put_base(ledger, commit);
    }
    notch_buf_fini(&base);
    notch_buf_fini(&undo);
    return err;
}

static bool awaits_done(const struct notch_ledger *ledger)
{
    for (const struct node *node = ledger->first; node != NULL; node = node->next) {
        if (node->is_flushed) {
            return true;
        }
    }
    return false;
}

/* Puts the old values of the undo record into the commit, through a layer that answers for them until it is done. */
static enum notch_err undo_with(struct notch_ledger *ledger, struct notch_commit *commit, struct notch_bytes record)
{
    struct notch_height final = ledger->final;
    struct notch_reader reader = notch_reader(record);
    struct notch_bytes base = notch_read_blob(&reader, record.len);
    struct notch_bytes values = notch_read_bytes(&reader, notch_reader_left(&reader));
    struct node *node = new_node(ledger, NULL);
    enum notch_err err = reader.failed ? NOTCH_ERR_CORRUPT : notch_layer_load_undo(&node->layer, values);
    struct notch_height undone = ledger->base.height;
    if (err == NOTCH_OK) {
        err = read_base(ledger, base);
    }
    if (err != NOTCH_OK) {
        free_node(ledger, node);
        return err;
    }
    ledger->final = final; /* it may have moved on since */
    free_all(ledger);
    node->result = ledger->base;
    node->tip = ledger->base_tip;
    node->is_flushed = true;
    node->token = commit->token;
    append_node(ledger, node);
    ledger->base_node = node;
    notch_layer_flush(&node->layer, NULL, ledger->alloc, commit);
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_UNDO, undone.raw); /* Raw: encoding */
    notch_commit_delete(commit, notch_store_key_bytes(&key));
    put_base(ledger, commit);
    return NOTCH_OK;
}

enum notch_err notch_ledger_undo(struct notch_ledger *ledger, struct notch_commit *commit)
{
    if (awaits_done(ledger)) {
        return NOTCH_ERR_BUSY;
    }
    if (ledger->base.height.raw <= ledger->final.raw) { /* Raw: comparison */
        return NOTCH_ERR_NOT_FOUND;
    }
    struct notch_buf record;
    notch_buf_init(&record, ledger->alloc);
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_UNDO, ledger->base.height.raw); /* Raw: encoding */
    enum notch_err err = ledger->view->get(ledger->view->self, &record, notch_store_key_bytes(&key));
    if (err == NOTCH_OK) {
        err = undo_with(ledger, commit, notch_buf_bytes(&record));
    } else if (err == NOTCH_ERR_NOT_FOUND) {
        err = NOTCH_ERR_CORRUPT;
    }
    notch_buf_fini(&record);
    return err;
}
