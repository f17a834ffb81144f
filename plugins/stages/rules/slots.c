/* A form: each message is searched for all values that are still missing, the message that began the dialog too; then the
 * first one missing is asked for. Where several values could be read out of the same words, the longest reading wins: a
 * date before the number in it; of equals the one that was asked for, then the order of the slots. What a value has taken
 * is not looked at again for that message. */
#include "slots.h"

#include <repartee/base.h>

#include "answer.h"
#include "ask.h"
#include "freeze.h"
#include "listen.h"
#include "object.h"
#include "repeatable.h"
#include "reply.h"

#define SLOTS_MAX 32
#define CONFIRM_TRIES 3
#define NOBODY SIZE_MAX

/* Places on the stack. SLOTS has a pair { name, declaration } for each; SLOT, NAME and VALUE are of the one being filled. */
enum { OBJECT = 1, FORM, SLOTS, VALUES, STATE, REFUSAL, SLOT, NAME, VALUE };

enum confirmed { CONFIRMED_NOT, CONFIRMED_YES, CONFIRMED_NO };

struct form { /* the state, in a userdata */
    size_t count;
    size_t asked;  /* the slot that the message answers; NOBODY: none */
    int64_t timeout_ms;
    int tries;     /* messages that did not help, for the question at hand */
    bool confirms; /* all are there: the user is looking them over */
    bool heard;    /* an answer, not the message that began the dialog */
    bool open;     /* there is a message to look through */
    enum confirmed answer;
    size_t found;   /* values that this message has set or changed */
    size_t filling; /* the slot in its places */
    struct rp_match match;
    struct rp_normalised rest; /* of the message: what is taken is blank */
    char *bytes;            /* of rest.text */
    bool done[SLOTS_MAX];   /* filled from this message, or found in it and refused */
};

/* ---- the declaration --------------------------------------------------------------------------------------------- */

static void check_slot(lua_State *L, int slot) {
    static const char *const known[] = {"name",  "ask",   "match",   "find",     "choices", "check",
                                        "again", "tries", "timeout", "optional", NULL};
    ask_options(L, slot, known, "form");
    bool text = lua_getfield(L, slot, "ask") == LUA_TSTRING;
    lua_getfield(L, slot, "optional");
    if (!text && !lua_toboolean(L, -1)) luaL_error(L, "form: a slot needs a question in 'ask'");
    lua_pop(L, 2);
}

/* The slot on the top of the stack, with the name in front of it. */
static void add_slot(lua_State *L, struct form *form) {
    int slot = lua_gettop(L);
    if (form->count == SLOTS_MAX) luaL_error(L, "form: at most %d slots", SLOTS_MAX);
    if (!lua_istable(L, slot)) luaL_error(L, "form: a slot is a table, not a %s", luaL_typename(L, slot));
    if (lua_type(L, slot - 1) != LUA_TSTRING) luaL_error(L, "form: a slot needs a name");
    check_slot(L, slot);
    lua_createtable(L, 2, 0);
    lua_insert(L, slot - 1);
    lua_rawseti(L, slot - 1, 2);
    lua_rawseti(L, slot - 1, 1);
    lua_rawseti(L, SLOTS, (lua_Integer)++form->count);
}

/* First those in the list, then those by name, in the order of their names: a table has no other. */
static void add_slots(lua_State *L, struct form *form) {
    repeatable_keys(L, FORM);
    int keys = lua_gettop(L);
    for (lua_Integer i = 1; lua_rawgeti(L, keys, i) != LUA_TNIL; i++) {
        lua_pushvalue(L, -1);
        lua_rawget(L, FORM);
        bool listed = lua_type(L, -2) == LUA_TNUMBER;
        if (listed && lua_istable(L, -1)) {
            lua_getfield(L, -1, "name");
            lua_replace(L, -3);
        } else if (!listed && lua_isstring(L, -1) && strcmp(lua_tostring(L, -2), "confirm") == 0) {
            lua_pop(L, 2);
            continue;
        }
        add_slot(L, form);
    }
    lua_settop(L, keys - 1);
}

/* Puts name and declaration into their places. */
static void select_slot(lua_State *L, struct form *form, size_t slot) {
    form->filling = slot;
    lua_settop(L, REFUSAL);
    lua_rawgeti(L, SLOTS, (lua_Integer)slot + 1);
    lua_rawgeti(L, SLOT, 1);
    lua_rawgeti(L, SLOT, 2);
    lua_replace(L, SLOT);
}

/* ---- finding values ---------------------------------------------------------------------------------------------- */

static void blank(struct form *form, const struct rp_match *match) {
    memset(form->bytes + match->group[0].start, ' ', match->group[0].end - match->group[0].start);
}

/* Looks for the selected slot's value; pushes it when it is there. */
static bool find_value(lua_State *L, struct form *form, struct rp_match *out_match) {
    bool asked = form->filling == form->asked;
    static const char *const in_answer[] = {"match", "find"}, *const elsewhere[] = {"find", "match"};
    if (lua_getfield(L, SLOT, "choices") != LUA_TNIL) {
        bool chosen = answer_choose(L, lua_gettop(L), &form->rest, "form", out_match);
        if (chosen) lua_remove(L, -2);
        return chosen;
    }
    for (int i = 0; i < 2; i++) {
        if (lua_getfield(L, SLOT, (asked ? in_answer : elsewhere)[i]) == LUA_TNIL) continue;
        if (answer_find(L, -1, &form->rest, "form", out_match)) {
            lua_pop(L, 1);
            return true;
        }
        if (!asked) return false; /* `match` is not tried where there is a `find` */
    }
    return false;
}

static bool is_filled(lua_State *L) {
    lua_pushvalue(L, NAME);
    bool filled = lua_rawget(L, VALUES) != LUA_TNIL;
    lua_pop(L, 1);
    return filled;
}

/* Values that are there change only while the user looks them over. */
static bool wants(lua_State *L, const struct form *form) {
    return !form->done[form->filling] && (form->confirms || !is_filled(L));
}

/* The longest reading of all: its slot and value are left in their places. */
static bool find_longest(lua_State *L, struct form *form) {
    size_t best = NOBODY, best_len = 0;
    struct rp_match match;
    for (size_t i = 0; i < form->count; i++) {
        select_slot(L, form, i);
        if (!wants(L, form) || !find_value(L, form, &match)) continue;
        size_t len = match.group[0].end - match.group[0].start;
        if (best != NOBODY && (len < best_len || (len == best_len && i != form->asked))) continue;
        best = i;
        best_len = len;
    }
    if (best == NOBODY) return false;
    select_slot(L, form, best);
    find_value(L, form, &form->match);
    lua_copy(L, -1, VALUE);
    lua_settop(L, VALUE);
    return true;
}

static bool has_field(lua_State *L, const char *name) {
    bool has = lua_getfield(L, SLOT, name) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

/* The mark or blank that the text ends in, or 0; a mark is a punctuation that separates. */
static size_t mark_behind(struct rp_str text) {
    static const char *const marks[] = {" ", "\t", "\r", "\n", ",", ".", ";", ":", "-", "，", "。", "；", "：", "、"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t len = strlen(marks[i]);
        if (text.len >= len && memcmp(text.data + text.len - len, marks[i], len) == 0) return len;
    }
    return 0;
}

static struct rp_str cut_marks(struct rp_str text) {
    size_t len;
    while ((len = mark_behind(text)) > 0) text.len -= len;
    return text;
}

/* The message without what was taken, nor the marks in front of that. */
static struct rp_str what_is_left(struct run *run, const struct form *form) {
    struct rp_str whole = run->dialogs->text.text;
    struct rp_str rest = {rp_arena_alloc(run->turn->arena, whole.len + 1), 0};
    for (size_t i = 0; i < whole.len; i++) {
        if (form->bytes[i] == whole.data[i])
            ((char *)(uintptr_t)rest.data)[rest.len++] = whole.data[i];
        else
            rest = cut_marks(rest);
    }
    rest = answer_trim(cut_marks(rest));
    while (rest.len > 0 && strchr(",.;:-", rest.data[0])) rest = answer_trim(rp_str_n(rest.data + 1, rest.len - 1));
    return rest;
}

/* A slot without patterns takes what it was asked for as it stands, or what the others have left of it. */
static bool take_rest(lua_State *L, struct run *run, struct form *form) {
    if (form->asked == NOBODY || form->done[form->asked]) return false;
    select_slot(L, form, form->asked);
    if (has_field(L, "match") || has_field(L, "find") || has_field(L, "choices")) return false;
    struct rp_str text = form->found ? what_is_left(run, form) : answer_trim(run->dialogs->text.original);
    if (text.len == 0) return false;
    form->match.group[0].start = 0;
    form->match.group[0].end = form->rest.text.len;
    lua_pushlstring(L, text.data, text.len);
    return true;
}

/* The value at VALUE is the slot's: the same as before is no news. */
static void fill(lua_State *L, struct form *form) {
    lua_pushvalue(L, NAME);
    lua_rawget(L, VALUES);
    if (!lua_compare(L, -1, VALUE, LUA_OPEQ)) form->found++;
    lua_pushvalue(L, NAME);
    lua_pushvalue(L, VALUE);
    lua_rawset(L, VALUES);
    form->done[form->filling] = true;
    blank(form, &form->match);
}

/* `check` does not want it. What it says counts where the user was asked for this. */
static void pass_over(lua_State *L, struct form *form) {
    form->done[form->filling] = true;
    if (form->filling == form->asked) lua_replace(L, REFUSAL);
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

/* Selects the first slot that must still be asked for. */
static bool find_missing(lua_State *L, struct form *form) {
    for (size_t i = 0; i < form->count; i++) {
        select_slot(L, form, i);
        lua_getfield(L, SLOT, "optional");
        bool optional = lua_toboolean(L, -1);
        lua_pop(L, 1);
        if (!optional && !is_filled(L)) return true;
    }
    return false;
}

static struct rp_str field_text(lua_State *L, struct run *run, const char *name) {
    struct rp_str text = {0};
    if (lua_getfield(L, SLOT, name) != LUA_TNIL) text = reply_text(L, run, -1);
    lua_pop(L, 1);
    return text;
}

/* Asks for the selected slot. */
static enum heard ask_slot(lua_State *L, struct run *run, struct form *form) {
    struct rp_str question = field_text(L, run, "ask"), now = {0};
    if (form->asked != form->filling) form->tries = 0;
    form->asked = form->filling;
    if (!lua_isnil(L, REFUSAL))
        now = reply_text(L, run, REFUSAL);
    else if (form->tries > 0)
        now = field_text(L, run, "again");
    lua_pushnil(L);
    lua_replace(L, REFUSAL);
    form->timeout_ms = listen_timeout(L, SLOT, "form");
    return listen_for(L, run, now.data ? now : question, question, form->timeout_ms);
}

static enum heard ask_confirmation(lua_State *L, struct run *run, struct form *form) {
    if (!form->confirms) form->tries = 0;
    form->confirms = true;
    form->asked = NOBODY;
    form->timeout_ms = 0;
    lua_settop(L, REFUSAL);
    lua_getfield(L, FORM, "confirm");
    struct rp_str question = reply_fill(L, run, lua_gettop(L), VALUES);
    return listen_for(L, run, question, question, 0);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static int form_on(lua_State *L, struct run *run, struct form *form, bool checked);

static int after_check(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    return form_on(L, object_run(L, OBJECT), lua_touserdata(L, STATE), true);
}

/* Takes values out of the message until there are no more. `checked`: the results of a `check` are there. */
static void take_values(lua_State *L, struct run *run, struct form *form, bool checked) {
    while (checked || find_longest(L, form) || take_rest(L, run, form)) {
        if (!checked && ask_push_check(L, SLOT, VALUE, "form")) lua_callk(L, 1, 2, 0, after_check);
        checked = lua_gettop(L) > VALUE;
        if (checked && !ask_checked(L, VALUE, "form")) {
            pass_over(L, form);
        } else {
            if (checked) lua_replace(L, VALUE);
            fill(L, form);
        }
        checked = false;
    }
}

/* What the user says to the values that are there. The word itself is nobody's value. */
static enum confirmed confirmation(lua_State *L, struct form *form) {
    struct rp_match match;
    lua_newtable(L);
    ask_push_yes_no(L, lua_gettop(L));
    if (!answer_choose(L, lua_gettop(L), &form->rest, "form", &match)) return CONFIRMED_NOT;
    blank(form, &match);
    return lua_toboolean(L, -1) ? CONFIRMED_YES : CONFIRMED_NO;
}

static void open_message(lua_State *L, struct run *run, struct form *form) {
    form->rest = run->dialogs->text;
    form->bytes = rp_arena_copy(run->turn->arena, form->rest.text.data, form->rest.text.len);
    form->rest.text.data = form->bytes;
    form->open = true;
    form->found = 0;
    memset(form->done, 0, sizeof(form->done));
    form->answer = form->confirms ? confirmation(L, form) : CONFIRMED_NOT;
}

static int give_up(lua_State *L, const char *why) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* The message has been looked through. The number of results when the form is over; 0: it goes on. */
static int settle(lua_State *L, struct form *form) {
    if (form->found == 0 && form->answer == CONFIRMED_YES) {
        lua_settop(L, VALUES);
        return 1;
    }
    if (form->found == 0 && form->answer == CONFIRMED_NO) return give_up(L, "no");
    if (form->found > 0) {
        form->tries = 0;
        return 0;
    }
    int tries = CONFIRM_TRIES;
    if (form->asked != NOBODY) {
        select_slot(L, form, form->asked);
        tries = ask_tries(L, SLOT, "form");
    }
    return ++form->tries >= tries ? give_up(L, "tries") : 0;
}

static bool has_confirm(lua_State *L) {
    lua_settop(L, REFUSAL);
    bool has = lua_getfield(L, FORM, "confirm") == LUA_TSTRING;
    lua_pop(L, 1);
    return has;
}

static int no_answer(lua_State *L, struct run *run, const struct form *form) {
    return form->timeout_ms ? give_up(L, "timeout") : listen_timed_out(L, run);
}

static int form_on(lua_State *L, struct run *run, struct form *form, bool checked) {
    for (;; checked = false) {
        enum heard heard;
        if (form->open) take_values(L, run, form, checked);
        int results = form->heard ? settle(L, form) : 0;
        if (results) return results;
        if (find_missing(L, form)) {
            heard = ask_slot(L, run, form);
        } else if (has_confirm(L)) {
            heard = ask_confirmation(L, run, form);
        } else {
            lua_settop(L, VALUES);
            return 1;
        }
        if (heard == HEARD_LATER) return lua_yield(L, 0);
        if (heard == HEARD_NOTHING) return no_answer(L, run, form);
        form->heard = true;
        open_message(L, run, form);
    }
}

static int form(lua_State *L) {
    struct run *run = listen_run(L, "form");
    lua_settop(L, FORM);
    luaL_checktype(L, FORM, LUA_TTABLE);
    luaL_checkstack(L, 24, NULL);
    freeze_contents(L, FORM);
    lua_replace(L, FORM);
    lua_newtable(L);
    lua_newtable(L);
    struct form *state = lua_newuserdatauv(L, sizeof(*state), 0);
    *state = (struct form){.asked = NOBODY};
    lua_pushnil(L);
    add_slots(L, state);
    if (state->count == 0) return luaL_error(L, "form: there are no slots");
    if (run->dialogs->fresh) open_message(L, run, state);
    return form_on(L, run, state, false);
}

const luaL_Reg slots_functions[] = {{"form", form}, {NULL, NULL}};
