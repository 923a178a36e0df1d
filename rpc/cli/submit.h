/*
 * rpc/cli/submit.h: many records to the node: signed as they go out, several requests under way at a time.
 *
 * Requests go out on NOTCH_SUBMIT_WINDOW connections in turn, each with many records, and are answered in the same
 * order. A node that is busy is asked again, with growing pauses.
 *
 * Ownership    Borrows everything in the options.
 * Limits       NOTCH_SUBMIT_RECORDS records and NOTCH_SUBMIT_BYTES of hex in a request.
 * Thread       One.
 */
#ifndef NOTCH_RPC_CLI_SUBMIT_H
#define NOTCH_RPC_CLI_SUBMIT_H

#include "rpc/cli/chain_info.h"
#include "rpc/cli/feed.h"

#include <stdio.h>

#define NOTCH_SUBMIT_WINDOW 4
#define NOTCH_SUBMIT_RECORDS 64
#define NOTCH_SUBMIT_BYTES ((size_t)1 << 20)

struct notch_submit_options {
    struct notch_client *client;
    const struct notch_chain_info *chain;
    const struct notch_feed_plan *plan;
    const struct notch_signer *signers; /* by the number in the plan */
    uint64_t rate;                      /* records a second; 0: no limit */
    uint64_t stop_ms;                   /* of notch_clock_ms(); 0: when all is done */
    FILE *log;                          /* NULL: none */
};

#define NOTCH_SUBMIT_REASONS_MAX 32

/* How often something was said. */
struct notch_submit_reasons {
    struct {
        char text[160];
        uint64_t count;
    } reason[NOTCH_SUBMIT_REASONS_MAX];
    uint32_t count;
};

struct notch_submit_result {
    uint64_t submitted;  /* records, answered */
    uint64_t published;  /* taken as new */
    uint64_t duplicates; /* known already */
    uint64_t refused;
    uint64_t entries;                    /* of those taken as new */
    uint64_t local;                      /* of those: answered as on the node's own disk alone */
    struct notch_submit_reasons reasons; /* of those refused */
    struct notch_buf ids;                /* struct notch_hash: those taken, or known */
    /* What became of them, after notch_submit_wait(). */
    uint64_t final;
    uint64_t applied;                     /* of them: every entry did what it does */
    struct notch_submit_reasons outcomes; /* of the others */
};

void notch_submit_init(struct notch_submit_result *result, const struct notch_alloc *alloc);
void notch_submit_fini(struct notch_submit_result *result);

enum notch_exit notch_submit_all(struct notch_submit_result *result, const struct notch_submit_options *options);

/* Waits until all of result->ids are final. REFUSED where a minute passes and none of them becomes so. */
enum notch_exit notch_submit_wait(struct notch_submit_result *result, struct notch_client *client);

#endif
