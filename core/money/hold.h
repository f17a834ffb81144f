/* What a call of a model reserves of its bot's budgets, and what becomes of it. The ledger is in the store: a number for
 * each limit, period and user, which everybody adds to. Reserving adds, and takes back what went beyond a limit; settling
 * adds the difference to what the call has really cost, to the period in which it was reserved.
 *
 * All on one worker. A hold is a thing of its own, as settling may outlive the turn: it keeps the worker and the
 * generation until the store has answered. A process that dies in between leaves what it had reserved as spent. */
#ifndef CORE_MONEY_HOLD_H
#define CORE_MONEY_HOLD_H

#include "core/money/limit.h"

struct budget_hold;

struct budget_verdict {
    int code;                         /* 0: reserved; RP_ESPENT; RP_EIO: the store has failed */
    const struct budget_limit *limit; /* of ESPENT: the one that is spent, or of several the one that ends last */
    int64_t sum;                      /* and what is in its ledger already, without this call */
    int retry_after;                  /* seconds until then; 0: waiting does not help */
};

/* For a call that may cost so much at the most; NULL: no limit has to do with it, so there is nothing to reserve. */
struct budget_hold *budget_hold_create(const struct budgets *budgets, const struct rp_turn *turn, int64_t money,
                                       int64_t tokens);
/* done() follows once, perhaps inside the call. With code 0 the hold is the caller's until it settles it; otherwise it is
 * gone already. */
void budget_hold_take(struct budget_hold *hold, void (*done)(void *arg, const struct budget_verdict *verdict),
                      void *arg);
/* Instead of waiting for done(), which will not come: what was taken goes back. */
void budget_hold_leave(struct budget_hold *hold);
/* What it has cost. The hold is gone. Takes NULL. */
void budget_hold_settle(struct budget_hold *hold, int64_t money, int64_t tokens);

#endif
