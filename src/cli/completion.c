// SPDX-License-Identifier: MIT
// firesteel completion SHELL: scripts made from the table of commands. Flags come from running each
// command's --help in the form of bare words, so they cannot be forgotten here.
#include "cli/arguments.h"
#include "cli/command.h"
#include <stdio.h>
#include <string.h>

static void print_flags(const struct command *command)
{
    char name[32], help_flag[] = "--help";
    snprintf(name, sizeof(name), "%s", command->name);
    char *words[] = {name, help_flag, NULL};
    arguments_set_help_form(HELP_WORDS);
    command->run(2, words);
    arguments_set_help_form(HELP_TEXT);
}

static void print_names(void)
{
    for (size_t i = 0; i < commands_len; i++)
        printf(" %s", commands[i].name);
}

static void print_bash(void)
{
    printf("# bash completion for firesteel\n_firesteel() {\n"
           "  local word=${COMP_WORDS[COMP_CWORD]} flags=\n"
           "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "    COMPREPLY=($(compgen -W \"");
    print_names();
    printf("\" -- \"$word\"))\n    return\n  fi\n  case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < commands_len; i++) {
        printf("  %s) flags=\"", commands[i].name);
        print_flags(&commands[i]);
        printf(" --help\" ;;\n");
    }
    printf("  esac\n"
           "  case $word in\n"
           "  -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
           "  *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
           "  esac\n}\ncomplete -o filenames -F _firesteel firesteel\n");
}

static void print_zsh(void)
{
    printf("#compdef firesteel\n_firesteel() {\n  if (( CURRENT == 2 )); then\n"
           "    local -a names=(\n");
    for (size_t i = 0; i < commands_len; i++)
        printf("      '%s:%s'\n", commands[i].name, commands[i].summary);
    printf("    )\n    _describe command names\n    return\n  fi\n  case $words[2] in\n");
    for (size_t i = 0; i < commands_len; i++) {
        printf("    %s) [[ $words[CURRENT] == -* ]] && compadd -- ", commands[i].name);
        print_flags(&commands[i]);
        printf(" --help || _files ;;\n");
    }
    printf("  esac\n}\n_firesteel \"$@\"\n");
}

static void print_fish(void)
{
    for (size_t i = 0; i < commands_len; i++) {
        printf("complete -c firesteel -n __fish_use_subcommand -a %s -d '%s'\n", commands[i].name,
               commands[i].summary);
        printf("for flag in");
        print_flags(&commands[i]);
        printf(" --help\n    complete -c firesteel -n '__fish_seen_subcommand_from %s' "
               "-l (string sub -s 3 -- $flag)\nend\n",
               commands[i].name);
    }
}

int command_completion(int argc, char **argv)
{
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {
        .positional = "bash|zsh|fish", .positional_min = 1, .positional_max = 1};
    int exit_code;
    if (!arguments_parse(&usage, argc, argv, NULL, &arguments, &arena, &exit_code))
        return exit_code;
    const char *shell = arguments.positional.items[0];
    if (strcmp(shell, "bash") == 0) {
        print_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh();
    } else if (strcmp(shell, "fish") == 0) {
        print_fish();
    } else {
        fprintf(stderr, "firesteel completion: no script for '%s'; use bash, zsh or fish\n", shell);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}
