#include "chain/vote.h"

void notch_vote_data_encode(struct notch_writer *writer, const struct notch_vote_data *data)
{
    notch_write_u32(writer, data->set_id);
    notch_write_bytes(writer, data->set_root8, sizeof data->set_root8);
    /* Raw: the wire form of a slot. */
    notch_write_u64(writer, data->slot.raw);
    notch_write_u64(writer, data->source.slot.raw);
    notch_write_hash(writer, &data->source.hash);
    notch_write_hash(writer, &data->target);
    notch_write_hash(writer, &data->head);
}

void notch_vote_data_decode(struct notch_vote_data *out, struct notch_reader *reader)
{
    out->set_id = notch_read_u32(reader);
    notch_read_into(reader, out->set_root8, sizeof out->set_root8);
    /* Raw: the wire form of a slot. */
    out->slot.raw = notch_read_u64(reader);
    out->source.slot.raw = notch_read_u64(reader);
    out->source.hash = notch_read_hash(reader);
    out->target = notch_read_hash(reader);
    out->head = notch_read_hash(reader);
}

static int cmp_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

int notch_vote_data_cmp(const struct notch_vote_data *a, const struct notch_vote_data *b)
{
    int order = notch_slot_cmp(a->slot, b->slot);
    order = order != 0 ? order : cmp_u32(a->set_id, b->set_id);
    order = order != 0 ? order : notch_hash_cmp(&a->target, &b->target);
    order = order != 0 ? order : notch_slot_cmp(a->source.slot, b->source.slot);
    order = order != 0 ? order : notch_hash_cmp(&a->source.hash, &b->source.hash);
    order = order != 0 ? order : notch_hash_cmp(&a->head, &b->head);
    return order != 0 ? order : memcmp(a->set_root8, b->set_root8, sizeof a->set_root8);
}

static int voter_cmp(const struct notch_vote *a, const struct notch_vote *b)
{
    int order = cmp_u32(a->validator, b->validator);
    if (order != 0 || a->validator != NOTCH_VOTE_SHADOW) {
        return order;
    }
    return notch_key_cmp(&a->key, &b->key);
}

int notch_vote_cmp(const struct notch_vote *a, const struct notch_vote *b)
{
    int order = notch_vote_data_cmp(&a->data, &b->data);
    return order != 0 ? order : voter_cmp(a, b);
}

void notch_vote_hash(struct notch_hash *out, const struct notch_domain *domain, const struct notch_vote_data *data)
{
    uint8_t common[NOTCH_VOTE_COMMON_LEN];
    struct notch_writer writer = notch_writer(common, sizeof common);
    notch_vote_data_encode(&writer, data);
    notch_assert(notch_writer_ok(&writer));
    notch_domain_hash(out, domain, NOTCH_TAG_VOTE, notch_writer_bytes(&writer));
}

bool notch_vote_sign(struct notch_vote *out, const struct notch_domain *domain, const struct notch_crypto *crypto,
                     const struct notch_signer *signer, const struct notch_vote_data *data, uint16_t validator)
{
    struct notch_hash hash;
    notch_vote_hash(&hash, domain, data);
    *out = (struct notch_vote){.data = *data, .validator = validator, .key = signer->key};
    return notch_sign(crypto, &out->sig, signer, &hash);
}

void notch_votes_encode(struct notch_writer *writer, const struct notch_vote *votes, size_t count)
{
    uint64_t bundles = 0;
    for (size_t i = 0; i < count; i++) {
        notch_assert(i == 0 || notch_vote_cmp(&votes[i - 1], &votes[i]) < 0);
        bundles += i == 0 || notch_vote_data_cmp(&votes[i - 1].data, &votes[i].data) != 0;
    }
    notch_write_uvar(writer, bundles);
    for (size_t first = 0; first < count;) {
        size_t end = first + 1;
        while (end < count && notch_vote_data_cmp(&votes[first].data, &votes[end].data) == 0) {
            end++;
        }
        notch_assert(end - first <= NOTCH_VOTES_BUNDLE_MAX);
        notch_vote_data_encode(writer, &votes[first].data);
        notch_write_uvar(writer, end - first);
        for (; first < end; first++) {
            notch_write_u16(writer, votes[first].validator);
            if (votes[first].validator == NOTCH_VOTE_SHADOW) {
                notch_write_key(writer, &votes[first].key);
            }
            notch_write_sig(writer, &votes[first].sig);
        }
    }
}

struct notch_votes_iter notch_votes_iter(struct notch_bytes encoded)
{
    struct notch_votes_iter iter = {.reader = notch_reader(encoded)};
    iter.bundles_left = notch_read_uvar(&iter.reader);
    return iter;
}

bool notch_votes_next(struct notch_votes_iter *iter, struct notch_vote *vote)
{
    if (iter->sigs_left == 0) {
        if (iter->bundles_left == 0 || iter->reader.failed) {
            return false;
        }
        iter->bundles_left--;
        notch_vote_data_decode(&iter->data, &iter->reader);
        iter->sigs_left = notch_read_uvar_max(&iter->reader, NOTCH_VOTES_BUNDLE_MAX);
        if (iter->sigs_left == 0) {
            notch_reader_fail(&iter->reader);
        }
    }
    *vote = (struct notch_vote){.data = iter->data, .validator = notch_read_u16(&iter->reader)};
    if (vote->validator == NOTCH_VOTE_SHADOW) {
        vote->key = notch_read_key(&iter->reader);
    }
    vote->sig = notch_read_sig(&iter->reader);
    iter->sigs_left -= iter->sigs_left > 0;
    return !iter->reader.failed;
}

struct notch_reject notch_votes_check(size_t *count, struct notch_bytes encoded, size_t votes_max)
{
    *count = 0;
    struct notch_votes_iter iter = notch_votes_iter(encoded);
    struct notch_vote vote;
    struct notch_vote before;
    bool is_new_bundle = true;
    while (notch_votes_next(&iter, &vote)) {
        if (*count == votes_max) {
            return NOTCH_REJECT(TOO_LARGE, "too many votes");
        }
        if (*count > 0) {
            int order = notch_vote_data_cmp(&before.data, &vote.data);
            if (order > 0 || (order == 0 && (is_new_bundle || voter_cmp(&before, &vote) >= 0))) {
                return NOTCH_REJECT(MALFORMED, "votes out of order");
            }
        }
        is_new_bundle = iter.sigs_left == 0;
        before = vote;
        ++*count;
    }
    if (!notch_reader_done(&iter.reader)) {
        return NOTCH_REJECT(MALFORMED, "votes");
    }
    return NOTCH_VALID;
}

void notch_votes_root(struct notch_hash *out, const struct notch_domain *domain, struct notch_bytes encoded)
{
    notch_domain_hash(out, domain, NOTCH_TAG_VOTES, encoded);
}
