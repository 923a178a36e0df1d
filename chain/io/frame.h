/*
 * chain/io/frame.h: how one item lies in an append-only file, and where such a file ends after a crash.
 *
 *      0    4        8         16     24      28         32
 *      len  crc      position  mark   unsafe  head crc   payload, zeros up to a multiple of 8
 *
 *   crc       CRC-32C of the payload; head crc: of the 28 bytes before it, begun with the store's salt
 *   position  dense: what was misplaced, or is left over from before, does not fit in
 *   mark      what else was on disk when this was written: the meaning is the file's owner's
 *   unsafe    how many items before this one were not yet known to be synced
 *
 * The last field tells a torn tail from damage. All that is appended between two syncs may arrive in any order or not
 * at all, so the first bad frame may well be followed by good ones. But a frame which says that everything before
 * position s was synced, with s beyond the bad one, shows that the bad one was once whole: then it is damage and
 * never cut off.
 *
 * The salt is drawn when the store is made: others write our payloads, and none of them shall be taken for a frame.
 *
 * Errors       Any bytes are answered with an end and its kind.
 * Limits       Payloads of NOTCH_STORE_BODY_MAX bytes.
 * Thread       Values; a walk belongs to one thread.
 */
#ifndef NOTCH_CHAIN_IO_FRAME_H
#define NOTCH_CHAIN_IO_FRAME_H

#include "chain/io/file.h"

#define NOTCH__FRAME_HEAD 32

struct notch__frame {
    uint32_t len;
    uint32_t crc;
    uint64_t position;
    uint64_t mark;
    uint32_t unsafe;
};

/* With head and padding. */
static inline uint64_t notch__frame_size(uint32_t len)
{
    return NOTCH__FRAME_HEAD + (((uint64_t)len + 7) & ~(uint64_t)7);
}

/* Appends a whole frame. position >= synced: how many are known to be on disk. */
void notch__frame_append(struct notch_buf *out, uint32_t salt, struct notch_bytes payload, uint64_t position,
                         uint64_t synced, uint64_t mark);

/* Reads a head of 32 bytes; false if it is none. */
bool notch__frame_head(struct notch__frame *out, uint32_t salt, struct notch_bytes head);

/* Whether the payload is the one that was written. */
bool notch__frame_payload_ok(const struct notch__frame *frame, struct notch_bytes payload);

enum notch__frames_end {
    NOTCH__FRAMES_CLEAN,  /* the file ends with its last frame, or in zeros */
    NOTCH__FRAMES_TORN,   /* then comes what was never known to be synced */
    NOTCH__FRAMES_DAMAGED /* the frame at `end` was on disk once, and is bad now */
};

struct notch__frames {
    enum notch__frames_end how;
    uint64_t end;       /* offset behind the last good frame */
    uint64_t next;      /* position behind the last good frame */
    uint64_t last_mark; /* of the last good frame; 0 without one */
};

/* One good frame. The payload is valid during the call; false ends the walk as if the file ended here. */
typedef bool (*notch__frame_visit)(void *arg, const struct notch__frame *frame, uint64_t offset,
                                   struct notch_bytes payload);

/* Walks the frames from `start`, whose first position is `first`. IO only; visit may be NULL. */
NOTCH_MUST_USE enum notch_err notch__frames_walk(struct notch__frames *out, const struct notch__io *io, int file,
                                                 uint64_t start, uint64_t first, notch__frame_visit visit, void *arg);

#endif
