// SPDX-License-Identifier: MIT
// A pipeline file with what the command line says about it (-D, --with, --set, words after --), for
// every command that takes one.
#ifndef FIRESTEEL_LOAD_PLAN_H
#define FIRESTEEL_LOAD_PLAN_H

#include "cli/arguments.h"
#include "pipeline/plan.h"

struct plan_flags {
    struct words defines, with, set; // NAME=value, NAME.option=value, name=value
};
// Rows for a command's flag table, when its flags are a struct with a member `plan`.
#define PLAN_FLAGS(type)                                                                           \
    {"define",                                                                                     \
     'D',                                                                                          \
     FLAG_PAIRS,                                                                                   \
     "NAME=value",                                                                                 \
     "value of ${NAME}, before the environment",                                                   \
     offsetof(type, plan.defines)},                                                                \
        {"with",                                                                                   \
         0,                                                                                        \
         FLAG_PAIRS,                                                                               \
         "NAME.option=value",                                                                      \
         "replaces an option of a source or sink",                                                 \
         offsetof(type, plan.with)},                                                               \
    {                                                                                              \
        "set", 0, FLAG_PAIRS, "name=value", "replaces a SET of the file", offsetof(type, plan.set) \
    }

// Reads the file and puts the request together; everything lives in `arena`. execution: enum
// execution, or -1. False: the file cannot be read, or a --with has no NAME.option.
MUST_USE bool load_request(const char *path, const struct plan_flags *flags,
                           const struct words *rest, int execution, struct arena *arena,
                           struct plan_request *request, struct error *err);
// The plan of it, with its messages printed to stderr. NULL: *exit_code.
struct plan *load_plan(const char *path, const struct plan_flags *flags, const struct words *rest,
                       int execution, struct arena *arena, int *exit_code);

#endif
