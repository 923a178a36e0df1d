/* What the files of the simulator share. */
#ifndef NOTCH_TESTS_SIM_SIM_INTERNAL_H
#define NOTCH_TESTS_SIM_SIM_INTERNAL_H

#include "base/map.h"
#include "chain/batch.h"
#include "chain/ledger.h"
#include "tests/sim/sim.h"

enum sim_what { SIM_TICK, SIM_CLIENT, SIM_WORKED, SIM_DISK, SIM_RESTART };

struct sim_item {
    uint64_t at_ms;
    uint64_t number; /* breaks ties, so the order is total */
    enum sim_what what;
    uint64_t token;
    uint64_t life; /* of which life of the node: what belongs to an earlier one is dropped */
    const struct notch_node_work *work;
};

/* An effect that waits for a PERSIST. */
struct sim_held {
    uint64_t after;
    enum notch_node_message what;
    struct notch_buf bytes;
};

struct sim {
    struct sim_options options;
    struct notch_rng rng;
    const struct notch_alloc *alloc;
    const struct notch_crypto *crypto;
    struct notch_genesis genesis;
    struct notch_domain domain;
    uint8_t secrets[2][32];
    struct notch_signer validator;
    struct notch_signer author;
    const struct sim_disk_ops *ops;
    void *disk;
    struct notch_store_view view;
    struct notch_node *node; /* NULL while it is down */
    uint64_t now_ms;
    uint64_t life;
    uint64_t seq;
    uint64_t durable; /* the last PERSIST of this life that is on disk */
    bool faults;      /* false while healing */
    bool tick_due;

    struct sim_item *heap;
    size_t heap_count, heap_cap;
    uint64_t numbers;

    struct sim_held *held;
    size_t held_count, held_cap;

    struct notch_map acknowledged; /* record id -> the step in which it was promised */
    struct notch_map voted;        /* slot -> hash of what was voted */
    struct notch_map proposed;     /* slot -> block hash */
    struct notch_map finals;       /* height -> block hash */
    struct notch_buf last_record;  /* to be submitted again, as clients do */
    uint64_t contents;             /* so that every fresh record differs */
    bool votes_reset;              /* an operator took the responsibility: votes may repeat */

    struct notch_sha256 trace;
    struct sim_result result;
    const char *failure;
};

/* sim.c */
void sim_fail(struct sim *sim, const char *what);
void sim_note(struct sim *sim, const char *what, uint64_t a, uint64_t b);
void sim_later(struct sim *sim, enum sim_what what, uint64_t delay_ms, uint64_t token,
               const struct notch_node_work *work);
void sim_event(struct sim *sim, struct notch_node_event *event);
void sim_start_node(struct sim *sim);
void sim_power_off(struct sim *sim);

/* disk_memory.c */
extern const struct sim_disk_ops sim_disk_memory;

/* client.c */
void sim_client_step(struct sim *sim);
void sim_client_reply(struct sim *sim, const struct notch_reply *reply);

/* check.c */
void sim_check_send(struct sim *sim, enum notch_node_message what, struct notch_bytes bytes);
void sim_check_final(struct sim *sim, const struct notch_block_ref *block);
void sim_check_restart(struct sim *sim);
void sim_check_healed(struct sim *sim);

#endif
