/* A folder of rule files for one test, in the system's place for temporary files. */
#ifndef TESTS_RULES_FOLDER_H
#define TESTS_RULES_FOLDER_H

void folder_make(void);                                /* an empty one; becomes the working directory */
void folder_write(const char *path, const char *text); /* "rules/a.lua"; makes the folders above it */
const char *folder_path(void);
const char *folder_rules(void); /* its "rules" */
void folder_remove(void);

#endif
