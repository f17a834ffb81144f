/* Any text as a bot file: loading it ends, tells mistakes or gives a bot, and touches nothing it should not. There are
 * no plugins here: what elements mean is tested elsewhere; the script, its values and the search for lines are used. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/config/bot.h"
#include "core/config/place.h"

static char folder[64];

static void remove_folder(void) {
    unlink("bot.lua");
    if (chdir("/") != 0 || rmdir(folder) != 0) perror(folder);
}

static void make_folder(void) {
    strcpy(folder, "/tmp/fuzz-bot-XXXXXX");
    if (!mkdtemp(folder) || chdir(folder) != 0) abort();
    atexit(remove_folder);
    setenv("REPARTEE_PLUGIN_PATH", folder, 1);
}

static void load(const uint8_t *data, size_t size) {
    struct report report = {0};
    struct bot *bot = NULL;
    FILE *file = fopen("bot.lua", "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) abort();
    if (bot_load("bot.lua", NULL, &bot, &report) != 0 && report.errors == 0) abort();
    bot_free(bot);
    report_finish(&report);
}

/* The text as a source whose every line is asked for: no line found lies outside of it. */
static void search(const uint8_t *data, size_t size) {
    struct source source = {.name = "bot.lua", .text = rp_str_n((const char *)data, size)};
    int lines = 1;
    for (size_t i = 0; i < size; i++) lines += data[i] == '\n';
    for (int line = 1; line <= lines && line <= 50; line++) {
        int found = place_of_option((struct place){&source, line}, "x", "y");
        if (found < line || found > lines) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!folder[0]) make_folder();
    load(data, size);
    search(data, size);
    return 0;
}
