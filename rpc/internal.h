/*
 * rpc/internal.h: one call of an exchange, as its handler sees it. Not for anybody outside of rpc/.
 *
 * A handler reads its parameters (bound and checked already), and then either writes the result through call->json, or
 * calls notch__fail(), or fills in call->request. What a request points to goes into call->memory. A handler that fails
 * after it has begun to write is no harm: what it wrote is taken back.
 */
#ifndef NOTCH_RPC_INTERNAL_H
#define NOTCH_RPC_INTERNAL_H

#include "chain/batch.h"
#include "chain/block.h"
#include "chain/entry.h"
#include "chain/lookup.h"
#include "chain/record.h"
#include "rpc/exchange.h"
#include "rpc/handlers.h"
#include "rpc/json.h"

#include <jansson.h>

#define NOTCH__REASON_MAX 256

struct notch_rpc {
    struct notch_rpc_options options;
    struct notch_rules rules;
    struct notch_buf genesis; /* its canonical bytes: what proofs carry */
};

enum notch__call_state {
    NOTCH__CALL_DONE,   /* answered, or silent */
    NOTCH__CALL_WANTS,  /* has a request that was not given out */
    NOTCH__CALL_AWAITS, /* its request is with the node */
    NOTCH__CALL_REPLIED /* the reply was copied */
};

struct notch__call {
    const struct notch_rpc *rpc;
    const struct notch_rpc_caller *caller;
    const struct notch_rpc_sight *sight;
    const struct notch_rpc_method *method;    /* NULL until found */
    const json_t *args[NOTCH_RPC_PARAMS_MAX]; /* in the order of the row; NULL: absent */
    const json_t *id;                         /* NULL: a notification, or not known */
    bool is_notification;
    enum notch__call_state state;
    struct notch_json json; /* where the result goes */
    struct notch_buf own;   /* a response that must wait for those before it */
    int error;              /* 0: none */
    const char *reject;     /* REFUSED: the name of the code */
    char reason[NOTCH__REASON_MAX];
    bool stops;
    struct notch_request request;
    bool has_request;
    struct notch_buf memory;   /* what the request points to, then what the reply does */
    struct notch_bytes *spans; /* records or entries of the request */
    size_t span_count;
    struct notch_reply reply;
};

/* ---- results and errors (call.c) ---- */

void notch__fail(struct notch__call *call, int code, const char *format, ...) NOTCH_PRINTF(3, 4);
void notch__fail_param(struct notch__call *call, size_t index, const char *format, ...) NOTCH_PRINTF(3, 4);
void notch__fail_reject(struct notch__call *call, struct notch_reject reject);
void notch__fail_err(struct notch__call *call, enum notch_err err, const char *what);

/* The node's errors in answer to a request; true if there was one. */
bool notch__fail_reply(struct notch__call *call);

struct notch_buf notch__buf(const struct notch__call *call);
struct notch_lookup notch__lookup(const struct notch__call *call);

/* ---- parameters (params.c) ---- */

/* Binds the params of the request to the row and checks each; false: the call has failed. */
bool notch__params_bind(struct notch__call *call, const json_t *params);

static inline bool notch__has(const struct notch__call *call, size_t index)
{
    return call->args[index] != NULL;
}

/* Of a parameter that is there and was checked. */
struct notch_hash notch__hash(const struct notch__call *call, size_t index);
struct notch_key notch__key(const struct notch__call *call, size_t index);
uint64_t notch__uint(const struct notch__call *call, size_t index);
bool notch__flag(const struct notch__call *call, size_t index); /* false where absent */
struct notch_bytes notch__text(const struct notch__call *call, size_t index);

/* Appends the bytes of a HEX parameter, or of any JSON string of hex; false: not hex, or empty. */
void notch__hex(const struct notch__call *call, struct notch_buf *out, size_t index);
bool notch__hex_of(struct notch_buf *out, const json_t *value);

/* A number or a decimal string, from 0 to 2^63-1; false: neither. And a signed one. */
bool notch__uint_of(uint64_t *out, const json_t *value);
bool notch__int_of(int64_t *out, const json_t *value);
bool notch__hash_of(struct notch_hash *out, const json_t *value);

/* ---- reading the chain (chain_find.c) ---- */

/* The newest block of the view. */
NOTCH_MUST_USE enum notch_err notch__top(const struct notch__call *call, struct notch_height *out);

/* The height that a BLOCK parameter means; false: the call has failed. */
bool notch__block_height(struct notch__call *call, size_t index, struct notch_height *out);

/* A block: its row and, but for height 0, header and body. `bytes` holds what they point to. */
struct notch__block {
    struct notch_block_row row;
    struct notch_header header;
    struct notch_bytes encoded; /* header and body; empty for height 0 */
    struct notch_body body;
    struct notch_buf row_bytes;
    struct notch_buf bytes;
};
void notch__block_init(struct notch__block *block, const struct notch__call *call);
void notch__block_fini(struct notch__block *block);
NOTCH_MUST_USE enum notch_err notch__block_read(const struct notch__call *call, struct notch__block *block,
                                                struct notch_height height);

/* A record on the chain: where it is, its bytes. `bytes` holds its batch, or the record alone. */
struct notch__found {
    struct notch_record_place place;
    struct notch_record record;
    struct notch_block_row row; /* of its block, where it was found by id */
    struct notch_batch batch;   /* if held */
    struct notch_buf bytes;
    struct notch_buf row_bytes;
    uint64_t held; /* position of the batch in `bytes`, or NOTCH_NO_POSITION */
};
void notch__found_init(struct notch__found *found, const struct notch__call *call);
void notch__found_fini(struct notch__found *found);

/*
 * By id: NOT_FOUND where no final block has it. Reads the record alone: its id vouches for it. And by place, which the
 * lists give: reads the batch.
 */
NOTCH_MUST_USE enum notch_err notch__found_by_id(const struct notch__call *call, struct notch__found *found,
                                                 const struct notch_hash *id);
NOTCH_MUST_USE enum notch_err notch__found_at(const struct notch__call *call, struct notch__found *found,
                                              const struct notch_record_place *place);

/* The receipt of a record that was found by its id. */
NOTCH_MUST_USE enum notch_err notch__found_receipt(const struct notch__call *call, const struct notch__found *found,
                                                   struct notch_receipt *out);

/* ---- results that more than one method gives ---- */

void notch__write_record(struct notch__call *call, const struct notch_record *record, bool with_entries);
void notch__write_receipt(struct notch__call *call, const struct notch_receipt *receipt, uint32_t entries);
void notch__write_outcome(struct notch_json *json, const struct notch_outcome *outcome);

/* An entry as the members of an object that is open: "type", then what it says. */
void notch__write_entry(struct notch_json *json, const struct notch_entry_view *view);

/* Appends the entry that a JSON object describes; false: the call has failed with what is wrong in entries[index]. */
bool notch__read_entry(struct notch__call *call, struct notch_buf *out, const json_t *value, size_t index);

/* Publishes or signs what lies in call->memory as entries, spans[0..span_count). */
void notch__request_entries(struct notch__call *call, enum notch_request_type type);

#endif
