/* A stage and a source that do what a test tells them, and count what is done to them. */
#ifndef TESTS_CORE_TURN_SCRIPT_H
#define TESTS_CORE_TURN_SCRIPT_H

#include "support/rig.h"

enum script_act {
    ACT_PASS,
    ACT_KEEP,         /* and pay nothing: the test pays, or nobody does */
    ACT_RESUME_NOW,   /* pays before it returns RP_KEEP */
    ACT_RESUME_LATER, /* by a task */
    ACT_RESUME_TWICE,
    ACT_REPLY,
    ACT_REPLY_LATER,
    ACT_REPLY_TWICE,
    ACT_REPLY_AND_PASS,
    ACT_FAIL,
};

enum script_tap {
    TAP_NONE,
    TAP_FORWARD,
    TAP_HOLD,     /* keeps all text back until the end */
    TAP_SPLIT,    /* hands out one character at a time */
    TAP_LATER,    /* forwards by a task */
    TAP_NEVER,    /* never pays */
    TAP_TWICE,    /* forwards each chunk twice */
    TAP_CUT,      /* ends the reply with the first chunk */
    TAP_RETRY,    /* runs the inner stages again, once */
    TAP_LOSE_END, /* forwards the last chunk as if more followed */
};

struct script {
    enum script_act act;
    enum script_tap tap;
    const char *const *pieces; /* of the reply; NULL-terminated; a piece "!" breaks it */
    bool source_later;         /* each piece comes by a task */
    bool source_silent;        /* more() is never paid */
    bool source_double;        /* each more() is paid twice */
    /* counted */
    unsigned turns, cancels, tap_closes, sources, source_closes, refused;
};

extern const struct rp_stage_type script_stage;

#endif
