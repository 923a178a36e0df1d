/*
 * node/daemon/network.h: which chain this is: its genesis, and a new one for --dev.
 *
 * The genesis comes from node.genesis, or from DIR/genesis, where it is copied at the first start. A data directory
 * belongs to one chain for good: another genesis is refused.
 *
 * With --dev and an empty directory a chain is made up: one validator (a fresh mnemonic of which validator, author and
 * operator are derived), slots of 40 ms. Its keys are written as key files with an empty password, as wallet.key,
 * validator.key and author.key, so that a directory that is kept goes on where it stopped.
 *
 * Ownership    notch_chain_fini() gives back what load() filled in.
 * Errors       One line for the user in *problem.
 * Thread       One.
 */
#ifndef NOTCH_NODE_DAEMON_NETWORK_H
#define NOTCH_NODE_DAEMON_NETWORK_H

#include "base/hash.h"
#include "chain/genesis.h"
#include "node/daemon/config.h"
#include "node/daemon/folder.h"

struct notch_chain {
    struct notch_genesis genesis;
    struct notch_domain domain;
};

NOTCH_MUST_USE enum notch_err notch_chain_load(struct notch_chain *chain, struct notch_buf *problem,
                                               const struct notch_config *config, const struct notch_folder *folder,
                                               const struct notch_alloc *alloc);
void notch_chain_fini(struct notch_chain *chain);

/* Makes up a chain in an empty folder; does nothing where there is a genesis. */
NOTCH_MUST_USE enum notch_err notch_chain_make_dev(struct notch_buf *problem, const struct notch_folder *folder,
                                                   const struct notch_alloc *alloc);

#endif
