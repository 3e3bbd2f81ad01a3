// SPDX-License-Identifier: MIT
// Files as a sink, exactly once. Rows wait in the engine's journal until a file is worth making
// (should_deliver); then a delivery becomes one or more whole files whose names hold checkpoint and
// epoch. A delivery repeated after a crash makes the same files again under the same names.
// Splitting by partition: split.c; encoding: writer.c, parquet_sink.c; names: naming.c; staging,
// renaming, replacing: output.c.
#include "connectors/files/files.h"
#include "connectors/files/listing.h"
#include "connectors/files/naming.h"
#include "connectors/files/output.h"
#include "connectors/files/replace.h"
#include "connectors/files/writer.h"

#include "base/file.h"
#include <string.h>

enum files_mode { MODE_AUTO, MODE_APPEND, MODE_REPLACE };

struct files_sink_options {
    struct str path;
    int format; // enum file_format
    struct str compression, partition_by, name, replace_by, replaces;
    int64_t roll_rows, roll_bytes, roll_age_us, open_files, partitions_max;
    int mode;
    struct store_options s3;
};

static const char *const format_words[] = {"parquet", "csv", "json", "lines", NULL};
static const char *const mode_words[] = {"auto", "append", "replace", NULL};

#define OPTION(name_, kind_, fallback_, member, help_)                                             \
    {                                                                                              \
        .name = name_, .kind = kind_, .fallback = fallback_, .help = help_,                        \
        .offset = offsetof(struct files_sink_options, member)                                      \
    }
static const struct option files_sink_options[] = {
    OPTION("path", OPTION_TEXT, NULL, path, "folder to write into, or s3://bucket/prefix"),
    {.name = "format",
     .kind = OPTION_WORD,
     .fallback = "parquet",
     .help = "parquet, csv (with header), json (an object a line), lines (one text column)",
     .offset = offsetof(struct files_sink_options, format),
     .words = format_words},
    OPTION("compression", OPTION_TEXT, "", compression,
           "parquet: snappy (default), zstd, gzip, lz4_raw, none"),
    OPTION("partition_by", OPTION_TEXT, "", partition_by,
           "columns, comma separated: a folder column=value for each, left out of the files"),
    OPTION("name", OPTION_TEXT, "", name,
           "file name from {sequence} {epoch} {checkpoint} {checkpoint8}; "
           "default part-{sequence}-{checkpoint8}-{epoch} and the format's extension"),
    OPTION("roll_rows", OPTION_INT, "1000000", roll_rows, "make a file when so many rows wait"),
    OPTION("roll_bytes", OPTION_SIZE, "128MB", roll_bytes, ".. or so many bytes"),
    OPTION("roll_age", OPTION_DURATION, "60 seconds", roll_age_us, ".. or the oldest is so old"),
    OPTION("open_files", OPTION_INT, "256", open_files, "partitions gathered at the same time"),
    OPTION("partitions_max", OPTION_INT, "100000", partitions_max,
           "more partition folders in one run are an error"),
    {.name = "mode",
     .kind = OPTION_WORD,
     .fallback = "auto",
     .help = "append, or replace what the last run wrote (auto: replace in batch, else append)",
     .offset = offsetof(struct files_sink_options, mode),
     .words = mode_words},
    OPTION(
        "replace_by", OPTION_TEXT, "", replace_by,
        "replace: an expression over the row; its values that this run brings are replaced, each "
        "in files named after it, and nothing else. A plain column is left out of the files"),
    OPTION(
        "replaces", OPTION_TEXT, "", replaces,
        "replace_by: a query over the run's tables; its values are replaced, too, by nothing when "
        "no row has them"),
    STORE_OPTIONS(files_sink_options),
};

static const char *const row_options[] = {"replace_by", NULL};
#define REPLACE_BY_COLUMN STR("_replace_by")

struct sink {
    const struct files_sink_options *options;
    struct sink_context context;
    struct arena arena;
    struct str name_template;
    int *partition_columns;
    size_t partition_columns_len;
    int *kept;
    size_t kept_len;
    struct writer_options writer_options;
    struct writer *writer;
    struct store *store;
    struct output output;
    struct replace *replace; // with replace_by; else NULL
    int64_t sequence;        // of the next file in this delivery
    const struct delivery *delivery;
};

static void files_close(struct sink *sink)
{
    writer_free(sink->writer);
    replace_free(sink->replace);
    output_clear(&sink->output);
    store_close(sink->store);
    arena_clear(&sink->arena);
    heap_free(sink);
}

static bool partition_column_add(struct sink *sink, struct str name, struct error *err)
{
    name = str_trim(name);
    while (name.len >= 2 && (name.ptr[0] == '"' || name.ptr[0] == '\'') &&
           name.ptr[name.len - 1] == name.ptr[0])
        name = str_slice(name, 1, name.len - 1);
    for (size_t i = 0; i < sink->context.columns_len; i++) {
        if (!str_equal_nocase(sink->context.columns[i].name, name))
            continue;
        for (size_t k = 0; k < sink->partition_columns_len; k++) {
            if (sink->partition_columns[k] == (int)i)
                return error_set(err, ERROR_USER, "files: partition_by names %.*s twice",
                                 STR_ARGS(name));
        }
        sink->partition_columns[sink->partition_columns_len++] = (int)i;
        return true;
    }
    AUTO(buf_clear) struct buf columns = {0};
    for (size_t i = 0; i < sink->context.columns_len; i++)
        buf_print(&columns, "%s%.*s", i > 0 ? ", " : "", STR_ARGS(sink->context.columns[i].name));
    return error_set(err, ERROR_USER, "files: partition_by names '%.*s'; the columns are %s",
                     STR_ARGS(name), buf_cstr(&columns));
}

// "a, b" or a list as DuckDB prints it: "[a, b]".
static bool partition_by_parse(struct sink *sink, struct error *err)
{
    struct str text = str_trim(sink->options->partition_by);
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = str_trim(str_slice(text, 1, text.len - 1));
    size_t columns_len = sink->context.columns_len;
    sink->partition_columns = ARENA_ARRAY(&sink->arena, int, columns_len);
    sink->kept = ARENA_ARRAY(&sink->arena, int, columns_len);
    while (text.len > 0) {
        int64_t comma = str_find(text, ',');
        size_t end = comma < 0 ? text.len : (size_t)comma;
        if (!partition_column_add(sink, str_slice(text, 0, end), err))
            return false;
        text = str_slice(text, comma < 0 ? end : end + 1, text.len);
    }
    // The value that is replaced is split off like a folder; it becomes the file's name.
    if (sink->options->replace_by.len > 0 && !partition_column_add(sink, REPLACE_BY_COLUMN, err))
        return false;
    for (size_t i = 0; i < columns_len; i++) {
        // A plain column in replace_by is given for that, like one in partition_by.
        bool is_kept =
            !str_equal_nocase(str_trim(sink->options->replace_by), sink->context.columns[i].name);
        for (size_t k = 0; k < sink->partition_columns_len; k++)
            is_kept = is_kept && sink->partition_columns[k] != (int)i;
        if (is_kept)
            sink->kept[sink->kept_len++] = (int)i;
    }
    return true;
}

static bool options_check(const struct files_sink_options *options, struct error *err)
{
    if (options->path.len == 0)
        return error_set(err, ERROR_USER, "files: path is empty");
    if (options->roll_rows < 1 || options->roll_bytes < 1 || options->open_files < 1 ||
        options->partitions_max < 1)
        return error_set(err, ERROR_USER,
                         "files: roll_rows, roll_bytes, open_files and "
                         "partitions_max must be at least 1");
    return true;
}

static bool sink_init(struct sink *sink, struct error *err)
{
    const struct files_sink_options *options = sink->options;
    if (!options_check(options, err) || !partition_by_parse(sink, err))
        return false;
    sink->writer_options = (struct writer_options){.format = (enum file_format)options->format,
                                                   .compression = options->compression,
                                                   .columns = sink->context.columns,
                                                   .columns_len = sink->context.columns_len,
                                                   .kept = sink->kept,
                                                   .kept_len = sink->kept_len,
                                                   .database = sink->context.database};
    bool replaces = options->mode == MODE_REPLACE ||
                    (options->mode == MODE_AUTO && sink->context.execution == EXECUTION_BATCH);
    if (replaces && sink->context.execution != EXECUTION_BATCH)
        return error_set(err, ERROR_USER,
                         "files: mode = 'replace' needs a run that ends: SET execution = 'batch'");
    if (options->replace_by.len > 0 && (!replaces || options->name.len > 0))
        return error_set(err, ERROR_USER, "files: replace_by %s",
                         replaces ? "names the files itself: leave name out"
                                  : "needs mode = 'replace' and SET execution = 'batch'");
    if (options->replaces.len > 0 && options->replace_by.len == 0)
        return error_set(err, ERROR_USER, "files: replaces goes with replace_by");
    sink->name_template = options->name;
    if (options->name.len == 0)
        sink->name_template = arena_print(&sink->arena, "part-{sequence}-{checkpoint8}-{epoch}%s",
                                          writer_extension(&sink->writer_options));
    if (!name_check(sink->name_template, !replaces, err))
        return false;
    const char *owner = output_owner(sink->context.pipeline, sink->context.name, &sink->arena);
    sink->store = store_open(options->path, &options->s3, owner, options->partitions_max, err);
    if (sink->store == NULL)
        return false;
    output_init(&sink->output, sink->store, owner, sink->context.checkpoint, replaces);
    if (options->replace_by.len > 0)
        sink->replace =
            replace_new(&(struct replace_options){.store = sink->store,
                                                  .depth = sink->partition_columns_len - 1,
                                                  .folders_max = options->partitions_max,
                                                  .values_query = options->replaces,
                                                  .writer = &sink->writer_options});
    sink->writer = writer_new(&sink->writer_options, err);
    return sink->writer != NULL;
}

static struct sink *files_open(const void *options, const struct sink_context *context,
                               struct error *err)
{
    struct sink *sink = heap_new(sizeof(*sink));
    sink->options = options;
    sink->context = *context;
    if (!sink_init(sink, err)) {
        files_close(sink);
        return NULL;
    }
    return sink;
}

static void files_group_key(const struct sink *sink, struct buf *out)
{
    // Renames in two folders are no one transaction: every sink is a group of its own.
    buf_add_cstr(out, "files ");
    store_print(sink->store, out);
    buf_print(out, " %.*s", STR_ARGS(sink->context.name));
}

static bool files_recover(struct sink *sink, uint64_t *epoch, struct error *err)
{
    *epoch = 0;
    if (!output_recover(&sink->output, err))
        return false;
    if (sink->output.replaces)
        return true;
    struct arena arena = {0};
    struct listed *files;
    size_t len;
    bool is_listed = store_list(sink->store, (struct str){"", 0}, &arena, &files, &len, err);
    for (size_t i = 0; is_listed && i < len; i++) {
        struct str name = files[i].path;
        for (size_t at = name.len; at > 0; at--) {
            if (name.ptr[at - 1] == '/') {
                name = str_slice(name, at, name.len);
                break;
            }
        }
        uint64_t found;
        if (name_parse(name, sink->name_template, sink->context.checkpoint, &found) &&
            found > *epoch)
            *epoch = found;
    }
    arena_clear(&arena);
    return is_listed;
}

static bool files_should_deliver(const struct sink *sink, const struct pending *pending)
{
    if (pending->rows == 0)
        return false;
    return pending->is_closed || pending->is_end || pending->rows >= sink->options->roll_rows ||
           pending->bytes >= sink->options->roll_bytes ||
           pending->age_us >= sink->options->roll_age_us;
}

// A part becomes one file, or several of about equal size when it is far beyond the limits.
static int64_t files_of(const struct sink *sink, const struct split_part *part)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < part->segments_len; i++)
        bytes += (int64_t)segment_bytes(part->segments[i]);
    int64_t by_rows = part->rows / sink->options->roll_rows;
    int64_t by_bytes = bytes / sink->options->roll_bytes;
    int64_t files = by_rows > by_bytes ? by_rows : by_bytes;
    files = files < part->rows ? files : part->rows;
    return files < 1 ? 1 : files;
}

static bool replace_part_write(struct sink *sink, const struct split_part *part, struct error *err)
{
    struct segment_cursor cursor = {
        .segments = part->segments, .segments_len = part->segments_len, .left = part->rows};
    const char *path = replace_add(sink->replace, part->folder, sink->delivery->epoch, err);
    return path != NULL && writer_write(sink->writer, path, &cursor, err);
}

static bool part_write(void *context, const struct split_part *part, struct error *err)
{
    struct sink *sink = context;
    if (sink->replace != NULL)
        return replace_part_write(sink, part, err);
    AUTO(buf_clear) struct buf name = {0};
    struct segment_cursor cursor = {.segments = part->segments, .segments_len = part->segments_len};
    int64_t files = files_of(sink, part), done = 0;
    for (int64_t i = 0; i < files; i++) {
        buf_reset(&name);
        name_print(&name, sink->name_template, sink->context.checkpoint, sink->delivery->epoch,
                   sink->sequence++);
        const char *path =
            output_add(&sink->output, part->folder, buf_str(&name), sink->delivery->epoch, err);
        cursor.left = part->rows * (i + 1) / files - done;
        done += cursor.left;
        if (path == NULL || !writer_write(sink->writer, path, &cursor, err))
            return false;
    }
    return true;
}

static bool files_deliver(struct sink *sink, const struct delivery *delivery, struct error *err)
{
    if (delivery->rows == 0)
        return true;
    sink->sequence = 0;
    sink->delivery = delivery;
    struct split_options options = {.columns = sink->context.columns,
                                    .columns_len = sink->context.columns_len,
                                    .partition_columns = sink->partition_columns,
                                    .partition_columns_len = sink->partition_columns_len,
                                    .parts_max = sink->options->partitions_max,
                                    .open_max = (size_t)sink->options->open_files};
    if (sink->replace != NULL)
        return replace_begin(sink->replace, delivery->epoch, err) &&
               split_rows(delivery, &options, part_write, sink, err);
    return output_begin(&sink->output, delivery->epoch, err) &&
           split_rows(delivery, &options, part_write, sink, err) &&
           output_publish(&sink->output, err);
}

static bool files_finish(struct sink *sink, struct error *err)
{
    return sink->replace != NULL ? replace_finish(sink->replace, err)
                                 : output_finish(&sink->output, err);
}

const struct sink_type files_sink_type = {
    .name = "files",
    .summary = "Parquet, CSV, JSON or text files in a folder, visible only when complete",
    .options = files_sink_options,
    .options_len = COUNT_OF(files_sink_options),
    .options_size = sizeof(struct files_sink_options),
    .promise = PROMISE_EXACTLY_ONCE,
    .takes_changes = false,
    .row_options = row_options,
    .open = files_open,
    .group_key = files_group_key,
    .recover = files_recover,
    .should_deliver = files_should_deliver,
    .deliver = files_deliver,
    .finish = files_finish,
    .close = files_close,
};
