#include "p2p/wire.h"

#include "base/hash.h"

#define IS_ITEMS(code) ((code) >= NOTCH_P2P_RECORDS && (code) <= NOTCH_P2P_CHALLENGES)

static const struct notch_p2p_type_info types[] = {
#define X(name, code, class, shape, cap) {NOTCH_P2P_##name, NOTCH_P2P_CLASS_##class, (cap), #name, IS_ITEMS(code)},
    NOTCH_P2P_TYPE_TABLE(X)
#undef X
};

const struct notch_p2p_type_info *notch_p2p_type_info(uint8_t code)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(types); i++) {
        if ((uint8_t)types[i].type == code) {
            return &types[i];
        }
    }
    return NULL;
}

const char *notch_p2p_class_name(enum notch_p2p_class class)
{
    static const char *const names[] = {
#define X(name, text) [NOTCH_P2P_CLASS_##name] = (text),
        NOTCH_P2P_CLASS_TABLE(X)
#undef X
    };
    notch_assert((size_t) class < NOTCH_ARRAY_LEN(names));
    return names[class];
}

/* question, answer */
static const uint8_t answers[][2] = {
    {NOTCH_P2P_GET_SETS, NOTCH_P2P_SETS},
    {NOTCH_P2P_GET_HEADERS, NOTCH_P2P_HEADERS},
    {NOTCH_P2P_GET_BODIES, NOTCH_P2P_BODIES},
    {NOTCH_P2P_GET_BATCHES, NOTCH_P2P_GOT_BATCHES},
    {NOTCH_P2P_GET_CERTIFICATE, NOTCH_P2P_CERTIFICATE},
    {NOTCH_P2P_RECONCILE, NOTCH_P2P_RECONCILED},
    {NOTCH_P2P_GET_SNAPSHOT, NOTCH_P2P_SNAPSHOT},
    {NOTCH_P2P_GET_CHUNK, NOTCH_P2P_CHUNK},
};

uint8_t notch_p2p_answer_of(enum notch_p2p_type request)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(answers); i++) {
        if (answers[i][0] == (uint8_t)request) {
            return answers[i][1];
        }
    }
    return 0;
}

bool notch_p2p_is_answer(enum notch_p2p_type type)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(answers); i++) {
        if (answers[i][1] == (uint8_t)type) {
            return true;
        }
    }
    return false;
}

uint32_t notch_p2p_token(const struct notch_p2p_message *message)
{
    /* The token is the first member of every struct that has one. */
    bool has_token = notch_p2p_answer_of(message->type) != 0 || notch_p2p_is_answer(message->type);
    return has_token ? message->get_ids.token : 0;
}

void notch_p2p_item_id(struct notch_hash *out, enum notch_p2p_type type, struct notch_bytes bytes)
{
    uint8_t code = (uint8_t)type;
    struct notch_sha256 sha;
    notch_sha256_init(&sha);
    notch_sha256_update(&sha, &code, sizeof code);
    notch_sha256_update(&sha, bytes.data, bytes.len);
    notch_sha256_final(&sha, out);
}

void notch_p2p_hello_hash(struct notch_hash *out, const struct notch_hash *genesis, const uint8_t binding[32],
                          const struct notch_key *signer, const struct notch_key *other)
{
    uint8_t bytes[4 * 32];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_write_hash(&writer, genesis);
    notch_write_bytes(&writer, binding, 32);
    notch_write_key(&writer, signer);
    notch_write_key(&writer, other);
    notch_hash_tagged(out, "notch/p2p/hello", notch_writer_bytes(&writer));
}
