#include "chain/mode.h"

#include "base/assert.h"

#define FULL NOTCH_LEVEL_FULL
#define BINNED NOTCH_LEVEL_BINNED
#define AGGREGATED NOTCH_LEVEL_AGGREGATED
#define NOISED NOTCH_LEVEL_NOISED
#define NEVER NOTCH_LEVEL_FORBIDDEN

/* Design section 4, row by row. */
static const enum notch_level levels[NOTCH_FIELD_COUNT][NOTCH_MODE_COUNT] = {
    /*                             private  consortium  public */
    [NOTCH_FIELD_POINT_PRICE] = {FULL, NEVER, NEVER},  [NOTCH_FIELD_PRICE_RANGE] = {FULL, BINNED, NEVER},
    [NOTCH_FIELD_SUCCESS] = {FULL, AGGREGATED, NEVER}, [NOTCH_FIELD_TREND] = {FULL, FULL, NOISED},
    [NOTCH_FIELD_VOLATILITY] = {FULL, FULL, NOISED},   [NOTCH_FIELD_SEASONALITY] = {FULL, FULL, NOISED},
    [NOTCH_FIELD_MODEL] = {FULL, FULL, NEVER},
};

static const char *const names[NOTCH_MODE_COUNT] = {
    [NOTCH_MODE_PRIVATE] = "private",
    [NOTCH_MODE_CONSORTIUM] = "consortium",
    [NOTCH_MODE_PUBLIC] = "public",
};

enum notch_level notch_mode_level(enum notch_mode mode, enum notch_field field)
{
    notch_assert((size_t)mode < NOTCH_MODE_COUNT);
    notch_assert((size_t)field < NOTCH_FIELD_COUNT);
    return levels[field][mode];
}

const char *notch_mode_name(enum notch_mode mode)
{
    notch_assert((size_t)mode < NOTCH_MODE_COUNT);
    return names[mode];
}

bool notch_mode_parse(enum notch_mode *out, const char *text, size_t len)
{
    for (size_t mode = 0; mode < NOTCH_MODE_COUNT; mode++) {
        if (strlen(names[mode]) == len && memcmp(names[mode], text, len) == 0) {
            *out = (enum notch_mode)mode;
            return true;
        }
    }
    return false;
}

/* The power of ten that leaves at most two digits of the value in front of it. value >= 0. */
static int64_t grid_step(int64_t value)
{
    int64_t step = 1;
    while (value / step >= 100) {
        step *= 10;
    }
    return step;
}

/* Raw: the grid is one of digits. */
bool notch_grid_contains(struct notch_price price)
{
    return price.raw >= 0 && price.raw % grid_step(price.raw) == 0;
}

/* Raw: the grid is one of digits. */
struct notch_price notch_grid_floor(struct notch_price price)
{
    notch_assert(price.raw >= 0);
    return (struct notch_price){price.raw - price.raw % grid_step(price.raw)};
}

/* Raw: the grid is one of digits. */
struct notch_price notch_grid_ceil(struct notch_price price)
{
    struct notch_price below = notch_grid_floor(price);
    int64_t step = grid_step(price.raw);
    if (below.raw == price.raw || below.raw > INT64_MAX - step) {
        return below;
    }
    return (struct notch_price){below.raw + step};
}
