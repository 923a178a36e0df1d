/* The table. Every option and every example that users see is here, and nowhere else. */
#include "rpc/cli/command.h"

#include "base/assert.h"

#include <string.h>

#define OPTIONS(list) (list), NOTCH_ARRAY_LEN(list)
#define NO_OPTIONS NULL, 0

static const struct notch_cli_option common_options[] = {
    {"json", NULL, "one line of JSON instead of text for people"},
    {"help", NULL, "this text"},
    {"progress", NULL, "show progress even where standard error is no terminal"},
    {"no-progress", NULL, "show none"},
};

static const struct notch_cli_option node_options[] = {
    {"data", "DIR", "data directory of the node: its port and cookie are there (NOTCH_NODE_DATA, ~/.notch)"},
    {"rpc", "URL", "where the node answers, http://HOST:PORT (NOTCH_RPC; else the port in DIR, else 7079)"},
    {"cookie", "FILE", "cookie file, if it is not in the data directory"},
    {"user", "NAME", "user of the node's configuration, instead of the cookie"},
    {"rpc-password-file", "FILE", "file whose first line is the password of that user"},
};

#define WALLET_OPTIONS \
    {"wallet", "FILE", "key file with the mnemonic (NOTCH_WALLET; else wallet.key in the data directory)"}, \
    { \
        "password-file", "FILE", "file whose first line is its password; asked for on a terminal otherwise" \
    }

static const struct notch_cli_option feed_options[] = {
    {"market", "FILE", "prices and quantities: becomes insights"},
    {"needs", "FILE", "recipient,resource,period,amount: becomes commitments to needs"},
    {"capacities", "FILE", "provider,resource,period,amount[,kind]: becomes offers; kind is stock or flow"},
    {"recognition", "FILE", "from,to,share_ppm: becomes shares of recognition"},
    {"columns", "LIST", "which column is what: time=week_ending,market=geography,...; else columns of those names"},
    {"where", "COLUMN=VALUE", "take only rows with this value; may be given many times"},
    {"separator", "CHAR", "between cells: a character, tab, or auto (the default: what the header has most of)"},
    {"time-format", "NAME", "auto (default), date, unix, unix-ms, week, day; week and day count from --time-origin"},
    {"time-origin", "DATE", "the first day of week or day 1 (1970-01-01 is day 0 where this is not given)"},
    {"quantity-log", "BASE", "the quantities are logarithms to base e, 2 or 10"},
    {"period", "LENGTH", "one insight for each hour, day, week, month, year; auto (default) goes by the gaps in time"},
    {"window", "N", "periods that range, trend, volatility and confidence look back over (4)"},
    {"currency", "NAME", "currency of the prices, where no column says it"},
    {"unit", "NAME", "what one of the quantity is, where no column says it"},
    {"pack", "NAME", "size of a pack, where no column says it"},
    {"audience-secret", "FILE", "file whose first line keys the ids of markets and resources (none: plain hashes)"},
    {"noise-ppm", "N", "public chains: standard deviation of the noise that is added (10000)"},
    {"author", "N", "index of the author's key that signs insights (0)"},
    {"reveal", NULL, "with --needs: publish the openings of the needs instead of the commitments"},
    {"openings", "FILE", "with --needs: where openings are noted (the wallet's path and .openings)"},
    {"entries", "N", "entries in a record at most, 1 to 256 (256)"},
    {"span", "WHAT", "period (default): no record spans two periods; file: records as full as they can be"},
    {"skip-bad", NULL, "go on with the good rows where some are bad"},
    {"dry-run", NULL, "read and check everything, publish nothing"},
    {"rate", "N", "records a second at most (0: as fast as the node takes them)"},
    {"for", "SECONDS", "stop publishing after that time"},
    {"wait", NULL, "wait until every record is final, and say what became of it"},
    {"log", "FILE", "append one line of JSON for each record that was submitted"},
    {"genesis", "FILE", "with --dry-run: the chain to check against, without a node"},
    WALLET_OPTIONS,
};

static const struct notch_cli_option publish_options[] = {
    {"market", "NAME", "product|region|currency|unit|pack, or 64 hex digits"},
    {"time", "DATE", "first day of the period, or ms since 1970"},
    {"length", "LENGTH", "hour, day, week, month, year, or ms"},
    {"price", "DECIMAL", "point price"},
    {"low", "DECIMAL", "lower end of the range of prices"},
    {"high", "DECIMAL", "upper end"},
    {"trend-ppm", "N", "change of the price over a period"},
    {"volatility-ppm", "N", "standard deviation over mean"},
    {"confidence-ppm", "N", "how much stands behind it, up to 1000000"},
    {"samples", "N", "observations behind it"},
};

static const struct notch_cli_option need_options[] = {
    {"resource", "NAME", "product|region|currency|unit|pack, or 64 hex digits"},
    {"period", "PERIOD", "2022, 2022-Q1, 2022-03, 2022-03-15, or FROM/TO"},
    {"amount", "DECIMAL", "how much"},
};

static const struct notch_cli_option capacity_options[] = {
    {"resource", "NAME", "product|region|currency|unit|pack, or 64 hex digits"},
    {"period", "PERIOD", "2022, 2022-Q1, 2022-03, 2022-03-15, or FROM/TO"},
    {"amount", "DECIMAL", "how much"},
    {"kind", "KIND", "stock, used up over the period (default), or flow, there anew in each"},
};

static const struct notch_cli_option memory_options[] = {
    {"columns", "LIST", "which column is what: price=,reward=[,time=][,quantity=]; else columns of those names"},
    {"where", "COLUMN=VALUE", "take only rows with this value; may be given many times"},
    {"separator", "CHAR", "between cells: a character, tab, or auto (the default: what the header has most of)"},
    {"time-format", "NAME", "auto (default), date, unix, unix-ms, week, day; week and day count from --time-origin"},
    {"time-origin", "DATE", "the first day of week or day 1 (1970-01-01 where this is not given)"},
    {"classic", NULL, "the memory of the documents: bins, 0.7 own and 0.3 network"},
    {"history", "P1,P2,...", "with --classic: the prices that its range and bins come from"},
    {"query", "P,...", "prices to ask about"},
    {"half-life-hours", "N", "how long until an observation counts half (24); not with --classic"},
    {"period", "LENGTH", "hour, day (default) or week: what trend and seasons are counted in"},
    {"outlook", NULL, "with --json: trend, volatility, cycle, seasons and anomalies too"},
    {"state", "FILE", "go on from the memory in this file, where it is there, and leave the new one in it"},
    {"skip-bad", NULL, "go on with the good rows where some are bad"},
};

static const struct notch_cli_option allocate_options[] = {
    {"instance", "FILE", "providers, recipients and their mutual recognition, as JSON; - for standard input"},
    {"algorithm", "NAME", "default, or classic: the denominator document's own, for comparison"},
    {"drop", "PCT", "percent of the messages that are lost on the way, 0 to 99 (0)"},
    {"delay", "MS", "mean of exponential delays; without it all messages take equally long"},
    {"seed", "N", "of delays and losses (1)"},
};

static const struct notch_cli_option model_export_options[] = {
    {"out", "FILE", "where the canonical bytes go"},
    {"force", NULL, "replace a file that is there"},
};
static const struct notch_cli_option model_verify_options[] = {
    {"root", "HASH", "the network must have this root"},
};
static const struct notch_cli_option model_run_options[] = {
    {"input", "X,...", "an input: as many numbers as the network takes; may be given many times"},
};

static const struct notch_cli_option list_options[] = {
    {"type", "NAME", "with an entry of this type: insight, capacity, need_commit, ..."},
    {"author", "KEY", "by this author"},
    {"market", "HASH", "with an entry for this market or resource"},
    {"from", "DATE", "in blocks from this time on"},
    {"to", "DATE", "in blocks up to this time"},
    {"newest", NULL, "newest first"},
    {"limit", "N", "how many at most (20)"},
};

static const struct notch_cli_option proof_get_options[] = {
    {"checkpoint", "BLOCK", "height or hash of a final block that the verifier trusts; the genesis where not given"},
    {"hex", NULL, "write it as hex instead of bytes"},
    {"out", "FILE", "where to; standard output otherwise"},
};
static const struct notch_cli_option proof_verify_options[] = {
    {"checkpoint", "HASH", "hash of a final block, or of the genesis, that you trust"},
    {"entry", "HEX", "the proof must be of this entry (type, length and payload, as getentry's bytes)"},
};

static const struct notch_cli_option block_options[] = {
    {"records", NULL, "list its records"},
};

static const struct notch_cli_option wallet_new_options[] = {
    WALLET_OPTIONS,
    {"data", "DIR", "data directory: where wallet.key goes"},
    {"network", "NAME", "main (default), test or dev"},
    {"words", "N", "12 or 24 (24)"},
    {"label", "TEXT", "a note to yourself, inside of the file"},
    {"force", NULL, "replace a file that is there"},
};
static const struct notch_cli_option wallet_restore_options[] = {
    WALLET_OPTIONS,
    {"data", "DIR", "data directory: where wallet.key goes"},
    {"network", "NAME", "main (default), test or dev"},
    {"words-file", "FILE", "file with the words; standard input otherwise"},
    {"label", "TEXT", "a note to yourself, inside of the file"},
    {"force", NULL, "replace a file that is there"},
};
static const struct notch_cli_option wallet_address_options[] = {
    WALLET_OPTIONS,
    {"data", "DIR", "data directory: where wallet.key is"},
    {"role", "NAME", "operator, validator, node or author (author)"},
    {"index", "N", "which key of the role (0)"},
    {"party", "NAME", "the author key that notch feed uses for the party of this name"},
    {"key-file", "FILE", "write the key into a key file too, as notchd reads it"},
    {"key-password-file", "FILE", "file whose first line is the password of that key file (empty)"},
    {"force", NULL, "replace a file that is there"},
};
static const struct notch_cli_option wallet_sign_options[] = {
    WALLET_OPTIONS,
    {"data", "DIR", "data directory: where wallet.key is"},
    {"genesis", "FILE", "genesis file of the chain"},
    {"ref", "HASH", "a final block of the chain (the genesis)"},
    {"index", "N", "index of the author's key (0)"},
    {"party", "NAME", "the author key that notch feed uses for the party of this name"},
    {"out", "FILE", "write the bytes of the record there; hex to standard output otherwise"},
};

static const struct notch_cli_option genesis_options[] = {
    {"name", "NAME", "name of the chain: a-z, 0-9 and -"},
    {"network", "NAME", "main (default), test or dev"},
    {"mode", "NAME", "private (default), consortium or public"},
    {"member", "KEY[,OPERATOR]", "a validator, with its operator's key; may be given many times"},
    {"governance", "KEY", "a governance key; may be given many times"},
    {"quorum", "N", "governance keys that must agree (more than half)"},
    {"delta-ms", "N", "a quarter of a slot, in ms"},
    {"epoch-slots", "N", "slots between changes of the set"},
    {"author-bytes", "N", "quota of an author in a set"},
    {"newcomer-bytes", "N", "quota that all newcomers share in a set"},
    {"aggregate-min", "N", "samples that a sum must hold at least"},
    {"time0-ms", "N", "when the chain begins, in ms since 1970 (now)"},
    {"seed", "HASH", "randomness of the first set (drawn)"},
    {"out", "FILE", "the canonical file (genesis)"},
    {"force", NULL, "replace a file that is there"},
};

#define AGENT_OPTIONS \
    {"env", "NAME", "world: pendulum, linear, logit, drift, duopoly, inventory"}, \
        {"seed", "N", "of the world and of the agent: the same seed gives the same agent (1)"}, \
        {"steps", "N", "steps in all (10000)"}, {"hidden", "N", "width of the networks' two hidden layers (64)"}, \
        {"prioritised", NULL, "learn more often from what surprised more"}, \
        {"teacher", NULL, "in linear, logit and drift: begin with Thompson sampling, and listen to it later"}, \
    { \
        "episodes", "N", "episodes to evaluate with, from fixed starts (100)" \
    }

static const struct notch_cli_option agent_train_options[] = {
    AGENT_OPTIONS,
    {"agent", "FILE", "write the agent there, to evaluate it or to go on later"},
    {"resume", NULL, "go on with the agent in that file, up to --steps in all"},
};
static const struct notch_cli_option agent_evaluate_options[] = {
    AGENT_OPTIONS,
    {"agent", "FILE", "an agent that was trained; without it, one is trained first, as agent train does"},
};

#define NEED_TEXT \
    "The commitment hides the amount; its blinding is derived from the author's key and the need, so nothing\n" \
    "has to be kept: reveal takes the same arguments again. The node's own author signs."

static const struct notch_cli_command commands[] = {
    {"status", "", 0, 0, "What the node is, and where its chain stands", "", "notch status", true, NO_OPTIONS,
     notch_cmd_status},
    {"peers", "", 0, 0, "The peers the node is connected to", "", "notch peers", true, NO_OPTIONS, notch_cmd_peers},
    {"feed", "", 0, 0, "Publishes CSV files: prices as insights, needs, capacities, recognition",
     "Reads one file of each kind, makes entries, signs them with keys of the wallet, and submits them, several\n"
     "requests at a time. The same feed twice adds nothing the second time: a record's salt is derived from its\n"
     "content. Ends with what was read, taken, refused and why, and published.\n"
     "\n"
     "Insights. The rows of a market and product are put in order of time and into periods. The price of a\n"
     "period is the mean weighted by quantity. Over a window of periods that ends with it: the range from the\n"
     "least to the greatest price; the trend, the slope of a straight line through the prices, as a part of their\n"
     "mean for each period; the volatility, standard deviation over mean; the confidence, the share of periods\n"
     "that have rows times n/(n+4) for n rows; the samples, those n rows. Integers only: the same file gives the\n"
     "same bytes everywhere. What the mode of the chain forbids is left out: a consortium sees ranges with edges\n"
     "of two digits and no prices; a public chain sees trend and volatility alone, over enough samples, rounded\n"
     "and with noise. That noise is keyed by the author's secret and the content, so that a feed stays repeatable;\n"
     "each other window or noise level is another look at the same figures, and nothing counts these yet.\n"
     "\n"
     "Parties. Recipients, providers and whoever gives or gets recognition sign for themselves: the key of a\n"
     "party is an author key of the wallet, at an index derived from the wallet and the party's name, so the\n"
     "mnemonic alone restores it. Needs are committed to; the openings are noted in a file for you alone.",
     "notch feed --market prices.csv --columns time=week,market=city,product=item,price=usd,quantity=units", true,
     OPTIONS(feed_options), notch_cmd_feed},
    {"insight publish", "", 0, 0, "Publishes one insight, signed by the node's author", "",
     "notch insight publish --market 'avocado|Boston|USD|each|' --time 2024-03-04 --length week --price 1.35", true,
     OPTIONS(publish_options), notch_cmd_insight_publish},
    {"need commit", "", 0, 0, "Commits to a need without showing it", NEED_TEXT,
     "notch need commit --resource 'rice||||' --period 2026-Q1 --amount 5000", true, OPTIONS(need_options),
     notch_cmd_need_commit},
    {"need reveal", "", 0, 0, "Shows a need that was committed to", NEED_TEXT,
     "notch need reveal --resource 'rice||||' --period 2026-Q1 --amount 5000", true, OPTIONS(need_options),
     notch_cmd_need_reveal},
    {"capacity offer", "", 0, 0, "Offers a capacity; the latest offer stands", "",
     "notch capacity offer --resource 'rice||||' --period 2026-Q1 --amount 800 --kind flow", true,
     OPTIONS(capacity_options), notch_cmd_capacity_offer},
    {"recognise", "KEY=SHARE...", 1, 32, "Gives shares of recognition; the latest stand",
     "Shares are parts per million, 1,000,000 in all. The node's own author signs.",
     "notch recognise dnotch1...=600000 dnotch1...=400000", true, NO_OPTIONS, notch_cmd_recognise},
    {"memory replay", "FILE", 1, 1, "What a price memory makes of a CSV file, without a node",
     "One observation in a row, in the order of their times: what was asked, and what came of it (a profit, a\n"
     "revenue). For each price of --query: how much there is to learn at it (bonus), how far around it to try (std),\n"
     "and how much is known (confidence), from this file alone, and in the mixture that a node uses whose peers say\n"
     "nothing. What cannot be (no number, a price of zero, a time that goes back, a price a hundred times off the\n"
     "last ones) is refused with its line and column.",
     "notch memory replay sales.csv --columns time=week,price=usd,reward=profit --query 1.2,1.35", false,
     OPTIONS(memory_options), notch_cmd_memory_replay},
    {"allocate", "", 0, 0, "Allocates capacities to needs by mutual recognition, without a node",
     "Every provider and every recipient of FILE is an agent, and they talk over a network in memory until they\n"
     "come to rest at the one right answer. Amounts are in the unit of the file, rounded to its last digit (six\n"
     "decimals) such that no capacity and no need is exceeded. rounds and messages_per_edge count until the\n"
     "allocation is within 0.1 % of what is printed; rounds_run and messages_per_edge_run count to the end.\n"
     "certificate_distance is how far the result is from the fixed point, as a share of one: 0.001 is 0.1 %.\n"
     "\n"
     "FILE: {\"providers\": [{\"id\": \"P1\", \"capacity\": 400}], \"recipients\": [{\"id\": \"R1\", \"need\": 500}],\n"
     "\"recognition\": [{\"provider\": \"P1\", \"recipient\": \"R1\", \"mr\": 0.6}]}. mr is mutual recognition, 0 to "
     "1.\n"
     "\n"
     "Lost messages are sent again. The classic algorithm loses them, does not come to the fixed point and hands\n"
     "out more than there is; what it prints is the sum over its rounds, and lambdas from what recipients believe.",
     "notch allocate --instance village.json --drop 30 --json", false, OPTIONS(allocate_options), notch_cmd_allocate},
    {"model export", "FILE", 1, 1, "Makes the canonical int8 network out of one of floats",
     "FILE: {\"layers\": [{\"weights\": [[0.5, -1], ...], \"bias\": [0.1, ...], \"activation\": \"relu\"}, ...],\n"
     "\"calibration\": [[0.2, 3], ...]}. A row of weights for each output; activations are linear, relu, tanh,\n"
     "sigmoid, and softmax in the last layer. The scales follow from the calibration, a sample of the inputs that\n"
     "the network will see; how far the result is from the floats is measured over it.",
     "notch model export actor.json --out actor.model", false, OPTIONS(model_export_options), notch_cmd_model_export},
    {"model verify", "FILE", 1, 1, "Whether a file is a canonical network, and which",
     "The root is what a MODEL entry commits to.", "notch model verify actor.model --root 5f3c...", false,
     OPTIONS(model_verify_options), notch_cmd_model_verify},
    {"model run", "FILE", 1, 1, "Runs a canonical network: the same bits on every machine",
     "Inputs are rounded to the network's steps and cut off at its range. One line of outputs for each input.",
     "notch model run actor.model --input 0.2,3", false, OPTIONS(model_run_options), notch_cmd_model_run},
    {"record get", "ID", 1, 1, "A final record with its entries and what became of it", "", "notch record get 5f3c...",
     true, NO_OPTIONS, notch_cmd_record_get},
    {"record list", "", 0, 0, "Final records by type, author, market and time", "",
     "notch record list --type insight --newest --limit 5", true, OPTIONS(list_options), notch_cmd_record_list},
    {"record status", "ID", 1, 1, "How far a record has come", "", "notch record status 5f3c...", true, NO_OPTIONS,
     notch_cmd_record_status},
    {"record submit", "FILE", 1, 1, "Submits a signed record: its bytes, or their hex; - for standard input", "",
     "notch wallet sign entries.json --genesis genesis | notch record submit -", true, NO_OPTIONS,
     notch_cmd_record_submit},
    {"block", "[HEIGHT|HASH|final]", 0, 1, "A final block", "", "notch block final --records", true,
     OPTIONS(block_options), notch_cmd_block},
    {"proof get", "RECORD[:ENTRY]", 1, 1, "The proof that an entry is final",
     "Binary, as chain/PROOFS.md describes it. Entries are counted from 0, the default.",
     "notch proof get 5f3c...:0 --out p.proof", true, OPTIONS(proof_get_options), notch_cmd_proof_get},
    {"proof verify", "FILE", 1, 1, "Whether a proof shows anything to somebody who trusts a checkpoint",
     "Asks no node. FILE holds the bytes of the proof, or their hex; - is standard input.",
     "notch proof verify p.proof --checkpoint 9a41...", false, OPTIONS(proof_verify_options), notch_cmd_proof_verify},
    {"wallet new", "", 0, 0, "Makes a wallet, and shows its words once", "", "notch wallet new --network dev", false,
     OPTIONS(wallet_new_options), notch_cmd_wallet_new},
    {"wallet restore", "", 0, 0, "Makes a wallet out of the words of one", "",
     "notch wallet restore --words-file words", false, OPTIONS(wallet_restore_options), notch_cmd_wallet_restore},
    {"wallet address", "", 0, 0, "The key of a role, as text, and as a key file for notchd", "",
     "notch wallet address --role validator --key-file validator.key", false, OPTIONS(wallet_address_options),
     notch_cmd_wallet_address},
    {"wallet sign", "FILE", 1, 1, "Signs entries as a record, without a node",
     "FILE is a JSON array of entries, each with its type, as notch record get shows them; - is standard input.",
     "notch wallet sign entries.json --genesis genesis --ref 9a41...", false, OPTIONS(wallet_sign_options),
     notch_cmd_wallet_sign},
    {"genesis new", "", 0, 0, "Makes the genesis file of a chain, and prints it", "",
     "notch genesis new --name corner-shops --member notch1... --governance notch1... --out genesis", false,
     OPTIONS(genesis_options), notch_cmd_genesis_new},
    {"agent train", "", 0, 0, "Trains the pricing agent in a world, without a node",
     "Soft Actor-Critic. Prints the learning curve (returns without noise), and how the best actor and the latest do\n"
     "from starts that did not choose the best one. The best is kept beside the latest.",
     "notch agent train --env pendulum --seed 1 --steps 10000 --agent pendulum.agent", false,
     OPTIONS(agent_train_options), notch_cmd_agent_train},
    {"agent evaluate", "", 0, 0, "Plays a trained pricing agent from fixed starts, without noise", "",
     "notch agent evaluate --agent pendulum.agent --episodes 100 --json", false, OPTIONS(agent_evaluate_options),
     notch_cmd_agent_evaluate},
    {"vote-reset", "", 0, 0, "Lets a validator vote again whose vote log was lost",
     "Only if no other copy of this validator runs anywhere: two that vote are held against it.", "notch vote-reset",
     true, NO_OPTIONS, notch_cmd_vote_reset},
    {"rpc", "METHOD [PARAMS]", 1, 2, "Calls a method of the node, with parameters in JSON",
     "rpc.discover lists the methods. The result is JSON, with or without --json.",
     "notch rpc getblock '{\"block\": 0}'", true, NO_OPTIONS, notch_cmd_rpc},
    {"manual", "", 0, 0, "Prints the manual page (troff)", "", "notch manual | man -l -", false, NO_OPTIONS,
     notch_cmd_manual},
    {"completion", "", 0, 0, "Prints the completion for bash", "", "source <(notch completion)", false, NO_OPTIONS,
     notch_cmd_completion},
};

const struct notch_cli_command *notch_cli_commands(size_t *count)
{
    *count = NOTCH_ARRAY_LEN(commands);
    return commands;
}

const struct notch_cli_option *notch_cli_common_options(size_t *count)
{
    *count = NOTCH_ARRAY_LEN(common_options);
    return common_options;
}

const struct notch_cli_option *notch_cli_node_options(size_t *count)
{
    *count = NOTCH_ARRAY_LEN(node_options);
    return node_options;
}

static bool is_named(const struct notch_cli_command *command, int argc, char **argv, int *used)
{
    const char *space = strchr(command->name, ' ');
    if (space == NULL) {
        *used = 1;
        return strcmp(command->name, argv[0]) == 0;
    }
    size_t first = (size_t)(space - command->name);
    *used = 2;
    return argc > 1 && strlen(argv[0]) == first && memcmp(argv[0], command->name, first) == 0 &&
           strcmp(argv[1], space + 1) == 0;
}

const struct notch_cli_command *notch_cli_find(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(commands); i++) {
        if (is_named(&commands[i], argc, argv, used)) {
            return &commands[i];
        }
    }
    return NULL;
}

static const struct notch_cli_option *find_in(const struct notch_cli_option *options, size_t count, const char *name,
                                              size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

const struct notch_cli_option *notch_cli_find_option(const struct notch_cli_command *command, const char *name,
                                                     size_t len)
{
    const struct notch_cli_option *found = find_in(command->options, command->option_count, name, len);
    if (found == NULL && command->asks_node) {
        found = find_in(OPTIONS(node_options), name, len);
    }
    return found != NULL ? found : find_in(OPTIONS(common_options), name, len);
}
