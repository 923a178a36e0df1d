/* The headers that decide: Host, and those of the WebSocket handshake (RFC 6455). */
#include "rpc/io/internal.h"

#include <arpa/inet.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <strings.h>

#define WEBSOCKET_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

bool notch__handshake_accept(char out[29], const char *key)
{
    uint8_t nonce[16];
    uint8_t digest[SHA_DIGEST_LENGTH];
    char text[24 + sizeof WEBSOCKET_GUID];
    size_t len;
    if (strlen(key) != 24 ||
        sodium_base642bin(nonce, sizeof nonce, key, 24, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        len != sizeof nonce) {
        return false;
    }
    memcpy(text, key, 24);
    memcpy(text + 24, WEBSOCKET_GUID, sizeof WEBSOCKET_GUID);
    (void)SHA1((const unsigned char *)text, strlen(text), digest);
    (void)sodium_bin2base64(out, 29, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
    return true;
}

bool notch__header_has(const char *value, const char *token)
{
    size_t len = strlen(token);
    while (value != NULL && *value != 0) {
        value += strspn(value, " \t,");
        size_t word = strcspn(value, " \t,");
        if (word == len && strncasecmp(value, token, len) == 0) {
            return true;
        }
        value += word;
    }
    return false;
}

/* The name in front of the port, without the brackets of an IPv6 address; false: not a host. */
static bool host_name(char *out, size_t cap, const char *host)
{
    bool bracketed = host[0] == '[';
    size_t len = bracketed ? strcspn(host + 1, "]") : strcspn(host, ":");
    const char *rest = bracketed ? host + 1 + len : host + len;
    if (len == 0 || len >= cap || (bracketed && *rest != ']')) {
        return false;
    }
    memcpy(out, bracketed ? host + 1 : host, len);
    out[len] = 0;
    rest += bracketed;
    return *rest == 0 || (*rest == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

bool notch__host_is_ours(const struct notch_server *server, const char *host)
{
    char name[256];
    uint8_t address[16];
    if (host == NULL || !host_name(name, sizeof name, host)) {
        return false;
    }
    /* A name that an attacker's DNS answers for is never an address. */
    if (strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, address) == 1 ||
        inet_pton(AF_INET6, name, address) == 1) {
        return true;
    }
    for (size_t i = 0; i < server->options.host_count; i++) {
        if (strcasecmp(name, server->options.hosts[i]) == 0) {
            return true;
        }
    }
    return false;
}
