#include "ai/rules/compute.h"

#include "ai/rules/draw.h"
#include "base/assert.h"

enum {
    N = NOTCH_COMPUTE_SIZE,
    WIDE = 48, /* rows are padded with zeros to whole vectors of any machine */
    LIMBS = 3,
    LIMB_BITS = 30,
    TOP_BITS = 29
};

#define LIMB_MASK ((UINT32_C(1) << LIMB_BITS) - 1)
#define TOP_MASK ((UINT32_C(1) << TOP_BITS) - 1)

/* A row of numbers, limb by limb. */
struct row {
    uint32_t limb[LIMBS][WIDE];
};

struct factor {
    uint32_t at[N][WIDE];
};

/* ---- drawing ---- */

/* Little endian. Written out, so that compilers make one store of it. */
static inline void put_word(uint8_t *out, uint64_t word)
{
    out[0] = (uint8_t)word;
    out[1] = (uint8_t)(word >> 8);
    out[2] = (uint8_t)(word >> 16);
    out[3] = (uint8_t)(word >> 24);
    out[4] = (uint8_t)(word >> 32);
    out[5] = (uint8_t)(word >> 40);
    out[6] = (uint8_t)(word >> 48);
    out[7] = (uint8_t)(word >> 56);
}

static void draw_factor(struct factor *out, struct notch_rng *rng)
{
    for (size_t i = 0; i < N; i++) {
        uint8_t bytes[WIDE];
        for (size_t j = 0; j < WIDE; j += 8) {
            put_word(bytes + j, notch_rng_u64(rng));
        }
        for (size_t j = 0; j < WIDE; j++) {
            out->at[i][j] = bytes[j];
        }
        for (size_t j = N; j < WIDE; j++) {
            out->at[i][j] = 0;
        }
    }
}

/* ---- arithmetic modulo p ---- */

/* One pass: from sums below 2^63 to limbs of which the lowest may be a little above 30 bits. */
static inline void carry_once(uint64_t sum[LIMBS])
{
    sum[1] += sum[0] >> LIMB_BITS;
    sum[0] &= LIMB_MASK;
    sum[2] += sum[1] >> LIMB_BITS;
    sum[1] &= LIMB_MASK;
    sum[0] += sum[2] >> TOP_BITS; /* 2^89 is 1 */
    sum[2] &= TOP_MASK;
}

/* The second pass leaves at most one unit above the lowest limb, the third none. */
static void carry(uint64_t sum[LIMBS])
{
    for (int pass = 0; pass < 3; pass++) {
        carry_once(sum);
    }
}

/* The one number below p that the limbs stand for. */
static void canonical(uint64_t sum[LIMBS])
{
    carry(sum);
    if (sum[0] == LIMB_MASK && sum[1] == LIMB_MASK && sum[2] == TOP_MASK) {
        sum[0] = 0;
        sum[1] = 0;
        sum[2] = 0;
    }
}

/* out = row * factor. The limbs of both rows are below 2^31: a sum stays below 2^45, and one pass is enough. */
static void multiply(struct row *out, const struct row *row, const struct factor *factor)
{
    uint64_t sums[LIMBS][WIDE] = {{0}};
    for (size_t k = 0; k < N; k++) {
        for (size_t l = 0; l < LIMBS; l++) {
            uint32_t limb = row->limb[l][k];
            for (size_t j = 0; j < WIDE; j++) {
                sums[l][j] += (uint64_t)limb * factor->at[k][j];
            }
        }
    }
    for (size_t j = 0; j < WIDE; j++) {
        uint64_t sum[LIMBS] = {sums[0][j], sums[1][j], sums[2][j]};
        carry_once(sum);
        for (size_t l = 0; l < LIMBS; l++) {
            out->limb[l][j] = (uint32_t)sum[l];
        }
    }
}

/* sum += a * b, limb by limb; 2^90 is 2. Each sum grows by less than 2^63: carried before the next. */
static void multiply_add(uint64_t sum[LIMBS], const uint32_t a[LIMBS], const uint32_t b[LIMBS])
{
    uint64_t product[2 * LIMBS - 1] = {0};
    for (size_t i = 0; i < LIMBS; i++) {
        for (size_t j = 0; j < LIMBS; j++) {
            product[i + j] += (uint64_t)a[i] * b[j];
        }
    }
    /* Lowered first: product[2] holds three of 2^60, and what comes from above is doubled. */
    uint64_t high[LIMBS] = {product[3], product[4], 0};
    carry(high);
    for (size_t i = 0; i < LIMBS; i++) {
        sum[i] += product[i] + 2 * high[i];
    }
    carry(sum);
}

/* ---- bytes ---- */

static bool read_entry(struct notch_reader *reader, uint32_t limb[LIMBS])
{
    uint64_t low = notch_read_u64(reader);
    uint64_t high = notch_read_u32(reader);
    limb[0] = (uint32_t)low & LIMB_MASK;
    limb[1] = (uint32_t)(low >> LIMB_BITS) & LIMB_MASK;
    limb[2] = (uint32_t)(low >> 60 | (high & TOP_MASK) << 4) & TOP_MASK;
    bool is_p = limb[0] == LIMB_MASK && limb[1] == LIMB_MASK && limb[2] == TOP_MASK;
    return !reader->failed && high >> 25 == 0 && !is_p;
}

static void write_entry(struct notch_writer *writer, const uint64_t limb[LIMBS])
{
    notch_write_u64(writer, limb[0] | limb[1] << LIMB_BITS | limb[2] << 60);
    notch_write_u32(writer, (uint32_t)(limb[2] >> 4));
}

struct notch_reject notch_compute_form(struct notch_bytes answer)
{
    if (answer.len != NOTCH_COMPUTE_ANSWER_BYTES) {
        return NOTCH_REJECT(MALFORMED, "compute: the answer is not 45 x 45 numbers of 12 bytes");
    }
    struct notch_reader reader = notch_reader(answer);
    for (size_t i = 0; i < (size_t)N * N; i++) {
        uint32_t limb[LIMBS];
        if (!read_entry(&reader, limb)) {
            return NOTCH_REJECT(BOUNDS, "compute: a number of the answer is not below 2^89 - 1");
        }
    }
    return NOTCH_VALID;
}

/* ---- solving and checking ---- */

struct work {
    struct row rows[2][N];
    struct factor factor;
};

static void check_difficulty(uint32_t difficulty)
{
    notch_assert(difficulty >= NOTCH_COMPUTE_DIFFICULTY_MIN);
    notch_assert(difficulty <= NOTCH_COMPUTE_DIFFICULTY_MAX);
}

void notch_compute_solve(struct notch_buf *out, const struct notch_hash *seed, uint32_t difficulty,
                         const struct notch_alloc *alloc)
{
    check_difficulty(difficulty);
    struct work *work = notch_alloc(alloc, sizeof *work);
    struct notch_rng rng = notch__rng_of_hash(seed);
    for (size_t i = 0; i < N; i++) {
        work->rows[0][i].limb[0][i] = 1;
    }
    for (uint32_t k = 0; k < difficulty; k++) {
        draw_factor(&work->factor, &rng);
        for (size_t i = 0; i < N; i++) {
            multiply(&work->rows[(k + 1) % 2][i], &work->rows[k % 2][i], &work->factor);
        }
    }
    struct notch_writer writer = notch_writer_grow(out);
    for (size_t i = 0; i < N; i++) {
        const struct row *row = &work->rows[difficulty % 2][i];
        for (size_t j = 0; j < N; j++) {
            uint64_t limb[LIMBS] = {row->limb[0][j], row->limb[1][j], row->limb[2][j]};
            canonical(limb);
            write_entry(&writer, limb);
        }
    }
    notch_free(alloc, work, sizeof *work);
}

bool notch_compute_is_right(struct notch_bytes answer, const struct notch_hash *seed, uint32_t difficulty,
                            const struct notch_hash *later)
{
    check_difficulty(difficulty);
    notch_assert(answer.len == NOTCH_COMPUTE_ANSWER_BYTES);
    struct notch_rng rng = notch__rng_of_hash(later);
    struct row row = {{{0}}};
    uint64_t sums[N][LIMBS] = {{0}};
    for (size_t i = 0; i < N; i++) {
        uint64_t low = notch_rng_u64(&rng);
        uint64_t high = notch_rng_u64(&rng);
        row.limb[0][i] = (uint32_t)low & LIMB_MASK;
        row.limb[1][i] = (uint32_t)(low >> 32) & LIMB_MASK;
        row.limb[2][i] = (uint32_t)high & (TOP_MASK >> 1); /* 88 bits */
    }
    struct notch_reader reader = notch_reader(answer);
    for (size_t i = 0; i < N; i++) {
        uint32_t r[LIMBS] = {row.limb[0][i], row.limb[1][i], row.limb[2][i]};
        for (size_t j = 0; j < N; j++) {
            uint32_t entry[LIMBS];
            bool is_number = read_entry(&reader, entry);
            notch_assert(is_number);
            multiply_add(sums[j], r, entry);
        }
    }
    rng = notch__rng_of_hash(seed);
    struct factor factor;
    struct row next;
    for (uint32_t k = 0; k < difficulty; k++) {
        draw_factor(&factor, &rng);
        multiply(&next, &row, &factor);
        row = next;
    }
    bool is_right = true;
    for (size_t j = 0; j < N; j++) {
        uint64_t limb[LIMBS] = {row.limb[0][j], row.limb[1][j], row.limb[2][j]};
        canonical(limb);
        canonical(sums[j]);
        is_right = is_right && limb[0] == sums[j][0] && limb[1] == sums[j][1] && limb[2] == sums[j][2];
    }
    return is_right;
}

uint32_t notch_compute_difficulty_next(uint32_t difficulty, uint32_t in_time, uint32_t asked)
{
    check_difficulty(difficulty);
    notch_assert(in_time <= asked);
    uint32_t step = difficulty / 8 + 1;
    if (asked == 0) {
        return difficulty;
    }
    if ((uint64_t)in_time * 100 >= (uint64_t)asked * 95) {
        uint32_t more = difficulty + step;
        return more < NOTCH_COMPUTE_DIFFICULTY_MAX ? more : NOTCH_COMPUTE_DIFFICULTY_MAX;
    }
    if ((uint64_t)in_time * 100 < (uint64_t)asked * 80) {
        uint32_t less = difficulty - step;
        return less > NOTCH_COMPUTE_DIFFICULTY_MIN ? less : NOTCH_COMPUTE_DIFFICULTY_MIN;
    }
    return difficulty;
}
