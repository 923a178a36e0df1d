/*
 * rpc/cli/chain_info.h: what a maker of records must know of the chain: from a node, or from a genesis file.
 *
 * Ownership    Values.
 * Errors       Printed by notch_cli_fail().
 * Thread       One.
 */
#ifndef NOTCH_RPC_CLI_CHAIN_INFO_H
#define NOTCH_RPC_CLI_CHAIN_INFO_H

#include "chain/genesis.h"
#include "rpc/cli/client.h"

struct notch_chain_info {
    struct notch_domain domain;
    enum notch_network network;
    enum notch_mode mode;
    struct notch_hash final; /* the newest final block: what a record refers to */
    uint32_t record_bytes_max;
    uint32_t aggregate_min;
};

enum notch_exit notch_chain_info_ask(struct notch_chain_info *out, struct notch_client *client);

/* From a file; `genesis` is made, and the caller's to end, also after a failure. The final block is the genesis. */
enum notch_exit notch_chain_info_read(struct notch_chain_info *out, struct notch_genesis *genesis,
                                      const struct notch_cli *cli, const char *path);

/* A private chain that nobody has: for checks without any. */
void notch_chain_info_none(struct notch_chain_info *out);

/* "product|region|currency|unit|pack" or 64 hex digits. USAGE with a message for anything else. */
enum notch_exit notch_chain_info_market(const struct notch_cli *cli, struct notch_hash *out,
                                        const struct notch_domain *domain, const char *option, enum notch_tag tag);

#endif
