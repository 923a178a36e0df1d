/*
 * tests/support/proof_checks.h: what more than one test asks of proofs.
 *
 * Errors       A test that asks for what the chain does not hold fails.
 * Thread       One at a time.
 */
#ifndef NOTCH_TESTS_SUPPORT_PROOF_CHECKS_H
#define NOTCH_TESTS_SUPPORT_PROOF_CHECKS_H

#include "tests/support/proofs.h"

/* A request for some entry of the block at `height`, from the checkpoint's block on (0: the genesis). */
struct notch_proof_request notch_test_request_for(struct notch_test_proofs *proofs, uint32_t checkpoint,
                                                  uint32_t height);

/* The first block from here on that has batches. */
uint32_t notch_test_height_with_batches(const struct notch_test_proofs *proofs, uint32_t from);

/*
 * Builds a proof for such a request, and lets nothing of it be changed unnoticed: any byte of it, of the checkpoint,
 * its end.
 */
void notch_test_refuse_changes(struct notch_test_proofs *proofs, uint32_t checkpoint, uint32_t height);

void notch_test_final_init(struct notch_proof_final *final);
void notch_test_final_fini(struct notch_proof_final *final);

#endif
