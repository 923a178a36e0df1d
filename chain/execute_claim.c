#include "chain/execution.h"

/* An open claim, as it stands in the queue. */
struct open_claim {
    uint64_t slot;
    uint64_t pauses;
    struct notch_store_key key;
};

void notch_apply_open_claim(struct notch_apply *apply, const struct notch_store_key *key)
{
    struct notch_execution *execution = apply->execution;
    uint8_t raw[2 * NOTCH_UVAR_MAX + 1 + NOTCH_STORE_KEY_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_write_uvar(&writer, apply->slot.raw); /* Raw: encoding */
    notch_write_uvar(&writer, apply->pauses);
    notch_write_blob(&writer, notch_store_key_bytes(key));
    notch_assert(notch_writer_ok(&writer));
    struct notch_store_key place = notch_key_number(NOTCH_FLAT_CLAIM, execution->tip->claim_next++);
    notch_layer_put(execution->layer, notch_store_key_bytes(&place), notch_writer_bytes(&writer));
}

static enum notch_err read_claim(struct notch_execution *execution, struct open_claim *out, uint64_t number)
{
    struct notch_store_key place = notch_key_number(NOTCH_FLAT_CLAIM, number);
    notch_buf_clear(&execution->value);
    enum notch_err err =
        notch_layer_get(execution->layer, execution->view, &execution->value, notch_store_key_bytes(&place));
    if (err != NOTCH_OK) {
        return err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
    }
    struct notch_reader reader = notch_reader(notch_buf_bytes(&execution->value));
    out->slot = notch_read_uvar(&reader);
    out->pauses = notch_read_uvar(&reader);
    struct notch_bytes key = notch_read_blob(&reader, NOTCH_STATE_KEY_MAX);
    if (!notch_reader_done(&reader) || key.len == 0) {
        return NOTCH_ERR_CORRUPT;
    }
    out->key.len = 0;
    notch_key_add(&out->key, key.data, key.len);
    return NOTCH_OK;
}

/* Whether the claim has waited long enough, by what the parents of this block have made final (8 T3). */
static bool is_due(const struct notch_execution *execution, const struct open_claim *claim)
{
    uint64_t paused = execution->tip->pauses - claim->pauses;
    paused = paused > NOTCH_LEDGER_PAUSE_MAX ? NOTCH_LEDGER_PAUSE_MAX : paused;
    /* Raw: a distance in slots. */
    uint64_t final_slot = execution->block->header->finalized.slot.raw;
    return final_slot >= claim->slot && final_slot - claim->slot >= execution->genesis->settle_slots + paused;
}

/* The last of the tie-breaks: nobody could know it when the claims were made (8 T2). */
static void tie_hash(struct notch_hash *out, const struct notch_execution *execution,
                     const struct notch_contender *contender)
{
    uint8_t raw[32 + 32 + 4];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_write_hash(&writer, &execution->block->vrf);
    notch_write_hash(&writer, &contender->by.record);
    notch_write_u32(&writer, contender->by.entry);
    notch_domain_hash(out, execution->domain, NOTCH_TAG_TIE, notch_writer_bytes(&writer));
}

static enum notch_err choose(struct notch_execution *execution, uint32_t *winner, const struct notch_claims *claims)
{
    uint64_t best_reputation = 0;
    struct notch_hash best_tie;
    for (uint32_t i = 0; i < claims->count; i++) {
        uint64_t reputation;
        enum notch_err err = notch__reputation_of(execution, &reputation, &claims->contenders[i].account);
        if (err != NOTCH_OK) {
            return err;
        }
        struct notch_hash tie;
        tie_hash(&tie, execution, &claims->contenders[i]);
        bool is_better = i == 0 || reputation > best_reputation ||
                         (reputation == best_reputation && notch_hash_cmp(&tie, &best_tie) < 0);
        if (is_better) {
            *winner = i;
            best_reputation = reputation;
            best_tie = tie;
        }
    }
    return NOTCH_OK;
}

static enum notch_err settle(struct notch_execution *execution, const struct open_claim *claim)
{
    struct notch_bytes value;
    enum notch_err err = notch__state_get(execution, &value, &claim->key);
    if (err != NOTCH_OK) {
        return err == NOTCH_ERR_NOT_FOUND ? NOTCH_ERR_CORRUPT : err;
    }
    struct notch_claims claims;
    struct notch_reader reader = notch_reader(value);
    notch_claims_read(&reader, &claims);
    if (reader.failed) {
        return NOTCH_ERR_CORRUPT;
    }
    if (claims.is_settled) {
        return NOTCH_OK; /* by a reveal */
    }
    struct notch_bytes rest = notch_read_bytes(&reader, notch_reader_left(&reader));
    uint8_t raw[NOTCH_STATE_VALUE_MAX];
    uint8_t tail[64];
    notch_assert(rest.len <= sizeof tail);
    if (rest.len > 0) {
        memcpy(tail, rest.data, rest.len);
    }
    uint32_t winner = 0;
    err = choose(execution, &winner, &claims);
    if (err != NOTCH_OK) {
        return err;
    }
    notch_claims_settle(&claims, winner);
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_claims_write(&writer, &claims);
    notch_write_bytes(&writer, tail, rest.len);
    notch__state_put(execution, &claim->key, notch_writer_bytes(&writer));
    return NOTCH_OK;
}

enum notch_err notch__execute_settle(struct notch_execution *execution)
{
    struct notch__chain_tip *tip = execution->tip;
    for (uint32_t i = 0; i < NOTCH_LEDGER_SETTLE_MAX && tip->claim_first < tip->claim_next; i++) {
        struct open_claim claim;
        enum notch_err err = read_claim(execution, &claim, tip->claim_first);
        if (err != NOTCH_OK) {
            return err;
        }
        if (!is_due(execution, &claim)) {
            break;
        }
        err = settle(execution, &claim);
        if (err != NOTCH_OK) {
            return err;
        }
        struct notch_store_key place = notch_key_number(NOTCH_FLAT_CLAIM, tip->claim_first++);
        notch_layer_delete(execution->layer, notch_store_key_bytes(&place));
    }
    return NOTCH_OK;
}
