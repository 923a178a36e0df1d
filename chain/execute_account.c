#include "chain/execution.h"

#include "base/fixed.h"

enum notch_err notch__state_get(struct notch_execution *execution, struct notch_bytes *value,
                                const struct notch_store_key *key)
{
    struct notch_store_key full = notch_key_state(notch_store_key_bytes(key));
    notch_buf_clear(&execution->value);
    enum notch_err err =
        notch_layer_get(execution->layer, execution->view, &execution->value, notch_store_key_bytes(&full));
    *value = notch_buf_bytes(&execution->value);
    return err;
}

void notch__state_put(struct notch_execution *execution, const struct notch_store_key *key, struct notch_bytes value)
{
    struct notch_store_key full = notch_key_state(notch_store_key_bytes(key));
    notch_layer_put(execution->layer, notch_store_key_bytes(&full), value);
}

enum notch_err notch__reputation_of(struct notch_execution *execution, uint64_t *out, const struct notch_key *id)
{
    struct notch_store_key key = notch_state_key_32(NOTCH_STATE_REPUTATION, id->raw);
    struct notch_bytes value;
    enum notch_err err = notch__state_get(execution, &value, &key);
    *out = 0;
    if (err == NOTCH_ERR_NOT_FOUND) {
        return NOTCH_OK;
    }
    return err != NOTCH_OK ? err : notch_number_decode(out, value);
}

static enum notch_err load_account(struct notch_execution *execution, struct notch__account *account,
                                   const struct notch_key *id)
{
    *account = (struct notch__account){.id = *id, .feed_first = NOTCH__NO_FEED, .feed_last = NOTCH__NO_FEED};
    struct notch_store_key key = notch_state_key_32(NOTCH_STATE_ACCOUNT, id->raw);
    struct notch_bytes value;
    enum notch_err err = notch__state_get(execution, &value, &key);
    if (err == NOTCH_OK) {
        err = notch_account_decode(&account->state, value);
    } else if (err == NOTCH_ERR_NOT_FOUND) {
        err = NOTCH_OK;
    }
    return err != NOTCH_OK ? err : notch__reputation_of(execution, &account->reputation, id);
}

static enum notch_err account_index(struct notch_execution *execution, uint32_t *index, const struct notch_key *id)
{
    const uint32_t *known = notch_map_get(&execution->account_index, id->raw);
    if (known != NULL) {
        *index = *known;
        return NOTCH_OK;
    }
    if (execution->account_count == execution->account_cap) {
        uint32_t cap = execution->account_cap == 0 ? 64 : execution->account_cap * 2;
        execution->accounts =
            notch_realloc(execution->alloc, execution->accounts, execution->account_cap * sizeof *execution->accounts,
                          cap * sizeof *execution->accounts);
        execution->account_cap = cap;
    }
    enum notch_err err = load_account(execution, &execution->accounts[execution->account_count], id);
    if (err != NOTCH_OK) {
        return err;
    }
    bool added;
    uint32_t *slot = notch_map_put(&execution->account_index, id->raw, &added);
    *slot = *index = execution->account_count++;
    return NOTCH_OK;
}

/* A key that was never rotated is its own account. */
static enum notch_err resolve(struct notch_execution *execution, struct notch_key *account, bool *is_active,
                              const struct notch_key *author)
{
    struct notch_store_key key = notch_state_key_32(NOTCH_STATE_KEY, author->raw);
    struct notch_bytes value;
    enum notch_err err = notch__state_get(execution, &value, &key);
    if (err == NOTCH_ERR_NOT_FOUND) {
        *account = *author;
        *is_active = true;
        return NOTCH_OK;
    }
    if (err != NOTCH_OK) {
        return err;
    }
    struct notch_reader reader = notch_reader(value);
    *account = notch_read_key(&reader);
    *is_active = notch_read_u8(&reader) == 1;
    return notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
}

enum notch_err notch_apply_account_of(struct notch_apply *apply, struct notch_key *account, bool *is_active,
                                      const struct notch_key *key)
{
    return resolve(apply->execution, account, is_active, key);
}

/* The accounts of this block are written at its end: ask those first. */
enum notch_err notch_apply_is_new_account(struct notch_apply *apply, bool *out, const struct notch_key *key)
{
    struct notch_execution *execution = apply->execution;
    const uint32_t *known = notch_map_get(&execution->account_index, key->raw);
    *out = false;
    if (known != NULL && execution->accounts[*known].is_dirty) {
        return NOTCH_OK;
    }
    struct notch_store_key at = notch_state_key_32(NOTCH_STATE_ACCOUNT, key->raw);
    struct notch_bytes value;
    enum notch_err err = notch__state_get(execution, &value, &at);
    *out = err == NOTCH_ERR_NOT_FOUND;
    return *out ? NOTCH_OK : err;
}

enum notch_err notch__account_of(struct notch_execution *execution, uint32_t *index, bool *is_active,
                                 const struct notch_key *author)
{
    const struct notch__author *known = notch_map_get(&execution->authors, author->raw);
    if (known != NULL) {
        *index = known->account;
        *is_active = known->is_active;
        return NOTCH_OK;
    }
    struct notch_key account;
    enum notch_err err = resolve(execution, &account, is_active, author);
    if (err == NOTCH_OK) {
        err = account_index(execution, index, &account);
    }
    if (err != NOTCH_OK) {
        return err;
    }
    bool added;
    struct notch__author *slot = notch_map_put(&execution->authors, author->raw, &added);
    *slot = (struct notch__author){*index, *is_active};
    return NOTCH_OK;
}

void notch__account_feed(struct notch_execution *execution, uint32_t index, const struct notch_hash *record_id)
{
    if (execution->feed_count == execution->feed_cap) {
        uint32_t cap = execution->feed_cap == 0 ? 256 : execution->feed_cap * 2;
        execution->feeds =
            notch_realloc(execution->alloc, execution->feeds, execution->feed_cap * sizeof *execution->feeds,
                          cap * sizeof *execution->feeds);
        execution->feed_cap = cap;
    }
    uint32_t at = execution->feed_count++;
    struct notch__feed *feed = &execution->feeds[at];
    notch_merkle_leaf(&feed->leaf, notch_bytes(record_id->raw, sizeof record_id->raw));
    feed->next = NOTCH__NO_FEED;
    struct notch__account *account = &execution->accounts[index];
    if (account->feed_last == NOTCH__NO_FEED) {
        account->feed_first = at;
    } else {
        execution->feeds[account->feed_last].next = at;
    }
    account->feed_last = at;
    account->is_dirty = true;
}

/* ---- quotas ---- */

static enum notch_err load_newcomers(struct notch_execution *execution)
{
    struct notch_store_key key = notch_key_begin(NOTCH_STATE_NEWCOMERS);
    struct notch_bytes value;
    enum notch_err err = notch__state_get(execution, &value, &key);
    execution->newcomers = (struct notch_quota){0};
    if (err == NOTCH_OK) {
        err = notch_quota_decode(&execution->newcomers, value);
    } else if (err == NOTCH_ERR_NOT_FOUND) {
        err = NOTCH_OK;
    }
    execution->newcomers_known = err == NOTCH_OK;
    return err;
}

static bool take(uint64_t *used_set, uint64_t *used, uint64_t set, uint64_t bytes, uint64_t limit)
{
    uint64_t before = *used_set == set ? *used : 0;
    if (bytes > limit || before > limit - bytes) {
        return false;
    }
    *used_set = set;
    *used = before + bytes;
    return true;
}

enum notch_err notch__account_quota(struct notch_execution *execution, bool *fits, uint32_t index, uint64_t bytes)
{
    struct notch__account *account = &execution->accounts[index];
    uint64_t set = execution->block->header->set_id;
    if (account->reputation == 0) {
        if (!execution->newcomers_known) {
            enum notch_err err = load_newcomers(execution);
            if (err != NOTCH_OK) {
                return err;
            }
        }
        struct notch_quota *pool = &execution->newcomers;
        *fits = take(&pool->set, &pool->bytes, set, bytes, execution->genesis->newcomer_bytes);
        execution->newcomers_dirty = execution->newcomers_dirty || *fits;
        return NOTCH_OK;
    }
    uint64_t limit;
    enum notch_err err =
        notch_u64_muldiv(&limit, execution->genesis->author_bytes, account->reputation, NOTCH_GENESIS_REPUTATION);
    if (err != NOTCH_OK) {
        limit = UINT64_MAX;
    }
    *fits = take(&account->state.quota_set, &account->state.quota_bytes, set, bytes, limit);
    return NOTCH_OK;
}

/* ---- writing ---- */

static enum notch_err write_feed(struct notch_execution *execution, struct notch__account *account)
{
    struct notch_store_key key = notch_key_begin(NOTCH_FLAT_FEED);
    notch_key_add(&key, account->id.raw, sizeof account->id.raw);
    struct notch_buf *scratch = &execution->scratch;
    notch_buf_clear(scratch);
    enum notch_err err = notch_layer_get(execution->layer, execution->view, scratch, notch_store_key_bytes(&key));
    struct notch_merkle feed;
    notch_merkle_init(&feed);
    if (err == NOTCH_OK) {
        struct notch_reader reader = notch_reader(notch_buf_bytes(scratch));
        notch_merkle_read(&reader, &feed);
        err = notch_reader_done(&reader) ? NOTCH_OK : NOTCH_ERR_CORRUPT;
    } else if (err == NOTCH_ERR_NOT_FOUND) {
        err = NOTCH_OK;
    }
    if (err != NOTCH_OK) {
        return err;
    }
    for (uint32_t at = account->feed_first; at != NOTCH__NO_FEED; at = execution->feeds[at].next) {
        notch_merkle_append(&feed, &execution->feeds[at].leaf);
    }
    account->state.feed_size = feed.size;
    notch_merkle_root(&feed, &account->state.feed_root);
    notch_buf_clear(scratch);
    struct notch_writer writer = notch_writer_grow(scratch);
    notch_merkle_write(&writer, &feed);
    notch_layer_put(execution->layer, notch_store_key_bytes(&key), notch_buf_bytes(scratch));
    return NOTCH_OK;
}

enum notch_err notch__execution_write_accounts(struct notch_execution *execution)
{
    uint8_t raw[NOTCH_STATE_VALUE_MAX];
    for (uint32_t i = 0; i < execution->account_count; i++) {
        struct notch__account *account = &execution->accounts[i];
        if (!account->is_dirty) {
            continue;
        }
        enum notch_err err = account->feed_first == NOTCH__NO_FEED ? NOTCH_OK : write_feed(execution, account);
        if (err != NOTCH_OK) {
            return err;
        }
        struct notch_writer writer = notch_writer(raw, sizeof raw);
        notch_account_write(&writer, &account->state);
        struct notch_store_key key = notch_state_key_32(NOTCH_STATE_ACCOUNT, account->id.raw);
        notch__state_put(execution, &key, notch_writer_bytes(&writer));
    }
    if (execution->newcomers_dirty) {
        struct notch_writer writer = notch_writer(raw, sizeof raw);
        notch_write_uvar(&writer, execution->newcomers.set);
        notch_write_uvar(&writer, execution->newcomers.bytes);
        struct notch_store_key key = notch_key_begin(NOTCH_STATE_NEWCOMERS);
        notch__state_put(execution, &key, notch_writer_bytes(&writer));
    }
    return NOTCH_OK;
}

void notch__accounts_reset(struct notch_execution *execution)
{
    notch_map_clear(&execution->authors);
    notch_map_clear(&execution->account_index);
    execution->account_count = 0;
    execution->feed_count = 0;
    execution->newcomers_known = execution->newcomers_dirty = false;
}
