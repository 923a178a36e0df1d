#include "chain/merkle.h"
#include "chain/receipt.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void any_receipt(struct notch_gen *gen, struct notch_receipt *out)
{
    memset(out, 0, sizeof *out);
    uint64_t form = notch_gen_below(gen, 3);
    out->all_applied = form == 0;
    if (form == 1) {
        out->record = (enum notch_reject_code)(1 + notch_gen_below(gen, 300));
    }
    if (form != 2) {
        return;
    }
    out->count = 1 + (uint32_t)notch_gen_below(gen, NOTCH_RECEIPT_ENTRIES_MAX);
    for (uint32_t i = 0; i < out->count; i++) {
        struct notch_outcome *outcome = &out->outcomes[i];
        outcome->type = i == 0 ? NOTCH_REJECTED : (enum notch_outcome_type)notch_gen_below(gen, 3);
        if (outcome->type == NOTCH_REJECTED) {
            outcome->code = (enum notch_reject_code)(1 + notch_gen_below(gen, 200));
        }
        if (outcome->type == NOTCH_SUPERSEDED) {
            outcome->superseded.record.raw[0] = (uint8_t)notch_gen_below(gen, 256);
            outcome->superseded.entry = (uint32_t)notch_gen_below(gen, NOTCH_RECEIPT_ENTRIES_MAX);
        }
    }
}

static bool same(const struct notch_receipt *a, const struct notch_receipt *b)
{
    if (a->record != b->record || a->all_applied != b->all_applied || a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        const struct notch_outcome *x = &a->outcomes[i];
        const struct notch_outcome *y = &b->outcomes[i];
        bool same_code = x->type != NOTCH_REJECTED || x->code == y->code;
        bool same_ref = x->type != NOTCH_SUPERSEDED || (notch_hash_eq(&x->superseded.record, &y->superseded.record) &&
                                                        x->superseded.entry == y->superseded.entry);
        if (x->type != y->type || !same_code || !same_ref) {
            return false;
        }
    }
    return true;
}

static const char *round_trip(struct notch_gen *gen, void *context)
{
    (void)context;
    static struct notch_receipt receipt, again;
    any_receipt(gen, &receipt);
    uint8_t raw[NOTCH_RECEIPT_BYTES_MAX];
    struct notch_writer writer = notch_writer(raw, sizeof raw);
    notch_receipt_write(&writer, &receipt);
    struct notch_bytes bytes = notch_writer_bytes(&writer);
    if (!notch_writer_ok(&writer)) {
        return "does not fit NOTCH_RECEIPT_BYTES_MAX";
    }
    if (!notch_is_valid(notch_receipt_decode(&again, bytes))) {
        return "does not decode";
    }
    if (!same(&receipt, &again)) {
        return "decodes to something else";
    }
    size_t cut = notch_gen_below(gen, bytes.len);
    return notch_is_valid(notch_receipt_decode(&again, notch_bytes(raw, cut))) ? "decodes when cut short" : NULL;
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_true(notch_property_holds("receipt round trip", 500, 1, round_trip, NULL));
}

static void test_refused(void **state)
{
    (void)state;
    static struct notch_receipt receipt;
    static const struct {
        uint8_t bytes[6];
        size_t len;
    } bad[] = {
        {{0}, 0},                /* nothing */
        {{3}, 1},                /* unknown form */
        {{0, 0}, 2},             /* trailing byte */
        {{1, 0}, 2},             /* rejected for no reason */
        {{2, 0}, 2},             /* no outcomes */
        {{2, 1, 0}, 3},          /* all applied has a shorter form */
        {{2, 1, 3}, 3},          /* unknown outcome */
        {{2, 1, 2, 0}, 4},       /* rejected for no reason */
        {{2, 0x81, 0x02, 2}, 4}, /* 257 outcomes */
        {{1, 0x85, 0x00}, 3},    /* a long uvar */
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(bad); i++) {
        struct notch_reject reject = notch_receipt_decode(&receipt, notch_bytes(bad[i].bytes, bad[i].len));
        assert_int_equal(reject.code, NOTCH_REJECT_MALFORMED);
    }
}

static void test_receipts_of_a_block(void **state)
{
    (void)state;
    static struct notch_receipt receipt;
    static const uint8_t all[] = {0, 1, 10, 2, 2, 0, 2, 9, 0};
    struct notch_bytes bytes = notch_bytes(all, sizeof all);
    struct notch_bytes out;
    assert_int_equal(notch_receipt_at(&out, bytes, 1), NOTCH_OK);
    assert_int_equal(out.len, 2);
    assert_int_equal(notch_receipt_at(&out, bytes, 2), NOTCH_OK);
    assert_true(notch_is_valid(notch_receipt_decode(&receipt, out)));
    assert_int_equal(notch_receipt_outcome(&receipt, 0).type, NOTCH_APPLIED);
    assert_int_equal(notch_receipt_outcome(&receipt, 1).code, NOTCH_REJECT_EXPIRED);
    assert_int_equal(notch_receipt_at(&out, bytes, 3), NOTCH_OK);
    assert_int_equal(notch_receipt_at(&out, bytes, 4), NOTCH_ERR_NOT_FOUND);
    assert_int_equal(notch_receipt_at(&out, notch_bytes(all, 5), 2), NOTCH_ERR_CORRUPT);
}

static void test_leaf(void **state)
{
    (void)state;
    struct notch_hash id = {{3}};
    uint8_t data[34];
    static const uint8_t receipt[2] = {1, 9};
    memcpy(data, id.raw, 32);
    memcpy(data + 32, receipt, 2);
    struct notch_hash expected, leaf;
    notch_merkle_leaf(&expected, notch_bytes(data, sizeof data));
    notch_receipt_leaf(&leaf, &id, notch_bytes(receipt, 2));
    assert_true(notch_hash_eq(&leaf, &expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_receipts_of_a_block),
        cmocka_unit_test(test_leaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
