// SPDX-License-Identifier: MIT
// From command line to plan request. The place of a mistake on the command line is the command
// line: it is named in the message, not searched for in the file.
#include "cli/load_plan.h"

#include "base/file.h"
#include "cli/command.h"
#include <stdio.h>
#include <unistd.h>

static void split_pairs(const struct words *words, struct arena *arena, struct str **names,
                        struct str **values)
{
    *names = ARENA_ARRAY(arena, struct str, words->len);
    *values = ARENA_ARRAY(arena, struct str, words->len);
    for (size_t i = 0; i < words->len; i++)
        ASSERT(arguments_split(words->items[i], &(*names)[i], &(*values)[i])); // FLAG_PAIRS checked
}

static bool load_overrides(const struct plan_flags *flags, struct arena *arena,
                           struct plan_request *request, struct error *err)
{
    struct override *overrides =
        ARENA_ARRAY(arena, struct override, flags->with.len + flags->set.len);
    size_t len = 0;
    for (size_t i = 0; i < flags->with.len; i++) {
        struct override *override = &overrides[len++];
        struct str whole = {0};
        ASSERT(arguments_split(flags->with.items[i], &whole, &override->value));
        int64_t dot = str_find(whole, '.');
        if (dot <= 0 || (size_t)dot + 1 == whole.len)
            return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                                  "--with %.*s: write NAME.option=value, for example "
                                  "events.connector=files",
                                  STR_ARGS(whole));
        override->object = str_slice(whole, 0, (size_t)dot);
        override->name = str_slice(whole, (size_t)dot + 1, whole.len);
    }
    for (size_t i = 0; i < flags->set.len; i++) {
        struct override *override = &overrides[len++];
        ASSERT(arguments_split(flags->set.items[i], &override->name, &override->value));
    }
    request->overrides = overrides;
    request->overrides_len = len;
    return true;
}

bool load_request(const char *path, const struct plan_flags *flags, const struct words *rest,
                  int execution, struct arena *arena, struct plan_request *request,
                  struct error *err)
{
    *request = (struct plan_request){.path = path, .execution = execution};
    AUTO(buf_clear) struct buf text = {0};
    if (!file_read_whole(path, &text, err))
        return false;
    request->text = arena_str(arena, buf_str(&text));
    struct str *names = NULL, *values = NULL;
    split_pairs(&flags->defines, arena, &names, &values);
    struct str *arguments = ARENA_ARRAY(arena, struct str, rest->len);
    for (size_t i = 0; i < rest->len; i++)
        arguments[i] = str_of(rest->items[i]);
    request->variables = (struct variables){.names = names,
                                            .values = values,
                                            .len = flags->defines.len,
                                            .arguments = arguments,
                                            .arguments_len = rest->len,
                                            .use_environment = true};
    return load_overrides(flags, arena, request, err);
}

struct plan *load_plan(const char *path, const struct plan_flags *flags, const struct words *rest,
                       int execution, struct arena *arena, int *exit_code)
{
    struct plan_request request;
    struct error err = {0};
    if (!load_request(path, flags, rest, execution, arena, &request, &err)) {
        *exit_code = command_fail(&err);
        return NULL;
    }
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, arena, path, request.text);
    struct plan *plan = plan_build(&request, arena, &diagnostics);
    AUTO(buf_clear) struct buf out = {0};
    diagnostics_print(&diagnostics, command_has_color(STDERR_FILENO), &out);
    fwrite(buf_cstr(&out), 1, out.len, stderr);
    *exit_code = plan != NULL ? EXIT_DONE : EXIT_PIPELINE;
    return plan;
}
