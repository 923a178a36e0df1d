/* What must hold after every step, every restart, and when everything has healed. */
#include "tests/sim/sim_internal.h"

#include "chain/block.h"
#include "tests/sim/reading.h"

/* One thing per slot: the first one is kept, another one is a failure. */
static void check_once(struct sim *sim, struct notch_map *seen, uint64_t slot, const struct notch_hash *hash,
                       const char *failure)
{
    bool added;
    struct notch_hash *kept = notch_map_put(seen, &slot, &added);
    if (added) {
        *kept = *hash;
    } else if (!notch_hash_eq(kept, hash) && !sim->votes_reset) {
        sim_fail(sim, failure);
    }
}

static void check_votes(struct sim *sim, struct notch_bytes bytes)
{
    size_t count;
    if (!notch_is_valid(notch_votes_check(&count, bytes, NOTCH_VOTES_BUNDLE_MAX))) {
        sim_fail(sim, "the node sent votes that are not well formed");
        return;
    }
    struct notch_votes_iter iter = notch_votes_iter(bytes);
    struct notch_vote vote;
    while (notch_votes_next(&iter, &vote)) {
        struct notch_hash hash;
        notch_vote_hash(&hash, &sim->domain, &vote.data);
        check_once(sim, &sim->voted, vote.data.slot.raw, &hash, "two different votes for one slot"); /* Raw: a key */
    }
}

void sim_check_send(struct sim *sim, enum notch_node_message what, struct notch_bytes bytes)
{
    struct notch_hash hash;
    notch_sha256(&hash, bytes);
    notch_sha256_update(&sim->trace, hash.raw, sizeof hash.raw);
    switch (what) {
    case NOTCH_NODE_MESSAGE_VOTES:
        check_votes(sim, bytes);
        return;
    case NOTCH_NODE_MESSAGE_BLOCK: {
        struct notch_header header;
        struct notch_bytes body;
        if (!notch_is_valid(notch_block_split(&header, &body, bytes))) {
            sim_fail(sim, "the node sent a block that is not well formed");
            return;
        }
        notch_header_hash(&hash, &sim->domain, &header);
        check_once(sim, &sim->proposed, header.slot.raw, &hash,
                   "two different proposals for one slot"); /* Raw: a key */
        return;
    }
    case NOTCH_NODE_MESSAGE_EVIDENCE:
        sim_fail(sim, "a lone honest validator found evidence");
        return;
    case NOTCH_NODE_MESSAGE_BATCH:
        return;
    case NOTCH_NODE_MESSAGE_STATUS:
    case NOTCH_NODE_MESSAGE_WANT:
    case NOTCH_NODE_MESSAGE_HAVE:
    case NOTCH_NODE_MESSAGE_STORED:
        sim_fail(sim, "a node without peers speaks to peers");
        return;
    }
}

void sim_check_final(struct sim *sim, const struct notch_block_ref *block)
{
    uint64_t height = block->height.raw; /* Raw: a key, and a number to print */
    sim_note(sim, "final", height, 0);
    bool added;
    struct notch_hash *kept = notch_map_put(&sim->finals, &height, &added);
    if (!added && !notch_hash_eq(kept, &block->hash)) {
        sim_fail(sim, "another block became final at a height");
    }
    *kept = block->hash;
    sim->result.final_height = height;
}

static struct notch_record_result status_of(struct sim *sim, const struct notch_hash *id)
{
    struct notch_request request = {.type = NOTCH_REQUEST_STATUS, .status.record = *id};
    struct notch_node_event event = {
        .type = NOTCH_NODE_REQUEST, .seq = ++sim->seq, .now = {sim->now_ms}, .request = &request};
    notch_node_handle(sim->node, &event);
    struct notch_record_result result = {.status = NOTCH_STATUS_UNKNOWN};
    struct notch_node_effect effect;
    while (notch_node_poll(sim->node, &effect)) {
        notch_assert(effect.type == NOTCH_NODE_REPLY); /* nothing else is due: the node was drained */
        result = effect.reply->records.results[0];
    }
    return result;
}

void sim_check_restart(struct sim *sim)
{
    size_t at = 0;
    const void *id;
    while (sim->failure == NULL && notch_map_next(&sim->acknowledged, &at, &id, NULL)) {
        if (status_of(sim, id).status < NOTCH_STATUS_STORED) {
            sim_fail(sim, "an acknowledged record is gone after a restart");
        }
    }
}

/* ---- when healed: the chain is read from the disk, block by block ---- */

struct reading {
    struct sim *sim;
    struct sim_reading on;
};

/* A disk with the bodies of ours and nothing else. */
static struct notch_memstore *copy_bodies(struct reading *reading)
{
    struct sim *sim = reading->sim;
    struct notch_memstore *disk = notch_memstore_create(sim->alloc, (struct notch_siphash_key){1, 2});
    struct notch_commit commit;
    notch_commit_init(&commit, sim->alloc);
    for (uint64_t i = 0; i < sim->view.body_count(sim->view.self); i++) {
        notch_buf_clear(&reading->on.body);
        if (sim->view.body(sim->view.self, &reading->on.body, i) != NOTCH_OK) {
            sim_fail(sim, "a body cannot be read");
        }
        notch_commit_body(&commit, notch_buf_bytes(&reading->on.body));
    }
    notch_memstore_apply(disk, &commit);
    notch_commit_fini(&commit);
    return disk;
}

/* Lets a node write what start() left to be written. */
static void write_all(struct sim *sim, struct notch_node *node, struct notch_memstore *disk)
{
    uint64_t seq = 0;
    struct notch_node_effect effect;
    while (notch_node_poll(node, &effect)) {
        if (effect.type == NOTCH_NODE_PERSIST) {
            notch_memstore_apply(disk, effect.persist);
            struct notch_node_event event = {
                .type = NOTCH_NODE_DONE, .seq = ++seq, .now = {sim->now_ms}, .token = effect.token};
            notch_node_handle(node, &event);
        }
    }
}

static void compare(struct reading *reading, const struct notch_store_view *view, struct notch_height height)
{
    struct sim *sim = reading->sim;
    struct notch_lookup lookup = {view, NULL, &sim->domain, sim->alloc};
    struct notch_block_row ours;
    struct notch_block_row theirs;
    struct notch_buf scratch;
    notch_buf_init(&scratch, sim->alloc);
    notch_buf_clear(&reading->on.row);
    bool found = notch_lookup_block(&lookup, &theirs, &scratch, height) == NOTCH_OK &&
                 notch_lookup_block(&reading->on.lookup, &ours, &reading->on.row, height) == NOTCH_OK;
    if (!found || !notch_hash_eq(&ours.hash, &theirs.hash) || !notch_hash_eq(&ours.state_root, &theirs.state_root)) {
        sim_fail(sim, "replaying the bodies gives another state");
    }
    notch_buf_fini(&scratch);
}

/* The last blocks are final by votes that no block carries yet: so many may be missing in a replay, more on a slow
 * disk. */
static uint64_t replay_lag_max(const struct sim *sim)
{
    return 4 + 2 * (uint64_t)sim->options.disk_ms_max / (4 * (uint64_t)sim->genesis.delta_ms);
}

/* A node that has nothing but the bodies must come to the same state. */
static void check_replay(struct reading *reading, uint64_t height)
{
    struct sim *sim = reading->sim;
    struct notch_memstore *disk = copy_bodies(reading);
    struct notch_store_view view = notch_memstore_view(disk);
    struct notch_node_options options = {
        .genesis = &sim->genesis,
        .domain = &sim->domain,
        .crypto = sim->crypto,
        .view = &view,
        .alloc = sim->alloc,
        .hash_key = {sim->options.seed, 77},
    };
    struct notch_node *node;
    enum notch_err err = notch_node_create(&options, &node);
    notch_assert(err == NOTCH_OK);
    if (notch_node_start(node, (struct notch_time){sim->now_ms}, NULL, NULL) != NOTCH_OK) {
        sim_fail(sim, "a node does not start from the bodies alone");
    } else {
        write_all(sim, node, disk);
        struct notch_node_info info;
        notch_node_info(node, &info);
        struct notch_height reached = info.finality_state.final.height;
        sim_note(sim, "replay", reached.raw, height);     /* Raw: printed */
        if (reached.raw + replay_lag_max(sim) < height) { /* Raw: a difference of heights */
            sim_fail(sim, "a node that has the bodies does not come near to the final block");
        } else {
            compare(reading, &view, reached);
        }
    }
    notch_node_destroy(node);
    notch_memstore_destroy(disk);
}

void sim_check_healed(struct sim *sim)
{
    struct notch_node_info info;
    notch_node_info(sim->node, &info);
    uint64_t height = info.finality_state.final.height.raw; /* Raw: a loop over heights */
    struct reading reading = {.sim = sim};
    reading.on = (struct sim_reading){
        .view = &sim->view, .domain = &sim->domain, .finals = &sim->finals, .acknowledged = &sim->acknowledged};
    sim_reading_open(&reading.on, sim->alloc);
    const char *failure = sim_reading_check(&reading.on, height);
    if (failure != NULL) {
        sim_fail(sim, failure);
    }
    if (sim->failure == NULL) {
        check_replay(&reading, height);
    }
    sim_reading_close(&reading.on);
}
