/* Makes, reads and checks records. Those that come from a store are checked once, so that all else can rely on them. */
#include "progress.h"

#include "dialog.h"
#include "lang.h"
#include "object.h"

static json_t *text_of(struct rp_str text) {
    return json_stringn(text.data ? text.data : "", text.len);
}

static struct rp_str str_of(const json_t *text) {
    return rp_str_n(json_string_value(text), json_string_length(text));
}

static json_int_t number(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* Where in the message, as the user wrote it, each group is. */
static json_t *match_of(const struct run *run) {
    struct captures captures = run_captures(run);
    json_t *list = json_array();
    for (size_t i = 0; i < run->match.count; i++) {
        struct rp_str text;
        bool took_part = captures_group(&captures, i, &text);
        ptrdiff_t start = took_part ? text.data - run->text.original.data : -1;
        json_array_append_new(list, json_integer(start));
        json_array_append_new(list, json_integer(took_part ? start + (ptrdiff_t)text.len : -1));
    }
    return list;
}

/* Of groups with the same name, the first that took part. */
static json_t *names_of(const struct run *run) {
    struct captures captures = run_captures(run);
    json_t *names = json_object();
    for (size_t i = 0; i < rp_regex_name_count(captures.regex); i++) {
        unsigned group;
        struct rp_str text;
        const char *name = rp_regex_name(captures.regex, i, &group);
        if (captures_group(&captures, group, &text) && !json_object_get(names, name))
            json_object_set_new(names, name, json_integer((json_int_t)group));
    }
    return names;
}

static void begin(json_t *record) {
    char id[RP_ID_SIZE];
    rp_id(id);
    json_object_set_new(record, "id", json_string(id));
    json_object_set_new(record, "begun", json_integer((json_int_t)rp_wall_ms()));
    json_object_set_new(record, "journal", json_array());
}

json_t *progress_create(struct run *run) {
    json_t *record = json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:o}", "dialog", run->rule->origin.name, "home",
                               run->rules->home, "code",
                               (json_int_t)run->rule->dialog->code, "lang", object_lang(run), "text",
                               text_of(run->text.original), "match", match_of(run), "names", names_of(run));
    begin(record);
    return record;
}

json_t *progress_again(const json_t *before) {
    static const char *const kept[] = {"dialog", "home", "lang", "text", "match", "names"};
    json_t *record = json_object();
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        json_object_set(record, kept[i], json_object_get(before, kept[i]));
    begin(record);
    return record;
}

/* ---- checking ---------------------------------------------------------------------------------------------------- */

static bool match_valid(const json_t *record) {
    const json_t *match = json_object_get(record, "match");
    json_int_t len = (json_int_t)progress_text(record).len;
    size_t count = json_array_size(match);
    if (!json_is_array(match) || count % 2 || count > (size_t)2 * RP_REGEX_GROUPS) return false;
    for (size_t i = 0; i < count; i += 2) {
        json_int_t start = json_integer_value(json_array_get(match, i));
        json_int_t end = json_integer_value(json_array_get(match, i + 1));
        if (start != -1 && (start < 0 || end < start || end > len)) return false;
    }
    return true;
}

bool progress_valid(const json_t *record) {
    const json_t *ask = json_object_get(record, "ask");
    if (!json_is_string(json_object_get(record, "dialog")) || !json_is_string(json_object_get(record, "id"))) return false;
    if (!json_is_string(json_object_get(record, "home"))) return false;
    if (!json_is_string(json_object_get(record, "lang")) || !json_is_string(json_object_get(record, "text"))) return false;
    if (!json_is_object(json_object_get(record, "names")) || number(record, "settled") < 0) return false;
    if (ask && !json_is_string(json_object_get(ask, "text"))) return false;
    return match_valid(record) && journal_valid(json_object_get(record, "journal"));
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

bool progress_is_of(const json_t *record, const struct run *run) {
    return strcmp(json_string_value(json_object_get(record, "home")), run->rules->home) == 0;
}

const char *progress_name(const json_t *record) {
    return json_string_value(json_object_get(record, "dialog"));
}

struct rp_str progress_id(const json_t *record) {
    return str_of(json_object_get(record, "id"));
}

struct rp_str progress_text(const json_t *record) {
    return str_of(json_object_get(record, "text"));
}

struct rp_str progress_question(const json_t *record) {
    return str_of(json_object_get(json_object_get(record, "ask"), "text"));
}

int64_t progress_due(const json_t *record) {
    return number(json_object_get(record, "ask"), "due");
}

bool progress_has_sent(const json_t *record) {
    const json_t *entries = json_object_get(record, "journal");
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *kind = json_array_get(json_array_get(entries, i), 0);
        if (strcmp(json_string_value(kind), JOURNAL_SEND) == 0) return true;
    }
    return false;
}

static json_int_t group_of(const json_t *record, struct rp_str name) {
    const json_t *group = json_object_getn(json_object_get(record, "names"), name.data, name.len);
    json_int_t value = 0;
    if (group) return json_integer_value(group);
    if (name.len == 0 || name.len > 2) return -1;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < '0' || name.data[i] > '9') return -1;
        value = value * 10 + (name.data[i] - '0');
    }
    return value;
}

bool progress_capture(const json_t *record, struct rp_str name, struct rp_str *out_text) {
    const json_t *match = json_object_get(record, "match");
    json_int_t group = group_of(record, name);
    if (group < 0 || (size_t)group * 2 + 1 >= json_array_size(match)) return false;
    json_int_t start = json_integer_value(json_array_get(match, (size_t)group * 2));
    json_int_t end = json_integer_value(json_array_get(match, (size_t)group * 2 + 1));
    if (start < 0) return false;
    *out_text = rp_str_n(progress_text(record).data + start, (size_t)(end - start));
    return true;
}

/* ---- its journal ------------------------------------------------------------------------------------------------- */

void progress_open(const json_t *record, struct journal *journal, size_t max) {
    journal_init(journal, json_object_get(record, "journal"), progress_id(record), number(record, "begun"), max);
    journal->settled = (size_t)number(record, "settled");
}

void progress_keep(json_t *record, const struct journal *journal) {
    json_object_set_new(record, "journal", json_copy(journal->entries));
    json_object_set_new(record, "settled", json_integer((json_int_t)journal->settled));
    json_object_del(record, "ask");
}

static int64_t due_in(int64_t timeout_ms) {
    return timeout_ms ? rp_wall_ms() + timeout_ms : 0;
}

void progress_ask(json_t *record, const struct question *question) {
    json_object_set_new(record, "ask",
                        json_pack("{s:I, s:o, s:I, s:I}", "hash", (json_int_t)question->hash, "text",
                                  text_of(question->text), "timeout", (json_int_t)question->timeout_ms, "due",
                                  (json_int_t)due_in(question->timeout_ms)));
    json_object_del(record, "failures");
}

int64_t progress_ask_again(json_t *record) {
    json_t *ask = json_copy(json_object_get(record, "ask"));
    int64_t due = due_in(number(ask, "timeout"));
    json_object_set_new(ask, "due", json_integer((json_int_t)due));
    json_object_set_new(record, "ask", ask);
    return due;
}

unsigned progress_count_failure(json_t *record) {
    json_int_t failures = number(record, "failures") + 1;
    json_object_set_new(record, "failures", json_integer(failures));
    return (unsigned)failures;
}
