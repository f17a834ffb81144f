/* The reader: each call sees what is committed at its moment. A list is read in steps, with others in between. */
#include "sqlite.h"

static void run(struct database *database, struct call *call) {
    int code = rows_do(&database->reader, call);
    if (code == SQLITE_DONE) {
        health_good(&database->reading);
        return;
    }
    rp_buf_clear(&call->out);
    call->code = -RP_EIO;
    health_bad(&database->reading, sqlite3_errstr(code), 1);
}

void reader_main(void *arg) {
    struct database *database = arg;
    struct line batch;
    line_init(&batch);
    while (queue_take_reads(&database->queue, &batch)) {
        for (struct call *call = batch.first; call; call = call->next) run(database, call);
        queue_settle(&database->queue, &batch);
        inbox_answer_all(&batch);
    }
}
