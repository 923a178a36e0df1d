/*
 * The main of a fuzz target when libFuzzer is not linked: a regression test under any compiler.
 *
 *   fuzz_codec [--mutations N] FILE_OR_FOLDER...
 *
 * Runs LLVMFuzzerTestOneInput over every file given (a folder means the files in it, in byte order
 * of their names), then over N seeded mutations of each. The mutations are the same in every run
 * and on every machine: they depend on the bytes of the file alone. Each input lives in an
 * allocation of exactly its size, so a sanitizer sees a read one byte past it.
 *
 * Exit status: 0 when all ran; 1 for a wrong command line, an unreadable file, or no input at all
 * (a test of nothing must not pass). A finding is the target's own abort.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The largest input read, and the largest a mutation may grow to. */
#define REPLAY_BYTES_MAX ((size_t)1 << 20)
#define REPLAY_MUTATIONS_MAX 1000000UL
#define REPLAY_STACKED_MAX 4U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

struct input {
    uint8_t *data;
    size_t size;
};

struct replay {
    unsigned long mutations; /* of each input */
    unsigned long files;
    unsigned long runs;
};

static void die(const char *what, const char *path)
{
    fprintf(stderr, "replay: %s: %s: %s\n", path, what, strerror(errno));
    exit(1);
}

static void *must_alloc(size_t size)
{
    /* One byte for an empty input: the target may be handed a pointer it must not read. */
    void *memory = malloc(size > 0 ? size : 1);

    if (!memory) {
        die("out of memory", "input");
    }
    return memory;
}

/* splitmix64: small, and good enough to choose bytes. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* A number in [0, bound); bound is at least 1. */
static size_t random_below(uint64_t *state, size_t bound)
{
    return (size_t)(random_next(state) % bound);
}

/* FNV-1a: the seed of an input's mutations. */
static uint64_t seed_of(const uint8_t *data, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * 0x100000001b3ULL;
    }
    return hash;
}

/* Replaces `input` with a copy in which `cut` bytes at `at` gave way to `fill` fresh ones. */
static void splice(struct input *input, size_t at, size_t cut, size_t fill, uint64_t *state)
{
    size_t tail = input->size - at - cut;
    size_t size = at + fill + tail;
    uint8_t *data;

    if (size > REPLAY_BYTES_MAX) {
        return;
    }
    data = must_alloc(size);
    if (at > 0) {
        memcpy(data, input->data, at);
    }
    for (size_t i = 0; i < fill; i++) {
        data[at + i] = (uint8_t)random_next(state);
    }
    if (tail > 0) {
        memcpy(data + at + fill, input->data + at + cut, tail);
    }
    free(input->data);
    input->data = data;
    input->size = size;
}

/* Overwrites a byte with a value that decoders tend to trip over. */
static void poke_boundary(struct input *input, size_t at, uint64_t *state)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0x81, 0xfc, 0xfd, 0xfe, 0xff};

    input->data[at] = values[random_below(state, sizeof(values))];
}

static void mutate_once(struct input *input, uint64_t *state)
{
    size_t at = random_below(state, input->size + 1);
    size_t left = input->size - at;
    size_t some = 1 + random_below(state, 8);

    if (left == 0) { /* at the end: grow, or lose the tail */
        if (random_below(state, 2) == 0 || input->size == 0) {
            splice(input, at, 0, some, state);
        } else {
            splice(input, input->size - 1, 1, 0, state);
        }
        return;
    }
    switch (random_below(state, 6)) {
    case 0:
        input->data[at] ^= (uint8_t)(1U << random_below(state, 8));
        break;
    case 1:
        poke_boundary(input, at, state);
        break;
    case 2:
        splice(input, at, 0, some, state);
        break;
    case 3:
        splice(input, at, some < left ? some : left, 0, state);
        break;
    case 4: /* what a torn write or a short read leaves */
        splice(input, at, left, 0, state);
        break;
    default:
        splice(input, at, some < left ? some : left, some < left ? some : left, state);
        break;
    }
}

static void run_mutations(struct replay *replay, const uint8_t *data, size_t size)
{
    uint64_t state = seed_of(data, size);

    for (unsigned long i = 0; i < replay->mutations; i++) {
        struct input input = {must_alloc(size), size};
        size_t stacked = 1 + random_below(&state, REPLAY_STACKED_MAX);

        if (size > 0) {
            memcpy(input.data, data, size);
        }
        for (size_t k = 0; k < stacked; k++) {
            mutate_once(&input, &state);
        }
        LLVMFuzzerTestOneInput(input.data, input.size);
        replay->runs++;
        free(input.data);
    }
}

static void run_file(struct replay *replay, const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *read = must_alloc(REPLAY_BYTES_MAX + 1);
    struct input input;

    if (!file) {
        die("cannot open", path);
    }
    errno = 0;
    input.size = fread(read, 1, REPLAY_BYTES_MAX + 1, file);
    if (ferror(file)) {
        die("cannot read", path);
    }
    (void)fclose(file);
    errno = EFBIG;
    if (input.size > REPLAY_BYTES_MAX) {
        die("too large for an input", path);
    }
    input.data = must_alloc(input.size);
    memcpy(input.data, read, input.size);
    free(read);
    LLVMFuzzerTestOneInput(input.data, input.size);
    run_mutations(replay, input.data, input.size);
    free(input.data);
    replay->files++;
    replay->runs++;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void run_folder(struct replay *replay, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, visible, by_bytes);

    if (count < 0) {
        die("cannot list", path);
    }
    for (int i = 0; i < count; i++) {
        size_t size = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *name = must_alloc(size);

        snprintf(name, size, "%s/%s", path, entries[i]->d_name);
        run_file(replay, name);
        free(name);
        free(entries[i]);
    }
    free(entries);
}

static void run_path(struct replay *replay, const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        die("cannot open", path);
    }
    if (S_ISDIR(status.st_mode)) {
        run_folder(replay, path);
    } else {
        run_file(replay, path);
    }
}

static unsigned long parse_mutations(const char *text)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > REPLAY_MUTATIONS_MAX) {
        fprintf(stderr, "replay: --mutations: not a number up to %lu: %s\n", REPLAY_MUTATIONS_MAX, text);
        exit(1);
    }
    return value;
}

int main(int argc, char **argv)
{
    struct replay replay = {0};
    int first = 1;

    if (LLVMFuzzerInitialize) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    if (argc > 2 && strcmp(argv[1], "--mutations") == 0) {
        replay.mutations = parse_mutations(argv[2]);
        first = 3;
    }
    for (int i = first; i < argc; i++) {
        run_path(&replay, argv[i]);
    }
    if (replay.files == 0) {
        fprintf(stderr, "replay: no input; give a corpus with at least one file\n");
        return 1;
    }
    printf("replay: %lu files, %lu runs\n", replay.files, replay.runs);
    return 0;
}
