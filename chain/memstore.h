/*
 * chain/memstore.h: a store in memory with the promises of chain/store.h and no more than those: for tests and for the
 * simulator's disks.
 *
 * Commits are submitted, and wait until the owner completes them one by one; a crash keeps of those that wait whatever
 * an honest disk might have kept, drawn from a seeded generator:
 *
 *      bodies   some prefix of those appended, at least all of completed commits
 *      votes    some prefix, only of commits whose bodies are all kept
 *      keys     those of one commit, none older than the last completed, whose bodies and votes are all kept
 *
 * The view shows completed commits and, as a disk may, nothing of those that wait.
 *
 * Ownership    Bodies, votes and keys are copied in. What a view hands out in a visit is valid during that call only.
 * Limits       Memory. The keys are a skip list whose shape is a function of the keys and the seed alone.
 * Thread       One at a time, as everything pure.
 */
#ifndef NOTCH_CHAIN_MEMSTORE_H
#define NOTCH_CHAIN_MEMSTORE_H

#include "base/rng.h"
#include "chain/store.h"

struct notch_memstore;

struct notch_memstore *notch_memstore_create(const struct notch_alloc *alloc, struct notch_siphash_key seed);
void notch_memstore_destroy(struct notch_memstore *store);

/* Valid as long as the store. */
struct notch_store_view notch_memstore_view(const struct notch_memstore *store);

/* Copies the commit and lets it wait. body_first must equal the bodies submitted so far. */
void notch_memstore_submit(struct notch_memstore *store, const struct notch_commit *commit);

/* Carries out the oldest commit that waits and gives its token; false when none does. */
bool notch_memstore_complete(struct notch_memstore *store, uint64_t *token);

/* How many wait. */
size_t notch_memstore_waiting(const struct notch_memstore *store);

/* submit and complete in one, where nothing waits: for tests that have no use for the distinction. */
void notch_memstore_apply(struct notch_memstore *store, const struct notch_commit *commit);

/* The power goes and comes back: see above. Nothing waits afterwards. */
void notch_memstore_crash(struct notch_memstore *store, struct notch_rng *rng);

/* From now on votes() answers CORRUPT, until a commit with a vote is completed: a vote log that was lost. */
void notch_memstore_lose_votes(struct notch_memstore *store);

/* Everything is gone, as on a new disk; votes are not "lost" but empty, as in any new store. */
void notch_memstore_wipe(struct notch_memstore *store);

#endif
