/*
 * base/hash.h: SHA-256, and tags that keep one use of it apart from another.
 *
 * A tagged hash is SHA256(T || T || message) with T = SHA256(tag), as in BIP340. On a chain the tag is the name of the
 * use followed by the 32 bytes of the genesis hash, so that nothing signed for one chain, or for one purpose, can be
 * shown as another. T || T is exactly one block of SHA-256: a struct notch_domain keeps the state behind it for every
 * tag, and a tagged hash costs no more than a plain one.
 *
 * Merkle trees use plain SHA-256 with the prefixes of RFC 9162 (chain/merkle.h); their leaves are tagged hashes.
 *
 * Ownership    All values; nothing on the heap. libcrypto's block function is used without the provider look-up that
 *              costs more than the hash (design/dependencies.md).
 * Thread       A notch_sha256 belongs to one thread; a notch_domain may be shared once made.
 */
#ifndef NOTCH_BASE_HASH_H
#define NOTCH_BASE_HASH_H

#include "base/bytes.h"
#include "base/units.h"

struct notch_sha256 {
    _Alignas(8) uint8_t opaque[112];
};

void notch_sha256_init(struct notch_sha256 *sha);
void notch_sha256_update(struct notch_sha256 *sha, const void *data, size_t len);
void notch_sha256_final(struct notch_sha256 *sha, struct notch_hash *out);
void notch_sha256(struct notch_hash *out, struct notch_bytes data);

/* What is hashed on a chain. The text is "notch/" and the name; it is part of the protocol. */
#define NOTCH_TAG_TABLE(X) \
    X(RECORD_SIGN, "record/sign") \
    X(RECORD_ID, "record/id") \
    X(RECORD_SALT, "record/salt") \
    X(BATCH, "batch") \
    X(BLOCK, "block") \
    X(VOTE, "vote") \
    X(VOTES, "votes") \
    X(EVIDENCE, "evidence") \
    X(SET, "set") \
    X(SEED, "seed") \
    X(LEADER, "leader") \
    X(VRF, "vrf") \
    X(STATE_KEY, "state/key") \
    X(STATE_LEAF, "state/leaf") \
    X(STATE_NODE, "state/node") \
    X(RECEIPT, "receipt") \
    X(STORED, "stored") \
    X(MARKET, "market") \
    X(RESOURCE, "resource") \
    X(ALLOCATION, "allocation") \
    X(VOUCH, "vouch") \
    X(GOVERNANCE, "governance") \
    X(TIE, "tie") \
    X(CHALLENGE, "challenge") \
    X(MODEL, "model") \
    X(PROOF, "proof") \
    X(VALIDATOR, "validator") \
    X(AUTHOR, "author")

enum notch_tag {
#define X(name, text) NOTCH_TAG_##name,
    NOTCH_TAG_TABLE(X)
#undef X
        NOTCH_TAG_COUNT
};

/* The tags of one chain, each with the state of SHA-256 behind its T || T. 3.1 KiB; make one per chain and share it. */
struct notch_domain {
    struct notch_hash genesis;
    struct notch_sha256 tags[NOTCH_TAG_COUNT];
};

void notch_domain_init(struct notch_domain *domain, const struct notch_hash *genesis);

/* "notch/record/sign", ... : the tag without the genesis hash. */
const char *notch_tag_text(enum notch_tag tag);

/* A tagged hash in one call, or begun here and gone on with notch_sha256_update() and _final(). */
void notch_domain_hash(struct notch_hash *out, const struct notch_domain *domain, enum notch_tag tag,
                       struct notch_bytes message);
void notch_domain_begin(struct notch_sha256 *sha, const struct notch_domain *domain, enum notch_tag tag);

/* BIP340's tagged hash with a tag of the caller's: for what belongs to no chain (a genesis file, a backup). */
void notch_hash_tagged(struct notch_hash *out, const char *tag, struct notch_bytes message);

#endif
