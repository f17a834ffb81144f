/* Keeps one entry a declaration, and for each file how often its lines ran. Lines are found, and a hook for them is set,
 * only when the inventory is asked for. */
#include "inventory.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "lines.h"
#include "ruleset.h"
#include "vm.h"

#define LIBRARY "repartee/" /* what ships with repartee has tests of its own */

struct entry {
    const char *kind;
    const struct origin *origin;
    int last_line;
    struct entry *next;
};
struct function { /* an outermost one */
    int first, last;
    struct function *next;
};
struct file {
    const struct source *source;
    uint32_t *lines; /* by number: 0 does not run by itself, else how often it ran, and one; NULL: not found yet */
    size_t line_count;
    struct function *functions, **last_function;
    struct file *next;
};
struct inventory {
    struct rp_arena *arena;
    struct entry *entries, **last_entry;
    struct file *files, **last_file;
    uint32_t *reached; /* by the origin's serial; NULL: nobody has asked yet */
    unsigned serials;
    const char *source; /* the one that ran last, and its file */
    struct file *file;
};

/* ---- while files are loaded -------------------------------------------------------------------------------------- */

static struct inventory *inventory_of(struct vm *vm) {
    struct inventory *inventory = vm->inventory;
    if (inventory) return inventory;
    inventory = vm->inventory = rp_arena_zalloc(vm->set->arena, sizeof(*inventory));
    inventory->arena = vm->set->arena;
    inventory->last_entry = &inventory->entries;
    inventory->last_file = &inventory->files;
    return inventory;
}

void inventory_add_file(struct vm *vm, const struct source *source) {
    struct inventory *inventory = inventory_of(vm);
    struct file *file = rp_arena_zalloc(inventory->arena, sizeof(*file));
    file->source = source;
    file->last_function = &file->functions;
    *inventory->last_file = file;
    inventory->last_file = &file->next;
}

void inventory_add(struct vm *vm, const char *kind, const struct origin *origin, int last_line) {
    struct inventory *inventory = inventory_of(vm);
    struct entry *entry = rp_arena_zalloc(inventory->arena, sizeof(*entry));
    struct origin *copy = rp_arena_alloc(inventory->arena, sizeof(*copy));
    *copy = *origin;
    *entry = (struct entry){.kind = kind, .origin = copy, .last_line = last_line > origin->line ? last_line : origin->line};
    *inventory->last_entry = entry;
    inventory->last_entry = &entry->next;
    if (origin->serial >= inventory->serials) inventory->serials = origin->serial + 1;
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

void inventory_reached(const struct vm *vm, const struct origin *origin) {
    const struct inventory *inventory = vm->inventory;
    if (inventory && inventory->reached && origin->serial < inventory->serials) inventory->reached[origin->serial]++;
}

static void add_function(void *arg, int first, int last) {
    struct file *file = arg;
    struct function *function = rp_alloc(sizeof(*function));
    *function = (struct function){first, last, NULL};
    *file->last_function = function;
    file->last_function = &function->next;
}

static void add_line(void *arg, int line) {
    struct file *file = arg;
    if (line > 0 && (size_t)line < file->line_count) file->lines[line] = 1;
}

static void forget_file(void *arg) {
    struct file *file = arg;
    free(file->lines);
    while (file->functions) {
        struct function *function = file->functions;
        file->functions = function->next;
        free(function);
    }
}

static int find_lines(lua_State *L) {
    struct file *file = lua_touserdata(L, 1);
    struct lines_visitor visitor = {.function = add_function, .line = add_line, .arg = file};
    lines_find(L, file->source->text, &visitor);
    return 0;
}

static void prepare_file(struct vm *vm, struct file *file) {
    const struct rp_str text = file->source->text;
    file->line_count = 2;
    for (size_t i = 0; i < text.len; i++) file->line_count += text.data[i] == '\n';
    file->lines = rp_calloc(file->line_count, sizeof(*file->lines));
    rp_arena_defer(vm->inventory->arena, forget_file, file);
    lua_pushcfunction(vm->L, find_lines);
    lua_pushlightuserdata(vm->L, file);
    if (lua_pcall(vm->L, 1, 0, 0) != LUA_OK) lua_pop(vm->L, 1); /* out of memory: its lines are not told */
}

static struct file *file_of(struct inventory *inventory, const char *source) {
    if (source == inventory->source) return inventory->file;
    struct file *file = inventory->files;
    while (file && strcmp(file->source->name, source + 1) != 0) file = file->next;
    inventory->source = source;
    inventory->file = file;
    return file;
}

static void on_line(lua_State *L, lua_Debug *debug) {
    struct inventory *inventory = vm_of(L)->inventory;
    if (!lua_getinfo(L, "S", debug)) return;
    struct file *file = file_of(inventory, debug->source);
    int line = debug->currentline;
    if (file && line > 0 && (size_t)line < file->line_count && file->lines[line] && file->lines[line] < UINT32_MAX)
        file->lines[line]++;
}

static void forget_reached(void *arg) {
    free(((struct inventory *)arg)->reached);
}

static void start(struct vm *vm) {
    struct inventory *inventory = inventory_of(vm);
    inventory->reached = rp_calloc(inventory->serials + 1, sizeof(*inventory->reached));
    rp_arena_defer(inventory->arena, forget_reached, inventory);
    for (struct file *file = inventory->files; file; file = file->next)
        if (strncmp(file->source->name, LIBRARY, sizeof(LIBRARY) - 1) != 0) prepare_file(vm, file);
    vm->meter.on_line = on_line;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Each line is told once: by the first that has it. */
static json_t *take_lines(const struct file *file, int first, int last, bool *told) {
    json_t *lines = json_array();
    for (int line = first; line <= last && (size_t)line < file->line_count; line++) {
        if (!file->lines[line] || told[line]) continue;
        told[line] = true;
        json_array_append_new(lines, json_pack("[i, I]", line, (json_int_t)file->lines[line] - 1));
    }
    return lines;
}

static json_t *item_of(const char *kind, const char *name, const char *file, int line, uint32_t reached, json_t *lines) {
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:o}", "kind", kind, "name", name, "file", file, "line", line, "reached",
                     (json_int_t)reached, "lines", lines);
}

static void read_entries(const struct inventory *inventory, const struct file *file, bool *told, json_t *out) {
    for (const struct entry *entry = inventory->entries; entry; entry = entry->next) {
        const struct origin *origin = entry->origin;
        if (strcmp(origin->file, file->source->name) != 0) continue;
        json_t *lines = take_lines(file, origin->line, entry->last_line, told);
        json_array_append_new(out, item_of(entry->kind, origin->name, origin->file, origin->line,
                                           inventory->reached[origin->serial], lines));
    }
}

/* Functions that stand by themselves have no name here: they are called by those that have. */
static void read_functions(const struct file *file, bool *told, json_t *out) {
    for (const struct function *function = file->functions; function; function = function->next) {
        json_t *lines = take_lines(file, function->first, function->last, told);
        if (json_array_size(lines) == 0)
            json_decref(lines);
        else
            json_array_append_new(out, item_of("function", "", file->source->name, function->first, 0, lines));
    }
}

json_t *inventory_read(struct vm *vm) {
    struct inventory *inventory = inventory_of(vm);
    json_t *out = json_array();
    if (!inventory->reached) start(vm);
    for (const struct file *file = inventory->files; file; file = file->next) {
        if (!file->lines) continue;
        bool *told = rp_calloc(file->line_count, sizeof(*told));
        read_entries(inventory, file, told, out);
        read_functions(file, told, out);
        free(told);
    }
    return out;
}
