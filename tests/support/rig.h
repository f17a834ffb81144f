/* A rig for turns: one worker that the test drives by hand, a pipeline of stages made by the test, and a client that
 * writes down what it is given. No bot file, no plugin file, no thread. */
#ifndef TESTS_SUPPORT_RIG_H
#define TESTS_SUPPORT_RIG_H

#include "core/turn/turn.h"

#define RIG_STAGES 8

struct rig {
    struct worker_group group;
    struct turn_runtime runtime;
    struct rp_pipeline pipeline, *pipelines[1];
    struct rp_stage stages[RIG_STAGES], *stage_pointers[RIG_STAGES];
    void *locals[RIG_STAGES][1];
    struct rp_transport transport;
    struct rp_worker *worker;
    struct bot *bot; /* whose models stages find; NULL: none */
};

struct rig_client {
    struct rp_sink sink;
    struct rp_turn *turn; /* NULL again when it has ended */
    struct rp_buf text;   /* all text chunks */
    unsigned writes, ends, errors, dones;
    int code; /* of the error */
    int retry_after;
    enum rp_finish finish;
    bool manual; /* does not ask for more by itself */
    char by[128];
    struct rp_usage usage;
    void (*on_text)(struct rig_client *client); /* after each text; NULL: none */
    void (*on_last)(struct rig_client *client); /* at the last chunk, the turn being there still; NULL: none */
};

void rig_open(struct rig *rig);
/* Adds a stage of this type with these options: runs check, open and attach as the host would. */
struct rp_stage *rig_add(struct rig *rig, const struct rp_stage_type *type, const void *options);
void rig_close(struct rig *rig); /* asserts that no turn is left */

/* Starts a turn; the client must live until done. The result of rp_turn_start. */
int rig_say(struct rig *rig, struct rig_client *client, const char *message);
int rig_start(struct rig *rig, struct rig_client *client, const struct rp_turn_start *start);
void rig_spin(struct rig *rig, unsigned passes); /* passes of the loop that do not wait */
void rig_finish(struct rig *rig, struct rig_client *client); /* spins until done; fails after five seconds */
void rig_client_clear(struct rig_client *client);

#endif
