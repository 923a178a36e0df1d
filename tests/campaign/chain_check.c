/*
 * chain_check: whether a chain on disk is what its bodies say, and holds what was promised.
 *
 *   chain_check DIR [ACKNOWLEDGED ...]
 *
 * DIR is the data directory of a node that does not run. Each ACKNOWLEDGED holds ids of records, one line of hex each,
 * as contrib/bench/node_load.c writes them.
 *
 *   exactly once   each acknowledged record stands in the final blocks with one receipt that accepts it
 *   replay         a second node, in memory, that has nothing but the bodies comes to the same block, with the same
 *                  state root and receipts root, as the keys on disk. It gets the bodies in parts, with a restart at
 *                  each, so that no more of it than a part is ever executed and not written.
 *
 * The last line of stdout is JSON. Exit status: 0 all is well, 1 something is not (it is said), 2 wrong usage.
 */
#include "base/map.h"
#include "chain/batch.h"
#include "chain/io/store.h"
#include "chain/lookup.h"
#include "chain/memstore.h"
#include "node/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The last blocks are final by votes that no block carries yet (more of them, the slower the disk): so many may be
 * missing in a replay. */
enum { EXIT_USAGE = 2, REPLAY_LAG_MAX = 32, PART_BODIES = 4000, PATH_BYTES_MAX = 4096 };

struct check {
    const struct notch_alloc *alloc;
    struct notch_genesis genesis;
    struct notch_domain domain;
    struct notch_time now;
    struct notch_store_view view; /* of the disk */
    struct notch_lookup lookup;
    struct notch_map accepted; /* record id -> in how many final places it was accepted */
    struct notch_buf row;
    struct notch_buf body;
    uint64_t height; /* the final one on disk */
    uint64_t records;
    uint64_t acknowledged;
    uint64_t lost;
    uint64_t duplicated;
    uint64_t replayed_height;
};

static bool complain(const char *what, uint64_t where)
{
    fprintf(stderr, "chain_check: %s (%llu)\n", what, (unsigned long long)where);
    return false;
}

static bool read_genesis(struct check *check, const char *dir)
{
    char path[PATH_BYTES_MAX];
    static uint8_t bytes[NOTCH_GENESIS_BYTES_MAX];
    snprintf(path, sizeof path, "%s/genesis", dir);
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return complain("there is no genesis", 0);
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    struct notch_hash hash;
    notch_genesis_hash(&hash, notch_bytes(bytes, len));
    notch_domain_init(&check->domain, &hash);
    return notch_is_valid(notch_genesis_decode(&check->genesis, notch_bytes(bytes, len))) ||
           complain("the genesis cannot be read", len);
}

static enum notch_err start_node(struct check *check, struct notch_node **out, const struct notch_store_view *view)
{
    struct notch_node_options options = {
        .genesis = &check->genesis,
        .domain = &check->domain,
        .crypto = notch_crypto_secp(),
        .view = view,
        .alloc = check->alloc,
        .hash_key = {7, 8},
        .layers_max = 4096,
    };
    enum notch_err err = notch_node_create(&options, out);
    return err == NOTCH_OK ? notch_node_start(*out, check->now, NULL, NULL) : err;
}

static uint64_t final_height(const struct notch_node *node)
{
    struct notch_node_info info;
    notch_node_info(node, &info);
    return info.finality_state.final.height.raw; /* Raw: a number to count up to */
}

/* ---- what is on disk ---- */

static bool count_records(struct check *check, struct notch_height height, uint64_t position, uint32_t *ordinal)
{
    struct notch_batch batch;
    notch_buf_clear(&check->body);
    if (check->view.body(check->view.self, &check->body, position) != NOTCH_OK ||
        !notch_is_valid(notch_batch_decode(&batch, notch_buf_bytes(&check->body)))) {
        return complain("a batch of a final block cannot be read", position);
    }
    struct notch_reader reader = notch_reader(batch.records);
    struct notch_bytes bytes;
    while (notch_batch_next_record(&reader, &bytes)) {
        struct notch_record record;
        struct notch_receipt receipt;
        if (!notch_is_valid(notch_record_decode(&record, bytes)) ||
            notch_lookup_receipt(&check->lookup, &receipt, height, (*ordinal)++) != NOTCH_OK) {
            return complain("a record of a final block has no receipt", position);
        }
        notch_record_hash(&record, &check->domain);
        check->records++;
        if (receipt.record == NOTCH_REJECT_NONE) {
            uint64_t *times = notch_map_put(&check->accepted, &record.id, NULL);
            (*times)++;
        }
    }
    return true;
}

static bool read_block(struct check *check, uint64_t height)
{
    struct notch_block_row row;
    struct notch_batch_place place;
    notch_buf_clear(&check->row);
    if (notch_lookup_block(&check->lookup, &row, &check->row, (struct notch_height){height}) != NOTCH_OK) {
        return complain("a final block cannot be found", height);
    }
    struct notch_reader reader = notch_reader(row.batches);
    uint32_t ordinal = 0;
    bool ok = true;
    while (ok && notch_block_row_batch(&reader, &place)) {
        ok = count_records(check, row.height, place.position, &ordinal);
    }
    return ok;
}

static bool read_chain(struct check *check)
{
    struct notch_node *node;
    if (start_node(check, &node, &check->view) != NOTCH_OK) {
        return complain("a node does not start from the store", 0);
    }
    check->height = final_height(node);
    notch_node_destroy(node);
    bool ok = true;
    for (uint64_t height = 1; height <= check->height && ok; height++) {
        ok = read_block(check, height);
    }
    return ok;
}

static bool check_acknowledged(struct check *check, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return complain("a file of acknowledged records cannot be opened", 0);
    }
    char line[128];
    while (fgets(line, sizeof line, file) != NULL) {
        struct notch_hash id;
        if (!notch_hex_decode(id.raw, sizeof id.raw, line, strcspn(line, "\n"))) {
            continue; /* torn by a kill of the client: what it could not write down, it was not promised */
        }
        const uint64_t *times = notch_map_get(&check->accepted, &id);
        check->acknowledged++;
        check->lost += times == NULL ? 1 : 0;
        check->duplicated += times != NULL && *times != 1 ? 1 : 0;
    }
    (void)fclose(file);
    return true;
}

/* ---- the replay ---- */

/* Lets a node write what its start left to be written. */
static void write_all(struct check *check, struct notch_node *node, struct notch_memstore *disk)
{
    uint64_t seq = 0;
    struct notch_node_effect effect;
    while (notch_node_poll(node, &effect)) {
        if (effect.type == NOTCH_NODE_PERSIST) {
            notch_memstore_apply(disk, effect.persist);
            struct notch_node_event event = {
                .type = NOTCH_NODE_DONE, .seq = ++seq, .now = check->now, .token = effect.token};
            notch_node_handle(node, &event);
        }
    }
}

/* The next bodies onto the second disk, and a node that takes them up. */
static bool replay_part(struct check *check, struct notch_memstore *disk, uint64_t first, uint64_t end)
{
    struct notch_commit commit;
    notch_commit_init(&commit, check->alloc);
    commit.body_first = first;
    bool ok = true;
    for (uint64_t at = first; at < end && ok; at++) {
        notch_buf_clear(&check->body);
        ok = check->view.body(check->view.self, &check->body, at) == NOTCH_OK || complain("no body", at);
        notch_commit_body(&commit, notch_buf_bytes(&check->body));
    }
    if (ok) {
        notch_memstore_apply(disk, &commit);
    }
    notch_commit_fini(&commit);
    struct notch_store_view view = notch_memstore_view(disk);
    struct notch_node *node = NULL;
    if (ok && start_node(check, &node, &view) != NOTCH_OK) {
        ok = complain("a node does not start from the bodies alone", end);
    }
    if (ok) {
        write_all(check, node, disk);
        check->replayed_height = final_height(node);
    }
    notch_node_destroy(node);
    return ok;
}

static bool compare(struct check *check, const struct notch_store_view *replayed)
{
    struct notch_lookup lookup = {replayed, NULL, &check->domain, check->alloc};
    struct notch_height height = {check->replayed_height};
    struct notch_block_row ours;
    struct notch_block_row theirs;
    notch_buf_clear(&check->row);
    notch_buf_clear(&check->body);
    if (check->replayed_height + REPLAY_LAG_MAX < check->height) {
        return complain("the replay does not come near to the final block", check->replayed_height);
    }
    if (notch_lookup_block(&check->lookup, &ours, &check->row, height) != NOTCH_OK ||
        notch_lookup_block(&lookup, &theirs, &check->body, height) != NOTCH_OK) {
        return complain("a block of the replay cannot be found", check->replayed_height);
    }
    bool same = notch_hash_eq(&ours.hash, &theirs.hash) && notch_hash_eq(&ours.state_root, &theirs.state_root) &&
                notch_hash_eq(&ours.receipts_root, &theirs.receipts_root);
    return same || complain("the replay comes to another state", check->replayed_height);
}

static bool replay(struct check *check)
{
    struct notch_memstore *disk = notch_memstore_create(check->alloc, (struct notch_siphash_key){5, 6});
    struct notch_store_view view = notch_memstore_view(disk);
    uint64_t bodies = check->view.body_count(check->view.self);
    bool ok = true;
    for (uint64_t first = 0; first < bodies && ok; first += PART_BODIES) {
        ok = replay_part(check, disk, first, bodies - first < PART_BODIES ? bodies : first + PART_BODIES);
    }
    ok = ok && compare(check, &view);
    notch_memstore_destroy(disk);
    return ok;
}

/* ---- all of it ---- */

static bool run(struct check *check, int argc, char **argv)
{
    if (!read_chain(check)) {
        return false;
    }
    for (int i = 2; i < argc; i++) {
        if (!check_acknowledged(check, argv[i])) {
            return false;
        }
    }
    bool replayed = replay(check);
    printf("{\"final_height\":%llu,\"bodies\":%llu,\"records\":%llu,\"acknowledged\":%llu,\"lost\":%llu,"
           "\"duplicated\":%llu,\"replayed_height\":%llu,\"replay_equal\":%s}\n",
           (unsigned long long)check->height, (unsigned long long)check->view.body_count(check->view.self),
           (unsigned long long)check->records, (unsigned long long)check->acknowledged, (unsigned long long)check->lost,
           (unsigned long long)check->duplicated, (unsigned long long)check->replayed_height,
           replayed ? "true" : "false");
    return replayed && check->lost == 0 && check->duplicated == 0;
}

/* Nothing is ever submitted. */
static void on_done(void *arg, uint64_t token, enum notch_err err)
{
    (void)arg;
    (void)token;
    (void)err;
}

static bool run_on_store(struct check *check, int argc, char **argv)
{
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/store", argv[1]);
    struct notch_store_options options = notch_store_options_default();
    options.dir = path;
    options.genesis = check->domain.genesis;
    options.alloc = check->alloc;
    options.done = on_done;
    struct notch_store *store = notch_store_create(&options);
    struct notch_store_failure failure;
    bool ok = notch_store_open(store, &failure) == NOTCH_OK;
    if (!ok) {
        fprintf(stderr, "chain_check: %s\n", failure.text);
    } else {
        check->view = notch_store_latest(store);
        check->lookup = (struct notch_lookup){&check->view, NULL, &check->domain, check->alloc};
        ok = run(check, argc, argv);
    }
    notch_store_close(store);
    notch_store_destroy(store);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: chain_check DIR [ACKNOWLEDGED ...]\n");
        return EXIT_USAGE;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct check check = {.alloc = notch_alloc_heap()};
    check.now.raw = (uint64_t)now.tv_sec * 1000; /* Raw: made here */
    notch_genesis_init(&check.genesis, check.alloc);
    notch_map_init(&check.accepted, check.alloc, (struct notch_siphash_key){3, 4}, sizeof(struct notch_hash),
                   sizeof(uint64_t), 0);
    notch_buf_init(&check.row, check.alloc);
    notch_buf_init(&check.body, check.alloc);
    bool ok = read_genesis(&check, argv[1]) && run_on_store(&check, argc, argv);
    notch_map_fini(&check.accepted);
    notch_buf_fini(&check.row);
    notch_buf_fini(&check.body);
    notch_genesis_fini(&check.genesis);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
