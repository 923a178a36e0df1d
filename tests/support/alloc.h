/*
 * tests/support/alloc.h: an allocator that watches its user.
 *
 * It asserts that every block is given back once, and with the size that it was asked for; it moves a block on every
 * resize and fills what was not written, so that stale pointers and unset bytes show; it counts; and it runs out of
 * memory where it is told to, which by the contract of base/alloc.h is an abort.
 *
 * Ownership    Stays where it was initialised: `alloc.self` points to it.
 * Thread       One at a time.
 */
#ifndef NOTCH_TESTS_SUPPORT_ALLOC_H
#define NOTCH_TESTS_SUPPORT_ALLOC_H

#include "base/alloc.h"

#include <stddef.h>

struct notch_test_alloc {
    struct notch_alloc alloc; /* what is handed to the code under test */
    size_t limit_bytes;       /* live bytes above this abort; 0: no limit */
    size_t live_bytes;
    size_t live_blocks;
    size_t peak_bytes;
    size_t resizes; /* calls that asked for memory */
};

void notch_test_alloc_init(struct notch_test_alloc *test);

#endif
