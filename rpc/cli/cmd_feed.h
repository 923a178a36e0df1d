/*
 * rpc/cli/cmd_feed.h: one run of notch feed: what was asked for, what was read, what came of it.
 *
 * Ownership    Of the command; begins and ends in cmd_feed.c.
 * Thread       One.
 */
#ifndef NOTCH_RPC_CLI_CMD_FEED_H
#define NOTCH_RPC_CLI_CMD_FEED_H

#include "rpc/cli/feed_market.h"
#include "rpc/cli/feed_party.h"
#include "rpc/cli/keyring.h"
#include "rpc/cli/submit.h"

#define NOTCH_FEED_FILES 4

/* A file of one kind. */
struct notch_feed_file {
    const char *path; /* NULL: not asked for */
    struct notch_feed_tally tally;
};

struct notch_feed_run {
    struct notch_cli *cli;
    bool dry;
    struct notch_client client;
    bool has_client;
    struct notch_chain_info chain;
    struct notch_genesis genesis;
    struct notch_keyring keyring;
    bool has_keyring;
    struct notch_feed_file files[NOTCH_FEED_FILES]; /* by enum notch_feed_kind_id */
    struct notch_feed_market market;
    struct notch_feed_party parties[NOTCH_FEED_FILES];
    struct notch_feed_market_form form;
    struct notch_feed_market_options options;
    struct notch_feed_market_result made;
    struct notch_buf audience;
    struct notch_buf signers;  /* struct notch_signer, by number in the plan */
    struct notch_buf openings; /* struct notch_feed_opening of the needs */
    uint64_t openings_noted;
    struct notch_feed_plan plan;
    struct notch_submit_result result;
    uint64_t started_ms;
};

/* What the options say of reading and of insights. */
enum notch_exit notch_feed_options_read(struct notch_feed_run *run);

/* Adds the openings to the file for them, each once. */
enum notch_exit notch_feed_note_openings(struct notch_feed_run *run);

/* Everything that came of it, for people or as JSON. */
void notch_feed_report(const struct notch_feed_run *run);

#endif
