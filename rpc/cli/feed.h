/*
 * rpc/cli/feed.h: what the kinds of feed have in common: columns, rows and what is wrong with them, and the records
 * that come out.
 *
 *      CSV rows -> [ market | parties ] -> entries, in an order that depends on the contents alone -> plan -> records
 *
 * Invariants   The same rows give the same entries, byte for byte, on every machine: integers only.
 * Ownership    init / fini. Texts of faults are literals; a plan owns its entries.
 * Limits       NOTCH_FEED_ROWS_MAX rows; names of at most NOTCH_MARKET_PART_MAX bytes.
 * Thread       One. Pure.
 */
#ifndef NOTCH_RPC_CLI_FEED_H
#define NOTCH_RPC_CLI_FEED_H

#include "base/map.h"
#include "chain/entry.h"
#include "rpc/cli/csv.h"

#define NOTCH_FEED_ROWS_MAX 20000000u
#define NOTCH_FEED_ROLES_MAX 8
#define NOTCH_FEED_ABSENT UINT32_MAX

/* ---- columns ---- */

struct notch_feed_role {
    const char *name; /* also the column's name where --columns does not say another */
    bool required;
};

struct notch_feed_kind {
    const char *name; /* of the option */
    const struct notch_feed_role *roles;
    uint32_t role_count;
};

enum notch_feed_kind_id { NOTCH_FEED_MARKET, NOTCH_FEED_NEEDS, NOTCH_FEED_CAPACITIES, NOTCH_FEED_RECOGNITION };
const struct notch_feed_kind *notch_feed_kind(enum notch_feed_kind_id id);

/* The roles by number, as the tables have them. */
enum {
    NOTCH_MARKET_TIME,
    NOTCH_MARKET_MARKET,
    NOTCH_MARKET_PRODUCT,
    NOTCH_MARKET_PRICE,
    NOTCH_MARKET_QUANTITY,
    NOTCH_MARKET_CURRENCY,
    NOTCH_MARKET_UNIT,
    NOTCH_MARKET_PACK
};
enum { NOTCH_NEED_RECIPIENT, NOTCH_NEED_RESOURCE, NOTCH_NEED_PERIOD, NOTCH_NEED_AMOUNT };
enum { NOTCH_OFFER_PROVIDER, NOTCH_OFFER_RESOURCE, NOTCH_OFFER_PERIOD, NOTCH_OFFER_AMOUNT, NOTCH_OFFER_KIND };
enum { NOTCH_SHARE_FROM, NOTCH_SHARE_TO, NOTCH_SHARE_PPM };

/* Which column has which role. */
struct notch_feed_columns {
    const struct notch_feed_kind *kind;
    uint32_t column[NOTCH_FEED_ROLES_MAX]; /* NOTCH_FEED_ABSENT: the file has none */
};

/*
 * Finds the columns of a header. `list` is what --columns says ("time=week,price=usd"), or NULL. false: *problem says
 * what is missing, and which columns there are.
 */
bool notch_feed_columns_find(struct notch_feed_columns *out, struct notch_buf *problem,
                             const struct notch_feed_kind *kind, const struct notch_csv *header, const char *list);

/* The cell of a role without the spaces around it; empty where the file has no such column. */
struct notch_bytes notch_feed_cell(const struct notch_feed_columns *columns, const struct notch_csv *row,
                                   uint32_t role);

/* ---- faults ---- */

/* What is wrong with a row: NULL reason for nothing. */
struct notch_feed_fault {
    uint32_t role;
    const char *reason;
};

#define NOTCH_FEED_FAULTS_MAX 20
#define NOTCH_FEED_REASONS_MAX 64

struct notch_feed_listed {
    uint64_t row, line;
    const char *column; /* what it is to us: "price"; NULL: column_number tells */
    uint32_t column_number;
    const char *reason;
};

struct notch_feed_tally {
    uint64_t rows; /* without the header */
    uint64_t taken;
    uint64_t left; /* not asked for: --where */
    uint64_t refused;
    struct notch_feed_listed first[NOTCH_FEED_FAULTS_MAX];
    struct {
        const char *column;
        const char *reason;
        uint64_t count;
    } reasons[NOTCH_FEED_REASONS_MAX]; /* in the order in which they came up; what is beyond is in `refused` alone */
    uint32_t reason_count;
};

void notch_feed_refuse(struct notch_feed_tally *tally, const struct notch_feed_listed *fault);

/* ---- cells ---- */

/* A name: UTF-8 of 1 to NOTCH_MARKET_PART_MAX bytes without control characters and '|'. NULL, or what is wrong. */
const char *notch_feed_check_name(struct notch_bytes text);

/* A decimal number >= 0 in micro-units, rounded to six decimals. NULL, or what is wrong. `max` in micro-units. */
const char *notch_feed_number(int64_t *out, struct notch_bytes text, int64_t max);

/* One of either sign. */
const char *notch_feed_signed_number(int64_t *out, struct notch_bytes text);

/*
 * What a logarithm in micro-units is the logarithm of, in micro-units: exp of log * ln(base). Integers only, off by
 * less than one in a million beyond the rounding of the logarithm. NULL, or what is wrong.
 */
enum notch_feed_log { NOTCH_LOG_NONE, NOTCH_LOG_E, NOTCH_LOG_2, NOTCH_LOG_10 };
const char *notch_feed_antilog(int64_t *out, int64_t log, enum notch_feed_log base, int64_t max);

/* ---- names ---- */

/* Texts, each once, numbered as they come. */
struct notch_feed_names {
    struct notch_map index; /* SHA-256 of the text -> number */
    struct notch_buf text;
    struct notch_buf ends; /* uint64_t each */
};
void notch_feed_names_init(struct notch_feed_names *names, const struct notch_alloc *alloc);
void notch_feed_names_fini(struct notch_feed_names *names);
uint32_t notch_feed_names_put(struct notch_feed_names *names, struct notch_bytes text);
struct notch_bytes notch_feed_names_at(const struct notch_feed_names *names, uint32_t index);
uint32_t notch_feed_names_count(const struct notch_feed_names *names);

/* ---- the plan ---- */

/* One record to be: a stretch of encoded entries, and whose it is. */
struct notch_feed_record {
    uint64_t from, len; /* in `entries` */
    uint32_t count;
    uint32_t signer; /* 0 is the author of insights; parties as the caller numbers them */
};

struct notch_feed_plan {
    struct notch_buf entries;
    struct notch_buf records; /* struct notch_feed_record */
    uint32_t entries_max;     /* of one record */
    uint32_t bytes_max;       /* of the entries of one record */
    uint64_t entry_count;
    bool is_cut; /* the next entry begins a record */
};
void notch_feed_plan_init(struct notch_feed_plan *plan, const struct notch_alloc *alloc, uint32_t entries_max,
                          uint32_t record_bytes_max);
void notch_feed_plan_fini(struct notch_feed_plan *plan);

/* Appends an entry to the record of that signer; a new one where the last is full, another's, or cut off. */
void notch_feed_plan_add(struct notch_feed_plan *plan, const struct notch_entry *entry, uint32_t signer);
void notch_feed_plan_cut(struct notch_feed_plan *plan);
size_t notch_feed_plan_count(const struct notch_feed_plan *plan);
struct notch_feed_record notch_feed_plan_at(const struct notch_feed_plan *plan, size_t index);

#endif
