/* The disk in memory, as the simulator takes it. */
#include "tests/sim/sim_internal.h"

static void *create(const struct notch_hash *genesis, uint64_t seed)
{
    (void)genesis;
    return notch_memstore_create(notch_alloc_heap(), (struct notch_siphash_key){seed, 2});
}

static void destroy(void *disk)
{
    notch_memstore_destroy(disk);
}

static struct notch_store_view view_of(const void *disk)
{
    return notch_memstore_view(disk);
}

static void submit(void *disk, const struct notch_commit *commit)
{
    notch_memstore_submit(disk, commit);
}

static bool complete(void *disk, uint64_t *token)
{
    return notch_memstore_complete(disk, token);
}

static size_t waiting(const void *disk)
{
    return notch_memstore_waiting(disk);
}

static void crash(void *disk, struct notch_rng *rng)
{
    notch_memstore_crash(disk, rng);
}

static void lose_votes(void *disk)
{
    notch_memstore_lose_votes(disk);
}

const struct sim_disk_ops sim_disk_memory = {create, destroy, view_of, submit, complete, waiting, crash, lose_votes};
