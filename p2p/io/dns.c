#include "p2p/io/dns.h"

#include "base/assert.h"
#include "p2p/io/socket_address.h"

#include <ares.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define TIMEOUT_MS 2000
#define TRIES 2
#define EDNS_BYTES 1232 /* of an answer: what arrives unfragmented everywhere (DNS flag day 2020) */
#define SERVICE "_notch._tcp."
#define CHECK_MS 250

/* A socket of c-ares, watched by the loop. */
struct watch {
    uv_poll_t poll;
    struct notch_dns *dns;
    ares_socket_t fd;
    struct watch *next;
};

/* A seed that is being asked. */
struct question {
    struct notch_dns *dns;
    uint32_t open; /* answers still to come */
    int status;    /* the first failure */
    size_t count;
    struct notch_p2p_address addresses[NOTCH_DNS_ADDRESSES_MAX];
    char seed[NOTCH_DNS_NAME_MAX + 1];
};

/* One name whose addresses are asked for. */
struct part {
    struct question *question;
    uint16_t port;
};

struct notch_dns {
    struct notch_dns_options options;
    ares_channel channel;
    uv_timer_t timer; /* of c-ares' time-outs */
    struct watch *watches;
    uint32_t handles; /* that the loop still holds */
    bool closing;
    void (*done)(void *arg);
};

/* ---- the loop's side ---- */

static void released(struct notch_dns *dns)
{
    dns->handles--;
    if (dns->closing && dns->handles == 0) {
        void (*done)(void *arg) = dns->done;
        void *arg = dns->options.arg;
        notch_free(dns->options.alloc, dns, sizeof *dns);
        done(arg);
    }
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct notch_dns *dns = watch->dns;
    notch_free(dns->options.alloc, watch, sizeof *watch);
    released(dns);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    const struct watch *watch = poll->data;
    ares_socket_t in = status != 0 || (events & UV_READABLE) != 0 ? watch->fd : ARES_SOCKET_BAD;
    ares_socket_t out = status != 0 || (events & UV_WRITABLE) != 0 ? watch->fd : ARES_SOCKET_BAD;
    ares_process_fd(watch->dns->channel, in, out);
}

static struct watch **find(struct notch_dns *dns, ares_socket_t fd)
{
    struct watch **at = &dns->watches;
    while (*at != NULL && (*at)->fd != fd) {
        at = &(*at)->next;
    }
    return at;
}

/* c-ares says which of its sockets it waits for; neither: it is about to close it. */
static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct notch_dns *dns = arg;
    struct watch **at = find(dns, fd);
    struct watch *watch = *at;
    if (!readable && !writable) {
        if (watch != NULL) {
            *at = watch->next;
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return;
    }
    if (watch == NULL) {
        watch = notch_alloc(dns->options.alloc, sizeof *watch);
        *watch = (struct watch){.dns = dns, .fd = fd, .next = dns->watches};
        int rc = uv_poll_init(dns->options.loop, &watch->poll, fd);
        notch_assert(rc == 0);
        watch->poll.data = watch;
        dns->watches = watch;
        dns->handles++;
    }
    (void)uv_poll_start(&watch->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

static void on_timer(uv_timer_t *timer)
{
    struct notch_dns *dns = timer->data;
    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* ---- answers ---- */

static void add(struct question *question, const struct ares_addrinfo_node *node, uint16_t port)
{
    struct sockaddr_storage from = {0};
    struct notch_p2p_address address;
    if ((size_t)node->ai_addrlen > sizeof from) {
        return;
    }
    memcpy(&from, node->ai_addr, (size_t)node->ai_addrlen);
    if (!notch__address_of(&address, &from)) {
        return;
    }
    address.port = port;
    for (size_t i = 0; i < question->count; i++) {
        if (notch_p2p_address_eq(&question->addresses[i], &address)) {
            return;
        }
    }
    if (question->count < NOTCH_DNS_ADDRESSES_MAX && notch_p2p_address_is_valid(&address)) {
        question->addresses[question->count++] = address;
    }
}

static void close_part(struct question *question, int status)
{
    struct notch_dns *dns = question->dns;
    if (status != ARES_SUCCESS && question->status == ARES_SUCCESS) {
        question->status = status;
    }
    question->open--;
    if (question->open > 0) {
        return;
    }
    const struct notch_dns_answer answer = {
        .seed = question->seed,
        .addresses = question->addresses,
        .count = question->count,
        .why = question->count > 0                ? NULL
               : question->status == ARES_SUCCESS ? "it has no addresses"
                                                  : ares_strerror(question->status),
    };
    if (!dns->closing) {
        dns->options.answer(dns->options.arg, &answer);
    }
    notch_free(dns->options.alloc, question, sizeof *question);
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    struct part *part = arg;
    struct question *question = part->question;
    (void)timeouts;
    for (const struct ares_addrinfo_node *node = found == NULL ? NULL : found->nodes; node != NULL;
         node = node->ai_next) {
        add(question, node, part->port);
    }
    ares_freeaddrinfo(found);
    notch_free(question->dns->options.alloc, part, sizeof *part);
    close_part(question, status);
}

static void ask_addresses(struct question *question, const char *name, uint16_t port)
{
    const struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC};
    struct part *part = notch_alloc(question->dns->options.alloc, sizeof *part);
    *part = (struct part){question, port};
    question->open++;
    ares_getaddrinfo(question->dns->channel, name, NULL, &hints, on_addresses, part);
}

static void on_services(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
    struct question *question = arg;
    struct ares_srv_reply *services = NULL;
    size_t count = 0;
    (void)timeouts;
    if (status == ARES_SUCCESS && ares_parse_srv_reply(bytes, len, &services) == ARES_SUCCESS) {
        for (const struct ares_srv_reply *at = services; at != NULL && count < NOTCH_DNS_TARGETS_MAX; at = at->next) {
            ask_addresses(question, at->host, at->port);
            count++;
        }
        ares_free_data(services);
    }
    close_part(question, ARES_SUCCESS); /* a seed without SRV is none the worse for it */
}

static bool is_name(const char *seed)
{
    size_t len = strlen(seed);
    return len > 0 && len + strlen(SERVICE) <= NOTCH_DNS_NAME_MAX &&
           strspn(seed, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == len;
}

enum notch_err notch_dns_ask(struct notch_dns *dns, const char *seed)
{
    char service[NOTCH_DNS_NAME_MAX + 1];
    if (!is_name(seed)) {
        return NOTCH_ERR_INVALID;
    }
    struct question *question = notch_alloc(dns->options.alloc, sizeof *question);
    *question = (struct question){.dns = dns, .open = 1};
    (void)snprintf(question->seed, sizeof question->seed, "%s", seed);
    (void)snprintf(service, sizeof service, SERVICE "%s", seed);
    ask_addresses(question, seed, dns->options.port);
    ares_query(dns->channel, service, 1 /* IN */, 33 /* SRV */, on_services, question);
    return NOTCH_OK;
}

/* ---- its life ---- */

static enum notch_err open_channel(struct notch_dns *dns, const char **detail)
{
    char lookups[] = "b"; /* DNS alone */
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
                                   .ednspsz = EDNS_BYTES,
                                   .timeout = TIMEOUT_MS,
                                   .tries = TRIES,
                                   .lookups = lookups,
                                   .sock_state_cb = on_socket,
                                   .sock_state_cb_data = dns};
    int rc = ares_library_init(ARES_LIB_INIT_ALL);
    if (rc == ARES_SUCCESS) {
        rc = ares_init_options(&dns->channel, &options,
                               ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                                   ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ);
        if (rc != ARES_SUCCESS) {
            ares_library_cleanup();
        }
    }
    if (rc != ARES_SUCCESS) {
        *detail = ares_strerror(rc);
        return NOTCH_ERR_IO;
    }
    if (dns->options.servers != NULL) {
        rc = ares_set_servers_ports_csv(dns->channel, dns->options.servers);
    }
    if (rc != ARES_SUCCESS) {
        *detail = ares_strerror(rc);
        ares_destroy(dns->channel);
        ares_library_cleanup();
        return NOTCH_ERR_INVALID;
    }
    return NOTCH_OK;
}

enum notch_err notch_dns_create(struct notch_dns **out, const struct notch_dns_options *options, const char **detail)
{
    struct notch_dns *dns = notch_alloc(options->alloc, sizeof *dns);
    *dns = (struct notch_dns){.options = *options};
    *out = NULL;
    enum notch_err err = open_channel(dns, detail);
    if (err != NOTCH_OK) {
        notch_free(options->alloc, dns, sizeof *dns);
        return err;
    }
    int rc = uv_timer_init(options->loop, &dns->timer);
    notch_assert(rc == 0);
    dns->timer.data = dns;
    rc = uv_timer_start(&dns->timer, on_timer, CHECK_MS, CHECK_MS);
    notch_assert(rc == 0);
    uv_unref((uv_handle_t *)&dns->timer);
    dns->handles = 1;
    *out = dns;
    return NOTCH_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    released(handle->data);
}

void notch_dns_close(struct notch_dns *dns, void (*done)(void *arg))
{
    dns->closing = true;
    dns->done = done;
    ares_destroy(dns->channel); /* answers all that is open: cancelled */
    ares_library_cleanup();
    uv_close((uv_handle_t *)&dns->timer, on_timer_closed);
}
