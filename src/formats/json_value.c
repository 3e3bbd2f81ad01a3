// SPDX-License-Identifier: MIT
// Conversion is strict: a number inside quotes is no number, 85.0 is no integer. Only VARCHAR takes
// everything, as the text that stands in the record.
#include "formats/json_value.h"
#include "formats/cell_value.h"

void json_problem(struct json_reader *reader, struct json_node *node, size_t row, enum fault fault)
{
    json_node_set_null(node, row);
    if (reader->coerce_spark)
        return;
    for (size_t i = 0; i < reader->problems_len; i++)
        if (reader->problems[i].node == node)
            return;
    reader->problems[reader->problems_len++] = (struct value_problem){.node = node, .fault = fault};
}

void json_problems_forget(struct json_reader *reader, const struct json_field *field)
{
    size_t kept = 0;
    for (size_t i = 0; i < reader->problems_len; i++) {
        uint32_t number = reader->problems[i].node->number;
        if (number < field->first || number > field->last)
            reader->problems[kept++] = reader->problems[i];
    }
    reader->problems_len = kept;
}

const char *json_misfit(struct json_reader *reader, struct json_node *node, const char *p,
                        size_t row, enum fault fault)
{
    json_problem(reader, node, row, fault);
    return json_skip(&reader->scan, p);
}

struct str json_text(struct json_reader *reader, const char *p, const char *close, bool has_escape)
{
    size_t len = (size_t)(close - p);
    if (!has_escape)
        return (struct str){p, len};
    // 32 bytes more, so that fixed-layout parsers may read past the text.
    char *target = arena_bytes(reader->unescaped, len + MOMENT_PADDING);
    len = json_unescape(p, close, target);
    memset(target + len, 0, MOMENT_PADDING);
    return (struct str){target, len};
}

static void *cell_of(struct json_node *node, size_t row)
{
    return (char *)node->vector->data + row * node->cell_bytes;
}

static const char *string_read(struct json_reader *reader, struct json_node *node, const char *p,
                               size_t row)
{
    bool has_escape;
    const char *close = json_string_end(&reader->scan, p + 1, &has_escape);
    if (close == NULL)
        return NULL;
    struct str text = json_text(reader, p + 1, close, has_escape);
    enum fault fault = FAULT_NONE;
    if (node->kind == NODE_TEXT)
        ((struct string_cell *)node->vector->data)[row] = string_cell_of(text.ptr, text.len);
    else
        fault =
            cell_from_moment(node->type, node->time_unit, text, &reader->days, cell_of(node, row));
    if (fault != FAULT_NONE)
        json_problem(reader, node, row, fault);
    else
        vector_set_present(node->vector, row);
    return close + 1;
}

// The same for up to 19 digits, as random numbers are written; NULL: the slow way.
const char *json_double_long(const char *p, const char *end, double *value)
{
    struct number number = {.negative = *p == '-', .exact = true};
    const char *first = p += number.negative;
    unsigned digits = 0;
    for (bool fraction = false; p < end && digits <= 19; p++) {
        unsigned count;
        do {
            uint64_t word = digits_word(p);
            count = digits_count(word);
            if (count == 0)
                break;
            digits += count;
            number.mantissa =
                number.mantissa * (uint64_t)power_of_ten[count] + digits_value(word, count);
            number.exponent10 -= fraction ? (int)count : 0;
            p += count;
        } while (count == 8 && digits <= 19);
        if (fraction || *p != '.') {
            bool bad = digits == 0 || digits > 19 || (*first == '0' && first[1] != '.') ||
                       p[-1] == '.' || *first == '.' || (*p | 0x20) == 'e';
            return !bad && number_to_double(&number, value) == FAULT_NONE ? p : NULL;
        }
        fraction = true;
    }
    return NULL;
}

static bool ends_number(const char *p, const char *end)
{
    return p < end && (*p == ',' || *p == '}' || *p == ']' || *p == ' ' || *p == '\n' ||
                       *p == '\r' || *p == '\t');
}

static const char *number_read(struct json_reader *reader, struct json_node *node, const char *p,
                               size_t row)
{
    struct number number;
    const char *behind = number_scan(p, reader->scan.end, false, &number);
    // strtod reads in place, so the byte behind must be one that ends it.
    if (behind == NULL || !ends_number(behind, reader->scan.end))
        return json_fail(&reader->scan, FAULT_NOT_JSON);
    enum fault fault = cell_from_number(node->type, node->time_unit, &number, cell_of(node, row));
    if (fault != FAULT_NONE)
        json_problem(reader, node, row, fault);
    else
        vector_set_present(node->vector, row);
    return behind;
}

static const char *boolean_read(struct json_reader *reader, struct json_node *node, const char *p,
                                size_t row)
{
    bool value = *p == 't';
    p = json_word(&reader->scan, p, value ? "true" : "false");
    if (p == NULL)
        return NULL;
    ((uint8_t *)node->vector->data)[row] = value;
    vector_set_present(node->vector, row);
    return p;
}

const char *json_scalar_read(struct json_reader *reader, struct json_node *node, const char *p,
                             size_t row)
{
    struct json_scan *scan = &reader->scan;
    if (*p == 'n') {
        json_node_set_null(node, row);
        return json_word(scan, p, "null");
    }
    if (*p == '"')
        return string_read(reader, node, p, row);
    if (node->kind == NODE_TEXT) {
        const char *behind = json_skip(scan, p);
        if (behind == NULL)
            return NULL;
        ((struct string_cell *)node->vector->data)[row] = string_cell_of(p, (size_t)(behind - p));
        vector_set_present(node->vector, row);
        return behind;
    }
    if (*p == '-' || (*p >= '0' && *p <= '9'))
        return number_read(reader, node, p, row);
    if (node->type_kind == TYPE_BOOLEAN && (*p == 't' || *p == 'f'))
        return boolean_read(reader, node, p, row);
    return json_misfit(reader, node, p, row, cell_misfit(node->type));
}
