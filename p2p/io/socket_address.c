#include "p2p/io/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool notch__address_of(struct notch_p2p_address *out, const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        memcpy(out->ip, v4_mapped, sizeof v4_mapped);
        memcpy(out->ip + sizeof v4_mapped, &in->sin_addr, 4);
        out->port = ntohs(in->sin_port);
        return true;
    }
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        memcpy(out->ip, &in6->sin6_addr, sizeof out->ip);
        out->port = ntohs(in6->sin6_port);
        return true;
    }
    return false;
}

void notch__address_to(struct sockaddr_storage *out, const struct notch_p2p_address *from)
{
    memset(out, 0, sizeof *out);
    if (memcmp(from->ip, v4_mapped, sizeof v4_mapped) == 0) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(from->port);
        memcpy(&in->sin_addr, from->ip + sizeof v4_mapped, 4);
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(from->port);
        memcpy(&in6->sin6_addr, from->ip, sizeof from->ip);
    }
}

static bool parse_port(uint16_t *out, const char *text)
{
    uint32_t port = 0;
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 5 || text[len] != 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    *out = (uint16_t)port;
    return port <= UINT16_MAX;
}

bool notch_socket_address_parse(struct notch_p2p_address *out, const char *text)
{
    char host[INET6_ADDRSTRLEN];
    bool is_v6 = text[0] == '[';
    const char *begin = text + is_v6;
    size_t len = strcspn(begin, is_v6 ? "]" : ":");
    const char *end = begin + len + (is_v6 && begin[len] == ']');
    if (len >= sizeof host || *end != ':' || !parse_port(&out->port, end + 1)) {
        return false;
    }
    memcpy(host, begin, len);
    host[len] = 0;
    if (is_v6) {
        return inet_pton(AF_INET6, host, out->ip) == 1;
    }
    memcpy(out->ip, v4_mapped, sizeof v4_mapped);
    return inet_pton(AF_INET, host, out->ip + sizeof v4_mapped) == 1;
}
