#include "rpc/cli/feed_party.h"

#include "base/fixed.h"
#include "chain/salt.h"
#include "rpc/cli/when.h"

#include <stdlib.h>

struct row {
    uint32_t party;
    uint32_t other; /* a resource, or the peer of a share */
    struct notch_period period;
    int64_t amount; /* or ppm */
    enum notch_capacity_kind kind;
};

void notch_feed_party_init(struct notch_feed_party *feed, const struct notch_alloc *alloc, enum notch_feed_kind_id kind)
{
    /* The keys of both maps are hashes or our own numbers. */
    const struct notch_siphash_key plain = {0, 0};
    *feed = (struct notch_feed_party){.alloc = alloc, .kind = kind};
    notch_feed_names_init(&feed->parties, alloc);
    notch_feed_names_init(&feed->resources, alloc);
    notch_map_init(&feed->seen, alloc, plain, sizeof(struct notch_hash), 1, 0);
    notch_map_init(&feed->totals, alloc, plain, sizeof(uint32_t), sizeof(uint64_t), 0);
    notch_buf_init(&feed->rows, alloc);
}

void notch_feed_party_fini(struct notch_feed_party *feed)
{
    notch_feed_names_fini(&feed->parties);
    notch_feed_names_fini(&feed->resources);
    notch_map_fini(&feed->seen);
    notch_map_fini(&feed->totals);
    notch_buf_fini(&feed->rows);
}

/* ---- rows ---- */

static const char *put_party(struct notch_feed_party *feed, uint32_t *out, struct notch_bytes cell)
{
    const char *reason = notch_feed_check_name(cell);
    if (reason != NULL) {
        return reason;
    }
    *out = notch_feed_names_put(&feed->parties, cell);
    return *out >= NOTCH_PARTIES_MAX ? "more than 1000 parties: split the file" : NULL;
}

/* Whether this was said before. Raw: what is told apart. */
static bool is_again(struct notch_feed_party *feed, const struct row *row)
{
    uint8_t message[4 + 4 + 8 + 8];
    struct notch_writer writer = notch_writer(message, sizeof message);
    notch_write_u32(&writer, row->party);
    notch_write_u32(&writer, row->other);
    notch_write_u64(&writer, row->period.start.raw);
    notch_write_u64(&writer, row->period.length_ms);
    struct notch_hash hash;
    notch_sha256(&hash, notch_writer_bytes(&writer));
    bool is_new;
    (void)notch_map_put(&feed->seen, &hash, &is_new);
    return !is_new;
}

static const char *read_kind(enum notch_capacity_kind *out, struct notch_bytes cell)
{
    *out = NOTCH_CAPACITY_STOCK;
    if (cell.len == 0 || notch_bytes_eq(cell, notch_bytes("stock", 5))) {
        return NULL;
    }
    *out = NOTCH_CAPACITY_FLOW;
    return notch_bytes_eq(cell, notch_bytes("flow", 4)) ? NULL : "neither stock nor flow";
}

static struct notch_feed_fault amount_row(struct notch_feed_party *feed, struct row *out,
                                          const struct notch_feed_columns *columns, const struct notch_csv *row)
{
    struct notch_bytes resource = notch_feed_cell(columns, row, NOTCH_NEED_RESOURCE);
    struct notch_bytes period = notch_feed_cell(columns, row, NOTCH_NEED_PERIOD);
    const char *reason = notch_feed_check_name(resource);
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_NEED_RESOURCE, reason};
    }
    reason = period.len == 0 ? "empty" : notch_when_period_parse(&out->period, (const char *)period.data, period.len);
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_NEED_PERIOD, reason};
    }
    reason = notch_feed_number(&out->amount, notch_feed_cell(columns, row, NOTCH_NEED_AMOUNT), INT64_MAX);
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_NEED_AMOUNT, reason};
    }
    if (feed->kind == NOTCH_FEED_CAPACITIES) {
        reason = read_kind(&out->kind, notch_feed_cell(columns, row, NOTCH_OFFER_KIND));
        if (reason != NULL) {
            return (struct notch_feed_fault){NOTCH_OFFER_KIND, reason};
        }
    }
    reason = put_party(feed, &out->party, notch_feed_cell(columns, row, NOTCH_NEED_RECIPIENT));
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_NEED_RECIPIENT, reason};
    }
    out->other = notch_feed_names_put(&feed->resources, resource);
    if (is_again(feed, out)) {
        return (struct notch_feed_fault){NOTCH_NEED_RECIPIENT, "a second row for this resource and period"};
    }
    return (struct notch_feed_fault){0, NULL};
}

static const char *read_share(int64_t *out, struct notch_bytes cell)
{
    int64_t micro;
    const char *reason = notch_feed_number(&micro, cell, (int64_t)NOTCH_PPM_ONE * NOTCH_MICRO);
    if (reason != NULL) {
        return reason;
    }
    if (micro % NOTCH_MICRO != 0 || micro == 0) {
        return "not a whole number from 1 to 1000000";
    }
    *out = micro / NOTCH_MICRO;
    return NULL;
}

static const char *add_share(struct notch_feed_party *feed, const struct row *row)
{
    bool is_new;
    uint64_t *total = notch_map_put(&feed->totals, &row->party, &is_new);
    uint64_t ppm = (*total >> 32) + (uint64_t)row->amount;
    uint64_t count = (*total & UINT32_MAX) + 1;
    if (ppm > NOTCH_PPM_ONE) {
        return "the shares of this party sum to more than 1000000";
    }
    if (count > NOTCH_RECOGNITION_MAX) {
        return "more than 512 shares of this party";
    }
    *total = ppm << 32 | count;
    return NULL;
}

static struct notch_feed_fault share_row(struct notch_feed_party *feed, struct row *out,
                                         const struct notch_feed_columns *columns, const struct notch_csv *row)
{
    const char *reason = read_share(&out->amount, notch_feed_cell(columns, row, NOTCH_SHARE_PPM));
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_SHARE_PPM, reason};
    }
    reason = put_party(feed, &out->party, notch_feed_cell(columns, row, NOTCH_SHARE_FROM));
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_SHARE_FROM, reason};
    }
    reason = put_party(feed, &out->other, notch_feed_cell(columns, row, NOTCH_SHARE_TO));
    if (reason != NULL) {
        return (struct notch_feed_fault){NOTCH_SHARE_TO, reason};
    }
    if (is_again(feed, out)) {
        return (struct notch_feed_fault){NOTCH_SHARE_TO, "a second share for the same two"};
    }
    return (struct notch_feed_fault){NOTCH_SHARE_PPM, add_share(feed, out)};
}

struct notch_feed_fault notch_feed_party_row(struct notch_feed_party *feed, const struct notch_feed_columns *columns,
                                             const struct notch_csv *row)
{
    struct row out = {0};
    struct notch_feed_fault fault = feed->kind == NOTCH_FEED_RECOGNITION ? share_row(feed, &out, columns, row)
                                                                         : amount_row(feed, &out, columns, row);
    if (fault.reason == NULL) {
        notch_buf_append(&feed->rows, &out, sizeof out);
        feed->row_count++;
    }
    return fault;
}

/* ---- entries ---- */

/* A row with what it is sorted by. */
struct sorted {
    const struct row *row;
    struct notch_bytes party;
    struct notch_bytes other; /* name of the resource, or key of the peer */
};

static int compare_sorted(const void *a, const void *b)
{
    const struct sorted *left = a;
    const struct sorted *right = b;
    int order = notch_bytes_cmp(left->party, right->party);
    if (order == 0) {
        order = notch_bytes_cmp(left->other, right->other);
    }
    if (order == 0) {
        order = notch_time_cmp(left->row->period.start, right->row->period.start);
    }
    if (order == 0) {
        order = (left->row->period.length_ms > right->row->period.length_ms) -
                (left->row->period.length_ms < right->row->period.length_ms);
    }
    return order;
}

static struct sorted *sort_rows(const struct notch_feed_party *feed, const struct notch_feed_party_options *options)
{
    struct sorted *sorted = notch_alloc_array(feed->alloc, feed->row_count, sizeof *sorted);
    const struct row *rows = (const struct row *)(const void *)feed->rows.data;
    for (uint64_t i = 0; i < feed->row_count; i++) {
        const struct notch_key *peer = &options->keys[rows[i].other].key;
        bool is_share = feed->kind == NOTCH_FEED_RECOGNITION;
        sorted[i] = (struct sorted){&rows[i], notch_feed_names_at(&feed->parties, rows[i].party),
                                    is_share ? notch_bytes(peer, sizeof *peer)
                                             : notch_feed_names_at(&feed->resources, rows[i].other)};
    }
    qsort(sorted, feed->row_count, sizeof *sorted, compare_sorted);
    return sorted;
}

static struct notch_hash name_resource(struct notch_bytes name, const struct notch_feed_party_options *options)
{
    struct notch_hash id;
    struct notch_market_name resource = {.product = name};
    enum notch_err err = notch_resource_id(&id, options->domain, &resource, options->audience_secret);
    notch_assert(err == NOTCH_OK); /* the name was checked when the row was read */
    return id;
}

/* The commitment or the opening of a need, whichever is wanted; the opening is noted in any case. Raw: an amount is
 * read. */
static void make_need(struct notch_entry *out, struct notch_buf *openings, const struct row *row,
                      const struct notch_hash *resource, const struct notch_feed_party_options *options)
{
    struct notch_feed_opening opening = {
        .party = row->party, .resource = row->other, .period = row->period, .amount = {row->amount}};
    notch_need_blinding(&opening.blinding, options->domain, options->keys[row->party].secret, resource, &row->period,
                        opening.amount);
    bool made = notch_commit_amount(&opening.commitment, opening.amount, &opening.blinding);
    notch_assert(made); /* the blinding is a scalar, the amount is not negative */
    if (options->reveal) {
        out->type = NOTCH_ENTRY_NEED_REVEAL;
        out->as.need_reveal = (struct notch_need_reveal){*resource, row->period, opening.amount, opening.blinding};
    } else {
        out->type = NOTCH_ENTRY_NEED_COMMIT;
        out->as.need_commit = (struct notch_need_commit){*resource, row->period, opening.commitment};
    }
    notch_buf_append(openings, &opening, sizeof opening);
    notch_wipe(&opening, sizeof opening);
}

static void add_amount(const struct notch_feed_party *feed, struct notch_feed_plan *plan, struct notch_buf *openings,
                       const struct sorted *sorted, const struct notch_feed_party_options *options)
{
    const struct row *row = sorted->row;
    struct notch_hash resource = name_resource(sorted->other, options);
    struct notch_entry entry = {.type = NOTCH_ENTRY_CAPACITY};
    if (feed->kind == NOTCH_FEED_NEEDS) {
        make_need(&entry, openings, row, &resource, options);
    } else {
        entry.as.capacity = (struct notch_capacity){
            .resource = resource, .period = row->period, .kind = row->kind, .amount = {row->amount}};
    }
    notch_feed_plan_add(plan, &entry, options->first_signer + row->party);
    notch_wipe(&entry, sizeof entry);
}

/* The shares of one party, from sorted[0] on; returns how many. */
static uint64_t add_shares(const struct notch_feed_party *feed, struct notch_feed_plan *plan,
                           const struct sorted *sorted, uint64_t left, const struct notch_feed_party_options *options)
{
    struct notch_buf shares;
    notch_buf_init(&shares, feed->alloc);
    struct notch_writer writer = notch_writer_grow(&shares);
    uint64_t count = 0;
    while (count < left && sorted[count].row->party == sorted->row->party) {
        const struct row *row = sorted[count++].row;
        struct notch_share share = {options->keys[row->other].key, {(int32_t)row->amount}};
        notch_share_put(&writer, &share);
    }
    struct notch_entry entry = {.type = NOTCH_ENTRY_RECOGNITION};
    entry.as.recognition = (struct notch_recognition){(uint32_t)count, notch_buf_bytes(&shares)};
    notch_feed_plan_add(plan, &entry, options->first_signer + sorted->row->party);
    notch_buf_fini(&shares);
    return count;
}

void notch_feed_party_build(const struct notch_feed_party *feed, struct notch_feed_plan *plan,
                            struct notch_buf *openings, const struct notch_feed_party_options *options)
{
    if (feed->row_count == 0) {
        return;
    }
    struct sorted *sorted = sort_rows(feed, options);
    for (uint64_t i = 0; i < feed->row_count;) {
        if (feed->kind == NOTCH_FEED_RECOGNITION) {
            i += add_shares(feed, plan, sorted + i, feed->row_count - i, options);
        } else {
            add_amount(feed, plan, openings, sorted + i, options);
            i++;
        }
    }
    notch_feed_plan_cut(plan);
    notch_free(feed->alloc, sorted, feed->row_count * sizeof *sorted);
}
