/* /health, /metrics, and the page that says what this is. */
#include "rpc/io/internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void put(struct notch_buf *out, const char *text)
{
    notch_buf_append(out, text, strlen(text));
}

/* NULL where all is well. */
static const char *fault_of(const struct notch_node_info *info)
{
    static const struct notch_key none;
    if (info == NULL) {
        return "the node is starting";
    }
    if (!notch_key_eq(&info->validator, &none) && !info->taking_records) {
        return "the node takes no records: its disk failed";
    }
    return info->alone ? "the node has lost all its peers" : NULL;
}

unsigned notch__page_health(struct notch_server *server, struct notch_buf *out)
{
    struct notch_rpc_sight sight;
    server->options.sight_take(server->options.arg, &sight);
    const char *fault = fault_of(sight.info);
    server->options.sight_give(server->options.arg, &sight);
    put(out, fault == NULL ? "ok" : fault);
    put(out, "\n");
    return fault == NULL ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

/* The second figure of /proc/self/statm, in pages. */
static uint64_t resident_bytes(void)
{
    char text[128];
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[len] = 0;
    const char *at = strchr(text, ' ');
    uint64_t pages = 0;
    for (at = at == NULL ? "" : at + 1; *at >= '0' && *at <= '9'; at++) {
        pages = pages * 10 + (uint64_t)(*at - '0');
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void put_own(struct notch_server *server, struct notch_buf *out)
{
    struct notch__counters *counters = &server->counters;
    struct timespec cpu;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    notch_metrics_gauge(out, "notch_process_resident_bytes", "Resident memory of the process.", resident_bytes());
    notch_metrics_counter_seconds(out, "notch_process_cpu_seconds_total", "Processor time of the process.",
                                  (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec);
    notch_metrics_counter(out, "notch_http_requests_total", "HTTP requests.", counters->http_requests);
    notch_metrics_counter(out, "notch_http_errors_total", "HTTP requests answered with a status of 400 or more.",
                          counters->http_errors);
    notch_metrics_counter(out, "notch_rpc_calls_total", "Calls of the RPC.", counters->calls);
    notch_metrics_counter(out, "notch_rpc_errors_total", "Calls of the RPC that ended in an error.",
                          counters->call_errors);
    notch_metrics_gauge(out, "notch_websockets", "WebSockets that are open.", notch__sockets_count(server));
    notch_metrics_counter(out, "notch_websockets_opened_total", "WebSockets opened.", counters->sockets_opened);
    notch_metrics_counter(out, "notch_websockets_slow_total", "WebSockets dropped because they did not read.",
                          counters->sockets_slow);
    notch_metrics_counter(out, "notch_websocket_notes_total", "Notifications sent to WebSockets.", counters->notes);
    struct notch_metrics_histogram requests = {.sum_us = counters->sum_us};
    for (unsigned i = 0; i <= NOTCH_METRICS_BOUNDS; i++) {
        requests.counts[i] = counters->buckets[i];
    }
    notch_metrics_histogram(out, "notch_http_request_seconds", "From the header of a request to its response.",
                            &requests);
}

void notch__page_metrics(struct notch_server *server, struct notch_buf *out)
{
    const struct notch_rpc_options *rpc = notch_rpc_options(server->options.rpc);
    struct notch_rpc_sight sight;
    notch_metrics_head(out, "notch_build_info", "gauge", "Always 1; the version of the program.");
    notch_metrics_sample(out, "notch_build_info", "version", rpc->version, 1);
    server->options.sight_take(server->options.arg, &sight);
    if (sight.info != NULL) {
        notch_metrics_node(out, sight.info);
    }
    server->options.sight_give(server->options.arg, &sight);
    put_own(server, out);
    if (server->options.metrics != NULL) {
        server->options.metrics(server->options.arg, out);
    }
}

void notch__page_root(struct notch_buf *out)
{
    put(out, "This is a Notch node.\n\n"
             "  POST /         JSON-RPC 2.0; the method rpc.discover lists all methods\n"
             "  GET  /ws       the same on a WebSocket, and the streams blocks, finality, records\n"
             "  GET  /health   200, or 503 with the reason\n"
             "  GET  /metrics  figures for Prometheus\n\n"
             "Credential: HTTP Basic with the line of the cookie file in the data folder, or a user of [rpc].\n"
             "On the command line: notch status, notch --help\n");
}
