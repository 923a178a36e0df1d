#include "rpc/io/server.h"

#include "rpc/io/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define THREADS_DEFAULT 2
#define CONNECTIONS_DEFAULT 1024
#define IDLE_S_DEFAULT 30
#define WAITING_DEFAULT 1024
#define SOCKETS_DEFAULT 256
#define SOCKET_QUEUE_DEFAULT (8u << 20)
#define SOCKET_STALL_S_DEFAULT 20
#define BATCH_MAX 4096
#define THREADS_MAX 64

static uint32_t or_default(uint32_t value, uint32_t instead)
{
    return value > 0 ? value : instead;
}

/* NULL, or what is wrong. */
static const char *fault_of(const struct notch_server_options *options)
{
    if (options->user_count > NOTCH__USERS_MAX) {
        return "more users than there may be (64)";
    }
    for (size_t i = 0; i < options->user_count; i++) {
        const struct notch_server_user *user = &options->users[i];
        if (user->name[0] == 0 || strchr(user->name, ':') != NULL || strcmp(user->name, "__cookie__") == 0) {
            return "a user's name is empty, holds a ':', or is __cookie__";
        }
        if (strncmp(user->hash, "$argon2id$", 10) != 0 || strlen(user->hash) >= NOTCH_SERVER_PASSWORD_HASH_MAX) {
            return "a user's password is not an Argon2id hash";
        }
    }
    if (options->cookie_path == NULL && options->user_count == 0) {
        return "neither a cookie file nor a user: nobody could call";
    }
    if (notch_rpc_options(options->rpc)->batch_max > BATCH_MAX) {
        return "batch_max is greater than 4096";
    }
    return options->threads > THREADS_MAX ? "more threads than there may be (64)" : NULL;
}

enum notch_err notch_server_create(struct notch_server **out, const struct notch_server_options *options,
                                   const char **detail)
{
    *detail = fault_of(options);
    if (*detail != NULL) {
        return NOTCH_ERR_INVALID;
    }
    if (sodium_init() < 0) {
        *detail = "the system has no random source";
        return NOTCH_ERR_CRYPTO;
    }
    struct notch_server *server = notch_alloc(options->alloc, sizeof *server);
    server->options = *options;
    struct notch_server_options *own = &server->options;
    own->bind = own->bind == NULL ? "127.0.0.1" : own->bind;
    own->threads = or_default(own->threads, THREADS_DEFAULT);
    own->connections_max = or_default(own->connections_max, CONNECTIONS_DEFAULT);
    own->idle_s_max = or_default(own->idle_s_max, IDLE_S_DEFAULT);
    own->waiting_max = or_default(own->waiting_max, WAITING_DEFAULT);
    own->sockets_max = or_default(own->sockets_max, SOCKETS_DEFAULT);
    own->socket_queue_bytes_max = or_default(own->socket_queue_bytes_max, SOCKET_QUEUE_DEFAULT);
    own->socket_stall_s_max = or_default(own->socket_stall_s_max, SOCKET_STALL_S_DEFAULT);
    notch__waiting_init(server);
    notch__auth_init(server);
    *out = server;
    return NOTCH_OK;
}

void notch_server_destroy(struct notch_server *server)
{
    if (server == NULL) {
        return;
    }
    notch_server_stop(server);
    notch__waiting_fini(server);
    notch__auth_fini(server);
    notch_free(server->options.alloc, server, sizeof *server);
}

/* ---- listening ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool parse_address(union address *out, bool *is_loopback, const char *text, uint16_t port)
{
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        *is_loopback = (ntohl(out->v4.sin_addr.s_addr) >> 24) == 127;
        return true;
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        *is_loopback = IN6_IS_ADDR_LOOPBACK(&out->v6.sin6_addr);
        return true;
    }
    return false;
}

/* What the library says goes to the log, and is kept for `detail`. */
static void __attribute__((format(printf, 2, 0))) library_says(void *arg, const char *format, va_list args)
{
    struct notch_server *server = arg;
    char line[sizeof server->error];
    (void)vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = 0;
    notch_log(server->options.log, NOTCH_LOG_DEBUG, "rpc", "%s", line);
}

static enum notch_err listen_failed(const char **detail, int error)
{
    switch (error) {
    case EADDRINUSE:
        *detail = "the address and port of the RPC are in use: another node may run, or choose another [rpc] port";
        return NOTCH_ERR_ADDRESS_IN_USE;
    case EACCES:
    case EPERM:
        *detail = "the RPC may not listen on this port: choose one above 1023";
        return NOTCH_ERR_PERMISSION;
    case EADDRNOTAVAIL:
        *detail = "the bind address of the RPC is not one of this machine's";
        return NOTCH_ERR_INVALID;
    default:
        *detail = "the RPC cannot listen";
        return NOTCH_ERR_IO;
    }
}

static enum notch_err listen_on(struct notch_server *server, union address *address, const char **detail)
{
    const struct notch_server_options *options = &server->options;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG;
    if (address->any.sa_family == AF_INET6) {
        flags |= MHD_USE_IPv6;
    }
    /* A pool has two threads or more; one thread is what the library runs without a pool. */
    struct MHD_OptionItem pool[] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    if (options->threads > 1) {
        pool[0] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)options->threads, NULL};
    }
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the threads of the driver */
    errno = 0;
    server->daemon = MHD_start_daemon(
        flags, options->port, NULL, NULL, notch__http_handle, server, MHD_OPTION_EXTERNAL_LOGGER, library_says, server,
        MHD_OPTION_SOCK_ADDR, &address->any, MHD_OPTION_ARRAY, pool, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)options->idle_s_max,
        MHD_OPTION_NOTIFY_COMPLETED, notch__http_done, server, MHD_OPTION_END);
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return server->daemon == NULL ? listen_failed(detail, error) : NOTCH_OK;
}

enum notch_err notch_server_start(struct notch_server *server, const char **detail)
{
    union address address;
    bool is_loopback;
    *detail = "";
    if (!parse_address(&address, &is_loopback, server->options.bind, server->options.port)) {
        *detail = "the bind address of the RPC is not a numeric one";
        return NOTCH_ERR_INVALID;
    }
    if (!is_loopback && !server->options.allow_remote) {
        *detail =
            "the RPC speaks plain HTTP and is for this machine: to listen elsewhere allow it, behind TLS of a proxy";
        return NOTCH_ERR_INVALID;
    }
    notch__cookie_make(server);
    enum notch_err err = notch__sockets_start(server);
    if (err != NOTCH_OK) {
        *detail = "no thread for the WebSockets";
        return err;
    }
    err = listen_on(server, &address, detail);
    if (err == NOTCH_OK) {
        err = notch__cookie_write(server, detail);
    }
    if (err != NOTCH_OK) {
        notch_server_stop(server);
    }
    return err;
}

void notch_server_stop(struct notch_server *server)
{
    notch__waiting_stop(server);
    notch__sockets_stop(server);
    if (server->daemon != NULL) {
        MHD_stop_daemon(server->daemon);
        server->daemon = NULL;
    }
    notch__sockets_free(server);
    notch__cookie_remove(server);
}

uint16_t notch_server_port(const struct notch_server *server)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info == NULL ? 0 : info->port;
}

void notch_server_head(struct notch_server *server, const struct notch_block_ref *block)
{
    notch__sockets_note(server, NOTCH_RPC_BLOCKS, block);
}

void notch_server_final(struct notch_server *server, const struct notch_block_ref *block)
{
    notch__sockets_note(server, NOTCH_RPC_FINALITY, block);
}
