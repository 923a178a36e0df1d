#include "rpc/cli/http.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void notch_http_init(struct notch_http *http, const struct notch_alloc *alloc, const char *host, uint16_t port,
                     const char *authorization, int timeout_ms)
{
    *http = (struct notch_http){
        .alloc = alloc, .host = host, .port = port, .authorization = authorization, .timeout_ms = timeout_ms, .fd = -1};
    notch_buf_init(&http->out, alloc);
    notch_buf_init(&http->in, alloc);
}

static void hang_up(struct notch_http *http)
{
    if (http->fd >= 0) {
        (void)close(http->fd);
    }
    http->fd = -1;
    http->server_closes = false;
}

void notch_http_fini(struct notch_http *http)
{
    hang_up(http);
    /* What was sent may hold a credential. */
    notch_wipe(http->out.data, http->out.cap);
    notch_buf_fini(&http->out);
    notch_buf_fini(&http->in);
}

static bool wait_for(const struct notch_http *http, short events)
{
    struct pollfd poll_fd = {.fd = http->fd, .events = events};
    int ready;
    do {
        ready = poll(&poll_fd, 1, http->timeout_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static bool connect_to(struct notch_http *http, const struct addrinfo *address)
{
    http->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (http->fd < 0) {
        return false;
    }
    int failure = 0;
    socklen_t len = sizeof failure;
    bool connected = connect(http->fd, address->ai_addr, address->ai_addrlen) == 0;
    if (!connected && errno == EINPROGRESS && wait_for(http, POLLOUT)) {
        connected = getsockopt(http->fd, SOL_SOCKET, SO_ERROR, &failure, &len) == 0 && failure == 0;
    }
    int yes = 1;
    if (connected) {
        (void)setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    } else {
        hang_up(http);
    }
    return connected;
}

static enum notch_err dial(struct notch_http *http)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", http->port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    if (getaddrinfo(http->host, port, &hints, &addresses) != 0) {
        return NOTCH_ERR_UNREACHABLE;
    }
    const struct addrinfo *address = addresses;
    while (address != NULL && !connect_to(http, address)) {
        address = address->ai_next;
    }
    freeaddrinfo(addresses);
    return http->fd >= 0 ? NOTCH_OK : NOTCH_ERR_UNREACHABLE;
}

static void make_request(struct notch_http *http, struct notch_bytes body)
{
    char head[NOTCH_HTTP_HOST_MAX + 256];
    bool is_v6 = strchr(http->host, ':') != NULL;
    int len =
        snprintf(head, sizeof head,
                 "POST / HTTP/1.1\r\nHost: %s%s%s:%u\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n",
                 is_v6 ? "[" : "", http->host, is_v6 ? "]" : "", http->port, body.len);
    notch_assert(len > 0 && (size_t)len < sizeof head);
    notch_buf_clear(&http->out);
    notch_buf_append(&http->out, head, (size_t)len);
    if (http->authorization != NULL) {
        notch_buf_append(&http->out, "Authorization: ", 15);
        notch_buf_append(&http->out, http->authorization, strlen(http->authorization));
        notch_buf_append(&http->out, "\r\n", 2);
    }
    notch_buf_append(&http->out, "\r\n", 2);
    notch_buf_append(&http->out, body.data, body.len);
}

/* Whether a connection that waited is still there: a server closes idle ones. */
static bool is_alive(const struct notch_http *http)
{
    char byte;
    ssize_t got = recv(http->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static enum notch_err send_all(struct notch_http *http)
{
    size_t sent = 0;
    while (sent < http->out.len) {
        ssize_t wrote = send(http->fd, http->out.data + sent, http->out.len - sent, MSG_NOSIGNAL);
        if (wrote > 0) {
            sent += (size_t)wrote;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            /* A server that refuses early answers before it has read all. */
            if (!wait_for(http, POLLOUT | POLLIN)) {
                return NOTCH_ERR_UNREACHABLE;
            }
            struct pollfd poll_fd = {.fd = http->fd, .events = POLLIN};
            if (poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLIN) != 0) {
                http->server_closes = true;
                return NOTCH_OK;
            }
        } else if (errno != EINTR) {
            return NOTCH_ERR_UNREACHABLE;
        }
    }
    return NOTCH_OK;
}

enum notch_err notch_http_send(struct notch_http *http, struct notch_bytes body)
{
    notch_assert(!http->has_request);
    if (http->fd >= 0 && (http->server_closes || !is_alive(http))) {
        hang_up(http);
    }
    if (http->fd < 0) {
        enum notch_err err = dial(http);
        if (err != NOTCH_OK) {
            return err;
        }
    }
    make_request(http, body);
    notch_buf_clear(&http->in);
    enum notch_err err = send_all(http);
    http->has_request = err == NOTCH_OK;
    if (err != NOTCH_OK) {
        hang_up(http);
    }
    return err;
}

/* More bytes into `in`. */
static enum notch_err fill(struct notch_http *http)
{
    for (;;) {
        uint8_t *at = notch_buf_reserve(&http->in, 65536);
        ssize_t got = recv(http->fd, at, 65536, 0);
        if (got > 0) {
            http->in.len += (size_t)got;
            return NOTCH_OK;
        }
        if (got == 0) {
            return NOTCH_ERR_UNREACHABLE;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(http, POLLIN)) {
                return NOTCH_ERR_UNREACHABLE;
            }
        } else if (errno != EINTR) {
            return NOTCH_ERR_UNREACHABLE;
        }
    }
}

static enum notch_err receive(struct notch_http *http, struct notch_http_reply *out)
{
    struct notch_http_head head;
    enum notch_http_step step = NOTCH_HTTP_PARTIAL;
    while (step == NOTCH_HTTP_PARTIAL) {
        enum notch_err err = fill(http);
        if (err != NOTCH_OK) {
            return err;
        }
        step = notch_http_head_parse(&head, notch_buf_bytes(&http->in));
    }
    if (step == NOTCH_HTTP_BAD) {
        return NOTCH_ERR_INVALID;
    }
    while (http->in.len < head.head_len + head.body_len) {
        enum notch_err err = fill(http);
        if (err != NOTCH_OK) {
            return err;
        }
    }
    if (http->in.len != head.head_len + head.body_len) {
        return NOTCH_ERR_INVALID;
    }
    http->server_closes = http->server_closes || head.closes;
    *out = (struct notch_http_reply){head.status, notch_bytes(http->in.data + head.head_len, head.body_len)};
    return NOTCH_OK;
}

enum notch_err notch_http_receive(struct notch_http *http, struct notch_http_reply *out)
{
    notch_assert(http->has_request);
    enum notch_err err = receive(http, out);
    http->has_request = false;
    if (err != NOTCH_OK) {
        hang_up(http);
    }
    return err;
}
