/*
 * chain/io/bodies.h: the log of bodies: segment files (chain/io/segment.h) with dense positions, read by many,
 * written by one.
 *
 * Invariants   Only the last segment is appended to. A segment is cut to its length and synced before the next
 *              exists, so a torn tail can only be at the end of the last one.
 *              What is visible to readers was synced.
 * Limits       4 bytes of memory for each body; at most NOTCH__BODIES_FILES_MAX segment files open for reading.
 * Errors       CORRUPT where more is wrong than a torn tail: the failure names file and offset.
 * Thread       notch__bodies_read(), _read_part() and _count(): any. Everything else: one writer.
 */
#ifndef NOTCH_CHAIN_IO_BODIES_H
#define NOTCH_CHAIN_IO_BODIES_H

#include "chain/io/segment.h"

#include <pthread.h>

#define NOTCH__BODIES_FILES_MAX 64

struct notch__reader_file {
    int file;
    uint32_t segment;
    uint32_t users;
    uint64_t used; /* when, on the clock of `tick` */
};

struct notch__bodies {
    struct notch__io *io;
    struct notch__path dir;
    uint32_t segment_bytes;

    int file;              /* the last segment, for writing */
    uint64_t appended;     /* bodies handed to append() */
    uint64_t synced;       /* bodies known to be on disk */
    uint64_t last_mark;    /* of the last frame found at open */
    uint64_t written;      /* offset up to which the last segment was written */
    uint64_t zeroed;       /* offset up to which it is known to be made of real blocks */
    struct notch_buf tail; /* frames not yet written */
    uint64_t bytes_total;
    uint64_t syncs;

    pthread_mutex_t lock; /* everything below, and `count` and `at` of segments */
    struct notch__segment *segments;
    size_t segment_count;
    size_t segment_cap;
    uint64_t visible;
    struct notch__reader_file files[NOTCH__BODIES_FILES_MAX];
    size_t file_count;
    uint64_t tick;
};

void notch__bodies_init(struct notch__bodies *bodies, struct notch__io *io, const char *dir, uint32_t segment_bytes);
void notch__bodies_fini(struct notch__bodies *bodies);

/* Makes the folder and an empty first segment. */
NOTCH_MUST_USE enum notch_err notch__bodies_make(struct notch__bodies *bodies);

/* Finds what is there and cuts off a torn tail. */
NOTCH_MUST_USE enum notch_err notch__bodies_open(struct notch__bodies *bodies);
void notch__bodies_close(struct notch__bodies *bodies);

/* Takes one body; it may or may not be in the file before the next sync. */
NOTCH_MUST_USE enum notch_err notch__bodies_append(struct notch__bodies *bodies, struct notch_bytes body,
                                                   uint64_t mark);

/* Everything appended is on disk, and then visible. */
NOTCH_MUST_USE enum notch_err notch__bodies_sync(struct notch__bodies *bodies);

/* Appends the body to *out. NOT_FOUND, IO, CORRUPT. */
NOTCH_MUST_USE enum notch_err notch__bodies_read(struct notch__bodies *bodies, struct notch_buf *out,
                                                 uint64_t position);

/* Appends a part of the body to *out, which the frame's checksum does not vouch for. NOT_FOUND, IO, CORRUPT. */
NOTCH_MUST_USE enum notch_err notch__bodies_read_part(struct notch__bodies *bodies, struct notch_buf *out,
                                                      uint64_t position, struct notch_store_span span);
uint64_t notch__bodies_count(struct notch__bodies *bodies);

#endif
