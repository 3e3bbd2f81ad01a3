// SPDX-License-Identifier: MIT
// A fingerprint's line is "NAME KIND key=value ..", values in parentheses hold blanks. Both lines
// of an object are cut into fields; a field that differs is put into words here, so the line itself
// stays short and exact, and nobody has to read it.
#include "pipeline/fit.h"

#include "base/clock.h"
#include "pipeline/plan.h"
#include <string.h>

struct field {
    struct str key, value; // the kind has no key
};

static struct str next_line(struct str *text)
{
    int64_t end = str_find(*text, '\n');
    struct str line = end < 0 ? *text : str_slice(*text, 0, (size_t)end);
    *text = end < 0 ? (struct str){0} : str_slice(*text, (size_t)end + 1, text->len);
    return line;
}

static struct str first_word(struct str line)
{
    int64_t space = str_find(line, ' ');
    return space < 0 ? line : str_slice(line, 0, (size_t)space);
}

static struct str line_of(struct str text, struct str name)
{
    while (text.len > 0) {
        struct str line = next_line(&text);
        if (str_equal(first_word(line), name))
            return line;
    }
    return (struct str){0};
}

// Up to `stop` outside of parentheses; *rest goes on behind it.
static struct str next_part(struct str *rest, char stop)
{
    size_t depth = 0, i = 0;
    while (i < rest->len && (depth > 0 || rest->ptr[i] != stop)) {
        depth += rest->ptr[i] == '(';
        depth -= rest->ptr[i] == ')' && depth > 0;
        i++;
    }
    struct str part = str_slice(*rest, 0, i);
    *rest = i < rest->len ? str_slice(*rest, i + 1, rest->len) : (struct str){0};
    return part;
}

static struct field next_field(struct str *rest)
{
    struct str part = next_part(rest, ' ');
    for (size_t i = 0; i < part.len && part.ptr[i] != '('; i++)
        if (part.ptr[i] == '=')
            return (struct field){str_slice(part, 0, i), str_slice(part, i + 1, part.len)};
    return (struct field){.value = part};
}

static struct str field_value(struct str line, const char *key)
{
    next_part(&line, ' '); // the name
    while (line.len > 0) {
        struct field field = next_field(&line);
        if (str_is(field.key, key))
            return field.value;
    }
    return (struct str){0};
}

// The n-th member of "(a, b, c)"; empty when there is none.
static struct str member(struct str list, int64_t n)
{
    if (list.len < 2 || list.ptr[0] != '(' || n < 0)
        return (struct str){0};
    struct str rest = str_slice(list, 1, list.len - 1), part = {0};
    for (int64_t i = 0; i <= n; i++) {
        if (rest.len == 0)
            return (struct str){0};
        part = str_trim(next_part(&rest, ','));
    }
    return part;
}

static struct str input_name(struct str line, int64_t n)
{
    struct str column = member(field_value(line, "from"), n);
    return column.len > 0 ? column : STR("an expression");
}

// "3 5 -1 -1 DOUBLE" -> "avg(signal_strength)"
static void print_aggregate(struct buf *out, struct str line, struct str text)
{
    int64_t kind = 0, argument = -1, order = -1, filter = -1;
    int64_t *numbers[] = {&kind, &argument, &order, &filter};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (!str_parse_int64(next_part(&text, ' '), numbers[i]))
            return;
    buf_add_cstr(out, aggregate_word((enum aggregate_kind)kind));
    if (argument >= 0)
        buf_print(out, "(%.*s", STR_ARGS(input_name(line, argument)));
    if (order >= 0)
        buf_print(out, ", %.*s", STR_ARGS(input_name(line, order)));
    buf_add_cstr(out, argument >= 0 ? ")" : "");
    if (filter >= 0)
        buf_add_cstr(out, " filtered");
}

static void print_aggregates(struct buf *out, struct str line, struct str list)
{
    struct str text;
    for (int64_t i = 0; (text = member(list, i)).len > 0; i++) {
        buf_add_cstr(out, i > 0 ? ", " : "");
        print_aggregate(out, line, text);
    }
}

static void print_window(struct buf *out, struct str value)
{
    static const char *const words[] = {"", " every ", " shifted by "};
    struct str sizes[3];
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int64_t us = 0;
        char text[64];
        sizes[i] = next_part(&value, '/');
        bool is_told = i == 0 || (i == 1 && !str_equal(sizes[1], sizes[0])) ||
                       (i == 2 && !str_is(sizes[2], "0"));
        if (is_told && str_parse_int64(sizes[i], &us))
            buf_print(out, "%s%s", words[i], duration_print(us, text));
    }
}

static void print_value(struct buf *out, struct str line, struct field field)
{
    int64_t number = 0;
    char text[64];
    bool is_number = str_parse_int64(field.value, &number);
    if (field.value.len == 0)
        buf_add_cstr(out, "none");
    else if (str_is(field.key, "window"))
        print_window(out, field.value);
    else if (str_is(field.key, "within") && is_number)
        buf_add_cstr(out, duration_print(number, text));
    else if (str_is(field.key, "aggregates"))
        print_aggregates(out, line, field.value);
    else
        buf_add_str(out, field.value);
}

// What a field is about, in words.
static const char *field_word(struct str key, bool is_list)
{
    static const char *const words[][2] = {
        {"window", "window"},       {"within", "within"},       {"aggregates", "aggregates"},
        {"inputs", "columns read"}, {"columns", "columns"},     {"partition", "partition"},
        {"left", "left side"},      {"right", "right side"},    {"watermark", "watermark"},
        {"preceding", "rows back"}, {"from", "columns folded"},
    };
    if (str_is(key, "keys"))
        return is_list ? "keys" : "number of keys";
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_is(key, words[i][0]))
            return words[i][1];
    return "kind";
}

static void add_change(struct buf *out, struct str before, struct str now, struct field field,
                       bool in_before)
{
    struct field was = {field.key, in_before ? field.value : (struct str){0}};
    struct field is = {field.key, in_before ? (struct str){0} : field.value};
    if (field.key.len > 0) {
        char key[32] = "";
        memcpy(key, field.key.ptr, field.key.len < sizeof(key) ? field.key.len : 0);
        was.value = field_value(before, key);
        is.value = field_value(now, key);
    }
    if (str_equal(was.value, is.value))
        return;
    bool is_list = str_starts(was.value, "(") && str_starts(is.value, "(");
    buf_add_cstr(out, out->len > 0 ? "; " : "");
    if (str_is(field.key, "from") && !is_list) { // checksums say nothing
        buf_add_cstr(out, "other expressions");
        return;
    }
    buf_add_cstr(out, field_word(field.key, is_list));
    buf_add_char(out, ' ');
    print_value(out, before, was);
    buf_add_cstr(out, " -> ");
    print_value(out, now, is);
}

static void print_changes(struct str before, struct str now, struct buf *out)
{
    buf_reset(out);
    struct str lines[2] = {before, now}, kinds[2];
    for (size_t i = 0; i < 2; i++) {
        next_part(&lines[i], ' ');
        kinds[i] = next_part(&lines[i], ' ');
    }
    if (!str_equal(kinds[0], kinds[1]) && str_find(kinds[0], '=') < 0)
        buf_print(out, "it was %.*s and is %.*s", STR_ARGS(kinds[0]), STR_ARGS(kinds[1]));
    bool is_sink = str_find(kinds[0], '=') >= 0; // a sink's line has no kind
    struct str rest =
        is_sink ? str_slice(before, first_word(before).len + 1, before.len) : lines[0];
    while (rest.len > 0) {
        struct field field = next_field(&rest);
        if (field.key.len > 0)
            add_change(out, before, now, field, true);
    }
    rest = lines[1];
    while (rest.len > 0) { // what only the new line has
        struct field field = next_field(&rest);
        char key[32] = "";
        memcpy(key, field.key.ptr, field.key.len < sizeof(key) ? field.key.len : 0);
        if (field.key.len > 0 && field_value(before, key).len == 0)
            add_change(out, before, now, field, false);
    }
    if (out->len == 0)
        buf_add_cstr(out, "how its rows are kept");
}

static void add_title(struct str line, struct buf *out)
{
    struct str name = first_word(line);
    struct str rest = str_slice(line, name.len < line.len ? name.len + 1 : line.len, line.len);
    buf_reset(out);
    if (str_starts(name, "source."))
        buf_print(out, "source %.*s", STR_ARGS(str_slice(name, 7, name.len)));
    else if (str_starts(name, "sink."))
        buf_print(out, "sink %.*s", STR_ARGS(str_slice(name, 5, name.len)));
    else
        buf_print(out, "%.*s of %.*s", STR_ARGS(first_word(rest)), STR_ARGS(name));
}

void fit_compare(struct str stored, struct str own, fit_visit visit, void *context)
{
    AUTO(buf_clear) struct buf what = {0};
    AUTO(buf_clear) struct buf title = {0};
    for (struct str rest = own; rest.len > 0;) {
        struct str now = next_line(&rest), name = first_word(now), before = line_of(stored, name);
        enum fit fit = before.len == 0 ? FIT_NEW : str_equal(before, now) ? FIT_SAME : FIT_CHANGED;
        buf_reset(&what);
        if (fit == FIT_CHANGED)
            print_changes(before, now, &what);
        add_title(now, &title);
        visit(context, fit, name, buf_str(&title), buf_str(&what));
    }
    for (struct str rest = stored; rest.len > 0;) {
        struct str before = next_line(&rest), name = first_word(before);
        add_title(before, &title);
        if (line_of(own, name).len == 0)
            visit(context, FIT_GONE, name, buf_str(&title), (struct str){0});
    }
}
