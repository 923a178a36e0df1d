#include "tests/support/proofs.h"

#include "base/assert.h"
#include "chain/weights.h"

#include <stdlib.h>

static struct notch_hash any_hash(struct notch_rng *rng)
{
    struct notch_hash hash;
    notch_rng_fill(rng, hash.raw, sizeof hash.raw);
    return hash;
}

static void require(bool ok)
{
    notch_assert(ok);
}

static void make_batch(struct notch_test_proofs *proofs, struct notch_test_block *block, uint32_t index)
{
    struct notch_test_chain *chain = &proofs->chain;
    struct notch_batch_builder builder;
    struct notch_buf bytes;
    notch_batch_builder_init(&builder, notch_alloc_heap(), chain->genesis.caps.batch_bytes);
    notch_buf_init(&bytes, notch_alloc_heap());
    uint32_t records = 1 + (uint32_t)notch_rng_below(&proofs->rng, 6);
    for (uint32_t i = 0; i < records; i++) {
        struct notch_record record;
        notch_buf_clear(&bytes);
        notch_test_record(&bytes, &proofs->rng, chain, i % NOTCH_TEST_SIGNERS,
                          1 + (uint32_t)notch_rng_below(&proofs->rng, 9));
        require(notch_is_valid(notch_record_check_unsigned(&record, notch_buf_bytes(&bytes), &chain->rules)));
        if (proofs->unsigned_records) {
            bytes.data[record.header.len] ^= 1;
            require(notch_is_valid(notch_record_check_unsigned(&record, notch_buf_bytes(&bytes), &chain->rules)));
        }
        require(notch_batch_builder_add(&builder, notch_buf_bytes(&bytes), &record.id) == NOTCH_OK);
    }
    notch_buf_init(&block->batches[index], notch_alloc_heap());
    require(notch_batch_builder_sign(&builder, &block->batches[index], &block->batch_ids[index], index,
                                     (struct notch_time){NOTCH_TEST_NOW_MS}, &chain->signers[0],
                                     &chain->rules) == NOTCH_OK);
    block->header.n_records += records;
    notch_buf_fini(&bytes);
    notch_batch_builder_fini(&builder);
}

static void make_batches(struct notch_test_proofs *proofs, struct notch_test_block *block)
{
    struct notch_hash leaves[NOTCH_TEST_BATCHES_MAX];
    uint32_t count = (uint32_t)notch_rng_below(&proofs->rng, NOTCH_TEST_BATCHES_MAX + 1);
    for (uint32_t i = 0; i < count; i++) {
        make_batch(proofs, block, i);
        notch_merkle_leaf(&leaves[i], notch_bytes(block->batch_ids[i].raw, 32));
    }
    block->header.n_batches = count;
    notch_merkle_root_of(&block->header.batches_root, leaves, count);
}

static int by_key(const void *a, const void *b)
{
    return notch_key_cmp(&((const struct notch_member *)a)->key, &((const struct notch_member *)b)->key);
}

static void make_set(struct notch_test_proofs *proofs, uint32_t id, uint32_t count)
{
    struct notch_test_set *set = &proofs->sets[id];
    uint64_t weights[NOTCH_GENESIS_MEMBERS_MAX];
    notch_weights_of_genesis(weights, &proofs->chain.genesis);
    for (uint32_t i = 0; i < count; i++) {
        bool first = id == 0 || proofs->same_sets;
        set->members[i].key = proofs->chain.signers[first ? i : (i + id) % NOTCH_TEST_SIGNERS].key;
        set->members[i].weight = first ? weights[i] : 1000 + notch_rng_below(&proofs->rng, 100);
    }
    qsort(set->members, count, sizeof set->members[0], by_key);
    require(notch_is_valid(notch_set_make(&set->set, &proofs->chain.domain, id, set->members, count)));
}

static struct notch_bytes hash_bytes(const struct notch_hash *hash)
{
    return notch_bytes(hash->raw, sizeof hash->raw);
}

static void make_block(struct notch_test_proofs *proofs, uint32_t height, uint8_t flags, uint32_t set_id)
{
    struct notch_test_block *block = &proofs->blocks[height];
    struct notch_header *header = &block->header;
    *header = (struct notch_header){.rules = 1,
                                    .flags = flags,
                                    .slot = {2 * (uint64_t)height},
                                    .height = {height},
                                    .time = {NOTCH_TEST_NOW_MS + height},
                                    .parent = proofs->blocks[height - 1].hash,
                                    .set_id = set_id,
                                    .set_root = proofs->sets[set_id].set.root,
                                    .votes_root = any_hash(&proofs->rng),
                                    .evidence_root = any_hash(&proofs->rng),
                                    .parent_state_root = any_hash(&proofs->rng),
                                    .parent_receipts_root = any_hash(&proofs->rng)};
    if ((flags & NOTCH_HEADER_SIGNAL) != 0) {
        header->next_set_root = proofs->sets[set_id + 1].set.root;
        proofs->sets[set_id].signal = height;
    }
    notch_rng_fill(&proofs->rng, header->vrf.raw, sizeof header->vrf.raw);
    notch_merkle_root(&proofs->history, &header->history_root);
    make_batches(proofs, block);
    notch_header_hash(&block->hash, &proofs->chain.domain, header);
    notch_merkle_leaf(&proofs->leaves[height], hash_bytes(&block->hash));
    notch_merkle_append(&proofs->history, &proofs->leaves[height]);
}

static void make_blocks(struct notch_test_proofs *proofs, uint32_t members, uint32_t blocks, uint32_t epoch)
{
    uint32_t set_id = 0;
    make_set(proofs, 0, members);
    proofs->set_count = 1;
    for (uint32_t height = 1; height <= blocks; height++) {
        bool signal = epoch > 0 && height % epoch == 0 && set_id + 1 < NOTCH_TEST_SETS_MAX && height + 2 <= blocks;
        if (signal) {
            make_set(proofs, set_id + 1, members);
            proofs->set_count++;
            make_block(proofs, height++, NOTCH_HEADER_SIGNAL, set_id);
            make_block(proofs, height, NOTCH_HEADER_PENDING, set_id);
            set_id++;
        } else {
            make_block(proofs, height, 0, set_id);
        }
    }
}

void notch_test_certify(const struct notch_test_proofs *proofs, struct notch_proof_final *out,
                        const struct notch_header *header, const struct notch_set *set)
{
    struct notch_vote votes[NOTCH_TEST_SIGNERS];
    struct notch_vote_data data = {
        .set_id = set->id, .slot = {header->slot.raw + 2}, .source = {{header->slot.raw + 1}, {{0}}}};
    notch_header_hash(&data.source.hash, &proofs->chain.domain, header);
    data.target = data.source.hash;
    data.head = data.source.hash;
    memcpy(data.set_root8, set->root.raw, sizeof data.set_root8);
    uint32_t needed = 2 * set->count / 3 + 1;
    for (uint32_t i = 0; i < needed; i++) {
        /* The later ones vote for a greater target, so that the order is that of an encoding. */
        if (i == needed - 1 && needed > 1) {
            memset(data.target.raw, 0xff, sizeof data.target.raw);
        }
        for (uint32_t s = 0; s < NOTCH_TEST_SIGNERS; s++) {
            const struct notch_signer *signer = &proofs->chain.signers[s];
            if (notch_key_eq(&signer->key, &set->members[i].key)) {
                require(notch_vote_sign(&votes[i], &proofs->chain.domain, proofs->chain.crypto, signer, &data,
                                        (uint16_t)i));
            }
        }
    }
    out->header = *header;
    struct notch_writer writer = notch_writer_grow(&out->set);
    notch_set_encode(&writer, set);
    writer = notch_writer_grow(&out->votes);
    notch_votes_encode(&writer, votes, needed);
}

static enum notch_err source_genesis(const void *self, struct notch_buf *out)
{
    const struct notch_test_proofs *proofs = self;
    notch_buf_append(out, proofs->chain.genesis_bytes.data, proofs->chain.genesis_bytes.len);
    return NOTCH_OK;
}

static enum notch_err source_header(const void *self, struct notch_header *out, struct notch_height height)
{
    const struct notch_test_proofs *proofs = self;
    if (height.raw == 0 || height.raw > proofs->height) {
        return NOTCH_ERR_NOT_FOUND;
    }
    *out = proofs->blocks[height.raw].header;
    return NOTCH_OK;
}

static enum notch_err source_batch_ids(const void *self, struct notch_buf *out, struct notch_height height)
{
    const struct notch_test_block *block = &((const struct notch_test_proofs *)self)->blocks[height.raw];
    for (uint32_t i = 0; i < block->header.n_batches; i++) {
        notch_buf_append(out, block->batch_ids[i].raw, 32);
    }
    return NOTCH_OK;
}

static enum notch_err source_content(const void *self, struct notch_proof_content *out, const struct notch_hash *batch,
                                     uint32_t record_index)
{
    const struct notch_test_proofs *proofs = self;
    for (uint32_t height = 1; height <= proofs->height; height++) {
        const struct notch_test_block *block = &proofs->blocks[height];
        for (uint32_t i = 0; i < block->header.n_batches; i++) {
            if (notch_hash_eq(&block->batch_ids[i], batch)) {
                return notch_proof_content_of(out, notch_buf_bytes(&block->batches[i]), record_index,
                                              &proofs->chain.domain);
            }
        }
    }
    return NOTCH_ERR_NOT_FOUND;
}

static enum notch_err source_change(const void *self, struct notch_proof_final *out, uint32_t set_id)
{
    const struct notch_test_proofs *proofs = self;
    for (uint32_t id = set_id; id < proofs->set_count && proofs->sets[id].signal != 0; id++) {
        const struct notch_header *header = &proofs->blocks[proofs->sets[id].signal].header;
        if (!notch_hash_eq(&header->set_root, &header->next_set_root)) {
            notch_test_certify(proofs, out, header, &proofs->sets[id].set);
            return NOTCH_OK;
        }
    }
    return NOTCH_ERR_NOT_FOUND;
}

static enum notch_err source_final(const void *self, struct notch_proof_final *out)
{
    const struct notch_test_proofs *proofs = self;
    const struct notch_header *header = &proofs->blocks[proofs->final_height].header;
    bool pending = (header->flags & NOTCH_HEADER_PENDING) != 0;
    notch_test_certify(proofs, out, header, &proofs->sets[header->set_id + (pending ? 1 : 0)].set);
    return NOTCH_OK;
}

static void init(struct notch_test_proofs *proofs, const struct notch_crypto *crypto, uint64_t seed, uint32_t members,
                 uint32_t blocks, uint32_t epoch)
{
    notch_test_chain_init(&proofs->chain, NOTCH_MODE_PRIVATE, crypto, members);
    notch_rng_init(&proofs->rng, seed);
    notch_merkle_init(&proofs->history);
    proofs->blocks[0].hash = proofs->chain.genesis_hash;
    notch_merkle_leaf(&proofs->leaves[0], hash_bytes(&proofs->chain.genesis_hash));
    notch_merkle_append(&proofs->history, &proofs->leaves[0]);
    make_blocks(proofs, members, blocks, epoch);
    proofs->height = blocks;
    proofs->final_height = blocks;
    proofs->leaf_list = (struct notch_merkle_leaves){proofs->leaves, blocks + 1};
    proofs->source = (struct notch_proof_source){.genesis = source_genesis,
                                                 .header = source_header,
                                                 .batch_ids = source_batch_ids,
                                                 .content = source_content,
                                                 .change = source_change,
                                                 .final = source_final,
                                                 .history = notch_merkle_nodes_of(&proofs->leaf_list),
                                                 .self = proofs};
}

void notch_test_proofs_init(struct notch_test_proofs *proofs, const struct notch_crypto *crypto, uint64_t seed,
                            uint32_t members, uint32_t blocks, uint32_t epoch)
{
    memset(proofs, 0, sizeof *proofs);
    init(proofs, crypto, seed, members, blocks, epoch);
}

void notch_test_proofs_init_same(struct notch_test_proofs *proofs, const struct notch_crypto *crypto, uint64_t seed,
                                 uint32_t members, uint32_t blocks, uint32_t epoch)
{
    memset(proofs, 0, sizeof *proofs);
    proofs->same_sets = true;
    init(proofs, crypto, seed, members, blocks, epoch);
}

void notch_test_proofs_init_unsigned(struct notch_test_proofs *proofs, const struct notch_crypto *crypto, uint64_t seed,
                                     uint32_t members, uint32_t blocks)
{
    memset(proofs, 0, sizeof *proofs);
    proofs->unsigned_records = true;
    init(proofs, crypto, seed, members, blocks, 0);
}

void notch_test_proofs_fini(struct notch_test_proofs *proofs)
{
    for (uint32_t height = 1; height <= proofs->height; height++) {
        for (uint32_t i = 0; i < proofs->blocks[height].header.n_batches; i++) {
            notch_buf_fini(&proofs->blocks[height].batches[i]);
        }
    }
    notch_test_chain_fini(&proofs->chain);
}

struct notch_hash notch_test_checkpoint(const struct notch_test_proofs *proofs, uint32_t height)
{
    return proofs->blocks[height].hash;
}

bool notch_test_request(struct notch_test_proofs *proofs, struct notch_proof_request *out)
{
    out->checkpoint.raw = notch_rng_below(&proofs->rng, proofs->final_height + 1);
    out->height.raw = 1 + notch_rng_below(&proofs->rng, proofs->final_height);
    const struct notch_test_block *block = &proofs->blocks[out->height.raw];
    if (block->header.n_batches == 0) {
        return false;
    }
    out->batch_index = (uint32_t)notch_rng_below(&proofs->rng, block->header.n_batches);
    struct notch_batch batch;
    require(notch_is_valid(notch_batch_decode(&batch, notch_buf_bytes(&block->batches[out->batch_index]))));
    out->record_index = (uint32_t)notch_rng_below(&proofs->rng, batch.record_count);
    struct notch_bytes encoded;
    require(notch_batch_record(&batch, &encoded, out->record_index) == NOTCH_OK);
    struct notch_record record;
    require(notch_is_valid(notch_record_decode(&record, encoded)));
    out->entry_index = (uint32_t)notch_rng_below(&proofs->rng, record.entry_count);
    return true;
}
