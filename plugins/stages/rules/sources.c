/* Finds, reads and keeps files, within two folders and nowhere else. What is in them is the loader's business. */
#include "sources.h"

#include <dirent.h>
#include <limits.h>
#include <repartee/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES ((size_t)16 << 20)
#define FILES_MAX 4096

struct entry {
    char *asked, *key; /* the path as first asked for, and the real one */
    struct source source;
};
struct sources {
    char *bot, *rules; /* real paths */
    char *library;     /* the one that ships with repartee; NULL: not installed */
    char **listed;     /* relative to the rules folder */
    size_t listed_count;
    struct entry **entries;
    size_t count;
    bool sealed;
};

int sources_create(const char *bot, const char *rules, struct sources **out, struct rp_error *error) {
    char *real_bot = realpath(bot, NULL);
    if (!real_bot) return rp_error_set(error, RP_ECONFIG, "there is no folder '%s'", bot);
    char *real_rules = realpath(rules ? rules : bot, NULL);
    if (!real_rules) {
        free(real_bot);
        return rp_error_set(error, RP_ECONFIG, "there is no folder '%s'", rules);
    }
    struct sources *sources = rp_calloc(1, sizeof(*sources));
    sources->bot = real_bot;
    sources->rules = real_rules;
    char library[PATH_MAX];
    if (rp_data_folder("lua", library)) sources->library = rp_strdup(library);
    *out = sources;
    return 0;
}

void sources_destroy(struct sources *sources) {
    if (!sources) return;
    for (size_t i = 0; i < sources->listed_count; i++) free(sources->listed[i]);
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->entries[i]->asked);
        free(sources->entries[i]->key);
        free((char *)(uintptr_t)sources->entries[i]->source.name);
        free((char *)(uintptr_t)sources->entries[i]->source.text.data);
        free(sources->entries[i]);
    }
    free(sources->listed);
    free(sources->entries);
    free(sources->bot);
    free(sources->rules);
    free(sources->library);
    free(sources);
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_add(struct sources *sources, const char *name) {
    sources->listed = rp_realloc(sources->listed, (sources->listed_count + 1) * sizeof(*sources->listed));
    sources->listed[sources->listed_count++] = rp_strdup(name);
}

static bool is_rule_file(const char *name) {
    size_t len = strlen(name);
    return name[0] != '.' && len > 4 && strcmp(name + len - 4, ".lua") == 0;
}

int sources_list(struct sources *sources, struct rp_error *error) {
    DIR *folder = opendir(sources->rules);
    const struct dirent *entry;
    if (!folder) return rp_error_set(error, RP_ECONFIG, "the folder '%s' cannot be read", sources->rules);
    while ((entry = readdir(folder)) && sources->listed_count < FILES_MAX) {
        if (is_rule_file(entry->d_name)) list_add(sources, entry->d_name);
    }
    closedir(folder);
    if (sources->listed_count == 0) {
        return rp_error_set(error, RP_ECONFIG, "the folder '%s' has no .lua files", sources->rules);
    }
    if (sources->listed_count == FILES_MAX) {
        return rp_error_set(error, RP_ECONFIG, "the folder '%s' has more than %d files", sources->rules, FILES_MAX - 1);
    }
    qsort(sources->listed, sources->listed_count, sizeof(*sources->listed), by_name);
    return 0;
}

int sources_list_file(struct sources *sources, const char *name, struct rp_error *error) {
    const char *why;
    if (!sources_rule(sources, name, &why)) return rp_error_set(error, RP_ECONFIG, "'%s': %s", name, why);
    list_add(sources, name);
    return 0;
}

size_t sources_count(const struct sources *sources) {
    return sources->listed_count;
}

const char *sources_at(const struct sources *sources, size_t index) {
    return sources->listed[index];
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool is_inside(const char *path, const char *folder) {
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || (len == 1 && folder[0] == '/'));
}

static char *read_all(const char *path, size_t *out_len, const char **out_why) {
    struct stat info;
    *out_why = "it cannot be read";
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return NULL;
    if (info.st_size < 0 || (size_t)info.st_size > FILE_MAX_BYTES) {
        *out_why = "it is too large";
        return NULL;
    }
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char *data = rp_alloc((size_t)info.st_size + 1);
    *out_len = fread(data, 1, (size_t)info.st_size, file);
    bool failed = ferror(file);
    fclose(file);
    if (!failed) return data;
    free(data);
    return NULL;
}

static const struct source *entry_add(struct sources *sources, const char *asked, const char *key, char *data,
                                      size_t len) {
    struct entry *entry = rp_alloc(sizeof(*entry));
    const char *name = key;
    if (is_inside(key, sources->bot)) name = key + strlen(sources->bot) + 1;
    else if (sources->library && is_inside(key, sources->library)) name = key + strlen(sources->library) + 1;
    entry->asked = rp_strdup(asked);
    entry->key = rp_strdup(key);
    entry->source.name = rp_strdup(name);
    entry->source.text = rp_str_n(data, len);
    sources->entries = rp_realloc(sources->entries, (sources->count + 1) * sizeof(struct entry *));
    sources->entries[sources->count++] = entry;
    return &entry->source;
}

static const struct source *find_kept(const struct sources *sources, const char *asked, const char *key) {
    for (size_t i = 0; i < sources->count; i++) {
        const struct entry *entry = sources->entries[i];
        if (strcmp(entry->asked, asked) == 0 || (key && strcmp(entry->key, key) == 0)) return &entry->source;
    }
    return NULL;
}

static const struct source *find_real(struct sources *sources, const char *folder, const char *asked, const char *real,
                                      const char **out_why) {
    if (!is_inside(real, folder)) {
        *out_why = "it lies outside the bot's folder";
        return NULL;
    }
    const struct source *kept = find_kept(sources, asked, real);
    if (kept) return kept;
    if (sources->sealed) {
        *out_why = "it was not asked for when the bot was opened";
        return NULL;
    }
    size_t len;
    char *data = read_all(real, &len, out_why);
    return data ? entry_add(sources, asked, real, data, len) : NULL;
}

static const struct source *find(struct sources *sources, const char *folder, const char *path, const char **out_why) {
    char asked[PATH_MAX];
    if (path[0] == '/' || snprintf(asked, sizeof(asked), "%s/%s", folder, path) >= (int)sizeof(asked)) {
        *out_why = "the path must be relative to the bot's folder";
        return NULL;
    }
    const struct source *found = find_kept(sources, asked, NULL);
    if (found) return found;
    char *real = realpath(asked, NULL);
    *out_why = "there is no such file";
    if (real) found = find_real(sources, folder, asked, real, out_why);
    free(real);
    return found;
}

const struct source *sources_rule(struct sources *sources, const char *path, const char **out_why) {
    return find(sources, sources->rules, path, out_why);
}

const struct source *sources_data(struct sources *sources, const char *path, const char **out_why) {
    return find(sources, sources->bot, path, out_why);
}

const struct source *sources_module(struct sources *sources, const char *name, const char **out_why) {
    char path[NAME_MAX + sizeof(".lua")];
    size_t len = strlen(name);
    bool shipped = strncmp(name, "repartee.", 9) == 0;
    if (len == 0 || len > NAME_MAX || name[0] == '.' || strstr(name, "..") || strchr(name, '/')) {
        *out_why = "a module's name is like 'lib.orders', for lib/orders.lua";
        return NULL;
    }
    if (shipped && !sources->library) {
        *out_why = "the library of repartee is not installed";
        return NULL;
    }
    for (size_t i = 0; i <= len; i++) path[i] = name[i] == '.' ? '/' : name[i];
    strcpy(path + len, ".lua");
    return find(sources, shipped ? sources->library : sources->rules, path, out_why);
}

void sources_seal(struct sources *sources) {
    sources->sealed = true;
}

void sources_tell(const struct sources *sources, void (*tell)(void *arg, struct rp_str text), void *arg) {
    for (size_t i = 0; i < sources->count; i++) {
        tell(arg, rp_str(sources->entries[i]->source.name));
        tell(arg, sources->entries[i]->source.text);
    }
}
