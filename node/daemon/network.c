#include "node/daemon/network.h"

#include "base/keytext.h"
#include "base/secp.h"
#include "node/daemon/clock.h"
#include "node/daemon/text.h"
#include "wallet/io/random.h"
#include "wallet/io/secrets.h"
#include "wallet/io/vault.h"

#include <string.h>
#include <unistd.h>

static enum notch_err check_network(struct notch_buf *problem, const struct notch_config *config,
                                    const struct notch_genesis *genesis, const char *path)
{
    const char *wanted = notch_config_text(config, NOTCH_CONFIG_NODE_NETWORK);
    const char *found = notch_network_name(genesis->network);
    if (strcmp(wanted, "any") == 0 || strcmp(wanted, found) == 0) {
        return NOTCH_OK;
    }
    notch_text(problem,
               "%s: is the genesis of a %s network, and node.network is %s: give --network %s, or another genesis\n",
               path, found, wanted, found);
    return NOTCH_ERR_NETWORK;
}

static enum notch_err decode(struct notch_chain *chain, struct notch_buf *problem, struct notch_bytes bytes,
                             const char *path, const struct notch_alloc *alloc)
{
    notch_genesis_init(&chain->genesis, alloc);
    struct notch_reject reject = notch_genesis_decode(&chain->genesis, bytes);
    if (reject.code == NOTCH_REJECT_VERSION) {
        notch_text(problem, "%s: %s: install a newer version of notchd\n", path, reject.reason);
        return NOTCH_ERR_VERSION;
    }
    if (!notch_is_valid(reject)) {
        notch_text(problem, "%s: is no genesis: %s: %s. Get the file again, or make one with notch genesis new\n", path,
                   notch_reject_text(reject.code), reject.reason);
        return NOTCH_ERR_INVALID;
    }
    struct notch_hash hash;
    notch_genesis_hash(&hash, bytes);
    notch_domain_init(&chain->domain, &hash);
    return NOTCH_OK;
}

/* The directory's own genesis, or NOT_FOUND with nothing said. */
static enum notch_err read_own(struct notch_buf *out, struct notch_buf *problem, const char *path)
{
    if (access(path, F_OK) != 0) {
        return NOTCH_ERR_NOT_FOUND;
    }
    return notch_folder_read(out, problem, path, NOTCH_GENESIS_BYTES_MAX);
}

/* Both files, where both are there, must be the same; a given one is copied where the directory has none. */
static enum notch_err take_given(struct notch_buf *problem, const char *own_path, const char *given_path,
                                 struct notch_bytes own, struct notch_bytes given)
{
    if (own.len == 0) {
        return notch_folder_write(problem, own_path, given);
    }
    if (notch_bytes_eq(own, given)) {
        return NOTCH_OK;
    }
    notch_text(problem,
               "%s belongs to another chain than %s: choose another directory with --data, or leave --genesis out\n",
               own_path, given_path);
    return NOTCH_ERR_NETWORK;
}

static enum notch_err find_genesis(struct notch_chain *chain, struct notch_buf *problem,
                                   const struct notch_config *config, const char *own_path, struct notch_buf *own,
                                   struct notch_buf *given)
{
    const struct notch_alloc *alloc = own->alloc;
    const char *given_path = notch_config_text(config, NOTCH_CONFIG_NODE_GENESIS);
    enum notch_err own_err = read_own(own, problem, own_path);
    if (own_err != NOTCH_OK && own_err != NOTCH_ERR_NOT_FOUND) {
        return own_err;
    }
    bool is_given = given_path[0] != 0;
    if (!is_given && own_err == NOTCH_ERR_NOT_FOUND) {
        notch_text(problem,
                   "%s: there is no genesis yet: give one with --genesis FILE (notch genesis new makes one), or "
                   "try things out with --dev\n",
                   own_path);
        return NOTCH_ERR_NOT_FOUND;
    }
    enum notch_err err = NOTCH_OK;
    if (is_given) {
        err = notch_folder_read(given, problem, given_path, NOTCH_GENESIS_BYTES_MAX);
    }
    const char *path = is_given ? given_path : own_path;
    struct notch_bytes bytes = notch_buf_bytes(is_given ? given : own);
    if (err == NOTCH_OK) {
        err = decode(chain, problem, bytes, path, alloc);
    }
    if (err == NOTCH_OK) {
        err = check_network(problem, config, &chain->genesis, path);
    }
    if (err == NOTCH_OK && is_given) {
        err = take_given(problem, own_path, given_path, notch_buf_bytes(own), bytes);
    }
    return err;
}

enum notch_err notch_chain_load(struct notch_chain *chain, struct notch_buf *problem, const struct notch_config *config,
                                const struct notch_folder *folder, const struct notch_alloc *alloc)
{
    char own_path[NOTCH_FOLDER_PATH_MAX];
    struct notch_buf own;
    struct notch_buf given;
    notch_buf_init(&own, alloc);
    notch_buf_init(&given, alloc);
    notch_folder_file(own_path, folder, "genesis", "");
    enum notch_err err = find_genesis(chain, problem, config, own_path, &own, &given);
    notch_buf_fini(&own);
    notch_buf_fini(&given);
    return err;
}

void notch_chain_fini(struct notch_chain *chain)
{
    if (chain->genesis.alloc != NULL) {
        notch_genesis_fini(&chain->genesis);
    }
}

/* ---- a chain for trying things out ---- */

/* Keys of a chain that is thrown away are worth nothing: the least that a key file may cost. */
static const struct notch_keyfile_cost dev_cost = {.passes = 1, .memory_kib = NOTCH_KEYFILE_KIB_MIN};

static enum notch_err save_key(struct notch_buf *problem, const struct notch_folder *folder, const char *name,
                               const struct notch_keyfile *contents)
{
    char path[NOTCH_FOLDER_PATH_MAX];
    const char *detail = "";
    notch_folder_file(path, folder, name, "");
    enum notch_err err =
        notch_vault_save(path, contents, notch_bytes(NULL, 0), dev_cost, NOTCH_VAULT_OVERWRITE, &detail);
    if (err != NOTCH_OK) {
        notch_text(problem, "%s: %s\n", path, detail);
    }
    return err;
}

static enum notch_err save_role(struct notch_buf *problem, const struct notch_folder *folder, const char *name,
                                struct notch_key *key, const struct notch_wallet_root *root, enum notch_role role,
                                struct notch_keyfile *scratch)
{
    *scratch = (struct notch_keyfile){
        .kind = NOTCH_KEYFILE_ROLE, .network = NOTCH_NETWORK_DEV, .role = role, .secret_len = 32, .label = "dev"};
    enum notch_err err = notch_wallet_derive(scratch->secret, key, root, role, 0);
    if (err == NOTCH_OK && name != NULL) {
        err = save_key(problem, folder, name, scratch);
    } else if (err != NOTCH_OK) {
        notch_text(problem, "a key could not be derived: %s\n", notch_err_text(err));
    }
    return err;
}

static enum notch_err write_genesis(struct notch_buf *problem, const struct notch_folder *folder,
                                    const struct notch_genesis_member *member, const struct notch_alloc *alloc)
{
    struct notch_clock clock;
    struct notch_genesis genesis;
    notch_clock_init(&clock);
    notch_genesis_init(&genesis, alloc);
    notch_genesis_defaults(&genesis, NOTCH_NETWORK_DEV, NOTCH_MODE_PRIVATE);
    bool named = notch_genesis_set_name(&genesis, "dev", 3);
    genesis.time0 = notch_clock_now(&clock);
    notch_random_fill(&genesis.seed, sizeof genesis.seed);
    enum notch_err err = notch_genesis_add_member(&genesis, member);
    if (err == NOTCH_OK) {
        err = notch_genesis_add_governance(&genesis, &member->operator_key);
    }
    genesis.governance_quorum = 1;
    notch_assert(named && err == NOTCH_OK && notch_is_valid(notch_genesis_check(&genesis)));
    struct notch_buf bytes;
    char path[NOTCH_FOLDER_PATH_MAX];
    notch_buf_init(&bytes, alloc);
    notch_genesis_encode(&genesis, &bytes);
    err = notch_folder_write(problem, notch_folder_file(path, folder, "genesis", ""), notch_buf_bytes(&bytes));
    notch_buf_fini(&bytes);
    notch_genesis_fini(&genesis);
    return err;
}

struct dev_secrets {
    struct notch_entropy entropy;
    struct notch_wallet_root root;
    struct notch_keyfile file;
};

/* The genesis comes last: a folder that has one has everything. */
static enum notch_err make_dev(struct notch_buf *problem, const struct notch_folder *folder,
                               struct dev_secrets *secrets, const struct notch_alloc *alloc)
{
    secrets->entropy.len = NOTCH_BIP39_ENTROPY_MAX;
    notch_random_fill(secrets->entropy.bytes, secrets->entropy.len);
    enum notch_err err = notch_wallet_root(&secrets->root, &secrets->entropy, NULL, 0, NOTCH_NETWORK_DEV);
    if (err != NOTCH_OK) {
        notch_text(problem, "a wallet could not be made: %s\n", notch_err_text(err));
        return err;
    }
    secrets->file = (struct notch_keyfile){.kind = NOTCH_KEYFILE_MNEMONIC,
                                           .network = NOTCH_NETWORK_DEV,
                                           .secret_len = secrets->entropy.len,
                                           .label = "dev"};
    memcpy(secrets->file.secret, secrets->entropy.bytes, secrets->entropy.len);
    err = save_key(problem, folder, "wallet.key", &secrets->file);
    struct notch_genesis_member member = {.reputation = NOTCH_GENESIS_REPUTATION, .services = NOTCH_SERVICE_ARCHIVE};
    struct notch_key author;
    struct notch_wallet_root *root = &secrets->root;
    if (err == NOTCH_OK) {
        err = save_role(problem, folder, "author.key", &author, root, NOTCH_ROLE_AUTHOR, &secrets->file);
    }
    if (err == NOTCH_OK) {
        err = save_role(problem, folder, "validator.key", &member.key, root, NOTCH_ROLE_VALIDATOR, &secrets->file);
    }
    if (err == NOTCH_OK) {
        err = save_role(problem, folder, NULL, &member.operator_key, root, NOTCH_ROLE_OPERATOR, &secrets->file);
    }
    return err == NOTCH_OK ? write_genesis(problem, folder, &member, alloc) : err;
}

enum notch_err notch_chain_make_dev(struct notch_buf *problem, const struct notch_folder *folder,
                                    const struct notch_alloc *alloc)
{
    char path[NOTCH_FOLDER_PATH_MAX];
    if (access(notch_folder_file(path, folder, "genesis", ""), F_OK) == 0) {
        return NOTCH_OK;
    }
    struct dev_secrets *secrets = notch_secrets_alloc(sizeof *secrets);
    if (secrets == NULL) {
        notch_text(problem, "there is no memory that can be locked: raise the limit (ulimit -l)\n");
        return NOTCH_ERR_CRYPTO;
    }
    enum notch_err err = make_dev(problem, folder, secrets, alloc);
    notch_secrets_free(secrets);
    return err;
}
