#include "node/daemon/frontend.h"

#include "node/daemon/text.h"
#include "rpc/io/server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { USERS_MAX = 256 };

struct notch_frontend {
    struct notch_frontend_options options;
    struct notch_buf config_json;
    struct notch_rpc *rpc;
    struct notch_server *server;
    struct notch_config_user users[USERS_MAX];
    struct notch_server_user server_users[USERS_MAX];
    const char *hosts[USERS_MAX];
    char cookie[NOTCH_FOLDER_PATH_MAX];
    char port[NOTCH_FOLDER_PATH_MAX];
    char url[128];
};

/* ---- what the server asks ---- */

static void sight_take(void *arg, struct notch_rpc_sight *out)
{
    struct notch_frontend *frontend = arg;
    struct notch_daemon_sight sight;
    notch_daemon_sight_take(frontend->options.daemon, &sight);
    *out = (struct notch_rpc_sight){.view = sight.view, .info = sight.info};
}

static void sight_give(void *arg, const struct notch_rpc_sight *given)
{
    struct notch_frontend *frontend = arg;
    struct notch_daemon_sight sight = {.view = given->view, .info = given->info};
    notch_daemon_sight_give(frontend->options.daemon, &sight);
}

static void on_reply(void *arg, const struct notch_reply *reply)
{
    struct notch_frontend *frontend = arg;
    notch_server_reply(frontend->server, reply);
}

static enum notch_err on_request(void *arg, const struct notch_request *request)
{
    struct notch_frontend *frontend = arg;
    return notch_daemon_request(frontend->options.daemon, request, on_reply, frontend);
}

static void on_stop(void *arg)
{
    struct notch_frontend *frontend = arg;
    notch_log(frontend->options.log, NOTCH_LOG_INFO, "daemon", "stopping: asked to by the RPC");
    notch_daemon_stop(frontend->options.daemon);
}

static void append_metrics(void *arg, struct notch_buf *out)
{
    struct notch_frontend *frontend = arg;
    struct notch_daemon_stats stats;
    notch_daemon_stats(frontend->options.daemon, &stats);
    const struct notch_store_stats *store = &stats.store;
    notch_metrics_counter(out, "notch_store_commits_total", "Commits carried out by the store.", store->commits);
    notch_metrics_counter(out, "notch_store_groups_total", "Groups of commits that were synced together.",
                          store->groups);
    notch_metrics_counter(out, "notch_store_bodies_total", "Bodies appended.", store->bodies);
    notch_metrics_counter(out, "notch_store_body_bytes_total", "Bytes of bodies appended, with framing.",
                          store->body_bytes);
    notch_metrics_counter(out, "notch_store_key_operations_total", "Puts and deletes of keys.", store->key_ops);
    notch_metrics_head(out, "notch_store_syncs_total", "counter", "Syncs of the disk.");
    notch_metrics_sample(out, "notch_store_syncs_total", "log", "bodies", store->body_syncs);
    notch_metrics_sample(out, "notch_store_syncs_total", "log", "votes", store->vote_syncs);
    notch_metrics_sample(out, "notch_store_syncs_total", "log", "keys", store->key_syncs);
    notch_metrics_counter_seconds(out, "notch_store_sync_seconds_total", "Time spent in syncs.", store->sync_ns_total);
    notch_metrics_gauge(out, "notch_store_queue_commits", "Commits that wait for the disk.", store->queue_depth);
    notch_metrics_gauge(out, "notch_store_failed", "1 once a write failed: no more records are taken.",
                        store->failed != NOTCH_OK);
    notch_metrics_gauge(out, "notch_workers_queue_jobs", "Checks that wait for a thread.", stats.work_waiting);
    notch_metrics_counter(out, "notch_workers_jobs_total", "Checks that were run.", stats.work_ran);
    notch_metrics_gauge(out, "notch_requests_open", "Requests to the node without a reply.", stats.requests_open);
    notch_metrics_counter(out, "notch_loop_wakes_total", "Times that the loop was woken by another thread.",
                          stats.wakes);
}

/* ---- opening ---- */

static uint32_t number(const struct notch_frontend *frontend, enum notch_config_key key)
{
    return (uint32_t)notch_config_number(frontend->options.config, key); /* the table bounds it */
}

static enum notch_err make_rpc(struct notch_frontend *frontend)
{
    const struct notch_frontend_options *options = &frontend->options;
    notch_config_json(options->config, &frontend->config_json);
    struct notch_rpc_options rpc = {
        .genesis = options->genesis,
        .domain = options->domain,
        .crypto = options->crypto,
        .alloc = options->alloc,
        .version = NOTCH_VERSION,
        .config = notch_text_of(&frontend->config_json),
        .body_bytes_max = number(frontend, NOTCH_CONFIG_RPC_BODY) << 10,
        .response_bytes_max = number(frontend, NOTCH_CONFIG_RPC_RESPONSE) << 10,
        .batch_max = number(frontend, NOTCH_CONFIG_RPC_BATCH),
    };
    return notch_rpc_create(&frontend->rpc, &rpc);
}

static size_t collect_users(struct notch_frontend *frontend)
{
    size_t count = 0;
    const char *item;
    while (count < USERS_MAX &&
           (item = notch_config_item(frontend->options.config, NOTCH_CONFIG_RPC_USER, count)) != NULL) {
        struct notch_config_user *user = &frontend->users[count];
        bool valid = notch_config_user(user, item);
        notch_assert(valid); /* the configuration was checked */
        frontend->server_users[count++] =
            (struct notch_server_user){.name = user->name, .role = user->role, .hash = user->hash};
    }
    return count;
}

static size_t collect_hosts(struct notch_frontend *frontend)
{
    size_t count = 0;
    const char *item;
    while (count < USERS_MAX &&
           (item = notch_config_item(frontend->options.config, NOTCH_CONFIG_RPC_HOST, count)) != NULL) {
        frontend->hosts[count++] = item;
    }
    return count;
}

static enum notch_err make_server(struct notch_frontend *frontend, const char **detail)
{
    const struct notch_frontend_options *options = &frontend->options;
    const struct notch_config *config = options->config;
    struct notch_server_options server = {
        .rpc = frontend->rpc,
        .alloc = options->alloc,
        .log = options->log,
        .bind = notch_config_text(config, NOTCH_CONFIG_RPC_BIND),
        .allow_remote = notch_config_is_on(config, NOTCH_CONFIG_RPC_ALLOW_REMOTE),
        .port = (uint16_t)number(frontend, NOTCH_CONFIG_RPC_PORT),
        .cookie_path = frontend->cookie,
        .users = frontend->server_users,
        .user_count = collect_users(frontend),
        .hosts = frontend->hosts,
        .host_count = collect_hosts(frontend),
        .metrics_private = notch_config_is_on(config, NOTCH_CONFIG_RPC_METRICS_PRIVATE),
        .threads = number(frontend, NOTCH_CONFIG_RPC_THREADS),
        .connections_max = number(frontend, NOTCH_CONFIG_RPC_CONNECTIONS),
        .idle_s_max = number(frontend, NOTCH_CONFIG_RPC_IDLE),
        .waiting_max = number(frontend, NOTCH_CONFIG_RPC_WAITING),
        .sockets_max = number(frontend, NOTCH_CONFIG_RPC_SOCKETS),
        .socket_queue_bytes_max = number(frontend, NOTCH_CONFIG_RPC_SOCKET_QUEUE) << 10,
        .socket_stall_s_max = number(frontend, NOTCH_CONFIG_RPC_SOCKET_STALL),
        .requests_per_second_max = number(frontend, NOTCH_CONFIG_RPC_RATE),
        .sight_take = sight_take,
        .sight_give = sight_give,
        .request = on_request,
        .stop = on_stop,
        .metrics = append_metrics,
        .arg = frontend,
    };
    return notch_server_create(&frontend->server, &server, detail);
}

static enum notch_err listen_on(struct notch_frontend *frontend, struct notch_buf *problem)
{
    const char *address = notch_config_text(frontend->options.config, NOTCH_CONFIG_RPC_BIND);
    uint32_t wanted = number(frontend, NOTCH_CONFIG_RPC_PORT);
    const char *detail = "";
    enum notch_err err = make_server(frontend, &detail);
    if (err == NOTCH_OK) {
        err = notch_server_start(frontend->server, &detail);
    }
    if (err == NOTCH_ERR_ADDRESS_IN_USE) {
        notch_text(problem,
                   "port %u of %s is taken: stop whoever has it (ss -ltnp), or choose another with --rpc.port\n",
                   (unsigned)wanted, address);
    } else if (err != NOTCH_OK) {
        notch_text(problem, "the RPC cannot listen on port %u of %s: %s: %s\n", (unsigned)wanted, address,
                   notch_err_text(err), detail);
    }
    return err;
}

static enum notch_err tell_port(struct notch_frontend *frontend, struct notch_buf *problem)
{
    const char *address = notch_config_text(frontend->options.config, NOTCH_CONFIG_RPC_BIND);
    unsigned port = notch_server_port(frontend->server);
    bool is_v6 = strchr(address, ':') != NULL;
    snprintf(frontend->url, sizeof frontend->url, "http://%s%.64s%s:%u/", is_v6 ? "[" : "", address, is_v6 ? "]" : "",
             port);
    char text[16];
    int len = snprintf(text, sizeof text, "%u\n", port);
    return notch_folder_write(problem, frontend->port, notch_bytes(text, (size_t)len));
}

enum notch_err notch_frontend_open(struct notch_frontend **out, struct notch_buf *problem,
                                   const struct notch_frontend_options *options)
{
    struct notch_frontend *frontend = notch_alloc(options->alloc, sizeof *frontend);
    *out = frontend;
    frontend->options = *options;
    notch_buf_init(&frontend->config_json, options->alloc);
    notch_folder_file(frontend->port, options->folder, "rpc.port", "");
    notch_folder_file(frontend->cookie, options->folder, "rpc.cookie",
                      notch_config_text(options->config, NOTCH_CONFIG_RPC_COOKIE));
    enum notch_err err = make_rpc(frontend);
    notch_assert(err == NOTCH_OK); /* our own JSON */
    err = listen_on(frontend, problem);
    return err == NOTCH_OK ? tell_port(frontend, problem) : err;
}

void notch_frontend_close(struct notch_frontend *frontend)
{
    if (frontend == NULL) {
        return;
    }
    const struct notch_alloc *alloc = frontend->options.alloc;
    (void)unlink(frontend->port); /* it may not be there */
    if (frontend->server != NULL) {
        notch_server_stop(frontend->server);
        notch_server_destroy(frontend->server);
    }
    notch_rpc_destroy(frontend->rpc);
    notch_buf_fini(&frontend->config_json);
    notch_free(alloc, frontend, sizeof *frontend);
}

void notch_frontend_forget(const struct notch_frontend *frontend)
{
    if (frontend != NULL) {
        (void)unlink(frontend->port);
        (void)unlink(frontend->cookie);
    }
}

void notch_frontend_head(struct notch_frontend *frontend, const struct notch_block_ref *block)
{
    if (frontend != NULL) {
        notch_server_head(frontend->server, block);
    }
}

void notch_frontend_final(struct notch_frontend *frontend, const struct notch_block_ref *block)
{
    if (frontend != NULL) {
        notch_server_final(frontend->server, block);
    }
}

const char *notch_frontend_url(const struct notch_frontend *frontend)
{
    return frontend->url;
}

const char *notch_frontend_cookie(const struct notch_frontend *frontend)
{
    return frontend->cookie;
}
