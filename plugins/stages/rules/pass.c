/* t:pass(): the stages behind answer, and t:pass { … } says how the model among them is asked. */
#include "asking.h"
#include "attempt.h"
#include "form.h"
#include "object.h"
#include "run.h"

static int pass(lua_State *L) {
    static const char *const none[] = {NULL};
    struct run *run = object_run(L, 1);
    if (run->tool) return luaL_error(L, "a tool cannot pass the turn on: it returns what the model shall read");
    if (!lua_isnoneornil(L, 2)) {
        struct shape *shape = rp_arena_zalloc(run->turn->arena, sizeof(*shape));
        struct form form = asking_form(L, run, 2, "t:pass");
        form_check_names_of(&form, none, shape_fields);
        shape_read(&form, shape);
        shape_resolve(&form, shape);
        asking_check_form(&form);
        run->passed = shape;
    }
    lua_pushlightuserdata(L, (void *)(uintptr_t)&attempt_pass_token);
    return 1;
}

const luaL_Reg pass_functions[] = {{"pass", pass}, {NULL, NULL}};
