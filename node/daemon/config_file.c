/*
 * Where values come from besides the command line: a file, through inih, and the environment.
 *
 * inih is handed one line at a time by a reader of ours, which counts them, so that every problem can say where it is.
 * The reader also takes the white space from the front of a line: inih would read an indented line as the continuation
 * of the value before, and nobody who indents his keys means that.
 */
#include "node/daemon/config_internal.h"
#include "node/daemon/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct source {
    struct notch_config *config;
    struct notch_buf *problems;
    const char *name;
    const char *at;
    const char *end;
    unsigned line;
};

static void problem(struct source *source, const char *text)
{
    notch_text(source->problems, "%s:%u: %s\n", source->name, source->line, text);
}

static bool is_section(const char *name, size_t len)
{
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        const char *section = notch_config_row((enum notch_config_key)i)->section;
        if (strlen(section) == len && memcmp(section, name, len) == 0) {
            return true;
        }
    }
    return false;
}

static void note_section(struct source *source, const char *line, size_t len)
{
    const char *end = len > 0 && line[0] == '[' ? memchr(line, ']', len) : NULL;
    if (end == NULL) {
        return;
    }
    size_t name_len = (size_t)(end - line) - 1;
    if (!is_section(line + 1, name_len)) {
        notch_text(source->problems, "%s:%u: there is no section \"", source->name, source->line);
        notch_text_plain(source->problems, line + 1, name_len);
        notch_text(source->problems, "\"; expected node, log, store, rpc, validator, author or limits\n");
    }
}

/* What is wrong with a line before inih sees it; NULL if nothing. */
static const char *line_fault(const char *line, size_t len)
{
    if (len > NOTCH_CONFIG_LINE_MAX) {
        return "the line is longer than 190 bytes; expected less";
    }
    if (memchr(line, 0, len) != NULL) {
        return "the line holds a zero byte; expected text";
    }
    bool is_blank = len == 0 || line[0] == ';' || line[0] == '#';
    if (is_blank || (line[0] == '[' && memchr(line, ']', len) != NULL)) {
        return NULL;
    }
    return line[0] != '[' && memchr(line, '=', len) != NULL ? NULL : "expected [section] or key = value";
}

/* fgets for inih: the next line that has nothing wrong with it. */
static char *next_line(char *out, int size, void *arg)
{
    struct source *source = arg;
    while (source->at < source->end) {
        const char *start = source->at;
        const char *newline = memchr(start, '\n', (size_t)(source->end - start));
        const char *end = newline == NULL ? source->end : newline;
        source->at = newline == NULL ? source->end : newline + 1;
        source->line++;
        while (start < end && isspace((unsigned char)*start)) {
            start++;
        }
        while (end > start && isspace((unsigned char)end[-1])) {
            end--;
        }
        size_t len = (size_t)(end - start);
        const char *fault = line_fault(start, len);
        if (fault != NULL) {
            problem(source, fault);
            continue;
        }
        notch_assert(len + 1 < (size_t)size);
        note_section(source, start, len);
        memcpy(out, start, len);
        memcpy(out + len, "\n", 2);
        return out;
    }
    return NULL;
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct source *source = user;
    if (section[0] == 0) {
        problem(source, "a key before the first [section]; expected one of [node], [log], [store], [rpc], [validator], "
                        "[author], [limits]");
        return 1;
    }
    char full[2 * NOTCH_CONFIG_LINE_MAX];
    snprintf(full, sizeof full, "%s.%s", section, name);
    enum notch_config_key key;
    if (!is_section(section, strlen(section))) {
        return 1; /* said at its header */
    }
    if (!notch_config_find(&key, full, strlen(full))) {
        notch__config_unknown(source->problems, source->name, source->line, full);
        return 1;
    }
    notch__config_set(source->config, source->problems, key, value, NOTCH_CONFIG_FILE, source->name, source->line);
    return 1;
}

void notch_config_parse(struct notch_config *config, struct notch_buf *problems, const char *name,
                        struct notch_bytes text)
{
    struct source source = {
        .config = config,
        .problems = problems,
        .name = name,
        .at = (const char *)text.data,
        .end = (const char *)text.data + text.len,
    };
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        source.at += 3;
    }
    if (text.len > 0 && ini_parse_stream(next_line, &source, on_pair, &source) != 0) {
        problem(&source, "not an INI file; expected [section] and key = value");
    }
}

static bool read_all(struct notch_buf *out, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    ssize_t got = 1;
    while (got > 0 && out->len <= NOTCH_CONFIG_FILE_MAX) {
        enum { STEP = 4096 };
        got = read(file, notch_buf_reserve(out, STEP), STEP);
        out->len += got > 0 ? (size_t)got : 0;
    }
    int number = errno;
    close(file);
    errno = number;
    return got >= 0;
}

void notch_config_load(struct notch_config *config, struct notch_buf *problems, const char *path)
{
    struct notch_buf text;
    notch_buf_init(&text, config->alloc);
    if (!read_all(&text, path)) {
        notch_text(problems, "%s: cannot be read: %s; expected a configuration file\n", path, strerror(errno));
    } else if (text.len > NOTCH_CONFIG_FILE_MAX) {
        notch_text(problems, "%s: is larger than 256 KiB; expected a configuration file\n", path);
    } else {
        notch_config_parse(config, problems, path, notch_buf_bytes(&text));
    }
    notch_buf_fini(&text);
}

/* ---- the environment ---- */

static void variable_name(char *out, size_t out_size, const struct notch_config_row *row)
{
    int len = snprintf(out, out_size, "NOTCH_%s_%s", row->section, row->key);
    notch_assert(len > 0);
    for (int i = 0; i < len; i++) {
        out[i] = (char)toupper((unsigned char)out[i]);
    }
}

static bool has_prefix_of_section(const char *name, size_t len)
{
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        char prefix[64];
        struct notch_config_row row = *notch_config_row((enum notch_config_key)i);
        row.key = "";
        variable_name(prefix, sizeof prefix, &row);
        if (len > strlen(prefix) && memcmp(name, prefix, strlen(prefix)) == 0) {
            return true;
        }
    }
    return false;
}

static void set_variable(struct notch_config *config, struct notch_buf *problems, const char *name, size_t len,
                         const char *value)
{
    char origin[256];
    snprintf(origin, sizeof origin, "environment: %.*s", (int)(len < 200 ? len : 200), name);
    for (unsigned i = 0; i < NOTCH_CONFIG_COUNT; i++) {
        char known[64];
        variable_name(known, sizeof known, notch_config_row((enum notch_config_key)i));
        if (strlen(known) == len && memcmp(known, name, len) == 0) {
            notch__config_set(config, problems, (enum notch_config_key)i, value, NOTCH_CONFIG_ENVIRONMENT, origin, 0);
            return;
        }
    }
    char key[256];
    snprintf(key, sizeof key, "%.*s", (int)(len < 200 ? len : 200), name);
    char *dot = strchr(key + strlen("NOTCH_"), '_');
    if (dot != NULL) {
        *dot = '.';
    }
    for (char *at = key; *at != 0; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    notch__config_unknown(problems, origin, 0, key + strlen("notch_"));
}

void notch_config_environment(struct notch_config *config, struct notch_buf *problems, char *const *environment)
{
    for (; *environment != NULL; environment++) {
        const char *name = *environment;
        const char *equals = strchr(name, '=');
        if (equals == NULL || !has_prefix_of_section(name, (size_t)(equals - name))) {
            continue;
        }
        set_variable(config, problems, name, (size_t)(equals - name), equals + 1);
    }
}
