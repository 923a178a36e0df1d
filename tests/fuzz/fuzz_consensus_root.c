#include "consensus/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A stored root that is damaged is refused, or gives a core that can write it again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct notch_genesis genesis;
    notch_genesis_init(&genesis, notch_alloc_heap());
    notch_genesis_defaults(&genesis, NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    struct notch_genesis_member member = {.key = {{9}}, .reputation = NOTCH_GENESIS_REPUTATION};
    notch_assert(notch_genesis_add_member(&genesis, &member) == NOTCH_OK);
    struct notch_domain domain;
    notch_domain_init(&domain, &(struct notch_hash){{7}});
    struct notch_consensus_options options = {
        .genesis = &genesis, .domain = &domain, .crypto = notch_crypto_standin(), .alloc = notch_alloc_heap()};
    struct notch_consensus *core;
    notch_consensus_create(&core, &options);
    if (notch__root_read(core, notch_bytes(data, size))) {
        struct notch_buf due;
        struct notch_buf out;
        notch_buf_init(&due, notch_alloc_heap());
        notch_buf_init(&out, notch_alloc_heap());
        notch__due_votes(core, &due, core->tree.base);
        notch__root_write(core, &out, notch_buf_bytes(&due));
        notch_assert(out.len > 0);
        notch_buf_fini(&due);
        notch_buf_fini(&out);
    }
    notch_consensus_destroy(core);
    notch_genesis_fini(&genesis);
    return 0;
}
