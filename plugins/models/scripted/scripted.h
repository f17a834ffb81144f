/* What the files of this plugin share. plugin.c: options; script.c: the replies, read once; reply.c: one turn. */
#ifndef SCRIPTED_H
#define SCRIPTED_H

#include <stdatomic.h>

#include <repartee/repartee.h>

struct scripted_options {
    struct rp_option_list replies, takes;
    bool cycle;
    int64_t first, delay;
};

struct piece {
    struct rp_str text; /* with {placeholders}; of a call: its arguments */
    struct rp_str tool; /* the name of the tool that is called; empty: none */
    int fault;          /* RP_E…: the reply breaks here; 0: text */
};
struct script {
    struct piece *pieces;
    size_t count;
};
/* Made in open; only `next` changes. */
struct scripted {
    const struct scripted_options *options;
    struct script *scripts;
    size_t count;
    atomic_size_t next; /* turns so far, of all workers */
};

/* script.c */
int scripted_check(const void *options, struct rp_error *error);
int scripted_open(struct rp_element *element, struct rp_error *error);
void scripted_close(struct rp_element *element);
/* Cuts a reply where told; the memory is the script's. 0, or -RP_ECONFIG. */
int script_read(struct script *script, const char *reply, struct rp_error *error);
void script_finish(struct script *script);

/* reply.c */
unsigned scripted_ability(const char *name); /* RP_TAKES_…, or 0 */
unsigned scripted_takes(const struct rp_model *model);
struct rp_source *scripted_ask(struct rp_model *model, struct rp_turn *turn, const struct rp_call *call);

#endif
