/* The pure half of the HTTP client: heads of replies, URLs, credentials. */
#include "rpc/cli/http.h"

#include <strings.h>

struct span {
    const char *at;
    size_t len;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" */
static bool parse_status(unsigned *out, struct span line)
{
    static const char start[] = "HTTP/1.1 ";
    size_t start_len = sizeof start - 1;
    if (line.len < start_len + 3 || memcmp(line.at, start, start_len) != 0) {
        return false;
    }
    *out = 0;
    for (size_t i = start_len; i < start_len + 3; i++) {
        if (!is_digit(line.at[i])) {
            return false;
        }
        *out = *out * 10 + (unsigned)(line.at[i] - '0');
    }
    return *out >= 100 && (line.len == start_len + 3 || line.at[start_len + 3] == ' ');
}

static bool parse_length(size_t *out, struct span digits)
{
    if (digits.len == 0 || digits.len > 12) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.at[i])) {
            return false;
        }
        *out = *out * 10 + (size_t)(digits.at[i] - '0');
    }
    return *out <= NOTCH_HTTP_BODY_MAX;
}

/* Whether the line is this header; its value without the spaces around it. */
static bool is_header(struct span *value, struct span line, const char *name)
{
    size_t name_len = strlen(name);
    if (line.len <= name_len || strncasecmp(line.at, name, name_len) != 0 || line.at[name_len] != ':') {
        return false;
    }
    *value = (struct span){line.at + name_len + 1, line.len - name_len - 1};
    while (value->len > 0 && (value->at[0] == ' ' || value->at[0] == '\t')) {
        value->at++;
        value->len--;
    }
    while (value->len > 0 && (value->at[value->len - 1] == ' ' || value->at[value->len - 1] == '\t')) {
        value->len--;
    }
    return true;
}

static bool parse_header(struct notch_http_head *out, bool *has_length, struct span line)
{
    struct span value;
    if (memchr(line.at, ':', line.len) == NULL) {
        return false;
    }
    if (is_header(&value, line, "transfer-encoding")) {
        return false;
    }
    if (is_header(&value, line, "content-length")) {
        bool is_first = !*has_length;
        *has_length = true;
        return is_first && parse_length(&out->body_len, value);
    }
    if (is_header(&value, line, "connection")) {
        out->closes = value.len == 5 && strncasecmp(value.at, "close", 5) == 0;
    }
    return true;
}

enum notch_http_step notch_http_head_parse(struct notch_http_head *out, struct notch_bytes bytes)
{
    size_t searched = bytes.len < NOTCH_HTTP_HEAD_MAX ? bytes.len : NOTCH_HTTP_HEAD_MAX;
    const char *head = (const char *)bytes.data;
    const char *blank = searched == 0 ? NULL : memmem(head, searched, "\r\n\r\n", 4);
    if (blank == NULL) {
        return bytes.len < NOTCH_HTTP_HEAD_MAX ? NOTCH_HTTP_PARTIAL : NOTCH_HTTP_BAD;
    }
    *out = (struct notch_http_head){.head_len = (size_t)(blank - head) + 4};
    bool has_length = false;
    bool is_first = true;
    const char *end = blank + 2;
    for (const char *at = head; at < end;) {
        const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
        struct span line = {at, (size_t)(line_end - at)};
        if (is_first ? !parse_status(&out->status, line) : !parse_header(out, &has_length, line)) {
            return NOTCH_HTTP_BAD;
        }
        is_first = false;
        at = line_end + 2;
    }
    return has_length || out->status == 204 ? NOTCH_HTTP_WHOLE_HEAD : NOTCH_HTTP_BAD;
}

static bool parse_port(uint16_t *out, const char *text, size_t len)
{
    size_t value = 0;
    if (len == 0 || len > 5) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i])) {
            return false;
        }
        value = value * 10 + (size_t)(text[i] - '0');
    }
    *out = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

bool notch_http_url_parse(char host[NOTCH_HTTP_HOST_MAX + 1], uint16_t *port, const char *url)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    const char *at = url + sizeof scheme - 1;
    size_t len = strcspn(at, "/");
    if (at[len] == '/' && at[len + 1] != '\0') {
        return false;
    }
    const char *port_at = memrchr(at, ':', len);
    size_t host_len;
    if (len > 0 && at[0] == '[') {
        const char *close = memchr(at, ']', len);
        if (close == NULL) {
            return false;
        }
        port_at = close + 1 < at + len && close[1] == ':' ? close + 1 : NULL;
        host_len = (size_t)(close - at) - 1;
        if (port_at == NULL && close + 1 != at + len) {
            return false;
        }
        memcpy(host, at + 1, host_len < NOTCH_HTTP_HOST_MAX ? host_len : NOTCH_HTTP_HOST_MAX);
    } else {
        host_len = port_at == NULL ? len : (size_t)(port_at - at);
        memcpy(host, at, host_len < NOTCH_HTTP_HOST_MAX ? host_len : NOTCH_HTTP_HOST_MAX);
    }
    if (host_len == 0 || host_len > NOTCH_HTTP_HOST_MAX) {
        return false;
    }
    host[host_len] = '\0';
    if (strpbrk(host, "@ \t\r\n") != NULL) {
        return false;
    }
    *port = 80;
    return port_at == NULL || parse_port(port, port_at + 1, (size_t)(at + len - port_at) - 1);
}

void notch_http_basic(struct notch_buf *out, const char *credential, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    notch_buf_append(out, "Basic ", 6);
    for (size_t i = 0; i < len; i += 3) {
        uint8_t in[3] = {(uint8_t)credential[i], i + 1 < len ? (uint8_t)credential[i + 1] : 0,
                         i + 2 < len ? (uint8_t)credential[i + 2] : 0};
        char four[4] = {digits[in[0] >> 2], digits[(in[0] & 3) << 4 | in[1] >> 4],
                        i + 1 < len ? digits[(in[1] & 15) << 2 | in[2] >> 6] : '=',
                        i + 2 < len ? digits[in[2] & 63] : '='};
        notch_buf_append(out, four, sizeof four);
    }
    *notch_buf_reserve(out, 1) = '\0';
}
