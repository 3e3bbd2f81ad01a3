// SPDX-License-Identifier: MIT
// Sink 'console': the smallest complete sink, and the one to read first before writing another.
// Each delivery is printed as the table that Spark's console sink prints, or as JSON lines. Under
// EMIT CHANGES a delivery holds the groups that changed, which is Spark's update mode. A terminal
// has no memory, so a delivery repeated after a crash is printed twice: at least once.
#include "connectors/console/console.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum console_format { CONSOLE_TABLE, CONSOLE_JSON };

struct console_options {
    int format;
    int64_t rows;
    bool truncate;
};

static const char *const format_words[] = {"table", "json", NULL};
static const struct option console_options[] = {
    {.name = "format",
     .kind = OPTION_WORD,
     .fallback = "table",
     .help = "table: as Spark's console prints it; json: an object a line, every row",
     .offset = offsetof(struct console_options, format),
     .words = format_words},
    {.name = "rows",
     .kind = OPTION_INT,
     .fallback = "20",
     .help = "table: rows shown of each delivery",
     .offset = offsetof(struct console_options, rows)},
    {.name = "truncate",
     .kind = OPTION_BOOL,
     .fallback = "false",
     .help = "table: cut values to 20 characters and align right, as Spark does by default",
     .offset = offsetof(struct console_options, truncate)},
};
#define TRUNCATED_WIDTH 20

struct sink {
    const struct console_options *options;
    struct sink_context context;
    struct arena arena;
    struct chunk *chunk;
    struct buf out;
    // Cells of the table, header first, row by row: ends within `text`.
    struct buf text;
    size_t *ends;
    size_t ends_len, ends_capacity;
    size_t *widths;
};

static struct sink *console_open(const void *options, const struct sink_context *context,
                                 struct error *err)
{
    const struct console_options *given = options;
    if (given->rows < 0) {
        error_set(err, ERROR_USER, "console: rows = %lld must not be negative",
                  (long long)given->rows);
        return NULL;
    }
    struct sink *sink = heap_new(sizeof(*sink));
    sink->options = options;
    sink->context = *context;
    sink->widths = ARENA_ARRAY(&sink->arena, size_t, context->columns_len);
    const struct type **types =
        ARENA_ARRAY(&sink->arena, const struct type *, context->columns_len);
    for (size_t i = 0; i < context->columns_len; i++)
        types[i] = context->columns[i].type;
    sink->chunk = chunk_new(types, context->columns_len);
    return sink;
}

static void console_close(struct sink *sink)
{
    chunk_free(sink->chunk);
    buf_clear(&sink->out);
    buf_clear(&sink->text);
    heap_free(sink->ends);
    arena_clear(&sink->arena);
    heap_free(sink);
}

static void console_group_key(const struct sink *sink, struct buf *out)
{
    buf_print(out, "console %.*s", STR_ARGS(sink->context.name));
}

static bool console_recover(struct sink *sink UNUSED, uint64_t *epoch, struct error *err UNUSED)
{
    *epoch = 0;
    return true;
}

// Characters, not bytes.
static size_t text_width(struct str text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++)
        width += (text.ptr[i] & 0xc0) != 0x80;
    return width;
}

// Line breaks would tear the table: Spark prints them as \n, \r, \t.
static void control_escape(struct buf *text, size_t from)
{
    bool is_clean = true;
    for (size_t i = from; i < text->len && is_clean; i++)
        is_clean = (unsigned char)text->ptr[i] >= 0x20 && text->ptr[i] != 0x7f;
    if (is_clean)
        return;
    AUTO(buf_clear) struct buf raw = {0};
    buf_add(&raw, text->ptr + from, text->len - from);
    text->len = from;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.ptr[i];
        if (c == '\n' || c == '\r' || c == '\t')
            buf_print(text, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (c < 0x20 || c == 0x7f)
            buf_print(text, "\\x%02x", c); // nothing may steer the terminal
        else
            buf_add_char(text, (char)c);
    }
}

static void text_cut(struct buf *text, size_t from)
{
    size_t width = 0, keep = text->len;
    for (size_t i = from; i < text->len; i++) {
        if ((text->ptr[i] & 0xc0) == 0x80)
            continue;
        if (width == TRUNCATED_WIDTH - 3)
            keep = i;
        width++;
    }
    if (width <= TRUNCATED_WIDTH)
        return;
    text->len = keep;
    buf_add_cstr(text, "...");
}

// Ends the cell that began at text `from`.
static void cell_end(struct sink *sink, size_t column, size_t from)
{
    control_escape(&sink->text, from);
    if (sink->options->truncate)
        text_cut(&sink->text, from);
    if (sink->ends_len == sink->ends_capacity) {
        sink->ends_capacity = sink->ends_capacity == 0 ? 512 : sink->ends_capacity * 2;
        sink->ends = heap_resize(sink->ends, sink->ends_capacity * sizeof(*sink->ends));
    }
    sink->ends[sink->ends_len++] = sink->text.len;
    size_t width = text_width(str_slice(buf_str(&sink->text), from, sink->text.len));
    if (width > sink->widths[column])
        sink->widths[column] = width;
}

static void table_rule(struct sink *sink)
{
    for (size_t i = 0; i < sink->context.columns_len; i++) {
        buf_add_char(&sink->out, '+');
        for (size_t k = 0; k < sink->widths[i]; k++)
            buf_add_char(&sink->out, '-');
    }
    buf_add_cstr(&sink->out, "+\n");
}

static void table_line(struct sink *sink, size_t line)
{
    size_t columns = sink->context.columns_len;
    for (size_t i = 0; i < columns; i++) {
        size_t cell = line * columns + i;
        size_t from = cell == 0 ? 0 : sink->ends[cell - 1];
        struct str text = str_slice(buf_str(&sink->text), from, sink->ends[cell]);
        size_t blanks = sink->widths[i] - text_width(text);
        buf_add_char(&sink->out, '|');
        for (size_t k = 0; k < blanks && sink->options->truncate; k++)
            buf_add_char(&sink->out, ' ');
        buf_add_str(&sink->out, text);
        for (size_t k = 0; k < blanks && !sink->options->truncate; k++)
            buf_add_char(&sink->out, ' ');
    }
    buf_add_cstr(&sink->out, "|\n");
}

static void table_print(struct sink *sink, const struct delivery *delivery)
{
    static const char rule[] = "-------------------------------------------\n";
    size_t columns = sink->context.columns_len;
    buf_reset(&sink->text);
    sink->ends_len = 0;
    for (size_t i = 0; i < columns; i++) {
        sink->widths[i] = 3;
        size_t from = sink->text.len;
        buf_add_str(&sink->text, sink->context.columns[i].name);
        cell_end(sink, i, from);
    }
    int64_t shown = 0;
    for (size_t s = 0; s < delivery->segments_len && shown < sink->options->rows; s++) {
        const struct segment *segment = delivery->segments[s];
        for (int64_t at = 0; at < segment->rows && shown < sink->options->rows;) {
            int64_t count =
                segment->rows - at < ROWS_PER_VECTOR ? segment->rows - at : ROWS_PER_VECTOR;
            segment_read(segment, at, (size_t)count, sink->chunk);
            for (int64_t row = 0; row < count && shown < sink->options->rows; row++, shown++) {
                for (size_t i = 0; i < columns; i++) {
                    size_t from = sink->text.len;
                    text_encode_value(&sink->text, &sink->chunk->columns[i], (size_t)row, "NULL");
                    cell_end(sink, i, from);
                }
            }
            at += count;
        }
    }
    buf_print(&sink->out, "%sBatch: %llu\n%s", rule, (unsigned long long)delivery->epoch, rule);
    table_rule(sink);
    table_line(sink, 0);
    table_rule(sink);
    for (int64_t row = 0; row < shown; row++)
        table_line(sink, (size_t)row + 1);
    table_rule(sink);
    if (shown < delivery->rows)
        buf_print(&sink->out, "only showing top %lld row%s\n", (long long)shown,
                  shown == 1 ? "" : "s");
    buf_add_char(&sink->out, '\n');
}

static bool out_flush(struct sink *sink, struct error *err)
{
    bool is_written =
        fwrite(sink->out.ptr, 1, sink->out.len, stdout) == sink->out.len && fflush(stdout) == 0;
    buf_reset(&sink->out);
    if (is_written)
        return true;
    return error_set_errno(err, ERROR_FATAL, errno, "console: cannot write to stdout");
}

static bool json_print(struct sink *sink, const struct delivery *delivery, struct error *err)
{
    for (size_t s = 0; s < delivery->segments_len; s++) {
        const struct segment *segment = delivery->segments[s];
        for (int64_t at = 0; at < segment->rows;) {
            int64_t count =
                segment->rows - at < ROWS_PER_VECTOR ? segment->rows - at : ROWS_PER_VECTOR;
            segment_read(segment, at, (size_t)count, sink->chunk);
            for (int64_t row = 0; row < count; row++) {
                json_encode_row(&sink->out, sink->chunk, (size_t)row, sink->context.columns,
                                sink->context.columns_len);
                buf_add_char(&sink->out, '\n');
            }
            if (!out_flush(sink, err))
                return false;
            at += count;
        }
    }
    return true;
}

static bool console_deliver(struct sink *sink, const struct delivery *delivery, struct error *err)
{
    if (delivery->rows == 0)
        return true;
    if (sink->options->format == CONSOLE_JSON)
        return json_print(sink, delivery, err);
    table_print(sink, delivery);
    return out_flush(sink, err);
}

const struct sink_type console_sink_type = {
    .name = "console",
    .summary = "rows on stdout, as a table or as JSON lines",
    .options = console_options,
    .options_len = COUNT_OF(console_options),
    .options_size = sizeof(struct console_options),
    .promise = PROMISE_AT_LEAST_ONCE,
    .takes_changes = true,
    .open = console_open,
    .group_key = console_group_key,
    .recover = console_recover,
    .deliver = console_deliver,
    .close = console_close,
};
