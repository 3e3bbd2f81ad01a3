// SPDX-License-Identifier: MIT
// Building and binding of the tree. Two columns may want the same key, or a key and something below
// it (`location` and `location.city`): such a field gets a NODE_MANY, which reads the value once
// for each. Depth here is that of the column types, never of the input.
#include "formats/json_node.h"
#include "formats/number_text.h"

struct tree_builder {
    struct json_tree *tree;
    struct arena *arena;
    const struct format_column *column;
    struct error *err;
};

static struct json_node *node_new(struct tree_builder *builder, enum node_kind kind,
                                  const struct type *type, struct str label)
{
    struct json_node *node = ARENA_NEW(builder->arena, struct json_node);
    node->kind = kind;
    node->type = type;
    node->type_kind = type != NULL ? type->kind : TYPE_OTHER;
    node->cell_bytes = type != NULL ? (uint32_t)type->cell_bytes : 0;
    node->label = label;
    node->time_unit = builder->column->time_unit;
    return node;
}

static struct str label_join(struct arena *arena, struct str head, struct str tail)
{
    return arena_print(arena, "%.*s.%.*s", STR_ARGS(head), STR_ARGS(tail));
}

static struct json_field *field_add(struct json_node *object, struct str name, struct arena *arena)
{
    for (size_t i = 0; i < object->fields_len; i++)
        if (str_equal(object->fields[i].name, name))
            return &object->fields[i];
    size_t len = object->fields_len;
    if ((len & (len - 1)) == 0) { // full at every power of two
        struct json_field *grown = ARENA_ARRAY(arena, struct json_field, len == 0 ? 1 : len * 2);
        if (len > 0)
            memcpy(grown, object->fields, len * sizeof(*grown));
        object->fields = grown;
    }
    object->fields_len++;
    object->fields[len].name = name;
    return &object->fields[len];
}

static void field_attach(struct tree_builder *builder, struct json_field *field,
                         struct json_node *node)
{
    if (field->node == NULL) {
        field->node = node;
        return;
    }
    struct json_node *many = field->node;
    if (many->kind != NODE_MANY) {
        many = node_new(builder, NODE_MANY, NULL, node->label);
        many->many = ARENA_ARRAY(builder->arena, struct json_node *, 1);
        many->many[many->many_len++] = field->node;
        field->node = many;
    }
    struct json_node **grown = ARENA_ARRAY(builder->arena, struct json_node *, many->many_len + 1);
    memcpy(grown, many->many, many->many_len * sizeof(struct json_node *));
    grown[many->many_len++] = node;
    many->many = grown;
}

static bool type_kind_of(const struct type *type, enum node_kind *kind)
{
    switch ((int)type->kind) {
    case TYPE_DOUBLE:
        *kind = NODE_DOUBLE;
        return true;
    case TYPE_VARCHAR:
    case TYPE_BLOB:
        *kind = NODE_TEXT;
        return true;
    case TYPE_BOOLEAN:
    case TYPE_HUGEINT:
    case TYPE_FLOAT:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_UUID:
        *kind = NODE_SCALAR;
        return true;
    case TYPE_LIST:
        *kind = NODE_LIST;
        return true;
    case TYPE_STRUCT:
        *kind = NODE_OBJECT;
        return true;
    case TYPE_MAP:
        *kind = NODE_MAP;
        return type->child->fields[0].type->kind == TYPE_VARCHAR;
    default:
        *kind = NODE_INTEGER;
        return type_is_integer(type->kind);
    }
}

static struct json_node *type_node(struct tree_builder *builder, const struct type *type,
                                   struct str label);

static bool object_fill(struct tree_builder *builder, struct json_node *node)
{
    for (size_t i = 0; i < node->type->fields_len; i++) {
        const struct type_field *wanted = &node->type->fields[i];
        // A field of each STRUCT field, in its order: field i fills child i of the vector.
        struct json_field *field = field_add(node, wanted->name, builder->arena);
        field->node =
            type_node(builder, wanted->type, label_join(builder->arena, node->label, wanted->name));
        if (field->node == NULL)
            return false;
    }
    return true;
}

static struct json_node *type_node(struct tree_builder *builder, const struct type *type,
                                   struct str label)
{
    enum node_kind kind;
    if (!type_kind_of(type, &kind)) {
        error_set(builder->err, ERROR_USER,
                  "column %.*s: type %s cannot be read from json; declare it VARCHAR and cast it",
                  STR_ARGS(builder->column->name), type->sql);
        return NULL;
    }
    struct json_node *node = node_new(builder, kind, type, label);
    bool is_time = type->kind == TYPE_TIMESTAMP || type->kind == TYPE_TIMESTAMPTZ;
    if (is_time && node->time_unit == TIME_TEXT)
        node->kind = NODE_TIMESTAMP;
    if (kind == NODE_INTEGER)
        integer_range(type->kind, &node->min, &node->max);
    if (kind == NODE_OBJECT)
        return object_fill(builder, node) ? node : NULL;
    if (kind == NODE_LIST)
        node->child = type_node(builder, type->child, label);
    if (kind == NODE_MAP)
        node->child = type_node(builder, type->child->fields[1].type, label);
    return (kind == NODE_LIST || kind == NODE_MAP) && node->child == NULL ? NULL : node;
}

// The path object behind a key, made when it is not there yet.
static struct json_node *path_object(struct tree_builder *builder, struct json_field *field,
                                     struct str key)
{
    struct json_node *node = field->node;
    if (node != NULL && node->kind == NODE_OBJECT && node->type == NULL)
        return node;
    if (node != NULL && node->kind == NODE_MANY)
        for (size_t i = 0; i < node->many_len; i++)
            if (node->many[i]->kind == NODE_OBJECT && node->many[i]->type == NULL)
                return node->many[i];
    struct json_node *object = node_new(builder, NODE_OBJECT, NULL, key);
    field_attach(builder, field, object);
    return object;
}

static bool column_add(struct tree_builder *builder, size_t index)
{
    const struct format_column *column = builder->column;
    struct json_node *leaf = type_node(builder, column->type, column->name);
    if (leaf == NULL)
        return false;
    leaf->is_column = true;
    leaf->target = (size_t)column->target;
    builder->tree->columns[index] = leaf;
    const struct str *path = column->path_len > 0 ? column->path : &column->name;
    size_t path_len = column->path_len > 0 ? column->path_len : 1;
    struct json_node *object = builder->tree->root;
    for (size_t i = 0; i + 1 < path_len; i++)
        object = path_object(builder, field_add(object, path[i], builder->arena), path[i]);
    field_attach(builder, field_add(object, path[path_len - 1], builder->arena), leaf);
    return true;
}

static struct key_slot *slots_new(struct arena *arena)
{
    struct key_slot *slots = ARENA_ARRAY(arena, struct key_slot, KEY_SLOTS);
    for (size_t i = 0; i < KEY_SLOTS; i++) {
        slots[i].bytes[0] = (char)0xFF; // no key begins so: matches nothing
        slots[i].mask = 1;
    }
    return slots;
}

struct json_node *json_node_new_skipped(const struct json_node *parent, struct arena *arena)
{
    struct json_node *node = ARENA_NEW(arena, struct json_node);
    node->kind = NODE_OBJECT;
    node->skip_level = parent->skip_level + 1;
    node->slots = slots_new(arena);
    return node;
}

// Numbers the nodes, gives objects their slots and counts or collects the lists.
static void finish(struct json_tree *tree, struct json_node *node, struct arena *arena)
{
    node->number = tree->nodes_len++;
    if (node->kind == NODE_LIST || node->kind == NODE_MAP) {
        if (tree->lists != NULL)
            tree->lists[tree->lists_len] = node;
        tree->lists_len++;
        finish(tree, node->child, arena);
    }
    for (size_t i = 0; i < node->many_len; i++)
        finish(tree, node->many[i], arena);
    if (node->kind != NODE_OBJECT)
        return;
    if (node->slots == NULL)
        node->slots = slots_new(arena);
    for (size_t i = 0; i < node->fields_len; i++) {
        node->fields[i].first = tree->nodes_len;
        finish(tree, node->fields[i].node, arena);
        node->fields[i].last = tree->nodes_len - 1;
    }
}

bool json_tree_init(struct json_tree *tree, const struct format_column *columns, size_t columns_len,
                    struct arena *arena, struct error *err)
{
    static const struct format_column none = {0};
    struct tree_builder builder = {.tree = tree, .arena = arena, .column = &none, .err = err};
    *tree = (struct json_tree){.columns_len = columns_len};
    tree->columns = ARENA_ARRAY(arena, struct json_node *, columns_len);
    tree->root = node_new(&builder, NODE_OBJECT, NULL, STR(""));
    for (size_t i = 0; i < columns_len; i++) {
        builder.column = &columns[i];
        if (!column_add(&builder, i))
            return false;
    }
    finish(tree, tree->root, arena); // counts
    tree->lists = ARENA_ARRAY(arena, struct json_node *, tree->lists_len + 1);
    tree->lists_len = 0;
    tree->nodes_len = 0;
    finish(tree, tree->root, arena);
    return true;
}

static void bind(struct json_node *node, struct vector *vector)
{
    node->vector = vector;
    if (node->kind == NODE_OBJECT)
        for (size_t i = 0; i < node->fields_len; i++)
            bind(node->fields[i].node, &vector->children[i]);
    if (node->kind == NODE_LIST)
        bind(node->child, &vector->children[0]);
    if (node->kind == NODE_MAP)
        bind(node->child, &vector->children[0].children[1]);
}

void json_tree_bind(struct json_tree *tree, struct chunk *chunk)
{
    for (size_t i = 0; i < tree->columns_len; i++)
        bind(tree->columns[i], &chunk->columns[tree->columns[i]->target]);
    for (size_t i = 0; i < tree->lists_len; i++) {
        tree->lists[i]->list_size = 0;
        tree->lists[i]->list_capacity = 0;
    }
}

void json_node_set_null(struct json_node *node, size_t row)
{
    if (node->vector == NULL) { // a path or several columns
        for (size_t i = 0; i < node->fields_len; i++)
            json_node_set_null(node->fields[i].node, row);
        for (size_t i = 0; i < node->many_len; i++)
            json_node_set_null(node->many[i], row);
        return;
    }
    if (node->kind == NODE_LIST || node->kind == NODE_MAP)
        ((struct list_cell *)node->vector->data)[row] = (struct list_cell){0};
    if (LIKELY(node->vector->validity != NULL && node->kind != NODE_OBJECT))
        node->vector->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
    else
        vector_set_null(node->vector, row);
}
