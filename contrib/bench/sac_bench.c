/*
 * Measures the pricing agent: one JSON line per figure, {"name","value","unit"}.
 *
 *   sac_bench [--only NAME] [--seconds S]
 *
 *   sac_products   what an update cannot do without: its matrix products alone, by the same CBLAS
 *   sac_update     whole updates
 *   sac_act        actions, one observation at a time
 *
 * Networks of 256-256, batches of 256, 8 observations, 1 action. All runs on one thread, and counts its processor time,
 * so that a busy machine says the same. Exit status: 0; 2 for a wrong command line.
 */
#include "ai/agent/pricing/sac.h"

#include <cblas.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OBS = 8, ACTIONS = 1, HIDDEN = 256, ROWS = 256, STORED = 20000, SIZE_MAX_SIDE = 256, WARM = 20 };

static double now_s(void)
{
    struct timespec now;
    int status = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    notch_assert(status == 0);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- the products alone ---- */

struct products {
    float a[SIZE_MAX_SIDE * SIZE_MAX_SIDE], b[SIZE_MAX_SIDE * SIZE_MAX_SIDE], c[SIZE_MAX_SIDE * SIZE_MAX_SIDE];
};

static void forward(struct products *p, int inputs, int outputs)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ROWS, outputs, inputs, 1, p->a, inputs, p->b, outputs, 0,
                p->c, outputs);
}

static void backward_weights(struct products *p, int inputs, int outputs)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, inputs, outputs, ROWS, 1, p->a, inputs, p->b, outputs, 0, p->c,
                outputs);
}

static void backward_inputs(struct products *p, int inputs, int outputs)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ROWS, inputs, outputs, 1, p->a, outputs, p->b, outputs, 0,
                p->c, inputs);
}

/* `forwards` passes of a network, and the products of backward passes by its weights, its hidden layers, its input. */
static void network(struct products *p, int inputs, int outputs, const int counts[4])
{
    const int widths[] = {inputs, HIDDEN, HIDDEN, outputs};
    for (int layer = 0; layer < 3; layer++) {
        for (int i = 0; i < counts[0]; i++) {
            forward(p, widths[layer], widths[layer + 1]);
        }
        for (int i = 0; i < counts[1]; i++) {
            backward_weights(p, widths[layer], widths[layer + 1]);
        }
        for (int i = 0; i < (layer > 0 ? counts[2] : counts[3]); i++) {
            backward_inputs(p, widths[layer], widths[layer + 1]);
        }
    }
}

static double measure_products(double seconds)
{
    static struct products p;
    for (size_t i = 0; i < SIZE_MAX_SIDE * SIZE_MAX_SIDE; i++) {
        p.a[i] = (float)(i % 7) - 3;
        p.b[i] = (float)(i % 5) - 2;
    }
    const int actor[] = {2, 1, 1, 0};   /* for what comes next and for what is; then it is moved */
    const int critics[] = {6, 2, 4, 2}; /* targets, critics, critics again; both moved; the actor's way through both */
    double began = 0;
    long count = -WARM;
    for (double now = 0; count < WARM || now - began < seconds; count++, now = now_s()) {
        if (count == 0) {
            began = now_s();
        }
        network(&p, OBS, 2 * ACTIONS, actor);
        network(&p, OBS + ACTIONS, 1, critics);
    }
    return (double)count / (now_s() - began);
}

/* ---- the agent ---- */

static struct notch_sac *agent(void)
{
    struct notch_sac_options options = notch_sac_options_default(notch_alloc_heap(), OBS, ACTIONS);
    options.hidden = HIDDEN;
    options.batch = ROWS;
    options.capacity = STORED;
    options.seed = 1;
    struct notch_sac *sac = notch_sac_create(&options);
    struct notch_rng rng;
    notch_rng_init(&rng, 2);
    for (int i = 0; i < STORED; i++) {
        float obs[OBS], next_obs[OBS], action[ACTIONS];
        for (int k = 0; k < OBS; k++) {
            obs[k] = (float)notch_rng_below(&rng, 2001) / 1000 - 1;
            next_obs[k] = (float)notch_rng_below(&rng, 2001) / 1000 - 1;
        }
        notch_sac_act_blindly(sac, action);
        float miss = action[0] - obs[0];
        struct notch_transition transition = {obs, action, -miss * miss, next_obs, i % 50 == 49, false};
        notch_sac_store(sac, &transition);
    }
    return sac;
}

static double measure_update(double seconds)
{
    struct notch_sac *sac = agent();
    double began = 0;
    long count = -WARM;
    for (double now = 0; count < WARM || now - began < seconds; count++, now = now_s()) {
        if (count == 0) {
            began = now_s();
        }
        (void)notch_sac_update(sac, NULL);
    }
    double rate = (double)count / (now_s() - began);
    notch_sac_destroy(sac);
    return rate;
}

static double measure_act(double seconds)
{
    struct notch_sac *sac = agent();
    float obs[OBS] = {0};
    float action[ACTIONS];
    double began = now_s();
    long count = 0;
    while (now_s() - began < seconds) {
        for (int i = 0; i < 1000; i++, count++) {
            obs[i % OBS] = (float)(i % 9) / 9;
            notch_sac_act(sac, action, obs, NOTCH_SAC_EXPLORE);
        }
    }
    double rate = (double)count / (now_s() - began);
    notch_sac_destroy(sac);
    return rate;
}

static const struct figure {
    const char *name, *unit;
    double (*measure)(double seconds);
} figures[] = {
    {"sac_products", "updates/s", measure_products},
    {"sac_update", "updates/s", measure_update},
    {"sac_act", "actions/s", measure_act},
};

int main(int argc, char **argv)
{
    const char *only = NULL;
    double seconds = 2;
    for (int i = 1; i + 1 < argc; i += 2) {
        char *end = "";
        if (strcmp(argv[i], "--only") == 0) {
            only = argv[i + 1];
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtod(argv[i + 1], &end);
        } else {
            end = argv[i];
        }
        if (*end != '\0' || !(seconds >= 0.01 && seconds <= 60)) {
            argc = 0;
        }
    }
    if (argc % 2 == 0) {
        fprintf(stderr, "usage: sac_bench [--only NAME] [--seconds S]\n");
        return 2;
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(figures); i++) {
        if (only == NULL || strcmp(only, figures[i].name) == 0) {
            printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\"}\n", figures[i].name, figures[i].measure(seconds),
                   figures[i].unit);
            (void)fflush(stdout);
        }
    }
    return 0;
}
