#include "p2p/io/certificate.h"

#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Of nobody's arc: drawn at random below 2.25, which is for that (ITU-T X.667). */
#define EXTENSION_OID "2.25.102159358833358755846909392244089725663"
#define CERTIFICATE_TAG "notch/certificate"
#define SPKI_LEN_MAX 256
#define SERIAL_BITS 127

static bool message_of(struct notch_hash *out, X509_PUBKEY *spki)
{
    uint8_t der[SPKI_LEN_MAX];
    uint8_t *end = der;
    int len = i2d_X509_PUBKEY(spki, NULL);
    if (len <= 0 || len > SPKI_LEN_MAX || i2d_X509_PUBKEY(spki, &end) != len) {
        return false;
    }
    notch_hash_tagged(out, CERTIFICATE_TAG, notch_bytes(der, (size_t)len));
    return true;
}

/* ---- making one ---- */

static bool set_names_and_dates(X509 *certificate)
{
    BIGNUM *serial = BN_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    bool ok = serial != NULL && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"notch", -1, -1, 0) == 1 &&
              X509_set_issuer_name(certificate, name) == 1 &&
              ASN1_TIME_set_string(X509_getm_notBefore(certificate), "19700101000000Z") == 1 &&
              ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") == 1;
    BN_free(serial);
    return ok;
}

static bool add_extension(X509 *certificate, const struct notch_crypto *crypto, const struct notch_signer *signer)
{
    /* Raw: the extension is key and signature as bytes. */
    struct notch_hash message;
    struct notch_sig sig;
    uint8_t value[NOTCH_CERTIFICATE_EXTENSION_LEN];
    if (!message_of(&message, X509_get_X509_PUBKEY(certificate)) || !notch_sign(crypto, &sig, signer, &message)) {
        return false;
    }
    memcpy(value, signer->key.raw, sizeof signer->key.raw);
    memcpy(value + sizeof signer->key.raw, sig.raw, sizeof sig.raw);
    ASN1_OBJECT *oid = OBJ_txt2obj(EXTENSION_OID, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool ok = oid != NULL && octets != NULL && ASN1_OCTET_STRING_set(octets, value, (int)sizeof value) == 1;
    if (ok) {
        extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, octets);
        ok = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    }
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
    return ok;
}

enum notch_err notch_certificate_make(X509 **certificate, EVP_PKEY **key, const struct notch_crypto *crypto,
                                      const struct notch_signer *signer)
{
    *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    *certificate = X509_new();
    bool ok = *key != NULL && *certificate != NULL && X509_set_version(*certificate, X509_VERSION_3) == 1 &&
              X509_set_pubkey(*certificate, *key) == 1 && set_names_and_dates(*certificate) &&
              add_extension(*certificate, crypto, signer) && X509_sign(*certificate, *key, NULL) > 0;
    if (ok) {
        return NOTCH_OK;
    }
    X509_free(*certificate);
    EVP_PKEY_free(*key);
    *certificate = NULL;
    *key = NULL;
    return NOTCH_ERR_CRYPTO;
}

/* ---- checking one ---- */

static bool is_ours(const X509_EXTENSION *extension)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(EXTENSION_OID, 1);
    /* OpenSSL's own accessors take no const. */
    bool same = oid != NULL && OBJ_cmp(oid, X509_EXTENSION_get_object((X509_EXTENSION *)extension)) == 0;
    ASN1_OBJECT_free(oid);
    return same && X509_EXTENSION_get_critical(extension) == 1;
}

static const char *check_extension(struct notch_key *node, X509 *certificate, const struct notch_crypto *crypto)
{
    if (X509_get_ext_count(certificate) != 1) {
        return "the certificate has other extensions than the one that names a node";
    }
    X509_EXTENSION *extension = X509_get_ext(certificate, 0);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    if (!is_ours(extension) || ASN1_STRING_length(value) != NOTCH_CERTIFICATE_EXTENSION_LEN) {
        return "the certificate does not name a node";
    }
    /* Raw: the extension is key and signature as bytes. */
    struct notch_hash message;
    struct notch_key key;
    struct notch_sig sig;
    memcpy(key.raw, ASN1_STRING_get0_data(value), sizeof key.raw);
    memcpy(sig.raw, ASN1_STRING_get0_data(value) + sizeof key.raw, sizeof sig.raw);
    if (!message_of(&message, X509_get_X509_PUBKEY(certificate)) || !notch_verify(crypto, &key, &message, &sig)) {
        return "the node key did not sign this certificate's key";
    }
    *node = key;
    return NULL;
}

const char *notch_certificate_check(struct notch_key *node, X509 *certificate, const struct notch_crypto *crypto)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
        return "the certificate's key is not an Ed25519 key";
    }
    if (X509_get_version(certificate) != X509_VERSION_3 || X509_verify(certificate, key) != 1) {
        return "the certificate is not signed by its own key";
    }
    return check_extension(node, certificate, crypto);
}
