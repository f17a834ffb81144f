/* Tools for models that know nothing of tools: the system text tells of them, a grammar sees to it that a call is written
 * as it must be, and a reply that is such a call becomes one. */
#ifndef LLAMA_TOOLS_H
#define LLAMA_TOOLS_H

#include <repartee/turn.h>

/* The conversation as the model can read it: the tools behind the system text, calls and results as texts. In `arena`;
 * *count grows by one where there was no system text. `tools` may be NULL: then only calls and results are turned. */
struct rp_message *tools_conversation(struct rp_arena *arena, const json_t *tools, const struct rp_message *messages,
                                      size_t *count);
/* Whether the reply may still turn out to be a call: it is empty so far, or begins like one. */
bool tools_may_be_call(struct rp_str reply);
/* The call that the reply is, in `arena`; false: it is none. */
bool tools_read_call(struct rp_arena *arena, struct rp_str reply, const json_t *tools, struct rp_tool_call *out);

#endif
