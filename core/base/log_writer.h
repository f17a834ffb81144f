/* Between the two halves of the log: log.c forms lines, log_writer.c takes them. */
#ifndef CORE_BASE_LOG_WRITER_H
#define CORE_BASE_LOG_WRITER_H

#include <repartee/log.h>

#define LOG_LINE_SIZE ((size_t)16 * 1024) /* bytes of a line, its line break included */

void log_take(enum rp_log_level level, const char *line, size_t len); /* a whole line; never blocks, copies */

#endif
