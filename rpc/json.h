/*
 * rpc/json.h: JSON written straight into a buffer, without a tree in between, and the JSON forms of the chain's values.
 *
 * What comes out is valid JSON whatever the texts hold: bytes that are not UTF-8 become U+FFFD. Integers that always
 * stay below 2^53 are numbers (heights, slots, times, counts, ppm); amounts, prices, weights and other 64-bit values
 * are decimal strings, always, so that a field has one type. Hashes and bytes are lower-case hex, keys bech32m.
 *
 * Invariants   The caller closes what it opens, and gives a key before each value inside of an object.
 * Ownership    Appends to the caller's buffer.
 * Thread       As the buffer.
 */
#ifndef NOTCH_RPC_JSON_H
#define NOTCH_RPC_JSON_H

#include "base/bytes.h"
#include "base/keytext.h"
#include "base/units.h"

struct notch_json {
    struct notch_buf *out;
    enum notch_network network; /* of the keys */
    bool comma;                 /* the next thing needs one before it */
};

static inline struct notch_json notch_json(struct notch_buf *out, enum notch_network network)
{
    return (struct notch_json){out, network, false};
}

void notch_json_open_object(struct notch_json *json);
void notch_json_close_object(struct notch_json *json);
void notch_json_open_array(struct notch_json *json);
void notch_json_close_array(struct notch_json *json);

/* `key` is plain ASCII without quotes: a literal of ours. */
void notch_json_key(struct notch_json *json, const char *key);

void notch_json_null(struct notch_json *json);
void notch_json_bool(struct notch_json *json, bool value);
void notch_json_number(struct notch_json *json, uint64_t value);
void notch_json_signed(struct notch_json *json, int64_t value);
void notch_json_decimal(struct notch_json *json, uint64_t value);
void notch_json_decimal_signed(struct notch_json *json, int64_t value);
void notch_json_text(struct notch_json *json, const char *text, size_t len);
void notch_json_string(struct notch_json *json, const char *text);
void notch_json_hex(struct notch_json *json, const void *data, size_t len);
void notch_json_hash(struct notch_json *json, const struct notch_hash *hash);
void notch_json_key32(struct notch_json *json, const struct notch_key *key);

/* JSON that was made elsewhere. */
void notch_json_raw(struct notch_json *json, const char *text, size_t len);

/* Key and value in one. */
void notch_json_put_bool(struct notch_json *json, const char *key, bool value);
void notch_json_put_number(struct notch_json *json, const char *key, uint64_t value);
void notch_json_put_signed(struct notch_json *json, const char *key, int64_t value);
void notch_json_put_decimal(struct notch_json *json, const char *key, uint64_t value);
void notch_json_put_amount(struct notch_json *json, const char *key, struct notch_amount amount);
void notch_json_put_price(struct notch_json *json, const char *key, struct notch_price price);
void notch_json_put_ppm(struct notch_json *json, const char *key, struct notch_ppm ppm);
void notch_json_put_time(struct notch_json *json, const char *key, struct notch_time time);
void notch_json_put_slot(struct notch_json *json, const char *key, struct notch_slot slot);
void notch_json_put_height(struct notch_json *json, const char *key, struct notch_height height);
void notch_json_put_string(struct notch_json *json, const char *key, const char *text);
void notch_json_put_hex(struct notch_json *json, const char *key, const void *data, size_t len);
void notch_json_put_hash(struct notch_json *json, const char *key, const struct notch_hash *hash);
void notch_json_put_key(struct notch_json *json, const char *key, const struct notch_key *value);

#endif
