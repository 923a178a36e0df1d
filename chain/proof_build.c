#include "chain/proof.h"

#include "base/assert.h"
#include "chain/proof_format.h"

struct builder {
    const struct notch_proof_source *source;
    const struct notch_proof_request *request;
    const struct notch_domain *domain;
    const struct notch_alloc *alloc;
    struct notch_writer writer;
    struct notch_hash set_root; /* in force behind what has been written */
    uint32_t set_id;
    struct notch_header anchor; /* if request->checkpoint is a block */
    struct notch_proof_final newest;
    struct notch_height final_height; /* of the block that the entry's is shown under */
    struct notch_header block;        /* the entry's */
};

static bool from_genesis(const struct builder *builder)
{
    return builder->request->checkpoint.raw == 0; /* Raw: height 0 is the genesis. */
}

/* A header without its signature. */
static void write_header(struct builder *builder, const struct notch_header *header)
{
    uint8_t whole[NOTCH_HEADER_LEN];
    struct notch_writer writer = notch_writer(whole, sizeof whole);
    notch_header_encode(&writer, header);
    notch_assert(notch_writer_ok(&writer));
    notch_write_bytes(&builder->writer, whole, NOTCH_HEADER_UNSIGNED_LEN);
}

static void write_final(struct builder *builder, const struct notch_proof_final *final)
{
    write_header(builder, &final->header);
    notch_write_blob(&builder->writer, notch_buf_bytes(&final->set));
    notch_write_blob(&builder->writer, notch_buf_bytes(&final->votes));
}

static void final_init(struct notch_proof_final *final, const struct notch_alloc *alloc)
{
    memset(final, 0, sizeof *final);
    notch_buf_init(&final->set, alloc);
    notch_buf_init(&final->votes, alloc);
}

static void final_fini(struct notch_proof_final *final)
{
    notch_buf_fini(&final->set);
    notch_buf_fini(&final->votes);
}

static void trust_set_of(struct builder *builder, const struct notch_header *header)
{
    bool signal = (header->flags & NOTCH_HEADER_SIGNAL) != 0;
    builder->set_root = signal ? header->next_set_root : header->set_root;
    builder->set_id = header->set_id + (signal ? 1 : 0);
}

static enum notch_err write_genesis(struct builder *builder)
{
    struct notch_buf file;
    notch_buf_init(&file, builder->alloc);
    enum notch_err err = builder->source->genesis(builder->source->self, &file);
    notch_write_u8(&builder->writer, NOTCH__ANCHOR_GENESIS);
    notch_write_blob(&builder->writer, notch_buf_bytes(&file));
    notch_buf_fini(&file);
    if (err != NOTCH_OK) {
        return err;
    }
    /* The first block names the first set. */
    struct notch_header first;
    err = builder->source->header(builder->source->self, &first, (struct notch_height){1});
    builder->set_root = first.set_root;
    builder->set_id = 0;
    return err;
}

static enum notch_err write_anchor(struct builder *builder)
{
    notch_write_bytes(&builder->writer, NOTCH__PROOF_MAGIC, NOTCH__PROOF_MAGIC_LEN);
    notch_write_u8(&builder->writer, NOTCH_PROOF_VERSION);
    if (from_genesis(builder)) {
        return write_genesis(builder);
    }
    enum notch_err err = builder->source->header(builder->source->self, &builder->anchor, builder->request->checkpoint);
    if (err != NOTCH_OK) {
        return err;
    }
    notch_write_u8(&builder->writer, NOTCH__ANCHOR_BLOCK);
    notch_write_hash(&builder->writer, &builder->domain->genesis);
    write_header(builder, &builder->anchor);
    trust_set_of(builder, &builder->anchor);
    return NOTCH_OK;
}

/* The root of the set that made the newest block final. */
static enum notch_err newest_set_root(const struct builder *builder, struct notch_hash *root)
{
    size_t room = builder->newest.set.len / sizeof(struct notch_key) + 1; /* a member takes more than its key */
    uint32_t most = room < NOTCH_SET_MEMBERS_MAX ? (uint32_t)room : NOTCH_SET_MEMBERS_MAX;
    struct notch_member *members = notch_alloc_array(builder->alloc, most, sizeof *members);
    struct notch_reader reader = notch_reader(notch_buf_bytes(&builder->newest.set));
    struct notch_set set;
    struct notch_reject reject = notch_set_decode(&set, members, most, &reader, builder->domain);
    *root = set.root;
    notch_free(builder->alloc, members, most * sizeof *members);
    return notch_is_valid(reject) && notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}

/* The next signal block that changed the set, onto the end. */
static enum notch_err write_hop(struct builder *builder)
{
    struct notch_proof_final hop;
    final_init(&hop, builder->alloc);
    enum notch_err err = builder->source->change(builder->source->self, &hop, builder->set_id);
    if (err == NOTCH_OK && hop.header.set_id < builder->set_id) {
        err = NOTCH_ERR_CORRUPT;
    }
    if (err == NOTCH_OK) {
        write_final(builder, &hop);
        trust_set_of(builder, &hop.header);
    }
    final_fini(&hop);
    return err;
}

/* The changes of the set until the one with the root `last` is in force: appended to *hops, and counted. */
static enum notch_err collect_hops(struct builder *builder, struct notch_buf *hops, uint32_t *count,
                                   const struct notch_hash *last)
{
    struct notch_writer saved = builder->writer;
    builder->writer = notch_writer_grow(hops);
    enum notch_err err = NOTCH_OK;
    *count = 0;
    while (err == NOTCH_OK && !notch_hash_eq(&builder->set_root, last)) {
        err = ++*count > NOTCH_PROOF_HOPS_MAX ? NOTCH_ERR_SPACE : write_hop(builder);
    }
    builder->writer = saved;
    return err;
}

static enum notch_err write_newest(struct builder *builder)
{
    enum notch_err err = builder->source->final(builder->source->self, &builder->newest);
    if (err != NOTCH_OK) {
        return err;
    }
    builder->final_height = builder->newest.header.height;
    if (notch_height_cmp(builder->final_height, builder->request->height) < 0) {
        return NOTCH_ERR_NOT_FOUND;
    }
    struct notch_hash last;
    err = newest_set_root(builder, &last);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_buf hops;
    notch_buf_init(&hops, builder->alloc);
    uint32_t count;
    err = collect_hops(builder, &hops, &count, &last);
    notch_write_uvar(&builder->writer, count);
    notch_write_bytes(&builder->writer, hops.data, hops.len);
    notch_buf_fini(&hops);
    notch_write_u8(&builder->writer, NOTCH__FINAL_VOTES);
    write_final(builder, &builder->newest);
    return err;
}

/* Under the checkpoint where that is as high as the entry's block; else under the newest final block. */
static enum notch_err write_trusted(struct builder *builder)
{
    bool under_anchor =
        !from_genesis(builder) && notch_height_cmp(builder->request->checkpoint, builder->request->height) >= 0;
    if (!under_anchor) {
        return write_newest(builder);
    }
    notch_write_uvar(&builder->writer, 0);
    notch_write_u8(&builder->writer, NOTCH__FINAL_ANCHOR);
    builder->final_height = builder->request->checkpoint;
    return NOTCH_OK;
}

static enum notch_err write_path(struct builder *builder, const struct notch_merkle_nodes *nodes, uint64_t index,
                                 uint64_t size)
{
    struct notch_hash path[NOTCH_MERKLE_PROOF_MAX];
    size_t len;
    enum notch_err err = notch_merkle_prove_inclusion(path, &len, nodes, index, size);
    for (size_t i = 0; i < len; i++) {
        notch_write_hash(&builder->writer, &path[i]);
    }
    return err;
}

/* Raw: heights index the history. */
static enum notch_err write_block(struct builder *builder)
{
    const struct notch_proof_source *source = builder->source;
    enum notch_err err = source->header(source->self, &builder->block, builder->request->height);
    if (err != NOTCH_OK) {
        return err;
    }
    if (notch_height_cmp(builder->final_height, builder->request->height) == 0) {
        notch_write_u8(&builder->writer, NOTCH__PLACE_HERE);
        return NOTCH_OK;
    }
    notch_write_u8(&builder->writer, NOTCH__PLACE_ANCESTOR);
    write_header(builder, &builder->block);
    return write_path(builder, &source->history, builder->request->height.raw, builder->final_height.raw);
}

/* The path of batch `index` among the ids of its block; and its id.
 * Raw: the bytes of an id are the data of its leaf. */
static enum notch_err prove_batch(struct builder *builder, struct notch_hash *path, size_t *path_len,
                                  struct notch_hash *id)
{
    const struct notch_proof_source *source = builder->source;
    struct notch_buf ids;
    notch_buf_init(&ids, builder->alloc);
    enum notch_err err = source->batch_ids(source->self, &ids, builder->request->height);
    uint32_t count = builder->block.n_batches;
    uint32_t index = builder->request->batch_index;
    if (err == NOTCH_OK && ids.len != (size_t)count * sizeof id->raw) {
        err = NOTCH_ERR_CORRUPT;
    }
    if (err == NOTCH_OK && index >= count) {
        err = NOTCH_ERR_RANGE;
    }
    if (err == NOTCH_OK) {
        struct notch_hash *leaves = notch_alloc_array(builder->alloc, count, sizeof *leaves);
        for (uint32_t i = 0; i < count; i++) {
            notch_merkle_leaf(&leaves[i], notch_bytes(ids.data + (size_t)i * sizeof id->raw, sizeof id->raw));
        }
        const struct notch_merkle_leaves list = {leaves, count};
        const struct notch_merkle_nodes nodes = notch_merkle_nodes_of(&list);
        memcpy(id->raw, ids.data + (size_t)index * sizeof id->raw, sizeof id->raw);
        err = notch_merkle_prove_inclusion(path, path_len, &nodes, index, count);
        notch_free(builder->alloc, leaves, count * sizeof *leaves);
    }
    notch_buf_fini(&ids);
    return err;
}

static void write_step(struct builder *builder, uint64_t index, struct notch_bytes what, const struct notch_hash *path,
                       size_t path_len)
{
    notch_write_uvar(&builder->writer, index);
    notch_write_bytes(&builder->writer, what.data, what.len);
    for (size_t i = 0; i < path_len; i++) {
        notch_write_hash(&builder->writer, &path[i]);
    }
}

void notch_proof_content_init(struct notch_proof_content *content, const struct notch_alloc *alloc)
{
    notch_buf_init(&content->header, alloc);
    notch_buf_init(&content->record, alloc);
    content->path_len = 0;
}

void notch_proof_content_fini(struct notch_proof_content *content)
{
    notch_buf_fini(&content->header);
    notch_buf_fini(&content->record);
}

enum notch_err notch_proof_content_of(struct notch_proof_content *out, struct notch_bytes batch, uint32_t record_index,
                                      const struct notch_domain *domain)
{
    struct notch_batch view;
    struct notch_bytes record;
    if (!notch_is_valid(notch_batch_decode(&view, batch))) {
        return NOTCH_ERR_CORRUPT;
    }
    enum notch_err err = notch_batch_record(&view, &record, record_index);
    if (err == NOTCH_OK) {
        err = notch_batch_prove_record(&view, out->path, &out->path_len, record_index, domain);
        err = err == NOTCH_ERR_INVALID ? NOTCH_ERR_CORRUPT : err;
    }
    if (err == NOTCH_OK) {
        notch_buf_append(&out->header, view.header.data, view.header.len);
        notch_buf_append(&out->record, record.data, record.len);
    }
    return err;
}

/* Whether the parts belong together, and to the batch: the source may have read them without a checksum. */
static bool content_holds(const struct builder *builder, struct notch_record *record,
                          const struct notch_proof_content *content, const struct notch_hash *batch_id)
{
    struct notch_batch batch;
    struct notch_hash id, leaf;
    if (!notch_is_valid(notch_batch_header_decode(&batch, notch_buf_bytes(&content->header))) ||
        !notch_is_valid(notch_record_decode(record, notch_buf_bytes(&content->record)))) {
        return false;
    }
    notch_batch_id(&id, builder->domain, batch.header);
    notch_record_hash(record, builder->domain);
    notch_merkle_leaf(&leaf, notch_bytes(record->id.raw, sizeof record->id.raw)); /* Raw: the data of a leaf */
    return notch_hash_eq(&id, batch_id) &&
           notch_merkle_verify_inclusion(&leaf, builder->request->record_index, batch.record_count, content->path,
                                         content->path_len, &batch.records_root);
}

/* The record and the entry. */
static enum notch_err write_record(struct builder *builder, const struct notch_record *record,
                                   const struct notch_proof_content *content)
{
    const struct notch_proof_request *request = builder->request;
    struct notch_bytes signed_header = notch_bytes(record->header.data, record->header.len + sizeof(struct notch_sig));
    write_step(builder, request->record_index, signed_header, content->path, content->path_len);
    struct notch_hash path[NOTCH_MERKLE_PROOF_MAX];
    size_t len;
    struct notch_entry_view entry;
    enum notch_err err = notch_record_entry(record, &entry, request->entry_index);
    if (err == NOTCH_OK) {
        err = notch_record_prove_entry(record, path, &len, request->entry_index);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_hash leaf;
    notch_merkle_leaf(&leaf, entry.encoded);
    if (!notch_merkle_verify_inclusion(&leaf, request->entry_index, record->entry_count, path, len,
                                       &record->entries_root)) {
        return NOTCH_ERR_CORRUPT;
    }
    write_step(builder, request->entry_index, entry.encoded, path, len);
    return NOTCH_OK;
}

static enum notch_err write_batch(struct builder *builder)
{
    struct notch_hash path[NOTCH_MERKLE_PROOF_MAX];
    size_t len;
    struct notch_hash id;
    enum notch_err err = prove_batch(builder, path, &len, &id);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_proof_content content;
    struct notch_record record;
    notch_proof_content_init(&content, builder->alloc);
    err = builder->source->content(builder->source->self, &content, &id, builder->request->record_index);
    if (err == NOTCH_OK && !content_holds(builder, &record, &content, &id)) {
        err = NOTCH_ERR_CORRUPT;
    }
    if (err == NOTCH_OK) {
        write_step(builder, builder->request->batch_index, notch_buf_bytes(&content.header), path, len);
        err = write_record(builder, &record, &content);
    }
    notch_proof_content_fini(&content);
    return err;
}

enum notch_err notch_proof_build(struct notch_buf *out, const struct notch_proof_request *request,
                                 const struct notch_proof_source *source, const struct notch_domain *domain,
                                 const struct notch_alloc *alloc)
{
    if (request->height.raw == 0) { /* Raw: the genesis holds no batches. */
        return NOTCH_ERR_RANGE;
    }
    size_t start = out->len;
    struct builder builder = {
        .source = source, .request = request, .domain = domain, .alloc = alloc, .writer = notch_writer_grow(out)};
    final_init(&builder.newest, alloc);
    enum notch_err err = write_anchor(&builder);
    err = err == NOTCH_OK ? write_trusted(&builder) : err;
    err = err == NOTCH_OK ? write_block(&builder) : err;
    err = err == NOTCH_OK ? write_batch(&builder) : err;
    final_fini(&builder.newest);
    if (err == NOTCH_OK && out->len - start > NOTCH_PROOF_BYTES_MAX) {
        err = NOTCH_ERR_SPACE;
    }
    if (err != NOTCH_OK) {
        out->len = start;
    }
    return err;
}

enum notch_err notch_proof_pick_votes(struct notch_buf *out, struct notch_bytes both, const struct notch_hash *block,
                                      const struct notch_alloc *alloc)
{
    size_t count;
    if (!notch_is_valid(notch_votes_check(&count, both, SIZE_MAX))) {
        return NOTCH_ERR_CORRUPT;
    }
    bool voted[NOTCH_SET_MEMBERS_MAX] = {false};
    struct notch_buf kept;
    notch_buf_init(&kept, alloc);
    struct notch_votes_iter iter = notch_votes_iter(both);
    struct notch_vote vote;
    struct notch_slot slot = {0};
    while (notch_votes_next(&iter, &vote)) {
        /* Raw: the slot behind the checkpoint's. */
        bool next_slot = vote.data.slot.raw != 0 && vote.data.slot.raw - 1 == vote.data.source.slot.raw;
        if (!next_slot || !notch_hash_eq(&vote.data.source.hash, block) || vote.validator >= NOTCH_SET_MEMBERS_MAX) {
            continue;
        }
        if (notch_slot_cmp(vote.data.slot, slot) > 0) { /* slots ascend: what was kept is of the first half */
            slot = vote.data.slot;
            notch_buf_clear(&kept);
            memset(voted, 0, sizeof voted);
        }
        if (!voted[vote.validator]) {
            voted[vote.validator] = true;
            notch_buf_append(&kept, &vote, sizeof vote);
        }
    }
    struct notch_writer writer = notch_writer_grow(out);
    if (kept.len > 0) {
        notch_votes_encode(&writer, (const struct notch_vote *)(const void *)kept.data, kept.len / sizeof vote);
    }
    enum notch_err err = kept.len > 0 ? NOTCH_OK : NOTCH_ERR_NOT_FOUND;
    notch_buf_fini(&kept);
    return err;
}
