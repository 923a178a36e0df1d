/*
 * tests/support/util.h: hex in tests, and proof that a broken promise aborts.
 *
 * Thread       One at a time: notch_test_breaks() forks.
 */
#ifndef NOTCH_TESTS_SUPPORT_UTIL_H
#define NOTCH_TESTS_SUPPORT_UTIL_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes a hex literal of at most `cap` bytes and returns its length. Aborts on anything else: the test is wrong. */
size_t notch_test_unhex(void *out, size_t cap, const char *hex);

/* Whether the `len` bytes of data are what the hex literal says; prints both to stderr if not. */
bool notch_test_hex_is(const void *data, size_t len, const char *hex);

/*
 * Whether run(context), in a child process, aborts on the very assertion whose condition reads `condition`; prints
 * what happened instead to stderr if not.
 */
bool notch_test_breaks(void (*run)(void *context), void *context, const char *condition);

#endif
