/* The log: one JSON object a line, `{"timestamp": …, "level": …, "message": …}` and fields.
 *
 * Any thread may log; a call formats into memory and never blocks on the disk or the terminal. When the reader is too
 * slow, lines are dropped and counted, and the count is logged. Values are escaped, so no text can forge a line. */
#ifndef REPARTEE_LOG_H
#define REPARTEE_LOG_H

#include <repartee/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rp_log_level { RP_LOG_DEBUG, RP_LOG_INFO, RP_LOG_WARN, RP_LOG_ERROR, RP_LOG_OFF };

RP_EXPORT bool rp_log_enabled(enum rp_log_level level);
/* One line with a message. `component` is a plugin's or a part's name: "httpd". */
RP_EXPORT void rp_log(enum rp_log_level level, const char *component, const char *format, ...) RP_PRINTF(3, 4);

/* A line with fields of one's own:  rp_log_open(&line, RP_LOG_WARN, "httpd"); rp_log_str(&line, "address", …); …;
 * rp_log_close(&line). The key is a constant and needs no escaping. A line ends at 16 KiB; longer values are cut. */
struct rp_log_line {
    struct rp_buf buf;
    enum rp_log_level level;
    char space[1024];
};
RP_EXPORT void rp_log_open(struct rp_log_line *line, enum rp_log_level level, const char *component);
RP_EXPORT void rp_log_str(struct rp_log_line *line, const char *key, struct rp_str value);
RP_EXPORT void rp_log_int(struct rp_log_line *line, const char *key, int64_t value);
RP_EXPORT void rp_log_ms(struct rp_log_line *line, const char *key, double milliseconds); /* three digits */
/* A value that is JSON already; left out where the line has no room for it. */
RP_EXPORT void rp_log_json(struct rp_log_line *line, const char *key, struct rp_str json);
RP_EXPORT void rp_log_close(struct rp_log_line *line);

#ifdef __cplusplus
}
#endif
#endif
