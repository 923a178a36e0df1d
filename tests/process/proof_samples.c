/*
 * Prints proofs to compare verifiers on, good ones and damaged ones, with what notch_proof_verify() says of each.
 *
 *     proof_samples GOOD DAMAGED SEED [secp | standin]
 *
 * A line is: 1 or 0, the checkpoint in hex, the proof in hex. Exits 1 where the verdict is not the one that it must be:
 * a proof that was built must pass, and one of which anything was changed must not.
 */
#include "tests/support/proofs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* So many proofs are taken from one chain before another is made. */
enum { PROOFS_PER_CHAIN = 40 };

static void print_hex(const void *data, size_t len)
{
    char *text = malloc(2 * len + 1);
    notch_assert(text != NULL);
    notch_hex_encode(text, data, len);
    fputs(text, stdout);
    free(text);
}

static bool print_verdict(const struct notch_test_proofs *proofs, struct notch_bytes proof,
                          const struct notch_hash *checkpoint, bool expected)
{
    struct notch_proof_result result;
    struct notch_reject reject =
        notch_proof_verify(&result, proof, checkpoint, proofs->chain.crypto, notch_alloc_heap());
    fputs(notch_is_valid(reject) ? "1 " : "0 ", stdout);
    print_hex(checkpoint->raw, sizeof checkpoint->raw);
    putchar(' ');
    print_hex(proof.data, proof.len);
    putchar('\n');
    return notch_is_valid(reject) == expected;
}

static void copy_within(struct notch_rng *rng, struct notch_buf *proof)
{
    size_t len = 1 + (size_t)notch_rng_below(rng, 64);
    size_t to = (size_t)notch_rng_below(rng, proof->len - len);
    size_t from = (size_t)notch_rng_below(rng, proof->len - len);
    memmove(proof->data + to, proof->data + from, len);
}

static void remove_bytes(struct notch_rng *rng, struct notch_buf *proof)
{
    size_t len = 1 + (size_t)notch_rng_below(rng, 64);
    size_t at = (size_t)notch_rng_below(rng, proof->len - len);
    memmove(proof->data + at, proof->data + at + len, proof->len - at - len);
    proof->len -= len;
}

static void insert_bytes(struct notch_rng *rng, struct notch_buf *proof)
{
    size_t len = 1 + (size_t)notch_rng_below(rng, 64);
    size_t at = (size_t)notch_rng_below(rng, proof->len);
    notch_buf_reserve(proof, len);
    memmove(proof->data + at + len, proof->data + at, proof->len - at);
    notch_rng_fill(rng, proof->data + at, len);
    proof->len += len;
}

/* One change of one kind. */
static void damage(struct notch_rng *rng, struct notch_buf *proof, struct notch_hash *checkpoint)
{
    size_t at = (size_t)notch_rng_below(rng, proof->len);
    switch (notch_rng_below(rng, 8)) {
    case 0:
        checkpoint->raw[notch_rng_below(rng, 32)] ^= (uint8_t)(1u << notch_rng_below(rng, 8));
        break;
    case 1:
        proof->len = at;
        break;
    case 2:
        remove_bytes(rng, proof);
        break;
    case 3:
        insert_bytes(rng, proof);
        break;
    case 4:
        copy_within(rng, proof);
        break;
    default:
        proof->data[at] ^= (uint8_t)(1 + notch_rng_below(rng, 255));
        break;
    }
}

/* Changes the proof until it differs: moving equal bytes about is no damage. */
static void damage_until_different(struct notch_rng *rng, struct notch_buf *proof, struct notch_hash *checkpoint)
{
    struct notch_hash before = *checkpoint;
    struct notch_buf kept;
    notch_buf_init(&kept, notch_alloc_heap());
    notch_buf_append(&kept, proof->data, proof->len);
    while (notch_hash_eq(&before, checkpoint) && notch_bytes_eq(notch_buf_bytes(&kept), notch_buf_bytes(proof))) {
        damage(rng, proof, checkpoint);
    }
    notch_buf_fini(&kept);
}

static bool sample(struct notch_test_proofs *proofs, bool damaged)
{
    struct notch_proof_request request;
    do {
        proofs->final_height = 1 + (uint32_t)notch_rng_below(&proofs->rng, proofs->height);
    } while (!notch_test_request(proofs, &request));
    struct notch_buf proof;
    notch_buf_init(&proof, notch_alloc_heap());
    enum notch_err err =
        notch_proof_build(&proof, &request, &proofs->source, &proofs->chain.domain, notch_alloc_heap());
    notch_assert(err == NOTCH_OK);
    struct notch_hash checkpoint = notch_test_checkpoint(proofs, (uint32_t)request.checkpoint.raw);
    if (damaged) {
        damage_until_different(&proofs->rng, &proof, &checkpoint);
    }
    bool ok = print_verdict(proofs, notch_buf_bytes(&proof), &checkpoint, !damaged);
    notch_buf_fini(&proof);
    return ok;
}

/* With changes of the set, with sets that follow themselves, or with one set. */
static void make_chain(struct notch_test_proofs *proofs, const struct notch_crypto *crypto, uint64_t seed,
                       uint64_t chain)
{
    uint32_t members = 1 + (uint32_t)(chain % 4);
    uint32_t epoch = 5 + (uint32_t)(chain % 5);
    switch (chain % 3) {
    case 0:
        notch_test_proofs_init(proofs, crypto, seed + chain, members, 24, epoch);
        break;
    case 1:
        notch_test_proofs_init_same(proofs, crypto, seed + chain, members, 24, epoch);
        break;
    default:
        notch_test_proofs_init(proofs, crypto, seed + chain, members, 24, 0);
        break;
    }
}

int main(int argc, char **argv)
{
    bool standin = argc == 5 && strcmp(argv[4], "standin") == 0;
    if (argc != 4 && !standin && (argc != 5 || strcmp(argv[4], "secp") != 0)) {
        fputs("usage: proof_samples GOOD DAMAGED SEED [secp | standin]\n", stderr);
        return 2;
    }
    const struct notch_crypto *crypto = standin ? notch_crypto_standin() : notch_crypto_secp();
    uint64_t good = strtoull(argv[1], NULL, 10);
    uint64_t total = good + strtoull(argv[2], NULL, 10);
    uint64_t seed = strtoull(argv[3], NULL, 10);
    static struct notch_test_proofs proofs;
    bool ok = true;
    for (uint64_t i = 0; i < total; i++) {
        if (i % PROOFS_PER_CHAIN == 0) {
            if (i > 0) {
                notch_test_proofs_fini(&proofs);
            }
            make_chain(&proofs, crypto, seed, i / PROOFS_PER_CHAIN);
        }
        ok = sample(&proofs, i >= good) && ok;
    }
    if (total > 0) {
        notch_test_proofs_fini(&proofs);
    }
    return ok ? 0 : 1;
}
