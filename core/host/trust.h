/* Whose plugins may be loaded: the owner and mode of files, and signatures. */
#ifndef CORE_HOST_TRUST_H
#define CORE_HOST_TRUST_H

#include <limits.h>
#include <repartee/base.h>
#include <sys/stat.h>

/* 0 when the file and each folder above it belong to root, the user who runs this, or the owner of the program itself,
 * and nobody else can write to them; sticky folders such as /tmp will do. Symbolic links are followed first: `out_path`
 * is the resolved path, `out_status` the file's. Else -RP_EPLUGIN, with a sentence that names the file or folder. */
int trust_file(const char *path, char out_path[PATH_MAX], struct stat *out_status, struct rp_error *error);

#define TRUST_KEY_SIZE 32
/* An Ed25519 public key: hex, base64, or the path of a file that holds one of them or the bare bytes. 0, or
 * -RP_ECONFIG. */
int trust_key(const char *text, const char *folder, unsigned char out_key[TRUST_KEY_SIZE], struct rp_error *error);
/* 0 when FILE.sig (the bare 64 bytes, hex or base64) is the key's signature over exactly these bytes. */
int trust_signature(const char *path, struct rp_str bytes, const unsigned char key[TRUST_KEY_SIZE],
                    struct rp_error *error);

#endif
