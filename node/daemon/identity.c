#include "node/daemon/identity.h"

#include "node/daemon/text.h"
#include "wallet/io/random.h"
#include "wallet/io/vault.h"

#include <string.h>
#include <unistd.h>

struct role_keys {
    enum notch_role role;
    enum notch_config_key enable, key, password;
    const char *file;
};

static const struct role_keys validator_keys = {NOTCH_ROLE_VALIDATOR, NOTCH_CONFIG_VALIDATOR_ENABLE,
                                                NOTCH_CONFIG_VALIDATOR_KEY, NOTCH_CONFIG_VALIDATOR_PASSWORD,
                                                "validator.key"};
static const struct role_keys node_keys = {NOTCH_ROLE_NODE, NOTCH_CONFIG_P2P_ENABLE, NOTCH_CONFIG_P2P_KEY,
                                           NOTCH_CONFIG_P2P_PASSWORD, "node.key"};
static const struct role_keys author_keys = {NOTCH_ROLE_AUTHOR, NOTCH_CONFIG_AUTHOR_ENABLE, NOTCH_CONFIG_AUTHOR_KEY,
                                             NOTCH_CONFIG_AUTHOR_PASSWORD, "author.key"};

struct secrets_read {
    struct notch_keyfile file;
    uint8_t password[NOTCH_KEYFILE_PASSPHRASE_MAX + 2];
};

/* The first line of the file, without its end. */
static enum notch_err read_password(struct secrets_read *out, size_t *len, struct notch_buf *problem, const char *path,
                                    const struct notch_alloc *alloc)
{
    *len = 0;
    if (path[0] == 0) {
        return NOTCH_OK;
    }
    struct notch_buf text;
    notch_buf_init(&text, alloc);
    enum notch_err err = notch_folder_read(&text, problem, path, NOTCH_KEYFILE_PASSPHRASE_MAX + 2);
    if (err == NOTCH_OK) {
        const uint8_t *end = text.len > 0 ? memchr(text.data, '\n', text.len) : NULL;
        size_t line = end == NULL ? text.len : (size_t)(end - text.data);
        line -= line > 0 && text.data[line - 1] == '\r';
        if (line > NOTCH_KEYFILE_PASSPHRASE_MAX) {
            notch_text(problem, "%s: the password is longer than %d bytes\n", path, NOTCH_KEYFILE_PASSPHRASE_MAX);
            err = NOTCH_ERR_INVALID;
        } else if (line > 0) {
            memcpy(out->password, text.data, line);
            *len = line;
        }
    }
    if (text.cap > 0) {
        notch_wipe(text.data, text.cap);
    }
    notch_buf_fini(&text);
    return err;
}

static enum notch_err check_file(struct notch_buf *problem, const char *path, const struct notch_keyfile *file,
                                 enum notch_role role, enum notch_network network)
{
    if (file->kind != NOTCH_KEYFILE_ROLE || file->role != role) {
        notch_text(problem, "%s: holds %s, expected a %s key\n", path,
                   file->kind == NOTCH_KEYFILE_ROLE ? notch_role_name(file->role) : "a mnemonic",
                   notch_role_name(role));
        return NOTCH_ERR_INVALID;
    }
    if (file->network != network) {
        notch_text(problem, "%s: is a key for a %s network, and this chain is of a %s network\n", path,
                   notch_network_name(file->network), notch_network_name(network));
        return NOTCH_ERR_NETWORK;
    }
    return NOTCH_OK;
}

static void say_why(struct notch_buf *problem, enum notch_err err, const char *path, const char *detail,
                    const struct role_keys *keys)
{
    const char *section = notch_config_row(keys->key)->section;
    if (err == NOTCH_ERR_NOT_FOUND) {
        notch_text(problem,
                   "%s: there is no key file: make one (notch wallet new), name it with %s.key, or set %s.enable to "
                   "false\n",
                   path, section, section);
    } else if (err == NOTCH_ERR_PASSPHRASE) {
        notch_text(problem,
                   "%s: wrong password, or a damaged file: the password is the first line of the file that "
                   "%s.password_file names\n",
                   path, section);
    } else {
        notch_text(problem, "%s: %s\n", path, detail);
    }
}

static enum notch_err load(struct notch_identity *identity, struct notch_signer *out, struct notch_buf *problem,
                           const struct notch_config *config, const struct notch_folder *folder,
                           const struct role_keys *keys, enum notch_network network)
{
    const struct notch_alloc *alloc = problem->alloc;
    char path[NOTCH_FOLDER_PATH_MAX];
    notch_folder_file(path, folder, keys->file, notch_config_text(config, keys->key));
    struct secrets_read *read = notch_secrets_alloc(sizeof *read);
    if (read == NULL) {
        notch_text(problem, "there is no memory that can be locked: raise the limit (ulimit -l)\n");
        return NOTCH_ERR_CRYPTO;
    }
    size_t len;
    const char *detail = "";
    enum notch_err err = read_password(read, &len, problem, notch_config_text(config, keys->password), alloc);
    if (err == NOTCH_OK) {
        err = notch_vault_load(&read->file, path, notch_bytes(read->password, len), &detail);
        if (err != NOTCH_OK) {
            say_why(problem, err, path, detail, keys);
        }
    }
    if (err == NOTCH_OK) {
        err = check_file(problem, path, &read->file, keys->role, network);
    }
    if (err == NOTCH_OK) {
        err = notch_secrets_add(identity->secrets, out, read->file.secret);
        if (err != NOTCH_OK) {
            notch_text(problem, "%s: holds no valid secret\n", path);
        }
    }
    notch_secrets_free(read);
    return err;
}

/* With an empty password, as its file is read without anybody there: quickly, since nothing but chance guards it. */
static enum notch_err make_node_key(struct notch_buf *problem, const struct notch_folder *folder,
                                    enum notch_network network)
{
    static const struct notch_keyfile_cost cost = {.passes = 1, .memory_kib = NOTCH_KEYFILE_KIB_MIN};
    char path[NOTCH_FOLDER_PATH_MAX];
    const char *detail = "";
    notch_folder_file(path, folder, node_keys.file, "");
    if (access(path, F_OK) == 0) {
        return NOTCH_OK;
    }
    struct notch_keyfile *file = notch_secrets_alloc(sizeof *file);
    if (file == NULL) {
        notch_text(problem, "there is no memory that can be locked: raise the limit (ulimit -l)\n");
        return NOTCH_ERR_CRYPTO;
    }
    *file = (struct notch_keyfile){
        .kind = NOTCH_KEYFILE_ROLE, .network = network, .role = NOTCH_ROLE_NODE, .secret_len = 32, .label = "node"};
    notch_random_fill(file->secret, file->secret_len);
    enum notch_err err = notch_vault_save(path, file, notch_bytes(NULL, 0), cost, NOTCH_VAULT_KEEP, &detail);
    notch_secrets_free(file);
    if (err != NOTCH_OK) {
        notch_text(problem, "%s: the node's key cannot be kept: %s\n", path, detail);
    }
    return err;
}

static enum notch_err open_node_key(struct notch_identity *identity, struct notch_buf *problem,
                                    const struct notch_config *config, const struct notch_folder *folder,
                                    enum notch_network network)
{
    enum notch_err err = NOTCH_OK;
    if (notch_config_text(config, node_keys.key)[0] == 0) {
        err = make_node_key(problem, folder, network);
    }
    return err == NOTCH_OK ? load(identity, &identity->node, problem, config, folder, &node_keys, network) : err;
}

enum notch_err notch_identity_open(struct notch_identity *identity, struct notch_buf *problem,
                                   const struct notch_config *config, const struct notch_folder *folder,
                                   enum notch_network network, const struct notch_crypto *crypto,
                                   const struct notch_alloc *alloc)
{
    *identity = (struct notch_identity){.has_validator = notch_config_is_on(config, validator_keys.enable),
                                        .has_author = notch_config_is_on(config, author_keys.enable),
                                        .has_node = notch_config_is_on(config, node_keys.enable)};
    enum notch_err err = notch_secrets_create(&identity->secrets, 3, crypto, alloc);
    if (err != NOTCH_OK) {
        notch_text(problem, "there is no memory that can be locked: raise the limit (ulimit -l)\n");
        return err;
    }
    if (identity->has_validator) {
        err = load(identity, &identity->validator, problem, config, folder, &validator_keys, network);
    }
    if (err == NOTCH_OK && identity->has_author) {
        err = load(identity, &identity->author, problem, config, folder, &author_keys, network);
    }
    if (err == NOTCH_OK && identity->has_node) {
        err = open_node_key(identity, problem, config, folder, network);
    }
    if (err == NOTCH_OK) {
        notch_secrets_seal(identity->secrets);
    }
    return err;
}

void notch_identity_close(struct notch_identity *identity)
{
    notch_secrets_destroy(identity->secrets);
    identity->secrets = NULL;
}
