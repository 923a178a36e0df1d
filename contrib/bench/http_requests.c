#include "contrib/bench/http_requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 64 * 1024 * 1024, BODIES_MAX = 1000000, HEAD_BYTES_MAX = 8192 };

char *notch_bench_file_read(size_t *len_out, const char *path)
{
    char *bytes = NULL;
    FILE *file = fopen(path, "rbe");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        goto fail;
    }
    long size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0) {
        goto fail;
    }
    if (size > FILE_BYTES_MAX) {
        errno = EFBIG;
        goto fail;
    }
    bytes = malloc((size_t)size + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        goto fail;
    }
    bytes[size] = 0;
    *len_out = (size_t)size;
    (void)fclose(file);
    return bytes;
fail:
    (void)fprintf(stderr, "%s: %s\n", path, errno != 0 ? strerror(errno) : "cannot be read");
    free(bytes);
    if (file != NULL) {
        (void)fclose(file);
    }
    return NULL;
}

/* Writes the head without its Content-Length. 0: it does not fit. */
static size_t write_head(char *out, size_t capacity, const struct notch_bench_target *target)
{
    int written =
        snprintf(out, capacity, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n",
                 target->path, (unsigned)target->port);
    for (size_t i = 0; written > 0 && (size_t)written < capacity && i < target->headers_count; i++) {
        int more = snprintf(out + written, capacity - (size_t)written, "%s\r\n", target->headers[i]);
        written = more < 0 ? -1 : written + more;
    }
    return written > 0 && (size_t)written < capacity ? (size_t)written : 0;
}

static bool add_request(struct notch_bench_requests *requests, const char *head, size_t head_len, const char *body,
                        size_t body_len)
{
    char length[64];
    int length_len = snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n", body_len);
    if (length_len <= 0 || (size_t)length_len >= sizeof(length)) {
        return false;
    }
    struct notch_bench_request *request = &requests->at[requests->count];
    request->len = head_len + (size_t)length_len + body_len;
    request->bytes = malloc(request->len);
    if (request->bytes == NULL) {
        (void)fprintf(stderr, "out of memory\n");
        return false;
    }
    memcpy(request->bytes, head, head_len);
    memcpy(request->bytes + head_len, length, (size_t)length_len);
    memcpy(request->bytes + head_len + (size_t)length_len, body, body_len);
    requests->count++;
    return true;
}

static bool add_lines(struct notch_bench_requests *requests, const char *head, size_t head_len, const char *text,
                      size_t text_len)
{
    for (size_t at = 0; at < text_len;) {
        const char *newline = memchr(text + at, '\n', text_len - at);
        const size_t line_len = newline == NULL ? text_len - at : (size_t)(newline - text) - at;
        if (line_len > 0 && !add_request(requests, head, head_len, text + at, line_len)) {
            return false;
        }
        at += line_len + 1;
    }
    return true;
}

static size_t count_lines(const char *text, size_t text_len)
{
    size_t count = 1;
    for (size_t i = 0; i < text_len; i++) {
        count += text[i] == '\n';
    }
    return count;
}

bool notch_bench_requests_load(struct notch_bench_requests *out, const struct notch_bench_target *target,
                               const char *path, enum notch_bench_bodies bodies)
{
    char head[HEAD_BYTES_MAX];
    *out = (struct notch_bench_requests){0};
    const size_t head_len = write_head(head, sizeof(head), target);
    if (head_len == 0) {
        (void)fprintf(stderr, "the headers and the path are over %d bytes\n", (int)HEAD_BYTES_MAX);
        return false;
    }
    size_t text_len = 0;
    char *text = notch_bench_file_read(&text_len, path);
    if (text == NULL) {
        return false;
    }
    bool ok = false;
    const size_t lines = bodies == NOTCH_BENCH_BODIES_WHOLE ? 1 : count_lines(text, text_len);
    if (lines > BODIES_MAX) {
        (void)fprintf(stderr, "%s: more than %d lines\n", path, (int)BODIES_MAX);
    } else if ((out->at = calloc(lines, sizeof(*out->at))) == NULL) {
        (void)fprintf(stderr, "out of memory\n");
    } else if (bodies == NOTCH_BENCH_BODIES_WHOLE) {
        ok = text_len == 0 || add_request(out, head, head_len, text, text_len);
    } else {
        ok = add_lines(out, head, head_len, text, text_len);
    }
    if (ok && out->count == 0) {
        (void)fprintf(stderr, "%s: holds no body\n", path);
        ok = false;
    }
    free(text);
    if (!ok) {
        notch_bench_requests_fini(out);
    }
    return ok;
}

void notch_bench_requests_fini(struct notch_bench_requests *requests)
{
    for (size_t i = 0; requests->at != NULL && i < requests->count; i++) {
        free(requests->at[i].bytes);
    }
    free(requests->at);
    *requests = (struct notch_bench_requests){0};
}
