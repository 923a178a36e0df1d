#include "rpc/cli/when.h"

#include "chain/genesis.h"

#include <stdio.h>

struct date {
    unsigned year, month, day;
};

/* Days since 1970-01-01 of a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int64_t days_of(struct date date)
{
    int64_t year = (int64_t)date.year - (date.month <= 2 ? 1 : 0);
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t shifted = (int64_t)date.month + (date.month > 2 ? -3 : 9);
    int64_t day_of_year = (153 * shifted + 2) / 5 + (int64_t)date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct date date_of(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date date;
    date.day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
    date.month = (unsigned)(month < 10 ? month + 3 : month - 9);
    date.year = (unsigned)(year_of_era + era * 400 + (date.month <= 2 ? 1 : 0));
    return date;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && is_leap ? 1U : 0U);
}

static bool is_date(struct date date)
{
    return date.year >= 1970 && date.year <= 9999 && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
           date.day <= days_in(date.year, date.month);
}

/* ---- reading ---- */

struct cursor {
    const char *at;
    const char *end;
};

/* Exactly `digits` digits. */
static bool take_number(struct cursor *cursor, unsigned *out, unsigned digits)
{
    *out = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9') {
            return false;
        }
        *out = *out * 10 + (unsigned)(*cursor->at++ - '0');
    }
    return true;
}

static bool take_char(struct cursor *cursor, const char *allowed)
{
    if (cursor->at == cursor->end || strchr(allowed, *cursor->at) == NULL || *cursor->at == '\0') {
        return false;
    }
    cursor->at++;
    return true;
}

static bool take_zone(struct cursor *cursor, int64_t *offset_ms)
{
    unsigned hours;
    unsigned minutes = 0;
    *offset_ms = 0;
    if (cursor->at == cursor->end || take_char(cursor, "Zz")) {
        return true;
    }
    bool is_east = *cursor->at == '+';
    if (!take_char(cursor, "+-") || !take_number(cursor, &hours, 2)) {
        return false;
    }
    (void)take_char(cursor, ":");
    if (cursor->at != cursor->end && !take_number(cursor, &minutes, 2)) {
        return false;
    }
    *offset_ms = ((int64_t)hours * 60 + (int64_t)minutes) * 60000 * (is_east ? 1 : -1);
    return hours < 15 && minutes < 60;
}

/* Behind a date: "T12:30:45.678Z", or nothing. */
static bool take_time_of_day(struct cursor *cursor, int64_t *ms)
{
    unsigned hour;
    unsigned minute;
    unsigned second = 0;
    unsigned milli = 0;
    int64_t offset_ms;
    *ms = 0;
    if (cursor->at == cursor->end) {
        return true;
    }
    if (!take_char(cursor, "Tt ") || !take_number(cursor, &hour, 2) || !take_char(cursor, ":") ||
        !take_number(cursor, &minute, 2)) {
        return false;
    }
    if (take_char(cursor, ":") && !take_number(cursor, &second, 2)) {
        return false;
    }
    if (take_char(cursor, ".,")) {
        unsigned digits = 0;
        for (; cursor->at != cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++, digits++) {
            milli = digits < 3 ? milli * 10 + (unsigned)(*cursor->at - '0') : milli;
        }
        for (; digits > 0 && digits < 3; digits++) {
            milli *= 10;
        }
    }
    if (!take_zone(cursor, &offset_ms) || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *ms = (((int64_t)hour * 60 + minute) * 60 + second) * 1000 + milli - offset_ms;
    return cursor->at == cursor->end;
}

static const char *finish(uint64_t *out, int64_t ms)
{
    if (ms < 0) {
        return "before 1970";
    }
    if ((uint64_t)ms > NOTCH_TIME_MAX) {
        return "after the year 9999";
    }
    *out = (uint64_t)ms;
    return NULL;
}

static const char *parse_date(uint64_t *out, const char *text, size_t len)
{
    static const char bad[] = "no date; expected YYYY-MM-DD";
    struct cursor cursor = {text, text + len};
    struct date date = {.month = 1, .day = 1};
    int64_t ms = 0;
    if (!take_number(&cursor, &date.year, 4)) {
        return bad;
    }
    if (cursor.at != cursor.end) {
        bool has_marks = take_char(&cursor, "-/");
        if (!take_number(&cursor, &date.month, 2)) {
            return bad;
        }
        if (cursor.at != cursor.end || !has_marks) {
            if ((has_marks && !take_char(&cursor, "-/")) || !take_number(&cursor, &date.day, 2) ||
                !take_time_of_day(&cursor, &ms)) {
                return bad;
            }
        }
    }
    if (date.year < 1970) {
        return "before 1970";
    }
    if (!is_date(date)) {
        return "no such day";
    }
    return finish(out, days_of(date) * (int64_t)NOTCH_WHEN_DAY_MS + ms);
}

/* An integer, with a sign where the format allows one; at most 18 digits. */
static bool parse_integer(int64_t *out, const char *text, size_t len)
{
    bool is_negative = len > 0 && text[0] == '-';
    size_t first = is_negative ? 1 : 0;
    if (len == first || len - first > 18) {
        return false;
    }
    *out = 0;
    for (size_t i = first; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *out = *out * 10 + (text[i] - '0');
    }
    *out = is_negative ? -*out : *out;
    return true;
}

const char *notch_when_parse_as(uint64_t *ms, const char *text, size_t len, enum notch_when_format format,
                                int64_t origin_ms)
{
    int64_t number;
    if (len == 0) {
        return "empty";
    }
    bool is_integer = parse_integer(&number, text, len);
    if (format != NOTCH_WHEN_AUTO && format != NOTCH_WHEN_DATE && !is_integer) {
        return "not an integer";
    }
    bool is_far = is_integer && (number > 100000000 || number < -100000000);
    switch (format) {
    case NOTCH_WHEN_AUTO:
        break;
    case NOTCH_WHEN_DATE:
        return parse_date(ms, text, len);
    case NOTCH_WHEN_UNIX:
        return number > (int64_t)(NOTCH_TIME_MAX / 1000) ? "after the year 9999" : finish(ms, number * 1000);
    case NOTCH_WHEN_UNIX_MS:
        return finish(ms, number);
    case NOTCH_WHEN_WEEK:
        return is_far ? "no such week" : finish(ms, origin_ms + (number - 1) * (int64_t)NOTCH_WHEN_WEEK_MS);
    case NOTCH_WHEN_DAY:
        return is_far ? "no such day" : finish(ms, origin_ms + (number - 1) * (int64_t)NOTCH_WHEN_DAY_MS);
    }
    if (!is_integer || len == 4 || len == 8) {
        return parse_date(ms, text, len);
    }
    if (len == 9 || len == 10) {
        return finish(ms, number * 1000);
    }
    if (len == 12 || len == 13) {
        return finish(ms, number);
    }
    return "an integer that is no year, date or unix time; see --time-format";
}

const char *notch_when_parse(uint64_t *ms, const char *text, size_t len)
{
    return notch_when_parse_as(ms, text, len, NOTCH_WHEN_AUTO, 0);
}

bool notch_when_format_parse(enum notch_when_format *out, const char *name)
{
    static const char *const names[] = {"auto", "date", "unix", "unix-ms", "week", "day"};
    for (unsigned i = 0; i < NOTCH_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum notch_when_format)i;
            return true;
        }
    }
    return false;
}

/* ---- units ---- */

static const char *const unit_names[] = {"hour", "day", "week", "month", "year"};

bool notch_when_unit_parse(enum notch_when_unit *out, const char *name)
{
    for (unsigned i = 0; i < NOTCH_ARRAY_LEN(unit_names); i++) {
        if (strcmp(unit_names[i], name) == 0) {
            *out = (enum notch_when_unit)i;
            return true;
        }
    }
    return false;
}

const char *notch_when_unit_name(enum notch_when_unit unit)
{
    return unit_names[unit];
}

/* 1970-01-01 was a Thursday: week 0 began on the Monday before it. */
#define MONDAY_SHIFT_DAYS 3

uint64_t notch_when_index(uint64_t ms, enum notch_when_unit unit)
{
    uint64_t days = ms / NOTCH_WHEN_DAY_MS;
    struct date date = date_of((int64_t)days);
    switch (unit) {
    case NOTCH_UNIT_HOUR:
        return ms / NOTCH_WHEN_HOUR_MS;
    case NOTCH_UNIT_DAY:
        return days;
    case NOTCH_UNIT_WEEK:
        return (days + MONDAY_SHIFT_DAYS) / 7;
    case NOTCH_UNIT_MONTH:
        return (date.year - 1970) * UINT64_C(12) + date.month - 1;
    case NOTCH_UNIT_YEAR:
        return date.year - 1970;
    }
    notch_unreachable();
}

static struct notch_period between(uint64_t start_ms, uint64_t end_ms)
{
    return (struct notch_period){{start_ms}, end_ms - start_ms};
}

static uint64_t month_start(uint64_t index)
{
    struct date date = {1970 + (unsigned)(index / 12), (unsigned)(index % 12) + 1, 1};
    return (uint64_t)days_of(date) * NOTCH_WHEN_DAY_MS;
}

struct notch_period notch_when_period(uint64_t index, enum notch_when_unit unit)
{
    switch (unit) {
    case NOTCH_UNIT_HOUR:
        return between(index * NOTCH_WHEN_HOUR_MS, (index + 1) * NOTCH_WHEN_HOUR_MS);
    case NOTCH_UNIT_DAY:
        return between(index * NOTCH_WHEN_DAY_MS, (index + 1) * NOTCH_WHEN_DAY_MS);
    case NOTCH_UNIT_WEEK:
        /* Week 0 is cut at 1970: there is no time before. */
        return between(index == 0 ? 0 : (index * 7 - MONDAY_SHIFT_DAYS) * NOTCH_WHEN_DAY_MS,
                       ((index + 1) * 7 - MONDAY_SHIFT_DAYS) * NOTCH_WHEN_DAY_MS);
    case NOTCH_UNIT_MONTH:
        return between(month_start(index), month_start(index + 1));
    case NOTCH_UNIT_YEAR:
        return between(month_start(index * 12), month_start(index * 12 + 12));
    }
    notch_unreachable();
}

/* ---- periods ---- */

/* The Monday of ISO week 1 is that of the week with 4 January in it. */
static const char *parse_iso_week(struct notch_period *out, unsigned year, unsigned week)
{
    struct date fourth = {year, 1, 4};
    uint64_t first = notch_when_index((uint64_t)days_of(fourth) * NOTCH_WHEN_DAY_MS, NOTCH_UNIT_WEEK);
    struct date next_fourth = {year + 1, 1, 4};
    uint64_t next = notch_when_index((uint64_t)days_of(next_fourth) * NOTCH_WHEN_DAY_MS, NOTCH_UNIT_WEEK);
    if (week == 0 || first + week - 1 >= next) {
        return "no such week in that year";
    }
    *out = notch_when_period(first + week - 1, NOTCH_UNIT_WEEK);
    return NULL;
}

static const char *parse_interval(struct notch_period *out, const char *text, size_t len, const char *slash)
{
    uint64_t from = 0;
    uint64_t to = 0;
    const char *fault = parse_date(&from, text, (size_t)(slash - text));
    if (fault == NULL) {
        fault = parse_date(&to, slash + 1, (size_t)(text + len - slash) - 1);
    }
    if (fault != NULL) {
        return fault;
    }
    if (to <= from) {
        return "ends before it begins";
    }
    if (to - from > NOTCH_PERIOD_MS_MAX) {
        return "longer than ten years";
    }
    *out = between(from, to);
    return NULL;
}

const char *notch_when_period_parse(struct notch_period *out, const char *text, size_t len)
{
    static const char bad[] = "no period; expected 2022, 2022-Q1, 2022-03, 2022-W07, 2022-03-15 or FROM/TO";
    const char *slash = len == 0 ? NULL : memchr(text, '/', len);
    if (slash != NULL) {
        return parse_interval(out, text, len, slash);
    }
    struct cursor cursor = {text, text + len};
    struct date date = {.month = 1, .day = 1};
    unsigned part = 0;
    if (!take_number(&cursor, &date.year, 4) || date.year < 1970 || date.year > 9998) {
        return bad;
    }
    uint64_t year = date.year - 1970;
    if (cursor.at == cursor.end) {
        *out = notch_when_period(year, NOTCH_UNIT_YEAR);
        return NULL;
    }
    if (!take_char(&cursor, "-")) {
        return bad;
    }
    if (take_char(&cursor, "Qq")) {
        if (!take_number(&cursor, &part, 1) || part < 1 || part > 4 || cursor.at != cursor.end) {
            return bad;
        }
        *out = between(month_start((year * 4 + part - 1) * 3), month_start((year * 4 + part) * 3));
        return NULL;
    }
    if (take_char(&cursor, "Ww")) {
        return take_number(&cursor, &part, 2) && cursor.at == cursor.end ? parse_iso_week(out, date.year, part) : bad;
    }
    if (!take_number(&cursor, &date.month, 2) || date.month < 1 || date.month > 12) {
        return bad;
    }
    if (cursor.at == cursor.end) {
        *out = notch_when_period(year * 12 + date.month - 1, NOTCH_UNIT_MONTH);
        return NULL;
    }
    if (!take_char(&cursor, "-") || !take_number(&cursor, &date.day, 2) || cursor.at != cursor.end || !is_date(date)) {
        return bad;
    }
    *out = notch_when_period((uint64_t)days_of(date), NOTCH_UNIT_DAY);
    return NULL;
}

void notch_when_print(char out[NOTCH_WHEN_TEXT_MAX], uint64_t ms)
{
    uint64_t shown = ms > NOTCH_TIME_MAX ? NOTCH_TIME_MAX : ms;
    struct date date = date_of((int64_t)(shown / NOTCH_WHEN_DAY_MS));
    unsigned of_day = (unsigned)(shown % NOTCH_WHEN_DAY_MS);
    (void)snprintf(out, NOTCH_WHEN_TEXT_MAX, "%04u-%02u-%02u %02u:%02u:%02u.%03u", date.year % 10000, date.month,
                   date.day, of_day / 3600000, of_day / 60000 % 60, of_day / 1000 % 60, of_day % 1000);
}
