#include "ai/agent/allocation/run.h"

#include "base/codec.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

/* A lost message on a reliable link goes out again after two round trips. */
#define RESEND_DELAYS 4
#define TIMEOUT_DELAYS 256
#define RECIPIENT_TIMEOUTS 2
/* Several requests lost one after the other are no absence. */
#define ABSENT_AFTER 24

enum role { ROLE_PROVIDER = 1, ROLE_RECIPIENT = 2 };

/* Something that will happen: a message arrives, or, where kind is 0, an agent looks at the clock. */
struct happening {
    uint64_t at_ms;
    uint64_t order; /* of those at one moment */
    struct notch_allocation_message message;
};

struct notch_allocation_run {
    struct notch_allocation_run_options options;
    struct notch_matching matching;
    struct notch_provider **providers;
    struct notch_recipient **recipients;
    size_t *first_edge; /* of each provider; one more at the end */
    uint64_t *wake_ms;  /* of each agent, providers first: for when a look at the clock is planned */
    bool *is_touched;   /* of each agent: may have something to say */
    size_t *touched;
    size_t touched_count;
    struct happening *heap; /* the next one first */
    size_t heap_count;
    size_t heap_cap;
    uint64_t now_ms;
    uint64_t order;
    uint64_t messages;
    struct notch_rng rng;
};

static size_t agent_count(const struct notch_allocation_run *run)
{
    return run->matching.provider_count + run->matching.recipient_count;
}

/* ---- names ---- */

/* Raw: builds keys that sort as the indexes do. */
static struct notch_key key_of(enum role role, size_t index)
{
    struct notch_key key = {{(uint8_t)role}};
    notch_put_be64(key.raw + 1, index);
    return key;
}

/* Raw: reads them. The place of an agent in the list of all; false: nobody's. */
static bool agent_of(const struct notch_allocation_run *run, size_t *agent, const struct notch_key *key)
{
    uint64_t index = notch_get_be64(key->raw + 1);
    bool is_provider = key->raw[0] == ROLE_PROVIDER;
    size_t count = is_provider ? run->matching.provider_count : run->matching.recipient_count;
    if (index >= count || (!is_provider && key->raw[0] != ROLE_RECIPIENT)) {
        return false;
    }
    *agent = is_provider ? (size_t)index : run->matching.provider_count + (size_t)index;
    return true;
}

/* ---- what will happen ---- */

static bool is_before(const struct happening *a, const struct happening *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void plan(struct notch_allocation_run *run, uint64_t at_ms, const struct notch_allocation_message *message)
{
    if (run->heap_count == run->heap_cap) {
        size_t cap = run->heap_cap == 0 ? 64 : 2 * run->heap_cap;
        run->heap =
            notch_realloc(run->options.alloc, run->heap, run->heap_cap * sizeof *run->heap, cap * sizeof *run->heap);
        run->heap_cap = cap;
    }
    struct happening happening = {at_ms, run->order++, *message};
    size_t at = run->heap_count++;
    while (at > 0 && is_before(&happening, &run->heap[(at - 1) / 2])) {
        run->heap[at] = run->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    run->heap[at] = happening;
}

static struct happening take(struct notch_allocation_run *run)
{
    struct happening first = run->heap[0];
    struct happening last = run->heap[--run->heap_count];
    size_t at = 0;
    for (size_t child = 1; child < run->heap_count; child = 2 * at + 1) {
        if (child + 1 < run->heap_count && is_before(&run->heap[child + 1], &run->heap[child])) {
            child++;
        }
        if (!is_before(&run->heap[child], &last)) {
            break;
        }
        run->heap[at] = run->heap[child];
        at = child;
    }
    if (run->heap_count > 0) {
        run->heap[at] = last;
    }
    return first;
}

/* ---- the network ---- */

static uint64_t draw_delay(struct notch_allocation_run *run)
{
    if (run->options.delay == NOTCH_DELAY_FIXED) {
        return run->options.delay_ms;
    }
    double uniform = ((double)(notch_rng_u64(&run->rng) >> 11) + 1) / 9007199254740992.0;
    return (uint64_t)ceil(-log(uniform) * (double)run->options.delay_ms);
}

static void post(struct notch_allocation_run *run, struct notch_allocation_message *message)
{
    uint64_t at_ms = run->now_ms;
    run->messages++;
    while (notch_rng_chance(&run->rng, run->options.drop_ppm)) {
        if (run->options.link == NOTCH_LINK_DATAGRAM) {
            return;
        }
        at_ms += RESEND_DELAYS * run->options.delay_ms;
        run->messages++;
    }
    message->sent.raw = run->now_ms; /* Raw: the run's own clock */
    if (run->options.meddle == NULL || run->options.meddle(run->options.context, message, run->now_ms)) {
        plan(run, at_ms + draw_delay(run), message);
    }
}

static void touch(struct notch_allocation_run *run, size_t agent)
{
    if (!run->is_touched[agent]) {
        run->is_touched[agent] = true;
        run->touched[run->touched_count++] = agent;
    }
}

/* Plans a look at the clock for when the agent has something run out, unless one is planned for no later. */
static void plan_wake(struct notch_allocation_run *run, size_t agent, uint64_t deadline_ms, struct notch_key key)
{
    if (deadline_ms < run->wake_ms[agent]) {
        run->wake_ms[agent] = deadline_ms;
        struct notch_allocation_message wake = {.to = key};
        plan(run, deadline_ms, &wake);
    }
}

static void drain_provider(struct notch_allocation_run *run, size_t index)
{
    struct notch_allocation_message message = {.kind = NOTCH_ALLOCATION_RESPONSE, .from = key_of(ROLE_PROVIDER, index)};
    while (notch_provider_poll(run->providers[index], &message.to, &message.as.response)) {
        post(run, &message);
        message.from = key_of(ROLE_PROVIDER, index);
    }
    plan_wake(run, index, notch_provider_deadline(run->providers[index]), message.from);
}

static void drain_recipient(struct notch_allocation_run *run, size_t index)
{
    struct notch_allocation_message message = {.kind = NOTCH_ALLOCATION_REQUEST, .from = key_of(ROLE_RECIPIENT, index)};
    while (notch_recipient_poll(run->recipients[index], &message.to, &message.as.request, run->now_ms)) {
        post(run, &message);
        message.from = key_of(ROLE_RECIPIENT, index);
    }
    plan_wake(run, run->matching.provider_count + index, notch_recipient_deadline(run->recipients[index]),
              message.from);
}

/* All who may have something to say, say it. */
static void drain(struct notch_allocation_run *run)
{
    for (size_t i = 0; i < run->touched_count; i++) {
        size_t agent = run->touched[i];
        run->is_touched[agent] = false;
        if (agent < run->matching.provider_count) {
            drain_provider(run, agent);
        } else {
            drain_recipient(run, agent - run->matching.provider_count);
        }
    }
    run->touched_count = 0;
}

static void happen(struct notch_allocation_run *run, const struct happening *happening)
{
    const struct notch_allocation_message *message = &happening->message;
    size_t agent;
    if (!agent_of(run, &agent, &message->to)) {
        return;
    }
    bool is_provider = agent < run->matching.provider_count;
    size_t index = is_provider ? agent : agent - run->matching.provider_count;
    if (message->kind == NOTCH_ALLOCATION_REQUEST && is_provider) {
        (void)notch_provider_request(run->providers[index], &message->from, &message->as.request, run->now_ms);
    } else if (message->kind == NOTCH_ALLOCATION_RESPONSE && !is_provider) {
        (void)notch_recipient_response(run->recipients[index], &message->from, &message->as.response, run->now_ms);
    } else {
        run->wake_ms[agent] = NOTCH_AGENT_NEVER;
        if (is_provider) {
            notch_provider_tick(run->providers[index], run->now_ms);
        } else {
            notch_recipient_tick(run->recipients[index], run->now_ms);
        }
    }
    touch(run, agent);
}

bool notch_allocation_run_step(struct notch_allocation_run *run)
{
    if (run->heap_count == 0) {
        return false;
    }
    run->now_ms = run->heap[0].at_ms;
    while (run->heap_count > 0 && run->heap[0].at_ms == run->now_ms) {
        struct happening happening = take(run);
        happen(run, &happening);
    }
    drain(run);
    return true;
}

bool notch_allocation_run_until(struct notch_allocation_run *run, double distance, uint64_t rounds_max)
{
    while (notch_allocation_run_distance(run) > distance) {
        if (notch_allocation_run_rounds(run) > rounds_max || !notch_allocation_run_step(run)) {
            return false;
        }
    }
    return true;
}

/* ---- making and unmaking ---- */

static uint64_t timeout_of(const struct notch_allocation_run *run)
{
    return run->options.timeout_ms > 0 ? run->options.timeout_ms : TIMEOUT_DELAYS * run->options.delay_ms;
}

static double start_of(const struct notch_allocation_run *run, size_t provider)
{
    return run->options.lambdas_start == NULL ? 0
                                              : (double)run->options.lambdas_start[provider] / (double)NOTCH_LAMBDA_ONE;
}

static double real_of(uint32_t recognition)
{
    return (double)recognition / NOTCH_RECOGNITION_ONE;
}

static void make_provider(struct notch_allocation_run *run, size_t index, double lambda_start)
{
    const struct notch_matching *matching = &run->matching;
    size_t first = run->first_edge[index];
    size_t count = run->first_edge[index + 1] - first;
    size_t room = count > 0 ? count : 1;
    struct notch_provider_edge *edges = notch_alloc_array(run->options.alloc, room, sizeof *edges);
    for (size_t i = 0; i < count; i++) {
        const struct notch_matching_edge *edge = &matching->edges[first + i];
        edges[i] = (struct notch_provider_edge){key_of(ROLE_RECIPIENT, edge->recipient), real_of(edge->recognition),
                                                (double)matching->needs[edge->recipient]};
    }
    run->providers[index] = notch_provider_create(&(struct notch_provider_options){
        .alloc = run->options.alloc,
        .capacity = (double)matching->capacities[index],
        .lambda_start = lambda_start,
        .pace = run->options.pace,
        .timeout_ms = timeout_of(run),
        .absent_after = ABSENT_AFTER,
        .edges = edges,
        .edge_count = count,
    });
    notch_free(run->options.alloc, edges, room * sizeof *edges);
}

/* `edges` has room for all providers. Edges are in order of provider, so those of one recipient are too. */
static void make_recipient(struct notch_allocation_run *run, size_t index, const struct notch_recipient_edge *edges,
                           size_t edge_count)
{
    run->recipients[index] = notch_recipient_create(&(struct notch_recipient_options){
        .alloc = run->options.alloc,
        .need = (double)run->matching.needs[index],
        .patience_ms = run->options.pace == NOTCH_PROVIDER_PROMPT ? 0 : timeout_of(run) / 2,
        .timeout_ms = RECIPIENT_TIMEOUTS * timeout_of(run),
        .absent_after = ABSENT_AFTER,
        .sequence_start = run->now_ms * 1000,
        .edges = edges,
        .edge_count = edge_count,
    });
}

/* Sorts the edges by recipient once: next[] says where the next edge of each recipient goes. */
static void make_recipients(struct notch_allocation_run *run)
{
    const struct notch_matching *matching = &run->matching;
    const struct notch_alloc *alloc = run->options.alloc;
    size_t edge_room = matching->edge_count + 1;
    size_t next_room = matching->recipient_count + 1;
    struct notch_recipient_edge *edges = notch_alloc_array(alloc, edge_room, sizeof *edges);
    size_t *next = notch_alloc_array(alloc, next_room, sizeof *next);
    for (size_t i = 0; i < matching->edge_count; i++) {
        next[matching->edges[i].recipient + 1]++;
    }
    for (size_t i = 0; i < matching->recipient_count; i++) {
        next[i + 1] += next[i];
    }
    for (size_t i = 0; i < matching->edge_count; i++) {
        const struct notch_matching_edge *edge = &matching->edges[i];
        edges[next[edge->recipient]++] = (struct notch_recipient_edge){
            key_of(ROLE_PROVIDER, edge->provider), real_of(edge->recognition), start_of(run, edge->provider)};
    }
    for (size_t i = 0; i < matching->recipient_count; i++) {
        size_t first = i > 0 ? next[i - 1] : 0;
        make_recipient(run, i, edges + first, next[i] - first);
    }
    notch_free(alloc, edges, edge_room * sizeof *edges);
    notch_free(alloc, next, next_room * sizeof *next);
}

static void *copy_of(const struct notch_alloc *alloc, const void *from, size_t count, size_t size)
{
    void *copy = notch_alloc_array(alloc, count + 1, size);
    if (count > 0) {
        memcpy(copy, from, count * size);
    }
    return copy;
}

static void copy_matching(struct notch_allocation_run *run, const struct notch_matching *matching)
{
    const struct notch_alloc *alloc = run->options.alloc;
    run->matching = *matching;
    run->matching.capacities =
        copy_of(alloc, matching->capacities, matching->provider_count, sizeof *matching->capacities);
    run->matching.needs = copy_of(alloc, matching->needs, matching->recipient_count, sizeof *matching->needs);
    run->matching.edges = copy_of(alloc, matching->edges, matching->edge_count, sizeof *matching->edges);
}

struct notch_allocation_run *notch_allocation_run_create(const struct notch_allocation_run_options *options,
                                                         const struct notch_matching *matching)
{
    notch_assert(options->delay_ms > 0);
    notch_assert(options->drop_ppm < 1000000);
    notch_assert(notch_is_valid(notch_matching_check(matching)));
    const struct notch_alloc *alloc = options->alloc;
    struct notch_allocation_run *run = notch_alloc(alloc, sizeof *run);
    run->options = *options;
    copy_matching(run, matching);
    notch_rng_init(&run->rng, options->seed);
    size_t agents = agent_count(run) + 1;
    run->providers = notch_alloc_array(alloc, matching->provider_count + 1, sizeof(struct notch_provider *));
    run->recipients = notch_alloc_array(alloc, matching->recipient_count + 1, sizeof(struct notch_recipient *));
    run->first_edge = notch_alloc_array(alloc, matching->provider_count + 1, sizeof *run->first_edge);
    run->wake_ms = notch_alloc_array(alloc, agents, sizeof *run->wake_ms);
    run->is_touched = notch_alloc_array(alloc, agents, sizeof *run->is_touched);
    run->touched = notch_alloc_array(alloc, agents, sizeof *run->touched);
    for (size_t i = 0; i < matching->edge_count; i++) {
        run->first_edge[matching->edges[i].provider + 1] = i + 1;
    }
    for (size_t i = 0; i < matching->provider_count; i++) {
        size_t *end = &run->first_edge[i + 1];
        *end = *end > run->first_edge[i] ? *end : run->first_edge[i];
        make_provider(run, i, start_of(run, i));
    }
    make_recipients(run);
    for (size_t i = 0; i + 1 < agents; i++) {
        run->wake_ms[i] = NOTCH_AGENT_NEVER;
        touch(run, i);
    }
    drain(run);
    return run;
}

void notch_allocation_run_destroy(struct notch_allocation_run *run)
{
    if (run == NULL) {
        return;
    }
    const struct notch_alloc *alloc = run->options.alloc;
    const struct notch_matching *matching = &run->matching;
    size_t agents = agent_count(run) + 1;
    for (size_t i = 0; i < matching->provider_count; i++) {
        notch_provider_destroy(run->providers[i]);
    }
    for (size_t i = 0; i < matching->recipient_count; i++) {
        notch_recipient_destroy(run->recipients[i]);
    }
    notch_free(alloc, run->providers, (matching->provider_count + 1) * sizeof(struct notch_provider *));
    notch_free(alloc, run->recipients, (matching->recipient_count + 1) * sizeof(struct notch_recipient *));
    notch_free(alloc, run->first_edge, (matching->provider_count + 1) * sizeof *run->first_edge);
    notch_free(alloc, run->wake_ms, agents * sizeof *run->wake_ms);
    notch_free(alloc, run->is_touched, agents * sizeof *run->is_touched);
    notch_free(alloc, run->touched, agents * sizeof *run->touched);
    notch_free(alloc, run->heap, run->heap_cap * sizeof *run->heap);
    notch_free(alloc, (void *)matching->capacities, (matching->provider_count + 1) * sizeof *matching->capacities);
    notch_free(alloc, (void *)matching->needs, (matching->recipient_count + 1) * sizeof *matching->needs);
    notch_free(alloc, (void *)matching->edges, (matching->edge_count + 1) * sizeof *matching->edges);
    notch_free(alloc, run, sizeof *run);
}

void notch_allocation_run_restart_provider(struct notch_allocation_run *run, size_t provider)
{
    notch_assert(provider < run->matching.provider_count);
    notch_provider_destroy(run->providers[provider]);
    make_provider(run, provider, 0);
    touch(run, provider);
    drain(run);
}

void notch_allocation_run_restart_recipient(struct notch_allocation_run *run, size_t recipient)
{
    const struct notch_matching *matching = &run->matching;
    notch_assert(recipient < matching->recipient_count);
    size_t room = matching->provider_count + 1;
    struct notch_recipient_edge *edges = notch_alloc_array(run->options.alloc, room, sizeof *edges);
    size_t count = 0;
    for (size_t i = 0; i < matching->edge_count; i++) {
        const struct notch_matching_edge *edge = &matching->edges[i];
        if (edge->recipient == recipient) {
            edges[count++] =
                (struct notch_recipient_edge){key_of(ROLE_PROVIDER, edge->provider), real_of(edge->recognition), 0};
        }
    }
    notch_recipient_destroy(run->recipients[recipient]);
    make_recipient(run, recipient, edges, count);
    notch_free(run->options.alloc, edges, room * sizeof *edges);
    touch(run, matching->provider_count + recipient);
    drain(run);
}

/* ---- where it stands ---- */

uint64_t notch_allocation_run_now_ms(const struct notch_allocation_run *run)
{
    return run->now_ms;
}

uint64_t notch_allocation_run_rounds(const struct notch_allocation_run *run)
{
    uint64_t most = 0;
    for (size_t i = 0; i < run->matching.recipient_count; i++) {
        uint64_t rounds = notch_recipient_rounds(run->recipients[i]);
        most = rounds > most ? rounds : most;
    }
    return most;
}

uint64_t notch_allocation_run_messages(const struct notch_allocation_run *run)
{
    return run->messages;
}

double notch_allocation_run_distance(const struct notch_allocation_run *run)
{
    double most = 0;
    for (size_t i = 0; i < run->matching.provider_count; i++) {
        most = fmax(most, notch_provider_distance(run->providers[i]));
    }
    return most;
}

void notch_allocation_run_amounts(const struct notch_allocation_run *run, double *amounts)
{
    for (size_t i = 0; i < run->matching.provider_count; i++) {
        notch_provider_amounts(run->providers[i], amounts + run->first_edge[i]);
    }
}

void notch_allocation_run_lambdas(const struct notch_allocation_run *run, uint64_t *lambdas)
{
    for (size_t i = 0; i < run->matching.provider_count; i++) {
        lambdas[i] = (uint64_t)(notch_provider_lambda(run->providers[i]) * (double)NOTCH_LAMBDA_ONE + 0.5);
    }
}

/* Splits one provider's capacity by the amounts it would give. `weights` has room for its edges. */
static void commit_provider(const struct notch_allocation_run *run, int64_t *amounts, size_t index, const double *given,
                            unsigned __int128 *weights)
{
    size_t count = run->first_edge[index + 1] - run->first_edge[index];
    int64_t capacity = run->matching.capacities[index];
    double sum = 0;
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        sum += given[i];
        most = fmax(most, given[i]);
    }
    for (size_t i = 0; i < count; i++) {
        weights[i] = most > 0 ? (uint64_t)(given[i] / most * 1152921504606846976.0) : 0;
    }
    bool is_plenty = notch_provider_lambda(run->providers[index]) >= NOTCH_AGENT_LAMBDA_MAX;
    int64_t total = !is_plenty || sum >= (double)capacity ? capacity : (int64_t)floor(sum);
    notch_matching_split(amounts, total, weights, count, run->options.alloc);
}

void notch_allocation_run_commit(const struct notch_allocation_run *run, int64_t *amounts)
{
    const struct notch_matching *matching = &run->matching;
    const struct notch_alloc *alloc = run->options.alloc;
    size_t room = matching->edge_count + 1;
    double *given = notch_alloc_array(alloc, room, sizeof *given);
    unsigned __int128 *weights = notch_alloc_array(alloc, room, sizeof *weights);
    notch_allocation_run_amounts(run, given);
    for (size_t i = 0; i < matching->provider_count; i++) {
        size_t first = run->first_edge[i];
        commit_provider(run, amounts + first, i, given + first, weights);
    }
    notch_matching_cut(matching, amounts, alloc);
    notch_free(alloc, given, room * sizeof *given);
    notch_free(alloc, weights, room * sizeof *weights);
}
