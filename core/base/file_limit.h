/* How many files the process may have open. */
#ifndef CORE_BASE_FILE_LIMIT_H
#define CORE_BASE_FILE_LIMIT_H

void file_limit_raise(void); /* connections are files: takes as many as the system lets us have */

#endif
