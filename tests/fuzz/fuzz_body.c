#include "chain/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A body that decodes is put together again from its parts, to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct notch_caps caps = {.body_bytes = 65536, .batches = 64, .votes = 64, .evidence = 8};
    struct notch_body body;
    if (!notch_is_valid(notch_body_decode(&body, notch_bytes(data, size), &caps))) {
        return 0;
    }
    struct notch_hash batches[64];
    struct notch_bytes evidence[8];
    struct notch_header headers[NOTCH_HEADER_HEADERS_MAX];
    for (uint32_t i = 0; i < body.n_batches; i++) {
        batches[i] = notch_body_batch(&body, i);
    }
    for (uint32_t i = 0; i < body.n_evidence; i++) {
        evidence[i] = notch_body_evidence(&body, i);
    }
    for (uint32_t i = 0; i < body.n_headers; i++) {
        headers[i] = notch_body_header(&body, i);
    }
    struct notch_body_parts parts = {batches,         body.n_batches, body.votes,    evidence,
                                     body.n_evidence, headers,        body.n_headers};
    struct notch_buf buf;
    notch_buf_init(&buf, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&buf);
    notch_body_encode(&writer, &parts);
    notch_assert(notch_bytes_eq(notch_buf_bytes(&buf), notch_bytes(data, size)));
    notch_buf_fini(&buf);
    return 0;
}
