/* What the bot logs while a test runs: kept, and shown where the test fails. */
#ifndef CORE_TESTING_LOG_LINES_H
#define CORE_TESTING_LOG_LINES_H

#include <repartee/base.h>

void log_lines_keep(void);    /* from here on warnings and errors are kept instead of written */
void log_lines_restore(void); /* and from here on written again */
void log_lines_forget(void);
/* What has been logged since, readable, a line each. */
struct rp_str log_lines_read(struct rp_arena *arena);

#endif
