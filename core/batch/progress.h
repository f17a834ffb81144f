/* How far a batch is, for whoever waits for it: on a terminal one line that is drawn again and again, elsewhere a plain
 * line now and then. Main thread, but for progress_log. */
#ifndef CORE_BATCH_PROGRESS_H
#define CORE_BATCH_PROGRESS_H

#include <repartee/base.h>

enum {
    PROGRESS_DRAW_MS = 200,    /* between two pictures on a terminal */
    PROGRESS_SAY_MS = 10000,   /* between two lines elsewhere */
    PROGRESS_RECENT_MS = 15000 /* what counts as recent, for the rate */
};

struct progress_counts {
    int64_t done, failed; /* `failed` of those done */
    int64_t total;        /* -1: nobody knows */
};

/* The rate of the last while, from looks at a counter. */
struct progress_rate {
    double per_ms, weight; /* an average over recent time, and how much of it has been seen */
    int64_t at_ms, done;
};
void progress_rate_start(struct progress_rate *rate, int64_t now_ms, int64_t done);
void progress_rate_look(struct progress_rate *rate, int64_t now_ms, int64_t done);
double progress_rate_per_second(const struct progress_rate *rate); /* 0: not known yet */

/* The line, without a line break, at most `width` columns wide; `plain`: no bar, ASCII alone. */
void progress_line(struct rp_buf *out, const struct progress_counts *counts, double per_second, unsigned width,
                   bool plain);
void progress_duration(char *out, size_t size, double seconds); /* "1d04h", "3h05m", "2m09s", "7s" */

struct progress {
    bool shown, drawn, bar; /* drawn: there is a picture on the terminal */
    bool utf8, colour;
    int64_t said_ms;
    struct progress_rate rate;
    struct rp_buf line;
};
void progress_start(struct progress *progress, bool shown, int64_t now_ms, int64_t done);
void progress_look(struct progress *progress, int64_t now_ms, const struct progress_counts *counts);
void progress_finish(struct progress *progress); /* takes the picture away */
/* A line of the log, from any thread: it does not run into the picture. */
void progress_log(void *progress, const char *line, size_t len);

#endif
