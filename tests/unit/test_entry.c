#include "chain/entry.h"

#include "tests/support/records.h"
#include "tests/support/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

static struct notch_test_chain chains[NOTCH_MODE_COUNT];

static int set_up(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < NOTCH_MODE_COUNT; mode++) {
        notch_test_chain_init(&chains[mode], (enum notch_mode)mode, notch_crypto_secp(), 1);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t mode = 0; mode < NOTCH_MODE_COUNT; mode++) {
        notch_test_chain_fini(&chains[mode]);
    }
    return 0;
}

static struct notch_form form_of(const struct notch_test_chain *chain)
{
    return (struct notch_form){&chain->rules, chain->signers[0].key, {NOTCH_TEST_NOW_MS}};
}

/* The payload of one entry, as a copy of exactly its size: the sanitizers see a read beyond it. */
static struct notch_bytes payload_of(const struct notch_entry *entry)
{
    struct notch_buf list;
    notch_buf_init(&list, notch_alloc_heap());
    notch_entry_append(&list, entry);
    struct notch_reader reader = notch_reader(notch_buf_bytes(&list));
    struct notch_entry_view view;
    assert_true(notch_record_next_entry(&reader, &view));
    assert_true(notch_reader_done(&reader));
    assert_int_equal(view.type, entry->type);
    uint8_t *copy = malloc(view.payload.len > 0 ? view.payload.len : 1);
    assert_non_null(copy);
    if (view.payload.len > 0) {
        memcpy(copy, view.payload.data, view.payload.len);
    }
    struct notch_bytes payload = notch_bytes(copy, view.payload.len);
    notch_buf_fini(&list);
    return payload;
}

/* The copy is this file's own, whatever the view says of it. */
static uint8_t *owned(struct notch_bytes payload)
{
    uint8_t *data;
    memcpy(&data, &payload.data, sizeof data);
    return data;
}

static void release(struct notch_bytes payload)
{
    free(owned(payload));
}

static struct notch_reject decode_and_check(const struct notch_test_chain *chain, struct notch_entry *out,
                                            uint64_t type, struct notch_bytes payload)
{
    struct notch_reject reject = notch_entry_decode(out, type, payload);
    const struct notch_form form = form_of(chain);
    return notch_is_valid(reject) ? notch_entry_check(out, &form) : reject;
}

/* Encodes, decodes, checks, encodes again; and refuses every cut and one byte more. */
static void check_round_trip(const struct notch_test_chain *chain, const struct notch_entry *entry)
{
    struct notch_bytes payload = payload_of(entry);
    struct notch_entry back;
    struct notch_reject reject = decode_and_check(chain, &back, entry->type, payload);
    if (!notch_is_valid(reject)) {
        fail_msg("%s: %s", notch_entry_name(entry->type), reject.reason);
    }
    struct notch_bytes again = payload_of(&back);
    assert_true(notch_bytes_eq(payload, again));
    release(again);
    for (size_t cut = 0; cut < payload.len; cut += 1 + payload.len / 64) {
        struct notch_entry ignored;
        reject = notch_entry_decode(&ignored, entry->type, notch_bytes(payload.data, cut));
        assert_int_equal(reject.code, NOTCH_REJECT_MALFORMED);
    }
    uint8_t *longer = malloc(payload.len + 1);
    assert_non_null(longer);
    memcpy(longer, payload.data, payload.len);
    longer[payload.len] = 0;
    reject = notch_entry_decode(&back, entry->type, notch_bytes(longer, payload.len + 1));
    assert_int_equal(reject.code, NOTCH_REJECT_MALFORMED);
    free(longer);
    release(payload);
}

static void test_round_trips(void **state)
{
    (void)state;
    struct notch_rng rng;
    notch_rng_init(&rng, 16);
    for (size_t mode = 0; mode < NOTCH_MODE_COUNT; mode++) {
        for (unsigned type = 1; type <= NOTCH_ENTRY_TYPE_MAX; type++) {
            if (mode == NOTCH_MODE_PUBLIC && type == NOTCH_ENTRY_MODEL) {
                continue;
            }
            for (unsigned run = 0; run < 20; run++) {
                struct notch_test_entry sample;
                notch_test_entry(&sample, &rng, &chains[mode], (enum notch_entry_type)type, 0);
                check_round_trip(&chains[mode], &sample.entry);
            }
        }
    }
}

/* Any payload that is accepted is the encoding of what it decodes to: here, valid ones with one byte changed. */
static void test_altered_payloads(void **state)
{
    (void)state;
    struct notch_rng rng;
    notch_rng_init(&rng, 17);
    for (unsigned type = 1; type <= NOTCH_ENTRY_TYPE_MAX; type++) {
        for (unsigned run = 0; run < 200; run++) {
            struct notch_test_entry sample;
            notch_test_entry(&sample, &rng, &chains[NOTCH_MODE_PRIVATE], (enum notch_entry_type)type, 0);
            struct notch_bytes payload = payload_of(&sample.entry);
            uint8_t *bytes = owned(payload);
            bytes[notch_rng_below(&rng, payload.len)] ^= (uint8_t)(1 + notch_rng_below(&rng, 255));
            struct notch_entry back;
            if (notch_is_valid(notch_entry_decode(&back, type, payload))) {
                struct notch_bytes again = payload_of(&back);
                assert_true(notch_bytes_eq(payload, again));
                release(again);
            }
            release(payload);
        }
    }
}

static void test_table(void **state)
{
    (void)state;
    static const uint64_t unknown[] = {0, NOTCH_ENTRY_TYPE_MAX + 1, 1u << 20, UINT64_MAX};
    for (unsigned type = 1; type <= NOTCH_ENTRY_TYPE_MAX; type++) {
        const struct notch_entry_row *row = notch_entry_row(type);
        assert_non_null(row);
        assert_int_equal(row->type, type);
        enum notch_entry_type back;
        assert_true(notch_entry_parse_name(&back, row->name, strlen(row->name)));
        assert_int_equal(back, type);
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(unknown); i++) {
        struct notch_entry entry;
        assert_null(notch_entry_row(unknown[i]));
        assert_string_equal(notch_entry_name(unknown[i]), "unknown");
        assert_int_equal(notch_entry_decode(&entry, unknown[i], notch_bytes("", 0)).code, NOTCH_REJECT_UNKNOWN_TYPE);
    }
    enum notch_entry_type type;
    assert_false(notch_entry_parse_name(&type, "insights", 8));
}

static struct notch_insight full_insight(void)
{
    struct notch_insight insight = {.period = {{NOTCH_TEST_NOW_MS - 604800000}, 604800000},
                                    .mask = NOTCH_INSIGHT_ALL & ~(NOTCH_INSIGHT_NOISE | NOTCH_INSIGHT_AGGREGATED),
                                    .point = {1340000},
                                    .lo = {1200000},
                                    .hi = {1500000},
                                    .trend = {-23000},
                                    .volatility = {87000},
                                    .season_count = 12,
                                    .confidence = {830000},
                                    .samples = 112,
                                    .success = {410000}};
    memset(insight.market.raw, 0xaa, sizeof insight.market.raw);
    for (uint32_t i = 0; i < insight.season_count; i++) {
        insight.seasons[i].raw = (int32_t)(20000 * i) - 110000;
    }
    return insight;
}

static struct notch_reject check_insight(enum notch_mode mode, const struct notch_insight *insight)
{
    struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT, .as.insight = *insight};
    struct notch_bytes payload = payload_of(&entry);
    struct notch_entry back;
    struct notch_reject reject = decode_and_check(&chains[mode], &back, NOTCH_ENTRY_INSIGHT, payload);
    release(payload);
    return reject;
}

static void test_insight_size(void **state)
{
    (void)state;
    struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT, .as.insight = full_insight()};
    struct notch_bytes payload = payload_of(&entry);
    assert_in_range(payload.len, 90, 115);
    release(payload);
    entry.as.insight.mask = NOTCH_INSIGHT_POINT | NOTCH_INSIGHT_TREND | NOTCH_INSIGHT_CONFIDENCE;
    payload = payload_of(&entry);
    assert_in_range(payload.len, 50, 60);
    release(payload);
}

/* What an insight may hold in each mode, one field at a time. */
static void test_insight_modes(void **state)
{
    (void)state;
    enum { NO, PLAIN, AGGREGATED, NOISED };
    static const struct {
        uint32_t bit;
        int needs[NOTCH_MODE_COUNT];
    } rows[] = {
        {NOTCH_INSIGHT_POINT, {PLAIN, NO, NO}},
        {NOTCH_INSIGHT_RANGE, {PLAIN, PLAIN, NO}},
        {NOTCH_INSIGHT_SUCCESS, {PLAIN, AGGREGATED, NO}},
        {NOTCH_INSIGHT_TREND, {PLAIN, PLAIN, NOISED}},
        {NOTCH_INSIGHT_VOLATILITY, {PLAIN, PLAIN, NOISED}},
        {NOTCH_INSIGHT_SEASONALITY, {PLAIN, PLAIN, NOISED}},
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(rows); i++) {
        for (int mode = 0; mode < NOTCH_MODE_COUNT; mode++) {
            struct notch_insight insight = full_insight();
            int needs = rows[i].needs[mode];
            insight.noise.raw = 1000;
            insight.mask = rows[i].bit;
            assert_int_equal(notch_is_valid(check_insight((enum notch_mode)mode, &insight)), needs == PLAIN);
            insight.mask |= NOTCH_INSIGHT_SAMPLES | NOTCH_INSIGHT_AGGREGATED;
            insight.samples = 5;
            assert_int_equal(notch_is_valid(check_insight((enum notch_mode)mode, &insight)),
                             needs == PLAIN || needs == AGGREGATED);
            insight.mask |= NOTCH_INSIGHT_NOISE;
            assert_int_equal(notch_is_valid(check_insight((enum notch_mode)mode, &insight)), needs != NO);
            /* One sample short of the chain's minimum: not aggregated. */
            insight.samples = 4;
            struct notch_reject reject = check_insight((enum notch_mode)mode, &insight);
            assert_int_equal(reject.code, needs == PLAIN ? NOTCH_REJECT_NONE : NOTCH_REJECT_MODE);
        }
    }
}

/* In a consortium a range may not show its middle. */
static void test_insight_bins(void **state)
{
    (void)state;
    struct notch_insight insight = full_insight();
    insight.mask = NOTCH_INSIGHT_RANGE;
    assert_true(notch_is_valid(check_insight(NOTCH_MODE_CONSORTIUM, &insight)));
    insight.lo.raw = 1234567;
    assert_int_equal(check_insight(NOTCH_MODE_CONSORTIUM, &insight).code, NOTCH_REJECT_MODE);
    assert_true(notch_is_valid(check_insight(NOTCH_MODE_PRIVATE, &insight)));
    insight.lo.raw = insight.hi.raw;
    assert_int_equal(check_insight(NOTCH_MODE_CONSORTIUM, &insight).code, NOTCH_REJECT_MODE);
    assert_true(notch_is_valid(check_insight(NOTCH_MODE_PRIVATE, &insight)));
}

#define INSIGHT_REFUSED(statement, reject_code, word) \
    do { \
        struct notch_insight insight = full_insight(); \
        statement; \
        struct notch_reject reject = check_insight(NOTCH_MODE_PRIVATE, &insight); \
        assert_int_equal(reject.code, NOTCH_REJECT_##reject_code); \
        assert_non_null(strstr(reject.reason, word)); \
    } while (0)

static void test_insight_bounds(void **state)
{
    (void)state;
    INSIGHT_REFUSED(insight.mask = NOTCH_INSIGHT_CONFIDENCE | NOTCH_INSIGHT_SAMPLES, EMPTY, "nothing");
    INSIGHT_REFUSED(insight.period.start.raw = NOTCH_TEST_NOW_MS + 1, FUTURE, "period");
    INSIGHT_REFUSED(insight.point.raw = 1500001, BOUNDS, "point");
    INSIGHT_REFUSED(insight.point.raw = 1199999, BOUNDS, "point");
    INSIGHT_REFUSED(insight.trend.raw = -1000001, BOUNDS, "trend");
    INSIGHT_REFUSED(insight.trend.raw = 10000001, BOUNDS, "trend");
    INSIGHT_REFUSED(insight.volatility.raw = 10000001, BOUNDS, "volatility");
    INSIGHT_REFUSED(insight.season_count = 1, BOUNDS, "seasonality");
    INSIGHT_REFUSED(insight.seasons[3].raw = -1000001, BOUNDS, "seasonality");
    INSIGHT_REFUSED(insight.confidence.raw = 1000001, BOUNDS, "confidence");
    INSIGHT_REFUSED(insight.samples = 0, BOUNDS, "samples");
    INSIGHT_REFUSED(insight.samples = NOTCH_INSIGHT_SAMPLES_MAX + 1, BOUNDS, "samples");
    INSIGHT_REFUSED(insight.success.raw = 1000001, BOUNDS, "success");
    INSIGHT_REFUSED(insight.mask |= NOTCH_INSIGHT_AGGREGATED | NOTCH_INSIGHT_NOISE, BOUNDS, "noise");
    INSIGHT_REFUSED(insight.mask |= NOTCH_INSIGHT_NOISE; insight.noise.raw = 5, BOUNDS, "noise");
    INSIGHT_REFUSED(insight.mask = NOTCH_INSIGHT_TREND | NOTCH_INSIGHT_AGGREGATED, BOUNDS, "aggregated");
    INSIGHT_REFUSED(insight.period.length_ms = 0, MALFORMED, "insight");
    INSIGHT_REFUSED(insight.period.length_ms = NOTCH_PERIOD_MS_MAX + 1, MALFORMED, "insight");
    INSIGHT_REFUSED(insight.period.start.raw = NOTCH_TIME_MAX, MALFORMED, "insight");
}

static void test_market_ids(void **state)
{
    (void)state;
    const struct notch_domain *domain = &chains[0].domain;
    struct notch_market_name name = {notch_bytes("avocado", 7), notch_bytes("Boston", 6), notch_bytes("USD", 3),
                                     notch_bytes("each", 4), notch_bytes("1", 1)};
    struct notch_bytes none = notch_bytes(NULL, 0);
    struct notch_hash plain;
    struct notch_hash other;
    assert_int_equal(notch_market_id(&plain, domain, &name, none), NOTCH_OK);
    assert_int_equal(notch_resource_id(&other, domain, &name, none), NOTCH_OK);
    assert_false(notch_hash_eq(&plain, &other));
    assert_int_equal(notch_market_id(&other, domain, &name, notch_bytes("secret", 6)), NOTCH_OK);
    assert_false(notch_hash_eq(&plain, &other));
    assert_int_equal(notch_market_id(&other, &chains[1].domain, &name, none), NOTCH_OK);
    assert_false(notch_hash_eq(&plain, &other));
    /* The bytes, said again: uvar length of the secret, the secret, the parts. */
    static const char message[] = "\x06secretavocado|Boston|USD|each|1";
    struct notch_hash expected;
    notch_domain_hash(&expected, domain, NOTCH_TAG_MARKET, notch_bytes(message, sizeof message - 1));
    assert_int_equal(notch_market_id(&other, domain, &name, notch_bytes("secret", 6)), NOTCH_OK);
    assert_true(notch_hash_eq(&other, &expected));
    name.region = notch_bytes("Bos|ton", 7);
    assert_int_equal(notch_market_id(&other, domain, &name, none), NOTCH_ERR_INVALID);
    name.region = notch_bytes("Bos\nton", 7);
    assert_int_equal(notch_market_id(&other, domain, &name, none), NOTCH_ERR_INVALID);
    char text[256];
    memset(text, 'x', sizeof text);
    name.region = notch_bytes(text, sizeof text);
    assert_int_equal(notch_market_id(&other, domain, &name, none), NOTCH_ERR_RANGE);
    name.region = none;
    assert_int_equal(notch_market_id(&other, domain, &name, none), NOTCH_OK);
    name.product = none;
    assert_int_equal(notch_market_id(&other, domain, &name, none), NOTCH_ERR_INVALID);
}

static struct notch_blinding blinding_of(const char *text)
{
    uint8_t entropy[64];
    crypto_hash_sha512(entropy, (const uint8_t *)text, strlen(text));
    struct notch_blinding blinding;
    notch_blinding_from_entropy(&blinding, entropy);
    return blinding;
}

/* The commitment to 0 with blinding 1 is H itself: what the header says H is. */
static void test_generator(void **state)
{
    (void)state;
    static const char words[] = "notch/pedersen/H/ristretto255";
    uint8_t wide[64];
    uint8_t expected[32];
    crypto_hash_sha512(wide, (const uint8_t *)words, sizeof words - 1);
    assert_int_equal(crypto_core_ristretto255_from_hash(expected, wide), 0);
    struct notch_blinding one = {{1}};
    struct notch_commitment commitment;
    assert_true(notch_commit_amount(&commitment, (struct notch_amount){0}, &one));
    assert_memory_equal(commitment.raw, expected, 32);
}

static void test_commitments(void **state)
{
    (void)state;
    static const int64_t amounts[] = {0, 1, 255, 1000000, INT64_MAX - 1, INT64_MAX};
    struct notch_blinding blinding = blinding_of("a");
    struct notch_blinding other = blinding_of("b");
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(amounts); i++) {
        struct notch_amount amount = {amounts[i]};
        struct notch_commitment commitment;
        assert_true(notch_commit_amount(&commitment, amount, &blinding));
        assert_true(notch_commitment_is_valid(&commitment));
        assert_true(notch_commitment_opens(&commitment, amount, &blinding));
        assert_false(notch_commitment_opens(&commitment, amount, &other));
        amount.raw ^= 1;
        assert_false(notch_commitment_opens(&commitment, amount, &blinding));
    }
    struct notch_commitment commitment;
    assert_false(notch_commit_amount(&commitment, (struct notch_amount){-1}, &blinding));
    struct notch_blinding zero = {{0}};
    assert_false(notch_commit_amount(&commitment, (struct notch_amount){1}, &zero));
    struct notch_blinding large;
    memset(large.raw, 0xff, sizeof large.raw);
    assert_false(notch_blinding_is_valid(&large));
    assert_false(notch_commit_amount(&commitment, (struct notch_amount){1}, &large));
}

/* Commitments add up as their amounts and blindings do: what makes a proof about sums possible later. */
static void test_commitments_add(void **state)
{
    (void)state;
    struct notch_blinding a = blinding_of("a");
    struct notch_blinding b = blinding_of("b");
    struct notch_blinding both;
    crypto_core_ristretto255_scalar_add(both.raw, a.raw, b.raw);
    struct notch_commitment ca;
    struct notch_commitment cb;
    struct notch_commitment sum;
    assert_true(notch_commit_amount(&ca, (struct notch_amount){700}, &a));
    assert_true(notch_commit_amount(&cb, (struct notch_amount){42}, &b));
    assert_int_equal(crypto_core_ristretto255_add(sum.raw, ca.raw, cb.raw), 0);
    assert_true(notch_commitment_opens(&sum, (struct notch_amount){742}, &both));
}

/* A sample of this type, changed by `alter`, must be refused with this code by the private chain. */
static void refuse(enum notch_entry_type type, void (*alter)(struct notch_entry *entry), enum notch_reject_code code)
{
    struct notch_rng rng;
    notch_rng_init(&rng, 99);
    for (unsigned run = 0; run < 10; run++) {
        struct notch_test_entry sample;
        notch_test_entry(&sample, &rng, &chains[0], type, 0);
        alter(&sample.entry);
        struct notch_bytes payload = payload_of(&sample.entry);
        struct notch_entry back;
        struct notch_reject reject = decode_and_check(&chains[0], &back, type, payload);
        if (reject.code != code) {
            fail_msg("%s: %s, not %s", notch_entry_name(type), notch_reject_name(reject.code), notch_reject_name(code));
        }
        release(payload);
    }
}

static void allocation_other_amount(struct notch_entry *entry)
{
    entry->as.allocation.amount.raw ^= 1;
}

static void allocation_swap_signatures(struct notch_entry *entry)
{
    struct notch_sig sig = entry->as.allocation.provider_sig;
    entry->as.allocation.provider_sig = entry->as.allocation.recipient_sig;
    entry->as.allocation.recipient_sig = sig;
}

static void allocation_other_recipient(struct notch_entry *entry)
{
    entry->as.allocation.recipient_sig.raw[40] ^= 1;
}

static void cert_over_capacity(struct notch_entry *entry)
{
    entry->as.allocation_cert.capacity.raw = 0;
    entry->as.allocation_cert.deduction.raw = 1;
}

static void commit_no_point(struct notch_entry *entry)
{
    memset(entry->as.need_commit.commitment.raw, 0xff, 32);
}

static void reveal_no_scalar(struct notch_entry *entry)
{
    memset(entry->as.need_reveal.blinding.raw, 0xff, 32);
}

static void model_other_root(struct notch_entry *entry)
{
    static const uint8_t network[] = "weights";
    entry->as.model.follows = true;
    entry->as.model.bytes = sizeof network;
    entry->as.model.network = notch_bytes(network, sizeof network);
}

static void model_one_layer(struct notch_entry *entry)
{
    entry->as.model.layer_count = 1;
}

static void model_no_width(struct notch_entry *entry)
{
    entry->as.model.layers[1] = 0;
}

static void reveal_nothing(struct notch_entry *entry)
{
    entry->as.challenge_reveal.solution.len = 0;
}

static void validator_stolen_key(struct notch_entry *entry)
{
    entry->as.validator.action = NOTCH_VALIDATOR_JOIN;
    entry->as.validator.key = chains[0].signers[3].key;
}

static void validator_services(struct notch_entry *entry)
{
    entry->as.validator.action = NOTCH_VALIDATOR_SERVICES;
    entry->as.validator.services = 8;
}

static void vouch_for_oneself(struct notch_entry *entry)
{
    entry->as.vouch.key = chains[0].signers[0].key;
}

static void author_stolen_key(struct notch_entry *entry)
{
    entry->as.author.action = NOTCH_AUTHOR_ROTATE;
    entry->as.author.new_key = chains[0].signers[3].key;
}

static void author_same_key(struct notch_entry *entry)
{
    entry->as.author.action = NOTCH_AUTHOR_ROTATE;
    entry->as.author.new_key = entry->as.author.account;
}

static void governance_unsigned(struct notch_entry *entry)
{
    entry->as.governance.signer_count = 0;
    entry->as.governance.signers.len = 0;
}

static void governance_bad_caps(struct notch_entry *entry)
{
    entry->as.governance.action = NOTCH_GOVERNANCE_CAPS;
    entry->as.governance.caps.record_bytes = 0;
}

static void governance_rules_zero(struct notch_entry *entry)
{
    entry->as.governance.action = NOTCH_GOVERNANCE_RULES;
    entry->as.governance.rules = 0;
}

static void governance_weightless_member(struct notch_entry *entry)
{
    entry->as.governance.action = NOTCH_GOVERNANCE_ADD_MEMBER;
    entry->as.governance.member.reputation = 999;
}

static void witness_of_nothing(struct notch_entry *entry)
{
    entry->as.witness.batch_count = 0;
    entry->as.witness.batches.len = 0;
}

static void sealed_too_short(struct notch_entry *entry)
{
    entry->as.sealed.ciphertext.len = NOTCH_SEALED_BYTES_MIN - 1;
}

static void test_forms(void **state)
{
    (void)state;
    refuse(NOTCH_ENTRY_ALLOCATION, allocation_other_amount, NOTCH_REJECT_SIGNATURE);
    refuse(NOTCH_ENTRY_ALLOCATION, allocation_swap_signatures, NOTCH_REJECT_SIGNATURE);
    refuse(NOTCH_ENTRY_ALLOCATION, allocation_other_recipient, NOTCH_REJECT_SIGNATURE);
    refuse(NOTCH_ENTRY_ALLOCATION_CERT, cert_over_capacity, NOTCH_REJECT_CAPACITY);
    refuse(NOTCH_ENTRY_NEED_COMMIT, commit_no_point, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_NEED_REVEAL, reveal_no_scalar, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_MODEL, model_other_root, NOTCH_REJECT_ROOT);
    refuse(NOTCH_ENTRY_MODEL, model_one_layer, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_MODEL, model_no_width, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_CHALLENGE_REVEAL, reveal_nothing, NOTCH_REJECT_EMPTY);
    refuse(NOTCH_ENTRY_VALIDATOR, validator_stolen_key, NOTCH_REJECT_SIGNATURE);
    refuse(NOTCH_ENTRY_VALIDATOR, validator_services, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_VOUCH, vouch_for_oneself, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_AUTHOR, author_stolen_key, NOTCH_REJECT_SIGNATURE);
    refuse(NOTCH_ENTRY_AUTHOR, author_same_key, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_GOVERNANCE, governance_unsigned, NOTCH_REJECT_EMPTY);
    refuse(NOTCH_ENTRY_GOVERNANCE, governance_bad_caps, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_GOVERNANCE, governance_rules_zero, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_GOVERNANCE, governance_weightless_member, NOTCH_REJECT_BOUNDS);
    refuse(NOTCH_ENTRY_WITNESS, witness_of_nothing, NOTCH_REJECT_EMPTY);
    refuse(NOTCH_ENTRY_SEALED, sealed_too_short, NOTCH_REJECT_BOUNDS);
}

static void test_models_in_public(void **state)
{
    (void)state;
    struct notch_rng rng;
    notch_rng_init(&rng, 5);
    struct notch_test_entry sample;
    notch_test_entry(&sample, &rng, &chains[NOTCH_MODE_PRIVATE], NOTCH_ENTRY_MODEL, 0);
    struct notch_form form = form_of(&chains[NOTCH_MODE_PUBLIC]);
    assert_int_equal(notch_entry_check(&sample.entry, &form).code, NOTCH_REJECT_MODE);
    form = form_of(&chains[NOTCH_MODE_CONSORTIUM]);
    assert_true(notch_is_valid(notch_entry_check(&sample.entry, &form)));
}

/* Lists whose order or sum is wrong. */
static void test_shares(void **state)
{
    (void)state;
    uint8_t bytes[256];
    struct notch_share shares[2] = {{{{1}}, {600000}}, {{{2}}, {400000}}};
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_share_put(&writer, &shares[0]);
    notch_share_put(&writer, &shares[1]);
    struct notch_entry entry = {.type = NOTCH_ENTRY_RECOGNITION, .as.recognition = {2, notch_writer_bytes(&writer)}};
    check_round_trip(&chains[0], &entry);
    shares[1].share.raw++;
    writer = notch_writer(bytes, sizeof bytes);
    notch_share_put(&writer, &shares[0]);
    notch_share_put(&writer, &shares[1]);
    struct notch_bytes payload = payload_of(&entry);
    struct notch_entry back;
    assert_int_equal(decode_and_check(&chains[0], &back, entry.type, payload).code, NOTCH_REJECT_BOUNDS);
    release(payload);
    writer = notch_writer(bytes, sizeof bytes);
    notch_share_put(&writer, &shares[1]);
    notch_share_put(&writer, &shares[0]);
    payload = payload_of(&entry);
    assert_int_equal(decode_and_check(&chains[0], &back, entry.type, payload).code, NOTCH_REJECT_MALFORMED);
    release(payload);
}

static void test_claims(void **state)
{
    (void)state;
    struct notch_rng rng;
    notch_rng_init(&rng, 8);
    struct notch_test_entry sample;
    struct notch_claim a;
    struct notch_claim b;
    const struct notch_key *first = &chains[0].signers[0].key;
    const struct notch_key *second = &chains[0].signers[1].key;
    notch_test_entry(&sample, &rng, &chains[0], NOTCH_ENTRY_NEED_COMMIT, 0);
    assert_true(notch_entry_claim(&a, &sample.entry, first));
    assert_true(notch_entry_claim(&b, &sample.entry, second));
    assert_int_equal(a.raw[0], NOTCH_ENTRY_NEED_COMMIT);
    assert_int_equal(a.len, b.len);
    assert_memory_not_equal(a.raw, b.raw, a.len);
    memset(sample.entry.as.need_commit.commitment.raw, 0, 32);
    assert_true(notch_entry_claim(&b, &sample.entry, first));
    assert_memory_equal(a.raw, b.raw, a.len);
    sample.entry.as.need_commit.period.length_ms++;
    assert_true(notch_entry_claim(&b, &sample.entry, first));
    assert_memory_not_equal(a.raw, b.raw, a.len);
    notch_test_entry(&sample, &rng, &chains[0], NOTCH_ENTRY_MODEL, 0);
    assert_true(notch_entry_claim(&a, &sample.entry, first));
    assert_true(notch_entry_claim(&b, &sample.entry, second));
    assert_memory_equal(a.raw, b.raw, a.len);
    notch_test_entry(&sample, &rng, &chains[0], NOTCH_ENTRY_INSIGHT, 0);
    assert_false(notch_entry_claim(&a, &sample.entry, first));
    struct notch_entry_terms terms;
    notch_entry_terms(&terms, &sample.entry);
    assert_true(terms.has_market && terms.has_time);
    assert_true(notch_hash_eq(&terms.market, &sample.entry.as.insight.market));
}

static void test_challenge_commitment(void **state)
{
    (void)state;
    struct notch_rng rng;
    notch_rng_init(&rng, 9);
    struct notch_test_entry sample;
    notch_test_entry(&sample, &rng, &chains[0], NOTCH_ENTRY_CHALLENGE_REVEAL, 0);
    struct notch_challenge_reveal *reveal = &sample.entry.as.challenge_reveal;
    struct notch_hash mine;
    struct notch_hash other;
    notch_challenge_commitment(&mine, &chains[0].domain, reveal, &chains[0].signers[0].key);
    notch_challenge_commitment(&other, &chains[0].domain, reveal, &chains[0].signers[1].key);
    assert_false(notch_hash_eq(&mine, &other));
    reveal->window++;
    notch_challenge_commitment(&other, &chains[0].domain, reveal, &chains[0].signers[0].key);
    assert_false(notch_hash_eq(&mine, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_altered_payloads),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_insight_size),
        cmocka_unit_test(test_insight_modes),
        cmocka_unit_test(test_insight_bins),
        cmocka_unit_test(test_insight_bounds),
        cmocka_unit_test(test_market_ids),
        cmocka_unit_test(test_generator),
        cmocka_unit_test(test_commitments),
        cmocka_unit_test(test_commitments_add),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_models_in_public),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_challenge_commitment),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
