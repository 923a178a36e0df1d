#include "rpc/cli/keyring.h"

#include "base/codec.h"
#include "base/hash.h"
#include "rpc/cli/client.h"
#include "rpc/cli/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_FILE_MAX = 4096 };

#define PARTY_INDEX_FIRST UINT32_C(0x40000000)

void notch_keyring_path(const struct notch_cli *cli, struct notch_buf *out)
{
    const char *path = notch_cli_option(cli, "wallet");
    if (path == NULL) {
        path = getenv("NOTCH_WALLET");
    }
    if (path != NULL && *path != '\0') {
        notch_cli_text(out, "%s", path);
    } else {
        notch_client_data_dir(cli, out);
        notch_cli_text(out, "/wallet.key");
    }
    (void)notch_cli_text_of(out);
}

/* ---- passwords ---- */

static enum notch_exit read_password_file(const struct notch_cli *cli, struct notch_buf *out, const char *path)
{
    enum notch_err err = notch_file_read(out, path, PASSWORD_FILE_MAX);
    notch_file_first_line(out);
    if (err != NOTCH_OK) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read the password file %s: %s", path,
                              notch_err_text(err));
    }
    return NOTCH_EXIT_OK;
}

/* Asks on the terminal, without showing what is typed. false: there is no terminal. */
static bool ask_password(struct notch_buf *out, const char *question)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios shown;
    if (fd < 0 || tcgetattr(fd, &shown) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return false;
    }
    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(fd, TCSAFLUSH, &hidden);
    (void)!write(fd, question, strlen(question));
    char byte;
    notch_buf_clear(out);
    while (read(fd, &byte, 1) == 1 && byte != '\n' && out->len < NOTCH_KEYFILE_PASSPHRASE_MAX) {
        notch_buf_append(out, &byte, 1);
    }
    (void)tcsetattr(fd, TCSAFLUSH, &shown);
    (void)!write(fd, "\n", 1);
    (void)close(fd);
    return true;
}

enum notch_exit notch_keyring_new_password(const struct notch_cli *cli, struct notch_buf *out, const char *option)
{
    const char *path = notch_cli_option(cli, option);
    if (path != NULL) {
        return read_password_file(cli, out, path);
    }
    if (isatty(STDIN_FILENO) != 1 || !ask_password(out, "Password (empty: none): ")) {
        return NOTCH_EXIT_OK;
    }
    struct notch_buf again;
    notch_buf_init(&again, cli->alloc);
    bool same =
        ask_password(&again, "The same again: ") && notch_bytes_eq(notch_buf_bytes(out), notch_buf_bytes(&again));
    notch_wipe(again.data, again.cap);
    notch_buf_fini(&again);
    return same ? NOTCH_EXIT_OK : notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "the two passwords differ");
}

/* ---- unlocking ---- */

static enum notch_exit fail_load(const struct notch_keyring *keyring, enum notch_err err, const char *detail)
{
    const char *path = (const char *)keyring->path.data;
    if (err == NOTCH_ERR_NOT_FOUND) {
        return notch_cli_fail(keyring->cli, NOTCH_EXIT_REFUSED,
                              "no wallet at %s: make one with notch wallet new, or say where it is with --wallet",
                              path);
    }
    if (err == NOTCH_ERR_PASSPHRASE) {
        return notch_cli_fail(keyring->cli, NOTCH_EXIT_REFUSED,
                              "wrong password for %s, or the file is damaged; give it with --password-file", path);
    }
    return notch_cli_fail(keyring->cli, NOTCH_EXIT_REFUSED, "%s: %s: %s", path, notch_err_text(err),
                          detail == NULL ? "" : detail);
}

static enum notch_exit load(struct notch_keyring *keyring)
{
    const char *path = (const char *)keyring->path.data;
    const char *password_path = notch_cli_option(keyring->cli, "password-file");
    const char *detail = NULL;
    struct notch_buf password;
    notch_buf_init(&password, keyring->cli->alloc);
    enum notch_exit code = NOTCH_EXIT_OK;
    if (password_path != NULL) {
        code = read_password_file(keyring->cli, &password, password_path);
    }
    if (code == NOTCH_EXIT_OK) {
        enum notch_err err = notch_vault_load(keyring->file, path, notch_buf_bytes(&password), &detail);
        if (err == NOTCH_ERR_PASSPHRASE && password_path == NULL &&
            ask_password(&password, "Password of the wallet: ")) {
            err = notch_vault_load(keyring->file, path, notch_buf_bytes(&password), &detail);
        }
        code = err == NOTCH_OK ? NOTCH_EXIT_OK : fail_load(keyring, err, detail);
    }
    notch_wipe(password.data, password.cap);
    notch_buf_fini(&password);
    return code;
}

static enum notch_exit make_root(struct notch_keyring *keyring)
{
    const struct notch_keyfile *file = keyring->file;
    if (file->kind != NOTCH_KEYFILE_MNEMONIC) {
        return NOTCH_EXIT_OK;
    }
    struct notch_entropy entropy = {.len = file->secret_len};
    memcpy(entropy.bytes, file->secret, file->secret_len);
    enum notch_err err = notch_wallet_root(keyring->root, &entropy, NULL, 0, file->network);
    notch_wipe(&entropy, sizeof entropy);
    return err == NOTCH_OK ? NOTCH_EXIT_OK
                           : notch_cli_fail(keyring->cli, NOTCH_EXIT_REFUSED, "the wallet's words give no key: %s",
                                            notch_err_text(err));
}

enum notch_exit notch_keyring_slots(struct notch_keyring *keyring, size_t slots)
{
    notch_secrets_destroy(keyring->secrets);
    keyring->secrets = NULL;
    enum notch_err err = notch_secrets_create(&keyring->secrets, slots, notch_crypto_secp(), keyring->cli->alloc);
    return err == NOTCH_OK ? NOTCH_EXIT_OK
                           : notch_cli_fail(keyring->cli, NOTCH_EXIT_REFUSED, "no locked memory for %zu keys: %s",
                                            slots, notch_err_text(err));
}

enum notch_exit notch_keyring_open(struct notch_keyring *keyring, const struct notch_cli *cli, size_t slots)
{
    *keyring = (struct notch_keyring){.cli = cli};
    notch_buf_init(&keyring->path, cli->alloc);
    notch_keyring_path(cli, &keyring->path);
    keyring->file = notch_secrets_alloc(sizeof *keyring->file);
    keyring->root = notch_secrets_alloc(sizeof *keyring->root);
    if (keyring->file == NULL || keyring->root == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "no locked memory for the wallet; raise ulimit -l");
    }
    enum notch_exit code = load(keyring);
    if (code == NOTCH_EXIT_OK) {
        code = make_root(keyring);
    }
    return code == NOTCH_EXIT_OK ? notch_keyring_slots(keyring, slots) : code;
}

void notch_keyring_close(struct notch_keyring *keyring)
{
    notch_secrets_destroy(keyring->secrets);
    notch_secrets_free(keyring->file);
    notch_secrets_free(keyring->root);
    notch_buf_fini(&keyring->path);
}

/* ---- keys ---- */

enum notch_network notch_keyring_network(const struct notch_keyring *keyring)
{
    return keyring->file->network;
}

/* The secret of a role. */
static enum notch_exit derive(struct notch_keyring *keyring, uint8_t secret[32], enum notch_role role, uint32_t index)
{
    const struct notch_keyfile *file = keyring->file;
    if (file->kind == NOTCH_KEYFILE_ROLE) {
        if (role != file->role || index != 0) {
            return notch_cli_fail(keyring->cli, NOTCH_EXIT_REFUSED,
                                  "%s holds the %s key %u alone; this needs a wallet with its words",
                                  (const char *)keyring->path.data, notch_role_name(file->role), file->index);
        }
        memcpy(secret, file->secret, 32);
        return NOTCH_EXIT_OK;
    }
    struct notch_key key;
    enum notch_err err = notch_wallet_derive(secret, &key, keyring->root, role, index);
    return err == NOTCH_OK ? NOTCH_EXIT_OK
                           : notch_cli_fail(keyring->cli, NOTCH_EXIT_REFUSED, "the wallet has no %s key %u: %s",
                                            notch_role_name(role), index, notch_err_text(err));
}

enum notch_exit notch_keyring_key(struct notch_keyring *keyring, struct notch_signer *out, enum notch_role role,
                                  uint32_t index)
{
    uint8_t secret[32];
    enum notch_exit code = derive(keyring, secret, role, index);
    if (code == NOTCH_EXIT_OK) {
        enum notch_err err = notch_secrets_add(keyring->secrets, out, secret);
        if (err != NOTCH_OK) {
            code = notch_cli_fail(keyring->cli, NOTCH_EXIT_REFUSED, "the key cannot be used: %s", notch_err_text(err));
        }
    }
    notch_wipe(secret, sizeof secret);
    return code;
}

enum notch_exit notch_keyring_party(struct notch_keyring *keyring, uint32_t *index, struct notch_bytes name)
{
    uint8_t secret[32];
    struct notch_hash key;
    struct notch_hash hash;
    struct notch_buf message;
    if (keyring->file->kind == NOTCH_KEYFILE_ROLE) {
        return notch_cli_fail(keyring->cli, NOTCH_EXIT_REFUSED,
                              "%s holds one key; parties need a wallet with its words: notch wallet new",
                              (const char *)keyring->path.data);
    }
    enum notch_exit code = derive(keyring, secret, NOTCH_ROLE_AUTHOR, 0);
    notch_buf_init(&message, keyring->cli->alloc);
    notch_hash_tagged(&key, "notch/secret/party", notch_bytes(secret, sizeof secret));
    notch_buf_append(&message, &key, sizeof key);
    notch_buf_append(&message, name.data, name.len);
    notch_hash_tagged(&hash, "notch/party", notch_buf_bytes(&message));
    *index = PARTY_INDEX_FIRST | (notch_get_be32((const uint8_t *)&hash) & (PARTY_INDEX_FIRST - 1));
    notch_wipe(secret, sizeof secret);
    notch_wipe(&key, sizeof key);
    notch_wipe(message.data, message.cap);
    notch_buf_fini(&message);
    return code;
}

enum notch_exit notch_keyring_index(const struct notch_cli *cli, uint32_t *out, const char *option)
{
    uint64_t index;
    enum notch_exit code = notch_cli_number(cli, &index, option, 0, 0, INT32_MAX);
    *out = (uint32_t)index;
    return code;
}
