/*
 * tests/support/lone_core.h: one consensus core without a world, whose insides a test fills by hand.
 */
#ifndef NOTCH_TESTS_SUPPORT_LONE_CORE_H
#define NOTCH_TESTS_SUPPORT_LONE_CORE_H

#include "consensus/parts.h"

struct lone_core {
    struct notch_genesis genesis;
    struct notch_domain domain;
    struct notch_consensus *core;
};

/* Started from a genesis of `members` equal validators whose keys are 1, 2, ... */
void lone_core_init(struct lone_core *lone, uint32_t members);
void lone_core_fini(struct lone_core *lone);

/* A block with the hash `name`, valid, executed and in view, whose chain says what its parent's says. */
struct notch__block *lone_core_block(struct lone_core *lone, struct notch__block *parent, uint32_t name, uint64_t slot);

/* A vote of the store set, verified. */
struct notch_vote lone_core_vote(const struct lone_core *lone, uint16_t validator, uint64_t slot,
                                 struct notch_checkpoint source, const struct notch_hash *target,
                                 const struct notch_hash *head);

#endif
