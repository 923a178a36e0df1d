#include "p2p/io/net.h"

#include "p2p/io/net_internal.h"
#include "p2p/io/socket_address.h"

#include <string.h>

#define BACKLOG 128
#define CHECK_MS 500

/* ---- what the links need ---- */

void notch__net_event(struct notch_net *net, struct notch_p2p_event *event)
{
    if (!net->closing) {
        net->options.event(net->options.arg, event);
    }
}

static bool is_zero(const struct notch_key *key)
{
    static const struct notch_key zero;
    return memcmp(key, &zero, sizeof zero) == 0;
}

bool notch__net_is_banned(const struct notch_net *net, const struct notch_key *key,
                          const struct notch_p2p_address *address)
{
    struct notch_time now = net->options.now(net->options.arg);
    for (size_t i = 0; i < NOTCH__BANS_MAX; i++) {
        const struct notch__ban *ban = &net->bans[i];
        bool same = is_zero(&ban->key) ? memcmp(ban->address.ip, address->ip, sizeof address->ip) == 0
                                       : key != NULL && memcmp(&ban->key, key, sizeof *key) == 0;
        if (same && notch_time_cmp(now, ban->until) < 0) {
            return true;
        }
    }
    return false;
}

void notch__net_released(struct notch_net *net)
{
    net->handles--;
    if (net->closing && net->handles == 0) {
        net->done(net->options.arg);
    }
}

/* ---- listening ---- */

static bool has_room(const struct notch_net *net, const struct notch_p2p_address *address)
{
    struct notch_p2p_group group = notch_p2p_address_group(address);
    bool loopback = notch_p2p_address_is_loopback(address);
    uint32_t same = 0;
    for (const struct notch__link *link = net->links; link != NULL; link = link->next) {
        struct notch_p2p_group other = notch_p2p_address_group(&link->address);
        same += link->state == NOTCH__LINK_SHAKING && link->purpose == NOTCH_P2P_INBOUND && !loopback &&
                notch_p2p_group_eq(&group, &other);
    }
    return net->stats.shaking < net->options.handshakes_max && same < net->options.handshakes_group_max;
}

static void on_connection(uv_stream_t *stream, int status)
{
    const struct notch__listener *listener = stream->data;
    struct notch_net *net = listener->net;
    struct sockaddr_storage from;
    int len = sizeof from;
    if (status != 0 || net->closing) {
        return;
    }
    struct notch__link *link = notch__link_create(net, NOTCH_P2P_INBOUND);
    bool known = uv_accept(stream, (uv_stream_t *)&link->tcp) == 0 &&
                 uv_tcp_getpeername(&link->tcp, (struct sockaddr *)&from, &len) == 0 &&
                 notch__address_of(&link->address, &from);
    if (!known || !has_room(net, &link->address) || notch__net_is_banned(net, NULL, &link->address)) {
        net->stats.refused++;
        notch__link_close(link, known ? "no room, or banned" : "gone before it was accepted");
        return;
    }
    net->stats.accepted++;
    notch__link_accepted(link);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct notch__listener *listener = handle->data;
    struct notch_net *net = listener->net;
    struct notch__listener **at = &net->listeners;
    while (*at != listener) {
        at = &(*at)->next;
    }
    *at = listener->next;
    notch_free(net->options.alloc, listener, sizeof *listener);
    notch__net_released(net);
}

static enum notch_err error_of(int rc, const char **detail)
{
    *detail = uv_strerror(rc);
    switch (rc) {
    case UV_EADDRINUSE:
        return NOTCH_ERR_ADDRESS_IN_USE;
    case UV_EACCES:
        return NOTCH_ERR_PERMISSION;
    default:
        return NOTCH_ERR_IO;
    }
}

enum notch_err notch_net_listen(struct notch_net *net, struct notch_p2p_address *address, const char **detail)
{
    struct sockaddr_storage at;
    int len = sizeof at;
    struct notch__listener *listener = notch_alloc(net->options.alloc, sizeof *listener);
    *listener = (struct notch__listener){.net = net, .next = net->listeners};
    int rc = uv_tcp_init(net->options.loop, &listener->tcp);
    notch_assert(rc == 0);
    listener->tcp.data = listener;
    net->listeners = listener;
    net->handles++;
    notch__address_to(&at, address);
    rc = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)&at, 0);
    if (rc == 0) {
        rc = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
    }
    if (rc == 0) {
        rc = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&at, &len);
    }
    if (rc != 0 || !notch__address_of(address, &at)) {
        uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
        return error_of(rc, detail);
    }
    return NOTCH_OK;
}

/* ---- what the core asks for ---- */

static struct notch__link *find(struct notch_net *net, uint64_t number)
{
    struct notch__link *link = net->links;
    while (link != NULL && link->number != number) {
        link = link->next;
    }
    return link;
}

static void dial(struct notch_net *net, const struct notch_p2p_address *address, enum notch_p2p_purpose purpose)
{
    struct sockaddr_storage to;
    struct notch__link *link = notch__link_create(net, purpose);
    link->address = *address;
    net->stats.dialled++;
    notch__address_to(&to, address);
    notch__link_dial(link, (const struct sockaddr *)&to);
}

static void ban(struct notch_net *net, const struct notch_p2p_effect *effect)
{
    net->bans[net->ban_at] = (struct notch__ban){effect->ban.key, effect->ban.address, effect->ban.until};
    net->ban_at = (net->ban_at + 1) % NOTCH__BANS_MAX;
}

void notch_net_perform(struct notch_net *net, const struct notch_p2p_effect *effect)
{
    struct notch__link *link = effect->peer == 0 ? NULL : find(net, effect->peer);
    if (net->closing) {
        return;
    }
    if (effect->type == NOTCH_P2P_EFFECT_DIAL) {
        dial(net, &effect->dial.address, effect->dial.purpose);
    } else if (effect->type == NOTCH_P2P_EFFECT_BAN) {
        ban(net, effect);
    } else if (effect->type == NOTCH_P2P_EFFECT_SEND && link != NULL) {
        notch__link_send(link, effect->send.bytes);
    } else if (effect->type == NOTCH_P2P_EFFECT_DISCONNECT && link != NULL) {
        notch__link_end(link);
    }
}

/* ---- its life ---- */

static void on_timer(uv_timer_t *timer)
{
    struct notch_net *net = timer->data;
    for (struct notch__link *link = net->links; link != NULL; link = link->next) {
        notch__link_check(link); /* closing takes it off the list later, in a callback of its own */
    }
}

static uint32_t or_default(uint32_t value, uint32_t instead)
{
    return value > 0 ? value : instead;
}

enum notch_err notch_net_create(struct notch_net **out, const struct notch_net_options *options)
{
    struct notch_net *net = notch_alloc(options->alloc, sizeof *net);
    memset(net, 0, sizeof *net);
    net->options = *options;
    net->options.handshakes_max = or_default(options->handshakes_max, 64);
    net->options.handshakes_group_max = or_default(options->handshakes_group_max, 8);
    net->options.handshake_ms_max = or_default(options->handshake_ms_max, 10000);
    net->options.stall_ms_max = or_default(options->stall_ms_max, 30000);
    net->options.unsent_bytes_max = or_default(options->unsent_bytes_max, 8U << 20);
    notch_buf_init(&net->plain, options->alloc);
    int rc = uv_timer_init(options->loop, &net->timer);
    net->timer.data = net;
    if (rc == 0) {
        rc = uv_timer_start(&net->timer, on_timer, CHECK_MS, CHECK_MS);
    }
    if (rc != 0) {
        notch_net_destroy(net);
        *out = NULL;
        return NOTCH_ERR_IO;
    }
    net->handles = 1;
    *out = net;
    return NOTCH_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    notch__net_released(handle->data);
}

void notch_net_close_all(struct notch_net *net, void (*done)(void *arg))
{
    net->closing = true;
    net->done = done;
    for (struct notch__link *link = net->links; link != NULL; link = link->next) {
        notch__link_close(link, "the node stops");
    }
    for (struct notch__listener *listener = net->listeners; listener != NULL; listener = listener->next) {
        if (!uv_is_closing((uv_handle_t *)&listener->tcp)) {
            uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
        }
    }
    uv_close((uv_handle_t *)&net->timer, on_timer_closed);
}

void notch_net_destroy(struct notch_net *net)
{
    if (net != NULL) {
        notch_assert(net->handles == 0);
        notch_buf_fini(&net->plain);
        notch_free(net->options.alloc, net, sizeof *net);
    }
}

void notch_net_stats(const struct notch_net *net, struct notch_net_stats *out)
{
    *out = net->stats;
}
