/*
 * node/daemon/peering.h: the section p2p of the configuration, as node/daemon/peers.h wants it.
 *
 * Ownership    Names of seeds are borrowed from the configuration.
 * Errors       One line for each value that is no address, in *problems.
 * Thread       One.
 */
#ifndef NOTCH_NODE_DAEMON_PEERING_H
#define NOTCH_NODE_DAEMON_PEERING_H

#include "node/daemon/config.h"
#include "node/daemon/peers.h"

#define NOTCH_PEERING_SEEDS_MAX 16
#define NOTCH_PEERING_PORT 7078 /* of nodes that say nothing else */

struct notch_peering {
    struct notch_peers_config config; /* points into this struct: it stays where it is */
    struct notch_p2p_address fixed[NOTCH_P2P_STATIC_MAX];
    const char *seeds[NOTCH_PEERING_SEEDS_MAX];
};

/* False: something is wrong. */
bool notch_peering_read(struct notch_peering *out, struct notch_buf *problems, const struct notch_config *config);

#endif
