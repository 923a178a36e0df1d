/* The bytes behind the head of the last segment: the log opens with a prefix that reads well, or names the damage. */
#include "chain/io/bodies.h"
#include "tests/support/fault_disk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault_disk *disk = fault_disk_create(1);
    struct notch__io io = {.files = fault_disk_ops(disk), .alloc = notch_alloc_heap()};
    struct notch__bodies bodies;
    notch__bodies_init(&bodies, &io, "d", 1u << 20);
    must(io.files->make_dir(io.files->self, "d") == 0);
    must(notch__bodies_make(&bodies) == NOTCH_OK);
    int file = io.files->open(io.files->self, "d/bodies/000000.seg", NOTCH_FILE_WRITE);
    must(file >= 0);
    must(notch__file_write(io.files, file, data, size, NOTCH__SEGMENT_HEAD) == 0);
    must(io.files->close(io.files->self, file) == 0);

    enum notch_err err = notch__bodies_open(&bodies);
    must(err == NOTCH_OK || err == NOTCH_ERR_CORRUPT);
    if (err == NOTCH_OK) {
        struct notch_buf body;
        notch_buf_init(&body, notch_alloc_heap());
        for (uint64_t position = 0; position < notch__bodies_count(&bodies); position++) {
            must(notch__bodies_read(&bodies, &body, position) == NOTCH_OK);
        }
        /* What is appended now is read back after another start. */
        must(notch__bodies_append(&bodies, notch_bytes("new", 3), 0) == NOTCH_OK);
        must(notch__bodies_sync(&bodies) == NOTCH_OK);
        uint64_t count = notch__bodies_count(&bodies);
        notch__bodies_close(&bodies);
        notch__bodies_fini(&bodies);
        notch__bodies_init(&bodies, &io, "d", 1u << 20);
        must(notch__bodies_open(&bodies) == NOTCH_OK);
        must(notch__bodies_count(&bodies) == count);
        notch_buf_fini(&body);
    }
    notch__bodies_close(&bodies);
    notch__bodies_fini(&bodies);
    fault_disk_destroy(disk);
    return 0;
}
