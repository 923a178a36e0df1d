/*
 * The loop. One round: take all that others posted, hand it to the node, give the node its tick if it wants one, poll
 * until it has nothing more to say. A turn is rounds until nothing is there to take; then sleep until the next post or
 * deadline.
 */
#include "node/daemon/daemon.h"

#include "base/map.h"
#include "node/daemon/clock.h"
#include "node/daemon/inbox.h"
#include "node/daemon/mail.h"
#include "node/daemon/peers.h"
#include "node/daemon/text.h"
#include "node/daemon/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <uv.h>

enum {
    REQUESTS_DEFAULT = 16384,
    DRAIN_MS_DEFAULT = 5000,
    BEAT_MS = 1000,
    SLEEP_MS_MAX = 60000,
    HELD_MAX = 1024,
    ROUNDS_MAX = 16,
};

struct shared_info {
    struct notch_node_info info;
    uint32_t uses;
};

struct notch_daemon {
    struct notch_daemon_options options;
    struct notch_inbox *inbox;
    struct notch_workers *workers;
    struct notch_store *store;
    bool store_is_open;
    struct notch_store_view latest;
    struct notch_node *node;
    struct notch_clock clock;
    uint64_t seq;
    struct notch_ring held;    /* commits that found the store's queue full, oldest first */
    struct notch_peers *peers; /* NULL: the node is alone */
    struct notch_mail mail;
    uint64_t own_token; /* of the work that the loop does itself, once it has carried out all else */
    const struct notch_node_work *own_work; /* NULL: none */

    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t tick;
    uv_timer_t beat;
    bool has_loop;
    bool is_running;     /* the node has started */
    uint64_t stop_by_ms; /* of the loop's own time; 0: not stopping */
    atomic_bool stopping;
    _Atomic uint64_t wakes;
    _Atomic uint64_t work_by_loop;

    pthread_mutex_t info_mutex;
    struct shared_info *info;
};

/* ---- what other threads call ---- */

static void wake_loop(void *arg)
{
    struct notch_daemon *daemon = arg;
    int failed = uv_async_send(&daemon->wake);
    notch_assert(failed == 0);
}

static void on_stored(void *arg, uint64_t token, enum notch_err err)
{
    struct notch_daemon *daemon = arg;
    enum notch_inbox_type type = err == NOTCH_OK ? NOTCH_INBOX_DONE : NOTCH_INBOX_FAILED;
    notch_inbox_post(daemon->inbox, (struct notch_inbox_item){.type = type, .err = err, .token = token});
}

static void on_ran(void *arg, uint64_t token)
{
    struct notch_daemon *daemon = arg;
    notch_inbox_post(daemon->inbox, (struct notch_inbox_item){.type = NOTCH_INBOX_WORKED, .token = token});
}

enum notch_err notch_daemon_request(struct notch_daemon *daemon, const struct notch_request *request,
                                    notch_daemon_replied replied, void *arg)
{
    return notch_inbox_ask(daemon->inbox, request, replied, arg);
}

void notch_daemon_stop(struct notch_daemon *daemon)
{
    atomic_store(&daemon->stopping, true);
    notch_inbox_close(daemon->inbox);
    wake_loop(daemon);
}

bool notch_daemon_is_stopping(const struct notch_daemon *daemon)
{
    return atomic_load(&daemon->stopping);
}

void notch_daemon_sight_take(struct notch_daemon *daemon, struct notch_daemon_sight *out)
{
    pthread_mutex_lock(&daemon->info_mutex);
    struct shared_info *info = daemon->info;
    if (info != NULL) {
        info->uses++;
    }
    pthread_mutex_unlock(&daemon->info_mutex);
    out->info = info == NULL ? NULL : &info->info;
    out->view = notch_store_pin(daemon->store);
}

/* Under the mutex. */
static void let_go(struct notch_daemon *daemon, struct shared_info *info)
{
    if (info != NULL && --info->uses == 0) {
        notch_free(daemon->options.alloc, info, sizeof *info);
    }
}

void notch_daemon_sight_give(struct notch_daemon *daemon, const struct notch_daemon_sight *sight)
{
    notch_store_unpin(daemon->store, sight->view);
    pthread_mutex_lock(&daemon->info_mutex);
    /* info is the first member of what it is shared in. */
    let_go(daemon, (struct shared_info *)(uintptr_t)sight->info);
    pthread_mutex_unlock(&daemon->info_mutex);
}

void notch_daemon_stats(struct notch_daemon *daemon, struct notch_daemon_stats *out)
{
    notch_store_stats(daemon->store, &out->store);
    notch_workers_depth(daemon->workers, &out->work_waiting, &out->work_ran);
    out->requests_open = notch_inbox_open(daemon->inbox);
    out->work_by_loop = atomic_load(&daemon->work_by_loop);
    out->wakes = atomic_load(&daemon->wakes);
}

/* ---- the loop's thread ---- */

/* A new copy where somebody still looks at the last one. */
static void publish_info(struct notch_daemon *daemon)
{
    const struct notch_alloc *alloc = daemon->options.alloc;
    pthread_mutex_lock(&daemon->info_mutex);
    if (daemon->info == NULL || daemon->info->uses > 1) {
        let_go(daemon, daemon->info);
        daemon->info = notch_alloc(alloc, sizeof *daemon->info);
        daemon->info->uses = 1;
    }
    notch_node_info(daemon->node, &daemon->info->info);
    pthread_mutex_unlock(&daemon->info_mutex);
}

/* The store refuses a commit only when its queue is full, or when it failed before. */
static bool submit(struct notch_daemon *daemon, const struct notch_commit *commit)
{
    enum notch_err err = notch_store_submit(daemon->store, commit);
    if (err == NOTCH_ERR_BUSY) {
        return false;
    }
    if (err != NOTCH_OK) {
        on_stored(daemon, commit->token, err);
    }
    return true;
}

static void persist(struct notch_daemon *daemon, const struct notch_commit *commit)
{
    if (daemon->held.count == 0 && submit(daemon, commit)) {
        return;
    }
    const struct notch_commit **slot = notch_ring_push(&daemon->held);
    notch_assert(slot != NULL); /* the node has fewer commits than that */
    *slot = commit;
}

static void submit_held(struct notch_daemon *daemon)
{
    const struct notch_commit **oldest = notch_ring_front(&daemon->held);
    while (oldest != NULL && submit(daemon, *oldest)) {
        notch_ring_pop(&daemon->held);
        oldest = notch_ring_front(&daemon->held);
    }
}

/* Alone there is nobody to send to; who connects later asks for what it lacks. */
static void send_or_hold(struct notch_daemon *daemon, const struct notch_node_effect *effect)
{
    if (daemon->peers == NULL) {
        return;
    }
    if (effect->after > daemon->mail.done) {
        notch_mail_hold(&daemon->mail, effect);
    } else {
        notch_peers_send(daemon->peers, effect->send.to, effect->send.what, effect->send.bytes);
    }
}

static void send_held(struct notch_daemon *daemon)
{
    const struct notch_mail_item *letter;
    while ((letter = notch_mail_ready(&daemon->mail)) != NULL) {
        notch_peers_send(daemon->peers, letter->peer, letter->what, notch_bytes(letter->bytes, letter->len));
        notch_mail_sent(&daemon->mail);
    }
}

/*
 * A record that comes alone, while nobody else works, is checked here: to wake a worker and to be woken by it takes as
 * long as the check, and the loop has nothing better to do.
 */
static void give_work(struct notch_daemon *daemon, uint64_t token, const struct notch_node_work *work)
{
    bool is_lone = work->type == NOTCH_NODE_CHECK_RECORDS && work->count == 1 && daemon->own_work == NULL;
    if (is_lone && notch_workers_are_idle(daemon->workers)) {
        daemon->own_token = token;
        daemon->own_work = work;
        return;
    }
    notch_workers_add(daemon->workers, token, work);
}

static void carry_out(struct notch_daemon *daemon, const struct notch_node_effect *effect)
{
    const struct notch_daemon_hooks *hooks = &daemon->options.hooks;
    /* Only what leaves this machine waits for the disk; everything else is given out when it may be carried out. */
    notch_assert(effect->after == 0 || effect->type == NOTCH_NODE_SEND);
    switch (effect->type) {
    case NOTCH_NODE_PERSIST:
        persist(daemon, effect->persist);
        break;
    case NOTCH_NODE_WORK:
        give_work(daemon, effect->token, effect->work);
        break;
    case NOTCH_NODE_REPLY:
        notch_inbox_answer(daemon->inbox, effect->reply);
        break;
    case NOTCH_NODE_SEND:
        send_or_hold(daemon, effect);
        break;
    case NOTCH_NODE_REJECT:
        if (daemon->peers != NULL) {
            notch_peers_reject(daemon->peers, effect->reject.peer, effect->reject.reject);
        }
        break;
    case NOTCH_NODE_HEAD:
        if (hooks->head != NULL) {
            hooks->head(hooks->arg, &effect->block);
        }
        break;
    case NOTCH_NODE_FINAL:
        if (hooks->final != NULL) {
            hooks->final(hooks->arg, &effect->block);
        }
        break;
    case NOTCH_NODE_ALARM:
        if (hooks->alarm != NULL) {
            hooks->alarm(hooks->arg, effect->alarm.text);
        }
        break;
    }
}

static void hand_over(struct notch_daemon *daemon, const struct notch_inbox_item *item)
{
    struct notch_request request;
    struct notch_node_event event = {.seq = ++daemon->seq, .now = notch_clock_now(&daemon->clock)};
    switch (item->type) {
    case NOTCH_INBOX_REQUEST:
        notch_inbox_request(daemon->inbox, &request, item->token);
        event.type = NOTCH_NODE_REQUEST;
        event.request = &request;
        break;
    case NOTCH_INBOX_WORKED:
        event.type = NOTCH_NODE_WORKED;
        event.token = item->token;
        break;
    case NOTCH_INBOX_DONE:
        event.type = NOTCH_NODE_DONE;
        event.token = item->token;
        notch_mail_done(&daemon->mail, item->token);
        break;
    case NOTCH_INBOX_FAILED:
        event.type = NOTCH_NODE_FAILED;
        event.failed.token = item->token;
        event.failed.err = item->err;
        break;
    }
    notch_node_handle(daemon->node, &event);
}

static void take_mail(struct notch_daemon *daemon)
{
    struct notch_node_event event;
    while (notch_mail_first(&daemon->mail, &event)) {
        event.seq = ++daemon->seq;
        event.now = notch_clock_now(&daemon->clock);
        notch_node_handle(daemon->node, &event);
        notch_mail_drop(&daemon->mail);
    }
}

static void carry_out_all(struct notch_daemon *daemon)
{
    struct notch_node_effect effect;
    while (notch_node_poll(daemon->node, &effect)) {
        carry_out(daemon, &effect);
    }
}

static void do_own_work(struct notch_daemon *daemon)
{
    notch_node_run(daemon->own_work);
    daemon->own_work = NULL;
    atomic_fetch_add(&daemon->work_by_loop, 1);
    hand_over(daemon, &(struct notch_inbox_item){.type = NOTCH_INBOX_WORKED, .token = daemon->own_token});
}

/* The timer counts the loop's own, steady time; if the clock is set meanwhile, the next beat finds out. */
static void set_timer(struct notch_daemon *daemon, uv_timer_cb on_tick)
{
    uint64_t deadline = notch_node_deadline(daemon->node).raw; /* Raw: a difference of times */
    uint64_t now = notch_clock_now(&daemon->clock).raw;
    uint64_t wait = deadline > now ? deadline - now : 0;
    uv_update_time(&daemon->loop);
    int failed = uv_timer_start(&daemon->tick, on_tick, wait < SLEEP_MS_MAX ? wait : SLEEP_MS_MAX, 0);
    notch_assert(failed == 0);
}

static void on_tick(uv_timer_t *timer);

static void drain_or_stop(struct notch_daemon *daemon)
{
    if (daemon->stop_by_ms == 0) {
        uint32_t drain_ms = daemon->options.drain_ms;
        daemon->stop_by_ms = uv_now(&daemon->loop) + (drain_ms > 0 ? drain_ms : DRAIN_MS_DEFAULT);
    }
    if (notch_inbox_open(daemon->inbox) == 0) {
        uv_stop(&daemon->loop);
    } else if (uv_now(&daemon->loop) >= daemon->stop_by_ms) {
        notch_log(daemon->options.log, NOTCH_LOG_WARN, "daemon", "stopping with %u requests unanswered",
                  (unsigned)notch_inbox_open(daemon->inbox));
        uv_stop(&daemon->loop);
    }
}

/* Whether there was anything to take. */
static bool take_in(struct notch_daemon *daemon)
{
    size_t count;
    const struct notch_inbox_item *items = notch_inbox_take(daemon->inbox, &count);
    for (size_t i = 0; i < count; i++) {
        hand_over(daemon, &items[i]);
    }
    return count > 0;
}

static void think(struct notch_daemon *daemon)
{
    submit_held(daemon);
    send_held(daemon);
    take_mail(daemon);
    struct notch_time now = notch_clock_now(&daemon->clock);
    if (notch_time_cmp(now, notch_node_deadline(daemon->node)) >= 0) {
        struct notch_node_event event = {.type = NOTCH_NODE_TICK, .seq = ++daemon->seq, .now = now};
        notch_node_handle(daemon->node, &event);
    }
    carry_out_all(daemon);
    while (daemon->own_work != NULL) {
        do_own_work(daemon);
        carry_out_all(daemon);
    }
    publish_info(daemon);
}

/* Takes until there is nothing to take, which is what tells the inbox that it must wake the loop for the next thing. */
static void turn(struct notch_daemon *daemon)
{
    if (!daemon->is_running) {
        return;
    }
    (void)take_in(daemon);
    think(daemon);
    unsigned rounds = 1;
    while (rounds < ROUNDS_MAX && take_in(daemon)) {
        think(daemon);
        rounds++;
    }
    if (rounds == ROUNDS_MAX) {
        wake_loop(daemon); /* timers and signals want their turn as well */
    }
    set_timer(daemon, on_tick);
    if (atomic_load(&daemon->stopping)) {
        drain_or_stop(daemon);
    }
}

static void on_tick(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_wake(uv_async_t *wake)
{
    struct notch_daemon *daemon = wake->data;
    atomic_fetch_add(&daemon->wakes, 1);
    turn(daemon);
}

static void watch_clock(struct notch_daemon *daemon)
{
    int64_t jump = notch_clock_check(&daemon->clock);
    if (jump == 0) {
        return;
    }
    uint64_t held_ms = notch_clock_held_ms(&daemon->clock);
    notch_log(daemon->options.log, NOTCH_LOG_WARN, "daemon",
              "the system clock was set %s by %lld ms%s: check the time service (timedatectl, chronyc tracking)",
              jump > 0 ? "forward" : "back", (long long)(jump > 0 ? jump : -jump),
              held_ms > 0 ? "; the node waits until it has caught up" : "");
}

static void on_beat(uv_timer_t *timer)
{
    struct notch_daemon *daemon = timer->data;
    const struct notch_daemon_hooks *hooks = &daemon->options.hooks;
    watch_clock(daemon);
    turn(daemon);
    if (hooks->beat != NULL) {
        hooks->beat(hooks->arg);
    }
}

/* ---- peers: what they send waits for the next turn ---- */

static void on_peer_up(void *arg, uint64_t peer)
{
    struct notch_daemon *daemon = arg;
    notch_mail_arrived(&daemon->mail, NOTCH_NODE_PEER_UP, peer, NOTCH_NODE_MESSAGE_STATUS, notch_bytes(NULL, 0));
    wake_loop(daemon);
}

static void on_peer_down(void *arg, uint64_t peer)
{
    struct notch_daemon *daemon = arg;
    notch_mail_arrived(&daemon->mail, NOTCH_NODE_PEER_DOWN, peer, NOTCH_NODE_MESSAGE_STATUS, notch_bytes(NULL, 0));
    wake_loop(daemon);
}

static void on_peer_message(void *arg, uint64_t peer, enum notch_node_message what, struct notch_bytes bytes)
{
    struct notch_daemon *daemon = arg;
    notch_mail_arrived(&daemon->mail, NOTCH_NODE_MESSAGE, peer, what, bytes);
    wake_loop(daemon);
}

static struct notch_time on_peers_now(void *arg)
{
    return notch_clock_now(&((struct notch_daemon *)arg)->clock);
}

static enum notch_err start_peers(struct notch_daemon *daemon, struct notch_buf *problem)
{
    const struct notch_daemon_options *options = &daemon->options;
    const struct notch_peers_options peers = {.loop = &daemon->loop,
                                              .config = options->network,
                                              .domain = options->domain,
                                              .crypto = options->crypto,
                                              .signer = options->node_key,
                                              .alloc = options->alloc,
                                              .log = options->log,
                                              .hash_key = options->hash_key,
                                              .seed = options->seed,
                                              .now = on_peers_now,
                                              .up = on_peer_up,
                                              .down = on_peer_down,
                                              .message = on_peer_message,
                                              .arg = daemon};
    enum notch_err err = notch_peers_create(&daemon->peers, &peers);
    if (err != NOTCH_OK) {
        notch_text(problem, "the node's certificate cannot be made: %s", notch_err_text(err));
        return err;
    }
    return notch_peers_start(daemon->peers, problem);
}

/* ---- lifecycle ---- */

static void make_loop(struct notch_daemon *daemon)
{
    int failed = uv_loop_init(&daemon->loop);
    failed |= uv_async_init(&daemon->loop, &daemon->wake, on_wake);
    failed |= uv_timer_init(&daemon->loop, &daemon->tick);
    failed |= uv_timer_init(&daemon->loop, &daemon->beat);
    notch_assert(failed == 0); /* a handful of file descriptors */
    daemon->wake.data = daemon;
    daemon->tick.data = daemon;
    daemon->beat.data = daemon;
    daemon->has_loop = true;
}

struct notch_daemon *notch_daemon_create(const struct notch_daemon_options *options)
{
    struct notch_daemon *daemon = notch_alloc(options->alloc, sizeof *daemon);
    daemon->options = *options;
    uint32_t requests_max = options->requests_max > 0 ? options->requests_max : REQUESTS_DEFAULT;
    uint32_t workers = options->workers > 0 ? options->workers : notch_workers_default_count();
    daemon->inbox = notch_inbox_create(options->alloc, requests_max, wake_loop, daemon);
    daemon->workers = notch_workers_create(options->alloc, workers, on_ran, daemon);
    struct notch_store_options store = options->store;
    store.genesis = options->domain->genesis;
    store.alloc = options->alloc;
    store.log = options->log;
    store.done = on_stored;
    store.done_arg = daemon;
    store.runner = NOTCH_STORE_OWN_THREAD;
    daemon->store = notch_store_create(&store);
    notch_ring_init(&daemon->held, options->alloc, sizeof(const struct notch_commit *), HELD_MAX);
    pthread_mutex_init(&daemon->info_mutex, NULL);
    notch_clock_init(&daemon->clock);
    notch_mail_init(&daemon->mail, options->alloc);
    make_loop(daemon);
    return daemon;
}

static enum notch_err fail(struct notch_daemon_failure *failure, enum notch_err err, const char *text)
{
    failure->err = err;
    if (text != failure->text) {
        snprintf(failure->text, sizeof failure->text, "%s", text);
    }
    return err;
}

static enum notch_err create_node(struct notch_daemon *daemon, struct notch_daemon_failure *failure)
{
    const struct notch_daemon_options *options = &daemon->options;
    daemon->latest = notch_store_latest(daemon->store);
    struct notch_node_options node = {
        .genesis = options->genesis,
        .domain = options->domain,
        .crypto = options->crypto,
        .view = &daemon->latest,
        .alloc = options->alloc,
        .log = options->log,
        .validator = options->validator,
        .author = options->author,
        .hash_key = options->hash_key,
        .clock_is_trusted = options->clock_is_trusted,
        .in_flight_max = options->in_flight_max,
        .in_flight_bytes_max = options->in_flight_bytes_max,
        .batch_delay_ms = options->batch_delay_ms,
        .layers_max = options->layers_max,
    };
    enum notch_err err = notch_node_create(&node, &daemon->node);
    return err == NOTCH_OK ? NOTCH_OK : fail(failure, err, "the node refuses its keys or limits");
}

enum notch_err notch_daemon_open(struct notch_daemon *daemon, struct notch_daemon_failure *failure)
{
    struct notch_store_failure store;
    enum notch_err err = notch_store_open(daemon->store, &store);
    if (err != NOTCH_OK) {
        return fail(failure, err, store.text);
    }
    daemon->store_is_open = true;
    err = create_node(daemon, failure);
    if (err != NOTCH_OK) {
        return err;
    }
    err = notch_workers_start(daemon->workers);
    return err == NOTCH_OK ? NOTCH_OK
                           : fail(failure, err, "the system gives no more threads: raise the limit (ulimit -u)");
}

static const char *start_advice(enum notch_err err)
{
    if (err == NOTCH_ERR_VERSION) {
        return "this chain has moved to rules that this program does not know: install a newer version";
    }
    if (err == NOTCH_ERR_CORRUPT) {
        return "the store holds what the chain's rules forbid: run notchd --verify-store, then restore a backup or "
               "start "
               "with an empty data directory";
    }
    if (err == NOTCH_ERR_IO) {
        return "reading the store failed: check the disk (dmesg), then run notchd --verify-store";
    }
    return notch_err_text(err);
}

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    struct notch_daemon *daemon = arg;
    const struct notch_daemon_hooks *hooks = &daemon->options.hooks;
    if (hooks->progress != NULL) {
        hooks->progress(hooks->arg, done, total);
    }
}

static enum notch_err open_peers(struct notch_daemon *daemon, struct notch_daemon_failure *failure)
{
    struct notch_buf problem;
    if (daemon->options.network == NULL) {
        return NOTCH_OK;
    }
    notch_buf_init(&problem, daemon->options.alloc);
    enum notch_err err = start_peers(daemon, &problem);
    if (err != NOTCH_OK) {
        (void)fail(failure, err, notch_text_of(&problem));
    }
    notch_buf_fini(&problem);
    return err;
}

enum notch_err notch_daemon_run(struct notch_daemon *daemon, struct notch_daemon_failure *failure)
{
    const struct notch_daemon_hooks *hooks = &daemon->options.hooks;
    struct notch_time now = notch_clock_now(&daemon->clock);
    enum notch_err err = notch_node_start(daemon->node, now, on_progress, daemon);
    if (err != NOTCH_OK) {
        return fail(failure, err, start_advice(err));
    }
    err = open_peers(daemon, failure);
    if (err != NOTCH_OK) {
        return err;
    }
    daemon->is_running = true;
    int failed = uv_timer_start(&daemon->beat, on_beat, BEAT_MS, BEAT_MS);
    notch_assert(failed == 0);
    turn(daemon);
    if (hooks->started != NULL) {
        hooks->started(hooks->arg);
    }
    (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
    daemon->is_running = false;
    while (notch_inbox_refuse_one(daemon->inbox, NOTCH_ERR_CLOSED)) {
    }
    return NOTCH_OK;
}

void notch_daemon_close(struct notch_daemon *daemon)
{
    notch_inbox_close(daemon->inbox);
    notch_workers_stop(daemon->workers);
    if (daemon->store_is_open) {
        notch_store_close(daemon->store);
        daemon->store_is_open = false;
    }
}

static void on_peers_closed(void *arg)
{
    (void)arg; /* the loop runs until nothing is left in it */
}

static void close_loop(struct notch_daemon *daemon)
{
    if (!daemon->has_loop) {
        return;
    }
    if (daemon->peers != NULL) {
        notch_peers_close(daemon->peers, on_peers_closed);
    }
    uv_close((uv_handle_t *)&daemon->wake, NULL);
    uv_close((uv_handle_t *)&daemon->tick, NULL);
    uv_close((uv_handle_t *)&daemon->beat, NULL);
    (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
    int failed = uv_loop_close(&daemon->loop);
    notch_assert(failed == 0);
}

void notch_daemon_destroy(struct notch_daemon *daemon)
{
    if (daemon == NULL) {
        return;
    }
    const struct notch_alloc *alloc = daemon->options.alloc;
    notch_daemon_close(daemon);
    while (notch_inbox_refuse_one(daemon->inbox, NOTCH_ERR_CLOSED)) {
    }
    notch_node_destroy(daemon->node);
    notch_workers_destroy(daemon->workers);
    notch_store_destroy(daemon->store);
    notch_inbox_destroy(daemon->inbox);
    close_loop(daemon);
    notch_peers_destroy(daemon->peers);
    notch_mail_fini(&daemon->mail);
    notch_ring_fini(&daemon->held);
    pthread_mutex_destroy(&daemon->info_mutex);
    notch_free(alloc, daemon->info, sizeof *daemon->info);
    notch_free(alloc, daemon, sizeof *daemon);
}
