/* Any text as a conversation test: reading it ends, tells mistakes or gives steps; and what --update makes of a file in
 * which every reply is another one can be read again. */
#include <stdint.h>
#include <stdlib.h>

#include "core/testing/update.h"

static void rewrite(const struct chat_file *file) {
    struct outcome outcomes[64];
    size_t count = 0;
    for (const struct chat_step *step = file->steps; step && count < 64; step = step->next) {
        if (step->kind > STEP_EVENT) continue;
        outcomes[count] = (struct outcome){.step = step, .by = "rule:x", .message = "", .reply = RP_STR("one\n\ntwo")};
        if (step->line % 3 == 0) outcomes[count].code = RP_ERATE;
        if (count > 0) outcomes[count - 1].next = &outcomes[count];
        count++;
    }
    struct rp_buf out;
    struct chat_file again;
    struct report report = {0};
    rp_buf_init(&out, 64 << 20);
    update_text(file, count ? outcomes : NULL, &out);
    if (chat_file_read(&again, "again.chat", rp_buf_str(&out), true, &report) != 0) abort();
    if (again.messages != file->messages) abort();
    chat_file_finish(&again);
    report_finish(&report);
    rp_buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct chat_file file;
    struct report report = {0};
    int code = chat_file_read(&file, "a.chat", rp_str_n((const char *)data, size), true, &report);
    if (code != 0 && report.errors == 0) abort();
    if (code == 0) rewrite(&file);
    chat_file_finish(&file);
    report_finish(&report);
    return 0;
}
