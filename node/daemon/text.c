#include "node/daemon/text.h"

#include <stdarg.h>
#include <stdio.h>

void notch_text(struct notch_buf *out, const char *format, ...)
{
    enum { FIRST_TRY = 256 };
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    char *at = (char *)notch_buf_reserve(out, FIRST_TRY);
    int len = vsnprintf(at, FIRST_TRY, format, args);
    va_end(args);
    notch_assert(len >= 0);
    if (len >= FIRST_TRY) {
        at = (char *)notch_buf_reserve(out, (size_t)len + 1);
        vsnprintf(at, (size_t)len + 1, format, again);
    }
    va_end(again);
    out->len += (size_t)len;
}

const char *notch_text_of(struct notch_buf *buf)
{
    *notch_buf_reserve(buf, 1) = 0;
    return (const char *)buf->data;
}

static bool is_tail(const char *text, size_t len, size_t index)
{
    return index < len && ((uint8_t)text[index] & 0xc0) == 0x80;
}

/* How many bytes the UTF-8 character at `at` has; 0 if it is none, overlong ones and surrogates included. */
static size_t utf8_len(const char *text, size_t len, size_t at)
{
    uint8_t lead = (uint8_t)text[at];
    uint8_t second = at + 1 < len ? (uint8_t)text[at + 1] : 0;
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return is_tail(text, len, at + 1) ? 2 : 0;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        bool fits = !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second > 0x9f);
        return fits && is_tail(text, len, at + 1) && is_tail(text, len, at + 2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        bool fits = !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second > 0x8f);
        return fits && is_tail(text, len, at + 1) && is_tail(text, len, at + 2) && is_tail(text, len, at + 3) ? 4 : 0;
    }
    return 0;
}

void notch_text_json(struct notch_buf *out, const char *text, size_t len)
{
    notch_text(out, "\"");
    size_t at = 0;
    while (at < len) {
        size_t step = utf8_len(text, len, at);
        if (step == 0) {
            notch_text(out, "\xef\xbf\xbd");
            step = 1;
        } else if (text[at] == '"' || text[at] == '\\') {
            notch_text(out, "\\%c", text[at]);
        } else if ((uint8_t)text[at] < 0x20 || text[at] == 0x7f) {
            notch_text(out, "\\u%04x", (unsigned)(uint8_t)text[at]);
        } else {
            notch_buf_append(out, text + at, step);
        }
        at += step;
    }
    notch_text(out, "\"");
}

void notch_text_plain(struct notch_buf *out, const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t step = utf8_len(text, len, at);
        uint8_t byte = (uint8_t)text[at];
        if (step == 0 || byte < 0x20 || byte == 0x7f) {
            notch_text(out, "\\x%02x", (unsigned)byte);
            step = 1;
        } else {
            notch_buf_append(out, text + at, step);
        }
        at += step;
    }
}
