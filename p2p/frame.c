#define ZSTD_STATIC_LINKING_ONLY /* contexts in memory of our own allocator */

#include "p2p/frame.h"

#include <zstd.h>

enum {
    LEVEL = 1, /* higher ones bought nothing on data like ours */
    KEPT = 128 << 10
};

void notch_p2p_zstd_init(struct notch_p2p_zstd *zstd, const struct notch_alloc *alloc)
{
    *zstd = (struct notch_p2p_zstd){.alloc = alloc};
    notch_buf_init(&zstd->out, alloc);
}

void notch_p2p_zstd_fini(struct notch_p2p_zstd *zstd)
{
    notch_free(zstd->alloc, zstd->deflate, zstd->deflate_size);
    notch_free(zstd->alloc, zstd->inflate, zstd->inflate_size);
    notch_buf_fini(&zstd->out);
}

static ZSTD_CCtx *compressor(struct notch_p2p_zstd *zstd)
{
    if (zstd->deflate == NULL) {
        zstd->deflate_size = ZSTD_estimateCCtxSize(LEVEL);
        zstd->deflate = notch_alloc(zstd->alloc, zstd->deflate_size);
    }
    ZSTD_CCtx *context = ZSTD_initStaticCCtx(zstd->deflate, zstd->deflate_size);
    notch_assert(context != NULL);
    return context;
}

static ZSTD_DCtx *decompressor(struct notch_p2p_zstd *zstd)
{
    if (zstd->inflate == NULL) {
        zstd->inflate_size = ZSTD_estimateDCtxSize();
        zstd->inflate = notch_alloc(zstd->alloc, zstd->inflate_size);
    }
    ZSTD_DCtx *context = ZSTD_initStaticDCtx(zstd->inflate, zstd->inflate_size);
    notch_assert(context != NULL);
    return context;
}

void notch_p2p_framer_init(struct notch_p2p_framer *framer, const struct notch_alloc *alloc)
{
    *framer = (struct notch_p2p_framer){0};
    notch_buf_init(&framer->buf, alloc);
}

void notch_p2p_framer_fini(struct notch_p2p_framer *framer)
{
    notch_buf_fini(&framer->buf);
}

struct head {
    uint8_t code;
    uint8_t flags;
    uint32_t len;
};

static struct head read_head(const uint8_t *bytes)
{
    struct notch_reader reader = notch_reader(notch_bytes(bytes, NOTCH_P2P_FRAME_HEAD));
    struct head head;
    head.code = notch_read_u8(&reader);
    head.flags = notch_read_u8(&reader);
    head.len = notch_read_u32(&reader);
    return head;
}

bool notch_p2p_framer_is_inside(const struct notch_p2p_framer *framer, size_t *frame_len)
{
    *frame_len = 0;
    if (framer->is_done_with || framer->buf.len == 0) {
        return false;
    }
    if (framer->buf.len >= NOTCH_P2P_FRAME_HEAD) {
        *frame_len = NOTCH_P2P_FRAME_HEAD + (size_t)read_head(framer->buf.data).len;
    }
    return true;
}

static enum notch_p2p_reason check_head(const struct notch_p2p_framer *framer, struct head head)
{
    const struct notch_p2p_type_info *info = notch_p2p_type_info(head.code);
    if (info == NULL || (head.flags & ~NOTCH_P2P_FRAME_ZSTD) != 0) {
        return NOTCH_P2P_REASON_MALFORMED;
    }
    bool is_early = info->type == NOTCH_P2P_HELLO || info->type == NOTCH_P2P_BYE;
    if (!framer->is_open && (!is_early || head.flags != 0)) {
        return NOTCH_P2P_REASON_UNEXPECTED;
    }
    return head.len > info->payload_max ? NOTCH_P2P_REASON_TOO_LARGE : NOTCH_P2P_REASON_NONE;
}

/* The contents of a compressed payload; the size it states is looked at first. */
static enum notch_p2p_reason inflate(struct notch_p2p_zstd *zstd, struct notch_bytes *payload, uint32_t max)
{
    unsigned long long size = ZSTD_getFrameContentSize(payload->data, payload->len);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) {
        return NOTCH_P2P_REASON_MALFORMED;
    }
    if (size > max) {
        return NOTCH_P2P_REASON_TOO_LARGE;
    }
    /* One frame and nothing behind it. */
    if (size == 0 || ZSTD_findFrameCompressedSize(payload->data, payload->len) != payload->len) {
        return NOTCH_P2P_REASON_MALFORMED;
    }
    notch_buf_clear(&zstd->out);
    uint8_t *to = notch_buf_reserve(&zstd->out, (size_t)size);
    size_t len = ZSTD_decompressDCtx(decompressor(zstd), to, (size_t)size, payload->data, payload->len);
    if (ZSTD_isError(len) || len != (size_t)size) {
        return NOTCH_P2P_REASON_MALFORMED;
    }
    *payload = notch_bytes(to, len);
    return NOTCH_P2P_REASON_NONE;
}

/* Moves up to `want` bytes in all from the input to the buffer; true once it holds them. */
static bool fill(struct notch_p2p_framer *framer, struct notch_bytes *input, size_t want)
{
    if (framer->buf.len < want) {
        size_t more = want - framer->buf.len;
        size_t len = more < input->len ? more : input->len;
        notch_buf_append(&framer->buf, input->data, len);
        *input = notch_bytes(input->data + len, input->len - len);
    }
    return framer->buf.len >= want;
}

enum notch_p2p_frame_state notch_p2p_framer_next(struct notch_p2p_framer *framer, struct notch_p2p_zstd *zstd,
                                                 struct notch_bytes *input, uint8_t *code, struct notch_bytes *payload,
                                                 enum notch_p2p_reason *reason)
{
    *reason = NOTCH_P2P_REASON_NONE;
    if (framer->is_done_with) {
        if (framer->buf.cap > KEPT) {
            notch_buf_fini(&framer->buf); /* one large frame is no reason to keep its memory */
        }
        notch_buf_clear(&framer->buf);
        framer->is_done_with = false;
    }
    if (input->len == 0 || !fill(framer, input, NOTCH_P2P_FRAME_HEAD)) {
        return NOTCH_P2P_FRAME_MORE;
    }
    struct head head = read_head(framer->buf.data);
    *reason = check_head(framer, head);
    if (*reason != NOTCH_P2P_REASON_NONE) {
        return NOTCH_P2P_FRAME_BAD;
    }
    if (!fill(framer, input, NOTCH_P2P_FRAME_HEAD + (size_t)head.len)) {
        return NOTCH_P2P_FRAME_MORE;
    }
    framer->is_done_with = true;
    *code = head.code;
    *payload = notch_bytes(framer->buf.data + NOTCH_P2P_FRAME_HEAD, head.len);
    if ((head.flags & NOTCH_P2P_FRAME_ZSTD) != 0) {
        *reason = inflate(zstd, payload, notch_p2p_type_info(head.code)->payload_max);
    }
    return *reason == NOTCH_P2P_REASON_NONE ? NOTCH_P2P_FRAME_WHOLE : NOTCH_P2P_FRAME_BAD;
}

void notch_p2p_frame_append(struct notch_buf *out, struct notch_p2p_zstd *zstd, enum notch_p2p_type type,
                            struct notch_bytes payload, size_t compress_min)
{
    uint8_t flags = 0;
    notch_assert(payload.len <= notch_p2p_type_info((uint8_t)type)->payload_max);
    if (compress_min > 0 && payload.len >= compress_min) {
        notch_buf_clear(&zstd->out);
        uint8_t *to = notch_buf_reserve(&zstd->out, payload.len);
        /* No room for more than the payload itself: what does not get shorter is an error, and goes as it is. */
        size_t len = ZSTD_compressCCtx(compressor(zstd), to, payload.len - 1, payload.data, payload.len, LEVEL);
        if (!ZSTD_isError(len)) {
            payload = notch_bytes(to, len);
            flags = NOTCH_P2P_FRAME_ZSTD;
        }
    }
    struct notch_writer writer = notch_writer_grow(out);
    notch_write_u8(&writer, (uint8_t)type);
    notch_write_u8(&writer, flags);
    notch_write_u32(&writer, (uint32_t)payload.len);
    notch_write_bytes(&writer, payload.data, payload.len);
}
