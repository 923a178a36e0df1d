/* The table. Help is for people; schemas are for machines, and the tests hold both against what is really answered. */
#include "rpc/method.h"

#include "rpc/internal.h"

#define OBJECT "{\"type\":\"object\"}"
#define ARRAY "{\"type\":\"array\"}"
#define RESULT_SCHEMA "{\"type\":\"object\",\"required\":[\"id\",\"status\"]}"
#define PARAMS(list) (list), NOTCH_ARRAY_LEN(list)
#define NO_PARAMS NULL, 0
#define ENTRY_ITEMS "{\"type\":\"object\",\"required\":[\"type\"]}"
#define SHARE_ITEMS \
    "{\"type\":\"object\",\"required\":[\"peer\",\"share_ppm\"],\"additionalProperties\":false," \
    "\"properties\":{\"peer\":{\"type\":\"string\"},\"share_ppm\":{\"type\":\"integer\"}}}"
#define HASH_0 "\"0000000000000000000000000000000000000000000000000000000000000000\""

static const struct notch_rpc_param block_params[] = {
    {"block", NOTCH_RPC_BLOCK, false, "Which block; the newest final one if left out", NULL},
    {"records", NOTCH_RPC_FLAG, false, "List the ids of its records too", NULL},
    {"hex", NOTCH_RPC_FLAG, false, "Give its bytes too", NULL}};

static const struct notch_rpc_param header_params[] = {
    {"block", NOTCH_RPC_BLOCK, false, "Which block; the newest final one if left out", NULL}};

static const struct notch_rpc_param record_params[] = {
    {"id", NOTCH_RPC_HASH, true, "Id of the record", NULL},
    {"raw", NOTCH_RPC_FLAG, false, "Give the bytes of the record instead of its entries", NULL}};

static const struct notch_rpc_param entry_params[] = {
    {"id", NOTCH_RPC_HASH, true, "Id of the record", NULL},
    {"index", NOTCH_RPC_UINT, true, "Which entry of the record, from 0", NULL}};

static const struct notch_rpc_param receipt_params[] = {
    {"id", NOTCH_RPC_HASH, true, "Id of the record", NULL},
    {"proof", NOTCH_RPC_FLAG, false, "Prove it under the receipts root of its block", NULL}};

static const struct notch_rpc_param list_params[] = {
    {"type", NOTCH_RPC_TEXT, false, "With an entry of this type: insight, capacity, need_commit, ...", NULL},
    {"author", NOTCH_RPC_KEY, false, "By this author: the first key of the account", NULL},
    {"market", NOTCH_RPC_HASH, false, "With an entry for this market or resource", NULL},
    {"from_ms", NOTCH_RPC_TIME, false, "In a block of this time or later", NULL},
    {"to_ms", NOTCH_RPC_TIME, false, "In a block of this time or earlier", NULL},
    {"order", NOTCH_RPC_TEXT, false, "\"oldest\" first, as if left out, or \"newest\" first", NULL},
    {"cursor", NOTCH_RPC_TEXT, false, "Where the page before ended: its \"cursor\"", NULL},
    {"limit", NOTCH_RPC_UINT, false, "How many at most, 1 to 1000; 100 if left out", NULL},
    {"full", NOTCH_RPC_FLAG, false, "With their entries", NULL}};

static const struct notch_rpc_param proof_params[] = {
    {"id", NOTCH_RPC_HASH, true, "Id of the record", NULL},
    {"index", NOTCH_RPC_UINT, true, "Which entry of the record, from 0", NULL},
    {"checkpoint", NOTCH_RPC_BLOCK, false, "A final block that the verifier trusts; the genesis if left out", NULL}};

static const struct notch_rpc_param verify_params[] = {
    {"proof", NOTCH_RPC_HEX, true, "What getproof gave", NULL},
    {"checkpoint", NOTCH_RPC_HASH, true, "Hash of the block, or of the genesis, that is trusted", NULL}};

static const struct notch_rpc_param state_params[] = {
    {"key", NOTCH_RPC_HEX, true, "Key of the state, as bytes (chain/keys.h)", NULL}};

static const struct notch_rpc_param history_params[] = {
    {"block", NOTCH_RPC_BLOCK, true, "The block whose place is to be proven", NULL},
    {"head", NOTCH_RPC_BLOCK, false, "The block under whose history root; the newest final one if left out", NULL}};

static const struct notch_rpc_param submit_params[] = {
    {"record", NOTCH_RPC_HEX, true, "A signed record, as bytes", NULL}};

static const struct notch_rpc_param submit_all_params[] = {
    {"records", NOTCH_RPC_LIST, true, "1 to 1024 signed records, as bytes", "{\"type\":\"string\"}"}};

static const struct notch_rpc_param status_params[] = {{"id", NOTCH_RPC_HASH, true, "Id of the record", NULL}};

static const struct notch_rpc_param insight_params[] = {
    {"insights", NOTCH_RPC_LIST, true,
     "1 to 256 objects: market, start_ms, length_ms, and what the chain's mode allows of price, price_lo, price_hi, "
     "trend_ppm, volatility_ppm, seasonality_ppm, confidence_ppm, samples, success_ppm, aggregated, noise_ppm",
     "{\"type\":\"object\",\"required\":[\"market\",\"start_ms\",\"length_ms\"]}"}};

static const struct notch_rpc_param need_params[] = {
    {"resource", NOTCH_RPC_HASH, true, "What is needed", NULL},
    {"start_ms", NOTCH_RPC_TIME, true, "Begin of the period", NULL},
    {"length_ms", NOTCH_RPC_UINT, true, "Length of the period in ms", NULL},
    {"amount", NOTCH_RPC_AMOUNT, true, "How much", NULL}};

static const struct notch_rpc_param capacity_params[] = {
    {"resource", NOTCH_RPC_HASH, true, "What is offered", NULL},
    {"start_ms", NOTCH_RPC_TIME, true, "Begin of the period", NULL},
    {"length_ms", NOTCH_RPC_UINT, true, "Length of the period in ms", NULL},
    {"amount", NOTCH_RPC_AMOUNT, true, "How much", NULL},
    {"kind", NOTCH_RPC_TEXT, true, "\"stock\", used up over the period, or \"flow\", there anew in each", NULL}};

static const struct notch_rpc_param recognise_params[] = {
    {"shares", NOTCH_RPC_LIST, true, "At most 512 peers with their share in ppm, 1,000,000 in all", SHARE_ITEMS}};

static const struct notch_rpc_param sign_params[] = {
    {"entries", NOTCH_RPC_LIST, true, "1 to 256 entries, each with its type, as getrecord shows them", ENTRY_ITEMS}};

static const struct notch_rpc_param evidence_params[] = {
    {"from_height", NOTCH_RPC_UINT, false, "Where to begin; up to 1000 blocks are looked at; 0 if left out", NULL}};

static const struct notch_rpc_param stream_params[] = {{"streams", NOTCH_RPC_LIST, true,
                                                        "Of \"blocks\", \"finality\", \"records\"",
                                                        "{\"enum\":[\"blocks\",\"finality\",\"records\"]}"}};

#define READ NOTCH_RPC_READ
#define SUBMIT NOTCH_RPC_SUBMIT
#define OPERATE NOTCH_RPC_OPERATE

static const struct notch_rpc_method methods[] = {
    {"node", "getinfo", READ, false, "What this node is, where its chain stands, and what it has done", NO_PARAMS,
     "{\"type\":\"object\",\"required\":[\"version\",\"chain\",\"genesis\",\"head\",\"final\",\"finality_ms\"]}", "[]",
     notch__do_getinfo, NULL},
    {"node", "getconfig", OPERATE, false, "The configuration in force, without secrets", NO_PARAMS, OBJECT, "[]",
     notch__do_getconfig, NULL},
    {"node", "getpeers", READ, false, "The peers this node is connected to", NO_PARAMS, ARRAY, "[]", notch__do_getpeers,
     NULL},
    {"node", "stop", OPERATE, false, "Stops the node, once everything that was taken is on disk", NO_PARAMS,
     "{\"const\":\"stopping\"}", "[]", notch__do_stop, NULL},
    {"node", "votereset", OPERATE, false,
     "Lets a validator vote again whose vote log was lost, after the waiting time: only if no copy of it is running",
     NO_PARAMS, "{\"const\":true}", "[]", notch__do_votereset, notch__do_operated},
    {"node", "trustclock", OPERATE, false, "Says that the clock of this machine is right, where the node doubts it",
     NO_PARAMS, "{\"const\":true}", "[]", notch__do_trustclock, notch__do_operated},
    {"node", "rpc.discover", READ, false, "This table as an OpenRPC document", NO_PARAMS,
     "{\"type\":\"object\",\"required\":[\"openrpc\",\"info\",\"methods\"]}", "[]", notch__do_discover, NULL},

    {"chain", "getblock", READ, false, "A final block, with the ids of its batches", PARAMS(block_params),
     "{\"type\":\"object\",\"required\":[\"hash\",\"height\",\"slot\",\"time_ms\",\"batches\",\"n_records\"]}",
     "{\"block\":0}", notch__do_getblock, NULL},
    {"chain", "getheader", READ, false, "The header of a final block", PARAMS(header_params),
     "{\"type\":\"object\",\"required\":[\"hash\",\"height\",\"slot\",\"time_ms\"]}", "{\"block\":\"final\"}",
     notch__do_getheader, NULL},
    {"chain", "getrecord", READ, false, "A final record with its entries, its block and its receipt",
     PARAMS(record_params), "{\"type\":\"object\",\"required\":[\"id\",\"author\",\"ts_ms\",\"block\",\"receipt\"]}",
     "{\"id\":" HASH_0 "}", notch__do_getrecord, NULL},
    {"chain", "getentry", READ, false, "One entry of a final record, and what became of it", PARAMS(entry_params),
     "{\"type\":\"object\",\"required\":[\"record\",\"index\",\"entry\",\"outcome\",\"block\"]}",
     "{\"id\":" HASH_0 ",\"index\":0}", notch__do_getentry, NULL},
    {"chain", "listrecords", READ, false, "Final records by type, author, market and time, a page at a time",
     PARAMS(list_params), "{\"type\":\"object\",\"required\":[\"records\",\"more\",\"cursor\"]}",
     "{\"type\":\"insight\",\"order\":\"newest\",\"limit\":10}", notch__do_listrecords, NULL},
    {"chain", "getproof", READ, false, "The proof that an entry is final, to be verified without a node",
     PARAMS(proof_params), "{\"type\":\"object\",\"required\":[\"record\",\"index\",\"checkpoint\",\"proof\"]}",
     "{\"id\":" HASH_0 ",\"index\":0}", notch__do_getproof, NULL},
    {"chain", "verifyproof", READ, false, "Whether a proof shows anything to somebody who trusts a checkpoint",
     PARAMS(verify_params), "{\"type\":\"object\",\"required\":[\"valid\"]}",
     "{\"proof\":\"00\",\"checkpoint\":" HASH_0 "}", notch__do_verifyproof, NULL},
    {"chain", "getstate", READ, false, "A value of the state, with the proof that it is there, or that there is none",
     PARAMS(state_params),
     "{\"type\":\"object\",\"required\":[\"key\",\"present\",\"state_root\",\"height\",\"proof\"]}", "{\"key\":\"51\"}",
     notch__do_getstate, NULL},
    {"chain", "gethistoryproof", READ, false, "The proof that a block is an ancestor of another",
     PARAMS(history_params),
     "{\"type\":\"object\",\"required\":[\"block\",\"height\",\"head\",\"size\",\"history_root\",\"proof\"]}",
     "{\"block\":0}", notch__do_gethistoryproof, NULL},
    {"chain", "getreceipt", READ, false, "What became of a final record, entry by entry", PARAMS(receipt_params),
     "{\"type\":\"object\",\"required\":[\"record\",\"height\",\"ordinal\",\"outcome\"]}", "{\"id\":" HASH_0 "}",
     notch__do_getreceipt, NULL},

    {"records", "submitrecord", SUBMIT, false,
     "Takes a signed record, and answers when it is stored as safely as this node can tell", PARAMS(submit_params),
     RESULT_SCHEMA, "{\"record\":\"00\"}", notch__do_submitrecord, notch__do_submitted},
    {"records", "submitrecords", SUBMIT, false, "Takes many signed records, each with a result of its own",
     PARAMS(submit_all_params), "{\"type\":\"object\",\"required\":[\"results\"]}", "{\"records\":[\"00\"]}",
     notch__do_submitrecords, notch__do_submitted_all},
    {"records", "getrecordstatus", READ, false,
     "How far a record has come: unknown, local, stored, included, confirmed, final, or settled where it made claims",
     PARAMS(status_params), "{\"type\":\"object\",\"required\":[\"status\"]}", "{\"id\":" HASH_0 "}",
     notch__do_getrecordstatus, notch__do_status_replied},

    {"wallet", "publishinsight", SUBMIT, false, "Signs insights as one record of this node's author, and submits it",
     PARAMS(insight_params), RESULT_SCHEMA,
     "{\"insights\":[{\"market\":" HASH_0 ",\"start_ms\":0,\"length_ms\":604800000,\"price\":\"1350000\"}]}",
     notch__do_publishinsight, notch__do_published},
    {"wallet", "commitneed", SUBMIT, false, "Commits this node's author to a need without showing it",
     PARAMS(need_params), RESULT_SCHEMA,
     "{\"resource\":" HASH_0 ",\"start_ms\":0,\"length_ms\":86400000,\"amount\":\"5000000\"}", notch__do_commitneed,
     notch__do_published},
    {"wallet", "revealneed", SUBMIT, false, "Shows the need that was committed to: the same parameters again",
     PARAMS(need_params), RESULT_SCHEMA,
     "{\"resource\":" HASH_0 ",\"start_ms\":0,\"length_ms\":86400000,\"amount\":\"5000000\"}", notch__do_revealneed,
     notch__do_published},
    {"wallet", "offercapacity", SUBMIT, false, "Offers a capacity of this node's author; its latest stands",
     PARAMS(capacity_params), RESULT_SCHEMA,
     "{\"resource\":" HASH_0 ",\"start_ms\":0,\"length_ms\":86400000,\"amount\":\"5000000\",\"kind\":\"stock\"}",
     notch__do_offercapacity, notch__do_published},
    {"wallet", "recognise", SUBMIT, false, "Gives shares of this node's author's recognition; its latest stand",
     PARAMS(recognise_params), RESULT_SCHEMA, "{\"shares\":[]}", notch__do_recognise, notch__do_published},
    {"wallet", "signrecord", SUBMIT, false, "Signs entries as a record of this node's author, without submitting it",
     PARAMS(sign_params), "{\"type\":\"object\",\"required\":[\"id\",\"record\"]}",
     "{\"entries\":[{\"type\":\"recognition\",\"shares\":[]}]}", notch__do_signrecord, notch__do_signed},

    {"consensus", "getvalidators", READ, false, "The validator set in force", NO_PARAMS,
     "{\"type\":\"object\",\"required\":[\"set_id\",\"set_root\",\"members\"]}", "[]", notch__do_getvalidators,
     notch__do_validators_replied},
    {"consensus", "getfinality", READ, false, "Head, confirmed, justified and final block, and who votes", NO_PARAMS,
     "{\"type\":\"object\",\"required\":[\"head\",\"confirmed\",\"justified\",\"final\",\"lag_slots\"]}", "[]",
     notch__do_getfinality, notch__do_finality_replied},
    {"consensus", "getevidence", READ, false, "What final blocks hold against validators", PARAMS(evidence_params),
     "{\"type\":\"object\",\"required\":[\"evidence\",\"next_height\",\"more\"]}", "{\"from_height\":0}",
     notch__do_getevidence, NULL},

    {"streams", "subscribe", READ, true, "Sends notifications of these streams from now on", PARAMS(stream_params),
     ARRAY, "{\"streams\":[\"blocks\"]}", notch__do_subscribe, NULL},
    {"streams", "unsubscribe", READ, true, "Ends these streams", PARAMS(stream_params), ARRAY,
     "{\"streams\":[\"blocks\"]}", notch__do_unsubscribe, NULL},
};

const struct notch_rpc_method *notch_rpc_methods(size_t *count)
{
    *count = NOTCH_ARRAY_LEN(methods);
    return methods;
}

const struct notch_rpc_method *notch_rpc_method_find(const char *name, size_t len)
{
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(methods); i++) {
        if (strlen(methods[i].name) == len && memcmp(methods[i].name, name, len) == 0) {
            return &methods[i];
        }
    }
    return NULL;
}

static const char *const role_names[] = {"read", "submit", "operate"};

const char *notch_rpc_role_name(enum notch_rpc_role role)
{
    return role_names[role];
}

bool notch_rpc_role_parse(enum notch_rpc_role *out, const char *text, size_t len)
{
    for (unsigned i = 0; i < NOTCH_ARRAY_LEN(role_names); i++) {
        if (strlen(role_names[i]) == len && memcmp(role_names[i], text, len) == 0) {
            *out = (enum notch_rpc_role)i;
            return true;
        }
    }
    return false;
}

const char *notch_rpc_type_text(enum notch_rpc_type type)
{
    switch (type) {
    case NOTCH_RPC_HASH:
        return "a hash of 64 hex digits";
    case NOTCH_RPC_HEX:
        return "bytes as hex";
    case NOTCH_RPC_KEY:
        return "a key of this network in bech32m";
    case NOTCH_RPC_TEXT:
        return "a string";
    case NOTCH_RPC_UINT:
        return "an integer from 0 to 2^63-1, as a number or a decimal string";
    case NOTCH_RPC_TIME:
        return "a time in ms since 1970, as a number or a decimal string";
    case NOTCH_RPC_AMOUNT:
        return "an amount in micro-units from 0 to 2^63-1, as a number or a decimal string";
    case NOTCH_RPC_FLAG:
        return "true or false";
    case NOTCH_RPC_LIST:
        return "an array";
    case NOTCH_RPC_OBJECT:
        return "an object";
    case NOTCH_RPC_BLOCK:
        return "a height, a block hash of 64 hex digits, or \"final\"";
    }
    notch_unreachable();
}
