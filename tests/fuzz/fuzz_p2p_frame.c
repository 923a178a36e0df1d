#include "p2p/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEEN_MAX = 64 };

struct seen {
    uint8_t code[SEEN_MAX];
    struct notch_hash hash[SEEN_MAX];
    size_t count;
    bool is_bad;
};

/* Feeds the bytes in pieces of `piece` and notes which frames come out. */
static void feed(struct seen *seen, struct notch_bytes bytes, size_t piece)
{
    struct notch_p2p_zstd zstd;
    struct notch_p2p_framer framer;
    notch_p2p_zstd_init(&zstd, notch_alloc_heap());
    notch_p2p_framer_init(&framer, notch_alloc_heap());
    framer.is_open = true;
    *seen = (struct seen){0};
    for (size_t at = 0; at < bytes.len && !seen->is_bad; at += piece) {
        size_t len = piece < bytes.len - at ? piece : bytes.len - at;
        struct notch_bytes input = notch_bytes(bytes.data + at, len);
        for (;;) {
            uint8_t code;
            struct notch_bytes payload;
            enum notch_p2p_reason reason;
            enum notch_p2p_frame_state state = notch_p2p_framer_next(&framer, &zstd, &input, &code, &payload, &reason);
            if (state != NOTCH_P2P_FRAME_WHOLE) {
                seen->is_bad = state == NOTCH_P2P_FRAME_BAD;
                notch_assert((reason != NOTCH_P2P_REASON_NONE) == seen->is_bad);
                break;
            }
            notch_assert(payload.len <= notch_p2p_type_info(code)->payload_max);
            if (seen->count < SEEN_MAX) {
                seen->code[seen->count] = code;
                notch_p2p_item_id(&seen->hash[seen->count], (enum notch_p2p_type)code, payload);
                seen->count++;
            }
        }
    }
    notch_p2p_framer_fini(&framer);
    notch_p2p_zstd_fini(&zstd);
}

/* The same frames come out whether the bytes come one by one or all at once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    static struct seen whole;
    static struct seen pieces;
    feed(&whole, notch_bytes(data, size), size);
    feed(&pieces, notch_bytes(data, size), 1);
    notch_assert(whole.count == pieces.count);
    notch_assert(whole.is_bad == pieces.is_bad);
    notch_assert(memcmp(whole.code, pieces.code, whole.count) == 0);
    notch_assert(memcmp(whole.hash, pieces.hash, whole.count * sizeof *whole.hash) == 0);
    return 0;
}
