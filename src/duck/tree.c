// SPDX-License-Identifier: MIT
// See tree.h. Text goes to DuckDB as a string constant of a query and comes back as one: parsing
// has no other door in the C API. Full JSON is kept in both directions (the skip_* options give
// JSON that the printer refuses).
#include "duck/tree.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

// Marks a string that stands for a number without room in int64. A control character cannot come
// from an identifier, and a literal that begins so comes back as it went.
#define NUMBER_MARK "\\u0001n:"
#define DIGITS_SAFE 18

void tree_release(json_t **node)
{
    json_decref(*node);
    *node = NULL;
}

// Copies JSON text, putting bare numbers of more than 18 digits into marked strings. Reals stay.
static void mark_numbers(struct str text, struct buf *out)
{
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string && c == '\\' && i + 1 < text.len) {
            buf_add(out, text.ptr + i, 2);
            i++;
            continue;
        }
        if (c == '"')
            in_string = !in_string;
        if (in_string || !(c == '-' || (c >= '0' && c <= '9'))) {
            buf_add_char(out, c);
            continue;
        }
        size_t end = i + 1;
        bool is_whole = true;
        while (end < text.len && strchr("0123456789.eE+-", text.ptr[end]) != NULL) {
            is_whole = is_whole && strchr(".eE+-", text.ptr[end]) == NULL;
            end++;
        }
        bool is_marked = is_whole && end - i > DIGITS_SAFE;
        buf_add_cstr(out, is_marked ? "\"" NUMBER_MARK : "");
        buf_add(out, text.ptr + i, end - i);
        buf_add_cstr(out, is_marked ? "\"" : "");
        i = end - 1;
    }
}

static void unmark_numbers(struct str text, struct buf *out)
{
    static const char mark[] = "\"" NUMBER_MARK;
    size_t mark_len = sizeof(mark) - 1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.len - i > mark_len && memcmp(text.ptr + i, mark, mark_len) == 0) {
            size_t end = i + mark_len;
            while (text.ptr[end] != '"')
                end++;
            buf_add(out, text.ptr + i + mark_len, end - i - mark_len);
            i = end;
        } else {
            buf_add_char(out, text.ptr[i]);
        }
    }
}

static json_t *load_json(struct str text, struct error *err)
{
    AUTO(buf_clear) struct buf marked = {0};
    mark_numbers(text, &marked);
    json_error_t problem;
    json_t *json = json_loadb(marked.ptr, marked.len, 0, &problem);
    if (json == NULL)
        error_set(err, ERROR_FATAL, "reading DuckDB's parse tree: %s", problem.text);
    return json;
}

// The printer writes the DOUBLE 5e0 as 5.0, which would come back as a DECIMAL. Such a constant is
// turned into a cast of its text, which is exact.
static bool keep_double(void *context, json_t *node, json_t **replacement)
{
    (void)context;
    const json_t *value = json_object_get(node, "value");
    if (!tree_is(node, "CONSTANT") ||
        !str_is(tree_text(json_object_get(value, "type"), "id"), "DOUBLE") ||
        !json_is_number(json_object_get(value, "value")))
        return true;
    char digits[40];
    snprintf(digits, sizeof(digits), "%.17g", json_number_value(json_object_get(value, "value")));
    *replacement = json_pack(
        "{s:s, s:s, s:O, s:O, s:{s:s, s:s, s:s, s:O, s:{s:{s:s, s:n}, s:b, s:s}}, s:{s:s, s:n}, "
        "s:b}",
        "class", "CAST", "type", "OPERATOR_CAST", "alias", json_object_get(node, "alias"),
        "query_location", json_object_get(node, "query_location"), "child", "class", "CONSTANT",
        "type", "VALUE_CONSTANT", "alias", "", "query_location",
        json_object_get(node, "query_location"), "value", "type", "id", "VARCHAR", "type_info",
        "is_null", 0, "value", digits, "cast_type", "id", "DOUBLE", "type_info", "try_cast", 0);
    ASSERT(*replacement != NULL);
    return false;
}

json_t *tree_parse(struct connection *connection, struct str sql, size_t *place, struct error *err)
{
    *place = TREE_NO_PLACE;
    AUTO(buf_clear) struct buf query = {0};
    AUTO(buf_clear) struct buf text = {0};
    bool is_null = false;
    buf_add_cstr(&query, "SELECT json_serialize_sql(");
    buf_add_sql_string(&query, sql);
    buf_add_cstr(&query, ")");
    if (!connection_query_text(connection, buf_cstr(&query), &text, &is_null, err))
        return NULL;
    AUTO(tree_release) json_t *json = load_json(buf_str(&text), err);
    if (json == NULL)
        return NULL;
    if (json_is_true(json_object_get(json, "error"))) {
        const char *position = json_string_value(json_object_get(json, "position"));
        int64_t at = 0;
        if (position != NULL && str_parse_int64(str_of(position), &at) && at >= 0)
            *place = (size_t)at;
        const char *message = json_string_value(json_object_get(json, "error_message"));
        error_set(err, ERROR_USER, "%s", message != NULL ? message : "the SELECT does not parse");
        return NULL;
    }
    json_t *statements = json_object_get(json, "statements");
    if (json_array_size(statements) != 1) {
        error_set(err, ERROR_USER, "expected one SELECT, found %zu", json_array_size(statements));
        return NULL;
    }
    json_t *node = json_object_get(json_array_get(statements, 0), "node");
    tree_walk(node, keep_double, NULL);
    return json_incref(node);
}

static bool shift_place(void *context, json_t *node, json_t **replacement)
{
    (void)replacement;
    json_t *location = json_object_get(node, "query_location");
    json_int_t offset = *(const json_int_t *)context;
    if (json_is_integer(location))
        json_integer_set(location, json_integer_value(location) - offset);
    return true;
}

json_t *tree_parse_expression(struct connection *connection, struct str sql, size_t *place,
                              struct error *err)
{
    // The line feed ends a comment that the user's text may end with.
    static const char head[] = "SELECT (";
    json_int_t offset = sizeof(head) - 1;
    AUTO(buf_clear) struct buf text = {0};
    buf_add_cstr(&text, head);
    buf_add_str(&text, sql);
    buf_add_cstr(&text, "\n)");
    AUTO(tree_release) json_t *query = tree_parse(connection, buf_str(&text), place, err);
    if (query == NULL) {
        if (*place != TREE_NO_PLACE)
            *place = *place < (size_t)offset ? 0 : *place - (size_t)offset;
        if (*place != TREE_NO_PLACE && *place > sql.len)
            *place = sql.len;
        return NULL;
    }
    json_t *expression = tree_at(query, "select_list", 0);
    if (!tree_is(query, "SELECT_NODE") || tree_len(query, "select_list") != 1 ||
        !tree_is(json_object_get(query, "from_table"), "EMPTY")) {
        error_set(err, ERROR_USER, "expected one expression");
        return NULL;
    }
    return tree_replace(json_incref(expression), shift_place, &offset); // the root too
}

bool tree_print(struct connection *connection, json_t *query, struct buf *out, struct error *err)
{
    AUTO(tree_release)
    json_t *json = json_pack("{s:b, s:[{s:O, s:[]}]}", "error", 0, "statements", "node", query,
                             "named_param_map");
    ASSERT(json != NULL);
    char *dump = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
    ASSERT(dump != NULL);
    AUTO(buf_clear) struct buf plain = {0};
    unmark_numbers(str_of(dump), &plain);
    // jansson's own allocator made it; heap_free is the same one.
    heap_free(dump);
    AUTO(buf_clear) struct buf text = {0};
    buf_add_cstr(&text, "SELECT json_deserialize_sql(");
    buf_add_sql_string(&text, buf_str(&plain));
    buf_add_cstr(&text, ")");
    bool is_null = false;
    return connection_query_text(connection, buf_cstr(&text), out, &is_null, err) ||
           error_wrap(err, "turning a rewritten SELECT back into text");
}

bool tree_print_expression(struct connection *connection, json_t *expression, struct buf *out,
                           struct error *err)
{
    size_t place;
    AUTO(tree_release) json_t *query = tree_parse(connection, STR("SELECT 1"), &place, err);
    if (query == NULL)
        return false;
    AUTO(tree_release) json_t *bare = json_deep_copy(expression);
    json_object_set_new(bare, "alias", json_string(""));
    json_array_set(json_object_get(query, "select_list"), 0, bare);
    AUTO(buf_clear) struct buf text = {0};
    if (!tree_print(connection, query, &text, err))
        return false;
    ASSERT(str_starts(buf_str(&text), "SELECT "));
    buf_add_str(out, str_slice(buf_str(&text), strlen("SELECT "), text.len));
    return true;
}

bool tree_is(const json_t *node, const char *class_or_type)
{
    const char *class_name = json_string_value(json_object_get(node, "class"));
    const char *type = json_string_value(json_object_get(node, "type"));
    return (class_name != NULL && strcmp(class_name, class_or_type) == 0) ||
           (type != NULL && strcmp(type, class_or_type) == 0);
}

struct str tree_text(const json_t *node, const char *key)
{
    const json_t *value = json_object_get(node, key);
    return json_is_string(value) ? (struct str){json_string_value(value), json_string_length(value)}
                                 : STR("");
}

size_t tree_len(const json_t *node, const char *key)
{
    return json_array_size(json_object_get(node, key));
}

json_t *tree_at(const json_t *node, const char *key, size_t index)
{
    return json_array_get(json_object_get(node, key), index);
}

size_t tree_place(const json_t *node)
{
    const json_t *location = json_object_get(node, "query_location");
    return json_is_integer(location) && json_integer_value(location) >= 0
               ? (size_t)json_integer_value(location)
               : TREE_NO_PLACE;
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
static size_t smallest_place(const json_t *node)
{
    size_t place = json_is_object(node) ? tree_place(node) : TREE_NO_PLACE;
    size_t below = TREE_NO_PLACE;
    if (json_is_object(node)) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)node, key, value)
        {
            below = smallest_place(value);
            place = below < place ? below : place;
        }
    } else if (json_is_array(node)) {
        for (size_t i = 0; i < json_array_size(node); i++) {
            below = smallest_place(json_array_get(node, i));
            place = below < place ? below : place;
        }
    }
    return place;
}

size_t tree_first_place(const json_t *node)
{
    return smallest_place(node);
}

struct str tree_function(const json_t *node)
{
    return tree_is(node, "FUNCTION") || tree_is(node, "WINDOW") ? tree_text(node, "function_name")
                                                                : STR("");
}

json_t *tree_column(const char *const *names, size_t len)
{
    json_t *list = json_array();
    for (size_t i = 0; i < len; i++)
        json_array_append_new(list, json_string(names[i]));
    return json_pack("{s:s, s:s, s:s, s:i, s:o}", "class", "COLUMN_REF", "type", "COLUMN_REF",
                     "alias", "", "query_location", 0, "column_names", list);
}

json_t *tree_column_of(struct str name)
{
    json_t *node = tree_column(NULL, 0);
    json_array_append_new(json_object_get(node, "column_names"), json_stringn(name.ptr, name.len));
    return node;
}

static json_t *from_of(struct connection *connection, struct str sql)
{
    struct error err = {0};
    size_t place;
    AUTO(tree_release) json_t *query = tree_parse(connection, sql, &place, &err);
    ASSERT(query != NULL); // templates are ours
    return json_incref(json_object_get(query, "from_table"));
}

json_t *tree_table(struct connection *connection, struct str name, struct str alias)
{
    json_t *table = from_of(connection, STR("SELECT * FROM t"));
    tree_set_text(table, "table_name", name);
    tree_set_text(table, "alias", alias);
    return table;
}

json_t *tree_subquery(struct connection *connection, struct str sql, struct str alias)
{
    AUTO(buf_clear) struct buf text = {0};
    buf_add_cstr(&text, "SELECT * FROM (");
    buf_add_str(&text, sql);
    buf_add_cstr(&text, ") AS t");
    json_t *subquery = from_of(connection, buf_str(&text));
    tree_set_text(subquery, "alias", alias);
    return subquery;
}

void tree_set_text(json_t *node, const char *key, struct str text)
{
    json_object_set_new(node, key, json_stringn(text.ptr, text.len));
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
json_t *tree_replace(json_t *node, tree_visit visit, void *context)
{
    if (json_is_object(node) && json_object_get(node, "class") != NULL) {
        json_t *replacement = NULL;
        bool goes_below = visit(context, node, &replacement);
        if (replacement != NULL) {
            json_decref(node);
            return replacement;
        }
        if (!goes_below)
            return node;
    }
    tree_walk(node, visit, context);
    return node;
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
static void walk_child(json_t *child, tree_visit visit, void *context, json_t **changed)
{
    *changed = NULL;
    if (!json_is_object(child) && !json_is_array(child))
        return;
    json_t *now = tree_replace(json_incref(child), visit, context);
    if (now != child)
        *changed = now;
    else
        json_decref(now);
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
void tree_walk(json_t *node, tree_visit visit, void *context)
{
    json_t *changed;
    if (json_is_array(node)) {
        for (size_t i = 0; i < json_array_size(node); i++) {
            walk_child(json_array_get(node, i), visit, context, &changed);
            if (changed != NULL)
                json_array_set_new(node, i, changed);
        }
    } else if (json_is_object(node)) {
        for (void *at = json_object_iter(node); at != NULL; at = json_object_iter_next(node, at)) {
            walk_child(json_object_iter_value(at), visit, context, &changed);
            if (changed != NULL)
                json_object_iter_set_new(node, at, changed);
        }
    }
}

static bool names_equal(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++) {
        if (strcasecmp(json_string_value(json_array_get(a, i)),
                       json_string_value(json_array_get(b, i))) != 0)
            return false;
    }
    return true;
}

// Inside a node an alias has meaning (the name of a STRUCT field or of an argument).
// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
static bool equal_below(const json_t *a, const json_t *b, bool with_alias)
{
    if (json_is_array(a) && json_is_array(b)) {
        if (json_array_size(a) != json_array_size(b))
            return false;
        for (size_t i = 0; i < json_array_size(a); i++) {
            if (!equal_below(json_array_get(a, i), json_array_get(b, i), true))
                return false;
        }
        return true;
    }
    if (!json_is_object(a) || !json_is_object(b))
        return json_equal(a, b);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        if (strcmp(key, "query_location") == 0 || (!with_alias && strcmp(key, "alias") == 0))
            continue;
        if (strcmp(key, "column_names") == 0 ? !names_equal(value, other)
                                             : !equal_below(value, other, true))
            return false;
    }
    return json_object_size(a) == json_object_size(b);
}

bool tree_equal(const json_t *a, const json_t *b)
{
    return equal_below(a, b, false);
}
