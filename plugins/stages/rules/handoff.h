/* Conversations that a person has: t:handoff and t:release, and what becomes of messages in between.
 *
 * The mark is the session variable "@handoff". While it stands, rules marked with_person still answer; every other
 * message goes out as the event "message", and the user is told that it was passed on. The event "release" gives the
 * conversation back, "say" { text = … } lets the person speak. */
#ifndef RULES_HANDOFF_H
#define RULES_HANDOFF_H

#include <lauxlib.h>
#include <repartee/plugin.h>

struct run;

extern const luaL_Reg handoff_functions[]; /* methods of `t`; ends in NULL */
/* Hands the session of this run over, in the name of a rule or guard: mark, event with the transcript, log. 0, or -RP_ETOOLARGE. */
int handoff_begin(struct run *run, const char *by, struct rp_str reason);
bool handoff_stands(struct rp_stage *stage, struct rp_turn *turn); /* a person has it now */
/* For a message that no rule took while a person has the conversation: passes it on and gives the text to answer. */
struct rp_str handoff_pass_on(struct rp_stage *stage, struct rp_turn *turn);
/* An event of the session: what is to be said for it, empty for nothing. False: it is none of these. */
bool handoff_event(struct rp_turn *turn, struct rp_str *out_text);

#endif
