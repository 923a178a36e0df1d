#include "chain/entry_model.h"

#include "base/assert.h"
#include "chain/entry_rows.h"

void notch_model_root(struct notch_hash *out, struct notch_bytes bytes)
{
    notch_assert(bytes.len > 0);
    struct notch_merkle tree;
    notch_merkle_init(&tree);
    for (size_t at = 0; at < bytes.len; at += NOTCH_MODEL_CHUNK) {
        size_t left = bytes.len - at;
        struct notch_hash leaf;
        notch_merkle_leaf(&leaf, notch_bytes(bytes.data + at, left < NOTCH_MODEL_CHUNK ? left : NOTCH_MODEL_CHUNK));
        notch_merkle_append(&tree, &leaf);
    }
    notch_merkle_root(&tree, out);
}

static void model_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_model *model = &entry->as.model;
    notch_assert(model->layer_count <= NOTCH_MODEL_LAYERS_MAX);
    notch_write_hash(writer, &model->root);
    notch_write_uvar(writer, model->bytes);
    notch_write_uvar(writer, model->layer_count);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        notch_write_uvar(writer, model->layers[i]);
    }
    notch_write_u8(writer, model->follows ? 1 : 0);
    if (model->follows) {
        notch_assert(model->network.len == model->bytes);
        notch_write_bytes(writer, model->network.data, model->network.len);
    }
}

static void model_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_model *model = &out->as.model;
    model->root = notch_read_hash(reader);
    model->bytes = (uint32_t)notch_read_uvar_max(reader, NOTCH_MODEL_BYTES_MAX);
    model->layer_count = (uint32_t)notch_read_uvar_max(reader, NOTCH_MODEL_LAYERS_MAX);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        model->layers[i] = (uint32_t)notch_read_uvar_max(reader, NOTCH_MODEL_WIDTH_MAX);
    }
    model->follows = notch__read_choice(reader, 1) == 1;
    if (model->follows) {
        model->network = notch_read_bytes(reader, model->bytes);
    }
}

static struct notch_reject model_check(const struct notch_entry *entry, const struct notch_form *form)
{
    const struct notch_model *model = &entry->as.model;
    if (notch_mode_level(form->rules->mode, NOTCH_FIELD_MODEL) == NOTCH_LEVEL_FORBIDDEN) {
        return NOTCH_REJECT(MODE, "model: this chain's mode forbids models");
    }
    if (model->bytes == 0) {
        return NOTCH_REJECT(BOUNDS, "model: bytes is not 1 .. 2^30");
    }
    if (model->layer_count < NOTCH_MODEL_LAYERS_MIN) {
        return NOTCH_REJECT(BOUNDS, "model: not 2 .. 16 layers");
    }
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i] == 0) {
            return NOTCH_REJECT(BOUNDS, "model: a layer is not 1 .. 65536 wide");
        }
    }
    if (!model->follows) {
        return NOTCH_VALID;
    }
    if (model->network.len > NOTCH_MODEL_INLINE_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "model: more than 24 KiB do not go into an entry");
    }
    struct notch_hash root;
    notch_model_root(&root, model->network);
    if (!notch_hash_eq(&root, &model->root)) {
        return NOTCH_REJECT(ROOT, "model: the bytes that follow have another root");
    }
    return NOTCH_VALID;
}

/* Raw: the root by its bytes. */
static void model_claim(struct notch_claim *out, const struct notch_entry *entry, const struct notch_key *author)
{
    (void)author;
    notch__claim_begin(out, NOTCH_ENTRY_MODEL);
    notch__claim_add(out, entry->as.model.root.raw, 32);
}

const struct notch_entry_row notch__entry_model = {
    NOTCH_ENTRY_MODEL, "model", model_write, model_read, model_check, model_claim, NULL,
};

void notch_challenge_commitment(struct notch_hash *out, const struct notch_domain *domain,
                                const struct notch_challenge_reveal *reveal, const struct notch_key *author)
{
    uint8_t head[8 + 1 + 32 + 32 + 32];
    struct notch_writer writer = notch_writer(head, sizeof head);
    notch_write_u64(&writer, reveal->window);
    notch_write_u8(&writer, (uint8_t)reveal->kind);
    notch_write_hash(&writer, &reveal->challenge);
    notch_write_key(&writer, author);
    notch_write_hash(&writer, &reveal->salt);
    notch_assert(notch_writer_ok(&writer));
    struct notch_sha256 sha;
    notch_domain_begin(&sha, domain, NOTCH_TAG_CHALLENGE);
    notch_sha256_update(&sha, head, sizeof head);
    notch_sha256_update(&sha, reveal->solution.data, reveal->solution.len);
    notch_sha256_final(&sha, out);
}

static void challenge_commit_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_challenge_commit *commit = &entry->as.challenge_commit;
    notch_write_uvar(writer, commit->window);
    notch_write_u8(writer, (uint8_t)commit->kind);
    notch_write_hash(writer, &commit->challenge);
    notch_write_hash(writer, &commit->commitment);
}

static void challenge_commit_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_challenge_commit *commit = &out->as.challenge_commit;
    commit->window = notch_read_uvar(reader);
    commit->kind = (enum notch_challenge_kind)notch__read_choice(reader, NOTCH_CHALLENGE_CERTIFICATE);
    commit->challenge = notch_read_hash(reader);
    commit->commitment = notch_read_hash(reader);
}

static struct notch_reject challenge_commit_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)entry;
    (void)form;
    return NOTCH_VALID;
}

/* Raw: hash and key by their bytes. */
static void challenge_commit_claim(struct notch_claim *out, const struct notch_entry *entry,
                                   const struct notch_key *author)
{
    const struct notch_challenge_commit *commit = &entry->as.challenge_commit;
    notch__claim_begin(out, NOTCH_ENTRY_CHALLENGE_COMMIT);
    notch__claim_add_u64(out, commit->window);
    notch__claim_add(out, commit->challenge.raw, 32);
    notch__claim_add(out, author->raw, 32);
}

const struct notch_entry_row notch__entry_challenge_commit = {
    NOTCH_ENTRY_CHALLENGE_COMMIT,
    "challenge_commit",
    challenge_commit_write,
    challenge_commit_read,
    challenge_commit_check,
    challenge_commit_claim,
    NULL,
};

static void challenge_reveal_write(struct notch_writer *writer, const struct notch_entry *entry)
{
    const struct notch_challenge_reveal *reveal = &entry->as.challenge_reveal;
    notch_write_uvar(writer, reveal->window);
    notch_write_u8(writer, (uint8_t)reveal->kind);
    notch_write_hash(writer, &reveal->challenge);
    notch_write_hash(writer, &reveal->salt);
    notch_write_blob(writer, reveal->solution);
}

static void challenge_reveal_read(struct notch_reader *reader, struct notch_entry *out)
{
    struct notch_challenge_reveal *reveal = &out->as.challenge_reveal;
    reveal->window = notch_read_uvar(reader);
    reveal->kind = (enum notch_challenge_kind)notch__read_choice(reader, NOTCH_CHALLENGE_CERTIFICATE);
    reveal->challenge = notch_read_hash(reader);
    reveal->salt = notch_read_hash(reader);
    reveal->solution = notch_read_blob(reader, NOTCH_SOLUTION_MAX);
}

static struct notch_reject challenge_reveal_check(const struct notch_entry *entry, const struct notch_form *form)
{
    (void)form;
    if (entry->as.challenge_reveal.solution.len == 0) {
        return NOTCH_REJECT(EMPTY, "challenge_reveal: no solution");
    }
    return NOTCH_VALID;
}

const struct notch_entry_row notch__entry_challenge_reveal = {
    NOTCH_ENTRY_CHALLENGE_REVEAL,
    "challenge_reveal",
    challenge_reveal_write,
    challenge_reveal_read,
    challenge_reveal_check,
    NULL,
    NULL,
};
