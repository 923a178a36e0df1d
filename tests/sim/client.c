/* Somebody who submits records: fresh ones, the last one again, damaged ones; and who remembers what was promised. */
#include "tests/sim/sim_internal.h"

#include "chain/entry.h"

enum { CLIENT_MS_MAX = 60, ENTRIES_MAX = 5 };

static void add_insight(struct sim *sim, struct notch_buf *entries)
{
    struct notch_entry entry = {.type = NOTCH_ENTRY_INSIGHT};
    struct notch_insight *insight = &entry.as.insight;
    notch_put_be64(insight->market.raw, ++sim->contents);
    insight->period = (struct notch_period){{1000000}, 604800000};
    insight->mask = NOTCH_INSIGHT_POINT | NOTCH_INSIGHT_CONFIDENCE;
    insight->point = (struct notch_price){(int64_t)notch_rng_below(&sim->rng, 5000000)};
    insight->confidence = (struct notch_ppm){500000};
    notch_entry_append(entries, &entry);
}

/* A signed record on the newest final block. */
static void make_record(struct sim *sim, struct notch_buf *out)
{
    struct notch_node_info info;
    notch_node_info(sim->node, &info);
    struct notch_buf entries;
    notch_buf_init(&entries, sim->alloc);
    uint64_t count = 1 + notch_rng_below(&sim->rng, ENTRIES_MAX);
    for (uint64_t i = 0; i < count; i++) {
        add_insight(sim, &entries);
    }
    struct notch_record_draft draft = {
        .author = sim->author.key,
        .ts = {sim->now_ms},
        .ref = info.finality_state.final.hash,
        .entries = notch_buf_bytes(&entries),
    };
    notch_put_be64(draft.salt.raw, sim->contents);
    enum notch_err err = notch_record_build(out, &draft, &sim->author, &sim->domain, sim->crypto);
    notch_assert(err == NOTCH_OK);
    notch_buf_fini(&entries);
}

static void submit(struct sim *sim)
{
    struct notch_buf record;
    notch_buf_init(&record, sim->alloc);
    bool again = sim->last_record.len > 0 && notch_rng_chance(&sim->rng, 150000);
    if (again) {
        notch_buf_append(&record, sim->last_record.data, sim->last_record.len);
    } else {
        make_record(sim, &record);
        notch_buf_clear(&sim->last_record);
        notch_buf_append(&sim->last_record, record.data, record.len);
    }
    if (notch_rng_chance(&sim->rng, 50000)) {
        record.data[notch_rng_below(&sim->rng, record.len)] ^= (uint8_t)(1 + notch_rng_below(&sim->rng, 255));
    }
    struct notch_bytes bytes = notch_buf_bytes(&record);
    struct notch_request request = {.type = NOTCH_REQUEST_SUBMIT, .token = sim->contents, .submit = {&bytes, 1}};
    struct notch_node_event event = {.type = NOTCH_NODE_REQUEST, .request = &request};
    sim->result.submitted++;
    sim_note(sim, "submit", sim->contents, again);
    sim_event(sim, &event);
    notch_buf_fini(&record);
}

void sim_client_step(struct sim *sim)
{
    if (!sim->faults) {
        return; /* healing: nobody submits any more */
    }
    if (sim->node != NULL && notch_rng_chance(&sim->rng, sim->options.submit_ppm)) {
        submit(sim);
    }
    sim_later(sim, SIM_CLIENT, notch_rng_below(&sim->rng, CLIENT_MS_MAX), 0, NULL);
}

void sim_client_reply(struct sim *sim, const struct notch_reply *reply)
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
        uint64_t *promised = notch_map_put(&sim->acknowledged, &result->id, &added);
        *promised = sim->result.steps;
        sim->result.acknowledged += added ? 1 : 0;
        sim_note(sim, "acknowledged", result->status, result->height);
    }
}
