/* The report's inner side, for those who fill it while a bot is loaded. The rest is in bot.h. */
#ifndef CORE_CONFIG_REPORT_H
#define CORE_CONFIG_REPORT_H

#include "core/config/bot.h"

void report_warn(struct report *report, const char *file, int line, const char *format, ...) RP_PRINTF(4, 5);
void report_note(struct report *report, const char *file, int line, const char *format, ...) RP_PRINTF(4, 5);
/* Sorts the entries from index `from` on by file and line; `first` is the file that comes before all others. */
void report_sort(struct report *report, size_t from, const char *first);

#endif
