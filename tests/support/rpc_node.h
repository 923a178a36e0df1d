/*
 * tests/support/rpc_node.h: a whole node in one thread, for tests of what stands in front of it.
 *
 * The production node core with one validator and an author, over a store in memory whose writes complete at once,
 * under a clock that moves only when the test says so. A request is answered before rpc_node_request() returns, unless
 * it waits for the disk: then rpc_node_run() has the answer within a moment of the node's clock.
 *
 * Ownership    rpc_node_create() .. rpc_node_destroy(). Real crypto where asked for, else the stand-in.
 * Thread       One.
 */
#ifndef NOTCH_TESTS_SUPPORT_RPC_NODE_H
#define NOTCH_TESTS_SUPPORT_RPC_NODE_H

#include "chain/memstore.h"
#include "node/core.h"
#include "rpc/exchange.h"

struct rpc_node;

struct rpc_node *rpc_node_create(enum notch_mode mode);
void rpc_node_destroy(struct rpc_node *node);

struct notch_rpc *rpc_node_rpc(struct rpc_node *node);
const struct notch_genesis *rpc_node_genesis(const struct rpc_node *node);
const struct notch_domain *rpc_node_domain(const struct rpc_node *node);
const struct notch_signer *rpc_node_author(const struct rpc_node *node);
void rpc_node_sight(struct rpc_node *node, struct notch_rpc_sight *out);

/* Lets `ms` of the node's time pass. */
void rpc_node_run(struct rpc_node *node, uint64_t ms);

/* How many records the node has taken, ever: what bad input must not change. */
uint64_t rpc_node_taken(struct rpc_node *node);

/*
 * One body through an exchange, to its response: the text, which the caller frees, or NULL where there is none. Time
 * passes until the node has replied.
 */
char *rpc_node_call(struct rpc_node *node, enum notch_rpc_role role, uint32_t *streams, const char *body, size_t len,
                    enum notch_exchange_outcome *outcome);

#endif
