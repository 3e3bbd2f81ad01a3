// SPDX-License-Identifier: MIT
// firesteel man: the man page in troff, made by running every command's --help in man form.
#include "cli/arguments.h"
#include "cli/command.h"
#include <stdio.h>

static const char head[] =
    ".TH FIRESTEEL 1 \"\" \"firesteel " FIRESTEEL_VERSION "\"\n"
    ".SH NAME\nfiresteel \\- data pipelines as one SQL file, exactly once\n"
    ".SH SYNOPSIS\n\\fBfiresteel\\fR COMMAND [flags]\n"
    ".SH DESCRIPTION\nRuns data pipelines that are written as a single SQL "
    "file, streaming or batch, on one machine. Data goes to standard output, "
    "messages to standard error.\n"
    ".SH COMMANDS\n";
static const char tail[] =
    ".SH EXIT STATUS\n"
    ".TP\n0\ndone\n.TP\n1\nfailed; the message says what to do\n.TP\n2\nwrong use of the command "
    "line\n.TP\n3\na quality gate failed\n.TP\n4\ndata would be lost or doubled: refused\n"
    ".TP\n75\nan outside system or the lock is not to be had now; try later\n"
    ".TP\n78\nthe pipeline file or an option is wrong\n"
    ".SH ENVIRONMENT\n.TP\nNO_COLOR\nno colour when set and not empty\n";

int command_man(int argc, char **argv)
{
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = ""};
    int exit_code;
    if (!arguments_parse(&usage, argc, argv, NULL, &arguments, &arena, &exit_code))
        return exit_code;
    fputs(head, stdout);
    arguments_set_help_form(HELP_MAN);
    for (size_t i = 0; i < commands_len; i++) {
        char name[32], help_flag[] = "--help";
        snprintf(name, sizeof(name), "%s", commands[i].name);
        char *words[] = {name, help_flag, NULL};
        commands[i].run(2, words);
    }
    arguments_set_help_form(HELP_TEXT);
    fputs(tail, stdout);
    return EXIT_DONE;
}
