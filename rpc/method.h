/*
 * rpc/method.h: the methods of the RPC, as one table.
 *
 * From a row come the dispatch, the check of the parameters, the OpenRPC document that rpc.discover answers, the help
 * of the command line and the reference page: there is no second list anywhere. Parameters are given by name, in an
 * object, or by place, in an array; a name that is not in the row is an error, and so is a missing or mistyped one.
 *
 * JSON forms (design section 2): amounts and prices are decimal strings of micro-units ("1500000" is 1.5), and so is
 * every integer that may pass 2^53; hashes and bytes are lower-case hex; keys are bech32m of the chain's network; times
 * are numbers of ms since 1970; ratios are numbers of ppm. An amount may be given as a number too, where it is an
 * integer.
 *
 * Ownership    Everything is a literal.
 * Thread       Constants.
 */
#ifndef NOTCH_RPC_METHOD_H
#define NOTCH_RPC_METHOD_H

#include <stdbool.h>
#include <stddef.h>

/* What a caller may do: each role may all that those before it may. */
enum notch_rpc_role { NOTCH_RPC_READ, NOTCH_RPC_SUBMIT, NOTCH_RPC_OPERATE };

/* "read", "submit", "operate"; and back. */
const char *notch_rpc_role_name(enum notch_rpc_role role);
bool notch_rpc_role_parse(enum notch_rpc_role *out, const char *text, size_t len);

enum notch_rpc_type {
    NOTCH_RPC_HASH,   /* 64 hex digits */
    NOTCH_RPC_HEX,    /* bytes as hex, not empty */
    NOTCH_RPC_KEY,    /* bech32m key of this chain's network */
    NOTCH_RPC_TEXT,   /* a string */
    NOTCH_RPC_UINT,   /* an integer from 0 to 2^63-1, as a number or a decimal string */
    NOTCH_RPC_TIME,   /* likewise: ms since 1970 */
    NOTCH_RPC_AMOUNT, /* likewise: micro-units */
    NOTCH_RPC_FLAG,   /* true or false */
    NOTCH_RPC_LIST,   /* an array */
    NOTCH_RPC_OBJECT, /* an object */
    NOTCH_RPC_BLOCK   /* a height (number or string), a block hash, or "final" */
};
#define NOTCH_RPC_TYPE_COUNT 11

/* What people are told the type is: "a hash of 64 hex digits", ... */
const char *notch_rpc_type_text(enum notch_rpc_type type);

struct notch_rpc_param {
    const char *name;
    enum notch_rpc_type type;
    bool required;
    const char *help;
    const char *items; /* LIST and OBJECT: the JSON schema of the items or of the object; else NULL */
};

#define NOTCH_RPC_PARAMS_MAX 10

/* How a row is carried out; rpc/internal.h. */
struct notch__call;
typedef void (*notch__call_handler)(struct notch__call *call);

struct notch_rpc_method {
    const char *group; /* "node", "chain", "records", "wallet", "consensus", "streams" */
    const char *name;
    enum notch_rpc_role role;
    bool stream_only;    /* makes sense on a WebSocket alone */
    const char *summary; /* one line */
    const struct notch_rpc_param *params;
    size_t param_count;
    const char *result;         /* JSON schema of the result */
    const char *example;        /* params, as JSON */
    notch__call_handler begin;  /* runs it, or prepares its request to the node */
    notch__call_handler finish; /* makes the result out of the node's reply; NULL where none is asked for */
};

/* Sorted by group as above, then in the order of use. */
const struct notch_rpc_method *notch_rpc_methods(size_t *count);

/* NULL where there is none. */
const struct notch_rpc_method *notch_rpc_method_find(const char *name, size_t len);

#endif
