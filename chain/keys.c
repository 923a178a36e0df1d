#include "chain/keys.h"

struct notch_store_key notch_key_begin(uint8_t kind)
{
    struct notch_store_key key;
    key.data[0] = kind;
    key.len = 1;
    return key;
}

void notch_key_add(struct notch_store_key *key, const void *data, size_t len)
{
    notch_assert(len <= (size_t)(NOTCH_STORE_KEY_MAX - key->len));
    if (len > 0) {
        memcpy(key->data + key->len, data, len);
    }
    key->len = (uint8_t)(key->len + len);
}

void notch_key_add_u8(struct notch_store_key *key, uint8_t value)
{
    notch_key_add(key, &value, 1);
}

void notch_key_add_be64(struct notch_store_key *key, uint64_t value)
{
    uint8_t raw[8];
    notch_put_be64(raw, value);
    notch_key_add(key, raw, sizeof raw);
}

struct notch_store_key notch_key_number(enum notch_flat kind, uint64_t number)
{
    struct notch_store_key key = notch_key_begin((uint8_t)kind);
    notch_key_add_be64(&key, number);
    return key;
}

struct notch_store_key notch_key_hash16(enum notch_flat kind, const struct notch_hash *hash)
{
    struct notch_store_key key = notch_key_begin((uint8_t)kind);
    notch_key_add(&key, hash->raw, 16);
    return key;
}

struct notch_store_key notch_key_history(unsigned level, uint64_t first)
{
    struct notch_store_key key = notch_key_begin(NOTCH_FLAT_HISTORY);
    notch_key_add_u8(&key, (uint8_t)level);
    notch_key_add_be64(&key, first);
    return key;
}

struct notch_store_key notch_key_state(struct notch_bytes state_key)
{
    struct notch_store_key key = notch_key_begin(NOTCH_FLAT_STATE);
    notch_key_add(&key, state_key.data, state_key.len);
    return key;
}

struct notch_store_key notch_state_key_32(enum notch_state_kind kind, const uint8_t id[32])
{
    struct notch_store_key key = notch_key_begin((uint8_t)kind);
    notch_key_add(&key, id, 32);
    return key;
}

void notch_salt_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_key *author,
                     const struct notch_salt *salt)
{
    struct notch_sha256 sha;
    notch_domain_begin(&sha, domain, NOTCH_TAG_RECORD_SALT);
    notch_sha256_update(&sha, author->raw, sizeof author->raw);
    notch_sha256_update(&sha, salt->raw, sizeof salt->raw);
    notch_sha256_final(&sha, out);
}
