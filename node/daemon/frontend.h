/*
 * node/daemon/frontend.h: the RPC of a running node: rpc/io's server, wired to the loop.
 *
 *      reads      from a view pinned for each call, on the server's threads
 *      requests   into the loop's inbox; replies go back from the loop's thread
 *      streams    head and final, from the loop's thread
 *
 * While it is open, DIR/rpc.port holds the port and the cookie file a credential for whoever may read it.
 *
 * Errors       ADDRESS_IN_USE and others; one line for the user in *problem.
 * Thread       open, close: the owner's, with no request left to be answered at close. head, final: the loop's.
 */
#ifndef NOTCH_NODE_DAEMON_FRONTEND_H
#define NOTCH_NODE_DAEMON_FRONTEND_H

#include "node/daemon/config.h"
#include "node/daemon/daemon.h"
#include "node/daemon/folder.h"

struct notch_frontend;

struct notch_frontend_options {
    const struct notch_config *config;
    const struct notch_folder *folder;
    const struct notch_genesis *genesis;
    const struct notch_domain *domain;
    const struct notch_crypto *crypto;
    const struct notch_alloc *alloc;
    const struct notch_log *log;
    struct notch_daemon *daemon; /* open */
};

/* *out is set as soon as there is something to close, also where it fails. */
NOTCH_MUST_USE enum notch_err notch_frontend_open(struct notch_frontend **out, struct notch_buf *problem,
                                                  const struct notch_frontend_options *options);
void notch_frontend_close(struct notch_frontend *frontend);

/* NULL is allowed: nobody listens. */
void notch_frontend_head(struct notch_frontend *frontend, const struct notch_block_ref *block);
void notch_frontend_final(struct notch_frontend *frontend, const struct notch_block_ref *block);

/* Removes rpc.port and the cookie: for a process that ends without closing. NULL is allowed. */
void notch_frontend_forget(const struct notch_frontend *frontend);

/* "http://127.0.0.1:7079/", and the path of the cookie. */
const char *notch_frontend_url(const struct notch_frontend *frontend);
const char *notch_frontend_cookie(const struct notch_frontend *frontend);

#endif
