#include "ai/agent/allocation/provider.h"

#include <math.h>
#include <string.h>

enum answer {
    ANSWER_AWAITED, /* it has our last lambda, and its next request is not here */
    ANSWER_HELD,    /* its request is here, and waits */
    ANSWER_DUE      /* poll() will give it */
};

struct recipient_view {
    struct notch_key key;
    double recognition;
    double need_max;
    double residual; /* s, as it last said */
    uint64_t sequence;
    uint32_t missed; /* timeouts in a row */
    bool is_absent;
    bool was_answered; /* the request of that sequence */
    enum answer answer;
};

struct notch_provider {
    struct notch_provider_options options;
    struct recipient_view *views;
    size_t held;   /* views whose answer is held */
    size_t absent; /* views that nobody waits for */
    size_t due_at; /* where poll() goes on */
    size_t due;    /* answers that poll() will give */
    uint64_t deadline_ms;
    uint64_t rounds;
    double told;     /* ln of the lambda in the answers */
    double rule;     /* ln of min(1/eps, C/D) after the last step */
    double momentum; /* Nesterov's t */
    double distance;
    double utilisation; /* the sum of what the last step offers */
};

struct notch_provider *notch_provider_create(const struct notch_provider_options *options)
{
    notch_assert(isfinite(options->capacity));
    notch_assert(options->capacity >= 0);
    notch_assert(options->edge_count <= NOTCH_AGENT_EDGES_MAX);
    struct notch_provider *provider = notch_alloc(options->alloc, sizeof *provider);
    provider->options = *options;
    provider->options.edges = NULL;
    provider->deadline_ms = NOTCH_AGENT_NEVER;
    provider->momentum = 1;
    provider->distance = INFINITY;
    double start = options->lambda_start;
    provider->told = start > 0 ? log(fmin(start, NOTCH_AGENT_LAMBDA_MAX)) : NAN;
    provider->rule = provider->told;
    if (options->edge_count == 0) {
        provider->distance = 0;
        return provider;
    }
    provider->views = notch_alloc_array(options->alloc, options->edge_count, sizeof *provider->views);
    for (size_t i = 0; i < options->edge_count; i++) {
        const struct notch_provider_edge *edge = &options->edges[i];
        notch_assert(i == 0 || notch_key_cmp(&edge[-1].recipient, &edge->recipient) < 0);
        provider->views[i] = (struct recipient_view){
            .key = edge->recipient, .recognition = edge->recognition, .need_max = edge->need_max};
    }
    return provider;
}

void notch_provider_destroy(struct notch_provider *provider)
{
    if (provider == NULL) {
        return;
    }
    const struct notch_alloc *alloc = provider->options.alloc;
    notch_free(alloc, provider->views, provider->options.edge_count * sizeof *provider->views);
    notch_free(alloc, provider, sizeof *provider);
}

static struct recipient_view *view_of(const struct notch_provider *provider, const struct notch_key *key)
{
    size_t low = 0;
    size_t high = provider->options.edge_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = notch_key_cmp(&provider->views[middle].key, key);
        if (order == 0) {
            return &provider->views[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static double denominator_of(const struct notch_provider *provider)
{
    double sum = 0;
    for (size_t i = 0; i < provider->options.edge_count; i++) {
        sum += provider->views[i].recognition * provider->views[i].residual;
    }
    return sum;
}

double notch_provider_lambda(const struct notch_provider *provider)
{
    double denominator = denominator_of(provider);
    double capacity = provider->options.capacity;
    if (!(capacity > 0)) {
        return 0;
    }
    return denominator > 0 ? fmin(NOTCH_AGENT_LAMBDA_MAX, capacity / denominator) : NOTCH_AGENT_LAMBDA_MAX;
}

double notch_provider_distance(const struct notch_provider *provider)
{
    return provider->distance;
}

uint64_t notch_provider_rounds(const struct notch_provider *provider)
{
    return provider->rounds;
}

void notch_provider_amounts(const struct notch_provider *provider, double *amounts)
{
    double lambda = notch_provider_lambda(provider);
    for (size_t i = 0; i < provider->options.edge_count; i++) {
        amounts[i] = lambda * provider->views[i].recognition * provider->views[i].residual;
    }
}

/* The next lambda. `rule` is where the plain map leads from the last one that was told. */
static void move(struct notch_provider *provider, bool accelerate)
{
    if (!(provider->options.capacity > 0)) {
        provider->distance = 0;
        return;
    }
    double rule = log(notch_provider_lambda(provider));
    double momentum = (1 + sqrt(1 + 4 * provider->momentum * provider->momentum)) / 2;
    double carried = (provider->momentum - 1) / momentum;
    bool is_first = isnan(provider->told);
    provider->distance = is_first ? INFINITY : fabs(provider->told - rule);
    if (is_first || !accelerate) {
        carried = 0;
        momentum = 1;
    } else if ((provider->told - rule) * (rule - provider->rule) > 0) {
        carried = 0;
        momentum = 1;
    }
    double step = is_first || carried <= 0 ? 0 : carried * (rule - provider->rule + (rule - provider->told) / 2);
    provider->told = fmin(log(NOTCH_AGENT_LAMBDA_MAX), rule + step);
    provider->rule = rule;
    provider->momentum = momentum;
}

static void answer_held(struct notch_provider *provider)
{
    for (size_t i = 0; i < provider->options.edge_count; i++) {
        if (provider->views[i].answer == ANSWER_HELD) {
            provider->views[i].answer = ANSWER_DUE;
            provider->due++;
        }
    }
    provider->utilisation = notch_provider_lambda(provider) * denominator_of(provider);
    provider->held = 0;
    provider->due_at = 0;
    provider->deadline_ms = NOTCH_AGENT_NEVER;
    provider->rounds++;
}

static void hold(struct notch_provider *provider, struct recipient_view *view, uint64_t now_ms)
{
    if (view->answer == ANSWER_DUE) {
        provider->due--;
    }
    if (view->answer != ANSWER_HELD) {
        view->answer = ANSWER_HELD;
        provider->held++;
    }
    if (view->is_absent) {
        view->is_absent = false;
        provider->absent--;
    }
    view->missed = 0;
    if (provider->deadline_ms == NOTCH_AGENT_NEVER) {
        provider->deadline_ms = now_ms + provider->options.timeout_ms;
    }
}

bool notch_provider_request(struct notch_provider *provider, const struct notch_key *from,
                            const struct notch_allocation_request *request, uint64_t now_ms)
{
    struct recipient_view *view = view_of(provider, from);
    if (view == NULL || !isfinite(request->residual_need) || request->residual_need < 0 ||
        request->sequence < view->sequence) {
        return false;
    }
    if (request->sequence == view->sequence && !view->was_answered) {
        return false;
    }
    /* The same again after an answer: the answer was lost. It is given anew, and nothing is learnt. */
    bool is_again = request->sequence == view->sequence;
    if (!is_again) {
        view->sequence = request->sequence;
        view->residual = fmin(request->residual_need, view->need_max);
        view->was_answered = false;
    }
    if (is_again) {
        if (view->answer == ANSWER_AWAITED) {
            view->answer = ANSWER_DUE;
            provider->due++;
            provider->due_at = 0;
        }
        return true;
    }
    hold(provider, view, now_ms);
    if (provider->options.pace == NOTCH_PROVIDER_PROMPT) {
        move(provider, false);
        answer_held(provider);
    } else if (provider->held == provider->options.edge_count - provider->absent) {
        move(provider, true);
        answer_held(provider);
    }
    return true;
}

void notch_provider_tick(struct notch_provider *provider, uint64_t now_ms)
{
    if (now_ms < provider->deadline_ms) {
        return;
    }
    for (size_t i = 0; i < provider->options.edge_count; i++) {
        struct recipient_view *view = &provider->views[i];
        if (view->answer == ANSWER_HELD || view->is_absent) {
            continue;
        }
        view->missed++;
        if (view->missed >= provider->options.absent_after) {
            view->is_absent = true;
            view->residual = 0;
            provider->absent++;
        }
    }
    move(provider, false);
    answer_held(provider);
}

uint64_t notch_provider_deadline(const struct notch_provider *provider)
{
    return provider->deadline_ms;
}

bool notch_provider_poll(struct notch_provider *provider, struct notch_key *to,
                         struct notch_allocation_response *response)
{
    if (provider->due == 0) {
        return false;
    }
    double lambda = provider->options.capacity > 0 && !isnan(provider->told) ? exp(provider->told) : 0;
    for (; provider->due_at < provider->options.edge_count; provider->due_at++) {
        struct recipient_view *view = &provider->views[provider->due_at];
        if (view->answer != ANSWER_DUE) {
            continue;
        }
        view->answer = ANSWER_AWAITED;
        view->was_answered = true;
        provider->due--;
        *to = view->key;
        *response = (struct notch_allocation_response){.answers = view->sequence,
                                                       .allocated = lambda * view->recognition * view->residual,
                                                       .has_hints = true,
                                                       .capacity = provider->options.capacity,
                                                       .utilisation = provider->utilisation};
        return true;
    }
    notch_unreachable();
}
