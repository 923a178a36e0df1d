/*
 * ai/agent/memory/memory.h: the price memories of all markets of a node, as many as there is room for.
 *
 * When one more is needed than the bound allows, the market that was used least recently is forgotten; who wants to
 * keep it asks for the victim first and writes it down (notch_memory_victim, notch_market_write). A memory goes into
 * bytes and comes back the same, in every number and in the order of use: a restart loses nothing.
 *
 * Bytes        "NPM" 1 | markets uvar | from the least to the most recently used: id 32, length uvar, market
 * Ownership    create / destroy. A market belongs to the memory, and stays where it is until it is forgotten.
 * Limits       max_markets, 1 to NOTCH_MEMORY_MARKETS_MAX; a market takes about 40 KiB.
 * Thread       One at a time.
 */
#ifndef NOTCH_AI_AGENT_MEMORY_MEMORY_H
#define NOTCH_AI_AGENT_MEMORY_MEMORY_H

#include "ai/agent/memory/market.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/rng.h"

#define NOTCH_MEMORY_MARKETS_MAX 100000
#define NOTCH_MEMORY_MARKET_BYTES_MAX (1u << 20)

struct notch_memory;

struct notch_memory_options {
    const struct notch_alloc *alloc;
    struct notch_siphash_key hash_key;
    uint32_t max_markets;               /* 1024 */
    struct notch_market_options market; /* of markets that are made on the way */
};
struct notch_memory_options notch_memory_defaults(const struct notch_alloc *alloc);

/* RANGE where an option is out of bounds. */
NOTCH_MUST_USE enum notch_err notch_memory_create(struct notch_memory **out,
                                                  const struct notch_memory_options *options);
void notch_memory_destroy(struct notch_memory *memory);

/* The market, now the most recently used; made where it is not there. Never NULL. */
struct notch_market *notch_memory_market(struct notch_memory *memory, const struct notch_hash *id);

/* The market, or NULL; use does not count. */
const struct notch_market *notch_memory_peek(const struct notch_memory *memory, const struct notch_hash *id);

/* What notch_memory_market() of another id would push out, with its id; NULL where there is room. */
const struct notch_market *notch_memory_victim(const struct notch_memory *memory, struct notch_hash *id);

uint32_t notch_memory_count(const struct notch_memory *memory);
uint64_t notch_memory_forgotten(const struct notch_memory *memory);

/* Walks from the most to the least recently used: start with *at = 0; NULL at the end. */
const struct notch_market *notch_memory_next(const struct notch_memory *memory, uint32_t *at, struct notch_hash *id);

/* Appends the bytes. */
void notch_memory_write(const struct notch_memory *memory, struct notch_buf *out);

/* Puts the markets of the bytes in place of what is there. CORRUPT, and nothing changes, where they are no memory;
 * SPACE where they hold more markets than this one may. */
NOTCH_MUST_USE enum notch_err notch_memory_read(struct notch_memory *memory, struct notch_bytes bytes);

#endif
