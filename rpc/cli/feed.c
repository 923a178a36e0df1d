#include "rpc/cli/feed.h"

#include "base/fixed.h"
#include "rpc/cli/cli.h"

/* ---- columns ---- */

static const struct notch_feed_role market_roles[] = {{"time", true},  {"market", true},   {"product", true},
                                                      {"price", true}, {"quantity", true}, {"currency", false},
                                                      {"unit", false}, {"pack", false}};
static const struct notch_feed_role need_roles[] = {
    {"recipient", true}, {"resource", true}, {"period", true}, {"amount", true}};
static const struct notch_feed_role offer_roles[] = {
    {"provider", true}, {"resource", true}, {"period", true}, {"amount", true}, {"kind", false}};
static const struct notch_feed_role share_roles[] = {{"from", true}, {"to", true}, {"share_ppm", true}};

static const struct notch_feed_kind kinds[] = {
    {"market", market_roles, NOTCH_ARRAY_LEN(market_roles)},
    {"needs", need_roles, NOTCH_ARRAY_LEN(need_roles)},
    {"capacities", offer_roles, NOTCH_ARRAY_LEN(offer_roles)},
    {"recognition", share_roles, NOTCH_ARRAY_LEN(share_roles)},
};

const struct notch_feed_kind *notch_feed_kind(enum notch_feed_kind_id id)
{
    return &kinds[id];
}

static struct notch_bytes trim(struct notch_bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = notch_bytes(text.data + 1, text.len - 1);
    }
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

static uint32_t find_column(const struct notch_csv *header, struct notch_bytes name)
{
    for (uint32_t i = 0; i < notch_csv_columns(header); i++) {
        if (notch_bytes_eq(trim(notch_csv_cell(header, i)), name)) {
            return i;
        }
    }
    return NOTCH_FEED_ABSENT;
}

static void list_columns(struct notch_buf *problem, const struct notch_csv *header)
{
    notch_cli_text(problem, "; the columns are: ");
    for (uint32_t i = 0; i < notch_csv_columns(header); i++) {
        struct notch_bytes cell = notch_csv_cell(header, i);
        notch_cli_text(problem, "%s%.*s", i == 0 ? "" : ", ", (int)cell.len, (const char *)cell.data);
    }
}

/* One "role=column" of the list. */
static bool assign(struct notch_feed_columns *out, struct notch_buf *problem, const struct notch_csv *header,
                   struct notch_bytes part)
{
    const uint8_t *equals = part.len == 0 ? NULL : memchr(part.data, '=', part.len);
    if (equals == NULL) {
        notch_cli_text(problem, "--columns: expected ROLE=COLUMN,..., not \"%.*s\"", (int)part.len,
                       (const char *)part.data);
        return false;
    }
    struct notch_bytes role = trim(notch_bytes(part.data, (size_t)(equals - part.data)));
    struct notch_bytes name = trim(notch_bytes(equals + 1, part.len - (size_t)(equals - part.data) - 1));
    for (uint32_t i = 0; i < out->kind->role_count; i++) {
        const char *known = out->kind->roles[i].name;
        if (!notch_bytes_eq(role, notch_bytes(known, strlen(known)))) {
            continue;
        }
        out->column[i] = find_column(header, name);
        if (out->column[i] == NOTCH_FEED_ABSENT) {
            notch_cli_text(problem, "no column \"%.*s\" for %s", (int)name.len, (const char *)name.data, known);
            list_columns(problem, header);
        }
        return out->column[i] != NOTCH_FEED_ABSENT;
    }
    notch_cli_text(problem, "--columns: --%s has no \"%.*s\"; it has", out->kind->name, (int)role.len,
                   (const char *)role.data);
    for (uint32_t i = 0; i < out->kind->role_count; i++) {
        notch_cli_text(problem, "%s %s", i == 0 ? "" : ",", out->kind->roles[i].name);
    }
    return false;
}

bool notch_feed_columns_find(struct notch_feed_columns *out, struct notch_buf *problem,
                             const struct notch_feed_kind *kind, const struct notch_csv *header, const char *list)
{
    *out = (struct notch_feed_columns){.kind = kind};
    for (uint32_t i = 0; i < kind->role_count; i++) {
        out->column[i] = find_column(header, notch_bytes(kind->roles[i].name, strlen(kind->roles[i].name)));
    }
    for (const char *at = list; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, ",");
        if (!assign(out, problem, header, notch_bytes(at, len))) {
            return false;
        }
        at += len + (at[len] == ',' ? 1 : 0);
    }
    for (uint32_t i = 0; i < kind->role_count; i++) {
        if (out->column[i] == NOTCH_FEED_ABSENT && kind->roles[i].required) {
            notch_cli_text(problem, "no column \"%s\": say which one it is with --columns %s=NAME", kind->roles[i].name,
                           kind->roles[i].name);
            list_columns(problem, header);
            return false;
        }
    }
    return true;
}

struct notch_bytes notch_feed_cell(const struct notch_feed_columns *columns, const struct notch_csv *row, uint32_t role)
{
    uint32_t column = columns->column[role];
    if (column == NOTCH_FEED_ABSENT || column >= notch_csv_columns(row)) {
        return notch_bytes("", 0);
    }
    return trim(notch_csv_cell(row, column));
}

/* ---- faults ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void notch_feed_refuse(struct notch_feed_tally *tally, const struct notch_feed_listed *fault)
{
    if (tally->refused < NOTCH_FEED_FAULTS_MAX) {
        tally->first[tally->refused] = *fault;
    }
    tally->refused++;
    for (uint32_t i = 0; i < tally->reason_count; i++) {
        if (same_text(tally->reasons[i].reason, fault->reason) && same_text(tally->reasons[i].column, fault->column)) {
            tally->reasons[i].count++;
            return;
        }
    }
    if (tally->reason_count < NOTCH_FEED_REASONS_MAX) {
        uint32_t at = tally->reason_count++;
        tally->reasons[at].column = fault->column;
        tally->reasons[at].reason = fault->reason;
        tally->reasons[at].count = 1;
    }
}

/* ---- cells ---- */

/* The length of a well-formed UTF-8 character (RFC 3629); 0: none. */
static size_t utf8_len(struct notch_bytes text)
{
    uint8_t first = text.data[0];
    if (first < 0x80) {
        return 1;
    }
    size_t len = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 ? 4 : 0;
    if (len == 0 || first > 0xf4 || len > text.len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    uint8_t second = text.data[1];
    bool is_bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                  (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return is_bad ? 0 : len;
}

const char *notch_feed_check_name(struct notch_bytes text)
{
    if (text.len == 0) {
        return "empty";
    }
    if (text.len > NOTCH_MARKET_PART_MAX) {
        return "longer than 255 bytes";
    }
    for (size_t i = 0; i < text.len;) {
        size_t len = utf8_len(notch_bytes(text.data + i, text.len - i));
        if (len == 0) {
            return "not UTF-8";
        }
        if (text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return "a control character";
        }
        if (text.data[i] == '|') {
            return "has a '|', which separates the parts of a name";
        }
        i += len;
    }
    return NULL;
}

const char *notch_feed_signed_number(int64_t *out, struct notch_bytes text)
{
    if (text.len == 0) {
        return "empty";
    }
    enum notch_err err = notch_micro_parse(out, (const char *)text.data, text.len, NOTCH_DECIMAL_ROUND);
    if (err == NOTCH_ERR_OVERFLOW) {
        return "too large";
    }
    return err == NOTCH_OK ? NULL : "not a plain decimal number";
}

const char *notch_feed_number(int64_t *out, struct notch_bytes text, int64_t max)
{
    const char *fault = notch_feed_signed_number(out, text);
    if (fault != NULL) {
        return fault;
    }
    if (*out < 0) {
        return "negative";
    }
    return *out > max ? "too large" : NULL;
}

/* In 2^62ths: the logarithms of 2 and 10. */
#define ONE_Q62 (UINT64_C(1) << 62)
#define LN_2_Q62 UINT64_C(3196577161300663915)
#define LN_10_Q62_THIRD UINT64_C(3539599826533322418) /* ln 10 is above 2: a third of it */

static uint64_t mul_q62(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b >> 62);
}

/* exp of r in 2^62ths, 0 <= r < ln 2, by its series: the 20th term is below 2^-62. */
static uint64_t exp_q62(uint64_t r)
{
    uint64_t sum = ONE_Q62;
    uint64_t term = ONE_Q62;
    for (uint64_t i = 1; i <= 22; i++) {
        term = mul_q62(term, r) / i;
        sum += term;
    }
    return sum;
}

const char *notch_feed_antilog(int64_t *out, int64_t log, enum notch_feed_log base, int64_t max)
{
    if (base == NOTCH_LOG_NONE) {
        *out = log;
        return NULL;
    }
    if (log > INT64_C(64) * NOTCH_MICRO || log < INT64_C(-64) * NOTCH_MICRO) {
        return log > 0 ? "too large" : "too small";
    }
    unsigned __int128 magnitude = (unsigned __int128)(uint64_t)(log < 0 ? -log : log);
    unsigned __int128 scaled = base == NOTCH_LOG_E   ? magnitude * ONE_Q62
                               : base == NOTCH_LOG_2 ? magnitude * LN_2_Q62
                                                     : magnitude * LN_10_Q62_THIRD * 3;
    scaled /= NOTCH_MICRO;
    uint64_t halvings = (uint64_t)(scaled / LN_2_Q62);
    uint64_t rest = (uint64_t)(scaled % LN_2_Q62);
    if (log < 0 && rest > 0) {
        halvings++;
        rest = LN_2_Q62 - rest;
    }
    unsigned __int128 value = (unsigned __int128)exp_q62(rest) * NOTCH_MICRO; /* in micro-units, 2^62ths */
    if (log < 0) {
        value = halvings > 60 ? 0 : value >> halvings;
    } else if (halvings > 40) {
        return "too large";
    } else {
        value <<= halvings;
    }
    value = (value + (ONE_Q62 >> 1)) >> 62;
    if (value > (unsigned __int128)(uint64_t)max) {
        return "too large";
    }
    *out = (int64_t)value;
    return NULL;
}

/* ---- names ---- */

void notch_feed_names_init(struct notch_feed_names *names, const struct notch_alloc *alloc)
{
    /* The keys are hashes: nobody chooses where they fall. */
    notch_map_init(&names->index, alloc, (struct notch_siphash_key){0, 0}, sizeof(struct notch_hash), sizeof(uint32_t),
                   0);
    notch_buf_init(&names->text, alloc);
    notch_buf_init(&names->ends, alloc);
}

void notch_feed_names_fini(struct notch_feed_names *names)
{
    notch_map_fini(&names->index);
    notch_buf_fini(&names->text);
    notch_buf_fini(&names->ends);
}

uint32_t notch_feed_names_count(const struct notch_feed_names *names)
{
    return (uint32_t)(names->ends.len / sizeof(uint64_t));
}

uint32_t notch_feed_names_put(struct notch_feed_names *names, struct notch_bytes text)
{
    struct notch_hash hash;
    bool is_new;
    notch_sha256(&hash, text);
    uint32_t *index = notch_map_put(&names->index, &hash, &is_new);
    if (is_new) {
        *index = notch_feed_names_count(names);
        notch_buf_append(&names->text, text.data, text.len);
        uint64_t end = names->text.len;
        notch_buf_append(&names->ends, &end, sizeof end);
    }
    return *index;
}

struct notch_bytes notch_feed_names_at(const struct notch_feed_names *names, uint32_t index)
{
    uint64_t from = 0;
    uint64_t to;
    notch_assert(index < notch_feed_names_count(names));
    memcpy(&to, names->ends.data + index * sizeof to, sizeof to);
    if (index > 0) {
        memcpy(&from, names->ends.data + (index - 1) * sizeof from, sizeof from);
    }
    return notch_bytes(names->text.data + from, (size_t)(to - from));
}

/* ---- the plan ---- */

void notch_feed_plan_init(struct notch_feed_plan *plan, const struct notch_alloc *alloc, uint32_t entries_max,
                          uint32_t record_bytes_max)
{
    const uint32_t around = NOTCH_RECORD_HEADER_MAX + 64;
    notch_assert(record_bytes_max > around && entries_max > 0);
    *plan =
        (struct notch_feed_plan){.entries_max = entries_max, .bytes_max = record_bytes_max - around, .is_cut = true};
    notch_buf_init(&plan->entries, alloc);
    notch_buf_init(&plan->records, alloc);
}

void notch_feed_plan_fini(struct notch_feed_plan *plan)
{
    notch_buf_fini(&plan->entries);
    notch_buf_fini(&plan->records);
}

size_t notch_feed_plan_count(const struct notch_feed_plan *plan)
{
    return plan->records.len / sizeof(struct notch_feed_record);
}

struct notch_feed_record notch_feed_plan_at(const struct notch_feed_plan *plan, size_t index)
{
    struct notch_feed_record record;
    notch_assert(index < notch_feed_plan_count(plan));
    memcpy(&record, plan->records.data + index * sizeof record, sizeof record);
    return record;
}

void notch_feed_plan_cut(struct notch_feed_plan *plan)
{
    plan->is_cut = true;
}

void notch_feed_plan_add(struct notch_feed_plan *plan, const struct notch_entry *entry, uint32_t signer)
{
    uint64_t from = plan->entries.len;
    notch_entry_append(&plan->entries, entry);
    uint64_t len = plan->entries.len - from;
    plan->entry_count++;
    size_t count = notch_feed_plan_count(plan);
    if (!plan->is_cut && count > 0) {
        struct notch_feed_record last = notch_feed_plan_at(plan, count - 1);
        if (last.signer == signer && last.count < plan->entries_max && last.len + len <= plan->bytes_max) {
            last.count++;
            last.len += len;
            memcpy(plan->records.data + (count - 1) * sizeof last, &last, sizeof last);
            return;
        }
    }
    plan->is_cut = false;
    struct notch_feed_record record = {from, len, 1, signer};
    notch_buf_append(&plan->records, &record, sizeof record);
}
