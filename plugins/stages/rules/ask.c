/* Questions: asked until the answer fits, is refused too often, or the time is over. Straight-line code would be a loop;
 * since `check` may wait, the loop is cut at that call and goes on in its continuation. */
#include "ask.h"

#include <repartee/base.h>

#include "answer.h"
#include "dialog.h"
#include "freeze.h"
#include "inventory.h"
#include "listen.h"
#include "object.h"
#include "packed.h"
#include "reply.h"
#include "ruleset.h"
#include "vm.h"

#define TRIES 3
#define TRIES_MAX 100

enum { OBJECT = 1, QUESTION, OPTIONS, TRIED, REFUSAL, VALUE, CAPTURES }; /* places on the stack of ask */

/* ---- options ----------------------------------------------------------------------------------------------------- */

static void check_name(lua_State *L, const char *const *known, const char *what) {
    size_t count = 0;
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
    while (known[count] && strcmp(known[count], name) != 0) count++;
    if (known[count]) return;
    const char *near = rp_nearest_name(name, known, count);
    luaL_error(L, "%s: there is no option '%s'%s%s%s", what, name, near ? " (did you mean '" : "", near ? near : "",
               near ? "'?)" : "");
}

void ask_options(lua_State *L, int index, const char *const *known, const char *what) {
    if (lua_isnoneornil(L, index)) {
        lua_newtable(L);
    } else if (lua_istable(L, index)) {
        freeze_contents(L, index);
    } else {
        luaL_error(L, "%s: options are a table, not a %s", what, luaL_typename(L, index));
    }
    lua_replace(L, index);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        check_name(L, known, what);
    }
}

int ask_tries(lua_State *L, int options, const char *what) {
    int whole;
    if (lua_getfield(L, options, "tries") == LUA_TNIL) {
        lua_pop(L, 1);
        return TRIES;
    }
    lua_Integer tries = lua_tointegerx(L, -1, &whole);
    lua_pop(L, 1);
    if (!whole || tries < 1 || tries > TRIES_MAX) luaL_error(L, "%s: 'tries' is a number from 1 to %d", what, TRIES_MAX);
    return (int)tries;
}

bool ask_push_check(lua_State *L, int options, int value, const char *what) {
    int type = lua_getfield(L, options, "check");
    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        return false;
    }
    if (type != LUA_TFUNCTION) luaL_error(L, "%s: 'check' is a function", what);
    lua_pushvalue(L, value);
    return true;
}

bool ask_checked(lua_State *L, int value, const char *what) {
    if (lua_toboolean(L, -2)) {
        lua_pop(L, 1);
        if (lua_isboolean(L, -1)) {
            lua_pop(L, 1);
            lua_pushvalue(L, value);
        }
        return true;
    }
    lua_remove(L, -2);
    if (!lua_isnil(L, -1) && !lua_isstring(L, -1)) luaL_error(L, "%s: 'check' gives a value, or nil and a text", what);
    return false;
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static struct rp_str text_at(lua_State *L, struct run *run, int index) {
    if (!lua_isstring(L, index)) luaL_error(L, "a question is a text, not a %s", luaL_typename(L, index));
    return reply_text(L, run, index);
}

/* The question; after a refusal the text that came with it, or `again`, or the question once more. */
static struct rp_str next_question(lua_State *L, struct run *run) {
    if (lua_tointeger(L, TRIED) == 0) return text_at(L, run, QUESTION);
    if (!lua_isnil(L, REFUSAL)) return text_at(L, run, REFUSAL);
    if (lua_getfield(L, OPTIONS, "again") == LUA_TNIL) return text_at(L, run, QUESTION);
    return text_at(L, run, -1);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static int after_otherwise(lua_State *L, int status, lua_KContext from) {
    (void)status;
    return lua_gettop(L) - (int)from;
}

/* The answer was refused too often. */
static int give_up(lua_State *L, struct run *run) {
    lua_settop(L, REFUSAL);
    int type = lua_getfield(L, OPTIONS, "otherwise");
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, OBJECT);
        lua_callk(L, 1, LUA_MULTRET, REFUSAL, after_otherwise);
        return after_otherwise(L, LUA_OK, REFUSAL);
    }
    if (type == LUA_TSTRING) return dialog_leave(L, run, reply_text(L, run, -1));
    if (type != LUA_TNIL) return luaL_error(L, "ask: 'otherwise' is a text or a function");
    lua_pushliteral(L, "tries");
    return 2;
}

/* The refusal is on the top of the stack, nil for none of its own. True: it was one too many. */
static bool refuse(lua_State *L) {
    lua_Integer tried = lua_tointeger(L, TRIED) + 1;
    lua_replace(L, REFUSAL);
    lua_pushinteger(L, tried);
    lua_replace(L, TRIED);
    lua_settop(L, REFUSAL);
    return tried >= ask_tries(L, OPTIONS, "ask");
}

static int no_answer(lua_State *L, struct run *run, int64_t timeout_ms) {
    if (timeout_ms == 0) return listen_timed_out(L, run);
    lua_pushnil(L);
    lua_pushliteral(L, "timeout");
    return 2;
}

static int ask_on(lua_State *L, struct run *run, bool checked);

static int after_check(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    return ask_on(L, object_run(L, OBJECT), true);
}

/* `checked`: the results of `check` are there, for the answer at VALUE. */
static int ask_on(lua_State *L, struct run *run, bool checked) {
    int64_t timeout_ms = listen_timeout(L, OPTIONS, "ask");
    ask_tries(L, OPTIONS, "ask"); /* a mistake is to show at once */
    for (;; checked = false) {
        if (!checked) {
            lua_settop(L, REFUSAL);
            struct rp_str again = text_at(L, run, QUESTION);
            enum heard heard = listen_for(L, run, next_question(L, run), again, timeout_ms);
            lua_settop(L, REFUSAL);
            if (heard == HEARD_LATER) return lua_yield(L, 0);
            if (heard == HEARD_NOTHING) return no_answer(L, run, timeout_ms);
            if (!answer_take(L, OPTIONS, &run->dialogs->text, "ask")) {
                lua_pushnil(L);
                if (refuse(L)) return give_up(L, run);
                continue;
            }
            if (!ask_push_check(L, OPTIONS, VALUE, "ask")) return 2;
            lua_callk(L, 1, 2, 0, after_check);
        }
        if (ask_checked(L, VALUE, "ask")) {
            lua_pushvalue(L, CAPTURES);
            return 2;
        }
        if (refuse(L)) return give_up(L, run);
    }
}

static int begin(lua_State *L, struct run *run) {
    lua_settop(L, OPTIONS);
    lua_pushinteger(L, 0);
    lua_pushnil(L);
    luaL_checkstack(L, 16, NULL);
    return ask_on(L, run, false);
}

static int ask(lua_State *L) {
    static const char *const known[] = {"match", "choices", "again", "tries", "otherwise", "timeout", "check", NULL};
    struct run *run = listen_run(L, "ask");
    lua_settop(L, OPTIONS);
    ask_options(L, OPTIONS, known, "ask");
    return begin(L, run);
}

/* ---- confirm ----------------------------------------------------------------------------------------------------- */

/* A word of refusal or doubt behind a yes makes it none: it is asked again then, which does no harm. */
#define YES                                                                                                            \
    "(?i)^\\W*(?:yes|yeah|yep|yup|y|sure|ok|okay|correct|right|exactly|of course|please do|go ahead|confirm(?:ed)?|"   \
    "ja|jawohl|genau|stimmt|oui|d'accord|sí|si|claro|sì|certo|sim|да)\\b"                                              \
    "(?!.*(?:\\b(?:no|not|don't|never|wait|but|nein|nicht|aber)\\b|\\?))"
#define YES_ZH                                                                                                         \
    "^\\W*(?:没错|没问题|はい|네|예|(?:是|对|好|可以|行|确认|确定|要|同意|嗯|当然|正确)(?!.*[不没别错吗？?]))"
#define NO                                                                                                             \
    "(?i)^\\W*(?:no|nope|nah|n|not|don't|do not|never|wrong|incorrect|stop|nein|nicht|falsch|non|não|нет)\\b"
#define NO_ZH "^\\W*(?:不|没(?!错|问题)|否|别|错|算了|取消|先不|暂不|いいえ|아니)"

static void push_patterns(lua_State *L, int options, const char *name, const char *first, const char *second) {
    if (lua_getfield(L, options, name) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_createtable(L, 2, 0);
    lua_pushstring(L, first);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, second);
    lua_rawseti(L, -2, 2);
}

void ask_push_yes_no(lua_State *L, int options) {
    lua_newtable(L);
    lua_pushboolean(L, 1);
    push_patterns(L, options, "yes", YES, YES_ZH);
    lua_rawset(L, -3);
    lua_pushboolean(L, 0);
    push_patterns(L, options, "no", NO, NO_ZH);
    lua_rawset(L, -3);
}

/* A question with two choices, true and false. */
static int confirm(lua_State *L) {
    static const char *const known[] = {"yes", "no", "again", "tries", "otherwise", "timeout", NULL};
    static const char *const kept[] = {"again", "tries", "otherwise", "timeout"};
    struct run *run = listen_run(L, "confirm");
    lua_settop(L, OPTIONS);
    ask_options(L, OPTIONS, known, "confirm");
    lua_newtable(L);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        lua_getfield(L, OPTIONS, kept[i]);
        lua_setfield(L, -2, kept[i]);
    }
    ask_push_yes_no(L, OPTIONS);
    lua_setfield(L, -2, "choices");
    lua_replace(L, OPTIONS);
    return begin(L, run);
}

/* ---- say, call, cancel ------------------------------------------------------------------------------------------- */

/* t:say(text, …): a line each; a table at the end fills them in. */
static int say(lua_State *L) {
    struct run *run = listen_run(L, "say");
    int last = lua_gettop(L);
    bool values = last > 2 && lua_istable(L, last);
    for (int i = 2; i <= (values ? last - 1 : last); i++) {
        if (!lua_isstring(L, i)) return luaL_error(L, "say: argument %d is a %s, not a text", i - 1, luaL_typename(L, i));
        struct rp_str text = values ? reply_fill(L, run, i, last) : reply_text(L, run, i);
        bool settled = journal_settled(run->journal);
        journal_trace(run->journal, packed_hash_text(PACKED_HASH_START, text));
        if (!settled && !dialog_say(run, text)) return luaL_error(L, "the reply is longer than %d bytes", (int)REPLY_BYTES);
    }
    return 0;
}

static int after_called(lua_State *L, int status, lua_KContext from) {
    (void)status;
    return lua_gettop(L) - (int)from;
}

/* t:call(name, …): another dialog's function, as a part of this one. */
static int call(lua_State *L) {
    struct run *run = listen_run(L, "call");
    const char *name = luaL_checkstring(L, 2);
    const struct rule *rule = ruleset_dialog(run->vm->set, name);
    if (!rule) return luaL_error(L, "call: there is no dialog '%s'", name);
    journal_trace(run->journal, packed_hash_text(PACKED_HASH_START, rp_str(name)));
    inventory_reached(run->vm, &rule->origin);
    luaL_checkstack(L, 8, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, rule->reply_ref);
    lua_insert(L, 3);
    lua_pushvalue(L, OBJECT);
    lua_insert(L, 4);
    lua_callk(L, lua_gettop(L) - 3, LUA_MULTRET, 2, after_called);
    return after_called(L, LUA_OK, 2);
}

static int cancel(lua_State *L) {
    struct run *run = listen_run(L, "cancel");
    struct rp_str text = {0};
    if (!lua_isnoneornil(L, 2)) text = text_at(L, run, 2);
    if (!text.data && run->dialogs->rule->dialog->cancelled) text = rp_str(run->dialogs->rule->dialog->cancelled);
    return dialog_leave(L, run, text);
}

const luaL_Reg ask_functions[] = {{"ask", ask},   {"confirm", confirm}, {"say", say},
                                  {"call", call}, {"cancel", cancel},   {NULL, NULL}};
