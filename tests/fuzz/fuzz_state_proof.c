/*
 * A state proof from outside.
 *
 * Input        a blob: the key; then the proof.
 *
 * It is verified under the root of a tree that holds the keys "a" to "h", each with the value "v". Whatever the bytes:
 * one of these keys cannot be shown to be absent, no other key can be shown to be there.
 */
#include "chain/nodes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum notch_err get_nothing(const void *self, struct notch_buf *out, struct notch_bytes key)
{
    (void)self;
    (void)out;
    (void)key;
    return NOTCH_ERR_NOT_FOUND;
}

static void make_root(struct notch_hash *root, const struct notch_domain *domain)
{
    static const char keys[] = "abcdefgh";
    const struct notch_alloc *heap = notch_alloc_heap();
    const struct notch_store_view view = {.get = get_nothing};
    struct notch_layer layer;
    notch_layer_init(&layer, heap, (struct notch_siphash_key){1, 2}, NULL);
    struct notch__nodes nodes = {.target = &layer, .layer = &layer, .view = &view};
    struct notch_smt_nodes functions = notch__nodes_of(&nodes);
    struct notch_smt_change changes[8];
    for (size_t i = 0; i < 8; i++) {
        changes[i] = (struct notch_smt_change){.key = notch_bytes(&keys[i], 1)};
        notch_sha256(&changes[i].value_hash, notch_bytes("v", 1));
    }
    struct notch_smt *smt = notch_smt_create(heap, domain);
    enum notch_err err = notch_smt_update(smt, root, &functions, changes, 8);
    notch_assert(err == NOTCH_OK);
    notch_smt_destroy(smt);
    notch_layer_fini(&layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct notch_hash genesis = {{7}};
    struct notch_domain domain;
    struct notch_hash root, value_hash;
    notch_domain_init(&domain, &genesis);
    make_root(&root, &domain);
    struct notch_reader reader = notch_reader(notch_bytes(data, size));
    struct notch_bytes key = notch_read_blob(&reader, NOTCH_SMT_KEY_MAX);
    struct notch_bytes proof = notch_read_bytes(&reader, notch_reader_left(&reader));
    if (reader.failed) {
        return 0;
    }
    notch_sha256(&value_hash, notch_bytes("v", 1));
    bool is_there = key.len == 1 && key.data[0] >= 'a' && key.data[0] <= 'h';
    bool shown_present = notch_is_valid(notch_smt_verify(&domain, &root, key, &value_hash, proof));
    bool shown_absent = notch_is_valid(notch_smt_verify(&domain, &root, key, NULL, proof));
    notch_assert(!shown_present || is_there);
    notch_assert(!shown_absent || !is_there);
    return 0;
}
