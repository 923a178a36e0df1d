/* Kind 2: the row around ai/rules/forecast.h. */
#include "ai/rules/challenge_rows.h"
#include "base/assert.h"

static void forecast_subject(struct notch_writer *writer, const struct notch_challenge *challenge)
{
    uint32_t count = challenge->as.forecast.market_count;
    notch_assert(count > 0 && count <= NOTCH_FORECAST_MARKETS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        notch_write_hash(writer, &challenge->as.forecast.markets[i]);
    }
}

static struct notch_reject forecast_form(const struct notch_challenge *challenge, struct notch_bytes solution)
{
    struct notch_forecast forecasts[NOTCH_FORECAST_MARKETS_MAX];
    return notch_forecast_decode(forecasts, challenge->as.forecast.market_count, solution);
}

/* The mean over the markets that have an outcome; a market of which nothing came says nothing of anybody. */
static struct notch_verdict forecast_judge(const struct notch_domain *domain, const struct notch_challenge_case *found,
                                           const struct notch_alloc *alloc)
{
    (void)domain;
    (void)alloc;
    uint32_t count = found->challenge->as.forecast.market_count;
    struct notch_forecast forecasts[NOTCH_FORECAST_MARKETS_MAX];
    struct notch_reject reject = notch_forecast_decode(forecasts, count, found->solution);
    notch_assert(notch_is_valid(reject));
    uint32_t sum = 0;
    uint32_t scored = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct notch_challenge_market *market = &found->markets[i];
        if (market->has_outcome) {
            sum += notch_forecast_score(&forecasts[i], &market->past, market->outcome);
            scored++;
        }
    }
    if (scored == 0) {
        return (struct notch_verdict){NOTCH_OUTCOME_VOID, 0};
    }
    return (struct notch_verdict){NOTCH_OUTCOME_ANSWERED, sum / scored};
}

const struct notch_challenge_row notch__challenge_forecast = {
    NOTCH_CHALLENGE_FORECAST, "forecast", 4, forecast_subject, forecast_form, forecast_judge,
};
