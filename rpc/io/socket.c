/*
 * The thread of the WebSockets: it owns them all, waits with epoll, and is woken for whatever comes from other threads:
 * new connections, exchanges that the node has answered, notifications.
 */
#include "rpc/io/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#define EVENTS_MAX 64
#define IN_FLIGHT_MAX 64 /* exchanges of one WebSocket */
#define NOTES_MAX 4096   /* waiting for this thread; more are dropped, and the sequence shows it */
#define PING_US 20000000
#define SILENCE_US 60000000
#define CLOSING_US 5000000
#define US_PER_S UINT64_C(1000000)
#define HEIGHTS_MAX 1000 /* blocks whose records are told of at once */

struct socket {
    struct notch_server *server;
    struct socket *next;
    struct MHD_UpgradeResponseHandle *handle;
    int fd;
    wslay_event_context_ptr wslay;
    struct notch_buf extra; /* what was read with the handshake, from extra_at on */
    size_t extra_at;
    enum notch_rpc_role role;
    uint32_t streams;
    uint32_t in_flight;
    uint64_t heard_us;
    uint64_t pinged_us;
    uint64_t closing_us; /* when a close was queued; 0: it was not */
    uint64_t taken_us;   /* when the other side last took anything, or there was nothing to take */
    uint32_t events;     /* that epoll watches for */
    bool readable;       /* there may be something to read */
    bool dead;           /* to be taken away */
};

/* An exchange of a WebSocket that waits for the node, then for this thread. */
struct job {
    struct notch__waiter waiter; /* first: a waiter is its job */
    struct socket *socket;
    struct job *next;
};

struct note {
    enum notch_rpc_stream stream;
    struct notch_block_ref block;
};

struct notch__sockets {
    struct notch_server *server;
    pthread_t thread;
    int epoll;
    int wake;
    pthread_mutex_t lock; /* over what other threads hand in */
    struct socket *added;
    struct job *answered;
    struct notch_ring notes;
    bool stopping;
    _Atomic uint32_t count;
    struct socket *list; /* from here on the thread's own */
    uint64_t seq[3];
    uint64_t told_height; /* the newest block whose records were told of; UINT64_MAX: none */
};

static void wake(struct notch__sockets *sockets)
{
    const uint64_t one = 1;
    ssize_t written = write(sockets->wake, &one, sizeof one);
    notch_assert(written == (ssize_t)sizeof one || errno == EAGAIN); /* full: it is awake anyway */
}

/* ---- one socket ---- */

static size_t unsent(const struct socket *socket)
{
    return wslay_event_get_queued_msg_length(socket->wslay);
}

/*
 * Who does not take its answers is asked for no more calls: many may come at once, and none is lost. What comes behind
 * a close is read to the end, so that the other side sees the reason and no reset.
 */
static bool takes_calls(const struct socket *socket)
{
    if (socket->closing_us != 0) {
        return true;
    }
    return socket->in_flight < IN_FLIGHT_MAX && unsent(socket) <= socket->server->options.socket_queue_bytes_max / 2;
}

static ssize_t on_read(wslay_event_context_ptr wslay, uint8_t *out, size_t len, int flags, void *arg)
{
    struct socket *socket = arg;
    (void)flags;
    if (!takes_calls(socket)) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t left = socket->extra.len - socket->extra_at;
    if (left > 0) {
        size_t taken = left < len ? left : len;
        memcpy(out, socket->extra.data + socket->extra_at, taken);
        socket->extra_at += taken;
        return (ssize_t)taken;
    }
    ssize_t got;
    do {
        got = recv(socket->fd, out, len, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        socket->heard_us = notch__now_us();
        return got;
    }
    bool waits = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    wslay_event_set_error(wslay, waits ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_write(wslay_event_context_ptr wslay, const uint8_t *data, size_t len, int flags, void *arg)
{
    struct socket *socket = arg;
    ssize_t sent;
    do {
        sent = send(socket->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT | ((flags & WSLAY_MSG_MORE) ? MSG_MORE : 0));
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        bool waits = errno == EAGAIN || errno == EWOULDBLOCK;
        wslay_event_set_error(wslay, waits ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    } else {
        socket->taken_us = notch__now_us();
    }
    return sent;
}

/* Control frames overtake what is queued: the reason is seen even by one that has much to read. */
static void close_with(struct socket *socket, uint16_t code, const char *reason)
{
    if (socket->closing_us == 0) {
        socket->closing_us = notch__now_us();
        (void)wslay_event_queue_close(socket->wslay, code, (const uint8_t *)reason, strlen(reason));
    }
}

static void drop_slow(struct socket *socket)
{
    struct notch_server *server = socket->server;
    if (socket->closing_us == 0) {
        (void)atomic_fetch_add(&server->counters.sockets_slow, 1);
        notch_log(server->options.log, NOTCH_LOG_WARN, "rpc", "a WebSocket is dropped: slow reader");
        close_with(socket, WSLAY_CODE_POLICY_VIOLATION, "slow reader");
    }
}

static void send_text(struct socket *socket, struct notch_bytes text)
{
    const struct wslay_event_msg message = {WSLAY_TEXT_FRAME, text.data, text.len};
    if (socket->closing_us == 0 && text.len > 0 && wslay_event_queue_msg(socket->wslay, &message) != 0) {
        socket->dead = true;
    }
}

static void finish(struct job *job)
{
    struct notch_server *server = job->waiter.server;
    struct notch_exchange *exchange = job->waiter.exchange;
    struct notch_rpc_sight sight;
    server->options.sight_take(server->options.arg, &sight);
    notch_exchange_finish(exchange, &sight);
    server->options.sight_give(server->options.arg, &sight);
    notch__count(server, exchange);
    job->socket->in_flight--;
    job->socket->readable = true; /* what was left unread because of it */
    if (!job->socket->dead) {
        send_text(job->socket, notch_exchange_text(exchange));
    }
    bool stops = notch_exchange_stops(exchange);
    notch_exchange_destroy(exchange);
    notch_free(server->options.alloc, job, sizeof *job);
    if (stops) {
        server->options.stop(server->options.arg);
    }
}

/* Any thread. */
static void job_ready(struct notch__waiter *waiter)
{
    struct notch__sockets *sockets = waiter->server->sockets;
    struct job *job = (struct job *)waiter;
    (void)pthread_mutex_lock(&sockets->lock);
    job->next = sockets->answered;
    sockets->answered = job;
    (void)pthread_mutex_unlock(&sockets->lock);
    wake(sockets);
}

static void no_suspend(void *arg)
{
    (void)arg;
}

static void run(struct socket *socket, struct notch_bytes body)
{
    struct notch_server *server = socket->server;
    const struct notch_rpc_caller caller = {.role = socket->role, .streams = &socket->streams};
    struct job *job = notch_alloc(server->options.alloc, sizeof *job);
    struct notch_rpc_sight sight;
    job->waiter = (struct notch__waiter){.server = server, .ready = job_ready};
    job->waiter.exchange = notch_exchange_create(server->options.rpc, &caller);
    job->socket = socket;
    socket->in_flight++;
    server->options.sight_take(server->options.arg, &sight);
    notch_exchange_run(job->waiter.exchange, &sight, body);
    server->options.sight_give(server->options.arg, &sight);
    if (!notch__waiting_send(&job->waiter, no_suspend, NULL)) {
        finish(job);
    }
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
    struct socket *socket = arg;
    (void)wslay;
    if (socket->closing_us != 0) {
        return;
    }
    if (message->opcode == WSLAY_TEXT_FRAME) {
        run(socket, notch_bytes(message->msg, message->msg_length));
    } else if (message->opcode == WSLAY_BINARY_FRAME) {
        close_with(socket, WSLAY_CODE_UNSUPPORTED_DATA, "expected JSON text");
    }
}

static void watch(struct notch__sockets *sockets, struct socket *socket)
{
    uint32_t events = 0;
    if (wslay_event_want_read(socket->wslay) && takes_calls(socket)) {
        events |= EPOLLIN;
    }
    if (wslay_event_want_write(socket->wslay)) {
        events |= EPOLLOUT;
    }
    if (events != socket->events) {
        struct epoll_event event = {.events = events, .data.ptr = socket};
        (void)epoll_ctl(sockets->epoll, EPOLL_CTL_MOD, socket->fd, &event);
        socket->events = events;
    }
}

/* Reads and writes what can be without waiting. */
static void serve(struct notch__sockets *sockets, struct socket *socket)
{
    if (!socket->dead && socket->readable) {
        socket->readable = false;
        socket->dead = wslay_event_recv(socket->wslay) != 0;
    }
    if (!socket->dead && wslay_event_want_write(socket->wslay)) {
        bool full = !takes_calls(socket);
        socket->dead = wslay_event_send(socket->wslay) != 0;
        socket->readable = socket->readable || (full && takes_calls(socket)); /* wslay may hold what was not parsed */
    }
    if (!socket->dead && !wslay_event_want_read(socket->wslay) && !wslay_event_want_write(socket->wslay)) {
        socket->dead = true; /* closed by both */
    }
    if (!socket->dead) {
        watch(sockets, socket);
    }
}

static void free_socket(struct socket *socket)
{
    wslay_event_context_free(socket->wslay);
    notch_buf_fini(&socket->extra);
    notch_free(socket->server->options.alloc, socket, sizeof *socket);
}

/* Lets go of the connection at once, of the memory once no exchange needs it any more. */
static void reap(struct notch__sockets *sockets)
{
    struct socket **at = &sockets->list;
    while (*at != NULL) {
        struct socket *socket = *at;
        if (socket->dead && socket->handle != NULL) {
            (void)epoll_ctl(sockets->epoll, EPOLL_CTL_DEL, socket->fd, NULL);
            (void)MHD_upgrade_action(socket->handle, MHD_UPGRADE_ACTION_CLOSE);
            socket->handle = NULL;
            (void)atomic_fetch_sub(&sockets->count, 1);
        }
        if (socket->dead && socket->in_flight == 0) {
            *at = socket->next;
            free_socket(socket);
        } else {
            at = &socket->next;
        }
    }
}

/* ---- notifications ---- */

static unsigned stream_index(enum notch_rpc_stream stream)
{
    return stream == NOTCH_RPC_BLOCKS ? 0 : stream == NOTCH_RPC_FINALITY ? 1 : 2;
}

static void broadcast(struct notch__sockets *sockets, enum notch_rpc_stream stream, struct notch_bytes text)
{
    for (struct socket *socket = sockets->list; socket != NULL; socket = socket->next) {
        if (!socket->dead && (socket->streams & (uint32_t)stream) != 0) {
            if (unsent(socket) + text.len > sockets->server->options.socket_queue_bytes_max) {
                drop_slow(socket);
            }
            send_text(socket, text);
            (void)atomic_fetch_add_explicit(&sockets->server->counters.notes, 1, memory_order_relaxed);
        }
    }
}

static bool anybody_wants(const struct notch__sockets *sockets, enum notch_rpc_stream stream)
{
    for (const struct socket *socket = sockets->list; socket != NULL; socket = socket->next) {
        if (!socket->dead && (socket->streams & (uint32_t)stream) != 0) {
            return true;
        }
    }
    return false;
}

/* Of one block, in as many notifications as it takes. */
static void tell_records(struct notch__sockets *sockets, const struct notch_rpc_sight *sight,
                         struct notch_height height, struct notch_buf *text)
{
    struct notch_server *server = sockets->server;
    uint32_t first = 0;
    do {
        notch_buf_clear(text);
        uint64_t seq = ++sockets->seq[2];
        enum notch_err err = notch_rpc_note_records(server->options.rpc, text, &first, seq, sight->view, height, first);
        if (err != NOTCH_OK) {
            notch_log(server->options.log, NOTCH_LOG_WARN, "rpc", "the stream of records has a gap: %s",
                      notch_err_text(err));
            return;
        }
        broadcast(sockets, NOTCH_RPC_RECORDS, notch_buf_bytes(text));
    } while (first > 0);
}

/* The records of all blocks since the last one that was told of, up to a final one. */
static void tell_finality(struct notch__sockets *sockets, const struct notch_block_ref *block, struct notch_buf *text)
{
    struct notch_server *server = sockets->server;
    uint64_t top = block->height.raw; /* Raw: counts up to it */
    uint64_t from = sockets->told_height < top ? sockets->told_height + 1 : top;
    sockets->told_height = top;
    if (!anybody_wants(sockets, NOTCH_RPC_RECORDS)) {
        return;
    }
    if (top - from >= HEIGHTS_MAX) {
        sockets->seq[2]++; /* a gap that is seen */
        from = top - HEIGHTS_MAX + 1;
    }
    struct notch_rpc_sight sight;
    server->options.sight_take(server->options.arg, &sight);
    for (uint64_t height = from; height <= top; height++) {
        tell_records(sockets, &sight, (struct notch_height){height}, text);
    }
    server->options.sight_give(server->options.arg, &sight);
}

static void tell(struct notch__sockets *sockets, const struct note *note)
{
    struct notch_buf text;
    notch_buf_init(&text, sockets->server->options.alloc);
    uint64_t seq = ++sockets->seq[stream_index(note->stream)];
    if (anybody_wants(sockets, note->stream)) {
        notch_rpc_note_block(&text, note->stream, seq, &note->block);
        broadcast(sockets, note->stream, notch_buf_bytes(&text));
    }
    if (note->stream == NOTCH_RPC_FINALITY) {
        tell_finality(sockets, &note->block, &text);
    }
    notch_buf_fini(&text);
}

/* ---- the thread ---- */

static bool next_note(struct notch__sockets *sockets, struct note *out)
{
    (void)pthread_mutex_lock(&sockets->lock);
    const struct note *note = notch_ring_front(&sockets->notes);
    if (note != NULL) {
        *out = *note;
        notch_ring_pop(&sockets->notes);
    }
    (void)pthread_mutex_unlock(&sockets->lock);
    return note != NULL;
}

static bool take_what_came(struct notch__sockets *sockets)
{
    (void)pthread_mutex_lock(&sockets->lock);
    struct socket *added = sockets->added;
    struct job *answered = sockets->answered;
    sockets->added = NULL;
    sockets->answered = NULL;
    bool stopping = sockets->stopping;
    (void)pthread_mutex_unlock(&sockets->lock);
    while (added != NULL) {
        struct socket *socket = added;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};
        added = socket->next;
        socket->next = sockets->list;
        sockets->list = socket;
        socket->events = EPOLLIN;
        socket->readable = true;
        socket->dead = epoll_ctl(sockets->epoll, EPOLL_CTL_ADD, socket->fd, &event) != 0;
    }
    while (answered != NULL) {
        struct job *job = answered;
        answered = job->next;
        finish(job);
    }
    struct note note;
    while (next_note(sockets, &note)) {
        tell(sockets, &note);
    }
    return stopping;
}

/* Pings those that are quiet, and gives up those that do not answer, take nothing, or do not close. */
static void keep_alive(struct socket *socket)
{
    uint64_t now = notch__now_us();
    if (!takes_calls(socket)) {
        socket->heard_us = now; /* it is not listened to */
    }
    bool silent = now - socket->heard_us > SILENCE_US;
    uint64_t waited = now - (socket->closing_us > socket->taken_us ? socket->closing_us : socket->taken_us);
    bool overdue = socket->closing_us != 0 && (waited > CLOSING_US || now - socket->closing_us > SILENCE_US);
    if (silent || overdue) {
        socket->dead = true;
        return;
    }
    if (!wslay_event_want_write(socket->wslay)) {
        socket->taken_us = now;
    } else if (now - socket->taken_us > socket->server->options.socket_stall_s_max * US_PER_S) {
        drop_slow(socket);
    }
    if (now - socket->heard_us > PING_US && now - socket->pinged_us > PING_US && socket->closing_us == 0) {
        const struct wslay_event_msg ping = {WSLAY_PING, NULL, 0};
        socket->pinged_us = now;
        (void)wslay_event_queue_msg(socket->wslay, &ping);
    }
}

static void *thread_main(void *arg)
{
    struct notch__sockets *sockets = arg;
    struct epoll_event events[EVENTS_MAX];
    bool stopping = false;
    while (!stopping || sockets->list != NULL) {
        int count = epoll_wait(sockets->epoll, events, EVENTS_MAX, sockets->list == NULL ? -1 : 1000);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                uint64_t ignored;
                ssize_t got = read(sockets->wake, &ignored, sizeof ignored);
                notch_assert(got == (ssize_t)sizeof ignored || errno == EAGAIN);
                continue;
            }
            struct socket *socket = events[i].data.ptr;
            socket->dead = socket->dead || (events[i].events & (EPOLLHUP | EPOLLERR)) != 0;
            socket->readable = socket->readable || (events[i].events & EPOLLIN) != 0;
        }
        stopping = take_what_came(sockets);
        for (struct socket *socket = sockets->list; socket != NULL; socket = socket->next) {
            if (stopping) {
                close_with(socket, WSLAY_CODE_GOING_AWAY, "the node stops");
            }
            keep_alive(socket);
            serve(sockets, socket);
            socket->dead = socket->dead || stopping; /* what could be written was */
        }
        reap(sockets);
    }
    return NULL;
}

/* ---- other threads ---- */

static struct socket *make_socket(struct notch_server *server, struct MHD_UpgradeResponseHandle *handle, int fd,
                                  enum notch_rpc_role role, struct notch_bytes extra)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_read, .send_callback = on_write, .on_msg_recv_callback = on_message};
    struct socket *socket = notch_alloc(server->options.alloc, sizeof *socket);
    socket->server = server;
    socket->handle = handle;
    socket->fd = fd;
    socket->role = role;
    socket->heard_us = notch__now_us();
    socket->taken_us = socket->heard_us;
    notch_buf_init(&socket->extra, server->options.alloc);
    notch_buf_append(&socket->extra, extra.data, extra.len);
    if (wslay_event_context_server_init(&socket->wslay, &callbacks, socket) != 0) {
        notch_buf_fini(&socket->extra);
        notch_free(server->options.alloc, socket, sizeof *socket);
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(socket->wslay, notch_rpc_options(server->options.rpc)->body_bytes_max);
    return socket;
}

bool notch__sockets_add(struct notch_server *server, struct MHD_UpgradeResponseHandle *handle, int fd,
                        enum notch_rpc_role role, struct notch_bytes extra)
{
    struct notch__sockets *sockets = server->sockets;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return false;
    }
    struct socket *socket = make_socket(server, handle, fd, role, extra);
    if (socket == NULL) {
        return false;
    }
    (void)pthread_mutex_lock(&sockets->lock);
    bool room = !sockets->stopping && atomic_load(&sockets->count) < server->options.sockets_max;
    if (room) {
        socket->next = sockets->added;
        sockets->added = socket;
        (void)atomic_fetch_add(&sockets->count, 1);
    }
    (void)pthread_mutex_unlock(&sockets->lock);
    if (!room) {
        free_socket(socket);
        return false;
    }
    (void)atomic_fetch_add(&server->counters.sockets_opened, 1);
    wake(sockets);
    return true;
}

void notch__sockets_note(struct notch_server *server, enum notch_rpc_stream stream, const struct notch_block_ref *block)
{
    struct notch__sockets *sockets = server->sockets;
    if (sockets == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&sockets->lock);
    struct note *note = notch_ring_push(&sockets->notes);
    if (note == NULL) {
        notch_ring_pop(&sockets->notes); /* the oldest goes: later ones say more */
        note = notch_ring_push(&sockets->notes);
    }
    *note = (struct note){stream, *block};
    (void)pthread_mutex_unlock(&sockets->lock);
    wake(sockets);
}

uint32_t notch__sockets_count(struct notch_server *server)
{
    return server->sockets == NULL ? 0 : atomic_load(&server->sockets->count);
}

static enum notch_err start_thread(struct notch__sockets *sockets)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    sigset_t all;
    sigset_t before;
    if (sockets->epoll < 0 || sockets->wake < 0 ||
        epoll_ctl(sockets->epoll, EPOLL_CTL_ADD, sockets->wake, &event) != 0) {
        return NOTCH_ERR_IO;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&sockets->thread, NULL, thread_main, sockets);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? NOTCH_OK : NOTCH_ERR_IO;
}

static void free_sockets(struct notch__sockets *sockets)
{
    struct notch_server *server = sockets->server;
    server->sockets = NULL;
    if (sockets->epoll >= 0) {
        (void)close(sockets->epoll);
    }
    if (sockets->wake >= 0) {
        (void)close(sockets->wake);
    }
    notch_ring_fini(&sockets->notes);
    (void)pthread_mutex_destroy(&sockets->lock);
    notch_free(server->options.alloc, sockets, sizeof *sockets);
}

enum notch_err notch__sockets_start(struct notch_server *server)
{
    struct notch__sockets *sockets = notch_alloc(server->options.alloc, sizeof *sockets);
    sockets->server = server;
    sockets->told_height = UINT64_MAX;
    int rc = pthread_mutex_init(&sockets->lock, NULL);
    notch_assert(rc == 0);
    notch_ring_init(&sockets->notes, server->options.alloc, sizeof(struct note), NOTES_MAX);
    sockets->epoll = epoll_create1(EPOLL_CLOEXEC);
    sockets->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->sockets = sockets;
    enum notch_err err = start_thread(sockets);
    if (err != NOTCH_OK) {
        free_sockets(sockets);
    }
    return err;
}

void notch__sockets_stop(struct notch_server *server)
{
    struct notch__sockets *sockets = server->sockets;
    if (sockets == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&sockets->lock);
    sockets->stopping = true;
    (void)pthread_mutex_unlock(&sockets->lock);
    wake(sockets);
    (void)pthread_join(sockets->thread, NULL);
}

void notch__sockets_free(struct notch_server *server)
{
    if (server->sockets != NULL) {
        free_sockets(server->sockets);
    }
}
