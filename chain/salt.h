/*
 * chain/salt.h: what an author derives from his secret and from what he says, instead of drawing it at random.
 *
 *   salt       of a record: the same content signed again is the same (author, salt), which the chain takes once only;
 *              so a feed that is given twice adds nothing (design/README.md section 2)
 *   blinding   of a need: nothing has to be kept to open a commitment later, and the need committed to again is the
 *              same
 *
 * Both are tagged hashes of the chain, keyed by a hash of the secret that serves for nothing else: who sees them learns
 * nothing about the secret, and who does not have it cannot foretell them.
 *
 * Ownership    Values. Intermediate secrets are wiped.
 * Thread       Pure functions.
 */
#ifndef NOTCH_CHAIN_SALT_H
#define NOTCH_CHAIN_SALT_H

#include "chain/entry_allocation.h"
#include "chain/record.h"

/* `content` is what is said, without time and reference: in practice the root of the entries. */
void notch_record_salt(struct notch_salt *out, const struct notch_domain *domain, const uint8_t secret[32],
                       const struct notch_hash *content);

/*
 * The blinding of the need of this author for a resource and a period. The amount is part of it: two needs that differ
 * in the amount alone must not share a blinding, or the difference of their commitments would show the difference.
 */
void notch_need_blinding(struct notch_blinding *out, const struct notch_domain *domain, const uint8_t secret[32],
                         const struct notch_hash *resource, const struct notch_period *period,
                         struct notch_amount amount);

#endif
