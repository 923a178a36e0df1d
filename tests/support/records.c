#include "tests/support/records.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

static int by_key(const void *a, const void *b)
{
    return notch_key_cmp(&((const struct notch_signer *)a)->key, &((const struct notch_signer *)b)->key);
}

static void make_signers(struct notch_test_chain *chain)
{
    for (uint32_t i = 0; i < NOTCH_TEST_SIGNERS; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "notch test signer %u", i);
        struct notch_hash secret;
        notch_sha256(&secret, notch_bytes(text, (size_t)len));
        memcpy(chain->secrets[i], secret.raw, sizeof secret.raw);
        chain->signers[i].secret = chain->secrets[i];
        bool ok = chain->crypto->key_of_secret(chain->crypto->self, &chain->signers[i].key, chain->secrets[i]);
        notch_assert(ok);
    }
    qsort(chain->signers, NOTCH_TEST_SIGNERS, sizeof chain->signers[0], by_key);
}

void notch_test_chain_init(struct notch_test_chain *chain, enum notch_mode mode, const struct notch_crypto *crypto,
                           uint32_t members)
{
    chain->crypto = crypto;
    make_signers(chain);
    struct notch_genesis *genesis = &chain->genesis;
    notch_genesis_init(genesis, notch_alloc_heap());
    notch_genesis_defaults(genesis, NOTCH_NETWORK_DEV, mode);
    bool named = notch_genesis_set_name(genesis, "test", 4);
    notch_assert(named);
    genesis->time0.raw = NOTCH_TEST_NOW_MS - 1000000;
    genesis->aggregate_min = 5;
    memset(genesis->seed.raw, 0x5e, sizeof genesis->seed.raw);
    for (uint32_t i = 0; i < members; i++) {
        const struct notch_genesis_member member = {.key = chain->signers[i].key,
                                                    .operator_key = chain->signers[NOTCH_TEST_SIGNERS - 1 - i].key,
                                                    .reputation = NOTCH_GENESIS_REPUTATION,
                                                    .services = NOTCH_SERVICE_RELAY};
        enum notch_err err = notch_genesis_add_member(genesis, &member);
        notch_assert(err == NOTCH_OK);
    }
    enum notch_err err = notch_genesis_add_governance(genesis, &chain->signers[0].key);
    notch_assert(err == NOTCH_OK);
    genesis->governance_quorum = 1;
    notch_buf_init(&chain->genesis_bytes, notch_alloc_heap());
    notch_genesis_encode(genesis, &chain->genesis_bytes);
    notch_genesis_hash(&chain->genesis_hash, notch_buf_bytes(&chain->genesis_bytes));
    notch_domain_init(&chain->domain, &chain->genesis_hash);
    chain->rules = notch_genesis_rules(genesis, &chain->domain, crypto);
}

void notch_test_chain_fini(struct notch_test_chain *chain)
{
    notch_buf_fini(&chain->genesis_bytes);
    notch_genesis_fini(&chain->genesis);
}

static struct notch_hash any_hash(struct notch_rng *rng)
{
    struct notch_hash hash;
    notch_rng_fill(rng, hash.raw, sizeof hash.raw);
    return hash;
}

static struct notch_amount any_amount(struct notch_rng *rng)
{
    return (struct notch_amount){(int64_t)notch_rng_below(rng, UINT64_C(1) << notch_rng_below(rng, 50))};
}

static struct notch_period any_period(struct notch_rng *rng)
{
    return (struct notch_period){{NOTCH_TEST_NOW_MS - notch_rng_below(rng, 1u << 30)},
                                 1 + notch_rng_below(rng, 1u << 30)};
}

/* Raw: prices and ratios made up for tests. */
static struct notch_ppm any_ratio(struct notch_rng *rng, int32_t min, int32_t max)
{
    return (struct notch_ppm){min + (int32_t)notch_rng_below(rng, (uint64_t)((int64_t)max - min + 1))};
}

static void fill_insight(struct notch_insight *insight, struct notch_rng *rng, enum notch_mode mode)
{
    insight->market = any_hash(rng);
    insight->period = any_period(rng);
    uint32_t allowed = NOTCH_INSIGHT_ALL;
    allowed &= mode == NOTCH_MODE_PRIVATE ? NOTCH_INSIGHT_ALL : ~NOTCH_INSIGHT_POINT;
    allowed &= mode == NOTCH_MODE_PUBLIC ? ~(NOTCH_INSIGHT_RANGE | NOTCH_INSIGHT_SUCCESS) : NOTCH_INSIGHT_ALL;
    insight->mask = ((uint32_t)notch_rng_u64(rng) & allowed) | NOTCH_INSIGHT_TREND;
    if (mode != NOTCH_MODE_PRIVATE) {
        insight->mask |= NOTCH_INSIGHT_SAMPLES | NOTCH_INSIGHT_AGGREGATED | NOTCH_INSIGHT_NOISE;
    }
    insight->mask |= (insight->mask & NOTCH_INSIGHT_NOISE) != 0 ? NOTCH_INSIGHT_AGGREGATED : 0;
    insight->mask |= (insight->mask & NOTCH_INSIGHT_AGGREGATED) != 0 ? NOTCH_INSIGHT_SAMPLES : 0;
    insight->lo.raw = (int64_t)notch_rng_below(rng, 1u << 30);
    insight->hi.raw = insight->lo.raw + 1 + (int64_t)notch_rng_below(rng, 1u << 30);
    insight->point.raw = insight->lo.raw + (insight->hi.raw - insight->lo.raw) / 2;
    if (mode == NOTCH_MODE_CONSORTIUM) {
        insight->lo = notch_grid_floor(insight->lo);
        insight->hi = notch_grid_ceil(insight->hi);
    }
    insight->trend = any_ratio(rng, -NOTCH_PPM_ONE, NOTCH_RATIO_MAX);
    insight->volatility = any_ratio(rng, 0, NOTCH_RATIO_MAX);
    insight->season_count = 2 + (uint32_t)notch_rng_below(rng, 12);
    for (uint32_t i = 0; i < insight->season_count; i++) {
        insight->seasons[i] = any_ratio(rng, -NOTCH_PPM_ONE, NOTCH_RATIO_MAX);
    }
    insight->confidence = any_ratio(rng, 0, NOTCH_PPM_ONE);
    insight->samples = 5 + notch_rng_below(rng, 1000);
    insight->success = any_ratio(rng, -NOTCH_PPM_ONE, NOTCH_PPM_ONE);
    insight->noise = any_ratio(rng, 1, NOTCH_RATIO_MAX);
}

static void fill_model(struct notch_test_entry *out, struct notch_rng *rng)
{
    struct notch_model *model = &out->entry.as.model;
    model->bytes = 1 + (uint32_t)notch_rng_below(rng, 5000);
    model->layer_count = 2 + (uint32_t)notch_rng_below(rng, 4);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        model->layers[i] = 1 + (uint32_t)notch_rng_below(rng, NOTCH_MODEL_WIDTH_MAX);
    }
    notch_rng_fill(rng, out->store, model->bytes);
    struct notch_bytes network = notch_bytes(out->store, model->bytes);
    notch_model_root(&model->root, network);
    model->follows = notch_rng_below(rng, 2) == 0;
    model->network = model->follows ? network : notch_bytes(NULL, 0);
}

/* Ascending keys: a counter in front of random bytes. */
static struct notch_key nth_key(struct notch_rng *rng, uint32_t n)
{
    struct notch_key key;
    notch_rng_fill(rng, key.raw, sizeof key.raw);
    notch_put_be32(key.raw, n);
    return key;
}

static void fill_recognition(struct notch_test_entry *out, struct notch_rng *rng)
{
    struct notch_writer writer = notch_writer(out->store, sizeof out->store);
    uint32_t count = (uint32_t)notch_rng_below(rng, 20);
    for (uint32_t i = 0; i < count; i++) {
        const struct notch_share share = {nth_key(rng, i), any_ratio(rng, 1, NOTCH_PPM_ONE / 20)};
        notch_share_put(&writer, &share);
    }
    out->entry.as.recognition = (struct notch_recognition){count, notch_writer_bytes(&writer)};
}

static void fill_commitment(struct notch_commitment *commitment, struct notch_amount *amount,
                            struct notch_blinding *blinding, struct notch_rng *rng)
{
    uint8_t entropy[64];
    notch_rng_fill(rng, entropy, sizeof entropy);
    notch_blinding_from_entropy(blinding, entropy);
    *amount = any_amount(rng);
    bool ok = notch_commit_amount(commitment, *amount, blinding);
    notch_assert(ok);
}

static void fill_capacity(struct notch_capacity *capacity, struct notch_rng *rng)
{
    struct notch_blinding blinding;
    struct notch_amount amount;
    capacity->resource = any_hash(rng);
    capacity->period = any_period(rng);
    capacity->kind = (enum notch_capacity_kind)notch_rng_below(rng, 2);
    capacity->committed = notch_rng_below(rng, 2) == 0;
    if (capacity->committed) {
        fill_commitment(&capacity->commitment, &amount, &blinding, rng);
    } else {
        capacity->amount = any_amount(rng);
    }
}

static void fill_need_commit(struct notch_need_commit *need, struct notch_rng *rng)
{
    struct notch_blinding blinding;
    struct notch_amount amount;
    need->resource = any_hash(rng);
    need->period = any_period(rng);
    fill_commitment(&need->commitment, &amount, &blinding, rng);
}

static void fill_need_reveal(struct notch_need_reveal *need, struct notch_rng *rng)
{
    struct notch_commitment commitment;
    need->resource = any_hash(rng);
    need->period = any_period(rng);
    fill_commitment(&commitment, &need->amount, &need->blinding, rng);
}

static void sign(struct notch_sig *sig, const struct notch_test_chain *chain, uint32_t signer,
                 const struct notch_hash *message)
{
    bool ok = notch_sign(chain->crypto, sig, &chain->signers[signer], message);
    notch_assert(ok);
}

static void fill_allocation(struct notch_allocation *allocation, struct notch_rng *rng,
                            const struct notch_test_chain *chain, uint32_t author)
{
    uint32_t other = (author + 1) % NOTCH_TEST_SIGNERS;
    allocation->provider = chain->signers[author].key;
    allocation->recipient = chain->signers[other].key;
    allocation->sequence = notch_rng_below(rng, 1000);
    allocation->resource = any_hash(rng);
    allocation->period = any_period(rng);
    allocation->amount = any_amount(rng);
    struct notch_hash sighash;
    notch_allocation_sighash(&sighash, &chain->domain, allocation);
    sign(&allocation->provider_sig, chain, author, &sighash);
    sign(&allocation->recipient_sig, chain, other, &sighash);
}

static void fill_cert(struct notch_test_entry *out, struct notch_rng *rng, const struct notch_test_chain *chain,
                      uint32_t author)
{
    struct notch_allocation_cert *cert = &out->entry.as.allocation_cert;
    struct notch_writer writer = notch_writer(out->store, sizeof out->store);
    cert->provider = chain->signers[author].key;
    cert->resource = any_hash(rng);
    cert->period = any_period(rng);
    cert->deduction = any_amount(rng);
    cert->capacity = cert->deduction;
    cert->lambda = notch_rng_u64(rng);
    cert->count = (uint32_t)notch_rng_below(rng, 20);
    for (uint32_t i = 0; i < cert->count; i++) {
        const struct notch_cert_row row = {nth_key(rng, i), any_amount(rng)};
        notch_cert_row_put(&writer, &row);
        cert->capacity.raw += row.amount.raw;
    }
    cert->rows = notch_writer_bytes(&writer);
}

static void fill_challenge_reveal(struct notch_test_entry *out, struct notch_rng *rng)
{
    struct notch_challenge_reveal *reveal = &out->entry.as.challenge_reveal;
    size_t len = 1 + notch_rng_below(rng, 2000);
    notch_rng_fill(rng, out->store, len);
    reveal->window = notch_rng_below(rng, 100000);
    reveal->kind = (enum notch_challenge_kind)notch_rng_below(rng, 4);
    reveal->challenge = any_hash(rng);
    reveal->salt = any_hash(rng);
    reveal->solution = notch_bytes(out->store, len);
}

static void fill_validator(struct notch_validator_entry *validator, struct notch_rng *rng,
                           const struct notch_test_chain *chain, uint32_t author)
{
    uint32_t newcomer = (author + 1) % NOTCH_TEST_SIGNERS;
    validator->action = (enum notch_validator_action)notch_rng_below(rng, 3);
    validator->key = chain->signers[newcomer].key;
    if (validator->action != NOTCH_VALIDATOR_LEAVE) {
        validator->services = (uint32_t)notch_rng_below(rng, NOTCH_SERVICE_ALL + 1);
    }
    if (validator->action == NOTCH_VALIDATOR_JOIN) {
        struct notch_hash sighash;
        notch_validator_sighash(&sighash, &chain->domain, &chain->signers[author].key, &validator->key);
        sign(&validator->possession, chain, newcomer, &sighash);
    }
}

static void fill_author(struct notch_author_entry *entry, struct notch_rng *rng, const struct notch_test_chain *chain,
                        uint32_t author)
{
    uint32_t next = (author + 1) % NOTCH_TEST_SIGNERS;
    entry->action = (enum notch_author_action)notch_rng_below(rng, 2);
    entry->account = chain->signers[author].key;
    if (entry->action == NOTCH_AUTHOR_ROTATE) {
        entry->new_key = chain->signers[next].key;
        struct notch_hash sighash;
        notch_author_sighash(&sighash, &chain->domain, &entry->account, &entry->new_key);
        sign(&entry->possession, chain, next, &sighash);
    }
}

static struct notch_genesis_member any_member(struct notch_rng *rng, uint32_t n)
{
    return (struct notch_genesis_member){nth_key(rng, n), nth_key(rng, n), 1000 + notch_rng_below(rng, 1000000),
                                         (uint32_t)notch_rng_below(rng, NOTCH_SERVICE_ALL + 1)};
}

static void fill_governance(struct notch_test_entry *out, struct notch_rng *rng, const struct notch_test_chain *chain,
                            uint32_t author)
{
    struct notch_governance *governance = &out->entry.as.governance;
    struct notch_writer writer = notch_writer(out->store, sizeof out->store / 2);
    governance->sequence = notch_rng_below(rng, 100);
    governance->action = (enum notch_governance_action)notch_rng_below(rng, 5);
    governance->member = any_member(rng, 0);
    governance->caps = chain->genesis.caps;
    governance->rules = 1 + (uint32_t)notch_rng_below(rng, 5);
    governance->slot.raw = notch_rng_below(rng, 1u << 20);
    governance->recover_set = notch_rng_below(rng, 1u << 20);
    governance->block = any_hash(rng);
    governance->member_count = 1 + (uint32_t)notch_rng_below(rng, 10);
    for (uint32_t i = 0; i < governance->member_count; i++) {
        const struct notch_genesis_member member = any_member(rng, i);
        notch_member_put(&writer, &member);
    }
    governance->members = notch_writer_bytes(&writer);
    governance->by = (enum notch_governance_by)notch_rng_below(rng, 2);
    governance->set_id = governance->by == NOTCH_GOVERNANCE_BY_VALIDATORS ? notch_rng_below(rng, 1000) : 0;
    struct notch_hash sighash;
    notch_governance_sighash(&sighash, &chain->domain, governance);
    struct notch_signer_entry signer = {.index = 0};
    sign(&signer.sig, chain, author, &sighash);
    writer = notch_writer(out->store + sizeof out->store / 2, sizeof out->store / 2);
    notch_signer_put(&writer, &signer);
    governance->signer_count = 1;
    governance->signers = notch_writer_bytes(&writer);
}

static void fill_witness(struct notch_test_entry *out, struct notch_rng *rng)
{
    struct notch_witness *witness = &out->entry.as.witness;
    notch_rng_fill(rng, out->store, 4000);
    witness->header = notch_bytes(out->store, 1 + notch_rng_below(rng, 600));
    witness->batch_count = 1 + (uint32_t)notch_rng_below(rng, 8);
    witness->batches = notch_bytes(out->store + 1000, (size_t)witness->batch_count * 32);
    witness->votes = notch_bytes(out->store + 2000, 1 + notch_rng_below(rng, 1000));
    witness->headers = notch_bytes(out->store + 3000, notch_rng_below(rng, 600));
}

static void fill_sealed(struct notch_test_entry *out, struct notch_rng *rng)
{
    struct notch_sealed *sealed = &out->entry.as.sealed;
    size_t len = NOTCH_SEALED_BYTES_MIN + notch_rng_below(rng, 1000);
    notch_rng_fill(rng, out->store, len);
    sealed->audience = any_hash(rng);
    sealed->key_period = notch_rng_below(rng, 1000);
    notch_rng_fill(rng, sealed->nonce, sizeof sealed->nonce);
    sealed->ciphertext = notch_bytes(out->store, len);
}

void notch_test_entry(struct notch_test_entry *out, struct notch_rng *rng, const struct notch_test_chain *chain,
                      enum notch_entry_type type, uint32_t author)
{
    memset(&out->entry, 0, sizeof out->entry);
    out->entry.type = type;
    switch (type) {
    case NOTCH_ENTRY_INSIGHT:
        fill_insight(&out->entry.as.insight, rng, chain->genesis.mode);
        break;
    case NOTCH_ENTRY_MODEL:
        fill_model(out, rng);
        break;
    case NOTCH_ENTRY_RECOGNITION:
        fill_recognition(out, rng);
        break;
    case NOTCH_ENTRY_CAPACITY:
        fill_capacity(&out->entry.as.capacity, rng);
        break;
    case NOTCH_ENTRY_NEED_COMMIT:
        fill_need_commit(&out->entry.as.need_commit, rng);
        break;
    case NOTCH_ENTRY_NEED_REVEAL:
        fill_need_reveal(&out->entry.as.need_reveal, rng);
        break;
    case NOTCH_ENTRY_ALLOCATION:
        fill_allocation(&out->entry.as.allocation, rng, chain, author);
        break;
    case NOTCH_ENTRY_ALLOCATION_CERT:
        fill_cert(out, rng, chain, author);
        break;
    case NOTCH_ENTRY_CHALLENGE_COMMIT:
        out->entry.as.challenge_commit = (struct notch_challenge_commit){
            notch_rng_below(rng, 100000), NOTCH_CHALLENGE_FORECAST, any_hash(rng), any_hash(rng)};
        break;
    case NOTCH_ENTRY_CHALLENGE_REVEAL:
        fill_challenge_reveal(out, rng);
        break;
    case NOTCH_ENTRY_VALIDATOR:
        fill_validator(&out->entry.as.validator, rng, chain, author);
        break;
    case NOTCH_ENTRY_VOUCH:
        out->entry.as.vouch = (struct notch_vouch){(enum notch_vouch_action)notch_rng_below(rng, 2), nth_key(rng, 1)};
        break;
    case NOTCH_ENTRY_AUTHOR:
        fill_author(&out->entry.as.author, rng, chain, author);
        break;
    case NOTCH_ENTRY_GOVERNANCE:
        fill_governance(out, rng, chain, author);
        break;
    case NOTCH_ENTRY_WITNESS:
        fill_witness(out, rng);
        break;
    case NOTCH_ENTRY_SEALED:
        fill_sealed(out, rng);
        break;
    }
}

void notch_test_record_of(struct notch_buf *out, struct notch_rng *rng, const struct notch_test_chain *chain,
                          uint32_t author, struct notch_bytes entries)
{
    struct notch_record_draft draft = {.author = chain->signers[author].key,
                                       .ts = {NOTCH_TEST_NOW_MS + notch_rng_below(rng, 1000)},
                                       .ref = chain->genesis_hash,
                                       .entries = entries};
    notch_rng_fill(rng, draft.salt.raw, sizeof draft.salt.raw);
    enum notch_err err = notch_record_build(out, &draft, &chain->signers[author], &chain->domain, chain->crypto);
    notch_assert(err == NOTCH_OK);
}

void notch_test_record(struct notch_buf *out, struct notch_rng *rng, const struct notch_test_chain *chain,
                       uint32_t author, uint32_t count)
{
    struct notch_buf entries;
    notch_buf_init(&entries, notch_alloc_heap());
    for (uint32_t i = 0; i < count; i++) {
        struct notch_test_entry entry;
        notch_test_entry(&entry, rng, chain, NOTCH_ENTRY_INSIGHT, author);
        notch_entry_append(&entries, &entry.entry);
    }
    notch_test_record_of(out, rng, chain, author, notch_buf_bytes(&entries));
    notch_buf_fini(&entries);
}
