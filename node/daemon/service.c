#include "node/daemon/service.h"

#include "base/secp.h"
#include "node/daemon/clock.h"
#include "node/daemon/daemon.h"
#include "node/daemon/frontend.h"
#include "node/daemon/identity.h"
#include "node/daemon/logger.h"
#include "node/daemon/network.h"
#include "node/daemon/notify.h"
#include "node/daemon/peering.h"
#include "node/daemon/signals.h"
#include "node/daemon/text.h"
#include "wallet/io/random.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_EVERY_S = 10, SUMMARY_EVERY_S = 60, PROGRESS_EVERY = 1000 };

struct service {
    const struct notch_config *config;
    const struct notch_alloc *alloc;
    bool is_dev;
    struct notch_buf problem; /* what went wrong, for the user */
    struct notch_logger *logger;
    const struct notch_log *log;
    struct notch_notify notify;
    struct notch_folder folder;
    struct notch_chain chain;
    struct notch_identity identity;
    struct notch_peering peering;
    struct notch_daemon *daemon;
    pthread_mutex_t stop_mutex; /* between the thread of the signals and the end of the daemon */
    struct notch_frontend *frontend;
    struct notch_signals signals;
    char store_dir[NOTCH_FOLDER_PATH_MAX];
    bool was_started;
    uint64_t beats;
    uint64_t said_height;
};

static enum notch_err fail(struct service *service, enum notch_err err, const char *text)
{
    notch_text(&service->problem, "%s\n", text);
    return err;
}

/* ---- hooks of the loop ---- */

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    struct service *service = arg;
    if (notch_daemon_is_stopping(service->daemon)) {
        /* Starting writes nothing, so the process may end here; only what others find in the directory goes. */
        notch_log(service->log, NOTCH_LOG_INFO, "daemon", "stopped while starting: nothing was written");
        notch_frontend_forget(service->frontend);
        notch_folder_discard(&service->folder);
        _exit(NOTCH_EXIT_OK);
    }
    if (done % PROGRESS_EVERY == 0 || done == total) {
        notch_log(service->log, NOTCH_LOG_INFO, "daemon", "gone through %llu of %llu bodies", (unsigned long long)done,
                  (unsigned long long)total);
        notch_notify_send(&service->notify, "STATUS=gone through %llu of %llu bodies\nEXTEND_TIMEOUT_USEC=60000000%s",
                          (unsigned long long)done, (unsigned long long)total,
                          service->notify.wants_watchdog ? "\nWATCHDOG=1" : "");
    }
}

/* What a user types next. */
static void print_dev_advice(const struct service *service)
{
    const char *folder = service->folder.path;
    printf("A chain for trying things out runs in %s\n", folder);
    if (service->frontend != NULL) {
        printf("  notch --data %s status\n", folder);
        printf("  curl -u \"$(cat %s)\" -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"getinfo\"}' %s\n",
               notch_frontend_cookie(service->frontend), notch_frontend_url(service->frontend));
    }
    printf("Ctrl-C ends it%s.\n", service->folder.is_temporary ? " and throws the chain away" : "; the chain stays");
    (void)fflush(stdout); /* advice only */
}

/* A validator that cannot vote is worth a line: what it takes in stays on this disk. */
static void warn_if_silent(const struct service *service)
{
    struct notch_daemon_sight sight;
    notch_daemon_sight_take(service->daemon, &sight);
    if (service->identity.has_validator && sight.info != NULL && !sight.info->voting) {
        char key[NOTCH_KEY_TEXT_MAX + 1];
        notch_key_print(key, &service->identity.validator.key, service->chain.genesis.network);
        notch_log(
            service->log, NOTCH_LOG_WARN, "daemon",
            "this node does not vote: %s is not in the validator set (getvalidators lists it), or an alarm says why",
            key);
    }
    notch_daemon_sight_give(service->daemon, &sight);
}

static void on_started(void *arg)
{
    struct service *service = arg;
    const struct notch_genesis *genesis = &service->chain.genesis;
    service->was_started = true;
    notch_log(service->log, NOTCH_LOG_INFO, "daemon", "notchd %s runs the chain \"%s\" in %s%s%s", NOTCH_VERSION,
              genesis->name, service->folder.path, service->frontend == NULL ? "" : ", RPC at ",
              service->frontend == NULL ? "" : notch_frontend_url(service->frontend));
    warn_if_silent(service);
    notch_notify_send(&service->notify, "READY=1\nSTATUS=running");
    if (service->is_dev) {
        print_dev_advice(service);
    }
}

static void on_head(void *arg, const struct notch_block_ref *block)
{
    struct service *service = arg;
    notch_frontend_head(service->frontend, block);
}

static void on_final(void *arg, const struct notch_block_ref *block)
{
    struct service *service = arg;
    notch_frontend_final(service->frontend, block);
}

static void on_alarm(void *arg, const char *text)
{
    struct service *service = arg;
    notch_notify_send(&service->notify, "STATUS=%s", text);
}

static void say_status(struct service *service)
{
    struct notch_daemon_sight sight;
    notch_daemon_sight_take(service->daemon, &sight);
    const struct notch_node_info *info = sight.info;
    if (info != NULL) {
        uint64_t height = info->finality_state.final.height.raw; /* Raw: printed */
        notch_notify_send(&service->notify, "STATUS=height %llu final, %llu records", (unsigned long long)height,
                          (unsigned long long)info->records);
        if (service->beats % SUMMARY_EVERY_S == 0 && height != service->said_height) {
            notch_log(service->log, NOTCH_LOG_INFO, "daemon", "height %llu final, %llu records, %llu pending",
                      (unsigned long long)height, (unsigned long long)info->records,
                      (unsigned long long)info->pending_records);
            service->said_height = height;
        }
    }
    notch_daemon_sight_give(service->daemon, &sight);
}

static void on_beat(void *arg)
{
    struct service *service = arg;
    service->beats++;
    notch_logger_flush(service->logger);
    if (service->notify.wants_watchdog) {
        notch_notify_send(&service->notify, "WATCHDOG=1");
    }
    if (service->beats % STATUS_EVERY_S == 0) {
        say_status(service);
    }
}

/* ---- signals ---- */

static void on_stop_signal(void *arg, const char *why)
{
    struct service *service = arg;
    notch_log(service->log, NOTCH_LOG_INFO, "daemon", "stopping: %s; once more ends at once", why);
    notch_notify_send(&service->notify, "STOPPING=1\nSTATUS=stopping");
    pthread_mutex_lock(&service->stop_mutex);
    if (service->daemon != NULL) {
        notch_daemon_stop(service->daemon);
    }
    pthread_mutex_unlock(&service->stop_mutex);
}

static void on_reload_signal(void *arg)
{
    struct service *service = arg;
    enum notch_err err = notch_logger_open(service->logger);
    notch_log(service->log, err == NOTCH_OK ? NOTCH_LOG_INFO : NOTCH_LOG_ERROR, "daemon", "log opened again: %s",
              notch_err_text(err));
}

/* ---- the parts, in order ---- */

static enum notch_err open_log(struct service *service)
{
    const struct notch_config *config = service->config;
    enum notch_log_level level = NOTCH_LOG_ERROR;
    const char *name = notch_config_text(config, NOTCH_CONFIG_LOG_LEVEL);
    while (level < NOTCH_LOG_TRACE && strcmp(notch_log_level_name(level), name) != 0) {
        level++;
    }
    bool is_json = strcmp(notch_config_text(config, NOTCH_CONFIG_LOG_FORMAT), "json") == 0;
    const char *path = notch_config_text(config, NOTCH_CONFIG_LOG_FILE);
    service->logger = notch_logger_create(service->alloc, level, is_json ? NOTCH_LOGGER_JSON : NOTCH_LOGGER_TEXT, path);
    service->log = notch_logger_sink(service->logger);
    enum notch_err err = notch_logger_open(service->logger);
    if (err != NOTCH_OK) {
        notch_text(&service->problem,
                   "%s: the log cannot be written: %s. Choose another file with log.file, or leave it out "
                   "to log to standard error\n",
                   path, notch_err_text(err));
    }
    return err;
}

static enum notch_err open_chain(struct service *service)
{
    const struct notch_config *config = service->config;
    const char *path = notch_config_text(config, NOTCH_CONFIG_NODE_DATA);
    enum notch_err err = notch_folder_open(&service->folder, &service->problem, path);
    if (err == NOTCH_OK && service->is_dev) {
        err = notch_chain_make_dev(&service->problem, &service->folder, service->alloc);
    }
    if (err == NOTCH_OK) {
        err = notch_chain_load(&service->chain, &service->problem, config, &service->folder, service->alloc);
    }
    if (err == NOTCH_OK) {
        uint8_t seed[32];
        notch_random_fill(seed, sizeof seed);
        if (!notch_secp_blind(seed)) {
            notch_log(service->log, NOTCH_LOG_DEBUG, "daemon", "signing goes on without a fresh blinding");
        }
        notch_wipe(seed, sizeof seed);
        err = notch_identity_open(&service->identity, &service->problem, config, &service->folder,
                                  service->chain.genesis.network, notch_crypto_secp(), service->alloc);
    }
    return err;
}

static bool is_clock_trusted(const struct service *service)
{
    const char *clock = notch_config_text(service->config, NOTCH_CONFIG_NODE_CLOCK);
    if (strcmp(clock, "system") != 0) {
        return strcmp(clock, "trusted") == 0;
    }
    bool trusted = notch_clock_is_synchronised();
    if (!trusted) {
        notch_log(service->log, NOTCH_LOG_WARN, "daemon",
                  "the system says that its clock is not synchronised: run a time service (systemd-timesyncd, chrony)");
    }
    return trusted;
}

void notch_service_store_options(struct notch_store_options *out, const struct notch_config *config, const char *dir)
{
    *out = notch_store_options_default();
    out->dir = dir;
    out->cache_bytes = (size_t)notch_config_number(config, NOTCH_CONFIG_STORE_CACHE) << 20;
    out->write_buffer_bytes = (size_t)notch_config_number(config, NOTCH_CONFIG_STORE_WRITE_BUFFER) << 20;
    out->segment_bytes = (uint32_t)(notch_config_number(config, NOTCH_CONFIG_STORE_SEGMENT) << 20);
}

static uint32_t number(const struct service *service, enum notch_config_key key)
{
    return (uint32_t)notch_config_number(service->config, key); /* the table bounds it */
}

static enum notch_err open_daemon(struct service *service)
{
    const struct notch_identity *identity = &service->identity;
    struct notch_daemon_options options = {
        .genesis = &service->chain.genesis,
        .domain = &service->chain.domain,
        .crypto = notch_crypto_secp(),
        .alloc = service->alloc,
        .log = service->log,
        .validator = identity->has_validator ? &identity->validator : NULL,
        .author = identity->has_author ? &identity->author : NULL,
        .clock_is_trusted = is_clock_trusted(service),
        .in_flight_max = number(service, NOTCH_CONFIG_LIMITS_IN_FLIGHT),
        .in_flight_bytes_max = number(service, NOTCH_CONFIG_LIMITS_IN_FLIGHT_BYTES) << 20,
        .batch_delay_ms = number(service, NOTCH_CONFIG_LIMITS_BATCH_DELAY),
        .layers_max = number(service, NOTCH_CONFIG_LIMITS_LAYERS),
        .workers = number(service, NOTCH_CONFIG_NODE_WORKERS),
        .requests_max = number(service, NOTCH_CONFIG_LIMITS_REQUESTS),
        .drain_ms = number(service, NOTCH_CONFIG_LIMITS_DRAIN),
        .hooks = {on_progress, on_started, on_head, on_final, on_alarm, on_beat, service},
    };
    notch_random_fill(&options.hash_key, sizeof options.hash_key);
    if (identity->has_node) {
        bool is_right = notch_peering_read(&service->peering, &service->problem, service->config);
        notch_assert(is_right); /* the configuration was checked */
        options.network = &service->peering.config;
        options.node_key = &identity->node;
        notch_random_fill(&options.seed, sizeof options.seed);
    }
    notch_folder_file(service->store_dir, &service->folder, "store", "");
    notch_service_store_options(&options.store, service->config, service->store_dir);
    service->daemon = notch_daemon_create(&options);
    struct notch_daemon_failure failure;
    enum notch_err err = notch_daemon_open(service->daemon, &failure);
    return err == NOTCH_OK ? NOTCH_OK : fail(service, err, failure.text);
}

static enum notch_err open_frontend(struct service *service)
{
    if (!notch_config_is_on(service->config, NOTCH_CONFIG_RPC_ENABLE)) {
        return NOTCH_OK;
    }
    struct notch_frontend_options options = {
        .config = service->config,
        .folder = &service->folder,
        .genesis = &service->chain.genesis,
        .domain = &service->chain.domain,
        .crypto = notch_crypto_secp(),
        .alloc = service->alloc,
        .log = service->log,
        .daemon = service->daemon,
    };
    return notch_frontend_open(&service->frontend, &service->problem, &options);
}

static enum notch_err run(struct service *service)
{
    service->signals.stop = on_stop_signal;
    service->signals.reload = on_reload_signal;
    service->signals.arg = service;
    enum notch_err err = notch_signals_start(&service->signals);
    if (err != NOTCH_OK) {
        return fail(service, err, "the system gives no more threads: raise the limit (ulimit -u)");
    }
    notch_notify_send(&service->notify, "STATUS=starting");
    struct notch_daemon_failure failure;
    err = notch_daemon_run(service->daemon, &failure);
    return err == NOTCH_OK ? NOTCH_OK : fail(service, err, failure.text);
}

static enum notch_err open_and_run(struct service *service)
{
    enum notch_err err = open_log(service);
    if (err == NOTCH_OK) {
        err = open_chain(service);
    }
    if (err == NOTCH_OK) {
        err = open_daemon(service);
    }
    if (err == NOTCH_OK) {
        err = open_frontend(service);
    }
    return err == NOTCH_OK ? run(service) : err;
}

static void close_all(struct service *service)
{
    notch_frontend_close(service->frontend);
    pthread_mutex_lock(&service->stop_mutex);
    struct notch_daemon *daemon = service->daemon;
    service->daemon = NULL;
    pthread_mutex_unlock(&service->stop_mutex);
    notch_daemon_destroy(daemon);
    notch_signals_stop(&service->signals);
    notch_identity_close(&service->identity);
    notch_chain_fini(&service->chain);
    notch_folder_discard(&service->folder);
    notch_folder_close(&service->folder);
    if (service->was_started) {
        notch_log(service->log, NOTCH_LOG_INFO, "daemon", "stopped");
    }
    notch_logger_destroy(service->logger);
    notch_notify_close(&service->notify);
}

enum notch_exit notch_service_run(const struct notch_config *config, bool is_dev, const struct notch_alloc *alloc)
{
    struct service service = {.config = config, .alloc = alloc, .is_dev = is_dev, .folder.lock = -1};
    notch_buf_init(&service.problem, alloc);
    pthread_mutex_init(&service.stop_mutex, NULL);
    notch_signals_block();
    notch_notify_open(&service.notify);
    enum notch_err err = open_and_run(&service);
    close_all(&service);
    if (service.problem.len > 0) {
        (void)fprintf(stderr, "notchd: %s", notch_text_of(&service.problem));
    }
    notch_buf_fini(&service.problem);
    pthread_mutex_destroy(&service.stop_mutex);
    if (err == NOTCH_OK) {
        return NOTCH_EXIT_OK;
    }
    return err == NOTCH_ERR_ADDRESS_IN_USE ? NOTCH_EXIT_UNREACHABLE : NOTCH_EXIT_REFUSED;
}
