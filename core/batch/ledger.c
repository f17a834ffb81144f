/* A table by line number, and the few members of an output line that it is made from. */
#include "core/batch/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include <repartee/json_scan.h>

void ledger_finish(struct ledger *ledger) {
    free(ledger->hashes);
    *ledger = (struct ledger){0};
}

static void grow(struct ledger *ledger, size_t size) {
    size_t larger = ledger->size ? ledger->size : 1024;
    while (larger < size) larger *= 2;
    ledger->hashes = rp_realloc(ledger->hashes, larger * sizeof(*ledger->hashes));
    memset(ledger->hashes + ledger->size, 0, (larger - ledger->size) * sizeof(*ledger->hashes));
    ledger->size = larger;
}

void ledger_add(struct ledger *ledger, int64_t line, uint32_t hash) {
    if ((size_t)line > ledger->size) grow(ledger, (size_t)line);
    if (ledger->hashes[line - 1] == 0) ledger->count++;
    ledger->hashes[line - 1] = hash;
    if (line > ledger->last) ledger->last = line;
}

uint32_t ledger_find(const struct ledger *ledger, int64_t line) {
    return (size_t)line <= ledger->size ? ledger->hashes[line - 1] : 0;
}

/* ---- lines of the output ----------------------------------------------------------------------------------------- */

static bool read_hash(struct rp_str text, uint32_t *out_hash) {
    uint32_t hash = 0;
    if (text.len != 10 || text.data[0] != '"' || text.data[9] != '"') return false;
    for (size_t i = 1; i < 9; i++) {
        char c = text.data[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                                                : 16;
        if (digit == 16) return false;
        hash = hash << 4 | digit;
    }
    *out_hash = hash;
    return true;
}

bool ledger_read(struct rp_str text, struct ledger_entry *out_entry) {
    struct ledger_entry entry = {0};
    struct rp_scan scan;
    struct rp_str key, raw;
    bool hash = false;
    rp_scan_init(&scan, text);
    for (bool first = rp_scan_open(&scan, '{'); rp_scan_key(&scan, &first, &key);) {
        if (rp_str_is(key, "line")) {
            rp_scan_count(&scan, &entry.line);
        } else if (rp_str_is(key, "hash")) {
            hash = rp_scan_raw(&scan, &raw) && read_hash(raw, &entry.hash);
        } else {
            entry.failed = entry.failed || rp_str_is(key, "error");
            rp_scan_skip(&scan);
        }
    }
    if (!rp_scan_done(&scan) || !hash || entry.line < 1 || entry.line > LEDGER_LINES) return false;
    if (!entry.failed && entry.hash == 0) return false;
    *out_entry = entry;
    return true;
}

#define HEAD "\"line\":"

void ledger_head(char *head, size_t size, int64_t line, uint32_t hash) {
    snprintf(head, size, HEAD "%lld,\"hash\":\"%08x\"", (long long)line, (unsigned)hash);
}

bool ledger_is_torn(struct rp_str rest) {
    struct rp_str head = RP_STR("{" HEAD);
    size_t len = rest.len < head.len ? rest.len : head.len;
    while (rest.len > 0 && rest.data[rest.len - 1] == '\0') rest.len--; /* a machine that lost its power leaves zeros */
    if (rest.len < len) len = rest.len;
    return memcmp(rest.data, head.data, len) == 0;
}
