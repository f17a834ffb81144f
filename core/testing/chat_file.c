/* Reads a conversation test line by line. Directives change what holds from there on, scripts and expectations belong to
 * a message; a mistake is reported and the reading goes on. */
#include "core/testing/chat_file.h"

#include <repartee/regex.h>
#include <stdio.h>

#include "core/text/units.h"

#define NAME_MAX_BYTES 128
#define MOVE_MAX_MS (INT64_C(3660) * 86400 * 1000)

struct reader {
    struct chat_file *file;
    struct report *report;
    bool bare;
    unsigned line;
    size_t errors;                      /* in the report before */
    struct rp_str user, session, pipeline;
    json_t *metadata;
    struct chat_step *step;             /* the last one; NULL: none yet */
    struct model_script *models, **last_model; /* for the step that comes next */
    struct http_script *https, **last_http, *http;
    char *grown;    /* the text that grew last, with room behind it */
    size_t grown_cap;
    unsigned loose; /* the line of the first script that waits for a step; 0: none */
};

static void RP_PRINTF(2, 3) wrong(struct reader *reader, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    report_add(reader->report, RP_EINVALID, reader->file->name, (int)reader->line, "%s", text);
}

static void unref(void *json) {
    json_decref(json);
}

/* NULL after a mistake. */
static json_t *read_json(struct reader *reader, struct rp_str text, bool object) {
    struct rp_error error;
    json_t *value;
    if (rp_json_parse(text.data, text.len, &value, &error) != 0) {
        const char *colon = strstr(error.text, ": ");
        wrong(reader, "this is not valid JSON: %s", colon ? colon + 2 : error.text);
        return NULL;
    }
    rp_arena_defer(reader->file->arena, unref, value);
    if (!object || json_is_object(value)) return value;
    wrong(reader, "expected a JSON object { … }");
    return NULL;
}

/* Texts of many lines must not cost the square of them. */
static void append_line(struct reader *reader, struct rp_str *text, struct rp_str line) {
    size_t len = text->len + 1 + line.len;
    if (text->data != reader->grown || len > reader->grown_cap) {
        reader->grown_cap = 2 * len;
        reader->grown = rp_arena_alloc(reader->file->arena, reader->grown_cap);
        if (text->len) memcpy(reader->grown, text->data, text->len);
    }
    reader->grown[text->len] = '\n';
    if (line.len) memcpy(reader->grown + text->len + 1, line.data, line.len);
    *text = rp_str_n(reader->grown, len);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static bool nothing_expected(const struct reader *reader) {
    const struct chat_step *step = reader->step;
    return step && step->kind == STEP_MESSAGE && !step->expects;
}

static void end_step(struct reader *reader) {
    if (!nothing_expected(reader) || reader->bare) return;
    report_add(reader->report, RP_EINVALID, reader->file->name, (int)reader->step->line,
               "nothing is expected of the reply (--update writes down what comes)");
}

static struct chat_step *add_step(struct reader *reader, enum step_kind kind, struct rp_str text) {
    struct chat_file *file = reader->file;
    struct chat_step *step = rp_arena_zalloc(file->arena, sizeof(*step));
    end_step(reader);
    *step = (struct chat_step){.kind = kind, .line = reader->line, .last_line = reader->line, .text = text,
                               .user = reader->user, .session = reader->session, .pipeline = reader->pipeline,
                               .metadata = reader->metadata};
    step->last_model = &step->models;
    step->last_http = &step->https;
    step->last_expect = &step->expects;
    *file->last_step = reader->step = step;
    file->last_step = &step->next;
    return step;
}

/* A step that can run turns takes the scripts that stand in front of it. */
static struct chat_step *add_turn(struct reader *reader, enum step_kind kind, struct rp_str text) {
    struct chat_step *step = add_step(reader, kind, text);
    if (reader->models) {
        step->models = reader->models;
        step->last_model = reader->last_model;
    }
    if (reader->https) {
        step->https = reader->https;
        step->last_http = reader->last_http;
    }
    reader->models = NULL;
    reader->https = NULL;
    reader->last_model = &reader->models;
    reader->last_http = &reader->https;
    reader->loose = 0;
    return step;
}

static bool is_turn(const struct chat_step *step) {
    return step && (step->kind == STEP_MESSAGE || step->kind == STEP_EVENT);
}

/* Whether a script that stands here still counts for the step above. */
static bool step_is_open(const struct reader *reader) {
    return is_turn(reader->step) && !reader->step->expects;
}

static void read_message(struct reader *reader, struct rp_str rest) {
    add_turn(reader, STEP_MESSAGE, rest);
    reader->file->messages++;
}

static void read_further(struct reader *reader, struct rp_str rest) {
    struct chat_step *step = reader->step;
    if (!step || step->kind != STEP_MESSAGE || step->last_line + 1 != reader->line) {
        wrong(reader, "a `>>` line continues the message right above it");
        return;
    }
    append_line(reader, &step->text, rest);
    step->last_line = reader->line;
}

static bool good_name(struct rp_str name) {
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.data[i] < ' ' || name.data[i] == 0x7f) return false;
    return name.len <= NAME_MAX_BYTES;
}

static void read_event(struct reader *reader, struct rp_str rest) {
    size_t len = 0;
    while (len < rest.len && rest.data[len] != ' ') len++;
    struct rp_str name = rp_str_n(rest.data, len);
    if (len == 0 || !good_name(name)) {
        wrong(reader, "expected event NAME {json}");
        return;
    }
    struct chat_step *step = add_turn(reader, STEP_EVENT, rp_arena_str(reader->file->arena, name));
    if (len + 1 < rest.len) step->data = read_json(reader, rp_str_n(rest.data + len + 1, rest.len - len - 1), true);
}

/* ---- what holds from here on ------------------------------------------------------------------------------------- */

static void set_name(struct reader *reader, struct rp_str rest, struct rp_str *out, const char *what) {
    if (good_name(rest))
        *out = rest;
    else
        wrong(reader, "%s: at most %d bytes without control characters", what, NAME_MAX_BYTES);
}

static void read_user(struct reader *reader, struct rp_str rest) {
    set_name(reader, rest, &reader->user, "user");
}

static void read_session(struct reader *reader, struct rp_str rest) {
    set_name(reader, rest, &reader->session, "session");
    if (rest.len == 0) wrong(reader, "expected session NAME");
}

static void read_pipeline(struct reader *reader, struct rp_str rest) {
    set_name(reader, rest, &reader->pipeline, "pipeline");
}

static void read_metadata(struct reader *reader, struct rp_str rest) {
    reader->metadata = rest.len ? read_json(reader, rest, true) : NULL;
}

/* Days since 1970 of a day in the Gregorian calendar. */
static int64_t days_of(int year, int month, int day) {
    int64_t y = month > 2 ? year : year - 1, era = y / 400, in_era = y - era * 400;
    int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static int month_length(int year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap);
}

/* `2026-03-02 09:30`, with seconds or without, with an offset such as `+01:00` or without; else UTC. */
static bool read_moment(const char *text, int64_t *out_ms) {
    int year, month, day, hour, minute, second = 0, used = 0, more = 0, ahead_hours, ahead_minutes;
    char sign;
    if (sscanf(text, "%4d-%2d-%2d %2d:%2d%n", &year, &month, &day, &hour, &minute, &used) != 5) return false;
    if (sscanf(text + used, ":%2d%n", &second, &more) == 1) used += more;
    if (year < 1971 || year > 9999 || month < 1 || month > 12 || day < 1 || day > month_length(year, month)) return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
    int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    if (text[used]) {
        int end = 0;
        bool offset = sscanf(text + used, " %c%2d:%2d%n", &sign, &ahead_hours, &ahead_minutes, &end) == 3;
        if (!offset || (sign != '+' && sign != '-') || text[used + end] || ahead_hours > 14 || ahead_minutes > 59 ||
            ahead_hours < 0 || ahead_minutes < 0)
            return false;
        seconds -= (sign == '-' ? -60 : 60) * (ahead_hours * 60 + ahead_minutes);
    }
    *out_ms = seconds * 1000;
    return true;
}

static void read_clock(struct reader *reader, struct rp_str rest) {
    struct chat_file *file = reader->file;
    const char *text = rp_arena_str(file->arena, rest).data;
    int64_t ms;
    if (text[0] == '+' && units_duration(text + 1, &ms) == 0 && ms <= MOVE_MAX_MS) {
        add_turn(reader, STEP_MOVE, rest)->ms = ms;
    } else if (text[0] != '+' && read_moment(text, &ms)) {
        if (reader->step)
            add_turn(reader, STEP_SET, rest)->ms = ms;
        else
            file->start_ms = ms;
    } else {
        wrong(reader, "expected clock +5m, or clock 2026-03-02 09:30 (UTC; or with an offset such as +01:00)");
    }
}

static void read_pace(struct reader *reader, struct rp_str rest) {
    const char *text = rp_arena_str(reader->file->arena, rest).data;
    if (units_duration(text, &reader->file->pace_ms) != 0 || reader->file->pace_ms > MOVE_MAX_MS)
        wrong(reader, "expected pace 1s, or another duration");
    else if (reader->step)
        wrong(reader, "pace counts for the whole file and stands at its top");
}

/* ---- scripts ----------------------------------------------------------------------------------------------------- */

static void note_loose(struct reader *reader) {
    if (!reader->loose) reader->loose = reader->line;
}

static void read_model(struct reader *reader, struct rp_str rest) {
    struct rp_error error;
    struct model_script *script;
    if (chat_script_model(reader->file->arena, rest, &script, &error) != 0) {
        wrong(reader, "%s", error.text);
        return;
    }
    script->line = reader->line;
    struct model_script ***last = step_is_open(reader) ? &reader->step->last_model : &reader->last_model;
    if (!step_is_open(reader)) note_loose(reader);
    **last = script;
    *last = &script->next;
}

static void read_http(struct reader *reader, struct rp_str rest) {
    struct rp_error error;
    struct http_script *script;
    reader->http = NULL;
    if (chat_script_http(reader->file->arena, rest, &script, &error) != 0) {
        wrong(reader, "%s", error.text);
        return;
    }
    script->line = script->last_line = reader->line;
    reader->http = script;
    struct http_script ***last = step_is_open(reader) ? &reader->step->last_http : &reader->last_http;
    if (!step_is_open(reader)) note_loose(reader);
    **last = script;
    *last = &script->next;
}

static void read_field(struct reader *reader, struct rp_str rest) {
    struct rp_error error;
    if (!reader->http || reader->http->last_line + 1 != reader->line)
        wrong(reader, "an `http+` line belongs to the `http` line right above it");
    else if (chat_script_field(reader->file->arena, rest, reader->http, &error) != 0)
        wrong(reader, "%s", error.text);
    else
        reader->http->last_line = reader->line;
}

/* ---- expectations ------------------------------------------------------------------------------------------------ */

static struct chat_expect *add_expect(struct reader *reader, enum expect_kind kind, struct rp_str text) {
    struct chat_step *step = reader->step;
    if (!is_turn(step)) {
        wrong(reader, step ? "what an event at that time says stands in front of the next reply"
                           : "nothing has been said yet");
        return NULL;
    }
    struct chat_expect *expect = rp_arena_zalloc(reader->file->arena, sizeof(*expect));
    *expect = (struct chat_expect){.kind = kind, .line = reader->line, .lines = 1, .text = text};
    *step->last_expect = expect;
    step->last_expect = &expect->next;
    return expect;
}

static struct chat_expect *find_expect(const struct chat_step *step, enum expect_kind kind) {
    struct chat_expect *expect = step ? step->expects : NULL;
    while (expect && expect->kind != kind) expect = expect->next;
    return expect;
}

/* Lines of one reply stand together: --update replaces them as one. */
static void read_text(struct reader *reader, struct rp_str rest) {
    struct chat_expect *expect = find_expect(reader->step, EXPECT_TEXT);
    if (!expect) {
        add_expect(reader, EXPECT_TEXT, rest);
        return;
    }
    if (expect->line + expect->lines != reader->line) {
        wrong(reader, "the lines of a reply stand together: the first is in line %u", expect->line);
        return;
    }
    append_line(reader, &expect->text, rest);
    expect->lines++;
}

static void free_regex(void *regex) {
    rp_regex_free(regex);
}

static void read_pattern(struct reader *reader, struct rp_str rest) {
    struct rp_error error;
    struct rp_regex *regex;
    if (rp_regex_compile(rest, 0, &regex, &error) != 0) {
        wrong(reader, "%s", error.text);
        return;
    }
    rp_arena_defer(reader->file->arena, free_regex, regex);
    struct chat_expect *expect = add_expect(reader, EXPECT_PATTERN, rest);
    if (expect) expect->regex = regex;
}

static void add_single(struct reader *reader, enum expect_kind kind, struct rp_str rest, const char *what) {
    const struct chat_expect *before = find_expect(reader->step, kind);
    if (rest.len == 0)
        wrong(reader, "expected %s", what);
    else if (before)
        wrong(reader, "line %u says already %s", before->line, what);
    else
        add_expect(reader, kind, rest);
}

static void read_by(struct reader *reader, struct rp_str rest) {
    add_single(reader, EXPECT_BY, rest, "what makes the reply: = rule:NAME");
}

static const char *nearest_code(struct rp_str name) {
#define NAME(symbol, number, code, status, text) code,
    static const char *const codes[] = {RP_ERRORS(NAME)};
#undef NAME
    char text[64];
    snprintf(text, sizeof(text), "%.*s", RP_STR_ARG(name));
    return rp_nearest_name(text, codes, sizeof(codes) / sizeof(codes[0]));
}

static void read_error(struct reader *reader, struct rp_str rest) {
    const char *nearest = nearest_code(rest);
    if (rest.len && nearest && !rp_str_equal(rp_str(nearest), rest))
        wrong(reader, "there is no error code '%.*s' (did you mean '%s'?)", RP_STR_ARG(rest), nearest);
    else if (rest.len && !nearest)
        wrong(reader, "there is no error code '%.*s'", RP_STR_ARG(rest));
    else
        add_single(reader, EXPECT_ERROR, rest, "the code that the message is refused with: ! rate_limited");
}

static void read_sent(struct reader *reader, struct rp_str rest) {
    size_t len = 0;
    while (len < rest.len && rest.data[len] != ' ') len++;
    if (len == 0) {
        wrong(reader, "expected * NAME {json}");
        return;
    }
    struct chat_expect *expect = add_expect(reader, EXPECT_EVENT, rp_str_n(rest.data, len));
    if (expect && len + 1 < rest.len)
        expect->data = read_json(reader, rp_str_n(rest.data + len + 1, rest.len - len - 1), true);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* Behind each stands a blank, or nothing. Longer marks come in front of those that they begin with. */
static const struct mark {
    const char *mark;
    void (*read)(struct reader *reader, struct rp_str rest);
} marks[] = {
    {">>", read_further},  {">", read_message},       {"<~", read_pattern},        {"<", read_text},
    {"=", read_by},        {"!", read_error},         {"*", read_sent},            {"model", read_model},
    {"http+", read_field}, {"http", read_http},       {"clock", read_clock},       {"pace", read_pace},
    {"user", read_user},   {"session", read_session}, {"pipeline", read_pipeline}, {"metadata", read_metadata},
    {"event", read_event},
};
#define MARKS (sizeof(marks) / sizeof(marks[0]))

static void unknown_line(struct reader *reader, struct rp_str line) {
    const char *names[MARKS];
    char word[32];
    size_t len = 0, count = 0;
    while (len < line.len && line.data[len] != ' ') len++;
    snprintf(word, sizeof(word), "%.*s", (int)(len < 24 ? rp_utf8_whole(line.data, len) : rp_utf8_whole(line.data, 24)),
             line.data);
    for (size_t i = 0; i < MARKS; i++) {
        if (marks[i].mark[0] >= 'a') names[count++] = marks[i].mark;
        size_t mark = strlen(marks[i].mark);
        if (marks[i].mark[0] < 'a' && line.len > mark && memcmp(line.data, marks[i].mark, mark) == 0) {
            wrong(reader, "write a blank behind '%s'", marks[i].mark);
            return;
        }
    }
    const char *nearest = rp_nearest_name(word, names, count);
    if (nearest)
        wrong(reader, "no line begins with '%s' (did you mean '%s'?)", word, nearest);
    else
        wrong(reader, "no line begins with '%s': > message, < reply, <~ pattern, = by, ! code, # comment", word);
}

static void read_line(struct reader *reader, struct rp_str line) {
    size_t blank = 0;
    while (blank < line.len && strchr(" \t", line.data[blank])) blank++;
    if (blank == line.len || line.data[0] == '#') return;
    for (size_t i = 0; i < MARKS; i++) {
        size_t len = strlen(marks[i].mark);
        if (line.len < len || memcmp(line.data, marks[i].mark, len) != 0) continue;
        if (line.len > len && line.data[len] != ' ') continue;
        size_t start = line.len > len ? len + 1 : len;
        marks[i].read(reader, rp_str_n(line.data + start, line.len - start));
        return;
    }
    unknown_line(reader, line);
}

static void read_lines(struct reader *reader) {
    struct chat_file *file = reader->file;
    const char *at = file->text.data, *end = at + file->text.len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);
        bool cr = file->crlf && len > 0 && at[len - 1] == '\r';
        reader->line++;
        read_line(reader, rp_str_n(at, cr ? len - 1 : len));
        at += len + (newline ? 1 : 0);
    }
}

static void read_end(struct reader *reader) {
    end_step(reader);
    if (reader->loose) {
        reader->line = reader->loose;
        wrong(reader, "nothing follows that this could answer");
    } else if (reader->file->messages == 0 && reader->report->errors == reader->errors) {
        report_add(reader->report, RP_EINVALID, reader->file->name, 0, "there is no message in it");
    }
}

int chat_file_read(struct chat_file *file, const char *name, struct rp_str text, bool bare, struct report *report) {
    struct rp_arena *arena = rp_arena_create();
    *file = (struct chat_file){.arena = arena, .name = rp_arena_copy(arena, name, strlen(name)),
                               .start_ms = CHAT_START_MS};
    file->text = rp_arena_str(arena, text);
    file->last_step = &file->steps;
    const char *newline = memchr(file->text.data, '\n', text.len);
    file->crlf = newline && newline > file->text.data && newline[-1] == '\r';
    struct reader reader = {.file = file, .report = report, .bare = bare, .errors = report->errors,
                            .user = RP_STR("tester"), .session = RP_STR("test")};
    reader.last_model = &reader.models;
    reader.last_http = &reader.https;
    if (!rp_utf8_valid(text.data, text.len) || (text.len && memchr(text.data, 0, text.len))) {
        report_add(report, RP_EINVALID, file->name, 0, "it is not UTF-8 text");
        return -RP_EINVALID;
    }
    read_lines(&reader);
    read_end(&reader);
    return report->errors == reader.errors ? 0 : -RP_EINVALID;
}

void chat_file_finish(struct chat_file *file) {
    rp_arena_destroy(file->arena);
}
