#include "chain/genesis.h"

#include "base/assert.h"
#include "base/fixed.h"

static const uint8_t magic[6] = {'n', 'o', 't', 'c', 'h', '1'};
#define FORMAT 1

#define SLOT_MAX (UINT64_C(1) << 48)
#define DELTA_MS_MAX 60000
#define SLOTS_MAX (1u << 24)
#define BYTES_MAX (UINT64_C(1) << 40)

#define BODY_BYTES_MAX (4u << 20)
#define BATCHES_MAX 4096
#define VOTES_MAX 65536
#define EVIDENCE_MAX 256
#define BATCH_BYTES_MAX (64u << 10)
#define RECORD_BYTES_MIN 512
#define RECORD_BYTES_MAX (30u << 10)

void notch_genesis_init(struct notch_genesis *genesis, const struct notch_alloc *alloc)
{
    memset(genesis, 0, sizeof *genesis);
    genesis->alloc = alloc;
}

void notch_genesis_fini(struct notch_genesis *genesis)
{
    notch_free(genesis->alloc, genesis->members, genesis->member_count * sizeof *genesis->members);
    genesis->members = NULL;
    genesis->member_count = 0;
}

void notch_genesis_defaults(struct notch_genesis *genesis, enum notch_network network, enum notch_mode mode)
{
    bool dev = network == NOTCH_NETWORK_DEV;
    genesis->network = network;
    genesis->mode = mode;
    genesis->rules = NOTCH_RULES_VERSION;
    genesis->slot0 = (struct notch_slot){0};
    genesis->target = NOTCH_TARGET_CONFIRMED;
    genesis->eta_slots = 32;
    genesis->epoch_slots = dev ? 32 : 4096;
    genesis->quiet_slots = 150;
    genesis->settle_slots = 64;
    /* At 400 ms a slot, about a week: long enough for a record that was signed offline. */
    genesis->expiry_slots = 1512000;
    genesis->caps = (struct notch_caps){.body_bytes = 1u << 20,
                                        .batches = 512,
                                        .votes = 16384,
                                        .evidence = 16,
                                        .batch_bytes = BATCH_BYTES_MAX,
                                        .record_bytes = RECORD_BYTES_MAX};
    switch (mode) {
    case NOTCH_MODE_PRIVATE:
        genesis->delta_ms = 100;
        genesis->aggregate_min = 1;
        genesis->author_bytes = UINT64_C(16) << 30;
        genesis->newcomer_bytes = UINT64_C(16) << 30;
        break;
    case NOTCH_MODE_CONSORTIUM:
        genesis->delta_ms = 250;
        genesis->aggregate_min = 5;
        genesis->author_bytes = UINT64_C(1) << 30;
        genesis->newcomer_bytes = UINT64_C(256) << 20;
        break;
    case NOTCH_MODE_PUBLIC:
        genesis->delta_ms = 500;
        genesis->aggregate_min = 20;
        genesis->author_bytes = UINT64_C(64) << 20;
        genesis->newcomer_bytes = UINT64_C(64) << 20;
        break;
    }
    if (dev) {
        genesis->delta_ms = 10;
    }
}

static bool name_is_valid(const char *name, size_t len)
{
    if (len == 0 || len > NOTCH_GENESIS_NAME_MAX || name[0] == '-' || name[len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        bool good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '-';
        if (!good) {
            return false;
        }
    }
    return true;
}

bool notch_genesis_set_name(struct notch_genesis *genesis, const char *name, size_t len)
{
    if (!name_is_valid(name, len)) {
        return false;
    }
    memset(genesis->name, 0, sizeof genesis->name);
    memcpy(genesis->name, name, len);
    return true;
}

enum notch_err notch_genesis_add_member(struct notch_genesis *genesis, const struct notch_genesis_member *member)
{
    uint32_t at = 0;
    while (at < genesis->member_count && notch_key_cmp(&genesis->members[at].key, &member->key) < 0) {
        at++;
    }
    if (at < genesis->member_count && notch_key_eq(&genesis->members[at].key, &member->key)) {
        return NOTCH_ERR_EXISTS;
    }
    if (genesis->member_count == NOTCH_GENESIS_MEMBERS_MAX) {
        return NOTCH_ERR_SPACE;
    }
    size_t size = sizeof *genesis->members;
    genesis->members = notch_realloc(genesis->alloc, genesis->members, genesis->member_count * size,
                                     (genesis->member_count + 1) * size);
    memmove(&genesis->members[at + 1], &genesis->members[at], (genesis->member_count - at) * size);
    genesis->members[at] = *member;
    genesis->member_count++;
    return NOTCH_OK;
}

enum notch_err notch_genesis_add_governance(struct notch_genesis *genesis, const struct notch_key *key)
{
    uint32_t at = 0;
    while (at < genesis->governance_count && notch_key_cmp(&genesis->governance[at], key) < 0) {
        at++;
    }
    if (at < genesis->governance_count && notch_key_eq(&genesis->governance[at], key)) {
        return NOTCH_ERR_EXISTS;
    }
    if (genesis->governance_count == NOTCH_GENESIS_GOVERNANCE_MAX) {
        return NOTCH_ERR_SPACE;
    }
    memmove(&genesis->governance[at + 1], &genesis->governance[at],
            (genesis->governance_count - at) * sizeof *genesis->governance);
    genesis->governance[at] = *key;
    genesis->governance_count++;
    return NOTCH_OK;
}

static bool within(uint64_t value, uint64_t min, uint64_t max)
{
    return value >= min && value <= max;
}

struct notch_reject notch_caps_check(const struct notch_caps *caps)
{
    if (!within(caps->body_bytes, 4096, BODY_BYTES_MAX)) {
        return NOTCH_REJECT(BOUNDS, "caps: body_bytes is not 4096 .. 4194304");
    }
    if (!within(caps->batches, 1, BATCHES_MAX)) {
        return NOTCH_REJECT(BOUNDS, "caps: batches is not 1 .. 4096");
    }
    if (!within(caps->votes, 1, VOTES_MAX)) {
        return NOTCH_REJECT(BOUNDS, "caps: votes is not 1 .. 65536");
    }
    if (!within(caps->evidence, 1, EVIDENCE_MAX)) {
        return NOTCH_REJECT(BOUNDS, "caps: evidence is not 1 .. 256");
    }
    if (!within(caps->record_bytes, RECORD_BYTES_MIN, RECORD_BYTES_MAX)) {
        return NOTCH_REJECT(BOUNDS, "caps: record_bytes is not 512 .. 30720");
    }
    /* A record with its length must fit into a batch, or it could never be included. */
    if (!within(caps->batch_bytes, caps->record_bytes + 3, BATCH_BYTES_MAX)) {
        return NOTCH_REJECT(BOUNDS, "caps: batch_bytes is not record_bytes + 3 .. 65536");
    }
    return NOTCH_VALID;
}

/* Raw: bounds of slot and time. */
static struct notch_reject check_timing(const struct notch_genesis *genesis)
{
    if (genesis->slot0.raw > SLOT_MAX) {
        return NOTCH_REJECT(BOUNDS, "slot0 is beyond 2^48");
    }
    if (genesis->time0.raw > NOTCH_TIME_MAX) {
        return NOTCH_REJECT(BOUNDS, "time0 is behind the year 9999");
    }
    if (!within(genesis->delta_ms, 1, DELTA_MS_MAX)) {
        return NOTCH_REJECT(BOUNDS, "delta_ms is not 1 .. 60000");
    }
    if (!within(genesis->eta_slots, 2, 4096)) {
        return NOTCH_REJECT(BOUNDS, "eta is not 2 .. 4096 slots");
    }
    if (!within(genesis->epoch_slots, 8, SLOTS_MAX)) {
        return NOTCH_REJECT(BOUNDS, "epoch is not 8 .. 16777216 slots");
    }
    if (!within(genesis->quiet_slots, 2, SLOTS_MAX)) {
        return NOTCH_REJECT(BOUNDS, "quiet is not 2 .. 16777216 slots");
    }
    if (!within(genesis->settle_slots, 1, SLOTS_MAX)) {
        return NOTCH_REJECT(BOUNDS, "settle is not 1 .. 16777216 slots");
    }
    /* A record names a block that is already final and settles behind its inclusion: less would expire at once. */
    if (!within(genesis->expiry_slots, UINT64_C(2) * genesis->settle_slots, SLOTS_MAX)) {
        return NOTCH_REJECT(BOUNDS, "expiry is not 2 * settle .. 16777216 slots");
    }
    return NOTCH_VALID;
}

static struct notch_reject check_members(const struct notch_genesis *genesis)
{
    if (!within(genesis->member_count, 1, NOTCH_GENESIS_MEMBERS_MAX)) {
        return NOTCH_REJECT(BOUNDS, "members: not 1 .. 1000 of them");
    }
    for (uint32_t i = 0; i < genesis->member_count; i++) {
        const struct notch_genesis_member *member = &genesis->members[i];
        if (i > 0 && notch_key_cmp(&genesis->members[i - 1].key, &member->key) >= 0) {
            return NOTCH_REJECT(BOUNDS, "members: not strictly ascending by key");
        }
        if (!within(member->reputation, 1000, NOTCH_REPUTATION_MAX)) {
            return NOTCH_REJECT(BOUNDS, "members: reputation is not 1000 .. 32000000");
        }
        if ((member->services & ~NOTCH_SERVICE_ALL) != 0) {
            return NOTCH_REJECT(BOUNDS, "members: unknown service bits");
        }
    }
    if (!within(genesis->governance_count, 1, NOTCH_GENESIS_GOVERNANCE_MAX)) {
        return NOTCH_REJECT(BOUNDS, "governance: not 1 .. 32 keys");
    }
    for (uint32_t i = 1; i < genesis->governance_count; i++) {
        if (notch_key_cmp(&genesis->governance[i - 1], &genesis->governance[i]) >= 0) {
            return NOTCH_REJECT(BOUNDS, "governance: keys not strictly ascending");
        }
    }
    if (!within(genesis->governance_quorum, 1, genesis->governance_count)) {
        return NOTCH_REJECT(BOUNDS, "governance: quorum is not 1 .. number of keys");
    }
    return NOTCH_VALID;
}

struct notch_reject notch_genesis_check(const struct notch_genesis *genesis)
{
    if (memchr(genesis->name, '\0', sizeof genesis->name) == NULL ||
        !name_is_valid(genesis->name, strlen(genesis->name))) {
        return NOTCH_REJECT(BOUNDS, "name is not 1 .. 32 of a-z, 0-9 and inner '-'");
    }
    if (genesis->network > NOTCH_NETWORK_DEV || genesis->mode > NOTCH_MODE_PUBLIC ||
        genesis->target > NOTCH_TARGET_HEAD) {
        return NOTCH_REJECT(BOUNDS, "network, mode or target is unknown");
    }
    /* Whoever is far away must not gain a slot on those nearby: an open chain waits for the confirmed block. */
    if (genesis->mode == NOTCH_MODE_PUBLIC && genesis->target == NOTCH_TARGET_HEAD) {
        return NOTCH_REJECT(MODE, "target head is for private and consortium chains");
    }
    if (genesis->rules == 0 || genesis->rules > NOTCH_RULES_VERSION) {
        return NOTCH_REJECT(VERSION, "rules version is not one that this program knows");
    }
    struct notch_reject reject = check_timing(genesis);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    reject = notch_caps_check(&genesis->caps);
    if (!notch_is_valid(reject)) {
        return reject;
    }
    if (!within(genesis->author_bytes, RECORD_BYTES_MIN, BYTES_MAX) ||
        !within(genesis->newcomer_bytes, RECORD_BYTES_MIN, BYTES_MAX)) {
        return NOTCH_REJECT(BOUNDS, "quotas: author_bytes or newcomer_bytes is not 512 .. 2^40");
    }
    if (!within(genesis->aggregate_min, 1, 1000000)) {
        return NOTCH_REJECT(BOUNDS, "aggregate_min is not 1 .. 1000000");
    }
    return check_members(genesis);
}

void notch_caps_write(struct notch_writer *writer, const struct notch_caps *caps)
{
    notch_write_uvar(writer, caps->body_bytes);
    notch_write_uvar(writer, caps->batches);
    notch_write_uvar(writer, caps->votes);
    notch_write_uvar(writer, caps->evidence);
    notch_write_uvar(writer, caps->batch_bytes);
    notch_write_uvar(writer, caps->record_bytes);
}

static uint32_t read_u32(struct notch_reader *reader)
{
    return (uint32_t)notch_read_uvar_max(reader, UINT32_MAX);
}

void notch_caps_read(struct notch_reader *reader, struct notch_caps *out)
{
    out->body_bytes = read_u32(reader);
    out->batches = read_u32(reader);
    out->votes = read_u32(reader);
    out->evidence = read_u32(reader);
    out->batch_bytes = read_u32(reader);
    out->record_bytes = read_u32(reader);
}

void notch_genesis_encode(const struct notch_genesis *genesis, struct notch_buf *out)
{
    bool valid = notch_is_valid(notch_genesis_check(genesis));
    notch_assert(valid);
    struct notch_writer writer = notch_writer_grow(out);
    notch_write_bytes(&writer, magic, sizeof magic);
    notch_write_u8(&writer, FORMAT);
    notch_write_blob(&writer, notch_bytes(genesis->name, strlen(genesis->name)));
    notch_write_u8(&writer, (uint8_t)genesis->network);
    notch_write_u8(&writer, (uint8_t)genesis->mode);
    notch_write_uvar(&writer, genesis->rules);
    notch_write_uvar(&writer, genesis->slot0.raw); /* Raw: encoding. */
    notch_write_uvar(&writer, genesis->time0.raw); /* Raw: encoding. */
    notch_write_uvar(&writer, genesis->delta_ms);
    notch_write_u8(&writer, (uint8_t)genesis->target);
    notch_write_uvar(&writer, genesis->eta_slots);
    notch_write_uvar(&writer, genesis->epoch_slots);
    notch_write_uvar(&writer, genesis->quiet_slots);
    notch_write_uvar(&writer, genesis->settle_slots);
    notch_write_uvar(&writer, genesis->expiry_slots);
    notch_caps_write(&writer, &genesis->caps);
    notch_write_uvar(&writer, genesis->author_bytes);
    notch_write_uvar(&writer, genesis->newcomer_bytes);
    notch_write_uvar(&writer, genesis->aggregate_min);
    notch_write_hash(&writer, &genesis->seed);
    notch_write_uvar(&writer, genesis->member_count);
    for (uint32_t i = 0; i < genesis->member_count; i++) {
        notch_genesis_member_write(&writer, &genesis->members[i]);
    }
    notch_write_uvar(&writer, genesis->governance_count);
    for (uint32_t i = 0; i < genesis->governance_count; i++) {
        notch_write_key(&writer, &genesis->governance[i]);
    }
    notch_write_uvar(&writer, genesis->governance_quorum);
}

void notch_genesis_member_write(struct notch_writer *writer, const struct notch_genesis_member *member)
{
    notch_write_key(writer, &member->key);
    notch_write_key(writer, &member->operator_key);
    notch_write_uvar(writer, member->reputation);
    notch_write_uvar(writer, member->services);
}

void notch_genesis_member_read(struct notch_reader *reader, struct notch_genesis_member *out)
{
    out->key = notch_read_key(reader);
    out->operator_key = notch_read_key(reader);
    out->reputation = notch_read_uvar(reader);
    out->services = read_u32(reader);
}

static void read_head(struct notch_reader *reader, struct notch_genesis *genesis)
{
    struct notch_bytes name = notch_read_blob(reader, NOTCH_GENESIS_NAME_MAX);
    if (name.len > 0) {
        memcpy(genesis->name, name.data, name.len);
        /* A zero inside would give another name than was written. */
        if (memchr(genesis->name, '\0', name.len) != NULL) {
            notch_reader_fail(reader);
        }
    }
    genesis->network = (enum notch_network)notch_read_u8(reader);
    genesis->mode = (enum notch_mode)notch_read_u8(reader);
    genesis->rules = read_u32(reader);
    genesis->slot0.raw = notch_read_uvar(reader); /* Raw: decoding. */
    genesis->time0.raw = notch_read_uvar(reader); /* Raw: decoding. */
    genesis->delta_ms = read_u32(reader);
    genesis->target = (enum notch_target)notch_read_u8(reader);
    genesis->eta_slots = read_u32(reader);
    genesis->epoch_slots = read_u32(reader);
    genesis->quiet_slots = read_u32(reader);
    genesis->settle_slots = read_u32(reader);
    genesis->expiry_slots = read_u32(reader);
    notch_caps_read(reader, &genesis->caps);
    genesis->author_bytes = notch_read_uvar(reader);
    genesis->newcomer_bytes = notch_read_uvar(reader);
    genesis->aggregate_min = read_u32(reader);
    genesis->seed = notch_read_hash(reader);
}

static void read_keys(struct notch_reader *reader, struct notch_genesis *genesis)
{
    uint32_t members = (uint32_t)notch_read_uvar_max(reader, NOTCH_GENESIS_MEMBERS_MAX);
    /* Each takes 66 bytes at least: a count that cannot be true costs no memory. */
    if (members > notch_reader_left(reader) / 66) {
        notch_reader_fail(reader);
        return;
    }
    if (members > 0) {
        genesis->members = notch_alloc_array(genesis->alloc, members, sizeof *genesis->members);
        genesis->member_count = members;
    }
    for (uint32_t i = 0; i < members; i++) {
        notch_genesis_member_read(reader, &genesis->members[i]);
    }
    genesis->governance_count = (uint32_t)notch_read_uvar_max(reader, NOTCH_GENESIS_GOVERNANCE_MAX);
    for (uint32_t i = 0; i < genesis->governance_count; i++) {
        genesis->governance[i] = notch_read_key(reader);
    }
    genesis->governance_quorum = read_u32(reader);
}

struct notch_reject notch_genesis_decode(struct notch_genesis *genesis, struct notch_bytes bytes)
{
    notch_assert(genesis->member_count == 0);
    if (bytes.len > NOTCH_GENESIS_BYTES_MAX) {
        return NOTCH_REJECT(TOO_LARGE, "a genesis file is at most 128 KiB");
    }
    struct notch_reader reader = notch_reader(bytes);
    struct notch_bytes start = notch_read_bytes(&reader, sizeof magic);
    if (!notch_bytes_eq(start, notch_bytes(magic, sizeof magic))) {
        return NOTCH_REJECT(MALFORMED, "not a genesis file");
    }
    if (notch_read_u8(&reader) != FORMAT) {
        return NOTCH_REJECT(VERSION, "a genesis file of another format version");
    }
    read_head(&reader, genesis);
    read_keys(&reader, genesis);
    struct notch_reject reject = NOTCH_REJECT(MALFORMED, "a genesis file that is cut short or not canonical");
    if (notch_reader_done(&reader)) {
        reject = notch_genesis_check(genesis);
    }
    if (!notch_is_valid(reject)) {
        notch_genesis_fini(genesis);
    }
    return reject;
}

void notch_genesis_hash(struct notch_hash *out, struct notch_bytes bytes)
{
    notch_hash_tagged(out, "notch/genesis", bytes);
}

struct notch_rules notch_genesis_rules(const struct notch_genesis *genesis, const struct notch_domain *domain,
                                       const struct notch_crypto *crypto)
{
    return (struct notch_rules){.domain = domain,
                                .crypto = crypto,
                                .mode = genesis->mode,
                                .record_bytes_max = genesis->caps.record_bytes,
                                .batch_bytes_max = genesis->caps.batch_bytes,
                                .aggregate_min = genesis->aggregate_min};
}

/* Raw: slots are counted from slot0, which begins at time0. */
struct notch_slot notch_genesis_slot_at(const struct notch_genesis *genesis, struct notch_time time)
{
    uint64_t since_ms = notch_time_until_ms(genesis->time0, time);
    uint64_t slots = since_ms / (UINT64_C(4) * genesis->delta_ms);
    return (struct notch_slot){genesis->slot0.raw + slots};
}

/* Raw: slots are counted from slot0. */
enum notch_err notch_genesis_slot_time(const struct notch_genesis *genesis, struct notch_time *out,
                                       struct notch_slot slot)
{
    if (slot.raw < genesis->slot0.raw) {
        return NOTCH_ERR_RANGE;
    }
    uint64_t ms;
    enum notch_err err = notch_u64_mul(&ms, slot.raw - genesis->slot0.raw, UINT64_C(4) * genesis->delta_ms);
    return err != NOTCH_OK ? err : notch_time_add_ms(out, genesis->time0, ms);
}
