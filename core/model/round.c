/* One round of tools: all are started at once, and the model is asked again when the last has ended. */
#include "core/model/talk.h"

struct tool_run {
    struct rp_tool_run run; /* first */
    struct round *round;
    struct rp_tool_call call;
    struct rp_str result;
    struct tool_run *next;
    bool running;
};

void round_clear(struct round *round) {
    round->first = NULL;
    round->last = &round->first;
    round->count = round->open = 0;
}

/* Some servers leave the id out: then the call's place is one. */
void round_add(struct round *round, struct rp_turn *turn, const struct rp_tool_call *call, unsigned number) {
    struct tool_run *run = rp_arena_zalloc(turn->arena, sizeof(*run));
    run->round = round;
    run->call = (struct rp_tool_call){.name = rp_arena_str(turn->arena, call->name),
                                      .arguments = rp_arena_str(turn->arena, call->arguments),
                                      .own = true};
    run->call.id = call->id.len ? rp_arena_str(turn->arena, call->id)
                                : rp_str(rp_arena_printf(turn->arena, "call_%u_%zu", number, round->count));
    *round->last = run;
    round->last = &run->next;
    round->count++;
}

const struct rp_tool_call *round_last(const struct round *round) {
    const struct tool_run *run =
        (const struct tool_run *)(const void *)((const char *)round->last - offsetof(struct tool_run, next));
    return &run->call;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static void close_one(struct round *round) {
    if (--round->open == 0) round->done(round);
}

static void on_done(struct rp_tool_run *pub, struct rp_str result) {
    struct tool_run *run = (struct tool_run *)pub;
    if (!run->running) return;
    run->running = false;
    run->result = rp_arena_str(pub->turn->arena, result);
    close_one(run->round);
}

static void start(struct tool_run *run, struct rp_turn *turn, const struct rp_tool_runner *runner) {
    run->run = (struct rp_tool_run){.turn = turn, .call = &run->call, .done = on_done};
    run->running = true;
    runner->ops->start(runner, &run->run);
}

void round_run(struct round *round, struct rp_turn *turn, const struct rp_tool_runner *runner) {
    size_t at = 0;
    round->open = (round->count < runner->calls ? round->count : runner->calls) + 1;
    for (struct tool_run *run = round->first; run; run = run->next) {
        if (at++ < runner->calls)
            start(run, turn, runner);
        else
            run->result = rp_str(rp_arena_printf(turn->arena,
                                                 "Error: not run, at most %u tools can be called at once. "
                                                 "Call it again if it is still needed.",
                                                 runner->calls));
    }
    close_one(round);
}

void round_cancel(struct round *round, const struct rp_tool_runner *runner) {
    for (struct tool_run *run = round->first; run; run = run->next) {
        if (!run->running) continue;
        run->running = false;
        runner->ops->cancel(runner, &run->run);
    }
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

void round_tell(const struct round *round, struct rp_turn *turn, struct rp_str said, struct rp_call *call) {
    struct rp_tool_call *calls = rp_arena_alloc(turn->arena, round->count * sizeof(*calls));
    struct rp_message *messages = rp_arena_zalloc(turn->arena, (round->count + 1) * sizeof(*messages));
    size_t at = 0;
    for (const struct tool_run *run = round->first; run; run = run->next, at++) {
        calls[at] = run->call;
        messages[at + 1] =
            (struct rp_message){.role = RP_ROLE_TOOL, .text = run->result, .calls = &calls[at], .call_count = 1};
    }
    messages[0] = (struct rp_message){
        .role = RP_ROLE_ASSISTANT, .text = rp_arena_str(turn->arena, said), .calls = calls, .call_count = round->count};
    talk_append(turn, call, messages, round->count + 1);
}

void talk_append(struct rp_turn *turn, struct rp_call *call, const struct rp_message *messages, size_t count) {
    struct rp_message *all = rp_arena_alloc(turn->arena, (call->message_count + count) * sizeof(*all));
    if (call->message_count) memcpy(all, call->messages, call->message_count * sizeof(*all));
    memcpy(all + call->message_count, messages, count * sizeof(*all));
    call->messages = all;
    call->message_count += count;
}
