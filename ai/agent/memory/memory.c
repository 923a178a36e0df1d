#include "ai/agent/memory/memory.h"

#include "base/map.h"

#include <string.h>

#define NONE UINT32_MAX

static const uint8_t magic[4] = {'N', 'P', 'M', 1};

/* Slots are a list in the order of use; those that are free come out of the end of `slots`. */
struct slot {
    struct notch_hash id;
    struct notch_market *market;
    uint32_t newer, older;
};

struct notch_memory {
    struct notch_memory_options options;
    struct notch_map index; /* id -> uint32_t slot */
    struct slot *slots;
    uint32_t count;
    uint32_t newest, oldest;
    uint64_t forgotten;
    struct notch_market *blank; /* of the options: what a new market starts as */
};

struct notch_memory_options notch_memory_defaults(const struct notch_alloc *alloc)
{
    return (struct notch_memory_options){.alloc = alloc, .max_markets = 1024, .market = notch_market_defaults()};
}

static void index_init(struct notch_memory *memory)
{
    notch_map_init(&memory->index, memory->options.alloc, memory->options.hash_key, sizeof(struct notch_hash),
                   sizeof(uint32_t), 0);
}

enum notch_err notch_memory_create(struct notch_memory **out, const struct notch_memory_options *options)
{
    *out = NULL;
    if (options->max_markets == 0 || options->max_markets > NOTCH_MEMORY_MARKETS_MAX) {
        return NOTCH_ERR_RANGE;
    }
    struct notch_market *blank = notch_alloc(options->alloc, sizeof *blank);
    enum notch_err err = notch_market_init(blank, &options->market, options->alloc);
    if (err != NOTCH_OK) {
        notch_free(options->alloc, blank, sizeof *blank);
        return err;
    }
    struct notch_memory *memory = notch_alloc(options->alloc, sizeof *memory);
    memory->options = *options;
    memory->options.market.history = NULL;
    memory->blank = blank;
    memory->slots = notch_alloc_array(options->alloc, options->max_markets, sizeof *memory->slots);
    memory->newest = NONE;
    memory->oldest = NONE;
    index_init(memory);
    *out = memory;
    return NOTCH_OK;
}

/* Forgets everything. */
static void clear(struct notch_memory *memory)
{
    for (uint32_t i = 0; i < memory->count; i++) {
        notch_free(memory->options.alloc, memory->slots[i].market, sizeof *memory->slots[i].market);
    }
    memory->count = 0;
    memory->newest = NONE;
    memory->oldest = NONE;
    notch_map_clear(&memory->index);
}

void notch_memory_destroy(struct notch_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    const struct notch_alloc *alloc = memory->options.alloc;
    clear(memory);
    notch_map_fini(&memory->index);
    notch_free(alloc, memory->slots, memory->options.max_markets * sizeof *memory->slots);
    notch_free(alloc, memory->blank, sizeof *memory->blank);
    notch_free(alloc, memory, sizeof *memory);
}

static void take_out(struct notch_memory *memory, uint32_t at)
{
    struct slot *slot = &memory->slots[at];
    if (slot->newer == NONE) {
        memory->newest = slot->older;
    } else {
        memory->slots[slot->newer].older = slot->older;
    }
    if (slot->older == NONE) {
        memory->oldest = slot->newer;
    } else {
        memory->slots[slot->older].newer = slot->newer;
    }
}

static void put_first(struct notch_memory *memory, uint32_t at)
{
    struct slot *slot = &memory->slots[at];
    slot->newer = NONE;
    slot->older = memory->newest;
    if (memory->newest == NONE) {
        memory->oldest = at;
    } else {
        memory->slots[memory->newest].newer = at;
    }
    memory->newest = at;
}

static uint32_t find(const struct notch_memory *memory, const struct notch_hash *id)
{
    const uint32_t *at = notch_map_get(&memory->index, id);
    return at == NULL ? NONE : *at;
}

/* A slot for a new market: a free one, or that of the market which was used least recently. */
static uint32_t make_room(struct notch_memory *memory)
{
    if (memory->count < memory->options.max_markets) {
        struct slot *slot = &memory->slots[memory->count];
        slot->market = notch_alloc(memory->options.alloc, sizeof *slot->market);
        return memory->count++;
    }
    uint32_t at = memory->oldest;
    take_out(memory, at);
    (void)notch_map_remove(&memory->index, &memory->slots[at].id);
    memory->forgotten++;
    return at;
}

struct notch_market *notch_memory_market(struct notch_memory *memory, const struct notch_hash *id)
{
    uint32_t at = find(memory, id);
    if (at == NONE) {
        bool added;
        at = make_room(memory);
        memory->slots[at].id = *id;
        *memory->slots[at].market = *memory->blank;
        uint32_t *value = notch_map_put(&memory->index, id, &added);
        notch_assert(value != NULL);
        notch_assert(added);
        *value = at;
    } else {
        take_out(memory, at);
    }
    put_first(memory, at);
    return memory->slots[at].market;
}

const struct notch_market *notch_memory_peek(const struct notch_memory *memory, const struct notch_hash *id)
{
    uint32_t at = find(memory, id);
    return at == NONE ? NULL : memory->slots[at].market;
}

const struct notch_market *notch_memory_victim(const struct notch_memory *memory, struct notch_hash *id)
{
    if (memory->count < memory->options.max_markets) {
        return NULL;
    }
    *id = memory->slots[memory->oldest].id;
    return memory->slots[memory->oldest].market;
}

uint32_t notch_memory_count(const struct notch_memory *memory)
{
    return memory->count;
}

uint64_t notch_memory_forgotten(const struct notch_memory *memory)
{
    return memory->forgotten;
}

/* *at is 0 at the start, one more than a slot on the way. */
const struct notch_market *notch_memory_next(const struct notch_memory *memory, uint32_t *at, struct notch_hash *id)
{
    uint32_t slot = *at == 0 ? memory->newest : memory->slots[*at - 1].older;
    if (slot == NONE) {
        return NULL;
    }
    *at = slot + 1;
    *id = memory->slots[slot].id;
    return memory->slots[slot].market;
}

/* ---- bytes ---- */

void notch_memory_write(const struct notch_memory *memory, struct notch_buf *out)
{
    struct notch_buf one;
    struct notch_writer writer = notch_writer_grow(out);
    notch_buf_init(&one, memory->options.alloc);
    notch_write_bytes(&writer, magic, sizeof magic);
    notch_write_uvar(&writer, memory->count);
    for (uint32_t at = memory->oldest; at != NONE; at = memory->slots[at].newer) {
        struct notch_writer market = notch_writer_grow(&one);
        notch_buf_clear(&one);
        notch_market_write(&market, memory->slots[at].market);
        notch_write_hash(&writer, &memory->slots[at].id);
        notch_write_blob(&writer, notch_buf_bytes(&one));
    }
    notch_buf_fini(&one);
}

/* Reads one market into the memory; false where the bytes are none, or it is there already. */
static bool read_market(struct notch_memory *memory, struct notch_reader *reader)
{
    struct notch_hash id = notch_read_hash(reader);
    struct notch_reader inner = notch_reader(notch_read_blob(reader, NOTCH_MEMORY_MARKET_BYTES_MAX));
    if (notch_reader_left(&inner) == 0 || find(memory, &id) != NONE) {
        return false;
    }
    notch_market_read(&inner, notch_memory_market(memory, &id));
    return notch_reader_done(&inner);
}

enum notch_err notch_memory_read(struct notch_memory *memory, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    struct notch_bytes head = notch_read_bytes(&reader, sizeof magic);
    uint64_t count = notch_read_uvar_max(&reader, NOTCH_MEMORY_MARKETS_MAX);
    if (!notch_bytes_eq(head, notch_bytes(magic, sizeof magic)) || reader.failed) {
        return NOTCH_ERR_CORRUPT;
    }
    if (count > memory->options.max_markets) {
        return NOTCH_ERR_SPACE;
    }
    /* Into a memory of its own first: bytes that turn out to be bad on the way change nothing. */
    struct notch_memory fresh = *memory;
    fresh.slots = notch_alloc_array(memory->options.alloc, memory->options.max_markets, sizeof *fresh.slots);
    fresh.count = 0;
    fresh.newest = NONE;
    fresh.oldest = NONE;
    index_init(&fresh);
    bool is_good = true;
    for (uint64_t i = 0; i < count && is_good; i++) {
        is_good = read_market(&fresh, &reader);
    }
    is_good = is_good && notch_reader_done(&reader);
    struct notch_memory *loser = &fresh;
    if (is_good) {
        struct notch_memory old = *memory;
        *memory = fresh;
        fresh = old;
    }
    clear(loser);
    notch_map_fini(&loser->index);
    notch_free(memory->options.alloc, loser->slots, memory->options.max_markets * sizeof *loser->slots);
    return is_good ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}
