/*
 * rpc/cli/http.h: one keep-alive connection to the RPC of a node: HTTP/1.1 over a socket, POST only.
 *
 *      send(body) -> receive(reply) -> send ...
 *
 * Sending and receiving are apart, so that several connections can have a request under way each. Only what a server of
 * ours sends is understood: a status line, headers, Content-Length; anything else is an error, never a guess.
 *
 * Lifecycle    init -> (send -> receive)* -> fini. send() connects where there is no connection, and once more where
 *              the server closed an idle one; what was not answered is never sent twice.
 * Ownership    Borrows host and authorization until fini. A reply is valid until the next send.
 * Limits       NOTCH_HTTP_HEAD_MAX, NOTCH_HTTP_BODY_MAX; `timeout_ms` for each wait.
 * Thread       One.
 * Errors       UNREACHABLE  nobody listens there, or the answer did not come in time
 *              INVALID      what answers is no such server
 *              SPACE        the reply is beyond the limits
 */
#ifndef NOTCH_RPC_CLI_HTTP_H
#define NOTCH_RPC_CLI_HTTP_H

#include "base/bytes.h"
#include "base/error.h"

#define NOTCH_HTTP_HEAD_MAX ((size_t)16 << 10)
#define NOTCH_HTTP_BODY_MAX ((size_t)64 << 20)

struct notch_http {
    const struct notch_alloc *alloc;
    const char *host; /* a name or an address; without brackets */
    uint16_t port;
    const char *authorization; /* the value of the header, or NULL */
    int timeout_ms;
    int fd;           /* -1: closed */
    bool has_request; /* sent, and not answered yet */
    bool server_closes;
    struct notch_buf out;
    struct notch_buf in;
};

struct notch_http_reply {
    unsigned status;
    struct notch_bytes body;
};

void notch_http_init(struct notch_http *http, const struct notch_alloc *alloc, const char *host, uint16_t port,
                     const char *authorization, int timeout_ms);
void notch_http_fini(struct notch_http *http);

NOTCH_MUST_USE enum notch_err notch_http_send(struct notch_http *http, struct notch_bytes body);
NOTCH_MUST_USE enum notch_err notch_http_receive(struct notch_http *http, struct notch_http_reply *out);

/* ---- the pure half: where a reply ends ---- */

enum notch_http_step { NOTCH_HTTP_PARTIAL, NOTCH_HTTP_WHOLE_HEAD, NOTCH_HTTP_BAD };

struct notch_http_head {
    unsigned status;
    size_t head_len; /* with the empty line */
    size_t body_len;
    bool closes; /* the server closes the connection after it */
};

enum notch_http_step notch_http_head_parse(struct notch_http_head *out, struct notch_bytes bytes);

/* "http://127.0.0.1:7079/" taken apart: host is copied. false: no such URL. */
#define NOTCH_HTTP_HOST_MAX 255
bool notch_http_url_parse(char host[NOTCH_HTTP_HOST_MAX + 1], uint16_t *port, const char *url);

/* "Basic ..." of "user:password". Appends, with a terminating zero that does not count. */
void notch_http_basic(struct notch_buf *out, const char *credential, size_t len);

#endif
