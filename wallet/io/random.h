/*
 * wallet/io/random.h: bytes from the random source of the operating system (getrandom).
 *
 * The one place where randomness enters. Blocks early in a boot until the kernel's pool is ready, and never afterwards.
 *
 * Thread       Any.
 * Errors       None: a system without a random source cannot run a wallet, and the call aborts.
 */
#ifndef NOTCH_WALLET_IO_RANDOM_H
#define NOTCH_WALLET_IO_RANDOM_H

#include <stddef.h>

void notch_random_fill(void *out, size_t len);

#endif
