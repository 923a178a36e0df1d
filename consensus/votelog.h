/*
 * consensus/votelog.h: one entry of the vote log, as bytes.
 *
 *   proposal   1 u8, slot u64, hash 32
 *   vote       2 u8, common 124, validator u16, key 32, sig 64, justification blob (encoded votes)
 *   reset      3 u8, slot u64: the operator lifted the rule of a lost log (8 S3)
 *   lost       4 u8, slot u64: the log before this entry was lost; no vote without a source of this slot or later
 *
 * A vote's entry carries the votes that justify its source, from what the entries before it show (8 L1): so the log
 * alone gives back everything that a restarted validator must know not to contradict itself.
 */
#ifndef NOTCH_CONSENSUS_VOTELOG_H
#define NOTCH_CONSENSUS_VOTELOG_H

#include "consensus/consensus.h"

enum notch__log_kind { NOTCH__LOG_PROPOSAL = 1, NOTCH__LOG_VOTE = 2, NOTCH__LOG_RESET = 3, NOTCH__LOG_LOST = 4 };

struct notch__log_entry {
    enum notch__log_kind kind;
    struct notch_slot slot; /* PROPOSAL, RESET, LOST */
    struct notch_hash hash; /* PROPOSAL */
    struct notch_vote vote; /* VOTE; its key is filled whoever votes */
    struct notch_bytes justification;
};

void notch__log_write(struct notch_writer *writer, const struct notch__log_entry *entry);
NOTCH_MUST_USE struct notch_reject notch__log_read(struct notch__log_entry *out, struct notch_bytes bytes);

#endif
