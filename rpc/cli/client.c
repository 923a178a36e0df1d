#include "rpc/cli/client.h"

#include "rpc/cli/files.h"

#include <stdio.h>
#include <stdlib.h>

enum { PORT_DEFAULT = 7079, TIMEOUT_MS = 30000, SMALL_FILE_MAX = 4096 };

void notch_client_data_dir(const struct notch_cli *cli, struct notch_buf *out)
{
    const char *given = notch_cli_option(cli, "data");
    if (given == NULL) {
        given = getenv("NOTCH_NODE_DATA");
    }
    if (given != NULL && *given != '\0') {
        notch_cli_text(out, "%s", given);
        return;
    }
    const char *home = getenv("HOME");
    notch_cli_text(out, "%s/.notch", home == NULL ? "" : home);
}

/* The first line of a small file of the data directory; false where there is no such file. */
static bool read_line(const struct notch_cli *cli, struct notch_buf *out, const char *name)
{
    struct notch_buf path;
    notch_buf_init(&path, cli->alloc);
    notch_client_data_dir(cli, &path);
    notch_cli_text(&path, "/%s", name);
    bool there = notch_file_read(out, notch_cli_text_of(&path), SMALL_FILE_MAX) == NOTCH_OK;
    notch_buf_fini(&path);
    notch_file_first_line(out);
    return there;
}

static enum notch_exit find_address(struct notch_client *client)
{
    const struct notch_cli *cli = client->cli;
    const char *url = notch_cli_option(cli, "rpc");
    if (url == NULL) {
        url = getenv("NOTCH_RPC");
    }
    if (url != NULL && *url != '\0') {
        if (!notch_http_url_parse(client->host, &client->port, url)) {
            return notch_cli_fail(cli, NOTCH_EXIT_USAGE, "\"%s\" is no URL of a node; expected http://HOST:PORT", url);
        }
        return NOTCH_EXIT_OK;
    }
    struct notch_buf line;
    notch_buf_init(&line, cli->alloc);
    uint64_t port = PORT_DEFAULT;
    if (read_line(cli, &line, "rpc.port") && !notch_cli_parse_number(&port, notch_cli_text_of(&line), UINT16_MAX)) {
        port = PORT_DEFAULT;
    }
    notch_buf_fini(&line);
    (void)snprintf(client->host, sizeof client->host, "127.0.0.1");
    client->port = (uint16_t)port;
    return NOTCH_EXIT_OK;
}

static enum notch_exit find_user(struct notch_client *client, struct notch_buf *credential, const char *user)
{
    const char *path = notch_cli_option(client->cli, "rpc-password-file");
    if (path == NULL) {
        return notch_cli_fail(client->cli, NOTCH_EXIT_USAGE, "--user needs --rpc-password-file FILE");
    }
    struct notch_buf password;
    notch_buf_init(&password, client->cli->alloc);
    enum notch_err err = notch_file_read(&password, path, SMALL_FILE_MAX);
    notch_file_first_line(&password);
    notch_cli_text(credential, "%s:%s", user, notch_cli_text_of(&password));
    notch_wipe(password.data, password.cap);
    notch_buf_fini(&password);
    if (err != NOTCH_OK) {
        return notch_cli_fail(client->cli, NOTCH_EXIT_REFUSED, "cannot read the password file %s: %s", path,
                              notch_err_text(err));
    }
    return NOTCH_EXIT_OK;
}

static enum notch_exit find_credential(struct notch_client *client)
{
    const struct notch_cli *cli = client->cli;
    struct notch_buf credential;
    notch_buf_init(&credential, cli->alloc);
    enum notch_exit code = NOTCH_EXIT_OK;
    const char *user = notch_cli_option(cli, "user");
    const char *cookie = notch_cli_option(cli, "cookie");
    bool there = true;
    if (user != NULL) {
        code = find_user(client, &credential, user);
    } else if (cookie != NULL) {
        enum notch_err err = notch_file_read(&credential, cookie, SMALL_FILE_MAX);
        notch_file_first_line(&credential);
        if (err != NOTCH_OK) {
            code =
                notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read the cookie %s: %s", cookie, notch_err_text(err));
        }
    } else {
        there = read_line(cli, &credential, "rpc.cookie");
    }
    if (there) {
        notch_http_basic(&client->authorization, notch_cli_text_of(&credential), credential.len);
    }
    notch_wipe(credential.data, credential.cap);
    notch_buf_fini(&credential);
    return code;
}

void notch_client_connection(struct notch_http *http, const struct notch_client *client)
{
    const char *authorization = client->authorization.len == 0 ? NULL : (const char *)client->authorization.data;
    notch_http_init(http, client->cli->alloc, client->host, client->port, authorization, TIMEOUT_MS);
}

enum notch_exit notch_client_init(struct notch_client *client, const struct notch_cli *cli)
{
    *client = (struct notch_client){.cli = cli};
    notch_buf_init(&client->authorization, cli->alloc);
    enum notch_exit code = find_address(client);
    if (code == NOTCH_EXIT_OK) {
        code = find_credential(client);
    }
    notch_client_connection(&client->http, client);
    return code;
}

void notch_client_fini(struct notch_client *client)
{
    notch_http_fini(&client->http);
    notch_wipe(client->authorization.data, client->authorization.cap);
    notch_buf_fini(&client->authorization);
}

enum notch_exit notch_client_unreachable(const struct notch_client *client, enum notch_err err)
{
    if (err == NOTCH_ERR_INVALID || err == NOTCH_ERR_SPACE) {
        return notch_cli_fail(client->cli, NOTCH_EXIT_UNREACHABLE,
                              "what listens on %s port %u is no Notch node; check --rpc", client->host, client->port);
    }
    return notch_cli_fail(client->cli, NOTCH_EXIT_UNREACHABLE,
                          "no node answers on %s port %u: start one (notchd), or say where it is with --data DIR or "
                          "--rpc URL",
                          client->host, client->port);
}

enum notch_exit notch_client_fail(const struct notch_client *client, const char *method, const json_t *error)
{
    const char *message = notch_client_string(error, "message");
    const char *reason = notch_client_string(json_object_get(error, "data"), "reason");
    return notch_cli_fail(client->cli, NOTCH_EXIT_REFUSED, "%s: %s%s%s", method, message, *reason == '\0' ? "" : ": ",
                          reason);
}

void notch_client_body(struct notch_buf *out, uint64_t id, const char *method, json_t *params)
{
    json_t *call = json_pack("{s:s,s:I,s:s}", "jsonrpc", "2.0", "id", (json_int_t)id, "method", method);
    if (params != NULL) {
        json_object_set_new(call, "params", params);
    }
    char *text = json_dumps(call, JSON_COMPACT);
    notch_assert(text != NULL);
    notch_buf_append(out, text, strlen(text));
    free(text);
    json_decref(call);
}

/* What a status other than 200 means. */
static enum notch_exit fail_status(const struct notch_client *client, unsigned status)
{
    if (status == 401) {
        return notch_cli_fail(
            client->cli, NOTCH_EXIT_REFUSED,
            "the node on port %u wants another credential: say --data DIR of that node, --cookie FILE, "
            "or --user NAME --rpc-password-file FILE",
            client->port);
    }
    if (status == 429) {
        return notch_cli_fail(client->cli, NOTCH_EXIT_REFUSED, "the node takes no more requests a second of this user");
    }
    return notch_cli_fail(client->cli, NOTCH_EXIT_REFUSED, "the node answered with HTTP status %u", status);
}

json_t *notch_client_read(const struct notch_client *client, enum notch_exit *code, json_t **error,
                          const struct notch_http_reply *reply)
{
    json_t *answer = json_loadb((const char *)reply->body.data, reply->body.len, 0, NULL);
    json_t *result = json_object_get(answer, "result");
    json_t *fault = json_object_get(answer, "error");
    *error = NULL;
    if (result != NULL && fault == NULL && reply->status == 200) {
        json_incref(result);
        json_decref(answer);
        *code = NOTCH_EXIT_OK;
        return result;
    }
    *code = NOTCH_EXIT_REFUSED;
    /* Which credential to give, the command line knows better than the node. */
    if (json_is_object(fault) && reply->status != 401) {
        *error = json_incref(fault);
    } else if (reply->status != 200) {
        *code = fail_status(client, reply->status);
    } else {
        *code = notch_client_unreachable(client, NOTCH_ERR_INVALID);
    }
    json_decref(answer);
    return NULL;
}

json_t *notch_client_try(struct notch_client *client, enum notch_exit *code, json_t **error, const char *method,
                         json_t *params)
{
    struct notch_buf body;
    struct notch_http_reply reply = {0};
    notch_buf_init(&body, client->cli->alloc);
    notch_client_body(&body, ++client->id, method, params);
    enum notch_err err = notch_http_send(&client->http, notch_buf_bytes(&body));
    if (err == NOTCH_OK) {
        err = notch_http_receive(&client->http, &reply);
    }
    notch_buf_fini(&body);
    *error = NULL;
    if (err != NOTCH_OK) {
        *code = notch_client_unreachable(client, err);
        return NULL;
    }
    return notch_client_read(client, code, error, &reply);
}

json_t *notch_client_call(struct notch_client *client, enum notch_exit *code, const char *method, json_t *params)
{
    json_t *error;
    json_t *result = notch_client_try(client, code, &error, method, params);
    if (error != NULL) {
        *code = notch_client_fail(client, method, error);
        json_decref(error);
    }
    return result;
}

const char *notch_client_string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

uint64_t notch_client_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    uint64_t number = 0;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        return (uint64_t)json_integer_value(value);
    }
    if (json_is_string(value) && !notch_cli_parse_number(&number, json_string_value(value), UINT64_MAX)) {
        return 0;
    }
    return number;
}
