#include "node/daemon/offline.h"

#include "chain/io/store.h"
#include "node/daemon/network.h"
#include "node/daemon/service.h"
#include "node/daemon/text.h"
#include "rpc/io/server.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    struct notch_folder folder;
    struct notch_chain chain;
    struct notch_store_options store;
    char store_dir[NOTCH_FOLDER_PATH_MAX];
    struct notch_buf problem;
    uint64_t damages;
    bool shows_progress;
};

static void ignore_done(void *arg, uint64_t token, enum notch_err err)
{
    (void)arg; /* nothing is ever submitted */
    (void)token;
    (void)err;
}

static enum notch_err open_place(struct place *place, const struct notch_config *config,
                                 const struct notch_alloc *alloc)
{
    const char *path = notch_config_text(config, NOTCH_CONFIG_NODE_DATA);
    *place = (struct place){.folder.lock = -1, .shows_progress = isatty(STDERR_FILENO) == 1};
    notch_buf_init(&place->problem, alloc);
    struct stat found;
    if (path[0] == 0 || stat(path, &found) != 0) {
        notch_text(&place->problem, "%s: there is no such data directory: say which with --data\n", path);
        return NOTCH_ERR_NOT_FOUND;
    }
    enum notch_err err = notch_folder_open(&place->folder, &place->problem, path);
    if (err == NOTCH_OK) {
        err = notch_chain_load(&place->chain, &place->problem, config, &place->folder, alloc);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    notch_folder_file(place->store_dir, &place->folder, "store", "");
    notch_service_store_options(&place->store, config, place->store_dir);
    place->store.genesis = place->chain.domain.genesis;
    place->store.alloc = alloc;
    place->store.done = ignore_done;
    place->store.runner = NOTCH_STORE_CALLER_RUNS;
    return NOTCH_OK;
}

static enum notch_exit close_place(struct place *place, enum notch_err err)
{
    if (place->problem.len > 0) {
        (void)fprintf(stderr, "notchd: %s", notch_text_of(&place->problem));
    }
    notch_buf_fini(&place->problem);
    notch_chain_fini(&place->chain);
    notch_folder_close(&place->folder);
    return err == NOTCH_OK ? NOTCH_EXIT_OK : NOTCH_EXIT_REFUSED;
}

/* ---- verify ---- */

static const char *grade_name(enum notch_finding_grade grade)
{
    switch (grade) {
    case NOTCH_FINDING_NOTE:
        return "note";
    case NOTCH_FINDING_DAMAGE:
        return "damage";
    case NOTCH_FINDING_LOST:
        return "lost";
    }
    return "";
}

static void on_finding(void *self, const struct notch_finding *finding)
{
    struct place *place = self;
    place->damages += finding->grade != NOTCH_FINDING_NOTE;
    printf("%s: %s at %llu: %s%s%s\n", grade_name(finding->grade), finding->file, (unsigned long long)finding->offset,
           finding->what, finding->remedy[0] != 0 ? ". " : "", finding->remedy);
}

static void on_progress(void *self, uint64_t done, uint64_t total)
{
    const struct place *place = self;
    if (place->shows_progress && total > 0) {
        (void)fprintf(stderr, "\rread %llu of %llu MiB%s", (unsigned long long)(done >> 20),
                      (unsigned long long)(total >> 20), done == total ? "\n" : "");
    }
}

enum notch_exit notch_offline_verify(const struct notch_config *config, const struct notch_alloc *alloc)
{
    struct place place;
    enum notch_err err = open_place(&place, config, alloc);
    if (err != NOTCH_OK) {
        return close_place(&place, err);
    }
    struct notch_store_verify_sink sink = {.finding = on_finding, .progress = on_progress, .self = &place};
    struct notch_store_failure failure = {.text = ""};
    err = notch_store_verify(&place.store, &sink, &failure);
    if (err == NOTCH_OK) {
        printf("%s: the store is sound\n", place.store_dir);
    } else if (err == NOTCH_ERR_CORRUPT && place.damages > 0) {
        printf("%s: the store is damaged in %llu places\n", place.store_dir, (unsigned long long)place.damages);
    } else {
        notch_text(&place.problem, "%s\n", failure.text[0] != 0 ? failure.text : notch_err_text(err));
    }
    return close_place(&place, err);
}

/* ---- backup ---- */

static enum notch_err copy_store(struct place *place, const char *target)
{
    char path[NOTCH_FOLDER_PATH_MAX];
    struct notch_folder into = {.lock = -1};
    snprintf(into.path, sizeof into.path, "%s", target);
    notch_folder_file(path, &into, "store", "");
    struct notch_store *store = notch_store_create(&place->store);
    struct notch_store_failure failure = {.text = ""};
    enum notch_err err = notch_store_open(store, &failure);
    if (err == NOTCH_OK) {
        err = notch_store_backup(store, path, &failure);
    }
    notch_store_close(store);
    notch_store_destroy(store);
    if (err != NOTCH_OK) {
        notch_text(&place->problem, "%s\n", failure.text[0] != 0 ? failure.text : notch_err_text(err));
        return err;
    }
    struct notch_buf genesis;
    notch_buf_init(&genesis, place->problem.alloc);
    notch_genesis_encode(&place->chain.genesis, &genesis);
    err = notch_folder_write(&place->problem, notch_folder_file(path, &into, "genesis", ""), notch_buf_bytes(&genesis));
    notch_buf_fini(&genesis);
    return err;
}

enum notch_exit notch_offline_backup(const struct notch_config *config, const struct notch_alloc *alloc,
                                     const char *target)
{
    struct place place;
    struct notch_folder into = {.lock = -1};
    enum notch_err err = open_place(&place, config, alloc);
    if (err == NOTCH_OK) {
        err = notch_folder_open(&into, &place.problem, target);
    }
    if (err == NOTCH_OK) {
        err = copy_store(&place, target);
    }
    if (err == NOTCH_OK) {
        printf(
            "%s: holds the chain now. Keys and the vote log are not in it: a validator that starts from it waits until "
            "the others have moved on\n",
            target);
    }
    notch_folder_close(&into);
    return close_place(&place, err);
}

/* ---- password ---- */

enum notch_exit notch_offline_hash_password(void)
{
    char line[1024];
    char hash[NOTCH_SERVER_PASSWORD_HASH_MAX];
    if (fgets(line, sizeof line, stdin) == NULL) {
        (void)fprintf(stderr, "notchd: expected a password on standard input\n");
        return NOTCH_EXIT_USAGE;
    }
    size_t len = strcspn(line, "\r\n");
    enum notch_err err = len > 0 ? notch_server_hash_password(hash, line, len) : NOTCH_ERR_INVALID;
    notch_wipe(line, sizeof line);
    if (err != NOTCH_OK) {
        (void)fprintf(stderr, "notchd: the password cannot be hashed: %s\n", notch_err_text(err));
        return NOTCH_EXIT_REFUSED;
    }
    printf("%s\n", hash);
    return NOTCH_EXIT_OK;
}
