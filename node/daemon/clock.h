/*
 * node/daemon/clock.h: the time of day as the node may see it: it never goes back.
 *
 * CLOCK_REALTIME in ms, held at the latest value whenever the system's clock is set back, until that catches up. Jumps
 * are found by holding it against CLOCK_BOOTTIME, which nobody can set: both are read at each notch_clock_check().
 *
 * Units        ms.
 * Thread       One at a time.
 */
#ifndef NOTCH_NODE_DAEMON_CLOCK_H
#define NOTCH_NODE_DAEMON_CLOCK_H

#include "base/units.h"

struct notch_clock {
    uint64_t latest_ms;
    int64_t offset_ms; /* realtime - boottime at the last check */
};

/* A difference from one check to the next that is more than the slewing of a time service. */
#define NOTCH_CLOCK_JUMP_MS 500

void notch_clock_init(struct notch_clock *clock);
struct notch_time notch_clock_now(struct notch_clock *clock);

/* By how much the clock was set since the last check, in ms: 0 for anything less than NOTCH_CLOCK_JUMP_MS. */
int64_t notch_clock_check(struct notch_clock *clock);

/* The same on readings of the caller's: what the two above are made of. */
struct notch_time notch_clock_advance(struct notch_clock *clock, uint64_t realtime_ms);
int64_t notch_clock_compare(struct notch_clock *clock, uint64_t realtime_ms, uint64_t boottime_ms);

/* How far the node's time is ahead of the system's after that was set back. */
uint64_t notch_clock_held_ms(const struct notch_clock *clock);

/* Whether the kernel says that its clock is synchronised (adjtimex, which every time service keeps up to date). */
bool notch_clock_is_synchronised(void);

#endif
