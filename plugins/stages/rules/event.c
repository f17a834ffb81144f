/* t:event(name, data): tells the world outside of something; it goes out when the turn has ended well. What a function
 * tells waits until it has come to its end: one that fails has told nothing, even if the turn goes on without it. */
#include "event.h"

#include "luajson.h"
#include "object.h"
#include "run.h"

#define STEPS 10000 /* it writes a line to the log */
#define NAME_MAX_LEN 64

struct told {
    const char *name;
    json_t *data;
    struct told *next;
};

static void forget(void *arg) {
    struct told *told = arg;
    json_decref(told->data);
}

void event_tell(struct run *run, const char *name, json_t *data) {
    if (!run->co) { /* nothing that can fail is under way */
        rp_turn_event(run->turn, name, data);
        return;
    }
    struct told *told = rp_arena_zalloc(run->turn->arena, sizeof(*told)), **at = &run->told;
    while (*at) at = &(*at)->next;
    *told = (struct told){.name = name, .data = data};
    *at = told;
    rp_arena_defer(run->turn->arena, forget, told);
}

void event_send(struct run *run) {
    for (const struct told *told = run->told; told; told = told->next)
        rp_turn_event(run->turn, told->name, json_incref(told->data));
    run->told = NULL;
}

static int event(lua_State *L) {
    struct run *run = object_run(L, 1);
    size_t len;
    const char *name = luaL_checklstring(L, 2, &len), *why;
    json_t *data = NULL;
    meter_charge(L, STEPS);
    if (len == 0 || len > NAME_MAX_LEN || strlen(name) != len || !rp_utf8_valid(name, len))
        return luaL_error(L, "an event's name has 1 to %d bytes of UTF-8", NAME_MAX_LEN);
    if (!lua_isnoneornil(L, 3) && luajson_read(L, 3, &data, &why) != 0) return luaL_error(L, "event '%s': %s", name, why);
    event_tell(run, rp_arena_copy(run->turn->arena, name, len), data);
    return 0;
}

const luaL_Reg event_functions[] = {{"event", event}, {NULL, NULL}};
