/* A whole file of votes: it is read, its torn end is cut, or it is lost; never anything else. */
#include "chain/io/votelog.h"
#include "tests/support/fault_disk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool count(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    must(key.len == 0);
    must(value.len <= NOTCH_STORE_BODY_MAX);
    ++*(uint64_t *)arg;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault_disk *disk = fault_disk_create(1);
    struct notch__io io = {.files = fault_disk_ops(disk), .alloc = notch_alloc_heap()};
    struct notch__votelog votes;
    notch__votelog_init(&votes, &io, "d", 1024);
    must(io.files->make_dir(io.files->self, "d") == 0);
    fault_disk_put(disk, "d/votes", data, size);

    enum notch_err err = notch__votelog_open(&votes);
    must(err == NOTCH_OK || err == NOTCH_ERR_VERSION || err == NOTCH_ERR_NETWORK);
    if (err == NOTCH_OK) {
        bool lost = votes.state == NOTCH__VOTELOG_LOST;
        uint64_t before = 0;
        must(notch__votelog_visit(&votes, count, &before) == (lost ? NOTCH_ERR_CORRUPT : NOTCH_OK));
        must(!lost || before == 0);
        notch__votelog_append(&votes, notch_bytes("new", 3), 0);
        must(notch__votelog_sync(&votes) == NOTCH_OK);
        uint64_t after = 0;
        must(notch__votelog_visit(&votes, count, &after) == NOTCH_OK);
        must(after >= 1);
    }
    notch__votelog_close(&votes);
    notch__votelog_fini(&votes);
    fault_disk_destroy(disk);
    return 0;
}
