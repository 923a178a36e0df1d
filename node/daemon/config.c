#include "node/daemon/config.h"

#include "node/daemon/config_internal.h"
#include "node/daemon/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct notch_config_row rows[NOTCH_CONFIG_COUNT] = {
#define X(id, section_, key_, type_, value_, dev_, least_, greatest_, choices_, help_, example_) \
    [NOTCH_CONFIG_##id] = {.section = (section_), \
                           .key = (key_), \
                           .type = NOTCH_CONFIG_##type_, \
                           .value = (value_), \
                           .dev = (dev_), \
                           .least = (least_), \
                           .greatest = (greatest_), \
                           .choices = (choices_), \
                           .help = (help_), \
                           .example = (example_)},
    NOTCH_CONFIG_TABLE(X)
#undef X
};

const struct notch_config_row *notch_config_row(enum notch_config_key key)
{
    return &rows[key];
}

struct notch_config *notch_config_create(const struct notch_alloc *alloc)
{
    struct notch_config *config = notch_alloc(alloc, sizeof *config);
    config->alloc = alloc;
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        notch_buf_init(&config->values[i].text, alloc);
        notch__config_put(config, (enum notch_config_key)i, rows[i].value, NOTCH_CONFIG_DEFAULT, 0);
    }
    return config;
}

void notch_config_destroy(struct notch_config *config)
{
    if (config == NULL) {
        return;
    }
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        notch_buf_fini(&config->values[i].text);
    }
    notch_free(config->alloc, config, sizeof *config);
}

/* Items of a list stand one after the other, each with a zero byte behind; so does a single value. */
void notch__config_put(struct notch_config *config, enum notch_config_key key, const char *text,
                       enum notch_config_source source, unsigned line)
{
    struct notch__config_value *value = &config->values[key];
    if (source < value->source) {
        return;
    }
    bool appends = rows[key].type == NOTCH_CONFIG_LIST && source == value->source && source != NOTCH_CONFIG_DEFAULT;
    if (!appends) {
        notch_buf_clear(&value->text);
    }
    const char *home = getenv("HOME");
    if (rows[key].type == NOTCH_CONFIG_PATH && strncmp(text, "~/", 2) == 0 && home != NULL) {
        notch_text(&value->text, "%s%s", home, text + 1);
    } else {
        notch_text(&value->text, "%s", text);
    }
    notch_buf_append(&value->text, "", 1);
    value->source = source;
    value->line = line;
}

void notch_config_use_dev(struct notch_config *config)
{
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        if (rows[i].dev != NULL) {
            notch__config_put(config, (enum notch_config_key)i, rows[i].dev, NOTCH_CONFIG_DEV, 0);
        }
    }
}

/* ---- values ---- */

static bool parse_number(uint64_t *out, const char *text)
{
    uint64_t value = 0;
    if (*text == 0 || strlen(text) > 18) {
        return false;
    }
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *out = value;
    return true;
}

static bool is_one_of(const char *text, const char *choices)
{
    size_t len = strlen(text);
    const char *at = choices;
    while (len > 0 && *at != 0) {
        const char *end = strchrnul(at, ' ');
        if ((size_t)(end - at) == len && memcmp(at, text, len) == 0) {
            return true;
        }
        at = *end == 0 ? end : end + 1;
    }
    return false;
}

/* What can stand in a file and be read from it again: no control characters, no comment, no space at the ends. */
static bool is_plain(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool is_edge = i == 0 || i + 1 == len;
        bool begins_comment = byte == ';' && (i == 0 || text[i - 1] == ' ');
        if (byte < 0x20 || byte == 0x7f || begins_comment || (is_edge && byte == ' ')) {
            return false;
        }
    }
    return true;
}

static bool is_valid(enum notch_config_key key, const char *text)
{
    const struct notch_config_row *row = &rows[key];
    uint64_t number;
    if (!is_plain(text)) {
        return false;
    }
    switch (row->type) {
    case NOTCH_CONFIG_TEXT:
    case NOTCH_CONFIG_LIST:
        return true;
    case NOTCH_CONFIG_PATH:
        return strlen(text) < NOTCH__CONFIG_PATH_MAX;
    case NOTCH_CONFIG_NUMBER:
        return parse_number(&number, text) && number >= row->least && number <= row->greatest;
    case NOTCH_CONFIG_FLAG:
        return is_one_of(text, "true yes on 1 false no off 0");
    case NOTCH_CONFIG_CHOICE:
        return is_one_of(text, row->choices);
    }
    return false;
}

void notch_config_expected(char *out, size_t out_size, enum notch_config_key key)
{
    const struct notch_config_row *row = &rows[key];
    switch (row->type) {
    case NOTCH_CONFIG_TEXT:
    case NOTCH_CONFIG_LIST:
        snprintf(out, out_size, "a text without control characters or \" ;\"");
        break;
    case NOTCH_CONFIG_PATH:
        snprintf(out, out_size, "a path of less than %d bytes, without control characters or \" ;\"",
                 NOTCH__CONFIG_PATH_MAX);
        break;
    case NOTCH_CONFIG_NUMBER:
        snprintf(out, out_size, "a number from %llu to %llu", (unsigned long long)row->least,
                 (unsigned long long)row->greatest);
        break;
    case NOTCH_CONFIG_FLAG:
        snprintf(out, out_size, "true or false");
        break;
    case NOTCH_CONFIG_CHOICE:
        snprintf(out, out_size, "one of: %s", row->choices);
        break;
    }
}

/* ---- names ---- */

bool notch_config_find(enum notch_config_key *out, const char *name, size_t len)
{
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        size_t section = strlen(rows[i].section);
        size_t key = strlen(rows[i].key);
        if (len == section + 1 + key && memcmp(name, rows[i].section, section) == 0 && name[section] == '.' &&
            memcmp(name + section + 1, rows[i].key, key) == 0) {
            *out = (enum notch_config_key)i;
            return true;
        }
    }
    return false;
}

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters have to be added, left out or changed (Levenshtein). Names longer than the row do not count. */
static size_t distance(const char *a, const char *b)
{
    enum { NAME_MAX_LEN = 64 };
    size_t row[NAME_MAX_LEN + 1];
    size_t b_len = strlen(b);
    if (b_len > NAME_MAX_LEN) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != 0; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            size_t above = row[j + 1];
            row[j + 1] = least_of(corner + (a[i] != b[j]), above + 1, row[j] + 1);
            corner = above;
        }
    }
    return row[b_len];
}

const char *notch__config_nearest(char *out, size_t out_size, const char *name)
{
    size_t best = SIZE_MAX;
    out[0] = 0;
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s.%s", rows[i].section, rows[i].key);
        size_t steps = distance(name, full);
        if (strcmp(strchrnul(name, '.'), strchrnul(full, '.')) == 0) {
            steps = 0; /* the right key in another section */
        }
        if (steps < best) {
            best = steps;
            snprintf(out, out_size, "%s", full);
        }
    }
    return out;
}

/* ---- setting ---- */

static const char *where_from(char *out, size_t out_size, const char *origin, unsigned line)
{
    if (line > 0) {
        snprintf(out, out_size, "%s:%u", origin, line);
    } else {
        snprintf(out, out_size, "%s", origin);
    }
    return out;
}

void notch__config_set(struct notch_config *config, struct notch_buf *problems, enum notch_config_key key,
                       const char *text, enum notch_config_source source, const char *origin, unsigned line)
{
    const struct notch_config_row *row = &rows[key];
    const struct notch__config_value *value = &config->values[key];
    char where[512];
    where_from(where, sizeof where, origin, line);
    if (!is_valid(key, text)) {
        char expected[128];
        notch_config_expected(expected, sizeof expected, key);
        notch_text(problems, "%s: %s.%s is \"", where, row->section, row->key);
        notch_text_plain(problems, text, strlen(text));
        notch_text(problems, "\", expected %s\n", expected);
        return;
    }
    if (value->source == source && row->type != NOTCH_CONFIG_LIST) {
        notch_text(problems, "%s: %s.%s is given twice", where, row->section, row->key);
        if (value->line > 0) {
            notch_text(problems, ", first in line %u", value->line);
        }
        notch_text(problems, "; expected one value\n");
        return;
    }
    notch__config_put(config, key, text, source, line);
}

void notch__config_unknown(struct notch_buf *problems, const char *origin, unsigned line, const char *name)
{
    char where[512];
    char nearest[64];
    where_from(where, sizeof where, origin, line);
    notch_text(problems, "%s: there is no key \"", where);
    notch_text_plain(problems, name, strlen(name));
    notch_text(problems, "\"; the nearest is %s (notchd --help lists all)\n",
               notch__config_nearest(nearest, sizeof nearest, name));
}

void notch_config_flag(struct notch_config *config, struct notch_buf *problems, const char *name, const char *value)
{
    enum notch_config_key key;
    char origin[80];
    snprintf(origin, sizeof origin, "--%s", name);
    if (!notch_config_find(&key, name, strlen(name))) {
        notch__config_unknown(problems, origin, 0, name);
        return;
    }
    notch__config_set(config, problems, key, value, NOTCH_CONFIG_COMMAND_LINE, origin, 0);
}

/* ---- reading ---- */

const char *notch_config_text(const struct notch_config *config, enum notch_config_key key)
{
    return (const char *)config->values[key].text.data;
}

uint64_t notch_config_number(const struct notch_config *config, enum notch_config_key key)
{
    uint64_t number = 0;
    bool ok = rows[key].type == NOTCH_CONFIG_NUMBER && parse_number(&number, notch_config_text(config, key));
    notch_assert(ok);
    return number;
}

bool notch_config_is_on(const struct notch_config *config, enum notch_config_key key)
{
    notch_assert(rows[key].type == NOTCH_CONFIG_FLAG);
    return is_one_of(notch_config_text(config, key), "true yes on 1");
}

const char *notch_config_item(const struct notch_config *config, enum notch_config_key key, size_t index)
{
    const struct notch_buf *text = &config->values[key].text;
    size_t at = 0;
    while (at < text->len) {
        const char *item = (const char *)text->data + at;
        size_t len = strlen(item);
        if (len > 0 && index-- == 0) { /* an empty one is no item: it only replaces what is weaker */
            return item;
        }
        at += len + 1;
    }
    return NULL;
}

enum notch_config_source notch_config_source(const struct notch_config *config, enum notch_config_key key)
{
    return config->values[key].source;
}
