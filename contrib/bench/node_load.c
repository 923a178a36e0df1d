/*
 * node_load: somebody who submits records to a node over its RPC at a given rate, and remembers what was promised.
 *
 * Records are signed as they are needed. Each connection has one submitrecords in flight. The id of every record that
 * is answered as stored is appended to a file as a line of hex, right when the answer has come, so that after a crash
 * of the node the file holds what it acknowledged and nothing else. The node's end ends the run: that is no failure of
 * this program. The last line of stdout is JSON.
 */
#include "chain/genesis.h"
#include "contrib/bench/http_conn.h"
#include "contrib/bench/latency.h"
#include "contrib/bench/node_records.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3, CONNECTIONS_MAX = 64, WAIT_MS_MAX = 20 };

struct options {
    const char *genesis;
    const char *cookie;
    const char *acknowledged;
    unsigned long port;
    unsigned long rate; /* records per second; 0: as fast as they are taken */
    unsigned long group;
    unsigned long connections;
    unsigned long authors;
    unsigned long entries;
    unsigned long seed;
    double seconds;
};

struct client {
    struct notch_bench_conn conn;
    struct notch_bench_request request;
    struct notch_buf text;
    uint64_t records; /* in it */
};

struct load {
    const struct options *options;
    struct sockaddr_in address;
    char authorization[256];
    struct notch_domain domain;
    struct notch_bench_authors authors;
    struct notch_bench_plan plan;
    struct client clients[CONNECTIONS_MAX];
    struct notch_bench_latency latency;
    FILE *acknowledged;
    uint64_t start_ns;
    uint64_t sent;
    uint64_t stored;
    uint64_t refused;
    bool is_lost; /* the node is gone */
};

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- requests ---- */

static void add_text(struct notch_buf *out, const char *text)
{
    notch_buf_append(out, text, strlen(text));
}

static void add_hex(struct notch_buf *out, struct notch_bytes bytes)
{
    char *at = (char *)notch_buf_reserve(out, bytes.len * 2 + 1);
    notch_hex_encode(at, bytes.data, bytes.len);
    out->len += bytes.len * 2;
}

static void make_body(struct load *load, struct notch_buf *body, uint64_t count)
{
    struct notch_buf record;
    notch_buf_init(&record, notch_alloc_heap());
    add_text(body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"submitrecords\",\"params\":{\"records\":[");
    for (uint64_t i = 0; i < count; i++) {
        notch_buf_clear(&record);
        notch_bench_record(&record, &load->plan, load->sent + i);
        add_text(body, i == 0 ? "\"" : ",\"");
        add_hex(body, notch_buf_bytes(&record));
        add_text(body, "\"");
    }
    add_text(body, "]}}");
    notch_buf_fini(&record);
}

static void make_request(struct load *load, struct client *client, uint64_t count)
{
    char head[512];
    struct notch_buf body;
    notch_buf_init(&body, notch_alloc_heap());
    make_body(load, &body, count);
    snprintf(
        head, sizeof head,
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:%lu\r\nContent-Type: application/json\r\n%s\r\nContent-Length: %zu\r\n\r\n",
        load->options->port, load->authorization, body.len);
    notch_buf_clear(&client->text);
    add_text(&client->text, head);
    notch_buf_append(&client->text, body.data, body.len);
    notch_buf_fini(&body);
    client->request = (struct notch_bench_request){(char *)client->text.data, client->text.len};
    client->records = count;
    load->sent += count;
}

/* How many records are due by now and not sent yet, at most a group. */
static uint64_t due(const struct load *load)
{
    const struct options *options = load->options;
    uint64_t elapsed_ns = now_ns(CLOCK_MONOTONIC) - load->start_ns;
    if ((double)elapsed_ns >= options->seconds * 1e9) {
        return 0;
    }
    if (options->rate == 0) {
        return options->group;
    }
    uint64_t wanted = (uint64_t)((double)elapsed_ns * (double)options->rate / 1e9) + 1;
    uint64_t left = wanted > load->sent ? wanted - load->sent : 0;
    return left < options->group ? left : options->group;
}

static void send_due(struct load *load, struct client *client)
{
    uint64_t count = due(load);
    if (count == 0) {
        return;
    }
    make_request(load, client, count);
    if (notch_bench_conn_send(&client->conn, &client->request, now_ns(CLOCK_MONOTONIC)) == NOTCH_BENCH_BROKEN) {
        load->is_lost = true;
    }
}

/* ---- replies ---- */

static void take_result(struct load *load, const json_t *result)
{
    const char *status = json_string_value(json_object_get(result, "status"));
    const char *id = json_string_value(json_object_get(result, "id"));
    bool stored = status != NULL && id != NULL && strcmp(status, "refused") != 0 && strcmp(status, "local") != 0;
    if (!stored) {
        const char *reason = json_string_value(json_object_get(result, "reason"));
        load->refused++;
        fprintf(stderr, "node_load: refused: %s\n", reason == NULL ? "without a reason" : reason);
        return;
    }
    load->stored++;
    if (load->acknowledged != NULL) {
        fprintf(load->acknowledged, "%s\n", id);
    }
}

static void take_reply(struct load *load, struct client *client)
{
    const char *body = (const char *)client->conn.in + client->conn.body_at;
    notch_bench_latency_add(&load->latency, now_ns(CLOCK_MONOTONIC) - client->conn.started_ns);
    json_t *reply = json_loadb(body, client->conn.body_len, 0, NULL);
    const json_t *results = json_object_get(json_object_get(reply, "result"), "results");
    if (!json_is_array(results) || json_array_size(results) != client->records) {
        load->refused += client->records;
        fprintf(stderr, "node_load: not what was asked for: %.*s\n",
                (int)(client->conn.body_len < 300 ? client->conn.body_len : 300), body);
    }
    for (size_t i = 0; i < json_array_size(results); i++) {
        take_result(load, json_array_get(results, i));
    }
    json_decref(reply);
    if (load->acknowledged != NULL && fflush(load->acknowledged) != 0) {
        fprintf(stderr, "node_load: %s: %s\n", load->options->acknowledged, strerror(errno));
        load->is_lost = true;
    }
}

static void take_ready(struct load *load, struct client *client)
{
    switch (notch_bench_conn_ready(&client->conn, "\"result\"")) {
    case NOTCH_BENCH_PENDING:
        return;
    case NOTCH_BENCH_REPLY:
    case NOTCH_BENCH_REFUSED:
        take_reply(load, client);
        client->conn.request = NULL;
        client->records = 0;
        if (client->conn.closes) {
            load->is_lost = true;
        }
        return;
    case NOTCH_BENCH_BROKEN:
        load->is_lost = true;
        return;
    }
}

static bool is_busy(const struct load *load)
{
    for (unsigned i = 0; i < load->options->connections; i++) {
        if (load->clients[i].records > 0) {
            return true;
        }
    }
    return false;
}

static void run(struct load *load)
{
    struct pollfd polls[CONNECTIONS_MAX];
    unsigned count = (unsigned)load->options->connections;
    load->start_ns = now_ns(CLOCK_MONOTONIC);
    uint64_t ends_ns = load->start_ns + (uint64_t)(load->options->seconds * 1e9);
    while (!load->is_lost && (is_busy(load) || now_ns(CLOCK_MONOTONIC) < ends_ns)) {
        for (unsigned i = 0; i < count && !load->is_lost; i++) {
            struct client *client = &load->clients[i];
            if (client->records == 0) {
                send_due(load, client);
            }
            short writes = client->conn.wants_write ? POLLOUT : 0;
            polls[i] = (struct pollfd){.fd = client->conn.fd, .events = (short)(POLLIN | writes)};
        }
        if (poll(polls, count, load->options->rate == 0 ? WAIT_MS_MAX : 1) < 0) {
            return;
        }
        for (unsigned i = 0; i < count && !load->is_lost; i++) {
            if (polls[i].revents != 0) {
                take_ready(load, &load->clients[i]);
            }
        }
    }
}

/* ---- set-up ---- */

static bool read_cookie(struct load *load)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len;
    char *cookie = notch_bench_file_read(&len, load->options->cookie);
    if (cookie == NULL) {
        return false;
    }
    len = strcspn(cookie, "\r\n");
    size_t out = (size_t)snprintf(load->authorization, sizeof load->authorization, "Authorization: Basic ");
    bool fits = out + (len + 2) / 3 * 4 < sizeof load->authorization;
    for (size_t i = 0; fits && i < len; i += 3) {
        uint32_t word = 0;
        for (size_t k = 0; k < 3; k++) {
            word = word << 8 | (i + k < len ? (uint8_t)cookie[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            bool pads = i + k > len;
            load->authorization[out++] = pads ? '=' : digits[word >> (18 - 6 * k) & 63];
        }
    }
    free(cookie);
    return fits;
}

static bool read_genesis(struct load *load)
{
    size_t len;
    char *file = notch_bench_file_read(&len, load->options->genesis);
    if (file == NULL) {
        return false;
    }
    struct notch_hash hash;
    notch_genesis_hash(&hash, notch_bytes(file, len));
    notch_domain_init(&load->domain, &hash);
    load->plan = (struct notch_bench_plan){
        .domain = &load->domain,
        .authors = &load->authors,
        .seed = load->options->seed,
        .entries = (uint32_t)load->options->entries,
        .ts = {now_ns(CLOCK_REALTIME) / 1000000},
        .ref = hash,
    };
    free(file);
    return true;
}

static bool connect_all(struct load *load)
{
    load->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)load->options->port)};
    load->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (unsigned i = 0; i < load->options->connections; i++) {
        notch_bench_conn_init(&load->clients[i].conn);
        notch_buf_init(&load->clients[i].text, notch_alloc_heap());
        if (notch_bench_conn_open(&load->clients[i].conn, &load->address) != NOTCH_OK) {
            fprintf(stderr, "node_load: nothing answers on 127.0.0.1:%lu\n", load->options->port);
            return false;
        }
    }
    return true;
}

static void report(const struct load *load)
{
    double seconds = (double)(now_ns(CLOCK_MONOTONIC) - load->start_ns) / 1e9;
    printf("{\"sent\":%llu,\"stored\":%llu,\"refused\":%llu,\"seconds\":%.3f,\"records_per_s\":%.1f,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f,\"max_ms\":%.3f,\"node_lost\":%s}\n",
           (unsigned long long)load->sent, (unsigned long long)load->stored, (unsigned long long)load->refused, seconds,
           (double)load->stored / seconds, (double)notch_bench_latency_percentile_ns(&load->latency, 500000) / 1e6,
           (double)notch_bench_latency_percentile_ns(&load->latency, 990000) / 1e6, (double)load->latency.max_ns / 1e6,
           load->is_lost ? "true" : "false");
}

/* ---- the command line ---- */

static unsigned long parse_number(struct argp_state *state, const char *text, unsigned long least, unsigned long most)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (errno != 0 || end == NULL || *end != 0 || value < least || value > most) {
        argp_error(state, "expected a number from %lu to %lu, got %s", least, most, text);
    }
    return value;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'p':
        options->port = parse_number(state, text, 1, UINT16_MAX);
        break;
    case 'g':
        options->genesis = text;
        break;
    case 'k':
        options->cookie = text;
        break;
    case 'o':
        options->acknowledged = text;
        break;
    case 'r':
        options->rate = parse_number(state, text, 0, 1000000);
        break;
    case 'n':
        options->group = parse_number(state, text, 1, 1024);
        break;
    case 'c':
        options->connections = parse_number(state, text, 1, CONNECTIONS_MAX);
        break;
    case 'a':
        options->authors = parse_number(state, text, 1, 1024);
        break;
    case 'e':
        options->entries = parse_number(state, text, 1, 250);
        break;
    case 'x':
        options->seed = parse_number(state, text, 0, UINT32_MAX);
        break;
    case 's':
        options->seconds = (double)parse_number(state, text, 1, 1000000);
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument %s", text);
        break;
    case ARGP_KEY_END:
        if (options->port == 0 || options->genesis == NULL || options->cookie == NULL) {
            argp_error(state, "--port, --genesis and --cookie are needed");
        }
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_option argp_options[] = {
    {"port", 'p', "PORT", 0, "Of the node's RPC on this machine", 0},
    {"genesis", 'g', "FILE", 0, "Genesis of the chain", 0},
    {"cookie", 'k', "FILE", 0, "Cookie of the RPC", 0},
    {"acknowledged", 'o', "FILE", 0, "Where the ids of acknowledged records are appended", 0},
    {"rate", 'r', "N", 0, "Records per second; 0: as fast as they are taken (0)", 0},
    {"group", 'n', "N", 0, "Records in one request at most, 1 to 1024 (16)", 0},
    {"connections", 'c', "N", 0, "Keep-alive connections, 1 to 64 (4)", 0},
    {"authors", 'a', "N", 0, "Authors, 1 to 1024 (100)", 0},
    {"entries", 'e', "N", 0, "Entries in each record, 1 to 250 (1)", 0},
    {"seed", 'x', "N", 0, "Another number gives other records (0)", 0},
    {"seconds", 's', "S", 0, "How long (5)", 0},
    {0}};

static const struct argp argp = {
    .options = argp_options,
    .parser = parse_option,
    .doc =
        "Submits signed records to a node on this machine.\vExit codes: 0 done, or the node was lost; 1 a record was "
        "refused; 2 usage; 3 nothing answers."};

static int load_node(struct load *load)
{
    if (!notch_bench_authors_init(&load->authors, (uint32_t)load->options->authors, load->options->seed) ||
        !read_genesis(load) || !read_cookie(load)) {
        return EXIT_REFUSED;
    }
    if (load->options->acknowledged != NULL) {
        load->acknowledged = fopen(load->options->acknowledged, "ae");
        if (load->acknowledged == NULL) {
            fprintf(stderr, "node_load: %s: %s\n", load->options->acknowledged, strerror(errno));
            return EXIT_REFUSED;
        }
    }
    if (!connect_all(load)) {
        return EXIT_UNREACHABLE;
    }
    run(load);
    report(load);
    return load->refused > 0 ? EXIT_REFUSED : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options = {.group = 16, .connections = 4, .authors = 100, .entries = 1, .seconds = 5};
    static struct load load;
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0) {
        return EXIT_USAGE;
    }
    load.options = &options;
    int status = load_node(&load);
    for (unsigned i = 0; i < options.connections && load.clients[i].text.alloc != NULL; i++) {
        notch_bench_conn_fini(&load.clients[i].conn);
        notch_buf_fini(&load.clients[i].text);
    }
    notch_bench_authors_fini(&load.authors);
    if (load.acknowledged != NULL && fclose(load.acknowledged) != 0) {
        status = EXIT_REFUSED;
    }
    return status;
}
