// SPDX-License-Identifier: MIT
// What DuckDB's parser does not take, as a message. Its own text says only which token came
// unexpected; when a column's name before it is a keyword, that is the mistake, and the cure is to
// quote it: SELECT * FROM DEDUP(events, at, order).
#include "pipeline/build.h"
#include "pipeline/select.h"

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

// The unquoted word that holds text[at], or empty.
static struct str word_at(struct str text, size_t at)
{
    size_t begin = at, end = at;
    while (begin > 0 && is_word(text.ptr[begin - 1]))
        begin--;
    while (end < text.len && is_word(text.ptr[end]))
        end++;
    bool is_quoted = begin > 0 && (text.ptr[begin - 1] == '"' || text.ptr[begin - 1] == '\'');
    return is_quoted ? (struct str){0} : str_slice(text, begin, end);
}

static bool is_column(const struct builder *builder, struct str name)
{
    for (size_t s = 0; s < builder->statements_len; s++)
        for (size_t c = 0; c < builder->statements[s].columns_len; c++)
            if (str_equal_nocase(builder->statements[s].columns[c].name, name))
                return true;
    for (size_t r = 0; r < builder->plan->relations_len; r++)
        if (column_find(builder->plan->relations[r].columns,
                        builder->plan->relations[r].columns_len, name) >= 0)
            return true;
    return false;
}

static bool is_keyword(const struct builder *builder, struct str word)
{
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf found = {0};
    bool is_null = false;
    struct error err = {0};
    buf_add_cstr(&sql, "SELECT count(*) FROM duckdb_keywords() WHERE keyword_name = lower(");
    buf_add_sql_string(&sql, word);
    buf_add_cstr(&sql, ")");
    return connection_query_text(builder->connection, buf_cstr(&sql), &found, &is_null, &err) &&
           !str_is(buf_str(&found), "0");
}

// The keyword that was meant as a name: at the place of the error, or the word before it.
static struct str keyword_column(const struct builder *builder, struct str text, size_t offset,
                                 size_t *place)
{
    struct str word = {0};
    for (int look = 0; look < 2; look++) {
        if (look == 1) {
            while (offset > 0 && !is_word(text.ptr[offset - 1])) {
                char c = text.ptr[--offset];
                if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
                    return (struct str){0};
            }
            if (offset == 0)
                break;
            offset--;
        }
        if (offset < text.len && is_word(text.ptr[offset]))
            word = word_at(text, offset);
        if (word.len > 0 && is_column(builder, word) && is_keyword(builder, word)) {
            *place = (size_t)(word.ptr - text.ptr);
            return word;
        }
    }
    return (struct str){0};
}

void syntax_error_add(struct builder *builder, const struct sql_text *text, size_t offset,
                      struct error *err)
{
    size_t keyword_offset = 0;
    bind_shorten(err);
    struct str keyword = offset == TREE_NO_PLACE
                             ? (struct str){0}
                             : keyword_column(builder, text->text, offset, &keyword_offset);
    if (keyword.len > 0) {
        AUTO(buf_clear) struct buf cure = {0};
        buf_print(&cure, "put the name into double quotes: \"%.*s\"", STR_ARGS(keyword));
        diagnostic_add(builder->diagnostics, "E0201", map_place(text, keyword_offset), keyword.len,
                       buf_cstr(&cure), "%.*s is a keyword of SQL: %s", STR_ARGS(keyword),
                       err->text);
        return;
    }
    size_t place = offset == TREE_NO_PLACE ? text->place : map_place(text, offset);
    size_t length = diagnostic_span(builder->diagnostics, place);
    diagnostic_add(builder->diagnostics, "E0201", place, length, NULL, "%s", err->text);
}
