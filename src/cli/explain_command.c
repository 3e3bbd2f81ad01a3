// SPDX-License-Identifier: MIT
// firesteel explain: a pipeline in words, or the page of an error code.
#include "cli/command.h"
#include "cli/load_plan.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct explain_flags {
    bool batch, json;
    struct plan_flags plan;
};

static const struct flag flags[] = {
    PLAN_FLAGS(struct explain_flags),
    {"batch", 0, FLAG_BOOL, NULL, "as run --batch would have it",
     offsetof(struct explain_flags, batch)},
    {"json", 0, FLAG_BOOL, NULL, "as JSON", offsetof(struct explain_flags, json)},
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

// The text is headings at the line's begin, and what is said about each, indented below.
static void print_json(struct str text, struct buf *out)
{
    bool is_first = true, is_first_line = true;
    buf_add_char(out, '[');
    while (text.len > 0) {
        int64_t end = str_find(text, '\n');
        struct str line = str_slice(text, 0, end < 0 ? text.len : (size_t)end);
        text = str_slice(text, end < 0 ? text.len : (size_t)end + 1, text.len);
        if (!str_starts(line, " ")) {
            buf_add_cstr(out, is_first ? "\n{\"about\": " : "]},\n{\"about\": ");
            buf_add_json_string(out, line);
            buf_add_cstr(out, ", \"says\": [");
            is_first_line = true;
        } else {
            buf_add_cstr(out, is_first_line ? "" : ", ");
            buf_add_json_string(out, str_trim(line));
            is_first_line = false;
        }
        is_first = false;
    }
    buf_add_cstr(out, is_first ? "]\n" : "]}\n]\n");
}

static int explain_code(const char *word, bool is_json)
{
    char code[6] = {(char)toupper((unsigned char)word[0]), word[1], word[2], word[3], word[4], 0};
    const char *page = diagnostic_page(code);
    if (page == NULL) {
        fprintf(stderr, "firesteel: there is no code %s\n", code);
        return EXIT_USAGE;
    }
    AUTO(buf_clear) struct buf out = {0};
    if (is_json) {
        buf_print(&out, "{\"code\": \"%s\", \"page\": ", code);
        buf_add_json_string(&out, str_of(page));
        buf_add_cstr(&out, "}\n");
    } else {
        buf_print(&out, "%s: %s", code, page);
    }
    fwrite(out.ptr, 1, out.len, stdout);
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
        return explain_code(word, explain.json);
    int execution = explain.batch ? EXECUTION_BATCH : -1;
    const struct plan *plan =
        load_plan(word, &explain.plan, &arguments.rest, execution, &arena, &exit_code);
    if (plan == NULL)
        return exit_code;
    AUTO(buf_clear) struct buf text = {0};
    AUTO(buf_clear) struct buf out = {0};
    plan_explain(plan, &text);
    if (explain.json)
        print_json(buf_str(&text), &out);
    else
        buf_add_str(&out, buf_str(&text));
    fwrite(out.ptr, 1, out.len, stdout);
    return EXIT_DONE;
}
