#include "chain/io/votelog.h"
#include "chain/io/crc32c.h"

#include <errno.h>

#define MAGIC "NOTCHVOT"
#define MAGIC_LEN 8
#define ROTATE_AT_TIMES 3
#define KINDS 256

void notch__votelog_init(struct notch__votelog *votes, struct notch__io *io, const char *dir, uint32_t keep_bytes)
{
    *votes = (struct notch__votelog){.io = io, .file = -1, .keep_bytes = keep_bytes};
    notch_assert(strlen(dir) < sizeof votes->dir.text);
    memcpy(votes->dir.text, dir, strlen(dir) + 1);
    votes->path = notch__path_join(dir, "votes");
    notch_buf_init(&votes->tail, io->alloc);
    int failed = pthread_mutex_init(&votes->lock, NULL);
    notch_assert(failed == 0);
}

void notch__votelog_fini(struct notch__votelog *votes)
{
    notch_buf_fini(&votes->tail);
    (void)pthread_mutex_destroy(&votes->lock);
}

static void append_head(struct notch_buf *out, const struct notch__io *io)
{
    uint8_t head[NOTCH__VOTELOG_HEAD];
    static const uint8_t zeros[12];
    struct notch_writer writer = notch_writer(head, sizeof head);
    notch_write_bytes(&writer, MAGIC, MAGIC_LEN);
    notch_write_u32(&writer, NOTCH_STORE_FORMAT);
    notch_write_u32(&writer, 0);
    notch_write_hash(&writer, &io->genesis);
    notch_write_bytes(&writer, zeros, sizeof zeros);
    notch_write_u32(&writer, notch__crc32c(0, head, sizeof head - 4));
    notch_assert(writer.at == writer.end);
    notch_buf_append(out, head, sizeof head);
}

enum notch_err notch__votelog_head(const struct notch__io *io, int file)
{
    uint8_t head[NOTCH__VOTELOG_HEAD];
    enum notch_err err = notch__file_read(io->files, file, head, sizeof head, 0);
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_reader reader = notch_reader(notch_bytes(head, sizeof head));
    struct notch_bytes magic = notch_read_bytes(&reader, MAGIC_LEN);
    uint32_t format = notch_read_u32(&reader);
    (void)notch_read_u32(&reader);
    struct notch_hash genesis = notch_read_hash(&reader);
    (void)notch_read_bytes(&reader, 12);
    bool good = notch_read_u32(&reader) == notch__crc32c(0, head, sizeof head - 4);
    if (!notch_reader_done(&reader) || !good || memcmp(magic.data, MAGIC, MAGIC_LEN) != 0) {
        return NOTCH_ERR_CORRUPT;
    }
    if (format != NOTCH_STORE_FORMAT) {
        return NOTCH_ERR_VERSION;
    }
    return notch_hash_eq(&genesis, &io->genesis) ? NOTCH_OK : NOTCH_ERR_NETWORK;
}

enum notch_err notch__votelog_make(struct notch__votelog *votes)
{
    struct notch_buf contents;
    notch_buf_init(&contents, votes->io->alloc);
    append_head(&contents, votes->io);
    enum notch_err err = notch__file_replace(votes->io, votes->dir.text, "votes", notch_buf_bytes(&contents));
    notch_buf_fini(&contents);
    return err;
}

/* Opening. */

static enum notch_err lost(struct notch__votelog *votes, const char *why)
{
    notch_log(votes->io->log, NOTCH_LOG_ERROR, "store",
              "%s: %s: the vote log is lost; this validator does not vote until the others have moved on",
              votes->path.text, why);
    votes->state = NOTCH__VOTELOG_LOST;
    votes->appended = 0;
    votes->synced = 0;
    votes->written = 0;
    votes->last_mark = 0;
    return NOTCH_OK;
}

static enum notch_err open_frames(struct notch__votelog *votes)
{
    struct notch__io *io = votes->io;
    struct notch__frames frames;
    enum notch_err err = notch__frames_walk(&frames, io, votes->file, NOTCH__VOTELOG_HEAD, 0, NULL, NULL);
    if (err != NOTCH_OK) {
        return notch__io_fail(io, err, "%s: cannot be read", votes->path.text);
    }
    if (frames.how == NOTCH__FRAMES_DAMAGED) {
        return lost(votes, "damaged before its end");
    }
    int64_t result = io->files->truncate(io->files->self, votes->file, frames.end);
    if (result == 0) {
        result = io->files->sync(io->files->self, votes->file);
    }
    if (result != 0) {
        return notch__io_fail_errno(io, result, "cut", votes->path.text);
    }
    votes->appended = frames.next;
    votes->synced = frames.next;
    votes->written = frames.end;
    votes->last_mark = frames.last_mark;
    return NOTCH_OK;
}

enum notch_err notch__votelog_open(struct notch__votelog *votes)
{
    struct notch__io *io = votes->io;
    votes->state = NOTCH__VOTELOG_GOOD;
    int file = io->files->open(io->files->self, votes->path.text, NOTCH_FILE_WRITE);
    if (file == -ENOENT) {
        return lost(votes, "missing");
    }
    if (file < 0) {
        return notch__io_fail_errno(io, file, "open", votes->path.text);
    }
    votes->file = file;
    enum notch_err err = notch__votelog_head(io, file);
    switch (err) {
    case NOTCH_OK:
        return open_frames(votes);
    case NOTCH_ERR_CORRUPT:
        return lost(votes, "its head is damaged");
    case NOTCH_ERR_NETWORK:
        return notch__io_fail(io, err, "%s: belongs to another network", votes->path.text);
    default:
        return notch__io_fail(io, err, "%s: %s", votes->path.text, notch_err_text(err));
    }
}

void notch__votelog_close(struct notch__votelog *votes)
{
    if (votes->file >= 0) {
        (void)votes->io->files->close(votes->io->files->self, votes->file);
        votes->file = -1;
    }
}

/* Replacing: by nothing but the tail where the log was lost, by its end where it has grown. */

/* Where the entries to keep begin, and the newest of each kind before that. */
struct keep {
    const struct notch__votelog *votes;
    uint64_t from;          /* offset: everything behind it is kept */
    uint64_t newest[KINDS]; /* position + 1 of the newest entry of each kind */
    struct notch_buf *out;
    uint64_t next;
};

static unsigned kind_of(struct notch_bytes entry)
{
    return entry.len > 0 ? entry.data[0] : 0;
}

static bool note_newest(void *arg, const struct notch__frame *frame, uint64_t offset, struct notch_bytes payload)
{
    (void)offset;
    struct keep *keep = arg;
    keep->newest[kind_of(payload)] = frame->position + 1;
    return true;
}

static bool copy_kept(void *arg, const struct notch__frame *frame, uint64_t offset, struct notch_bytes payload)
{
    struct keep *keep = arg;
    if (offset >= keep->from || keep->newest[kind_of(payload)] == frame->position + 1) {
        notch__frame_append(keep->out, keep->votes->io->salt, payload, keep->next, keep->next, frame->mark);
        keep->next++;
    }
    return true;
}

static enum notch_err copy_end(struct keep *keep)
{
    const struct notch__votelog *votes = keep->votes;
    struct notch__frames frames;
    enum notch_err err = notch__frames_walk(&frames, votes->io, votes->file, NOTCH__VOTELOG_HEAD, 0, note_newest, keep);
    if (err == NOTCH_OK) {
        err = notch__frames_walk(&frames, votes->io, votes->file, NOTCH__VOTELOG_HEAD, 0, copy_kept, keep);
    }
    if (err == NOTCH_OK && frames.end != votes->written) {
        err = NOTCH_ERR_CORRUPT;
    }
    return err;
}

/* Puts `contents` in the log's place, and goes on behind it. */
static enum notch_err replace(struct notch__votelog *votes, struct notch_bytes contents, uint64_t entries)
{
    struct notch__io *io = votes->io;
    notch__votelog_close(votes);
    enum notch_err err = notch__file_replace(io, votes->dir.text, "votes", contents);
    if (err != NOTCH_OK) {
        return err;
    }
    int file = io->files->open(io->files->self, votes->path.text, NOTCH_FILE_WRITE);
    if (file < 0) {
        return notch__io_fail_errno(io, file, "open", votes->path.text);
    }
    votes->file = file;
    votes->appended = entries;
    votes->synced = entries;
    votes->written = contents.len;
    votes->group_at = NOTCH__VOTELOG_HEAD;
    votes->flushed = NOTCH__VOTELOG_HEAD;
    votes->syncs++;
    return NOTCH_OK;
}

/* How much stands in front of what has to be kept. */
static uint64_t cuttable(const struct notch__votelog *votes)
{
    uint64_t kept = NOTCH__VOTELOG_HEAD + (uint64_t)votes->keep_bytes;
    return votes->flushed > kept ? votes->flushed - kept : 0;
}

static enum notch_err rotate(struct notch__votelog *votes)
{
    struct notch_buf contents;
    notch_buf_init(&contents, votes->io->alloc);
    append_head(&contents, votes->io);
    struct keep keep = {.votes = votes, .from = NOTCH__VOTELOG_HEAD + cuttable(votes), .out = &contents};
    uint64_t group = votes->written - votes->group_at;
    uint64_t needed = votes->written - votes->flushed;
    enum notch_err err = copy_end(&keep);
    if (err != NOTCH_OK) {
        err = notch__io_fail(votes->io, err, "%s: cannot be read again", votes->path.text);
    } else {
        err = replace(votes, notch_buf_bytes(&contents), keep.next);
    }
    if (err == NOTCH_OK) {
        /* What was kept is as long as it was: offsets are counted from the end. */
        votes->group_at = votes->written - group;
        votes->flushed = votes->written - needed;
    }
    notch_buf_fini(&contents);
    return err;
}

/* The first entries after a loss: the damaged file goes aside, a new log begins with them. */
static enum notch_err begin_again(struct notch__votelog *votes)
{
    struct notch__io *io = votes->io;
    notch__votelog_close(votes);
    struct notch__path aside = notch__path_join(votes->dir.text, "votes.damaged");
    int moved = io->files->rename(io->files->self, votes->path.text, aside.text);
    if (moved != 0 && moved != -ENOENT) {
        return notch__io_fail_errno(io, moved, "move aside", votes->path.text);
    }
    struct notch_buf contents;
    notch_buf_init(&contents, io->alloc);
    append_head(&contents, io);
    notch_buf_append(&contents, votes->tail.data, votes->tail.len);
    enum notch_err err = replace(votes, notch_buf_bytes(&contents), votes->appended);
    notch_buf_fini(&contents);
    if (err == NOTCH_OK) {
        votes->state = NOTCH__VOTELOG_GOOD;
        notch_buf_clear(&votes->tail);
    }
    return err;
}

/* Writing. */

void notch__votelog_append(struct notch__votelog *votes, struct notch_bytes entry, uint64_t bodies)
{
    (void)pthread_mutex_lock(&votes->lock);
    notch__frame_append(&votes->tail, votes->io->salt, entry, votes->appended, votes->synced, bodies);
    votes->appended++;
    (void)pthread_mutex_unlock(&votes->lock);
}

static enum notch_err write_and_sync(struct notch__votelog *votes)
{
    struct notch__io *io = votes->io;
    int64_t result = notch__file_write(io->files, votes->file, votes->tail.data, votes->tail.len, votes->written);
    if (result != 0) {
        return notch__io_fail_errno(io, result, "write", votes->path.text);
    }
    votes->written += votes->tail.len;
    notch_buf_clear(&votes->tail);
    result = io->files->sync(io->files->self, votes->file);
    if (result != 0) {
        return notch__io_fail_errno(io, result, "sync", votes->path.text);
    }
    votes->syncs++;
    votes->synced = votes->appended;
    return NOTCH_OK;
}

enum notch_err notch__votelog_sync(struct notch__votelog *votes)
{
    (void)pthread_mutex_lock(&votes->lock);
    votes->group_at = votes->written;
    enum notch_err err = votes->state == NOTCH__VOTELOG_LOST ? begin_again(votes) : write_and_sync(votes);
    if (err == NOTCH_OK && cuttable(votes) > (uint64_t)votes->keep_bytes * ROTATE_AT_TIMES) {
        err = rotate(votes);
    }
    (void)pthread_mutex_unlock(&votes->lock);
    return err;
}

void notch__votelog_flushed(struct notch__votelog *votes)
{
    (void)pthread_mutex_lock(&votes->lock);
    votes->flushed = votes->group_at;
    (void)pthread_mutex_unlock(&votes->lock);
}

/* Reading. */

struct visit {
    notch_store_visit visit;
    void *arg;
    bool ended;
};

static bool visit_frame(void *arg, const struct notch__frame *frame, uint64_t offset, struct notch_bytes payload)
{
    (void)frame;
    (void)offset;
    struct visit *visit = arg;
    visit->ended = !visit->visit(visit->arg, notch_bytes(NULL, 0), payload);
    return !visit->ended;
}

enum notch_err notch__votelog_visit(struct notch__votelog *votes, notch_store_visit visit, void *arg)
{
    (void)pthread_mutex_lock(&votes->lock);
    enum notch_err err = NOTCH_ERR_CORRUPT;
    if (votes->state == NOTCH__VOTELOG_GOOD) {
        struct visit each = {visit, arg, false};
        struct notch__frames frames;
        err = notch__frames_walk(&frames, votes->io, votes->file, NOTCH__VOTELOG_HEAD, 0, visit_frame, &each);
        if (err == NOTCH_OK && !each.ended && frames.next != votes->synced) {
            err = NOTCH_ERR_CORRUPT;
        }
    }
    (void)pthread_mutex_unlock(&votes->lock);
    return err;
}
