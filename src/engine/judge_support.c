// SPDX-License-Identifier: MIT
// Which predicates judge.c computes exactly as DuckDB would; the others go to a statement. In doubt
// the answer is no: a slower right verdict is better than a fast wrong one.
#include "engine/gather.h"
#include "engine/judge.h"
#include <math.h>

static const struct type *path_type(const struct column_path *path, const struct column *columns,
                                    size_t columns_len)
{
    if (path->column < 0 || (size_t)path->column >= columns_len)
        return NULL;
    const struct type *type = columns[path->column].type;
    for (int i = 0; i < path->fields_len; i++) {
        if (type->kind != TYPE_STRUCT || (size_t)path->fields[i] >= type->fields_len)
            return NULL;
        type = type->fields[path->fields[i]].type;
    }
    return type;
}

static bool constant_fits(const struct constant *constant, enum type_kind kind)
{
    if (constant->is_null)
        return true;
    enum number_class class = number_class_of(kind);
    enum type_kind of = constant->kind;
    if (class == NUMBER_NONE)
        return type_is_string(kind) && of == kind;
    if (kind == TYPE_UUID || type_is_string(of))
        return false;
    if (kind == TYPE_BOOLEAN || of == TYPE_BOOLEAN)
        return kind == of;
    if (class == NUMBER_REAL)
        return of == TYPE_BIGINT || of == TYPE_DOUBLE;
    // An integer column against 0.5: exact while the bound is far from where doubles have gaps.
    if (of == TYPE_DOUBLE)
        return (type_is_integer(kind) || kind == TYPE_HUGEINT) && fabs(constant->real) < 0x1p52;
    if (of == TYPE_TIMESTAMP)
        return kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMPTZ || kind == TYPE_DATE;
    return of == TYPE_BIGINT || of == kind;
}

static bool columns_compare(enum type_kind a, enum type_kind b)
{
    bool a_number = type_is_integer(a) || a == TYPE_HUGEINT;
    bool b_number = type_is_integer(b) || b == TYPE_HUGEINT;
    if (a_number && b_number)
        return true;
    if (number_class_of(a) == NUMBER_REAL && number_class_of(b) == NUMBER_REAL)
        return true;
    return a == b && a != TYPE_UUID && (number_class_of(a) != NUMBER_NONE || type_is_string(a));
}

bool judge_supports(const struct predicate *predicate, const struct column *columns,
                    size_t columns_len)
{
    enum predicate_op op = predicate->op;
    if (op == PREDICATE_AND || op == PREDICATE_OR || op == PREDICATE_NOT) {
        for (size_t i = 0; i < predicate->children_len; i++)
            if (!judge_supports(predicate->children[i], columns, columns_len))
                return false;
        return op != PREDICATE_NOT || predicate->children_len == 1;
    }
    if (op == PREDICATE_CONSTANT)
        return predicate->constants_len == 1;
    const struct type *type = path_type(&predicate->path, columns, columns_len);
    if (type == NULL)
        return false;
    if (op == PREDICATE_IS_NULL || op == PREDICATE_IS_NOT_NULL)
        return true;
    if (op == PREDICATE_COLUMN)
        return type->kind == TYPE_BOOLEAN;
    if (predicate->other.column >= 0) {
        const struct type *other = path_type(&predicate->other, columns, columns_len);
        return op != PREDICATE_IN && other != NULL && columns_compare(type->kind, other->kind);
    }
    if (predicate->constants_len == 0 || (op != PREDICATE_IN && predicate->constants_len != 1))
        return false;
    for (size_t i = 0; i < predicate->constants_len; i++)
        if (!constant_fits(&predicate->constants[i], type->kind))
            return false;
    return true;
}
