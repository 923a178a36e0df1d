/*
 * Points of a peer:
 *
 *   + first        items that it was the first to bring, at most 20
 *   + rate         what the node says of its key: weight in the set, usefulness
 *   - 10 * i^2     i: invalid items and messages
 *   - b^2          b: what is over 6 of unfair behaviour (quotas passed, broken promises, answers nobody asked for)
 *   - 5 * s^2      s: peers of its subnet beyond subnet_max
 *
 * All counts shrink by decay_ppm every second. They stay with the key when the connection ends.
 */
#include "p2p/internal.h"

enum { FIRST_POINTS_MAX = 20, BEHAVIOUR_FREE = 6000, POINTS_FLOOR = -100000, DECAY_EVERY_MS = 1000 };

static int64_t subnet_surplus(const struct notch_p2p *p2p, const struct notch__peer *peer)
{
    if (peer->purpose == NOTCH_P2P_STATIC) {
        return 0;
    }
    uint32_t same = 0;
    uint32_t at = 0;
    for (const struct notch__peer *other; (other = notch__p2p_next(p2p, &at)) != NULL;) {
        same += other->purpose != NOTCH_P2P_STATIC && notch_p2p_group_eq(&other->group, &peer->group) ? 1 : 0;
    }
    return same > p2p->limits->subnet_max ? (int64_t)same - p2p->limits->subnet_max : 0;
}

int32_t notch__p2p_score(const struct notch_p2p *p2p, const struct notch__peer *peer)
{
    const uint64_t count_max = 100000; /* so that squares stay small */
    uint64_t first = peer->points.first / 1000;
    uint64_t invalid = peer->points.invalid < count_max ? peer->points.invalid : count_max;
    uint64_t unfair = peer->points.behaviour > BEHAVIOUR_FREE ? peer->points.behaviour - BEHAVIOUR_FREE : 0;
    unfair = unfair < count_max ? unfair : count_max;
    int64_t surplus = subnet_surplus(p2p, peer);
    int64_t score = (int64_t)(first < FIRST_POINTS_MAX ? first : FIRST_POINTS_MAX) + peer->rate;
    score -= (int64_t)(invalid * invalid / 100000);
    score -= (int64_t)(unfair * unfair / 1000000);
    score -= 5 * surplus * surplus;
    return score < POINTS_FLOOR ? POINTS_FLOOR : (int32_t)score;
}

/* ---- bans ---- */

bool notch_p2p_is_banned(const struct notch_p2p *p2p, const struct notch_key *key)
{
    const uint64_t *until = notch_map_get(&p2p->bans, key);
    return until != NULL && *until > p2p->now;
}

/* The key whose value (the first eight bytes of it, read by `value_of`) is the least. */
static bool least(const struct notch_map *map, uint64_t (*value_of)(const void *value), struct notch_key *out)
{
    uint64_t smallest = UINT64_MAX;
    bool is_found = false;
    size_t walk = 0;
    const void *key;
    void *value;
    while (notch_map_next(map, &walk, &key, &value)) {
        if (!is_found || value_of(value) < smallest) {
            smallest = value_of(value);
            memcpy(out, key, sizeof *out);
            is_found = true;
        }
    }
    return is_found;
}

static uint64_t ban_until(const void *value)
{
    uint64_t until;
    memcpy(&until, value, sizeof until);
    return until;
}

static uint64_t remembered_badness(const void *value)
{
    const struct notch__remembered *remembered = value;
    return remembered->points.invalid + remembered->points.behaviour;
}

void notch__p2p_ban(struct notch_p2p *p2p, const struct notch_key *key, uint64_t until)
{
    struct notch_key soonest;
    if (p2p->bans.count >= p2p->limits->bans_max && notch_map_get(&p2p->bans, key) == NULL &&
        least(&p2p->bans, ban_until, &soonest)) {
        (void)notch_map_remove(&p2p->bans, &soonest);
    }
    uint64_t *stored = notch_map_put(&p2p->bans, key, NULL);
    *stored = until;
}

static void ban_peer(struct notch_p2p *p2p, struct notch__peer *peer)
{
    if (peer->purpose != NOTCH_P2P_STATIC) {
        uint64_t until = p2p->now + p2p->limits->ban_ms;
        notch__p2p_ban(p2p, &peer->key, until);
        struct notch_p2p_effect *effect = notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_BAN, peer->id, NULL);
        effect->ban.key = peer->key;
        effect->ban.address = peer->address;
        effect->ban.until = (struct notch_time){until};
        effect->ban.reason = NOTCH_P2P_REASON_SCORE;
    }
    notch__p2p_close(p2p, peer, NOTCH_P2P_REASON_SCORE);
}

void notch__p2p_fault(struct notch_p2p *p2p, struct notch__peer *peer, enum notch__fault kind, uint64_t milli)
{
    uint64_t *count = kind == NOTCH__FAULT_INVALID ? &peer->points.invalid : &peer->points.behaviour;
    *count += milli < 1000000 ? milli : 1000000;
    if (notch__p2p_score(p2p, peer) < p2p->limits->score_ban) {
        ban_peer(p2p, peer);
    }
}

/* ---- time heals ---- */

static void shrink(struct notch__points *points, uint32_t ppm)
{
    points->first = points->first * ppm / 1000000;
    points->invalid = points->invalid * ppm / 1000000;
    points->behaviour = points->behaviour * ppm / 1000000;
}

void notch__p2p_decay(struct notch_p2p *p2p)
{
    /* Once per heartbeat: a heartbeat of another length decays by as much less or more. */
    uint64_t lost = (uint64_t)(1000000 - p2p->limits->decay_ppm) * p2p->limits->heartbeat_ms / DECAY_EVERY_MS;
    uint32_t ppm = lost < 1000000 ? (uint32_t)(1000000 - lost) : 0;
    uint32_t at = 0;
    for (struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        shrink(&peer->points, ppm);
    }
    struct notch_key key;
    while (least(&p2p->bans, ban_until, &key) && !notch_p2p_is_banned(p2p, &key)) {
        (void)notch_map_remove(&p2p->bans, &key);
    }
}

/* ---- those who left ---- */

/* Points as they are after `ms`: halved for every 69 s at the default rate of decay. */
static void age(const struct notch_p2p *p2p, struct notch__points *points, uint64_t ms)
{
    uint64_t seconds = ms / 1000 < 3600 ? ms / 1000 : 3600;
    for (; seconds > 0 && points->invalid + points->behaviour > 0; seconds--) {
        shrink(points, p2p->limits->decay_ppm);
    }
}

void notch__p2p_remember(struct notch_p2p *p2p, const struct notch__peer *peer)
{
    uint64_t badness = peer->points.invalid + peer->points.behaviour;
    if (badness == 0) {
        return;
    }
    struct notch_key mildest;
    if (p2p->remembered.count >= p2p->limits->remembered_max && notch_map_get(&p2p->remembered, &peer->key) == NULL) {
        if (!least(&p2p->remembered, remembered_badness, &mildest) ||
            remembered_badness(notch_map_get(&p2p->remembered, &mildest)) >= badness) {
            return;
        }
        (void)notch_map_remove(&p2p->remembered, &mildest);
    }
    struct notch__remembered *remembered = notch_map_put(&p2p->remembered, &peer->key, NULL);
    *remembered = (struct notch__remembered){.points = peer->points, .at = p2p->now};
    remembered->points.first = 0;
}

void notch__p2p_recall(struct notch_p2p *p2p, struct notch__peer *peer)
{
    const struct notch__remembered *remembered = notch_map_get(&p2p->remembered, &peer->key);
    if (remembered != NULL) {
        peer->points = remembered->points;
        age(p2p, &peer->points, p2p->now - remembered->at);
        (void)notch_map_remove(&p2p->remembered, &peer->key);
    }
    const int32_t *rate = notch_map_get(&p2p->rates, &peer->key);
    peer->rate = rate != NULL ? *rate : 0;
}
