/* t:event(name, data): tells the world outside of something; it goes out when the turn has ended well. */
#include "luajson.h"
#include "object.h"
#include "run.h"

#define STEPS 10000 /* it writes a line to the log */
#define NAME_MAX_LEN 64

static int event(lua_State *L) {
    struct run *run = object_run(L, 1);
    size_t len;
    const char *name = luaL_checklstring(L, 2, &len), *why;
    json_t *data = NULL;
    meter_charge(L, STEPS);
    if (len == 0 || len > NAME_MAX_LEN || strlen(name) != len || !rp_utf8_valid(name, len))
        return luaL_error(L, "an event's name has 1 to %d bytes of UTF-8", NAME_MAX_LEN);
    if (!lua_isnoneornil(L, 3) && luajson_read(L, 3, &data, &why) != 0) return luaL_error(L, "event '%s': %s", name, why);
    rp_turn_event(run->turn, rp_arena_copy(run->turn->arena, name, len), data);
    return 0;
}

const luaL_Reg event_functions[] = {{"event", event}, {NULL, NULL}};
