#include "chain/io/keys_log.h"
#include "chain/io/store_core.h"

#include <errno.h>

#define REMEDY_BODIES \
    "restore the store from a backup, or empty the data directory and let the node fetch the chain again"
#define REMEDY_KEYS "move the folder keys away: the next start makes it again from the bodies"
#define REMEDY_VOTES "none: the validator waits until the others have moved on; `notch vote-reset` ends the wait"

#define PROGRESS_EVERY_BYTES ((uint64_t)8 << 20)

struct verify {
    struct notch__io io;
    const struct notch_store_options *options;
    const struct notch_store_verify_sink *sink;
    struct notch__bodies bodies; /* appended and last_mark, as found */
    struct notch__votelog votes;
    struct notch__keys keys;
    bool damaged;
    uint64_t bytes_done;
    uint64_t bytes_told;
    uint64_t bytes_total;
};

static void find(struct verify *verify, enum notch_finding_grade grade, const char *file, uint64_t offset,
                 const char *what, const char *remedy)
{
    struct notch_finding finding = {grade, file, offset, what, remedy};
    verify->damaged |= grade == NOTCH_FINDING_DAMAGE;
    verify->sink->finding(verify->sink->self, &finding);
}

/* What one of the parts said is wrong becomes a finding, and the next part may speak. */
static void find_failure(struct verify *verify, const char *file, const char *remedy)
{
    find(verify, NOTCH_FINDING_DAMAGE, file, 0, verify->io.failure.text, remedy);
    verify->io.failure.err = NOTCH_OK;
}

static void progress(struct verify *verify, uint64_t bytes)
{
    verify->bytes_done += bytes;
    if (verify->sink->progress && verify->bytes_done - verify->bytes_told >= PROGRESS_EVERY_BYTES) {
        verify->bytes_told = verify->bytes_done;
        verify->sink->progress(verify->sink->self, verify->bytes_done, verify->bytes_total);
    }
}

/* Segments. */

struct each_frame {
    struct verify *verify;
    struct notch__segment *segment;
};

static bool check_frame(void *arg, const struct notch__frame *frame, uint64_t offset, struct notch_bytes payload)
{
    (void)payload;
    struct each_frame *each = arg;
    uint64_t size = notch__frame_size(frame->len);
    notch__segment_add(each->segment, &each->verify->io, offset, size, frame->mark);
    progress(each->verify, size);
    return true;
}

static void check_index(struct verify *verify, const struct notch__segment *segment, uint64_t size)
{
    struct notch__io *io = &verify->io;
    struct notch__path path =
        notch__path_join(verify->bodies.dir.text, notch__segment_name(segment->number, "idx").text);
    struct notch__segment indexed = {.number = segment->number, .first = segment->first};
    if (!notch__file_exists(io->files, path.text)) {
        find(verify, NOTCH_FINDING_NOTE, path.text, 0, "is missing; the next start makes it again", "");
    } else if (!notch__segment_index_load(&indexed, io, verify->bodies.dir.text, size)) {
        find(verify, NOTCH_FINDING_NOTE, path.text, 0, "is damaged; the next start makes it again", "");
    } else if (indexed.count != segment->count ||
               memcmp(indexed.at, segment->at, segment->count * sizeof segment->at[0]) != 0) {
        find(verify, NOTCH_FINDING_DAMAGE, path.text, 0, "does not agree with its segment",
             "remove this file: the next start makes it again");
    }
    notch__segment_fini(&indexed, io);
}

static void judge_frames(struct verify *verify, const struct notch__segment *segment,
                         const struct notch__frames *frames, const char *path, bool last)
{
    int64_t size = (int64_t)frames->end;
    if (frames->how == NOTCH__FRAMES_DAMAGED || (!last && frames->how == NOTCH__FRAMES_TORN)) {
        find(verify, NOTCH_FINDING_DAMAGE, path, frames->end, "a body that was on disk is damaged", REMEDY_BODIES);
    } else if (frames->how == NOTCH__FRAMES_TORN) {
        find(verify, NOTCH_FINDING_NOTE, path, frames->end, "a torn end that was never acknowledged", "");
    } else if (!last) {
        check_index(verify, segment, (uint64_t)size);
    }
}

static void check_open_segment(struct verify *verify, int file, const char *path, uint32_t number, bool last)
{
    struct notch__io *io = &verify->io;
    struct notch__segment segment = {0};
    struct notch__frames frames;
    struct each_frame each = {verify, &segment};
    if (notch__segment_head(&segment, io, file, path, number) != NOTCH_OK) {
        find_failure(verify, path, REMEDY_BODIES);
        return;
    }
    if (segment.first != verify->bodies.appended) {
        find(verify, NOTCH_FINDING_DAMAGE, path, 0, "does not begin where the segment before it ends", REMEDY_BODIES);
    }
    if (notch__frames_walk(&frames, io, file, NOTCH__SEGMENT_HEAD, segment.first, check_frame, &each) != NOTCH_OK) {
        find(verify, NOTCH_FINDING_DAMAGE, path, frames.end, "cannot be read", REMEDY_BODIES);
    } else {
        judge_frames(verify, &segment, &frames, path, last);
    }
    verify->bodies.appended = segment.first + segment.count;
    verify->bodies.last_mark = segment.count > 0 ? segment.last_mark : verify->bodies.last_mark;
    notch__segment_fini(&segment, io);
}

struct segments {
    struct verify *verify;
    uint32_t count;
    uint32_t greatest;
};

static void list_segment(void *arg, const char *name)
{
    struct segments *segments = arg;
    const struct notch_file_ops *files = segments->verify->io.files;
    uint32_t number;
    if (!notch__segment_number(&number, name)) {
        return;
    }
    segments->greatest = segments->count == 0 || number > segments->greatest ? number : segments->greatest;
    segments->count++;
    int file =
        files->open(files->self, notch__path_join(segments->verify->bodies.dir.text, name).text, NOTCH_FILE_READ);
    if (file >= 0) {
        int64_t size = files->size(files->self, file);
        segments->verify->bytes_total += size > 0 ? (uint64_t)size : 0;
        (void)files->close(files->self, file);
    }
}

static void check_bodies(struct verify *verify)
{
    const struct notch_file_ops *files = verify->io.files;
    struct segments segments = {verify, 0, 0};
    int listed = files->list(files->self, verify->bodies.dir.text, list_segment, &segments);
    if (listed != 0 || segments.count == 0) {
        find(verify, NOTCH_FINDING_DAMAGE, verify->bodies.dir.text, 0, "holds no segment file", REMEDY_BODIES);
        return;
    }
    for (uint32_t number = 0; number <= segments.greatest; number++) {
        struct notch__path path = notch__path_join(verify->bodies.dir.text, notch__segment_name(number, "seg").text);
        int file = files->open(files->self, path.text, NOTCH_FILE_READ);
        if (file < 0) {
            find(verify, NOTCH_FINDING_DAMAGE, path.text, 0, "is missing, or cannot be opened", REMEDY_BODIES);
            continue;
        }
        check_open_segment(verify, file, path.text, number, number == segments.greatest);
        (void)files->close(files->self, file);
    }
}

/* The vote log. */

static void check_votes(struct verify *verify)
{
    struct notch__io *io = &verify->io;
    const char *path = verify->votes.path.text;
    int file = io->files->open(io->files->self, path, NOTCH_FILE_READ);
    if (file < 0) {
        find(verify, NOTCH_FINDING_LOST, path, 0, "is missing, or cannot be opened", REMEDY_VOTES);
        return;
    }
    struct notch__frames frames;
    enum notch_err err = notch__votelog_head(io, file);
    if (err == NOTCH_OK) {
        err = notch__frames_walk(&frames, io, file, NOTCH__VOTELOG_HEAD, 0, NULL, NULL);
    }
    (void)io->files->close(io->files->self, file);
    if (err != NOTCH_OK) {
        find(verify, NOTCH_FINDING_LOST, path, 0, "its head is damaged, or it cannot be read", REMEDY_VOTES);
    } else if (frames.how == NOTCH__FRAMES_DAMAGED) {
        find(verify, NOTCH_FINDING_LOST, path, frames.end, "an entry that was on disk is damaged", REMEDY_VOTES);
    } else {
        verify->votes.last_mark = frames.last_mark;
        if (frames.how == NOTCH__FRAMES_TORN) {
            find(verify, NOTCH_FINDING_NOTE, path, frames.end, "a torn end that was never acknowledged", "");
        }
    }
}

/* The keys. */

static bool check_key(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    progress(arg, key.len + value.len);
    return true;
}

static void judge_log(struct verify *verify, const char *name)
{
    struct notch__path path = notch__path_join(verify->keys.dir.text, name);
    struct notch_buf log;
    notch_buf_init(&log, verify->io.alloc);
    enum notch_err err = notch__file_load(verify->io.files, &log, path.text, (size_t)1 << 30);
    struct notch__keys_log judged = {0};
    if (err == NOTCH_OK) {
        notch__keys_log_judge(&judged, notch_buf_bytes(&log));
    }
    notch_buf_fini(&log);
    if (err != NOTCH_OK) {
        find(verify, NOTCH_FINDING_DAMAGE, path.text, 0, "cannot be read", REMEDY_KEYS);
    } else if (judged.damaged) {
        find(verify, NOTCH_FINDING_DAMAGE, path.text, judged.end, "a record that was on disk is damaged", REMEDY_KEYS);
    } else if (judged.torn) {
        find(verify, NOTCH_FINDING_NOTE, path.text, judged.end, "a torn end that was never acknowledged", "");
    }
}

static void check_keys(struct verify *verify)
{
    const char *dir = verify->keys.dir.text;
    struct notch__keys_logs logs;
    bool before = verify->damaged;
    verify->damaged = false;
    enum notch_err err = notch__keys_logs_find(&logs, &verify->io, dir);
    if (err == NOTCH_ERR_NOT_FOUND) {
        find(verify, NOTCH_FINDING_NOTE, dir, 0, "is missing; the next start makes it again from the bodies", "");
    } else if (err != NOTCH_OK) {
        find_failure(verify, dir, REMEDY_KEYS);
    } else {
        judge_log(verify, logs.manifest);
        if (logs.newest_log[0] != '\0') {
            judge_log(verify, logs.newest_log);
        }
    }
    if (err == NOTCH_OK && !verify->damaged) {
        static const uint8_t end[] = {NOTCH_STORE_KEY_RESERVED, 0xff};
        struct notch__keys_range all = {notch_bytes("", 0), notch_bytes(end, sizeof end), NOTCH_SCAN_UP};
        if (notch__keys_open(&verify->keys) != NOTCH_OK) {
            find_failure(verify, dir, REMEDY_KEYS);
        } else if (notch__keys_scan(&verify->keys, NULL, &all, check_key, verify) != NOTCH_OK) {
            find(verify, NOTCH_FINDING_DAMAGE, dir, 0, "a table is damaged", REMEDY_KEYS);
        }
        notch__keys_close(&verify->keys);
    }
    verify->damaged |= before;
}

static enum notch_err check_all(struct verify *verify)
{
    const char *dir = verify->options->dir;
    check_bodies(verify);
    check_votes(verify);
    check_keys(verify);
    if (!verify->damaged &&
        notch__store_agree(&verify->io, dir, &verify->bodies, &verify->votes, &verify->keys) != NOTCH_OK) {
        find_failure(verify, dir, "see there");
    }
    if (verify->sink->progress) {
        verify->sink->progress(verify->sink->self, verify->bytes_done, verify->bytes_done);
    }
    return verify->damaged ? notch__io_fail(&verify->io, NOTCH_ERR_CORRUPT, "%s: the store is damaged", dir) : NOTCH_OK;
}

enum notch_err notch_store_verify(const struct notch_store_options *options, const struct notch_store_verify_sink *sink,
                                  struct notch_store_failure *failure)
{
    notch_assert(notch__path_fits(options->dir));
    struct verify *verify = notch_alloc(options->alloc, sizeof *verify);
    verify->options = options;
    verify->sink = sink;
    verify->io.files = options->files ? options->files : notch_file_ops_system();
    verify->io.alloc = options->alloc;
    verify->io.genesis = options->genesis;
    notch__bodies_init(&verify->bodies, &verify->io, options->dir, options->segment_bytes);
    notch__votelog_init(&verify->votes, &verify->io, options->dir, options->votes_keep_bytes);
    notch__keys_init(&verify->keys, &verify->io, options->dir, options);

    int lock_file = -1;
    enum notch_err err = NOTCH_OK;
    if (!notch__file_exists(verify->io.files, notch__path_join(options->dir, "STORE").text)) {
        err = notch__io_fail(&verify->io, NOTCH_ERR_NOT_FOUND, "%s: holds no store", options->dir);
    }
    if (err == NOTCH_OK) {
        err = notch__store_lock(&verify->io, &lock_file, options->dir);
    }
    if (err == NOTCH_OK) {
        err = notch__store_head_load(&verify->io, options->dir);
    }
    if (err == NOTCH_OK) {
        err = check_all(verify);
    }
    if (lock_file >= 0) {
        (void)verify->io.files->close(verify->io.files->self, lock_file);
    }
    if (err != NOTCH_OK && failure) {
        *failure = verify->io.failure;
        failure->err = err;
    }
    notch__votelog_fini(&verify->votes);
    notch__bodies_fini(&verify->bodies);
    notch_free(options->alloc, verify, sizeof *verify);
    return err;
}
