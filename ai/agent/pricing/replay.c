#include "ai/agent/pricing/replay.h"

#include "ai/agent/pricing/floats.h"

#include <math.h>
#include <string.h>

#define PRIORITY_LEAST 1e-6
#define FLAG_TERMINATED 1u
#define FLAG_TRUNCATED 2u

struct notch_replay {
    struct notch_replay_options options;
    uint32_t count;
    uint32_t next; /* where the next one goes */
    float *obs, *next_obs, *actions, *rewards;
    uint8_t *flags;
    uint32_t leaves;     /* a power of two, at least the capacity; 0 where draws are uniform */
    double *tree;        /* the root is 1, the children of i are 2 i and 2 i + 1, leaves begin at `leaves` */
    double priority_max; /* with its exponent */
};

static bool fits(const struct notch_replay_options *options)
{
    uint64_t each = (uint64_t)2 * options->obs_dim + options->act_dim + 1;
    return options->capacity * each <= NOTCH_REPLAY_FLOATS_MAX;
}

bool notch_replay_options_ok(const struct notch_replay_options *options)
{
    return options->capacity >= 1 && options->capacity <= NOTCH_REPLAY_CAPACITY_MAX && options->obs_dim >= 1 &&
           options->obs_dim <= NOTCH_REPLAY_DIMS_MAX && options->act_dim >= 1 &&
           options->act_dim <= NOTCH_REPLAY_DIMS_MAX && options->n_step >= 1 &&
           options->n_step <= NOTCH_REPLAY_STEPS_MAX && options->gamma >= 0 && options->gamma <= 1 &&
           options->exponent >= 0 && options->exponent <= 1 && options->correction >= 0 && options->correction <= 1 &&
           fits(options);
}

struct notch_replay *notch_replay_create(const struct notch_replay_options *options)
{
    notch_assert(notch_replay_options_ok(options));
    const struct notch_alloc *alloc = options->alloc;
    struct notch_replay *replay = notch_alloc(alloc, sizeof *replay);
    replay->options = *options;
    size_t capacity = options->capacity;
    replay->obs = notch_alloc_array(alloc, capacity * options->obs_dim, sizeof(float));
    replay->next_obs = notch_alloc_array(alloc, capacity * options->obs_dim, sizeof(float));
    replay->actions = notch_alloc_array(alloc, capacity * options->act_dim, sizeof(float));
    replay->rewards = notch_alloc_array(alloc, capacity, sizeof(float));
    replay->flags = notch_alloc_array(alloc, capacity, 1);
    replay->priority_max = 1;
    if (options->prioritised) {
        replay->leaves = 1;
        while (replay->leaves < capacity) {
            replay->leaves *= 2;
        }
        replay->tree = notch_alloc_array(alloc, (size_t)2 * replay->leaves, sizeof(double));
    }
    return replay;
}

void notch_replay_destroy(struct notch_replay *replay)
{
    if (replay == NULL) {
        return;
    }
    const struct notch_alloc *alloc = replay->options.alloc;
    size_t capacity = replay->options.capacity;
    notch_free(alloc, replay->obs, capacity * replay->options.obs_dim * sizeof(float));
    notch_free(alloc, replay->next_obs, capacity * replay->options.obs_dim * sizeof(float));
    notch_free(alloc, replay->actions, capacity * replay->options.act_dim * sizeof(float));
    notch_free(alloc, replay->rewards, capacity * sizeof(float));
    notch_free(alloc, replay->flags, capacity);
    notch_free(alloc, replay->tree, (size_t)2 * replay->leaves * sizeof(double));
    notch_free(alloc, replay, sizeof *replay);
}

uint32_t notch_replay_count(const struct notch_replay *replay)
{
    return replay->count;
}

static void set_priority(struct notch_replay *replay, uint32_t index, double priority)
{
    size_t node = (size_t)replay->leaves + index;
    replay->tree[node] = priority;
    for (node /= 2; node >= 1; node /= 2) {
        replay->tree[node] = replay->tree[2 * node] + replay->tree[2 * node + 1];
    }
}

void notch_replay_put(struct notch_replay *replay, const struct notch_transition *transition)
{
    size_t at = replay->next;
    size_t obs_dim = replay->options.obs_dim;
    size_t act_dim = replay->options.act_dim;
    memcpy(replay->obs + at * obs_dim, transition->obs, obs_dim * sizeof(float));
    memcpy(replay->next_obs + at * obs_dim, transition->next_obs, obs_dim * sizeof(float));
    memcpy(replay->actions + at * act_dim, transition->action, act_dim * sizeof(float));
    replay->rewards[at] = transition->reward;
    replay->flags[at] =
        (uint8_t)((transition->terminated ? FLAG_TERMINATED : 0) | (transition->truncated ? FLAG_TRUNCATED : 0));
    if (replay->leaves > 0) {
        set_priority(replay, replay->next, replay->priority_max);
    }
    replay->next = (replay->next + 1) % replay->options.capacity;
    if (replay->count < replay->options.capacity) {
        replay->count++;
    }
}

/* The leaf below which `mass` of the total lies. */
static uint32_t find_leaf(const struct notch_replay *replay, double mass)
{
    size_t node = 1;
    while (node < replay->leaves) {
        node *= 2;
        /* Rounding may leave a little mass over at the right edge: never step into what is empty. */
        if (mass >= replay->tree[node] && replay->tree[node + 1] > 0) {
            mass -= replay->tree[node];
            node++;
        }
    }
    return (uint32_t)(node - replay->leaves);
}

static void draw_by_priority(struct notch_replay *replay, struct notch_replay_batch *batch, struct notch_rng *rng)
{
    double total = replay->tree[1];
    double part = total / batch->rows;
    double heaviest = 0;
    for (uint32_t row = 0; row < batch->rows; row++) {
        double unit = (double)(notch_rng_u64(rng) >> 11) * 0x1p-53;
        uint32_t index = find_leaf(replay, (row + unit) * part);
        double chance = replay->tree[replay->leaves + index] / total;
        double weight = pow((double)replay->count * chance, -(double)replay->options.correction);
        batch->index[row] = index;
        batch->weights[row] = (float)weight;
        heaviest = fmax(heaviest, weight);
    }
    for (uint32_t row = 0; row < batch->rows; row++) {
        batch->weights[row] = (float)((double)batch->weights[row] / heaviest);
    }
}

/* The reward of up to n_step transitions in a row from `first`, and what lies behind the last of them. */
static void gather(const struct notch_replay *replay, struct notch_replay_batch *batch, uint32_t row, uint32_t first)
{
    size_t obs_dim = replay->options.obs_dim;
    size_t act_dim = replay->options.act_dim;
    uint32_t at = first;
    float reward = replay->rewards[at];
    float discount = replay->options.gamma;
    for (uint32_t n = 1; n < replay->options.n_step && replay->flags[at] == 0; n++) {
        uint32_t after = (at + 1) % replay->options.capacity;
        if (after == replay->next || after >= replay->count) {
            break;
        }
        at = after;
        reward += discount * replay->rewards[at];
        discount *= replay->options.gamma;
    }
    memcpy(batch->obs + row * obs_dim, replay->obs + first * obs_dim, obs_dim * sizeof(float));
    memcpy(batch->actions + row * act_dim, replay->actions + first * act_dim, act_dim * sizeof(float));
    memcpy(batch->next_obs + row * obs_dim, replay->next_obs + at * obs_dim, obs_dim * sizeof(float));
    batch->rewards[row] = reward;
    batch->discounts[row] = (replay->flags[at] & FLAG_TERMINATED) != 0 ? 0 : discount;
}

void notch_replay_draw(struct notch_replay *replay, struct notch_replay_batch *batch, struct notch_rng *rng)
{
    notch_assert(replay->count > 0);
    if (replay->leaves > 0) {
        draw_by_priority(replay, batch, rng);
    } else {
        for (uint32_t row = 0; row < batch->rows; row++) {
            batch->index[row] = (uint32_t)notch_rng_below(rng, replay->count);
            batch->weights[row] = 1;
        }
    }
    for (uint32_t row = 0; row < batch->rows; row++) {
        gather(replay, batch, row, batch->index[row]);
    }
}

void notch_replay_reprioritise(struct notch_replay *replay, const struct notch_replay_batch *batch, const float *errors)
{
    if (replay->leaves == 0) {
        return;
    }
    for (uint32_t row = 0; row < batch->rows; row++) {
        double priority = pow((double)errors[row] + PRIORITY_LEAST, (double)replay->options.exponent);
        replay->priority_max = fmax(replay->priority_max, priority);
        set_priority(replay, batch->index[row], priority);
    }
}

void notch_replay_write(const struct notch_replay *replay, struct notch_writer *writer)
{
    size_t obs_dim = replay->options.obs_dim;
    size_t act_dim = replay->options.act_dim;
    notch_write_uvar(writer, replay->count);
    notch_write_uvar(writer, replay->next);
    for (size_t i = 0; i < replay->count; i++) {
        notch_write_u8(writer, replay->flags[i]);
        notch_floats_write(writer, replay->obs + i * obs_dim, obs_dim);
        notch_floats_write(writer, replay->actions + i * act_dim, act_dim);
        notch_floats_write(writer, replay->rewards + i, 1);
        notch_floats_write(writer, replay->next_obs + i * obs_dim, obs_dim);
        if (replay->leaves > 0) {
            notch_floats_write_double(writer, replay->tree[replay->leaves + i]);
        }
    }
    notch_floats_write_double(writer, replay->priority_max);
}

static void read_one(struct notch_replay *replay, struct notch_reader *reader, size_t at)
{
    size_t obs_dim = replay->options.obs_dim;
    size_t act_dim = replay->options.act_dim;
    replay->flags[at] = notch_read_u8(reader);
    if (replay->flags[at] > (FLAG_TERMINATED | FLAG_TRUNCATED)) {
        notch_reader_fail(reader);
    }
    notch_floats_read(reader, replay->obs + at * obs_dim, obs_dim);
    notch_floats_read(reader, replay->actions + at * act_dim, act_dim);
    notch_floats_read(reader, replay->rewards + at, 1);
    notch_floats_read(reader, replay->next_obs + at * obs_dim, obs_dim);
    if (replay->leaves > 0) {
        double priority = notch_floats_read_double(reader);
        /* The sum of all must stay finite, and each must be possible to draw. */
        if (!(priority > 0) || priority > 1e100) {
            notch_reader_fail(reader);
            return;
        }
        set_priority(replay, (uint32_t)at, priority);
    }
}

void notch_replay_read(struct notch_replay *replay, struct notch_reader *reader)
{
    uint32_t count = (uint32_t)notch_read_uvar_max(reader, replay->options.capacity);
    uint32_t next = (uint32_t)notch_read_uvar_max(reader, replay->options.capacity - 1);
    /* Until the ring is full, the next place is the one behind the last. */
    if (count < replay->options.capacity && next != count) {
        notch_reader_fail(reader);
    }
    if (replay->leaves > 0) {
        memset(replay->tree, 0, (size_t)2 * replay->leaves * sizeof(double));
    }
    for (uint32_t i = 0; i < count && notch_reader_left(reader) > 0; i++) {
        read_one(replay, reader, i);
    }
    double priority_max = notch_floats_read_double(reader);
    if (!(priority_max >= 1) || priority_max > 1e100) {
        notch_reader_fail(reader);
    }
    bool ok = !reader->failed;
    replay->count = ok ? count : 0;
    replay->next = ok ? next : 0;
    replay->priority_max = ok ? priority_max : 1;
    if (!ok && replay->leaves > 0) {
        memset(replay->tree, 0, (size_t)2 * replay->leaves * sizeof(double));
    }
}
