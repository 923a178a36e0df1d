/*
 * rpc/cli/when.h: times and periods as people write them.
 *
 * Everything is UTC and the Gregorian calendar; no clock, no time zone of the machine, no locale. A date without a time
 * of day is its first millisecond.
 *
 *      date      2022-03-15, 2022/03/15, 20220315, 2022-03, 2022, each with T12:30[:45[.678]][Z|+02:00] where it has a
 *                day
 *      unix      seconds since 1970, unix-ms milliseconds
 *      week, day a number of weeks or days from an origin: the origin is the first day of week 1, and of day 1
 *      auto      a date, or an integer whose length tells: 4 digits a year, 8 a date, 9 or 10 seconds, 12 or 13 ms
 *
 * Days and months the other way round (15.03.2022, 3/15/2022) are refused: nobody can tell which is which.
 *
 * Thread       Pure functions.
 * Errors       NULL, or a literal that says what is wrong.
 */
#ifndef NOTCH_RPC_CLI_WHEN_H
#define NOTCH_RPC_CLI_WHEN_H

#include "chain/entry_insight.h"

enum notch_when_format {
    NOTCH_WHEN_AUTO,
    NOTCH_WHEN_DATE,
    NOTCH_WHEN_UNIX,
    NOTCH_WHEN_UNIX_MS,
    NOTCH_WHEN_WEEK,
    NOTCH_WHEN_DAY
};

#define NOTCH_WHEN_HOUR_MS UINT64_C(3600000)
#define NOTCH_WHEN_DAY_MS UINT64_C(86400000)
#define NOTCH_WHEN_WEEK_MS UINT64_C(604800000)

/* "auto", "date", ...; false: no such name. */
bool notch_when_format_parse(enum notch_when_format *out, const char *name);

/* What --time-format auto understands. */
const char *notch_when_parse(uint64_t *ms, const char *text, size_t len);

/* `origin_ms` is for WEEK and DAY. */
const char *notch_when_parse_as(uint64_t *ms, const char *text, size_t len, enum notch_when_format format,
                                int64_t origin_ms);

/* A period by its name: 2022, 2022-Q1, 2022-03, 2022-W07 (ISO weeks), 2022-03-15, or FROM/TO with two dates. */
const char *notch_when_period_parse(struct notch_period *out, const char *text, size_t len);

/* "2022-03-15 12:30:45.678" */
#define NOTCH_WHEN_TEXT_MAX 32
void notch_when_print(char out[NOTCH_WHEN_TEXT_MAX], uint64_t ms);

/* The grid that insights are made on. */
enum notch_when_unit { NOTCH_UNIT_HOUR, NOTCH_UNIT_DAY, NOTCH_UNIT_WEEK, NOTCH_UNIT_MONTH, NOTCH_UNIT_YEAR };

/* "hour", "day", "week", "month", "year". */
bool notch_when_unit_parse(enum notch_when_unit *out, const char *name);
const char *notch_when_unit_name(enum notch_when_unit unit);

/* The how manieth hour, day, ISO week (from Monday on), month or year since 1970 a time lies in; and back. */
uint64_t notch_when_index(uint64_t ms, enum notch_when_unit unit);
struct notch_period notch_when_period(uint64_t index, enum notch_when_unit unit);

#endif
