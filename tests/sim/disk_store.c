#include "tests/sim/disk_store.h"

#include "base/map.h"
#include "chain/io/store.h"
#include "tests/support/fault_disk.h"
#include "tests/support/fault_env.h"

#include <stdio.h>
#include <stdlib.h>

enum { TOKENS_MAX = 1024, CALLS_MAX = 40, OPEN_CALLS_MAX = 60, OPEN_CUT_PPM = 300000, HALF_PPM = 700000 };

struct disk {
    struct fault_disk *platter;
    void *env;
    struct notch_hash genesis;
    struct notch_store *store;
    struct notch_ring done; /* uint64_t each: tokens that are durable and were not told yet */
    size_t waiting;         /* commits handed over and not told yet */
    bool is_dying;          /* the power goes: failures are expected */
};

static void die(const char *what, const char *text)
{
    fprintf(stderr, "disk_store: %s: %s\n", what, text);
    abort();
}

static void on_done(void *arg, uint64_t token, enum notch_err err)
{
    struct disk *disk = arg;
    if (err == NOTCH_OK) {
        uint64_t *slot = notch_ring_push(&disk->done);
        notch_assert(slot != NULL);
        *slot = token;
    } else if (!disk->is_dying) {
        die("a commit failed by itself", notch_err_text(err));
    }
}

static enum notch_err open_store(struct disk *disk, struct notch_store_failure *failure)
{
    struct notch_store_options options = notch_store_options_default();
    options.dir = "store";
    options.genesis = disk->genesis;
    options.alloc = notch_alloc_heap();
    options.files = fault_disk_ops(disk->platter);
    options.keys_env = disk->env;
    options.done = on_done;
    options.done_arg = disk;
    options.runner = NOTCH_STORE_CALLER_RUNS;
    options.write_buffer_bytes = 64 << 10;
    options.segment_bytes = 256 << 10;
    options.votes_keep_bytes = 16 << 10;
    disk->store = notch_store_create(&options);
    return notch_store_open(disk->store, failure);
}

static void close_store(struct disk *disk)
{
    notch_store_close(disk->store);
    notch_store_destroy(disk->store);
    disk->store = NULL;
}

/* Opens what the disk kept; rng draws whether the power goes once more meanwhile. NULL: it does not. */
static void open_again(struct disk *disk, struct notch_rng *rng)
{
    struct notch_store_failure failure = {.text = ""};
    while (rng != NULL && notch_rng_chance(rng, OPEN_CUT_PPM)) {
        disk->is_dying = true;
        fault_disk_cut_after(disk->platter, notch_rng_below(rng, OPEN_CALLS_MAX));
        (void)open_store(disk, &failure);
        fault_disk_cut(disk->platter);
        close_store(disk);
        fault_disk_power_on(disk->platter, (enum fault_loss)notch_rng_below(rng, FAULT_LOSS_COUNT));
    }
    disk->is_dying = false;
    fault_disk_cut_after(disk->platter, UINT64_MAX);
    if (open_store(disk, &failure) != NOTCH_OK) {
        die("the store does not open", failure.text);
    }
}

static void *create(const struct notch_hash *genesis, uint64_t seed)
{
    struct disk *disk = notch_alloc(notch_alloc_heap(), sizeof *disk);
    disk->genesis = *genesis;
    disk->platter = fault_disk_create(seed);
    disk->env = fault_env_create(fault_disk_ops(disk->platter));
    notch_ring_init(&disk->done, notch_alloc_heap(), sizeof(uint64_t), TOKENS_MAX);
    open_again(disk, NULL);
    return disk;
}

static void destroy(void *arg)
{
    struct disk *disk = arg;
    disk->is_dying = true;
    fault_disk_cut(disk->platter);
    close_store(disk);
    fault_env_destroy(disk->env);
    fault_disk_destroy(disk->platter);
    notch_ring_fini(&disk->done);
    notch_free(notch_alloc_heap(), disk, sizeof *disk);
}

static struct notch_store_view view_of(const void *arg)
{
    const struct disk *disk = arg;
    return notch_store_latest(disk->store);
}

static void submit(void *arg, const struct notch_commit *commit)
{
    struct disk *disk = arg;
    enum notch_err err = notch_store_submit(disk->store, commit);
    if (err != NOTCH_OK) {
        die("a commit is not taken", notch_err_text(err));
    }
    disk->waiting++;
}

static bool complete(void *arg, uint64_t *token)
{
    struct disk *disk = arg;
    if (notch_ring_front(&disk->done) == NULL && !notch_store_run(disk->store)) {
        return false;
    }
    const uint64_t *oldest = notch_ring_front(&disk->done);
    notch_assert(oldest != NULL);
    *token = *oldest;
    notch_ring_pop(&disk->done);
    disk->waiting--;
    return true;
}

static size_t waiting(const void *arg)
{
    const struct disk *disk = arg;
    return disk->waiting;
}

static void crash(void *arg, struct notch_rng *rng)
{
    struct disk *disk = arg;
    disk->is_dying = true;
    if (notch_rng_chance(rng, HALF_PPM)) {
        fault_disk_cut_after(disk->platter, notch_rng_below(rng, CALLS_MAX));
        while (!fault_disk_is_off(disk->platter) && notch_store_run(disk->store)) {
        }
    }
    fault_disk_cut(disk->platter);
    close_store(disk);
    while (notch_ring_front(&disk->done) != NULL) {
        notch_ring_pop(&disk->done);
    }
    disk->waiting = 0;
    fault_disk_power_on(disk->platter, (enum fault_loss)notch_rng_below(rng, FAULT_LOSS_COUNT));
    open_again(disk, rng);
}

static void lose_votes(void *arg)
{
    struct disk *disk = arg;
    close_store(disk);
    fault_disk_remove(disk->platter, "store/votes");
    open_again(disk, NULL);
}

const struct sim_disk_ops sim_disk_store = {create, destroy, view_of, submit, complete, waiting, crash, lose_votes};
