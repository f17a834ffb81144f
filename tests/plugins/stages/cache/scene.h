/* A pipeline of three: a stage that prepares the prompt, the cache, and an upstream that a test makes say what it wants. */
#ifndef TESTS_CACHE_SCENE_H
#define TESTS_CACHE_SCENE_H

#include "plugins/stages/cache/cache.h"
#include "support/rig.h"
#include "support/store.h"

struct upstream {
    const char *const *pieces; /* of the reply; NULL-terminated; a piece "!" breaks it, "?" calls a tool */
    enum rp_finish finish;
    unsigned calls, closes; /* counted */
    unsigned allowed;       /* pieces that may go out, of all calls together; UINT_MAX: all */
    struct rp_usage usage;
    struct rp_source *waiting[64]; /* sources that were asked and have not been allowed */
};
struct scene {
    struct rig rig;
    struct options options; /* of the cache; set before scene_open */
    struct upstream upstream;
    void (*prepare)(struct rp_turn *turn); /* the first stage; may be NULL */
    struct rp_tap_ops judge;               /* a tap of the first stage; write NULL: none */
};
extern struct scene scene;

void scene_reset(void); /* the options' defaults, an upstream that says "Hello, world" */
void scene_open(void);
void scene_close(void);
void scene_allow(unsigned pieces); /* so many more go out */
/* Says it in a conversation of its own and waits for the end; the client is cleared first. */
void scene_say(struct rig_client *client, const char *message);
void scene_say_as(struct rig_client *client, const char *message, const char *user, const char *session);
/* Says it, and expects this reply by this maker. */
void scene_expect(const char *message, const char *reply, const char *by);
int64_t scene_count(const char *name); /* of a counter of the cache, "hits", "misses" …, since scene_open */
const struct rp_stage_type *scene_cache_type(void);
const struct rp_stage_type *scene_upstream_type(void);

#endif
