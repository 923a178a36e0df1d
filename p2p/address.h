/*
 * p2p/address.h: where a node can be reached, and which addresses count as of one owner.
 *
 * An address is 16 bytes (IPv4 as ::ffff:a.b.c.d) and a port; all zero is "none". The group of an address is what an
 * attacker gets many of at once: the /16 of IPv4, the /32 of IPv6. A loopback address is a group of its own per port:
 * nobody reaches us from there but ourselves, and a network on one machine must not look like one attacker.
 *
 * Thread       Values; pure functions.
 */
#ifndef NOTCH_P2P_ADDRESS_H
#define NOTCH_P2P_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct notch_p2p_address {
    uint8_t ip[16];
    uint16_t port;
};

_Static_assert(sizeof(struct notch_p2p_address) == 18, "an address is hashed as bytes: no padding");

/* As it is told to others: with services and when the node was last known to answer, unix seconds. */
struct notch_p2p_seen {
    struct notch_p2p_address address;
    uint32_t services;
    uint32_t seen_s;
};

/* On the wire: ip, port, services, seen_s. */
#define NOTCH_P2P_SEEN_LEN (16 + 2 + 4 + 4)

struct notch_p2p_group {
    uint8_t bytes[8];
};

struct notch_p2p_address notch_p2p_address_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);
bool notch_p2p_address_eq(const struct notch_p2p_address *a, const struct notch_p2p_address *b);
bool notch_p2p_address_is_none(const struct notch_p2p_address *address);

/* Whether it can be dialled and told to others: a port, and no unspecified, multicast or broadcast address. */
bool notch_p2p_address_is_valid(const struct notch_p2p_address *address);
bool notch_p2p_address_is_loopback(const struct notch_p2p_address *address);
struct notch_p2p_group notch_p2p_address_group(const struct notch_p2p_address *address);
bool notch_p2p_group_eq(const struct notch_p2p_group *a, const struct notch_p2p_group *b);

/* "192.0.2.1:7400" or "[2001:db8:0:0:0:0:0:1]:7400", terminated. */
#define NOTCH_P2P_ADDRESS_TEXT_MAX 64
void notch_p2p_address_print(char out[NOTCH_P2P_ADDRESS_TEXT_MAX], const struct notch_p2p_address *address);

#endif
