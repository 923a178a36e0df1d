#include "ai/rules/challenge.h"

#include "ai/rules/challenge_rows.h"
#include "base/assert.h"
#include "base/rng.h"

/* ---- the table ---- */

static void no_subject(struct notch_writer *writer, const struct notch_challenge *challenge)
{
    (void)writer;
    (void)challenge;
}

static struct notch_reject no_form(const struct notch_challenge *challenge, struct notch_bytes solution)
{
    (void)challenge;
    (void)solution;
    return NOTCH_REJECT(NOT_ACTIVE, "challenge: certificates are not active yet");
}

static const struct notch_challenge_row certificate = {
    NOTCH_CHALLENGE_CERTIFICATE, "certificate", 2, no_subject, no_form, NULL,
};

const struct notch_challenge_row *notch_challenge_row(enum notch_challenge_kind kind)
{
    static const struct notch_challenge_row *const rows[NOTCH_CHALLENGE_KINDS] = {
        &notch__challenge_compute,
        &notch__challenge_model,
        &notch__challenge_forecast,
        &certificate,
    };
    notch_assert((unsigned)kind < NOTCH_CHALLENGE_KINDS);
    return rows[kind];
}

/* ---- windows ---- */

/* Raw: heights are divided into windows. */
uint64_t notch_window_of(const struct notch_window_rules *rules, struct notch_height height)
{
    notch_assert(rules->blocks > 0);
    return height.raw / rules->blocks;
}

enum notch_window_phase notch_window_phase(const struct notch_window_rules *rules, uint64_t window,
                                           struct notch_height height)
{
    uint64_t now = notch_window_of(rules, height);
    if (now < window) {
        return NOTCH_WINDOW_BEFORE;
    }
    if (now == window) {
        return NOTCH_WINDOW_COMMIT;
    }
    return now - window == 1 ? NOTCH_WINDOW_REVEAL : NOTCH_WINDOW_OVER;
}

/* ---- drawing ---- */

void notch_challenge_beacon(struct notch_hash *out, const struct notch_domain *domain,
                            const struct notch_hash *randomness, uint64_t window)
{
    uint8_t message[64];
    struct notch_writer writer = notch_writer(message, sizeof message);
    notch_write_bytes(&writer, "beacon", 6);
    notch_write_hash(&writer, randomness);
    notch_write_u64(&writer, window);
    notch_assert(notch_writer_ok(&writer));
    notch_domain_hash(out, domain, NOTCH_TAG_CHALLENGE, notch_writer_bytes(&writer));
}

/* Uses are told apart by their names, and from commitments by their lengths: those are longer (chain/entry_model.h). */
void notch__challenge_seed(struct notch_hash *out, const struct notch_domain *domain, const char *use,
                           const struct notch_hash *beacon, const struct notch_challenge *challenge)
{
    uint8_t subject_bytes[40 + 32 * NOTCH_FORECAST_MARKETS_MAX];
    struct notch_writer subject = notch_writer(subject_bytes, sizeof subject_bytes);
    notch_write_u64(&subject, challenge->window);
    notch_write_u8(&subject, (uint8_t)challenge->kind);
    notch_challenge_row(challenge->kind)->subject(&subject, challenge);
    notch_assert(notch_writer_ok(&subject));
    struct notch_hash subject_hash;
    notch_sha256(&subject_hash, notch_writer_bytes(&subject));
    uint8_t message[105];
    struct notch_writer writer = notch_writer(message, sizeof message);
    notch_write_bytes(&writer, use, strlen(use));
    notch_write_hash(&writer, beacon);
    notch_write_key(&writer, &challenge->account);
    notch_write_hash(&writer, &subject_hash);
    notch_assert(notch_writer_ok(&writer));
    notch_domain_hash(out, domain, NOTCH_TAG_CHALLENGE, notch_writer_bytes(&writer));
}

void notch_challenge_id(struct notch_hash *out, const struct notch_domain *domain,
                        const struct notch_challenge *challenge)
{
    notch__challenge_seed(out, domain, "id", &challenge->beacon, challenge);
}

/* Raw: a seed from the bytes of a hash. */
uint32_t notch_challenge_draw_markets(struct notch_hash *markets, uint32_t count, const struct notch_domain *domain,
                                      const struct notch_hash *beacon)
{
    uint8_t message[7 + 32];
    struct notch_writer writer = notch_writer(message, sizeof message);
    notch_write_bytes(&writer, "markets", 7);
    notch_write_hash(&writer, beacon);
    struct notch_hash seed;
    notch_domain_hash(&seed, domain, NOTCH_TAG_CHALLENGE, notch_writer_bytes(&writer));
    struct notch_rng rng;
    notch_rng_init(&rng, notch_get_be64(seed.raw));
    uint32_t drawn = count < NOTCH_FORECAST_MARKETS_MAX ? count : NOTCH_FORECAST_MARKETS_MAX;
    for (uint32_t i = 0; i < drawn; i++) {
        uint32_t at = i + (uint32_t)notch_rng_below(&rng, count - i);
        struct notch_hash market = markets[at];
        markets[at] = markets[i];
        markets[i] = market;
    }
    return drawn;
}

/* ---- entries ---- */

static struct notch_reject check_named(const struct notch_domain *domain, const struct notch_challenge *challenge,
                                       uint64_t window, enum notch_challenge_kind kind, const struct notch_hash *named)
{
    if (notch_challenge_row(challenge->kind)->judge == NULL) {
        return NOTCH_REJECT(NOT_ACTIVE, "challenge: this kind is not active yet");
    }
    if (window != challenge->window || kind != challenge->kind) {
        return NOTCH_REJECT(UNKNOWN_REF, "challenge: another window or kind");
    }
    struct notch_hash id;
    notch_challenge_id(&id, domain, challenge);
    if (!notch_hash_eq(&id, named)) {
        return NOTCH_REJECT(UNKNOWN_REF, "challenge: not what was asked of this account");
    }
    return NOTCH_VALID;
}

struct notch_reject notch_challenge_check_commit(const struct notch_window_rules *rules,
                                                 const struct notch_domain *domain,
                                                 const struct notch_challenge *challenge,
                                                 const struct notch_challenge_commit *commit,
                                                 struct notch_height height)
{
    struct notch_reject reject = check_named(domain, challenge, commit->window, commit->kind, &commit->challenge);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    enum notch_window_phase phase = notch_window_phase(rules, commit->window, height);
    if (phase == NOTCH_WINDOW_BEFORE) {
        return NOTCH_REJECT(FUTURE, "challenge_commit: the window has not begun");
    }
    return phase == NOTCH_WINDOW_COMMIT ? NOTCH_VALID : NOTCH_REJECT(EXPIRED, "challenge_commit: the window is over");
}

/* Raw: the distance of two slots. */
struct notch_reject notch_challenge_check_deadline(const struct notch_window_rules *rules,
                                                   enum notch_challenge_kind kind, struct notch_slot first,
                                                   struct notch_slot slot)
{
    if (kind == NOTCH_CHALLENGE_COMPUTE && (slot.raw < first.raw || slot.raw - first.raw > rules->compute_slots)) {
        return NOTCH_REJECT(EXPIRED, "challenge_commit: after the deadline");
    }
    return NOTCH_VALID;
}

struct notch_reject
notch_challenge_check_reveal(const struct notch_window_rules *rules, const struct notch_domain *domain,
                             const struct notch_challenge *challenge, const struct notch_challenge_commit *commit,
                             const struct notch_challenge_reveal *reveal, struct notch_height height)
{
    struct notch_reject reject = check_named(domain, challenge, reveal->window, reveal->kind, &reveal->challenge);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    enum notch_window_phase phase = notch_window_phase(rules, reveal->window, height);
    if (phase == NOTCH_WINDOW_BEFORE || phase == NOTCH_WINDOW_COMMIT) {
        return NOTCH_REJECT(FUTURE, "challenge_reveal: answers may still be committed to");
    }
    if (phase == NOTCH_WINDOW_OVER) {
        return NOTCH_REJECT(EXPIRED, "challenge_reveal: the window is over");
    }
    struct notch_hash commitment;
    notch_challenge_commitment(&commitment, domain, reveal, &challenge->account);
    if (!notch_hash_eq(&commitment, &commit->commitment)) {
        return NOTCH_REJECT(OPENING, "challenge_reveal: does not open the commitment");
    }
    return NOTCH_VALID;
}

/* ---- judging ---- */

struct notch_verdict notch_challenge_judge(const struct notch_domain *domain, const struct notch_challenge_case *found,
                                           const struct notch_alloc *alloc)
{
    const struct notch_challenge_row *row = notch_challenge_row(found->challenge->kind);
    if (row->judge == NULL) {
        return (struct notch_verdict){NOTCH_OUTCOME_VOID, 0};
    }
    if (!found->is_committed) {
        return (struct notch_verdict){NOTCH_OUTCOME_ABSENT, 0};
    }
    if (!found->is_revealed) {
        return (struct notch_verdict){NOTCH_OUTCOME_WITHHELD, 0};
    }
    if (!notch_is_valid(row->form(found->challenge, found->solution))) {
        return (struct notch_verdict){NOTCH_OUTCOME_WRONG, 0};
    }
    return row->judge(domain, found, alloc);
}
