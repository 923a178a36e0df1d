#include "node/daemon/workers.h"

#include <pthread.h>
#include <sched.h>

struct job {
    uint64_t token;
    const struct notch_node_work *work;
};

/* A ring that grows. */
struct queue {
    struct job *jobs;
    size_t cap, head, waiting;
};

struct notch_workers {
    const struct notch_alloc *alloc;
    notch_workers_ran ran;
    void *arg;
    pthread_t *threads;
    unsigned count;
    unsigned started;
    pthread_mutex_t mutex;
    pthread_cond_t wanted;
    struct queue urgent; /* checks that blocks and votes wait for: they never stand behind records */
    struct queue records;
    uint64_t ran_count;
    unsigned running;
    bool stopping;
};

enum { QUEUE_FIRST = 64 };

static void queue_init(struct queue *queue, const struct notch_alloc *alloc)
{
    queue->cap = QUEUE_FIRST;
    queue->jobs = notch_alloc_array(alloc, queue->cap, sizeof *queue->jobs);
}

static void queue_fini(struct queue *queue, const struct notch_alloc *alloc)
{
    notch_free(alloc, queue->jobs, queue->cap * sizeof *queue->jobs);
}

static void queue_grow(struct queue *queue, const struct notch_alloc *alloc)
{
    size_t cap = queue->cap * 2;
    struct job *jobs = notch_alloc_array(alloc, cap, sizeof *jobs);
    for (size_t i = 0; i < queue->waiting; i++) {
        jobs[i] = queue->jobs[(queue->head + i) % queue->cap];
    }
    queue_fini(queue, alloc);
    queue->jobs = jobs;
    queue->cap = cap;
    queue->head = 0;
}

static void queue_push(struct queue *queue, struct job job, const struct notch_alloc *alloc)
{
    if (queue->waiting == queue->cap) {
        queue_grow(queue, alloc);
    }
    queue->jobs[(queue->head + queue->waiting) % queue->cap] = job;
    queue->waiting++;
}

static bool queue_pop(struct queue *queue, struct job *out)
{
    if (queue->waiting == 0) {
        return false;
    }
    *out = queue->jobs[queue->head];
    queue->head = (queue->head + 1) % queue->cap;
    queue->waiting--;
    return true;
}

struct notch_workers *notch_workers_create(const struct notch_alloc *alloc, unsigned count, notch_workers_ran ran,
                                           void *arg)
{
    notch_assert(count > 0);
    struct notch_workers *workers = notch_alloc(alloc, sizeof *workers);
    workers->alloc = alloc;
    workers->ran = ran;
    workers->arg = arg;
    workers->count = count;
    workers->threads = notch_alloc_array(alloc, count, sizeof *workers->threads);
    queue_init(&workers->urgent, alloc);
    queue_init(&workers->records, alloc);
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->wanted, NULL);
    return workers;
}

void notch_workers_destroy(struct notch_workers *workers)
{
    if (workers == NULL) {
        return;
    }
    notch_workers_stop(workers);
    pthread_cond_destroy(&workers->wanted);
    pthread_mutex_destroy(&workers->mutex);
    queue_fini(&workers->urgent, workers->alloc);
    queue_fini(&workers->records, workers->alloc);
    notch_free(workers->alloc, workers->threads, workers->count * sizeof *workers->threads);
    notch_free(workers->alloc, workers, sizeof *workers);
}

/* The next job; on the way, notes that the last one is done. */
static bool take(struct notch_workers *workers, struct job *out, bool was_running)
{
    pthread_mutex_lock(&workers->mutex);
    workers->running -= was_running;
    while (workers->urgent.waiting + workers->records.waiting == 0 && !workers->stopping) {
        pthread_cond_wait(&workers->wanted, &workers->mutex);
    }
    bool found = !workers->stopping && (queue_pop(&workers->urgent, out) || queue_pop(&workers->records, out));
    workers->ran_count += found;
    workers->running += found;
    pthread_mutex_unlock(&workers->mutex);
    return found;
}

static void *run(void *arg)
{
    struct notch_workers *workers = arg;
    struct job job;
    bool is_running = false;
    while (take(workers, &job, is_running)) {
        is_running = true;
        notch_node_run(job.work);
        workers->ran(workers->arg, job.token);
    }
    return NULL;
}

enum notch_err notch_workers_start(struct notch_workers *workers)
{
    while (workers->started < workers->count) {
        if (pthread_create(&workers->threads[workers->started], NULL, run, workers) != 0) {
            return NOTCH_ERR_IO;
        }
        workers->started++;
    }
    return NOTCH_OK;
}

void notch_workers_stop(struct notch_workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->wanted);
    pthread_mutex_unlock(&workers->mutex);
    while (workers->started > 0) {
        pthread_join(workers->threads[--workers->started], NULL);
    }
}

void notch_workers_add(struct notch_workers *workers, uint64_t token, const struct notch_node_work *work)
{
    pthread_mutex_lock(&workers->mutex);
    struct queue *queue = work->type == NOTCH_NODE_CHECK_RECORDS ? &workers->records : &workers->urgent;
    queue_push(queue, (struct job){token, work}, workers->alloc);
    pthread_cond_signal(&workers->wanted);
    pthread_mutex_unlock(&workers->mutex);
}

bool notch_workers_are_idle(struct notch_workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    bool idle = workers->running == 0 && workers->urgent.waiting + workers->records.waiting == 0;
    pthread_mutex_unlock(&workers->mutex);
    return idle;
}

void notch_workers_depth(struct notch_workers *workers, uint64_t *waiting, uint64_t *ran)
{
    pthread_mutex_lock(&workers->mutex);
    *waiting = workers->urgent.waiting + workers->records.waiting;
    *ran = workers->ran_count;
    pthread_mutex_unlock(&workers->mutex);
}

unsigned notch_workers_default_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}
