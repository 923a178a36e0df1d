/* Entries from JSON, for those that a node's author writes: the same names as entry_write.c gives. */
#include "rpc/internal.h"

struct input {
    struct notch__call *call;
    const json_t *object;
    size_t index; /* of the entry, for messages */
    size_t used;  /* members that were asked for and are there */
};

static void fail(struct input *in, const char *name, const char *expected)
{
    notch__fail(in->call, -32602, "entry %zu: \"%s\": expected %s", in->index, name, expected);
}

static const json_t *member(struct input *in, const char *name)
{
    const json_t *value = json_object_get(in->object, name);
    in->used += value != NULL;
    return value;
}

static const json_t *needed(struct input *in, const char *name, const char *expected)
{
    const json_t *value = member(in, name);
    if (value == NULL) {
        fail(in, name, expected);
    }
    return value;
}

static bool get_uint(struct input *in, uint64_t *out, const char *name)
{
    const char *expected = "an integer from 0 to 2^63-1, as a number or a decimal string";
    const json_t *value = needed(in, name, expected);
    if (value != NULL && !notch__uint_of(out, value)) {
        fail(in, name, expected);
    }
    return in->call->error == 0;
}

static bool get_hash(struct input *in, uint8_t out[32], const char *name)
{
    struct notch_hash hash = {{0}};
    const json_t *value = needed(in, name, "a hash of 64 hex digits");
    if (value != NULL && !notch__hash_of(&hash, value)) {
        fail(in, name, "a hash of 64 hex digits");
    }
    memcpy(out, hash.raw, sizeof hash.raw); /* Raw: copies */
    return in->call->error == 0;
}

static bool key_of(struct input *in, struct notch_key *out, const json_t *value, const char *name)
{
    struct notch_reject reject = {NOTCH_REJECT_MALFORMED, "not a string"};
    if (json_is_string(value)) {
        reject = notch_key_parse(out, json_string_value(value), json_string_length(value),
                                 in->call->rpc->options.genesis->network);
    }
    if (!notch_is_valid(reject)) {
        notch__fail(in->call, -32602, "entry %zu: \"%s\": expected a key of this network: %s", in->index, name,
                    reject.reason);
    }
    return in->call->error == 0;
}

static bool get_ppm(struct input *in, struct notch_ppm *out, const char *name, const json_t *value)
{
    int64_t number;
    if (!notch__int_of(&number, value) || number < INT32_MIN || number > INT32_MAX) {
        fail(in, name, "an integer of ppm");
        return false;
    }
    out->raw = (int32_t)number; /* Raw: parsed */
    return true;
}

static bool get_amount(struct input *in, int64_t *out, const char *name)
{
    uint64_t number = 0;
    bool known = get_uint(in, &number, name);
    *out = (int64_t)number;
    return known;
}

static bool get_period(struct input *in, struct notch_period *out)
{
    uint64_t start = 0;
    uint64_t length = 0;
    if (!get_uint(in, &start, "start_ms") || !get_uint(in, &length, "length_ms")) {
        return false;
    }
    if (start > NOTCH_TIME_MAX || length == 0 || length > NOTCH_PERIOD_MS_MAX || start + length > NOTCH_TIME_MAX) {
        fail(in, "length_ms", "a period of 1 ms to ten years, before the year 10000");
        return false;
    }
    *out = (struct notch_period){{start}, length};
    return true;
}

/* A field of an insight that may be left out: sets its bit. */
static bool optional_ppm(struct input *in, struct notch_insight *insight, struct notch_ppm *out, const char *name,
                         uint32_t bit)
{
    const json_t *value = member(in, name);
    if (value == NULL) {
        return true;
    }
    insight->mask |= bit;
    return get_ppm(in, out, name, value);
}

static bool read_prices(struct input *in, struct notch_insight *insight)
{
    if (json_object_get(in->object, "price") != NULL) {
        insight->mask |= NOTCH_INSIGHT_POINT;
        if (!get_amount(in, &insight->point.raw, "price")) { /* Raw: parsed */
            return false;
        }
    }
    if (json_object_get(in->object, "price_lo") == NULL && json_object_get(in->object, "price_hi") == NULL) {
        return true;
    }
    insight->mask |= NOTCH_INSIGHT_RANGE;
    if (!get_amount(in, &insight->lo.raw, "price_lo") || !get_amount(in, &insight->hi.raw, "price_hi")) { /* Raw: too */
        return false;
    }
    if (insight->lo.raw > insight->hi.raw) { /* Raw: an order */
        fail(in, "price_lo", "at most price_hi");
        return false;
    }
    return true;
}

static bool read_seasons(struct input *in, struct notch_insight *insight)
{
    const json_t *list = member(in, "seasonality_ppm");
    if (list == NULL) {
        return true;
    }
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count < 2 || count > NOTCH_INSIGHT_SEASONS_MAX) {
        fail(in, "seasonality_ppm", "an array of 2 to 64 integers of ppm");
        return false;
    }
    insight->mask |= NOTCH_INSIGHT_SEASONALITY;
    insight->season_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        if (!get_ppm(in, &insight->seasons[i], "seasonality_ppm", json_array_get(list, i))) {
            return false;
        }
    }
    return true;
}

static bool read_samples(struct input *in, struct notch_insight *insight)
{
    if (json_object_get(in->object, "samples") != NULL) {
        insight->mask |= NOTCH_INSIGHT_SAMPLES;
        if (!get_uint(in, &insight->samples, "samples")) {
            return false;
        }
    }
    const json_t *aggregated = member(in, "aggregated");
    if (aggregated != NULL && !json_is_boolean(aggregated)) {
        fail(in, "aggregated", "true or false");
        return false;
    }
    if (json_is_true(aggregated)) {
        insight->mask |= NOTCH_INSIGHT_AGGREGATED;
    }
    return true;
}

static bool read_insight(struct input *in, struct notch_entry *entry)
{
    struct notch_insight *insight = &entry->as.insight;
    return get_hash(in, insight->market.raw, "market") && /* Raw: parsed */
           get_period(in, &insight->period) && read_prices(in, insight) &&
           optional_ppm(in, insight, &insight->trend, "trend_ppm", NOTCH_INSIGHT_TREND) &&
           optional_ppm(in, insight, &insight->volatility, "volatility_ppm", NOTCH_INSIGHT_VOLATILITY) &&
           read_seasons(in, insight) &&
           optional_ppm(in, insight, &insight->confidence, "confidence_ppm", NOTCH_INSIGHT_CONFIDENCE) &&
           read_samples(in, insight) &&
           optional_ppm(in, insight, &insight->success, "success_ppm", NOTCH_INSIGHT_SUCCESS) &&
           optional_ppm(in, insight, &insight->noise, "noise_ppm", NOTCH_INSIGHT_NOISE);
}

static bool read_capacity(struct input *in, struct notch_entry *entry)
{
    struct notch_capacity *capacity = &entry->as.capacity;
    const char *kind = json_string_value(needed(in, "kind", "\"stock\" or \"flow\""));
    if (kind == NULL || (strcmp(kind, "stock") != 0 && strcmp(kind, "flow") != 0)) {
        fail(in, "kind", "\"stock\" or \"flow\"");
        return false;
    }
    capacity->kind = strcmp(kind, "stock") == 0 ? NOTCH_CAPACITY_STOCK : NOTCH_CAPACITY_FLOW;
    capacity->committed = json_object_get(in->object, "commitment") != NULL;
    if (!get_hash(in, capacity->resource.raw, "resource") || !get_period(in, &capacity->period)) { /* Raw: parsed */
        return false;
    }
    return capacity->committed ? get_hash(in, capacity->commitment.raw, "commitment") /* Raw: parsed */
                               : get_amount(in, &capacity->amount.raw, "amount");     /* Raw: parsed */
}

/* Sorts by key: a list has one encoding. Insertion is enough for NOTCH_RECOGNITION_MAX. */
static void insert_share(struct notch_share *shares, size_t count, const struct notch_share *share)
{
    size_t at = count;
    while (at > 0 && notch_key_cmp(&shares[at - 1].peer, &share->peer) > 0) {
        shares[at] = shares[at - 1];
        at--;
    }
    shares[at] = *share;
}

static bool read_share(struct input *in, struct notch_share *out, const json_t *item)
{
    const json_t *peer = json_object_get(item, "peer");
    const json_t *share = json_object_get(item, "share_ppm");
    if (peer == NULL || share == NULL || json_object_size(item) != 2) {
        fail(in, "shares", "objects of \"peer\" and \"share_ppm\"");
        return false;
    }
    if (!key_of(in, &out->peer, peer, "peer") || !get_ppm(in, &out->share, "share_ppm", share)) {
        return false;
    }
    if (out->share.raw < 1 || out->share.raw > NOTCH_PPM_ONE) { /* Raw: bounds */
        fail(in, "share_ppm", "a share of 1 to 1000000 ppm");
        return false;
    }
    return true;
}

static bool read_recognition(struct input *in, struct notch_entry *entry, struct notch_buf *list)
{
    struct notch_share shares[NOTCH_RECOGNITION_MAX];
    const json_t *items = needed(in, "shares", "an array");
    size_t count = json_array_size(items);
    if (!json_is_array(items) || count > NOTCH_RECOGNITION_MAX) {
        fail(in, "shares", "an array of at most 512 objects of \"peer\" and \"share_ppm\"");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct notch_share share;
        if (!read_share(in, &share, json_array_get(items, i))) {
            return false;
        }
        insert_share(shares, i, &share);
    }
    struct notch_writer writer = notch_writer_grow(list);
    for (size_t i = 0; i < count; i++) {
        notch_share_put(&writer, &shares[i]);
    }
    entry->as.recognition = (struct notch_recognition){(uint32_t)count, notch_buf_bytes(list)};
    return true;
}

static bool read_need(struct input *in, struct notch_entry *entry)
{
    if (entry->type == NOTCH_ENTRY_NEED_COMMIT) {
        struct notch_need_commit *need = &entry->as.need_commit;
        return get_hash(in, need->resource.raw, "resource") && get_period(in, &need->period) && /* Raw: parsed */
               get_hash(in, need->commitment.raw, "commitment");                                /* Raw: parsed */
    }
    struct notch_need_reveal *need = &entry->as.need_reveal;
    return get_hash(in, need->resource.raw, "resource") && get_period(in, &need->period) && /* Raw: parsed */
           get_amount(in, &need->amount.raw, "amount") &&                                   /* Raw: parsed */
           get_hash(in, need->blinding.raw, "blinding");                                    /* Raw: parsed */
}

static bool read_vouch(struct input *in, struct notch_entry *entry)
{
    const char *action = json_string_value(needed(in, "action", "\"give\" or \"withdraw\""));
    if (action == NULL || (strcmp(action, "give") != 0 && strcmp(action, "withdraw") != 0)) {
        fail(in, "action", "\"give\" or \"withdraw\"");
        return false;
    }
    entry->as.vouch.action = strcmp(action, "give") == 0 ? NOTCH_VOUCH_GIVE : NOTCH_VOUCH_WITHDRAW;
    const json_t *key = needed(in, "validator", "a key");
    return key != NULL && key_of(in, &entry->as.vouch.key, key, "validator");
}

/* Any type by its bytes: {"type": ..., "payload": hex}. */
static bool read_payload(struct input *in, struct notch_buf *out, enum notch_entry_type type)
{
    struct notch_buf payload = notch__buf(in->call);
    struct notch_entry entry;
    struct notch_reject reject = {NOTCH_REJECT_MALFORMED, "not hex"};
    if (notch__hex_of(&payload, member(in, "payload"))) {
        reject = notch_entry_decode(&entry, type, notch_buf_bytes(&payload));
    }
    if (notch_is_valid(reject)) {
        notch_entry_append_raw(out, type, notch_buf_bytes(&payload));
    } else {
        fail(in, "payload", "the encoding of such an entry as hex");
    }
    notch_buf_fini(&payload);
    return in->call->error == 0;
}

static bool read_known(struct input *in, struct notch_entry *entry, struct notch_buf *list)
{
    switch (entry->type) {
    case NOTCH_ENTRY_INSIGHT:
        return read_insight(in, entry);
    case NOTCH_ENTRY_RECOGNITION:
        return read_recognition(in, entry, list);
    case NOTCH_ENTRY_CAPACITY:
        return read_capacity(in, entry);
    case NOTCH_ENTRY_NEED_COMMIT:
    case NOTCH_ENTRY_NEED_REVEAL:
        return read_need(in, entry);
    case NOTCH_ENTRY_VOUCH:
        return read_vouch(in, entry);
    case NOTCH_ENTRY_MODEL:
    case NOTCH_ENTRY_ALLOCATION:
    case NOTCH_ENTRY_ALLOCATION_CERT:
    case NOTCH_ENTRY_CHALLENGE_COMMIT:
    case NOTCH_ENTRY_CHALLENGE_REVEAL:
    case NOTCH_ENTRY_VALIDATOR:
    case NOTCH_ENTRY_AUTHOR:
    case NOTCH_ENTRY_GOVERNANCE:
    case NOTCH_ENTRY_WITNESS:
    case NOTCH_ENTRY_SEALED:
        fail(in, "payload", "the encoding of such an entry as hex");
        return false;
    }
    notch_unreachable();
}

/* A member that no field took. */
static void refuse_unknown(struct input *in)
{
    if (in->call->error == 0 && json_object_size(in->object) != in->used) {
        notch__fail(in->call, -32602, "entry %zu: has members that its type does not know, or that do not go together",
                    in->index);
    }
}

/* The form, and what only its decoder looks at (a list without repetitions): what was written must be read back. */
static struct notch_reject append(struct notch__call *call, struct notch_buf *out, const struct notch_entry *entry)
{
    const struct notch_form form = {.rules = &call->rpc->rules, .ts = {NOTCH_TIME_MAX}};
    struct notch_reject reject = notch_entry_check(entry, &form);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    size_t start = out->len;
    notch_entry_append(out, entry);
    struct notch_reader reader = notch_reader(notch_bytes(out->data + start, out->len - start));
    struct notch_entry_view view;
    struct notch_entry again;
    bool is_entry = notch_record_next_entry(&reader, &view);
    notch_assert(is_entry);
    return notch_entry_decode(&again, view.type, view.payload);
}

bool notch__read_entry(struct notch__call *call, struct notch_buf *out, const json_t *value, size_t index)
{
    struct input in = {.call = call, .object = value, .index = index};
    if (!json_is_object(value)) {
        notch__fail(call, -32602, "entry %zu: expected an object with a \"type\"", index);
        return false;
    }
    const json_t *name = member(&in, "type");
    struct notch_entry entry;
    memset(&entry, 0, sizeof entry);
    if (!json_is_string(name) ||
        !notch_entry_parse_name(&entry.type, json_string_value(name), json_string_length(name))) {
        fail(&in, "type", "insight, recognition, capacity, need_commit, ...");
        return false;
    }
    if (json_object_get(value, "payload") != NULL) {
        if (read_payload(&in, out, entry.type)) {
            refuse_unknown(&in);
        }
        return call->error == 0;
    }
    struct notch_buf list = notch__buf(call);
    if (read_known(&in, &entry, &list)) {
        refuse_unknown(&in);
    }
    if (call->error == 0) {
        struct notch_reject reject = append(call, out, &entry);
        if (!notch_is_valid(reject)) {
            call->reject = notch_reject_name(reject.code);
            notch__fail(call, NOTCH_RPC_REFUSED, "entry %zu: %s: %s", index, notch_reject_text(reject.code),
                        reject.reason);
        }
    }
    notch_buf_fini(&list);
    return call->error == 0;
}
