/*
 * contrib/bench/http_requests.h: the requests that a load consists of, made before the clock starts.
 *
 * A request is the whole text that goes over the wire: head and body.
 *
 * Ownership    The set owns its requests: notch_bench_requests_fini frees them.
 * Limits       A file of 64 MiB; 1,000,000 bodies.
 * Errors       On the stderr of the program, with the file and what was expected; false is then the answer.
 * Thread       One at a time.
 */
#ifndef NOTCH_CONTRIB_BENCH_HTTP_REQUESTS_H
#define NOTCH_CONTRIB_BENCH_HTTP_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTCH_BENCH_HEADERS_MAX 8

struct notch_bench_request {
    char *bytes;
    size_t len;
};

struct notch_bench_requests {
    struct notch_bench_request *at;
    size_t count;
};

/* What all requests have in common. `headers` are lines such as "Authorization: Basic eDp5". */
struct notch_bench_target {
    uint16_t port;
    const char *path;
    const char *headers[NOTCH_BENCH_HEADERS_MAX];
    size_t headers_count;
};

/* One request whose body is the whole file, or one for each line of the file that is not empty. */
enum notch_bench_bodies { NOTCH_BENCH_BODIES_WHOLE, NOTCH_BENCH_BODIES_LINES };

bool notch_bench_requests_load(struct notch_bench_requests *out, const struct notch_bench_target *target,
                               const char *path, enum notch_bench_bodies bodies);
void notch_bench_requests_fini(struct notch_bench_requests *requests);

/* Reads a whole file and ends it with a 0 that len_out does not count. NULL, with a message, where that fails. */
char *notch_bench_file_read(size_t *len_out, const char *path);

#endif
