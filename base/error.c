#include "base/error.h"

#include <stddef.h>

struct named {
    int value;
    const char *name;
    const char *text;
};

static const struct named errors[] = {
#define X(name, value, text) {(value), #name, (text)},
    NOTCH_ERR_TABLE(X)
#undef X
};

static const struct named rejects[] = {
#define X(name, value, text) {(value), #name, (text)},
    NOTCH_REJECT_TABLE(X)
#undef X
};

static const struct named *find(const struct named *table, size_t len, int value)
{
    for (size_t i = 0; i < len; i++) {
        if (table[i].value == value) {
            return &table[i];
        }
    }
    return NULL;
}

const char *notch_err_name(enum notch_err err)
{
    const struct named *found = find(errors, NOTCH_ARRAY_LEN(errors), (int)err);
    return found != NULL ? found->name : "UNKNOWN";
}

const char *notch_err_text(enum notch_err err)
{
    const struct named *found = find(errors, NOTCH_ARRAY_LEN(errors), (int)err);
    return found != NULL ? found->text : "unknown error";
}

const char *notch_reject_name(enum notch_reject_code code)
{
    const struct named *found = find(rejects, NOTCH_ARRAY_LEN(rejects), (int)code);
    return found != NULL ? found->name : "UNKNOWN";
}

const char *notch_reject_text(enum notch_reject_code code)
{
    const struct named *found = find(rejects, NOTCH_ARRAY_LEN(rejects), (int)code);
    return found != NULL ? found->text : "unknown reason";
}
