#include "node/daemon/inbox.h"

#include <pthread.h>

struct slot {
    struct notch_request request;
    notch_daemon_replied replied;
    void *arg;
    uint64_t age;  /* counts up; 0: free */
    uint32_t next; /* of the free ones */
};

struct items {
    struct notch_inbox_item *list;
    size_t count, cap;
};

#define NONE UINT32_MAX

struct notch_inbox {
    const struct notch_alloc *alloc;
    void (*wake)(void *arg);
    void *arg;
    pthread_mutex_t mutex;
    struct items coming;
    struct items taken; /* the loop's */
    struct slot *slots; /* grows up to slot_max */
    uint32_t slot_count, slot_max;
    uint32_t free;
    uint32_t used;
    uint64_t age;
    bool closed;
    bool rests; /* the loop found nothing and has not been woken since */
};

struct notch_inbox *notch_inbox_create(const struct notch_alloc *alloc, uint32_t requests_max, void (*wake)(void *arg),
                                       void *arg)
{
    notch_assert(requests_max > 0);
    struct notch_inbox *inbox = notch_alloc(alloc, sizeof *inbox);
    inbox->alloc = alloc;
    inbox->wake = wake;
    inbox->arg = arg;
    inbox->slot_max = requests_max;
    inbox->rests = true;
    inbox->free = NONE;
    pthread_mutex_init(&inbox->mutex, NULL);
    return inbox;
}

void notch_inbox_destroy(struct notch_inbox *inbox)
{
    if (inbox == NULL) {
        return;
    }
    notch_assert(inbox->used == 0);
    pthread_mutex_destroy(&inbox->mutex);
    notch_free(inbox->alloc, inbox->coming.list, inbox->coming.cap * sizeof *inbox->coming.list);
    notch_free(inbox->alloc, inbox->taken.list, inbox->taken.cap * sizeof *inbox->taken.list);
    notch_free(inbox->alloc, inbox->slots, inbox->slot_count * sizeof *inbox->slots);
    notch_free(inbox->alloc, inbox, sizeof *inbox);
}

/* Under the mutex; whether the loop has to be woken. */
static bool push(struct notch_inbox *inbox, struct notch_inbox_item item)
{
    struct items *coming = &inbox->coming;
    if (coming->count == coming->cap) {
        size_t cap = coming->cap == 0 ? 64 : coming->cap * 2;
        coming->list = notch_realloc(inbox->alloc, coming->list, coming->cap * sizeof item, cap * sizeof item);
        coming->cap = cap;
    }
    coming->list[coming->count++] = item;
    bool wake = inbox->rests;
    inbox->rests = false;
    return wake;
}

/* Under the mutex. */
static void grow_slots(struct notch_inbox *inbox)
{
    uint32_t count = inbox->slot_count == 0 ? 16 : inbox->slot_count * 2;
    if (count > inbox->slot_max) {
        count = inbox->slot_max;
    }
    inbox->slots = notch_realloc(inbox->alloc, inbox->slots, inbox->slot_count * sizeof *inbox->slots,
                                 count * sizeof *inbox->slots);
    for (uint32_t i = count; i-- > inbox->slot_count;) {
        inbox->slots[i].age = 0;
        inbox->slots[i].next = inbox->free;
        inbox->free = i;
    }
    inbox->slot_count = count;
}

/* Under the mutex. */
static enum notch_err keep(struct notch_inbox *inbox, const struct notch_request *request, notch_daemon_replied replied,
                           void *arg, bool *wake)
{
    if (inbox->closed) {
        return NOTCH_ERR_CLOSED;
    }
    if (inbox->free == NONE && inbox->slot_count == inbox->slot_max) {
        return NOTCH_ERR_BUSY;
    }
    if (inbox->free == NONE) {
        grow_slots(inbox);
    }
    uint32_t index = inbox->free;
    struct slot *slot = &inbox->slots[index];
    inbox->free = slot->next;
    *slot = (struct slot){.request = *request, .replied = replied, .arg = arg, .age = ++inbox->age, .next = NONE};
    inbox->used++;
    *wake = push(inbox, (struct notch_inbox_item){.type = NOTCH_INBOX_REQUEST, .token = index});
    return NOTCH_OK;
}

enum notch_err notch_inbox_ask(struct notch_inbox *inbox, const struct notch_request *request,
                               notch_daemon_replied replied, void *arg)
{
    bool wake = false;
    pthread_mutex_lock(&inbox->mutex);
    enum notch_err err = keep(inbox, request, replied, arg, &wake);
    pthread_mutex_unlock(&inbox->mutex);
    if (wake) {
        inbox->wake(inbox->arg);
    }
    return err;
}

void notch_inbox_post(struct notch_inbox *inbox, struct notch_inbox_item item)
{
    pthread_mutex_lock(&inbox->mutex);
    bool wake = push(inbox, item);
    pthread_mutex_unlock(&inbox->mutex);
    if (wake) {
        inbox->wake(inbox->arg);
    }
}

void notch_inbox_close(struct notch_inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->closed = true;
    pthread_mutex_unlock(&inbox->mutex);
}

const struct notch_inbox_item *notch_inbox_take(struct notch_inbox *inbox, size_t *count)
{
    pthread_mutex_lock(&inbox->mutex);
    struct items empty = inbox->taken;
    empty.count = 0;
    inbox->taken = inbox->coming;
    inbox->coming = empty;
    inbox->rests = inbox->taken.count == 0;
    pthread_mutex_unlock(&inbox->mutex);
    *count = inbox->taken.count;
    return inbox->taken.list;
}

void notch_inbox_request(struct notch_inbox *inbox, struct notch_request *out, uint64_t token)
{
    pthread_mutex_lock(&inbox->mutex);
    notch_assert(token < inbox->slot_count);
    notch_assert(inbox->slots[token].age != 0);
    *out = inbox->slots[token].request;
    pthread_mutex_unlock(&inbox->mutex);
    out->token = token;
}

void notch_inbox_answer(struct notch_inbox *inbox, const struct notch_reply *reply)
{
    pthread_mutex_lock(&inbox->mutex);
    notch_assert(reply->token < inbox->slot_count);
    struct slot *slot = &inbox->slots[reply->token];
    notch_assert(slot->age != 0);
    struct slot asked = *slot;
    slot->age = 0;
    slot->next = inbox->free;
    inbox->free = (uint32_t)reply->token;
    inbox->used--;
    pthread_mutex_unlock(&inbox->mutex);
    struct notch_reply told = *reply;
    told.token = asked.request.token;
    asked.replied(asked.arg, &told);
}

bool notch_inbox_refuse_one(struct notch_inbox *inbox, enum notch_err err)
{
    struct notch_reply reply = {.err = err};
    uint64_t oldest = 0;
    pthread_mutex_lock(&inbox->mutex);
    for (uint32_t i = 0; i < inbox->slot_count; i++) {
        const struct slot *slot = &inbox->slots[i];
        if (slot->age != 0 && (oldest == 0 || slot->age < oldest)) {
            oldest = slot->age;
            reply.token = i;
            reply.type = slot->request.type;
        }
    }
    pthread_mutex_unlock(&inbox->mutex);
    if (oldest != 0) {
        notch_inbox_answer(inbox, &reply);
    }
    return oldest != 0;
}

uint32_t notch_inbox_open(struct notch_inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    uint32_t used = inbox->used;
    pthread_mutex_unlock(&inbox->mutex);
    return used;
}
