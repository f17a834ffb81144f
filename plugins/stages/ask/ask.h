/* The stage: what its files share. */
#ifndef ASK_ASK_H
#define ASK_ASK_H

#include <repartee/plugin.h>

struct ask_options {
    struct rp_model *model;
    const char *system;
    int64_t history;
    int64_t history_size;
    int64_t images;
};

extern const struct rp_stage_type ask_stage; /* ask.c */
extern const struct rp_option ask_table[];   /* plugin.c */

#endif
