#include "chain/store.h"

enum { OP_PUT = 1, OP_DELETE = 2 };

void notch_commit_init(struct notch_commit *commit, const struct notch_alloc *alloc)
{
    *commit = (struct notch_commit){0};
    notch_buf_init(&commit->bodies, alloc);
    notch_buf_init(&commit->votes, alloc);
    notch_buf_init(&commit->keys, alloc);
}

void notch_commit_fini(struct notch_commit *commit)
{
    notch_buf_fini(&commit->bodies);
    notch_buf_fini(&commit->votes);
    notch_buf_fini(&commit->keys);
}

void notch_commit_clear(struct notch_commit *commit)
{
    commit->token = 0;
    commit->body_first = 0;
    commit->body_count = 0;
    notch_buf_clear(&commit->bodies);
    notch_buf_clear(&commit->votes);
    notch_buf_clear(&commit->keys);
}

bool notch_commit_is_empty(const struct notch_commit *commit)
{
    return commit->bodies.len == 0 && commit->votes.len == 0 && commit->keys.len == 0;
}

uint64_t notch_commit_body(struct notch_commit *commit, struct notch_bytes body)
{
    notch_assert(body.len <= NOTCH_STORE_BODY_MAX);
    struct notch_writer writer = notch_writer_grow(&commit->bodies);
    notch_write_blob(&writer, body);
    return commit->body_first + commit->body_count++;
}

void notch_commit_vote(struct notch_commit *commit, struct notch_bytes entry)
{
    struct notch_writer writer = notch_writer_grow(&commit->votes);
    notch_write_blob(&writer, entry);
}

static void write_key(struct notch_writer *writer, uint8_t op, struct notch_bytes key)
{
    notch_assert(key.len > 0);
    notch_assert(key.len <= NOTCH_STORE_KEY_MAX);
    notch_write_u8(writer, op);
    notch_write_blob(writer, key);
}

void notch_commit_put(struct notch_commit *commit, struct notch_bytes key, struct notch_bytes value)
{
    struct notch_writer writer = notch_writer_grow(&commit->keys);
    write_key(&writer, OP_PUT, key);
    notch_write_blob(&writer, value);
}

void notch_commit_delete(struct notch_commit *commit, struct notch_bytes key)
{
    struct notch_writer writer = notch_writer_grow(&commit->keys);
    write_key(&writer, OP_DELETE, key);
}

bool notch_commit_next_op(struct notch_reader *reader, struct notch_commit_op *op)
{
    if (notch_reader_left(reader) == 0) {
        return false;
    }
    uint8_t kind = notch_read_u8(reader);
    op->key = notch_read_blob(reader, NOTCH_STORE_KEY_MAX);
    op->is_delete = kind == OP_DELETE;
    op->value = op->is_delete ? notch_bytes(NULL, 0) : notch_read_blob(reader, SIZE_MAX / 2);
    notch_assert(!reader->failed);
    return true;
}
