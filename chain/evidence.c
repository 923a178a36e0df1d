#include "chain/evidence.h"

#include "chain/batch.h"

bool notch_evidence_is_equivocation(const struct notch_vote_data *a, const struct notch_vote_data *b)
{
    return notch_slot_cmp(a->slot, b->slot) == 0 && notch_vote_data_cmp(a, b) != 0;
}

bool notch_evidence_is_regress(const struct notch_vote_data *a, const struct notch_vote_data *b)
{
    if (a->set_id != b->set_id) {
        return false;
    }
    const struct notch_vote_data *earlier = notch_slot_cmp(a->slot, b->slot) < 0 ? a : b;
    const struct notch_vote_data *later = earlier == a ? b : a;
    return notch_slot_cmp(earlier->slot, later->slot) < 0 &&
           notch_slot_cmp(later->source.slot, earlier->source.slot) < 0;
}

static void write_head(struct notch_writer *writer, enum notch_evidence_kind kind, const struct notch_key *offender)
{
    notch_write_u8(writer, (uint8_t)kind);
    notch_write_key(writer, offender);
}

static void write_vote(struct notch_writer *writer, const struct notch_vote *vote)
{
    notch_vote_data_encode(writer, &vote->data);
    notch_write_sig(writer, &vote->sig);
}

void notch_evidence_from_votes(struct notch_writer *writer, enum notch_evidence_kind kind,
                               const struct notch_key *offender, const struct notch_vote *a, const struct notch_vote *b)
{
    notch_assert(kind == NOTCH_EVIDENCE_EQUIVOCATION || kind == NOTCH_EVIDENCE_REGRESS);
    /* vote data sort by slot first, so that one order serves both kinds. */
    bool in_order = notch_vote_data_cmp(&a->data, &b->data) < 0;
    write_head(writer, kind, offender);
    write_vote(writer, in_order ? a : b);
    write_vote(writer, in_order ? b : a);
}

void notch_evidence_from_target(struct notch_writer *writer, const struct notch_key *offender,
                                const struct notch_vote *vote, const struct notch_header *target)
{
    write_head(writer, NOTCH_EVIDENCE_BEYOND, offender);
    write_vote(writer, vote);
    notch_header_encode(writer, target);
}

void notch_evidence_from_headers(struct notch_writer *writer, const struct notch_key *offender,
                                 const struct notch_header *a, const struct notch_header *b)
{
    uint8_t bytes[2][NOTCH_HEADER_LEN];
    struct notch_writer first = notch_writer(bytes[0], sizeof bytes[0]);
    struct notch_writer second = notch_writer(bytes[1], sizeof bytes[1]);
    notch_header_encode(&first, a);
    notch_header_encode(&second, b);
    bool in_order = memcmp(bytes[0], bytes[1], NOTCH_HEADER_LEN) < 0;
    write_head(writer, NOTCH_EVIDENCE_PROPOSALS, offender);
    notch_write_bytes(writer, bytes[in_order ? 0 : 1], NOTCH_HEADER_LEN);
    notch_write_bytes(writer, bytes[in_order ? 1 : 0], NOTCH_HEADER_LEN);
}

void notch_evidence_from_batch(struct notch_writer *writer, const struct notch_key *offender,
                               const struct notch_evidence_batch *parts)
{
    write_head(writer, NOTCH_EVIDENCE_BATCH, offender);
    notch_write_blob(writer, parts->batch_header);
    notch_write_sig(writer, &parts->batch_sig);
    notch_write_blob(writer, parts->record_header);
    notch_write_sig(writer, &parts->record_sig);
    notch_write_uvar(writer, parts->index);
    notch_write_uvar(writer, parts->path_len);
    for (size_t i = 0; i < parts->path_len; i++) {
        notch_write_hash(writer, &parts->path[i]);
    }
}

/* What the checks of all kinds share. */
struct check {
    struct notch_reader reader;
    const struct notch_domain *domain;
    const struct notch_crypto *crypto;
    struct notch_evidence *out;
};

static bool read_signed_vote(struct check *check, struct notch_vote_data *data)
{
    notch_vote_data_decode(data, &check->reader);
    struct notch_sig sig = notch_read_sig(&check->reader);
    struct notch_hash hash;
    notch_vote_hash(&hash, check->domain, data);
    return !check->reader.failed && notch_verify(check->crypto, &check->out->offender, &hash, &sig);
}

static struct notch_reject check_votes(struct check *check)
{
    struct notch_vote_data first;
    struct notch_vote_data second;
    if (!read_signed_vote(check, &first) || !read_signed_vote(check, &second)) {
        return NOTCH_REJECT(SIGNATURE, "evidence: vote");
    }
    if (!notch_reader_done(&check->reader) || notch_vote_data_cmp(&first, &second) >= 0) {
        return NOTCH_REJECT(MALFORMED, "evidence: votes");
    }
    bool is_broken = check->out->kind == NOTCH_EVIDENCE_EQUIVOCATION ? notch_evidence_is_equivocation(&first, &second)
                                                                     : notch_evidence_is_regress(&first, &second);
    if (!is_broken) {
        return NOTCH_REJECT(BOUNDS, "evidence: the votes break no rule");
    }
    check->out->slot = second.slot;
    check->out->set_id = second.set_id;
    return NOTCH_VALID;
}

static struct notch_reject check_target(struct check *check)
{
    struct notch_vote_data vote;
    struct notch_header header;
    if (!read_signed_vote(check, &vote)) {
        return NOTCH_REJECT(SIGNATURE, "evidence: vote");
    }
    struct notch_reject reject = notch_header_decode(&header, &check->reader);
    if (!notch_is_valid(reject) || !notch_reader_done(&check->reader)) {
        return NOTCH_REJECT(MALFORMED, "evidence: header");
    }
    /* The header's own signature proves nothing more: the voter signed its hash. */
    struct notch_hash hash;
    notch_header_hash(&hash, check->domain, &header);
    if (!notch_hash_eq(&hash, &vote.target)) {
        return NOTCH_REJECT(BOUNDS, "evidence: not the target of the vote");
    }
    bool is_behind =
        header.set_id > vote.set_id || (header.set_id == vote.set_id && (header.flags & NOTCH_HEADER_PENDING) != 0);
    if (!is_behind) {
        return NOTCH_REJECT(BOUNDS, "evidence: the target is within its set");
    }
    check->out->slot = vote.slot;
    check->out->set_id = vote.set_id;
    return NOTCH_VALID;
}

static bool is_signed_header(const struct check *check, const struct notch_header *header)
{
    struct notch_hash hash;
    notch_header_hash(&hash, check->domain, header);
    return notch_verify(check->crypto, &check->out->offender, &hash, &header->sig);
}

static struct notch_reject check_headers(struct check *check)
{
    struct notch_bytes first_bytes = notch_bytes(check->reader.at, notch_reader_left(&check->reader));
    if (first_bytes.len != (size_t)2 * NOTCH_HEADER_LEN) {
        return NOTCH_REJECT(MALFORMED, "evidence: headers");
    }
    struct notch_header first;
    struct notch_header second;
    struct notch_reject reject = notch_header_decode(&first, &check->reader);
    reject = notch_is_valid(reject) ? notch_header_decode(&second, &check->reader) : reject;
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (memcmp(first_bytes.data, first_bytes.data + NOTCH_HEADER_LEN, NOTCH_HEADER_LEN) >= 0) {
        return NOTCH_REJECT(MALFORMED, "evidence: headers out of order");
    }
    struct notch_hash hash[2];
    notch_header_hash(&hash[0], check->domain, &first);
    notch_header_hash(&hash[1], check->domain, &second);
    if (first.set_id != second.set_id || notch_slot_cmp(first.slot, second.slot) != 0 ||
        notch_hash_eq(&hash[0], &hash[1])) {
        return NOTCH_REJECT(BOUNDS, "evidence: the headers break no rule");
    }
    if (!is_signed_header(check, &first) || !is_signed_header(check, &second)) {
        return NOTCH_REJECT(SIGNATURE, "evidence: header");
    }
    check->out->slot = second.slot;
    check->out->set_id = second.set_id;
    return NOTCH_VALID;
}

/* Whether the record's header or signature is invalid: only that is proven by a path to its id (8 Q, E5). */
static bool is_bad_record(const struct check *check, struct notch_bytes header, const struct notch_hash *sighash,
                          const struct notch_sig *sig)
{
    struct notch_record record;
    if (!notch_is_valid(notch_record_header_decode(&record, header))) {
        return true;
    }
    return !notch_verify(check->crypto, &record.author, sighash, sig);
}

static struct notch_reject check_batch(struct check *check)
{
    /* Raw: the bytes are what is compared, copied or hashed. */
    struct notch_reader *reader = &check->reader;
    struct notch_bytes batch_header = notch_read_blob(reader, NOTCH_BATCH_HEADER_MAX);
    struct notch_sig batch_sig = notch_read_sig(reader);
    struct notch_bytes record_header = notch_read_blob(reader, NOTCH_RECORD_HEADER_MAX);
    struct notch_sig record_sig = notch_read_sig(reader);
    uint64_t index = notch_read_uvar(reader);
    size_t path_len = (size_t)notch_read_uvar_max(reader, NOTCH_MERKLE_PROOF_MAX);
    struct notch_hash path[NOTCH_MERKLE_PROOF_MAX];
    for (size_t i = 0; i < path_len; i++) {
        path[i] = notch_read_hash(reader);
    }
    struct notch_batch batch;
    if (!notch_reader_done(reader) || !notch_is_valid(notch_batch_header_decode(&batch, batch_header))) {
        return NOTCH_REJECT(MALFORMED, "evidence: batch");
    }
    struct notch_hash id;
    notch_batch_id(&id, check->domain, batch_header);
    if (!notch_key_eq(&batch.maker, &check->out->offender) ||
        !notch_verify(check->crypto, &batch.maker, &id, &batch_sig)) {
        return NOTCH_REJECT(SIGNATURE, "evidence: batch");
    }
    struct notch_hash sighash;
    struct notch_hash leaf;
    notch_record_ids(&sighash, &id, check->domain, record_header, &record_sig);
    notch_merkle_leaf(&leaf, notch_bytes(id.raw, sizeof id.raw));
    if (!notch_merkle_verify_inclusion(&leaf, index, batch.record_count, path, path_len, &batch.records_root)) {
        return NOTCH_REJECT(ROOT, "evidence: the record is not in the batch");
    }
    if (!is_bad_record(check, record_header, &sighash, &record_sig)) {
        return NOTCH_REJECT(BOUNDS, "evidence: the record is valid");
    }
    check->out->seq = batch.seq;
    return NOTCH_VALID;
}

struct notch_reject notch_evidence_check(struct notch_evidence *out, const struct notch_domain *domain,
                                         const struct notch_crypto *crypto, struct notch_bytes encoded)
{
    *out = (struct notch_evidence){0};
    if (encoded.len > NOTCH_EVIDENCE_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "evidence");
    }
    struct check check = {.reader = notch_reader(encoded), .domain = domain, .crypto = crypto, .out = out};
    uint8_t kind = notch_read_u8(&check.reader);
    out->offender = notch_read_key(&check.reader);
    if (check.reader.failed || kind < NOTCH_EVIDENCE_EQUIVOCATION || kind > NOTCH_EVIDENCE_BATCH) {
        return NOTCH_REJECT(MALFORMED, "evidence");
    }
    out->kind = (enum notch_evidence_kind)kind;
    switch (out->kind) {
    case NOTCH_EVIDENCE_EQUIVOCATION:
    case NOTCH_EVIDENCE_REGRESS:
        return check_votes(&check);
    case NOTCH_EVIDENCE_BEYOND:
        return check_target(&check);
    case NOTCH_EVIDENCE_PROPOSALS:
        return check_headers(&check);
    case NOTCH_EVIDENCE_BATCH:
        return check_batch(&check);
    }
    notch_unreachable();
}

void notch_evidence_id(struct notch_hash *out, const struct notch_domain *domain, struct notch_bytes encoded)
{
    notch_domain_hash(out, domain, NOTCH_TAG_EVIDENCE, encoded);
}
