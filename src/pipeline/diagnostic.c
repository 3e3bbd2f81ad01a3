// SPDX-License-Identifier: MIT
// Collecting and showing messages about the user's text. They are kept in the order found and shown
// in the order of the file, so that several mistakes read from top to bottom. Columns count
// characters, not bytes, and the caret line repeats the tabs of the text line, so that the caret
// stands under its word in any terminal. A file that is wrong everywhere is cut off at a number of
// messages that a person still reads.
#include "pipeline/diagnostic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIAGNOSTICS_MAX 100
#define LINE_SHOWN_MAX 200 // bytes of a text line

void diagnostics_init(struct diagnostics *diagnostics, struct arena *arena, const char *path,
                      struct str source)
{
    *diagnostics = (struct diagnostics){.arena = arena, .path = path, .source = source};
}

static struct diagnostic *diagnostics_append(struct diagnostics *diagnostics)
{
    if (diagnostics->len == diagnostics->capacity) {
        size_t capacity = diagnostics->capacity == 0 ? 8 : diagnostics->capacity * 2;
        struct diagnostic *list = ARENA_ARRAY(diagnostics->arena, struct diagnostic, capacity);
        if (diagnostics->len > 0)
            memcpy(list, diagnostics->list, diagnostics->len * sizeof(*list));
        diagnostics->list = list;
        diagnostics->capacity = capacity;
    }
    return &diagnostics->list[diagnostics->len++];
}

static bool diagnostic_is_repeated(const struct diagnostics *diagnostics, const char *code,
                                   size_t place, struct str text)
{
    for (size_t i = 0; i < diagnostics->len; i++) {
        const struct diagnostic *old = &diagnostics->list[i];
        if (old->place == place && strcmp(old->code, code) == 0 && str_equal(old->text, text))
            return true;
    }
    return false;
}

#define SECRET_MIN 4 // shorter ones would hide ordinary words

void diagnostics_add_secret(struct diagnostics *diagnostics, struct str value)
{
    if (value.len < SECRET_MIN)
        return;
    size_t len = diagnostics->secrets_len;
    struct str *secrets = ARENA_ARRAY(diagnostics->arena, struct str, len + 1);
    if (len > 0)
        memcpy(secrets, diagnostics->secrets, len * sizeof(*secrets));
    secrets[len] = value;
    diagnostics->secrets = secrets;
    diagnostics->secrets_len = len + 1;
}

static struct str hide_secrets(const struct diagnostics *diagnostics, struct str text)
{
    for (size_t i = 0; i < diagnostics->secrets_len; i++) {
        struct str secret = diagnostics->secrets[i];
        AUTO(buf_clear) struct buf out = {0};
        const char *found = NULL;
        while ((found = memmem(text.ptr, text.len, secret.ptr, secret.len)) != NULL) {
            size_t before = (size_t)(found - text.ptr);
            buf_add(&out, text.ptr, before);
            buf_add_cstr(&out, "(hidden)");
            text = str_slice(text, before + secret.len, text.len);
        }
        buf_add_str(&out, text);
        text = arena_str(diagnostics->arena, buf_str(&out));
    }
    return text;
}

void diagnostic_add(struct diagnostics *diagnostics, const char *code, size_t place, size_t length,
                    const char *cure, const char *format, ...)
{
    AUTO(buf_clear) struct buf text = {0};
    va_list arguments;
    va_start(arguments, format);
    buf_vprint(&text, format, arguments);
    va_end(arguments);
    struct str shown = hide_secrets(diagnostics, buf_str(&text));
    bool is_warning = code[0] == 'W';
    if (diagnostic_is_repeated(diagnostics, code, place, shown))
        return;
    if (!is_warning)
        diagnostics->errors++;
    if (diagnostics->len >= DIAGNOSTICS_MAX)
        return;
    struct diagnostic *diagnostic = diagnostics_append(diagnostics);
    diagnostic->is_warning = is_warning;
    snprintf(diagnostic->code, sizeof(diagnostic->code), "%s", code);
    diagnostic->place = place;
    diagnostic->length = length > 0 ? length : 1;
    diagnostic->text = arena_str(diagnostics->arena, shown);
    if (cure != NULL)
        diagnostic->cure = arena_str(diagnostics->arena, str_of(cure));
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

size_t diagnostic_span(const struct diagnostics *diagnostics, size_t place)
{
    struct str source = diagnostics->source;
    if (place >= source.len)
        return 1;
    char quote = source.ptr[place];
    size_t end = place + 1;
    if (quote == '"' || quote == '\'') {
        while (end < source.len && source.ptr[end] != quote && source.ptr[end] != '\n')
            end++;
        return end < source.len && source.ptr[end] == quote ? end + 1 - place : 1;
    }
    while (is_word(quote) && end < source.len && is_word(source.ptr[end]))
        end++;
    return end - place;
}

static size_t line_begin(struct str source, size_t place)
{
    while (place > 0 && source.ptr[place - 1] != '\n')
        place--;
    return place;
}

void diagnostic_line_column(struct str source, size_t place, size_t *line, size_t *column)
{
    if (place > source.len)
        place = source.len;
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < place; i++) {
        if (source.ptr[i] == '\n') {
            (*line)++;
            *column = 1;
        } else if (!is_continuation(source.ptr[i])) {
            (*column)++;
        }
    }
}

// Order of the file; messages without a place come last, ties keep the order found.
static int diagnostic_order(const void *a, const void *b)
{
    const struct diagnostic *const *left = a, *const *right = b;
    if ((*left)->place != (*right)->place)
        return (*left)->place < (*right)->place ? -1 : 1;
    return *left < *right ? -1 : *left > *right;
}

static const struct diagnostic **diagnostics_sorted(const struct diagnostics *diagnostics)
{
    const struct diagnostic **sorted =
        heap_array(diagnostics->len > 0 ? diagnostics->len : 1, sizeof(*sorted));
    for (size_t i = 0; i < diagnostics->len; i++)
        sorted[i] = &diagnostics->list[i];
    qsort(sorted, diagnostics->len, sizeof(*sorted), diagnostic_order);
    return sorted;
}

// The text line with a caret below the underlined part (which never goes on to the next line).
static void print_line(struct str source, const struct diagnostic *diagnostic, size_t line,
                       const char *caret_on, const char *caret_off, struct buf *out)
{
    size_t place = diagnostic->place > source.len ? source.len : diagnostic->place;
    size_t begin = line_begin(source, place), end = place;
    while (end < source.len && source.ptr[end] != '\n' && source.ptr[end] != '\r')
        end++;
    const char *dots = "";
    if (place - begin > LINE_SHOWN_MAX / 2 && end - begin > LINE_SHOWN_MAX) {
        begin = place - LINE_SHOWN_MAX / 2;
        while (begin < place && is_continuation(source.ptr[begin]))
            begin++;
        dots = "..";
    }
    if (end - begin > LINE_SHOWN_MAX) {
        end = begin + LINE_SHOWN_MAX;
        while (end > place && is_continuation(source.ptr[end]))
            end--;
    }
    buf_print(out, "%5zu | %s", line, dots);
    buf_add(out, source.ptr + begin, end - begin);
    buf_print(out, "\n      | %s%s", dots, caret_on);
    for (size_t i = begin; i < place; i++)
        if (!is_continuation(source.ptr[i]))
            buf_add_char(out, source.ptr[i] == '\t' ? '\t' : ' ');
    size_t last = place + diagnostic->length < end ? place + diagnostic->length : end;
    buf_add_char(out, '^');
    for (size_t i = place + 1; i < last; i++)
        if (!is_continuation(source.ptr[i]))
            buf_add_char(out, '^');
    buf_print(out, "%s\n", caret_off);
}

static void diagnostic_print(const struct diagnostics *diagnostics,
                             const struct diagnostic *diagnostic, bool colour, struct buf *out)
{
    const char *bold = colour ? "\033[1m" : "", *off = colour ? "\033[0m" : "";
    const char *tint = !colour ? "" : diagnostic->is_warning ? "\033[33m" : "\033[31m";
    const char *word = diagnostic->is_warning ? "warning" : "error";
    size_t line = 0, column = 0;
    if (diagnostic->place == SIZE_MAX) {
        buf_print(out, "%s%s:%s ", bold, diagnostics->path, off);
    } else {
        diagnostic_line_column(diagnostics->source, diagnostic->place, &line, &column);
        buf_print(out, "%s%s:%zu:%zu:%s ", bold, diagnostics->path, line, column, off);
    }
    buf_print(out, "%s%s %s%s: %.*s\n", tint, word, diagnostic->code, off,
              STR_ARGS(diagnostic->text));
    if (line > 0)
        print_line(diagnostics->source, diagnostic, line, tint, off, out);
    if (diagnostic->cure.len > 0)
        buf_print(out, "      = %.*s\n", STR_ARGS(diagnostic->cure));
}

void diagnostics_print(const struct diagnostics *diagnostics, bool colour, struct buf *out)
{
    const struct diagnostic **sorted = diagnostics_sorted(diagnostics);
    for (size_t i = 0; i < diagnostics->len; i++)
        diagnostic_print(diagnostics, sorted[i], colour, out);
    heap_free(sorted);
}

void diagnostics_print_json(const struct diagnostics *diagnostics, struct buf *out)
{
    const struct diagnostic **sorted = diagnostics_sorted(diagnostics);
    buf_add_cstr(out, "{\"file\":");
    buf_add_json_string(out, str_of(diagnostics->path));
    buf_print(out, ",\"errors\":%zu,\"messages\":[", diagnostics->errors);
    for (size_t i = 0; i < diagnostics->len; i++) {
        const struct diagnostic *diagnostic = sorted[i];
        buf_print(out, "%s\n{\"severity\":\"%s\",\"code\":\"%s\"", i > 0 ? "," : "",
                  diagnostic->is_warning ? "warning" : "error", diagnostic->code);
        if (diagnostic->place != SIZE_MAX) {
            size_t line = 0, column = 0;
            diagnostic_line_column(diagnostics->source, diagnostic->place, &line, &column);
            buf_print(out, ",\"line\":%zu,\"column\":%zu,\"offset\":%zu,\"length\":%zu", line,
                      column, diagnostic->place, diagnostic->length);
        }
        buf_add_cstr(out, ",\"text\":");
        buf_add_json_string(out, diagnostic->text);
        if (diagnostic->cure.len > 0) {
            buf_add_cstr(out, ",\"cure\":");
            buf_add_json_string(out, diagnostic->cure);
        }
        buf_add_char(out, '}');
    }
    buf_add_cstr(out, "]}\n");
    heap_free(sorted);
}

bool diagnostics_to_error(const struct diagnostics *diagnostics, struct error *err)
{
    for (size_t i = 0; i < diagnostics->len; i++) {
        const struct diagnostic *diagnostic = &diagnostics->list[i];
        if (diagnostic->is_warning)
            continue;
        size_t line = 0, column = 0;
        if (diagnostic->place == SIZE_MAX)
            return error_set_code(err, ERROR_USER, diagnostic->code, "%s: %.*s", diagnostics->path,
                                  STR_ARGS(diagnostic->text));
        diagnostic_line_column(diagnostics->source, diagnostic->place, &line, &column);
        return error_set_code(err, ERROR_USER, diagnostic->code, "%s:%zu:%zu: %.*s",
                              diagnostics->path, line, column, STR_ARGS(diagnostic->text));
    }
    return error_set(err, ERROR_USER, "%s: the pipeline has errors", diagnostics->path);
}
