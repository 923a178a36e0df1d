/*
 * rpc_echo: the peer of the node's RPC benchmark. The same HTTP server and the same JSON library, and no work between.
 *
 * Each request is parsed, as the node parses it, and answered with the `result` of a template (a reply of the node,
 * saved to a file), printed anew from its tree with the `id` of the request: a reply of the same size. What the node
 * is slower than this is the price of finding the answer.
 *
 * The handler runs in the server's threads. The template is shared and only read.
 */
#include "contrib/bench/http_requests.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    THREADS_MAX = 64,
    SECONDS_MAX = 3600,
    BODY_BYTES_MAX = 1024 * 1024,
    CONNECTIONS_MAX = 1024,
    IDLE_SECONDS_MAX = 30
};

struct options {
    unsigned long port;
    unsigned long threads;
    unsigned long seconds;
    const char *template_path;
};

struct body {
    char *bytes;
    size_t len;
    bool too_large;
};

static unsigned long parse_number(struct argp_state *state, const char *name, const char *text, unsigned long min,
                                  unsigned long max)
{
    char *end = NULL;
    errno = 0;
    const unsigned long value = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (errno != 0 || end == NULL || end[0] != 0 || value < min || value > max) {
        argp_error(state, "%s: expected a number from %lu to %lu, got %s", name, min, max, text);
    }
    return value;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'p':
        options->port = parse_number(state, "--port", text, 0, UINT16_MAX);
        break;
    case 't':
        options->threads = parse_number(state, "--threads", text, 1, THREADS_MAX);
        break;
    case 's':
        options->seconds = parse_number(state, "--seconds", text, 1, SECONDS_MAX);
        break;
    case 'f':
        options->template_path = text;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument %s", text);
        break;
    case ARGP_KEY_END:
        if (options->template_path == NULL) {
            argp_error(state, "--template is needed");
        }
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* The `result` of the reply in the file. */
static json_t *load_template(const char *path)
{
    size_t len = 0;
    char *text = notch_bench_file_read(&len, path);
    if (text == NULL) {
        return NULL;
    }
    json_error_t error;
    json_t *reply = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (reply == NULL) {
        (void)fprintf(stderr, "%s: line %d: %s\n", path, error.line, error.text);
        return NULL;
    }
    json_t *result = json_incref(json_object_get(reply, "result"));
    json_decref(reply);
    if (result == NULL) {
        (void)fprintf(stderr, "%s: expected a JSON-RPC reply, an object with a \"result\"\n", path);
    }
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    enum MHD_Result queued = MHD_NO;
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json") == MHD_YES) {
        queued = MHD_queue_response(connection, status, response);
    }
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result answer_error(struct MHD_Connection *connection, unsigned status, int code, const char *message)
{
    json_t *error =
        json_pack("{s:s, s:{s:i, s:s}, s:n}", "jsonrpc", "2.0", "error", "code", code, "message", message, "id");
    char *text = error == NULL ? NULL : json_dumps(error, JSON_COMPACT);
    json_decref(error);
    return text == NULL ? MHD_NO : answer_text(connection, status, text);
}

static enum MHD_Result answer(struct MHD_Connection *connection, json_t *result, const struct body *body)
{
    json_error_t error;
    json_t *request = json_loadb(body->bytes == NULL ? "" : body->bytes, body->len, JSON_REJECT_DUPLICATES, &error);
    if (request == NULL) {
        return answer_error(connection, MHD_HTTP_OK, -32700, "parse error");
    }
    json_t *id = json_object_get(request, "id");
    if (id == NULL || !json_is_string(json_object_get(request, "method"))) {
        json_decref(request);
        return answer_error(connection, MHD_HTTP_OK, -32600, "invalid request");
    }
    json_t *reply = json_pack("{s:s, s:O, s:O}", "jsonrpc", "2.0", "result", result, "id", id);
    char *text = reply == NULL ? NULL : json_dumps(reply, JSON_COMPACT);
    json_decref(reply);
    json_decref(request);
    return text == NULL ? MHD_NO : answer_text(connection, MHD_HTTP_OK, text);
}

static bool body_append(struct body *body, const char *bytes, size_t len)
{
    if (body->too_large || len > BODY_BYTES_MAX - body->len) {
        body->too_large = true;
        return true;
    }
    char *grown = realloc(body->bytes, body->len + len);
    if (grown == NULL) {
        return false;
    }
    memcpy(grown + body->len, bytes, len);
    body->bytes = grown;
    body->len += len;
    return true;
}

/* libmicrohttpd says how many parameters its handler has. NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *bytes, size_t *len, void **request)
{
    (void)url;
    (void)version;
    struct body *body = *request;
    if (body == NULL) {
        *request = calloc(1, sizeof(*body));
        return *request == NULL ? MHD_NO : MHD_YES;
    }
    if (*len > 0) {
        const bool taken = body_append(body, bytes, *len);
        *len = 0;
        return taken ? MHD_YES : MHD_NO;
    }
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0) {
        return answer_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED, -32600, "only POST is answered");
    }
    if (body->too_large) {
        return answer_error(connection, MHD_HTTP_CONTENT_TOO_LARGE, -32600, "the body is too large");
    }
    return answer(connection, user, body);
}

static void forget(void *user, struct MHD_Connection *connection, void **request, enum MHD_RequestTerminationCode code)
{
    (void)user;
    (void)connection;
    (void)code;
    struct body *body = *request;
    if (body != NULL) {
        free(body->bytes);
        free(body);
        *request = NULL;
    }
}

static struct MHD_Daemon *listen_on_loopback(const struct options *options, json_t *result)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    /* A pool has two threads or more; one thread is what the server runs without a pool. */
    struct MHD_OptionItem pool[] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    if (options->threads > 1) {
        pool[0] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)options->threads, NULL};
    }
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, (uint16_t)options->port, NULL, NULL,
                            handle, result, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_ARRAY, pool,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)IDLE_SECONDS_MAX, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
}

static int serve(const struct options *options, json_t *result)
{
    sigset_t stops;
    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGTERM);
    (void)sigaddset(&stops, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &stops, NULL);
    struct MHD_Daemon *daemon = listen_on_loopback(options, result);
    if (daemon == NULL) {
        (void)fprintf(stderr, "rpc_echo: cannot listen on 127.0.0.1:%lu: %s\n", options->port, strerror(errno));
        return EXIT_REFUSED;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    (void)printf("{\"port\":%u}\n", info == NULL ? 0U : (unsigned)info->port);
    (void)fflush(stdout);
    const struct timespec limit = {.tv_sec = (time_t)options->seconds};
    while (sigtimedwait(&stops, NULL, &limit) == -1 && errno == EINTR) {
    }
    MHD_stop_daemon(daemon);
    return EXIT_SUCCESS;
}

static const struct argp_option argp_options[] = {
    {"template", 'f', "FILE", 0, "A JSON-RPC reply; its result is the answer to everything", 0},
    {"port", 'p', "PORT", 0, "On 127.0.0.1; 0 takes a free one (0)", 0},
    {"threads", 't', "N", 0, "Threads that answer, 1 to 64 (2)", 0},
    {"seconds", 's', "S", 0, "Ends after so long, 1 to 3600 (60), or by SIGTERM", 0},
    {0}};

static const struct argp argp = {
    .options = argp_options,
    .parser = parse_option,
    .doc = "Answers JSON-RPC requests on this machine with one and the same result. The first line of stdout is "
           "{\"port\":PORT}, once it listens."};

int main(int argc, char **argv)
{
    struct options options = {.threads = 2, .seconds = 60};
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0) {
        return EXIT_USAGE;
    }
    json_t *result = load_template(options.template_path);
    if (result == NULL) {
        return EXIT_REFUSED;
    }
    const int rc = serve(&options, result);
    json_decref(result);
    return rc;
}
