// SPDX-License-Identifier: MIT
// Command line parsing by table: one row per flag drives parsing, --help, completion and man page.
//   static const struct flag flags[] = {
//       {"batch", 0, FLAG_BOOL, NULL, "close all windows", offsetof(struct run_flags, batch)},
//       {"define", 'D', FLAG_PAIRS, "NAME=value", "for ${NAME}", offsetof(struct run_flags,
//       defines)},
//   };
// Accepted: --name value, --name=value, -D NAME=value, -DNAME=value. `--` ends the flags and all
// that follows is `rest`. A word that does not begin with '-' (or is "-") is positional.
#ifndef FIRESTEEL_ARGUMENTS_H
#define FIRESTEEL_ARGUMENTS_H

#include "base/arena.h"
#include "base/error.h"

struct words {
    const char **items; // in the arena; the texts are those of argv
    size_t len;
};

enum flag_kind {
    FLAG_BOOL,     // bool; also --name=false and --no-name
    FLAG_TEXT,     // const char *; NULL when not given
    FLAG_INT,      // int64_t
    FLAG_DOUBLE,   // double
    FLAG_DURATION, // int64_t microseconds
    FLAG_WORDS,    // struct words: may be repeated
    FLAG_PAIRS, // struct words: may be repeated, each name=value (arguments_split takes it apart)
};

struct flag {
    const char *name; // without the dashes
    char letter;      // 0: none
    enum flag_kind kind;
    const char *value; // what stands for the value in help; NULL for FLAG_BOOL
    const char *help;  // one line
    size_t offset; // of the member in the command's own struct; what is not given stays as it was
};

struct usage {
    const char *positional;                // as in help: "PIPELINE.sql", "FILE ..", or ""
    size_t positional_min, positional_max; // SIZE_MAX: any number
    bool takes_rest;                       // words after `--` are allowed
    const struct flag *flags;
    size_t flags_len;
};

struct arguments {
    struct words positional;
    struct words rest; // after `--`
};

// argv[0] is the command's name (its summary and examples come from the table of commands). False:
// leave with *exit_code: EXIT_DONE after --help, EXIT_USAGE after a message on stderr.
MUST_USE bool arguments_parse(const struct usage *usage, int argc, char **argv, void *target,
                              struct arguments *arguments, struct arena *arena, int *exit_code);
// "name=value" at the first '='. False when there is none or the name is empty.
MUST_USE bool arguments_split(const char *word, struct str *name, struct str *value);

// How --help prints: for people, or as a section of the man page (command man runs every command's
// --help this way, so the page cannot differ from the help), or as flag names for completion.
enum help_form { HELP_TEXT, HELP_MAN, HELP_WORDS };
void arguments_set_help_form(enum help_form form);

#endif
