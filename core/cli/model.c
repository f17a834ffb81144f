/* `repartee model info`: what a model's file holds, and whether this machine has the memory for it. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <uv.h>

#include "core/cli/command.h"
#include "core/gguf/gguf.h"

static const char usage[] = "usage: repartee model info [--context N] [--slots N] [--json] FILE.gguf\n\n"
                            "Tells what the file holds, and the memory that the local engine needs for it.\n\n"
                            "      --context N   tokens of one conversation [4096, or what the model takes]\n"
                            "      --slots N     conversations at once [4]\n"
                            "      --json        one JSON object\n"
                            "  -h, --help        this text\n";

struct wish {
    uint64_t context, slots;
    bool json;
};
struct need { /* bytes */
    uint64_t weights, cache, available;
};

#define DEFAULT_CONTEXT 4096
#define DEFAULT_SLOTS 4

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static void print_bytes(const char *what, uint64_t bytes) {
    double value = (double)bytes / 1048576;
    if (value < 1024)
        printf("%-12s %.1f MiB\n", what, value);
    else
        printf("%-12s %.2f GiB\n", what, value / 1024);
}

static void print_count(const char *what, uint64_t count) {
    if (count >= 1000000000)
        printf("%-12s %.2f billion\n", what, (double)count / 1e9);
    else
        printf("%-12s %.2f million\n", what, (double)count / 1e6);
}

static bool fits(const struct need *need) {
    return need->weights + need->cache <= need->available;
}

static void print_text(const struct gguf *gguf, const struct wish *wish, const struct need *need) {
    printf("%-12s %s%s%s\n", "model", gguf->name[0] ? gguf->name : "(without a name)", ", ", gguf->architecture);
    print_count("parameters", gguf->parameters);
    printf("%-12s %" PRIu64 " tokens trained, %" PRIu64 " asked for\n", "context", gguf->context, wish->context);
    printf("%-12s %" PRIu64 "\n", "layers", gguf->layers);
    printf("%-12s %" PRIu64 " tokens\n", "vocabulary", gguf->vocabulary);
    printf("%-12s %s\n", "template", gguf->has_template ? "in the file" : "none: name one with 'template'");
    print_bytes("weights", need->weights);
    print_bytes("KV cache", need->cache);
    printf("%-12s for %" PRIu64 " at once\n", "", wish->slots);
    print_bytes("available", need->available);
    printf("%-12s %s\n", "fits", fits(need) ? "yes" : "no: a smaller --context or fewer --slots need less");
}

static void print_json(const struct gguf *gguf, const struct wish *wish, const struct need *need) {
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:{s:I, s:I}, s:{s:I, s:I, s:I}, s:b}", "name", gguf->name, "architecture",
        gguf->architecture, "parameters", (json_int_t)gguf->parameters, "context", (json_int_t)gguf->context, "layers",
        (json_int_t)gguf->layers, "vocabulary", (json_int_t)gguf->vocabulary, "template", gguf->has_template, "asked",
        "context", (json_int_t)wish->context, "slots", (json_int_t)wish->slots, "bytes", "weights",
        (json_int_t)need->weights, "cache", (json_int_t)need->cache, "available", (json_int_t)need->available, "fits",
        fits(need));
    if (object) json_dumpf(object, stdout, JSON_INDENT(2));
    if (object) puts("");
    json_decref(object);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static int read_head(const char *path, struct gguf *out, struct rp_error *error) {
    struct stat stat;
    FILE *file = fopen(path, "rb");
    if (!file) return rp_error_set(error, RP_EINVALID, "%s", strerror(errno));
    int rc = fstat(fileno(file), &stat) == 0 && S_ISREG(stat.st_mode)
                 ? gguf_read(file, (uint64_t)stat.st_size, out, error)
                 : rp_error_set(error, RP_EINVALID, "this is no file");
    fclose(file);
    return rc;
}

/* What the kernel would give, and what a container may use. */
static uint64_t memory_available(void) {
    uint64_t free_bytes = uv_get_free_memory(), limit = uv_get_constrained_memory();
    return limit > 0 && limit < free_bytes ? limit : free_bytes;
}

static int info(const char *path, struct wish *wish) {
    struct gguf gguf;
    struct rp_error error = {0};
    if (read_head(path, &gguf, &error) != 0) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        return EXIT_BOT;
    }
    if (wish->context == 0)
        wish->context = gguf.context && gguf.context < DEFAULT_CONTEXT ? gguf.context : DEFAULT_CONTEXT;
    const struct need need = {gguf.weights, gguf_cache_bytes(&gguf, wish->context * wish->slots), memory_available()};
    (wish->json ? print_json : print_text)(&gguf, wish, &need);
    return EXIT_OK;
}

/* From 1 to a million; 0: it is no such number. */
static uint64_t number(const char *text) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && value <= 10000000 ? value : 0;
}

static int wrong_usage(const char *what, const char *value) {
    fprintf(stderr, "repartee model: %s '%s'\n%s", what, value, usage);
    return EXIT_USAGE;
}

int command_model(int argc, char **argv) {
    static const struct option options[] = {{"context", required_argument, NULL, 'C'},
                                            {"slots", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct wish wish = {.slots = DEFAULT_SLOTS};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'j') {
            wish.json = true;
        } else if (option == 'C' || option == 's') {
            uint64_t *field = option == 'C' ? &wish.context : &wish.slots;
            *field = number(optarg);
            if (*field == 0) return wrong_usage("a number from 1 to 10000000 is needed, not", optarg);
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_OK : EXIT_USAGE;
        }
    }
    if (optind < argc && strcmp(argv[optind], "info") != 0) return wrong_usage("there is no command", argv[optind]);
    if (optind + 2 != argc) return wrong_usage("one file is needed behind", "info");
    return info(argv[optind + 1], &wish);
}
