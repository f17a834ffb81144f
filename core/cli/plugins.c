/* `repartee plugins`: what can be loaded, and the options of one. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cli/command.h"
#include "core/config/option_table.h"
#include "core/host/host.h"

static const char usage[] = "usage: repartee plugins [--path FOLDER]… [NAME]\n\n"
                            "Lists the plugins that can be loaded, or the options of what NAME names: a plugin or one\n"
                            "of its types.\n\n"
                            "  -p, --path FOLDER   look here first\n"
                            "  -h, --help          this text\n";

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static void print_bad(const struct host *host) {
    for (size_t i = 0; i < host->file_count; i++)
        if (!host->files[i]->plugin) fprintf(stderr, "%s\n", host->files[i]->error.text);
}

static const char *type_summary(const struct rp_type *type, const struct rp_plugin *plugin) {
    return type->summary ? type->summary : plugin->summary ? plugin->summary : "";
}

static void print_types(const struct plugin_file *file, enum kind kind, size_t width) {
    for (const struct rp_type *const *type = kind_list(file->plugin, kind); *type; type++)
        printf("%-9s  %-*s  %-8s  %s\n%*s%s\n", kind_name(kind), (int)width, (*type)->name, file->plugin->version,
               type_summary(*type, file->plugin), (int)width + 23, "", file->path);
}

static size_t longest_name(const struct host *host) {
    size_t longest = 4;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        const char **names;
        size_t count = host_names(host, kind, &names);
        for (size_t i = 0; i < count; i++)
            if (strlen(names[i]) > longest) longest = strlen(names[i]);
        free(names);
    }
    return longest;
}

static int list_all(const struct host *host) {
    size_t width = longest_name(host), good = 0;
    for (size_t i = 0; i < host->file_count; i++) good += host->files[i]->plugin != NULL;
    if (good > 0) printf("%-9s  %-*s  %-8s  %s\n", "KIND", (int)width, "NAME", "VERSION", "SUMMARY, FILE");
    else puts("There are no plugins here.");
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        for (size_t i = 0; i < host->file_count; i++)
            if (host->files[i]->plugin) print_types(host->files[i], kind, width);
    print_bad(host);
    return EXIT_OK;
}

/* ---- one plugin -------------------------------------------------------------------------------------------------- */

static void print_option(const struct rp_option *option) {
    char range[OPTION_TEXT_SIZE];
    bool secret = option_is_secret(option->type);
    printf("\n  %s  (%s", option->name, option_type_name(option->type));
    if (option->flags & RP_OPTION_REQUIRED) printf(", required");
    if (option->text)
        printf(", default %s%s%s", secret ? "" : "\"", secret ? "hidden" : option->text, secret ? "" : "\"");
    if (option->flags & RP_OPTION_POSITIONAL) printf(", also without its name");
    if (option->flags & RP_OPTION_RELOADABLE) printf(", reloadable");
    puts(")");
    if (option->help) printf("      %s\n", option->help);
    for (size_t i = 0; option->type == RP_OPTION_CHOICE && option->choices[i]; i++)
        printf("%s\"%s\"%s", i ? ", " : "      one of: ", option->choices[i], option->choices[i + 1] ? "" : "\n");
    if (option_is_bounded(option)) printf("      range: %s\n", option_range(option, range));
}

static void print_type(const struct plugin_file *file, enum kind kind, const struct rp_type *type) {
    printf("%s %s, plugin %s %s\n%s\n%s\n", kind_name(kind), type->name, file->plugin->name, file->plugin->version,
           type_summary(type, file->plugin), file->path);
    size_t shown = 0;
    for (const struct rp_option *option = type->options; option && option->name; option++) {
        if (option->flags & RP_OPTION_HIDDEN) continue;
        print_option(option);
        shown++;
    }
    if (shown == 0) puts("\n  It has no options of its own.");
    if (kind == KIND_TRANSPORT) puts("\n  pipeline  (string, default \"main\")\n      pipeline that its turns take");
}

/* All types that NAME names: several kinds may share a name, and a plugin may have several types. */
static size_t print_named(const struct host *host, const char *name) {
    size_t found = 0;
    for (size_t i = 0; i < host->file_count; i++) {
        const struct plugin_file *file = host->files[i];
        bool whole = file->plugin && strcmp(file->plugin->name, name) == 0;
        for (enum kind kind = 0; file->plugin && kind < KIND_COUNT; kind++)
            for (const struct rp_type *const *type = kind_list(file->plugin, kind); *type; type++) {
                if (!whole && strcmp((*type)->name, name) != 0) continue;
                if (found++ > 0) puts("");
                print_type(file, kind, *type);
            }
    }
    return found;
}

static const char *near_name(const struct host *host, const char *name) {
    const char *nearest = NULL;
    for (enum kind kind = 0; kind < KIND_COUNT && !nearest; kind++) {
        const char **names;
        size_t count = host_names(host, kind, &names);
        nearest = rp_nearest_name(name, names, count);
        free(names);
    }
    return nearest;
}

static int show_one(const struct host *host, const char *name) {
    if (print_named(host, name) > 0) return EXIT_OK;
    for (size_t i = 0; i < host->file_count; i++) {
        if (host->files[i]->plugin || strcmp(host->files[i]->base, name) != 0) continue;
        fprintf(stderr, "%s\n", host->files[i]->error.text);
        return EXIT_BOT;
    }
    const char *nearest = near_name(host, name);
    fprintf(stderr, "repartee plugins: nothing called '%s'", name);
    if (nearest) fprintf(stderr, " (did you mean '%s'?)", nearest);
    fputc('\n', stderr);
    return EXIT_BOT;
}

int command_plugins(int argc, char **argv) {
    static const struct option options[] = {
        {"path", required_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct host host;
    host_init(&host);
    int option, code = -1;
    while (code < 0 && (option = getopt_long(argc, argv, "p:h", options, NULL)) != -1) {
        if (option == 'p') host_add_folder(&host, optarg);
        else code = option == 'h' ? EXIT_OK : EXIT_USAGE;
    }
    if (code < 0 && argc - optind > 1) code = EXIT_USAGE;
    if (code >= 0) {
        fputs(usage, code == EXIT_OK ? stdout : stderr);
    } else {
        host_add_own_folders(&host);
        host_scan(&host);
        code = optind < argc ? show_one(&host, argv[optind]) : list_all(&host);
    }
    host_finish(&host);
    return code;
}
