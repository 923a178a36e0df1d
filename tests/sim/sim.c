/* The heap of what is to happen, and the one node with its disk. */
#include "tests/sim/sim_internal.h"

#include <stdio.h>

enum { RESTART_MS_MAX = 2000, HEAL_SLOTS_MAX = 400 };

void sim_fail(struct sim *sim, const char *what)
{
    if (sim->failure == NULL) {
        sim->failure = what;
    }
}

/* One line of the trace: hashed always, printed when asked. */
void sim_note(struct sim *sim, const char *what, uint64_t a, uint64_t b)
{
    uint8_t numbers[24];
    notch_put_be64(numbers, sim->now_ms);
    notch_put_be64(numbers + 8, a);
    notch_put_be64(numbers + 16, b);
    notch_sha256_update(&sim->trace, what, strlen(what));
    notch_sha256_update(&sim->trace, numbers, sizeof numbers);
    if (sim->options.verbose) {
        printf("%10llu ms  life %llu  %-12s %llu %llu\n", (unsigned long long)sim->now_ms,
               (unsigned long long)sim->life, what, (unsigned long long)a, (unsigned long long)b);
    }
}

/* ---- the heap ---- */

static bool before(const struct sim_item *a, const struct sim_item *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void swap(struct sim_item *a, struct sim_item *b)
{
    struct sim_item kept = *a;
    *a = *b;
    *b = kept;
}

void sim_later(struct sim *sim, enum sim_what what, uint64_t delay_ms, uint64_t token,
               const struct notch_node_work *work)
{
    if (sim->heap_count == sim->heap_cap) {
        size_t cap = sim->heap_cap == 0 ? 64 : sim->heap_cap * 2;
        sim->heap = notch_realloc(sim->alloc, sim->heap, sim->heap_cap * sizeof *sim->heap, cap * sizeof *sim->heap);
        sim->heap_cap = cap;
    }
    size_t at = sim->heap_count++;
    sim->heap[at] = (struct sim_item){sim->now_ms + delay_ms, sim->numbers++, what, token, sim->life, work};
    while (at > 0 && before(&sim->heap[at], &sim->heap[(at - 1) / 2])) {
        swap(&sim->heap[at], &sim->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct sim_item take_next(struct sim *sim)
{
    notch_assert(sim->heap_count > 0);
    struct sim_item first = sim->heap[0];
    sim->heap[0] = sim->heap[--sim->heap_count];
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < sim->heap_count; child++) {
            if (before(&sim->heap[child], &sim->heap[least])) {
                least = child;
            }
        }
        if (least == at) {
            return first;
        }
        swap(&sim->heap[at], &sim->heap[least]);
        at = least;
    }
}

/* ---- the node and what surrounds it ---- */

static void hold(struct sim *sim, const struct notch_node_effect *effect)
{
    if (sim->held_count == sim->held_cap) {
        size_t cap = sim->held_cap == 0 ? 16 : sim->held_cap * 2;
        sim->held = notch_realloc(sim->alloc, sim->held, sim->held_cap * sizeof *sim->held, cap * sizeof *sim->held);
        sim->held_cap = cap;
    }
    struct sim_held *held = &sim->held[sim->held_count++];
    held->after = effect->after;
    held->what = effect->send.what;
    notch_buf_init(&held->bytes, sim->alloc);
    notch_buf_append(&held->bytes, effect->send.bytes.data, effect->send.bytes.len);
}

static void release(struct sim *sim)
{
    size_t kept = 0;
    for (size_t i = 0; i < sim->held_count; i++) {
        struct sim_held *held = &sim->held[i];
        if (held->after > sim->durable) {
            sim->held[kept++] = *held;
            continue;
        }
        sim_check_send(sim, held->what, notch_buf_bytes(&held->bytes));
        notch_buf_fini(&held->bytes);
    }
    sim->held_count = kept;
}

/*
 * How long a write or a check takes. A disk that needs more than a slot keeps a chain from finality (its votes are
 * never of consecutive slots), so while it heals both are quick: within DELTA, as the protocol's timing assumes.
 */
static uint64_t draw_delay_ms(struct sim *sim, uint32_t max_ms)
{
    uint32_t healed_ms = sim->genesis.delta_ms < max_ms ? sim->genesis.delta_ms : max_ms;
    return notch_rng_below(&sim->rng, (sim->faults ? max_ms : healed_ms) + 1);
}

static void carry_out(struct sim *sim, const struct notch_node_effect *effect)
{
    sim_note(sim, "effect", effect->type, effect->token);
    switch (effect->type) {
    case NOTCH_NODE_PERSIST:
        sim->ops->submit(sim->disk, effect->persist);
        sim_later(sim, SIM_DISK, draw_delay_ms(sim, sim->options.disk_ms_max), effect->token, NULL);
        break;
    case NOTCH_NODE_WORK:
        sim_later(sim, SIM_WORKED, draw_delay_ms(sim, sim->options.work_ms_max), effect->token, effect->work);
        break;
    case NOTCH_NODE_REPLY:
        sim_client_reply(sim, effect->reply);
        break;
    case NOTCH_NODE_SEND:
        hold(sim, effect);
        break;
    case NOTCH_NODE_FINAL:
        sim_check_final(sim, &effect->block);
        break;
    case NOTCH_NODE_HEAD:
    case NOTCH_NODE_ALARM:
    case NOTCH_NODE_REJECT:
        break;
    }
}

static void drain(struct sim *sim)
{
    struct notch_node_effect effect;
    while (sim->failure == NULL && notch_node_poll(sim->node, &effect)) {
        carry_out(sim, &effect);
    }
    release(sim);
    uint64_t deadline = notch_node_deadline(sim->node).raw; /* Raw: compared with the simulated clock */
    if (!sim->tick_due && deadline != UINT64_MAX) {
        sim_later(sim, SIM_TICK, deadline > sim->now_ms ? deadline - sim->now_ms : 0, 0, NULL);
        sim->tick_due = true;
    }
}

void sim_event(struct sim *sim, struct notch_node_event *event)
{
    event->seq = ++sim->seq;
    event->now = (struct notch_time){sim->now_ms};
    notch_node_handle(sim->node, event);
    drain(sim);
}

void sim_power_off(struct sim *sim)
{
    sim_note(sim, "power off", sim->ops->waiting(sim->disk), sim->durable);
    for (size_t i = 0; i < sim->held_count; i++) {
        notch_buf_fini(&sim->held[i].bytes);
    }
    sim->held_count = 0;
    sim->ops->crash(sim->disk, &sim->rng); /* while what it was writing is still there */
    notch_node_destroy(sim->node);
    sim->node = NULL;
    sim->life++;
    sim_later(sim, SIM_RESTART, 1 + notch_rng_below(&sim->rng, RESTART_MS_MAX), 0, NULL);
}

void sim_start_node(struct sim *sim)
{
    sim->view = sim->ops->view(sim->disk);
    struct notch_node_options options = {
        .genesis = &sim->genesis,
        .domain = &sim->domain,
        .crypto = sim->crypto,
        .view = &sim->view,
        .alloc = sim->alloc,
        .validator = &sim->validator,
        .author = &sim->author,
        .hash_key = {sim->options.seed, 1},
        .clock_is_trusted = true,
    };
    enum notch_err err = notch_node_create(&options, &sim->node);
    notch_assert(err == NOTCH_OK);
    sim->seq = 0;
    sim->durable = 0;
    sim->tick_due = false;
    err = notch_node_start(sim->node, (struct notch_time){sim->now_ms}, NULL, NULL);
    if (err != NOTCH_OK) {
        sim_fail(sim, "a node does not start from what its disk kept");
        return;
    }
    sim_note(sim, "start", sim->life, 0);
    drain(sim);
    sim_check_restart(sim);
}

/* The oldest write is done, or the power goes before it, or the disk refuses it. */
static void disk_step(struct sim *sim, uint64_t token)
{
    if (sim->faults && notch_rng_chance(&sim->rng, sim->options.crash_ppm)) {
        sim->result.crashes++;
        sim_power_off(sim);
        return;
    }
    if (sim->faults && notch_rng_chance(&sim->rng, sim->options.fail_ppm)) {
        sim->result.disk_failures++;
        struct notch_node_event event = {.type = NOTCH_NODE_FAILED, .failed = {token, NOTCH_ERR_DISK_FULL}};
        sim_event(sim, &event);
        sim_power_off(sim); /* an operator makes room and starts it again */
        return;
    }
    /* Writes complete in order, however long each was given. */
    uint64_t done;
    bool any = sim->ops->complete(sim->disk, &done);
    notch_assert(any);
    sim->durable = done;
    struct notch_node_event event = {.type = NOTCH_NODE_DONE, .token = done};
    sim_event(sim, &event);
}

/* Alone, nobody else can move the chain on after the vote log was lost: the operator decides (design/consensus.md 8,
 * S3). */
static void reset_votes(struct sim *sim)
{
    struct notch_request request = {.type = NOTCH_REQUEST_OPERATE, .operate = NOTCH_OPERATE_VOTE_RESET};
    struct notch_node_event event = {.type = NOTCH_NODE_REQUEST, .request = &request};
    sim_note(sim, "vote reset", 0, 0);
    sim->votes_reset = true;
    sim_event(sim, &event);
}

static void restart(struct sim *sim)
{
    if (sim->faults && notch_rng_chance(&sim->rng, sim->options.lose_votes_ppm)) {
        sim->result.votes_lost++;
        sim->ops->lose_votes(sim->disk);
    }
    sim_start_node(sim);
    struct notch_node_info info;
    notch_node_info(sim->node, &info);
    if (sim->failure == NULL && !info.voting) {
        if (sim->result.votes_lost == 0) {
            sim_fail(sim, "a validator does not vote after a restart although its vote log is there");
            return;
        }
        reset_votes(sim);
    }
}

static void step(struct sim *sim)
{
    struct sim_item item = take_next(sim);
    sim->now_ms = item.at_ms;
    sim->result.steps++;
    bool of_this_life = item.life == sim->life && sim->node != NULL;
    struct notch_node_event event = {.type = NOTCH_NODE_TICK};
    switch (item.what) {
    case SIM_TICK:
        if (of_this_life) {
            sim->tick_due = false;
            sim_note(sim, "tick", 0, 0);
            sim_event(sim, &event);
        }
        return;
    case SIM_CLIENT:
        sim_client_step(sim);
        return;
    case SIM_WORKED:
        if (of_this_life) {
            notch_node_run(item.work);
            event.type = NOTCH_NODE_WORKED;
            event.token = item.token;
            sim_note(sim, "worked", item.token, 0);
            sim_event(sim, &event);
        }
        return;
    case SIM_DISK:
        if (of_this_life) {
            sim_note(sim, "disk", item.token, 0);
            disk_step(sim, item.token);
        }
        return;
    case SIM_RESTART:
        if (sim->node == NULL) {
            restart(sim);
        }
        return;
    }
}

/* ---- from outside ---- */

struct sim_options sim_options_of_seed(uint64_t seed)
{
    struct notch_rng rng;
    notch_rng_init(&rng, seed ^ UINT64_C(0x6f7074696f6e73));
    struct sim_options options = {
        .seed = seed,
        .events_max = 200 + (uint32_t)notch_rng_below(&rng, 800),
        .submit_ppm = (uint32_t)notch_rng_below(&rng, 1000001),
        .crash_ppm = notch_rng_chance(&rng, 800000) ? (uint32_t)notch_rng_below(&rng, 150000) : 0,
        .fail_ppm = notch_rng_chance(&rng, 300000) ? (uint32_t)notch_rng_below(&rng, 50000) : 0,
        .lose_votes_ppm = notch_rng_chance(&rng, 150000) ? (uint32_t)notch_rng_below(&rng, 300000) : 0,
        .work_ms_max = (uint32_t)notch_rng_below(&rng, 30),
        .disk_ms_max = (uint32_t)notch_rng_below(&rng, 120),
    };
    return options;
}

static void make_signer(struct sim *sim, struct notch_signer *signer, uint8_t *secret)
{
    do {
        notch_rng_fill(&sim->rng, secret, 32);
    } while (!sim->crypto->key_of_secret(sim->crypto->self, &signer->key, secret));
    signer->secret = secret;
}

static void make_genesis(struct sim *sim)
{
    notch_genesis_init(&sim->genesis, sim->alloc);
    notch_genesis_defaults(&sim->genesis, NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    bool named = notch_genesis_set_name(&sim->genesis, "sim", 3);
    notch_assert(named);
    sim->genesis.time0 = (struct notch_time){sim->now_ms};
    sim->genesis.target = notch_rng_chance(&sim->rng, 500000) ? NOTCH_TARGET_HEAD : NOTCH_TARGET_CONFIRMED;
    struct notch_genesis_member member = {
        .key = sim->validator.key,
        .operator_key = sim->author.key,
        .reputation = NOTCH_GENESIS_REPUTATION,
    };
    enum notch_err err = notch_genesis_add_member(&sim->genesis, &member);
    notch_assert(err == NOTCH_OK);
    err = notch_genesis_add_governance(&sim->genesis, &sim->author.key);
    notch_assert(err == NOTCH_OK);
    sim->genesis.governance_quorum = 1;
    struct notch_reject reject = notch_genesis_check(&sim->genesis);
    notch_assert(notch_is_valid(reject));
    struct notch_buf bytes;
    struct notch_hash hash;
    notch_buf_init(&bytes, sim->alloc);
    notch_genesis_encode(&sim->genesis, &bytes);
    notch_genesis_hash(&hash, notch_buf_bytes(&bytes));
    notch_buf_fini(&bytes);
    notch_domain_init(&sim->domain, &hash);
}

struct sim *sim_create(const struct sim_options *options)
{
    const struct notch_alloc *alloc = notch_alloc_heap();
    struct sim *sim = notch_alloc(alloc, sizeof *sim);
    sim->options = *options;
    sim->alloc = alloc;
    sim->crypto = options->real_crypto ? notch_crypto_secp() : notch_crypto_standin();
    sim->now_ms = UINT64_C(1750000000000);
    sim->faults = true;
    notch_rng_init(&sim->rng, options->seed);
    notch_sha256_init(&sim->trace);
    make_signer(sim, &sim->validator, sim->secrets[0]);
    make_signer(sim, &sim->author, sim->secrets[1]);
    make_genesis(sim);
    struct notch_siphash_key key = {options->seed, 2};
    sim->ops = options->disk == NULL ? &sim_disk_memory : options->disk;
    sim->disk = sim->ops->create(&sim->domain.genesis, options->seed);
    notch_map_init(&sim->acknowledged, alloc, key, sizeof(struct notch_hash), sizeof(uint64_t), 0);
    notch_map_init(&sim->voted, alloc, key, sizeof(uint64_t), sizeof(struct notch_hash), 0);
    notch_map_init(&sim->proposed, alloc, key, sizeof(uint64_t), sizeof(struct notch_hash), 0);
    notch_map_init(&sim->finals, alloc, key, sizeof(uint64_t), sizeof(struct notch_hash), 0);
    notch_buf_init(&sim->last_record, alloc);
    return sim;
}

void sim_destroy(struct sim *sim)
{
    for (size_t i = 0; i < sim->held_count; i++) {
        notch_buf_fini(&sim->held[i].bytes);
    }
    notch_free(sim->alloc, sim->held, sim->held_cap * sizeof *sim->held);
    notch_free(sim->alloc, sim->heap, sim->heap_cap * sizeof *sim->heap);
    notch_node_destroy(sim->node);
    sim->ops->destroy(sim->disk);
    notch_genesis_fini(&sim->genesis);
    notch_map_fini(&sim->acknowledged);
    notch_map_fini(&sim->voted);
    notch_map_fini(&sim->proposed);
    notch_map_fini(&sim->finals);
    notch_buf_fini(&sim->last_record);
    notch_free(sim->alloc, sim, sizeof *sim);
}

/* Everything acknowledged is final, and nothing is left to write. */
static bool is_healed(const struct sim *sim)
{
    if (sim->node == NULL) {
        return false;
    }
    struct notch_node_info info;
    notch_node_info(sim->node, &info);
    return info.pending_batches == 0 && info.in_flight == 0 && info.quiet && sim->held_count == 0 &&
           sim->ops->waiting(sim->disk) == 0;
}

const char *sim_run(struct sim *sim)
{
    sim_start_node(sim);
    sim_later(sim, SIM_CLIENT, 0, 0, NULL);
    while (sim->failure == NULL && sim->result.steps < sim->options.events_max) {
        step(sim);
    }
    sim->faults = false;
    sim_note(sim, "heal", sim->result.steps, 0);
    uint64_t slot_ms = 4 * (uint64_t)sim->genesis.delta_ms;
    uint64_t until_ms = sim->now_ms + RESTART_MS_MAX + HEAL_SLOTS_MAX * slot_ms;
    while (sim->failure == NULL && !is_healed(sim)) {
        if (sim->now_ms > until_ms) {
            sim_fail(sim, "not healed: something acknowledged does not become final, or the chain does not go quiet");
        } else {
            step(sim);
        }
    }
    if (sim->failure == NULL) {
        sim_check_healed(sim);
    }
    return sim->failure;
}

void sim_result(const struct sim *sim, struct sim_result *out)
{
    *out = sim->result;
    out->simulated_ms = sim->now_ms - sim->genesis.time0.raw; /* Raw: a duration for people */
    struct notch_sha256 trace = sim->trace;
    notch_sha256_final(&trace, &out->trace);
}
