// SPDX-License-Identifier: MIT
// The table of commands and the way to them. Help, completion and the man page are made from it:
// a command that is not in it does not exist, and one that is must have its function.
#include "cli/command.h"
#include "base/failpoint.h"
#include "base/option.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command commands[] = {
    {"run", "run a pipeline",
     "firesteel run pipelines/devices/devices.sql\n"
     "firesteel run --once devices.sql            # what exists now, then end\n"
     "firesteel run --batch devices.sql           # all of it, every window closed\n"
     "firesteel run devices.sql --with events.connector=files --with events.path='in/*.jsonl'\n"
     "firesteel run bronze_to_silver.sql --every '1 hour' --min-quality 95\n"
     "firesteel run devices.sql -D KAFKA_TOPIC=input_events --http 127.0.0.1:8080\n",
     command_run},
    {"check", "find the mistakes in pipeline files without running them",
     "firesteel check devices.sql\n"
     "firesteel check pipelines/*/*.sql --json\n",
     command_check},
    {"plan", "show the plan of a pipeline, and what a changed file would do to its state",
     "firesteel plan devices.sql\n"
     "firesteel plan devices.sql --json\n",
     command_plan},
    {"explain", "tell in words what a pipeline does and promises, or what an error code means",
     "firesteel explain devices.sql\n"
     "firesteel explain E0123\n",
     command_explain},
    {"test", "run the tests in .test.sql files, with a simulated clock",
     "firesteel test pipelines\n"
     "firesteel test devices.test.sql --crash     # again, killed at every commit step\n"
     "firesteel test pipelines --junit report.xml\n",
     command_test},
    {"init", "make a first pipeline with its test in a new folder", "firesteel init my_pipeline\n",
     command_init},
    {"generate", "write made-up events, the same for the same seed",
     "firesteel generate devices --rows 1000000 --seed 7 --to events/\n"
     "firesteel generate devices --rows 10 --to -\n",
     command_generate},
    {"serve", "run the schedules of the pipelines in a folder, and serve the figures of their runs",
     "firesteel serve pipelines/clinical\n"
     "firesteel serve pipelines/clinical --http 0.0.0.0:8000\n",
     command_serve},
    {"replay", "send quarantined rows through the pipeline again, exactly once",
     "firesteel replay devices.sql\n", command_replay},
    {"state", "look into a checkpoint: show, verify, export, repair, adopt",
     "firesteel state show .firesteel/devices\n"
     "firesteel state verify .firesteel/devices\n",
     command_state},
    {"connectors", "list the connectors and their options",
     "firesteel connectors\n"
     "firesteel connectors files\n",
     command_connectors},
    {"version", "print the version", "firesteel version\nfiresteel version --json\n",
     command_version},
    {"completion", "print the completion script of a shell",
     "firesteel completion bash > /etc/bash_completion.d/firesteel\n"
     "firesteel completion zsh > ~/.zfunc/_firesteel\n"
     "firesteel completion fish > ~/.config/fish/completions/firesteel.fish\n",
     command_completion},
    {"man", "print the man page", "firesteel man | man -l -\n", command_man},
};
const size_t commands_len = COUNT_OF(commands);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < commands_len; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static void print_commands(FILE *out)
{
    fprintf(out, "firesteel - data pipelines as one SQL file, exactly once\n\n"
                 "Examples:\n"
                 "  firesteel run pipelines/devices/devices.sql\n"
                 "  firesteel check devices.sql\n"
                 "  firesteel test pipelines\n\n"
                 "Commands (firesteel COMMAND --help tells more):\n");
    for (size_t i = 0; i < commands_len; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
}

static int unknown_command(const char *name)
{
    const char *names[COUNT_OF(commands)];
    size_t count = 0;
    for (size_t i = 0; i < commands_len; i++)
        names[count++] = commands[i].name;
    const char *nearest = nearest_name(str_of(name), names, count);
    if (nearest != NULL)
        fprintf(stderr, "firesteel: unknown command '%s', did you mean '%s'?\n", name, nearest);
    else
        fprintf(stderr, "firesteel: unknown command '%s'; firesteel --help lists them\n", name);
    return EXIT_USAGE;
}

int command_dispatch(int argc, char **argv)
{
    failpoint_init_from_environment();
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    bool help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    if (help && argc < 3) {
        print_commands(stdout);
        return EXIT_DONE;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    if (help) // firesteel help run = firesteel run --help
        name = argv[2];
    const struct command *command = command_find(name);
    if (command == NULL)
        return unknown_command(name);
    if (help) {
        char help_flag[] = "--help";
        char *words[] = {argv[2], help_flag, NULL};
        return command->run(2, words);
    }
    return command->run(argc - 1, argv + 1);
}

int command_fail(const struct error *err)
{
    const char *before = command_has_color(STDERR_FILENO) ? "\033[31m" : "";
    const char *after = before[0] == 0 ? "" : "\033[0m";
    fprintf(stderr, "firesteel: %serror%s%s%s: %s\n", before, err->code[0] == 0 ? "" : " ",
            err->code, after, err->text);
    return error_exit_code(err);
}

bool command_has_color(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    if (no_color != NULL && no_color[0] != 0)
        return false;
    return isatty(fd) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}
