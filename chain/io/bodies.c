#include "chain/io/bodies.h"

#include <errno.h>
#include <stdlib.h>

/* Frames wait in memory up to here before they are handed to the file. */
#define TAIL_BYTES ((size_t)256 << 10)

/*
 * Syncing into blocks that already hold zeros spares the file system a transaction for the new size (measured: a
 * third of the time of a small sync; fallocate alone gains nothing, its blocks are still to be marked as written). A
 * group of SMALL_BYTES or less pays that; a larger one is bound by its own bytes.
 */
#define AHEAD_BYTES ((size_t)256 << 10)
#define SMALL_BYTES ((size_t)32 << 10)

#define REMEDY "restore the store from a backup, or empty the data directory and let the node fetch the chain again"

void notch__bodies_init(struct notch__bodies *bodies, struct notch__io *io, const char *dir, uint32_t segment_bytes)
{
    *bodies = (struct notch__bodies){.io = io, .file = -1, .segment_bytes = segment_bytes};
    bodies->dir = notch__path_join(dir, "bodies");
    notch_buf_init(&bodies->tail, io->alloc);
    int failed = pthread_mutex_init(&bodies->lock, NULL);
    notch_assert(failed == 0);
}

void notch__bodies_fini(struct notch__bodies *bodies)
{
    for (size_t i = 0; i < bodies->segment_count; i++) {
        notch__segment_fini(&bodies->segments[i], bodies->io);
    }
    notch_free(bodies->io->alloc, bodies->segments, bodies->segment_cap * sizeof bodies->segments[0]);
    notch_buf_fini(&bodies->tail);
    (void)pthread_mutex_destroy(&bodies->lock);
}

enum notch_err notch__bodies_make(struct notch__bodies *bodies)
{
    struct notch__io *io = bodies->io;
    int made = io->files->make_dir(io->files->self, bodies->dir.text);
    if (made != 0) {
        return notch__io_fail_errno(io, made, "make the folder", bodies->dir.text);
    }
    return notch__segment_make(io, bodies->dir.text, 0, 0);
}

static struct notch__segment *last_segment(struct notch__bodies *bodies)
{
    notch_assert(bodies->segment_count > 0);
    return &bodies->segments[bodies->segment_count - 1];
}

static struct notch__segment *add_segment(struct notch__bodies *bodies)
{
    if (bodies->segment_count == bodies->segment_cap) {
        size_t cap = bodies->segment_cap * 2 + 16;
        bodies->segments =
            notch_realloc(bodies->io->alloc, bodies->segments, bodies->segment_cap * sizeof bodies->segments[0],
                          cap * sizeof bodies->segments[0]);
        bodies->segment_cap = cap;
    }
    struct notch__segment *segment = &bodies->segments[bodies->segment_count++];
    *segment = (struct notch__segment){.end = NOTCH__SEGMENT_HEAD};
    return segment;
}

/* Opening. */

struct found {
    uint32_t count;
    uint32_t greatest;
};

static void find_segment(void *arg, const char *name)
{
    struct found *found = arg;
    uint32_t number;
    if (notch__segment_number(&number, name)) {
        found->greatest = found->count == 0 || number > found->greatest ? number : found->greatest;
        found->count++;
    }
}

/* A full segment: its index will do; otherwise all of it must be good. */
static enum notch_err open_full(struct notch__bodies *bodies, struct notch__segment *segment, int file,
                                const char *path)
{
    struct notch__io *io = bodies->io;
    int64_t size = io->files->size(io->files->self, file);
    if (size < 0) {
        return notch__io_fail_errno(io, size, "read", path);
    }
    if (notch__segment_index_load(segment, io, bodies->dir.text, (uint64_t)size)) {
        return NOTCH_OK;
    }
    struct notch__frames frames;
    enum notch_err err = notch__segment_scan(segment, &frames, io, file);
    if (err != NOTCH_OK) {
        return notch__io_fail(io, err, "%s: cannot be read", path);
    }
    if (frames.end != (uint64_t)size) {
        return notch__io_fail(io, NOTCH_ERR_CORRUPT, "%s: offset %llu: body %llu is damaged: " REMEDY, path,
                              (unsigned long long)frames.end, (unsigned long long)frames.next);
    }
    notch_log(io->log, NOTCH_LOG_WARN, "store", "%s: had no good index; it was made again", path);
    notch__segment_index_save(segment, io, bodies->dir.text);
    return NOTCH_OK;
}

/* The last segment: what is behind its last good frame goes, if nobody ever vouched for it. */
static enum notch_err open_last(struct notch__bodies *bodies, struct notch__segment *segment, int file,
                                const char *path)
{
    struct notch__io *io = bodies->io;
    struct notch__frames frames;
    enum notch_err err = notch__segment_scan(segment, &frames, io, file);
    if (err != NOTCH_OK) {
        return notch__io_fail(io, err, "%s: cannot be read", path);
    }
    if (frames.how == NOTCH__FRAMES_DAMAGED) {
        return notch__io_fail(io, NOTCH_ERR_CORRUPT,
                              "%s: offset %llu: body %llu is damaged, and was on disk once: " REMEDY, path,
                              (unsigned long long)frames.end, (unsigned long long)frames.next);
    }
    if (frames.how == NOTCH__FRAMES_TORN) {
        notch_log(io->log, NOTCH_LOG_WARN, "store", "%s: offset %llu: cut off a torn end that was never acknowledged",
                  path, (unsigned long long)frames.end);
    }
    int64_t result = io->files->truncate(io->files->self, file, frames.end);
    if (result == 0) {
        /* What is behind the cut must not come back behind what is appended next. */
        result = io->files->sync(io->files->self, file);
    }
    return result == 0 ? NOTCH_OK : notch__io_fail_errno(io, result, "cut", path);
}

static enum notch_err open_segment(struct notch__bodies *bodies, uint32_t number, uint32_t count)
{
    struct notch__io *io = bodies->io;
    struct notch__path path = notch__path_join(bodies->dir.text, notch__segment_name(number, "seg").text);
    bool last = number + 1 == count;
    int file = io->files->open(io->files->self, path.text, last ? NOTCH_FILE_WRITE : NOTCH_FILE_READ);
    if (file == -ENOENT) {
        return notch__io_fail(io, NOTCH_ERR_CORRUPT, "%s: is missing: " REMEDY, path.text);
    }
    if (file < 0) {
        return notch__io_fail_errno(io, file, "open", path.text);
    }
    struct notch__segment *segment = add_segment(bodies);
    enum notch_err err = notch__segment_head(segment, io, file, path.text, number);
    if (err == NOTCH_OK && segment->first != bodies->appended) {
        err = notch__io_fail(io, NOTCH_ERR_CORRUPT, "%s: begins with body %llu, expected %llu: " REMEDY, path.text,
                             (unsigned long long)segment->first, (unsigned long long)bodies->appended);
    }
    if (err == NOTCH_OK) {
        err = last ? open_last(bodies, segment, file, path.text) : open_full(bodies, segment, file, path.text);
    }
    if (err != NOTCH_OK || !last) {
        (void)io->files->close(io->files->self, file);
    } else {
        bodies->file = file;
    }
    bodies->appended += segment->count;
    bodies->last_mark = segment->count > 0 ? segment->last_mark : bodies->last_mark;
    return err;
}

enum notch_err notch__bodies_open(struct notch__bodies *bodies)
{
    struct notch__io *io = bodies->io;
    struct found found = {0, 0};
    int listed = io->files->list(io->files->self, bodies->dir.text, find_segment, &found);
    if (listed != 0 && listed != -ENOENT) {
        return notch__io_fail_errno(io, listed, "list", bodies->dir.text);
    }
    if (found.count == 0) {
        return notch__io_fail(io, NOTCH_ERR_CORRUPT, "%s: holds no segment file: " REMEDY, bodies->dir.text);
    }
    for (uint32_t number = 0; number <= found.greatest; number++) {
        enum notch_err err = open_segment(bodies, number, found.greatest + 1);
        if (err != NOTCH_OK) {
            return err;
        }
    }
    bodies->synced = bodies->appended;
    bodies->visible = bodies->appended;
    bodies->written = last_segment(bodies)->end;
    bodies->zeroed = bodies->written;
    return NOTCH_OK;
}

void notch__bodies_close(struct notch__bodies *bodies)
{
    const struct notch_file_ops *files = bodies->io->files;
    for (size_t i = 0; i < bodies->file_count; i++) {
        notch_assert(bodies->files[i].users == 0);
        (void)files->close(files->self, bodies->files[i].file);
    }
    bodies->file_count = 0;
    if (bodies->file >= 0) {
        (void)files->close(files->self, bodies->file);
        bodies->file = -1;
    }
}

/* Writing. */

static enum notch_err fail_write(struct notch__bodies *bodies, int64_t result, const char *doing)
{
    struct notch__segment_name name = notch__segment_name(last_segment(bodies)->number, "seg");
    struct notch__path path = notch__path_join(bodies->dir.text, name.text);
    return notch__io_fail_errno(bodies->io, result, doing, path.text);
}

static enum notch_err write_tail(struct notch__bodies *bodies)
{
    const struct notch_file_ops *files = bodies->io->files;
    int64_t result = notch__file_write(files, bodies->file, bodies->tail.data, bodies->tail.len, bodies->written);
    if (result != 0) {
        return fail_write(bodies, result, "write");
    }
    bodies->written += bodies->tail.len;
    bodies->bytes_total += bodies->tail.len;
    notch_buf_clear(&bodies->tail);
    return NOTCH_OK;
}

/* Zeros ahead of a small group, so that the next ones are synced into blocks that exist. */
static enum notch_err write_ahead(struct notch__bodies *bodies, size_t group_bytes)
{
    static const uint8_t zeros[AHEAD_BYTES];
    if (group_bytes > SMALL_BYTES || bodies->written <= bodies->zeroed ||
        bodies->written + AHEAD_BYTES > bodies->segment_bytes) {
        return NOTCH_OK;
    }
    const struct notch_file_ops *files = bodies->io->files;
    int64_t result = notch__file_write(files, bodies->file, zeros, sizeof zeros, bodies->written);
    if (result != 0) {
        return fail_write(bodies, result, "write");
    }
    bodies->zeroed = bodies->written + sizeof zeros;
    return NOTCH_OK;
}

/* Everything appended so far is on disk: from now on a bad frame before this point is damage. */
static enum notch_err sync_file(struct notch__bodies *bodies)
{
    int result = bodies->io->files->sync(bodies->io->files->self, bodies->file);
    if (result != 0) {
        return fail_write(bodies, result, "sync");
    }
    bodies->syncs++;
    bodies->synced = bodies->appended;
    return NOTCH_OK;
}

/* Ends the last segment and begins the next. */
static enum notch_err roll(struct notch__bodies *bodies)
{
    struct notch__io *io = bodies->io;
    enum notch_err err = write_tail(bodies);
    if (err != NOTCH_OK) {
        return err;
    }
    int cut = io->files->truncate(io->files->self, bodies->file, bodies->written);
    if (cut != 0) {
        return fail_write(bodies, cut, "cut");
    }
    err = sync_file(bodies);
    if (err != NOTCH_OK) {
        return err;
    }
    uint32_t number = last_segment(bodies)->number + 1;
    err = notch__segment_make(io, bodies->dir.text, number, bodies->appended);
    if (err != NOTCH_OK) {
        return err;
    }
    notch__segment_index_save(last_segment(bodies), io, bodies->dir.text);

    struct notch__path path = notch__path_join(bodies->dir.text, notch__segment_name(number, "seg").text);
    int file = io->files->open(io->files->self, path.text, NOTCH_FILE_WRITE);
    if (file < 0) {
        return notch__io_fail_errno(io, file, "open", path.text);
    }
    (void)io->files->close(io->files->self, bodies->file);
    bodies->file = file;
    bodies->written = NOTCH__SEGMENT_HEAD;
    bodies->zeroed = NOTCH__SEGMENT_HEAD;

    (void)pthread_mutex_lock(&bodies->lock);
    struct notch__segment *segment = add_segment(bodies);
    segment->number = number;
    segment->first = bodies->appended;
    (void)pthread_mutex_unlock(&bodies->lock);
    return NOTCH_OK;
}

enum notch_err notch__bodies_append(struct notch__bodies *bodies, struct notch_bytes body, uint64_t mark)
{
    uint64_t size = notch__frame_size((uint32_t)body.len);
    if (last_segment(bodies)->end + size > bodies->segment_bytes && last_segment(bodies)->count > 0) {
        enum notch_err err = roll(bodies);
        if (err != NOTCH_OK) {
            return err;
        }
    }
    notch__frame_append(&bodies->tail, bodies->io->salt, body, bodies->appended, bodies->synced, mark);

    (void)pthread_mutex_lock(&bodies->lock);
    struct notch__segment *segment = last_segment(bodies);
    notch__segment_add(segment, bodies->io, segment->end, size, mark);
    (void)pthread_mutex_unlock(&bodies->lock);
    bodies->appended++;
    return bodies->tail.len >= TAIL_BYTES ? write_tail(bodies) : NOTCH_OK;
}

enum notch_err notch__bodies_sync(struct notch__bodies *bodies)
{
    size_t group_bytes = bodies->tail.len;
    enum notch_err err = write_tail(bodies);
    if (err == NOTCH_OK) {
        err = write_ahead(bodies, group_bytes);
    }
    if (err == NOTCH_OK) {
        err = sync_file(bodies);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    (void)pthread_mutex_lock(&bodies->lock);
    bodies->visible = bodies->synced;
    (void)pthread_mutex_unlock(&bodies->lock);
    return NOTCH_OK;
}

/* Reading. */

static struct notch__segment *find_position(const struct notch__bodies *bodies, uint64_t position)
{
    size_t low = 0;
    size_t high = bodies->segment_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (bodies->segments[middle].first <= position) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &bodies->segments[low];
}

/* A file to read `segment` from, with one more user; NULL when every slot is in use or the file does not open. */
static struct notch__reader_file *use_file(struct notch__bodies *bodies, uint32_t segment)
{
    struct notch__reader_file *slot = NULL;
    for (size_t i = 0; i < bodies->file_count; i++) {
        struct notch__reader_file *each = &bodies->files[i];
        if (each->segment == segment) {
            each->users++;
            each->used = ++bodies->tick;
            return each;
        }
        if (each->users == 0 && (!slot || each->used < slot->used)) {
            slot = each;
        }
    }
    const struct notch_file_ops *files = bodies->io->files;
    struct notch__path path = notch__path_join(bodies->dir.text, notch__segment_name(segment, "seg").text);
    int file = files->open(files->self, path.text, NOTCH_FILE_READ);
    if (file < 0) {
        return NULL;
    }
    if (bodies->file_count < NOTCH__BODIES_FILES_MAX) {
        slot = &bodies->files[bodies->file_count++];
    } else if (slot) {
        (void)files->close(files->self, slot->file);
    } else {
        (void)files->close(files->self, file);
        return NULL;
    }
    *slot = (struct notch__reader_file){file, segment, 1, ++bodies->tick};
    return slot;
}

/* Where a frame is. An index whose offsets do not rise is damage: then `size` is 0. */
struct place {
    struct notch__reader_file *from;
    uint64_t offset;
    size_t size;
};

/* Finds the frame at `position`, and a file to read it from until leave(). NOT_FOUND, IO. */
static enum notch_err enter(struct notch__bodies *bodies, struct place *place, uint64_t position)
{
    (void)pthread_mutex_lock(&bodies->lock);
    if (position >= bodies->visible) {
        (void)pthread_mutex_unlock(&bodies->lock);
        return NOTCH_ERR_NOT_FOUND;
    }
    const struct notch__segment *segment = find_position(bodies, position);
    uint32_t index = (uint32_t)(position - segment->first);
    place->offset = (uint64_t)segment->at[index] * 8;
    uint64_t end = index + 1 < segment->count ? (uint64_t)segment->at[index + 1] * 8 : segment->end;
    place->size = end > place->offset ? (size_t)(end - place->offset) : 0;
    place->from = use_file(bodies, segment->number);
    (void)pthread_mutex_unlock(&bodies->lock);
    return place->from ? NOTCH_OK : NOTCH_ERR_IO;
}

static void leave(struct notch__bodies *bodies, struct place *place)
{
    (void)pthread_mutex_lock(&bodies->lock);
    place->from->users--;
    (void)pthread_mutex_unlock(&bodies->lock);
}

static enum notch_err read_frame(const struct notch__bodies *bodies, struct notch_buf *out, const struct place *place,
                                 uint64_t position)
{
    if (place->size < NOTCH__FRAME_HEAD || place->size > notch__frame_size(NOTCH_STORE_BODY_MAX)) {
        return NOTCH_ERR_CORRUPT;
    }
    uint8_t *into = notch_buf_reserve(out, place->size);
    enum notch_err err = notch__file_read(bodies->io->files, place->from->file, into, place->size, place->offset);
    struct notch__frame frame = {0};
    if (err != NOTCH_OK) {
        return err;
    }
    if (!notch__frame_head(&frame, bodies->io->salt, notch_bytes(into, NOTCH__FRAME_HEAD)) ||
        frame.position != position || frame.len > place->size - NOTCH__FRAME_HEAD ||
        !notch__frame_payload_ok(&frame, notch_bytes(into + NOTCH__FRAME_HEAD, frame.len))) {
        return NOTCH_ERR_CORRUPT;
    }
    memmove(into, into + NOTCH__FRAME_HEAD, frame.len);
    out->len += frame.len;
    return NOTCH_OK;
}

enum notch_err notch__bodies_read(struct notch__bodies *bodies, struct notch_buf *out, uint64_t position)
{
    struct place place;
    enum notch_err err = enter(bodies, &place, position);
    if (err == NOTCH_OK) {
        err = read_frame(bodies, out, &place, position);
        leave(bodies, &place);
    }
    return err;
}

enum notch_err notch__bodies_read_part(struct notch__bodies *bodies, struct notch_buf *out, uint64_t position,
                                       struct notch_store_span span)
{
    struct place place;
    enum notch_err err = enter(bodies, &place, position);
    if (err != NOTCH_OK) {
        return err;
    }
    uint64_t end = (uint64_t)NOTCH__FRAME_HEAD + span.at + span.len;
    err = NOTCH_ERR_CORRUPT;
    if (end <= place.size && span.len <= NOTCH_STORE_BODY_MAX) {
        uint8_t *into = notch_buf_reserve(out, span.len > 0 ? span.len : 1);
        uint64_t at = place.offset + NOTCH__FRAME_HEAD + span.at;
        err = notch__file_read(bodies->io->files, place.from->file, into, span.len, at);
        out->len += err == NOTCH_OK ? span.len : 0;
    }
    leave(bodies, &place);
    return err;
}

uint64_t notch__bodies_count(struct notch__bodies *bodies)
{
    (void)pthread_mutex_lock(&bodies->lock);
    uint64_t count = bodies->visible;
    (void)pthread_mutex_unlock(&bodies->lock);
    return count;
}
