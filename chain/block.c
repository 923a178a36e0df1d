#include "chain/block.h"

#include "chain/merkle.h"

static void write_checkpoint(struct notch_writer *writer, const struct notch_checkpoint *checkpoint)
{
    /* Raw: the wire form of a slot. */
    notch_write_u64(writer, checkpoint->slot.raw);
    notch_write_hash(writer, &checkpoint->hash);
}

static struct notch_checkpoint read_checkpoint(struct notch_reader *reader)
{
    struct notch_checkpoint checkpoint;
    /* Raw: the wire form of a slot. */
    checkpoint.slot.raw = notch_read_u64(reader);
    checkpoint.hash = notch_read_hash(reader);
    return checkpoint;
}

static void write_unsigned(struct notch_writer *writer, const struct notch_header *header)
{
    notch_write_u16(writer, header->rules);
    notch_write_u8(writer, header->flags);
    /* Raw: the wire form of slot, height and time. */
    notch_write_u64(writer, header->slot.raw);
    notch_write_u64(writer, header->height.raw);
    notch_write_u64(writer, header->time.raw);
    notch_write_hash(writer, &header->parent);
    notch_write_u32(writer, header->set_id);
    notch_write_hash(writer, &header->set_root);
    notch_write_hash(writer, &header->next_set_root);
    notch_write_u16(writer, header->proposer);
    notch_write_bytes(writer, header->vrf.raw, sizeof header->vrf.raw);
    notch_write_hash(writer, &header->batches_root);
    notch_write_u32(writer, header->n_batches);
    notch_write_u32(writer, header->n_records);
    notch_write_hash(writer, &header->votes_root);
    notch_write_hash(writer, &header->evidence_root);
    notch_write_hash(writer, &header->parent_state_root);
    notch_write_hash(writer, &header->parent_receipts_root);
    notch_write_hash(writer, &header->history_root);
    write_checkpoint(writer, &header->justified);
    write_checkpoint(writer, &header->finalized);
}

void notch_header_encode(struct notch_writer *writer, const struct notch_header *header)
{
    write_unsigned(writer, header);
    notch_write_sig(writer, &header->sig);
}

struct notch_reject notch_header_decode(struct notch_header *out, struct notch_reader *reader)
{
    out->rules = notch_read_u16(reader);
    out->flags = notch_read_u8(reader);
    /* Raw: the wire form of slot, height and time. */
    out->slot.raw = notch_read_u64(reader);
    out->height.raw = notch_read_u64(reader);
    out->time.raw = notch_read_u64(reader);
    out->parent = notch_read_hash(reader);
    out->set_id = notch_read_u32(reader);
    out->set_root = notch_read_hash(reader);
    out->next_set_root = notch_read_hash(reader);
    out->proposer = notch_read_u16(reader);
    notch_read_into(reader, out->vrf.raw, sizeof out->vrf.raw);
    out->batches_root = notch_read_hash(reader);
    out->n_batches = notch_read_u32(reader);
    out->n_records = notch_read_u32(reader);
    out->votes_root = notch_read_hash(reader);
    out->evidence_root = notch_read_hash(reader);
    out->parent_state_root = notch_read_hash(reader);
    out->parent_receipts_root = notch_read_hash(reader);
    out->history_root = notch_read_hash(reader);
    out->justified = read_checkpoint(reader);
    out->finalized = read_checkpoint(reader);
    out->sig = notch_read_sig(reader);
    if (reader->failed) {
        return NOTCH_REJECT(MALFORMED, "header");
    }
    if ((out->flags & ~(NOTCH_HEADER_SIGNAL | NOTCH_HEADER_PENDING)) != 0 ||
        out->flags == (NOTCH_HEADER_SIGNAL | NOTCH_HEADER_PENDING)) {
        return NOTCH_REJECT(MALFORMED, "header flags");
    }
    if (((out->flags & NOTCH_HEADER_SIGNAL) != 0) == notch_hash_is_zero(&out->next_set_root)) {
        return NOTCH_REJECT(MALFORMED, "header next_set_root");
    }
    return NOTCH_VALID;
}

void notch_header_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_header *header)
{
    uint8_t bytes[NOTCH_HEADER_UNSIGNED_LEN];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    write_unsigned(&writer, header);
    notch_assert(notch_writer_ok(&writer));
    notch_domain_hash(out, domain, NOTCH_TAG_BLOCK, notch_writer_bytes(&writer));
}

bool notch_header_sign(struct notch_header *header, const struct notch_domain *domain,
                       const struct notch_crypto *crypto, const struct notch_signer *signer)
{
    struct notch_hash hash;
    notch_header_hash(&hash, domain, header);
    return notch_sign(crypto, &header->sig, signer, &hash);
}

void notch_body_encode(struct notch_writer *writer, const struct notch_body_parts *parts)
{
    notch_write_uvar(writer, parts->n_batches);
    for (uint32_t i = 0; i < parts->n_batches; i++) {
        notch_write_hash(writer, &parts->batches[i]);
    }
    notch_write_blob(writer, parts->votes);
    notch_write_uvar(writer, parts->n_evidence);
    for (uint32_t i = 0; i < parts->n_evidence; i++) {
        notch_write_blob(writer, parts->evidence[i]);
    }
    notch_write_uvar(writer, parts->n_headers);
    for (uint32_t i = 0; i < parts->n_headers; i++) {
        notch_header_encode(writer, &parts->headers[i]);
    }
}

/* A batch twice in one block would be executed twice. Blocks hold few: quadratic is cheaper than a table up to
 * ~1000. */
static bool has_repeated_batch(const struct notch_body *body)
{
    for (uint32_t i = 0; i < body->n_batches; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (memcmp(body->batches + (size_t)32 * i, body->batches + (size_t)32 * j, 32) == 0) {
                return true;
            }
        }
    }
    return false;
}

static struct notch_reject decode_tail(struct notch_body *out, struct notch_reader *reader,
                                       const struct notch_caps *caps)
{
    const uint8_t *tail = reader->at;
    out->n_evidence = (uint32_t)notch_read_uvar_max(reader, caps->evidence);
    const uint8_t *start = reader->at;
    for (uint32_t i = 0; i < out->n_evidence; i++) {
        (void)notch_read_blob(reader, NOTCH_EVIDENCE_MAX);
    }
    out->evidence = notch_bytes(start, (size_t)(reader->at - start));
    out->n_headers = (uint32_t)notch_read_uvar_max(reader, NOTCH_HEADER_HEADERS_MAX);
    start = reader->at;
    for (uint32_t i = 0; i < out->n_headers; i++) {
        struct notch_header header;
        struct notch_reject reject = notch_header_decode(&header, reader);
        if (!notch_is_valid(reject)) {
            return reject;
        }
    }
    out->headers = notch_bytes(start, (size_t)(reader->at - start));
    out->tail = notch_bytes(tail, (size_t)(reader->at - tail));
    return NOTCH_VALID;
}

struct notch_reject notch_body_decode(struct notch_body *out, struct notch_bytes encoded, const struct notch_caps *caps)
{
    *out = (struct notch_body){0};
    if (encoded.len > caps->body_bytes) {
        return NOTCH_REJECT(TOO_LARGE, "body");
    }
    struct notch_reader reader = notch_reader(encoded);
    out->n_batches = (uint32_t)notch_read_uvar_max(&reader, caps->batches);
    out->batches = notch_read_bytes(&reader, (size_t)32 * out->n_batches).data;
    out->votes = notch_read_blob(&reader, caps->body_bytes);
    if (reader.failed) {
        return NOTCH_REJECT(MALFORMED, "body");
    }
    size_t n_votes = 0;
    struct notch_reject reject = notch_votes_check(&n_votes, out->votes, caps->votes);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    out->n_votes = (uint32_t)n_votes;
    reject = decode_tail(out, &reader, caps);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (!notch_reader_done(&reader)) {
        return NOTCH_REJECT(MALFORMED, "body");
    }
    if (has_repeated_batch(out)) {
        return NOTCH_REJECT(MALFORMED, "repeated batch");
    }
    return NOTCH_VALID;
}

struct notch_hash notch_body_batch(const struct notch_body *body, uint32_t index)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    notch_assert(index < body->n_batches);
    struct notch_hash id;
    memcpy(id.raw, body->batches + (size_t)32 * index, sizeof id.raw);
    return id;
}

struct notch_bytes notch_body_evidence(const struct notch_body *body, uint32_t index)
{
    notch_assert(index < body->n_evidence);
    struct notch_reader reader = notch_reader(body->evidence);
    struct notch_bytes item = {NULL, 0};
    for (uint32_t i = 0; i <= index; i++) {
        item = notch_read_blob(&reader, NOTCH_EVIDENCE_MAX);
    }
    return item;
}

struct notch_header notch_body_header(const struct notch_body *body, uint32_t index)
{
    notch_assert(index < body->n_headers);
    struct notch_reader reader =
        notch_reader(notch_bytes(body->headers.data + (size_t)index * NOTCH_HEADER_LEN, NOTCH_HEADER_LEN));
    struct notch_header header;
    struct notch_reject reject = notch_header_decode(&header, &reader);
    notch_assert(notch_is_valid(reject));
    return header;
}

void notch_body_roots(const struct notch_body *body, const struct notch_domain *domain, struct notch_hash *batches_root,
                      struct notch_hash *votes_root, struct notch_hash *evidence_root)
{
    struct notch_merkle tree;
    notch_merkle_init(&tree);
    for (uint32_t i = 0; i < body->n_batches; i++) {
        struct notch_hash leaf;
        notch_merkle_leaf(&leaf, notch_bytes(body->batches + (size_t)32 * i, 32));
        notch_merkle_append(&tree, &leaf);
    }
    notch_merkle_root(&tree, batches_root);
    notch_votes_root(votes_root, domain, body->votes);
    notch_domain_hash(evidence_root, domain, NOTCH_TAG_EVIDENCE, body->tail);
}

struct notch_reject notch_body_match(const struct notch_body *body, const struct notch_domain *domain,
                                     const struct notch_header *header)
{
    struct notch_hash batches_root;
    struct notch_hash votes_root;
    struct notch_hash evidence_root;
    notch_body_roots(body, domain, &batches_root, &votes_root, &evidence_root);
    if (body->n_batches != header->n_batches || !notch_hash_eq(&batches_root, &header->batches_root)) {
        return NOTCH_REJECT(ROOT, "batches_root");
    }
    if (!notch_hash_eq(&votes_root, &header->votes_root)) {
        return NOTCH_REJECT(ROOT, "votes_root");
    }
    if (!notch_hash_eq(&evidence_root, &header->evidence_root)) {
        return NOTCH_REJECT(ROOT, "evidence_root");
    }
    return NOTCH_VALID;
}

struct notch_reject notch_block_split(struct notch_header *header, struct notch_bytes *body, struct notch_bytes block)
{
    struct notch_reader reader = notch_reader(block);
    *body = notch_bytes(NULL, 0);
    struct notch_reject reject = notch_header_decode(header, &reader);
    if (notch_is_valid(reject)) {
        *body = notch_bytes(reader.at, notch_reader_left(&reader));
    }
    return reject;
}
