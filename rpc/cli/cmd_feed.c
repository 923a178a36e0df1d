/*
 * notch feed: CSV files -> rows -> entries -> records -> the node.
 *
 * Everything is read and checked before anything is published: a bad row without --skip-bad stops the feed while the
 * chain is as it was. Then come the keys, the entries, the openings on disk, and the records.
 */
#include "rpc/cli/cmd_feed.h"

#include "rpc/cli/feed_read.h"
#include "rpc/cli/progress.h"

#include <errno.h>
#include <stdlib.h>

/* A dry run has no wallet: what is derived from a secret is derived from this, and thrown away. */
static const uint8_t dry_secret[32] = {1};

/* ---- reading ---- */

static struct notch_feed_fault take_market(void *arg, const struct notch_feed_columns *columns,
                                           const struct notch_csv *row)
{
    struct notch_feed_run *run = arg;
    return notch_feed_market_row(&run->market, columns, row, &run->form);
}

static struct notch_feed_fault take_party(void *arg, const struct notch_feed_columns *columns,
                                          const struct notch_csv *row)
{
    return notch_feed_party_row(arg, columns, row);
}

static enum notch_exit read_file(struct notch_feed_run *run, enum notch_feed_kind_id kind)
{
    struct notch_feed_source source = {.cli = run->cli,
                                       .kind = notch_feed_kind(kind),
                                       .path = run->files[kind].path,
                                       .columns = notch_cli_option(run->cli, "columns"),
                                       .has_filters = true};
    if (source.path == NULL) {
        return NOTCH_EXIT_OK;
    }
    source.take = kind == NOTCH_FEED_MARKET ? take_market : take_party;
    source.arg = kind == NOTCH_FEED_MARKET ? (void *)run : (void *)&run->parties[kind];
    return notch_feed_read(&source, &run->files[kind].tally);
}

static enum notch_exit read_files(struct notch_feed_run *run)
{
    uint64_t refused = 0;
    for (unsigned kind = 0; kind < NOTCH_FEED_FILES; kind++) {
        enum notch_exit code = read_file(run, (enum notch_feed_kind_id)kind);
        if (code != NOTCH_EXIT_OK) {
            return code;
        }
        refused += run->files[kind].tally.refused;
    }
    if (refused > 0 && !notch_cli_flag(run->cli, "skip-bad")) {
        notch_feed_report(run);
        return notch_cli_fail(run->cli, NOTCH_EXIT_REFUSED,
                              "%llu bad rows: nothing was published; mend them, or go on without them with --skip-bad",
                              (unsigned long long)refused);
    }
    return NOTCH_EXIT_OK;
}

/* ---- the chain and the keys ---- */

static enum notch_exit find_chain(struct notch_feed_run *run)
{
    const char *genesis = notch_cli_option(run->cli, "genesis");
    if (run->dry && genesis != NULL) {
        return notch_chain_info_read(&run->chain, &run->genesis, run->cli, genesis);
    }
    if (run->dry) {
        notch_chain_info_none(&run->chain);
        return NOTCH_EXIT_OK;
    }
    enum notch_exit code = notch_client_init(&run->client, run->cli);
    run->has_client = true;
    return code == NOTCH_EXIT_OK ? notch_chain_info_ask(&run->chain, &run->client) : code;
}

static enum notch_exit open_keys(struct notch_feed_run *run)
{
    size_t slots = 1;
    if (run->dry) {
        return NOTCH_EXIT_OK;
    }
    for (unsigned kind = 0; kind < NOTCH_FEED_FILES; kind++) {
        slots += notch_feed_names_count(&run->parties[kind].parties);
    }
    if (slots > NOTCH_SECRETS_MAX) {
        return notch_cli_fail(run->cli, NOTCH_EXIT_REFUSED, "more than %d parties at once: feed the files one by one",
                              NOTCH_SECRETS_MAX - 1);
    }
    enum notch_exit code = notch_keyring_open(&run->keyring, run->cli, slots);
    run->has_keyring = true;
    if (code == NOTCH_EXIT_OK && notch_keyring_network(&run->keyring) != run->chain.network) {
        code = notch_cli_fail(run->cli, NOTCH_EXIT_REFUSED,
                              "the wallet is for network %s, the node's chain is of %s: make one with notch wallet new "
                              "--network %s",
                              notch_network_name(notch_keyring_network(&run->keyring)),
                              notch_network_name(run->chain.network), notch_network_name(run->chain.network));
    }
    return code;
}

/* The next signer of the plan: of an author's key, or of a party. */
static enum notch_exit add_signer(struct notch_feed_run *run, uint32_t index)
{
    struct notch_signer signer = {.secret = dry_secret};
    enum notch_exit code = NOTCH_EXIT_OK;
    if (run->dry) {
        bool made = notch_crypto_secp()->key_of_secret(notch_crypto_secp()->self, &signer.key, dry_secret);
        notch_assert(made);
        /* Parties of a dry run have keys of their own too, if not theirs: lists are sorted by them. */
        uint32_t number = (uint32_t)(run->signers.len / sizeof signer);
        memcpy(&signer.key, &number, sizeof number);
    } else {
        code = notch_keyring_key(&run->keyring, &signer, NOTCH_ROLE_AUTHOR, index);
    }
    notch_buf_append(&run->signers, &signer, sizeof signer);
    return code;
}

static const struct notch_signer *signers_of(const struct notch_feed_run *run)
{
    return (const struct notch_signer *)(const void *)run->signers.data;
}

static int compare_indexes(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* Two names at one index would be one party: by chance once in about 10^9 pairs. */
static enum notch_exit refuse_meeting(const struct notch_feed_run *run, const uint32_t *indexes, uint32_t count)
{
    uint32_t *sorted = notch_alloc_array(run->cli->alloc, count, sizeof *sorted);
    enum notch_exit code = NOTCH_EXIT_OK;
    memcpy(sorted, indexes, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_indexes);
    for (uint32_t i = 1; i < count && code == NOTCH_EXIT_OK; i++) {
        if (sorted[i] == sorted[i - 1]) {
            code = notch_cli_fail(run->cli, NOTCH_EXIT_REFUSED,
                                  "two parties meet at author key %u of this wallet: change one of their names",
                                  sorted[i]);
        }
    }
    notch_free(run->cli->alloc, sorted, count * sizeof *sorted);
    return code;
}

static enum notch_exit add_parties(struct notch_feed_run *run, const struct notch_feed_party *feed)
{
    uint32_t count = notch_feed_names_count(&feed->parties);
    if (count == 0) {
        return NOTCH_EXIT_OK;
    }
    uint32_t *indexes = notch_alloc_array(run->cli->alloc, count, sizeof *indexes);
    enum notch_exit code = NOTCH_EXIT_OK;
    for (uint32_t i = 0; i < count && code == NOTCH_EXIT_OK; i++) {
        indexes[i] = i;
        if (!run->dry) {
            code = notch_keyring_party(&run->keyring, &indexes[i], notch_feed_names_at(&feed->parties, i));
        }
        if (code == NOTCH_EXIT_OK) {
            code = add_signer(run, indexes[i]);
        }
    }
    if (code == NOTCH_EXIT_OK) {
        code = refuse_meeting(run, indexes, count);
    }
    notch_free(run->cli->alloc, indexes, count * sizeof *indexes);
    return code;
}

/* ---- entries ---- */

static enum notch_exit build_market(struct notch_feed_run *run)
{
    uint32_t index;
    enum notch_exit code = notch_keyring_index(run->cli, &index, "author");
    if (code != NOTCH_EXIT_OK || run->files[NOTCH_FEED_MARKET].path == NULL) {
        /* Signer 0 is the author of insights: where there are none, nobody. */
        struct notch_signer nobody = {.secret = dry_secret};
        notch_buf_append(&run->signers, &nobody, sizeof nobody);
        return code;
    }
    code = add_signer(run, index);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    run->options.mode = run->chain.mode;
    run->options.aggregate_min = run->chain.aggregate_min;
    run->options.domain = &run->chain.domain;
    run->options.secret = signers_of(run)->secret;
    run->options.audience_secret = notch_buf_bytes(&run->audience);
    notch_feed_market_build(&run->market, &run->made, &run->plan, &run->options);
    return NOTCH_EXIT_OK;
}

static enum notch_exit build_parties(struct notch_feed_run *run, enum notch_feed_kind_id kind)
{
    const struct notch_feed_party *feed = &run->parties[kind];
    uint32_t count = notch_feed_names_count(&feed->parties);
    uint32_t first = (uint32_t)(run->signers.len / sizeof(struct notch_signer));
    enum notch_exit code = add_parties(run, feed);
    if (code != NOTCH_EXIT_OK || count == 0) {
        return code;
    }
    struct notch_feed_key *keys = notch_alloc_array(run->cli->alloc, count, sizeof *keys);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = (struct notch_feed_key){signers_of(run)[first + i].key, signers_of(run)[first + i].secret};
    }
    struct notch_feed_party_options options = {.domain = &run->chain.domain,
                                               .audience_secret = notch_buf_bytes(&run->audience),
                                               .reveal = notch_cli_flag(run->cli, "reveal"),
                                               .first_signer = first,
                                               .keys = keys};
    notch_feed_party_build(feed, &run->plan, &run->openings, &options);
    notch_free(run->cli->alloc, keys, count * sizeof *keys);
    return NOTCH_EXIT_OK;
}

static enum notch_exit build(struct notch_feed_run *run)
{
    /* Offers and recognition stand before the needs that they are for. */
    static const enum notch_feed_kind_id order[] = {NOTCH_FEED_CAPACITIES, NOTCH_FEED_RECOGNITION, NOTCH_FEED_NEEDS};
    uint64_t entries_max;
    enum notch_exit code =
        notch_cli_number(run->cli, &entries_max, "entries", NOTCH_RECORD_ENTRIES_MAX, 1, NOTCH_RECORD_ENTRIES_MAX);
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    notch_feed_plan_fini(&run->plan);
    notch_feed_plan_init(&run->plan, run->cli->alloc, (uint32_t)entries_max, run->chain.record_bytes_max);
    code = build_market(run);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(order) && code == NOTCH_EXIT_OK; i++) {
        code = build_parties(run, order[i]);
    }
    return code;
}

/* ---- publishing ---- */

static enum notch_exit publish(struct notch_feed_run *run)
{
    const char *path = notch_cli_option(run->cli, "log");
    uint64_t rate;
    uint64_t seconds;
    struct notch_submit_options options = {
        .client = &run->client, .chain = &run->chain, .plan = &run->plan, .signers = signers_of(run)};
    enum notch_exit code = notch_cli_number(run->cli, &rate, "rate", 0, 0, 1000000);
    if (code == NOTCH_EXIT_OK) {
        code = notch_cli_number(run->cli, &seconds, "for", 0, 0, UINT64_C(86400) * 365);
    }
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    options.rate = rate;
    options.stop_ms = seconds == 0 ? 0 : notch_clock_ms() + seconds * 1000;
    if (path != NULL) {
        options.log = fopen(path, "ae");
        if (options.log == NULL) {
            return notch_cli_fail(run->cli, NOTCH_EXIT_REFUSED, "cannot open the log %s: %s", path, strerror(errno));
        }
    }
    code = notch_submit_all(&run->result, &options);
    if (options.log != NULL && fclose(options.log) != 0 && code == NOTCH_EXIT_OK) {
        code = notch_cli_fail(run->cli, NOTCH_EXIT_REFUSED, "cannot write the log %s: %s", path, strerror(errno));
    }
    if (code == NOTCH_EXIT_OK && notch_cli_flag(run->cli, "wait")) {
        code = notch_submit_wait(&run->result, &run->client);
    }
    return code;
}

static enum notch_exit run_feed(struct notch_feed_run *run)
{
    enum notch_exit code = notch_feed_options_read(run);
    if (code == NOTCH_EXIT_OK) {
        code = find_chain(run);
    }
    if (code == NOTCH_EXIT_OK) {
        code = read_files(run);
    }
    if (code == NOTCH_EXIT_OK) {
        code = open_keys(run);
    }
    if (code == NOTCH_EXIT_OK) {
        code = build(run);
    }
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    if (!run->dry) {
        code = notch_feed_note_openings(run);
        if (code == NOTCH_EXIT_OK) {
            code = publish(run);
        }
    }
    notch_feed_report(run);
    return code == NOTCH_EXIT_OK && run->result.refused > 0
               ? notch_cli_fail(run->cli, NOTCH_EXIT_REFUSED, "the node refused %llu records",
                                (unsigned long long)run->result.refused)
               : code;
}

enum notch_exit notch_cmd_feed(struct notch_cli *cli)
{
    struct notch_feed_run run = {.cli = cli, .started_ms = notch_clock_ms()};
    notch_genesis_init(&run.genesis, cli->alloc);
    notch_feed_market_init(&run.market, cli->alloc);
    for (unsigned kind = 0; kind < NOTCH_FEED_FILES; kind++) {
        notch_feed_party_init(&run.parties[kind], cli->alloc, (enum notch_feed_kind_id)kind);
    }
    notch_buf_init(&run.audience, cli->alloc);
    notch_buf_init(&run.signers, cli->alloc);
    notch_buf_init(&run.openings, cli->alloc);
    notch_feed_plan_init(&run.plan, cli->alloc, NOTCH_RECORD_ENTRIES_MAX, NOTCH_RECORD_BYTES_MAX);
    notch_submit_init(&run.result, cli->alloc);
    enum notch_exit code = run_feed(&run);
    notch_submit_fini(&run.result);
    notch_feed_plan_fini(&run.plan);
    if (run.openings.cap > 0) {
        notch_wipe(run.openings.data, run.openings.cap);
    }
    notch_buf_fini(&run.openings);
    notch_buf_fini(&run.signers);
    if (run.audience.cap > 0) {
        notch_wipe(run.audience.data, run.audience.cap);
    }
    notch_buf_fini(&run.audience);
    for (unsigned kind = 0; kind < NOTCH_FEED_FILES; kind++) {
        notch_feed_party_fini(&run.parties[kind]);
    }
    notch_feed_market_fini(&run.market);
    notch_genesis_fini(&run.genesis);
    if (run.has_keyring) {
        notch_keyring_close(&run.keyring);
    }
    if (run.has_client) {
        notch_client_fini(&run.client);
    }
    return code;
}
