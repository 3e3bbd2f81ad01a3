// SPDX-License-Identifier: MIT
// Conditions twice: as SQL, always, and as a predicate that the engine evaluates in C when every
// comparison in it means exactly the same there. DuckDB compares in a common type of both sides, so
// a constant is only taken when it can be put into the column's own domain without changing any
// answer: whole numbers for integer columns (5.0 yes, 0.5 no), doubles for floating columns, texts
// for texts, times for times. Anything else (functions, LIKE, NULL constants, decimals) stays with
// DuckDB.
#include "pipeline/select.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define PATH_FIELDS_MAX 4

// ---- Column paths -----------------------------------------------------------------------------

static bool path_enter(struct column_path *path, const struct type **type, struct str field)
{
    int index = (*type)->kind == TYPE_STRUCT ? type_field_find(*type, field) : -1;
    if (index < 0 || path->fields_len == PATH_FIELDS_MAX)
        return false;
    path->fields[path->fields_len++] = index;
    *type = (*type)->fields[index].type;
    return true;
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
bool tree_column_path(const json_t *node, const struct column *columns, size_t len,
                      struct column_path *path, const struct type **type)
{
    bool is_extract = tree_is(node, "ARRAY_EXTRACT") || tree_is(node, "STRUCT_EXTRACT");
    if (is_extract) {
        struct str field =
            tree_text(json_object_get(tree_at(node, "children", 1), "value"), "value");
        return field.len > 0 &&
               tree_column_path(tree_at(node, "children", 0), columns, len, path, type) &&
               path_enter(path, type, field);
    }
    if (!tree_is(node, "COLUMN_REF"))
        return false;
    *path = (struct column_path){0};
    path->column =
        column_find(columns, len, str_of(json_string_value(tree_at(node, "column_names", 0))));
    if (path->column < 0)
        return false;
    *type = columns[path->column].type;
    for (size_t i = 1; i < tree_len(node, "column_names"); i++) {
        if (!path_enter(path, type, str_of(json_string_value(tree_at(node, "column_names", i)))))
            return false;
    }
    return true;
}

// ---- Constants --------------------------------------------------------------------------------

struct compiler {
    struct builder *builder;
    const struct column *columns;
    size_t columns_len;
};

// A constant, a cast of one, or one with a sign: always the same value.
static bool is_constant(const json_t *node)
{
    while (true) {
        if (tree_is(node, "CONSTANT"))
            return true;
        if (tree_is(node, "CAST") && !json_is_true(json_object_get(node, "try_cast")))
            node = json_object_get(node, "child");
        else if (str_is(tree_function(node), "-") && tree_len(node, "children") == 1)
            node = tree_at(node, "children", 0);
        else
            return false;
    }
}

static bool evaluate(struct compiler *compiler, json_t *node, const char *format, struct buf *out)
{
    struct str text = select_print_expression(compiler->builder, node);
    AUTO(buf_clear) struct buf sql = {0};
    const char *marker = strstr(format, "%s");
    buf_add(&sql, format, (size_t)(marker - format));
    buf_add_str(&sql, text);
    buf_add_cstr(&sql, marker + 2);
    bool is_null = false;
    struct error err = {0};
    return connection_query_text(compiler->builder->connection, buf_cstr(&sql), out, &is_null,
                                 &err) &&
           !is_null;
}

static bool whole_range(enum type_kind kind, int64_t *low, int64_t *high)
{
    static const struct {
        enum type_kind kind;
        int64_t low, high;
    } ranges[] = {
        {TYPE_TINYINT, INT8_MIN, INT8_MAX},   {TYPE_SMALLINT, INT16_MIN, INT16_MAX},
        {TYPE_INTEGER, INT32_MIN, INT32_MAX}, {TYPE_BIGINT, INT64_MIN, INT64_MAX},
        {TYPE_UTINYINT, 0, UINT8_MAX},        {TYPE_USMALLINT, 0, UINT16_MAX},
        {TYPE_UINTEGER, 0, UINT32_MAX},       {TYPE_UBIGINT, 0, INT64_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        if (ranges[i].kind == kind) {
            *low = ranges[i].low;
            *high = ranges[i].high;
            return true;
        }
    }
    return false;
}

static bool is_whole_type(struct str type)
{
    static const char *const names[] = {"TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT", "HUGEINT",
                                        "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_is(type, names[i]))
            return true;
    }
    return false;
}

// "5", or "5.00" of a DECIMAL.
static bool parse_whole(struct str text, int64_t *whole)
{
    int64_t dot = str_find(text, '.');
    for (size_t i = dot < 0 ? text.len : (size_t)dot + 1; i < text.len; i++) {
        if (text.ptr[i] != '0')
            return false;
    }
    return str_parse_int64(dot < 0 ? text : str_slice(text, 0, (size_t)dot), whole);
}

static bool whole_constant(struct str type, struct str text, enum type_kind kind,
                           struct constant *out)
{
    int64_t low;
    int64_t high;
    if (!(is_whole_type(type) || str_starts(type, "DECIMAL")) || !whole_range(kind, &low, &high))
        return false;
    out->kind = TYPE_BIGINT;
    return parse_whole(text, &out->whole) && out->whole >= low && out->whole <= high;
}

static bool real_constant(struct compiler *compiler, json_t *node, struct str type,
                          enum type_kind kind, struct constant *out)
{
    bool is_double = str_is(type, "DOUBLE");
    if (!is_double && !str_is(type, "FLOAT") && !is_whole_type(type) &&
        !str_starts(type, "DECIMAL"))
        return false;
    // FLOAT with a number that is no DOUBLE is compared as FLOAT, everything else as DOUBLE.
    const char *format = kind == TYPE_FLOAT && !is_double
                             ? "SELECT CAST(CAST(CAST(%s AS FLOAT) AS DOUBLE) AS VARCHAR)"
                             : "SELECT CAST(CAST(%s AS DOUBLE) AS VARCHAR)";
    AUTO(buf_clear) struct buf text = {0};
    out->kind = TYPE_DOUBLE;
    return evaluate(compiler, node, format, &text) &&
           str_parse_double(buf_str(&text), &out->real) && isfinite(out->real);
}

static bool time_constant(struct compiler *compiler, json_t *node, struct str type,
                          struct constant *out)
{
    if (!str_is(type, "TIMESTAMP") && !str_is(type, "VARCHAR") && !str_is(type, "DATE"))
        return false;
    AUTO(buf_clear) struct buf text = {0};
    out->kind = TYPE_TIMESTAMP;
    return evaluate(compiler, node,
                    "SELECT epoch_us(t) FROM (SELECT CAST(%s AS TIMESTAMP) AS t) WHERE isfinite(t)",
                    &text) &&
           str_parse_int64(buf_str(&text), &out->whole);
}

static bool constant_in_domain(struct compiler *compiler, json_t *node, const struct type *column,
                               struct constant *out)
{
    *out = (struct constant){0};
    if (!is_constant(node))
        return false;
    AUTO(buf_clear) struct buf typed = {0};
    if (!evaluate(compiler, node,
                  "SELECT typeof(c) || chr(10) || CAST(c AS VARCHAR) FROM "
                  "(SELECT (%s) AS c)",
                  &typed))
        return false;
    struct str both = buf_str(&typed);
    size_t line = (size_t)str_find(both, '\n');
    struct str type = str_slice(both, 0, line);
    struct str text = str_slice(both, line + 1, both.len);
    if (column->kind == TYPE_FLOAT || column->kind == TYPE_DOUBLE)
        return real_constant(compiler, node, type, column->kind, out);
    if (column->kind == TYPE_TIMESTAMP)
        return time_constant(compiler, node, type, out);
    if (column->kind == TYPE_VARCHAR) {
        out->kind = TYPE_VARCHAR;
        out->text = arena_str(compiler->builder->arena, text);
        return str_is(type, "VARCHAR");
    }
    if (column->kind == TYPE_BOOLEAN) {
        out->kind = TYPE_BOOLEAN;
        out->whole = str_is(text, "true") ? 1 : 0;
        return str_is(type, "BOOLEAN");
    }
    return whole_constant(type, text, column->kind, out);
}

// ---- Predicates -------------------------------------------------------------------------------

static struct predicate *predicate_new(struct compiler *compiler, enum predicate_op op)
{
    struct predicate *predicate = ARENA_NEW(compiler->builder->arena, struct predicate);
    predicate->op = op;
    predicate->path.column = -1;
    predicate->other.column = -1;
    return predicate;
}

static struct predicate *compile(struct compiler *compiler, json_t *node);

static struct predicate *compile_children(struct compiler *compiler, enum predicate_op op,
                                          json_t *const *children, size_t len)
{
    struct predicate *predicate = predicate_new(compiler, op);
    predicate->children = ARENA_ARRAY(compiler->builder->arena, struct predicate *, len);
    predicate->children_len = len;
    for (size_t i = 0; i < len; i++) {
        predicate->children[i] = compile(compiler, children[i]);
        if (predicate->children[i] == NULL)
            return NULL;
    }
    return predicate;
}

static bool column_of(struct compiler *compiler, const json_t *node, struct column_path *path,
                      const struct type **type)
{
    return tree_column_path(node, compiler->columns, compiler->columns_len, path, type);
}

static bool is_comparable(const struct type *type)
{
    int64_t low;
    int64_t high;
    return whole_range(type->kind, &low, &high) || type->kind == TYPE_BOOLEAN ||
           type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE || type->kind == TYPE_VARCHAR ||
           type->kind == TYPE_TIMESTAMP;
}

static enum predicate_op flipped(enum predicate_op op)
{
    return op == PREDICATE_LT   ? PREDICATE_GT
           : op == PREDICATE_LE ? PREDICATE_GE
           : op == PREDICATE_GT ? PREDICATE_LT
           : op == PREDICATE_GE ? PREDICATE_LE
                                : op;
}

static struct predicate *compile_comparison(struct compiler *compiler, enum predicate_op op,
                                            json_t *left, json_t *right)
{
    struct predicate *predicate = predicate_new(compiler, op);
    const struct type *type;
    const struct type *other;
    if (!column_of(compiler, left, &predicate->path, &type)) {
        json_t *old = left;
        left = right;
        right = old;
        predicate->op = flipped(op);
        if (!column_of(compiler, left, &predicate->path, &type))
            return NULL;
    }
    if (!is_comparable(type))
        return NULL;
    if (column_of(compiler, right, &predicate->other, &other))
        return type->kind == other->kind ? predicate : NULL;
    predicate->other.column = -1;
    predicate->constants = ARENA_NEW(compiler->builder->arena, struct constant);
    predicate->constants_len = 1;
    return constant_in_domain(compiler, right, type, predicate->constants) ? predicate : NULL;
}

// FLOAT with several constants: one DOUBLE among them changes how all are compared.
static bool is_single_real(struct compiler *compiler, const json_t *node)
{
    struct column_path path;
    const struct type *type;
    return column_of(compiler, node, &path, &type) && type->kind == TYPE_FLOAT;
}

static struct predicate *compile_between(struct compiler *compiler, json_t *node)
{
    struct predicate *both = predicate_new(compiler, PREDICATE_AND);
    both->children = ARENA_ARRAY(compiler->builder->arena, struct predicate *, 2);
    both->children_len = 2;
    json_t *input = json_object_get(node, "input");
    if (is_single_real(compiler, input))
        return NULL;
    both->children[0] =
        compile_comparison(compiler, PREDICATE_GE, input, json_object_get(node, "lower"));
    both->children[1] =
        compile_comparison(compiler, PREDICATE_LE, input, json_object_get(node, "upper"));
    return both->children[0] != NULL && both->children[1] != NULL ? both : NULL;
}

static struct predicate *compile_in(struct compiler *compiler, json_t *node)
{
    struct predicate *predicate = predicate_new(compiler, PREDICATE_IN);
    const struct type *type;
    size_t len = tree_len(node, "children");
    if (!column_of(compiler, tree_at(node, "children", 0), &predicate->path, &type) ||
        !is_comparable(type) || type->kind == TYPE_FLOAT)
        return NULL;
    predicate->constants = ARENA_ARRAY(compiler->builder->arena, struct constant, len);
    predicate->constants_len = len - 1;
    for (size_t i = 1; i < len; i++) {
        if (!constant_in_domain(compiler, tree_at(node, "children", i), type,
                                &predicate->constants[i - 1]))
            return NULL;
    }
    if (!tree_is(node, "COMPARE_NOT_IN"))
        return predicate;
    struct predicate *negated = predicate_new(compiler, PREDICATE_NOT);
    negated->children = ARENA_NEW(compiler->builder->arena, struct predicate *);
    negated->children[0] = predicate;
    negated->children_len = 1;
    return negated;
}

static struct predicate *compile_leaf(struct compiler *compiler, json_t *node)
{
    struct predicate *predicate = predicate_new(compiler, PREDICATE_COLUMN);
    const struct type *type;
    if (column_of(compiler, node, &predicate->path, &type))
        return type->kind == TYPE_BOOLEAN ? predicate : NULL;
    static const struct type boolean = {.kind = TYPE_BOOLEAN};
    predicate->op = PREDICATE_CONSTANT;
    predicate->path.column = -1;
    predicate->constants = ARENA_NEW(compiler->builder->arena, struct constant);
    predicate->constants_len = 1;
    return constant_in_domain(compiler, node, &boolean, predicate->constants) ? predicate : NULL;
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded by jansson
static struct predicate *compile(struct compiler *compiler, json_t *node)
{
    static const struct {
        const char *type;
        enum predicate_op op;
    } comparisons[] = {
        {"COMPARE_EQUAL", PREDICATE_EQ},
        {"COMPARE_NOTEQUAL", PREDICATE_NE},
        {"COMPARE_LESSTHAN", PREDICATE_LT},
        {"COMPARE_GREATERTHAN", PREDICATE_GT},
        {"COMPARE_LESSTHANOREQUALTO", PREDICATE_LE},
        {"COMPARE_GREATERTHANOREQUALTO", PREDICATE_GE},
    };
    json_t *children = json_object_get(node, "children");
    size_t len = json_array_size(children);
    bool is_and = tree_is(node, "CONJUNCTION_AND");
    if (is_and || tree_is(node, "CONJUNCTION_OR") || tree_is(node, "OPERATOR_NOT")) {
        json_t **list = ARENA_ARRAY(compiler->builder->arena, json_t *, len);
        for (size_t i = 0; i < len; i++)
            list[i] = json_array_get(children, i);
        enum predicate_op op = is_and                            ? PREDICATE_AND
                               : tree_is(node, "CONJUNCTION_OR") ? PREDICATE_OR
                                                                 : PREDICATE_NOT;
        return compile_children(compiler, op, list, len);
    }
    bool is_null = tree_is(node, "OPERATOR_IS_NULL");
    if (is_null || tree_is(node, "OPERATOR_IS_NOT_NULL")) {
        struct predicate *predicate =
            predicate_new(compiler, is_null ? PREDICATE_IS_NULL : PREDICATE_IS_NOT_NULL);
        const struct type *type;
        return column_of(compiler, json_array_get(children, 0), &predicate->path, &type) ? predicate
                                                                                         : NULL;
    }
    for (size_t i = 0; i < COUNT_OF(comparisons); i++) {
        if (tree_is(node, comparisons[i].type))
            return compile_comparison(compiler, comparisons[i].op, json_object_get(node, "left"),
                                      json_object_get(node, "right"));
    }
    if (tree_is(node, "COMPARE_BETWEEN"))
        return compile_between(compiler, node);
    if (tree_is(node, "COMPARE_IN") || tree_is(node, "COMPARE_NOT_IN"))
        return compile_in(compiler, node);
    return compile_leaf(compiler, node);
}

// ---- As SQL -----------------------------------------------------------------------------------

// The type of an expression over columns that need no table.
static const struct type *type_over(struct builder *builder, struct str sql,
                                    const struct column *columns, size_t len, struct error *err)
{
    AUTO(buf_clear) struct buf text = {0};
    buf_add_cstr(&text, "SELECT (");
    buf_add_str(&text, sql);
    buf_add_cstr(&text, "\n) FROM (SELECT ");
    for (size_t i = 0; i < len; i++) {
        buf_print(&text, "%sCAST(NULL AS %s) AS ", i == 0 ? "" : ", ", columns[i].type->sql);
        buf_add_sql_name(&text, columns[i].name);
    }
    buf_print(&text, "%s) AS _columns", len == 0 ? "1" : "");
    struct column *bound;
    size_t bound_len;
    return bind_sql(builder, BIND_PLAIN, buf_str(&text), &bound, &bound_len, err) ? bound[0].type
                                                                                  : NULL;
}

bool condition_from_tree(struct builder *builder, json_t *expression, const struct column *columns,
                         size_t len, struct condition *out, struct error *err)
{
    *out = (struct condition){.sql = select_print_expression(builder, expression)};
    const struct type *type = type_over(builder, out->sql, columns, len, err);
    if (type == NULL)
        return false;
    if (type->kind != TYPE_BOOLEAN)
        return error_set(err, ERROR_USER, "the condition is %s, not BOOLEAN", type->sql);
    struct compiler compiler = {.builder = builder, .columns = columns, .columns_len = len};
    out->predicate = compile(&compiler, expression);
    return true;
}

// An expression of the user's file as a resolved tree; NULL: diagnostic added.
static json_t *read_expression(struct builder *builder, const struct sql_text *text,
                               const struct column *columns, size_t len)
{
    size_t offset;
    struct error err = {0};
    AUTO(tree_release)
    json_t *expression = tree_parse_expression(builder->connection, text->text, &offset, &err);
    if (expression == NULL) {
        syntax_error_add(builder, text, offset, &err);
        return NULL;
    }
    AUTO(tree_release) json_t *query = json_pack("{s:[O]}", "select_list", expression);
    struct select select = {.builder = builder, .body = text, .place = text->place};
    if (!select_resolve(&select, query, STR("the columns"), columns, len))
        return NULL;
    return json_incref(tree_at(query, "select_list", 0));
}

bool condition_build(struct builder *builder, const struct sql_text *text,
                     const struct column *columns, size_t columns_len, struct condition *out)
{
    AUTO(tree_release) json_t *expression = read_expression(builder, text, columns, columns_len);
    struct error err = {0};
    if (expression == NULL)
        return false;
    if (!condition_from_tree(builder, expression, columns, columns_len, out, &err)) {
        diagnostic_add(builder->diagnostics, "E0205", text->place, 1, NULL, "%s", err.text);
        return false;
    }
    out->place = text->place;
    return true;
}

bool expression_path(struct builder *builder, const struct sql_text *text,
                     const struct column *columns, size_t columns_len, struct column_path *path)
{
    size_t offset;
    struct error err = {0};
    const struct type *type;
    AUTO(tree_release)
    json_t *expression = tree_parse_expression(builder->connection, text->text, &offset, &err);
    return expression != NULL && tree_column_path(expression, columns, columns_len, path, &type);
}

const struct type *expression_type(struct builder *builder, const struct sql_text *text,
                                   const struct column *columns, size_t columns_len)
{
    AUTO(tree_release) json_t *expression = read_expression(builder, text, columns, columns_len);
    struct error err = {0};
    if (expression == NULL)
        return NULL;
    const struct type *type = type_over(builder, select_print_expression(builder, expression),
                                        columns, columns_len, &err);
    if (type == NULL)
        diagnostic_add(builder->diagnostics, "E0204", text->place, 1, NULL, "%s", err.text);
    return type;
}
