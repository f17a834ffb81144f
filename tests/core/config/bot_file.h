/* Bot files of a test: written into a folder of their own, loaded, and what the report says. */
#ifndef TESTS_CONFIG_BOT_FILE_H
#define TESTS_CONFIG_BOT_FILE_H

#include "core/config/bot.h"

struct bot_file {
    char folder[64];
    struct report report;
    struct bot *bot; /* NULL: it did not load */
};

void bot_file_init(struct bot_file *file);
void bot_file_finish(struct bot_file *file);
void bot_file_write(const struct bot_file *file, const char *name, const char *text);
/* Writes bot.lua and loads it, as "bot.lua" in the current folder. */
void bot_file_load(struct bot_file *file, const char *text, const struct bot_wish *wish);
/* What report_print prints; the caller frees it. */
char *bot_file_report(const struct bot_file *file);
/* What the probes noted since the last call; reset by it. */
void bot_file_trace(char *out, size_t size);

#endif
