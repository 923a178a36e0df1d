/*
 * tests/sim/disk_store.h: the store of the daemon (chain/io/store.h) under the simulated node, on a disk that loses,
 * tears and reorders what was not synced (tests/support/fault_disk.h): our files and LevelDB's alike.
 *
 * When the power goes, what the node was writing is often half carried out first, up to some call; and it often goes
 * again while the store is being opened. The runner is NOTCH_STORE_CALLER_RUNS, so there is no thread of ours.
 *
 * Ownership    sim_create() makes one and sim_destroy() ends it.
 * Errors       A store that does not open after a cut, or fails by itself, is a failure of the run: it aborts, and says
 *              why.
 */
#ifndef NOTCH_TESTS_SIM_DISK_STORE_H
#define NOTCH_TESTS_SIM_DISK_STORE_H

#include "tests/sim/sim.h"

extern const struct sim_disk_ops sim_disk_store;

#endif
