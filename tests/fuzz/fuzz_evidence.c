#include "chain/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No input may do more than be refused, or name an offender. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_domain domain;
    notch_domain_init(&domain, &(struct notch_hash){{7}});
    struct notch_evidence evidence;
    struct notch_reject reject =
        notch_evidence_check(&evidence, &domain, notch_crypto_standin(), notch_bytes(data, size));
    notch_assert(!notch_is_valid(reject) || memcmp(evidence.offender.raw, data + 1, 32) == 0);
    return 0;
}
