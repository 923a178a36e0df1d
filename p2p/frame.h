/*
 * p2p/frame.h: frames: how messages stand in the stream of bytes of a connection.
 *
 *   frame   type u8 | flags u8 | length u32 | length bytes
 *   flags   1: the bytes are one zstd frame that states the size of its contents. No other flag is known.
 *
 * TLS below keeps the bytes whole and in order: a frame has no checksum. Bytes come in any pieces; a frame is
 * refused as soon as its six bytes of head are here, before memory is taken: an unknown type or flag, a length above
 * the cap of the type (both before and after decompression), or any type but HELLO and BYE before the connection is
 * open. Memory then grows with the bytes that arrive, not with the length announced.
 *
 * Ownership    A framer owns its buffer; a struct notch_p2p_zstd owns the working memory of zstd and is shared by all
 *              framers of a core. Payloads given out are valid until the next call with the same framer or zstd.
 * Limits       The caps of p2p/wire.h. Decompression writes into memory of the stated size, which is at most the cap.
 * Determinism  What is decoded is. Compressed bytes differ between versions of zstd: nothing hashes them.
 * Thread       One at a time.
 */
#ifndef NOTCH_P2P_FRAME_H
#define NOTCH_P2P_FRAME_H

#include "p2p/effect.h"

#define NOTCH_P2P_FRAME_HEAD 6
#define NOTCH_P2P_FRAME_ZSTD 1u

struct notch_p2p_zstd {
    void *deflate; /* working memory, taken at first use */
    size_t deflate_size;
    void *inflate;
    size_t inflate_size;
    struct notch_buf out; /* the last payload decompressed, or frame compressed */
    const struct notch_alloc *alloc;
};
void notch_p2p_zstd_init(struct notch_p2p_zstd *zstd, const struct notch_alloc *alloc);
void notch_p2p_zstd_fini(struct notch_p2p_zstd *zstd);

struct notch_p2p_framer {
    struct notch_buf buf; /* of a frame that is not whole yet */
    bool is_open;         /* the handshake is done: set by the owner */
    bool is_done_with;    /* buf holds the frame given out last */
};
void notch_p2p_framer_init(struct notch_p2p_framer *framer, const struct notch_alloc *alloc);
void notch_p2p_framer_fini(struct notch_p2p_framer *framer);

/* Whether a frame has begun and is not whole, and how long it will be (0 while its head is not here). */
bool notch_p2p_framer_is_inside(const struct notch_p2p_framer *framer, size_t *frame_len);

enum notch_p2p_frame_state {
    NOTCH_P2P_FRAME_MORE,  /* all of *input was taken, no frame is whole */
    NOTCH_P2P_FRAME_WHOLE, /* *code and *payload are set; call again with the rest of *input */
    NOTCH_P2P_FRAME_BAD    /* *reason says why; the connection is of no more use */
};

/* Takes bytes from the beginning of *input. */
NOTCH_MUST_USE enum notch_p2p_frame_state notch_p2p_framer_next(struct notch_p2p_framer *framer,
                                                                struct notch_p2p_zstd *zstd, struct notch_bytes *input,
                                                                uint8_t *code, struct notch_bytes *payload,
                                                                enum notch_p2p_reason *reason);

/*
 * Appends a frame. From compress_min bytes on (0: never) the payload is compressed, if that makes it shorter. The
 * payload is within the cap of the type.
 */
void notch_p2p_frame_append(struct notch_buf *out, struct notch_p2p_zstd *zstd, enum notch_p2p_type type,
                            struct notch_bytes payload, size_t compress_min);

#endif
