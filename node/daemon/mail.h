/*
 * node/daemon/mail.h: what came from peers and waits for the node, and what waits for the disk before it may leave.
 *
 * Ownership    Bytes are copied in, and lent out until the next call.
 * Limits       NOTCH_MAIL_COUNT_MAX arrivals of NOTCH_MAIL_BYTES_MAX bytes together; what comes then is dropped and
 *              counted: its sender is asked again when it is missed. What is held back, the node's commits bound.
 * Thread       One.
 */
#ifndef NOTCH_NODE_DAEMON_MAIL_H
#define NOTCH_NODE_DAEMON_MAIL_H

#include "base/alloc.h"
#include "node/core.h"

#define NOTCH_MAIL_COUNT_MAX 8192
#define NOTCH_MAIL_BYTES_MAX (64u << 20)

struct notch_mail_item {
    struct notch_mail_item *next;
    enum notch_node_event_type type; /* an arrival: PEER_UP, PEER_DOWN, MESSAGE */
    uint64_t peer;                   /* from, or to */
    uint64_t after;                  /* a letter held back: the commit that it waits for */
    enum notch_node_message what;
    size_t len;
    uint8_t bytes[];
};

struct notch_mail_queue {
    struct notch_mail_item *first;
    struct notch_mail_item *last;
};

struct notch_mail {
    const struct notch_alloc *alloc;
    struct notch_mail_queue arrivals;
    uint32_t count;
    size_t bytes;
    uint64_t dropped;
    struct notch_mail_queue held;
    uint64_t done; /* the newest commit that is on disk */
};

void notch_mail_init(struct notch_mail *mail, const struct notch_alloc *alloc);
void notch_mail_fini(struct notch_mail *mail);

/* PEER_UP and PEER_DOWN are never dropped. */
void notch_mail_arrived(struct notch_mail *mail, enum notch_node_event_type type, uint64_t peer,
                        enum notch_node_message what, struct notch_bytes bytes);

/* The oldest arrival, as an event without seq and now; false: there is none. notch_mail_drop() once it was handled. */
bool notch_mail_first(const struct notch_mail *mail, struct notch_node_event *out);
void notch_mail_drop(struct notch_mail *mail);

/* A SEND that waits for its commit. */
void notch_mail_hold(struct notch_mail *mail, const struct notch_node_effect *send);

/* Commit `token` is on disk, and so are all before it. */
void notch_mail_done(struct notch_mail *mail, uint64_t token);

/* The oldest letter that waits for nothing any more, and its removal. */
const struct notch_mail_item *notch_mail_ready(const struct notch_mail *mail);
void notch_mail_sent(struct notch_mail *mail);

#endif
