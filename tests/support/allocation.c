#include "tests/support/allocation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LAMBDA_MAX (14 * 0.69314718055994530942)
#define NEWTON_STEPS_MAX 400

static void *zeros(size_t count, size_t size)
{
    return notch_alloc_array(notch_alloc_heap(), count > 0 ? count : 1, size);
}

void notch_test_matching_init(struct notch_test_matching *made, size_t providers, size_t recipients, size_t edges)
{
    made->capacities = zeros(providers, sizeof *made->capacities);
    made->needs = zeros(recipients, sizeof *made->needs);
    made->edges = zeros(edges, sizeof *made->edges);
    made->edge_cap = edges;
    made->matching = (struct notch_matching){.capacities = made->capacities,
                                             .provider_count = providers,
                                             .needs = made->needs,
                                             .recipient_count = recipients,
                                             .edges = made->edges};
}

void notch_test_matching_fini(struct notch_test_matching *made)
{
    free(made->capacities);
    free(made->needs);
    free(made->edges);
}

void notch_test_matching_edge(struct notch_test_matching *made, size_t provider, size_t recipient, uint32_t recognition)
{
    notch_assert(made->matching.edge_count < made->edge_cap);
    made->edges[made->matching.edge_count++] =
        (struct notch_matching_edge){(uint32_t)provider, (uint32_t)recipient, recognition};
}

/* ---- drawing one ---- */

/* Uniform in [0, 1). */
static double real(struct notch_rng *rng)
{
    return (double)(notch_rng_u64(rng) >> 11) / 9007199254740992.0;
}

/* Marks whom recipient r knows. */
static void draw_known(struct notch_rng *rng, bool *known, size_t providers, size_t r, enum notch_test_graph graph)
{
    size_t wanted = graph == NOTCH_TEST_REGULAR ? 3 : 5;
    if (graph == NOTCH_TEST_RING) {
        for (size_t k = 0; k < wanted; k++) {
            known[(r + k) % providers] = true;
        }
        return;
    }
    if (graph == NOTCH_TEST_COMPLETE || providers <= wanted) {
        memset(known, true, providers);
        return;
    }
    for (size_t found = 0; found < wanted;) {
        size_t p = (size_t)notch_rng_below(rng, providers);
        found += known[p] ? 0 : 1;
        known[p] = true;
    }
}

/* Each provider's recognition, summing to one; in order of provider, then recipient. */
static void draw_edges(struct notch_test_matching *made, struct notch_rng *rng, const bool *known)
{
    size_t recipients = made->matching.recipient_count;
    double *weights = zeros(recipients, sizeof *weights);
    for (size_t p = 0; p < made->matching.provider_count; p++) {
        double sum = 0;
        for (size_t r = 0; r < recipients; r++) {
            weights[r] = known[r * made->matching.provider_count + p] ? 0.05 + real(rng) : 0;
            sum += weights[r];
        }
        for (size_t r = 0; r < recipients; r++) {
            if (weights[r] > 0) {
                notch_test_matching_edge(made, p, r, (uint32_t)(weights[r] / sum * NOTCH_RECOGNITION_ONE));
            }
        }
    }
    free(weights);
}

void notch_test_matching_draw(struct notch_test_matching *made, size_t recipients, double load,
                              enum notch_test_graph graph, uint64_t seed)
{
    struct notch_rng rng;
    size_t providers = recipients / 5 > 2 ? recipients / 5 : 2;
    notch_rng_init(&rng, seed);
    notch_test_matching_init(made, providers, recipients, providers * recipients);
    bool *known = zeros(providers * recipients, sizeof *known);
    double needs = 0;
    for (size_t r = 0; r < recipients; r++) {
        double need = 50 + 450 * real(&rng);
        made->needs[r] = (int64_t)(need * 1e6);
        needs += need;
        draw_known(&rng, known + r * providers, providers, r, graph);
    }
    draw_edges(made, &rng, known);
    double *shares = zeros(providers, sizeof *shares);
    double sum = 0;
    for (size_t p = 0; p < providers; p++) {
        shares[p] = 0.8 + 0.4 * real(&rng);
        sum += shares[p];
    }
    for (size_t p = 0; p < providers; p++) {
        made->capacities[p] = (int64_t)(shares[p] / sum * needs * load * 1e6);
    }
    free(shares);
    free(known);
}

/* ---- solving one ---- */

struct solver {
    const struct notch_matching *matching;
    size_t count; /* providers */
    double *theta;
    double *gradient;
    double *hessian; /* count * count */
    double *step;
    double *trial;
    double *pulls;        /* 1 + sum of exp(theta) * MR, by recipient */
    size_t *by_recipient; /* edges in order of recipient */
    size_t *first;        /* of each recipient; one more at the end */
    double scale;         /* amounts are divided by it */
    bool *is_fixed;       /* providers without capacity, or without anybody */
    bool *is_free;        /* in this step */
};

static double recognition_of(const struct solver *solver, size_t edge)
{
    return (double)solver->matching->edges[edge].recognition / NOTCH_RECOGNITION_ONE;
}

static double pull_of(const struct solver *solver, const double *theta, size_t edge)
{
    uint32_t p = solver->matching->edges[edge].provider;
    return solver->matching->capacities[p] == 0 ? 0 : exp(theta[p]) * recognition_of(solver, edge);
}

/* f, and the pulls it was made of. */
static double evaluate(struct solver *solver, const double *theta)
{
    const struct notch_matching *matching = solver->matching;
    double value = 0;
    for (size_t r = 0; r < matching->recipient_count; r++) {
        solver->pulls[r] = 0;
    }
    for (size_t e = 0; e < matching->edge_count; e++) {
        solver->pulls[matching->edges[e].recipient] += pull_of(solver, theta, e);
    }
    for (size_t r = 0; r < matching->recipient_count; r++) {
        value += (double)matching->needs[r] / solver->scale * log1p(solver->pulls[r]);
    }
    for (size_t r = 0; r < matching->recipient_count; r++) {
        solver->pulls[r] += 1;
    }
    for (size_t p = 0; p < solver->count; p++) {
        value -= (double)matching->capacities[p] / solver->scale * theta[p];
    }
    return value;
}

static void differentiate(struct solver *solver)
{
    const struct notch_matching *matching = solver->matching;
    size_t n = solver->count;
    memset(solver->hessian, 0, n * n * sizeof *solver->hessian);
    for (size_t p = 0; p < n; p++) {
        solver->gradient[p] = -(double)matching->capacities[p] / solver->scale;
    }
    for (size_t r = 0; r < matching->recipient_count; r++) {
        double need = (double)matching->needs[r] / solver->scale;
        for (size_t i = solver->first[r]; i < solver->first[r + 1]; i++) {
            size_t a = solver->by_recipient[i];
            size_t p = matching->edges[a].provider;
            double share = pull_of(solver, solver->theta, a) / solver->pulls[r];
            solver->gradient[p] += need * share;
            solver->hessian[p * n + p] += need * share;
            for (size_t j = solver->first[r]; j < solver->first[r + 1]; j++) {
                size_t b = solver->by_recipient[j];
                size_t q = matching->edges[b].provider;
                solver->hessian[p * n + q] -= need * share * pull_of(solver, solver->theta, b) / solver->pulls[r];
            }
        }
    }
}

/* Solves hessian * step = -gradient over the free ones by Cholesky, with a little on the diagonal. */
static void solve_step(struct solver *solver, double ridge)
{
    size_t n = solver->count;
    double *h = solver->hessian;
    for (size_t i = 0; i < n; i++) {
        solver->step[i] = solver->is_free[i] ? -solver->gradient[i] : 0;
        for (size_t j = 0; j < n; j++) {
            if (!solver->is_free[i] || !solver->is_free[j]) {
                h[i * n + j] = i == j ? 1 : 0;
            }
        }
        h[i * n + i] += ridge * (h[i * n + i] + 1e-30);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = h[i * n + j];
            for (size_t k = 0; k < j; k++) {
                sum -= h[i * n + k] * h[j * n + k];
            }
            h[i * n + j] = i == j ? sqrt(sum > 1e-300 ? sum : 1e-300) : sum / h[j * n + j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            solver->step[i] -= h[i * n + k] * solver->step[k];
        }
        solver->step[i] /= h[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) {
            solver->step[i] -= h[k * n + i] * solver->step[k];
        }
        solver->step[i] /= h[i * n + i];
    }
}

/* How far the free gradients are from 0, in parts of the capacity. Decides who is free. */
static double unrest(struct solver *solver)
{
    double most = 0;
    for (size_t p = 0; p < solver->count; p++) {
        double part = solver->gradient[p] / ((double)solver->matching->capacities[p] / solver->scale);
        bool is_bound = solver->theta[p] >= LOG_LAMBDA_MAX && solver->gradient[p] <= 0;
        solver->is_free[p] = !solver->is_fixed[p] && !is_bound;
        if (solver->is_free[p] && fabs(part) > most) {
            most = fabs(part);
        }
    }
    return most;
}

/* The longest of the halved steps that lowers f. */
static bool search_line(struct solver *solver, double value)
{
    for (double length = 1; length > 1e-12; length /= 2) {
        for (size_t p = 0; p < solver->count; p++) {
            double moved = solver->theta[p] + fmax(-4, fmin(4, length * solver->step[p]));
            solver->trial[p] = fmin(LOG_LAMBDA_MAX, moved);
        }
        if (evaluate(solver, solver->trial) < value) {
            memcpy(solver->theta, solver->trial, solver->count * sizeof *solver->theta);
            return true;
        }
    }
    return false;
}

/* Where f is too flat for its digits: the whole step, if it brings the gradients nearer to 0. */
static bool step_whole(struct solver *solver, double rest)
{
    double *before = zeros(solver->count, sizeof *before);
    memcpy(before, solver->theta, solver->count * sizeof *before);
    for (size_t p = 0; p < solver->count; p++) {
        solver->theta[p] = fmin(LOG_LAMBDA_MAX, solver->theta[p] + fmax(-4, fmin(4, solver->step[p])));
    }
    (void)evaluate(solver, solver->theta);
    differentiate(solver);
    bool is_nearer = unrest(solver) < rest;
    if (!is_nearer) {
        memcpy(solver->theta, before, solver->count * sizeof *before);
    }
    free(before);
    return is_nearer;
}

static bool newton(struct solver *solver)
{
    double ridge = 1e-12;
    for (int i = 0; i < NEWTON_STEPS_MAX; i++) {
        double value = evaluate(solver, solver->theta);
        differentiate(solver);
        double rest = unrest(solver);
        if (rest < 1e-12) {
            return true;
        }
        solve_step(solver, ridge);
        if (search_line(solver, value) || step_whole(solver, rest)) {
            ridge = fmax(1e-12, ridge / 10);
        } else if (ridge > 1e3) {
            return rest < 1e-6; /* f is flat to the last digit */
        } else {
            ridge *= 100;
        }
    }
    return false;
}

static void sort_edges(struct solver *solver)
{
    const struct notch_matching *matching = solver->matching;
    for (size_t e = 0; e < matching->edge_count; e++) {
        solver->first[matching->edges[e].recipient + 1]++;
    }
    for (size_t r = 0; r < matching->recipient_count; r++) {
        solver->first[r + 1] += solver->first[r];
    }
    size_t *next = zeros(matching->recipient_count + 1, sizeof *next);
    memcpy(next, solver->first, (matching->recipient_count + 1) * sizeof *next);
    for (size_t e = 0; e < matching->edge_count; e++) {
        solver->by_recipient[next[matching->edges[e].recipient]++] = e;
    }
    free(next);
}

static void start(struct solver *solver)
{
    const struct notch_matching *matching = solver->matching;
    double *heard = zeros(solver->count, sizeof *heard);
    solver->scale = 1;
    for (size_t r = 0; r < matching->recipient_count; r++) {
        solver->scale = fmax(solver->scale, (double)matching->needs[r]);
    }
    for (size_t e = 0; e < matching->edge_count; e++) {
        heard[matching->edges[e].provider] +=
            recognition_of(solver, e) * (double)matching->needs[matching->edges[e].recipient];
    }
    for (size_t p = 0; p < solver->count; p++) {
        double capacity = (double)matching->capacities[p];
        solver->is_fixed[p] = !(capacity > 0) || !(heard[p] > 0);
        solver->theta[p] = solver->is_fixed[p] ? LOG_LAMBDA_MAX : fmin(LOG_LAMBDA_MAX, log(capacity / heard[p]));
    }
    free(heard);
}

bool notch_test_matching_solve(const struct notch_matching *matching, double *lambdas, double *amounts)
{
    size_t n = matching->provider_count;
    struct solver solver = {.matching = matching, .count = n};
    solver.theta = zeros(n, sizeof(double));
    solver.gradient = zeros(n, sizeof(double));
    solver.hessian = zeros(n * n, sizeof(double));
    solver.step = zeros(n, sizeof(double));
    solver.trial = zeros(n, sizeof(double));
    solver.pulls = zeros(matching->recipient_count, sizeof(double));
    solver.by_recipient = zeros(matching->edge_count, sizeof(size_t));
    solver.first = zeros(matching->recipient_count + 1, sizeof(size_t));
    solver.is_fixed = zeros(n, sizeof(bool));
    solver.is_free = zeros(n, sizeof(bool));
    sort_edges(&solver);
    start(&solver);
    bool found = newton(&solver);
    (void)evaluate(&solver, solver.theta);
    for (size_t p = 0; p < n; p++) {
        lambdas[p] = matching->capacities[p] > 0 ? exp(solver.theta[p]) : 0;
    }
    for (size_t e = 0; e < matching->edge_count; e++) {
        uint32_t r = matching->edges[e].recipient;
        amounts[e] = pull_of(&solver, solver.theta, e) * (double)matching->needs[r] / solver.pulls[r];
    }
    free(solver.theta);
    free(solver.gradient);
    free(solver.hessian);
    free(solver.step);
    free(solver.trial);
    free(solver.pulls);
    free(solver.by_recipient);
    free(solver.first);
    free(solver.is_fixed);
    free(solver.is_free);
    return found;
}

double notch_test_matching_error(const double *a, const double *b, size_t count)
{
    double apart = 0;
    double whole = 0;
    for (size_t i = 0; i < count; i++) {
        apart += fabs(a[i] - b[i]);
        whole += fabs(b[i]);
    }
    return apart > 0 ? apart / whole : 0;
}
