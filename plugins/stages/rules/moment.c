/* A part of os.time and os.date that can do no harm: only the conversions that C99 defines are passed on. */
#include "moment.h"

#include <lauxlib.h>
#include <repartee/base.h>
#include <time.h>

#include "repeatable.h"

int moment_time(lua_State *L) {
    lua_pushinteger(L, repeatable_now_ms(L) / 1000);
    return 1;
}

static void set_number(lua_State *L, const char *name, int value) {
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static int push_fields(lua_State *L, const struct tm *at) {
    lua_createtable(L, 0, 9);
    set_number(L, "year", at->tm_year + 1900);
    set_number(L, "month", at->tm_mon + 1);
    set_number(L, "day", at->tm_mday);
    set_number(L, "hour", at->tm_hour);
    set_number(L, "min", at->tm_min);
    set_number(L, "sec", at->tm_sec);
    set_number(L, "yday", at->tm_yday + 1);
    set_number(L, "wday", at->tm_wday + 1);
    lua_pushboolean(L, at->tm_isdst > 0);
    lua_setfield(L, -2, "isdst");
    return 1;
}

static int push_text(lua_State *L, const char *format, const struct tm *at) {
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (; *format; format++) {
        if (*format != '%') {
            luaL_addchar(&out, *format);
            continue;
        }
        char conversion[3] = {'%', *++format, 0}, text[128];
        if (!conversion[1] || !strchr("aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%", conversion[1])) {
            return luaL_argerror(L, 1, "invalid conversion in the format");
        }
        luaL_addlstring(&out, text, strftime(text, sizeof(text), conversion, at));
    }
    luaL_pushresult(&out);
    return 1;
}

int moment_date(lua_State *L) {
    const char *format = luaL_optstring(L, 1, "%Y-%m-%d %H:%M:%S");
    time_t seconds = (time_t)luaL_optinteger(L, 2, (lua_Integer)(repeatable_now_ms(L) / 1000));
    struct tm at;
    bool utc = *format == '!';
    if (!(utc ? gmtime_r(&seconds, &at) : localtime_r(&seconds, &at))) {
        return luaL_argerror(L, 2, "the time is out of range");
    }
    if (utc) format++;
    return strcmp(format, "*t") == 0 ? push_fields(L, &at) : push_text(L, format, &at);
}
