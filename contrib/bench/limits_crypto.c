#include "contrib/bench/limits.h"

#include "base/hash.h"
#include "base/rng.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <secp256k1_schnorrsig.h>

/* Enough that no table of one key stays in the nearest cache, as with records of many authors. */
enum { CASES = 1024, THREADS_MAX = 64 };

struct signed_case {
    secp256k1_keypair pair;
    secp256k1_xonly_pubkey parsed;
    uint8_t key[32];
    uint8_t message[32];
    uint8_t sig[64];
};

enum work { VERIFY, VERIFY_PARSED, SIGN };

struct worker {
    const secp256k1_context *context;
    const struct signed_case *cases;
    enum work work;
    double seconds;
    double per_second; /* negative: something did not verify */
};

/* Made from a fixed seed: what is measured does not depend on luck. */
static bool make_case(const secp256k1_context *context, struct signed_case *made, struct notch_rng *rng)
{
    uint8_t secret[32];
    notch_rng_fill(rng, secret, sizeof secret);
    notch_rng_fill(rng, made->message, sizeof made->message);
    return secp256k1_keypair_create(context, &made->pair, secret) == 1 &&
           secp256k1_keypair_xonly_pub(context, &made->parsed, NULL, &made->pair) == 1 &&
           secp256k1_xonly_pubkey_serialize(context, made->key, &made->parsed) == 1 &&
           secp256k1_schnorrsig_sign32(context, made->sig, made->message, &made->pair, NULL) == 1;
}

static bool do_one(const struct worker *worker, const struct signed_case *given)
{
    secp256k1_xonly_pubkey key;
    uint8_t sig[64];
    switch (worker->work) {
    case VERIFY:
        return secp256k1_xonly_pubkey_parse(worker->context, &key, given->key) == 1 &&
               secp256k1_schnorrsig_verify(worker->context, given->sig, given->message, 32, &key) == 1;
    case VERIFY_PARSED:
        return secp256k1_schnorrsig_verify(worker->context, given->sig, given->message, 32, &given->parsed) == 1;
    case SIGN:
        return secp256k1_schnorrsig_sign32(worker->context, sig, given->message, &given->pair, NULL) == 1;
    }
    return false;
}

static void *work_on(void *opaque)
{
    struct worker *worker = opaque;
    uint64_t start_ns = notch_limits_now_ns();
    uint64_t limit_ns = (uint64_t)(worker->seconds * 1e9);
    uint64_t spent_ns = 0;
    size_t done = 0;
    while (spent_ns < limit_ns) {
        for (size_t i = 0; i < 32; i++) { /* so that the clock costs nothing */
            if (!do_one(worker, &worker->cases[done++ % CASES])) {
                worker->per_second = -1;
                return NULL;
            }
        }
        spent_ns = notch_limits_now_ns() - start_ns;
    }
    worker->per_second = (double)done * 1e9 / (double)spent_ns;
    return NULL;
}

static double sum_of_threads(const struct worker *pattern, unsigned threads)
{
    pthread_t ids[THREADS_MAX];
    struct worker workers[THREADS_MAX];
    unsigned started = 0;
    while (started < threads && started < THREADS_MAX) {
        workers[started] = *pattern;
        if (pthread_create(&ids[started], NULL, work_on, &workers[started]) != 0) {
            break;
        }
        started++;
    }
    double sum = started == threads ? 0 : -1;
    for (unsigned i = 0; i < started; i++) {
        pthread_join(ids[i], NULL);
        sum = sum < 0 || workers[i].per_second < 0 ? -1 : sum + workers[i].per_second;
    }
    return sum;
}

static double measure(const struct notch_limits_run *run, enum work work)
{
    struct notch_rng rng;
    struct signed_case *cases = calloc(CASES, sizeof *cases);
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    bool ok = cases != NULL && context != NULL;
    notch_rng_init(&rng, 1);
    for (size_t i = 0; i < CASES && ok; i++) {
        ok = make_case(context, &cases[i], &rng);
    }
    double figure = -1;
    if (ok) {
        struct worker pattern = {.context = context, .cases = cases, .work = work, .seconds = run->seconds};
        figure = sum_of_threads(&pattern, run->threads);
    }
    if (figure < 0) {
        fprintf(stderr, "limits: signatures: something failed that must not\n");
    }
    if (context != NULL) {
        secp256k1_context_destroy(context);
    }
    free(cases);
    return figure;
}

double notch_limits_verify(const struct notch_limits_run *run)
{
    return measure(run, VERIFY);
}

double notch_limits_verify_parsed(const struct notch_limits_run *run)
{
    return measure(run, VERIFY_PARSED);
}

double notch_limits_sign(const struct notch_limits_run *run)
{
    return measure(run, SIGN);
}

double notch_limits_sha256(const struct notch_limits_run *run)
{
    uint8_t block[64] = {0};
    struct notch_hash digest = {{0}};
    uint64_t limit_ns = (uint64_t)(run->seconds * 1e9);
    uint64_t start_ns = notch_limits_now_ns();
    uint64_t spent_ns = 0;
    size_t done = 0;
    while (spent_ns < limit_ns) {
        for (size_t i = 0; i < 256; i++) {
            memcpy(block, digest.raw, 32);      /* Raw: the input of the next round */
            memcpy(block + 32, digest.raw, 32); /* Raw: the same */
            notch_sha256(&digest, notch_bytes(block, sizeof block));
        }
        done += 256;
        spent_ns = notch_limits_now_ns() - start_ns;
    }
    return (double)done * 1e9 / (double)spent_ns;
}
