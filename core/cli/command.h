/* The sub-commands: one file each, one table in command.c. Each returns the exit code: 0 done, 1 the bot or its input is
 * wrong, 2 usage. argv[0] is the sub-command's name. */
#ifndef CORE_CLI_COMMAND_H
#define CORE_CLI_COMMAND_H

#include <repartee/error.h>

enum { EXIT_OK = 0, EXIT_BOT = 1, EXIT_USAGE = 2 };

int command_run(int argc, char **argv);
int command_chat(int argc, char **argv);
int command_check(int argc, char **argv);
int command_reload(int argc, char **argv);
int command_status(int argc, char **argv);
int command_stop(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_batch(int argc, char **argv);
int command_test(int argc, char **argv);
int command_plugins(int argc, char **argv);
int command_model(int argc, char **argv);
int command_new(int argc, char **argv);

#endif
