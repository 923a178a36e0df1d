/*
 * p2p/io/tls.h: TLS 1.3 between two nodes, as bytes in and bytes out.
 *
 * No socket is touched here: a session takes the ciphertext that came, gives the ciphertext to send, and between them
 * takes and gives plaintext. Both sides show a certificate (p2p/io/certificate.h); a session is up when the other's was
 * good, and then knows the node key behind it and the channel binding that both ends share (RFC 9266: 32 bytes of the
 * exporter "EXPORTER-Channel-Binding"), which the first frame signs.
 *
 * TLS 1.3 alone, the protocol name "notch/1" (ALPN), no tickets and no resumption: every connection proves its key.
 * Renegotiation and compression do not exist in 1.3.
 *
 * Limits       Ciphertext held for the handshake: what OpenSSL allows of one message, with certificates of at most
 *              4 KiB. After it: one TLS record (16 KiB) not yet whole, and what the caller has not taken yet.
 * Errors       DOWN: the session is over; why() says what happened. What is left to take (an alert) may still be sent.
 * Ownership    A session borrows its notch_tls, which borrows crypto.
 * Thread       Sessions of one notch_tls may be on several threads, each session on one at a time.
 */
#ifndef NOTCH_P2P_IO_TLS_H
#define NOTCH_P2P_IO_TLS_H

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/error.h"

struct notch_tls;
struct notch_tls_session;

enum notch_tls_state {
    NOTCH_TLS_SHAKING, /* hands */
    NOTCH_TLS_UP,
    NOTCH_TLS_ENDED, /* the other side said that it is done */
    NOTCH_TLS_DOWN
};

#define NOTCH_TLS_BINDING_LEN 32

/* Makes a certificate for the signer's key, which is used here only. CRYPTO: that failed. */
NOTCH_MUST_USE enum notch_err notch_tls_create(struct notch_tls **out, const struct notch_crypto *crypto,
                                               const struct notch_signer *signer, const struct notch_alloc *alloc);
void notch_tls_destroy(struct notch_tls *tls);

/* `dials`: this end connected to the other. A dialling session has something to take at once. */
void notch_tls_session_create(struct notch_tls_session **out, struct notch_tls *tls, bool dials);
void notch_tls_session_destroy(struct notch_tls_session *session);

/* Ciphertext that came. Appends the plaintext in it to `plain`, none before the session is up. */
enum notch_tls_state notch_tls_session_feed(struct notch_tls_session *session, struct notch_bytes cipher,
                                            struct notch_buf *plain);

/* Plaintext to send; the session is up. False: it is not any more. */
NOTCH_MUST_USE bool notch_tls_session_write(struct notch_tls_session *session, struct notch_bytes plain);

/* Says that nothing more will be written. */
void notch_tls_session_end(struct notch_tls_session *session);

/* Appends the ciphertext that waits to be sent. */
void notch_tls_session_take(struct notch_tls_session *session, struct notch_buf *cipher);

/* What came with the end of a handshake may have ended the session again. */
bool notch_tls_session_was_up(const struct notch_tls_session *session);

/* Of a session that is, or was, up. */
const struct notch_key *notch_tls_session_peer(const struct notch_tls_session *session);
const uint8_t *notch_tls_session_binding(const struct notch_tls_session *session);

/* Of one that is down: what happened, for people. */
const char *notch_tls_session_why(const struct notch_tls_session *session);

#endif
