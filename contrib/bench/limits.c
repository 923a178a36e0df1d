/*
 * Measures the limits of the machine: one JSON line per figure, {"name","value","unit"}.
 *
 *   limits [--list] [--only NAME] [--seconds S] [--dir DIR]
 *
 * Exit status: 0; 1 when a measurement failed (its reason is on stderr); 2 for a wrong command line.
 */
#include "contrib/bench/limits.h"

#include "base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct figure {
    const char *name;
    const char *unit;
    unsigned threads;
    double (*measure)(const struct notch_limits_run *run);
};

static const struct figure figures[] = {
    {"verify_1_thread", "signatures/s", 1, notch_limits_verify},
    {"verify_2_threads", "signatures/s", 2, notch_limits_verify},
    {"verify_parsed_1_thread", "signatures/s", 1, notch_limits_verify_parsed},
    {"verify_parsed_2_threads", "signatures/s", 2, notch_limits_verify_parsed},
    {"sign_1_thread", "signatures/s", 1, notch_limits_sign},
    {"sign_2_threads", "signatures/s", 2, notch_limits_sign},
    {"sha256_64", "hashes/s", 1, notch_limits_sha256},
    {"append_fdatasync_p50", "us", 1, notch_limits_append},
    {"leveldb_put_batch_100", "puts/s", 1, notch_limits_leveldb_batch},
    {"leveldb_put", "puts/s", 1, notch_limits_leveldb_single},
};

struct options {
    const char *only; /* NULL: all */
    const char *dir;
    double seconds;
    bool list;
};

uint64_t notch_limits_now_ns(void)
{
    struct timespec now;
    int status = clock_gettime(CLOCK_MONOTONIC, &now);
    notch_assert(status == 0);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool is_figure(const char *name)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(figures); i++) {
        if (strcmp(figures[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Seconds from 0.01 to 60; anything else is refused. */
static bool parse_seconds(double *out, const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= 0.01 && value <= 60)) {
        fprintf(stderr, "limits: --seconds is a number from 0.01 to 60, not \"%s\"\n", text);
        return false;
    }
    *out = value;
    return true;
}

static bool parse_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--seconds") == 0) {
        return parse_seconds(&options->seconds, value);
    }
    if (strcmp(name, "--dir") == 0) {
        options->dir = value;
        return true;
    }
    if (strcmp(name, "--only") == 0) {
        options->only = value;
        if (!is_figure(value)) {
            fprintf(stderr, "limits: no figure is called \"%s\" (see --list)\n", value);
        }
        return is_figure(value);
    }
    fprintf(stderr, "limits: unknown option \"%s\"\n", name);
    return false;
}

static bool parse(struct options *options, int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");
    *options = (struct options){.dir = tmp != NULL ? tmp : "/tmp", .seconds = 1};
    int i = 1;
    while (i < argc) {
        if (strcmp(argv[i], "--list") == 0) {
            options->list = true;
            i++;
        } else if (i + 1 == argc) {
            fprintf(stderr, "limits: %s is not an option, or lacks its value\n", argv[i]);
            return false;
        } else if (!parse_option(options, argv[i], argv[i + 1])) {
            return false;
        } else {
            i += 2;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!parse(&options, argc, argv)) {
        fprintf(stderr, "usage: limits [--list] [--only NAME] [--seconds S] [--dir DIR]\n");
        return 2;
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(figures); i++) {
        const struct figure *figure = &figures[i];
        if (options.list) {
            printf("%s\n", figure->name);
            continue;
        }
        if (options.only != NULL && strcmp(options.only, figure->name) != 0) {
            continue;
        }
        struct notch_limits_run run = {options.seconds, options.dir, figure->threads};
        double value = figure->measure(&run);
        if (value < 0) {
            return 1;
        }
        printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\"}\n", figure->name, value, figure->unit);
        (void)fflush(stdout);
    }
    return 0;
}
