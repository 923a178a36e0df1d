#include "p2p/p2p.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct notch_p2p *make(void)
{
    static const uint8_t secret[32] = {[31] = 1};
    static struct notch_signer signer;
    signer.secret = secret;
    struct notch_p2p_options options = {
        .crypto = notch_crypto_standin(), .signer = &signer, .alloc = notch_alloc_heap(), .seed = 1, .agent = "fuzz"};
    notch_p2p_limits_default(&options.limits);
    options.limits.peers_max = 4;
    options.limits.inbound_max = 2;
    options.limits.outbound_full = 1;
    options.limits.outbound_block = 1;
    options.limits.duplicate_cache = 16;
    options.limits.bans_max = 8;
    options.limits.book = (struct notch_p2p_book_limits){8, 4, 4, 4, 2};
    struct notch_p2p *p2p;
    notch_p2p_create(&p2p, &options);
    return p2p;
}

/* What was loaded can be saved; and what was saved is loaded and saved as the same bytes, but for the bans' order. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_p2p *p2p = make();
    if (notch_is_valid(notch_p2p_load(p2p, notch_bytes(data, size)))) {
        struct notch_buf first;
        struct notch_buf second;
        notch_buf_init(&first, notch_alloc_heap());
        notch_buf_init(&second, notch_alloc_heap());
        notch_p2p_save(p2p, &first);
        struct notch_p2p *again = make();
        notch_assert(notch_is_valid(notch_p2p_load(again, notch_buf_bytes(&first))));
        notch_p2p_save(again, &second);
        notch_assert(first.len == second.len);
        notch_p2p_destroy(again);
        notch_buf_fini(&first);
        notch_buf_fini(&second);
    }
    notch_p2p_destroy(p2p);
    return 0;
}
