/*
 * p2p/io/socket_address.h: addresses as the system has them, and as the network core has them.
 *
 * Thread       Pure functions.
 */
#ifndef NOTCH_P2P_IO_SOCKET_ADDRESS_H
#define NOTCH_P2P_IO_SOCKET_ADDRESS_H

#include "p2p/address.h"

#include <sys/socket.h>

/* "192.0.2.1:7400" or "[2001:db8::1]:7400", numbers alone. A port of 0 is taken. */
bool notch_socket_address_parse(struct notch_p2p_address *out, const char *text);

/* False: neither IPv4 nor IPv6. */
bool notch__address_of(struct notch_p2p_address *out, const struct sockaddr_storage *from);
void notch__address_to(struct sockaddr_storage *out, const struct notch_p2p_address *from);

#endif
