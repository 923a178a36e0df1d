#include "contrib/bench/node_chain.h"

#include "chain/genesis.h"
#include "node/daemon/clock.h"
#include "node/daemon/folder.h"
#include "node/daemon/network.h"
#include "wallet/io/random.h"
#include "wallet/io/secrets.h"
#include "wallet/io/vault.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FINAL_WAIT_NS_MAX UINT64_C(300000000000)

struct notch_bench_chain {
    struct notch_folder folder;
    struct notch_genesis genesis;
    struct notch_domain domain;
    struct notch_secrets *secrets;
    struct notch_signer validator;
    struct notch_log log;
    struct notch_daemon *daemon;
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    uint64_t open; /* records without a reply */
    uint64_t taken;
    uint64_t refused;
    bool is_started;
    bool has_ended;
    char refusal[128]; /* the first one */
};

static void complain(void *self, enum notch_log_level level, const char *module, const char *line, size_t len)
{
    (void)self;
    fprintf(stderr, "bench: %s: %s: %.*s\n", notch_log_level_name(level), module, (int)len, line);
}

/* ---- what the loop's thread tells ---- */

static void on_started(void *arg)
{
    struct notch_bench_chain *chain = arg;
    pthread_mutex_lock(&chain->mutex);
    chain->is_started = true;
    pthread_cond_broadcast(&chain->changed);
    pthread_mutex_unlock(&chain->mutex);
}

static void on_alarm(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "bench: %s\n", text);
}

static void on_replied(void *arg, const struct notch_reply *reply)
{
    struct notch_bench_chain *chain = arg;
    pthread_mutex_lock(&chain->mutex);
    if (reply->err != NOTCH_OK) {
        chain->refused++;
        chain->open = 0; /* the node has failed: nothing else will be answered well */
        snprintf(chain->refusal, sizeof chain->refusal, "%s", notch_err_text(reply->err));
    }
    for (size_t i = 0; reply->err == NOTCH_OK && i < reply->records.count; i++) {
        const struct notch_record_result *result = &reply->records.results[i];
        chain->open--;
        if (result->status == NOTCH_STATUS_REFUSED) {
            chain->refused++;
            snprintf(chain->refusal, sizeof chain->refusal, "%s", result->reject.reason);
        } else if (!result->duplicate) {
            chain->taken++;
        }
    }
    pthread_cond_signal(&chain->changed);
    pthread_mutex_unlock(&chain->mutex);
}

static void *run(void *arg)
{
    struct notch_bench_chain *chain = arg;
    struct notch_daemon_failure failure = {.text = ""};
    if (notch_daemon_run(chain->daemon, &failure) != NOTCH_OK) {
        fprintf(stderr, "bench: %s\n", failure.text);
    }
    pthread_mutex_lock(&chain->mutex);
    chain->has_ended = true;
    pthread_cond_broadcast(&chain->changed);
    pthread_mutex_unlock(&chain->mutex);
    return NULL;
}

/* ---- opening ---- */

static bool read_genesis(struct notch_bench_chain *chain, struct notch_buf *problem)
{
    char path[NOTCH_FOLDER_PATH_MAX];
    struct notch_buf file;
    notch_buf_init(&file, notch_alloc_heap());
    bool ok = notch_chain_make_dev(problem, &chain->folder, notch_alloc_heap()) == NOTCH_OK &&
              notch_folder_read(&file, problem, notch_folder_file(path, &chain->folder, "genesis", ""),
                                NOTCH_GENESIS_BYTES_MAX) == NOTCH_OK &&
              notch_is_valid(notch_genesis_decode(&chain->genesis, notch_buf_bytes(&file)));
    if (ok) {
        struct notch_hash hash;
        notch_genesis_hash(&hash, notch_buf_bytes(&file));
        notch_domain_init(&chain->domain, &hash);
    }
    notch_buf_fini(&file);
    return ok;
}

static bool load_validator(struct notch_bench_chain *chain)
{
    char path[NOTCH_FOLDER_PATH_MAX];
    const char *detail = "";
    struct notch_keyfile *key = notch_secrets_alloc(sizeof *key);
    notch_folder_file(path, &chain->folder, "validator.key", "");
    enum notch_err err = key == NULL ? NOTCH_ERR_CRYPTO : notch_vault_load(key, path, notch_bytes("", 0), &detail);
    if (err == NOTCH_OK) {
        err = notch_secrets_create(&chain->secrets, 1, notch_crypto_secp(), notch_alloc_heap());
    }
    if (err == NOTCH_OK) {
        err = notch_secrets_add(chain->secrets, &chain->validator, key->secret);
    }
    notch_secrets_free(key);
    if (err != NOTCH_OK) {
        fprintf(stderr, "bench: %s: %s. %s\n", path, notch_err_text(err), detail);
        return false;
    }
    notch_secrets_seal(chain->secrets);
    return true;
}

static bool start(struct notch_bench_chain *chain, uint32_t workers)
{
    char store[NOTCH_FOLDER_PATH_MAX];
    struct notch_daemon_options options = {
        .genesis = &chain->genesis,
        .domain = &chain->domain,
        .crypto = notch_crypto_secp(),
        .alloc = notch_alloc_heap(),
        .log = &chain->log,
        .validator = &chain->validator,
        .clock_is_trusted = true,
        .store = notch_store_options_default(),
        .workers = workers,
        .hooks = {.started = on_started, .alarm = on_alarm, .arg = chain},
    };
    options.store.dir = notch_folder_file(store, &chain->folder, "store", "");
    notch_random_fill(&options.hash_key, sizeof options.hash_key);
    chain->daemon = notch_daemon_create(&options);
    struct notch_daemon_failure failure;
    if (notch_daemon_open(chain->daemon, &failure) != NOTCH_OK) {
        fprintf(stderr, "bench: %s\n", failure.text);
        return false;
    }
    chain->has_thread = pthread_create(&chain->thread, NULL, run, chain) == 0;
    pthread_mutex_lock(&chain->mutex);
    while (chain->has_thread && !chain->is_started && !chain->has_ended) {
        pthread_cond_wait(&chain->changed, &chain->mutex);
    }
    bool ok = chain->has_thread && !chain->has_ended;
    pthread_mutex_unlock(&chain->mutex);
    return ok;
}

bool notch_bench_chain_open(struct notch_bench_chain **out, const char *dir, uint32_t workers)
{
    struct notch_buf problem;
    notch_buf_init(&problem, notch_alloc_heap());
    struct notch_bench_chain *chain = notch_alloc(notch_alloc_heap(), sizeof *chain);
    pthread_mutex_init(&chain->mutex, NULL);
    pthread_cond_init(&chain->changed, NULL);
    notch_genesis_init(&chain->genesis, notch_alloc_heap());
    chain->log = (struct notch_log){complain, NULL, NOTCH_LOG_WARN};
    chain->folder.lock = -1;
    bool ok = notch_folder_open(&chain->folder, &problem, dir) == NOTCH_OK && read_genesis(chain, &problem);
    if (!ok) {
        fprintf(stderr, "bench: %s: %.*s\n", dir, (int)problem.len, (const char *)problem.data);
    }
    notch_buf_fini(&problem);
    if (!ok || !load_validator(chain) || !start(chain, workers)) {
        notch_bench_chain_close(chain);
        return false;
    }
    *out = chain;
    return true;
}

void notch_bench_chain_close(struct notch_bench_chain *chain)
{
    if (chain->has_thread) {
        notch_daemon_stop(chain->daemon);
        pthread_join(chain->thread, NULL);
    }
    if (chain->daemon != NULL) {
        notch_daemon_close(chain->daemon);
        notch_daemon_destroy(chain->daemon);
    }
    notch_secrets_destroy(chain->secrets);
    notch_genesis_fini(&chain->genesis);
    notch_folder_close(&chain->folder);
    pthread_cond_destroy(&chain->changed);
    pthread_mutex_destroy(&chain->mutex);
    notch_free(notch_alloc_heap(), chain, sizeof *chain);
}

const struct notch_domain *notch_bench_chain_domain(const struct notch_bench_chain *chain)
{
    return &chain->domain;
}

/* ---- loading ---- */

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Waits until at most `most` records are unanswered; false when something went wrong. */
static bool await_room(struct notch_bench_chain *chain, uint64_t most)
{
    pthread_mutex_lock(&chain->mutex);
    while (chain->open > most && !chain->has_ended && chain->refused == 0) {
        pthread_cond_wait(&chain->changed, &chain->mutex);
    }
    bool ok = !chain->has_ended && chain->refused == 0;
    if (!ok) {
        fprintf(stderr, "bench: a record was refused: %s\n", chain->has_ended ? "the node ended" : chain->refusal);
    }
    pthread_mutex_unlock(&chain->mutex);
    return ok;
}

static bool submit_one(struct notch_bench_chain *chain, const struct notch_bytes *records, size_t count)
{
    struct notch_request request = {.type = NOTCH_REQUEST_SUBMIT, .submit = {records, count}};
    pthread_mutex_lock(&chain->mutex);
    chain->open += count;
    pthread_mutex_unlock(&chain->mutex);
    enum notch_err err = notch_daemon_request(chain->daemon, &request, on_replied, chain);
    if (err != NOTCH_OK) {
        fprintf(stderr, "bench: the node takes no records: %s\n", notch_err_text(err));
    }
    return err == NOTCH_OK;
}

bool notch_bench_chain_submit(struct notch_bench_chain *chain, uint64_t *taken, const struct notch_bytes *records,
                              size_t count, uint32_t group, uint32_t in_flight, uint64_t until_ns)
{
    chain->taken = 0;
    size_t at = 0;
    while (at < count && now_ns() < until_ns) {
        size_t left = count - at;
        size_t some = left < group ? left : group;
        if (!await_room(chain, in_flight - some) || !submit_one(chain, records + at, some)) {
            return false;
        }
        at += some;
    }
    if (!await_room(chain, 0)) {
        return false;
    }
    *taken = chain->taken;
    return true;
}

static uint64_t final_records(struct notch_bench_chain *chain)
{
    struct notch_node_info info;
    notch_bench_chain_info(chain, &info);
    return info.records;
}

/* Looks every millisecond: a wake-up of the loop's would come before the figures that it is about. */
bool notch_bench_chain_await_final(struct notch_bench_chain *chain, uint64_t records)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t until_ns = now_ns() + FINAL_WAIT_NS_MAX;
    while (final_records(chain) < records && now_ns() < until_ns) {
        (void)nanosleep(&pause, NULL);
    }
    uint64_t final = final_records(chain);
    if (final < records) {
        fprintf(stderr, "bench: %llu records are final where %llu should be\n", (unsigned long long) final,
                (unsigned long long)records);
    }
    return final >= records;
}

void notch_bench_chain_info(struct notch_bench_chain *chain, struct notch_node_info *out)
{
    struct notch_daemon_sight sight;
    notch_daemon_sight_take(chain->daemon, &sight);
    *out = sight.info == NULL ? (struct notch_node_info){0} : *sight.info;
    notch_daemon_sight_give(chain->daemon, &sight);
}

void notch_bench_chain_stats(struct notch_bench_chain *chain, struct notch_daemon_stats *out)
{
    notch_daemon_stats(chain->daemon, out);
}
