#include "tests/support/vectors.h"

#include "tests/support/util.h"

#include <stdio.h>
#include <stdlib.h>

static _Noreturn void die(const char *what, const char *name)
{
    fprintf(stderr, "vectors: %s: %s\n", name, what);
    abort();
}

json_t *notch_test_vectors_open(const char *path)
{
    json_error_t error;
    json_t *vectors = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (vectors == NULL) {
        die(error.text, path);
    }
    return vectors;
}

const json_t *notch_test_vectors_rows(const json_t *vectors, const char *name, size_t count)
{
    const json_t *rows = json_object_get(vectors, name);
    if (!json_is_array(rows)) {
        die("is no array", name);
    }
    if (json_array_size(rows) != count) {
        fprintf(stderr, "vectors: %s: %zu rows, %zu expected\n", name, json_array_size(rows), count);
        abort();
    }
    return rows;
}

const char *notch_test_vectors_text(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    if (text == NULL) {
        die("is no text", name);
    }
    return text;
}

bool notch_test_vectors_bool(const json_t *row, const char *name)
{
    const json_t *value = json_object_get(row, name);
    if (!json_is_boolean(value)) {
        die("is neither true nor false", name);
    }
    return json_is_true(value);
}

size_t notch_test_vectors_hex(void *out, size_t cap, const json_t *row, const char *name)
{
    return notch_test_unhex(out, cap, notch_test_vectors_text(row, name));
}

void notch_test_vectors_hex_exact(void *out, size_t len, const json_t *row, const char *name)
{
    if (notch_test_vectors_hex(out, len, row, name) != len) {
        die("has another length", name);
    }
}
