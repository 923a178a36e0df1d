/*
 * p2p/book.h: the address book: addresses that somebody named, and those that once answered.
 *
 * Two tables of buckets. An address that was heard of goes to one place in "new", picked by a keyed hash over its
 * group and the group of who named it; one that answered moves to one place in "tried", picked by its own group.
 * Whoever controls a few subnets reaches a small share of the places, whatever he sends:
 *
 *   a source group reaches    new_per_source of the new buckets
 *   an address group reaches  tried_per_group of the tried ones
 *
 * A place in "tried" is never given away while its address answers: the newcomer waits, a feeler tests the one that
 * sits there (notch_p2p_book_next_test()), and only if that failed do they change places. What is heard of never
 * moves a tried address, and takes a place in "new" only from one that is stale (NOTCH_P2P_BOOK_STALE_S without
 * news, or that kept failing).
 *
 * Invariants   An address is in at most one place.
 * Ownership    The book owns its buckets; each is taken when its first address comes.
 * Memory       At most (new + tried buckets) * bucket_size * 80 B, and 40 B per address for the index: 10 MiB by
 *              default.
 * Units        Unix seconds.
 * Thread       One at a time.
 * Source       Heilman and others, "Eclipse attacks on Bitcoin's peer-to-peer network" (2015), countermeasures 1 to
 *              4; consensus.md 6.
 */
#ifndef NOTCH_P2P_BOOK_H
#define NOTCH_P2P_BOOK_H

#include "base/codec.h"
#include "base/error.h"
#include "base/map.h"
#include "p2p/address.h"

struct notch_p2p_book_limits {
    uint32_t new_buckets;     /* 1,024 */
    uint32_t tried_buckets;   /* 256 */
    uint32_t bucket_size;     /* 64 */
    uint32_t new_per_source;  /* 64 */
    uint32_t tried_per_group; /* 8 */
};

#define NOTCH_P2P_BOOK_STALE_S (30u * 24 * 3600)
#define NOTCH_P2P_BOOK_WAITING_MAX 16

struct notch__book_slot {
    struct notch_p2p_seen seen; /* port 0: free */
    struct notch_p2p_group source;
    uint64_t tried_s;    /* the last attempt */
    uint64_t answered_s; /* the last success; 0: never */
    uint32_t failures;   /* since then */
};

struct notch_p2p_book {
    struct notch_p2p_book_limits limits;
    struct notch_siphash_key hash_key;
    struct notch__book_slot **buckets; /* first the new ones, then the tried ones; NULL until used */
    struct notch_map places;           /* address -> uint32_t: bucket * bucket_size + position */
    uint32_t new_count, tried_count;
    struct {
        struct notch_p2p_address address; /* answered, and its place in "tried" is taken */
        uint64_t since_s;
    } waiting[NOTCH_P2P_BOOK_WAITING_MAX];
    uint32_t waiting_count;
    const struct notch_alloc *alloc;
};

void notch_p2p_book_limits_default(struct notch_p2p_book_limits *out);
void notch_p2p_book_init(struct notch_p2p_book *book, const struct notch_alloc *alloc,
                         struct notch_siphash_key hash_key, const struct notch_p2p_book_limits *limits);
void notch_p2p_book_fini(struct notch_p2p_book *book);

/* Somebody in `source` named an address. Whether it got a place (one that is known is only freshened). */
bool notch_p2p_book_add(struct notch_p2p_book *book, const struct notch_p2p_seen *seen,
                        const struct notch_p2p_group *source, uint64_t now_s);

/* We dial it; and it answered with a full handshake. Unknown addresses are ignored by both. */
void notch_p2p_book_attempt(struct notch_p2p_book *book, const struct notch_p2p_address *address, uint64_t now_s);
void notch_p2p_book_good(struct notch_p2p_book *book, const struct notch_p2p_address *address, uint64_t now_s);

/* An address to dial: half the time a tried one, where there are both; rarely one just tried, or that kept failing. */
enum notch_p2p_book_from { NOTCH_P2P_BOOK_ANY, NOTCH_P2P_BOOK_NEW };
bool notch_p2p_book_select(const struct notch_p2p_book *book, struct notch_p2p_seen *out, struct notch_rng *rng,
                           enum notch_p2p_book_from from, uint64_t now_s);

/* The tried address that a feeler should test, because another waits for its place; false if none waits. */
bool notch_p2p_book_next_test(const struct notch_p2p_book *book, struct notch_p2p_address *out);

/* Lets those who wait take the places of addresses that failed their test, and forgets those whose rival answered. */
void notch_p2p_book_settle(struct notch_p2p_book *book, uint64_t now_s);

/* Up to `max` addresses to tell others, at most 23 in 100 of all, none that is stale. Returns how many. */
size_t notch_p2p_book_sample(const struct notch_p2p_book *book, struct notch_p2p_seen *out, size_t max,
                             struct notch_rng *rng, uint64_t now_s);

bool notch_p2p_book_has(const struct notch_p2p_book *book, const struct notch_p2p_address *address, bool *is_tried);

/* The book as bytes. Reading fills an empty book; places are worked out anew, so the hash key may be another. */
void notch_p2p_book_write(const struct notch_p2p_book *book, struct notch_writer *writer);
NOTCH_MUST_USE struct notch_reject notch_p2p_book_read(struct notch_p2p_book *book, struct notch_reader *reader);

#endif
