/* The node itself, its validators, and the streams. */
#include "chain/evidence.h"
#include "rpc/internal.h"

static void put_ref(struct notch_json *json, const char *key, const struct notch_block_ref *ref)
{
    notch_json_key(json, key);
    notch_json_open_object(json);
    notch_json_put_hash(json, "hash", &ref->hash);
    notch_json_put_height(json, "height", ref->height);
    notch_json_put_slot(json, "slot", ref->slot);
    notch_json_put_time(json, "time_ms", ref->time);
    notch_json_close_object(json);
}

static void put_key_or_null(struct notch_json *json, const char *name, const struct notch_key *key)
{
    static const struct notch_key none;
    notch_json_key(json, name);
    if (notch_key_eq(key, &none)) {
        notch_json_null(json);
    } else {
        notch_json_key32(json, key);
    }
}

static void put_latency(struct notch_json *json, const struct notch_latency *latency)
{
    notch_json_key(json, "finality_ms");
    notch_json_open_object(json);
    notch_json_put_number(json, "count", latency->total);
    notch_json_put_number(json, "mean", latency->total > 0 ? latency->sum_ms / latency->total : 0);
    notch_json_put_number(json, "p50", notch_latency_quantile(latency, 500000));
    notch_json_put_number(json, "p99", notch_latency_quantile(latency, 990000));
    notch_json_close_object(json);
}

static void write_counters(struct notch_json *json, const struct notch_node_info *info)
{
    notch_json_put_number(json, "records", info->records);
    notch_json_put_number(json, "entries", info->entries);
    notch_json_put_number(json, "pending_batches", info->pending_batches);
    notch_json_put_number(json, "pending_records", info->pending_records);
    notch_json_put_number(json, "submitted", info->submitted);
    notch_json_put_number(json, "acknowledged", info->acknowledged);
    notch_json_put_number(json, "refused", info->refused);
    notch_json_put_number(json, "duplicates", info->duplicates);
    notch_json_put_number(json, "in_flight", info->in_flight);
    notch_json_put_number(json, "batches_made", info->batches_made);
    notch_json_put_number(json, "blocks_proposed", info->blocks_proposed);
    notch_json_put_number(json, "votes_cast", info->votes_cast);
    notch_json_put_number(json, "commits", info->commits);
    put_latency(json, &info->finality);
}

static const struct notch_node_info *info_of(struct notch__call *call)
{
    if (call->sight->info == NULL) {
        notch__fail(call, NOTCH_RPC_UNAVAILABLE, "the node is starting");
    }
    return call->sight->info;
}

void notch__do_getinfo(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    const struct notch_genesis *genesis = call->rpc->options.genesis;
    const struct notch_node_info *info = info_of(call);
    if (info == NULL) {
        return;
    }
    notch_json_open_object(json);
    notch_json_put_string(json, "version", call->rpc->options.version);
    notch_json_put_string(json, "chain", genesis->name);
    notch_json_put_string(json, "network", notch_network_name(genesis->network));
    notch_json_put_string(json, "mode", notch_mode_name(genesis->mode));
    notch_json_put_hash(json, "genesis", &call->rpc->options.domain->genesis);
    notch_json_put_number(json, "slot_ms", 4 * (uint64_t)genesis->delta_ms);
    /* What a record must fit into, and how much a sum must hold: whoever makes records elsewhere asks. */
    notch_json_put_number(json, "record_bytes_max", genesis->caps.record_bytes);
    notch_json_put_number(json, "aggregate_min", genesis->aggregate_min);
    notch_json_put_slot(json, "slot", info->slot);
    notch_json_put_time(json, "now_ms", info->now);
    put_ref(json, "head", &info->finality_state.head);
    put_ref(json, "final", &info->finality_state.final);
    notch_json_put_number(json, "lag_slots", info->finality_state.lag_slots);
    put_key_or_null(json, "validator", &info->validator);
    put_key_or_null(json, "author", &info->author);
    notch_json_put_number(json, "peers", info->peers);
    notch_json_put_bool(json, "voting", info->voting);
    notch_json_put_bool(json, "taking_records", info->taking_records);
    notch_json_put_bool(json, "alone", info->alone);
    notch_json_put_bool(json, "quiet", info->quiet);
    write_counters(json, info);
    notch_json_close_object(json);
}

void notch__do_getconfig(struct notch__call *call)
{
    const char *config = call->rpc->options.config;
    notch_json_raw(&call->json, config, strlen(config));
}

void notch__do_getpeers(struct notch__call *call)
{
    const struct notch_node_info *info = info_of(call);
    if (info == NULL) {
        return;
    }
    /* A node that has no network has no peers; its vital signs agree. */
    notch_assert(info->peers == 0);
    notch_json_open_array(&call->json);
    notch_json_close_array(&call->json);
}

void notch__do_stop(struct notch__call *call)
{
    call->stops = true;
    notch_json_string(&call->json, "stopping");
}

static void operate(struct notch__call *call, enum notch_operate operate)
{
    call->has_request = true;
    call->request.type = NOTCH_REQUEST_OPERATE;
    call->request.operate = operate;
}

void notch__do_votereset(struct notch__call *call)
{
    operate(call, NOTCH_OPERATE_VOTE_RESET);
}

void notch__do_trustclock(struct notch__call *call)
{
    operate(call, NOTCH_OPERATE_CLOCK_IS_RIGHT);
}

void notch__do_operated(struct notch__call *call)
{
    if (!notch__fail_reply(call)) {
        notch_json_bool(&call->json, true);
    }
}

/* ---- consensus ---- */

void notch__do_getvalidators(struct notch__call *call)
{
    call->has_request = true;
    call->request.type = NOTCH_REQUEST_VALIDATORS;
}

void notch__do_validators_replied(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    if (notch__fail_reply(call)) {
        return;
    }
    notch_json_open_object(json);
    notch_json_put_number(json, "set_id", call->reply.validators.set_id);
    notch_json_put_hash(json, "set_root", &call->reply.validators.set_root);
    notch_json_key(json, "members");
    notch_json_open_array(json);
    for (size_t i = 0; i < call->reply.validators.count; i++) {
        const struct notch_validator_info *member = &call->reply.validators.members[i];
        notch_json_open_object(json);
        notch_json_put_key(json, "validator", &member->key);
        notch_json_put_decimal(json, "weight", member->weight);
        notch_json_put_decimal(json, "reputation", member->reputation);
        notch_json_put_slot(json, "last_vote", member->last_vote);
        notch_json_put_bool(json, "self", member->self);
        notch_json_close_object(json);
    }
    notch_json_close_array(json);
    notch_json_close_object(json);
}

void notch__do_getfinality(struct notch__call *call)
{
    call->has_request = true;
    call->request.type = NOTCH_REQUEST_FINALITY;
}

void notch__do_finality_replied(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    const struct notch_finality_info *finality = &call->reply.finality;
    if (notch__fail_reply(call)) {
        return;
    }
    notch_json_open_object(json);
    put_ref(json, "head", &finality->head);
    put_ref(json, "confirmed", &finality->confirmed);
    put_ref(json, "justified", &finality->justified);
    put_ref(json, "final", &finality->final);
    notch_json_put_number(json, "set_id", finality->set_id);
    notch_json_put_decimal(json, "weight_total", finality->weight_total);
    notch_json_put_decimal(json, "weight_voting", finality->weight_voting);
    notch_json_put_number(json, "lag_slots", finality->lag_slots);
    notch_json_close_object(json);
}

#define EVIDENCE_BLOCKS_MAX 1000

static void write_evidence(struct notch__call *call, const struct notch__block *block)
{
    static const char *const kinds[] = {"", "equivocation", "regress", "beyond", "proposals", "batch"};
    struct notch_json *json = &call->json;
    for (uint32_t i = 0; block->encoded.len > 0 && i < block->body.n_evidence; i++) {
        struct notch_evidence evidence;
        struct notch_hash id;
        struct notch_bytes bytes = notch_body_evidence(&block->body, i);
        const struct notch_rpc_options *options = &call->rpc->options;
        if (!notch_is_valid(notch_evidence_check(&evidence, options->domain, options->crypto, bytes))) {
            continue; /* a block may carry it; consensus gives it no weight either */
        }
        notch_evidence_id(&id, options->domain, bytes);
        notch_json_open_object(json);
        notch_json_put_hash(json, "id", &id);
        notch_json_put_string(json, "kind", kinds[evidence.kind]);
        notch_json_put_key(json, "offender", &evidence.offender);
        notch_json_put_slot(json, "slot", evidence.slot);
        notch_json_put_height(json, "height", block->row.height);
        notch_json_put_hex(json, "hex", bytes.data, bytes.len);
        notch_json_close_object(json);
    }
}

void notch__do_getevidence(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    struct notch_height height = {notch__has(call, 0) ? notch__uint(call, 0) : 0};
    struct notch_height top;
    struct notch__block block;
    notch__block_init(&block, call);
    enum notch_err err = notch__top(call, &top);
    notch_json_open_object(json);
    notch_json_key(json, "evidence");
    notch_json_open_array(json);
    for (unsigned i = 0; err == NOTCH_OK && i < EVIDENCE_BLOCKS_MAX && notch_height_cmp(height, top) <= 0; i++) {
        err = notch__block_read(call, &block, height);
        if (err == NOTCH_OK) {
            write_evidence(call, &block);
            height.raw++; /* Raw: the next one */
        }
    }
    notch_json_close_array(json);
    notch_json_put_height(json, "next_height", height);
    notch_json_put_bool(json, "more", notch_height_cmp(height, top) <= 0);
    notch_json_close_object(json);
    notch__block_fini(&block);
    if (err != NOTCH_OK) {
        notch__fail_err(call, err, "a block");
    }
}

/* ---- streams ---- */

static const enum notch_rpc_stream streams[] = {NOTCH_RPC_BLOCKS, NOTCH_RPC_FINALITY, NOTCH_RPC_RECORDS};

const char *notch_rpc_stream_name(enum notch_rpc_stream stream)
{
    switch (stream) {
    case NOTCH_RPC_BLOCKS:
        return "blocks";
    case NOTCH_RPC_FINALITY:
        return "finality";
    case NOTCH_RPC_RECORDS:
        return "records";
    }
    notch_unreachable();
}

/* The streams that parameter 0 lists; 0: the call has failed. */
static uint32_t named_streams(struct notch__call *call)
{
    uint32_t named = 0;
    for (size_t i = 0; i < json_array_size(call->args[0]); i++) {
        const char *name = json_string_value(json_array_get(call->args[0], i));
        uint32_t found = 0;
        for (size_t k = 0; name != NULL && k < NOTCH_ARRAY_LEN(streams); k++) {
            found |= strcmp(name, notch_rpc_stream_name(streams[k])) == 0 ? (uint32_t)streams[k] : 0;
        }
        if (found == 0) {
            notch__fail_param(call, 0, "expected an array of \"blocks\", \"finality\", \"records\"");
            return 0;
        }
        named |= found;
    }
    if (named == 0) {
        notch__fail_param(call, 0, "expected an array of \"blocks\", \"finality\", \"records\"");
    }
    return named;
}

static void write_streams(struct notch__call *call)
{
    struct notch_json *json = &call->json;
    notch_json_open_array(json);
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(streams); i++) {
        if ((*call->caller->streams & (uint32_t)streams[i]) != 0) {
            notch_json_string(json, notch_rpc_stream_name(streams[i]));
        }
    }
    notch_json_close_array(json);
}

void notch__do_subscribe(struct notch__call *call)
{
    *call->caller->streams |= named_streams(call);
    write_streams(call);
}

void notch__do_unsubscribe(struct notch__call *call)
{
    *call->caller->streams &= ~named_streams(call);
    write_streams(call);
}
