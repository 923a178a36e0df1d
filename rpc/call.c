/* How a call ends: errors in the words of JSON-RPC. */
#include "rpc/internal.h"

#include <stdarg.h>
#include <stdio.h>

static void fail_with(struct notch__call *call, int code, const char *prefix, const char *format, va_list args)
    NOTCH_PRINTF(4, 0);

static void fail_with(struct notch__call *call, int code, const char *prefix, const char *format, va_list args)
{
    if (call->error != 0) {
        return; /* the first one counts */
    }
    call->error = code;
    int used = snprintf(call->reason, sizeof call->reason, "%s", prefix);
    notch_assert(used >= 0);
    if ((size_t)used < sizeof call->reason) {
        (void)vsnprintf(call->reason + used, sizeof call->reason - (size_t)used, format, args);
    }
}

void notch__fail(struct notch__call *call, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_with(call, code, "", format, args);
    va_end(args);
}

void notch__fail_param(struct notch__call *call, size_t index, const char *format, ...)
{
    char prefix[80];
    (void)snprintf(prefix, sizeof prefix, "parameter \"%s\": ", call->method->params[index].name);
    va_list args;
    va_start(args, format);
    fail_with(call, -32602, prefix, format, args);
    va_end(args);
}

void notch__fail_reject(struct notch__call *call, struct notch_reject reject)
{
    call->reject = notch_reject_name(reject.code);
    notch__fail(call, NOTCH_RPC_REFUSED, "%s: %s", notch_reject_text(reject.code), reject.reason);
}

void notch__fail_err(struct notch__call *call, enum notch_err err, const char *what)
{
    int code = -32603;
    if (err == NOTCH_ERR_NOT_FOUND) {
        code = NOTCH_RPC_NOT_FOUND;
    } else if (err == NOTCH_ERR_BUSY) {
        code = NOTCH_RPC_BUSY;
    } else if (err == NOTCH_ERR_RANGE || err == NOTCH_ERR_INVALID) {
        code = -32602;
    } else if (err == NOTCH_ERR_SPACE) {
        code = NOTCH_RPC_TOO_LARGE;
    }
    notch__fail(call, code, "%s: %s", what, notch_err_text(err));
}

bool notch__fail_reply(struct notch__call *call)
{
    enum notch_err err = call->reply.err;
    if (err == NOTCH_OK) {
        return false;
    }
    if (err == NOTCH_ERR_BUSY) {
        notch__fail(call, NOTCH_RPC_BUSY, "the node has as many requests in flight as it may: try again");
    } else if (err == NOTCH_ERR_CLOSED) {
        notch__fail(call, NOTCH_RPC_UNAVAILABLE, "the node is stopping");
    } else if (err == NOTCH_ERR_UNSUPPORTED) {
        notch__fail(call, NOTCH_RPC_UNAVAILABLE,
                    "this node has no key for that: configure an author, or sign elsewhere "
                    "and use submitrecord");
    } else if (err == NOTCH_ERR_SPACE || err == NOTCH_ERR_RANGE || err == NOTCH_ERR_INVALID) {
        notch__fail(call, -32602, "%s", notch_err_text(err));
    } else {
        notch__fail(call, NOTCH_RPC_UNAVAILABLE, "the node takes no records: %s", notch_err_text(err));
    }
    return true;
}

struct notch_buf notch__buf(const struct notch__call *call)
{
    struct notch_buf buf;
    notch_buf_init(&buf, call->rpc->options.alloc);
    return buf;
}

struct notch_lookup notch__lookup(const struct notch__call *call)
{
    return (struct notch_lookup){
        .view = call->sight->view, .domain = call->rpc->options.domain, .alloc = call->rpc->options.alloc};
}
