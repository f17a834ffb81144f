/* A plugin that is broken in one way: BROKEN says which. Built many times; linked with nothing of repartee. */
#include <repartee/plugin.h>

RP_EXPORT const struct rp_plugin *rp_plugin(void);

static enum rp_outcome on_turn(struct rp_stage *stage, struct rp_turn *turn) {
    (void)stage, (void)turn;
    return RP_PASS;
}
#define GOOD 0
#define MAGIC 1
#define SIZE 2
#define MAJOR 3
#define MINOR 4
#define NOTHING 5
#define TYPE_NAME 6
#define PLUGIN_NAME 7
#define NO_CALL 8
#define WORD 9
#define TABLE 10
#define NO_END 11
#define MISSING 12
#define TWICE 13
#define KEYWORD 14

#if BROKEN == MISSING
RP_EXPORT void rp_from_a_newer_version(void);
#endif

static const struct rp_option options[] = {{.name = "a", .type = RP_OPTION_INT, .offset = 800}, {0}};

static const struct rp_stage_type stage = {
    .type =
        {
#if BROKEN == TYPE_NAME
            .name = "not-a-name",
#elif BROKEN == WORD
            .name = "models",
#elif BROKEN == KEYWORD
            .name = "end",
#else
            .name = TYPE,
#endif
            .summary = "A stage",
            .options_size = 8,
            .options = BROKEN == TABLE ? options : NULL,
        },
    .on_turn = BROKEN == NO_CALL ? NULL : on_turn,
};

static const struct rp_plugin plugin = {
    .magic = BROKEN == MAGIC ? 0x12345678 : RP_ABI_MAGIC,
    .size = BROKEN == SIZE ? sizeof(struct rp_plugin) + 8 : sizeof(struct rp_plugin),
    .abi_major = BROKEN == MAJOR ? RP_ABI_MAJOR + 1 : RP_ABI_MAJOR,
    .abi_minor = BROKEN == MINOR ? RP_ABI_MINOR + 1 : RP_ABI_MINOR,
    .name = BROKEN == PLUGIN_NAME ? NULL : "broken",
    .version = "1.2.3",
    .summary = "A plugin for tests",
#if BROKEN == NO_END
    .stages = {[0 ... RP_LIST_SIZE - 1] = &stage},
#elif BROKEN == TWICE
    .stages = {&stage, &stage},
#else
    .stages = {&stage},
#endif
};

const struct rp_plugin *rp_plugin(void) {
#if BROKEN == MISSING
    rp_from_a_newer_version();
#endif
    return BROKEN == NOTHING ? NULL : &plugin;
}
