/*
 * node/daemon/config.h: what notchd is told, and by whom.
 *
 * One table of keys (config_table.h). A value comes from, the stronger the later:
 *
 *      default < default of --dev < file < environment (NOTCH_SECTION_KEY) < flag (--section.key)
 *
 * A file is INI: [section], key = value, whole lines of comment behind # or ;, a comment behind " ;" at the end of a
 * line. A key of type LIST may be given many times; what is stronger replaces the whole list.
 *
 * Errors       Problems are collected, so that one run finds all of a file. Each is a line for the user: where it is,
 *              what was found, what was expected, and the nearest key there is.
 * Limits       A line of a file has at most NOTCH_CONFIG_LINE_MAX bytes, a file NOTCH_CONFIG_FILE_MAX.
 * Ownership    A config owns its values; texts that it gives are valid until it is destroyed or set again.
 * Thread       One at a time; any number once it is only read.
 */
#ifndef NOTCH_NODE_DAEMON_CONFIG_H
#define NOTCH_NODE_DAEMON_CONFIG_H

#include "base/bytes.h"
#include "base/error.h"
#include "node/daemon/config_table.h"
#include "rpc/method.h"

#include <stdbool.h>

#define NOTCH_CONFIG_LINE_MAX 190
#define NOTCH_CONFIG_FILE_MAX (256u << 10)

enum notch_config_key {
#define X(id, section, key, type, value, dev, least, greatest, choices, help, example) NOTCH_CONFIG_##id,
    NOTCH_CONFIG_TABLE(X)
#undef X
        NOTCH_CONFIG_COUNT
};

enum notch_config_type {
    NOTCH_CONFIG_TEXT,
    NOTCH_CONFIG_PATH, /* "~/" in front is the home directory */
    NOTCH_CONFIG_NUMBER,
    NOTCH_CONFIG_FLAG, /* true, yes, on, 1 and false, no, off, 0 */
    NOTCH_CONFIG_CHOICE,
    NOTCH_CONFIG_LIST /* texts; may be given many times */
};

enum notch_config_source {
    NOTCH_CONFIG_DEFAULT,
    NOTCH_CONFIG_DEV,
    NOTCH_CONFIG_FILE,
    NOTCH_CONFIG_ENVIRONMENT,
    NOTCH_CONFIG_COMMAND_LINE
};

struct notch_config_row {
    const char *section;
    const char *key;
    enum notch_config_type type;
    const char *value; /* the default */
    const char *dev;   /* or NULL */
    uint64_t least, greatest;
    const char *choices;
    const char *help;
    const char *example;
};

const struct notch_config_row *notch_config_row(enum notch_config_key key);

/* What is expected of a value: "a number from 0 to 65535", "one of: text json". out_size >= 128. */
void notch_config_expected(char *out, size_t out_size, enum notch_config_key key);

struct notch_config;

struct notch_config *notch_config_create(const struct notch_alloc *alloc);
void notch_config_destroy(struct notch_config *config);

/* ---- setting; each appends its problems, one line each, to *problems ---- */

/* The defaults of a throw-away chain. */
void notch_config_use_dev(struct notch_config *config);

/* A file; its name is used in problems. */
void notch_config_load(struct notch_config *config, struct notch_buf *problems, const char *path);

/* The text of a file of that name. */
void notch_config_parse(struct notch_config *config, struct notch_buf *problems, const char *name,
                        struct notch_bytes text);

/* "NAME=value" each, NULL at the end. Names that begin with NOTCH_ and a section must be keys; others are not ours. */
void notch_config_environment(struct notch_config *config, struct notch_buf *problems, char *const *environment);

/* name: "section.key". */
void notch_config_flag(struct notch_config *config, struct notch_buf *problems, const char *name, const char *value);
/* What the name means; false if it is no key. */
bool notch_config_find(enum notch_config_key *out, const char *name, size_t len);

/* What does not fit together. After everything is set. */
void notch_config_check(const struct notch_config *config, struct notch_buf *problems);

/* ---- reading ---- */

const char *notch_config_text(const struct notch_config *config, enum notch_config_key key);
uint64_t notch_config_number(const struct notch_config *config, enum notch_config_key key);
bool notch_config_is_on(const struct notch_config *config, enum notch_config_key key);

/* The items of a list: one after the other, NULL behind the last. */
const char *notch_config_item(const struct notch_config *config, enum notch_config_key key, size_t index);

enum notch_config_source notch_config_source(const struct notch_config *config, enum notch_config_key key);

/* An item of rpc.user taken apart; false if it is not well formed. */
#define NOTCH_CONFIG_USER_NAME_MAX 64
struct notch_config_user {
    char name[NOTCH_CONFIG_USER_NAME_MAX + 1];
    enum notch_rpc_role role;
    char hash[128];
};
bool notch_config_user(struct notch_config_user *out, const char *item);

/* ---- showing ---- */

/* An INI file that means the same, with a comment on where each value came from. Secrets are left out. */
void notch_config_print(const struct notch_config *config, struct notch_buf *out);

/* {"section": {"key": value}} without secrets. */
void notch_config_json(const struct notch_config *config, struct notch_buf *out);

/* Every key with type, default, environment, help and example. */
void notch_config_help(struct notch_buf *out);

#endif
