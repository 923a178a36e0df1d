/*
 * rpc/cli/client.h: calls to the node that the command line means: which one, with which credential, and what came
 * back.
 *
 * Which node: --rpc URL, else NOTCH_RPC in the environment, else the port in the file rpc.port of the data directory,
 * else port 7079 of this machine. The credential: --user with --password-file, else the cookie (--cookie FILE, else the
 * file rpc.cookie of the data directory). The data directory: --data, else NOTCH_NODE_DATA, else ~/.notch.
 *
 * Errors       Printed by notch_cli_fail(); calls give NULL and the exit code: UNREACHABLE where no node answers,
 *              REFUSED where it answers with an error.
 * Ownership    Results are new references. A client borrows its cli.
 * Thread       One.
 */
#ifndef NOTCH_RPC_CLI_CLIENT_H
#define NOTCH_RPC_CLI_CLIENT_H

#include "rpc/cli/cli.h"
#include "rpc/cli/http.h"

struct notch_client {
    const struct notch_cli *cli;
    char host[NOTCH_HTTP_HOST_MAX + 1];
    uint16_t port;
    struct notch_buf authorization; /* empty: none */
    struct notch_http http;
    uint64_t id; /* of the last call */
};

/* The data directory; the text is appended to *out, terminated. */
void notch_client_data_dir(const struct notch_cli *cli, struct notch_buf *out);

/* Finds out where and as whom; connects at the first call. fini also after a failure. */
enum notch_exit notch_client_init(struct notch_client *client, const struct notch_cli *cli);
void notch_client_fini(struct notch_client *client);

/* Another connection to the same node. The client outlives it. */
void notch_client_connection(struct notch_http *http, const struct notch_client *client);

/* One call. Takes the reference to params (NULL: none). NULL: failed, said so, *code is set. */
json_t *notch_client_call(struct notch_client *client, enum notch_exit *code, const char *method, json_t *params);

/* The same, but an error of the node is not printed: NULL with *error set (a new reference), or NULL as above. */
json_t *notch_client_try(struct notch_client *client, enum notch_exit *code, json_t **error, const char *method,
                         json_t *params);

/* The body of a call: a JSON text, appended. Takes the reference to params. */
void notch_client_body(struct notch_buf *out, uint64_t id, const char *method, json_t *params);

/* What a reply says: the result, or NULL with either *error or a failure that was printed. */
json_t *notch_client_read(const struct notch_client *client, enum notch_exit *code, json_t **error,
                          const struct notch_http_reply *reply);

/* Prints an error of the node, as `method` got it. */
enum notch_exit notch_client_fail(const struct notch_client *client, const char *method, const json_t *error);

/* Prints that no node answers, and what to do. */
enum notch_exit notch_client_unreachable(const struct notch_client *client, enum notch_err err);

/* A text, or a number, of a result; "" and 0 where there is none. Numbers may be decimal strings. */
const char *notch_client_string(const json_t *object, const char *key);
uint64_t notch_client_number(const json_t *object, const char *key);

#endif
