// SPDX-License-Identifier: MIT
// Parsing and printing of a command's flag table. Wrong use ends with exit 2 and one message that
// names the word, the nearest flag, and where help is.
#include "cli/arguments.h"
#include "base/clock.h"
#include "base/option.h"
#include "cli/command.h"
#include <stdio.h>
#include <string.h>

enum { FLAGS_MAX = 64 };
static enum help_form help_form = HELP_TEXT;

void arguments_set_help_form(enum help_form form)
{
    help_form = form;
}

bool arguments_split(const char *word, struct str *name, struct str *value)
{
    struct str whole = str_of(word);
    int64_t equals = str_find(whole, '=');
    if (equals < 1)
        return false;
    *name = str_slice(whole, 0, (size_t)equals);
    *value = str_slice(whole, (size_t)equals + 1, whole.len);
    return true;
}

static void words_add(struct words *words, const char *word, struct arena *arena)
{
    // Grown by copying into the arena: command lines are short.
    const char **items = ARENA_ARRAY(arena, const char *, words->len + 1);
    if (words->len > 0)
        memcpy(items, words->items, words->len * sizeof(*items));
    items[words->len++] = word;
    words->items = items;
}

static const struct flag *flag_by_name(const struct usage *usage, struct str name)
{
    for (size_t i = 0; i < usage->flags_len; i++) {
        if (str_is(name, usage->flags[i].name))
            return &usage->flags[i];
    }
    return NULL;
}

static const struct flag *flag_by_letter(const struct usage *usage, char letter)
{
    for (size_t i = 0; i < usage->flags_len; i++) {
        if (usage->flags[i].letter == letter)
            return &usage->flags[i];
    }
    return NULL;
}

static bool unknown_flag(const struct usage *usage, const char *command, const char *word,
                         struct str name, struct error *err)
{
    const char *names[FLAGS_MAX + 1];
    size_t count = 0;
    names[count++] = "help";
    for (size_t i = 0; i < usage->flags_len && count < COUNT_OF(names); i++)
        names[count++] = usage->flags[i].name;
    const char *nearest = nearest_name(name, names, count);
    if (nearest != NULL)
        return error_set(err, ERROR_USER,
                         "unknown flag '%s', did you mean '--%s'? (firesteel %s --help)", word,
                         nearest, command);
    return error_set(err, ERROR_USER, "unknown flag '%s'; see firesteel %s --help", word, command);
}

static bool put(const struct flag *flag, const char *value, char *target, struct arena *arena,
                struct error *err)
{
    void *member = target + flag->offset;
    struct str text = str_of(value);
    struct str name, rest;
    const char *wanted = "";
    switch (flag->kind) {
    case FLAG_BOOL:
        if (bool_parse(text, member))
            return true;
        wanted = "true or false";
        break;
    case FLAG_TEXT:
        *(const char **)member = value;
        return true;
    case FLAG_INT:
        if (str_parse_int64(text, member))
            return true;
        wanted = "a whole number";
        break;
    case FLAG_DOUBLE:
        if (str_parse_double(text, member))
            return true;
        wanted = "a number";
        break;
    case FLAG_DURATION:
        if (duration_parse(text, member))
            return true;
        wanted = "a length of time such as '2s' or '10 minutes'";
        break;
    case FLAG_WORDS:
        words_add(member, value, arena);
        return true;
    case FLAG_PAIRS:
        if (arguments_split(value, &name, &rest)) {
            words_add(member, value, arena);
            return true;
        }
        return error_set(err, ERROR_USER, "--%s '%s': write it as %s", flag->name, value,
                         flag->value);
    }
    return error_set(err, ERROR_USER, "--%s '%s' is not %s", flag->name, value, wanted);
}

// What is being parsed: the table, the words and how far we are.
struct parse {
    const struct usage *usage;
    int argc;
    char **argv;
    int at; // the word in hand
    void *target;
    struct arena *arena;
};

// Puts a flag whose value may stand in the same word (`attached`) or is the next word.
static bool take_flag(struct parse *parse, const struct flag *flag, const char *attached,
                      struct error *err)
{
    if (attached == NULL && flag->kind == FLAG_BOOL)
        attached = "true";
    if (attached == NULL) {
        if (parse->at + 1 >= parse->argc)
            return error_set(err, ERROR_USER, "--%s needs a value: --%s %s", flag->name, flag->name,
                             flag->value);
        attached = parse->argv[++parse->at];
    }
    return put(flag, attached, parse->target, parse->arena, err);
}

static bool take_long(struct parse *parse, struct error *err)
{
    const char *word = parse->argv[parse->at];
    struct str name = str_of(word + 2);
    const char *attached = strchr(word, '=');
    if (attached != NULL) {
        name.len = (size_t)(attached - (word + 2));
        attached++;
    }
    const struct flag *flag = flag_by_name(parse->usage, name);
    if (flag == NULL && attached == NULL && str_starts(name, "no-")) {
        flag = flag_by_name(parse->usage, str_slice(name, 3, name.len));
        if (flag != NULL && flag->kind == FLAG_BOOL)
            return put(flag, "false", parse->target, parse->arena, err);
        flag = NULL;
    }
    if (flag == NULL)
        return unknown_flag(parse->usage, parse->argv[0], word, name, err);
    return take_flag(parse, flag, attached, err);
}

static bool take_short(struct parse *parse, struct error *err)
{
    const char *word = parse->argv[parse->at];
    const struct flag *flag = flag_by_letter(parse->usage, word[1]);
    if (flag == NULL || (flag->kind == FLAG_BOOL && word[2] != 0))
        return unknown_flag(parse->usage, parse->argv[0], word, str_of(word + 1), err);
    return take_flag(parse, flag, word[2] == 0 ? NULL : word + 2, err);
}

static bool check_counts(const struct usage *usage, const char *command,
                         const struct arguments *arguments, struct error *err)
{
    size_t count = arguments->positional.len;
    if (count < usage->positional_min)
        return error_set(err, ERROR_USER, "%s is missing; see firesteel %s --help",
                         usage->positional, command);
    if (count > usage->positional_max)
        return error_set(err, ERROR_USER, "'%s' is one word too many; see firesteel %s --help",
                         arguments->positional.items[usage->positional_max], command);
    if (arguments->rest.len > 0 && !usage->takes_rest)
        return error_set(err, ERROR_USER, "'%s' after -- means nothing to firesteel %s",
                         arguments->rest.items[0], command);
    return true;
}

static void print_wrapped_examples(const struct command *command, const char *indent)
{
    for (struct str rest = str_of(command->examples); rest.len > 0;) {
        int64_t end = str_find(rest, '\n');
        size_t len = end < 0 ? rest.len : (size_t)end;
        printf("%s%.*s\n", indent, (int)len, rest.ptr);
        rest = str_slice(rest, len + 1, rest.len);
    }
}

static void print_text(const struct usage *usage, const struct command *command)
{
    printf("%s - %s\n\nExamples:\n", command->name, command->summary);
    print_wrapped_examples(command, "  ");
    printf("\nUsage: firesteel %s%s%s [flags]%s\n\nFlags:\n", command->name,
           usage->positional[0] == 0 ? "" : " ", usage->positional,
           usage->takes_rest ? " [-- WORD ..]" : "");
    for (size_t i = 0; i < usage->flags_len; i++) {
        const struct flag *flag = &usage->flags[i];
        char left[64];
        char letter[8] = "    ";
        if (flag->letter != 0)
            snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
        snprintf(left, sizeof(left), "%s--%s %s", letter, flag->name,
                 flag->value == NULL ? "" : flag->value);
        printf("  %-32s %s\n", left, flag->help);
    }
    printf("  %-32s %s\n", "    --help", "this text");
}

static void print_man(const struct usage *usage, const struct command *command)
{
    printf(".SS firesteel %s %s\n%s.\n.PP\n.nf\n", command->name, usage->positional,
           command->summary);
    print_wrapped_examples(command, "");
    printf(".fi\n");
    for (size_t i = 0; i < usage->flags_len; i++) {
        const struct flag *flag = &usage->flags[i];
        printf(".TP\n");
        if (flag->letter != 0)
            printf("\\fB\\-%c\\fR, ", flag->letter);
        printf("\\fB\\-\\-%s\\fR %s\n%s\n", flag->name, flag->value == NULL ? "" : flag->value,
               flag->help);
    }
}

static void print_help(const struct usage *usage, const char *name)
{
    static const struct command unlisted = {.summary = "", .examples = ""};
    const struct command *found = command_find(name);
    struct command command = found == NULL ? unlisted : *found;
    command.name = name;
    switch (help_form) {
    case HELP_TEXT:
        print_text(usage, &command);
        return;
    case HELP_MAN:
        print_man(usage, &command);
        return;
    case HELP_WORDS:
        for (size_t i = 0; i < usage->flags_len; i++)
            printf(" --%s", usage->flags[i].name);
        return;
    }
}

static bool parse_words(struct parse *parse, struct arguments *arguments, bool *help,
                        struct error *err)
{
    for (parse->at = 1; parse->at < parse->argc; parse->at++) {
        const char *word = parse->argv[parse->at];
        if (strcmp(word, "--") == 0) {
            for (int i = parse->at + 1; i < parse->argc; i++)
                words_add(&arguments->rest, parse->argv[i], parse->arena);
            return true;
        }
        *help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
        if (*help)
            return true;
        bool good = true;
        if (strncmp(word, "--", 2) == 0)
            good = take_long(parse, err);
        else if (word[0] == '-' && word[1] != 0)
            good = take_short(parse, err);
        else
            words_add(&arguments->positional, word, parse->arena);
        if (!good)
            return false;
    }
    return true;
}

bool arguments_parse(const struct usage *usage, int argc, char **argv, void *target,
                     struct arguments *arguments, struct arena *arena, int *exit_code)
{
    struct error err = {0};
    bool help = false;
    *arguments = (struct arguments){0};
    struct parse parse = {
        .usage = usage, .argc = argc, .argv = argv, .target = target, .arena = arena};
    ASSERT(usage->flags_len <= FLAGS_MAX);
    bool good = parse_words(&parse, arguments, &help, &err);
    if (good && help) {
        print_help(usage, argv[0]);
        *exit_code = EXIT_DONE;
        return false;
    }
    if (good && check_counts(usage, argv[0], arguments, &err))
        return true;
    fprintf(stderr, "firesteel %s: %s\n", argv[0], err.text);
    *exit_code = EXIT_USAGE;
    return false;
}
