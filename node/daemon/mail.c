#include "node/daemon/mail.h"

#include <string.h>

static void push(struct notch_mail_queue *queue, struct notch_mail_item *item)
{
    if (queue->last == NULL) {
        queue->first = item;
    } else {
        queue->last->next = item;
    }
    queue->last = item;
}

static void pop(struct notch_mail *mail, struct notch_mail_queue *queue)
{
    struct notch_mail_item *item = queue->first;
    queue->first = item->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    notch_free(mail->alloc, item, sizeof *item + item->len);
}

static struct notch_mail_item *make(const struct notch_mail *mail, struct notch_bytes bytes)
{
    struct notch_mail_item *item = notch_alloc(mail->alloc, sizeof *item + bytes.len);
    *item = (struct notch_mail_item){.len = bytes.len};
    if (bytes.len > 0) {
        memcpy(item->bytes, bytes.data, bytes.len);
    }
    return item;
}

void notch_mail_init(struct notch_mail *mail, const struct notch_alloc *alloc)
{
    *mail = (struct notch_mail){.alloc = alloc};
}

void notch_mail_fini(struct notch_mail *mail)
{
    while (mail->arrivals.first != NULL) {
        pop(mail, &mail->arrivals);
    }
    while (mail->held.first != NULL) {
        pop(mail, &mail->held);
    }
}

void notch_mail_arrived(struct notch_mail *mail, enum notch_node_event_type type, uint64_t peer,
                        enum notch_node_message what, struct notch_bytes bytes)
{
    bool is_full = mail->count >= NOTCH_MAIL_COUNT_MAX || mail->bytes + bytes.len > NOTCH_MAIL_BYTES_MAX;
    if (type == NOTCH_NODE_MESSAGE && is_full) {
        mail->dropped++;
        return;
    }
    struct notch_mail_item *item = make(mail, bytes);
    item->type = type;
    item->peer = peer;
    item->what = what;
    mail->count++;
    mail->bytes += bytes.len;
    push(&mail->arrivals, item);
}

bool notch_mail_first(const struct notch_mail *mail, struct notch_node_event *out)
{
    const struct notch_mail_item *item = mail->arrivals.first;
    if (item == NULL) {
        return false;
    }
    *out = (struct notch_node_event){.type = item->type};
    if (item->type == NOTCH_NODE_PEER_UP) {
        out->peer_up.peer = item->peer;
    } else if (item->type == NOTCH_NODE_PEER_DOWN) {
        out->peer_down = item->peer;
    } else {
        out->message.peer = item->peer;
        out->message.what = item->what;
        out->message.bytes = notch_bytes(item->bytes, item->len);
    }
    return true;
}

void notch_mail_drop(struct notch_mail *mail)
{
    mail->count--;
    mail->bytes -= mail->arrivals.first->len;
    pop(mail, &mail->arrivals);
}

void notch_mail_hold(struct notch_mail *mail, const struct notch_node_effect *send)
{
    struct notch_mail_item *item = make(mail, send->send.bytes);
    item->peer = send->send.to;
    item->after = send->after;
    item->what = send->send.what;
    push(&mail->held, item);
}

void notch_mail_done(struct notch_mail *mail, uint64_t token)
{
    mail->done = token;
}

const struct notch_mail_item *notch_mail_ready(const struct notch_mail *mail)
{
    const struct notch_mail_item *item = mail->held.first;
    return item != NULL && item->after <= mail->done ? item : NULL;
}

void notch_mail_sent(struct notch_mail *mail)
{
    pop(mail, &mail->held);
}
