/*
 * kill -9 on a process that writes to a store on a real disk; then everything that it was told is stored must be there.
 *
 *   test_process_store_kill [RUNS [SEED]]
 *
 * A child opens the store, submits commits as fast as it can and writes each answer into a pipe. After a random
 * number of answers it is killed, wherever it is. What the kernel was given survives that, so this says nothing of
 * syncs (tests/sim/test_store_crash.c does), but it is the real thread, the real LevelDB, and a real restart.
 */
#include "base/rng.h"
#include "chain/io/store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS_DEFAULT 12
#define WAITING 32
#define BODY_BYTES_MAX 3000

static void require(bool holds, const char *what, uint64_t a, uint64_t b)
{
    if (!holds) {
        fprintf(stderr, "%s (%llu, %llu)\n", what, (unsigned long long)a, (unsigned long long)b);
        exit(1);
    }
}

static size_t body_contents(uint8_t out[BODY_BYTES_MAX], uint64_t position)
{
    struct notch_rng rng;
    notch_rng_init(&rng, position);
    size_t len = 8 + (size_t)notch_rng_below(&rng, BODY_BYTES_MAX - 8);
    notch_rng_fill(&rng, out, len);
    return len;
}

/* Commit number n: body n, a vote for it, and in every fifth the key that counts. */
static void make_commit(struct notch_commit *commit, uint64_t number)
{
    uint8_t contents[BODY_BYTES_MAX];
    uint8_t be[8];
    notch_commit_clear(commit);
    commit->token = number;
    commit->body_first = number;
    (void)notch_commit_body(commit, notch_bytes(contents, body_contents(contents, number)));
    notch_put_be64(be, number);
    notch_commit_vote(commit, notch_bytes(be, sizeof be));
    if (number % 5 == 4) {
        notch_put_be64(be, number + 1);
        notch_commit_put(commit, notch_bytes("count", 5), notch_bytes(be, sizeof be));
    }
}

struct child {
    int answers; /* a pipe */
    int slots;   /* another: one byte for each commit that may be submitted */
};

static void on_done(void *arg, uint64_t token, enum notch_err err)
{
    const struct child *child = arg;
    require(err == NOTCH_OK, "a commit failed", token, (uint64_t)-err);
    require(write(child->answers, &token, sizeof token) == (ssize_t)sizeof token, "the pipe is gone", token, 0);
    require(write(child->slots, "", 1) == 1, "the pipe is gone", token, 0);
}

static struct notch_store *open_store(const char *dir, struct child *child, enum notch_store_runner runner)
{
    struct notch_store_options options = notch_store_options_default();
    options.dir = dir;
    options.genesis.raw[0] = 4;
    options.alloc = notch_alloc_heap();
    options.done = on_done;
    options.done_arg = child;
    options.runner = runner;
    options.segment_bytes = 256u << 10;
    options.votes_keep_bytes = 16u << 10;
    options.write_buffer_bytes = (size_t)64 << 10;
    struct notch_store *store = notch_store_create(&options);
    struct notch_store_failure failure = {0};
    enum notch_err err = notch_store_open(store, &failure);
    if (err != NOTCH_OK) {
        fprintf(stderr, "%s\n", failure.text);
        exit(1);
    }
    return store;
}

static _Noreturn void run_child(const char *dir, int answers)
{
    int slots[2];
    require(pipe(slots) == 0, "no pipe", 0, 0);
    struct child child = {answers, slots[1]};
    struct notch_store *store = open_store(dir, &child, NOTCH_STORE_OWN_THREAD);
    struct notch_store_view view = notch_store_latest(store);
    static struct notch_commit commits[WAITING];
    for (size_t i = 0; i < WAITING; i++) {
        notch_commit_init(&commits[i], notch_alloc_heap());
        require(write(slots[1], "", 1) == 1, "no slot", i, 0);
    }
    for (uint64_t number = view.body_count(view.self);; number++) {
        char slot;
        require(read(slots[0], &slot, 1) == 1, "no slot", number, 0);
        make_commit(&commits[number % WAITING], number);
        require(notch_store_submit(store, &commits[number % WAITING]) == NOTCH_OK, "not taken", number, 0);
    }
}

static bool last_vote(void *arg, struct notch_bytes key, struct notch_bytes value)
{
    (void)key;
    *(uint64_t *)arg = notch_get_be64(value.data) + 1;
    return true;
}

/* How many bodies there are now. */
static uint64_t check(const char *dir, uint64_t acknowledged)
{
    struct child none = {-1, -1};
    struct notch_store *store = open_store(dir, &none, NOTCH_STORE_CALLER_RUNS);
    struct notch_store_view view = notch_store_latest(store);
    uint64_t bodies = view.body_count(view.self);
    require(bodies >= acknowledged, "bodies are gone", bodies, acknowledged);
    struct notch_buf out;
    notch_buf_init(&out, notch_alloc_heap());
    for (uint64_t position = 0; position < bodies; position++) {
        uint8_t expected[BODY_BYTES_MAX];
        size_t len = body_contents(expected, position);
        notch_buf_clear(&out);
        require(view.body(view.self, &out, position) == NOTCH_OK, "a body cannot be read", position, bodies);
        require(notch_bytes_eq(notch_buf_bytes(&out), notch_bytes(expected, len)), "a body differs", position, len);
    }
    uint64_t votes = 0;
    require(view.votes(view.self, last_vote, &votes) == NOTCH_OK, "the votes are lost", 0, 0);
    require(votes >= acknowledged && votes <= bodies, "votes are gone", votes, acknowledged);
    notch_buf_clear(&out);
    uint64_t count = 0;
    if (view.get(view.self, &out, notch_bytes("count", 5)) == NOTCH_OK) {
        count = notch_get_be64(out.data);
    }
    require(count >= acknowledged - acknowledged % 5 && count <= votes, "keys are gone", count, acknowledged);
    notch_buf_fini(&out);
    notch_store_destroy(store);
    return bodies;
}

/* Kills the child after `wanted` answers of this life; how many commits were ever acknowledged. */
static uint64_t one_life(const char *dir, uint64_t acknowledged, uint64_t wanted)
{
    int answers[2];
    require(pipe(answers) == 0, "no pipe", 0, 0);
    pid_t pid = fork();
    require(pid >= 0, "no child", 0, 0);
    if (pid == 0) {
        (void)close(answers[0]);
        run_child(dir, answers[1]);
    }
    (void)close(answers[1]);
    uint64_t token;
    uint64_t seen = 0;
    while (read(answers[0], &token, sizeof token) == (ssize_t)sizeof token) {
        acknowledged = token + 1;
        if (++seen == wanted) {
            require(kill(pid, SIGKILL) == 0, "cannot kill", seen, 0);
        }
    }
    (void)close(answers[0]);
    int status;
    require(waitpid(pid, &status, 0) == pid, "lost the child", 0, 0);
    require(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child ended by itself", (uint64_t)status, seen);
    return acknowledged;
}

int main(int argc, char **argv)
{
    uint64_t runs = argc > 1 ? strtoull(argv[1], NULL, 10) : RUNS_DEFAULT;
    struct notch_rng rng;
    notch_rng_init(&rng, argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
    const char *tmp = getenv("TMPDIR");
    char dir[512];
    (void)snprintf(dir, sizeof dir, "%s/notch-kill-XXXXXX", tmp ? tmp : "/tmp");
    require(mkdtemp(dir) != NULL, "no folder", (uint64_t)errno, 0);
    uint64_t acknowledged = 0;
    uint64_t total = 0;
    for (uint64_t run = 0; run < runs; run++) {
        acknowledged = one_life(dir, acknowledged, 1 + notch_rng_below(&rng, 200));
        total += acknowledged;
        acknowledged = check(dir, acknowledged);
    }
    char command[600];
    (void)snprintf(command, sizeof command, "rm -r '%s'", dir);
    require(system(command) == 0, "cannot remove the folder", 0, 0);
    printf("%llu kills, %llu bodies at the end, nothing acknowledged was lost\n", (unsigned long long)runs,
           (unsigned long long)acknowledged);
    return total > 0 ? 0 : 1;
}
