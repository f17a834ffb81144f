/* What is wrong with the rule files: all of it is collected, so that an author sees every mistake at once. */
#ifndef RULES_MISTAKES_H
#define RULES_MISTAKES_H

#include <repartee/plugin.h>

#define MISTAKES_MAX 100 /* kept; the rest is counted */

struct mistake {
    char *file, *text;
    int line;
};
struct mistakes { /* zero-initialise */
    struct mistake items[MISTAKES_MAX];
    size_t count; /* may be more than MISTAKES_MAX */
};

void mistakes_finish(struct mistakes *mistakes);
void mistakes_add(struct mistakes *mistakes, const char *file, int line, const char *format, ...) RP_PRINTF(4, 5);
/* Tells all of them in the name of the element that is being loaded, and leaves `error` empty. Without one: logs all and
 * puts the first into `error`. 0 when there are none. */
int mistakes_report(const struct mistakes *mistakes, const struct rp_element *element, struct rp_error *error);

#endif
