/*
 * tests/support/fault_disk.h: a disk in memory that loses, at a power cut, whatever it was not told to sync.
 *
 * It is a table of file operations (chain/io/file.h), so that the store runs on it, and LevelDB through fault_env.h.
 * Files have a present content and one that is on the platter; names likewise. A sync of a file moves its contents
 * and size there, a sync of a folder its names, in the order in which names changed (as a journal keeps them): a cut
 * may keep any beginning of the changes of names, and of what was written to files whatever the loss says:
 *
 *      ALL       nothing unsynced stays                    PREFIX   each file up to some point
 *      NONE      everything stays                          SECTORS  any sectors of 512 bytes, some torn inside, any
 *      size
 *
 * Invariants   Everything depends on the seed and the calls alone.
 * Limits       Memory. Only calls of the thread that made the disk are counted for cut_after and fail_at: LevelDB's own
 *              thread comes and goes as it likes.
 * Thread       Any: a lock around each call.
 */
#ifndef NOTCH_TESTS_SUPPORT_FAULT_DISK_H
#define NOTCH_TESTS_SUPPORT_FAULT_DISK_H

#include "base/rng.h"
#include "chain/io/file.h"

struct fault_disk;

enum fault_loss { FAULT_LOSS_ALL, FAULT_LOSS_NONE, FAULT_LOSS_PREFIX, FAULT_LOSS_SECTORS, FAULT_LOSS_COUNT };

struct fault_disk *fault_disk_create(uint64_t seed);
void fault_disk_destroy(struct fault_disk *disk);

/* Valid as long as the disk. */
const struct notch_file_ops *fault_disk_ops(struct fault_disk *disk);

/* The power goes right before the n-th changing call from now (0: before the next); UINT64_MAX: never. */
void fault_disk_cut_after(struct fault_disk *disk, uint64_t calls);

/* The n-th changing call from now, and all after it, answer -number; number 0 ends that. */
void fault_disk_fail_after(struct fault_disk *disk, uint64_t calls, int number);

/* The power goes now: every call answers -EIO until it is back. */
void fault_disk_cut(struct fault_disk *disk);
bool fault_disk_is_off(struct fault_disk *disk);

/* The power comes back: what was not synced is lost as `loss` says, all handles are gone. Cuts first if it was on. */
void fault_disk_power_on(struct fault_disk *disk, enum fault_loss loss);

/* Changing calls so far, and syncs of files among them. */
uint64_t fault_disk_calls(struct fault_disk *disk);
uint64_t fault_disk_syncs(struct fault_disk *disk);

/* For tests that do damage: the present content, and the one on the platter, are changed alike. */
uint64_t fault_disk_file_size(struct fault_disk *disk, const char *path);
void fault_disk_flip(struct fault_disk *disk, const char *path, uint64_t offset, uint8_t mask);
void fault_disk_shorten(struct fault_disk *disk, const char *path, uint64_t size);
void fault_disk_put(struct fault_disk *disk, const char *path, const void *data, size_t len);
void fault_disk_remove(struct fault_disk *disk, const char *path);

#endif
