/* Requests that are with the node, and who waits for them. */
#include "rpc/io/internal.h"

#include <sodium.h>

#define REQUESTS_MAX 4096

void notch__waiting_init(struct notch_server *server)
{
    struct notch__waiting *waiting = &server->waiting;
    struct notch_siphash_key key;
    int rc = pthread_mutex_init(&waiting->lock, NULL);
    notch_assert(rc == 0);
    randombytes_buf(&key, sizeof key);
    notch_map_init(&waiting->tickets, server->options.alloc, key, sizeof(uint64_t), sizeof(struct notch__ticket), 0);
    waiting->token = 1;
}

void notch__waiting_fini(struct notch_server *server)
{
    notch_map_fini(&server->waiting.tickets);
    (void)pthread_mutex_destroy(&server->waiting.lock);
}

/* Takes the reply to a token; gives the waiter if it was the last one that it waits for. */
static struct notch__waiter *take(struct notch__waiting *waiting, uint64_t token, const struct notch_reply *reply)
{
    struct notch__ticket *ticket = notch_map_get(&waiting->tickets, &token);
    if (ticket == NULL) {
        return NULL;
    }
    struct notch__waiter *waiter = ticket->waiter;
    notch_exchange_take(waiter->exchange, ticket->index, reply);
    (void)notch_map_remove(&waiting->tickets, &token);
    waiter->awaited--;
    if (waiter->awaited > 0) {
        return NULL;
    }
    waiting->waiters--;
    return waiter;
}

void notch_server_reply(struct notch_server *server, const struct notch_reply *reply)
{
    (void)pthread_mutex_lock(&server->waiting.lock);
    struct notch__waiter *waiter = take(&server->waiting, reply->token, reply);
    (void)pthread_mutex_unlock(&server->waiting.lock);
    if (waiter != NULL) {
        waiter->ready(waiter);
    }
}

/* The requests of an exchange, each with a token; their count. */
static uint32_t collect(struct notch__waiter *waiter, struct notch_request *requests[])
{
    struct notch__waiting *waiting = &waiter->server->waiting;
    struct notch_request *request;
    uint32_t index;
    while (waiter->awaited < REQUESTS_MAX && (request = notch_exchange_request(waiter->exchange, &index)) != NULL) {
        bool added;
        uint64_t token = waiting->token++;
        struct notch__ticket *ticket = notch_map_put(&waiting->tickets, &token, &added);
        *ticket = (struct notch__ticket){waiter, index};
        request->token = token;
        requests[waiter->awaited++] = request;
    }
    return waiter->awaited;
}

/* Without a token: nobody was asked. */
static void refuse_all(struct notch_exchange *exchange, enum notch_err err)
{
    struct notch_request *request;
    uint32_t index;
    while ((request = notch_exchange_request(exchange, &index)) != NULL) {
        const struct notch_reply reply = {.type = request->type, .err = err};
        notch_exchange_take(exchange, index, &reply);
    }
}

bool notch__waiting_send(struct notch__waiter *waiter, void (*suspend)(void *arg), void *arg)
{
    struct notch_server *server = waiter->server;
    struct notch__waiting *waiting = &server->waiting;
    struct notch_request *requests[REQUESTS_MAX];
    uint64_t tokens[REQUESTS_MAX];
    (void)pthread_mutex_lock(&waiting->lock);
    if (waiting->stopping || waiting->waiters >= server->options.waiting_max) {
        enum notch_err err = waiting->stopping ? NOTCH_ERR_CLOSED : NOTCH_ERR_BUSY;
        (void)pthread_mutex_unlock(&waiting->lock);
        refuse_all(waiter->exchange, err);
        return false;
    }
    uint32_t count = collect(waiter, requests);
    for (uint32_t i = 0; i < count; i++) {
        tokens[i] = requests[i]->token;
    }
    if (count > 0) {
        waiting->waiters++;
        suspend(arg);
    }
    (void)pthread_mutex_unlock(&waiting->lock);
    for (uint32_t i = 0; i < count; i++) {
        enum notch_err err = server->options.request(server->options.arg, requests[i]);
        if (err != NOTCH_OK) {
            const struct notch_reply reply = {.type = requests[i]->type, .token = tokens[i], .err = err};
            notch_server_reply(server, &reply);
        }
    }
    return count > 0;
}

void notch__waiting_stop(struct notch_server *server)
{
    struct notch__waiting *waiting = &server->waiting;
    const void *key;
    void *value;
    size_t at = 0;
    (void)pthread_mutex_lock(&waiting->lock);
    waiting->stopping = true;
    while (notch_map_next(&waiting->tickets, &at, &key, &value)) {
        uint64_t token;
        memcpy(&token, key, sizeof token);
        const struct notch_reply reply = {.token = token, .err = NOTCH_ERR_CLOSED};
        struct notch__waiter *waiter = take(waiting, token, &reply);
        (void)pthread_mutex_unlock(&waiting->lock);
        if (waiter != NULL) {
            waiter->ready(waiter);
        }
        (void)pthread_mutex_lock(&waiting->lock);
        at = 0; /* the map has changed */
    }
    (void)pthread_mutex_unlock(&waiting->lock);
}
