/*
 * consensus/parts.h: what the parts of the core offer each other. Every source of the core includes it.
 */
#ifndef NOTCH_CONSENSUS_PARTS_H
#define NOTCH_CONSENSUS_PARTS_H

#include "consensus/internal.h"

/* fold.c: sets and accounts along the chain */
const struct notch__set *notch__sets_add(struct notch_consensus *core, uint32_t id, const struct notch_member *members,
                                         const uint64_t *reputations, uint32_t count, const struct notch_hash *seed);
void notch__sets_prune(struct notch_consensus *core);

/* The members of the set that a signal block of `set` on `parent` announces. Arrays hold NOTCH_SET_MEMBERS_MAX. */
void notch__fold_next(struct notch_consensus *core, struct notch__block *parent, const struct notch__set *set,
                      struct notch_member *members, uint64_t *reputations, uint32_t *count);

/* Whether a change of membership is recorded up to `block` and not yet in force. */
bool notch__fold_is_change_due(const struct notch_consensus *core, const struct notch__block *block);

/* Whether the key is a candidate on the chain up to `block`. */
bool notch__fold_is_candidate(const struct notch_consensus *core, const struct notch__block *block,
                              const struct notch_key *key);

/* Makes `block` the base: accounts, tallies, tree, votes; everything that conflicts is dropped. */
void notch__fold_rebase(struct notch_consensus *core, struct notch__block *block);

/* onchain.c */
const struct notch__set *notch__onchain_set(const struct notch__onchain *onchain, uint32_t set_id);

/* Who of `data` is on the chain up to `block`; NULL if nobody. */
const struct notch__tally *notch__onchain_tally(const struct notch__block *block, const struct notch_vote_data *data);

/* Context rules of the votes in a body; fills block->tallies. */
struct notch_reject notch__onchain_votes(const struct notch_consensus *core, struct notch__block *block);

/* What the header says that follows from the parent. */
struct notch_reject notch__onchain_header(const struct notch_consensus *core, const struct notch__block *block);

/* Fills block->onchain, and checks what follows from it: the set, the signal. */
struct notch_reject notch__onchain_advance(struct notch_consensus *core, struct notch__block *block);

/* The same for a proposal: which context the votes of `block` would give on its parent. */
void notch__onchain_run(const struct notch_consensus *core, struct notch__onchain *out, struct notch__block *block);

/* Whether a block of set `set` in `slot` on `parent` is the signal block. */
bool notch__onchain_is_signal(const struct notch__onchain *at, const struct notch_consensus *core,
                              struct notch_slot slot);

/* job.c */
struct notch__job *notch__job_add(struct notch_consensus *core, enum notch__job_kind kind, size_t checks);
void notch__job_send(struct notch_consensus *core, struct notch__job *job);
void notch__job_verdict(struct notch_consensus *core, const struct notch_consensus_event *event);
void notch__jobs_fini(struct notch_consensus *core);
void notch__votes_event(struct notch_consensus *core, struct notch_bytes bytes, uint64_t peer);

/* Puts a verified vote into the store, looks for evidence, asks for what it names and we lack. */
void notch__vote_take(struct notch_consensus *core, const struct notch_vote *vote, const struct notch__set *set,
                      enum notch__origin origin, uint64_t peer);

/* accept.c */
void notch__accept(struct notch_consensus *core, struct notch_bytes bytes, uint64_t peer, bool is_recovered);
void notch__accept_verified(struct notch_consensus *core, const struct notch__job *job,
                            const struct notch_consensus_result *results);
void notch__accept_progress(struct notch_consensus *core, struct notch__block *block);
void notch__accept_children(struct notch_consensus *core, struct notch__block *block);
void notch__accept_orphans(struct notch_consensus *core);
void notch__orphans_fini(struct notch_consensus *core);

/* finality.c */
void notch__evaluate(struct notch_consensus *core);

/* The greatest checkpoint justified by the view's votes of slots before `slot`, never below the final one (8 S10). */
struct notch__checkpoint notch__view_justified(struct notch_consensus *core, struct notch_slot slot);

/* Votes that justify `to`, closed under sources, down to what `known` says is justified; appended as encoded votes. */
void notch__certificate(struct notch_consensus *core, struct notch_buf *out, const struct notch__checkpoint *to,
                        const struct notch__checkpoint *known, size_t votes_max);

/* 8 L2: marks, or appends, the votes that a child of `parent` must carry at any age. */
void notch__due_mark(struct notch_consensus *core, const struct notch__block *parent);
void notch__due_votes(struct notch_consensus *core, struct notch_buf *out, const struct notch__block *parent);

/* Marks the bundles of that closure; the caller clears the marks. */
void notch__closure_mark(struct notch_consensus *core, const struct notch__checkpoint *to,
                         const struct notch__checkpoint *known);

/* fork.c: `before` excludes votes of that slot and later ones. */
struct notch__block *notch__fork_head(struct notch_consensus *core, const struct notch__checkpoint *justified,
                                      struct notch_slot before, enum notch__sight sight);
struct notch__block *notch__fork_confirmed(struct notch_consensus *core, struct notch__block *head,
                                           const struct notch__checkpoint *justified, struct notch_slot before,
                                           enum notch__sight sight);

/* voter.c */
void notch__view_freeze(struct notch_consensus *core);
void notch__view_merge(struct notch_consensus *core, struct notch__block *block);
void notch__vote(struct notch_consensus *core);
void notch__vote_durable(struct notch_consensus *core, uint64_t token);
void notch__vote_take_known(struct notch_consensus *core, const struct notch_vote *vote);
void notch__log_load(struct notch_consensus *core);
void notch__log_reset(struct notch_consensus *core);
bool notch__is_clock_good(const struct notch_consensus *core);
void notch__report_slot(struct notch_consensus *core, const struct notch_key *key, struct notch_slot slot);

/* proposer.c */
void notch__propose(struct notch_consensus *core);
void notch__propose_with(struct notch_consensus *core, const struct notch_consensus_event *event);
bool notch__is_awake(const struct notch_consensus *core, const struct notch__block *head);

/* slasher.c */
void notch__slash_vote(struct notch_consensus *core, const struct notch_vote *vote, const struct notch__set *set);
void notch__slash_header(struct notch_consensus *core, const struct notch__block *block);
void notch__evidence_event(struct notch_consensus *core, struct notch_bytes bytes, uint64_t peer);
void notch__evidence_fini(struct notch_consensus *core);

/* Drops from the pool what `block` carries. */
void notch__evidence_included(struct notch_consensus *core, const struct notch__block *block);
bool notch__evidence_on_chain(const struct notch_consensus *core, const struct notch__block *block,
                              const struct notch_hash *id);

/* root.c */
void notch__root_write(const struct notch_consensus *core, struct notch_buf *out, struct notch_bytes due);
bool notch__root_read(struct notch_consensus *core, struct notch_bytes blob);
void notch__root_genesis(struct notch_consensus *core);

#endif
