#include "chain/io/segment.h"
#include "chain/io/crc32c.h"

#include <stdio.h>

#define SEGMENT_MAGIC "NOTCHSEG"
#define INDEX_MAGIC "NOTCHIDX"
#define MAGIC_LEN 8
#define INDEX_BYTES_MAX ((size_t)1 << 30)

struct notch__segment_name notch__segment_name(uint32_t number, const char *extension)
{
    struct notch__segment_name name;
    (void)snprintf(name.text, sizeof name.text, "%06u.%s", number, extension);
    return name;
}

bool notch__segment_number(uint32_t *number, const char *name)
{
    uint64_t value = 0;
    const char *at = name;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > UINT32_MAX) {
            return false;
        }
    }
    *number = (uint32_t)value;
    struct notch__segment_name canonical = notch__segment_name(*number, "seg");
    return at != name && strcmp(name, canonical.text) == 0;
}

void notch__segment_fini(struct notch__segment *segment, const struct notch__io *io)
{
    notch_free(io->alloc, segment->at, segment->cap * sizeof segment->at[0]);
    *segment = (struct notch__segment){0};
}

static void segment_reserve(struct notch__segment *segment, const struct notch__io *io, uint32_t cap)
{
    if (cap <= segment->cap) {
        return;
    }
    segment->at =
        notch_realloc(io->alloc, segment->at, segment->cap * sizeof segment->at[0], cap * sizeof segment->at[0]);
    segment->cap = cap;
}

void notch__segment_add(struct notch__segment *segment, const struct notch__io *io, uint64_t offset, uint64_t size,
                        uint64_t mark)
{
    notch_assert(offset % 8 == 0);
    notch_assert(offset / 8 <= UINT32_MAX);
    if (segment->count == segment->cap) {
        segment_reserve(segment, io, segment->cap + segment->cap / 2 + 64);
    }
    segment->at[segment->count++] = (uint32_t)(offset / 8);
    segment->end = offset + size;
    segment->last_mark = mark;
}

enum notch_err notch__segment_make(struct notch__io *io, const char *dir, uint32_t number, uint64_t first)
{
    uint8_t head[NOTCH__SEGMENT_HEAD];
    struct notch_writer writer = notch_writer(head, sizeof head);
    notch_write_bytes(&writer, SEGMENT_MAGIC, MAGIC_LEN);
    notch_write_u32(&writer, NOTCH_STORE_FORMAT);
    notch_write_u32(&writer, number);
    notch_write_u64(&writer, first);
    notch_write_hash(&writer, &io->genesis);
    notch_write_u32(&writer, 0);
    notch_write_u32(&writer, notch__crc32c(0, head, sizeof head - 4));
    notch_assert(writer.at == writer.end);
    return notch__file_replace(io, dir, notch__segment_name(number, "seg").text, notch_bytes(head, sizeof head));
}

enum notch_err notch__segment_head(struct notch__segment *segment, struct notch__io *io, int file, const char *path,
                                   uint32_t number)
{
    uint8_t head[NOTCH__SEGMENT_HEAD];
    enum notch_err err = notch__file_read(io->files, file, head, sizeof head, 0);
    if (err == NOTCH_ERR_IO) {
        return notch__io_fail(io, err, "%s: cannot be read", path);
    }
    struct notch_reader reader = notch_reader(notch_bytes(head, err == NOTCH_OK ? sizeof head : 0));
    struct notch_bytes magic = notch_read_bytes(&reader, MAGIC_LEN);
    uint32_t format = notch_read_u32(&reader);
    uint32_t stored_number = notch_read_u32(&reader);
    uint64_t first = notch_read_u64(&reader);
    struct notch_hash genesis = notch_read_hash(&reader);
    bool zero = notch_read_u32(&reader) == 0;
    bool good = notch_read_u32(&reader) == notch__crc32c(0, head, sizeof head - 4);
    if (!notch_reader_done(&reader) || !good || !zero || stored_number != number ||
        memcmp(magic.data, SEGMENT_MAGIC, MAGIC_LEN) != 0) {
        return notch__io_fail(io, NOTCH_ERR_CORRUPT,
                              "%s: offset 0: its head is damaged: restore the store from a backup, or empty the data "
                              "directory and let the node fetch the chain again",
                              path);
    }
    if (format != NOTCH_STORE_FORMAT) {
        return notch__io_fail(io, NOTCH_ERR_VERSION, "%s: has format %u, this program writes format %d", path, format,
                              NOTCH_STORE_FORMAT);
    }
    if (!notch_hash_eq(&genesis, &io->genesis)) {
        return notch__io_fail(io, NOTCH_ERR_NETWORK, "%s: belongs to another network", path);
    }
    segment->number = number;
    segment->first = first;
    segment->end = NOTCH__SEGMENT_HEAD;
    return NOTCH_OK;
}

struct scan {
    struct notch__segment *segment;
    const struct notch__io *io;
};

static bool scan_frame(void *arg, const struct notch__frame *frame, uint64_t offset, struct notch_bytes payload)
{
    (void)payload;
    struct scan *scan = arg;
    notch__segment_add(scan->segment, scan->io, offset, notch__frame_size(frame->len), frame->mark);
    return true;
}

enum notch_err notch__segment_scan(struct notch__segment *segment, struct notch__frames *out,
                                   const struct notch__io *io, int file)
{
    struct scan scan = {segment, io};
    segment->count = 0;
    segment->end = NOTCH__SEGMENT_HEAD;
    return notch__frames_walk(out, io, file, NOTCH__SEGMENT_HEAD, segment->first, scan_frame, &scan);
}

static bool index_decode(struct notch__segment *segment, const struct notch__io *io, struct notch_bytes bytes,
                         uint64_t file_size)
{
    if (bytes.len < sizeof(uint32_t)) {
        return false;
    }
    size_t checked = bytes.len - sizeof(uint32_t);
    struct notch_reader reader = notch_reader(bytes);
    struct notch_bytes magic = notch_read_bytes(&reader, MAGIC_LEN);
    uint32_t number = notch_read_u32(&reader);
    uint32_t count = notch_read_u32(&reader);
    uint64_t first = notch_read_u64(&reader);
    uint64_t end = notch_read_u64(&reader);
    struct notch_bytes offsets = notch_read_bytes(&reader, (size_t)count * sizeof(uint32_t));
    uint64_t last_mark = notch_read_u64(&reader);
    uint32_t crc = notch_read_u32(&reader);
    if (!notch_reader_done(&reader) || memcmp(magic.data, INDEX_MAGIC, MAGIC_LEN) != 0 ||
        crc != notch__crc32c(0, bytes.data, checked) || number != segment->number || first != segment->first ||
        end != file_size) {
        return false;
    }
    segment_reserve(segment, io, count);
    struct notch_reader each = notch_reader(offsets);
    for (uint32_t i = 0; i < count; i++) {
        segment->at[i] = notch_read_u32(&each);
    }
    segment->count = count;
    segment->end = end;
    segment->last_mark = last_mark;
    return true;
}

bool notch__segment_index_load(struct notch__segment *segment, const struct notch__io *io, const char *dir,
                               uint64_t file_size)
{
    struct notch__path path = notch__path_join(dir, notch__segment_name(segment->number, "idx").text);
    struct notch_buf bytes;
    notch_buf_init(&bytes, io->alloc);
    bool good = notch__file_load(io->files, &bytes, path.text, INDEX_BYTES_MAX) == NOTCH_OK &&
                index_decode(segment, io, notch_buf_bytes(&bytes), file_size);
    notch_buf_fini(&bytes);
    return good;
}

void notch__segment_index_save(const struct notch__segment *segment, struct notch__io *io, const char *dir)
{
    struct notch_buf bytes;
    notch_buf_init(&bytes, io->alloc);
    struct notch_writer writer = notch_writer_grow(&bytes);
    notch_write_bytes(&writer, INDEX_MAGIC, MAGIC_LEN);
    notch_write_u32(&writer, segment->number);
    notch_write_u32(&writer, segment->count);
    notch_write_u64(&writer, segment->first);
    notch_write_u64(&writer, segment->end);
    for (uint32_t i = 0; i < segment->count; i++) {
        notch_write_u32(&writer, segment->at[i]);
    }
    notch_write_u64(&writer, segment->last_mark);
    notch_write_u32(&writer, notch__crc32c(0, bytes.data, bytes.len));

    /* A failure here must not end the store: note it elsewhere than in its failure. */
    struct notch__io scratch = *io;
    scratch.failure.err = NOTCH_OK;
    struct notch__segment_name name = notch__segment_name(segment->number, "idx");
    if (notch__file_replace(&scratch, dir, name.text, notch_buf_bytes(&bytes)) != NOTCH_OK) {
        notch_log(io->log, NOTCH_LOG_WARN, "store", "%s (the next start reads the whole segment)",
                  scratch.failure.text);
    }
    notch_buf_fini(&bytes);
}
