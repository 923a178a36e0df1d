#include "node/daemon/clock.h"

#include "base/assert.h"

#include <stdlib.h>
#include <sys/timex.h>
#include <time.h>

static uint64_t read_ms(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    notch_assert(failed == 0);
    notch_assert(now.tv_sec >= 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void notch_clock_init(struct notch_clock *clock)
{
    clock->latest_ms = 0;
    clock->offset_ms = (int64_t)read_ms(CLOCK_REALTIME) - (int64_t)read_ms(CLOCK_BOOTTIME);
}

struct notch_time notch_clock_advance(struct notch_clock *clock, uint64_t realtime_ms)
{
    if (realtime_ms > clock->latest_ms) {
        clock->latest_ms = realtime_ms;
    }
    return (struct notch_time){clock->latest_ms};
}

struct notch_time notch_clock_now(struct notch_clock *clock)
{
    return notch_clock_advance(clock, read_ms(CLOCK_REALTIME));
}

int64_t notch_clock_compare(struct notch_clock *clock, uint64_t realtime_ms, uint64_t boottime_ms)
{
    int64_t offset = (int64_t)realtime_ms - (int64_t)boottime_ms;
    int64_t jump = offset - clock->offset_ms;
    clock->offset_ms = offset;
    return llabs(jump) < NOTCH_CLOCK_JUMP_MS ? 0 : jump;
}

int64_t notch_clock_check(struct notch_clock *clock)
{
    uint64_t realtime_ms = read_ms(CLOCK_REALTIME);
    return notch_clock_compare(clock, realtime_ms, read_ms(CLOCK_BOOTTIME));
}

uint64_t notch_clock_held_ms(const struct notch_clock *clock)
{
    uint64_t realtime_ms = read_ms(CLOCK_REALTIME);
    return clock->latest_ms > realtime_ms ? clock->latest_ms - realtime_ms : 0;
}

bool notch_clock_is_synchronised(void)
{
    struct timex state = {0};
    int clock_state = adjtimex(&state);
    return clock_state >= 0 && clock_state != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}
