/* One HTTP request: who may ask, what is asked, the body, and the response. */
#include "rpc/io/internal.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

enum place { PLACE_RPC, PLACE_ROOT, PLACE_HEALTH, PLACE_METRICS, PLACE_SOCKET };

/* What belongs to one request, from its header to its end. */
struct query {
    struct notch__waiter waiter; /* first: a waiter is its query */
    struct MHD_Connection *connection;
    enum place place;
    enum notch_rpc_role role;
    uint64_t since_us;
    struct notch_buf body;
    struct notch_buf text; /* the response, where it is no exchange's */
    unsigned refusal;      /* the status of a response that does not look at the body; 0: none */
    bool too_large;
    bool ran;
    bool stops;
};

uint64_t notch__now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void notch__observe(struct notch_server *server, uint64_t since_us)
{
    uint64_t us = notch__now_us() - since_us;
    unsigned at = 0;
    while (at < NOTCH_METRICS_BOUNDS && us > notch_metrics_bounds_us[at]) {
        at++;
    }
    (void)atomic_fetch_add_explicit(&server->counters.buckets[at], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&server->counters.sum_us, us, memory_order_relaxed);
}

void notch__count(struct notch_server *server, const struct notch_exchange *exchange)
{
    uint32_t calls;
    uint32_t errors;
    notch_exchange_counts(exchange, &calls, &errors);
    (void)atomic_fetch_add_explicit(&server->counters.calls, calls, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&server->counters.call_errors, errors, memory_order_relaxed);
}

/* ---- responses ---- */

struct header {
    const char *name;
    const char *value;
};

/* The bytes stay until the request is done: MHD copies nothing. */
static enum MHD_Result respond(struct query *query, unsigned status, struct notch_bytes bytes, const char *type,
                               const struct header *extra)
{
    struct notch_server *server = query->waiter.server;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        bytes.len, bytes.len > 0 ? (void *)(uintptr_t)bytes.data : (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    bool whole = type == NULL || MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES;
    if (extra != NULL) {
        whole = MHD_add_response_header(response, extra->name, extra->value) == MHD_YES && whole;
    }
    enum MHD_Result queued = whole ? MHD_queue_response(query->connection, status, response) : MHD_NO;
    MHD_destroy_response(response);
    if (status >= 400) {
        (void)atomic_fetch_add_explicit(&server->counters.http_errors, 1, memory_order_relaxed);
    }
    notch__observe(server, query->since_us);
    return queued;
}

/* Why a request is refused, by its HTTP status. POST / speaks JSON even then. */
static enum MHD_Result refuse(struct query *query, unsigned status, const char *reason, const struct header *extra)
{
    query->refusal = status;
    notch_buf_clear(&query->text);
    if (query->place == PLACE_RPC) {
        int code = status == MHD_HTTP_CONTENT_TOO_LARGE    ? NOTCH_RPC_TOO_LARGE
                   : status == MHD_HTTP_TOO_MANY_REQUESTS  ? NOTCH_RPC_BUSY
                   : status == MHD_HTTP_METHOD_NOT_ALLOWED ? -32600
                                                           : NOTCH_RPC_FORBIDDEN;
        notch_rpc_error_text(&query->text, code, "refused", reason);
        return respond(query, status, notch_buf_bytes(&query->text), "application/json", extra);
    }
    notch_buf_append(&query->text, reason, strlen(reason));
    notch_buf_append(&query->text, "\n", 1);
    return respond(query, status, notch_buf_bytes(&query->text), "text/plain; charset=utf-8", extra);
}

/* ---- checks of the header ---- */

static const char *header_of(const struct query *query, const char *name)
{
    return MHD_lookup_connection_value(query->connection, MHD_HEADER_KIND, name);
}

/* Another site's page in a browser of this machine says so in Origin. */
static bool is_same_origin(const struct query *query)
{
    const char *origin = header_of(query, MHD_HTTP_HEADER_ORIGIN);
    const char *host = header_of(query, MHD_HTTP_HEADER_HOST);
    return origin == NULL || (strncasecmp(origin, "http://", 7) == 0 && strcasecmp(origin + 7, host) == 0);
}

static bool is_known_place(enum place *out, const char *url)
{
    static const struct {
        const char *url;
        enum place place;
    } places[] = {{"/", PLACE_ROOT}, {"/health", PLACE_HEALTH}, {"/metrics", PLACE_METRICS}, {"/ws", PLACE_SOCKET}};
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(places); i++) {
        if (strcmp(places[i].url, url) == 0) {
            *out = places[i].place;
            return true;
        }
    }
    return false;
}

static bool needs_credential(const struct query *query)
{
    return query->place == PLACE_RPC || query->place == PLACE_SOCKET ||
           (query->place == PLACE_METRICS && query->waiter.server->options.metrics_private);
}

/* 0: goes on. Otherwise the refusal was queued, and *result is what MHD wants to hear. */
static bool check_credential(struct query *query, enum MHD_Result *result)
{
    static const struct header challenge = {MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"notch\""};
    static const struct header later = {"Retry-After", "1"};
    const char *credential = header_of(query, MHD_HTTP_HEADER_AUTHORIZATION);
    switch (notch__auth_check(query->waiter.server, credential, &query->role)) {
    case NOTCH__AUTH_OK:
        return true;
    case NOTCH__AUTH_UNKNOWN:
        *result = refuse(query, MHD_HTTP_UNAUTHORIZED,
                         "a credential is needed: the cookie file in the data folder, or a user of [rpc]", &challenge);
        return false;
    case NOTCH__AUTH_TOO_FAST:
        *result = refuse(query, MHD_HTTP_TOO_MANY_REQUESTS, "too many requests: try again in a second", &later);
        return false;
    }
    notch_unreachable();
}

static bool check_length(struct query *query, enum MHD_Result *result)
{
    const char *text = header_of(query, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint32_t max = notch_rpc_options(query->waiter.server->options.rpc)->body_bytes_max;
    uint64_t len = 0;
    for (size_t i = 0; text != NULL && text[i] >= '0' && text[i] <= '9' && len <= max; i++) {
        len = len * 10 + (uint64_t)(text[i] - '0');
    }
    if (len > max) {
        *result = refuse(query, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than this node takes", NULL);
        return false;
    }
    return true;
}

static enum MHD_Result check_header(struct query *query, const char *url, const char *method)
{
    static const struct header get = {MHD_HTTP_HEADER_ALLOW, "GET"};
    static const struct header get_or_post = {MHD_HTTP_HEADER_ALLOW, "GET, POST"};
    enum MHD_Result result = MHD_YES;
    bool is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
    bool is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    if (!is_known_place(&query->place, url)) {
        query->place = PLACE_HEALTH; /* plain text */
        return refuse(query, MHD_HTTP_NOT_FOUND, "nothing here: / /ws /health /metrics", NULL);
    }
    if (is_post && query->place == PLACE_ROOT) {
        query->place = PLACE_RPC;
    } else if (!is_get) {
        return refuse(query, MHD_HTTP_METHOD_NOT_ALLOWED, "another method is needed here",
                      query->place == PLACE_ROOT ? &get_or_post : &get);
    }
    const char *host = header_of(query, MHD_HTTP_HEADER_HOST);
    if (host == NULL) {
        return refuse(query, MHD_HTTP_BAD_REQUEST, "the Host header is missing", NULL);
    }
    if (!notch__host_is_ours(query->waiter.server, host) || !is_same_origin(query)) {
        return refuse(query, MHD_HTTP_FORBIDDEN,
                      "Host or Origin is not this node's: use its address, localhost, or a name of [rpc] hosts", NULL);
    }
    if (needs_credential(query) && !check_credential(query, &result)) {
        return result;
    }
    if (!check_length(query, &result)) {
        return result;
    }
    return MHD_YES;
}

/* ---- JSON-RPC ---- */

static void take_body(struct query *query, const char *data, size_t len)
{
    uint32_t max = notch_rpc_options(query->waiter.server->options.rpc)->body_bytes_max;
    if (query->too_large || query->body.len + len > max) {
        query->too_large = true;
        notch_buf_clear(&query->body);
        return;
    }
    notch_buf_append(&query->body, data, len);
}

static enum MHD_Result finish(struct query *query)
{
    struct notch_server *server = query->waiter.server;
    struct notch_exchange *exchange = query->waiter.exchange;
    struct notch_rpc_sight sight;
    server->options.sight_take(server->options.arg, &sight);
    notch_exchange_finish(exchange, &sight);
    server->options.sight_give(server->options.arg, &sight);
    notch__count(server, exchange);
    query->stops = notch_exchange_stops(exchange);
    struct notch_bytes text = notch_exchange_text(exchange);
    switch (notch_exchange_outcome(exchange)) {
    case NOTCH_EXCHANGE_ANSWER:
        return respond(query, MHD_HTTP_OK, text, "application/json", NULL);
    case NOTCH_EXCHANGE_SILENT:
        return respond(query, MHD_HTTP_NO_CONTENT, text, NULL, NULL);
    case NOTCH_EXCHANGE_FORBIDDEN:
        return respond(query, MHD_HTTP_FORBIDDEN, text, "application/json", NULL);
    case NOTCH_EXCHANGE_TOO_LARGE:
        return respond(query, MHD_HTTP_CONTENT_TOO_LARGE, text, "application/json", NULL);
    }
    notch_unreachable();
}

static void suspend(void *arg)
{
    MHD_suspend_connection(arg);
}

static void resume(struct notch__waiter *waiter)
{
    MHD_resume_connection(((struct query *)waiter)->connection);
}

static enum MHD_Result run(struct query *query)
{
    struct notch_server *server = query->waiter.server;
    const struct notch_rpc_caller caller = {.role = query->role};
    struct notch_rpc_sight sight;
    query->ran = true;
    query->waiter.exchange = notch_exchange_create(server->options.rpc, &caller);
    query->waiter.ready = resume;
    server->options.sight_take(server->options.arg, &sight);
    notch_exchange_run(query->waiter.exchange, &sight, notch_buf_bytes(&query->body));
    server->options.sight_give(server->options.arg, &sight);
    if (notch__waiting_send(&query->waiter, suspend, query->connection)) {
        return MHD_YES; /* comes back when the node has replied */
    }
    return finish(query);
}

/* ---- WebSocket ---- */

static void upgraded(void *arg, struct MHD_Connection *connection, void *request, const char *extra, size_t extra_len,
                     MHD_socket socket, struct MHD_UpgradeResponseHandle *handle)
{
    struct query *query = request;
    (void)connection;
    if (!notch__sockets_add(arg, handle, socket, query->role, notch_bytes(extra, extra_len))) {
        (void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
    }
}

static enum MHD_Result upgrade(struct query *query)
{
    static const struct header version = {MHD_HTTP_HEADER_SEC_WEBSOCKET_VERSION, "13"};
    struct notch_server *server = query->waiter.server;
    const char *key = header_of(query, "Sec-WebSocket-Key");
    const char *asked = header_of(query, MHD_HTTP_HEADER_SEC_WEBSOCKET_VERSION);
    char accept[29];
    if (!notch__header_has(header_of(query, MHD_HTTP_HEADER_UPGRADE), "websocket") ||
        !notch__header_has(header_of(query, MHD_HTTP_HEADER_CONNECTION), "Upgrade") || asked == NULL ||
        strcmp(asked, "13") != 0) {
        return refuse(query, MHD_HTTP_UPGRADE_REQUIRED, "this is a WebSocket of version 13", &version);
    }
    if (key == NULL || !notch__handshake_accept(accept, key)) {
        return refuse(query, MHD_HTTP_BAD_REQUEST, "Sec-WebSocket-Key: expected 16 bytes in base64", NULL);
    }
    if (notch__sockets_count(server) >= server->options.sockets_max) {
        return refuse(query, MHD_HTTP_SERVICE_UNAVAILABLE, "as many WebSockets as there may be are open", NULL);
    }
    struct MHD_Response *response = MHD_create_response_for_upgrade(upgraded, server);
    if (response == NULL) {
        return MHD_NO;
    }
    bool whole = MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, "websocket") == MHD_YES &&
                 MHD_add_response_header(response, "Sec-WebSocket-Accept", accept) == MHD_YES;
    enum MHD_Result queued =
        whole ? MHD_queue_response(query->connection, MHD_HTTP_SWITCHING_PROTOCOLS, response) : MHD_NO;
    MHD_destroy_response(response);
    return queued;
}

/* ---- the rest ---- */

static enum MHD_Result answer(struct query *query)
{
    static const struct header no_store = {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"};
    struct notch_server *server = query->waiter.server;
    unsigned status = MHD_HTTP_OK;
    const char *type = "text/plain; charset=utf-8";
    switch (query->place) {
    case PLACE_RPC:
        if (query->ran) {
            return finish(query);
        }
        if (query->too_large) {
            return refuse(query, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than this node takes", NULL);
        }
        return run(query);
    case PLACE_SOCKET:
        return upgrade(query);
    case PLACE_ROOT:
        notch__page_root(&query->text);
        break;
    case PLACE_HEALTH:
        status = notch__page_health(server, &query->text);
        break;
    case PLACE_METRICS:
        notch__page_metrics(server, &query->text);
        type = "text/plain; version=0.0.4; charset=utf-8";
        break;
    }
    return respond(query, status, notch_buf_bytes(&query->text), type, &no_store);
}

/* libmicrohttpd says how many parameters its handler has. NOLINTNEXTLINE(readability-function-size) */
enum MHD_Result notch__http_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                   const char *version, const char *data, size_t *len, void **request)
{
    struct notch_server *server = arg;
    struct query *query = *request;
    (void)version;
    if (query == NULL) {
        query = notch_alloc(server->options.alloc, sizeof *query);
        query->waiter.server = server;
        query->connection = connection;
        query->since_us = notch__now_us();
        notch_buf_init(&query->body, server->options.alloc);
        notch_buf_init(&query->text, server->options.alloc);
        *request = query;
        (void)atomic_fetch_add_explicit(&server->counters.http_requests, 1, memory_order_relaxed);
        return check_header(query, url, method);
    }
    if (*len > 0) {
        if (query->place == PLACE_RPC) {
            take_body(query, data, *len);
        }
        *len = 0;
        return MHD_YES;
    }
    return answer(query);
}

void notch__http_done(void *arg, struct MHD_Connection *connection, void **request,
                      enum MHD_RequestTerminationCode code)
{
    struct notch_server *server = arg;
    struct query *query = *request;
    (void)connection;
    (void)code;
    if (query == NULL) {
        return;
    }
    *request = NULL;
    bool stops = query->stops;
    notch_exchange_destroy(query->waiter.exchange);
    notch_buf_fini(&query->body);
    notch_buf_fini(&query->text);
    notch_free(server->options.alloc, query, sizeof *query);
    if (stops) {
        server->options.stop(server->options.arg);
    }
}
