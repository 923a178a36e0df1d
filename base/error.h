/*
 * base/error.h: the two ways in which something may not work out, kept apart.
 *
 *   enum notch_err       our side: disk, memory, limits, a missing key. 0 is success, everything else negative.
 *                        Never a reason to punish a peer, never cached.
 *   struct notch_reject  the data is invalid. Deterministic: every node says the same of the same bytes, so it may be
 *                        cached, shown to the author, and held against the peer that sent it.
 *
 * A broken promise of the programmer is neither: notch_assert (base/assert.h).
 *
 * Ownership    Texts are literals. A reject is a value, copy it freely.
 * Thread       Any.
 */
#ifndef NOTCH_BASE_ERROR_H
#define NOTCH_BASE_ERROR_H

#include "base/assert.h"

#include <stdint.h>

/* name, value, text: what an operator reads when nothing better is known. Values are stable: they appear in logs. */
#define NOTCH_ERR_TABLE(X) \
    X(OK, 0, "ok") \
    X(NOT_FOUND, -1, "not found") \
    X(RANGE, -2, "out of range") \
    X(OVERFLOW, -3, "arithmetic overflow") \
    X(SPACE, -4, "buffer or table is full") \
    X(IO, -5, "input/output error") \
    X(DISK_FULL, -6, "no space left on the device") \
    X(READ_ONLY, -7, "the file system is read-only") \
    X(CORRUPT, -8, "stored data is corrupt") \
    X(VERSION, -9, "stored data has another format version") \
    X(NETWORK, -10, "stored data belongs to another network") \
    X(LOCKED, -11, "in use by another process") \
    X(EXISTS, -12, "already exists") \
    X(PERMISSION, -13, "permission denied") \
    X(CRYPTO, -14, "a cryptographic operation failed") \
    X(PASSPHRASE, -15, "wrong passphrase, or a damaged key file") \
    X(BUSY, -16, "busy: try again later") \
    X(CLOSED, -17, "closed") \
    X(INVALID, -18, "invalid argument") \
    X(UNSUPPORTED, -19, "not supported here") \
    X(ADDRESS_IN_USE, -20, "address already in use") \
    X(UNREACHABLE, -21, "cannot be reached")

enum notch_err {
#define X(name, value, text) NOTCH_ERR_##name = (value),
    NOTCH_ERR_TABLE(X)
#undef X
    /* Shorthand for the common case. */
    NOTCH_OK = 0
};

/* "NOT_FOUND", and "not found". Any other value gives "UNKNOWN" and "unknown error". */
const char *notch_err_name(enum notch_err err);
const char *notch_err_text(enum notch_err err);

/* name, value, text: why data is invalid. Values are part of the protocol (receipts carry them): only append. */
#define NOTCH_REJECT_TABLE(X) \
    X(NONE, 0, "valid") \
    X(MALFORMED, 1, "not a canonical encoding") \
    X(TOO_LARGE, 2, "larger than the chain allows") \
    X(VERSION, 3, "unknown version") \
    X(SIGNATURE, 4, "signature does not verify") \
    X(ROOT, 5, "Merkle root does not match the contents") \
    X(MODE, 6, "the chain's mode forbids this field") \
    X(BOUNDS, 7, "a value is out of its bounds") \
    X(FUTURE, 8, "dated in the future") \
    X(EXPIRED, 9, "expired: its reference is too old") \
    X(UNKNOWN_REF, 10, "its reference is not a final block of this chain") \
    X(DUPLICATE, 11, "the author already used this salt") \
    X(UNKNOWN_TYPE, 12, "unknown entry type") \
    X(NOT_ACTIVE, 13, "this entry type is not active yet") \
    X(AUTHOR_REVOKED, 14, "the author's key is revoked or rotated") \
    X(SUPERSEDED, 15, "an earlier claim stands") \
    X(CONFLICT, 16, "conflicts with what stands on the chain") \
    X(OPENING, 17, "does not open its commitment") \
    X(CAPACITY, 18, "exceeds the capacity") \
    X(NEED, 19, "exceeds the need") \
    X(SEQUENCE, 20, "out of sequence") \
    X(QUOTA, 21, "the author's quota is used up") \
    X(UNKNOWN_MAKER, 22, "its maker is not a validator") \
    X(NOT_AUTHORISED, 23, "not authorised") \
    X(PARENT, 24, "does not fit its parent") \
    X(SLOT, 25, "outside of its slot") \
    X(LEADER, 26, "not signed by the leader of its slot") \
    X(STATE_ROOT, 27, "state root differs") \
    X(EMPTY, 28, "holds nothing")

enum notch_reject_code {
#define X(name, value, text) NOTCH_REJECT_##name = (value),
    NOTCH_REJECT_TABLE(X)
#undef X
};

/* Why data is invalid. `reason` is a literal that names the field; NONE means valid. */
struct notch_reject {
    enum notch_reject_code code;
    const char *reason;
};

#define NOTCH_VALID ((struct notch_reject){NOTCH_REJECT_NONE, ""})
#define NOTCH_REJECT(code_name, literal) ((struct notch_reject){NOTCH_REJECT_##code_name, "" literal})

static inline bool notch_is_valid(struct notch_reject reject)
{
    return reject.code == NOTCH_REJECT_NONE;
}

/* "TOO_LARGE", and "larger than the chain allows". Any other value gives "UNKNOWN" and "unknown reason". */
const char *notch_reject_name(enum notch_reject_code code);
const char *notch_reject_text(enum notch_reject_code code);

#endif
