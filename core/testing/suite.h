/* `repartee test`: all conversation tests of a bot, one after the other. */
#ifndef CORE_TESTING_SUITE_H
#define CORE_TESTING_SUITE_H

#include <repartee/base.h>

struct suite_options {
    const char *bot;
    char **paths; /* files and folders; none: what stands beside the bot */
    int path_count;
    const char *filter; /* only files whose name this pattern finds; NULL: all */
    const char *junit;  /* NULL: no file */
    bool update, coverage, shred, verbose;
    double least; /* per cent of the coverage, below which the tests fail */
    uint64_t seed;
};

int suite_run(const struct suite_options *options); /* the exit code */

#endif
