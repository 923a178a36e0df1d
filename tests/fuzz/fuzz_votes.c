#include "chain/vote.h"

enum { VOTES_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What passes the check can be walked, and encodes to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count;
    if (!notch_is_valid(notch_votes_check(&count, notch_bytes(data, size), VOTES_MAX))) {
        return 0;
    }
    struct notch_vote votes[VOTES_MAX];
    size_t at = 0;
    struct notch_votes_iter iter = notch_votes_iter(notch_bytes(data, size));
    while (at < VOTES_MAX && notch_votes_next(&iter, &votes[at])) {
        at++;
    }
    notch_assert(at == count);
    struct notch_buf buf;
    notch_buf_init(&buf, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&buf);
    notch_votes_encode(&writer, votes, count);
    notch_assert(notch_bytes_eq(notch_buf_bytes(&buf), notch_bytes(data, size)));
    notch_buf_fini(&buf);
    return 0;
}
