#include "chain/block.h"

#include "chain/evidence.h"
#include "tests/support/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct notch_domain domain;
static struct notch_signer signer;
static const uint8_t secret[32] = {5};
static const struct notch_caps caps = {.body_bytes = 65536, .batches = 8, .votes = 16, .evidence = 4};

static int setup(void **state)
{
    (void)state;
    notch_domain_init(&domain, &(struct notch_hash){{7}});
    const struct notch_crypto *crypto = notch_crypto_standin();
    signer.secret = secret;
    return crypto->key_of_secret(crypto->self, &signer.key, secret) ? 0 : 1;
}

static struct notch_header some_header(struct notch_gen *gen)
{
    struct notch_header header;
    memset(&header, 0, sizeof header);
    header.rules = (uint16_t)notch_gen_edge_u64(gen);
    header.flags = (uint8_t)notch_gen_below(gen, 3);
    header.slot.raw = notch_gen_edge_u64(gen);
    header.height.raw = notch_gen_edge_u64(gen);
    header.time.raw = notch_gen_edge_u64(gen);
    header.set_id = (uint32_t)notch_gen_edge_u64(gen);
    notch_gen_bytes(gen, header.parent.raw, 32);
    header.next_set_root.raw[3] = (header.flags & NOTCH_HEADER_SIGNAL) != 0;
    header.proposer = (uint16_t)notch_gen_edge_u64(gen);
    notch_gen_bytes(gen, header.vrf.raw, sizeof header.vrf.raw);
    header.n_batches = (uint32_t)notch_gen_edge_u64(gen);
    header.finalized.slot.raw = notch_gen_edge_u64(gen);
    notch_gen_bytes(gen, header.sig.raw, sizeof header.sig.raw);
    return header;
}

static const char *header_round_trip(struct notch_gen *gen, void *context)
{
    (void)context;
    struct notch_header header = some_header(gen);
    uint8_t first[NOTCH_HEADER_LEN];
    uint8_t second[NOTCH_HEADER_LEN];
    struct notch_writer writer = notch_writer(first, sizeof first);
    notch_header_encode(&writer, &header);
    if (!notch_writer_ok(&writer) || notch_writer_bytes(&writer).len != NOTCH_HEADER_LEN) {
        return "length";
    }
    struct notch_reader reader = notch_reader(notch_bytes(first, sizeof first));
    struct notch_header back;
    if (!notch_is_valid(notch_header_decode(&back, &reader)) || !notch_reader_done(&reader)) {
        return "does not decode";
    }
    writer = notch_writer(second, sizeof second);
    notch_header_encode(&writer, &back);
    if (memcmp(first, second, sizeof first) != 0) {
        return "not the same again";
    }
    /* The hash is over everything but the signature. */
    struct notch_hash before;
    struct notch_hash after;
    notch_header_hash(&before, &domain, &header);
    size_t at = (size_t)notch_gen_below(gen, NOTCH_HEADER_LEN);
    first[at] ^= (uint8_t)(1u << notch_gen_below(gen, 8));
    reader = notch_reader(notch_bytes(first, sizeof first));
    if (!notch_is_valid(notch_header_decode(&back, &reader))) {
        return NULL;
    }
    notch_header_hash(&after, &domain, &back);
    bool is_same = notch_hash_eq(&before, &after);
    return is_same == (at >= NOTCH_HEADER_UNSIGNED_LEN) ? NULL : "hash does not cover what it should";
}

static void headers_round_trip(void **state)
{
    (void)state;
    assert_true(notch_property_holds("headers round trip", 2000, 3, header_round_trip, NULL));
}

static void header_flags_are_checked(void **state)
{
    (void)state;
    struct notch_header header = {.flags = NOTCH_HEADER_SIGNAL};
    struct notch_header back;
    static const struct {
        uint8_t flags;
        uint8_t next;
        bool is_good;
    } cases[] = {{0, 0, true},
                 {0, 1, false},
                 {NOTCH_HEADER_SIGNAL, 1, true},
                 {NOTCH_HEADER_SIGNAL, 0, false},
                 {NOTCH_HEADER_PENDING, 0, true},
                 {NOTCH_HEADER_PENDING, 1, false},
                 {NOTCH_HEADER_SIGNAL | NOTCH_HEADER_PENDING, 1, false},
                 {4, 0, false},
                 {128, 0, false}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(cases); i++) {
        header.flags = cases[i].flags;
        header.next_set_root.raw[0] = cases[i].next;
        uint8_t bytes[NOTCH_HEADER_LEN];
        struct notch_writer writer = notch_writer(bytes, sizeof bytes);
        notch_header_encode(&writer, &header);
        struct notch_reader reader = notch_reader(notch_bytes(bytes, sizeof bytes));
        assert_int_equal(notch_is_valid(notch_header_decode(&back, &reader)), cases[i].is_good);
    }
}

/* A body with one or more of everything. */
struct made {
    struct notch_hash batches[3];
    struct notch_vote votes[2];
    struct notch_buf vote_bytes;
    struct notch_buf evidence_bytes;
    struct notch_bytes evidence[1];
    struct notch_header headers[2];
    struct notch_body_parts parts;
    struct notch_buf body;
};

static void make_body(struct made *made)
{
    memset(made, 0, sizeof *made);
    notch_buf_init(&made->vote_bytes, notch_alloc_heap());
    notch_buf_init(&made->evidence_bytes, notch_alloc_heap());
    notch_buf_init(&made->body, notch_alloc_heap());
    for (uint8_t i = 0; i < 3; i++) {
        made->batches[i].raw[0] = (uint8_t)(i + 1);
    }
    made->votes[0].data.slot.raw = 4;
    made->votes[1].data.slot.raw = 5;
    struct notch_writer writer = notch_writer_grow(&made->vote_bytes);
    notch_votes_encode(&writer, made->votes, 2);
    notch_buf_append(&made->evidence_bytes, "some evidence", 13);
    made->evidence[0] = notch_buf_bytes(&made->evidence_bytes);
    made->headers[1].slot.raw = 3;
    made->parts = (struct notch_body_parts){.batches = made->batches,
                                            .n_batches = 3,
                                            .votes = notch_buf_bytes(&made->vote_bytes),
                                            .evidence = made->evidence,
                                            .n_evidence = 1,
                                            .headers = made->headers,
                                            .n_headers = 2};
    writer = notch_writer_grow(&made->body);
    notch_body_encode(&writer, &made->parts);
}

static void free_made(struct made *made)
{
    notch_buf_fini(&made->vote_bytes);
    notch_buf_fini(&made->evidence_bytes);
    notch_buf_fini(&made->body);
}

static void bodies_say_what_was_put_in(void **state)
{
    (void)state;
    struct made made;
    make_body(&made);
    struct notch_body body;
    assert_true(notch_is_valid(notch_body_decode(&body, notch_buf_bytes(&made.body), &caps)));
    assert_int_equal(body.n_batches, 3);
    assert_int_equal(body.n_votes, 2);
    assert_int_equal(body.n_evidence, 1);
    assert_int_equal(body.n_headers, 2);
    struct notch_hash id = notch_body_batch(&body, 2);
    assert_true(notch_hash_eq(&id, &made.batches[2]));
    assert_true(notch_bytes_eq(notch_body_evidence(&body, 0), made.evidence[0]));
    assert_int_equal(notch_body_header(&body, 1).slot.raw, 3);
    free_made(&made);
}

/* Every bit of a body is under one of the roots of its header. */
static void every_byte_of_a_body_is_bound(void **state)
{
    (void)state;
    struct made made;
    make_body(&made);
    struct notch_body body;
    struct notch_header header = {.n_batches = 3};
    assert_true(notch_is_valid(notch_body_decode(&body, notch_buf_bytes(&made.body), &caps)));
    notch_body_roots(&body, &domain, &header.batches_root, &header.votes_root, &header.evidence_root);
    assert_true(notch_is_valid(notch_body_match(&body, &domain, &header)));
    for (size_t i = 0; i < made.body.len; i++) {
        made.body.data[i] ^= 0x10;
        bool is_read = notch_is_valid(notch_body_decode(&body, notch_buf_bytes(&made.body), &caps));
        assert_false(is_read && notch_is_valid(notch_body_match(&body, &domain, &header)));
        made.body.data[i] ^= 0x10;
    }
    free_made(&made);
}

static void caps_are_kept(void **state)
{
    (void)state;
    struct made made;
    make_body(&made);
    struct notch_body body;
    struct notch_bytes bytes = notch_buf_bytes(&made.body);
    struct notch_caps small = caps;
    small.body_bytes = (uint32_t)bytes.len;
    assert_true(notch_is_valid(notch_body_decode(&body, bytes, &small)));
    small.body_bytes--;
    assert_int_equal(notch_body_decode(&body, bytes, &small).code, NOTCH_REJECT_TOO_LARGE);
    small = caps;
    small.batches = 2;
    assert_false(notch_is_valid(notch_body_decode(&body, bytes, &small)));
    small = caps;
    small.votes = 1;
    assert_int_equal(notch_body_decode(&body, bytes, &small).code, NOTCH_REJECT_TOO_LARGE);
    small = caps;
    small.evidence = 0;
    assert_false(notch_is_valid(notch_body_decode(&body, bytes, &small)));
    free_made(&made);
}

static void a_batch_stands_once(void **state)
{
    (void)state;
    struct made made;
    make_body(&made);
    made.batches[2] = made.batches[0];
    notch_buf_clear(&made.body);
    struct notch_writer writer = notch_writer_grow(&made.body);
    notch_body_encode(&writer, &made.parts);
    struct notch_body body;
    assert_int_equal(notch_body_decode(&body, notch_buf_bytes(&made.body), &caps).code, NOTCH_REJECT_MALFORMED);
    free_made(&made);
}

/* ---- evidence ---- */

static struct notch_vote signed_vote(uint32_t set_id, uint64_t slot, uint64_t source, uint8_t target)
{
    struct notch_vote_data data = {
        .set_id = set_id, .slot = {slot}, .source = {{source}, {{1}}}, .target = {{target}}, .head = {{target}}};
    struct notch_vote vote;
    assert_true(notch_vote_sign(&vote, &domain, notch_crypto_standin(), &signer, &data, 0));
    return vote;
}

static enum notch_reject_code judge(const uint8_t *bytes, size_t len, struct notch_evidence *out)
{
    return notch_evidence_check(out, &domain, notch_crypto_standin(), notch_bytes(bytes, len)).code;
}

static void votes_are_evidence(void **state)
{
    (void)state;
    static const struct {
        uint64_t slot_a, source_a, slot_b, source_b;
        uint32_t set_a, set_b;
        uint8_t target_a, target_b;
        bool is_e1, is_e2;
    } cases[] = {
        {5, 3, 5, 3, 0, 0, 1, 2, true, false},  /* two targets in one slot */
        {5, 3, 5, 4, 0, 0, 1, 1, true, false},  /* two sources in one slot */
        {5, 3, 5, 3, 0, 1, 1, 1, true, false},  /* in two sets: by key, over any sets */
        {5, 3, 5, 3, 0, 0, 1, 1, false, false}, /* the same vote */
        {5, 3, 6, 2, 0, 0, 1, 1, false, true},  /* an older source */
        {5, 3, 6, 3, 0, 0, 1, 2, false, false}, /* the same source */
        {5, 3, 6, 4, 0, 0, 1, 2, false, false}, /* a younger one */
        {5, 3, 6, 2, 0, 1, 1, 1, false, false}, /* another set begins anew */
    };
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(cases); i++) {
        struct notch_vote a = signed_vote(cases[i].set_a, cases[i].slot_a, cases[i].source_a, cases[i].target_a);
        struct notch_vote b = signed_vote(cases[i].set_b, cases[i].slot_b, cases[i].source_b, cases[i].target_b);
        assert_int_equal(notch_evidence_is_equivocation(&a.data, &b.data), cases[i].is_e1);
        assert_int_equal(notch_evidence_is_regress(&a.data, &b.data), cases[i].is_e2);
        assert_int_equal(notch_evidence_is_regress(&b.data, &a.data), cases[i].is_e2);
        for (int kind = NOTCH_EVIDENCE_EQUIVOCATION; kind <= NOTCH_EVIDENCE_REGRESS; kind++) {
            uint8_t bytes[1024];
            struct notch_writer writer = notch_writer(bytes, sizeof bytes);
            notch_evidence_from_votes(&writer, (enum notch_evidence_kind)kind, &signer.key, &b, &a);
            struct notch_evidence out;
            bool is_proof = kind == NOTCH_EVIDENCE_EQUIVOCATION ? cases[i].is_e1 : cases[i].is_e2;
            size_t len = notch_writer_bytes(&writer).len;
            assert_int_equal(judge(bytes, len, &out) == NOTCH_REJECT_NONE, is_proof);
            for (size_t at = 0; is_proof && at < len; at++) {
                bytes[at] ^= 1;
                assert_int_not_equal(judge(bytes, len, &out), NOTCH_REJECT_NONE);
                bytes[at] ^= 1;
            }
        }
    }
}

static void proposals_are_evidence(void **state)
{
    (void)state;
    struct notch_header a = {.slot = {7}, .time = {1}};
    struct notch_header b = {.slot = {7}, .time = {2}};
    const struct notch_crypto *crypto = notch_crypto_standin();
    assert_true(notch_header_sign(&a, &domain, crypto, &signer) && notch_header_sign(&b, &domain, crypto, &signer));
    uint8_t bytes[2 * NOTCH_HEADER_LEN + 64];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_evidence_from_headers(&writer, &signer.key, &b, &a);
    struct notch_evidence out;
    size_t len = notch_writer_bytes(&writer).len;
    assert_int_equal(judge(bytes, len, &out), NOTCH_REJECT_NONE);
    assert_int_equal(out.slot.raw, 7);
    assert_true(notch_key_eq(&out.offender, &signer.key));
    for (size_t at = 0; at < len; at++) {
        bytes[at] ^= 1;
        assert_int_not_equal(judge(bytes, len, &out), NOTCH_REJECT_NONE);
        bytes[at] ^= 1;
    }
    /* One block signed twice is one block; two slots are two duties. */
    writer = notch_writer(bytes, sizeof bytes);
    notch_evidence_from_headers(&writer, &signer.key, &a, &a);
    assert_int_not_equal(judge(bytes, len, &out), NOTCH_REJECT_NONE);
    b.slot.raw = 8;
    assert_true(notch_header_sign(&b, &domain, crypto, &signer));
    writer = notch_writer(bytes, sizeof bytes);
    notch_evidence_from_headers(&writer, &signer.key, &a, &b);
    assert_int_equal(judge(bytes, len, &out), NOTCH_REJECT_BOUNDS);
}

static void votes_beyond_the_signal_are_evidence(void **state)
{
    (void)state;
    static const struct {
        uint32_t set_id;
        uint8_t flags;
        bool is_proof;
    } cases[] = {{3, 0, false},
                 {3, NOTCH_HEADER_SIGNAL, false},
                 {3, NOTCH_HEADER_PENDING, true},
                 {4, 0, true},
                 {2, NOTCH_HEADER_PENDING, false}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(cases); i++) {
        struct notch_header header = {.slot = {7}, .set_id = cases[i].set_id, .flags = cases[i].flags};
        header.next_set_root.raw[0] = (header.flags & NOTCH_HEADER_SIGNAL) != 0;
        struct notch_vote_data data = {.set_id = 3, .slot = {9}};
        notch_header_hash(&data.target, &domain, &header);
        struct notch_vote vote;
        assert_true(notch_vote_sign(&vote, &domain, notch_crypto_standin(), &signer, &data, 0));
        uint8_t bytes[1024];
        struct notch_writer writer = notch_writer(bytes, sizeof bytes);
        notch_evidence_from_target(&writer, &signer.key, &vote, &header);
        struct notch_evidence out;
        size_t len = notch_writer_bytes(&writer).len;
        assert_int_equal(judge(bytes, len, &out) == NOTCH_REJECT_NONE, cases[i].is_proof);
        bytes[len - 100] ^= 1;
        assert_int_not_equal(judge(bytes, len, &out), NOTCH_REJECT_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_round_trip),
        cmocka_unit_test(header_flags_are_checked),
        cmocka_unit_test(bodies_say_what_was_put_in),
        cmocka_unit_test(every_byte_of_a_body_is_bound),
        cmocka_unit_test(caps_are_kept),
        cmocka_unit_test(a_batch_stands_once),
        cmocka_unit_test(votes_are_evidence),
        cmocka_unit_test(proposals_are_evidence),
        cmocka_unit_test(votes_beyond_the_signal_are_evidence),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
