/*
 * node/daemon/identity.h: the keys that this node signs with: the validator's, the author's, and its own among peers.
 *
 * They are read from key files. The last is made if there is none: losing it costs a name that peers know, no more.
 *
 * Ownership    The signers live in locked memory (wallet/io/secrets.h) until notch_identity_close().
 * Errors       One line for the user in *problem: a missing file, a wrong password, a key of another role or network.
 * Thread       One; the signers afterwards from any.
 */
#ifndef NOTCH_NODE_DAEMON_IDENTITY_H
#define NOTCH_NODE_DAEMON_IDENTITY_H

#include "base/crypto.h"
#include "base/keytext.h"
#include "node/daemon/config.h"
#include "node/daemon/folder.h"
#include "wallet/io/secrets.h"

struct notch_identity {
    struct notch_secrets *secrets;
    struct notch_signer validator;
    struct notch_signer author;
    struct notch_signer node;
    bool has_validator;
    bool has_author;
    bool has_node;
};

NOTCH_MUST_USE enum notch_err notch_identity_open(struct notch_identity *identity, struct notch_buf *problem,
                                                  const struct notch_config *config, const struct notch_folder *folder,
                                                  enum notch_network network, const struct notch_crypto *crypto,
                                                  const struct notch_alloc *alloc);
void notch_identity_close(struct notch_identity *identity);

#endif
