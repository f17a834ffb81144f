/* Hours, days and months of UTC, which have no gaps and no repetitions. */
#include "core/money/period.h"

#include <stdio.h>
#include <time.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

const char *const period_names[] = {"hour", "day", "month", NULL};

static int days_of_month(const struct tm *tm) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = tm->tm_year + 1900;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[tm->tm_mon] + (leap && tm->tm_mon == 1);
}

struct period_at period_at(enum period period, int64_t wall_ms) {
    struct period_at at;
    struct tm tm = {0};
    time_t seconds = (time_t)(wall_ms / 1000);
    gmtime_r(&seconds, &tm);
    int64_t day_ms = wall_ms - wall_ms % DAY_MS, year = tm.tm_year + 1900;
    int len = snprintf(at.name, sizeof(at.name), "%04d-%02d", (int)(year % 10000), (tm.tm_mon + 1) % 100);
    at.ends_ms = day_ms + (days_of_month(&tm) - tm.tm_mday + 1) * DAY_MS;
    if (period == PERIOD_MONTH) return at;
    len += snprintf(at.name + len, sizeof(at.name) - (size_t)len, "-%02d", tm.tm_mday % 100);
    at.ends_ms = day_ms + DAY_MS;
    if (period == PERIOD_DAY) return at;
    snprintf(at.name + len, sizeof(at.name) - (size_t)len, "T%02d", tm.tm_hour % 100);
    at.ends_ms = wall_ms - wall_ms % HOUR_MS + HOUR_MS;
    return at;
}
