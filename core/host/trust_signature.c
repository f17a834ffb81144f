/* Detached Ed25519 signatures over plugin files, and the key that they are checked against. */
#include <ctype.h>
#include <sodium.h>

#include "core/config/file.h"
#include "core/host/trust.h"

_Static_assert(TRUST_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "a public key");

#define TEXT_MAX 4096 /* bytes of a key or signature file */

/* Exactly `size` bytes, bare or as hex or base64, blanks around it allowed. */
static bool decode(struct rp_str text, unsigned char *out, size_t size) {
    if (text.len == size) {
        memcpy(out, text.data, size);
        return true;
    }
    while (text.len > 0 && isspace((unsigned char)text.data[text.len - 1])) text.len--;
    while (text.len > 0 && isspace((unsigned char)*text.data)) text = rp_str_n(text.data + 1, text.len - 1);
    size_t len;
    if (text.len == 2 * size)
        return sodium_hex2bin(out, size, text.data, text.len, NULL, &len, NULL) == 0 && len == size;
    return sodium_base642bin(out, size, text.data, text.len, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           len == size;
}

int trust_key(const char *text, const char *folder, unsigned char out_key[TRUST_KEY_SIZE], struct rp_error *error) {
    unsigned char key[TRUST_KEY_SIZE];
    struct rp_str content;
    const char *why = NULL;
    if (sodium_init() < 0) return rp_error_set(error, RP_EINTERNAL, "the crypto library does not start");
    if (strlen(text) != TRUST_KEY_SIZE && decode(rp_str(text), key, sizeof key)) {
        memcpy(out_key, key, sizeof key);
        return 0;
    }
    struct rp_arena *arena = rp_arena_create();
    const char *path = *text == '/' ? text : rp_arena_printf(arena, "%s/%s", folder, text);
    int code = 0;
    if (file_read(arena, path, TEXT_MAX, &content, &why))
        code = rp_error_set(error, RP_ECONFIG, "'%s' is neither a public key nor a file with one: %s", text, why);
    else if (!decode(content, key, sizeof key))
        code = rp_error_set(error, RP_ECONFIG, "the file '%s' does not hold an Ed25519 public key", text);
    else memcpy(out_key, key, sizeof key);
    rp_arena_destroy(arena);
    return code;
}

int trust_signature(const char *path, struct rp_str bytes, const unsigned char key[TRUST_KEY_SIZE],
                    struct rp_error *error) {
    unsigned char signature[crypto_sign_BYTES];
    struct rp_str content;
    const char *why = NULL;
    struct rp_arena *arena = rp_arena_create();
    const char *file = rp_arena_printf(arena, "%s.sig", path);
    int code = 0;
    if (file_read(arena, file, TEXT_MAX, &content, &why))
        code = rp_error_set(error, RP_EPLUGIN, "it is not signed: %s: %s", file, why);
    else if (!decode(content, signature, sizeof signature))
        code = rp_error_set(error, RP_EPLUGIN, "%s does not hold a signature", file);
    else if (crypto_sign_verify_detached(signature, (const unsigned char *)bytes.data, bytes.len, key) != 0)
        code = rp_error_set(error, RP_EPLUGIN, "its signature is not one of the trusted key over this file");
    rp_arena_destroy(arena);
    return code;
}
