/*
 * contrib/bench/http_reply.h: where the reply of an HTTP/1.1 server ends, out of the bytes that came so far.
 *
 * Only what a server of ours sends is understood: a status line, headers, Content-Length. Anything else (chunks, a
 * reply without a length, a head over 16 KiB, a body over 8 MiB) is bad, and the measurement says so.
 *
 * Ownership    Keeps nothing.
 * Thread       Any. Pure.
 */
#ifndef NOTCH_CONTRIB_BENCH_HTTP_REPLY_H
#define NOTCH_CONTRIB_BENCH_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTCH_BENCH_REPLY_HEAD_MAX ((size_t)16 * 1024)
#define NOTCH_BENCH_REPLY_BODY_MAX ((size_t)8 * 1024 * 1024)

enum notch_bench_reply_state {
    NOTCH_BENCH_REPLY_PARTIAL, /* the head is not whole yet */
    NOTCH_BENCH_REPLY_HEAD,    /* the head is whole: out is filled, body_len bytes belong to it after head_len */
    NOTCH_BENCH_REPLY_BAD
};

struct notch_bench_reply {
    unsigned status;
    size_t head_len; /* with the empty line */
    size_t body_len;
    bool closes; /* the server closes the connection after this reply */
};

enum notch_bench_reply_state notch_bench_reply_parse(struct notch_bench_reply *out, const uint8_t *bytes, size_t len);

#endif
