/*
 * node/daemon/config_internal.h: what the files of the configuration share. Not for anybody else.
 */
#ifndef NOTCH_NODE_DAEMON_CONFIG_INTERNAL_H
#define NOTCH_NODE_DAEMON_CONFIG_INTERNAL_H

#include "node/daemon/config.h"

/* Room for a file name behind a folder, below the system's 4096. */
#define NOTCH__CONFIG_PATH_MAX 3840

struct notch__config_value {
    struct notch_buf text; /* terminated; items of a list one after the other */
    enum notch_config_source source;
    unsigned line; /* of the file; 0: none */
};

struct notch_config {
    const struct notch_alloc *alloc;
    struct notch__config_value values[NOTCH_CONFIG_COUNT];
};

/* Without any check; keeps what is there from a stronger source. */
void notch__config_put(struct notch_config *config, enum notch_config_key key, const char *text,
                       enum notch_config_source source, unsigned line);

/* Checks, and appends what is wrong to *problems. origin: what is said before the line number. */
void notch__config_set(struct notch_config *config, struct notch_buf *problems, enum notch_config_key key,
                       const char *text, enum notch_config_source source, const char *origin, unsigned line);

void notch__config_unknown(struct notch_buf *problems, const char *origin, unsigned line, const char *name);
const char *notch__config_nearest(char *out, size_t out_size, const char *name);

#endif
