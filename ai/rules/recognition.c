#include "ai/rules/recognition.h"

#include "ai/rules/allocation_matching.h"

#include <string.h>

typedef unsigned __int128 u128;

/* The worth of the root. A worth times points stays below 2^103. */
#define WHOLE (UINT64_C(1) << 62)

static struct notch_reject check_tree(const struct notch_points_tree *tree, uint64_t *child_points)
{
    for (size_t i = 0; i < tree->node_count; i++) {
        const struct notch_points_node *node = &tree->nodes[i];
        if (node->points > NOTCH_POINTS_MAX) {
            return NOTCH_REJECT(BOUNDS, "too many points");
        }
        if (i == 0 ? node->parent != 0 : node->parent >= i) {
            return NOTCH_REJECT(MALFORMED, "a node comes before its parent");
        }
        if (i > 0) {
            child_points[node->parent] += node->points;
        }
    }
    return NOTCH_VALID;
}

static struct notch_reject check_contributions(const struct notch_points_tree *tree, const bool *is_inner)
{
    for (size_t i = 0; i < tree->contribution_count; i++) {
        const struct notch_points_contribution *one = &tree->contributions[i];
        if (one->node >= tree->node_count || one->peer >= tree->peer_count) {
            return NOTCH_REJECT(BOUNDS, "a contribution of nobody, or to nothing");
        }
        if (is_inner[one->node]) {
            return NOTCH_REJECT(MALFORMED, "a contribution to a node with children");
        }
        if (i > 0 && (one[-1].node > one->node || (one[-1].node == one->node && one[-1].peer >= one->peer))) {
            return NOTCH_REJECT(MALFORMED, "contributions out of order, or one twice");
        }
    }
    return NOTCH_VALID;
}

/* Adds what each leaf is worth to those who contribute to it. */
static void share_leaves(const struct notch_points_tree *tree, const uint64_t *worth, u128 *weights)
{
    size_t at = 0;
    while (at < tree->contribution_count) {
        uint32_t node = tree->contributions[at].node;
        size_t end = at;
        while (end < tree->contribution_count && tree->contributions[end].node == node) {
            end++;
        }
        for (size_t i = at; i < end; i++) {
            weights[tree->contributions[i].peer] += worth[node] / (end - at);
        }
        at = end;
    }
}

struct notch_reject notch_points_shares(const struct notch_points_tree *tree, struct notch_ppm *shares,
                                        const struct notch_alloc *alloc)
{
    if (tree->node_count == 0 || tree->node_count > NOTCH_POINTS_NODES_MAX ||
        tree->contribution_count > NOTCH_POINTS_NODES_MAX || tree->peer_count == 0 ||
        tree->peer_count > NOTCH_POINTS_PEERS_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "too many nodes, contributions or peers, or none");
    }
    uint64_t *child_points = notch_alloc_array(alloc, tree->node_count, sizeof *child_points);
    uint64_t *worth = notch_alloc_array(alloc, tree->node_count, sizeof *worth);
    bool *is_inner = notch_alloc_array(alloc, tree->node_count, sizeof *is_inner);
    u128 weights[NOTCH_POINTS_PEERS_MAX] = {0};
    int64_t amounts[NOTCH_POINTS_PEERS_MAX];
    struct notch_reject reject = check_tree(tree, child_points);
    worth[0] = WHOLE;
    for (size_t i = 1; notch_is_valid(reject) && i < tree->node_count; i++) {
        uint32_t parent = tree->nodes[i].parent;
        is_inner[parent] = true;
        if (child_points[parent] > 0) {
            worth[i] = (uint64_t)((u128)worth[parent] * tree->nodes[i].points / child_points[parent]);
        }
    }
    if (notch_is_valid(reject)) {
        reject = check_contributions(tree, is_inner);
    }
    if (notch_is_valid(reject)) {
        u128 sum = 0;
        share_leaves(tree, worth, weights);
        for (size_t i = 0; i < tree->peer_count; i++) {
            sum += weights[i];
        }
        /* Divisions dropped less than a part in 2^40 of the whole; a millionth is 2^42 of them. */
        int64_t total = (int64_t)((sum * NOTCH_PPM_ONE + (WHOLE >> 20)) / WHOLE);
        notch_matching_split(amounts, total, weights, tree->peer_count, alloc);
        for (size_t i = 0; i < tree->peer_count; i++) {
            shares[i].raw = (int32_t)amounts[i]; /* Raw: builds ppm */
        }
    }
    notch_free(alloc, child_points, tree->node_count * sizeof *child_points);
    notch_free(alloc, worth, tree->node_count * sizeof *worth);
    notch_free(alloc, is_inner, tree->node_count * sizeof *is_inner);
    return reject;
}

/* Raw: comparison. */
struct notch_ppm notch_recognition_mutual(struct notch_ppm one_way, struct notch_ppm other_way)
{
    return one_way.raw < other_way.raw ? one_way : other_way;
}

/* Raw: weights. */
int64_t notch_recognition_second_tier(int64_t *amounts, int64_t left, const struct notch_ppm *shares,
                                      const struct notch_ppm *back, const int64_t *needs, size_t count,
                                      enum notch_second_tier tier, const struct notch_alloc *alloc)
{
    memset(amounts, 0, count * sizeof *amounts);
    if (tier == NOTCH_SECOND_TIER_OFF || count == 0) {
        return left;
    }
    u128 *weights = notch_alloc_array(alloc, count, sizeof *weights);
    for (size_t i = 0; i < count; i++) {
        bool is_one_way = shares[i].raw > 0 && back[i].raw <= 0 && needs[i] > 0;
        weights[i] = is_one_way ? (u128)(uint32_t)shares[i].raw * (uint64_t)needs[i] : 0;
    }
    notch_matching_split(amounts, left, weights, count, alloc);
    for (size_t i = 0; i < count; i++) {
        amounts[i] = amounts[i] < needs[i] ? amounts[i] : needs[i] > 0 ? needs[i] : 0;
        left -= amounts[i];
    }
    notch_free(alloc, weights, count * sizeof *weights);
    return left;
}
