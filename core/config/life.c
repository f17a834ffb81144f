/* The life of a loaded bot: open, attach, start, drain, detach, close. What fails in the middle leaves nothing behind. */
#include <stdio.h>
#include <stdlib.h>

#include "core/config/element.h"
#include "core/config/fingerprint.h"
#include "core/config/load.h"
#include "core/model/meter.h"
#include "core/money/limit.h"

/* Makes a hook's error one that the user can place: its own file as the user would name it, or the element's line. */
static void complete_error(const struct bot *bot, const struct item *item, int code, struct rp_error *error) {
    struct rp_error raw = *error;
    const char *text = raw.text[0] ? raw.text : rp_error_text(code);
    code = raw.code ? raw.code : code < 0 ? -code : code;
    if (!raw.file[0]) {
        rp_error_at(error, code, item->element->file, item->element->line, "%.160s: %.600s", item->path, text);
        return;
    }
    const char *file = raw.file, *slash = strrchr(bot->private->shown, '/');
    size_t folder = strlen(bot->folder);
    int shown = slash ? (int)(slash - bot->private->shown) + 1 : 0;
    if (strncmp(file, bot->folder, folder) == 0 && file[folder] == '/') file += folder + 1;
    else shown = 0;
    char name[sizeof raw.file];
    snprintf(name, sizeof name, "%.*s%.200s", shown < 50 ? shown : 0, bot->private->shown, file);
    rp_error_at(error, code, name, raw.line, "%s", text);
}

/* ---- open and close ---------------------------------------------------------------------------------------------- */

static bool needs_failed(const struct item *item) {
    for (struct item **need = item->needs; *need; need++)
        if ((*need)->failed) return true;
    return false;
}

static struct rp_model *model_of(const struct item *item) {
    return (struct rp_model *)(void *)item->element;
}

/* A bot that does not serve does without what people reach it by. */
static bool left_out(const struct bot *bot, const struct item *item) {
    return bot->use != BOT_SERVES && (item->kind == KIND_LISTENER || item->kind == KIND_TRANSPORT);
}

static void open_item(struct bot *bot, struct item *item, unsigned workers, struct report *report) {
    struct rp_error error = {0};
    if (left_out(bot, item)) return;
    const struct rp_type *type = item->type;
    item->failed = needs_failed(item); /* then the report has the cause already */
    if (item->failed) return;
    item->element->local = rp_calloc(workers ? workers : 1, sizeof *item->element->local);
    size_t reported = report->errors;
    element_report_to(report);
    int code = type->open ? type->open(item->element, &error) : 0;
    element_report_to(NULL);
    item->opened = code == 0;
    item->failed = code != 0;
    if (item->opened && item->kind == KIND_MODEL) model_of(item)->meter = model_meter_create(model_of(item));
    if (item->opened) return;
    free(item->element->local);
    item->element->local = NULL;
    if (!error.text[0] && report->errors > reported) return; /* the hook has said it all */
    complete_error(bot, item, code, &error);
    report_add_error(report, &error);
}

static void close_item(struct item *item) {
    if (!item->opened) return;
    if (item->type->close) item->type->close(item->element);
    if (item->kind == KIND_MODEL) model_meter_destroy(model_of(item)->meter);
    free(item->element->local);
    item->element->local = NULL;
    item->opened = false;
}

int bot_open(struct bot *bot, unsigned workers, struct report *report) {
    struct bot_private *private = bot->private;
    size_t first = report->count, errors = report->errors;
    private->workers = workers;
    fingerprint_begin(bot);
    if (bot->budgets) budgets_open(bot->budgets);
    for (size_t i = 0; i < private->count; i++) open_item(bot, private->items[i], workers, report);
    if (report->errors == errors) return 0;
    report_sort(report, first, private->shown);
    bot_close(bot);
    return -RP_ECONFIG;
}

int bot_bind(struct bot *bot, struct report *report) {
    size_t errors = report->errors;
    if (bot->transport_count == 0)
        report_add(report, RP_ECONFIG, bot->private->shown, 0, "without a transport nobody can reach the bot");
    for (size_t i = 0; i < bot->private->count; i++) {
        const struct item *item = bot->private->items[i];
        const struct rp_listener_type *type = (const void *)item->type;
        struct rp_error error = {0};
        if (item->kind != KIND_LISTENER || !item->opened || !type->bind) continue;
        int code = type->bind((struct rp_listener *)item->element, bot->private->workers, &error);
        if (code == 0) continue;
        complete_error(bot, item, code, &error);
        report_add_error(report, &error);
    }
    return report->errors == errors ? 0 : -RP_ECONFIG;
}

void bot_close(struct bot *bot) {
    for (size_t i = bot->private->count; i > 0; i--) close_item(bot->private->items[i - 1]);
}

/* ---- attach and detach ------------------------------------------------------------------------------------------- */

static void detach_item(struct item *item, struct rp_worker *worker) {
    unsigned index = rp_worker_index(worker);
    if (!item->opened) return;
    if (item->type->detach) item->type->detach(item->element, worker, item->element->local[index]);
    item->element->local[index] = NULL;
}

/* Undoes the first `count`, last first. */
static void detach_items(struct bot *bot, struct rp_worker *worker, size_t count) {
    while (count > 0) detach_item(bot->private->items[--count], worker);
}

static int attach_item(struct bot *bot, struct item *item, struct rp_worker *worker, struct report *report) {
    struct rp_error why = {0};
    void *local = NULL;
    size_t reported = report->errors;
    if (!item->opened) return 0;
    element_report_to(report);
    int code = item->type->attach ? item->type->attach(item->element, worker, &local, &why) : 0;
    element_report_to(NULL);
    if (code == 0) {
        item->element->local[rp_worker_index(worker)] = local;
        return 0;
    }
    if (!why.text[0] && report->errors > reported) return code; /* the hook has said it all */
    complete_error(bot, item, code, &why);
    report_add_error(report, &why);
    return code;
}

int bot_attach(struct bot *bot, struct rp_worker *worker, struct report *report) {
    for (size_t i = 0; i < bot->private->count; i++) {
        int code = attach_item(bot, bot->private->items[i], worker, report);
        if (code == 0) continue;
        detach_items(bot, worker, i);
        return code;
    }
    return 0;
}

void bot_detach(struct bot *bot, struct rp_worker *worker) {
    detach_items(bot, worker, bot->private->count);
}

int bot_renew(struct bot *bot, struct rp_worker *worker, struct report *report) {
    struct bot_private *private = bot->private;
    size_t errors = report->errors;
    for (size_t i = private->count; i-- > 0;) {
        if (private->items[i]->type->remembers_nothing) continue;
        detach_item(private->items[i], worker);
        close_item(private->items[i]);
    }
    for (size_t i = 0; i < private->count; i++) {
        struct item *item = private->items[i];
        if (item->type->remembers_nothing) continue;
        open_item(bot, item, private->workers, report);
        if (item->opened && attach_item(bot, item, worker, report) != 0) close_item(item);
    }
    return report->errors == errors ? 0 : -RP_ECONFIG;
}

/* ---- taking in work, and ceasing to ------------------------------------------------------------------------------ */

static bool adopts(const struct item *item) {
    return item->element->before && item->type->adopt;
}

static bool is_adopted(const struct item *item, const struct bot *successor) {
    for (size_t i = 0; successor && i < successor->private->count; i++) {
        const struct item *other = successor->private->items[i];
        if (other->element->before == item->element) return adopts(other);
    }
    return false;
}

static bool counts(const struct item *item, const char *only) {
    if (!item->opened) return false;
    if (item->kind == KIND_TRANSPORT) return !only || strcmp(item->type->name, only) == 0;
    return item->kind == KIND_LISTENER && !only;
}

static void start_item(struct item *item, struct rp_worker *worker) {
    const void *type = item->type;
    const struct rp_listener_type *listener = type;
    const struct rp_transport_type *transport = type;
    if (item->kind == KIND_LISTENER && listener->start)
        listener->start((struct rp_listener *)item->element, worker);
    else if (item->kind == KIND_TRANSPORT && transport->start)
        transport->start((struct rp_transport *)item->element, worker);
}

static void drain_item(struct item *item, struct rp_worker *worker) {
    const void *type = item->type;
    const struct rp_listener_type *listener = type;
    const struct rp_transport_type *transport = type;
    if (item->kind == KIND_LISTENER && listener->drain)
        listener->drain((struct rp_listener *)item->element, worker);
    else if (item->kind == KIND_TRANSPORT && transport->drain)
        transport->drain((struct rp_transport *)item->element, worker);
}

/* Transports before listeners: a listener hands out work at once. */
static void start_kind(struct bot *bot, struct rp_worker *worker, const char *only, enum kind kind) {
    for (size_t i = 0; i < bot->private->count; i++) {
        struct item *item = bot->private->items[i];
        if (item->kind == kind && counts(item, only) && !adopts(item)) start_item(item, worker);
    }
}

void bot_begin(struct bot *bot, struct rp_worker *worker, const char *only) {
    for (size_t i = 0; i < bot->private->count; i++) {
        struct item *item = bot->private->items[i];
        if (adopts(item)) item->type->adopt(item->element, worker);
    }
    start_kind(bot, worker, only, KIND_TRANSPORT);
    start_kind(bot, worker, only, KIND_LISTENER);
}

void bot_drain(struct bot *bot, struct rp_worker *worker, const struct bot *successor, const char *only) {
    for (size_t i = 0; i < bot->private->count; i++) {
        struct item *item = bot->private->items[i];
        if (counts(item, only) && !is_adopted(item, successor)) drain_item(item, worker);
    }
}
