/* Somebody who submits records to any node, now and then the same one to another, and remembers what was promised. */
#include "tests/sim/net_internal.h"

#include "chain/entry.h"

static void make_record(struct net *net, const struct net_node *at, struct notch_buf *out)
{
    struct notch_node_info info;
    notch_node_info(at->node, &info);
    struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT};
    notch_put_be64(entry.as.insight.market.raw, ++net->contents);
    entry.as.insight.period = (struct notch_period){{1000000}, 604800000};
    entry.as.insight.mask = NOTCH_INSIGHT_POINT | NOTCH_INSIGHT_CONFIDENCE;
    entry.as.insight.point = (struct notch_price){(int64_t)notch_rng_below(&net->client_rng, 5000000)};
    entry.as.insight.confidence = (struct notch_ppm){500000};
    struct notch_buf entries;
    notch_buf_init(&entries, net->alloc);
    notch_entry_append(&entries, &entry);
    struct notch_record_draft draft = {
        .author = at->author.key,
        .ts = info.now,
        .ref = info.finality_state.final.hash,
        .entries = notch_buf_bytes(&entries),
    };
    notch_put_be64(draft.salt.raw, net->contents);
    enum notch_err err = notch_record_build(out, &draft, &at->author, &net->domain, net->crypto);
    notch_assert(err == NOTCH_OK);
    notch_buf_fini(&entries);
}

static void submit(struct net *net, uint32_t node)
{
    struct notch_buf record;
    notch_buf_init(&record, net->alloc);
    bool again = net->last_record.len > 0 && notch_rng_chance(&net->client_rng, 200000);
    if (again) {
        notch_buf_append(&record, net->last_record.data, net->last_record.len);
    } else {
        make_record(net, &net->nodes[node], &record);
        notch_buf_clear(&net->last_record);
        notch_buf_append(&net->last_record, record.data, record.len);
    }
    struct notch_bytes bytes = notch_buf_bytes(&record);
    struct notch_request request = {.type = NOTCH_REQUEST_SUBMIT, .token = net->contents, .submit = {&bytes, 1}};
    struct notch_node_event event = {.type = NOTCH_NODE_REQUEST, .request = &request};
    net->result.submitted++;
    net_note(net, node, "submit", net->contents, again);
    net_event(net, node, &event);
    notch_buf_fini(&record);
}

void net_client_step(struct net *net)
{
    if (!net->faults) {
        return; /* healing: nobody submits any more */
    }
    uint32_t node = (uint32_t)notch_rng_below(&net->client_rng, net->options.nodes);
    if (net->nodes[node].node != NULL && !net->nodes[node].is_observer) {
        submit(net, node);
    }
    (void)net_later(net, NET_CLIENT, 0, 1 + notch_rng_below(&net->client_rng, 2 * (uint64_t)net->options.submit_ms));
}

void net_client_reply(struct net *net, uint32_t node, const struct notch_reply *reply)
{
    if (reply->type != NOTCH_REQUEST_SUBMIT || reply->err != NOTCH_OK) {
        return;
    }
    for (size_t i = 0; i < reply->records.count; i++) {
        const struct notch_record_result *result = &reply->records.results[i];
        if (result->status < NOTCH_STATUS_STORED) {
            continue;
        }
        bool added;
        uint32_t *who = notch_map_put(&net->acknowledged, &result->id, &added);
        *who = node;
        net->result.acknowledged += added ? 1 : 0;
        net_note(net, node, "acknowledged", result->status, result->stored_by);
        if (added) {
            net_tell(net, "n%u acknowledges: %s, %u disks", node, notch_record_status_name(result->status),
                     result->stored_by);
        }
    }
}
