// SPDX-License-Identifier: MIT
// firesteel explain: a pipeline in words, or the page of an error code.
#include "cli/command.h"
#include "cli/load_plan.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct explain_flags {
    bool batch;
    struct plan_flags plan;
};

static const struct flag flags[] = {
    PLAN_FLAGS(struct explain_flags),
    {"batch", 0, FLAG_BOOL, NULL, "as run --batch would have it",
     offsetof(struct explain_flags, batch)},
};

// E or W and four digits.
static bool is_code(const char *word)
{
    if (strlen(word) != 5 || strchr("EeWw", word[0]) == NULL)
        return false;
    for (size_t i = 1; i < 5; i++)
        if (!isdigit((unsigned char)word[i]))
            return false;
    return true;
}

static int explain_code(const char *word)
{
    char code[6] = {(char)toupper((unsigned char)word[0]), word[1], word[2], word[3], word[4], 0};
    const char *page = diagnostic_page(code);
    if (page == NULL) {
        fprintf(stderr, "firesteel: there is no code %s\n", code);
        return EXIT_USAGE;
    }
    printf("%s: %s", code, page);
    return EXIT_DONE;
}

int command_explain(int argc, char **argv)
{
    struct explain_flags explain = {0};
    struct arguments arguments;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = "PIPELINE.sql | CODE",
                                .positional_min = 1,
                                .positional_max = 1,
                                .takes_rest = true,
                                .flags = flags,
                                .flags_len = COUNT_OF(flags)};
    int exit_code = EXIT_DONE;
    if (!arguments_parse(&usage, argc, argv, &explain, &arguments, &arena, &exit_code))
        return exit_code;
    const char *word = arguments.positional.items[0];
    if (is_code(word))
        return explain_code(word);
    int execution = explain.batch ? EXECUTION_BATCH : -1;
    const struct plan *plan =
        load_plan(word, &explain.plan, &arguments.rest, execution, &arena, &exit_code);
    if (plan == NULL)
        return exit_code;
    AUTO(buf_clear) struct buf out = {0};
    plan_explain(plan, &out);
    fwrite(out.ptr, 1, out.len, stdout);
    return EXIT_DONE;
}
