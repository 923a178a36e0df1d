#include "chain/smt_node.h"

struct notch_bytes notch__smt_node_key(uint8_t out[NOTCH__SMT_NODE_KEY_MAX], const struct notch_hash *path,
                                       unsigned depth)
{
    size_t bytes = (depth + 1) / 2;
    out[0] = (uint8_t)depth;
    memcpy(out + 1, path->raw, bytes);
    if (depth % 2 == 1) {
        out[bytes] &= 0xf0u;
    }
    return notch_bytes(out, 1 + bytes);
}

void notch__smt_node_clear(struct notch__smt_node *node)
{
    for (unsigned i = 0; i < 16; i++) {
        node->slots[i].kind = NOTCH__SMT_EMPTY;
    }
}

void notch__smt_node_encode(const struct notch__smt_node *node, struct notch_buf *out)
{
    unsigned present = 0;
    unsigned leaf = 0;
    for (unsigned i = 0; i < 16; i++) {
        present |= (node->slots[i].kind != NOTCH__SMT_EMPTY ? 1u : 0u) << i;
        leaf |= (node->slots[i].kind == NOTCH__SMT_LEAF ? 1u : 0u) << i;
    }
    struct notch_writer writer = notch_writer_grow(out);
    notch_write_u16(&writer, (uint16_t)present);
    notch_write_u16(&writer, (uint16_t)leaf);
    for (unsigned i = 0; i < 16; i++) {
        const struct notch__smt_slot *slot = &node->slots[i];
        if (slot->kind == NOTCH__SMT_EMPTY) {
            continue;
        }
        notch_write_hash(&writer, &slot->hash);
        if (slot->kind == NOTCH__SMT_LEAF) {
            notch_write_blob(&writer, notch__smt_slot_key(slot));
        }
    }
}

enum notch_err notch__smt_node_decode(struct notch__smt_node *out, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    unsigned present = notch_read_u16(&reader);
    unsigned leaf = notch_read_u16(&reader);
    if (present == 0 || (leaf & ~present) != 0) {
        return NOTCH_ERR_CORRUPT;
    }
    notch__smt_node_clear(out);
    for (unsigned i = 0; i < 16; i++) {
        if ((present >> i & 1u) == 0) {
            continue;
        }
        struct notch__smt_slot *slot = &out->slots[i];
        slot->hash = notch_read_hash(&reader);
        slot->kind = NOTCH__SMT_INNER;
        if ((leaf >> i & 1u) != 0) {
            struct notch_bytes key = notch_read_blob(&reader, NOTCH_SMT_KEY_MAX);
            notch__smt_slot_set_leaf(slot, &slot->hash, key);
        }
    }
    return notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}

void notch__smt_slot_set_leaf(struct notch__smt_slot *slot, const struct notch_hash *leaf, struct notch_bytes key)
{
    notch_assert(key.len <= NOTCH_SMT_KEY_MAX);
    slot->kind = NOTCH__SMT_LEAF;
    slot->hash = *leaf;
    slot->key_len = (uint8_t)key.len;
    if (key.len > 0) {
        memcpy(slot->key, key.data, key.len);
    }
}

void notch__smt_leaf_hash(struct notch_hash *out, const struct notch_domain *domain, struct notch_bytes key,
                          const struct notch_hash *value_hash)
{
    struct notch_sha256 sha;
    notch_domain_begin(&sha, domain, NOTCH_TAG_STATE_LEAF);
    notch_sha256_update(&sha, value_hash->raw, sizeof value_hash->raw);
    notch_sha256_update(&sha, key.data, key.len);
    notch_sha256_final(&sha, out);
}

void notch__smt_node_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_hash *left,
                          const struct notch_hash *right)
{
    struct notch_hash both[2] = {*left, *right};
    notch_domain_hash(out, domain, NOTCH_TAG_STATE_NODE, notch_bytes(both, sizeof both));
}

/* A leaf beside nothing stays a leaf; everything else that is not empty is an inner node. */
static enum notch__smt_kind join(struct notch_hash *out, const struct notch_domain *domain,
                                 const enum notch__smt_kind kinds[2], const struct notch_hash hashes[2])
{
    if (kinds[0] == NOTCH__SMT_EMPTY && kinds[1] != NOTCH__SMT_INNER) {
        *out = hashes[1];
        return kinds[1];
    }
    if (kinds[0] == NOTCH__SMT_LEAF && kinds[1] == NOTCH__SMT_EMPTY) {
        *out = hashes[0];
        return NOTCH__SMT_LEAF;
    }
    notch__smt_node_hash(out, domain, &hashes[0], &hashes[1]);
    return NOTCH__SMT_INNER;
}

void notch__smt_node_fold(struct notch__smt_fold *fold, const struct notch__smt_node *node,
                          const struct notch_domain *domain)
{
    static const struct notch_hash zero;
    for (unsigned i = 0; i < 16; i++) {
        fold->kinds[4][i] = node->slots[i].kind;
        fold->hashes[4][i] = node->slots[i].kind == NOTCH__SMT_EMPTY ? zero : node->slots[i].hash;
    }
    for (unsigned level = 4; level-- > 0;) {
        for (unsigned i = 0; i < 1u << level; i++) {
            fold->kinds[level][i] = join(&fold->hashes[level][i], domain, &fold->kinds[level + 1][(size_t)2 * i],
                                         &fold->hashes[level + 1][(size_t)2 * i]);
        }
    }
}

void notch__smt_fold_slot(struct notch__smt_slot *out, const struct notch__smt_fold *fold,
                          const struct notch__smt_node *node, unsigned level, unsigned at)
{
    out->kind = fold->kinds[level][at];
    out->hash = fold->hashes[level][at];
    out->key_len = 0;
    if (out->kind != NOTCH__SMT_LEAF) {
        return;
    }
    unsigned first = at << (4 - level);
    while (node->slots[first].kind != NOTCH__SMT_LEAF) {
        first++;
    }
    *out = node->slots[first];
}

void notch__smt_node_collapse(struct notch__smt_slot *out, const struct notch__smt_node *node,
                              const struct notch_domain *domain)
{
    struct notch__smt_fold fold;
    notch__smt_node_fold(&fold, node, domain);
    notch__smt_fold_slot(out, &fold, node, 0, 0);
}
