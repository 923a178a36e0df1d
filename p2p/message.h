/*
 * p2p/message.h: what stands in each message of p2p/wire.h, as structs, and the walking of their lists.
 *
 * Ownership    Views borrow. A struct notch_p2p_list holds the packed elements without their count: append elements
 *              to a buffer with the functions below and count them.
 * Thread       Values; pure functions.
 */
#ifndef NOTCH_P2P_MESSAGE_H
#define NOTCH_P2P_MESSAGE_H

#include "base/codec.h"
#include "chain/vote.h"
#include "p2p/address.h"

#define NOTCH_P2P_AGENT_MAX 64
#define NOTCH_P2P_IDS_MAX 1000    /* HAVE, WANT, DONT_WANT (consensus.md 6) */
#define NOTCH_P2P_ITEMS_MAX 128   /* items in one message */
#define NOTCH_P2P_GET_IDS_MAX 64  /* bodies or batches asked for at once */
#define NOTCH_P2P_BLOBS_MAX 1000  /* answers in one message */
#define NOTCH_P2P_HEADERS_MAX 512 /* headers in one message */
#define NOTCH_P2P_RANGES_MAX 256  /* of a reconciliation */
#define NOTCH_P2P_RANGE_IDS_MAX 1024
#define NOTCH_P2P_PROOF_MAX 256 /* sibling hashes of a chunk */
#define NOTCH_P2P_ADDRESSES_MAX 1000

/* Elements, packed one behind the other. */
struct notch_p2p_list {
    uint32_t count;
    struct notch_bytes packed;
};

/* Where the sender stands on the chain: what 11.1 and the choice of whom to sync from go by. A claim, no proof. */
struct notch_p2p_status {
    struct notch_slot slot; /* of its clock */
    uint32_t set_id;
    struct notch_hash head;
    struct notch_height head_height;
    struct notch_checkpoint final;
    struct notch_height final_height;
    struct notch_checkpoint justified;
};

/* What a node can do beyond the least, in HELLO. Services are those of chain/genesis.h. */
#define NOTCH_P2P_CAN_ZSTD 1u  /* may be sent compressed frames */
#define NOTCH_P2P_CAN_RELAY 2u /* wants records, challenges and addresses, not blocks alone */
#define NOTCH_P2P_CAN_SYNC 4u  /* answers the requests of sync */
#define NOTCH_P2P_CAN_ALL 7u

struct notch_p2p_hello {
    struct notch_hash genesis;
    uint16_t version_min, version_max;
    uint32_t services;
    uint32_t capabilities; /* unknown bits are kept and ignored */
    struct notch_p2p_address listen;
    struct notch_bytes agent; /* printable ASCII, for people */
    struct notch_p2p_status status;
    struct notch_sig sig;
};

struct notch_p2p_ping {
    uint64_t nonce;
    struct notch_p2p_status status;
};

/* The reason is an enum notch_p2p_reason (p2p/effect.h), or a number from a later version. */
struct notch_p2p_bye {
    uint8_t reason;
};

enum notch_p2p_mesh_action { NOTCH_P2P_MESH_GRAFT = 1, NOTCH_P2P_MESH_PRUNE = 2 };
struct notch_p2p_mesh {
    uint8_t action;
    uint32_t pause_ms; /* PRUNE: do not graft again before */
};

struct notch_p2p_ids {
    uint8_t type; /* of the items: RECORDS ... CHALLENGES */
    struct notch_p2p_list ids;
};

struct notch_p2p_items {
    struct notch_p2p_list items;
};

struct notch_p2p_direct {
    uint16_t topic; /* the node gives it a meaning */
    struct notch_bytes bytes;
};

/* The set chain (consensus.md 4, 10): sets from `from` upwards, each with its certificate as the store keeps it. */
struct notch_p2p_get_sets {
    uint32_t token;
    uint32_t from;
    uint16_t max;
};

/* SETS, BODIES, GOT_BATCHES: in the order asked for; empty where the sender has none. */
struct notch_p2p_blobs {
    uint32_t token;
    struct notch_p2p_list blobs;
};

/* The header of `from` and its ancestors, newest first, down to (not including) height `down_to`. */
struct notch_p2p_get_headers {
    uint32_t token;
    struct notch_hash from;
    struct notch_height down_to;
    uint16_t max;
};
struct notch_p2p_headers {
    uint32_t token;
    struct notch_p2p_list headers; /* NOTCH_HEADER_LEN bytes each */
};

struct notch_p2p_get_ids {
    uint32_t token;
    struct notch_p2p_list ids; /* block hashes, or batch ids */
};

/* The votes that justify `target` (zero: the greatest), closed under sources down to the asker's `final` (8 L3). */
struct notch_p2p_get_certificate {
    uint32_t token;
    struct notch_checkpoint final;
    struct notch_checkpoint target;
};
struct notch_p2p_certificate {
    uint32_t token;
    bool is_last; /* false: there is more; ask again from the last one verified */
    struct notch_bytes votes;
};

/* One step of reconciling batch ids; the ranges follow each other and cover everything. */
struct notch_p2p_reconcile {
    uint32_t token;
    struct notch_p2p_list ranges;
};
enum notch_p2p_range_kind { NOTCH_P2P_RANGE_SKIP = 0, NOTCH_P2P_RANGE_FINGERPRINT = 1, NOTCH_P2P_RANGE_IDS = 2 };
struct notch_p2p_range {
    uint8_t kind;
    struct notch_hash end;         /* the last id in the range; ascending; all ones in the last range */
    struct notch_hash fingerprint; /* FINGERPRINT */
    struct notch_p2p_list ids;     /* IDS: strictly ascending */
};

/* The state at a signal block, in 2^depth chunks by the first bits of the key (consensus.md 4). */
struct notch_p2p_get_snapshot {
    uint32_t token;
    uint32_t set_id; /* UINT32_MAX: the newest */
};
struct notch_p2p_snapshot {
    uint32_t token;
    bool is_there; /* false: the rest is zero */
    uint32_t set_id;
    struct notch_hash block;
    struct notch_height height;
    struct notch_hash state_root;
    uint8_t depth; /* at most 16 */
};
struct notch_p2p_get_chunk {
    uint32_t token;
    struct notch_hash state_root;
    uint32_t index;
};
struct notch_p2p_chunk {
    uint32_t token;
    struct notch_hash state_root;
    uint32_t index;
    struct notch_p2p_list proof; /* sibling hashes, from the root down */
    struct notch_bytes bytes;    /* empty: the sender has it no more */
};

struct notch_p2p_addresses {
    struct notch_p2p_list addresses;
};

/* ---- lists: writing one element, and reading the next; start from notch_reader(list.packed); false at the end ---- */

bool notch_p2p_next_id(struct notch_reader *reader, struct notch_hash *out);
bool notch_p2p_next_blob(struct notch_reader *reader, struct notch_bytes *out);

void notch_p2p_item_write(struct notch_writer *writer, uint8_t hops, struct notch_bytes bytes);
bool notch_p2p_next_item(struct notch_reader *reader, uint8_t *hops, struct notch_bytes *bytes);

void notch_p2p_range_write(struct notch_writer *writer, const struct notch_p2p_range *range);
bool notch_p2p_next_range(struct notch_reader *reader, struct notch_p2p_range *out);

void notch_p2p_seen_write(struct notch_writer *writer, const struct notch_p2p_seen *seen);
bool notch_p2p_next_seen(struct notch_reader *reader, struct notch_p2p_seen *out);

#endif
