/*
 * node/daemon/inbox.h: what other threads have to say to the loop, in the order in which they said it.
 *
 * Three things come in: requests, verdicts of workers, completions of the store. The loop takes all of them at once.
 * Each request has a slot, which keeps the request and who asked until the reply, and whose number is the token that
 * the node sees: so callers may choose their tokens as they like, and none is ever forgotten.
 *
 * Ownership    A request is copied in; what it points to stays the caller's until the reply.
 * Limits       requests_max requests without a reply, then BUSY. The node bounds everything else.
 * Thread       ask and post: any. Everything else: the loop's.
 */
#ifndef NOTCH_NODE_DAEMON_INBOX_H
#define NOTCH_NODE_DAEMON_INBOX_H

#include "base/alloc.h"
#include "node/core.h"
#include "node/daemon/daemon.h"

struct notch_inbox;

enum notch_inbox_type { NOTCH_INBOX_REQUEST, NOTCH_INBOX_WORKED, NOTCH_INBOX_DONE, NOTCH_INBOX_FAILED };
struct notch_inbox_item {
    enum notch_inbox_type type;
    enum notch_err err; /* FAILED */
    uint64_t token;     /* REQUEST: what answer() and request() take */
};

/* `wake` is called, on the poster's thread, when there is something to take and the loop rests: its last take, if any,
 * found nothing. While it is awake it is trusted to take again, which saves the poster a system call. */
struct notch_inbox *notch_inbox_create(const struct notch_alloc *alloc, uint32_t requests_max, void (*wake)(void *arg),
                                       void *arg);
void notch_inbox_destroy(struct notch_inbox *inbox);

/* BUSY, or CLOSED after close(): then `replied` is never called. */
NOTCH_MUST_USE enum notch_err notch_inbox_ask(struct notch_inbox *inbox, const struct notch_request *request,
                                              notch_daemon_replied replied, void *arg);
void notch_inbox_post(struct notch_inbox *inbox, struct notch_inbox_item item);

/* No more requests are taken. */
void notch_inbox_close(struct notch_inbox *inbox);

/* All that is there; valid until the next take. If it is nothing, the loop may rest: the next post wakes it. */
const struct notch_inbox_item *notch_inbox_take(struct notch_inbox *inbox, size_t *count);

/* A request as the node is to see it: with its slot as the token. */
void notch_inbox_request(struct notch_inbox *inbox, struct notch_request *out, uint64_t token);

/* Hands the node's reply to whoever asked, under the token of that one, and frees the slot. */
void notch_inbox_answer(struct notch_inbox *inbox, const struct notch_reply *reply);

/* Answers `err` to the oldest request without a reply; false if there is none. */
bool notch_inbox_refuse_one(struct notch_inbox *inbox, enum notch_err err);

/* How many requests have no reply yet. */
uint32_t notch_inbox_open(struct notch_inbox *inbox);

#endif
