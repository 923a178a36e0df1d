#include "contrib/bench/http_reply.h"

#include <string.h>
#include <strings.h>

struct text {
    const char *at;
    size_t len;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" */
static bool parse_status(unsigned *out, struct text line)
{
    static const char start[] = "HTTP/1.1 ";
    const size_t start_len = sizeof(start) - 1;
    if (line.len < start_len + 3 || memcmp(line.at, start, start_len) != 0) {
        return false;
    }
    const char *digits = line.at + start_len;
    if (!is_digit(digits[0]) || !is_digit(digits[1]) || !is_digit(digits[2])) {
        return false;
    }
    *out = (unsigned)(digits[0] - '0') * 100 + (unsigned)(digits[1] - '0') * 10 + (unsigned)(digits[2] - '0');
    return true;
}

/* The value of the header, without the spaces around it; at is NULL where the line is another header. */
static struct text header_value(struct text line, const char *name)
{
    const size_t name_len = strlen(name);
    if (line.len <= name_len || strncasecmp(line.at, name, name_len) != 0 || line.at[name_len] != ':') {
        return (struct text){0};
    }
    struct text value = {line.at + name_len + 1, line.len - name_len - 1};
    while (value.len > 0 && value.at[0] == ' ') {
        value.at++;
        value.len--;
    }
    while (value.len > 0 && value.at[value.len - 1] == ' ') {
        value.len--;
    }
    return value;
}

static bool parse_length(size_t *out, struct text digits)
{
    size_t value = 0;
    if (digits.len == 0) {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.at[i])) {
            return false;
        }
        value = value * 10 + (size_t)(digits.at[i] - '0');
        if (value > NOTCH_BENCH_REPLY_BODY_MAX) {
            return false;
        }
    }
    *out = value;
    return true;
}

static bool parse_header(struct notch_bench_reply *out, bool *has_length, struct text line)
{
    struct text value = header_value(line, "content-length");
    if (value.at != NULL) {
        if (*has_length) {
            return false;
        }
        *has_length = true;
        return parse_length(&out->body_len, value);
    }
    value = header_value(line, "connection");
    if (value.at != NULL && value.len == 5 && strncasecmp(value.at, "close", 5) == 0) {
        out->closes = true;
    }
    return header_value(line, "transfer-encoding").at == NULL;
}

enum notch_bench_reply_state notch_bench_reply_parse(struct notch_bench_reply *out, const uint8_t *bytes, size_t len)
{
    const size_t searched = len < NOTCH_BENCH_REPLY_HEAD_MAX ? len : NOTCH_BENCH_REPLY_HEAD_MAX;
    const char *head = (const char *)bytes;
    const char *blank = searched == 0 ? NULL : memmem(head, searched, "\r\n\r\n", 4);
    if (blank == NULL) {
        return len < NOTCH_BENCH_REPLY_HEAD_MAX ? NOTCH_BENCH_REPLY_PARTIAL : NOTCH_BENCH_REPLY_BAD;
    }
    *out = (struct notch_bench_reply){.head_len = (size_t)(blank - head) + 4};
    bool has_length = false;
    bool is_first = true;
    const char *end = blank + 2;
    for (const char *at = head; at < end;) {
        const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
        struct text line = {at, (size_t)(line_end - at)};
        if (is_first ? !parse_status(&out->status, line) : !parse_header(out, &has_length, line)) {
            return NOTCH_BENCH_REPLY_BAD;
        }
        is_first = false;
        at = line_end + 2;
    }
    return has_length ? NOTCH_BENCH_REPLY_HEAD : NOTCH_BENCH_REPLY_BAD;
}
