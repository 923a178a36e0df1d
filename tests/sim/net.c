/* The heap of what is to happen, the nodes, their disks and their power. */
#include "tests/sim/net_internal.h"

#include <stdarg.h>
#include <stdio.h>

enum { DELTA_MS = 100, HEAL_SLOTS_MAX = 150, STORY_LINE_MAX = 200 };

void net_fail(struct net *net, const char *what)
{
    if (net->failure == NULL) {
        net->failure = what;
    }
}

uint64_t net_slot_ms(const struct net *net)
{
    return 4 * (uint64_t)net->genesis.delta_ms;
}

/* One line of the trace: hashed always, printed when asked. */
void net_note(struct net *net, uint32_t node, const char *what, uint64_t a, uint64_t b)
{
    uint8_t numbers[32];
    notch_put_be64(numbers, net->now_ms);
    notch_put_be64(numbers + 8, node);
    notch_put_be64(numbers + 16, a);
    notch_put_be64(numbers + 24, b);
    notch_sha256_update(&net->trace, what, strlen(what));
    notch_sha256_update(&net->trace, numbers, sizeof numbers);
    if (net->options.verbose) {
        printf("%8llu ms  n%-3u %-12s %llu %llu\n", (unsigned long long)(net->now_ms - net->begin_ms), node, what,
               (unsigned long long)a, (unsigned long long)b);
    }
}

/* One line of the story: "slot.permille text". */
void net_tell(struct net *net, const char *format, ...)
{
    if (!net->tells_story) {
        return;
    }
    uint64_t since = net->now_ms - net->begin_ms;
    char line[STORY_LINE_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    notch_assert(len > 0 && (size_t)len < sizeof line);
    char head[32];
    int head_len = snprintf(head, sizeof head, "%llu.%03llu ", (unsigned long long)(since / net_slot_ms(net)),
                            (unsigned long long)(since % net_slot_ms(net) * 1000 / net_slot_ms(net)));
    notch_buf_append(&net->story, head, (size_t)head_len);
    notch_buf_append(&net->story, line, (size_t)len);
    notch_buf_append(&net->story, "\n", 1);
}

/* How long something takes: as bad as the options say, or, while it heals, as the protocol's timing assumes. */
uint64_t net_draw(struct net *net, uint64_t max, uint64_t healed_max)
{
    uint64_t most = net->faults || max < healed_max ? max : healed_max;
    return notch_rng_below(&net->rng, most + 1);
}

/* ---- the heap ---- */

static bool before(const struct net_item *a, const struct net_item *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void swap(struct net_item *a, struct net_item *b)
{
    struct net_item kept = *a;
    *a = *b;
    *b = kept;
}

struct net_item *net_later(struct net *net, enum net_what what, uint32_t node, uint64_t delay_ms)
{
    if (net->heap_count == net->heap_cap) {
        size_t cap = net->heap_cap == 0 ? 256 : net->heap_cap * 2;
        net->heap = notch_realloc(net->alloc, net->heap, net->heap_cap * sizeof *net->heap, cap * sizeof *net->heap);
        net->heap_cap = cap;
    }
    size_t at = net->heap_count++;
    net->heap[at] = (struct net_item){.at_ms = net->now_ms + delay_ms,
                                      .number = net->numbers++,
                                      .what = what,
                                      .node = node,
                                      .life = net->nodes[node].life};
    while (at > 0 && before(&net->heap[at], &net->heap[(at - 1) / 2])) {
        swap(&net->heap[at], &net->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return &net->heap[at];
}

static struct net_item take_next(struct net *net)
{
    notch_assert(net->heap_count > 0);
    struct net_item first = net->heap[0];
    net->heap[0] = net->heap[--net->heap_count];
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < net->heap_count; child++) {
            if (before(&net->heap[child], &net->heap[least])) {
                least = child;
            }
        }
        if (least == at) {
            return first;
        }
        swap(&net->heap[at], &net->heap[least]);
        at = least;
    }
}

/* ---- a node and what surrounds it ---- */

static void hold(struct net *net, uint32_t node, const struct notch_node_effect *effect)
{
    struct net_node *self = &net->nodes[node];
    if (self->held_count == self->held_cap) {
        size_t cap = self->held_cap == 0 ? 16 : self->held_cap * 2;
        self->held =
            notch_realloc(net->alloc, self->held, self->held_cap * sizeof *self->held, cap * sizeof *self->held);
        self->held_cap = cap;
    }
    self->held[self->held_count++] = (struct net_held){
        .after = effect->after,
        .to = effect->send.to,
        .message = net_message_new(net, effect->send.what, effect->send.bytes, effect->send.to == 0),
    };
}

static void release(struct net *net, uint32_t node)
{
    struct net_node *self = &net->nodes[node];
    size_t kept = 0;
    for (size_t i = 0; i < self->held_count; i++) {
        struct net_held held = self->held[i];
        if (held.after > self->durable) {
            self->held[kept++] = held;
            continue;
        }
        net_check_sent(net, node, held.message);
        net_send(net, node, held.to, held.message);
        net_message_drop(net, held.message);
    }
    self->held_count = kept;
}

/* A node that took up the chain and lost power before its first vote cannot know that there was none: it says that its
 * vote log is lost, and waits for its operator. */
static bool has_never_voted(const struct net *net, uint32_t node)
{
    return net->nodes[node].voted.count == 0;
}

static void carry_out(struct net *net, uint32_t node, const struct notch_node_effect *effect)
{
    struct net_node *self = &net->nodes[node];
    uint64_t quick_ms = net->genesis.delta_ms / 10;
    struct net_item *item;
    net_note(net, node, "effect", effect->type, effect->token);
    switch (effect->type) {
    case NOTCH_NODE_PERSIST:
        notch_memstore_submit(self->disk, effect->persist);
        item = net_later(net, NET_DISK, node, net_draw(net, net->options.disk_ms_max, quick_ms));
        item->token = effect->token;
        break;
    case NOTCH_NODE_WORK:
        item = net_later(net, NET_WORKED, node, net_draw(net, net->options.work_ms_max, quick_ms));
        item->token = effect->token;
        item->work = effect->work;
        break;
    case NOTCH_NODE_REPLY:
        net_client_reply(net, node, effect->reply);
        break;
    case NOTCH_NODE_SEND:
        hold(net, node, effect);
        break;
    case NOTCH_NODE_FINAL:
        net_check_final(net, node, &effect->block);
        break;
    case NOTCH_NODE_HEAD:
        break;
    case NOTCH_NODE_REJECT:
        net_note(net, node, effect->reject.reject.reason, effect->reject.peer, effect->reject.what);
        net_fail(net, "an honest node was refused for what it sent");
        break;
    case NOTCH_NODE_ALARM:
        net_note(net, node, effect->alarm.text, 0, 0);
        if (!(has_never_voted(net, node) && strncmp(effect->alarm.text, "the vote log", 12) == 0)) {
            net_fail(net, "a node raised an alarm although all are honest");
        }
        break;
    }
}

static void drain(struct net *net, uint32_t node)
{
    struct net_node *self = &net->nodes[node];
    struct notch_node_effect effect;
    while (net->failure == NULL && notch_node_poll(self->node, &effect)) {
        carry_out(net, node, &effect);
    }
    release(net, node);
    uint64_t deadline = notch_node_deadline(self->node).raw; /* Raw: compared with the simulated clock */
    if (!self->tick_due && deadline != UINT64_MAX) {
        uint64_t local_ms = (uint64_t)((int64_t)net->now_ms + self->skew_ms);
        (void)net_later(net, NET_TICK, node, deadline > local_ms ? deadline - local_ms : 0);
        self->tick_due = true;
    }
}

void net_event(struct net *net, uint32_t node, struct notch_node_event *event)
{
    struct net_node *self = &net->nodes[node];
    event->seq = ++self->seq;
    event->now = (struct notch_time){(uint64_t)((int64_t)net->now_ms + self->skew_ms)};
    notch_node_handle(self->node, event);
    drain(net, node);
}

void net_power_off(struct net *net, uint32_t node)
{
    struct net_node *self = &net->nodes[node];
    net_note(net, node, "power off", notch_memstore_waiting(self->disk), self->durable);
    net_tell(net, "n%u loses power", node);
    net->result.crashes++;
    for (size_t i = 0; i < self->held_count; i++) {
        net_message_drop(net, self->held[i].message);
    }
    self->held_count = 0;
    notch_memstore_crash(self->disk, &net->rng); /* while what it was writing is still there */
    notch_node_destroy(self->node);
    self->node = NULL;
    self->life++;
    memset(self->is_up_to, 0, sizeof self->is_up_to);
    (void)net_later(net, NET_START, node, 1 + net_draw(net, net->options.down_ms_max, net_slot_ms(net)));
    net_links_update(net);
}

static void start_node(struct net *net, uint32_t node)
{
    struct net_node *self = &net->nodes[node];
    self->view = notch_memstore_view(self->disk);
    struct notch_node_options options = {
        .genesis = &net->genesis,
        .domain = &net->domain,
        .crypto = net->crypto,
        .view = &self->view,
        .alloc = net->alloc,
        .validator = self->is_observer ? NULL : &self->validator,
        .author = &self->author,
        .hash_key = {net->options.seed, node},
        .clock_is_trusted = true,
    };
    enum notch_err err = notch_node_create(&options, &self->node);
    notch_assert(err == NOTCH_OK);
    self->seq = 0;
    self->durable = 0;
    self->tick_due = false;
    struct notch_time now = {(uint64_t)((int64_t)net->now_ms + self->skew_ms)};
    if (notch_node_start(self->node, now, NULL, NULL) != NOTCH_OK) {
        net_fail(net, "a node does not start from what its disk kept");
        return;
    }
    net_note(net, node, "start", self->life, 0);
    if (net->now_ms > net->begin_ms) {
        net_tell(net, "n%u starts", node);
    }
    struct notch_node_info info;
    notch_node_info(self->node, &info);
    self->final_height = info.finality_state.final.height.raw; /* Raw: compared from here on */
    drain(net, node);
    net_links_update(net);
    if (!info.voting && !self->is_observer && has_never_voted(net, node)) { /* its operator knows */
        struct notch_request request = {.type = NOTCH_REQUEST_OPERATE, .operate = NOTCH_OPERATE_VOTE_RESET};
        struct notch_node_event event = {.type = NOTCH_NODE_REQUEST, .request = &request};
        net_event(net, node, &event);
    }
}

/* The oldest write is done, or the power goes before it. */
static void disk_step(struct net *net, uint32_t node)
{
    struct net_node *self = &net->nodes[node];
    if (net->faults && notch_rng_chance(&net->rng, net->options.crash_ppm)) {
        net_power_off(net, node);
        return;
    }
    uint64_t done;
    bool any = notch_memstore_complete(self->disk, &done);
    notch_assert(any);
    self->durable = done;
    struct notch_node_event event = {.type = NOTCH_NODE_DONE, .token = done};
    net_event(net, node, &event);
}

/* For people: where every node stands, once a slot. */
static void print_nodes(const struct net *net)
{
    for (uint32_t i = 0; i < net->options.nodes && net->options.verbose; i++) {
        struct notch_node_info info;
        if (net->nodes[i].node == NULL) {
            continue;
        }
        notch_node_info(net->nodes[i].node, &info);
        const struct notch_finality_info *at = &info.finality_state;
        /* Raw: numbers are printed. */
        printf(
            "            n%-3u head %llu (%02x%02x, slot %llu) confirmed %llu justified %llu@%llu final %llu set %llu, "
            "%llu pending%s\n",
            i, (unsigned long long)at->head.height.raw, at->head.hash.raw[0], at->head.hash.raw[1],
            (unsigned long long)at->head.slot.raw, (unsigned long long)at->confirmed.height.raw,
            (unsigned long long)at->justified.height.raw, (unsigned long long)at->justified.slot.raw,
            (unsigned long long)at->final.height.raw, (unsigned long long)at->set_id,
            (unsigned long long)info.pending_batches, info.quiet ? ", quiet" : "");
    }
}

/* Once a slot: what happens to the network as a whole. */
static void slot_step(struct net *net)
{
    uint64_t slot = (net->now_ms - net->begin_ms) / net_slot_ms(net);
    print_nodes(net);
    const struct net_options *options = &net->options;
    if (net->faults && options->partition != NET_PARTITION_NONE && slot == options->partition_from) {
        net_partition_begin(net);
    }
    if (net->faults && options->partition != NET_PARTITION_NONE && slot == options->partition_to) {
        net_partition_end(net);
    }
    if (net->faults && notch_rng_chance(&net->rng, options->power_cut_ppm)) {
        for (uint32_t node = 0; node < options->nodes; node++) {
            if (net->nodes[node].node != NULL) {
                net_power_off(net, node);
            }
        }
    }
    (void)net_later(net, NET_SLOT, 0, net_slot_ms(net));
}

static void node_step(struct net *net, const struct net_item *item)
{
    struct net_node *self = &net->nodes[item->node];
    struct notch_node_event event = {.type = NOTCH_NODE_TICK};
    if (item->life != self->life || self->node == NULL) {
        return;
    }
    switch (item->what) {
    case NET_TICK:
        self->tick_due = false;
        net_event(net, item->node, &event);
        return;
    case NET_WORKED:
        notch_node_run(item->work);
        event.type = NOTCH_NODE_WORKED;
        event.token = item->token;
        net_event(net, item->node, &event);
        return;
    case NET_DISK:
        disk_step(net, item->node);
        return;
    case NET_START:
    case NET_MESSAGE:
    case NET_CLIENT:
    case NET_SLOT:
        return;
    }
}

static void step(struct net *net)
{
    struct net_item item = take_next(net);
    net->now_ms = item.at_ms;
    net->result.steps++;
    switch (item.what) {
    case NET_TICK:
    case NET_WORKED:
    case NET_DISK:
        node_step(net, &item);
        return;
    case NET_START:
        if (net->nodes[item.node].node == NULL) {
            start_node(net, item.node);
        }
        return;
    case NET_MESSAGE:
        net_arrive(net, &item);
        net_message_drop(net, item.message);
        return;
    case NET_CLIENT:
        net_client_step(net);
        return;
    case NET_SLOT:
        slot_step(net);
        return;
    }
}

/* ---- from outside ---- */

static void make_signer(struct net *net, struct notch_signer *signer, uint8_t *secret)
{
    do {
        notch_rng_fill(&net->rng, secret, 32);
    } while (!net->crypto->key_of_secret(net->crypto->self, &signer->key, secret));
    signer->secret = secret;
}

static void make_genesis(struct net *net)
{
    notch_genesis_init(&net->genesis, net->alloc);
    notch_genesis_defaults(&net->genesis, NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    bool named = notch_genesis_set_name(&net->genesis, "net", 3);
    notch_assert(named);
    net->genesis.time0 = (struct notch_time){net->now_ms};
    net->genesis.delta_ms = DELTA_MS;
    net->genesis.target = notch_rng_chance(&net->rng, 500000) ? NOTCH_TARGET_HEAD : NOTCH_TARGET_CONFIRMED;
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        if (net->nodes[i].is_observer) {
            continue;
        }
        struct notch_genesis_member member = {
            .key = net->nodes[i].validator.key,
            .operator_key = net->nodes[i].author.key,
            .reputation = NOTCH_GENESIS_REPUTATION,
        };
        enum notch_err err = notch_genesis_add_member(&net->genesis, &member);
        notch_assert(err == NOTCH_OK);
    }
    enum notch_err err = notch_genesis_add_governance(&net->genesis, &net->nodes[0].author.key);
    notch_assert(err == NOTCH_OK);
    net->genesis.governance_quorum = 1;
    struct notch_reject reject = notch_genesis_check(&net->genesis);
    notch_assert(notch_is_valid(reject));
    struct notch_buf bytes;
    struct notch_hash hash;
    notch_buf_init(&bytes, net->alloc);
    notch_genesis_encode(&net->genesis, &bytes);
    notch_genesis_hash(&hash, notch_buf_bytes(&bytes));
    notch_buf_fini(&bytes);
    notch_domain_init(&net->domain, &hash);
}

static void make_node(struct net *net, uint32_t index)
{
    struct net_node *self = &net->nodes[index];
    struct notch_siphash_key key = {net->options.seed, index};
    make_signer(net, &self->validator, self->secrets[0]);
    make_signer(net, &self->author, self->secrets[1]);
    self->is_observer = index >= net->options.nodes - net->options.observers;
    self->disk = notch_memstore_create(net->alloc, key);
    uint64_t skew = notch_rng_below(&net->rng, 2 * (uint64_t)net->options.skew_ms_max + 1);
    self->skew_ms = (int64_t)skew - (int64_t)net->options.skew_ms_max;
    notch_map_init(&self->seen, net->alloc, key, sizeof(struct notch_hash), 0, 0);
    notch_map_init(&self->voted, net->alloc, key, sizeof(uint64_t), sizeof(struct notch_hash), 0);
    notch_map_init(&self->proposed, net->alloc, key, sizeof(uint64_t), sizeof(struct notch_hash), 0);
}

struct net *net_create(const struct net_options *options)
{
    const struct notch_alloc *alloc = notch_alloc_heap();
    notch_assert(options->nodes > options->observers && options->nodes <= NET_NODES_MAX);
    struct net *net = notch_alloc(alloc, sizeof *net);
    net->options = *options;
    net->alloc = alloc;
    net->crypto = options->real_crypto ? notch_crypto_secp() : notch_crypto_standin();
    net->now_ms = UINT64_C(1750000000000);
    net->begin_ms = net->now_ms;
    net->faults = true;
    notch_rng_init(&net->rng, options->seed);
    notch_rng_init(&net->client_rng, options->seed ^ UINT64_C(0x636c69656e7473));
    notch_sha256_init(&net->trace);
    notch_buf_init(&net->last_record, alloc);
    notch_buf_init(&net->story, alloc);
    struct notch_siphash_key key = {options->seed, 2};
    notch_map_init(&net->acknowledged, alloc, key, sizeof(struct notch_hash), sizeof(uint32_t), 0);
    notch_map_init(&net->finals, alloc, key, sizeof(uint64_t), sizeof(struct notch_hash), 0);
    net->nodes = notch_alloc_array(alloc, options->nodes, sizeof *net->nodes);
    for (uint32_t i = 0; i < options->nodes; i++) {
        make_node(net, i);
    }
    make_genesis(net);
    net_links_make(net);
    return net;
}

static void free_node(struct net *net, struct net_node *self)
{
    for (size_t i = 0; i < self->held_count; i++) {
        net_message_drop(net, self->held[i].message);
    }
    notch_free(net->alloc, self->held, self->held_cap * sizeof *self->held);
    notch_node_destroy(self->node);
    notch_memstore_destroy(self->disk);
    notch_map_fini(&self->seen);
    notch_map_fini(&self->voted);
    notch_map_fini(&self->proposed);
}

void net_destroy(struct net *net)
{
    for (size_t i = 0; i < net->heap_count; i++) {
        if (net->heap[i].what == NET_MESSAGE) {
            net_message_drop(net, net->heap[i].message);
        }
    }
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        free_node(net, &net->nodes[i]);
    }
    notch_free(net->alloc, net->nodes, net->options.nodes * sizeof *net->nodes);
    notch_free(net->alloc, net->heap, net->heap_cap * sizeof *net->heap);
    notch_genesis_fini(&net->genesis);
    notch_map_fini(&net->acknowledged);
    notch_map_fini(&net->finals);
    notch_buf_fini(&net->last_record);
    notch_buf_fini(&net->story);
    notch_free(net->alloc, net, sizeof *net);
}

static void begin(struct net *net)
{
    uint32_t prompt = net->options.nodes - net->options.late;
    for (uint32_t node = 0; node < net->options.nodes; node++) {
        uint64_t late_ms = net_slot_ms(net) * net->options.slots / 2;
        (void)net_later(net, NET_START, node, node < prompt ? 0 : late_ms);
    }
    if (net->options.submit_ms > 0) {
        (void)net_later(net, NET_CLIENT, 0, 0);
    }
    (void)net_later(net, NET_SLOT, 0, 0);
}

static void heal(struct net *net)
{
    net->faults = false;
    net->heal_ms = net->now_ms;
    net->heal_height = net->final_height;
    net_note(net, 0, "heal", net->final_height, 0);
    bool is_cut = false;
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        is_cut = is_cut || net->cut[0][i] || net->cut[i][0] || net->cut[net->options.nodes - 1][i];
    }
    if (is_cut) {
        net_partition_end(net);
    }
}

const char *net_run(struct net *net)
{
    begin(net);
    uint64_t faults_until_ms = net->begin_ms + net->options.slots * net_slot_ms(net);
    while (net->failure == NULL && net->now_ms < faults_until_ms) {
        step(net);
    }
    heal(net);
    uint64_t until_ms = net->now_ms + net->options.down_ms_max + HEAL_SLOTS_MAX * net_slot_ms(net);
    while (net->failure == NULL && !net_is_healed(net)) {
        if (net->now_ms > until_ms) {
            net_fail(net, "not healed: finality does not go on, or the nodes do not come to the same");
        } else {
            step(net);
        }
    }
    if (net->failure == NULL) {
        net->result.converge_slots = (net->now_ms - net->heal_ms) / net_slot_ms(net);
        net_check_healed(net);
    }
    return net->failure;
}

void net_result(const struct net *net, struct net_result *out)
{
    *out = net->result;
    out->final_height = net->final_height;
    out->simulated_ms = net->now_ms - net->begin_ms;
    struct notch_sha256 trace = net->trace;
    notch_sha256_final(&trace, &out->trace);
}

void net_story(struct net *net, bool is_on)
{
    net->tells_story = is_on;
}

const char *net_story_text(struct net *net)
{
    notch_buf_append(&net->story, "", 1);
    net->story.len--;
    return (const char *)net->story.data;
}
