/* Plays a conversation test: one file, from a bot as it is at its start to the last expectation. */
#ifndef CORE_TESTING_PLAY_H
#define CORE_TESTING_PLAY_H

#include "core/testing/result.h"
#include "core/testing/stand_in.h"
#include "core/turn/alone.h"

struct play {
    struct alone *alone;
    struct cast *cast;
    bool explain;  /* turns keep their record */
    void (*on_record)(void *arg, const struct chat_step *step, const json_t *record); /* NULL: nobody wants it */
    void *arg;
};

/* Fills the result, which is the caller's. With a seed the replies of models and servers come in pieces. */
void play_file(struct play *play, const struct chat_file *file, const uint64_t *seed, struct result *result);

#endif
