/*
 * p2p/io/dns.h: DNS seeds: names that stand for addresses of nodes.
 *
 * For the seed "seed.example.org" these are asked, all at once:
 *
 *      SRV    _notch._tcp.seed.example.org     the addresses of its targets, at their ports
 *      A, AAAA    seed.example.org             addresses at the default port
 *
 * What comes is hearsay: it goes into the address book as said by the seed, and a node at such an address still has to
 * prove its key. So DNSSEC adds nothing here, and names are asked of the system's resolver, never of /etc/hosts.
 *
 * Limits       NOTCH_DNS_TARGETS_MAX targets and NOTCH_DNS_ADDRESSES_MAX addresses of a seed; what is more is left out.
 *              A question waits 2 s and is asked twice.
 * Ownership    Pointers of a call are copied; the answer's are valid during the callback.
 * Errors       An answer without addresses says why (c-ares' words).
 * Thread       The loop's.
 * Source       RFC 1035, RFC 2782; dependencies.md: c-ares.
 */
#ifndef NOTCH_P2P_IO_DNS_H
#define NOTCH_P2P_IO_DNS_H

#include "base/alloc.h"
#include "base/error.h"
#include "p2p/address.h"

#include <stddef.h>

#define NOTCH_DNS_TARGETS_MAX 16
#define NOTCH_DNS_ADDRESSES_MAX 64
#define NOTCH_DNS_NAME_MAX 253

struct uv_loop_s;
struct notch_dns;

struct notch_dns_answer {
    const char *seed;
    const struct notch_p2p_address *addresses; /* no two the same */
    size_t count;
    const char *why; /* there are none; NULL otherwise */
};

struct notch_dns_options {
    struct uv_loop_s *loop;
    const struct notch_alloc *alloc;
    const char *servers; /* "192.0.2.1:53,192.0.2.2"; NULL: the system's */
    uint16_t port;       /* of addresses that come without one */
    void (*answer)(void *arg, const struct notch_dns_answer *answer);
    void *arg;
};

/* INVALID: the servers; IO: c-ares cannot start. *detail: why, a literal. */
NOTCH_MUST_USE enum notch_err notch_dns_create(struct notch_dns **out, const struct notch_dns_options *options,
                                               const char **detail);

/* Exactly one answer follows, maybe before this returns. INVALID: no name of a host. */
NOTCH_MUST_USE enum notch_err notch_dns_ask(struct notch_dns *dns, const char *seed);

/* What is being asked is forgotten, without an answer; done() when the loop has nothing of it left, and it is freed. */
void notch_dns_close(struct notch_dns *dns, void (*done)(void *arg));

#endif
