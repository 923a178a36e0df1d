#include "p2p/internal.h"

enum {
    DIAL_MS = 30000, /* for a DIAL to be answered */
    TRIES = 16,      /* of finding an address in a subnet that we are not connected to */
    TOLD_MAX = 100,  /* addresses in one answer */
    RELAY_MAX = 10,  /* a message with more is an answer, and is not passed on */
    RELAY_FRESH_S = 600,
    RELAY_TO = 2
};

/* ---- dials under way ---- */

static bool is_dialling(const struct notch_p2p *p2p, const struct notch_p2p_address *address)
{
    for (size_t i = 0; i < NOTCH__DIALS_MAX; i++) {
        if (p2p->dials[i].address.port != 0 && notch_p2p_address_eq(&p2p->dials[i].address, address)) {
            return true;
        }
    }
    return false;
}

static void dial(struct notch_p2p *p2p, const struct notch_p2p_address *address, enum notch_p2p_purpose purpose)
{
    for (size_t i = 0; i < NOTCH__DIALS_MAX; i++) {
        struct notch__dial *slot = &p2p->dials[i];
        if (slot->address.port != 0) {
            continue;
        }
        *slot = (struct notch__dial){.address = *address, .purpose = purpose, .until = p2p->now + DIAL_MS};
        notch_p2p_book_attempt(&p2p->book, address, p2p->now / 1000);
        struct notch_p2p_effect *effect = notch__p2p_emit(p2p, NOTCH_P2P_EFFECT_DIAL, 0, NULL);
        effect->dial.address = *address;
        effect->dial.purpose = purpose;
        return;
    }
}

static void dial_ended(struct notch_p2p *p2p, struct notch__dial *slot, bool has_failed)
{
    struct notch__dial ended = *slot;
    *slot = (struct notch__dial){0};
    if (has_failed && ended.purpose == NOTCH_P2P_STATIC) {
        notch__p2p_static_lost(p2p, &ended.address, true);
    }
}

void notch__p2p_dial_over(struct notch_p2p *p2p, const struct notch_p2p_address *address, bool has_failed)
{
    for (size_t i = 0; i < NOTCH__DIALS_MAX; i++) {
        if (p2p->dials[i].address.port != 0 && notch_p2p_address_eq(&p2p->dials[i].address, address)) {
            dial_ended(p2p, &p2p->dials[i], has_failed);
            return;
        }
    }
}

/* ---- static peers ---- */

static struct notch__static *find_static(struct notch_p2p *p2p, const struct notch_p2p_address *address)
{
    for (size_t i = 0; i < NOTCH_P2P_STATIC_MAX; i++) {
        if (p2p->statics[i].address.port != 0 && notch_p2p_address_eq(&p2p->statics[i].address, address)) {
            return &p2p->statics[i];
        }
    }
    return NULL;
}

void notch__p2p_static(struct notch_p2p *p2p, const struct notch_p2p_address *address, bool is_wanted)
{
    struct notch__static *known = find_static(p2p, address);
    if (!is_wanted && known != NULL) {
        *known = (struct notch__static){0};
    }
    if (!is_wanted || known != NULL || !notch_p2p_address_is_valid(address)) {
        return;
    }
    for (size_t i = 0; i < NOTCH_P2P_STATIC_MAX; i++) {
        if (p2p->statics[i].address.port == 0) {
            p2p->statics[i] = (struct notch__static){.address = *address, .next = p2p->now};
            p2p->heartbeat_next = p2p->now; /* dial at the next TICK */
            return;
        }
    }
    notch_log(p2p->options.log, NOTCH_LOG_WARN, "p2p", "no room for another static peer (%d)", NOTCH_P2P_STATIC_MAX);
}

void notch__p2p_static_lost(struct notch_p2p *p2p, const struct notch_p2p_address *address, bool has_failed)
{
    struct notch__static *fixed = find_static(p2p, address);
    if (fixed == NULL) {
        return;
    }
    fixed->failures = has_failed ? fixed->failures + 1 : 0;
    uint64_t wait_ms = p2p->limits->backoff_ms;
    for (uint32_t i = 1; i < fixed->failures && wait_ms < p2p->limits->backoff_ms_max; i++) {
        wait_ms *= 2;
    }
    wait_ms = wait_ms < p2p->limits->backoff_ms_max ? wait_ms : p2p->limits->backoff_ms_max;
    /* Between three quarters and all of it, so that a network that starts at once does not dial in step. */
    fixed->next = p2p->now + wait_ms - notch_rng_below(&p2p->rng, wait_ms / 4 + 1);
}

static bool is_connected(const struct notch_p2p *p2p, const struct notch_p2p_address *address)
{
    uint32_t at = 0;
    for (const struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        if (notch_p2p_address_eq(&peer->address, address) || notch_p2p_address_eq(&peer->listen, address)) {
            return true;
        }
    }
    return false;
}

static void dial_statics(struct notch_p2p *p2p)
{
    for (size_t i = 0; i < NOTCH_P2P_STATIC_MAX; i++) {
        const struct notch__static *fixed = &p2p->statics[i];
        if (fixed->address.port != 0 && fixed->next <= p2p->now && !is_connected(p2p, &fixed->address) &&
            !is_dialling(p2p, &fixed->address)) {
            dial(p2p, &fixed->address, NOTCH_P2P_STATIC);
        }
    }
}

/* ---- out of the book ---- */

static uint32_t count_of(const struct notch_p2p *p2p, enum notch_p2p_purpose purpose)
{
    uint32_t count = 0;
    uint32_t at = 0;
    for (const struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        count += peer->purpose == purpose ? 1 : 0;
    }
    for (size_t i = 0; i < NOTCH__DIALS_MAX; i++) {
        count += p2p->dials[i].address.port != 0 && p2p->dials[i].purpose == purpose ? 1 : 0;
    }
    return count;
}

/* Whether an outbound connection into this subnet is there, or under way. */
static bool has_outbound_in(const struct notch_p2p *p2p, const struct notch_p2p_address *address)
{
    struct notch_p2p_group group = notch_p2p_address_group(address);
    uint32_t at = 0;
    for (const struct notch__peer *peer; (peer = notch__p2p_next(p2p, &at)) != NULL;) {
        if (peer->purpose != NOTCH_P2P_INBOUND && notch_p2p_group_eq(&peer->group, &group)) {
            return true;
        }
    }
    for (size_t i = 0; i < NOTCH__DIALS_MAX; i++) {
        struct notch_p2p_group other = notch_p2p_address_group(&p2p->dials[i].address);
        if (p2p->dials[i].address.port != 0 && notch_p2p_group_eq(&other, &group)) {
            return true;
        }
    }
    return false;
}

static bool may_dial(const struct notch_p2p *p2p, const struct notch_p2p_address *address)
{
    return !is_connected(p2p, address) && !is_dialling(p2p, address) && !has_outbound_in(p2p, address) &&
           !notch_p2p_address_eq(address, &p2p->options.listen);
}

static void dial_from_book(struct notch_p2p *p2p, enum notch_p2p_purpose purpose, enum notch_p2p_book_from from)
{
    for (int i = 0; i < TRIES; i++) {
        struct notch_p2p_seen seen;
        if (!notch_p2p_book_select(&p2p->book, &seen, &p2p->rng, from, p2p->now / 1000)) {
            return;
        }
        if (may_dial(p2p, &seen.address)) {
            dial(p2p, &seen.address, purpose);
            return;
        }
    }
}

/* The block-only peers of before the restart come first: whoever fills our book cannot push them out. */
static bool dial_anchor(struct notch_p2p *p2p)
{
    for (size_t i = 0; i < NOTCH__ANCHORS_MAX; i++) {
        struct notch_p2p_address anchor = p2p->anchors[i];
        p2p->anchors[i] = (struct notch_p2p_address){.port = 0};
        if (anchor.port != 0 && may_dial(p2p, &anchor)) {
            dial(p2p, &anchor, NOTCH_P2P_BLOCK_ONLY);
            return true;
        }
    }
    return false;
}

static void feel(struct notch_p2p *p2p)
{
    p2p->feeler_next = p2p->now + p2p->limits->feeler_ms;
    struct notch_p2p_address tested;
    if (!notch_p2p_book_next_test(&p2p->book, &tested)) {
        dial_from_book(p2p, NOTCH_P2P_FEELER, NOTCH_P2P_BOOK_NEW);
    } else if (is_connected(p2p, &tested)) {
        notch_p2p_book_good(&p2p->book, &tested, p2p->now / 1000);
    } else if (!is_dialling(p2p, &tested)) {
        dial(p2p, &tested, NOTCH_P2P_FEELER);
    }
}

void notch__p2p_dial(struct notch_p2p *p2p)
{
    for (size_t i = 0; i < NOTCH__DIALS_MAX; i++) {
        if (p2p->dials[i].address.port != 0 && p2p->dials[i].until <= p2p->now) {
            dial_ended(p2p, &p2p->dials[i], true);
        }
    }
    if (p2p->is_closing) {
        return;
    }
    dial_statics(p2p);
    notch_p2p_book_settle(&p2p->book, p2p->now / 1000);
    if (p2p->now < p2p->dial_next) {
        return;
    }
    p2p->dial_next = p2p->now + p2p->limits->dial_ms;
    if (count_of(p2p, NOTCH_P2P_BLOCK_ONLY) < p2p->limits->outbound_block) {
        if (dial_anchor(p2p)) {
            return;
        }
    }
    if (count_of(p2p, NOTCH_P2P_FULL) < p2p->limits->outbound_full) {
        dial_from_book(p2p, NOTCH_P2P_FULL, NOTCH_P2P_BOOK_ANY);
    } else if (count_of(p2p, NOTCH_P2P_BLOCK_ONLY) < p2p->limits->outbound_block) {
        dial_from_book(p2p, NOTCH_P2P_BLOCK_ONLY, NOTCH_P2P_BOOK_ANY);
    }
    if (p2p->now >= p2p->feeler_next) {
        feel(p2p);
    }
}

/* ---- addresses ---- */

void notch__p2p_heard_of(struct notch_p2p *p2p, const struct notch_p2p_seen *seen,
                         const struct notch_p2p_address *source)
{
    struct notch_p2p_group group = notch_p2p_address_group(source);
    (void)notch_p2p_book_add(&p2p->book, seen, &group, p2p->now / 1000);
}

static bool takes_addresses(struct notch_p2p *p2p, const struct notch__peer *peer, const void *context)
{
    (void)p2p;
    return peer != context && notch__p2p_takes(peer, NOTCH_P2P_ADDRESSES);
}

static void pass_on(struct notch_p2p *p2p, const struct notch__peer *from, const struct notch_p2p_seen *seen)
{
    uint32_t places[NOTCH_P2P_PEERS_MAX];
    uint32_t count = notch__p2p_pick(p2p, places, takes_addresses, from);
    uint8_t packed[NOTCH_P2P_SEEN_LEN];
    struct notch_writer writer = notch_writer(packed, sizeof packed);
    notch_p2p_seen_write(&writer, seen);
    struct notch_p2p_message message = {.type = NOTCH_P2P_ADDRESSES, .addresses = {{1, notch_writer_bytes(&writer)}}};
    for (uint32_t i = 0; i < count && i < RELAY_TO; i++) {
        notch__p2p_send(p2p, &p2p->peers[places[i]], &message);
    }
}

void notch__p2p_addresses(struct notch_p2p *p2p, struct notch__peer *peer, const struct notch_p2p_message *message)
{
    if (!notch__p2p_takes(peer, NOTCH_P2P_ADDRESSES)) {
        return;
    }
    bool is_relayed = message->addresses.addresses.count <= RELAY_MAX;
    struct notch_reader reader = notch_reader(message->addresses.addresses.packed);
    struct notch_p2p_seen seen;
    while (notch_p2p_next_seen(&reader, &seen)) {
        bool is_tried;
        bool is_known = notch_p2p_book_has(&p2p->book, &seen.address, &is_tried);
        notch__p2p_heard_of(p2p, &seen, &peer->address);
        bool is_fresh = seen.seen_s + RELAY_FRESH_S >= p2p->now / 1000;
        /* What is news here may be news to others; what is not has been passed on before. */
        if (is_relayed && !is_known && is_fresh && notch_p2p_book_has(&p2p->book, &seen.address, &is_tried)) {
            pass_on(p2p, peer, &seen);
        }
    }
}

/* Once per connection, and only to those who dialled us: asking often would show when which address came in. */
void notch__p2p_tell_addresses(struct notch_p2p *p2p, struct notch__peer *peer)
{
    if (peer->was_told_addresses || peer->purpose != NOTCH_P2P_INBOUND) {
        return;
    }
    peer->was_told_addresses = true;
    struct notch_p2p_seen told[TOLD_MAX];
    size_t count = notch_p2p_book_sample(&p2p->book, told, TOLD_MAX, &p2p->rng, p2p->now / 1000);
    if (count == 0) {
        return;
    }
    uint8_t packed[TOLD_MAX * NOTCH_P2P_SEEN_LEN];
    struct notch_writer writer = notch_writer(packed, sizeof packed);
    for (size_t i = 0; i < count; i++) {
        notch_p2p_seen_write(&writer, &told[i]);
    }
    struct notch_p2p_message message = {.type = NOTCH_P2P_ADDRESSES,
                                        .addresses = {{(uint32_t)count, notch_writer_bytes(&writer)}}};
    notch__p2p_send(p2p, peer, &message);
}
