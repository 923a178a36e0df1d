#include "chain/io/frame.h"
#include "chain/io/crc32c.h"

#define HEAD_CHECKED 28
#define WINDOW_BYTES ((size_t)256 << 10)

void notch__frame_append(struct notch_buf *out, uint32_t salt, struct notch_bytes payload, uint64_t position,
                         uint64_t synced, uint64_t mark)
{
    notch_assert(position >= synced);
    notch_assert(position - synced <= UINT32_MAX);
    notch_assert(payload.len <= NOTCH_STORE_BODY_MAX);

    uint8_t head[NOTCH__FRAME_HEAD];
    struct notch_writer writer = notch_writer(head, sizeof head);
    notch_write_u32(&writer, (uint32_t)payload.len);
    notch_write_u32(&writer, notch__crc32c(0, payload.data, payload.len));
    notch_write_u64(&writer, position);
    notch_write_u64(&writer, mark);
    notch_write_u32(&writer, (uint32_t)(position - synced));
    notch_write_u32(&writer, notch__crc32c(salt, head, HEAD_CHECKED));
    notch_assert(notch_writer_ok(&writer));

    static const uint8_t zeros[8];
    notch_buf_append(out, head, sizeof head);
    notch_buf_append(out, payload.data, payload.len);
    notch_buf_append(out, zeros, (size_t)(notch__frame_size((uint32_t)payload.len) - sizeof head - payload.len));
}

bool notch__frame_head(struct notch__frame *out, uint32_t salt, struct notch_bytes head)
{
    struct notch_reader reader = notch_reader(head);
    out->len = notch_read_u32(&reader);
    out->crc = notch_read_u32(&reader);
    out->position = notch_read_u64(&reader);
    out->mark = notch_read_u64(&reader);
    out->unsafe = notch_read_u32(&reader);
    uint32_t head_crc = notch_read_u32(&reader);
    return notch_reader_done(&reader) && head_crc == notch__crc32c(salt, head.data, HEAD_CHECKED) &&
           out->len <= NOTCH_STORE_BODY_MAX && out->unsafe <= out->position;
}

bool notch__frame_payload_ok(const struct notch__frame *frame, struct notch_bytes payload)
{
    return payload.len == frame->len && frame->crc == notch__crc32c(0, payload.data, payload.len);
}

/* A part of the file in memory, moved forward as the walk goes. */
struct window {
    const struct notch__io *io;
    int file;
    uint64_t size; /* of the file */
    uint64_t at;   /* offset of the first byte held */
    struct notch_buf held;
};

/* *out = `len` bytes at `offset`, or fewer where the file ends. */
static enum notch_err window_see(struct window *window, struct notch_bytes *out, uint64_t offset, size_t len)
{
    uint64_t left = offset < window->size ? window->size - offset : 0;
    len = left < len ? (size_t)left : len;
    if (offset < window->at || offset + len > window->at + window->held.len) {
        size_t wanted = len > WINDOW_BYTES ? len : WINDOW_BYTES;
        wanted = left < wanted ? (size_t)left : wanted;
        notch_buf_clear(&window->held);
        uint8_t *into = notch_buf_reserve(&window->held, wanted > 0 ? wanted : 1);
        enum notch_err err = notch__file_read(window->io->files, window->file, into, wanted, offset);
        if (err != NOTCH_OK) {
            return NOTCH_ERR_IO;
        }
        window->at = offset;
        window->held.len = wanted;
    }
    *out = notch_bytes(window->held.data + (offset - window->at), len);
    return NOTCH_OK;
}

/* *good: whether the frame at `offset` is whole and carries `position`. */
static enum notch_err see_frame(struct window *window, struct notch__frame *frame, struct notch_bytes *payload,
                                bool *good, uint64_t offset, uint64_t position)
{
    struct notch_bytes head;
    *good = false;
    enum notch_err err = window_see(window, &head, offset, NOTCH__FRAME_HEAD);
    if (err != NOTCH_OK || !notch__frame_head(frame, window->io->salt, head) || frame->position != position) {
        return err;
    }
    err = window_see(window, payload, offset + NOTCH__FRAME_HEAD, frame->len);
    *good = err == NOTCH_OK && notch__frame_payload_ok(frame, *payload);
    return err;
}

static bool is_zero(struct notch_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Looks behind a bad frame: only zeros, only what may be torn, or a frame that vouches for the bad one. */
static enum notch_err judge_end(struct window *window, struct notch__frames *out)
{
    for (uint64_t offset = out->end; offset < window->size; offset += 8) {
        struct notch_bytes head;
        struct notch__frame frame;
        enum notch_err err = window_see(window, &head, offset, NOTCH__FRAME_HEAD);
        if (err != NOTCH_OK) {
            return err;
        }
        if (is_zero(head)) {
            continue;
        }
        out->how = NOTCH__FRAMES_TORN;
        if (notch__frame_head(&frame, window->io->salt, head) && frame.position - frame.unsafe > out->next) {
            out->how = NOTCH__FRAMES_DAMAGED;
            return NOTCH_OK;
        }
    }
    return NOTCH_OK;
}

enum notch_err notch__frames_walk(struct notch__frames *out, const struct notch__io *io, int file, uint64_t start,
                                  uint64_t first, notch__frame_visit visit, void *arg)
{
    *out = (struct notch__frames){NOTCH__FRAMES_CLEAN, start, first, 0};
    int64_t size = io->files->size(io->files->self, file);
    if (size < 0) {
        return NOTCH_ERR_IO;
    }
    struct window window = {.io = io, .file = file, .size = (uint64_t)size};
    notch_buf_init(&window.held, io->alloc);

    enum notch_err err;
    for (;;) {
        struct notch__frame frame;
        struct notch_bytes payload = {0};
        bool good;
        err = see_frame(&window, &frame, &payload, &good, out->end, out->next);
        if (err != NOTCH_OK) {
            break;
        }
        if (!good) {
            err = judge_end(&window, out);
            break;
        }
        if (visit && !visit(arg, &frame, out->end, payload)) {
            break;
        }
        out->end += notch__frame_size(frame.len);
        out->next++;
        out->last_mark = frame.mark;
    }
    notch_buf_fini(&window.held);
    return err;
}
