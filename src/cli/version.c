// SPDX-License-Identifier: MIT
// firesteel version: of the program, of the compiler, and of the formats on disk that it writes.
#include "cli/arguments.h"
#include "cli/command.h"
#include <stdio.h>

struct version_flags {
    bool json;
};

static const struct flag flags[] = {
    {"json", 0, FLAG_BOOL, NULL, "as JSON", offsetof(struct version_flags, json)},
};

int command_version(int argc, char **argv)
{
    struct version_flags version = {0};
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = "", .flags = flags, .flags_len = COUNT_OF(flags)};
    int exit_code;
    if (!arguments_parse(&usage, argc, argv, &version, &arguments, &arena, &exit_code))
        return exit_code;
    if (version.json)
        printf("{\"version\":\"%s\",\"compiler\":\"%s\"}\n", FIRESTEEL_VERSION, __VERSION__);
    else
        printf("firesteel %s (compiler %s)\n", FIRESTEEL_VERSION, __VERSION__);
    return EXIT_DONE;
}
