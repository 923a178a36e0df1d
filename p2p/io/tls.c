#include "p2p/io/tls.h"

#include "p2p/io/certificate.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define CERTIFICATES_LEN_MAX 4096
#define READ_CHUNK 16384
#define WHY_LEN_MAX 160

static const uint8_t protocol[] = "\x07notch/1"; /* ALPN: its length, its name */
#define PROTOCOL_LEN (sizeof protocol - 1)

struct notch_tls {
    const struct notch_alloc *alloc;
    const struct notch_crypto *crypto;
    SSL_CTX *context;
};

struct notch_tls_session {
    struct notch_tls *tls;
    SSL *ssl;
    BIO *in;  /* ciphertext that came; the SSL's own */
    BIO *out; /* ciphertext to send; the SSL's own */
    enum notch_tls_state state;
    bool was_up;
    struct notch_key peer;
    uint8_t binding[NOTCH_TLS_BINDING_LEN];
    const char *refused; /* what was wrong with the certificate */
    char why[WHY_LEN_MAX];
};

/* ---- what all sessions share ---- */

/* Exactly one certificate, and a good one: called by OpenSSL in place of its chain of trust, on both sides. */
static int on_certificate(X509_STORE_CTX *store, void *arg)
{
    const struct notch_tls *tls = arg;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct notch_tls_session *session = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    if (certificate == NULL || sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) != 1) {
        session->refused = "it shows more than one certificate";
    } else {
        session->refused = notch_certificate_check(&session->peer, certificate, tls->crypto);
    }
    if (session->refused != NULL) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    }
    return session->refused == NULL;
}

static int on_protocol(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in, unsigned in_len, void *arg)
{
    (void)ssl;
    (void)arg;
    for (unsigned at = 0; at + PROTOCOL_LEN <= in_len; at += 1U + in[at]) {
        if (memcmp(in + at, protocol, PROTOCOL_LEN) == 0) {
            *out = in + at + 1;
            *out_len = PROTOCOL_LEN - 1;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool set_up(struct notch_tls *tls, const struct notch_signer *signer)
{
    X509 *certificate;
    EVP_PKEY *key;
    SSL_CTX *context = tls->context;
    if (notch_certificate_make(&certificate, &key, tls->crypto, signer) != NOTCH_OK) {
        return false;
    }
    bool ok = SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    ok = ok && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1 &&
         SSL_CTX_set_alpn_protos(context, protocol, PROTOCOL_LEN) == 0;
    SSL_CTX_set_alpn_select_cb(context, on_protocol, NULL);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_max_cert_list(context, CERTIFICATES_LEN_MAX);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, on_certificate, tls);
    return ok;
}

enum notch_err notch_tls_create(struct notch_tls **out, const struct notch_crypto *crypto,
                                const struct notch_signer *signer, const struct notch_alloc *alloc)
{
    struct notch_tls *tls = notch_alloc(alloc, sizeof *tls);
    *tls = (struct notch_tls){.alloc = alloc, .crypto = crypto, .context = SSL_CTX_new(TLS_method())};
    if (tls->context == NULL || !set_up(tls, signer)) {
        notch_tls_destroy(tls);
        *out = NULL;
        return NOTCH_ERR_CRYPTO;
    }
    *out = tls;
    return NOTCH_OK;
}

void notch_tls_destroy(struct notch_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        notch_free(tls->alloc, tls, sizeof *tls);
    }
}

/* ---- a session ---- */

static void go_down(struct notch_tls_session *session, const char *what)
{
    char text[WHY_LEN_MAX] = "";
    unsigned long code = ERR_get_error();
    if (session->refused != NULL) {
        what = session->refused;
    } else if (code != 0) {
        const char *reason = ERR_reason_error_string(code);
        (void)snprintf(text, sizeof text, ": %s", reason == NULL ? "no reason given" : reason);
    }
    (void)snprintf(session->why, sizeof session->why, "%s%s", what, text);
    session->state = NOTCH_TLS_DOWN;
}

/* After SSL_do_handshake, SSL_read_ex or SSL_write_ex said no. */
static void note_failure(struct notch_tls_session *session, const char *what)
{
    int error = SSL_get_error(session->ssl, 0);
    if (error == SSL_ERROR_ZERO_RETURN) {
        session->state = NOTCH_TLS_ENDED;
    } else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        go_down(session, what);
    }
}

static void shake(struct notch_tls_session *session)
{
    const char label[] = "EXPORTER-Channel-Binding";
    ERR_clear_error();
    if (SSL_do_handshake(session->ssl) != 1) {
        note_failure(session, "the TLS handshake failed");
        return;
    }
    if (SSL_export_keying_material(session->ssl, session->binding, sizeof session->binding, label, sizeof label - 1,
                                   NULL, 0, 0) != 1) {
        go_down(session, "TLS gives no channel binding");
        return;
    }
    session->state = NOTCH_TLS_UP;
    session->was_up = true;
}

void notch_tls_session_create(struct notch_tls_session **out, struct notch_tls *tls, bool dials)
{
    struct notch_tls_session *session = notch_alloc(tls->alloc, sizeof *session);
    *session = (struct notch_tls_session){.tls = tls, .ssl = SSL_new(tls->context)};
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    notch_assert(session->ssl != NULL && session->in != NULL && session->out != NULL); /* out of memory */
    SSL_set_bio(session->ssl, session->in, session->out);
    (void)SSL_set_app_data(session->ssl, session);
    if (dials) {
        SSL_set_connect_state(session->ssl);
        shake(session);
    } else {
        SSL_set_accept_state(session->ssl);
    }
    *out = session;
}

void notch_tls_session_destroy(struct notch_tls_session *session)
{
    if (session != NULL) {
        SSL_free(session->ssl);
        notch_free(session->tls->alloc, session, sizeof *session);
    }
}

static void read_plain(struct notch_tls_session *session, struct notch_buf *plain)
{
    uint8_t chunk[READ_CHUNK];
    size_t got;
    ERR_clear_error();
    while (SSL_read_ex(session->ssl, chunk, sizeof chunk, &got) == 1) {
        notch_buf_append(plain, chunk, got);
    }
    note_failure(session, "TLS broke");
}

enum notch_tls_state notch_tls_session_feed(struct notch_tls_session *session, struct notch_bytes cipher,
                                            struct notch_buf *plain)
{
    if (session->state == NOTCH_TLS_DOWN || session->state == NOTCH_TLS_ENDED) {
        return session->state;
    }
    if (cipher.len > INT_MAX || (cipher.len > 0 && BIO_write(session->in, cipher.data, (int)cipher.len) <= 0)) {
        go_down(session, "no memory for what came");
        return session->state;
    }
    if (session->state == NOTCH_TLS_SHAKING) {
        shake(session);
    }
    if (session->state == NOTCH_TLS_UP) {
        read_plain(session, plain);
    }
    return session->state;
}

bool notch_tls_session_write(struct notch_tls_session *session, struct notch_bytes plain)
{
    size_t written = 0;
    if (session->state != NOTCH_TLS_UP) {
        return false;
    }
    ERR_clear_error();
    if (plain.len > 0 && (SSL_write_ex(session->ssl, plain.data, plain.len, &written) != 1 || written != plain.len)) {
        go_down(session, "TLS takes no more");
    }
    return session->state == NOTCH_TLS_UP;
}

void notch_tls_session_end(struct notch_tls_session *session)
{
    if (session->state == NOTCH_TLS_UP || session->state == NOTCH_TLS_ENDED) {
        ERR_clear_error();
        (void)SSL_shutdown(session->ssl);
    }
}

void notch_tls_session_take(struct notch_tls_session *session, struct notch_buf *cipher)
{
    size_t len = BIO_ctrl_pending(session->out);
    while (len > 0) {
        size_t got = 0;
        uint8_t *room = notch_buf_reserve(cipher, len);
        if (BIO_read_ex(session->out, room, len, &got) != 1) {
            break;
        }
        cipher->len += got;
        len -= got;
    }
}

bool notch_tls_session_was_up(const struct notch_tls_session *session)
{
    return session->was_up;
}

const struct notch_key *notch_tls_session_peer(const struct notch_tls_session *session)
{
    return &session->peer;
}

const uint8_t *notch_tls_session_binding(const struct notch_tls_session *session)
{
    return session->binding;
}

const char *notch_tls_session_why(const struct notch_tls_session *session)
{
    return session->why;
}
