#include "ai/agent/pricing/floats.h"

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE 754 single and double");

#define EXPONENT_FLOAT 0x7f800000u
#define EXPONENT_DOUBLE 0x7ff0000000000000u

void notch_floats_write(struct notch_writer *writer, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        notch_write_u32(writer, bits);
    }
}

void notch_floats_write_double(struct notch_writer *writer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    notch_write_u64(writer, bits);
}

float notch_floats_read_one(struct notch_reader *reader)
{
    uint32_t bits = notch_read_u32(reader);
    if ((bits & EXPONENT_FLOAT) == EXPONENT_FLOAT) {
        notch_reader_fail(reader);
        return 0;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void notch_floats_read(struct notch_reader *reader, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = notch_floats_read_one(reader);
    }
}

double notch_floats_read_double(struct notch_reader *reader)
{
    uint64_t bits = notch_read_u64(reader);
    if ((bits & EXPONENT_DOUBLE) == EXPONENT_DOUBLE) {
        notch_reader_fail(reader);
        return 0;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float notch_floats_read_within(struct notch_reader *reader, float least, float most)
{
    float value = notch_floats_read_one(reader);
    if (value < least || value > most) {
        notch_reader_fail(reader);
        return 0;
    }
    return value;
}
