/*
 * chain/io/segment.h: one segment file of the body log, and its index.
 *
 *   000000.seg   head of 64 bytes, then frames (chain/io/frame.h)
 *                  magic "NOTCHSEG", format u32, number u32, first position u64, genesis 32, zeros 4, CRC-32C u32
 *   000000.idx   of a full segment: where its frames begin, so that it need not be read to be opened
 *                  magic "NOTCHIDX", number u32, count u32, first u64, end u64, count offsets u32, last mark u64,
 *                  CRC-32C
 *
 * An index is only ever a shortcut: where it is missing or bad, the segment is read and the index written again.
 *
 * Ownership    `at` belongs to the io's allocator: notch__segment_fini().
 * Limits       Offsets are multiples of 8 in 32 bits: a segment is less than 4 GiB by its own limit, not by this.
 * Thread       Values.
 */
#ifndef NOTCH_CHAIN_IO_SEGMENT_H
#define NOTCH_CHAIN_IO_SEGMENT_H

#include "chain/io/frame.h"

#define NOTCH__SEGMENT_HEAD 64
#define NOTCH__SEGMENT_NAME_MAX 24

struct notch__segment {
    uint32_t number;
    uint32_t count;
    uint32_t cap;
    uint32_t *at;       /* offset of each frame, in units of 8 bytes */
    uint64_t first;     /* position of its first body */
    uint64_t end;       /* offset behind its last frame */
    uint64_t last_mark; /* of its last frame */
};

struct notch__segment_name {
    char text[NOTCH__SEGMENT_NAME_MAX];
};
struct notch__segment_name notch__segment_name(uint32_t number, const char *extension);

/* Whether `name` is that of a segment file, and which. */
bool notch__segment_number(uint32_t *number, const char *name);

void notch__segment_fini(struct notch__segment *segment, const struct notch__io *io);
void notch__segment_add(struct notch__segment *segment, const struct notch__io *io, uint64_t offset, uint64_t size,
                        uint64_t mark);

/* Writes an empty segment, wholly or not at all. */
NOTCH_MUST_USE enum notch_err notch__segment_make(struct notch__io *io, const char *dir, uint32_t number,
                                                  uint64_t first);

/* Fills number and first from the head. NETWORK, VERSION, CORRUPT. */
NOTCH_MUST_USE enum notch_err notch__segment_head(struct notch__segment *segment, struct notch__io *io, int file,
                                                  const char *path, uint32_t number);

/* Reads every frame behind the head and fills the rest. IO. */
NOTCH_MUST_USE enum notch_err notch__segment_scan(struct notch__segment *segment, struct notch__frames *out,
                                                  const struct notch__io *io, int file);

/* Fills the rest from the index, if that is whole and ends where the file does; false otherwise. */
bool notch__segment_index_load(struct notch__segment *segment, const struct notch__io *io, const char *dir,
                               uint64_t file_size);

/* Best effort: without it the next start takes longer. */
void notch__segment_index_save(const struct notch__segment *segment, struct notch__io *io, const char *dir);

#endif
