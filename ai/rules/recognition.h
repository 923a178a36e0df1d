/*
 * ai/rules/recognition.h: from a tree of points to shares of one million over peers, and what is mutual of them.
 *
 * Everybody values what they depend on as a tree: each node has points, worth their part of what its siblings have
 * together, of what its parent is worth. What a leaf is worth goes in equal parts to those who contribute to it. So
 * 70 points (split 80/20) and 30 points (split 50/50) are 56, 14, 15 and 15 percent.
 *
 * Shares are rounded by largest remainder, ties to the peer that comes first: they sum to the whole exactly, or, where
 * leaves have nobody, to the part that somebody has, rounded down. Oneself may be among the peers.
 *
 * Invariants   Integers only: the same tree gives the same shares everywhere.
 * Ownership    Borrows.
 * Limits       NOTCH_POINTS_NODES_MAX nodes, as many contributions, NOTCH_POINTS_PEERS_MAX peers (as RECOGNITION).
 * Units        Shares: ppm, as the chain has them.
 * Thread       Pure functions.
 */
#ifndef NOTCH_AI_RULES_RECOGNITION_H
#define NOTCH_AI_RULES_RECOGNITION_H

#include "base/alloc.h"
#include "base/error.h"
#include "base/units.h"

#define NOTCH_POINTS_NODES_MAX 65536
#define NOTCH_POINTS_PEERS_MAX 512
#define NOTCH_POINTS_MAX (UINT64_C(1) << 40)

/* Node 0 is the root and its own parent; every other node comes after its parent. */
struct notch_points_node {
    uint32_t parent;
    uint64_t points;
};

/* A peer who contributes to a leaf; in order of node, then peer, none twice. */
struct notch_points_contribution {
    uint32_t node;
    uint32_t peer;
};

struct notch_points_tree {
    const struct notch_points_node *nodes;
    size_t node_count;
    const struct notch_points_contribution *contributions;
    size_t contribution_count;
    size_t peer_count;
};

/* shares[peer_count]. Invalid: an order or a bound as above is broken, or somebody contributes to what is no leaf. */
NOTCH_MUST_USE struct notch_reject notch_points_shares(const struct notch_points_tree *tree, struct notch_ppm *shares,
                                                       const struct notch_alloc *alloc);

/* MR(a, b) = min(a -> b, b -> a). */
struct notch_ppm notch_recognition_mutual(struct notch_ppm one_way, struct notch_ppm other_way);

enum notch_second_tier { NOTCH_SECOND_TIER_OFF, NOTCH_SECOND_TIER_ON };

/*
 * What a provider has left, to those whom it recognises and who do not recognise it: in proportion to share * need,
 * each at most its need, rounded by largest remainder before the cut. shares: the provider's, one way; back: theirs.
 * OFF, the default: nobody gets anything. Returns what is left after it.
 */
int64_t notch_recognition_second_tier(int64_t *amounts, int64_t left, const struct notch_ppm *shares,
                                      const struct notch_ppm *back, const int64_t *needs, size_t count,
                                      enum notch_second_tier tier, const struct notch_alloc *alloc);

#endif
