/*
 * tests/support/p2p_messages.h: any message between two nodes, drawn from a generator.
 *
 * Ownership    The message borrows the arena of the struct that made it, until the next draw.
 * Thread       One at a time.
 */
#ifndef NOTCH_TESTS_SUPPORT_P2P_MESSAGES_H
#define NOTCH_TESTS_SUPPORT_P2P_MESSAGES_H

#include "p2p/wire.h"
#include "tests/support/gen.h"

struct notch_test_message {
    struct notch_p2p_message message;
    struct notch_buf arena; /* reserved once, so that views stay */
};

void notch_test_message_init(struct notch_test_message *test);
void notch_test_message_fini(struct notch_test_message *test);

/* A message of a drawn type, well formed. */
void notch_test_message_draw(struct notch_test_message *test, struct notch_gen *gen);

#endif
