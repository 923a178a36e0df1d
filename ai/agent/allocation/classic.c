#include "ai/agent/allocation/classic.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

#define CAPACITY_GUESS 1000.0
#define LEARNING_RATE_MAX 0.3
#define TRUST 0.5
#define CONVERGED 1.0
#define HISTORY 5
#define PARTNERS_MAX 16
#define PARTNERS_NEW 3
#define GOSSIP_TO 3

/* What one recipient knows about another's part in a denominator. */
struct part {
    uint32_t partner;
    double residual;
    double recognition;
};

/* A recipient's view of one provider. */
struct view {
    double recognition;
    double capacity; /* estimated; 0: unknown */
    double estimate; /* of the denominator */
    double learning_rate;
    double damping;
    double requested;
    double granted; /* in this round */
    double total;
    double history[HISTORY]; /* of grants, the latest last */
    size_t history_count;
    double guesses[3]; /* inferred denominators, the latest last */
    size_t guess_count;
    struct part parts[PARTNERS_MAX];
    size_t part_count;
};

struct partner {
    uint32_t recipient;
    uint32_t told; /* useful messages since partners were last looked through */
};

struct recipient {
    double need;
    double residual;
    double satisfaction;
    struct partner partners[PARTNERS_MAX];
    size_t partner_count;
};

struct gossip {
    uint32_t from, to;
    uint32_t provider;
    double estimate, residual, recognition, confidence;
};

struct notch_classic {
    struct notch_classic_options options;
    const struct notch_matching *matching;
    struct view *views; /* of each edge */
    struct recipient *recipients;
    double *available; /* of each provider */
    size_t *order;     /* in which requests arrive: edges */
    struct gossip *gossip;
    size_t gossip_count;
    size_t gossip_cap;
    uint64_t rounds;
    uint64_t messages;
    struct notch_rng rng;
};

static bool is_delivered(struct notch_classic *classic)
{
    classic->messages++;
    return !notch_rng_chance(&classic->rng, classic->options.drop_ppm);
}

/* The edge of a provider and a recipient; edge_count: none. */
static size_t edge_of(const struct notch_matching *matching, uint32_t provider, uint32_t recipient)
{
    size_t low = 0;
    size_t high = matching->edge_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct notch_matching_edge *edge = &matching->edges[middle];
        if (edge->provider < provider || (edge->provider == provider && edge->recipient < recipient)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_it = low < matching->edge_count && matching->edges[low].provider == provider &&
                 matching->edges[low].recipient == recipient;
    return is_it ? low : matching->edge_count;
}

/* ---- partners ---- */

static bool has_partner(const struct recipient *recipient, uint32_t partner)
{
    for (size_t i = 0; i < recipient->partner_count; i++) {
        if (recipient->partners[i].recipient == partner) {
            return true;
        }
    }
    return false;
}

/* Keeps those that told something, and adds three at random. */
static void look_through_partners(struct notch_classic *classic, uint32_t index)
{
    struct recipient *recipient = &classic->recipients[index];
    size_t kept = 0;
    for (size_t i = 0; i < recipient->partner_count; i++) {
        if (recipient->partners[i].told > 0 && kept < PARTNERS_MAX - PARTNERS_NEW) {
            recipient->partners[kept++] = (struct partner){recipient->partners[i].recipient, 0};
        }
    }
    recipient->partner_count = kept;
    for (size_t i = 0; i < PARTNERS_NEW; i++) {
        uint32_t other = (uint32_t)notch_rng_below(&classic->rng, classic->matching->recipient_count);
        if (other != index && !has_partner(recipient, other)) {
            recipient->partners[recipient->partner_count++] = (struct partner){other, 0};
        }
    }
}

/* ---- making ---- */

static void make_views(struct notch_classic *classic)
{
    const struct notch_matching *matching = classic->matching;
    double unit = classic->options.unit;
    for (size_t i = 0; i < matching->recipient_count; i++) {
        classic->recipients[i].need = (double)matching->needs[i] / unit;
        classic->recipients[i].residual = classic->recipients[i].need;
        look_through_partners(classic, (uint32_t)i);
    }
    for (size_t i = 0; i < matching->edge_count; i++) {
        double recognition = (double)matching->edges[i].recognition / NOTCH_RECOGNITION_ONE;
        classic->views[i] =
            (struct view){.recognition = recognition,
                          .estimate = recognition * classic->recipients[matching->edges[i].recipient].need,
                          .learning_rate = LEARNING_RATE_MAX,
                          .damping = 1};
        classic->order[i] = i;
    }
}

struct notch_classic *notch_classic_create(const struct notch_classic_options *options,
                                           const struct notch_matching *matching)
{
    notch_assert(options->unit > 0);
    const struct notch_alloc *alloc = options->alloc;
    struct notch_classic *classic = notch_alloc(alloc, sizeof *classic);
    classic->options = *options;
    classic->matching = matching;
    classic->gossip_cap = (size_t)GOSSIP_TO * (matching->edge_count + 1);
    notch_rng_init(&classic->rng, options->seed);
    classic->views = notch_alloc_array(alloc, matching->edge_count + 1, sizeof *classic->views);
    classic->order = notch_alloc_array(alloc, matching->edge_count + 1, sizeof *classic->order);
    classic->recipients = notch_alloc_array(alloc, matching->recipient_count + 1, sizeof *classic->recipients);
    classic->available = notch_alloc_array(alloc, matching->provider_count + 1, sizeof *classic->available);
    classic->gossip = notch_alloc_array(alloc, classic->gossip_cap, sizeof *classic->gossip);
    make_views(classic);
    return classic;
}

void notch_classic_destroy(struct notch_classic *classic)
{
    if (classic == NULL) {
        return;
    }
    const struct notch_alloc *alloc = classic->options.alloc;
    const struct notch_matching *matching = classic->matching;
    notch_free(alloc, classic->views, (matching->edge_count + 1) * sizeof *classic->views);
    notch_free(alloc, classic->order, (matching->edge_count + 1) * sizeof *classic->order);
    notch_free(alloc, classic->recipients, (matching->recipient_count + 1) * sizeof *classic->recipients);
    notch_free(alloc, classic->available, (matching->provider_count + 1) * sizeof *classic->available);
    notch_free(alloc, classic->gossip, classic->gossip_cap * sizeof *classic->gossip);
    notch_free(alloc, classic, sizeof *classic);
}

/* ---- a round ---- */

static void request(struct notch_classic *classic, size_t edge)
{
    struct view *view = &classic->views[edge];
    double residual = classic->recipients[classic->matching->edges[edge].recipient].residual;
    double capacity = view->capacity > 0 ? view->capacity : CAPACITY_GUESS;
    view->granted = 0;
    view->requested = capacity * view->recognition * residual * view->damping / fmax(view->estimate, 0.001);
}

/* The provider grants what is asked for while it has it. */
static void grant(struct notch_classic *classic, size_t edge)
{
    const struct notch_matching_edge *between = &classic->matching->edges[edge];
    struct view *view = &classic->views[edge];
    double *available = &classic->available[between->provider];
    double residual = classic->recipients[between->recipient].residual;
    view->granted = fmin(fmin(view->requested, *available), residual);
    *available -= view->granted;
}

static double confidence_of(const struct view *view)
{
    double mean = 0;
    double variance = 0;
    if (view->history_count < 3) {
        return 0.3;
    }
    for (size_t i = 0; i < view->history_count; i++) {
        mean += view->history[i] / (double)view->history_count;
    }
    for (size_t i = 0; i < view->history_count; i++) {
        variance += (view->history[i] - mean) * (view->history[i] - mean) / (double)(view->history_count - 1);
    }
    if (variance < 10) {
        return 0.9;
    }
    return variance < 50 ? 0.6 : 0.3;
}

/* Appends to the latest values, the oldest falls out. */
static void remember(double *values, size_t *count, size_t max, double value)
{
    if (*count == max) {
        memmove(values, values + 1, (max - 1) * sizeof *values);
        (*count)--;
    }
    values[(*count)++] = value;
}

double notch_classic_damping(const double last[3])
{
    if ((last[1] - last[0]) * (last[2] - last[1]) < 0) {
        return 0.5;
    }
    return last[1] <= last[0] && last[2] <= last[1] ? 1 : 0.8;
}

/* Works the denominator out from what came, and damps where such guesses swing. */
static void learn(struct view *view, double allocated, double residual)
{
    double capacity = view->capacity > 0 ? view->capacity : 2 * allocated;
    double before = residual + allocated;
    double inferred = capacity * view->recognition * before / fmax(allocated, 0.001);
    double blend = (1 - view->learning_rate) * view->estimate + view->learning_rate * inferred;
    double least = view->recognition * before;
    view->estimate = fmax(least, fmin(100 * least, blend));
    remember(view->guesses, &view->guess_count, NOTCH_ARRAY_LEN(view->guesses), inferred);
    if (view->guess_count < NOTCH_ARRAY_LEN(view->guesses)) {
        return;
    }
    view->damping = notch_classic_damping(view->guesses);
    view->learning_rate =
        view->damping < 0.6 ? view->learning_rate / 2 : fmin(LEARNING_RATE_MAX, view->learning_rate * 1.1);
}

static void gossip_about(struct notch_classic *classic, size_t edge)
{
    const struct notch_matching_edge *between = &classic->matching->edges[edge];
    const struct view *view = &classic->views[edge];
    struct recipient *recipient = &classic->recipients[between->recipient];
    for (size_t i = 0; i < recipient->partner_count && i < GOSSIP_TO; i++) {
        /* A random one of those not told yet comes to place i. */
        size_t pick = i + (size_t)notch_rng_below(&classic->rng, recipient->partner_count - i);
        struct partner partner = recipient->partners[pick];
        recipient->partners[pick] = recipient->partners[i];
        recipient->partners[i] = partner;
        if (is_delivered(classic)) {
            classic->gossip[classic->gossip_count++] =
                (struct gossip){between->recipient,  partner.recipient, between->provider,  view->estimate,
                                recipient->residual, view->recognition, confidence_of(view)};
        }
    }
}

static void answer(struct notch_classic *classic, size_t edge)
{
    const struct notch_matching_edge *between = &classic->matching->edges[edge];
    struct view *view = &classic->views[edge];
    struct recipient *recipient = &classic->recipients[between->recipient];
    recipient->satisfaction += view->granted;
    recipient->residual = fmax(0, recipient->need - recipient->satisfaction);
    view->total += view->granted;
    view->capacity = (double)classic->matching->capacities[between->provider] / classic->options.unit;
    remember(view->history, &view->history_count, HISTORY, view->granted);
    if (view->granted > 0) {
        learn(view, view->granted, recipient->residual);
    }
}

static void note_part(struct view *view, const struct gossip *gossip)
{
    size_t at = 0;
    while (at < view->part_count && view->parts[at].partner != gossip->from) {
        at++;
    }
    if (at == view->part_count) {
        at = at < PARTNERS_MAX ? view->part_count++ : gossip->from % PARTNERS_MAX;
    }
    view->parts[at] = (struct part){gossip->from, gossip->residual, gossip->recognition};
}

static void hear(struct notch_classic *classic, const struct gossip *gossip)
{
    size_t edge = edge_of(classic->matching, gossip->provider, gossip->to);
    if (edge == classic->matching->edge_count) {
        return;
    }
    struct view *view = &classic->views[edge];
    struct recipient *recipient = &classic->recipients[gossip->to];
    double weight = gossip->confidence * TRUST;
    view->estimate = weight * gossip->estimate + (1 - weight) * view->estimate;
    note_part(view, gossip);
    double known = view->recognition * recipient->residual;
    for (size_t i = 0; i < view->part_count; i++) {
        known += view->parts[i].recognition * view->parts[i].residual;
    }
    view->estimate = known > 0 ? known : view->estimate;
    for (size_t i = 0; i < recipient->partner_count; i++) {
        recipient->partners[i].told += recipient->partners[i].recipient == gossip->from ? 1 : 0;
    }
}

static void shuffle(struct notch_classic *classic)
{
    for (size_t i = classic->matching->edge_count; i > 1; i--) {
        size_t other = (size_t)notch_rng_below(&classic->rng, i);
        size_t edge = classic->order[i - 1];
        classic->order[i - 1] = classic->order[other];
        classic->order[other] = edge;
    }
}

void notch_classic_round(struct notch_classic *classic)
{
    const struct notch_matching *matching = classic->matching;
    for (size_t i = 0; i < matching->provider_count; i++) {
        classic->available[i] = (double)matching->capacities[i] / classic->options.unit;
    }
    if (classic->options.is_shuffled) {
        shuffle(classic);
    }
    for (size_t i = 0; i < matching->edge_count; i++) {
        request(classic, i);
    }
    for (size_t i = 0; i < matching->edge_count; i++) {
        if (is_delivered(classic)) {
            grant(classic, classic->order[i]);
        }
    }
    for (size_t i = 0; i < matching->edge_count; i++) {
        if (is_delivered(classic)) {
            answer(classic, classic->order[i]);
        }
    }
    classic->gossip_count = 0;
    for (size_t i = 0; i < matching->edge_count; i++) {
        gossip_about(classic, classic->order[i]);
    }
    for (size_t i = 0; i < classic->gossip_count; i++) {
        hear(classic, &classic->gossip[i]);
    }
    for (size_t i = 0; i < matching->recipient_count; i++) {
        look_through_partners(classic, (uint32_t)i);
    }
    classic->rounds++;
}

/* ---- where it stands ---- */

bool notch_classic_is_converged(const struct notch_classic *classic)
{
    for (size_t i = 0; i < classic->matching->recipient_count; i++) {
        if (classic->recipients[i].residual >= CONVERGED) {
            return false;
        }
    }
    return true;
}

void notch_classic_granted(const struct notch_classic *classic, double *amounts)
{
    for (size_t i = 0; i < classic->matching->edge_count; i++) {
        amounts[i] = classic->views[i].granted * classic->options.unit;
    }
}

void notch_classic_total(const struct notch_classic *classic, double *amounts)
{
    for (size_t i = 0; i < classic->matching->edge_count; i++) {
        amounts[i] = classic->views[i].total * classic->options.unit;
    }
}

double notch_classic_residual(const struct notch_classic *classic, size_t recipient)
{
    return classic->recipients[recipient].residual * classic->options.unit;
}

double notch_classic_estimate(const struct notch_classic *classic, size_t edge)
{
    return classic->views[edge].estimate;
}

uint64_t notch_classic_rounds(const struct notch_classic *classic)
{
    return classic->rounds;
}

uint64_t notch_classic_messages(const struct notch_classic *classic)
{
    return classic->messages;
}

double notch_denominator_split(double *amounts, double capacity, const double *recognition, const double *needs,
                               size_t count, enum notch_split_cap cap)
{
    double denominator = 0;
    double left = capacity;
    for (size_t i = 0; i < count; i++) {
        denominator += recognition[i] * needs[i];
    }
    for (size_t i = 0; i < count; i++) {
        double share = denominator > 0 ? capacity * recognition[i] * needs[i] / denominator : 0;
        amounts[i] = cap == NOTCH_SPLIT_CAPPED ? fmin(share, needs[i]) : share;
        left -= amounts[i];
    }
    return left;
}
