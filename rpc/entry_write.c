/* Entries as JSON: one function for each type, the same names as in chain/entry*.h. */
#include "rpc/internal.h"

static void put_period(struct notch_json *json, const struct notch_period *period)
{
    notch_json_put_time(json, "start_ms", period->start);
    notch_json_put_number(json, "length_ms", period->length_ms);
}

static void put_commitment(struct notch_json *json, const struct notch_commitment *commitment)
{
    notch_json_put_hex(json, "commitment", commitment->raw, sizeof commitment->raw); /* Raw: prints */
}

static void put_sig(struct notch_json *json, const char *key, const struct notch_sig *sig)
{
    notch_json_put_hex(json, key, sig->raw, sizeof sig->raw); /* Raw: prints */
}

static void write_insight(struct notch_json *json, const struct notch_insight *insight)
{
    notch_json_put_hash(json, "market", &insight->market);
    put_period(json, &insight->period);
    if (insight->mask & NOTCH_INSIGHT_POINT) {
        notch_json_put_price(json, "price", insight->point);
    }
    if (insight->mask & NOTCH_INSIGHT_RANGE) {
        notch_json_put_price(json, "price_lo", insight->lo);
        notch_json_put_price(json, "price_hi", insight->hi);
    }
    if (insight->mask & NOTCH_INSIGHT_TREND) {
        notch_json_put_ppm(json, "trend_ppm", insight->trend);
    }
    if (insight->mask & NOTCH_INSIGHT_VOLATILITY) {
        notch_json_put_ppm(json, "volatility_ppm", insight->volatility);
    }
    if (insight->mask & NOTCH_INSIGHT_SEASONALITY) {
        notch_json_key(json, "seasonality_ppm");
        notch_json_open_array(json);
        for (uint32_t i = 0; i < insight->season_count; i++) {
            notch_json_signed(json, insight->seasons[i].raw); /* Raw: prints */
        }
        notch_json_close_array(json);
    }
    if (insight->mask & NOTCH_INSIGHT_CONFIDENCE) {
        notch_json_put_ppm(json, "confidence_ppm", insight->confidence);
    }
    if (insight->mask & NOTCH_INSIGHT_SAMPLES) {
        notch_json_put_number(json, "samples", insight->samples);
    }
    if (insight->mask & NOTCH_INSIGHT_SUCCESS) {
        notch_json_put_ppm(json, "success_ppm", insight->success);
    }
    if (insight->mask & NOTCH_INSIGHT_AGGREGATED) {
        notch_json_put_bool(json, "aggregated", true);
    }
    if (insight->mask & NOTCH_INSIGHT_NOISE) {
        notch_json_put_ppm(json, "noise_ppm", insight->noise);
    }
}

static void write_model(struct notch_json *json, const struct notch_model *model)
{
    notch_json_put_hash(json, "root", &model->root);
    notch_json_put_number(json, "bytes", model->bytes);
    notch_json_key(json, "layers");
    notch_json_open_array(json);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        notch_json_number(json, model->layers[i]);
    }
    notch_json_close_array(json);
    if (model->follows) {
        notch_json_put_hex(json, "network", model->network.data, model->network.len);
    }
}

static void write_recognition(struct notch_json *json, const struct notch_recognition *recognition)
{
    struct notch_reader reader = notch_reader(recognition->shares);
    struct notch_share share;
    notch_json_key(json, "shares");
    notch_json_open_array(json);
    while (notch_share_next(&reader, &share)) {
        notch_json_open_object(json);
        notch_json_put_key(json, "peer", &share.peer);
        notch_json_put_ppm(json, "share_ppm", share.share);
        notch_json_close_object(json);
    }
    notch_json_close_array(json);
}

static void write_capacity(struct notch_json *json, const struct notch_capacity *capacity)
{
    notch_json_put_hash(json, "resource", &capacity->resource);
    put_period(json, &capacity->period);
    notch_json_put_string(json, "kind", capacity->kind == NOTCH_CAPACITY_STOCK ? "stock" : "flow");
    if (capacity->committed) {
        put_commitment(json, &capacity->commitment);
    } else {
        notch_json_put_amount(json, "amount", capacity->amount);
    }
}

static void write_need_commit(struct notch_json *json, const struct notch_need_commit *need)
{
    notch_json_put_hash(json, "resource", &need->resource);
    put_period(json, &need->period);
    put_commitment(json, &need->commitment);
}

static void write_need_reveal(struct notch_json *json, const struct notch_need_reveal *need)
{
    notch_json_put_hash(json, "resource", &need->resource);
    put_period(json, &need->period);
    notch_json_put_amount(json, "amount", need->amount);
    notch_json_put_hex(json, "blinding", need->blinding.raw, sizeof need->blinding.raw); /* Raw: prints */
}

static void write_allocation(struct notch_json *json, const struct notch_allocation *allocation)
{
    notch_json_put_key(json, "provider", &allocation->provider);
    notch_json_put_decimal(json, "sequence", allocation->sequence);
    notch_json_put_key(json, "recipient", &allocation->recipient);
    notch_json_put_hash(json, "resource", &allocation->resource);
    put_period(json, &allocation->period);
    notch_json_put_amount(json, "amount", allocation->amount);
    put_sig(json, "provider_sig", &allocation->provider_sig);
    put_sig(json, "recipient_sig", &allocation->recipient_sig);
}

static void write_allocation_cert(struct notch_json *json, const struct notch_allocation_cert *cert)
{
    struct notch_reader reader = notch_reader(cert->rows);
    struct notch_cert_row row;
    notch_json_put_key(json, "provider", &cert->provider);
    notch_json_put_hash(json, "resource", &cert->resource);
    put_period(json, &cert->period);
    notch_json_put_amount(json, "capacity", cert->capacity);
    notch_json_put_amount(json, "deduction", cert->deduction);
    notch_json_put_decimal(json, "lambda_q32", cert->lambda);
    notch_json_key(json, "rows");
    notch_json_open_array(json);
    while (notch_cert_row_next(&reader, &row)) {
        notch_json_open_object(json);
        notch_json_put_key(json, "recipient", &row.recipient);
        notch_json_put_amount(json, "amount", row.amount);
        notch_json_close_object(json);
    }
    notch_json_close_array(json);
}

static void write_validator(struct notch_json *json, const struct notch_validator_entry *entry)
{
    static const char *const actions[] = {"join", "leave", "services"};
    notch_json_put_string(json, "action", actions[entry->action]);
    notch_json_put_key(json, "validator", &entry->key);
    if (entry->action != NOTCH_VALIDATOR_LEAVE) {
        notch_json_put_number(json, "services", entry->services);
    }
    if (entry->action == NOTCH_VALIDATOR_JOIN) {
        put_sig(json, "possession", &entry->possession);
    }
}

static void write_author(struct notch_json *json, const struct notch_author_entry *entry)
{
    notch_json_put_string(json, "action", entry->action == NOTCH_AUTHOR_ROTATE ? "rotate" : "revoke");
    notch_json_put_key(json, "account", &entry->account);
    if (entry->action == NOTCH_AUTHOR_ROTATE) {
        notch_json_put_key(json, "new_key", &entry->new_key);
        put_sig(json, "possession", &entry->possession);
    }
}

static void write_governance(struct notch_json *json, const struct notch_governance *entry)
{
    static const char *const actions[] = {"add_member", "remove_member", "caps", "rules", "recover"};
    notch_json_put_decimal(json, "sequence", entry->sequence);
    notch_json_put_string(json, "action", actions[entry->action]);
    if (entry->action == NOTCH_GOVERNANCE_ADD_MEMBER || entry->action == NOTCH_GOVERNANCE_REMOVE_MEMBER) {
        notch_json_put_key(json, "member", &entry->member.key);
    }
    if (entry->action == NOTCH_GOVERNANCE_RULES) {
        notch_json_put_number(json, "rules", entry->rules);
    }
    notch_json_put_string(json, "by", entry->by == NOTCH_GOVERNANCE_BY_KEYS ? "keys" : "validators");
    notch_json_put_number(json, "signers", entry->signer_count);
}

static void write_challenge(struct notch_json *json, uint64_t window, enum notch_challenge_kind kind,
                            const struct notch_hash *challenge)
{
    static const char *const kinds[] = {"compute", "model", "forecast", "certificate"};
    notch_json_put_decimal(json, "window", window);
    notch_json_put_string(json, "kind", kinds[kind]);
    notch_json_put_hash(json, "challenge", challenge);
}

static void write_sealed(struct notch_json *json, const struct notch_sealed *sealed)
{
    notch_json_put_hash(json, "audience", &sealed->audience);
    notch_json_put_decimal(json, "key_period", sealed->key_period);
    notch_json_put_hex(json, "nonce", sealed->nonce, sizeof sealed->nonce);
    notch_json_put_hex(json, "ciphertext", sealed->ciphertext.data, sealed->ciphertext.len);
}

/* A row for each type, as the tables of chain have it. NOLINTNEXTLINE(readability-function-size) */
static void write_known(struct notch_json *json, const struct notch_entry *entry)
{
    switch (entry->type) {
    case NOTCH_ENTRY_INSIGHT:
        write_insight(json, &entry->as.insight);
        return;
    case NOTCH_ENTRY_MODEL:
        write_model(json, &entry->as.model);
        return;
    case NOTCH_ENTRY_RECOGNITION:
        write_recognition(json, &entry->as.recognition);
        return;
    case NOTCH_ENTRY_CAPACITY:
        write_capacity(json, &entry->as.capacity);
        return;
    case NOTCH_ENTRY_NEED_COMMIT:
        write_need_commit(json, &entry->as.need_commit);
        return;
    case NOTCH_ENTRY_NEED_REVEAL:
        write_need_reveal(json, &entry->as.need_reveal);
        return;
    case NOTCH_ENTRY_ALLOCATION:
        write_allocation(json, &entry->as.allocation);
        return;
    case NOTCH_ENTRY_ALLOCATION_CERT:
        write_allocation_cert(json, &entry->as.allocation_cert);
        return;
    case NOTCH_ENTRY_CHALLENGE_COMMIT:
        write_challenge(json, entry->as.challenge_commit.window, entry->as.challenge_commit.kind,
                        &entry->as.challenge_commit.challenge);
        notch_json_put_hash(json, "commitment", &entry->as.challenge_commit.commitment);
        return;
    case NOTCH_ENTRY_CHALLENGE_REVEAL:
        write_challenge(json, entry->as.challenge_reveal.window, entry->as.challenge_reveal.kind,
                        &entry->as.challenge_reveal.challenge);
        notch_json_put_hash(json, "salt", &entry->as.challenge_reveal.salt);
        notch_json_put_hex(json, "solution", entry->as.challenge_reveal.solution.data,
                           entry->as.challenge_reveal.solution.len);
        return;
    case NOTCH_ENTRY_VALIDATOR:
        write_validator(json, &entry->as.validator);
        return;
    case NOTCH_ENTRY_VOUCH:
        notch_json_put_string(json, "action", entry->as.vouch.action == NOTCH_VOUCH_GIVE ? "give" : "withdraw");
        notch_json_put_key(json, "validator", &entry->as.vouch.key);
        return;
    case NOTCH_ENTRY_AUTHOR:
        write_author(json, &entry->as.author);
        return;
    case NOTCH_ENTRY_GOVERNANCE:
        write_governance(json, &entry->as.governance);
        return;
    case NOTCH_ENTRY_WITNESS:
        notch_json_put_number(json, "batches", entry->as.witness.batch_count);
        return;
    case NOTCH_ENTRY_SEALED:
        write_sealed(json, &entry->as.sealed);
        return;
    }
    notch_unreachable();
}

void notch__write_entry(struct notch_json *json, const struct notch_entry_view *view)
{
    struct notch_entry entry;
    notch_json_put_string(json, "type", notch_entry_name(view->type));
    if (notch_is_valid(notch_entry_decode(&entry, view->type, view->payload))) {
        write_known(json, &entry);
        return;
    }
    /* A type of rules newer than these. */
    notch_json_put_decimal(json, "type_number", view->type);
    notch_json_put_hex(json, "payload", view->payload.data, view->payload.len);
}
