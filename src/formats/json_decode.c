// SPDX-License-Identifier: MIT
// JSON records into columns: one pass over the bytes, straight into the vectors, no tree of the
// document and no copy of a string. Three things make it fast (docs/decisions/002-json-decoder.md):
//  - Keys are predicted. Each object remembers, by place, the raw bytes that came next last time
//    and the field they named; one 32-byte compare stands for separator, key and colon. A miss
//    reads the key properly and learns, so other orders, gaps and duplicates come out right.
//  - Strings end at a bit: one compare of 16 bytes finds quotes, escapes, controls and non-ASCII.
//  - Numbers and times are read eight digits at a time.
// Every record is checked to its last byte: what is good does not depend on the columns wanted.
//
// Bounds: positions are checked after each value and before each object. Between two checks the
// code moves less than 64 bytes and stays inside the payload's padding.
#include "formats/json_leaf.h"
#include "base/hash.h"
#include "formats/utf8.h"

struct decoder {
    struct json_reader reader;
};

#define NOINLINE __attribute__((noinline))

static const char *value_read(struct json_reader *reader, struct json_node *node, const char *p,
                              size_t row);
static NOINLINE const char *object_value_read(struct json_reader *reader, struct json_node *node,
                                              const char *p, size_t row);
static NOINLINE const char *list_read(struct json_reader *reader, struct json_node *node,
                                      const char *p, size_t row);
static NOINLINE const char *map_read(struct json_reader *reader, struct json_node *node,
                                     const char *p, size_t row);
static NOINLINE const char *many_read(struct json_reader *reader, struct json_node *node,
                                      const char *p, size_t row);

// --- keys -------------------------------------------------------------------------------------

static inline bool slot_matches(const struct key_slot *slot, const char *p)
{
    __m128i low = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)p),
                                 _mm_loadu_si128((const __m128i *)(const void *)slot->bytes));
    __m128i high =
        _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + 16)),
                       _mm_loadu_si128((const __m128i *)(const void *)(slot->bytes + 16)));
    uint32_t equal = (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
    return (equal & slot->mask) == slot->mask;
}

static struct json_field *field_find(struct json_reader *reader, struct json_node *object,
                                     const char *key, const char *close, bool has_escape)
{
    struct str name = json_text(reader, key, close, has_escape);
    for (size_t i = 0; i < object->fields_len; i++)
        if (str_equal(object->fields[i].name, name))
            return &object->fields[i];
    return NULL;
}

static void slot_learn(struct json_reader *reader, struct json_node *object, struct key_slot *slot,
                       const char *from, const char *to, struct json_field *field)
{
    size_t len = (size_t)(to - from);
    if (len > KEY_BYTES || to > reader->scan.end)
        return;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)from[i] >= 0x80)
            return; // a match would skip the UTF-8 check
    memcpy(slot->bytes, from, len);
    slot->mask = len == KEY_BYTES ? UINT32_MAX : (UINT32_C(1) << len) - 1;
    slot->len = (uint32_t)len;
    slot->field = field;
    bool is_object = field == NULL && to < reader->scan.end && *to == '{';
    if (is_object && slot->skipped == NULL && object->skip_level < SKIP_LEVELS &&
        reader->skipped_len < SKIPPED_MAX) {
        slot->skipped = json_node_new_skipped(object, &reader->arena);
        reader->skipped_len++;
    }
}

// Reads "[,] "key" :" at `p` without prediction, and learns it. At the object's end *is_end is set
// and the result is behind the brace.
static NOINLINE const char *key_read(struct json_reader *reader, struct json_node *object,
                                     struct key_slot *slot, const char *p,
                                     struct json_field **field, bool *is_end)
{
    struct json_scan *scan = &reader->scan;
    const char *from = p;
    bool first = slot == object->slots;
    p = json_space(p, scan->end);
    if (p < scan->end && *p == '}') {
        *is_end = true;
        return p + 1;
    }
    if (!first) {
        if (p >= scan->end || *p != ',')
            return json_fail(scan, FAULT_NOT_JSON);
        p = json_space(p + 1, scan->end);
    }
    if (p >= scan->end || *p != '"')
        return json_fail(scan, FAULT_NOT_JSON);
    bool has_escape;
    const char *key = p + 1;
    const char *close = json_string_end(scan, key, &has_escape);
    if (close == NULL)
        return NULL;
    p = json_space(close + 1, scan->end);
    if (p >= scan->end || *p != ':')
        return json_fail(scan, FAULT_NOT_JSON);
    p = json_space(p + 1, scan->end);
    *field = field_find(reader, object, key, close, has_escape);
    slot_learn(reader, object, slot, from, p, *field);
    return p;
}

// --- values ---------------------------------------------------------------------------------

// Leaves that matter for speed are read in place, the rest by calls.
static inline __attribute__((always_inline)) const char *
value_read_inline(struct json_reader *reader, struct json_node *node, const char *p, size_t row)
{
    switch (node->kind) {
    case NODE_INTEGER:
        return integer_read(reader, node, p, row);
    case NODE_DOUBLE:
        return double_read(reader, node, p, row);
    case NODE_TEXT:
        return text_read(reader, node, p, row);
    case NODE_TIMESTAMP:
        return timestamp_read(reader, node, p, row);
    case NODE_OBJECT:
        return object_value_read(reader, node, p, row);
    case NODE_LIST:
        return list_read(reader, node, p, row);
    case NODE_MAP:
        return map_read(reader, node, p, row);
    case NODE_MANY:
        return many_read(reader, node, p, row);
    case NODE_SCALAR:
        break;
    }
    return json_scalar_read(reader, node, p, row);
}

// What nobody wants, checked all the same. An object is read like a wanted one, by predicted keys.
static inline const char *unwanted_skip(struct json_reader *reader, const struct key_slot *slot,
                                        const char *p)
{
    bool has_escape;
    if (*p == '"') {
        const char *close = json_string_end(&reader->scan, p + 1, &has_escape);
        return close == NULL ? NULL : close + 1;
    }
    if (slot->skipped != NULL && *p == '{')
        return object_value_read(reader, slot->skipped, p, 0);
    if (*p == '{' || *p == '[' || *p >= 'a')
        return json_skip(&reader->scan, p);
    double ignored;
    const char *behind = double_fast(p, &ignored);
    return LIKELY(behind != NULL) ? behind : json_skip(&reader->scan, p);
}

// --- containers -------------------------------------------------------------------------------

static bool depth_enter(struct json_reader *reader)
{
    if (reader->scan.depth >= JSON_DEPTH_MAX) {
        json_fail(&reader->scan, FAULT_DEEP);
        return false;
    }
    reader->scan.depth++;
    return true;
}

static void gaps_fill(struct json_node *node, uint64_t generation, size_t row)
{
    for (size_t i = 0; i < node->fields_len; i++)
        if (node->fields[i].generation != generation)
            json_node_set_null(node->fields[i].node, row);
}

// `p` is behind the brace.
static const char *object_read(struct json_reader *reader, struct json_node *node, const char *p,
                               size_t row)
{
    if (!depth_enter(reader))
        return NULL;
    const char *const end = reader->scan.end;
    const uint64_t generation = ++reader->generation;
    struct key_slot *slot = node->slots, *const last = slot + KEY_SLOTS - 1;
    size_t filled = 0;
    if (p >= end)
        return json_fail(&reader->scan, FAULT_NOT_JSON);
    for (;;) {
        struct json_field *field;
        if (LIKELY(slot_matches(slot, p))) {
            p += slot->len;
            field = slot->field;
            if (UNLIKELY((unsigned char)*p <= ' ')) // more space than last time
                p = json_space(p, end);
        } else {
            bool is_end = false;
            p = key_read(reader, node, slot, p, &field, &is_end);
            if (p == NULL)
                return NULL;
            if (is_end)
                break;
        }
        if (field == NULL) {
            p = unwanted_skip(reader, slot, p);
        } else {
            if (LIKELY(field->generation != generation)) {
                field->generation = generation;
                filled++;
            } else if (reader->problems_len > 0) {
                json_problems_forget(reader, field); // the last of the duplicates counts
            }
            p = value_read_inline(reader, field->node, p, row);
        }
        if (UNLIKELY(p == NULL || p >= end)) // the closing brace must still come
            return json_fail(&reader->scan, FAULT_NOT_JSON);
        if (*p == '}') {
            p++;
            break;
        }
        slot += slot < last;
    }
    if (UNLIKELY(filled < node->fields_len))
        gaps_fill(node, generation, row);
    reader->scan.depth--;
    return p;
}

static const char *object_value_read(struct json_reader *reader, struct json_node *node,
                                     const char *p, size_t row)
{
    if (LIKELY(*p == '{')) {
        if (node->vector != NULL)
            vector_set_present(node->vector, row);
        return object_read(reader, node, p + 1, row);
    }
    if (*p == 'n') {
        json_node_set_null(node, row);
        return json_word(&reader->scan, p, "null");
    }
    return json_misfit(reader, node, p, row, FAULT_OBJECT);
}

// Room for one more element of a LIST or MAP; its index.
static size_t list_grow(struct json_node *node)
{
    if (node->list_size == node->list_capacity) {
        node->list_capacity = node->list_capacity == 0 ? ROWS_PER_VECTOR : node->list_capacity * 2;
        vector_list_reserve(node->vector, node->list_capacity);
    }
    return node->list_size++;
}

static void list_close(struct json_node *node, size_t row, size_t start)
{
    ((struct list_cell *)node->vector->data)[row] =
        (struct list_cell){.offset = start, .length = node->list_size - start};
    vector_set_present(node->vector, row);
}

static const char *list_read(struct json_reader *reader, struct json_node *node, const char *p,
                             size_t row)
{
    struct json_scan *scan = &reader->scan;
    if (*p == 'n') {
        json_node_set_null(node, row);
        return json_word(scan, p, "null");
    }
    if (*p != '[')
        return json_misfit(reader, node, p, row, FAULT_LIST);
    if (!depth_enter(reader))
        return NULL;
    size_t start = node->list_size;
    p = json_space(p + 1, scan->end);
    bool is_end = p < scan->end && *p == ']';
    while (!is_end) {
        if (p >= scan->end)
            return json_fail(scan, FAULT_NOT_JSON);
        size_t index = list_grow(node);
        p = value_read(reader, node->child, p, index);
        if (p == NULL)
            return NULL;
        p = json_space(p, scan->end);
        if (p >= scan->end || (*p != ',' && *p != ']'))
            return json_fail(scan, FAULT_NOT_JSON);
        is_end = *p == ']';
        if (!is_end)
            p = json_space(p + 1, scan->end);
    }
    list_close(node, row, start);
    scan->depth--;
    return p + 1;
}

// An empty table for 4 times as many keys.
static void map_table_size(struct json_reader *reader, size_t count)
{
    size_t len = 64;
    while (len < count * 4)
        len *= 2;
    if (len > reader->map_table_capacity) {
        reader->map_table = heap_resize(reader->map_table, len * sizeof(uint32_t));
        reader->map_table_capacity = len;
    }
    memset(reader->map_table, 0, len * sizeof(uint32_t));
    reader->map_table_len = len;
}

// The entry of this map that has the same key as entry `index`, or `index` itself. A map with many
// keys gets a hash table: a record of a million keys must not cost a million squared.
static size_t map_entry_find(struct json_reader *reader, const struct string_cell *keys,
                             size_t start, size_t index)
{
    struct str key = string_cell_str(&keys[index]);
    size_t count = index - start;
    if (count < 16) {
        for (size_t i = start; i < index; i++)
            if (str_equal(string_cell_str(&keys[i]), key))
                return i;
        return index;
    }
    size_t first = index;
    if (count == 16 || reader->map_table_len < (count + 1) * 2) { // a new map, or it has grown
        map_table_size(reader, count);
        first = start;
    }
    for (size_t entry = first; entry <= index; entry++) {
        struct str text = string_cell_str(&keys[entry]);
        size_t at = hash64_bytes(text.ptr, text.len) & (reader->map_table_len - 1);
        for (; reader->map_table[at] != 0; at = (at + 1) & (reader->map_table_len - 1)) {
            size_t other = start + reader->map_table[at] - 1;
            if (str_equal(string_cell_str(&keys[other]), text))
                return other;
        }
        reader->map_table[at] = (uint32_t)(entry - start + 1);
    }
    return index;
}

// The key of a map's next entry; a key seen before gives its old entry.
static const char *map_key_read(struct json_reader *reader, struct json_node *node, const char *p,
                                size_t start, size_t *entry)
{
    struct json_scan *scan = &reader->scan;
    if (p >= scan->end || *p != '"')
        return json_fail(scan, FAULT_NOT_JSON);
    bool has_escape;
    const char *close = json_string_end(scan, p + 1, &has_escape);
    if (close == NULL)
        return NULL;
    struct str key = json_text(reader, p + 1, close, has_escape);
    p = json_space(close + 1, scan->end);
    if (p >= scan->end || *p != ':')
        return json_fail(scan, FAULT_NOT_JSON);
    size_t index = list_grow(node);
    struct vector *entries = &node->vector->children[0];
    struct string_cell *keys = entries->children[0].data;
    keys[index] = string_cell_of(key.ptr, key.len);
    *entry = map_entry_find(reader, keys, start, index);
    if (*entry != index)
        node->list_size--;
    vector_set_present(entries, *entry);
    vector_set_present(&entries->children[0], *entry);
    p = json_space(p + 1, scan->end);
    return p < scan->end ? p : json_fail(scan, FAULT_NOT_JSON);
}

static const char *map_read(struct json_reader *reader, struct json_node *node, const char *p,
                            size_t row)
{
    struct json_scan *scan = &reader->scan;
    if (*p == 'n') {
        json_node_set_null(node, row);
        return json_word(scan, p, "null");
    }
    if (*p != '{')
        return json_misfit(reader, node, p, row, FAULT_OBJECT);
    if (!depth_enter(reader))
        return NULL;
    size_t start = node->list_size;
    p = json_space(p + 1, scan->end);
    bool is_end = p < scan->end && *p == '}';
    while (!is_end) {
        size_t entry;
        p = map_key_read(reader, node, p, start, &entry);
        if (p != NULL)
            p = value_read(reader, node->child, p, entry);
        if (p == NULL)
            return NULL;
        p = json_space(p, scan->end);
        if (p >= scan->end || (*p != ',' && *p != '}'))
            return json_fail(scan, FAULT_NOT_JSON);
        is_end = *p == '}';
        if (!is_end)
            p = json_space(p + 1, scan->end);
    }
    list_close(node, row, start);
    scan->depth--;
    return p + 1;
}

static const char *many_read(struct json_reader *reader, struct json_node *node, const char *p,
                             size_t row)
{
    const char *behind = NULL;
    for (size_t i = 0; i < node->many_len; i++) {
        behind = value_read(reader, node->many[i], p, row);
        if (behind == NULL)
            return NULL;
    }
    return behind;
}

static const char *value_read(struct json_reader *reader, struct json_node *node, const char *p,
                              size_t row)
{
    return value_read_inline(reader, node, p, row);
}

// --- records ----------------------------------------------------------------------------------

// What is no object: empty, null, or JSON of another kind.
static enum fault top_fault(struct json_scan *scan, const char *p)
{
    if (p >= scan->end)
        return FAULT_EMPTY;
    if (*p == '{')
        return FAULT_NONE;
    bool is_null = *p == 'n';
    p = json_skip(scan, p);
    if (p == NULL || p > scan->end)
        return FAULT_NOT_JSON;
    if (json_space(p, scan->end) != scan->end)
        return FAULT_TRAILING;
    return is_null ? FAULT_EMPTY : FAULT_NOT_RECORD;
}

static enum fault record_read(struct json_reader *reader, const struct payload *payload, size_t row)
{
    struct json_scan *scan = &reader->scan;
    scan->end = payload->ptr + payload->len;
    scan->fault = FAULT_NONE;
    scan->depth = 0;
    scan->has_non_ascii = false;
    reader->problems_len = 0;
    const char *p = json_space(payload->ptr, scan->end);
    if (UNLIKELY(p >= scan->end || *p != '{')) {
        enum fault fault = top_fault(scan, p);
        return scan->fault == FAULT_DEEP ? FAULT_DEEP : fault;
    }
    p = object_read(reader, reader->tree.root, p + 1, row);
    if (UNLIKELY(p == NULL))
        return scan->fault;
    if (UNLIKELY(p != scan->end && json_space(p, scan->end) != scan->end))
        return FAULT_TRAILING;
    if (UNLIKELY(scan->has_non_ascii && !utf8_is_valid(payload->ptr, payload->len)))
        return FAULT_UTF8;
    return FAULT_NONE;
}

static struct str reason_of(struct json_reader *reader, enum fault fault)
{
    if (fault != FAULT_NONE)
        return str_of(fault_text(fault));
    struct value_problem *problem = &reader->problems[0];
    struct str *reason = &problem->node->reasons[problem->fault];
    if (reason->ptr == NULL)
        *reason = arena_print(&reader->arena, "%.*s: %s", STR_ARGS(problem->node->label),
                              fault_text(problem->fault));
    return *reason;
}

static void json_decode(struct decoder *decoder, const struct payload *payloads, size_t count,
                        struct chunk *chunk, uint8_t *verdicts, struct arena *arena,
                        const struct decode_problem **problems, size_t *problems_len)
{
    ASSERT(count <= ROWS_PER_VECTOR);
    struct json_reader *reader = &decoder->reader;
    struct json_tree *tree = &reader->tree;
    size_t bad = 0;
    reader->unescaped = arena;
    json_tree_bind(tree, chunk);
    for (size_t row = 0; row < count; row++) {
        for (size_t i = 0; i < tree->lists_len; i++)
            tree->lists[i]->list_row_size = tree->lists[i]->list_size;
        enum fault fault = record_read(reader, &payloads[row], row);
        if (LIKELY(fault == FAULT_NONE && reader->problems_len == 0)) {
            verdicts[row] = VERDICT_OK;
            continue;
        }
        verdicts[row] = VERDICT_UNDECODABLE;
        reader->rows[bad++] = (struct decode_problem){row, reason_of(reader, fault)};
        for (size_t i = 0; i < tree->columns_len; i++)
            json_node_set_null(tree->columns[i], row);
        for (size_t i = 0; i < tree->lists_len; i++) // half-read elements are not safe to read
            tree->lists[i]->list_size = tree->lists[i]->list_row_size;
    }
    for (size_t i = 0; i < tree->lists_len; i++)
        vector_list_set_size(tree->lists[i]->vector, tree->lists[i]->list_size);
    chunk->rows = count;
    *problems = reader->rows;
    *problems_len = bad;
}

static void json_close(struct decoder *decoder)
{
    if (decoder == NULL)
        return;
    heap_free(decoder->reader.map_table);
    heap_free(decoder->reader.rows);
    arena_clear(&decoder->reader.arena);
    heap_free(decoder);
}

static struct decoder *json_open(const struct format_column *columns, size_t columns_len,
                                 bool coerce_spark, struct str options, struct error *err)
{
    if (options.len > 0) {
        error_set(err, ERROR_USER, "format json: no options are known, got '%.*s'",
                  STR_ARGS(options));
        return NULL;
    }
    struct decoder *decoder = heap_new(sizeof(*decoder));
    struct json_reader *reader = &decoder->reader;
    reader->coerce_spark = coerce_spark;
    if (!json_tree_init(&reader->tree, columns, columns_len, &reader->arena, err)) {
        json_close(decoder);
        return NULL;
    }
    reader->problems = ARENA_ARRAY(&reader->arena, struct value_problem, reader->tree.nodes_len);
    reader->rows = heap_array(ROWS_PER_VECTOR, sizeof(*reader->rows));
    return decoder;
}

const struct format_type format_json = {
    .name = "json",
    .summary = "one JSON object a record",
    .open = json_open,
    .decode = json_decode,
    .close = json_close,
};
