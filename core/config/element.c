/* What plugins ask of the bot that their element belongs to, and how they report more than one mistake. */
#include "core/config/element.h"

#include <stdio.h>

#include "core/config/report.h"

static _Thread_local struct report *open_report; /* NULL: mistakes go to the log */

void element_report_to(struct report *report) {
    open_report = report;
}

void rp_element_report(const struct rp_element *element, bool warning, const char *file, int line, const char *format,
                       ...) {
    char text[sizeof(((struct rp_error *)NULL)->text)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!open_report)
        rp_log(warning ? RP_LOG_WARN : RP_LOG_ERROR, element->type->name, "%s:%d: %s", file, line, text);
    else if (warning)
        report_warn(open_report, file, line, "%s", text);
    else
        report_add(open_report, RP_ECONFIG, file, line, "%s", text);
}

void rp_element_note(const struct rp_element *element, const char *file, int line, const char *format, ...) {
    char text[sizeof(((struct rp_error *)NULL)->text)];
    va_list args;
    (void)element;
    if (!open_report) return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    report_note(open_report, file, line, "%s", text);
}

struct rp_model *rp_element_model(const struct rp_element *element, struct rp_str name) {
    const struct bot *bot = element->bot;
    size_t count = bot ? bot->model_count : 0;
    if (name.len == 0 && count == 1) return bot->models[0];
    if (name.len == 0) name = RP_STR("main");
    for (size_t i = 0; i < count; i++)
        if (rp_str_equal(rp_str(bot->models[i]->element.name), name)) return bot->models[i];
    return NULL;
}
