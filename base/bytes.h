/*
 * base/bytes.h: a view of bytes that somebody else owns, and a buffer that grows.
 *
 * Ownership    struct notch_bytes borrows. struct notch_buf owns its memory through the allocator that it was made with
 *              and is given back by notch_buf_fini().
 * Limits       A buffer refuses nothing: its users bound what they put into it.
 */
#ifndef NOTCH_BASE_BYTES_H
#define NOTCH_BASE_BYTES_H

#include "base/alloc.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct notch_bytes {
    const uint8_t *data;
    size_t len;
};

struct notch_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    const struct notch_alloc *alloc;
};

static inline struct notch_bytes notch_bytes(const void *data, size_t len)
{
    return (struct notch_bytes){data, len};
}

static inline bool notch_bytes_eq(struct notch_bytes a, struct notch_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Orders as LevelDB does: byte by byte, the shorter first. */
int notch_bytes_cmp(struct notch_bytes a, struct notch_bytes b);

void notch_buf_init(struct notch_buf *buf, const struct notch_alloc *alloc);
void notch_buf_fini(struct notch_buf *buf);

/* Makes room for `more` bytes behind len and returns where they go (NULL only if more is 0); len does not change. */
uint8_t *notch_buf_reserve(struct notch_buf *buf, size_t more);

/* Copies `len` bytes to the end. They may not lie in the buffer itself, which moves when it grows. */
void notch_buf_append(struct notch_buf *buf, const void *data, size_t len);

static inline void notch_buf_clear(struct notch_buf *buf)
{
    buf->len = 0;
}

static inline struct notch_bytes notch_buf_bytes(const struct notch_buf *buf)
{
    return notch_bytes(buf->data, buf->len);
}

/* Overwrites with zeros in a way that the compiler may not leave out. */
void notch_wipe(void *data, size_t len);

/* Lower-case hex. out holds 2 * len + 1 bytes and is terminated. */
void notch_hex_encode(char *out, const void *data, size_t len);

/* Reads exactly 2 * out_len hex digits, upper or lower case; false on any other text, and out is then undefined. */
bool notch_hex_decode(void *out, size_t out_len, const char *text, size_t text_len);

#endif
