// SPDX-License-Identifier: MIT
// Any bytes as a pipeline file: reading must end, stay inside the text, and every place it reports
// or keeps must lie in the file. Also prints the diagnostics, which walk the text again.
#include "pipeline/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_sql(const struct sql_text *sql, size_t len)
{
    for (size_t i = 0; i <= sql->text.len; i++)
        ASSERT(map_place(sql, i) <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct str names[] = {{"A", 1}, {"PASSWORD", 8}};
    static const struct str values[] = {{"it's ${A}", 9}, {"-5", 2}};
    struct variables variables = {.names = names, .values = values, .len = 2};
    struct arena arena = {0};
    struct diagnostics diagnostics;
    struct str source = {(const char *)bytes, len};
    diagnostics_init(&diagnostics, &arena, "fuzz.sql", source);
    struct statement *statements = NULL;
    size_t statements_len = 0;
    statements_parse(source, &variables, &arena, &diagnostics, &statements, &statements_len);
    for (size_t i = 0; i < diagnostics.len; i++)
        ASSERT(diagnostics.list[i].place <= len);
    for (size_t i = 0; i < statements_len; i++) {
        ASSERT(statements[i].place <= len);
        if (statements[i].has_body)
            check_sql(&statements[i].body, len);
        for (size_t k = 0; k < statements[i].constraints_len; k++)
            check_sql(&statements[i].constraints[k].condition, len);
    }
    struct buf out = {0};
    diagnostics_print(&diagnostics, false, &out);
    diagnostics_print_json(&diagnostics, &out);
    buf_clear(&out);
    arena_clear(&arena);
    return 0;
}
