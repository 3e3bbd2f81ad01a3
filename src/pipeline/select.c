// SPDX-License-Identifier: MIT
// What every builder of a view needs: messages at places of the user's text, types from DuckDB's
// binder, names. Types are never computed here: the user's own SELECT is bound over empty tables
// with the real columns, so a result has exactly the type that DuckDB would give it.
//
// Columns are resolved by ourselves before DuckDB sees them, because its messages point into
// rewritten text. Where several tables are joined its binder decides, and the failing item is found
// by trying the items one by one.
#include "pipeline/select.h"

#include <stdarg.h>
#include <string.h>

PRINTF(5, 0)
static void add_diagnostic(const struct select *select, const char *code, size_t offset,
                           const char *cure, const char *format, va_list arguments)
{
    AUTO(buf_clear) struct buf text = {0};
    buf_vprint(&text, format, arguments);
    size_t place = offset == TREE_NO_PLACE ? select->place : map_place(select->body, offset);
    size_t length = diagnostic_span(select->builder->diagnostics, place);
    diagnostic_add(select->builder->diagnostics, code, place, length, cure, "%s", buf_cstr(&text));
}

bool select_refuse(const struct select *select, const char *code, size_t offset, const char *cure,
                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_diagnostic(select, code, offset, cure, format, arguments);
    va_end(arguments);
    return false;
}

void select_warn(const struct select *select, const char *code, size_t offset, const char *cure,
                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_diagnostic(select, code, offset, cure, format, arguments);
    va_end(arguments);
}

// "Binder Error: x!\nCandidate bindings: ..\n\nLINE 1: .." -> "x! Candidate bindings: .."
void bind_shorten(struct error *err)
{
    char *line = strstr(err->text, "\nLINE ");
    if (line != NULL)
        *line = 0;
    char *list = strstr(err->text, "\tCandidate functions:");
    if (list != NULL)
        *list = 0;
    char *colon = strstr(err->text, " Error: ");
    if (colon != NULL)
        memmove(err->text, colon + strlen(" Error: "), strlen(colon + strlen(" Error: ")) + 1);
    size_t len = strlen(err->text);
    while (len > 0 && strchr("\n\t .", err->text[len - 1]) != NULL)
        err->text[--len] = 0;
    for (char *at = err->text; *at != 0; at++) {
        if (*at == '\n')
            *at = ' ';
    }
}

bool bind_sql(struct builder *builder, enum bind_in in, struct str sql, struct column **columns,
              size_t *len, struct error *err)
{
    static const char *const paths[] = {"SET search_path='_plain,main'", "SET search_path='main'",
                                        "SET search_path='_over,main'"};
    if (!connection_execute(builder->connection, paths[in], err))
        return false;
    struct statement *statement =
        statement_prepare(builder->connection, arena_cstr(builder->arena, sql), err);
    struct error ignored;
    bool is_back = connection_execute(builder->connection, "SET search_path='main'", &ignored);
    ASSERT(is_back);
    if (statement == NULL) {
        bind_shorten(err);
        return false;
    }
    *len = statement_columns_len(statement);
    *columns = ARENA_ARRAY(builder->arena, struct column, *len);
    for (size_t i = 0; i < *len; i++) {
        const struct column *column = &statement_columns(statement)[i];
        (*columns)[i] = (struct column){.name = arena_str(builder->arena, column->name),
                                        .type = type_copy(column->type, builder->arena)};
    }
    statement_free(statement);
    return true;
}

bool bind_tree(struct builder *builder, enum bind_in in, json_t *query, struct column **columns,
               size_t *len, struct error *err)
{
    AUTO(buf_clear) struct buf text = {0};
    return tree_print(builder->connection, query, &text, err) &&
           bind_sql(builder, in, buf_str(&text), columns, len, err);
}

// The query with only one item of the select list, or only its WHERE.
static bool part_binds(const struct select *select, json_t *query, json_t *item, bool with_where)
{
    AUTO(tree_release) json_t *part = json_deep_copy(query);
    json_t *list = json_array();
    json_array_append_new(list, item != NULL ? json_deep_copy(item) : json_integer(0));
    if (item == NULL) {
        AUTO(tree_release) json_t *one = NULL;
        size_t place;
        struct error ignored = {0};
        one = tree_parse_expression(select->builder->connection, STR("1"), &place, &ignored);
        json_array_set(list, 0, one);
    }
    json_object_set_new(part, "select_list", list);
    if (!with_where)
        json_object_set_new(part, "where_clause", json_null());
    if (item != NULL)
        json_object_set_new(part, "having", json_null());
    struct column *columns;
    size_t len;
    struct error err = {0};
    return bind_tree(select->builder, BIND_PLAIN, part, &columns, &len, &err);
}

bool select_bind(const struct select *select, json_t *query, struct column **columns, size_t *len)
{
    struct error err = {0};
    if (bind_tree(select->builder, BIND_PLAIN, query, columns, len, &err))
        return true;
    json_t *where = json_object_get(query, "where_clause");
    size_t place = TREE_NO_PLACE;
    for (size_t i = 0; i < tree_len(query, "select_list") && place == TREE_NO_PLACE; i++) {
        json_t *item = tree_at(query, "select_list", i);
        if (!part_binds(select, query, item, false))
            place = tree_first_place(item);
    }
    if (place == TREE_NO_PLACE && json_is_object(where) && !part_binds(select, query, NULL, true))
        place = tree_first_place(where);
    return select_refuse(select, "E0204", place, NULL, "%s", err.text);
}

struct str select_print(const struct select *select, json_t *query)
{
    AUTO(buf_clear) struct buf text = {0};
    struct error err = {0};
    if (!tree_print(select->builder->connection, query, &text, &err)) {
        select_refuse(select, "E0204", TREE_NO_PLACE, NULL, "%s", err.text);
        return STR("");
    }
    return arena_str(select->builder->arena, buf_str(&text));
}

struct str select_print_expression(struct builder *builder, json_t *expression)
{
    AUTO(buf_clear) struct buf text = {0};
    struct error err = {0};
    bool printed = tree_print_expression(builder->connection, expression, &text, &err);
    return printed ? arena_str(builder->arena, buf_str(&text)) : STR("");
}

static bool type_is_kept(const struct type *type)
{
    if (type->kind == TYPE_OTHER || type->kind == TYPE_ENUM)
        return false;
    if (type->child != NULL && !type_is_kept(type->child))
        return false;
    for (size_t i = 0; i < type->fields_len; i++) {
        if (!type_is_kept(type->fields[i].type))
            return false;
    }
    return true;
}

bool select_check_columns(const struct select *select, const struct column *columns, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (column_find(columns, i, columns[i].name) >= 0)
            return select_refuse(select, "E0206", TREE_NO_PLACE,
                                 "give one of them another name: x AS y",
                                 "two columns of %.*s are named %.*s", STR_ARGS(select->name),
                                 STR_ARGS(columns[i].name));
        if (!type_is_kept(columns[i].type))
            return select_refuse(select, "E0207", TREE_NO_PLACE, "cast it, for instance to VARCHAR",
                                 "column %.*s has type %s, which a stream cannot carry",
                                 STR_ARGS(columns[i].name), columns[i].type->sql);
    }
    return true;
}

int column_find(const struct column *columns, size_t len, struct str name)
{
    for (size_t i = 0; i < len; i++) {
        if (str_equal_nocase(columns[i].name, name))
            return (int)i;
    }
    return -1;
}

int tree_column_index(const json_t *node, const struct column *columns, size_t len)
{
    if (!tree_is(node, "COLUMN_REF") || tree_len(node, "column_names") != 1)
        return -1;
    return column_find(columns, len, str_of(json_string_value(tree_at(node, "column_names", 0))));
}

const char *column_nearest(struct arena *arena, const struct column *columns, size_t len,
                           struct str name)
{
    const char **names = ARENA_ARRAY(arena, const char *, len);
    for (size_t i = 0; i < len; i++)
        names[i] = arena_cstr(arena, columns[i].name);
    const char *nearest = nearest_name(name, names, len);
    return nearest == NULL ? "" : arena_print(arena, "; did you mean %s", nearest).ptr;
}

// ---- Stars ------------------------------------------------------------------------------------

static json_t *star_replacement(const json_t *star, struct str name)
{
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(star, "replace_list"), index, entry)
    {
        if (!str_equal_nocase(tree_text(entry, "key"), name))
            continue;
        json_t *value = json_deep_copy(json_object_get(entry, "value"));
        tree_set_text(value, "alias", name);
        return value;
    }
    return NULL;
}

static bool expand_star(const struct select *select, json_t *star, json_t *from_node, json_t *list)
{
    struct builder *builder = select->builder;
    size_t place = tree_place(star);
    if (json_is_true(json_object_get(star, "columns")) ||
        json_is_object(json_object_get(star, "expr")) || tree_len(star, "rename_list") > 0)
        return select_refuse(select, "E0236", place, "name the columns one by one",
                             "COLUMNS(..) and RENAME are not supported in a streaming SELECT");
    size_t at;
    struct error err = {0};
    AUTO(tree_release) json_t *query = tree_parse(builder->connection, STR("SELECT 1"), &at, &err);
    ASSERT(query != NULL);
    AUTO(tree_release) json_t *plain = json_deep_copy(star);
    json_object_set_new(plain, "replace_list", json_array());
    json_array_set(json_object_get(query, "select_list"), 0, plain);
    json_object_set(query, "from_table", from_node);
    struct column *columns;
    size_t len;
    if (!bind_tree(builder, BIND_PLAIN, query, &columns, &len, &err))
        return select_refuse(select, "E0204", place, NULL, "%s", err.text);
    struct str qualifier = tree_text(star, "relation_name");
    for (size_t i = 0; i < len; i++) {
        json_t *item = star_replacement(star, columns[i].name);
        bool is_plain = item == NULL;
        if (is_plain) {
            item = tree_column_of(columns[i].name);
            if (qualifier.len > 0)
                json_array_insert_new(json_object_get(item, "column_names"), 0,
                                      json_stringn(qualifier.ptr, qualifier.len));
        }
        if (place != TREE_NO_PLACE && is_plain)
            json_object_set_new(item, "query_location", json_integer((json_int_t)place));
        json_array_append_new(list, item);
    }
    return true;
}

bool select_expand_stars(const struct select *select, json_t *query, json_t *from_node)
{
    AUTO(tree_release) json_t *list = json_array();
    for (size_t i = 0; i < tree_len(query, "select_list"); i++) {
        json_t *item = tree_at(query, "select_list", i);
        if (!tree_is(item, "STAR"))
            json_array_append(list, item);
        else if (!expand_star(select, item, from_node, list))
            return false;
    }
    json_object_set(query, "select_list", list);
    return true;
}

// ---- Names ------------------------------------------------------------------------------------

struct resolver {
    const struct select *select;
    struct str alias;
    const struct column *columns;
    size_t len;
    const json_t *items;  // select list, for aliases; NULL: none may be used
    size_t items_len;     // only those before this one
    const json_t *lambda; // its parameters are no columns
    const struct resolver *outer;
    bool failed;
};

static bool is_parameter(const struct resolver *resolver, struct str name)
{
    for (; resolver != NULL; resolver = resolver->outer) {
        const json_t *lhs =
            resolver->lambda == NULL ? NULL : json_object_get(resolver->lambda, "lhs");
        if (lhs == NULL)
            continue;
        if (tree_is(lhs, "COLUMN_REF") &&
            str_equal_nocase(str_of(json_string_value(tree_at(lhs, "column_names", 0))), name))
            return true;
        for (size_t i = 0; i < tree_len(lhs, "children"); i++) {
            const json_t *parameter = tree_at(tree_at(lhs, "children", i), "column_names", 0);
            if (json_is_string(parameter) &&
                str_equal_nocase(str_of(json_string_value(parameter)), name))
                return true;
        }
    }
    return false;
}

// current_date and its like are written without parentheses and so look like columns.
static bool is_value_word(struct str name)
{
    static const char *const words[] = {"current_date",   "current_time",    "current_timestamp",
                                        "localtime",      "localtimestamp",  "current_user",
                                        "current_schema", "current_catalog", "user"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_equal_nocase(name, str_of(words[i])))
            return true;
    }
    return false;
}

static const json_t *find_alias(const struct resolver *resolver, struct str name)
{
    for (size_t i = 0; resolver->items != NULL && i < resolver->items_len; i++) {
        const json_t *item = json_array_get(resolver->items, i);
        if (tree_text(item, "alias").len > 0 && str_equal_nocase(tree_text(item, "alias"), name))
            return item;
    }
    return NULL;
}

static bool resolve_reference(struct resolver *resolver, json_t *node, json_t **replacement)
{
    json_t *names = json_object_get(node, "column_names");
    struct str first = str_of(json_string_value(json_array_get(names, 0)));
    if (is_parameter(resolver, first))
        return false;
    if (json_array_size(names) > 1 && str_equal_nocase(first, resolver->alias) &&
        column_find(resolver->columns, resolver->len,
                    str_of(json_string_value(json_array_get(names, 1)))) >= 0) {
        json_array_remove(names, 0);
        return false;
    }
    if (column_find(resolver->columns, resolver->len, first) >= 0)
        return false;
    const json_t *item = json_array_size(names) == 1 ? find_alias(resolver, first) : NULL;
    if (item != NULL) {
        *replacement = json_deep_copy(item);
        json_object_set(*replacement, "alias", json_object_get(node, "alias"));
        return false;
    }
    if (is_value_word(first))
        return false;
    bool is_qualified = json_array_size(names) > 1 && str_equal_nocase(first, resolver->alias);
    struct str wanted = is_qualified ? str_of(json_string_value(json_array_get(names, 1))) : first;
    const char *nearest =
        column_nearest(resolver->select->builder->arena, resolver->columns, resolver->len, wanted);
    resolver->failed = true;
    return select_refuse(resolver->select, "E0202", tree_place(node), NULL,
                         "no column %.*s in %.*s%s", STR_ARGS(wanted), STR_ARGS(resolver->alias),
                         nearest);
}

// NOLINTNEXTLINE(misc-no-recursion): lambdas in lambdas, bounded by the tree
static bool resolve_visit(void *context, json_t *node, json_t **replacement)
{
    struct resolver *resolver = context;
    if (tree_is(node, "SUBQUERY")) {
        // The expression beside IN is ours, the query inside is not.
        json_t *child = json_object_get(node, "child");
        if (json_is_object(child))
            json_object_set_new(node, "child",
                                tree_replace(json_incref(child), resolve_visit, context));
        return false;
    }
    if (tree_is(node, "LAMBDA")) {
        struct resolver inner = *resolver;
        inner.lambda = node;
        inner.outer = resolver;
        json_object_set_new(
            node, "expr",
            tree_replace(json_incref(json_object_get(node, "expr")), resolve_visit, &inner));
        resolver->failed = resolver->failed || inner.failed;
        return false;
    }
    return tree_is(node, "COLUMN_REF") ? resolve_reference(resolver, node, replacement) : true;
}

static void resolve_field(struct resolver *resolver, json_t *query, const char *key)
{
    json_t *field = json_object_get(query, key);
    if (json_is_object(field))
        json_object_set_new(query, key, tree_replace(json_incref(field), resolve_visit, resolver));
    else
        tree_walk(field, resolve_visit, resolver);
}

bool select_resolve(const struct select *select, json_t *query, struct str alias,
                    const struct column *columns, size_t len)
{
    json_t *items = json_object_get(query, "select_list");
    struct resolver resolver = {
        .select = select, .alias = alias, .columns = columns, .len = len, .items = items};
    for (size_t i = 0; i < json_array_size(items); i++) {
        resolver.items_len = i;
        json_t *item =
            tree_replace(json_incref(json_array_get(items, i)), resolve_visit, &resolver);
        json_array_set_new(items, i, item);
    }
    resolver.items_len = json_array_size(items);
    resolve_field(&resolver, query, "where_clause");
    resolve_field(&resolver, query, "having");
    resolve_field(&resolver, query, "qualify");
    resolve_field(&resolver, query, "group_expressions");
    return !resolver.failed;
}

// ---- Searching --------------------------------------------------------------------------------

struct search {
    const char *word;
    bool is_function;
    bool found;
};

static bool search_visit(void *context, json_t *node, json_t **replacement)
{
    (void)replacement;
    struct search *search = context;
    if (search->is_function)
        search->found = search->found || (tree_is(node, "FUNCTION") &&
                                          str_is(tree_text(node, "function_name"), search->word));
    else
        search->found = search->found || tree_is(node, search->word);
    return !search->found && !tree_is(node, "SUBQUERY");
}

static bool tree_search(json_t *node, struct search search)
{
    if (node != NULL)
        json_decref(tree_replace(json_incref(node), search_visit, &search));
    return search.found;
}

bool tree_has_class(json_t *node, const char *class_or_type)
{
    return tree_search(node, (struct search){.word = class_or_type});
}

bool tree_has_function(json_t *node, const char *name)
{
    return tree_search(node, (struct search){.word = name, .is_function = true});
}

bool select_interval(const struct select *select, json_t *node, const char *what, int64_t *us)
{
    static const char cure[] = "write INTERVAL '1 minute'";
    size_t place = tree_first_place(node);
    if (tree_has_class(node, "COLUMN_REF") || tree_has_class(node, "SUBQUERY"))
        return select_refuse(select, "E0221", place, cure, "%s must be a constant interval", what);
    AUTO(tree_release) json_t *bare = json_deep_copy(node);
    struct str text = select_print_expression(select->builder, bare);
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf value = {0};
    buf_print(&sql,
              "SELECT date_part('year', i) * 12 + date_part('month', i) || ' ' || epoch_us(i) FROM "
              "(SELECT (%.*s) AS i) WHERE typeof(i) = 'INTERVAL'",
              STR_ARGS(text));
    bool is_null = false;
    struct error err = {0};
    if (!connection_query_text(select->builder->connection, buf_cstr(&sql), &value, &is_null,
                               &err) ||
        is_null || value.len == 0)
        return select_refuse(select, "E0221", place, cure, "%s must be a constant interval", what);
    struct str both = buf_str(&value);
    size_t space = (size_t)str_find(both, ' ');
    if (!str_is(str_slice(both, 0, space), "0"))
        return select_refuse(select, "E0223", place, "write days or hours: INTERVAL '30 days'",
                             "%s has months or years, which have no fixed length", what);
    if (!str_parse_int64(str_slice(both, space + 1, both.len), us))
        return select_refuse(select, "E0221", place, cure, "%s is too large", what);
    return true;
}

// ---- Relations --------------------------------------------------------------------------------

struct relation relation_new(struct str name, enum relation_kind kind, size_t place)
{
    return (struct relation){.kind = kind,
                             .name = name,
                             .place = place,
                             .inputs = {-1, -1},
                             .source = -1,
                             .window_start_column = -1,
                             .window_end_column = -1,
                             .late_into = -1,
                             .time_column = -1};
}

int relation_add(struct builder *builder, const struct relation *relation)
{
    struct plan *plan = builder->plan;
    struct relation *list = ARENA_ARRAY(builder->arena, struct relation, plan->relations_len + 1);
    if (plan->relations_len > 0)
        memcpy(list, plan->relations, plan->relations_len * sizeof(*list));
    list[plan->relations_len] = *relation;
    plan->relations = list;
    return (int)plan->relations_len++;
}

int relation_find(const struct builder *builder, struct str name)
{
    // The newest first: a sink's own relation may have the name of nothing else.
    for (size_t i = builder->plan->relations_len; i-- > 0;) {
        if (str_equal_nocase(builder->plan->relations[i].name, name))
            return (int)i;
    }
    return -1;
}
