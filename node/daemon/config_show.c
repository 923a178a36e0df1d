/*
 * What the table and the values look like to people and to programs, and what does not fit together.
 */
#include "node/daemon/config_internal.h"
#include "node/daemon/peering.h"
#include "node/daemon/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool is_secret(enum notch_config_key key)
{
    return key == NOTCH_CONFIG_RPC_USER;
}

/* ---- contradictions ---- */

static bool is_loopback(const char *text, bool *is_address)
{
    struct in_addr v4;
    struct in6_addr v6;
    *is_address = true;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    if (inet_pton(AF_INET6, text, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    *is_address = false;
    return false;
}

static void check_bind(const struct notch_config *config, struct notch_buf *problems)
{
    const char *address = notch_config_text(config, NOTCH_CONFIG_RPC_BIND);
    bool is_address;
    bool loopback = is_loopback(address, &is_address);
    if (!is_address) {
        notch_text(problems, "rpc.bind is \"%s\", expected a numeric address, as 127.0.0.1 or ::1\n", address);
    } else if (!loopback && !notch_config_is_on(config, NOTCH_CONFIG_RPC_ALLOW_REMOTE)) {
        notch_text(
            problems,
            "rpc.bind is %s, which other machines reach, and rpc.allow_remote is not set: the RPC is not encrypted. "
            "Bind to 127.0.0.1 and put a proxy with TLS before it, or set rpc.allow_remote\n",
            address);
    }
}

static void check_users(const struct notch_config *config, struct notch_buf *problems)
{
    const char *item;
    for (size_t i = 0; (item = notch_config_item(config, NOTCH_CONFIG_RPC_USER, i)) != NULL; i++) {
        struct notch_config_user user;
        if (!notch_config_user(&user, item)) {
            notch_text(problems,
                       "rpc.user number %zu: expected name:role:hash with a role of read, submit or operate, and "
                       "a hash as notchd --hash-password prints it\n",
                       i + 1);
        }
    }
}

static void check_passwords(const struct notch_config *config, struct notch_buf *problems)
{
    static const struct {
        enum notch_config_key enable, key, password;
    } roles[] = {
        {NOTCH_CONFIG_VALIDATOR_ENABLE, NOTCH_CONFIG_VALIDATOR_KEY, NOTCH_CONFIG_VALIDATOR_PASSWORD},
        {NOTCH_CONFIG_AUTHOR_ENABLE, NOTCH_CONFIG_AUTHOR_KEY, NOTCH_CONFIG_AUTHOR_PASSWORD},
        {NOTCH_CONFIG_P2P_ENABLE, NOTCH_CONFIG_P2P_KEY, NOTCH_CONFIG_P2P_PASSWORD},
    };
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        const char *section = notch_config_row(roles[i].enable)->section;
        bool given =
            notch_config_text(config, roles[i].key)[0] != 0 || notch_config_text(config, roles[i].password)[0] != 0;
        if (given && !notch_config_is_on(config, roles[i].enable)) {
            notch_text(problems, "%s.key or %s.password_file is set, and %s.enable is not: set it, or leave them out\n",
                       section, section, section);
        }
    }
}

void notch_config_check(const struct notch_config *config, struct notch_buf *problems)
{
    if (notch_config_text(config, NOTCH_CONFIG_NODE_DATA)[0] == 0 &&
        notch_config_source(config, NOTCH_CONFIG_NODE_DATA) != NOTCH_CONFIG_DEV) {
        notch_text(problems, "node.data is empty, expected a directory\n");
    }
    if (notch_config_is_on(config, NOTCH_CONFIG_RPC_ENABLE)) {
        check_bind(config, problems);
    }
    check_users(config, problems);
    check_passwords(config, problems);
    struct notch_peering peering;
    (void)notch_peering_read(&peering, problems, config);
}

static bool copy_part(char *out, size_t out_size, const char *text, size_t len)
{
    if (len == 0 || len >= out_size) {
        return false;
    }
    memcpy(out, text, len);
    out[len] = 0;
    return true;
}

bool notch_config_user(struct notch_config_user *out, const char *item)
{
    const char *name_end = strchr(item, ':');
    const char *role_end = name_end == NULL ? NULL : strchr(name_end + 1, ':');
    if (role_end == NULL || strncmp(role_end + 1, "$argon2id$", 10) != 0 || strncmp(item, "__cookie__:", 11) == 0) {
        return false;
    }
    return copy_part(out->name, sizeof out->name, item, (size_t)(name_end - item)) &&
           notch_rpc_role_parse(&out->role, name_end + 1, (size_t)(role_end - name_end) - 1) &&
           copy_part(out->hash, sizeof out->hash, role_end + 1, strlen(role_end + 1));
}

/* ---- showing ---- */

static const char *source_name(const struct notch_config *config, enum notch_config_key key)
{
    switch (config->values[key].source) {
    case NOTCH_CONFIG_DEFAULT:
        return "default";
    case NOTCH_CONFIG_DEV:
        return "default of --dev";
    case NOTCH_CONFIG_FILE:
        return "file";
    case NOTCH_CONFIG_ENVIRONMENT:
        return "environment";
    case NOTCH_CONFIG_COMMAND_LINE:
        return "command line";
    }
    return "";
}

static void print_value(const struct notch_config *config, struct notch_buf *out, enum notch_config_key key)
{
    const struct notch_config_row *row = notch_config_row(key);
    char source[64];
    const struct notch__config_value *value = &config->values[key];
    snprintf(source, sizeof source, "%s", source_name(config, key));
    if (value->line > 0) {
        snprintf(source, sizeof source, "line %u of the file", value->line);
    }
    if (row->type != NOTCH_CONFIG_LIST) {
        notch_text(out, "%s = %s ; %s\n", row->key, notch_config_text(config, key), source);
        return;
    }
    const char *item;
    size_t count = 0;
    while ((item = notch_config_item(config, key, count)) != NULL) {
        if (is_secret(key)) {
            notch_text(out, "; %s = %.*s:... ; %s; the hash is not shown\n", row->key, (int)strcspn(item, ":"), item,
                       source);
        } else {
            notch_text(out, "%s = %s ; %s\n", row->key, item, source);
        }
        count++;
    }
    if (count == 0) {
        notch_text(out, "; %s is not given\n", row->key);
    }
}

void notch_config_print(const struct notch_config *config, struct notch_buf *out)
{
    const char *section = "";
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        const struct notch_config_row *row = notch_config_row((enum notch_config_key)i);
        if (strcmp(row->section, section) != 0) {
            notch_text(out, "%s[%s]\n", i > 0 ? "\n" : "", row->section);
            section = row->section;
        }
        print_value(config, out, (enum notch_config_key)i);
    }
}

static void json_value(const struct notch_config *config, struct notch_buf *out, enum notch_config_key key)
{
    const char *text = notch_config_text(config, key);
    switch (notch_config_row(key)->type) {
    case NOTCH_CONFIG_TEXT:
    case NOTCH_CONFIG_PATH:
    case NOTCH_CONFIG_CHOICE:
        notch_text_json(out, text, strlen(text));
        break;
    case NOTCH_CONFIG_NUMBER:
        notch_text(out, "%llu", (unsigned long long)notch_config_number(config, key));
        break;
    case NOTCH_CONFIG_FLAG:
        notch_text(out, "%s", notch_config_is_on(config, key) ? "true" : "false");
        break;
    case NOTCH_CONFIG_LIST:
        notch_text(out, "[");
        for (size_t i = 0; notch_config_item(config, key, i) != NULL; i++) {
            const char *item = notch_config_item(config, key, i);
            notch_text(out, "%s", i > 0 ? "," : "");
            notch_text_json(out, item, strlen(item));
        }
        notch_text(out, "]");
        break;
    }
}

void notch_config_json(const struct notch_config *config, struct notch_buf *out)
{
    const char *section = "";
    notch_text(out, "{");
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        const struct notch_config_row *row = notch_config_row((enum notch_config_key)i);
        if (is_secret((enum notch_config_key)i)) {
            continue;
        }
        bool is_new = strcmp(row->section, section) != 0;
        if (is_new) {
            notch_text(out, "%s\"%s\":{", i > 0 ? "}," : "", row->section);
            section = row->section;
        }
        notch_text(out, "%s\"%s\":", is_new ? "" : ",", row->key);
        json_value(config, out, (enum notch_config_key)i);
    }
    notch_text(out, "}}");
}

void notch_config_help(struct notch_buf *out)
{
    const char *section = "";
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        const struct notch_config_row *row = notch_config_row((enum notch_config_key)i);
        char expected[128];
        if (strcmp(row->section, section) != 0) {
            notch_text(out, "\n[%s]\n", row->section);
            section = row->section;
        }
        notch_config_expected(expected, sizeof expected, (enum notch_config_key)i);
        notch_text(out, "  --%s.%s VALUE\n      %s\n      %s", row->section, row->key, row->help, expected);
        if (row->value[0] != 0) {
            notch_text(out, "; default %s", row->value);
        }
        if (row->dev != NULL && row->dev[0] != 0) {
            notch_text(out, ", with --dev %s", row->dev);
        }
        notch_text(out, "; example: %s = %s\n", row->key, row->example);
    }
}
