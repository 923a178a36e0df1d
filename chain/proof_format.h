/*
 * chain/proof_format.h: the constants of a proof's encoding (chain/PROOFS.md). Internal to chain/proof*.c.
 */
#ifndef NOTCH_CHAIN_PROOF_FORMAT_H
#define NOTCH_CHAIN_PROOF_FORMAT_H

#include "chain/proof.h"

#define NOTCH__PROOF_MAGIC "notchp"
#define NOTCH__PROOF_MAGIC_LEN 6

enum notch__proof_anchor { NOTCH__ANCHOR_GENESIS = 0, NOTCH__ANCHOR_BLOCK = 1 };
enum notch__proof_final { NOTCH__FINAL_ANCHOR = 0, NOTCH__FINAL_VOTES = 1 };
enum notch__proof_place { NOTCH__PLACE_HERE = 0, NOTCH__PLACE_ANCESTOR = 1 };

/* Each of 1000 members with a bundle of its own. */
#define NOTCH__PROOF_VOTES_MAX (256u << 10)

#endif
