/*
 * The verifier. It reads the proof once, from the checkpoint towards the entry: at any moment what has been read is
 * bound to the checkpoint, so that the first byte that is not decides.
 */
#include "chain/proof.h"

#include "base/assert.h"
#include "chain/proof_format.h"
#include "chain/weights.h"

/* What is trusted so far. */
struct verifier {
    const struct notch_crypto *crypto;
    const struct notch_alloc *alloc;
    const struct notch_hash *checkpoint;
    struct notch_reader reader;
    struct notch_domain domain;
    struct notch_hash set_root; /* of the set that may make the next block final */
    uint64_t set_id;            /* no vote of an older one counts; wide, for there may be none behind the last id */
    bool has_block;             /* whether a block is trusted: not yet, where the checkpoint is the genesis hash */
    struct notch_header block;
    struct notch_hash block_hash;
    struct notch_member members[NOTCH_SET_MEMBERS_MAX];
    struct notch_proof_result *result;
};

/* A header without its signature: what the hash covers. */
static struct notch_reject read_header(struct verifier *verifier, struct notch_header *header, struct notch_hash *hash)
{
    struct notch_bytes bytes = notch_read_bytes(&verifier->reader, NOTCH_HEADER_UNSIGNED_LEN);
    if (verifier->reader.failed) {
        return NOTCH_REJECT(MALFORMED, "proof: cut short in a header");
    }
    uint8_t whole[NOTCH_HEADER_LEN] = {0};
    memcpy(whole, bytes.data, bytes.len);
    struct notch_reader reader = notch_reader(notch_bytes(whole, sizeof whole));
    struct notch_reject reject = notch_header_decode(header, &reader);
    notch_domain_hash(hash, &verifier->domain, NOTCH_TAG_BLOCK, bytes);
    return reject;
}

/* The first set, out of the genesis file. */
static struct notch_reject trust_genesis(struct verifier *verifier)
{
    struct notch_bytes file = notch_read_blob(&verifier->reader, NOTCH_GENESIS_BYTES_MAX);
    struct notch_hash hash;
    notch_genesis_hash(&hash, file);
    if (!notch_hash_eq(&hash, verifier->checkpoint)) {
        return NOTCH_REJECT(ROOT, "proof: its genesis is not the checkpoint");
    }
    struct notch_genesis genesis;
    notch_genesis_init(&genesis, verifier->alloc);
    struct notch_reject reject = notch_genesis_decode(&genesis, file);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    notch_domain_init(&verifier->domain, &hash);
    uint64_t weights[NOTCH_GENESIS_MEMBERS_MAX];
    notch_weights_of_genesis(weights, &genesis);
    uint32_t count = 0;
    for (uint32_t i = 0; i < genesis.member_count; i++) {
        if (weights[i] > 0) {
            verifier->members[count++] = (struct notch_member){genesis.members[i].key, weights[i]};
        }
    }
    notch_genesis_fini(&genesis);
    struct notch_set set;
    reject = notch_set_make(&set, &verifier->domain, 0, verifier->members, count);
    verifier->set_root = set.root;
    verifier->set_id = 0;
    return reject;
}

/* The set in force behind a trusted block. */
static void trust_set_of(struct verifier *verifier, const struct notch_header *header)
{
    bool signal = (header->flags & NOTCH_HEADER_SIGNAL) != 0;
    verifier->set_root = signal ? header->next_set_root : header->set_root;
    verifier->set_id = (uint64_t)header->set_id + (signal ? 1 : 0);
}

static struct notch_reject trust_block(struct verifier *verifier)
{
    struct notch_hash genesis = notch_read_hash(&verifier->reader);
    notch_domain_init(&verifier->domain, &genesis);
    struct notch_reject reject = read_header(verifier, &verifier->block, &verifier->block_hash);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (!notch_hash_eq(&verifier->block_hash, verifier->checkpoint)) {
        return NOTCH_REJECT(ROOT, "proof: the block it starts from is not the checkpoint");
    }
    verifier->has_block = true;
    trust_set_of(verifier, &verifier->block);
    return NOTCH_VALID;
}

static struct notch_reject read_anchor(struct verifier *verifier)
{
    struct notch_bytes magic = notch_read_bytes(&verifier->reader, NOTCH__PROOF_MAGIC_LEN);
    if (!notch_bytes_eq(magic, notch_bytes(NOTCH__PROOF_MAGIC, NOTCH__PROOF_MAGIC_LEN))) {
        return NOTCH_REJECT(MALFORMED, "proof: not a proof");
    }
    if (notch_read_u8(&verifier->reader) != NOTCH_PROOF_VERSION) {
        return NOTCH_REJECT(VERSION, "proof: unknown version");
    }
    switch (notch_read_u8(&verifier->reader)) {
    case NOTCH__ANCHOR_GENESIS:
        return trust_genesis(verifier);
    case NOTCH__ANCHOR_BLOCK:
        return trust_block(verifier);
    }
    return NOTCH_REJECT(MALFORMED, "proof: unknown kind of checkpoint");
}

/* Whether the votes of `set` may make this block final, knowing the root in force. */
static bool set_fits(const struct verifier *verifier, const struct notch_set *set, const struct notch_header *header)
{
    if (set->id < verifier->set_id || !notch_hash_eq(&set->root, &verifier->set_root)) {
        return false;
    }
    if (set->id == header->set_id) {
        return notch_hash_eq(&set->root, &header->set_root);
    }
    /* A block behind the signal block, led by the old set and made final by the new one. */
    bool pending = (header->flags & NOTCH_HEADER_PENDING) != 0;
    return pending && set->id == (uint64_t)header->set_id + 1;
}

/* Whether a vote says: I saw that the block was justified, one slot ago. */
static bool vote_fits(const struct notch_vote_data *vote, const struct notch_vote_data *first,
                      const struct notch_set *set, const struct notch_header *header, const struct notch_hash *hash)
{
    bool same_slot =
        notch_slot_cmp(vote->slot, first->slot) == 0 && notch_slot_cmp(vote->source.slot, first->source.slot) == 0;
    /* Raw: the slot behind the checkpoint's; one that wraps to 0 is not behind anything. */
    bool next_slot = vote->slot.raw != 0 && vote->slot.raw - 1 == vote->source.slot.raw;
    return same_slot && next_slot && notch_slot_cmp(vote->source.slot, header->slot) >= 0 &&
           notch_hash_eq(&vote->source.hash, hash) && vote->set_id == set->id &&
           memcmp(vote->set_root8, set->root.raw, sizeof vote->set_root8) == 0;
}

static struct notch_reject count_votes(const struct verifier *verifier, uint64_t *weight, struct notch_bytes votes,
                                       const struct notch_set *set, const struct notch_header *header,
                                       const struct notch_hash *hash)
{
    size_t count;
    struct notch_reject reject = notch_votes_check(&count, votes, set->count);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    bool voted[NOTCH_SET_MEMBERS_MAX] = {false};
    struct notch_votes_iter iter = notch_votes_iter(votes);
    struct notch_vote vote;
    struct notch_vote_data first = {0};
    *weight = 0;
    for (size_t i = 0; notch_votes_next(&iter, &vote); i++) {
        first = i == 0 ? vote.data : first;
        if (!vote_fits(&vote.data, &first, set, header, hash)) {
            return NOTCH_REJECT(CONFLICT, "proof: a vote that does not make the block final");
        }
        if (vote.validator >= set->count || voted[vote.validator]) {
            return NOTCH_REJECT(CONFLICT, "proof: a vote of nobody, or one too many");
        }
        voted[vote.validator] = true;
        struct notch_hash message;
        notch_vote_hash(&message, &verifier->domain, &vote.data);
        if (!notch_verify(verifier->crypto, &set->members[vote.validator].key, &message, &vote.sig)) {
            return NOTCH_REJECT(SIGNATURE, "proof: the signature of a vote does not verify");
        }
        *weight += set->members[vote.validator].weight;
    }
    return NOTCH_VALID;
}

/* A header, the set and its votes that make it final. */
static struct notch_reject read_final(struct verifier *verifier, struct notch_header *header, struct notch_hash *hash)
{
    struct notch_reject reject = read_header(verifier, header, hash);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    struct notch_bytes encoded_set = notch_read_blob(&verifier->reader, NOTCH_SET_ENCODED_MAX);
    struct notch_bytes votes = notch_read_blob(&verifier->reader, NOTCH__PROOF_VOTES_MAX);
    struct notch_reader reader = notch_reader(encoded_set);
    struct notch_set set;
    reject = notch_set_decode(&set, verifier->members, NOTCH_SET_MEMBERS_MAX, &reader, &verifier->domain);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (!notch_reader_done(&reader) || !set_fits(verifier, &set, header)) {
        return NOTCH_REJECT(ROOT, "proof: not the set that could make this block final");
    }
    uint64_t weight;
    reject = count_votes(verifier, &weight, votes, &set, header, hash);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (!notch_set_is_quorum(&set, weight)) {
        return NOTCH_REJECT(NOT_AUTHORISED, "proof: not more than two thirds of the weight have voted");
    }
    verifier->result->set_id = set.id;
    verifier->result->weight = weight;
    verifier->result->weight_total = set.weight;
    return NOTCH_VALID;
}

static struct notch_reject read_hops(struct verifier *verifier)
{
    uint32_t hops = (uint32_t)notch_read_uvar_max(&verifier->reader, NOTCH_PROOF_HOPS_MAX);
    verifier->result->hops = hops;
    for (uint32_t i = 0; i < hops; i++) {
        struct notch_header header;
        struct notch_hash hash;
        struct notch_reject reject = read_final(verifier, &header, &hash);
        if (!notch_is_valid(reject)) {
            return reject;
        }
        if ((header.flags & NOTCH_HEADER_SIGNAL) == 0) {
            return NOTCH_REJECT(CONFLICT, "proof: a change of the set in a block that signals none");
        }
        trust_set_of(verifier, &header);
    }
    return NOTCH_VALID;
}

/* The block under which the entry is shown: the checkpoint's own, or one with a certificate. */
static struct notch_reject read_trusted(struct verifier *verifier)
{
    struct notch_reject reject = read_hops(verifier);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    struct notch_proof_result *result = verifier->result;
    switch (notch_read_u8(&verifier->reader)) {
    case NOTCH__FINAL_ANCHOR:
        if (!verifier->has_block || result->hops > 0) {
            return NOTCH_REJECT(MALFORMED, "proof: the checkpoint is no block to show it under");
        }
        result->by_checkpoint = true;
        break;
    case NOTCH__FINAL_VOTES:
        reject = read_final(verifier, &verifier->block, &verifier->block_hash);
        break;
    default:
        return NOTCH_REJECT(MALFORMED, "proof: unknown kind of final block");
    }
    result->final_height = verifier->block.height;
    result->final_block = verifier->block_hash;
    return reject;
}

/* The hashes of a path whose length is a function of what is known; false if they end early. */
static bool read_path(struct verifier *verifier, struct notch_hash path[NOTCH_MERKLE_PROOF_MAX], size_t *len,
                      uint64_t index, uint64_t size)
{
    if (verifier->reader.failed || index >= size || size > UINT64_C(1) << 63) {
        return false;
    }
    *len = notch_merkle_inclusion_len(index, size);
    for (size_t i = 0; i < *len; i++) {
        path[i] = notch_read_hash(&verifier->reader);
    }
    return !verifier->reader.failed;
}

/* A path that leads from the data of a leaf to a root that is known. */
static bool read_inclusion(struct verifier *verifier, struct notch_bytes leaf_data, uint64_t index, uint64_t size,
                           const struct notch_hash *root)
{
    struct notch_hash path[NOTCH_MERKLE_PROOF_MAX];
    size_t len;
    if (!read_path(verifier, path, &len, index, size)) {
        return false;
    }
    struct notch_hash leaf;
    notch_merkle_leaf(&leaf, leaf_data);
    return notch_merkle_verify_inclusion(&leaf, index, size, path, len, root);
}

/* Raw: the bytes of a hash are the data of a leaf. */
static struct notch_bytes hash_bytes(const struct notch_hash *hash)
{
    return notch_bytes(hash->raw, sizeof hash->raw);
}

/* The block that includes the batch: the trusted one, or an ancestor of it. Raw: heights index the history. */
static struct notch_reject read_block(struct verifier *verifier)
{
    uint8_t place = notch_read_u8(&verifier->reader);
    if (place == NOTCH__PLACE_ANCESTOR) {
        struct notch_header header;
        struct notch_hash hash;
        struct notch_reject reject = read_header(verifier, &header, &hash);
        if (!notch_is_valid(reject)) {
            return reject;
        }
        if (!read_inclusion(verifier, hash_bytes(&hash), header.height.raw, verifier->block.height.raw,
                            &verifier->block.history_root)) {
            return NOTCH_REJECT(ROOT, "proof: the block is not in the history of the final one");
        }
        verifier->block = header;
        verifier->block_hash = hash;
    } else if (place != NOTCH__PLACE_HERE) {
        return NOTCH_REJECT(MALFORMED, "proof: unknown place of the block");
    }
    struct notch_proof_result *result = verifier->result;
    result->height = verifier->block.height;
    result->block = verifier->block_hash;
    result->slot = verifier->block.slot;
    result->time = verifier->block.time;
    return NOTCH_VALID;
}

static struct notch_reject read_batch(struct verifier *verifier, struct notch_batch *batch)
{
    uint64_t index = notch_read_uvar(&verifier->reader);
    const uint8_t *start = verifier->reader.at;
    notch_batch_header_read(&verifier->reader, batch);
    if (verifier->reader.failed) {
        return NOTCH_REJECT(MALFORMED, "proof: not a canonical batch header");
    }
    struct notch_bytes header = notch_bytes(start, (size_t)(verifier->reader.at - start));
    notch_batch_id(&verifier->result->batch_id, &verifier->domain, header);
    if (!read_inclusion(verifier, hash_bytes(&verifier->result->batch_id), index, verifier->block.n_batches,
                        &verifier->block.batches_root)) {
        return NOTCH_REJECT(ROOT, "proof: the batch is not in the block");
    }
    return NOTCH_VALID;
}

static struct notch_reject read_record(struct verifier *verifier, struct notch_record *record,
                                       const struct notch_batch *batch)
{
    uint64_t index = notch_read_uvar(&verifier->reader);
    const uint8_t *start = verifier->reader.at;
    notch_record_header_read(&verifier->reader, record);
    struct notch_bytes header = notch_bytes(start, (size_t)(verifier->reader.at - start));
    struct notch_sig sig = notch_read_sig(&verifier->reader);
    if (verifier->reader.failed) {
        return NOTCH_REJECT(MALFORMED, "proof: not a canonical record header");
    }
    notch_record_ids(&record->sighash, &record->id, &verifier->domain, header, &sig);
    if (!read_inclusion(verifier, hash_bytes(&record->id), index, batch->record_count, &batch->records_root)) {
        return NOTCH_REJECT(ROOT, "proof: the record is not in the batch");
    }
    /* Every validator has checked it; but who wrote it need not be taken from them. */
    if (!notch_verify(verifier->crypto, &record->author, &record->sighash, &sig)) {
        return NOTCH_REJECT(SIGNATURE, "proof: the author's signature does not verify");
    }
    verifier->result->record_id = record->id;
    verifier->result->author = record->author;
    verifier->result->record_ts = record->ts;
    return NOTCH_VALID;
}

static struct notch_reject read_entry(struct verifier *verifier, const struct notch_record *record)
{
    struct notch_entry_view *entry = &verifier->result->entry;
    uint64_t index = notch_read_uvar(&verifier->reader);
    const uint8_t *start = verifier->reader.at;
    entry->type = notch_read_uvar(&verifier->reader);
    entry->payload = notch_read_blob(&verifier->reader, NOTCH_RECORD_BYTES_MAX);
    if (verifier->reader.failed) {
        return NOTCH_REJECT(MALFORMED, "proof: not a canonical entry");
    }
    entry->encoded = notch_bytes(start, (size_t)(verifier->reader.at - start));
    if (!read_inclusion(verifier, entry->encoded, index, record->entry_count, &record->entries_root)) {
        return NOTCH_REJECT(ROOT, "proof: the entry is not in the record");
    }
    verifier->result->entry_index = (uint32_t)index;
    return NOTCH_VALID;
}

static struct notch_reject verify(struct verifier *verifier)
{
    struct notch_batch batch;
    struct notch_record record;
    struct notch_reject reject = read_anchor(verifier);
    reject = notch_is_valid(reject) ? read_trusted(verifier) : reject;
    reject = notch_is_valid(reject) ? read_block(verifier) : reject;
    reject = notch_is_valid(reject) ? read_batch(verifier, &batch) : reject;
    reject = notch_is_valid(reject) ? read_record(verifier, &record, &batch) : reject;
    reject = notch_is_valid(reject) ? read_entry(verifier, &record) : reject;
    if (notch_is_valid(reject) && !notch_reader_done(&verifier->reader)) {
        return NOTCH_REJECT(MALFORMED, "proof: bytes behind its end");
    }
    verifier->result->genesis = verifier->domain.genesis;
    return reject;
}

struct notch_reject notch_proof_verify(struct notch_proof_result *out, struct notch_bytes proof,
                                       const struct notch_hash *checkpoint, const struct notch_crypto *crypto,
                                       const struct notch_alloc *alloc)
{
    memset(out, 0, sizeof *out);
    if (proof.len > NOTCH_PROOF_BYTES_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "proof: larger than 16 MiB");
    }
    struct verifier *verifier = notch_alloc(alloc, sizeof *verifier);
    verifier->crypto = crypto;
    verifier->alloc = alloc;
    verifier->checkpoint = checkpoint;
    verifier->reader = notch_reader(proof);
    verifier->result = out;
    struct notch_reject reject = verify(verifier);
    notch_free(alloc, verifier, sizeof *verifier);
    if (!notch_is_valid(reject)) {
        memset(out, 0, sizeof *out);
    }
    return reject;
}
