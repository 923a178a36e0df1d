#include "chain/vote.h"

#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct notch_domain domain;

static int setup(void **state)
{
    (void)state;
    notch_domain_init(&domain, &(struct notch_hash){{7}});
    return 0;
}

static struct notch_hash some_hash(struct notch_gen *gen)
{
    /* Few values, so that equal and nearly equal data are common. */
    struct notch_hash hash = {{(uint8_t)notch_gen_below(gen, 3)}};
    hash.raw[31] = (uint8_t)notch_gen_below(gen, 2);
    return hash;
}

static struct notch_vote some_vote(struct notch_gen *gen)
{
    struct notch_vote vote = {.data = {.set_id = (uint32_t)notch_gen_below(gen, 2),
                                       .slot = {notch_gen_below(gen, 3)},
                                       .source = {{notch_gen_below(gen, 2)}, some_hash(gen)},
                                       .target = some_hash(gen),
                                       .head = some_hash(gen)},
                              .validator = (uint16_t)notch_gen_below(gen, 4)};
    vote.data.set_root8[0] = (uint8_t)notch_gen_below(gen, 2);
    if (vote.validator == 3) {
        vote.validator = NOTCH_VOTE_SHADOW;
        vote.key.raw[5] = (uint8_t)notch_gen_below(gen, 3);
    }
    vote.sig.raw[9] = (uint8_t)notch_gen_below(gen, 256);
    return vote;
}

/* Sorted, without repetition: what an encoder is given. */
static size_t some_votes(struct notch_gen *gen, struct notch_vote *votes, size_t max)
{
    size_t wanted = (size_t)notch_gen_below(gen, max + 1);
    size_t count = 0;
    for (size_t i = 0; i < wanted; i++) {
        struct notch_vote vote = some_vote(gen);
        size_t at = count;
        while (at > 0 && notch_vote_cmp(&votes[at - 1], &vote) > 0) {
            at--;
        }
        if (at > 0 && notch_vote_cmp(&votes[at - 1], &vote) == 0) {
            continue;
        }
        memmove(&votes[at + 1], &votes[at], (count - at) * sizeof *votes);
        votes[at] = vote;
        count++;
    }
    return count;
}

static const char *round_trip(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_vote votes[33];
    struct notch_vote back[33];
    size_t count = some_votes(gen, votes, 32);
    struct notch_buf first;
    struct notch_buf second;
    notch_buf_init(&first, notch_alloc_heap());
    notch_buf_init(&second, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&first);
    notch_votes_encode(&writer, votes, count);
    size_t found = 0;
    bool is_valid = notch_is_valid(notch_votes_check(&found, notch_buf_bytes(&first), 32));
    size_t at = 0;
    for (struct notch_votes_iter iter = notch_votes_iter(notch_buf_bytes(&first)); at < 33;) {
        if (!notch_votes_next(&iter, &back[at])) {
            break;
        }
        at++;
    }
    writer = notch_writer_grow(&second);
    notch_votes_encode(&writer, back, at);
    bool is_same = notch_bytes_eq(notch_buf_bytes(&first), notch_buf_bytes(&second));
    /* One byte less, one byte more: never the same thing. */
    size_t other;
    struct notch_bytes cut = notch_bytes(first.data, first.len - 1);
    bool is_cut_refused = !notch_is_valid(notch_votes_check(&other, cut, 32));
    notch_buf_append(&first, "", 1);
    bool is_tail_refused = !notch_is_valid(notch_votes_check(&other, notch_buf_bytes(&first), 32));
    notch_buf_fini(&first);
    notch_buf_fini(&second);
    if (!is_valid || found != count || at != count) {
        return "encoded votes do not decode";
    }
    if (!is_same) {
        return "not the same again";
    }
    return is_cut_refused && is_tail_refused ? NULL : "a byte less or more is accepted";
}

static void votes_round_trip(void **state)
{
    (void)state;
    assert_true(notch_property_holds("votes round trip", 2000, 1, round_trip, NULL));
}

static void order_is_canonical(void **state)
{
    (void)state;
    struct notch_vote a = {.data = {.slot = {5}}, .validator = 1};
    struct notch_vote b = {.data = {.slot = {6}}, .validator = 0};
    uint8_t bytes[1024];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    /* By hand, in the wrong order: what the encoder refuses to write. */
    notch_write_uvar(&writer, 2);
    for (int i = 0; i < 2; i++) {
        notch_vote_data_encode(&writer, i == 0 ? &b.data : &a.data);
        notch_write_uvar(&writer, 1);
        notch_write_u16(&writer, 0);
        notch_write_sig(&writer, &a.sig);
    }
    size_t count;
    assert_int_equal(notch_votes_check(&count, notch_writer_bytes(&writer), 10).code, NOTCH_REJECT_MALFORMED);
    /* The same bundle twice, and the same voter twice. */
    writer = notch_writer(bytes, sizeof bytes);
    notch_write_uvar(&writer, 2);
    for (uint16_t i = 0; i < 2; i++) {
        notch_vote_data_encode(&writer, &a.data);
        notch_write_uvar(&writer, 1);
        notch_write_u16(&writer, i);
        notch_write_sig(&writer, &a.sig);
    }
    assert_int_equal(notch_votes_check(&count, notch_writer_bytes(&writer), 10).code, NOTCH_REJECT_MALFORMED);
    writer = notch_writer(bytes, sizeof bytes);
    notch_write_uvar(&writer, 1);
    notch_vote_data_encode(&writer, &a.data);
    notch_write_uvar(&writer, 2);
    for (int i = 0; i < 2; i++) {
        notch_write_u16(&writer, 4);
        notch_write_sig(&writer, &a.sig);
    }
    assert_int_equal(notch_votes_check(&count, notch_writer_bytes(&writer), 10).code, NOTCH_REJECT_MALFORMED);
}

static void empty_bundles_and_too_many_are_refused(void **state)
{
    (void)state;
    struct notch_vote_data data = {.slot = {1}};
    uint8_t bytes[512];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_write_uvar(&writer, 1);
    notch_vote_data_encode(&writer, &data);
    notch_write_uvar(&writer, 0);
    size_t count;
    assert_false(notch_is_valid(notch_votes_check(&count, notch_writer_bytes(&writer), 10)));
    struct notch_vote votes[2] = {{.data = data, .validator = 0}, {.data = data, .validator = 1}};
    writer = notch_writer(bytes, sizeof bytes);
    notch_votes_encode(&writer, votes, 2);
    assert_true(notch_is_valid(notch_votes_check(&count, notch_writer_bytes(&writer), 2)));
    assert_int_equal(notch_votes_check(&count, notch_writer_bytes(&writer), 1).code, NOTCH_REJECT_TOO_LARGE);
}

/* The common bytes are 124, and all of them are signed. */
static void every_byte_is_signed(void **state)
{
    (void)state;
    const struct notch_crypto *crypto = notch_crypto_standin();
    uint8_t secret[32] = {3};
    struct notch_signer signer = {.secret = secret};
    assert_true(crypto->key_of_secret(crypto->self, &signer.key, secret));
    struct notch_vote_data data = {.set_id = 1, .slot = {9}, .source = {{8}, {{1}}}, .target = {{2}}, .head = {{3}}};
    struct notch_vote vote;
    assert_true(notch_vote_sign(&vote, &domain, crypto, &signer, &data, 0));
    uint8_t common[NOTCH_VOTE_COMMON_LEN + 1];
    struct notch_writer writer = notch_writer(common, sizeof common);
    notch_vote_data_encode(&writer, &data);
    assert_int_equal(notch_writer_bytes(&writer).len, NOTCH_VOTE_COMMON_LEN);
    for (size_t i = 0; i < NOTCH_VOTE_COMMON_LEN; i++) {
        common[i] ^= 1;
        struct notch_reader reader = notch_reader(notch_bytes(common, NOTCH_VOTE_COMMON_LEN));
        struct notch_vote_data other;
        notch_vote_data_decode(&other, &reader);
        common[i] ^= 1;
        struct notch_hash hash;
        notch_vote_hash(&hash, &domain, &other);
        assert_false(notch_verify(crypto, &signer.key, &hash, &vote.sig));
        assert_int_not_equal(notch_vote_data_cmp(&data, &other), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes_round_trip),
        cmocka_unit_test(order_is_canonical),
        cmocka_unit_test(empty_bundles_and_too_many_are_refused),
        cmocka_unit_test(every_byte_is_signed),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
