/* Notes of batches, which a killed process or a full disk may have left in any state: no crash, no leak, and ids only where
 * the note was taken. */
#include <assert.h>
#include <stdlib.h>

#include "core/remote/bulk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bulk_note note = {0};
    struct bulk_ids ids;
    struct rp_error error = {0};
    int rc = bulk_note_read(rp_str_n((const char *)data, size), "u", &note, &ids, &error);
    assert(rc == 0 || ids.count == 0);
    assert(strlen(note.id) < sizeof(note.id) && strlen(note.key) < sizeof(note.key));
    free(ids.ids);
    return 0;
}
