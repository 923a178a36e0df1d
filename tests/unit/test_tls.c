/* TLS between two nodes, in memory: who is at the other end, and everybody who is not let in. */
#include "p2p/io/certificate.h"
#include "p2p/io/tls.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct node {
    struct notch_tls *tls;
    struct notch_signer signer;
    uint8_t secret[32];
};

struct end {
    struct notch_tls_session *session;
    struct notch_buf plain;
    struct notch_buf cipher;
    enum notch_tls_state state;
};

static void make_signer(struct node *node, uint8_t number)
{
    const struct notch_crypto *crypto = notch_crypto_secp();
    *node = (struct node){0};
    node->secret[31] = number;
    node->signer.secret = node->secret;
    assert_true(crypto->key_of_secret(crypto->self, &node->signer.key, node->secret));
}

static void open_node(struct node *node, uint8_t number)
{
    make_signer(node, number);
    assert_int_equal(notch_tls_create(&node->tls, notch_crypto_secp(), &node->signer, notch_alloc_heap()), NOTCH_OK);
}

static void open_end(struct end *end, struct notch_tls *tls, bool dials)
{
    end->state = NOTCH_TLS_SHAKING;
    notch_buf_init(&end->plain, notch_alloc_heap());
    notch_buf_init(&end->cipher, notch_alloc_heap());
    notch_tls_session_create(&end->session, tls, dials);
}

static void close_end(struct end *end)
{
    notch_tls_session_destroy(end->session);
    notch_buf_fini(&end->plain);
    notch_buf_fini(&end->cipher);
}

/* Carries what one end has to send to the other, `piece` bytes at a time; true: there was something. */
static bool carry(struct end *from, struct end *to, size_t piece)
{
    notch_buf_clear(&from->cipher);
    notch_tls_session_take(from->session, &from->cipher);
    for (size_t at = 0; at < from->cipher.len; at += piece) {
        size_t len = from->cipher.len - at < piece ? from->cipher.len - at : piece;
        to->state = notch_tls_session_feed(to->session, notch_bytes(from->cipher.data + at, len), &to->plain);
    }
    return from->cipher.len > 0;
}

static void talk(struct end *a, struct end *b, size_t piece)
{
    bool more = true;
    while (more) {
        more = carry(a, b, piece);
        more = carry(b, a, piece) || more;
    }
}

static void test_both_learn_the_key(void **state)
{
    (void)state;
    struct node alice;
    struct node bob;
    open_node(&alice, 1);
    open_node(&bob, 2);
    for (size_t piece = 1; piece < 100000; piece = piece * 9 + 1) {
        struct end dialler;
        struct end listener;
        open_end(&dialler, alice.tls, true);
        open_end(&listener, bob.tls, false);
        talk(&dialler, &listener, piece);
        assert_int_equal(dialler.state, NOTCH_TLS_UP);
        assert_int_equal(listener.state, NOTCH_TLS_UP);
        assert_memory_equal(notch_tls_session_peer(dialler.session), &bob.signer.key, sizeof bob.signer.key);
        assert_memory_equal(notch_tls_session_peer(listener.session), &alice.signer.key, sizeof alice.signer.key);
        assert_memory_equal(notch_tls_session_binding(dialler.session), notch_tls_session_binding(listener.session),
                            NOTCH_TLS_BINDING_LEN);
        close_end(&dialler);
        close_end(&listener);
    }
    notch_tls_destroy(alice.tls);
    notch_tls_destroy(bob.tls);
}

static void test_bindings_are_of_one_session(void **state)
{
    (void)state;
    struct node alice;
    struct node bob;
    struct end ends[4];
    open_node(&alice, 1);
    open_node(&bob, 2);
    for (size_t i = 0; i < 4; i += 2) {
        open_end(&ends[i], alice.tls, true);
        open_end(&ends[i + 1], bob.tls, false);
        talk(&ends[i], &ends[i + 1], 4096);
    }
    assert_memory_not_equal(notch_tls_session_binding(ends[0].session), notch_tls_session_binding(ends[2].session),
                            NOTCH_TLS_BINDING_LEN);
    for (size_t i = 0; i < 4; i++) {
        close_end(&ends[i]);
    }
    notch_tls_destroy(alice.tls);
    notch_tls_destroy(bob.tls);
}

static void test_data_and_end(void **state)
{
    (void)state;
    struct node alice;
    struct node bob;
    struct end dialler;
    struct end listener;
    uint8_t sent[100000];
    open_node(&alice, 1);
    open_node(&bob, 2);
    open_end(&dialler, alice.tls, true);
    open_end(&listener, bob.tls, false);
    assert_false(notch_tls_session_write(listener.session, notch_bytes(sent, 1)));
    talk(&dialler, &listener, 1000);
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (uint8_t)(i * 31 + i / 251);
    }
    assert_true(notch_tls_session_write(dialler.session, notch_bytes(sent, sizeof sent)));
    assert_true(notch_tls_session_write(listener.session, notch_bytes(sent + 7, 9)));
    talk(&dialler, &listener, 1448);
    assert_int_equal(listener.plain.len, sizeof sent);
    assert_memory_equal(listener.plain.data, sent, sizeof sent);
    assert_int_equal(dialler.plain.len, 9);
    assert_memory_equal(dialler.plain.data, sent + 7, 9);
    notch_tls_session_end(dialler.session);
    talk(&dialler, &listener, 1448);
    assert_int_equal(listener.state, NOTCH_TLS_ENDED);
    close_end(&dialler);
    close_end(&listener);
    notch_tls_destroy(alice.tls);
    notch_tls_destroy(bob.tls);
}

/* A byte that was changed on the way, at any place of the handshake or after it, is never taken for good. */
static void test_changed_bytes(void **state)
{
    (void)state;
    struct node alice;
    struct node bob;
    open_node(&alice, 1);
    open_node(&bob, 2);
    for (size_t at = 0; at < 1400; at += 13) {
        struct end dialler;
        struct end listener;
        open_end(&dialler, alice.tls, true);
        open_end(&listener, bob.tls, false);
        (void)carry(&dialler, &listener, 4096);
        notch_tls_session_take(listener.session, &listener.cipher);
        assert_true(listener.cipher.len > 500);
        listener.cipher.data[at % listener.cipher.len] ^= 4;
        dialler.state = notch_tls_session_feed(dialler.session, notch_buf_bytes(&listener.cipher), &dialler.plain);
        talk(&dialler, &listener, 4096);
        assert_false(dialler.state == NOTCH_TLS_UP && listener.state == NOTCH_TLS_UP);
        close_end(&dialler);
        close_end(&listener);
    }
    notch_tls_destroy(alice.tls);
    notch_tls_destroy(bob.tls);
}

/* ---- who is not let in ---- */

/* An attacker's end: OpenSSL itself, set up as the attacker likes. */
struct foe {
    SSL_CTX *context;
    SSL *ssl;
};

static void open_foe(struct foe *foe, X509 *certificate, EVP_PKEY *key, int version, X509 *more)
{
    foe->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(foe->context);
    assert_int_equal(SSL_CTX_set_max_proto_version(foe->context, version), 1);
    SSL_CTX_set_verify(foe->context, SSL_VERIFY_NONE, NULL);
    if (certificate != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(foe->context, certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(foe->context, key), 1);
    }
    if (more != NULL) {
        assert_int_equal(SSL_CTX_add1_chain_cert(foe->context, more), 1);
    }
    foe->ssl = SSL_new(foe->context);
    assert_non_null(foe->ssl);
    assert_int_equal(SSL_set_alpn_protos(foe->ssl, (const uint8_t *)"\x07notch/1", 8), 0);
    SSL_set_bio(foe->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(foe->ssl);
}

static void close_foe(struct foe *foe)
{
    SSL_free(foe->ssl);
    SSL_CTX_free(foe->context);
}

/* What the listener thinks of the foe. */
static enum notch_tls_state meet(struct foe *foe, struct end *listener)
{
    uint8_t bytes[8192];
    for (int round = 0; round < 6; round++) {
        (void)SSL_do_handshake(foe->ssl);
        int len = BIO_read(SSL_get_wbio(foe->ssl), bytes, sizeof bytes);
        if (len > 0) {
            listener->state =
                notch_tls_session_feed(listener->session, notch_bytes(bytes, (size_t)len), &listener->plain);
        }
        notch_buf_clear(&listener->cipher);
        notch_tls_session_take(listener->session, &listener->cipher);
        if (listener->cipher.len > 0) {
            (void)BIO_write(SSL_get_rbio(foe->ssl), listener->cipher.data, (int)listener->cipher.len);
        }
    }
    return listener->state;
}

static void expect(struct node *bob, X509 *certificate, EVP_PKEY *key, int version, X509 *more, const char *why)
{
    struct foe foe;
    struct end listener;
    open_foe(&foe, certificate, key, version, more);
    open_end(&listener, bob->tls, false);
    enum notch_tls_state state = meet(&foe, &listener);
    if (why == NULL) {
        assert_int_equal(state, NOTCH_TLS_UP);
    } else {
        assert_int_equal(state, NOTCH_TLS_DOWN);
        assert_string_equal(notch_tls_session_why(listener.session), why);
    }
    close_end(&listener);
    close_foe(&foe);
}

/* A certificate for `key` with the extensions of another. */
static X509 *copy_extensions(X509 *from, EVP_PKEY *key, EVP_PKEY *signs)
{
    X509 *made = X509_dup(from);
    assert_int_equal(X509_set_pubkey(made, key), 1);
    assert_true(X509_sign(made, signs, NULL) > 0);
    return made;
}

static void test_certificates(void **state)
{
    (void)state;
    struct node alice;
    struct node bob;
    X509 *good;
    EVP_PKEY *key;
    make_signer(&alice, 1);
    open_node(&bob, 2);
    assert_int_equal(notch_certificate_make(&good, &key, notch_crypto_secp(), &alice.signer), NOTCH_OK);
    expect(&bob, good, key, TLS1_3_VERSION, NULL, NULL);
    expect(&bob, NULL, NULL, TLS1_3_VERSION, NULL, "the TLS handshake failed: peer did not return a certificate");
    expect(&bob, good, key, TLS1_2_VERSION, NULL, "the TLS handshake failed: unsupported protocol");
    expect(&bob, good, key, TLS1_3_VERSION, good, "it shows more than one certificate");

    EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    X509 *stolen = copy_extensions(good, own, own);
    expect(&bob, stolen, own, TLS1_3_VERSION, NULL, "the node key did not sign this certificate's key");
    X509_free(stolen);

    EVP_PKEY *curve = EVP_EC_gen("P-256");
    X509 *other = X509_dup(good);
    assert_int_equal(X509_set_pubkey(other, curve), 1);
    assert_true(X509_sign(other, curve, EVP_sha256()) > 0);
    expect(&bob, other, curve, TLS1_3_VERSION, NULL, "the certificate's key is not an Ed25519 key");
    X509_free(other);

    X509 *bare = X509_dup(good);
    X509_EXTENSION_free(X509_delete_ext(bare, 0));
    assert_true(X509_sign(bare, key, NULL) > 0);
    expect(&bob, bare, key, TLS1_3_VERSION, NULL,
           "the certificate has other extensions than the one that names a node");
    X509_free(bare);

    EVP_PKEY_free(curve);
    EVP_PKEY_free(own);
    EVP_PKEY_free(key);
    X509_free(good);
    notch_tls_destroy(bob.tls);
}

static void test_not_self_signed(void **state)
{
    (void)state;
    struct node alice;
    X509 *good;
    EVP_PKEY *key;
    struct notch_key found;
    make_signer(&alice, 1);
    assert_int_equal(notch_certificate_make(&good, &key, notch_crypto_secp(), &alice.signer), NOTCH_OK);
    assert_null(notch_certificate_check(&found, good, notch_crypto_secp()));
    assert_memory_equal(&found, &alice.signer.key, sizeof found);
    EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    X509 *other = copy_extensions(good, key, own);
    assert_string_equal(notch_certificate_check(&found, other, notch_crypto_secp()),
                        "the certificate is not signed by its own key");
    X509_free(other);
    EVP_PKEY_free(own);
    EVP_PKEY_free(key);
    X509_free(good);
}

/* Every byte of a certificate, changed: it is no certificate any more, or not a good one, or it was no part of it. */
static void test_changed_certificates(void **state)
{
    (void)state;
    struct node alice;
    X509 *good;
    EVP_PKEY *key;
    uint8_t *der = NULL;
    make_signer(&alice, 1);
    assert_int_equal(notch_certificate_make(&good, &key, notch_crypto_secp(), &alice.signer), NOTCH_OK);
    int len = i2d_X509(good, &der);
    assert_true(len > 200);
    for (int at = 0; at < len; at++) {
        struct notch_key found;
        der[at] ^= 1;
        const uint8_t *from = der;
        X509 *read = d2i_X509(NULL, &from, len);
        if (read != NULL) {
            assert_non_null(notch_certificate_check(&found, read, notch_crypto_secp()));
        }
        X509_free(read);
        der[at] ^= 1;
    }
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    X509_free(good);
}

static void test_noise(void **state)
{
    (void)state;
    struct node bob;
    open_node(&bob, 2);
    for (uint32_t seed = 0; seed < 200; seed++) {
        struct end listener;
        uint8_t noise[512];
        uint32_t x = seed * 2654435761U + 1;
        for (size_t i = 0; i < sizeof noise; i++) {
            x = x * 1664525U + 1013904223U;
            noise[i] = (uint8_t)(x >> 24);
        }
        if (seed % 2 == 0) {
            memcpy(noise, "\x16\x03\x01\x01\xfb\x01\x00\x01\xf7\x03\x03", 11); /* as a ClientHello begins */
        }
        open_end(&listener, bob.tls, false);
        listener.state = notch_tls_session_feed(listener.session, notch_bytes(noise, sizeof noise), &listener.plain);
        assert_true(listener.state == NOTCH_TLS_DOWN || listener.state == NOTCH_TLS_SHAKING);
        assert_int_equal(listener.plain.len, 0);
        close_end(&listener);
    }
    notch_tls_destroy(bob.tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_learn_the_key),   cmocka_unit_test(test_bindings_are_of_one_session),
        cmocka_unit_test(test_data_and_end),         cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_certificates),         cmocka_unit_test(test_not_self_signed),
        cmocka_unit_test(test_changed_certificates), cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
