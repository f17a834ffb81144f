/* Bot files of a test: written into a folder of their own, loaded, and what the report says. */
#include "bot_file.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/host/lookup.h"

/* Takes the place of the core's: these tests stand on their own plugins, whatever is built or installed. */
bool lookup_own_plugins(char out_path[PATH_MAX]) {
    snprintf(out_path, PATH_MAX, "%s", TEST_PROBES);
    return true;
}

void bot_file_init(struct bot_file *file) {
    memset(file, 0, sizeof *file);
    unsetenv("REPARTEE_PLUGIN_PATH");
    strcpy(file->folder, "/tmp/bot-file-XXXXXX");
    if (!mkdtemp(file->folder) || chdir(file->folder) != 0) abort();
}

void bot_file_finish(struct bot_file *file) {
    char command[128];
    bot_free(file->bot);
    report_finish(&file->report);
    snprintf(command, sizeof command, "rm -r '%s'", file->folder);
    if (chdir("/") != 0 || system(command) != 0) abort();
}

void bot_file_write(const struct bot_file *file, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", file->folder, name);
    FILE *out = fopen(path, "w");
    if (!out || fputs(text, out) < 0 || fclose(out) != 0) abort();
}

void bot_file_load(struct bot_file *file, const char *text, const struct bot_wish *wish) {
    bot_free(file->bot);
    report_finish(&file->report);
    file->bot = NULL;
    bot_file_write(file, "bot.lua", text);
    bot_load("bot.lua", wish, &file->bot, &file->report);
}

char *bot_file_report(const struct bot_file *file) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) abort();
    report_print(&file->report, out);
    fclose(out);
    return text;
}

void bot_file_trace(char *out, size_t size) {
    char *(*trace)(void) = NULL;
    void *handle = dlopen(TEST_PROBES "/probe.so", RTLD_NOW | RTLD_LOCAL);
    void *symbol = handle ? dlsym(handle, "probe_trace") : NULL;
    if (!symbol) abort();
    memcpy(&trace, &symbol, sizeof trace);
    snprintf(out, size, "%s", trace());
    trace()[0] = '\0';
    dlclose(handle);
}
