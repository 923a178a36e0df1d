#include "chain/groups.h"

#include "base/assert.h"

#define SIG_LEN sizeof(struct notch_sig)

void notch_groups_write(struct notch_buf *out, const struct notch_batch *batch, const struct notch_hash *leaves)
{
    struct notch_writer writer = notch_writer_grow(out);
    notch_write_uvar(&writer, (uint64_t)(batch->records.data - batch->encoded.data));
    struct notch_reader reader = notch_reader(batch->records);
    for (uint32_t first = 0; first < batch->record_count; first += NOTCH_GROUP_RECORDS) {
        uint32_t left = batch->record_count - first;
        uint32_t count = left < NOTCH_GROUP_RECORDS ? left : NOTCH_GROUP_RECORDS;
        const uint8_t *start = reader.at;
        struct notch_bytes record;
        for (uint32_t i = 0; i < count; i++) {
            bool there = notch_batch_next_record(&reader, &record);
            notch_assert(there);
        }
        struct notch_hash root;
        notch_merkle_root_of(&root, leaves + first, count);
        notch_write_uvar(&writer, (uint64_t)(reader.at - start));
        notch_write_hash(&writer, &root);
    }
}

/* A decoded value, and one group of it. */
struct groups {
    uint32_t start; /* of the first record */
    uint32_t count;
    struct notch_hash roots[NOTCH_GROUPS_MAX];
    struct notch_store_span group; /* of the batch */
};

/* CORRUPT where the value is not one, RANGE where it has not the group. */
static enum notch_err groups_decode(struct groups *out, struct notch_bytes value, uint32_t group)
{
    struct notch_reader reader = notch_reader(value);
    out->start = (uint32_t)notch_read_uvar_max(&reader, NOTCH_BATCH_BYTES_MAX);
    out->count = 0;
    uint64_t at = out->start;
    while (notch_reader_left(&reader) > 0 && out->count < NOTCH_GROUPS_MAX) {
        uint32_t len = (uint32_t)notch_read_uvar_max(&reader, NOTCH_BATCH_RECORDS_BYTES_MAX);
        if (out->count == group) {
            out->group = (struct notch_store_span){(uint32_t)at, len};
        }
        at += len;
        out->roots[out->count++] = notch_read_hash(&reader);
    }
    if (!notch_reader_done(&reader) || out->start < SIG_LEN || at > NOTCH_BATCH_BYTES_MAX) {
        return NOTCH_ERR_CORRUPT;
    }
    return group < out->count ? NOTCH_OK : NOTCH_ERR_RANGE;
}

/* The leaves of a group from its bytes, and the record at `index` of it.
 * Raw: the bytes of a record id are the data of its leaf. */
static enum notch_err group_leaves(struct notch_hash leaves[NOTCH_GROUP_RECORDS], uint32_t *count,
                                   struct notch_buf *record, uint32_t index, struct notch_bytes bytes,
                                   const struct notch_domain *domain)
{
    struct notch_reader reader = notch_reader(bytes);
    struct notch_bytes encoded;
    for (*count = 0; *count < NOTCH_GROUP_RECORDS && notch_batch_next_record(&reader, &encoded); (*count)++) {
        struct notch_record each;
        if (!notch_is_valid(notch_record_decode(&each, encoded))) {
            return NOTCH_ERR_CORRUPT;
        }
        notch_record_hash(&each, domain);
        notch_merkle_leaf(&leaves[*count], notch_bytes(each.id.raw, sizeof each.id.raw));
        if (*count == index) {
            notch_buf_append(record, encoded.data, encoded.len);
        }
    }
    if (!notch_reader_done(&reader)) {
        return NOTCH_ERR_CORRUPT;
    }
    return index < *count ? NOTCH_OK : NOTCH_ERR_RANGE;
}

/* The path in the group, then the one over the groups. */
static enum notch_err group_path(struct notch_proof_content *out, const struct groups *groups,
                                 const struct notch_merkle_leaves *group, uint32_t index)
{
    struct notch_merkle_nodes nodes = notch_merkle_nodes_of(group);
    enum notch_err err =
        notch_merkle_prove_inclusion(out->path, &out->path_len, &nodes, index % NOTCH_GROUP_RECORDS, group->count);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_hash above[NOTCH_MERKLE_PROOF_MAX];
    size_t above_len;
    const struct notch_merkle_leaves roots = {groups->roots, groups->count};
    nodes = notch_merkle_nodes_of(&roots);
    err = notch_merkle_prove_inclusion(above, &above_len, &nodes, index / NOTCH_GROUP_RECORDS, groups->count);
    if (err == NOTCH_OK) {
        memcpy(out->path + out->path_len, above, above_len * sizeof *above);
        out->path_len += above_len;
    }
    return err;
}

static enum notch_err content_of_group(const struct notch_lookup *lookup, struct notch_proof_content *out,
                                       const struct groups *groups, uint64_t position, uint32_t index)
{
    const struct notch_store_view *view = lookup->view;
    const struct notch_store_span header = {0, groups->start - (uint32_t)SIG_LEN};
    enum notch_err err = view->part(view->self, &out->header, position, header);
    struct notch_buf bytes;
    notch_buf_init(&bytes, lookup->alloc);
    if (err == NOTCH_OK) {
        err = view->part(view->self, &bytes, position, groups->group);
    }
    struct notch_hash leaves[NOTCH_GROUP_RECORDS];
    uint32_t count = 0;
    if (err == NOTCH_OK) {
        err = group_leaves(leaves, &count, &out->record, index % NOTCH_GROUP_RECORDS, notch_buf_bytes(&bytes),
                           lookup->domain);
    }
    if (err == NOTCH_OK) {
        const struct notch_merkle_leaves group = {leaves, count};
        err = group_path(out, groups, &group, index);
    }
    notch_buf_fini(&bytes);
    return err;
}

/* Of a batch with one group. */
static enum notch_err content_of_whole(const struct notch_lookup *lookup, struct notch_proof_content *out,
                                       uint64_t position, uint32_t index)
{
    const struct notch_store_view *view = lookup->view;
    struct notch_buf bytes;
    notch_buf_init(&bytes, lookup->alloc);
    enum notch_err err = view->body(view->self, &bytes, position);
    if (err == NOTCH_OK) {
        err = notch_proof_content_of(out, notch_buf_bytes(&bytes), index, lookup->domain);
    }
    notch_buf_fini(&bytes);
    return err;
}

enum notch_err notch_lookup_content(const struct notch_lookup *lookup, struct notch_proof_content *out,
                                    uint64_t position, uint32_t index)
{
    struct notch_store_key key = notch_key_number(NOTCH_FLAT_GROUPS, position);
    struct notch_buf value;
    notch_buf_init(&value, lookup->alloc);
    struct groups groups;
    enum notch_err err = notch_lookup_get(lookup, &value, notch_store_key_bytes(&key));
    if (err == NOTCH_OK) {
        err = groups_decode(&groups, notch_buf_bytes(&value), index / NOTCH_GROUP_RECORDS);
    }
    notch_buf_fini(&value);
    if (err == NOTCH_ERR_NOT_FOUND) {
        return content_of_whole(lookup, out, position, index);
    }
    return err == NOTCH_OK ? content_of_group(lookup, out, &groups, position, index) : err;
}
