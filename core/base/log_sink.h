/* The log's other side, for the program: where lines go. */
#ifndef CORE_BASE_LOG_SINK_H
#define CORE_BASE_LOG_SINK_H

#include <repartee/log.h>

/* Before the first call, lines of level INFO and above go to stderr, written at once by the caller's thread. log_open
 * starts the writing thread. `file` NULL: stderr; opened for appending, mode 0640. */
int log_open(enum rp_log_level level, const char *file, struct rp_error *error);
void log_close(void); /* writes what waits, ends the thread; back to writing at once */

/* From here on lines go to take() instead, from any thread and under the log's lock: it must not log. NULL: they are
 * written again. */
void log_divert(enum rp_log_level level, void (*take)(void *arg, const char *line, size_t len), void *arg);

#endif
