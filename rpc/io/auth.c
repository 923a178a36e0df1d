/* Who calls: the cookie, users with hashed passwords, and how often. */
#include "rpc/io/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define COOKIE_USER "__cookie__"
#define CREDENTIAL_MAX 512
/* An Argon2id verification takes a tenth of a second of a core: strangers get no more of them than this in a second. */
#define HASHINGS_PER_SECOND_MAX 4

void notch__auth_init(struct notch_server *server)
{
    int rc = pthread_mutex_init(&server->auth.lock, NULL);
    notch_assert(rc == 0);
    randombytes_buf(server->auth.key, sizeof server->auth.key);
}

void notch__auth_fini(struct notch_server *server)
{
    (void)pthread_mutex_destroy(&server->auth.lock);
    notch_wipe(&server->auth, sizeof server->auth);
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, text, len);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text += written;
        len -= (size_t)written;
    }
    return true;
}

static enum notch_err fail(const char **detail, const char *text)
{
    *detail = text;
    switch (errno) {
    case EACCES:
    case EPERM:
        return NOTCH_ERR_PERMISSION;
    case EROFS:
        return NOTCH_ERR_READ_ONLY;
    case ENOSPC:
        return NOTCH_ERR_DISK_FULL;
    default:
        return NOTCH_ERR_IO;
    }
}

void notch__cookie_make(struct notch_server *server)
{
    struct notch__auth *auth = &server->auth;
    uint8_t secret[NOTCH__COOKIE_HEX / 2];
    char pair[sizeof COOKIE_USER + 1 + NOTCH__COOKIE_HEX];
    if (server->options.cookie_path == NULL) {
        return;
    }
    randombytes_buf(secret, sizeof secret);
    notch_hex_encode(auth->cookie, secret, sizeof secret);
    (void)snprintf(pair, sizeof pair, COOKIE_USER ":%s", auth->cookie);
    memcpy(auth->cookie_header, "Basic ", 6);
    (void)sodium_bin2base64(auth->cookie_header + 6, sizeof auth->cookie_header - 6, (const unsigned char *)pair,
                            strlen(pair), sodium_base64_VARIANT_ORIGINAL);
    notch_wipe(secret, sizeof secret);
    notch_wipe(pair, sizeof pair);
    auth->has_cookie = true;
}

/* Beside its place first, so that a reader sees an old one or the whole new one. */
enum notch_err notch__cookie_write(struct notch_server *server, const char **detail)
{
    const char *path = server->options.cookie_path;
    char beside[4096];
    if (path == NULL) {
        return NOTCH_OK;
    }
    int len = snprintf(beside, sizeof beside, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof beside) {
        *detail = "the path of the cookie file is too long";
        return NOTCH_ERR_INVALID;
    }
    (void)unlink(beside);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(detail, "the cookie file cannot be made");
    }
    bool written = write_all(fd, COOKIE_USER ":", strlen(COOKIE_USER ":")) &&
                   write_all(fd, server->auth.cookie, NOTCH__COOKIE_HEX);
    if (close(fd) != 0 || !written || rename(beside, path) != 0) {
        enum notch_err err = fail(detail, "the cookie file cannot be written");
        (void)unlink(beside);
        return err;
    }
    server->auth.cookie_is_written = true;
    return NOTCH_OK;
}

void notch__cookie_remove(struct notch_server *server)
{
    if (server->auth.cookie_is_written) {
        (void)unlink(server->options.cookie_path);
        server->auth.cookie_is_written = false;
    }
}

/* Takes "Basic base64(name:password)" apart, in place; NULL where it is not that. Gives the password. */
static char *take_apart(char out[CREDENTIAL_MAX], const char *header)
{
    size_t len;
    if (header == NULL || strncasecmp(header, "Basic ", 6) != 0) {
        return NULL;
    }
    header += 6;
    if (sodium_base642bin((unsigned char *)out, CREDENTIAL_MAX - 1, header, strlen(header), NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        return NULL;
    }
    out[len] = 0;
    char *colon = memchr(out, ':', len);
    if (colon == NULL || memchr(out, 0, len) != NULL) {
        return NULL;
    }
    *colon = 0;
    return colon + 1;
}

/* Whether one more Argon2id may run now. */
static bool may_hash(struct notch__auth *auth)
{
    uint64_t now_ms = notch__now_us() / 1000;
    (void)pthread_mutex_lock(&auth->lock);
    if (now_ms - auth->hashing_since_ms >= 1000) {
        auth->hashing_since_ms = now_ms;
        auth->hashings = 0;
    }
    bool allowed = auth->hashings < HASHINGS_PER_SECOND_MAX;
    auth->hashings += allowed;
    (void)pthread_mutex_unlock(&auth->lock);
    return allowed;
}

/* The first time by the slow hash, later by a keyed digest of what was right then. */
static enum notch__auth_verdict check_password(struct notch_server *server, size_t user, const char *password)
{
    struct notch__auth *auth = &server->auth;
    struct notch__credential *credential = &auth->credentials[user + 1];
    uint8_t digest[32];
    size_t len = strlen(password);
    (void)crypto_generichash(digest, sizeof digest, (const unsigned char *)password, len, auth->key, sizeof auth->key);
    (void)pthread_mutex_lock(&auth->lock);
    bool known = credential->verified && sodium_memcmp(digest, credential->digest, sizeof digest) == 0;
    (void)pthread_mutex_unlock(&auth->lock);
    if (known) {
        return NOTCH__AUTH_OK;
    }
    if (!may_hash(auth)) {
        return NOTCH__AUTH_TOO_FAST;
    }
    if (crypto_pwhash_str_verify(server->options.users[user].hash, password, len) != 0) {
        return NOTCH__AUTH_UNKNOWN;
    }
    (void)pthread_mutex_lock(&auth->lock);
    memcpy(credential->digest, digest, sizeof digest);
    credential->verified = true;
    (void)pthread_mutex_unlock(&auth->lock);
    return NOTCH__AUTH_OK;
}

/* A bucket that holds a second's worth. */
static bool within_rate(struct notch_server *server, size_t index)
{
    uint32_t rate = server->options.requests_per_second_max;
    if (rate == 0) {
        return true;
    }
    struct notch__credential *credential = &server->auth.credentials[index];
    uint64_t now_ms = notch__now_us() / 1000;
    (void)pthread_mutex_lock(&server->auth.lock);
    uint64_t tokens = credential->tokens_ms + (now_ms - credential->at_ms) * rate;
    uint64_t full = (uint64_t)rate * 1000;
    credential->tokens_ms = tokens < full ? tokens : full;
    credential->at_ms = now_ms;
    bool allowed = credential->tokens_ms >= 1000;
    credential->tokens_ms -= allowed ? 1000 : 0;
    (void)pthread_mutex_unlock(&server->auth.lock);
    return allowed;
}

static enum notch__auth_verdict check_name(struct notch_server *server, const char *name, const char *password,
                                           size_t *index)
{
    if (strcmp(name, COOKIE_USER) == 0) {
        bool right = server->auth.has_cookie && strlen(password) == NOTCH__COOKIE_HEX &&
                     sodium_memcmp(password, server->auth.cookie, NOTCH__COOKIE_HEX) == 0;
        *index = 0;
        return right ? NOTCH__AUTH_OK : NOTCH__AUTH_UNKNOWN;
    }
    for (size_t i = 0; i < server->options.user_count; i++) {
        if (strcmp(server->options.users[i].name, name) == 0) {
            *index = i + 1;
            return check_password(server, i, password);
        }
    }
    return NOTCH__AUTH_UNKNOWN;
}

enum notch__auth_verdict notch__auth_check(struct notch_server *server, const char *header, enum notch_rpc_role *role)
{
    const struct notch__auth *auth = &server->auth;
    char text[CREDENTIAL_MAX];
    size_t index = 0;
    if (header != NULL && auth->has_cookie && strlen(header) == strlen(auth->cookie_header) &&
        sodium_memcmp(header, auth->cookie_header, strlen(header)) == 0) {
        *role = NOTCH_RPC_OPERATE;
        return within_rate(server, 0) ? NOTCH__AUTH_OK : NOTCH__AUTH_TOO_FAST;
    }
    const char *password = take_apart(text, header);
    enum notch__auth_verdict verdict = NOTCH__AUTH_UNKNOWN;
    if (password != NULL) {
        verdict = check_name(server, text, password, &index);
    }
    notch_wipe(text, sizeof text);
    if (verdict != NOTCH__AUTH_OK) {
        return verdict;
    }
    *role = index == 0 ? NOTCH_RPC_OPERATE : server->options.users[index - 1].role;
    return within_rate(server, index) ? NOTCH__AUTH_OK : NOTCH__AUTH_TOO_FAST;
}

enum notch_err notch_server_hash_password(char out[NOTCH_SERVER_PASSWORD_HASH_MAX], const char *password, size_t len)
{
    _Static_assert(crypto_pwhash_STRBYTES <= NOTCH_SERVER_PASSWORD_HASH_MAX, "room for the text");
    if (sodium_init() < 0 || crypto_pwhash_str(out, password, len, 2, 64u << 20) != 0) {
        return NOTCH_ERR_CRYPTO;
    }
    return NOTCH_OK;
}
