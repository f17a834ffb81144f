/* Tokens and cost of users in the metrics: of as many as the bot file allows, the others share one series. Any thread. */
#ifndef CORE_MONEY_USERS_H
#define CORE_MONEY_USERS_H

#include <repartee/turn.h>

/* `most`: users with series of their own. What has been made stays, also when a reload allows fewer. */
void users_count(const char *bot, struct rp_str user, int64_t most, const struct rp_usage *usage, int64_t cost);

#endif
