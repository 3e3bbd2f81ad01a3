// SPDX-License-Identifier: MIT
// The plan of a pipeline under test. The replacement by connector 'memory' goes the same way as
// `run --with`: nothing else of the plan can differ from what is shipped. Formats of columns
// (parquet) and of lines with a header (csv) become json, because a test writes records.
#include "cli/test_plan.h"

static void override_add(struct override *overrides, size_t *len, struct str object,
                         const char *name, struct str value)
{
    overrides[(*len)++] = (struct override){.object = object, .name = str_of(name), .value = value};
}

static bool keeps_format(const struct statement *statement)
{
    for (size_t i = 0; i < statement->options_len; i++)
        if (str_equal_nocase(statement->options[i].name, STR("format")))
            return str_equal_nocase(statement->options[i].value, STR("raw"));
    return false;
}

// The request with its sources and sinks replaced, and then `sets` over the file's settings.
static void replace_all(struct plan_request *request, const struct step *sets, size_t sets_len,
                        struct arena *arena)
{
    struct diagnostics ignored; // plan_build tells them all
    struct statement *statements;
    size_t len, overrides_len = 0;
    diagnostics_init(&ignored, arena, request->path, request->text);
    statements_parse(request->text, &request->variables, arena, &ignored, &statements, &len);
    struct override *overrides =
        ARENA_ARRAY(arena, struct override, request->overrides_len + 2 * len + sets_len);
    for (size_t i = 0; i < request->overrides_len; i++)
        overrides[overrides_len++] = request->overrides[i];
    for (size_t i = 0; i < len; i++) {
        const struct statement *statement = &statements[i];
        if (statement->kind != STATEMENT_SOURCE && statement->kind != STATEMENT_SINK)
            continue;
        override_add(overrides, &overrides_len, statement->name, "connector", STR("memory"));
        if (statement->kind == STATEMENT_SOURCE && !keeps_format(statement))
            override_add(overrides, &overrides_len, statement->name, "format", STR("json"));
    }
    for (size_t i = 0; i < sets_len; i++)
        overrides[overrides_len++] =
            (struct override){.name = sets[i].name, .value = sets[i].value};
    request->overrides = overrides;
    request->overrides_len = overrides_len;
}

const struct plan *test_plan_build(const struct plan_request *request, const struct step *sets,
                                   size_t sets_len, struct arena *arena, struct buf *errors)
{
    struct plan_request replaced = *request;
    replace_all(&replaced, sets, sets_len, arena);
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, arena, request->path, request->text);
    const struct plan *plan = plan_build(&replaced, arena, &diagnostics);
    if (plan == NULL)
        diagnostics_print(&diagnostics, false, errors);
    return plan;
}

const struct plan *test_plan_place(const struct plan *plan, const char *checkpoint,
                                   struct arena *arena)
{
    struct plan *placed = ARENA_NEW(arena, struct plan);
    *placed = *plan;
    placed->settings.checkpoint = arena_str(arena, str_of(checkpoint));
    placed->settings.quarantine = (struct str){0};
    placed->settings.strict = true;
    placed->settings.future_skew_us = -1;
    if (placed->settings.lanes == 0)
        placed->settings.lanes = 2; // the same on every machine
    return placed;
}
