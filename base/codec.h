/*
 * base/codec.h: the bounded reader and writer; the only way to take bytes apart or put them together.
 *
 * One canonical encoding per value:
 *   u8 u16 u32 u64   fixed width, little endian
 *   uvar             LEB128 of a u64, shortest form only (no trailing zero group), at most 10 bytes
 *   svar             zigzag of an i64, then uvar
 *   bytes            raw, where the length is known, or uvar length first ("blob")
 *
 * Both are sticky: after the first failure every further read gives zeros and every further write is dropped, so a
 * decoder is a straight line of reads and one question at the end. notch_reader_done() also refuses trailing bytes,
 * which is what makes encode(decode(x)) == x hold for all that is accepted.
 *
 * Ownership    The reader borrows its input; views that it gives point into it. The writer borrows its buffer.
 * Limits       Lengths are checked against what is left and against the caller's maximum before anything is used.
 * Thread       Values.
 */
#ifndef NOTCH_BASE_CODEC_H
#define NOTCH_BASE_CODEC_H

#include "base/bytes.h"
#include "base/units.h"

struct notch_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct notch_reader notch_reader(struct notch_bytes input)
{
    return (struct notch_reader){input.data, input.len > 0 ? input.data + input.len : input.data, false};
}

/* Marks the input as bad: for what the caller finds wrong with a value that was well encoded. */
static inline void notch_reader_fail(struct notch_reader *reader)
{
    reader->failed = true;
}

static inline size_t notch_reader_left(const struct notch_reader *reader)
{
    return reader->failed ? 0 : (size_t)(reader->end - reader->at);
}

/* Whether everything was read, well, and nothing is left. */
static inline bool notch_reader_done(const struct notch_reader *reader)
{
    return !reader->failed && reader->at == reader->end;
}

uint8_t notch_read_u8(struct notch_reader *reader);
uint16_t notch_read_u16(struct notch_reader *reader);
uint32_t notch_read_u32(struct notch_reader *reader);
uint64_t notch_read_u64(struct notch_reader *reader);
uint64_t notch_read_uvar(struct notch_reader *reader);
int64_t notch_read_svar(struct notch_reader *reader);

/* A uvar that is at most `max`; a greater one fails. For counts and lengths. */
uint64_t notch_read_uvar_max(struct notch_reader *reader, uint64_t max);

/* `len` bytes as a view into the input; {NULL, 0} on failure. */
struct notch_bytes notch_read_bytes(struct notch_reader *reader, size_t len);

/* A uvar length of at most `max`, then that many bytes. */
struct notch_bytes notch_read_blob(struct notch_reader *reader, size_t max);

/* Copies exactly len bytes out; zeros on failure. */
void notch_read_into(struct notch_reader *reader, void *out, size_t len);
struct notch_hash notch_read_hash(struct notch_reader *reader);
struct notch_key notch_read_key(struct notch_reader *reader);
struct notch_sig notch_read_sig(struct notch_reader *reader);

/* Writes into a fixed buffer, or, where `grow` is set, behind the contents of a growing one. */
struct notch_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    struct notch_buf *grow;
    bool failed;
};

static inline struct notch_writer notch_writer(void *out, size_t cap)
{
    return (struct notch_writer){.start = out, .at = out, .end = cap > 0 ? (uint8_t *)out + cap : out};
}

static inline struct notch_writer notch_writer_grow(struct notch_buf *buf)
{
    return (struct notch_writer){.grow = buf};
}

/* Whether everything fitted. */
static inline bool notch_writer_ok(const struct notch_writer *writer)
{
    return !writer->failed;
}

/* What a fixed writer has written; a beginning of it once writing failed. Not for a growing one: ask its buffer. */
static inline struct notch_bytes notch_writer_bytes(const struct notch_writer *writer)
{
    return notch_bytes(writer->start, (size_t)(writer->at - writer->start));
}

void notch_write_u8(struct notch_writer *writer, uint8_t value);
void notch_write_u16(struct notch_writer *writer, uint16_t value);
void notch_write_u32(struct notch_writer *writer, uint32_t value);
void notch_write_u64(struct notch_writer *writer, uint64_t value);
void notch_write_uvar(struct notch_writer *writer, uint64_t value);
void notch_write_svar(struct notch_writer *writer, int64_t value);
void notch_write_bytes(struct notch_writer *writer, const void *data, size_t len);
void notch_write_blob(struct notch_writer *writer, struct notch_bytes blob);
void notch_write_hash(struct notch_writer *writer, const struct notch_hash *hash);
void notch_write_key(struct notch_writer *writer, const struct notch_key *key);
void notch_write_sig(struct notch_writer *writer, const struct notch_sig *sig);

/* How many bytes a uvar takes: 1 to 10. */
size_t notch_uvar_len(uint64_t value);
#define NOTCH_UVAR_MAX 10

/* Big endian, so that keys in the store sort by number. */
void notch_put_be32(uint8_t out[4], uint32_t value);
void notch_put_be64(uint8_t out[8], uint64_t value);
uint32_t notch_get_be32(const uint8_t in[4]);
uint64_t notch_get_be64(const uint8_t in[8]);

#endif
