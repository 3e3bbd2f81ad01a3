// SPDX-License-Identifier: MIT
// Text files: rows are encoded into a buffer that is appended to the file a megabyte at a time. The
// partition columns are left out by a view of the chunk that has only the kept vectors.
#include "connectors/files/writer.h"

#include "base/file.h"
#include <string.h>

#define FLUSH_BYTES ((size_t)1 << 20)

struct writer {
    const struct writer_options *options;
    const struct type **types;
    struct column *columns; // the kept ones
    struct vector *vectors; // of the view
    struct arena arena;
    struct chunk *chunk;
    struct parquet_writer *parquet;
    struct buf buf;
};

static const struct {
    const char *name, *extension;
} compressions[] = {
    {"snappy", ".snappy.parquet"}, {"zstd", ".zstd.parquet"}, {"gzip", ".gz.parquet"},
    {"lz4_raw", ".lz4.parquet"},   {"none", ".parquet"},      {"uncompressed", ".parquet"},
};

const char *writer_extension(const struct writer_options *options)
{
    static const char *const text[] = {NULL, ".csv", ".json", ".txt"};
    if (options->format != FILE_PARQUET)
        return text[options->format];
    for (size_t i = 0; i < COUNT_OF(compressions); i++) {
        if (str_equal_nocase(options->compression, str_of(compressions[i].name)))
            return compressions[i].extension;
    }
    return ".snappy.parquet";
}

static bool options_check(const struct writer_options *options, struct error *err)
{
    struct str compression = options->compression;
    bool is_known = compression.len == 0 || str_equal_nocase(compression, STR("none"));
    for (size_t i = 0; options->format == FILE_PARQUET && i < COUNT_OF(compressions); i++)
        is_known = is_known || str_equal_nocase(compression, str_of(compressions[i].name));
    if (!is_known)
        return error_set(err, ERROR_USER, "files: compression = '%.*s': %s", STR_ARGS(compression),
                         options->format == FILE_PARQUET
                             ? "use snappy, zstd, gzip, lz4_raw or none"
                             : "only parquet files are compressed; leave it out");
    if (options->kept_len == 0)
        return error_set(err, ERROR_USER,
                         "files: partition_by names every column, so nothing is left to write");
    if (options->format != FILE_LINES)
        return true;
    const struct column *column = &options->columns[options->kept[0]];
    if (options->kept_len != 1 || !type_is_string(column->type->kind))
        return error_set(err, ERROR_USER,
                         "files: format = 'lines' writes exactly one VARCHAR or BLOB column, "
                         "here %zu%s%s",
                         options->kept_len, options->kept_len == 1 ? " of type " : "",
                         options->kept_len == 1 ? column->type->sql : "");
    return true;
}

struct writer *writer_new(const struct writer_options *options, struct error *err)
{
    if (!options_check(options, err))
        return NULL;
    struct writer *writer = heap_new(sizeof(*writer));
    writer->options = options;
    writer->types = ARENA_ARRAY(&writer->arena, const struct type *, options->columns_len);
    for (size_t i = 0; i < options->columns_len; i++)
        writer->types[i] = options->columns[i].type;
    writer->columns = ARENA_ARRAY(&writer->arena, struct column, options->kept_len);
    writer->vectors = ARENA_ARRAY(&writer->arena, struct vector, options->kept_len);
    for (size_t i = 0; i < options->kept_len; i++)
        writer->columns[i] = options->columns[options->kept[i]];
    if (options->format == FILE_PARQUET) {
        writer->parquet = parquet_writer_new(options, err);
        if (writer->parquet == NULL) {
            writer_free(writer);
            return NULL;
        }
    }
    return writer;
}

void writer_free(struct writer *writer)
{
    if (writer == NULL)
        return;
    parquet_writer_free(writer->parquet);
    if (writer->chunk != NULL)
        chunk_free(writer->chunk);
    buf_clear(&writer->buf);
    arena_clear(&writer->arena);
    heap_free(writer);
}

static void line_encode(struct buf *out, const struct vector *vector, size_t row)
{
    if (!vector_is_null(vector, row)) {
        const struct string_cell *cell = &((const struct string_cell *)vector->data)[row];
        size_t from = out->len;
        buf_add_str(out, string_cell_str(cell));
        for (size_t i = from; i < out->len; i++) {
            if (out->ptr[i] == '\n' || out->ptr[i] == '\r')
                out->ptr[i] = ' ';
        }
    }
}

static void row_encode(const struct writer *writer, struct buf *out, const struct chunk *view,
                       size_t row)
{
    switch (writer->options->format) {
    case FILE_CSV:
        csv_encode_row(out, view, row, writer->columns, view->columns_len);
        break;
    case FILE_LINES:
        line_encode(out, &view->columns[0], row);
        break;
    case FILE_JSON:
    case FILE_PARQUET:
        json_encode_row(out, view, row, writer->columns, view->columns_len);
        break;
    }
    buf_add_char(out, '\n');
}

// RFC 4180, as the encoder writes values.
static void header_add(const struct writer *writer, struct buf *out)
{
    for (size_t i = 0; i < writer->options->kept_len; i++) {
        struct str name = writer->columns[i].name;
        bool is_quoted = false;
        for (size_t k = 0; k < name.len; k++)
            is_quoted = is_quoted || strchr(",\"\r\n", name.ptr[k]) != NULL;
        if (i > 0)
            buf_add_char(out, ',');
        if (is_quoted)
            buf_add_char(out, '"');
        for (size_t k = 0; k < name.len; k++) {
            if (name.ptr[k] == '"')
                buf_add_char(out, '"');
            buf_add_char(out, name.ptr[k]);
        }
        if (is_quoted)
            buf_add_char(out, '"');
    }
    buf_add_char(out, '\n');
}

static bool text_write(struct writer *writer, struct file *file, struct segment_cursor *cursor,
                       struct error *err)
{
    struct buf *buf = &writer->buf;
    buf_reset(buf);
    if (writer->options->format == FILE_CSV)
        header_add(writer, buf);
    struct chunk *chunk;
    while ((chunk = segment_cursor_next(cursor)) != NULL) {
        struct chunk view = {.rows = chunk->rows,
                             .columns_len = writer->options->kept_len,
                             .columns = writer->vectors};
        for (size_t i = 0; i < view.columns_len; i++)
            writer->vectors[i] = chunk->columns[writer->options->kept[i]];
        for (size_t row = 0; row < chunk->rows; row++) {
            row_encode(writer, buf, &view, row);
            if (buf->len < FLUSH_BYTES)
                continue;
            if (!file_append(file, buf->ptr, buf->len, err))
                return false;
            buf_reset(buf);
        }
    }
    return file_append(file, buf->ptr, buf->len, err) && file_sync(file, err);
}

bool writer_write(struct writer *writer, const char *path, struct segment_cursor *cursor,
                  struct error *err)
{
    if (writer->chunk == NULL)
        writer->chunk = chunk_new(writer->types, writer->options->columns_len);
    cursor->chunk = writer->chunk;
    if (writer->parquet != NULL)
        return parquet_write(writer->parquet, path, cursor, err);
    struct file file = {.fd = -1};
    bool is_done = file_create(&file, path, err) && text_write(writer, &file, cursor, err);
    file_close(&file);
    return is_done;
}
