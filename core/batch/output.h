/* The file that results are written to, and that a later run goes on with.
 *
 *   output_open    opens and locks it; what it holds already goes into the ledger. Nothing is changed yet.
 *   output_tidy    takes out what is to be asked again: errors, and a last line that was torn. From here on the file has
 *                  one line for each item that has a reply, and at most one more for each that this run fails at.
 *
 * What is no regular file (a pipe, /dev/null) is only written to. */
#ifndef CORE_BATCH_OUTPUT_H
#define CORE_BATCH_OUTPUT_H

#include "core/batch/ledger.h"

#define OUTPUT_TIDY ".tidy" /* behind the name of the file: where a tidied one is put together */

struct output {
    const char *name; /* for messages */
    char *path;       /* with no symbolic link in it; NULL: no regular file */
    int fd, old_fd;   /* old_fd: the file that a tidied one has replaced, still locked; -1: none */
    int64_t failed;   /* errors in it */
    int64_t whole;    /* bytes up to the end of the last whole line */
    int64_t size;
    struct ledger ledger;
};

/* "-" is stdout. 0, -RP_EIO, or -RP_EINVALID for a file that is not a batch's. */
int output_open(struct output *output, const char *path, struct rp_error *error);
int output_tidy(struct output *output, struct rp_error *error); /* 0 or -RP_EIO; then the file is as it was */
void output_close(struct output *output);

#endif
