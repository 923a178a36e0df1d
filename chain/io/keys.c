#include "chain/io/keys.h"
#include "chain/io/keys_log.h"

#include <errno.h>
#include <leveldb/c.h>

#define BLOOM_BITS 10
#define OPEN_FILES_MAX 256
/* Every read checks the CRC of a whole block, in software, and tables that are mapped are not cached: small ones. */
#define BLOCK_BYTES 1024
#define FORMAT_KEY_LEN 2
#define MARKER_KEY_LEN 10

#define REMEDY "move the folder away: the next start makes it again from the bodies"

static const uint8_t format_key[FORMAT_KEY_LEN] = {NOTCH_STORE_KEY_RESERVED, 'f'};

static void marker_key(uint8_t out[MARKER_KEY_LEN], uint64_t seq)
{
    out[0] = NOTCH_STORE_KEY_RESERVED;
    out[1] = 's';
    notch_put_be64(out + 2, seq);
}

/* LevelDB tells what went wrong in words alone. */
static enum notch_err classify(const char *text)
{
    static const int numbers[] = {ENOSPC, EDQUOT, EROFS, EACCES};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(numbers); i++) {
        if (strstr(text, strerrordesc_np(numbers[i]))) {
            return notch__err_from_errno(numbers[i]);
        }
    }
    if (strncmp(text, "Corruption", strlen("Corruption")) == 0) {
        return NOTCH_ERR_CORRUPT;
    }
    if (strncmp(text, "IO error: lock ", strlen("IO error: lock ")) == 0) {
        return NOTCH_ERR_LOCKED;
    }
    return NOTCH_ERR_IO;
}

/* Notes what LevelDB said, and frees it. */
static enum notch_err fail(struct notch__keys *keys, const char *doing, char *text)
{
    enum notch_err err = classify(text);
    (void)notch__io_fail(keys->io, err, "%s: cannot %s: %s%s", keys->dir.text, doing, text,
                         err == NOTCH_ERR_CORRUPT ? ": " REMEDY : "");
    leveldb_free(text);
    return err;
}

void notch__keys_init(struct notch__keys *keys, struct notch__io *io, const char *dir,
                      const struct notch_store_options *options)
{
    *keys = (struct notch__keys){
        .io = io,
        .env = options->keys_env,
        .cache_bytes = options->cache_bytes,
        .write_buffer_bytes = options->write_buffer_bytes,
    };
    keys->dir = notch__path_join(dir, "keys");
}

/* What open and make have in common. */
static void prepare(struct notch__keys *keys, bool create)
{
    leveldb_options_t *options = leveldb_options_create();
    keys->cache = leveldb_cache_create_lru(keys->cache_bytes);
    keys->filter = leveldb_filterpolicy_create_bloom(BLOOM_BITS);
    leveldb_options_set_cache(options, keys->cache);
    leveldb_options_set_filter_policy(options, keys->filter);
    leveldb_options_set_write_buffer_size(options, keys->write_buffer_bytes);
    leveldb_options_set_max_open_files(options, OPEN_FILES_MAX);
    leveldb_options_set_block_size(options, BLOCK_BYTES);
    leveldb_options_set_paranoid_checks(options, 1);
    /* Hashes do not compress, but cost nothing to try (measured: same time, same size); posting lists do. */
    leveldb_options_set_compression(options, leveldb_snappy_compression);
    leveldb_options_set_create_if_missing(options, create);
    leveldb_options_set_error_if_exists(options, create);
    if (keys->env) {
        leveldb_options_set_env(options, keys->env);
    }
    keys->options = options;

    leveldb_readoptions_t *read = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(read, 1);
    keys->read = read;
    leveldb_writeoptions_t *write = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(write, 1);
    keys->write = write;
}

void notch__keys_close(struct notch__keys *keys)
{
    if (!keys->options) {
        return;
    }
    if (keys->db) {
        leveldb_close(keys->db);
        keys->db = NULL;
    }
    leveldb_options_destroy(keys->options);
    leveldb_cache_destroy(keys->cache);
    leveldb_filterpolicy_destroy(keys->filter);
    leveldb_readoptions_destroy(keys->read);
    leveldb_writeoptions_destroy(keys->write);
    keys->options = NULL;
}

static enum notch_err write_first(struct notch__keys *keys, uint64_t seq)
{
    uint8_t format[sizeof(uint32_t) + sizeof(struct notch_hash)];
    struct notch_writer writer = notch_writer(format, sizeof format);
    notch_write_u32(&writer, NOTCH_STORE_FORMAT);
    notch_write_hash(&writer, &keys->io->genesis);

    uint8_t marker[MARKER_KEY_LEN];
    uint8_t none[sizeof(uint64_t)] = {0};
    marker_key(marker, seq);
    leveldb_writebatch_t *batch = leveldb_writebatch_create();
    leveldb_writebatch_put(batch, (const char *)format_key, sizeof format_key, (const char *)format, sizeof format);
    leveldb_writebatch_put(batch, (const char *)marker, sizeof marker, (const char *)none, sizeof none);
    char *text = NULL;
    leveldb_write(keys->db, keys->write, batch, &text);
    leveldb_writebatch_destroy(batch);
    return text ? fail(keys, "write", text) : NOTCH_OK;
}

/* What is left of a store whose making was interrupted. */
static void clear_away(struct notch__keys *keys, const char *dir)
{
    char *text = NULL;
    leveldb_destroy_db(keys->options, dir, &text);
    leveldb_free(text); /* what is not there cannot be destroyed; what stays in the way shows at once */
}

/* Made beside its place and moved there, so that a crash meanwhile leaves nothing that looks like keys. */
enum notch_err notch__keys_make(struct notch__keys *keys, uint64_t seq)
{
    struct notch__io *io = keys->io;
    struct notch__path final_dir = keys->dir;
    struct notch__path parent = final_dir;
    *strrchr(parent.text, '/') = '\0';
    keys->dir = notch__path_join(parent.text, "keys.new");

    prepare(keys, true);
    clear_away(keys, final_dir.text);
    clear_away(keys, keys->dir.text);
    char *text = NULL;
    keys->db = leveldb_open(keys->options, keys->dir.text, &text);
    enum notch_err err = text ? fail(keys, "make the keys", text) : write_first(keys, seq);
    notch__keys_close(keys);
    if (err == NOTCH_OK) {
        int moved = io->files->rename(io->files->self, keys->dir.text, final_dir.text);
        moved = moved == 0 ? io->files->sync_dir(io->files->self, parent.text) : moved;
        err = moved == 0 ? NOTCH_OK : notch__io_fail_errno(io, moved, "put in place", final_dir.text);
    }
    keys->dir = final_dir;
    return err;
}

static enum notch_err check_format(struct notch__keys *keys)
{
    struct notch_buf value;
    notch_buf_init(&value, keys->io->alloc);
    enum notch_err err = notch__keys_get(keys, NULL, &value, notch_bytes(format_key, sizeof format_key));
    struct notch_reader reader = notch_reader(notch_buf_bytes(&value));
    uint32_t format = notch_read_u32(&reader);
    struct notch_hash genesis = notch_read_hash(&reader);
    bool good = notch_reader_done(&reader);
    notch_buf_fini(&value);
    if (err != NOTCH_OK || !good) {
        err = err == NOTCH_ERR_IO ? err : NOTCH_ERR_CORRUPT;
        return notch__io_fail(keys->io, err, "%s: does not say whose keys it holds: " REMEDY, keys->dir.text);
    }
    if (format != NOTCH_STORE_FORMAT) {
        return notch__io_fail(keys->io, NOTCH_ERR_VERSION, "%s: has format %u, this program writes format %d: " REMEDY,
                              keys->dir.text, format, NOTCH_STORE_FORMAT);
    }
    if (!notch_hash_eq(&genesis, &keys->io->genesis)) {
        return notch__io_fail(keys->io, NOTCH_ERR_NETWORK, "%s: belongs to another network: " REMEDY, keys->dir.text);
    }
    return NOTCH_OK;
}

struct markers {
    struct notch__keys *keys;
    uint64_t count;
};

static bool note_marker(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    struct markers *markers = arg;
    struct notch_reader reader = notch_reader(value);
    uint64_t bodies = notch_read_u64(&reader);
    if (key.len != MARKER_KEY_LEN || !notch_reader_done(&reader)) {
        return true;
    }
    markers->count++;
    markers->keys->seq = notch_get_be64(key.data + 2);
    markers->keys->bodies = bodies;
    return true;
}

static enum notch_err check_marker(struct notch__keys *keys)
{
    static const uint8_t from[] = {NOTCH_STORE_KEY_RESERVED, 's'};
    static const uint8_t to[] = {NOTCH_STORE_KEY_RESERVED, 's' + 1};
    struct notch__keys_range range = {notch_bytes(from, sizeof from), notch_bytes(to, sizeof to), NOTCH_SCAN_UP};
    struct markers markers = {keys, 0};
    enum notch_err err = notch__keys_scan(keys, NULL, &range, note_marker, &markers);
    if (err != NOTCH_OK) {
        return notch__io_fail(keys->io, err, "%s: cannot be read: " REMEDY, keys->dir.text);
    }
    if (markers.count != 1) {
        return notch__io_fail(keys->io, NOTCH_ERR_CORRUPT, "%s: holds %llu marks of a last commit: " REMEDY,
                              keys->dir.text, (unsigned long long)markers.count);
    }
    return NOTCH_OK;
}

enum notch_err notch__keys_open(struct notch__keys *keys)
{
    enum notch_err err = notch__keys_logs_mend(keys->io, keys->dir.text);
    if (err != NOTCH_OK) {
        return err;
    }
    prepare(keys, false);
    char *text = NULL;
    keys->db = leveldb_open(keys->options, keys->dir.text, &text);
    if (text) {
        return fail(keys, "open", text);
    }
    err = check_format(keys);
    return err == NOTCH_OK ? check_marker(keys) : err;
}

/* Writing. */

static void add_ops(struct notch__keys *keys, leveldb_writebatch_t *batch, const struct notch_commit *commit)
{
    struct notch_reader reader = notch_reader(notch_buf_bytes(&commit->keys));
    struct notch_commit_op op;
    while (notch_commit_next_op(&reader, &op)) {
        notch_assert(op.key.data[0] != NOTCH_STORE_KEY_RESERVED);
        if (op.is_delete) {
            leveldb_writebatch_delete(batch, (const char *)op.key.data, op.key.len);
        } else {
            leveldb_writebatch_put(batch, (const char *)op.key.data, op.key.len, (const char *)op.value.data,
                                   op.value.len);
        }
        keys->ops_total++;
        keys->bytes_total += op.key.len + op.value.len;
    }
}

enum notch_err notch__keys_write(struct notch__keys *keys, const struct notch_commit *const *commits, size_t count,
                                 uint64_t bodies)
{
    leveldb_writebatch_t *batch = leveldb_writebatch_create();
    for (size_t i = 0; i < count; i++) {
        add_ops(keys, batch, commits[i]);
    }
    uint8_t marker[MARKER_KEY_LEN];
    marker_key(marker, keys->seq);
    leveldb_writebatch_delete(batch, (const char *)marker, sizeof marker);
    marker_key(marker, keys->seq + 1);
    uint8_t value[sizeof(uint64_t)];
    struct notch_writer writer = notch_writer(value, sizeof value);
    notch_write_u64(&writer, bodies);
    leveldb_writebatch_put(batch, (const char *)marker, sizeof marker, (const char *)value, sizeof value);

    char *text = NULL;
    leveldb_write(keys->db, keys->write, batch, &text);
    leveldb_writebatch_destroy(batch);
    if (text) {
        return fail(keys, "write", text);
    }
    keys->seq++;
    keys->bodies = bodies;
    keys->syncs++;
    return NOTCH_OK;
}

/* Reading. */

static enum notch_err read_failed(char *text)
{
    enum notch_err err = classify(text);
    leveldb_free(text);
    return err;
}

enum notch_err notch__keys_get(const struct notch__keys *keys, const struct notch__keys_snapshot *snapshot,
                               struct notch_buf *out, struct notch_bytes key)
{
    size_t len = 0;
    char *text = NULL;
    char *value =
        leveldb_get(keys->db, snapshot ? snapshot->read : keys->read, (const char *)key.data, key.len, &len, &text);
    if (text) {
        return read_failed(text);
    }
    if (!value) {
        return NOTCH_ERR_NOT_FOUND;
    }
    notch_buf_append(out, value, len);
    leveldb_free(value);
    return NOTCH_OK;
}

static void seek(leveldb_iterator_t *at, const struct notch__keys_range *range)
{
    if (range->direction == NOTCH_SCAN_UP) {
        leveldb_iter_seek(at, (const char *)range->from.data, range->from.len);
        return;
    }
    leveldb_iter_seek(at, (const char *)range->to.data, range->to.len);
    if (leveldb_iter_valid(at)) {
        leveldb_iter_prev(at);
    } else {
        leveldb_iter_seek_to_last(at);
    }
}

static bool in_range(struct notch_bytes key, const struct notch__keys_range *range)
{
    return range->direction == NOTCH_SCAN_UP ? notch_bytes_cmp(key, range->to) < 0
                                             : notch_bytes_cmp(key, range->from) >= 0;
}

enum notch_err notch__keys_scan(const struct notch__keys *keys, const struct notch__keys_snapshot *snapshot,
                                const struct notch__keys_range *range, notch_store_visit visit, void *arg)
{
    if (notch_bytes_cmp(range->from, range->to) >= 0) {
        return NOTCH_OK;
    }
    leveldb_iterator_t *at = leveldb_create_iterator(keys->db, snapshot ? snapshot->read : keys->read);
    for (seek(at, range); leveldb_iter_valid(at);) {
        struct notch_bytes key;
        struct notch_bytes value;
        key.data = (const uint8_t *)leveldb_iter_key(at, &key.len);
        value.data = (const uint8_t *)leveldb_iter_value(at, &value.len);
        if (!in_range(key, range) || !visit(arg, key, value)) {
            break;
        }
        if (range->direction == NOTCH_SCAN_UP) {
            leveldb_iter_next(at);
        } else {
            leveldb_iter_prev(at);
        }
    }
    char *text = NULL;
    leveldb_iter_get_error(at, &text);
    leveldb_iter_destroy(at);
    return text ? read_failed(text) : NOTCH_OK;
}

void notch__keys_snapshot_take(struct notch__keys *keys, struct notch__keys_snapshot *out)
{
    const leveldb_snapshot_t *snapshot = leveldb_create_snapshot(keys->db);
    leveldb_readoptions_t *read = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(read, 1);
    leveldb_readoptions_set_snapshot(read, snapshot);
    out->snapshot = snapshot;
    out->read = read;
}

void notch__keys_snapshot_drop(struct notch__keys *keys, struct notch__keys_snapshot *snapshot)
{
    leveldb_readoptions_destroy(snapshot->read);
    leveldb_release_snapshot(keys->db, snapshot->snapshot);
}
