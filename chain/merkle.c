#include "chain/merkle.h"

#include "base/assert.h"

/* 2^63 leaves: sums of two sizes then never pass 64 bits. */
#define SIZE_MAX_LEAVES (UINT64_C(1) << 63)

void notch_merkle_leaf(struct notch_hash *out, struct notch_bytes data)
{
    static const uint8_t prefix = 0x00;
    struct notch_sha256 sha;
    notch_sha256_init(&sha);
    notch_sha256_update(&sha, &prefix, 1);
    notch_sha256_update(&sha, data.data, data.len);
    notch_sha256_final(&sha, out);
}

/* Raw: hashes by their bytes. */
void notch_merkle_node(struct notch_hash *out, const struct notch_hash *left, const struct notch_hash *right)
{
    uint8_t message[65];
    message[0] = 0x01;
    memcpy(message + 1, left->raw, 32);
    memcpy(message + 33, right->raw, 32);
    notch_sha256(out, notch_bytes(message, sizeof message));
}

static unsigned lowest_bit(uint64_t value)
{
    return (unsigned)__builtin_ctzll(value);
}

static unsigned highest_bit(uint64_t value)
{
    return 63 - (unsigned)__builtin_clzll(value);
}

/* The left part of a tree of `size` leaves is complete and holds this many. size > 1. */
static uint64_t split_of(uint64_t size)
{
    return UINT64_C(1) << highest_bit(size - 1);
}

void notch_merkle_init(struct notch_merkle *tree)
{
    /* A level counts only where its bit of the size is set: the hashes need no beginning. */
    tree->size = 0;
}

unsigned notch_merkle_append_nodes(struct notch_merkle *tree, struct notch_hash nodes[NOTCH_MERKLE_LEVELS],
                                   const struct notch_hash *leaf)
{
    notch_assert(tree->size < SIZE_MAX_LEAVES);
    nodes[0] = *leaf;
    unsigned level = 0;
    for (; (tree->size >> level & 1) != 0; level++) {
        notch_merkle_node(&nodes[level + 1], &tree->frontier[level], &nodes[level]);
    }
    tree->frontier[level] = nodes[level];
    tree->size++;
    return level + 1;
}

void notch_merkle_append(struct notch_merkle *tree, const struct notch_hash *leaf)
{
    notch_assert(tree->size < SIZE_MAX_LEAVES);
    struct notch_hash node = *leaf;
    unsigned level = 0;
    for (; (tree->size >> level & 1) != 0; level++) {
        notch_merkle_node(&node, &tree->frontier[level], &node);
    }
    tree->frontier[level] = node;
    tree->size++;
}

void notch_merkle_root(const struct notch_merkle *tree, struct notch_hash *out)
{
    if (tree->size == 0) {
        notch_sha256(out, notch_bytes(NULL, 0));
        return;
    }
    uint64_t left = tree->size;
    struct notch_hash root = tree->frontier[lowest_bit(left)];
    for (left &= left - 1; left != 0; left &= left - 1) {
        notch_merkle_node(&root, &tree->frontier[lowest_bit(left)], &root);
    }
    *out = root;
}

void notch_merkle_root_of(struct notch_hash *out, const struct notch_hash *leaves, uint64_t count)
{
    if (count == 1) {
        *out = leaves[0];
        return;
    }
    struct notch_merkle tree;
    notch_merkle_init(&tree);
    for (uint64_t i = 0; i < count; i++) {
        notch_merkle_append(&tree, &leaves[i]);
    }
    notch_merkle_root(&tree, out);
}

/* A table of the positions by the first bytes of the hash, which is as good as random. Raw: hashes by their bytes. */
bool notch_merkle_has_twins(const struct notch_hash *leaves, size_t count)
{
    enum { BUCKETS = 2 * NOTCH_MERKLE_TWINS_MAX };
    notch_assert(count <= NOTCH_MERKLE_TWINS_MAX);
    if (count < 2) {
        return false;
    }
    uint16_t table[BUCKETS] = {0};
    for (size_t i = 0; i < count; i++) {
        size_t bucket = ((size_t)leaves[i].raw[0] << 8 | leaves[i].raw[1]) % BUCKETS;
        for (; table[bucket] != 0; bucket = (bucket + 1) % BUCKETS) {
            if (notch_hash_eq(&leaves[table[bucket] - 1], &leaves[i])) {
                return true;
            }
        }
        table[bucket] = (uint16_t)(i + 1);
    }
    return false;
}

void notch_merkle_write(struct notch_writer *writer, const struct notch_merkle *tree)
{
    notch_write_uvar(writer, tree->size);
    for (uint64_t left = tree->size; left != 0; left &= left - 1) {
        notch_write_hash(writer, &tree->frontier[lowest_bit(left)]);
    }
}

void notch_merkle_read(struct notch_reader *reader, struct notch_merkle *out)
{
    notch_merkle_init(out);
    uint64_t size = notch_read_uvar_max(reader, SIZE_MAX_LEAVES);
    for (uint64_t left = size; left != 0; left &= left - 1) {
        out->frontier[lowest_bit(left)] = notch_read_hash(reader);
    }
    out->size = reader->failed ? 0 : size;
}

/* The subtree by appending its leaves: for lists in memory, where nobody has stored inner nodes. */
static enum notch_err node_of_leaves(const void *self, struct notch_hash *out, uint64_t first, unsigned level)
{
    const struct notch_merkle_leaves *list = self;
    uint64_t count = UINT64_C(1) << level;
    if (first > list->count || list->count - first < count) {
        return NOTCH_ERR_NOT_FOUND;
    }
    notch_merkle_root_of(out, list->leaves + first, count);
    return NOTCH_OK;
}

struct notch_merkle_nodes notch_merkle_nodes_of(const struct notch_merkle_leaves *leaves)
{
    return (struct notch_merkle_nodes){node_of_leaves, leaves};
}

/* The root over leaves [first, end), where `first` is a multiple of the greatest power of two within their number. */
static enum notch_err range_root(const struct notch_merkle_nodes *nodes, struct notch_hash *out, uint64_t first,
                                 uint64_t end)
{
    uint64_t left = end - first;
    bool started = false;
    struct notch_hash root;
    while (left != 0) {
        unsigned level = lowest_bit(left);
        left &= left - 1;
        struct notch_hash node;
        enum notch_err err = nodes->node(nodes->self, &node, first + left, level);
        if (err != NOTCH_OK) {
            return err;
        }
        if (started) {
            notch_merkle_node(&root, &node, &root);
        } else {
            root = node;
            started = true;
        }
    }
    *out = root;
    return NOTCH_OK;
}

static void reverse(struct notch_hash *hashes, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        struct notch_hash other = hashes[i];
        hashes[i] = hashes[len - 1 - i];
        hashes[len - 1 - i] = other;
    }
}

size_t notch_merkle_inclusion_len(uint64_t index, uint64_t size)
{
    notch_assert(index < size);
    uint64_t first = 0;
    size_t len = 0;
    while (size > 1) {
        uint64_t split = split_of(size);
        bool right = index - first >= split;
        first += right ? split : 0;
        size = right ? size - split : split;
        len++;
    }
    return len;
}

enum notch_err notch_merkle_prove_inclusion(struct notch_hash *proof, size_t *proof_len,
                                            const struct notch_merkle_nodes *nodes, uint64_t index, uint64_t size)
{
    *proof_len = 0;
    if (index >= size || size > SIZE_MAX_LEAVES) {
        return NOTCH_ERR_RANGE;
    }
    size_t len = 0;
    uint64_t first = 0;
    uint64_t end = size;
    while (end - first > 1) {
        uint64_t middle = first + split_of(end - first);
        bool right = index >= middle;
        uint64_t from = right ? first : middle;
        uint64_t to = right ? middle : end;
        enum notch_err err = range_root(nodes, &proof[len], from, to);
        if (err != NOTCH_OK) {
            return err;
        }
        len++;
        first = right ? middle : first;
        end = right ? end : middle;
    }
    reverse(proof, len);
    *proof_len = len;
    return NOTCH_OK;
}

/* SUBPROOF of RFC 9162 2.1.4.1, from the root downwards and then turned round. */
enum notch_err notch_merkle_prove_consistency(struct notch_hash *proof, size_t *proof_len,
                                              const struct notch_merkle_nodes *nodes, uint64_t old_size,
                                              uint64_t new_size)
{
    *proof_len = 0;
    if (old_size > new_size || new_size > SIZE_MAX_LEAVES) {
        return NOTCH_ERR_RANGE;
    }
    if (old_size == 0 || old_size == new_size) {
        return NOTCH_OK;
    }
    size_t len = 0;
    uint64_t first = 0;
    uint64_t end = new_size;
    while (old_size != end) {
        uint64_t middle = first + split_of(end - first);
        bool right = old_size > middle;
        enum notch_err err = range_root(nodes, &proof[len], right ? first : middle, right ? middle : end);
        if (err != NOTCH_OK) {
            return err;
        }
        len++;
        first = right ? middle : first;
        end = right ? end : middle;
    }
    /* The old tree as a whole is what the verifier already has. */
    if (first != 0) {
        enum notch_err err = range_root(nodes, &proof[len], first, end);
        if (err != NOTCH_OK) {
            return err;
        }
        len++;
    }
    reverse(proof, len);
    *proof_len = len;
    return NOTCH_OK;
}

/* RFC 9162 2.1.3.2. `last` is the index of the last node of the level that the climb has reached. */
bool notch_merkle_climb(struct notch_hash *root, const struct notch_hash *leaf, uint64_t index, uint64_t size,
                        const struct notch_hash *proof, size_t proof_len)
{
    if (index >= size || size > SIZE_MAX_LEAVES || proof_len != notch_merkle_inclusion_len(index, size)) {
        return false;
    }
    struct notch_hash node = *leaf;
    uint64_t last = size - 1;
    for (size_t i = 0; i < proof_len; i++) {
        if ((index & 1) == 0 && index != last) {
            notch_merkle_node(&node, &node, &proof[i]);
        } else {
            /* A last node without a sibling stands for itself on the levels above, up to where it has one. */
            unsigned lonely = (index & 1) != 0 ? 0 : lowest_bit(index);
            index >>= lonely;
            last >>= lonely;
            notch_merkle_node(&node, &proof[i], &node);
        }
        index >>= 1;
        last >>= 1;
    }
    *root = node;
    return true;
}

bool notch_merkle_verify_inclusion(const struct notch_hash *leaf, uint64_t index, uint64_t size,
                                   const struct notch_hash *proof, size_t proof_len, const struct notch_hash *root)
{
    struct notch_hash found;
    return notch_merkle_climb(&found, leaf, index, size, proof, proof_len) && notch_hash_eq(&found, root);
}

/* RFC 9162 2.1.4.2: climbs with the last leaf of the old tree, and builds both roots on the way. */
static bool climb_both(struct notch_hash *old_root, struct notch_hash *new_root, uint64_t old_size, uint64_t new_size,
                       const struct notch_hash *proof, size_t proof_len)
{
    uint64_t index = old_size - 1;
    uint64_t last = new_size - 1;
    unsigned complete = lowest_bit(~index);
    index >>= complete;
    last >>= complete;
    for (size_t i = 0; i < proof_len; i++) {
        if (last == 0) {
            return false;
        }
        if ((index & 1) != 0 || index == last) {
            notch_merkle_node(old_root, &proof[i], old_root);
            notch_merkle_node(new_root, &proof[i], new_root);
            unsigned lonely = (index & 1) != 0 || index == 0 ? 0 : lowest_bit(index);
            index >>= lonely;
            last >>= lonely;
        } else {
            notch_merkle_node(new_root, new_root, &proof[i]);
        }
        index >>= 1;
        last >>= 1;
    }
    return last == 0;
}

bool notch_merkle_verify_consistency(uint64_t old_size, const struct notch_hash *old_root, uint64_t new_size,
                                     const struct notch_hash *new_root, const struct notch_hash *proof,
                                     size_t proof_len)
{
    if (old_size > new_size || new_size > SIZE_MAX_LEAVES || proof_len > NOTCH_MERKLE_PROOF_MAX) {
        return false;
    }
    if (old_size == 0) {
        struct notch_hash empty;
        notch_sha256(&empty, notch_bytes(NULL, 0));
        return proof_len == 0 && notch_hash_eq(old_root, &empty) && (new_size > 0 || notch_hash_eq(new_root, &empty));
    }
    if (old_size == new_size) {
        return proof_len == 0 && notch_hash_eq(old_root, new_root);
    }
    /* Where the old tree is complete, its root is the first node, and the proof does not repeat it. */
    bool whole = (old_size & (old_size - 1)) == 0;
    if (!whole && proof_len == 0) {
        return false;
    }
    struct notch_hash old_found = whole ? *old_root : proof[0];
    struct notch_hash new_found = old_found;
    size_t used = whole ? 0 : 1;
    return climb_both(&old_found, &new_found, old_size, new_size, proof + used, proof_len - used) &&
           notch_hash_eq(&old_found, old_root) && notch_hash_eq(&new_found, new_root);
}
