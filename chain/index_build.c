#include "base/map.h"
#include "chain/index.h"

/* A record has a term: the terms of a block in the order of the records. */
struct posting {
    uint32_t term;
    uint32_t ordinal;
};

/* What is known of a term while the block is built. */
struct term {
    struct notch_index_term name;
    uint32_t last; /* ordinal */
    uint32_t count;
    uint32_t at; /* where its postings begin once they are grouped; then where the next one goes */
};

struct notch_index_builder {
    const struct notch_alloc *alloc;
    struct notch_map numbers; /* name -> number of the term */
    struct term *terms;
    uint32_t term_count, term_cap;
    struct posting *postings;
    uint32_t count, cap;
    uint32_t *grouped;
    uint32_t grouped_cap;
    struct notch_buf value;
};

struct notch_index_term notch_index_term_type(uint64_t type)
{
    struct notch_index_term term = {.kind = NOTCH_INDEX_TYPE};
    notch_put_be64(term.term, type);
    return term;
}

struct notch_index_term notch_index_term_hash(enum notch_index_kind kind, const uint8_t id[32])
{
    struct notch_index_term term = {.kind = (uint8_t)kind};
    memcpy(term.term, id, sizeof term.term);
    return term;
}

struct notch_index_builder *notch_index_builder_create(const struct notch_alloc *alloc,
                                                       struct notch_siphash_key hash_key)
{
    struct notch_index_builder *builder = notch_alloc(alloc, sizeof *builder);
    builder->alloc = alloc;
    notch_map_init(&builder->numbers, alloc, hash_key, sizeof(struct notch_index_term), sizeof(uint32_t), 0);
    notch_buf_init(&builder->value, alloc);
    return builder;
}

void notch_index_builder_destroy(struct notch_index_builder *builder)
{
    if (builder == NULL) {
        return;
    }
    notch_map_fini(&builder->numbers);
    notch_free(builder->alloc, builder->terms, builder->term_cap * sizeof *builder->terms);
    notch_free(builder->alloc, builder->postings, builder->cap * sizeof *builder->postings);
    notch_free(builder->alloc, builder->grouped, builder->grouped_cap * sizeof *builder->grouped);
    notch_buf_fini(&builder->value);
    notch_free(builder->alloc, builder, sizeof *builder);
}

void notch_index_builder_clear(struct notch_index_builder *builder)
{
    notch_map_clear(&builder->numbers);
    builder->term_count = 0;
    builder->count = 0;
}

static uint32_t term_number(struct notch_index_builder *builder, const struct notch_index_term *name)
{
    bool added;
    uint32_t *number = notch_map_put(&builder->numbers, name, &added);
    if (!added) {
        return *number;
    }
    if (builder->term_count == builder->term_cap) {
        uint32_t cap = builder->term_cap == 0 ? 64 : builder->term_cap * 2;
        builder->terms = notch_realloc(builder->alloc, builder->terms, builder->term_cap * sizeof *builder->terms,
                                       cap * sizeof *builder->terms);
        builder->term_cap = cap;
    }
    *number = builder->term_count++;
    builder->terms[*number] = (struct term){.name = *name};
    return *number;
}

void notch_index_builder_add(struct notch_index_builder *builder, const struct notch_index_term *name, uint32_t ordinal)
{
    uint32_t number = term_number(builder, name);
    struct term *term = &builder->terms[number];
    if (term->count > 0 && term->last == ordinal) {
        return;
    }
    notch_assert(term->count == 0 || ordinal > term->last);
    term->last = ordinal;
    term->count++;
    if (builder->count == builder->cap) {
        uint32_t cap = builder->cap == 0 ? 256 : builder->cap * 2;
        builder->postings = notch_realloc(builder->alloc, builder->postings, builder->cap * sizeof *builder->postings,
                                          cap * sizeof *builder->postings);
        builder->cap = cap;
    }
    builder->postings[builder->count++] = (struct posting){number, ordinal};
}

/* Puts the postings of each term side by side, in the order of the records. */
static void group(struct notch_index_builder *builder)
{
    if (builder->count > builder->grouped_cap) {
        builder->grouped =
            notch_realloc(builder->alloc, builder->grouped, builder->grouped_cap * sizeof *builder->grouped,
                          builder->count * sizeof *builder->grouped);
        builder->grouped_cap = builder->count;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < builder->term_count; i++) {
        builder->terms[i].at = at;
        at += builder->terms[i].count;
    }
    for (uint32_t i = 0; i < builder->count; i++) {
        builder->grouped[builder->terms[builder->postings[i].term].at++] = builder->postings[i].ordinal;
    }
}

static void write_list(struct notch_buf *out, const uint32_t *ordinals, uint32_t count)
{
    notch_buf_clear(out);
    struct notch_writer writer = notch_writer_grow(out);
    notch_write_uvar(&writer, ordinals[0]);
    for (uint32_t i = 1; i < count; i++) {
        notch_write_uvar(&writer, ordinals[i] - ordinals[i - 1] - 1);
    }
}

void notch_index_builder_finish(struct notch_index_builder *builder, struct notch_layer *layer,
                                struct notch_height height)
{
    group(builder);
    for (uint32_t i = 0; i < builder->term_count; i++) {
        const struct term *term = &builder->terms[i];
        write_list(&builder->value, builder->grouped + term->at - term->count, term->count);
        struct notch_store_key key = notch_key_begin(NOTCH_FLAT_INDEX);
        notch_key_add_u8(&key, term->name.kind);
        notch_key_add(&key, term->name.term, sizeof term->name.term);
        notch_key_add_be64(&key, height.raw); /* Raw: encoding */
        notch_layer_put(layer, notch_store_key_bytes(&key), notch_buf_bytes(&builder->value));
    }
    notch_index_builder_clear(builder);
}
