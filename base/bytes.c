#include "base/bytes.h"

#include "base/assert.h"

int notch_bytes_cmp(struct notch_bytes a, struct notch_bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

void notch_buf_init(struct notch_buf *buf, const struct notch_alloc *alloc)
{
    *buf = (struct notch_buf){.alloc = alloc};
}

void notch_buf_fini(struct notch_buf *buf)
{
    notch_free(buf->alloc, buf->data, buf->cap);
    *buf = (struct notch_buf){.alloc = buf->alloc};
}

uint8_t *notch_buf_reserve(struct notch_buf *buf, size_t more)
{
    notch_assert(more <= SIZE_MAX / 2 - buf->len);
    size_t need = buf->len + more;
    if (need > buf->cap) {
        size_t cap = buf->cap < 64 ? 64 : buf->cap;
        while (cap < need) {
            cap *= 2;
        }
        buf->data = notch_realloc(buf->alloc, buf->data, buf->cap, cap);
        buf->cap = cap;
    }
    /* NULL + 0, of an empty buffer that was asked for nothing, is not defined in C. */
    return buf->len > 0 ? buf->data + buf->len : buf->data;
}

void notch_buf_append(struct notch_buf *buf, const void *data, size_t len)
{
    uint8_t *at = notch_buf_reserve(buf, len);
    if (len > 0) {
        memcpy(at, data, len);
    }
    buf->len += len;
}

void notch_wipe(void *data, size_t len)
{
    if (len > 0) {
        memset(data, 0, len);
    }
    /* The compiler must assume that this reads the memory, so the memset above has to happen. */
    __asm__ __volatile__("" : : "r"(data) : "memory");
}

void notch_hex_encode(char *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[at[i] >> 4];
        out[2 * i + 1] = digits[at[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool notch_hex_decode(void *out, size_t out_len, const char *text, size_t text_len)
{
    if (text_len / 2 != out_len || text_len % 2 != 0) {
        return false;
    }
    uint8_t *at = out;
    for (size_t i = 0; i < out_len; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        at[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
