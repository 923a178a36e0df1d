/*
 * tests/support/vectors.h: the published vectors in tests/vectors/, read for a test.
 *
 * Ownership    notch_test_vectors_open() gives a reference, given back with json_decref(). Texts borrow from it.
 * Errors       Every call aborts with the name of what is missing: a vector file that cannot be read is a failed test,
 *              never an empty one.
 */
#ifndef NOTCH_TESTS_SUPPORT_VECTORS_H
#define NOTCH_TESTS_SUPPORT_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* `path` is from the root of the tree. */
json_t *notch_test_vectors_open(const char *path);

/* The array under this name, which must have exactly `count` rows: a file cut short must not pass. */
const json_t *notch_test_vectors_rows(const json_t *vectors, const char *name, size_t count);

const char *notch_test_vectors_text(const json_t *row, const char *name);
bool notch_test_vectors_bool(const json_t *row, const char *name);

/* The hex under this name, decoded into at most `cap` bytes; returns how many. */
size_t notch_test_vectors_hex(void *out, size_t cap, const json_t *row, const char *name);

/* The same where the length is known. */
void notch_test_vectors_hex_exact(void *out, size_t len, const json_t *row, const char *name);

#endif
