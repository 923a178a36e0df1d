/*
 * chain/index.h: lists of records by type, author, market and time.
 *
 * Each block adds one posting list for each term that its accepted records have: the ordinals of those records,
 * ascending, delta-coded. A common term costs a byte for a record, and a list is read from either end, block by block.
 *
 *   key     i kind:u8 term:16 height:be64       kind 1 type (the type number, zero-padded), 2 author (account), 3
 *           market or
 *                                               resource id: the first 16 bytes
 *   value   uvar first ordinal, then uvar (difference - 1) for each further one
 *
 * Time needs no list: block times grow with the height. A query with several conditions walks the rarest kind of term
 * (market, author, type) and looks the others up, block by block. A query with none lists all accepted records.
 *
 * Invariants   A page that begins at the cursor of the page before has neither gaps nor repetitions, whatever was
 *              added since at the top.
 * Ownership    The query is the caller's.
 * Limits       NOTCH_INDEX_PAGE_MAX records in a page; a page looks at no more than NOTCH_INDEX_STEPS_MAX blocks and
 *              then says that there may be more.
 * Thread       As the view of the lookup.
 * Errors       IO, CORRUPT from the view. Terms of 16 bytes may, in theory, meet a stranger: whoever reads the record
 *              compares.
 */
#ifndef NOTCH_CHAIN_INDEX_H
#define NOTCH_CHAIN_INDEX_H

#include "chain/lookup.h"

#define NOTCH_INDEX_PAGE_MAX 1000
#define NOTCH_INDEX_STEPS_MAX 4096
#define NOTCH_INDEX_TERM_LEN 16

enum notch_index_kind { NOTCH_INDEX_TYPE = 1, NOTCH_INDEX_AUTHOR = 2, NOTCH_INDEX_MARKET = 3 };

struct notch_index_term {
    uint8_t kind;
    uint8_t term[NOTCH_INDEX_TERM_LEN];
};

struct notch_index_term notch_index_term_type(uint64_t type);
struct notch_index_term notch_index_term_hash(enum notch_index_kind kind, const uint8_t id[32]);

/* The record after which the next page goes on: height and ordinal. Users get it as an opaque text. */
struct notch_index_cursor {
    uint64_t height;
    uint32_t ordinal;
};

struct notch_index_query {
    bool by_type, by_author, by_market;
    uint64_t type;
    struct notch_key author;  /* the account: the author's first key */
    struct notch_hash market; /* or resource */
    bool by_time;
    struct notch_time from, to; /* of the block, both inclusive */
    enum notch_scan direction;  /* UP: oldest first */
    bool has_cursor;
    struct notch_index_cursor cursor;
    struct notch_height top; /* of the newest block to look at */
    uint32_t limit;          /* 1 .. NOTCH_INDEX_PAGE_MAX */
};

/* false ends the list. */
typedef bool (*notch_index_visit)(void *arg, const struct notch_record_place *place);

/*
 * Visits up to `limit` records. *next is where the next page begins; *more whether there may be one. INVALID: limit.
 */
NOTCH_MUST_USE enum notch_err notch_index_list(const struct notch_lookup *lookup, struct notch_index_cursor *next,
                                               bool *more, const struct notch_index_query *query,
                                               notch_index_visit visit, void *arg);

/* The posting list of a block being built: terms and ordinals in any order of terms, ordinals ascending. */
struct notch_index_builder;
struct notch_index_builder *notch_index_builder_create(const struct notch_alloc *alloc,
                                                       struct notch_siphash_key hash_key);
void notch_index_builder_destroy(struct notch_index_builder *builder);
void notch_index_builder_add(struct notch_index_builder *builder, const struct notch_index_term *name,
                             uint32_t ordinal);

void notch_index_builder_clear(struct notch_index_builder *builder);

/* Writes the lists into the layer in the order in which the terms were first added, and is empty again. */
void notch_index_builder_finish(struct notch_index_builder *builder, struct notch_layer *layer,
                                struct notch_height height);

#endif
