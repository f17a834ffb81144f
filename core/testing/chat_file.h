/* A conversation test: a `.chat` file as it is written, read into the steps that running it takes.
 *
 *     # a comment
 *     clock 2026-03-02 09:30         where the clock stands, later `clock +5m`: what it is moved by
 *     pace 2s                        moves it before each further message
 *     user NAME   session NAME   pipeline NAME   metadata {json}      of the messages that follow
 *     model NAME: Hello, |world.     the next reply of that model, cut where told
 *     http GET https://…: 200 body   the next answer to that call of a rule or plugin
 *     > what the user says           >> a further line of it
 *     event NAME {json}              an event of the session instead of a message
 *     < the exact reply              further `<` lines are further lines of it
 *     <~ a pattern that matches it   = what made it      ! the code it is refused with
 *     * NAME {json}                  an event that the turn sends, with at least these fields
 *
 * What `model` and `http` script counts for the next message, event or move of the clock; between a message and what is
 * expected of it, for that one. */
#ifndef CORE_TESTING_CHAT_FILE_H
#define CORE_TESTING_CHAT_FILE_H

#include "core/config/bot.h"
#include "core/testing/chat_script.h"

#define CHAT_FILE_MAX ((size_t)4 << 20) /* bytes */
#define CHAT_START_MS INT64_C(1767603600000) /* where the clock stands without a `clock` line: 2026-01-05 09:00 UTC, a Monday */

enum expect_kind { EXPECT_TEXT, EXPECT_PATTERN, EXPECT_BY, EXPECT_ERROR, EXPECT_EVENT };

struct chat_expect {
    enum expect_kind kind;
    unsigned line, lines; /* from 1; a text may have several lines */
    struct rp_str text;   /* the text, pattern, name or code */
    struct rp_regex *regex;
    json_t *data; /* of an event; NULL: any */
    struct chat_expect *next;
};

enum step_kind { STEP_MESSAGE, STEP_EVENT, STEP_MOVE, STEP_SET };

struct chat_step {
    enum step_kind kind;
    unsigned line, last_line; /* of the message with all its lines */
    struct rp_str text;       /* message, or the event's name */
    json_t *data;             /* of the event; NULL: none */
    int64_t ms;               /* STEP_MOVE: by, STEP_SET: to */
    struct rp_str user, session, pipeline;
    json_t *metadata; /* NULL: none */
    struct model_script *models, **last_model; /* new with this step, in the order of the file */
    struct http_script *https, **last_http;
    struct chat_expect *expects, **last_expect;
    struct chat_step *next;
};

struct chat_file {
    struct rp_arena *arena; /* all of it */
    const char *path, *name; /* where it is; how messages call it */
    struct rp_str text;
    bool crlf; /* its lines end in CR LF */
    int64_t start_ms, pace_ms;
    struct chat_step *steps, **last_step;
    unsigned messages;
};

/* Reads the text (UTF-8 is checked here) and reports every mistake with its line; `file` is good when there was none.
 * `text` is copied. A message without anything expected is a mistake, unless `bare` allows it. 0, or -RP_EINVALID. */
int chat_file_read(struct chat_file *file, const char *name, struct rp_str text, bool bare, struct report *report);
void chat_file_finish(struct chat_file *file);

#endif
