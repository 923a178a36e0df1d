#include "contrib/bench/http_conn.h"

#include "contrib/bench/http_reply.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { IN_BYTES_START = 16 * 1024, CONNECT_SECONDS_MAX = 5 };

void notch_bench_conn_init(struct notch_bench_conn *conn)
{
    *conn = (struct notch_bench_conn){.fd = -1};
}

enum notch_err notch_bench_conn_open(struct notch_bench_conn *conn, const struct sockaddr_in *address)
{
    notch_assert(conn->fd == -1);
    const int one = 1;
    const struct timeval limit = {.tv_sec = CONNECT_SECONDS_MAX};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return NOTCH_ERR_IO;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        (void)close(fd);
        return NOTCH_ERR_UNREACHABLE;
    }
    conn->fd = fd;
    conn->request = NULL;
    conn->wants_write = false;
    conn->in_len = 0;
    return NOTCH_OK;
}

void notch_bench_conn_close(struct notch_bench_conn *conn)
{
    if (conn->fd != -1) {
        (void)close(conn->fd);
        conn->fd = -1;
    }
}

void notch_bench_conn_fini(struct notch_bench_conn *conn)
{
    notch_bench_conn_close(conn);
    free(conn->in);
    notch_bench_conn_init(conn);
}

static enum notch_bench_step flush(struct notch_bench_conn *conn)
{
    const struct notch_bench_request *request = conn->request;
    while (conn->sent < request->len) {
        ssize_t n = send(conn->fd, request->bytes + conn->sent, request->len - conn->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno != EAGAIN) {
            return NOTCH_BENCH_BROKEN;
        }
        if (n < 0) {
            break;
        }
        conn->sent += (size_t)n;
    }
    conn->wants_write = conn->sent < request->len;
    return NOTCH_BENCH_PENDING;
}

enum notch_bench_step notch_bench_conn_send(struct notch_bench_conn *conn, const struct notch_bench_request *request,
                                            uint64_t now_ns)
{
    notch_assert(conn->fd != -1 && conn->request == NULL);
    conn->request = request;
    conn->sent = 0;
    conn->started_ns = now_ns;
    conn->in_len = 0;
    return flush(conn);
}

static bool make_room(struct notch_bench_conn *conn)
{
    if (conn->in_len < conn->in_capacity) {
        return true;
    }
    const size_t capacity = conn->in_capacity == 0 ? IN_BYTES_START : conn->in_capacity * 2;
    uint8_t *in = realloc(conn->in, capacity);
    if (in == NULL) {
        return false;
    }
    conn->in = in;
    conn->in_capacity = capacity;
    return true;
}

/* Looks at what has come so far. */
static enum notch_bench_step judge(struct notch_bench_conn *conn, const char *expected)
{
    struct notch_bench_reply reply;
    switch (notch_bench_reply_parse(&reply, conn->in, conn->in_len)) {
    case NOTCH_BENCH_REPLY_PARTIAL:
        return NOTCH_BENCH_PENDING;
    case NOTCH_BENCH_REPLY_BAD:
        return NOTCH_BENCH_BROKEN;
    case NOTCH_BENCH_REPLY_HEAD:
        break;
    }
    if (conn->in_len < reply.head_len + reply.body_len) {
        return NOTCH_BENCH_PENDING;
    }
    /* A reply before its request has gone, or more than one reply, is no conversation we know. */
    if (conn->in_len > reply.head_len + reply.body_len || conn->wants_write) {
        return NOTCH_BENCH_BROKEN;
    }
    conn->request = NULL;
    conn->status = reply.status;
    conn->body_at = reply.head_len;
    conn->body_len = reply.body_len;
    conn->closes = reply.closes;
    const size_t expected_len = strlen(expected);
    const bool holds = memmem(conn->in + reply.head_len, reply.body_len, expected, expected_len) != NULL;
    return reply.status == 200 && (expected_len == 0 || holds) ? NOTCH_BENCH_REPLY : NOTCH_BENCH_REFUSED;
}

enum notch_bench_step notch_bench_conn_ready(struct notch_bench_conn *conn, const char *expected)
{
    if (conn->request != NULL && conn->wants_write && flush(conn) == NOTCH_BENCH_BROKEN) {
        return NOTCH_BENCH_BROKEN;
    }
    for (;;) {
        if (!make_room(conn)) {
            return NOTCH_BENCH_BROKEN;
        }
        ssize_t n = recv(conn->fd, conn->in + conn->in_len, conn->in_capacity - conn->in_len, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return NOTCH_BENCH_PENDING;
        }
        if (n <= 0 || conn->request == NULL) {
            return NOTCH_BENCH_BROKEN;
        }
        conn->in_len += (size_t)n;
        enum notch_bench_step step = judge(conn, expected);
        if (step != NOTCH_BENCH_PENDING) {
            return step;
        }
    }
}
