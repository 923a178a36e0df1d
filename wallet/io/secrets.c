#include "wallet/io/secrets.h"

#include <sodium.h>

/* A multiple of 16 bytes: sodium puts the end of the block at the end of a page, and so aligns its beginning. */
struct slot {
    uint8_t secret[32];
    struct notch_prepared prepared;
};
_Static_assert(sizeof(struct slot) % 16 == 0, "see above");

/* One page-guarded block of secrets, and beside it, in ordinary memory, the keys. */
struct notch_secrets {
    struct slot *locked;
    struct notch_key *keys;
    size_t used;
    size_t slots;
    bool sealed;
    const struct notch_crypto *crypto;
    const struct notch_alloc *alloc;
};

void *notch_secrets_alloc(size_t len)
{
    if (sodium_init() < 0) {
        return NULL;
    }
    void *memory = sodium_malloc(len);
    if (memory != NULL) {
        sodium_memzero(memory, len);
    }
    return memory;
}

void notch_secrets_free(void *memory)
{
    sodium_free(memory);
}

enum notch_err notch_secrets_create(struct notch_secrets **out, size_t slots, const struct notch_crypto *crypto,
                                    const struct notch_alloc *alloc)
{
    notch_assert(slots >= 1);
    notch_assert(slots <= NOTCH_SECRETS_MAX);
    void *locked = notch_secrets_alloc(slots * sizeof(struct slot));
    if (locked == NULL) {
        return NOTCH_ERR_CRYPTO;
    }
    struct notch_secrets *secrets = notch_alloc(alloc, sizeof *secrets);
    secrets->locked = locked;
    secrets->keys = notch_alloc_array(alloc, slots, sizeof *secrets->keys);
    secrets->slots = slots;
    secrets->crypto = crypto;
    secrets->alloc = alloc;
    *out = secrets;
    return NOTCH_OK;
}

void notch_secrets_destroy(struct notch_secrets *secrets)
{
    if (secrets == NULL) {
        return;
    }
    notch_secrets_free(secrets->locked);
    notch_free(secrets->alloc, secrets->keys, secrets->slots * sizeof *secrets->keys);
    notch_free(secrets->alloc, secrets, sizeof *secrets);
}

static struct notch_signer signer_at(const struct notch_secrets *secrets, size_t slot)
{
    return (struct notch_signer){
        .key = secrets->keys[slot],
        .secret = secrets->locked[slot].secret,
        .prepared = &secrets->locked[slot].prepared,
    };
}

enum notch_err notch_secrets_add(struct notch_secrets *secrets, struct notch_signer *out, const uint8_t secret[32])
{
    notch_assert(!secrets->sealed);
    if (secrets->used == secrets->slots) {
        return NOTCH_ERR_SPACE;
    }
    size_t slot = secrets->used;
    const struct notch_crypto *crypto = secrets->crypto;
    if (!crypto->key_of_secret(crypto->self, &secrets->keys[slot], secret) ||
        !crypto->prepare(crypto->self, &secrets->locked[slot].prepared, secret)) {
        return NOTCH_ERR_CRYPTO;
    }
    memcpy(secrets->locked[slot].secret, secret, 32);
    secrets->used++;
    *out = signer_at(secrets, slot);
    return NOTCH_OK;
}

void notch_secrets_seal(struct notch_secrets *secrets)
{
    int rc = sodium_mprotect_readonly(secrets->locked);
    notch_assert(rc == 0);
    secrets->sealed = true;
}

enum notch_err notch_secrets_find(const struct notch_secrets *secrets, struct notch_signer *out,
                                  const struct notch_key *key)
{
    for (size_t i = 0; i < secrets->used; i++) {
        if (notch_key_eq(&secrets->keys[i], key)) {
            *out = signer_at(secrets, i);
            return NOTCH_OK;
        }
    }
    return NOTCH_ERR_NOT_FOUND;
}
