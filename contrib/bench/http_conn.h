/*
 * contrib/bench/http_conn.h: one keep-alive connection of the load generator, one request at a time.
 *
 *   open -> send -> (ready -> PENDING)* -> REPLY | REFUSED -> send ... ; BROKEN -> close, open
 *
 * A socket that does not take a whole request at once sets wants_write: the owner waits until it can be written.
 *
 * Ownership    The connection owns its socket and its buffer (close, fini). The request is borrowed until its reply.
 * Units        Nanoseconds of a clock that the owner reads.
 * Thread       One at a time. No call blocks, but for open, at most 5 s.
 */
#ifndef NOTCH_CONTRIB_BENCH_HTTP_CONN_H
#define NOTCH_CONTRIB_BENCH_HTTP_CONN_H

#include "base/error.h"
#include "contrib/bench/http_requests.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr_in;

struct notch_bench_conn {
    int fd; /* -1: closed */
    const struct notch_bench_request *request;
    size_t sent;
    uint64_t started_ns;
    bool wants_write;
    uint8_t *in;
    size_t in_len;
    size_t in_capacity;
    unsigned status; /* of the last reply */
    size_t body_at;  /* its body: in + body_at, body_len bytes */
    size_t body_len;
    bool closes; /* the server closes the connection after it */
};

enum notch_bench_step {
    NOTCH_BENCH_PENDING,
    NOTCH_BENCH_REPLY,   /* 200, and the body holds what is expected */
    NOTCH_BENCH_REFUSED, /* a whole reply, but not that */
    NOTCH_BENCH_BROKEN   /* closed, or not a reply at all */
};

void notch_bench_conn_init(struct notch_bench_conn *conn);
enum notch_err notch_bench_conn_open(struct notch_bench_conn *conn, const struct sockaddr_in *address);
void notch_bench_conn_close(struct notch_bench_conn *conn);
void notch_bench_conn_fini(struct notch_bench_conn *conn);

enum notch_bench_step notch_bench_conn_send(struct notch_bench_conn *conn, const struct notch_bench_request *request,
                                            uint64_t now_ns);

/* To be called when the socket is ready. `expected` is a text that a good body holds; empty: any body is good. */
enum notch_bench_step notch_bench_conn_ready(struct notch_bench_conn *conn, const char *expected);

#endif
