#include "chain/salt.h"

/* A key for one purpose out of the secret, which it does not give away. */
static void begin_keyed(struct notch_sha256 *sha, const struct notch_domain *domain, const char *purpose,
                        const uint8_t secret[32])
{
    struct notch_hash key;
    notch_hash_tagged(&key, purpose, notch_bytes(secret, 32));
    notch_domain_begin(sha, domain, NOTCH_TAG_RECORD_SALT);
    notch_sha256_update(sha, key.raw, sizeof key.raw);
    notch_wipe(&key, sizeof key);
}

void notch_record_salt(struct notch_salt *out, const struct notch_domain *domain, const uint8_t secret[32],
                       const struct notch_hash *content)
{
    struct notch_sha256 sha;
    struct notch_hash hash;
    begin_keyed(&sha, domain, "notch/wallet/salt-key", secret);
    notch_sha256_update(&sha, content->raw, sizeof content->raw);
    notch_sha256_final(&sha, &hash);
    memcpy(out->raw, hash.raw, sizeof out->raw);
    notch_wipe(&sha, sizeof sha);
}

void notch_need_blinding(struct notch_blinding *out, const struct notch_domain *domain, const uint8_t secret[32],
                         const struct notch_hash *resource, const struct notch_period *period,
                         struct notch_amount amount)
{
    /* Raw: encoded as they stand. */
    uint8_t message[32 + 24 + 1];
    struct notch_writer writer = notch_writer(message, sizeof message - 1);
    notch_write_hash(&writer, resource);
    notch_write_u64(&writer, period->start.raw);
    notch_write_u64(&writer, period->length_ms);
    notch_write_u64(&writer, (uint64_t)amount.raw);
    notch_assert(notch_writer_ok(&writer));
    /* Two hashes make the 64 bytes that a uniform scalar wants. */
    struct notch_hash halves[2];
    for (uint8_t half = 0; half < 2; half++) {
        struct notch_sha256 sha;
        message[sizeof message - 1] = half;
        begin_keyed(&sha, domain, "notch/wallet/blinding-key", secret);
        notch_sha256_update(&sha, message, sizeof message);
        notch_sha256_final(&sha, &halves[half]);
        notch_wipe(&sha, sizeof sha);
    }
    uint8_t wide[64];
    memcpy(wide, halves[0].raw, 32);
    memcpy(wide + 32, halves[1].raw, 32);
    notch_blinding_from_entropy(out, wide);
    notch_wipe(wide, sizeof wide);
    notch_wipe(halves, sizeof halves);
}
