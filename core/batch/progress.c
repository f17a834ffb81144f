/* Rate, time left, and the line that shows them. */
#include "core/batch/progress.h"

#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- the rate ---------------------------------------------------------------------------------------------------- */

void progress_rate_start(struct progress_rate *rate, int64_t now_ms, int64_t done) {
    *rate = (struct progress_rate){.at_ms = now_ms, .done = done};
}

/* The older something is, the less it counts: by e for each PROGRESS_RECENT_MS. As long as there is less than that, what
 * there is counts in full. */
void progress_rate_look(struct progress_rate *rate, int64_t now_ms, int64_t done) {
    double passed = (double)(now_ms - rate->at_ms);
    if (passed <= 0) return;
    double keep = exp(-passed / PROGRESS_RECENT_MS);
    rate->per_ms = rate->per_ms * keep + (double)(done - rate->done) / passed * (1 - keep);
    rate->weight = rate->weight * keep + (1 - keep);
    rate->at_ms = now_ms;
    rate->done = done;
}

double progress_rate_per_second(const struct progress_rate *rate) {
    return rate->weight > 0 && rate->per_ms > 0 ? rate->per_ms / rate->weight * 1000 : 0;
}

/* ---- the line ---------------------------------------------------------------------------------------------------- */

void progress_duration(char *out, size_t size, double seconds) {
    long long s = seconds < 1e9 ? (long long)(seconds + 0.5) : 1000000000;
    if (s >= 86400)
        snprintf(out, size, "%lldd%02lldh", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        snprintf(out, size, "%lldh%02lldm", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        snprintf(out, size, "%lldm%02llds", s / 60, s % 60);
    else
        snprintf(out, size, "%llds", s);
}

static void put_rate(struct rp_buf *out, double per_second) {
    if (per_second >= 100)
        rp_buf_printf(out, ", %.0f/s", per_second);
    else if (per_second >= 1)
        rp_buf_printf(out, ", %.1f/s", per_second);
    else if (per_second > 0)
        rp_buf_printf(out, ", %.1f/min", per_second * 60);
}

static void put_left(struct rp_buf *out, const struct progress_counts *counts, double per_second) {
    char left[32];
    if (counts->total < 0 || per_second <= 0 || counts->done >= counts->total) return;
    progress_duration(left, sizeof(left), (double)(counts->total - counts->done) / per_second);
    rp_buf_printf(out, ", %s left", left);
}

static double share(const struct progress_counts *counts) {
    if (counts->total <= 0) return 1;
    double done = (double)counts->done / (double)counts->total;
    return done < 1 ? done : 1;
}

static void put_facts(struct rp_buf *out, const struct progress_counts *counts, double per_second) {
    rp_buf_printf(out, "%lld", (long long)counts->done);
    if (counts->total >= 0) /* rounded down: 100 % is all of them */
        rp_buf_printf(out, "/%lld %d%%", (long long)counts->total, (int)(share(counts) * 100));
    put_rate(out, per_second);
    put_left(out, counts, per_second);
    if (counts->failed > 0) rp_buf_printf(out, ", %lld failed", (long long)counts->failed);
}

static void put_bar(struct rp_buf *out, double part, unsigned columns, bool plain) {
    unsigned filled = (unsigned)(part * columns);
    rp_buf_append(out, "[", 1);
    for (unsigned i = 0; i < columns; i++)
        rp_buf_append_str(out, i >= filled ? (plain ? RP_STR(".") : RP_STR("·")) : plain ? RP_STR("#") : RP_STR("█"));
    rp_buf_append_str(out, RP_STR("] "));
}

#define BAR_MIN 8
#define BAR_MAX 40

void progress_line(struct rp_buf *out, const struct progress_counts *counts, double per_second, unsigned width,
                   bool plain) {
    char space[160];
    struct rp_buf facts;
    rp_buf_init(&facts, sizeof(space));
    put_facts(&facts, counts, per_second);
    size_t room = width > facts.len + 3 ? width - facts.len - 3 : 0;
    if (counts->total >= 0 && room >= BAR_MIN)
        put_bar(out, share(counts), room < BAR_MAX ? (unsigned)room : BAR_MAX, plain);
    rp_buf_append(out, facts.data, facts.len < width ? facts.len : width);
    rp_buf_finish(&facts);
}

/* ---- showing it -------------------------------------------------------------------------------------------------- */

static bool is_terminal(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static unsigned columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void progress_start(struct progress *progress, bool shown, int64_t now_ms, int64_t done) {
    const char *no_colour = getenv("NO_COLOR");
    *progress = (struct progress){.shown = shown, .bar = is_terminal(), .said_ms = now_ms};
    progress->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    progress->colour = !no_colour || !*no_colour;
    progress_rate_start(&progress->rate, now_ms, done);
    rp_buf_init(&progress->line, 4096);
}

static void write_line(const struct rp_buf *line) {
    if (write(STDERR_FILENO, line->data, line->len) < 0) return; /* nobody looks any more */
}

/* The cursor stays at the start of the line: whatever else is written there replaces the picture. */
static void draw(struct progress *progress, const struct progress_counts *counts, double per_second) {
    struct rp_buf *line = &progress->line;
    rp_buf_clear(line);
    rp_buf_append_str(line, counts->failed > 0 && progress->colour ? RP_STR("\r\x1b[33m") : RP_STR("\r"));
    progress_line(line, counts, per_second, columns() - 1, !progress->utf8);
    rp_buf_append_str(line, progress->colour ? RP_STR("\x1b[0m\x1b[K\r") : RP_STR("\x1b[K\r"));
    progress->drawn = true;
    write_line(line);
}

static void say(struct progress *progress, int64_t now_ms, const struct progress_counts *counts, double per_second) {
    if (now_ms - progress->said_ms < PROGRESS_SAY_MS) return;
    progress->said_ms = now_ms;
    rp_buf_clear(&progress->line);
    progress_line(&progress->line, counts, per_second, 4000, true);
    rp_buf_append(&progress->line, "\n", 1);
    write_line(&progress->line);
}

void progress_look(struct progress *progress, int64_t now_ms, const struct progress_counts *counts) {
    progress_rate_look(&progress->rate, now_ms, counts->done);
    double per_second = progress_rate_per_second(&progress->rate);
    if (!progress->shown) return;
    if (progress->bar)
        draw(progress, counts, per_second);
    else
        say(progress, now_ms, counts, per_second);
}

void progress_finish(struct progress *progress) {
    if (progress->drawn && write(STDERR_FILENO, "\r\x1b[K", 4) < 0) progress->drawn = false;
    rp_buf_finish(&progress->line);
}

void progress_log(void *arg, const char *line, size_t len) {
    const struct progress *progress = arg;
    if (progress->bar && write(STDERR_FILENO, "\r\x1b[K", 4) < 0) return;
    if (write(STDERR_FILENO, line, len) < 0) return;
}
