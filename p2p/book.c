#include "p2p/book.h"

#include "base/assert.h"
#include "p2p/message.h"

enum {
    RECENT_S = 600,
    FUTURE_S = 600,
    FAILURES_NEVER = 3, /* of an address that never answered */
    FAILURES_EVER = 10, /* of one that did, a week ago */
    WEEK_S = 7 * 24 * 3600,
    TEST_S = 60, /* a test that runs gets this long */
    WAIT_S = 2400
};

void notch_p2p_book_limits_default(struct notch_p2p_book_limits *out)
{
    *out = (struct notch_p2p_book_limits){
        .new_buckets = 1024, .tried_buckets = 256, .bucket_size = 64, .new_per_source = 64, .tried_per_group = 8};
}

static uint32_t bucket_count(const struct notch_p2p_book *book)
{
    return book->limits.new_buckets + book->limits.tried_buckets;
}

void notch_p2p_book_init(struct notch_p2p_book *book, const struct notch_alloc *alloc,
                         struct notch_siphash_key hash_key, const struct notch_p2p_book_limits *limits)
{
    notch_assert(limits->new_buckets > 0);
    notch_assert(limits->tried_buckets > 0);
    notch_assert(limits->bucket_size > 0);
    *book = (struct notch_p2p_book){.limits = *limits, .hash_key = hash_key, .alloc = alloc};
    book->buckets = notch_alloc_array(alloc, bucket_count(book), sizeof *book->buckets);
    notch_map_init(&book->places, alloc, hash_key, sizeof(struct notch_p2p_address), sizeof(uint32_t), 0);
}

void notch_p2p_book_fini(struct notch_p2p_book *book)
{
    for (uint32_t i = 0; i < bucket_count(book); i++) {
        if (book->buckets[i] != NULL) {
            notch_free(book->alloc, book->buckets[i], book->limits.bucket_size * sizeof **book->buckets);
        }
    }
    notch_free(book->alloc, book->buckets, bucket_count(book) * sizeof *book->buckets);
    notch_map_fini(&book->places);
}

/* ---- places ---- */

static struct notch__book_slot *slot_at(const struct notch_p2p_book *book, uint32_t place)
{
    struct notch__book_slot *bucket = book->buckets[place / book->limits.bucket_size];
    return bucket != NULL ? &bucket[place % book->limits.bucket_size] : NULL;
}

static bool is_free(const struct notch__book_slot *slot)
{
    return slot == NULL || slot->seen.address.port == 0;
}

static bool is_tried_place(const struct notch_p2p_book *book, uint32_t place)
{
    return place / book->limits.bucket_size >= book->limits.new_buckets;
}

/* A keyed hash over a letter, a number and up to three pieces. */
struct mix {
    uint8_t bytes[1 + 4 + 8 + 8 + 18];
    size_t len;
};

static void mix_add(struct mix *mix, const void *data, size_t len)
{
    memcpy(mix->bytes + mix->len, data, len);
    mix->len += len;
}

static struct mix mix_begin(char letter, uint32_t number)
{
    struct mix mix = {.bytes = {(uint8_t)letter}, .len = 1};
    uint8_t be[4];
    notch_put_be32(be, number);
    mix_add(&mix, be, sizeof be);
    return mix;
}

static uint32_t mix_end(const struct notch_p2p_book *book, const struct mix *mix, uint32_t below)
{
    return (uint32_t)(notch_siphash(book->hash_key, mix->bytes, mix->len) % below);
}

static uint32_t place_in(const struct notch_p2p_book *book, uint32_t bucket, const struct notch_p2p_address *address)
{
    struct mix mix = mix_begin('p', bucket);
    mix_add(&mix, address, sizeof *address);
    return bucket * book->limits.bucket_size + mix_end(book, &mix, book->limits.bucket_size);
}

static uint32_t new_place(const struct notch_p2p_book *book, const struct notch_p2p_address *address,
                          const struct notch_p2p_group *source)
{
    struct notch_p2p_group group = notch_p2p_address_group(address);
    struct mix mix = mix_begin('g', 0);
    mix_add(&mix, group.bytes, sizeof group.bytes);
    mix_add(&mix, source->bytes, sizeof source->bytes);
    uint32_t among = mix_end(book, &mix, book->limits.new_per_source);
    mix = mix_begin('n', among);
    mix_add(&mix, source->bytes, sizeof source->bytes);
    return place_in(book, mix_end(book, &mix, book->limits.new_buckets), address);
}

static uint32_t tried_place(const struct notch_p2p_book *book, const struct notch_p2p_address *address)
{
    struct mix mix = mix_begin('a', 0);
    mix_add(&mix, address, sizeof *address);
    uint32_t among = mix_end(book, &mix, book->limits.tried_per_group);
    struct notch_p2p_group group = notch_p2p_address_group(address);
    mix = mix_begin('t', among);
    mix_add(&mix, group.bytes, sizeof group.bytes);
    return place_in(book, book->limits.new_buckets + mix_end(book, &mix, book->limits.tried_buckets), address);
}

static const uint32_t *place_of(const struct notch_p2p_book *book, const struct notch_p2p_address *address)
{
    return notch_map_get(&book->places, address);
}

static void put(struct notch_p2p_book *book, uint32_t place, const struct notch__book_slot *slot)
{
    struct notch__book_slot **bucket = &book->buckets[place / book->limits.bucket_size];
    if (*bucket == NULL) {
        *bucket = notch_alloc_array(book->alloc, book->limits.bucket_size, sizeof **bucket);
    }
    notch_assert(is_free(slot_at(book, place)));
    *slot_at(book, place) = *slot;
    uint32_t *at = notch_map_put(&book->places, &slot->seen.address, NULL);
    *at = place;
    if (is_tried_place(book, place)) {
        book->tried_count++;
    } else {
        book->new_count++;
    }
}

static struct notch__book_slot take(struct notch_p2p_book *book, uint32_t place)
{
    struct notch__book_slot *slot = slot_at(book, place);
    struct notch__book_slot taken = *slot;
    notch_map_remove(&book->places, &taken.seen.address);
    *slot = (struct notch__book_slot){0};
    if (is_tried_place(book, place)) {
        book->tried_count--;
    } else {
        book->new_count--;
    }
    return taken;
}

/* Not worth a place that somebody else could have, nor telling anybody. */
static bool is_stale(const struct notch__book_slot *slot, uint64_t now_s)
{
    if (slot->tried_s != 0 && slot->tried_s + TEST_S > now_s) {
        return false; /* being tried */
    }
    uint64_t seen_s = slot->seen.seen_s > slot->answered_s ? slot->seen.seen_s : slot->answered_s;
    if (seen_s > now_s + FUTURE_S || seen_s + NOTCH_P2P_BOOK_STALE_S < now_s) {
        return true;
    }
    if (slot->answered_s == 0) {
        return slot->failures >= FAILURES_NEVER;
    }
    return slot->failures >= FAILURES_EVER && slot->answered_s + WEEK_S < now_s;
}

/* ---- what happens to an address ---- */

bool notch_p2p_book_add(struct notch_p2p_book *book, const struct notch_p2p_seen *seen,
                        const struct notch_p2p_group *source, uint64_t now_s)
{
    if (!notch_p2p_address_is_valid(&seen->address)) {
        return false;
    }
    struct notch__book_slot fresh = {.seen = *seen, .source = *source};
    if (fresh.seen.seen_s > now_s + FUTURE_S) {
        fresh.seen.seen_s = (uint32_t)(now_s > WEEK_S ? now_s - WEEK_S : 0);
    }
    const uint32_t *known = place_of(book, &seen->address);
    if (known != NULL) {
        struct notch__book_slot *slot = slot_at(book, *known);
        if (fresh.seen.seen_s > slot->seen.seen_s) {
            slot->seen.seen_s = fresh.seen.seen_s;
        }
        slot->seen.services |= seen->services;
        return true;
    }
    uint32_t place = new_place(book, &seen->address, source);
    const struct notch__book_slot *there = slot_at(book, place);
    if (!is_free(there)) {
        if (!is_stale(there, now_s)) {
            return false;
        }
        (void)take(book, place);
    }
    put(book, place, &fresh);
    return true;
}

void notch_p2p_book_attempt(struct notch_p2p_book *book, const struct notch_p2p_address *address, uint64_t now_s)
{
    const uint32_t *place = place_of(book, address);
    if (place != NULL) {
        struct notch__book_slot *slot = slot_at(book, *place);
        slot->tried_s = now_s;
        slot->failures++; /* until it answers */
    }
}

static bool is_waiting(const struct notch_p2p_book *book, const struct notch_p2p_address *address)
{
    for (uint32_t i = 0; i < book->waiting_count; i++) {
        if (notch_p2p_address_eq(&book->waiting[i].address, address)) {
            return true;
        }
    }
    return false;
}

void notch_p2p_book_good(struct notch_p2p_book *book, const struct notch_p2p_address *address, uint64_t now_s)
{
    const uint32_t *known = place_of(book, address);
    if (known == NULL) {
        return;
    }
    uint32_t place = *known;
    struct notch__book_slot *slot = slot_at(book, place);
    slot->tried_s = now_s;
    slot->answered_s = now_s;
    slot->seen.seen_s = (uint32_t)now_s;
    slot->failures = 0;
    if (is_tried_place(book, place)) {
        return;
    }
    uint32_t to = tried_place(book, address);
    if (is_free(slot_at(book, to))) {
        struct notch__book_slot moved = take(book, place);
        put(book, to, &moved);
    } else if (!is_waiting(book, address) && book->waiting_count < NOTCH_P2P_BOOK_WAITING_MAX) {
        book->waiting[book->waiting_count].address = *address;
        book->waiting[book->waiting_count].since_s = now_s;
        book->waiting_count++;
    }
}

bool notch_p2p_book_next_test(const struct notch_p2p_book *book, struct notch_p2p_address *out)
{
    for (uint32_t i = 0; i < book->waiting_count; i++) {
        const struct notch__book_slot *rival = slot_at(book, tried_place(book, &book->waiting[i].address));
        if (!is_free(rival) && rival->tried_s < book->waiting[i].since_s) {
            *out = rival->seen.address;
            return true;
        }
    }
    return false;
}

/* Who sat in "tried" goes back to "new", if there is room, and the newcomer sits down. */
static void change_places(struct notch_p2p_book *book, const struct notch_p2p_address *newcomer, uint64_t now_s)
{
    uint32_t to = tried_place(book, newcomer);
    uint32_t from = *place_of(book, newcomer);
    struct notch__book_slot moved = take(book, from);
    if (!is_free(slot_at(book, to))) {
        struct notch__book_slot old = take(book, to);
        uint32_t back = new_place(book, &old.seen.address, &old.source);
        struct notch__book_slot *there = slot_at(book, back);
        if (!is_free(there) && is_stale(there, now_s)) {
            (void)take(book, back);
        }
        if (is_free(slot_at(book, back))) {
            put(book, back, &old);
        }
    }
    put(book, to, &moved);
}

/* Whether a wait is over. */
static bool settle_one(struct notch_p2p_book *book, uint32_t index, uint64_t now_s)
{
    struct notch_p2p_address newcomer = book->waiting[index].address;
    uint64_t since_s = book->waiting[index].since_s;
    const uint32_t *place = place_of(book, &newcomer);
    if (place == NULL || is_tried_place(book, *place)) {
        return true;
    }
    const struct notch__book_slot *rival = slot_at(book, tried_place(book, &newcomer));
    if (is_free(rival)) {
        change_places(book, &newcomer, now_s);
        return true;
    }
    if (rival->answered_s >= since_s) {
        return true; /* it lives */
    }
    if (rival->tried_s >= since_s && rival->tried_s + TEST_S <= now_s) {
        change_places(book, &newcomer, now_s);
        return true;
    }
    return since_s + WAIT_S < now_s;
}

void notch_p2p_book_settle(struct notch_p2p_book *book, uint64_t now_s)
{
    for (uint32_t i = 0; i < book->waiting_count;) {
        if (settle_one(book, i, now_s)) {
            book->waiting[i] = book->waiting[--book->waiting_count];
        } else {
            i++;
        }
    }
}

/* ---- choosing ---- */

/* How willingly an address is dialled, in ppm. */
static uint32_t chance(const struct notch__book_slot *slot, uint64_t now_s)
{
    uint32_t ppm = 1000000;
    if (slot->tried_s != 0 && slot->tried_s + RECENT_S > now_s) {
        ppm = 10000;
    }
    for (uint32_t i = 0; i < slot->failures && i < 8; i++) {
        ppm = ppm / 3 * 2;
    }
    return ppm;
}

/* The first taken slot from a random place on, round the buckets [first, first + count); NULL if there is none. */
static const struct notch__book_slot *random_slot(const struct notch_p2p_book *book, struct notch_rng *rng,
                                                  uint32_t first, uint32_t count)
{
    uint32_t start = (uint32_t)notch_rng_below(rng, count);
    uint32_t position = (uint32_t)notch_rng_below(rng, book->limits.bucket_size);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bucket = first + (start + i) % count;
        for (uint32_t j = 0; book->buckets[bucket] != NULL && j < book->limits.bucket_size; j++) {
            const struct notch__book_slot *slot = &book->buckets[bucket][(position + j) % book->limits.bucket_size];
            if (!is_free(slot)) {
                return slot;
            }
        }
    }
    return NULL;
}

bool notch_p2p_book_select(const struct notch_p2p_book *book, struct notch_p2p_seen *out, struct notch_rng *rng,
                           enum notch_p2p_book_from from, uint64_t now_s)
{
    bool use_tried =
        from == NOTCH_P2P_BOOK_ANY && book->tried_count > 0 && (book->new_count == 0 || notch_rng_chance(rng, 500000));
    if (!use_tried && book->new_count == 0) {
        return false;
    }
    uint32_t first = use_tried ? book->limits.new_buckets : 0;
    uint32_t count = use_tried ? book->limits.tried_buckets : book->limits.new_buckets;
    for (uint32_t i = 1; i <= 32; i++) {
        const struct notch__book_slot *slot = random_slot(book, rng, first, count);
        /* Each time a little less particular. */
        uint64_t ppm = (uint64_t)chance(slot, now_s) * i;
        if (notch_rng_below(rng, 1000000) < ppm) {
            *out = slot->seen;
            return true;
        }
    }
    return false;
}

size_t notch_p2p_book_sample(const struct notch_p2p_book *book, struct notch_p2p_seen *out, size_t max,
                             struct notch_rng *rng, uint64_t now_s)
{
    size_t all = (size_t)book->new_count + book->tried_count;
    size_t share = (all * 23 + 99) / 100;
    size_t wanted = max < share ? max : share;
    size_t count = 0;
    for (size_t tries = 0; count < wanted && tries < 4 * wanted; tries++) {
        bool use_tried = notch_rng_below(rng, all) < book->tried_count;
        uint32_t first = use_tried ? book->limits.new_buckets : 0;
        uint32_t buckets = use_tried ? book->limits.tried_buckets : book->limits.new_buckets;
        const struct notch__book_slot *slot = random_slot(book, rng, first, buckets);
        bool is_taken = slot == NULL || is_stale(slot, now_s);
        for (size_t i = 0; i < count && !is_taken; i++) {
            is_taken = notch_p2p_address_eq(&out[i].address, &slot->seen.address);
        }
        if (!is_taken) {
            out[count++] = slot->seen;
        }
    }
    return count;
}

bool notch_p2p_book_has(const struct notch_p2p_book *book, const struct notch_p2p_address *address, bool *is_tried)
{
    const uint32_t *place = place_of(book, address);
    *is_tried = place != NULL && is_tried_place(book, *place);
    return place != NULL;
}

/* ---- as bytes: count u32, then (tried u8, seen, source 8, tried_s u64, answered_s u64, failures u32) ---- */

void notch_p2p_book_write(const struct notch_p2p_book *book, struct notch_writer *writer)
{
    notch_write_u32(writer, book->new_count + book->tried_count);
    uint32_t places = bucket_count(book) * book->limits.bucket_size;
    for (uint32_t back = places; back > 0; back--) { /* the tried ones first */
        const struct notch__book_slot *slot = slot_at(book, back - 1);
        if (is_free(slot)) {
            continue;
        }
        notch_write_u8(writer, is_tried_place(book, back - 1) ? 1 : 0);
        notch_p2p_seen_write(writer, &slot->seen);
        notch_write_bytes(writer, slot->source.bytes, sizeof slot->source.bytes);
        notch_write_u64(writer, slot->tried_s);
        notch_write_u64(writer, slot->answered_s);
        notch_write_u32(writer, slot->failures);
    }
}

static bool read_slot(struct notch_reader *reader, struct notch__book_slot *out, bool *is_tried)
{
    uint8_t flag = notch_read_u8(reader);
    *is_tried = flag == 1;
    bool is_read = notch_p2p_next_seen(reader, &out->seen);
    notch_read_into(reader, out->source.bytes, sizeof out->source.bytes);
    out->tried_s = notch_read_u64(reader);
    out->answered_s = notch_read_u64(reader);
    out->failures = notch_read_u32(reader);
    bool is_sane = out->tried_s < UINT32_MAX && out->answered_s < UINT32_MAX;
    return is_read && !reader->failed && flag <= 1 && is_sane && notch_p2p_address_is_valid(&out->seen.address);
}

struct notch_reject notch_p2p_book_read(struct notch_p2p_book *book, struct notch_reader *reader)
{
    notch_assert(book->places.count == 0);
    uint32_t count = notch_read_u32(reader);
    for (uint32_t i = 0; i < count; i++) {
        struct notch__book_slot slot;
        bool is_tried;
        if (!read_slot(reader, &slot, &is_tried)) {
            notch_reader_fail(reader);
            return NOTCH_REJECT(MALFORMED, "address book");
        }
        uint32_t place =
            is_tried ? tried_place(book, &slot.seen.address) : new_place(book, &slot.seen.address, &slot.source);
        if (place_of(book, &slot.seen.address) == NULL && is_free(slot_at(book, place))) {
            put(book, place, &slot);
        }
    }
    return NOTCH_VALID;
}
