#include "base/keytext.h"

#include "base/bech32.h"

struct network_row {
    enum notch_network network;
    const char *name;
    const char *prefix;
    struct notch_reject wrong; /* for a text of this network where another is wanted */
};

static const struct network_row networks[] = {
#define X(id, value, text, letters) \
    {NOTCH_NETWORK_##id, \
     text, \
     letters, \
     {NOTCH_REJECT_MALFORMED, "the key is for the " text " network (" letters "1...), which this is not"}},
    NOTCH_NETWORK_TABLE(X)
#undef X
};

static const struct network_row *row_of(enum notch_network network)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(networks); i++) {
        if (networks[i].network == network) {
            return &networks[i];
        }
    }
    notch_unreachable();
}

const char *notch_network_name(enum notch_network network)
{
    return row_of(network)->name;
}

const char *notch_network_prefix(enum notch_network network)
{
    return row_of(network)->prefix;
}

bool notch_network_parse(enum notch_network *out, const char *name)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(networks); i++) {
        if (strcmp(networks[i].name, name) == 0) {
            *out = networks[i].network;
            return true;
        }
    }
    return false;
}

bool notch_network_of_byte(enum notch_network *out, uint8_t byte)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(networks); i++) {
        if ((unsigned)networks[i].network == byte) {
            *out = networks[i].network;
            return true;
        }
    }
    return false;
}

void notch_key_print(char out[NOTCH_KEY_TEXT_MAX + 1], const struct notch_key *key, enum notch_network network)
{
    struct notch_bech32 encoded = {.kind = NOTCH_BECH32M};
    char text[NOTCH_BECH32_LEN_MAX + 1];
    const char *prefix = notch_network_prefix(network);
    memcpy(encoded.prefix, prefix, strlen(prefix) + 1);
    bool packed = notch_bech32_pack(&encoded, notch_bytes(key->raw, sizeof key->raw));
    notch_assert(packed);
    bool fits = notch_bech32_encode(text, &encoded);
    notch_assert(fits);
    size_t len = strlen(text);
    notch_assert(len <= NOTCH_KEY_TEXT_MAX);
    memcpy(out, text, len + 1);
}

struct notch_reject notch_key_parse_any(struct notch_key *out, enum notch_network *network, const char *text,
                                        size_t text_len)
{
    struct notch_bech32 decoded;
    struct notch_reject reject = notch_bech32_decode(&decoded, text, text_len);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (decoded.kind != NOTCH_BECH32M) {
        return NOTCH_REJECT(MALFORMED, "the checksum is of the older bech32; keys are written in bech32m");
    }
    const struct network_row *row = NULL;
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(networks); i++) {
        if (strcmp(networks[i].prefix, decoded.prefix) == 0) {
            row = &networks[i];
        }
    }
    if (row == NULL) {
        return NOTCH_REJECT(MALFORMED, "not a Notch key: it begins with none of notch1, tnotch1, dnotch1");
    }
    size_t len = 0;
    if (!notch_bech32_unpack(out->raw, sizeof out->raw, &len, &decoded, 0) || len != sizeof out->raw) {
        return NOTCH_REJECT(MALFORMED, "a key is 32 bytes, this is not");
    }
    *network = row->network;
    return NOTCH_VALID;
}

struct notch_reject notch_key_parse(struct notch_key *out, const char *text, size_t text_len,
                                    enum notch_network network)
{
    enum notch_network found = network;
    struct notch_reject reject = notch_key_parse_any(out, &found, text, text_len);
    if (!notch_is_valid(reject) || found == network) {
        return reject;
    }
    return row_of(found)->wrong;
}
