/* repartee new bot|plugin NAME: copies a scaffold into a new folder of that name.
 *
 * The scaffolds are sdk/template-bot and sdk/template: working examples as they stand, in which the word `mybot` or
 * `myplugin` stands for the name. They are found beside the program: in the source tree for a program that runs from
 * its build folder, else in the installation. */
#define _GNU_SOURCE /* memmem */
#include "core/cli/command.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <repartee/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_NAME = 40, MAX_DEPTH = 8, MAX_FILE = 1 << 20 };

struct scaffold {
    const char *kind, *folder, *word;
    const char *next; /* what to do with it, said at the end; one %s for the name */
};

static const struct scaffold scaffolds[] = {
    {"bot", "template-bot", "mybot",
     "  cd %s\n"
     "  repartee check              all mistakes with file and line\n"
     "  repartee chat               talk to it here\n"
     "  repartee test               run its conversations in tests/\n"
     "  repartee run                serve it on 127.0.0.1:8080\n"},
    {"plugin", "template", "myplugin",
     "  cd %s\n"
     "  cmake -B build && cmake --build build\n"
     "  ctest --test-dir build --output-on-failure\n"
     "  REPARTEE_PLUGIN_PATH=build repartee chat\n"},
};

static const char usage[] =
    "usage: repartee new bot NAME\n"
    "       repartee new plugin NAME\n"
    "\n"
    "Makes a folder NAME with a bot, or a plugin, that works as it is and can be changed from there.\n"
    "NAME: a letter, then letters, digits and underscores, all small; at most 40.\n";

static bool name_valid(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return name[len] == '\0' && len <= MAX_NAME && name[0] >= 'a' && name[0] <= 'z';
}

/* Words that the name would clash with in bot.lua, and targets that CMake keeps for itself. */
static const char *const reserved[] = {
    "and", "break", "do",     "else",    "elseif", "end",    "false",  "for",     "function", "goto",  "if",
    "in",  "local", "nil",    "not",     "or",     "repeat", "return", "then",    "true",     "until", "while",
    "bot", "env",   "secret", "include", "all",    "clean",  "help",   "install", "package",  "test",
};

static bool name_reserved(const char *name) {
    for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
        if (strcmp(name, reserved[i]) == 0) return true;
    return false;
}

static int complain(const char *what, const char *path) {
    fprintf(stderr, "repartee new: %s %s: %s\n", what, path, strerror(errno));
    return -1;
}

static bool is_folder(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool join(char out_path[PATH_MAX], const char *folder, const char *name) {
    int len = snprintf(out_path, PATH_MAX, "%s/%s", folder, name);
    return len > 0 && len < PATH_MAX;
}

/* ---- copying ---------------------------------------------------------------------------------------------------- */

struct copy {
    const char *word, *name;
};

static int read_file(const char *path, struct rp_buf *out) {
    FILE *file = fopen(path, "rb");
    if (!file) return complain("cannot read", path);
    char chunk[8192];
    size_t len;
    int code = 0;
    while (code == 0 && (len = fread(chunk, 1, sizeof(chunk), file)) > 0) code = rp_buf_append(out, chunk, len);
    if (code != 0) errno = EFBIG;
    if (code != 0 || ferror(file)) code = complain("cannot read", path);
    fclose(file);
    return code;
}

static void write_replaced(FILE *file, struct rp_str text, const struct copy *copy) {
    const char *at = text.data, *end = text.data + text.len, *found;
    size_t word_len = strlen(copy->word);
    while (at < end && (found = memmem(at, (size_t)(end - at), copy->word, word_len)) != NULL) {
        fwrite(at, 1, (size_t)(found - at), file);
        fputs(copy->name, file);
        at = found + word_len;
    }
    if (at < end) fwrite(at, 1, (size_t)(end - at), file);
}

static int write_file(const char *path, struct rp_str text, const struct copy *copy) {
    FILE *file = fopen(path, "wbx");
    if (!file) return complain("cannot write", path);
    write_replaced(file, text, copy);
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed) return complain("cannot write", path);
    return 0;
}

static int copy_file(const char *from, const char *to, const struct copy *copy) {
    struct rp_buf text;
    rp_buf_init(&text, MAX_FILE);
    int code = read_file(from, &text);
    if (code == 0) code = write_file(to, rp_buf_str(&text), copy);
    rp_buf_finish(&text);
    return code;
}

static int copy_folder(const char *from, const char *to, const struct copy *copy, int depth);

static int copy_entry(const char *from, const char *to, const char *name, const struct copy *copy, int depth) {
    char source[PATH_MAX], target[PATH_MAX];
    if (!join(source, from, name) || !join(target, to, name)) {
        errno = ENAMETOOLONG;
        return complain("cannot copy", name);
    }
    return is_folder(source) ? copy_folder(source, target, copy, depth + 1) : copy_file(source, target, copy);
}

static int copy_folder(const char *from, const char *to, const struct copy *copy, int depth) {
    if (depth > MAX_DEPTH) return -1;
    if (mkdir(to, 0755) != 0 && errno != EEXIST) return complain("cannot make", to);
    DIR *dir = opendir(from);
    if (!dir) return complain("cannot read", from);
    int code = 0;
    struct dirent *entry;
    while (code == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') code = copy_entry(from, to, entry->d_name, copy, depth);
    }
    closedir(dir);
    return code;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

/* Nothing there, or a folder with nothing in it. */
static bool is_free(const char *path) {
    DIR *dir = opendir(path);
    if (!dir) return errno == ENOENT;
    size_t entries = 0;
    while (readdir(dir) != NULL) entries++;
    closedir(dir);
    return entries <= 2; /* . and .. */
}

/* Tells editors with the Lua language server what rule files can use. */
static int write_luarc(const char *folder) {
    char library[PATH_MAX], path[PATH_MAX];
    if (!rp_data_folder("lua/meta", library)) return 0; /* an installation without it is no reason to fail */
    if (!join(path, folder, ".luarc.json")) return 0;
    json_t *luarc = json_pack("{s:s, s:[s], s:b, s:[s]}", "runtime.version", "Lua 5.4", "workspace.library", library,
                              "workspace.checkThirdParty", 0, "diagnostics.disable", "lowercase-global");
    int code = luarc ? json_dump_file(luarc, path, JSON_INDENT(2)) : -1;
    json_decref(luarc);
    return code == 0 ? 0 : complain("cannot write", path);
}

static int make(const struct scaffold *scaffold, const char *name) {
    char from[PATH_MAX];
    if (!rp_data_folder(scaffold->folder, from)) {
        fprintf(stderr, "repartee new: the scaffold '%s' is not installed\n", scaffold->folder);
        return EXIT_BOT;
    }
    if (!is_free(name)) {
        fprintf(stderr, "repartee new: '%s' is there already and not an empty folder\n", name);
        return EXIT_BOT;
    }
    const struct copy copy = {.word = scaffold->word, .name = name};
    if (copy_folder(from, name, &copy, 0) != 0) return EXIT_BOT;
    if (strcmp(scaffold->kind, "bot") == 0 && write_luarc(name) != 0) return EXIT_BOT;
    printf("Made %s/. Next:\n\n", name);
    printf(scaffold->next, name);
    return EXIT_OK;
}

static int check_name(const char *name) {
    if (!name_valid(name)) {
        fprintf(stderr, "repartee new: '%s' is no name: a small letter, then small letters, digits and underscores\n",
                name);
        return EXIT_USAGE;
    }
    if (name_reserved(name)) {
        fprintf(stderr, "repartee new: '%s' already means something in bot files or to CMake\n", name);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

int command_new(int argc, char **argv) {
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(usage, stdout);
        return EXIT_OK;
    }
    for (size_t i = 0; argc == 3 && i < sizeof(scaffolds) / sizeof(*scaffolds); i++) {
        if (strcmp(argv[1], scaffolds[i].kind) != 0) continue;
        int code = check_name(argv[2]);
        return code == EXIT_OK ? make(&scaffolds[i], argv[2]) : code;
    }
    fputs(usage, stderr);
    return EXIT_USAGE;
}
