#include "chain/record.h"

#include "base/assert.h"
#include "chain/entry.h"

void notch_record_header_read(struct notch_reader *reader, struct notch_record *out)
{
    if (notch_read_u8(reader) != NOTCH_RECORD_VERSION) {
        notch_reader_fail(reader);
    }
    out->author = notch_read_key(reader);
    out->ts.raw = notch_read_u64(reader); /* Raw: decoding. */
    notch_read_into(reader, out->salt.raw, sizeof out->salt.raw);
    out->ref = notch_read_hash(reader);
    out->entry_count = (uint32_t)notch_read_uvar_max(reader, NOTCH_RECORD_ENTRIES_MAX);
    out->entries_root = notch_read_hash(reader);
    if (out->entry_count == 0) {
        notch_reader_fail(reader);
    }
}

static void header_write(struct notch_writer *writer, const struct notch_record_draft *draft, uint32_t count,
                         const struct notch_hash *root)
{
    notch_write_u8(writer, NOTCH_RECORD_VERSION);
    notch_write_key(writer, &draft->author);
    notch_write_u64(writer, draft->ts.raw); /* Raw: encoding. */
    notch_write_bytes(writer, draft->salt.raw, sizeof draft->salt.raw);
    notch_write_hash(writer, &draft->ref);
    notch_write_uvar(writer, count);
    notch_write_hash(writer, root);
}

/* One entry; false at the end of the reader, or where it fails. */
static bool entry_read(struct notch_reader *reader, struct notch_entry_view *out)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    const uint8_t *start = reader->at;
    out->type = notch_read_uvar(reader);
    out->payload = notch_read_blob(reader, NOTCH_RECORD_BYTES_MAX);
    if (reader->failed) {
        return false;
    }
    out->encoded = notch_bytes(start, (size_t)(reader->at - start));
    return true;
}

bool notch_record_next_entry(struct notch_reader *reader, struct notch_entry_view *out)
{
    return entry_read(reader, out);
}

struct notch_reject notch_record_header_decode(struct notch_record *out, struct notch_bytes header)
{
    if (header.len > 0 && header.data[0] != NOTCH_RECORD_VERSION) {
        return NOTCH_REJECT(VERSION, "record: unknown version");
    }
    memset(out, 0, sizeof *out);
    struct notch_reader reader = notch_reader(header);
    notch_record_header_read(&reader, out);
    if (!notch_reader_done(&reader)) {
        return NOTCH_REJECT(MALFORMED, "record: not a canonical header");
    }
    out->header = header;
    return NOTCH_VALID;
}

struct notch_reject notch_record_decode(struct notch_record *out, struct notch_bytes bytes)
{
    if (bytes.len > NOTCH_RECORD_BYTES_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "record: larger than 30 KiB");
    }
    if (bytes.len > 0 && bytes.data[0] != NOTCH_RECORD_VERSION) {
        return NOTCH_REJECT(VERSION, "record: unknown version");
    }
    memset(out, 0, sizeof *out);
    struct notch_reader reader = notch_reader(bytes);
    notch_record_header_read(&reader, out);
    size_t header_len = (size_t)(reader.at - bytes.data);
    out->sig = notch_read_sig(&reader);
    const uint8_t *entries = reader.at;
    struct notch_entry_view entry;
    uint32_t count = 0;
    while (entry_read(&reader, &entry)) {
        count++;
    }
    if (!notch_reader_done(&reader) || count != out->entry_count) {
        return NOTCH_REJECT(MALFORMED, "record: not a canonical encoding");
    }
    out->header = notch_bytes(bytes.data, header_len);
    out->entries = notch_bytes(entries, (size_t)(reader.at - entries));
    out->encoded = bytes;
    return NOTCH_VALID;
}

/* Raw: the bytes that are hashed. */
void notch_record_ids(struct notch_hash *sighash, struct notch_hash *id, const struct notch_domain *domain,
                      struct notch_bytes header, const struct notch_sig *sig)
{
    notch_domain_hash(sighash, domain, NOTCH_TAG_RECORD_SIGN, header);
    struct notch_sha256 sha;
    notch_domain_begin(&sha, domain, NOTCH_TAG_RECORD_ID);
    notch_sha256_update(&sha, sighash->raw, sizeof sighash->raw);
    notch_sha256_update(&sha, sig->raw, sizeof sig->raw);
    notch_sha256_final(&sha, id);
}

void notch_record_hash(struct notch_record *record, const struct notch_domain *domain)
{
    notch_record_ids(&record->sighash, &record->id, domain, record->header, &record->sig);
}

/* The leaves of a list of entries, at most NOTCH_RECORD_ENTRIES_MAX. INVALID if it is no such list. */
static enum notch_err leaves_of(struct notch_hash leaves[NOTCH_RECORD_ENTRIES_MAX], uint32_t *count,
                                struct notch_bytes entries)
{
    *count = 0;
    struct notch_reader reader = notch_reader(entries);
    struct notch_entry_view entry;
    while (entry_read(&reader, &entry)) {
        if (*count == NOTCH_RECORD_ENTRIES_MAX) {
            return NOTCH_ERR_RANGE;
        }
        notch_merkle_leaf(&leaves[(*count)++], entry.encoded);
    }
    if (!notch_reader_done(&reader)) {
        return NOTCH_ERR_INVALID;
    }
    return *count == 0 ? NOTCH_ERR_RANGE : NOTCH_OK;
}

enum notch_err notch_record_entries_root(struct notch_hash *out, uint32_t *count, struct notch_bytes entries)
{
    struct notch_hash leaves[NOTCH_RECORD_ENTRIES_MAX];
    enum notch_err err = leaves_of(leaves, count, entries);
    if (err == NOTCH_OK && notch_merkle_has_twins(leaves, *count)) {
        err = NOTCH_ERR_EXISTS;
    }
    if (err == NOTCH_OK) {
        notch_merkle_root_of(out, leaves, *count);
    }
    return err;
}

static struct notch_reject check_entries(const struct notch_record *record, const struct notch_rules *rules)
{
    const struct notch_form form = {rules, record->author, record->ts};
    struct notch_reader reader = notch_reader(record->entries);
    struct notch_entry_view view;
    while (entry_read(&reader, &view)) {
        /* Of a newer version of the rules: carried, and rejected where it is applied. */
        if (notch_entry_row(view.type) == NULL) {
            continue;
        }
        struct notch_entry entry;
        struct notch_reject reject = notch_entry_decode(&entry, view.type, view.payload);
        if (notch_is_valid(reject)) {
            reject = notch_entry_check(&entry, &form);
        }
        if (!notch_is_valid(reject)) {
            return reject;
        }
    }
    return NOTCH_VALID;
}

static struct notch_reject check_root(const struct notch_record *record)
{
    struct notch_hash leaves[NOTCH_RECORD_ENTRIES_MAX];
    uint32_t count;
    enum notch_err err = leaves_of(leaves, &count, record->entries);
    notch_assert(err == NOTCH_OK);
    if (notch_merkle_has_twins(leaves, count)) {
        return NOTCH_REJECT(DUPLICATE, "record: the same entry twice");
    }
    struct notch_hash root;
    notch_merkle_root_of(&root, leaves, count);
    if (!notch_hash_eq(&root, &record->entries_root)) {
        return NOTCH_REJECT(ROOT, "record: entries_root is not that of the entries");
    }
    return NOTCH_VALID;
}

/* Raw: the bound of a time. */
struct notch_reject notch_record_check_unsigned(struct notch_record *out, struct notch_bytes bytes,
                                                const struct notch_rules *rules)
{
    if (bytes.len > rules->record_bytes_max) {
        return NOTCH_REJECT(TOO_LARGE, "record: larger than the chain's record_bytes");
    }
    struct notch_reject reject = notch_record_decode(out, bytes);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (out->ts.raw > NOTCH_TIME_MAX) {
        return NOTCH_REJECT(BOUNDS, "record: ts is behind the year 9999");
    }
    reject = check_root(out);
    reject = notch_is_valid(reject) ? check_entries(out, rules) : reject;
    if (notch_is_valid(reject)) {
        notch_record_hash(out, rules->domain);
    }
    return reject;
}

struct notch_reject notch_record_check(struct notch_record *out, struct notch_bytes bytes,
                                       const struct notch_rules *rules)
{
    struct notch_reject reject = notch_record_check_unsigned(out, bytes, rules);
    if (notch_is_valid(reject) && !notch_verify(rules->crypto, &out->author, &out->sighash, &out->sig)) {
        return NOTCH_REJECT(SIGNATURE, "record: the author's signature does not verify");
    }
    return reject;
}

enum notch_err notch_record_entry(const struct notch_record *record, struct notch_entry_view *out, uint32_t index)
{
    struct notch_reader reader = notch_reader(record->entries);
    for (uint32_t i = 0; entry_read(&reader, out); i++) {
        if (i == index) {
            return NOTCH_OK;
        }
    }
    return NOTCH_ERR_RANGE;
}

enum notch_err notch_record_prove_entry(const struct notch_record *record, struct notch_hash *proof, size_t *proof_len,
                                        uint32_t index)
{
    struct notch_hash leaves[NOTCH_RECORD_ENTRIES_MAX];
    uint32_t count;
    enum notch_err err = leaves_of(leaves, &count, record->entries);
    if (err != NOTCH_OK) {
        return err;
    }
    const struct notch_merkle_leaves list = {leaves, count};
    const struct notch_merkle_nodes nodes = notch_merkle_nodes_of(&list);
    return notch_merkle_prove_inclusion(proof, proof_len, &nodes, index, count);
}

void notch_entry_append_raw(struct notch_buf *entries, uint64_t type, struct notch_bytes payload)
{
    struct notch_writer writer = notch_writer_grow(entries);
    notch_write_uvar(&writer, type);
    notch_write_blob(&writer, payload);
}

enum notch_err notch_record_prepare(struct notch_buf *header, struct notch_hash *sighash,
                                    const struct notch_record_draft *draft, const struct notch_domain *domain)
{
    struct notch_hash root;
    uint32_t count;
    enum notch_err err = notch_record_entries_root(&root, &count, draft->entries);
    if (err != NOTCH_OK) {
        return err;
    }
    uint8_t bytes[NOTCH_RECORD_HEADER_MAX];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    header_write(&writer, draft, count, &root);
    notch_assert(notch_writer_ok(&writer));
    struct notch_bytes written = notch_writer_bytes(&writer);
    if (written.len + sizeof(struct notch_sig) + draft->entries.len > NOTCH_RECORD_BYTES_MAX) {
        return NOTCH_ERR_SPACE;
    }
    notch_domain_hash(sighash, domain, NOTCH_TAG_RECORD_SIGN, written);
    notch_buf_append(header, written.data, written.len);
    return NOTCH_OK;
}

void notch_record_finish(struct notch_buf *out, struct notch_bytes header, const struct notch_sig *sig,
                         struct notch_bytes entries)
{
    struct notch_writer writer = notch_writer_grow(out);
    notch_write_bytes(&writer, header.data, header.len);
    notch_write_sig(&writer, sig);
    notch_write_bytes(&writer, entries.data, entries.len);
}

enum notch_err notch_record_build(struct notch_buf *out, const struct notch_record_draft *draft,
                                  const struct notch_signer *signer, const struct notch_domain *domain,
                                  const struct notch_crypto *crypto)
{
    notch_assert(notch_key_eq(&draft->author, &signer->key));
    size_t start = out->len;
    struct notch_hash sighash;
    enum notch_err err = notch_record_prepare(out, &sighash, draft, domain);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_sig sig;
    if (!notch_sign(crypto, &sig, signer, &sighash)) {
        out->len = start;
        return NOTCH_ERR_CRYPTO;
    }
    /* The header stands in its place already. */
    notch_record_finish(out, notch_bytes(NULL, 0), &sig, draft->entries);
    return NOTCH_OK;
}
