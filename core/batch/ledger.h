/* What has been done already: which lines of the input have their reply in the output, and what they were. Four bytes for
 * each line up to the last one. */
#ifndef CORE_BATCH_LEDGER_H
#define CORE_BATCH_LEDGER_H

#include <repartee/base.h>

#define LEDGER_LINES ((int64_t)1 << 28) /* of the input; further ones cannot be gone on with */

struct ledger { /* zero-initialise */
    uint32_t *hashes; /* of line i + 1; 0: it has no reply */
    size_t size;
    int64_t count, last; /* lines that have one; the highest of them */
};

void ledger_finish(struct ledger *ledger);
void ledger_add(struct ledger *ledger, int64_t line, uint32_t hash); /* line: 1 to LEDGER_LINES; hash: not 0 */
uint32_t ledger_find(const struct ledger *ledger, int64_t line);     /* 0: it has no reply */

/* A line of the output. */
struct ledger_entry {
    int64_t line;
    uint32_t hash;
    bool failed; /* an error stands in it */
};
bool ledger_read(struct rp_str text, struct ledger_entry *out_entry); /* false: this is no result of a batch */
/* The first members of such a line. */
void ledger_head(char *head, size_t size, int64_t line, uint32_t hash);
/* The end of a file that a whole line would have stood at: did it begin as one of ours? */
bool ledger_is_torn(struct rp_str rest);

#endif
