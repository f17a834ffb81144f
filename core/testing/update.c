/* Goes through the file and the outcomes side by side. For each step it is known which of its lines stay and what comes
 * in place of the others; lines that belong to no expectation are copied as they are. */
#define _GNU_SOURCE /* asprintf, mkstemp */
#include "core/testing/update.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <repartee/regex.h>

#include "core/config/file.h"

/* ---- what is wrong with a step ----------------------------------------------------------------------------------- */

static const struct chat_expect *expect_of(const struct chat_step *step, enum expect_kind kind) {
    for (const struct chat_expect *expect = step->expects; expect; expect = expect->next)
        if (expect->kind == kind) return expect;
    return NULL;
}

/* Whether this expectation is met, and so stays. */
static bool met(const struct outcome *outcome, const struct chat_expect *expect) {
    struct rp_match match;
    bool replied = !outcome->code || expect_of(outcome->step, EXPECT_ERROR);
    switch (expect->kind) {
    case EXPECT_TEXT: return replied && rp_str_equal(outcome->reply, expect->text);
    case EXPECT_PATTERN: return replied && rp_regex_match(expect->regex, outcome->reply, 0, 0, &match) == RP_MATCH_FOUND;
    case EXPECT_BY: return rp_str_equal(rp_str(outcome->by), expect->text);
    case EXPECT_ERROR: return outcome->code && rp_str_equal(rp_str(rp_error_code(outcome->code)), expect->text);
    case EXPECT_EVENT: break;
    }
    return true;
}

struct change { /* of one step */
    bool write_text, write_by, write_error;
    unsigned at; /* the line in front of which it is written, from 1 */
};

/* The line behind the message and the scripts that belong to it. */
static unsigned line_behind(const struct chat_step *step) {
    unsigned line = step->last_line;
    for (const struct model_script *script = step->models; script; script = script->next)
        if (script->line > line) line = script->line;
    for (const struct http_script *script = step->https; script; script = script->next)
        if (script->last_line > line) line = script->last_line;
    return line + 1;
}

/* What has to be written besides the lines that stay; false: nothing, and none goes either. */
static bool find_change(const struct outcome *outcome, struct change *out) {
    const struct chat_step *step = outcome->step;
    bool bare = !step->expects && step->kind == STEP_MESSAGE, wrong = bare;
    *out = (struct change){.at = line_behind(step)};
    if (outcome->spoiled) return false;
    for (const struct chat_expect *expect = step->expects; expect; expect = expect->next) {
        if (met(outcome, expect)) continue;
        if (!wrong) out->at = expect->line;
        wrong = true;
        bool text = expect->kind == EXPECT_TEXT || expect->kind == EXPECT_PATTERN || expect->kind == EXPECT_ERROR;
        out->write_text |= text && !outcome->code;
        out->write_by |= expect->kind == EXPECT_BY && *outcome->by;
    }
    const struct chat_expect *text = expect_of(step, EXPECT_TEXT), *error = expect_of(step, EXPECT_ERROR);
    bool refused = outcome->code && !(error && met(outcome, error));
    if (refused && !wrong && step->expects) out->at = step->expects->line; /* only `=` stood there, and holds */
    out->write_error = refused;
    out->write_text = (out->write_text || (bare && !outcome->code)) && !(text && met(outcome, text));
    out->write_by |= bare && *outcome->by && !outcome->code;
    return wrong || refused;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

struct writer {
    const struct chat_file *file;
    struct rp_buf *out;
    const char *at; /* what has not been copied yet */
    unsigned line;  /* its number */
};

static size_t line_length(const struct writer *writer) {
    const char *end = writer->file->text.data + writer->file->text.len;
    const char *newline = memchr(writer->at, '\n', (size_t)(end - writer->at));
    return newline ? (size_t)(newline - writer->at) + 1 : (size_t)(end - writer->at);
}

static void next_line(struct writer *writer, bool keep) {
    size_t len = line_length(writer);
    if (keep) rp_buf_append(writer->out, writer->at, len);
    writer->at += len;
    writer->line++;
}

/* A last line may lack its line break. */
static void end_line(struct writer *writer) {
    const struct rp_buf *out = writer->out;
    if (out->len > 0 && out->data[out->len - 1] != '\n') rp_buf_append_str(writer->out, RP_STR("\n"));
}

static void put_line(struct writer *writer, const char *mark, struct rp_str text) {
    end_line(writer);
    rp_buf_printf(writer->out, "%s%s%.*s%s", mark, text.len ? " " : "", RP_STR_ARG(text),
                  writer->file->crlf ? "\r\n" : "\n");
}

static void put_text(struct writer *writer, struct rp_str text) {
    for (;;) {
        const char *newline = text.len ? memchr(text.data, '\n', text.len) : NULL;
        size_t len = newline ? (size_t)(newline - text.data) : text.len;
        put_line(writer, "<", rp_str_n(text.data, len));
        if (!newline) return;
        text = rp_str_n(text.data + len + 1, text.len - len - 1);
    }
}

static void put_change(struct writer *writer, const struct outcome *outcome, const struct change *change) {
    if (change->write_text) put_text(writer, outcome->reply);
    if (change->write_error) put_line(writer, "!", rp_str(rp_error_code(outcome->code)));
    if (change->write_by) put_line(writer, "=", rp_str(outcome->by));
}

static bool goes(const struct outcome *outcome, unsigned line) {
    for (const struct chat_expect *expect = outcome->step->expects; expect; expect = expect->next)
        if (line >= expect->line && line < expect->line + expect->lines) return !met(outcome, expect);
    return false;
}

static unsigned last_line_of(const struct chat_step *step) {
    unsigned last = line_behind(step);
    for (const struct chat_expect *expect = step->expects; expect; expect = expect->next)
        if (expect->line + expect->lines > last) last = expect->line + expect->lines;
    return last;
}

static void put_step(struct writer *writer, const struct outcome *outcome, const struct change *change) {
    const char *end = writer->file->text.data + writer->file->text.len;
    unsigned last = last_line_of(outcome->step);
    while (writer->line < last && writer->at < end) {
        if (writer->line == change->at) put_change(writer, outcome, change);
        next_line(writer, !goes(outcome, writer->line));
    }
    if (change->at >= writer->line) put_change(writer, outcome, change);
}

bool update_text(const struct chat_file *file, const struct outcome *outcomes, struct rp_buf *out) {
    struct writer writer = {.file = file, .out = out, .at = file->text.data, .line = 1};
    const char *end = file->text.data + file->text.len;
    bool changed = false;
    for (const struct outcome *outcome = outcomes; outcome; outcome = outcome->next) {
        struct change change;
        if (!find_change(outcome, &change)) continue;
        changed = true;
        while (writer.line < outcome->step->line && writer.at < end) next_line(&writer, true);
        put_step(&writer, outcome, &change);
    }
    rp_buf_append(out, writer.at, (size_t)(end - writer.at));
    return changed;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static bool unchanged(const struct chat_file *file) {
    struct rp_arena *arena = rp_arena_create();
    struct rp_str text;
    const char *why;
    bool same = file_read(arena, file->path, CHAT_FILE_MAX, &text, &why) == 0 && rp_str_equal(text, file->text);
    rp_arena_destroy(arena);
    return same;
}

static bool write_all(int fd, struct rp_str text) {
    size_t at = 0;
    while (at < text.len) {
        ssize_t done = write(fd, text.data + at, text.len - at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        at += (size_t)done;
    }
    return fsync(fd) == 0;
}

static bool replace(const char *path, struct rp_str text) {
    struct stat about;
    char *temporary;
    if (stat(path, &about) != 0) return false;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) abort();
    int fd = mkstemp(temporary);
    bool done = fd >= 0 && fchmod(fd, about.st_mode & 07777) == 0 && write_all(fd, text);
    if (fd >= 0 && close(fd) != 0) done = false;
    done = done && rename(temporary, path) == 0;
    if (fd >= 0 && !done) unlink(temporary);
    free(temporary);
    return done;
}

int update_write(const struct chat_file *file, struct rp_str text, struct rp_error *error) {
    if (!unchanged(file)) return rp_error_set(error, RP_EIO, "%s has changed meanwhile; it is left alone", file->name);
    char *path = realpath(file->path, NULL); /* a link stays a link */
    bool done = path && replace(path, text);
    int code = done ? 0 : rp_error_set(error, RP_EIO, "cannot write %s: %s", file->name, strerror(errno));
    free(path);
    return code;
}
