/* Where plugins are: the folders that are looked through, in order. */
#ifndef CORE_HOST_LOOKUP_H
#define CORE_HOST_LOOKUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* The program that runs, and the file that this code was loaded from: the library, or a program that contains it. Both
 * resolved. 0 or -RP_EIO. */
int lookup_program(char out_path[PATH_MAX]);
int lookup_library(char out_path[PATH_MAX]);
/* The folder of the plugins that belong to this program: its build tree's or its installation's. False: there is none.
 * In lookup_own.c alone, so that a test can stand on its own plugins. */
bool lookup_own_plugins(char out_path[PATH_MAX]);
/* The length of the part that both paths share, in whole folders: 4 for "/usr/lib/a" and "/usr/lib64/b". */
size_t lookup_common_folder(const char *left, const char *right);

#endif
