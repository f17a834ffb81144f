/* What option tables say, in words, and whether a table itself is in order. */
#ifndef CORE_CONFIG_OPTION_TABLE_H
#define CORE_CONFIG_OPTION_TABLE_H

#include <repartee/option.h>

#include "core/config/node.h"

#define OPTION_TEXT_SIZE 160

const char *option_type_name(enum rp_option_type type); /* "duration" */
size_t option_field_size(enum rp_option_type type);     /* bytes in the options struct; 0: no such type */
bool option_is_secret(enum rp_option_type type);        /* its value is never printed */
bool option_is_list(enum rp_option_type type);          /* takes several values */
bool option_is_bounded(const struct rp_option *option);
/* "1 to 100", "at least 1s", "" without bounds. */
const char *option_range(const struct rp_option *option, char space[OPTION_TEXT_SIZE]);
/* "a rate such as \"5/s\"": what a value has to be. */
const char *option_expected(const struct rp_option *option, char space[OPTION_TEXT_SIZE]);
/* The default as the bot file would have it; NODE_NIL without one. 0, or -RP_ECONFIG for a text that is none. */
int option_default(struct rp_arena *arena, const struct rp_option *option, struct node *out_node);
/* 0, or -RP_EPLUGIN with the first thing that is wrong with a table: offsets, names, choices, defaults. */
int option_table_check(const struct rp_option *table, size_t options_size, struct rp_error *error);

#endif
