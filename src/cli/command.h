// SPDX-License-Identifier: MIT
// The commands of the program, one file each (src/cli/<name>.c with command_<name>). The table
// drives dispatch, help, shell completion and the man page. Data goes to stdout, messages to
// stderr.
#ifndef FIRESTEEL_COMMAND_H
#define FIRESTEEL_COMMAND_H

#include "base/error.h"

struct command {
    const char *name;
    const char *summary;  // one line, lower case, no full stop
    const char *examples; // whole lines, each "firesteel .."
    // argv[0] is the command's name. Returns the exit code. NULL: not in this build, not listed.
    int (*run)(int argc, char **argv);
};

extern const struct command commands[];
extern const size_t commands_len;
const struct command *command_find(const char *name); // NULL: unknown or not in this build
int command_dispatch(int argc, char **argv);          // argv of main
// Prints the error on stderr ("firesteel: error E0123: text") and returns its exit code.
int command_fail(const struct error *err);
// Whether to use colour on this descriptor: a terminal, and neither NO_COLOR nor TERM=dumb.
bool command_has_color(int fd);

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_test(int argc, char **argv);
int command_init(int argc, char **argv);
int command_generate(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_state(int argc, char **argv);
int command_connectors(int argc, char **argv);
int command_version(int argc, char **argv);
int command_completion(int argc, char **argv);
int command_man(int argc, char **argv);

#endif
