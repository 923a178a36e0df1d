/*
 * http_load: asks an HTTP server on this machine the same questions over and over, and prints how fast it answers.
 *
 * One thread, N keep-alive connections, one request in flight on each; the next leaves when the reply has come. The
 * last line of stdout is JSON. Nothing but this machine is ever spoken to, and the run ends by itself.
 */
#include "contrib/bench/http_conn.h"
#include "contrib/bench/latency.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum {
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    EXIT_UNREACHABLE = 3,
    CONNECTIONS_MAX = 1024,
    SECONDS_MAX = 600,
    BROKEN_MAX = 1000,
    EVENTS_MAX = 64,
    SHOWN_BYTES_MAX = 200,
    WAIT_MS_MAX = 100
};

#define NS_PER_S 1000000000.0

struct options {
    struct notch_bench_target target;
    struct sockaddr_in address;
    char path[256];
    const char *body;
    const char *bodies;
    const char *expected;
    unsigned connections;
    double seconds;
    double warm_up_s;
};

struct load {
    const struct options *options;
    struct notch_bench_requests requests;
    struct notch_bench_conn *conns;
    struct notch_bench_latency latency;
    int epoll_fd;
    size_t next;
    uint64_t counting_from_ns;
    uint64_t ends_ns;
    uint64_t replies;
    uint64_t reply_bytes;
    uint64_t refused;
    uint64_t broken;
    bool unreachable;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* 127.0.0.1:PORT, with http:// before it and a path after it where wanted. */
static bool parse_url(struct options *options, const char *url)
{
    static const char scheme[] = "http://";
    static const char host[] = "127.0.0.1:";
    const char *at = strncmp(url, scheme, sizeof(scheme) - 1) == 0 ? url + sizeof(scheme) - 1 : url;
    if (strncmp(at, host, sizeof(host) - 1) != 0) {
        return false;
    }
    at += sizeof(host) - 1;
    char *end = NULL;
    errno = 0;
    const unsigned long port = at[0] >= '0' && at[0] <= '9' ? strtoul(at, &end, 10) : 0;
    if (errno != 0 || port == 0 || port > UINT16_MAX || end == NULL || (end[0] != 0 && end[0] != '/')) {
        return false;
    }
    const size_t path_len = strlen(end);
    if (path_len >= sizeof(options->path) || strcspn(end, " \r\n") != path_len) {
        return false;
    }
    memcpy(options->path, path_len == 0 ? "/" : end, path_len == 0 ? 2 : path_len + 1);
    options->target.port = (uint16_t)port;
    options->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    options->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return true;
}

static double parse_seconds(struct argp_state *state, const char *name, const char *text, double min)
{
    char *end = NULL;
    errno = 0;
    const double value = strtod(text, &end);
    if (errno != 0 || end == text || end[0] != 0 || !(value >= min && value <= SECONDS_MAX)) {
        argp_error(state, "%s: expected seconds from %g to %d, got %s", name, min, (int)SECONDS_MAX, text);
    }
    return value;
}

static unsigned parse_connections(struct argp_state *state, const char *text)
{
    char *end = NULL;
    errno = 0;
    const unsigned long value = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (errno != 0 || value == 0 || value > CONNECTIONS_MAX || end == NULL || end[0] != 0) {
        argp_error(state, "--connections: expected a number from 1 to %d, got %s", (int)CONNECTIONS_MAX, text);
    }
    return (unsigned)value;
}

static void add_header(struct argp_state *state, struct notch_bench_target *target, const char *line)
{
    if (strchr(line, ':') == NULL || strcspn(line, "\r\n") != strlen(line)) {
        argp_error(state, "--header: expected one line such as \"Name: value\"");
    }
    if (target->headers_count == NOTCH_BENCH_HEADERS_MAX) {
        argp_error(state, "--header: at most %d", NOTCH_BENCH_HEADERS_MAX);
    }
    target->headers[target->headers_count++] = line;
}

static void check_options(struct argp_state *state, const struct options *options)
{
    if (options->target.port == 0) {
        argp_error(state, "--url is needed");
    }
    if ((options->body == NULL) == (options->bodies == NULL)) {
        argp_error(state, "either --body or --bodies is needed");
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'u':
        if (!parse_url(options, text)) {
            argp_error(state, "--url: expected 127.0.0.1:PORT or http://127.0.0.1:PORT/PATH, got %s", text);
        }
        break;
    case 'c':
        options->connections = parse_connections(state, text);
        break;
    case 's':
        options->seconds = parse_seconds(state, "--seconds", text, 0.1);
        break;
    case 'w':
        options->warm_up_s = parse_seconds(state, "--warm-up", text, 0);
        break;
    case 'b':
        options->body = text;
        break;
    case 'l':
        options->bodies = text;
        break;
    case 'H':
        add_header(state, &options->target, text);
        break;
    case 'e':
        options->expected = text;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument %s", text);
        break;
    case ARGP_KEY_END:
        check_options(state, options);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void report_refusal(const struct load *load, const struct notch_bench_conn *conn)
{
    if (load->refused == 1) {
        const size_t shown = conn->body_len < SHOWN_BYTES_MAX ? conn->body_len : SHOWN_BYTES_MAX;
        (void)fprintf(stderr, "http_load: the first refusal: status %u, %.*s\n", conn->status, (int)shown,
                      (const char *)conn->in + conn->body_at);
    }
}

static bool watch(const struct load *load, const struct notch_bench_conn *conn, int operation)
{
    struct epoll_event event = {.events = conn->wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN};
    event.data.u64 = (uint64_t)(conn - load->conns);
    return epoll_ctl(load->epoll_fd, operation, conn->fd, &event) == 0;
}

static const struct notch_bench_request *next_request(struct load *load)
{
    const struct notch_bench_request *request = &load->requests.at[load->next];
    load->next = load->next + 1 == load->requests.count ? 0 : load->next + 1;
    return request;
}

static enum notch_bench_step send_next(struct load *load, struct notch_bench_conn *conn)
{
    const bool wanted_write = conn->wants_write;
    enum notch_bench_step step = notch_bench_conn_send(conn, next_request(load), now_ns());
    if (step == NOTCH_BENCH_PENDING && conn->wants_write != wanted_write && !watch(load, conn, EPOLL_CTL_MOD)) {
        return NOTCH_BENCH_BROKEN;
    }
    return step;
}

/* Connects and sends. A server that is gone ends the run. */
static void start(struct load *load, struct notch_bench_conn *conn)
{
    notch_bench_conn_close(conn);
    if (notch_bench_conn_open(conn, &load->options->address) != NOTCH_OK || !watch(load, conn, EPOLL_CTL_ADD) ||
        send_next(load, conn) == NOTCH_BENCH_BROKEN) {
        load->unreachable = true;
    }
}

static void count_reply(struct load *load, const struct notch_bench_conn *conn)
{
    const uint64_t at_ns = now_ns();
    if (at_ns >= load->counting_from_ns && at_ns < load->ends_ns) {
        load->replies++;
        load->reply_bytes += conn->body_len;
        notch_bench_latency_add(&load->latency, at_ns - conn->started_ns);
    }
}

static void handle(struct load *load, struct notch_bench_conn *conn)
{
    const bool wanted_write = conn->wants_write;
    enum notch_bench_step step = notch_bench_conn_ready(conn, load->options->expected);
    switch (step) {
    case NOTCH_BENCH_PENDING:
        if (conn->wants_write != wanted_write && !watch(load, conn, EPOLL_CTL_MOD)) {
            load->broken++;
            start(load, conn);
        }
        return;
    case NOTCH_BENCH_REPLY:
        count_reply(load, conn);
        break;
    case NOTCH_BENCH_REFUSED:
        load->refused++;
        report_refusal(load, conn);
        break;
    case NOTCH_BENCH_BROKEN:
        load->broken++;
        start(load, conn);
        return;
    }
    if (conn->closes) {
        start(load, conn);
    } else if (send_next(load, conn) == NOTCH_BENCH_BROKEN) {
        load->broken++;
        start(load, conn);
    }
}

static void run(struct load *load)
{
    const uint64_t started_ns = now_ns();
    load->counting_from_ns = started_ns + (uint64_t)(load->options->warm_up_s * NS_PER_S);
    load->ends_ns = load->counting_from_ns + (uint64_t)(load->options->seconds * NS_PER_S);
    for (unsigned i = 0; i < load->options->connections && !load->unreachable; i++) {
        start(load, &load->conns[i]);
    }
    while (!load->unreachable && load->broken < BROKEN_MAX && now_ns() < load->ends_ns) {
        struct epoll_event events[EVENTS_MAX];
        const int ready = epoll_wait(load->epoll_fd, events, EVENTS_MAX, WAIT_MS_MAX);
        for (int i = 0; i < ready && !load->unreachable; i++) {
            handle(load, &load->conns[events[i].data.u64]);
        }
    }
}

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int report(const struct load *load)
{
    const struct notch_bench_latency *latency = &load->latency;
    if (load->unreachable) {
        (void)fprintf(stderr, "http_load: nothing answers on 127.0.0.1:%u\n", (unsigned)load->options->target.port);
        return EXIT_UNREACHABLE;
    }
    (void)printf("{\"requests_per_s\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"errors\":%" PRIu64 ","
                 "\"requests\":%" PRIu64 ",\"seconds\":%.3f,\"connections\":%u,\"reply_bytes_mean\":%.1f,"
                 "\"client_cpu_s\":%.3f}\n",
                 (double)load->replies / load->options->seconds,
                 (double)notch_bench_latency_percentile_ns(latency, 500000) / 1e3,
                 (double)notch_bench_latency_percentile_ns(latency, 990000) / 1e3, (double)latency->max_ns / 1e3,
                 load->refused + load->broken, load->replies, load->options->seconds, load->options->connections,
                 load->replies == 0 ? 0.0 : (double)load->reply_bytes / (double)load->replies, cpu_seconds());
    return load->replies == 0 || load->broken >= BROKEN_MAX ? EXIT_REFUSED : EXIT_SUCCESS;
}

static const struct argp_option argp_options[] = {
    {"url", 'u', "127.0.0.1:PORT", 0, "The server; other machines are refused", 0},
    {"body", 'b', "FILE", 0, "What is posted", 0},
    {"bodies", 'l', "FILE", 0, "What is posted: one body in each line, in turn", 0},
    {"connections", 'c', "N", 0, "Keep-alive connections, 1 to 1024 (32)", 0},
    {"seconds", 's', "S", 0, "Length of the measurement, 0.1 to 600 (3)", 0},
    {"warm-up", 'w', "S", 0, "Before it, not counted (0.5)", 0},
    {"header", 'H', "LINE", 0, "A header more, up to 8 times", 0},
    {"expect", 'e', "TEXT", 0, "What a good reply holds (\"result\", with the quotes); empty: anything", 0},
    {0}};

static const struct argp argp = {
    .options = argp_options,
    .parser = parse_option,
    .doc = "Posts JSON to an HTTP server on this machine and prints one line of JSON: requests_per_s, p50_us, p99_us, "
           "max_us, errors, and what they were measured with.\vExit codes: 0 measured, 1 no good reply, 2 usage, 3 "
           "nothing answers."};

int main(int argc, char **argv)
{
    struct options options = {.connections = 32, .seconds = 3, .warm_up_s = 0.5, .expected = "\"result\""};
    options.target.path = options.path;
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0) {
        return EXIT_USAGE;
    }
    const bool whole = options.body != NULL;
    static struct load load;
    load.options = &options;
    if (!notch_bench_requests_load(&load.requests, &options.target, whole ? options.body : options.bodies,
                                   whole ? NOTCH_BENCH_BODIES_WHOLE : NOTCH_BENCH_BODIES_LINES)) {
        return EXIT_REFUSED;
    }
    int rc = EXIT_REFUSED;
    load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load.conns = calloc(options.connections, sizeof(*load.conns));
    if (load.epoll_fd != -1 && load.conns != NULL) {
        for (unsigned i = 0; i < options.connections; i++) {
            notch_bench_conn_init(&load.conns[i]);
        }
        run(&load);
        rc = report(&load);
        for (unsigned i = 0; i < options.connections; i++) {
            notch_bench_conn_fini(&load.conns[i]);
        }
    } else {
        (void)fprintf(stderr, "http_load: %s\n", strerror(errno));
    }
    free(load.conns);
    notch_bench_requests_fini(&load.requests);
    return rc;
}
