/* One connection: TCP, then TLS, then plaintext both ways, and its deadlines. */
#include "p2p/io/net_internal.h"

#include <string.h>

#define SHUT_MS 2000 /* for which a connection that we end waits for the other side */

static void log_link(const struct notch__link *link, enum notch_log_level level, const char *what)
{
    char text[NOTCH_P2P_ADDRESS_TEXT_MAX];
    if (link->net->options.log != NULL) {
        notch_p2p_address_print(text, &link->address);
        notch_log(link->net->options.log, level, "net", "%s: %s", text, what);
    }
}

struct notch__link *notch__link_create(struct notch_net *net, enum notch_p2p_purpose purpose)
{
    struct notch__link *link = notch_alloc(net->options.alloc, sizeof *link);
    *link = (struct notch__link){.net = net, .number = ++net->numbers, .purpose = purpose};
    int rc = uv_tcp_init(net->options.loop, &link->tcp);
    notch_assert(rc == 0);
    link->tcp.data = link;
    link->since_ms = uv_now(net->options.loop);
    link->taken_ms = link->since_ms;
    notch_buf_init(&link->cipher, net->options.alloc);
    link->next = net->links;
    if (link->next != NULL) {
        link->next->prev = link;
    }
    net->links = link;
    net->handles++;
    net->stats.links++;
    return link;
}

static void on_closed(uv_handle_t *handle)
{
    struct notch__link *link = handle->data;
    struct notch_net *net = link->net;
    if (link->prev != NULL) {
        link->prev->next = link->next;
    } else {
        net->links = link->next;
    }
    if (link->next != NULL) {
        link->next->prev = link->prev;
    }
    notch_tls_session_destroy(link->session);
    notch_buf_fini(&link->cipher);
    notch_free(net->options.alloc, link, sizeof *link);
    net->stats.links--;
    notch__net_released(net);
}

/* Tells the core of it, if the core knows of it. */
static void tell_gone(struct notch__link *link, enum notch__link_state before)
{
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_DISCONNECTED, .peer = link->number};
    if (before == NOTCH__LINK_UP) {
        notch__net_event(link->net, &event);
    } else if (before != NOTCH__LINK_ENDING && link->purpose != NOTCH_P2P_INBOUND) {
        event = (struct notch_p2p_event){.type = NOTCH_P2P_EVENT_DIAL_FAILED};
        event.dial_failed.address = link->address;
        notch__net_event(link->net, &event);
    }
}

void notch__link_close(struct notch__link *link, const char *why)
{
    enum notch__link_state before = link->state;
    if (before == NOTCH__LINK_CLOSED) {
        return;
    }
    if (before == NOTCH__LINK_SHAKING && link->purpose == NOTCH_P2P_INBOUND) {
        link->net->stats.shaking--;
    }
    if (before < NOTCH__LINK_UP) {
        link->net->stats.failed++;
    }
    link->state = NOTCH__LINK_CLOSED;
    log_link(link, NOTCH_LOG_DEBUG, why);
    uv_close((uv_handle_t *)&link->tcp, on_closed);
    tell_gone(link, before);
}

/* ---- writing: what TLS has to send, one write at a time ---- */

static void flush(struct notch__link *link);

static void on_written(uv_write_t *request, int status)
{
    struct notch__link *link = request->data;
    size_t sent = link->plain_writing;
    notch_buf_clear(&link->cipher);
    link->plain_writing = 0;
    if (link->state == NOTCH__LINK_CLOSED) {
        return;
    }
    if (status != 0) {
        notch__link_close(link, uv_strerror(status));
        return;
    }
    link->taken_ms = uv_now(link->net->options.loop);
    flush(link);
    if (link->state == NOTCH__LINK_UP && sent > 0) {
        struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_SENT, .peer = link->number, .sent = {sent}};
        notch__net_event(link->net, &event);
    }
}

static void on_shut(uv_shutdown_t *request, int status)
{
    (void)request;
    (void)status; /* the deadline closes it */
}

/* Closing with something unread would reset the connection, and the last words be lost: the other side closes first. */
static void shut(struct notch__link *link)
{
    link->is_shut = true;
    link->taken_ms = uv_now(link->net->options.loop);
    if (uv_shutdown(&link->shutting, (uv_stream_t *)&link->tcp, on_shut) != 0) {
        notch__link_close(link, "ended");
    }
}

static void flush(struct notch__link *link)
{
    if (link->cipher.len > 0 || link->state == NOTCH__LINK_CLOSED) {
        return; /* on_written() goes on */
    }
    notch_tls_session_take(link->session, &link->cipher);
    if (link->cipher.len == 0) {
        if (link->state == NOTCH__LINK_ENDING && !link->is_shut) {
            shut(link);
        }
        return;
    }
    const uv_buf_t bytes = {.base = (char *)link->cipher.data, .len = link->cipher.len};
    link->plain_writing = link->plain_unsent;
    link->plain_unsent = 0;
    link->taken_ms = uv_now(link->net->options.loop);
    link->writing.data = link;
    int rc = uv_write(&link->writing, (uv_stream_t *)&link->tcp, &bytes, 1, on_written);
    if (rc != 0) {
        notch_buf_clear(&link->cipher);
        notch__link_close(link, uv_strerror(rc));
    }
}

void notch__link_send(struct notch__link *link, struct notch_bytes plain)
{
    if (link->state != NOTCH__LINK_UP) {
        return;
    }
    if (link->plain_unsent + plain.len > link->net->options.unsent_bytes_max) {
        link->net->stats.stalled++;
        notch__link_close(link, "more is unsent than may be");
        return;
    }
    if (!notch_tls_session_write(link->session, plain)) {
        notch__link_close(link, notch_tls_session_why(link->session));
        return;
    }
    link->plain_unsent += plain.len;
    flush(link);
}

void notch__link_end(struct notch__link *link)
{
    if (link->state == NOTCH__LINK_UP) {
        link->state = NOTCH__LINK_ENDING;
        notch_tls_session_end(link->session);
        flush(link);
    }
}

/* ---- reading ---- */

static void come_up(struct notch__link *link)
{
    struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_CONNECTED, .peer = link->number};
    if (link->purpose == NOTCH_P2P_INBOUND) {
        link->net->stats.shaking--;
    }
    link->state = NOTCH__LINK_UP;
    event.connected.key = *notch_tls_session_peer(link->session);
    memcpy(event.connected.binding, notch_tls_session_binding(link->session), sizeof event.connected.binding);
    event.connected.address = link->address;
    event.connected.purpose = link->purpose;
    notch__net_event(link->net, &event);
}

static void take_cipher(struct notch__link *link, struct notch_bytes cipher)
{
    struct notch_net *net = link->net;
    if (link->state == NOTCH__LINK_ENDING) {
        return;
    }
    notch_buf_clear(&net->plain);
    enum notch_tls_state state = notch_tls_session_feed(link->session, cipher, &net->plain);
    bool was_up = notch_tls_session_was_up(link->session);
    if (link->state == NOTCH__LINK_SHAKING && was_up) {
        if (notch__net_is_banned(net, notch_tls_session_peer(link->session), &link->address)) {
            net->stats.refused++;
            notch__link_close(link, "its key is banned");
            return;
        }
        come_up(link);
    }
    if (link->state == NOTCH__LINK_UP && net->plain.len > 0) {
        struct notch_p2p_event event = {.type = NOTCH_P2P_EVENT_BYTES, .peer = link->number};
        event.bytes.bytes = notch_buf_bytes(&net->plain);
        notch__net_event(net, &event);
    }
    if (link->state == NOTCH__LINK_CLOSED) {
        return;
    }
    flush(link); /* the handshake, or an alert that says why not */
    if (state == NOTCH_TLS_DOWN) {
        notch__link_close(link, notch_tls_session_why(link->session));
    } else if (state == NOTCH_TLS_ENDED) {
        notch__link_close(link, "the other side closed it");
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    const struct notch__link *link = handle->data;
    (void)suggested;
    *buf = (uv_buf_t){.base = (char *)link->net->chunk, .len = sizeof link->net->chunk};
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct notch__link *link = stream->data;
    if (got > 0 && link->state != NOTCH__LINK_CLOSED) {
        take_cipher(link, notch_bytes(buf->base, (size_t)got));
    } else if (got < 0) {
        notch__link_close(link, got == UV_EOF ? "the other side closed it" : uv_strerror((int)got));
    }
}

static void begin(struct notch__link *link)
{
    link->state = NOTCH__LINK_SHAKING;
    (void)uv_tcp_nodelay(&link->tcp, 1);
    notch_tls_session_create(&link->session, link->net->options.tls, link->purpose != NOTCH_P2P_INBOUND);
    int rc = uv_read_start((uv_stream_t *)&link->tcp, on_room, on_read);
    if (rc != 0) {
        notch__link_close(link, uv_strerror(rc));
        return;
    }
    flush(link);
}

void notch__link_accepted(struct notch__link *link)
{
    link->net->stats.shaking++;
    begin(link);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct notch__link *link = request->data;
    if (link->state == NOTCH__LINK_CLOSED) {
        return;
    }
    if (status != 0) {
        notch__link_close(link, uv_strerror(status));
        return;
    }
    begin(link);
}

void notch__link_dial(struct notch__link *link, const struct sockaddr *to)
{
    link->connecting.data = link;
    int rc = uv_tcp_connect(&link->connecting, &link->tcp, to, on_connected);
    if (rc != 0) {
        notch__link_close(link, uv_strerror(rc));
    }
}

void notch__link_check(struct notch__link *link)
{
    const struct notch_net_options *options = &link->net->options;
    uint64_t now = uv_now(options->loop);
    if (link->state < NOTCH__LINK_UP && now - link->since_ms > options->handshake_ms_max) {
        notch__link_close(link, "no TLS in time");
    } else if (link->is_shut && now - link->taken_ms > SHUT_MS) {
        notch__link_close(link, "ended");
    } else if (link->cipher.len > 0 && now - link->taken_ms > options->stall_ms_max) {
        link->net->stats.stalled++;
        notch__link_close(link, "it takes nothing of what is sent to it");
    }
}
