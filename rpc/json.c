#include "rpc/json.h"

static void put(struct notch_json *json, const char *text, size_t len)
{
    notch_buf_append(json->out, text, len);
}

static void separate(struct notch_json *json)
{
    if (json->comma) {
        put(json, ",", 1);
    }
    json->comma = true;
}

static void begin(struct notch_json *json, const char *bracket)
{
    separate(json);
    put(json, bracket, 1);
    json->comma = false;
}

static void end_with(struct notch_json *json, const char *bracket)
{
    put(json, bracket, 1);
    json->comma = true;
}

void notch_json_open_object(struct notch_json *json)
{
    begin(json, "{");
}

void notch_json_close_object(struct notch_json *json)
{
    end_with(json, "}");
}

void notch_json_open_array(struct notch_json *json)
{
    begin(json, "[");
}

void notch_json_close_array(struct notch_json *json)
{
    end_with(json, "]");
}

void notch_json_key(struct notch_json *json, const char *key)
{
    size_t len = strlen(key);
    uint8_t *at = notch_buf_reserve(json->out, len + 4);
    size_t used = 0;
    if (json->comma) {
        at[used++] = ',';
    }
    at[used++] = '"';
    memcpy(at + used, key, len);
    used += len;
    at[used++] = '"';
    at[used++] = ':';
    json->out->len += used;
    json->comma = false;
}

void notch_json_raw(struct notch_json *json, const char *text, size_t len)
{
    separate(json);
    put(json, text, len);
}

void notch_json_null(struct notch_json *json)
{
    notch_json_raw(json, "null", 4);
}

void notch_json_bool(struct notch_json *json, bool value)
{
    notch_json_raw(json, value ? "true" : "false", value ? 4 : 5);
}

#define DIGITS_MAX 20

/* The digits of a number, right-aligned in `out`; returns where they begin. */
static size_t digits_of(char out[DIGITS_MAX], uint64_t value)
{
    size_t at = DIGITS_MAX;
    do {
        out[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return at;
}

static void put_digits(struct notch_json *json, uint64_t value)
{
    char digits[DIGITS_MAX];
    size_t at = digits_of(digits, value);
    put(json, digits + at, DIGITS_MAX - at);
}

static void put_signed_digits(struct notch_json *json, int64_t value)
{
    if (value < 0) {
        put(json, "-", 1);
    }
    put_digits(json, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void notch_json_number(struct notch_json *json, uint64_t value)
{
    separate(json);
    put_digits(json, value);
}

void notch_json_signed(struct notch_json *json, int64_t value)
{
    separate(json);
    put_signed_digits(json, value);
}

void notch_json_decimal(struct notch_json *json, uint64_t value)
{
    separate(json);
    put(json, "\"", 1);
    put_digits(json, value);
    put(json, "\"", 1);
}

void notch_json_decimal_signed(struct notch_json *json, int64_t value)
{
    separate(json);
    put(json, "\"", 1);
    put_signed_digits(json, value);
    put(json, "\"", 1);
}

/* How many bytes the UTF-8 character at `text` has; 0 where there is none (RFC 3629). */
static size_t utf8_len(const uint8_t *text, size_t left)
{
    static const struct {
        uint8_t first_lo, first_hi, second_lo, second_hi, len;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                 {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    if (text[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < NOTCH_ARRAY_LEN(forms); i++) {
        if (text[0] < forms[i].first_lo || text[0] > forms[i].first_hi) {
            continue;
        }
        if (left < forms[i].len || text[1] < forms[i].second_lo || text[1] > forms[i].second_hi) {
            return 0;
        }
        for (size_t k = 2; k < forms[i].len; k++) {
            if ((text[k] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return forms[i].len;
    }
    return 0;
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void put_special(struct notch_json *json, uint8_t byte)
{
    char escape[7] = {'\\', 'u', '0', '0', 0, 0, 0};
    if (byte == '"' || byte == '\\') {
        escape[1] = (char)byte;
        put(json, escape, 2);
        return;
    }
    notch_hex_encode(escape + 4, &byte, 1);
    put(json, escape, 6);
}

void notch_json_text(struct notch_json *json, const char *text, size_t len)
{
    const uint8_t *at = (const uint8_t *)text;
    const uint8_t *end = at + len;
    separate(json);
    put(json, "\"", 1);
    while (at < end) {
        const uint8_t *plain = at;
        while (at < end && is_plain(*at)) {
            at++;
        }
        if (at > plain) {
            put(json, (const char *)plain, (size_t)(at - plain));
        }
        if (at == end) {
            break;
        }
        size_t character = utf8_len(at, (size_t)(end - at));
        if (character == 0) {
            put(json, "\xef\xbf\xbd", 3);
            at++;
        } else if (character == 1) {
            put_special(json, *at);
            at++;
        } else {
            put(json, (const char *)at, character);
            at += character;
        }
    }
    put(json, "\"", 1);
}

void notch_json_string(struct notch_json *json, const char *text)
{
    notch_json_text(json, text, strlen(text));
}

void notch_json_hex(struct notch_json *json, const void *data, size_t len)
{
    separate(json);
    uint8_t *at = notch_buf_reserve(json->out, 2 * len + 3);
    at[0] = '"';
    notch_hex_encode((char *)at + 1, data, len);
    at[2 * len + 1] = '"';
    json->out->len += 2 * len + 2;
}

void notch_json_hash(struct notch_json *json, const struct notch_hash *hash)
{
    notch_json_hex(json, hash->raw, sizeof hash->raw); /* Raw: prints */
}

void notch_json_key32(struct notch_json *json, const struct notch_key *key)
{
    char text[NOTCH_KEY_TEXT_MAX + 1];
    notch_key_print(text, key, json->network);
    separate(json);
    put(json, "\"", 1);
    put(json, text, strlen(text));
    put(json, "\"", 1);
}

void notch_json_put_bool(struct notch_json *json, const char *key, bool value)
{
    notch_json_key(json, key);
    notch_json_bool(json, value);
}

void notch_json_put_number(struct notch_json *json, const char *key, uint64_t value)
{
    notch_json_key(json, key);
    notch_json_number(json, value);
}

void notch_json_put_signed(struct notch_json *json, const char *key, int64_t value)
{
    notch_json_key(json, key);
    notch_json_signed(json, value);
}

void notch_json_put_decimal(struct notch_json *json, const char *key, uint64_t value)
{
    notch_json_key(json, key);
    notch_json_decimal(json, value);
}

void notch_json_put_amount(struct notch_json *json, const char *key, struct notch_amount amount)
{
    notch_json_key(json, key);
    notch_json_decimal_signed(json, amount.raw); /* Raw: prints */
}

void notch_json_put_price(struct notch_json *json, const char *key, struct notch_price price)
{
    notch_json_key(json, key);
    notch_json_decimal_signed(json, price.raw); /* Raw: prints */
}

void notch_json_put_ppm(struct notch_json *json, const char *key, struct notch_ppm ppm)
{
    notch_json_put_signed(json, key, ppm.raw); /* Raw: prints */
}

void notch_json_put_time(struct notch_json *json, const char *key, struct notch_time time)
{
    notch_json_put_number(json, key, time.raw); /* Raw: prints */
}

void notch_json_put_slot(struct notch_json *json, const char *key, struct notch_slot slot)
{
    notch_json_put_number(json, key, slot.raw); /* Raw: prints */
}

void notch_json_put_height(struct notch_json *json, const char *key, struct notch_height height)
{
    notch_json_put_number(json, key, height.raw); /* Raw: prints */
}

void notch_json_put_string(struct notch_json *json, const char *key, const char *text)
{
    notch_json_key(json, key);
    notch_json_string(json, text);
}

void notch_json_put_hex(struct notch_json *json, const char *key, const void *data, size_t len)
{
    notch_json_key(json, key);
    notch_json_hex(json, data, len);
}

void notch_json_put_hash(struct notch_json *json, const char *key, const struct notch_hash *hash)
{
    notch_json_key(json, key);
    notch_json_hash(json, hash);
}

void notch_json_put_key(struct notch_json *json, const char *key, const struct notch_key *value)
{
    notch_json_key(json, key);
    notch_json_key32(json, value);
}
