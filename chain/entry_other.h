/*
 * chain/entry_other.h: WITNESS and SEALED.
 *
 * WITNESS shows when an orphaned batch was first seen (design consensus 8, T1): the header of the earliest block on any
 * branch that lists it, its batch ids, and votes of one slot for it or for what descends from it, with the headers in
 * between. One witness covers all batches of that block. Consensus takes the parts apart and decides; here they are
 * bounded bytes.
 *
 *   header blob (1..1024) | count uvar (1..256), batch ids 32 each | votes blob (1..20 KiB) | headers blob (0..8 KiB)
 *
 * SEALED carries what is meant for an audience only: the audience's id, the number of the key, a nonce, and ciphertext
 * (XChaCha20-Poly1305) that the chain does not look into. Mode rules apply to the outer fields only (design section 4).
 *
 *   audience 32 | key_period uvar | nonce 24 | ciphertext blob (17..28 KiB)
 */
#ifndef NOTCH_CHAIN_ENTRY_OTHER_H
#define NOTCH_CHAIN_ENTRY_OTHER_H

#include "base/bytes.h"
#include "base/units.h"

#define NOTCH_WITNESS_HEADER_MAX 1024
#define NOTCH_WITNESS_BATCHES_MAX 256
#define NOTCH_WITNESS_VOTES_MAX (20u << 10)
#define NOTCH_WITNESS_HEADERS_MAX (8u << 10)

#define NOTCH_SEALED_NONCE_LEN 24
/* One byte of plaintext and the tag. */
#define NOTCH_SEALED_BYTES_MIN 17
#define NOTCH_SEALED_BYTES_MAX (28u << 10)

struct notch_witness {
    struct notch_bytes header;
    uint32_t batch_count;
    struct notch_bytes batches; /* batch_count hashes of 32 bytes */
    struct notch_bytes votes;
    struct notch_bytes headers;
};

struct notch_sealed {
    struct notch_hash audience;
    uint64_t key_period;
    uint8_t nonce[NOTCH_SEALED_NONCE_LEN];
    struct notch_bytes ciphertext;
};

#endif
