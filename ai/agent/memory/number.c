#include "ai/agent/memory/number.h"

#include "base/assert.h"

#include <math.h>
#include <string.h>

_Static_assert(sizeof(double) == sizeof(uint64_t), "IEEE 754 binary64");

void notch__write_double(struct notch_writer *writer, double value)
{
    uint64_t bits;
    value += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &value, sizeof bits);
    notch_write_u64(writer, bits);
}

double notch__read_double(struct notch_reader *reader, double least, double most)
{
    uint64_t bits = notch_read_u64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    bool is_minus_zero = bits == UINT64_C(1) << 63;
    if (!(value >= least && value <= most) || is_minus_zero) {
        notch_reader_fail(reader);
        return least;
    }
    return value;
}

bool notch__read_flag(struct notch_reader *reader)
{
    uint8_t value = notch_read_u8(reader);
    if (value > 1) {
        notch_reader_fail(reader);
    }
    return value == 1;
}
