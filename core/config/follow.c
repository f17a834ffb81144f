/* Which element of a new bot stands in the place of which one of the bot before it: of the same type, as the very same code,
 * and the same name. Where several share a name, as stages do that have none, the first follows the first of its
 * pipeline, the second the second, and so on. */
#include "core/config/load.h"

static bool same_text(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_place(const struct item *a, const struct item *b) {
    if (a->kind != b->kind || a->type != b->type || strcmp(a->name, b->name) != 0) return false;
    return a->kind != KIND_STAGE || same_text(a->pipeline, b->pipeline);
}

/* How many in front of `item` are like it. */
static size_t rank_of(const struct bot_private *private, const struct item *item) {
    size_t rank = 0;
    for (size_t i = 0; private->items[i] != item; i++) rank += same_place(private->items[i], item);
    return rank;
}

static struct rp_element *find(const struct bot_private *private, const struct item *item, size_t rank) {
    for (size_t i = 0; i < private->count; i++)
        if (same_place(private->items[i], item) && rank-- == 0) return private->items[i]->element;
    return NULL;
}

void bot_follow(struct bot *bot, const struct bot *before) {
    const struct bot_private *private = bot->private;
    for (size_t i = 0; i < private->count; i++) {
        struct item *item = private->items[i];
        item->element->before = before ? find(before->private, item, rank_of(private, item)) : NULL;
    }
}

/* ---- what is lost ------------------------------------------------------------------------------------------------ */

static const struct rp_store_type *store_type(const struct rp_store *store) {
    return (const struct rp_store_type *)(const void *)store->element.type;
}

bool bot_keeps_sessions(const struct bot *bot, const struct bot *before) {
    return bot->sessions->element.before == &before->sessions->element;
}

void bot_warn_of_losses(const struct bot *bot, const struct bot *before, struct report *report) {
    const struct rp_element *store = &bot->sessions->element, *old = &before->sessions->element;
    bool same_name = strcmp(store->type->name, old->type->name) == 0;
    if (bot_keeps_sessions(bot, before)) return;
    if (same_name && store_type(before->sessions)->list) return; /* they are kept outside the process */
    if (same_name && strcmp(store->name, old->name) == 0)
        report_warn(report, store->file, store->line,
                    "store '%s': the plugin '%s' has been replaced: the sessions that it has in memory are lost",
                    store->name, store->type->name);
    else
        report_warn(report, store->file, store->line,
                    "sessions are kept in the store '%s' (%s) from now on; those in '%s' (%s) are not carried over",
                    store->name, store->type->name, old->name, old->type->name);
}
