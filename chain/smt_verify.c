#include "chain/smt.h"
#include "chain/smt_node.h"

/* A decoded proof. */
struct proof {
    unsigned depth;
    enum notch__smt_end end;
    struct notch_bytes other; /* the key that stands in the way */
    struct notch_hash other_value;
    uint8_t bits[32];
    struct notch_bytes siblings; /* those that are not empty, from the top down */
    unsigned sibling_count;
};

static bool has_sibling(const struct proof *proof, unsigned index)
{
    return ((unsigned)proof->bits[index / 8] >> (index % 8) & 1u) != 0;
}

/* An end at depth d > 0 has a sibling there: without one, what is left would stand higher up. */
static bool bits_are_canonical(const struct proof *proof)
{
    for (unsigned i = proof->depth; i < 256 && i < (proof->depth + 7) / 8 * 8; i++) {
        if (has_sibling(proof, i)) {
            return false;
        }
    }
    return proof->depth == 0 || has_sibling(proof, proof->depth - 1);
}

static bool siblings_are_canonical(const struct proof *proof)
{
    struct notch_reader reader = notch_reader(proof->siblings);
    for (unsigned i = 0; i < proof->sibling_count; i++) {
        struct notch_hash sibling = notch_read_hash(&reader);
        if (notch_hash_is_zero(&sibling)) {
            return false;
        }
    }
    return true;
}

static bool decode(struct proof *out, struct notch_bytes bytes)
{
    struct notch_reader reader = notch_reader(bytes);
    *out = (struct proof){.depth = notch_read_u8(&reader)};
    uint8_t end = notch_read_u8(&reader);
    if (end > NOTCH__SMT_ENDS_OTHER) {
        return false;
    }
    out->end = (enum notch__smt_end)end;
    if (out->end == NOTCH__SMT_ENDS_OTHER) {
        out->other = notch_read_blob(&reader, NOTCH_SMT_KEY_MAX);
        out->other_value = notch_read_hash(&reader);
    }
    notch_read_into(&reader, out->bits, (out->depth + 7) / 8);
    for (unsigned i = 0; i < out->depth; i++) {
        out->sibling_count += has_sibling(out, i) ? 1 : 0;
    }
    out->siblings = notch_read_bytes(&reader, (size_t)out->sibling_count * sizeof(struct notch_hash));
    return notch_reader_done(&reader) && bits_are_canonical(out) && siblings_are_canonical(out);
}

static bool shares_prefix(const struct notch_hash *a, const struct notch_hash *b, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++) {
        if (((unsigned)(a->raw[i / 8] ^ b->raw[i / 8]) >> (7 - i % 8) & 1u) != 0) {
            return false;
        }
    }
    return true;
}

/* Hashes from the end of the path up to the root. */
static void climb(struct notch_hash *at, const struct notch_domain *domain, const struct proof *proof,
                  const struct notch_hash *path)
{
    static const struct notch_hash zero;
    unsigned left = proof->sibling_count;
    for (unsigned depth = proof->depth; depth-- > 0;) {
        struct notch_hash sibling = zero;
        if (has_sibling(proof, depth)) {
            memcpy(sibling.raw, proof->siblings.data + (size_t)--left * sizeof sibling.raw, sizeof sibling.raw);
        }
        bool is_right = ((unsigned)path->raw[depth / 8] >> (7 - depth % 8) & 1u) != 0;
        notch__smt_node_hash(at, domain, is_right ? &sibling : at, is_right ? at : &sibling);
    }
}

struct notch_reject notch_smt_verify(const struct notch_domain *domain, const struct notch_hash *root,
                                     struct notch_bytes key, const struct notch_hash *value_hash,
                                     struct notch_bytes bytes)
{
    struct proof proof;
    if (!decode(&proof, bytes)) {
        return NOTCH_REJECT(MALFORMED, "state proof");
    }
    if ((proof.end == NOTCH__SMT_ENDS_KEY) != (value_hash != NULL)) {
        return NOTCH_REJECT(ROOT, "state proof: of presence where of absence was asked for, or the other way");
    }
    struct notch_hash path;
    notch_domain_hash(&path, domain, NOTCH_TAG_STATE_KEY, key);
    struct notch_hash at = {{0}};
    if (proof.end == NOTCH__SMT_ENDS_KEY) {
        notch__smt_leaf_hash(&at, domain, key, value_hash);
    }
    if (proof.end == NOTCH__SMT_ENDS_OTHER) {
        struct notch_hash other_path;
        notch_domain_hash(&other_path, domain, NOTCH_TAG_STATE_KEY, proof.other);
        if (notch_bytes_eq(proof.other, key) || !shares_prefix(&path, &other_path, proof.depth)) {
            return NOTCH_REJECT(ROOT, "state proof: the other key does not lie in the way");
        }
        notch__smt_leaf_hash(&at, domain, proof.other, &proof.other_value);
    }
    climb(&at, domain, &proof, &path);
    return notch_hash_eq(&at, root) ? NOTCH_VALID : NOTCH_REJECT(ROOT, "state proof");
}
