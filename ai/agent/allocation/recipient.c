#include "ai/agent/allocation/recipient.h"

#include <math.h>

struct provider_view {
    struct notch_key key;
    double recognition;
    double pull; /* lambda * MR, as last answered */
    double said; /* s of the request in flight */
    uint64_t sequence;
    uint64_t asked_ms;
    uint64_t rounds;
    uint32_t missed;
    bool is_due;
    bool is_ready; /* answered, and not asked again yet */
    bool in_flight;
    bool is_slow; /* in flight, and not waited for */
};

struct notch_recipient {
    struct notch_recipient_options options;
    struct provider_view *views;
    size_t waiting; /* views in flight that are not slow */
    uint64_t patient_until_ms;
    size_t due;
    size_t due_at;
    double residual; /* where not stale */
    bool is_stale;
    uint64_t deadline_ms; /* not after the first timeout of a request in flight */
};

struct notch_recipient *notch_recipient_create(const struct notch_recipient_options *options)
{
    notch_assert(isfinite(options->need));
    notch_assert(options->need >= 0);
    notch_assert(options->edge_count <= NOTCH_AGENT_EDGES_MAX);
    struct notch_recipient *recipient = notch_alloc(options->alloc, sizeof *recipient);
    recipient->options = *options;
    recipient->options.edges = NULL;
    recipient->due = options->edge_count;
    recipient->deadline_ms = NOTCH_AGENT_NEVER;
    recipient->patient_until_ms = NOTCH_AGENT_NEVER;
    recipient->is_stale = true;
    if (options->edge_count == 0) {
        return recipient;
    }
    recipient->views = notch_alloc_array(options->alloc, options->edge_count, sizeof *recipient->views);
    for (size_t i = 0; i < options->edge_count; i++) {
        const struct notch_recipient_edge *edge = &options->edges[i];
        notch_assert(i == 0 || notch_key_cmp(&edge[-1].provider, &edge->provider) < 0);
        recipient->views[i] = (struct provider_view){.key = edge->provider,
                                                     .recognition = edge->recognition,
                                                     .pull = edge->lambda_start * edge->recognition,
                                                     .sequence = options->sequence_start,
                                                     .is_due = true};
    }
    return recipient;
}

void notch_recipient_destroy(struct notch_recipient *recipient)
{
    if (recipient == NULL) {
        return;
    }
    const struct notch_alloc *alloc = recipient->options.alloc;
    notch_free(alloc, recipient->views, recipient->options.edge_count * sizeof *recipient->views);
    notch_free(alloc, recipient, sizeof *recipient);
}

double notch_recipient_residual(const struct notch_recipient *recipient)
{
    double pull = 0;
    for (size_t i = 0; i < recipient->options.edge_count; i++) {
        pull += recipient->views[i].pull;
    }
    return recipient->options.need / (1 + pull);
}

uint64_t notch_recipient_rounds(const struct notch_recipient *recipient)
{
    uint64_t most = 0;
    for (size_t i = 0; i < recipient->options.edge_count; i++) {
        most = recipient->views[i].rounds > most ? recipient->views[i].rounds : most;
    }
    return most;
}

static struct provider_view *view_of(const struct notch_recipient *recipient, const struct notch_key *key)
{
    size_t low = 0;
    size_t high = recipient->options.edge_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = notch_key_cmp(&recipient->views[middle].key, key);
        if (order == 0) {
            return &recipient->views[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static void make_due(struct notch_recipient *recipient, struct provider_view *view)
{
    if (!view->is_due) {
        view->is_due = true;
        recipient->due++;
    }
    view->is_ready = false;
    recipient->due_at = 0;
    recipient->is_stale = true;
}

static void leave_flight(struct notch_recipient *recipient, struct provider_view *view)
{
    recipient->waiting -= view->is_slow ? 0 : 1;
    view->in_flight = false;
    view->is_slow = false;
}

/* Everybody who answered is asked again. */
static void release(struct notch_recipient *recipient)
{
    recipient->patient_until_ms = NOTCH_AGENT_NEVER;
    for (size_t i = 0; i < recipient->options.edge_count; i++) {
        if (recipient->views[i].is_ready) {
            make_due(recipient, &recipient->views[i]);
        }
    }
}

bool notch_recipient_response(struct notch_recipient *recipient, const struct notch_key *from,
                              const struct notch_allocation_response *response, uint64_t now_ms)
{
    struct provider_view *view = view_of(recipient, from);
    if (view == NULL || !view->in_flight || response->answers != view->sequence || !isfinite(response->allocated) ||
        response->allocated < 0) {
        return false;
    }
    /* With nothing needed there is nothing to learn, and nothing depends on it. */
    if (view->said > 0) {
        view->pull = fmin(response->allocated / view->said, NOTCH_AGENT_LAMBDA_MAX * view->recognition);
    }
    leave_flight(recipient, view);
    view->missed = 0;
    view->is_ready = true;
    if (recipient->waiting == 0 || recipient->options.patience_ms == 0) {
        release(recipient);
    } else if (recipient->patient_until_ms == NOTCH_AGENT_NEVER) {
        recipient->patient_until_ms = now_ms + recipient->options.patience_ms;
    }
    return true;
}

static void lose_patience(struct notch_recipient *recipient)
{
    for (size_t i = 0; i < recipient->options.edge_count; i++) {
        struct provider_view *view = &recipient->views[i];
        view->is_slow = view->in_flight;
    }
    recipient->waiting = 0;
    release(recipient);
}

void notch_recipient_tick(struct notch_recipient *recipient, uint64_t now_ms)
{
    if (now_ms >= recipient->patient_until_ms) {
        lose_patience(recipient);
    }
    if (now_ms < recipient->deadline_ms) {
        return;
    }
    recipient->deadline_ms = NOTCH_AGENT_NEVER;
    for (size_t i = 0; i < recipient->options.edge_count; i++) {
        struct provider_view *view = &recipient->views[i];
        if (!view->in_flight) {
            continue;
        }
        uint64_t until_ms = view->asked_ms + recipient->options.timeout_ms;
        if (now_ms < until_ms) {
            recipient->deadline_ms = until_ms < recipient->deadline_ms ? until_ms : recipient->deadline_ms;
            continue;
        }
        leave_flight(recipient, view);
        view->missed++;
        if (view->missed >= recipient->options.absent_after) {
            view->pull = 0;
        }
        make_due(recipient, view);
    }
    if (recipient->waiting == 0) {
        release(recipient);
    }
}

uint64_t notch_recipient_deadline(const struct notch_recipient *recipient)
{
    return recipient->deadline_ms < recipient->patient_until_ms ? recipient->deadline_ms : recipient->patient_until_ms;
}

bool notch_recipient_poll(struct notch_recipient *recipient, struct notch_key *to,
                          struct notch_allocation_request *request, uint64_t now_ms)
{
    if (recipient->due == 0) {
        return false;
    }
    for (; recipient->due_at < recipient->options.edge_count; recipient->due_at++) {
        struct provider_view *view = &recipient->views[recipient->due_at];
        if (!view->is_due) {
            continue;
        }
        uint64_t until_ms = now_ms + recipient->options.timeout_ms;
        view->is_due = false;
        recipient->due--;
        view->sequence++;
        view->rounds++;
        view->in_flight = true;
        view->is_slow = view->missed > 0;
        recipient->waiting += view->is_slow ? 0 : 1;
        view->asked_ms = now_ms;
        if (recipient->is_stale) {
            recipient->residual = notch_recipient_residual(recipient);
            recipient->is_stale = false;
        }
        view->said = recipient->residual;
        recipient->deadline_ms = until_ms < recipient->deadline_ms ? until_ms : recipient->deadline_ms;
        *to = view->key;
        *request = (struct notch_allocation_request){
            .sequence = view->sequence, .residual_need = view->said, .expected = view->pull * view->said};
        return true;
    }
    notch_unreachable();
}
