/* Requests of turns that can wait go to the provider's batch endpoint: gathered for a moment, handed in together, looked
 * after until the provider is done, and each given its own result, which then is judged like any response.
 *
 *     ask ──▶ bulk_add ──▶ item (one request body) ──▶ batch: gathering ─▶ noting ─▶ [uploading ▶] submitting ─▶ waiting ⇄
 *     polling ─▶ fetching ──▶ bulk_give ──▶ intake_end ──▶ judge, retry, pay as always
 *
 * Everything here belongs to one element on one worker. bulk.c: what comes and goes, and where the server has no such
 * endpoint; bulk_items.c: requests by their id; bulk_input.c: what is handed in; bulk_batch.c: the life of one batch;
 * bulk_submit.c: handing it in; bulk_find.c: a batch that was handed in without our hearing of it; bulk_results.c: its
 * results; bulk_call.c: one exchange with the server; bulk_notes.c: what outlives the process.
 *
 * Nothing is paid twice. Before a batch is handed in, a note of it is on the disk (where `repartee batch` keeps such
 * notes), with the ids of its requests; its id is added when the provider has given it. An id is a hash of the request's
 * body: a later run that makes the same request waits for the batch which has it. When it is not known whether the provider
 * has taken a batch, since the connection broke or the process died, its list of batches is asked before anything is handed
 * in again. OpenAI keeps a marker with each batch. Anthropic does not, nor do some servers like OpenAI's: there one with as
 * many requests that is not older counts as ours, until its results show that it is not. While the list cannot be had,
 * nothing is handed in. */
#ifndef CORE_REMOTE_BULK_H
#define CORE_REMOTE_BULK_H

#include "core/remote/internal.h"

#define BULK_HASH 32                    /* bytes of an id */
#define BULK_NAME_SIZE (2 * BULK_HASH + 1) /* it in hex, with its NUL */
#define BULK_REPLY_MAX (4 * 1024 * 1024) /* bytes of a response that is no results: a page of a list at most */
#define BULK_RESULT_MAX (BODY_MAX + 64 * 1024) /* bytes of one line of results */
#define BULK_GATHER_TIMES 10            /* no batch gathers for longer than so many times bulk_wait */
#define BULK_SINGLES 8                  /* requests under way at once where there is no batch endpoint */
#define BULK_POLL_FAILURES 20           /* looks in a row that may fail before it is given up */
#define BULK_AFTER_MAX_MS (60 * 60 * 1000) /* a Retry-After is obeyed up to here */
#define BULK_LOOKS 2                    /* at the list, before a batch counts as not handed in */
#define BULK_WRONG_MAX 8                /* batches that looked like ours and were not */

/* ---- requests by their id ---------------------------------------------------------------------------------------- */

struct bulk_node {
    unsigned char id[BULK_HASH];
    struct bulk_node *chain;
};
struct bulk_table {
    struct bulk_node **slots;
    size_t size, count;
};
void bulk_table_add(struct bulk_table *table, struct bulk_node *node); /* behind those with the same id */
struct bulk_node *bulk_table_find(const struct bulk_table *table, const unsigned char id[BULK_HASH]); /* the first */
void bulk_table_remove(struct bulk_table *table, struct bulk_node *node);
void bulk_table_finish(struct bulk_table *table); /* the nodes are the caller's */
void bulk_hash(struct rp_str body, unsigned char out_id[BULK_HASH]);
void bulk_name(const unsigned char id[BULK_HASH], char out_name[BULK_NAME_SIZE]);
bool bulk_unname(struct rp_str name, unsigned char out_id[BULK_HASH]);

/* One request body, and who waits for its answer. */
struct bulk_item {
    struct bulk_node node; /* first */
    struct bulk_batch *batch;
    struct bulk_item *next, *prev; /* in the batch */
    struct ask *asks;              /* those who wait; none: they have left */
    size_t at, len;                /* in the batch's input */
};

/* ---- notes of what was handed in --------------------------------------------------------------------------------- */

struct bulk_ids {
    unsigned char (*ids)[BULK_HASH];
    size_t count;
};
/* A batch handed in, by this process or an earlier one. */
struct bulk_note {
    struct bulk_note *next;
    char marker[RP_ID_SIZE];
    char id[RP_BULK_ID_SIZE]; /* the provider's; empty: not known to us */
    char key[17];             /* a hash of the API key's */
    int64_t made_ms;
    int64_t total;
    size_t open;              /* its requests that can still be asked for: in `past` */
    bool kept;                /* there is a file of it */
    struct bulk_batch *batch; /* waits for it */
    struct bulk_ids ids;      /* only while notes are loaded */
};
/* A request of such a batch that nobody waits for now. */
struct bulk_past {
    struct bulk_node node; /* first */
    struct bulk_note *note;
};

/* Reads the text of a note's file. 0; -RP_EJSON with what is wrong in `error`; -RP_ENOTFOUND: its first line is torn, so
 * nothing was handed in. `url`: the endpoint's, which the note must name, else it is another's: 0 and no ids. */
int bulk_note_read(struct rp_str text, const char *url, struct bulk_note *note, struct bulk_ids *out_ids,
                   struct rp_error *error);
void bulk_key_mark(const char *key, char out[17]);

/* ---- an exchange ------------------------------------------------------------------------------------------------- */

enum bulk_again { /* whether a failed request may be sent again */
    BULK_ONCE,
    BULK_REFUSED, /* when it certainly was not taken */
    BULK_ALWAYS,
};
struct bulk_request {
    const char *what;          /* for the log: "the upload of a batch" */
    const char *method, *url;  /* copied */
    const char *type;          /* the field Content-Type; NULL: JSON, or no body */
    struct rp_str body;
    enum bulk_again again;
};
struct bulk_call {
    struct bulk *bulk;
    struct bulk_request request;
    struct rp_buf url;
    struct key_use use;
    int64_t retries;
    struct rp_fetch *fetch;
    struct rp_timer timer;
    struct rp_buf reply;
    struct rp_answer answer; /* what a refusal said */
    int64_t retry_after_ms;  /* of the last response; -1: none */
    struct outcome failed;   /* to be told when the stack is free */
    /* Once, unless it is ended before; the call may be used again in it. Code 0: `reply` is what a status of 200 to 299
     * came with. */
    void (*done)(struct bulk_call *call, const struct outcome *outcome);
};
void bulk_call_init(struct bulk_call *call, struct bulk *bulk);
void bulk_call_start(struct bulk_call *call, const struct bulk_request *request);
void bulk_call_end(struct bulk_call *call); /* no callback follows; frees what it holds */
/* The header of a request with this key, its Content-Type replaced unless `type` is NULL; free it. */
const char **bulk_call_fields(const struct remote_key *key, const char *type);

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

enum bulk_stage {
    BULK_GATHERING,
    BULK_NOTING,     /* the note goes to the disk */
    BULK_UPLOADING,
    BULK_SUBMITTING,
    BULK_FINDING,    /* was it taken? */
    BULK_WAITING,    /* for the next look, or for the disk */
    BULK_POLLING,
    BULK_FETCHING,
};
struct bulk_batch {
    struct bulk *bulk;
    struct bulk_batch *next, *prev;
    enum bulk_stage stage;
    struct bulk_note *note;   /* NULL while it gathers */
    struct bulk_item *items, *last; /* without an answer, as they came */
    size_t count, waited;     /* of these; of these with somebody waiting */
    int64_t born_ms;
    bool adopted;             /* from a run before, or left and found again: what it does not answer is asked anew */
    bool guessed;             /* that it is ours is not certain */
    struct rp_buf input;
    char type[96];            /* the field Content-Type of it; empty: JSON */
    char boundary[RP_ID_SIZE];
    size_t begin;             /* of the first request in it */
    size_t dead;              /* bytes in it that nobody waits for any more */
    struct bulk_call call;
    struct rp_timer timer;
    int64_t wait_ms;          /* until the next look */
    unsigned failures, gone;  /* looks in a row that failed; that found nothing */
    unsigned looks, pages;    /* at the list of batches */
    bool giving;              /* its items are being answered: who leaves now does not end it */
    struct rp_bulk_batch told; /* what the provider said last */
    char wrong[BULK_WRONG_MAX][RP_BULK_ID_SIZE];
    unsigned wrong_count;
    struct note_write *write; /* under way */
    struct {                  /* of the results */
        struct rp_fetch *fetch;
        struct rp_lines lines;
        unsigned part;
        int64_t attempts;
        size_t broken; /* lines that were none */
        size_t expired;
        bool ours;     /* one of its lines was for us */
        bool late;     /* somebody came while they were read */
        struct rp_buf refusal;
    } get;
};

/* bulk_batch.c */
struct bulk_batch *bulk_batch_create(struct bulk *bulk);
struct bulk_batch *bulk_batch_adopt(struct bulk *bulk, struct bulk_note *note); /* waits for a batch that runs */
void bulk_batch_destroy(struct bulk_batch *batch);
struct bulk_batch *bulk_batch_of(struct rp_timer *timer);
struct bulk_batch *bulk_batch_at(struct bulk_call *call);
void bulk_batch_wait(struct bulk_batch *batch, int64_t ms, void (*run)(struct rp_timer *timer));
void bulk_batch_known(struct bulk_batch *batch); /* its id stands in the note: look after it */
/* The ends; the batch is gone afterwards. All its items are asked anew. */
void bulk_batch_again(struct bulk_batch *batch);
/* It is over and has no answers, or was not taken: its items fail, or are asked anew where it was adopted. */
void bulk_batch_lost(struct bulk_batch *batch, const struct outcome *outcome);
/* How it stands cannot be learnt: its items fail; the note stays, so that who asks again waits for it again. */
void bulk_batch_give_up(struct bulk_batch *batch, const struct outcome *outcome);
void bulk_batch_leave(struct bulk_batch *batch); /* nobody waits any more */
/* It was not taken, since there is too much already: it is handed in again later, and is not gone. */
void bulk_batch_turned_away(struct bulk_batch *batch, const struct outcome *outcome);

/* bulk_input.c */
int bulk_input_begin(struct bulk_batch *batch);
int bulk_input_add(struct bulk_batch *batch, struct bulk_item *item, struct rp_str body);
int bulk_input_end(struct bulk_batch *batch); /* and its content type */

/* bulk_submit.c */
void bulk_submit(struct bulk_batch *batch); /* gathering is over */

/* bulk_find.c */
void bulk_find(struct bulk_batch *batch);
void bulk_find_other(struct bulk_batch *batch); /* the one that was found is not ours */

/* bulk_results.c */
void bulk_results(struct bulk_batch *batch);
void bulk_results_end(struct bulk_batch *batch); /* drops what is under way */

/* ---- the collector ----------------------------------------------------------------------------------------------- */

struct bulk {
    struct remote *remote;
    struct rp_worker *worker;
    char *url, *files_url;       /* the endpoint's */
    const char *folder;          /* of the notes; NULL: none are kept */
    struct bulk_table items;
    struct bulk_table past;
    struct bulk_note *notes;     /* oldest first */
    struct bulk_batch *batches;
    struct bulk_batch *gathering; /* one of them */
    unsigned turned_away;        /* times in a row */
    int64_t not_taken;           /* the same: handed in, and not in the provider's list */
    bool missing;                /* the server has no such endpoint */
    struct ask *queue, **queue_end; /* for a request of their own, then */
    struct rp_task task;         /* lets them begin */
    unsigned singles;            /* of these under way */
    bool left;                   /* somebody has left without an answer */
};

/* bulk.c */
int bulk_open(struct rp_element *element, struct rp_worker *worker, struct bulk **out, struct rp_error *error);
void bulk_close(struct bulk *bulk); /* all turns have ended */
bool bulk_takes(const struct bulk *bulk, const struct rp_turn *turn); /* takes NULL */
void bulk_add(struct ask *ask);         /* with its request; ends in intake_end or attempt_failed, or in a request of its own */
void bulk_remove(struct ask *ask);      /* it waits no more; not waiting: no effect */
void bulk_single_over(struct ask *ask); /* a request of its own has ended; none: no effect */
void bulk_place(struct bulk *bulk, struct bulk_item *item); /* into a batch that has it, or into the one that gathers */
/* To all who wait for it: a result, or why there is none. The item is gone afterwards. */
void bulk_give(struct bulk_item *item, const struct rp_bulk_result *result, const struct outcome *failure);
void bulk_item_unlink(struct bulk_item *item); /* out of its batch */
void bulk_item_destroy(struct bulk *bulk, struct bulk_item *item);
void bulk_fall_back(struct bulk_batch *batch); /* the server has no such endpoint */
void bulk_log(const struct bulk *bulk, enum rp_log_level level, const char *batch, const char *format, ...)
    RP_PRINTF(4, 5);
void bulk_count(const struct bulk *bulk, const char *outcome); /* a batch's, in the metrics */

/* bulk_notes.c */
int bulk_notes_load(struct bulk *bulk, struct rp_error *error);
struct bulk_note *bulk_note_create(struct bulk *bulk);
void bulk_notes_forget(struct bulk *bulk, struct bulk_note *note); /* and its file */
void bulk_notes_leave(struct bulk *bulk); /* at the end: takes away what is settled */
void bulk_note_reopen(struct bulk *bulk, struct bulk_note *note, const unsigned char id[BULK_HASH]);
/* Writes the whole note, or its id, to the disk; done(batch, code) later, unless the batch ends before. */
void bulk_note_write(struct bulk_batch *batch, void (*done)(struct bulk_batch *batch, int code));
void bulk_note_add_id(struct bulk_batch *batch, void (*done)(struct bulk_batch *batch, int code));
void bulk_note_drop_write(struct bulk_batch *batch);

#endif
