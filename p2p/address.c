#include "p2p/address.h"

#include <stdio.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const struct notch_p2p_address *address)
{
    return memcmp(address->ip, v4_prefix, sizeof v4_prefix) == 0;
}

struct notch_p2p_address notch_p2p_address_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    struct notch_p2p_address address = {.ip = {[12] = a, [13] = b, [14] = c, [15] = d}, .port = port};
    memcpy(address.ip, v4_prefix, sizeof v4_prefix);
    return address;
}

bool notch_p2p_address_eq(const struct notch_p2p_address *a, const struct notch_p2p_address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool notch_p2p_address_is_none(const struct notch_p2p_address *address)
{
    static const struct notch_p2p_address none;
    return notch_p2p_address_eq(address, &none);
}

bool notch_p2p_address_is_loopback(const struct notch_p2p_address *address)
{
    static const uint8_t v6_loopback[16] = {[15] = 1};
    return is_v4(address) ? address->ip[12] == 127 : memcmp(address->ip, v6_loopback, 16) == 0;
}

bool notch_p2p_address_is_valid(const struct notch_p2p_address *address)
{
    static const uint8_t unspecified[16];
    if (address->port == 0 || memcmp(address->ip, unspecified, 16) == 0) {
        return false;
    }
    if (is_v4(address)) {
        return address->ip[12] != 0 && address->ip[12] < 224; /* 0/8; multicast, reserved and broadcast */
    }
    bool is_link_local = address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80;
    return address->ip[0] != 0xff && !is_link_local;
}

struct notch_p2p_group notch_p2p_address_group(const struct notch_p2p_address *address)
{
    struct notch_p2p_group group = {{0}};
    if (notch_p2p_address_is_loopback(address)) {
        group.bytes[0] = 1;
        group.bytes[1] = (uint8_t)(address->port >> 8);
        group.bytes[2] = (uint8_t)address->port;
    } else if (is_v4(address)) {
        group.bytes[0] = 4;
        memcpy(group.bytes + 1, address->ip + 12, 2);
    } else {
        group.bytes[0] = 6;
        memcpy(group.bytes + 1, address->ip, 4);
    }
    return group;
}

bool notch_p2p_group_eq(const struct notch_p2p_group *a, const struct notch_p2p_group *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void notch_p2p_address_print(char out[NOTCH_P2P_ADDRESS_TEXT_MAX], const struct notch_p2p_address *address)
{
    const uint8_t *ip = address->ip;
    if (is_v4(address)) {
        (void)snprintf(out, NOTCH_P2P_ADDRESS_TEXT_MAX, "%u.%u.%u.%u:%u", ip[12], ip[13], ip[14], ip[15],
                       address->port);
        return;
    }
    unsigned part[8];
    for (size_t i = 0; i < 8; i++) {
        part[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
    }
    (void)snprintf(out, NOTCH_P2P_ADDRESS_TEXT_MAX, "[%x:%x:%x:%x:%x:%x:%x:%x]:%u", part[0], part[1], part[2], part[3],
                   part[4], part[5], part[6], part[7], address->port);
}
