/* Those who are not there in a conversation test: models and HTTP servers, played by the scripts of the step that runs. */
#ifndef CORE_TESTING_STAND_IN_H
#define CORE_TESTING_STAND_IN_H

#include "core/testing/chat_file.h"
#include "core/testing/shred.h"

/* What the stand-ins look at; changed by whoever runs the test. */
struct cast {
    const struct chat_step *step; /* NULL: nothing may be asked */
    struct shred *shred;          /* NULL: pieces come as they are written */
    /* Somebody was asked whom nothing answers for: one sentence. */
    void (*on_missing)(void *arg, const char *text);
    void *arg;
    struct stand_in *models;
    size_t model_count;
    struct http_stand_in http;
};

/* Replaces the models of a bot that is loaded and not yet open. Those that only ask other models of the bot stay, and so
 * do scripted ones, but a script counts for them too. The cast must outlive the bot. */
void cast_take_models(struct cast *cast, struct bot *bot);
void cast_leave(struct cast *cast); /* when the bot has been freed */
void cast_take_http(struct cast *cast, struct rp_worker *worker);

#endif
