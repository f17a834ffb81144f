/* Collects mistakes and reports them. What is a mistake, others decide. */
#include "mistakes.h"

#include <repartee/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>


void mistakes_finish(struct mistakes *mistakes) {
    for (size_t i = 0; i < mistakes->count && i < MISTAKES_MAX; i++) {
        free(mistakes->items[i].file);
        free(mistakes->items[i].text);
    }
    mistakes->count = 0;
}

void mistakes_add(struct mistakes *mistakes, const char *file, int line, const char *format, ...) {
    char text[640];
    va_list args;
    if (mistakes->count++ >= MISTAKES_MAX) return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t whole = rp_utf8_whole(text, strlen(text));
    text[whole] = '\0';
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ') *c = ' ';
    }
    mistakes->items[mistakes->count - 1] = (struct mistake){rp_strdup(file), rp_strdup(text), line};
}

static int tell_all(const struct mistakes *mistakes, const struct rp_element *element) {
    for (size_t i = 0; i < mistakes->count && i < MISTAKES_MAX; i++) {
        const struct mistake *mistake = &mistakes->items[i];
        rp_element_report(element, false, mistake->file, mistake->line, "%s", mistake->text);
    }
    if (mistakes->count > MISTAKES_MAX)
        rp_element_report(element, false, element->file, element->line, "the rules have %zu more mistakes",
                          mistakes->count - MISTAKES_MAX);
    return -RP_ECONFIG;
}

int mistakes_report(const struct mistakes *mistakes, const struct rp_element *element, struct rp_error *error) {
    if (mistakes->count == 0) return 0;
    if (element) return tell_all(mistakes, element);
    const struct mistake *first = &mistakes->items[0];
    for (size_t i = 1; i < mistakes->count && i < MISTAKES_MAX; i++) {
        const struct mistake *other = &mistakes->items[i];
        rp_log(RP_LOG_ERROR, "rules", "%s:%d: %s", other->file, other->line, other->text);
    }
    if (mistakes->count == 1) return rp_error_at(error, RP_ECONFIG, first->file, first->line, "%s", first->text);
    return rp_error_at(error, RP_ECONFIG, first->file, first->line, "%s (and %zu more, see the log)", first->text,
                       mistakes->count - 1);
}
