#include "chain/io/crc32c.h"

#include <string.h>

/* One entry per nibble of the reflected polynomial 0x82f63b78: small, and only the fallback. */
static const uint32_t nibble_table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t notch__crc32c_table(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *at = data;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ nibble_table[crc & 15];
        crc = (crc >> 4) ^ nibble_table[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)

/* The instruction takes three cycles, but three of them can be under way at once: so long inputs go in three lanes. */
#define LANE ((size_t)2048)

/* What LANE zero bytes make of each bit of a state: a state is shifted past a lane by adding up those of its bits. */
static const uint32_t lane_table[32] = {
    0xf7506984, 0xeb4ca5f9, 0xd3753d03, 0xa3060cf7, 0x43e06f1f, 0x87c0de3e, 0x0a6dca8d, 0x14db951a,
    0x29b72a34, 0x536e5468, 0xa6dca8d0, 0x48552751, 0x90aa4ea2, 0x24b8ebb5, 0x4971d76a, 0x92e3aed4,
    0x202b2b59, 0x405656b2, 0x80acad64, 0x04b52c39, 0x096a5872, 0x12d4b0e4, 0x25a961c8, 0x4b52c390,
    0x96a58720, 0x28a778b1, 0x514ef162, 0xa29de2c4, 0x40d7b379, 0x81af66f2, 0x06b2bb15, 0x0d65762a,
};

static uint32_t past_lane(uint32_t state)
{
    uint32_t shifted = 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        shifted ^= lane_table[bit] & (0u - (state >> bit & 1));
    }
    return shifted;
}

__attribute__((target("sse4.2"))) static uint32_t three_lanes(uint32_t state, const uint8_t *at)
{
    uint64_t first = state;
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < LANE; i += 8) {
        uint64_t words[3];
        memcpy(&words[0], at + i, 8);
        memcpy(&words[1], at + LANE + i, 8);
        memcpy(&words[2], at + 2 * LANE + i, 8);
        first = __builtin_ia32_crc32di(first, words[0]);
        second = __builtin_ia32_crc32di(second, words[1]);
        third = __builtin_ia32_crc32di(third, words[2]);
    }
    return past_lane(past_lane((uint32_t)first) ^ (uint32_t)second) ^ (uint32_t)third;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *at = data;
    uint32_t begun = ~crc;
    for (; len >= 3 * LANE; len -= 3 * LANE, at += 3 * LANE) {
        begun = three_lanes(begun, at);
    }
    uint64_t state = begun;
    for (; len >= 8; len -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        state = __builtin_ia32_crc32di(state, word);
    }
    uint32_t rest = (uint32_t)state;
    for (; len > 0; len--, at++) {
        rest = __builtin_ia32_crc32qi(rest, *at);
    }
    return ~rest;
}

uint32_t notch__crc32c(uint32_t crc, const void *data, size_t len)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, data, len) : notch__crc32c_table(crc, data, len);
}

#else

uint32_t notch__crc32c(uint32_t crc, const void *data, size_t len)
{
    return notch__crc32c_table(crc, data, len);
}

#endif
