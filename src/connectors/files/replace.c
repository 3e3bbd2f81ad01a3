// SPDX-License-Identifier: MIT
// Why the order is as it is. All files of the run are complete in a staging folder before the first
// one appears. Each then takes its final name in one step (a rename, a PUT), which replaces the
// file of the run before: a reader finds the old rows of a value or the new ones, never both, none
// or half of them. Files of the value in folders where it has no rows any more go after that.
// _SUCCESS comes last. A run killed in between leaves some values new and some old; the next run
// sets all of them.
//
// One file for a value and a folder is what makes this step a whole replacement, so pieces from
// several deliveries of a long run are put together first.
#include "connectors/files/replace.h"

#include "base/failpoint.h"
#include "base/file.h"
#include "connectors/files/naming.h"
#include "duck/database.h"
#include "formats/format.h"
#include <stdlib.h>
#include <string.h>

struct piece {
    const char *temporary;
    struct str folder; // below the root, without the value
    struct str value;  // as it stands in the name
    uint64_t epoch;
};

struct replace {
    struct arena arena;
    const struct replace_options *options;
    struct store *store;
    const char *staging;
    struct piece *pieces;
    size_t len, capacity;
    struct str *values; // that are replaced
    size_t values_len, values_capacity;
    struct str *touched; // folders where something changed
    size_t touched_len, touched_capacity;
};

static const char *const extensions[] = {".snappy.parquet", ".zstd.parquet", ".gz.parquet",
                                         ".lz4.parquet",    ".parquet",      ".csv",
                                         ".json",           ".txt"};

struct replace *replace_new(const struct replace_options *options)
{
    struct replace *replace = heap_new(sizeof(*replace));
    struct replace_options *own = ARENA_NEW(&replace->arena, struct replace_options);
    *own = *options;
    replace->options = own;
    replace->store = options->store;
    replace->staging = store_staging(options->store);
    return replace;
}

void replace_free(struct replace *replace)
{
    if (replace == NULL)
        return;
    heap_free(replace->pieces);
    heap_free(replace->values);
    heap_free(replace->touched);
    arena_clear(&replace->arena);
    heap_free(replace);
}

static void text_add(struct str **list, size_t *len, size_t *capacity, struct str text)
{
    for (size_t i = 0; i < *len; i++)
        if (str_equal((*list)[i], text))
            return;
    if (*len == *capacity) {
        *capacity = *capacity == 0 ? 16 : *capacity * 2;
        *list = heap_resize(*list, *capacity * sizeof(**list));
    }
    (*list)[(*len)++] = text;
}

static void value_add(struct replace *replace, struct str value)
{
    text_add(&replace->values, &replace->values_len, &replace->values_capacity,
             arena_str(&replace->arena, value));
}

bool replace_begin(struct replace *replace, uint64_t epoch, struct error *err)
{
    if (replace->len == 0)
        return folder_remove_tree(replace->staging, err); // of a run that failed
    size_t kept = 0;
    for (size_t i = 0; i < replace->len; i++)
        if (replace->pieces[i].epoch != epoch)
            replace->pieces[kept++] = replace->pieces[i];
    replace->len = kept;
    return true;
}

const char *replace_add(struct replace *replace, struct str place, uint64_t epoch,
                        struct error *err)
{
    if (replace->len == replace->capacity) {
        replace->capacity = replace->capacity == 0 ? 16 : replace->capacity * 2;
        replace->pieces =
            heap_resize(replace->pieces, replace->capacity * sizeof(*replace->pieces));
    }
    size_t begin = place.len, end;
    while (begin > 0 && place.ptr[begin - 1] != '/')
        begin--;
    end = begin > 0 ? begin - 1 : 0;
    struct str last = str_slice(place, begin, place.len);
    int64_t equals = str_find(last, '=');
    ASSERT(equals > 0);
    struct piece piece = {.epoch = epoch};
    piece.folder = arena_str(&replace->arena, str_slice(place, 0, end));
    piece.value = arena_str(&replace->arena, str_slice(last, (size_t)equals + 1, last.len));
    piece.temporary =
        arena_print(&replace->arena, "%s/%llu-%zu%s", replace->staging, (unsigned long long)epoch,
                    replace->len, writer_extension(replace->options->writer))
            .ptr;
    if (!path_is_folder(replace->staging) && !folder_create(replace->staging, err))
        return NULL;
    value_add(replace, piece.value);
    replace->pieces[replace->len++] = piece;
    return piece.temporary;
}

// ---- Putting pieces together --------------------------------------------------------------------

static int piece_compare(const void *a, const void *b)
{
    const struct piece *left = a, *right = b;
    int order = str_compare(left->folder, right->folder);
    order = order != 0 ? order : str_compare(left->value, right->value);
    return order != 0 ? order : (left->epoch > right->epoch) - (left->epoch < right->epoch);
}

static bool same_target(const struct piece *a, const struct piece *b)
{
    return str_equal(a->folder, b->folder) && str_equal(a->value, b->value);
}

static bool parquet_join(struct replace *replace, size_t from, size_t to, const char *path,
                         struct error *err)
{
    const struct writer_options *writer = replace->options->writer;
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "COPY (SELECT * FROM read_parquet([");
    for (size_t i = from; i < to; i++) {
        buf_add_cstr(&sql, i > from ? ", " : "");
        buf_add_sql_string(&sql, str_of(replace->pieces[i].temporary));
    }
    buf_add_cstr(&sql, "], hive_partitioning = false)) TO ");
    buf_add_sql_string(&sql, str_of(path));
    buf_add_cstr(&sql, " (FORMAT parquet, COMPRESSION ");
    bool is_none = str_equal_nocase(writer->compression, STR("none"));
    buf_add_sql_string(&sql, writer->compression.len == 0 ? STR("snappy")
                             : is_none                    ? STR("uncompressed")
                                                          : writer->compression);
    buf_add_cstr(&sql, ")");
    struct connection *connection = connection_open(writer->database, err);
    bool ok = connection != NULL && connection_execute(connection, buf_cstr(&sql), err);
    connection_close(connection);
    return ok && file_sync_path(path, err);
}

static bool text_join(struct replace *replace, size_t from, size_t to, const char *path,
                      struct error *err)
{
    struct file file = {.fd = -1};
    bool ok = file_create(&file, path, err);
    for (size_t i = from; ok && i < to; i++) {
        AUTO(buf_clear) struct buf content = {0};
        ok = file_read_whole(replace->pieces[i].temporary, &content, err);
        struct str text = buf_str(&content);
        // Of CSV files only the first one's header stays.
        int64_t line =
            i > from && replace->options->writer->format == FILE_CSV ? str_find(text, '\n') : -1;
        text = str_slice(text, (size_t)(line + 1), text.len);
        ok = ok && file_append(&file, text.ptr, text.len, err);
    }
    ok = ok && file_sync(&file, err);
    file_close(&file);
    return ok;
}

// Afterwards each piece is a whole file for its value and folder.
static bool pieces_join(struct replace *replace, struct error *err)
{
    if (replace->len > 1)
        qsort(replace->pieces, replace->len, sizeof(*replace->pieces), piece_compare);
    size_t kept = 0;
    for (size_t from = 0, to; from < replace->len; from = to) {
        for (to = from + 1; to < replace->len; to++)
            if (!same_target(&replace->pieces[from], &replace->pieces[to]))
                break;
        struct piece whole = replace->pieces[from];
        if (to - from > 1) {
            whole.temporary =
                arena_print(&replace->arena, "%s/whole-%zu", replace->staging, from).ptr;
            bool is_parquet = replace->options->writer->format == FILE_PARQUET;
            if (!(is_parquet ? parquet_join(replace, from, to, whole.temporary, err)
                             : text_join(replace, from, to, whole.temporary, err)))
                return false;
        }
        replace->pieces[kept++] = whole;
    }
    replace->len = kept;
    return true;
}

// ---- Switching over -----------------------------------------------------------------------------

static struct str file_name(struct replace *replace, struct str folder, struct str value,
                            const char *extension)
{
    return arena_print(&replace->arena, "%.*s%spart-%.*s%s", STR_ARGS(folder),
                       folder.len > 0 ? "/" : "", STR_ARGS(value), extension);
}

static void touch(struct replace *replace, struct str folder)
{
    text_add(&replace->touched, &replace->touched_len, &replace->touched_capacity, folder);
}

static bool pieces_place(struct replace *replace, struct error *err)
{
    const char *extension = writer_extension(replace->options->writer);
    struct placement *files = ARENA_ARRAY(&replace->arena, struct placement, replace->len);
    for (size_t i = 0; i < replace->len; i++) {
        const struct piece *piece = &replace->pieces[i];
        files[i] =
            (struct placement){.staged = piece->temporary,
                               .name = file_name(replace, piece->folder, piece->value, extension)};
        touch(replace, piece->folder);
    }
    if ((int64_t)replace->touched_len > replace->options->folders_max)
        return error_set(err, ERROR_DATA,
                         "files: partition_by made more than %lld folders in this run: choose "
                         "columns with fewer values or raise partitions_max",
                         (long long)replace->options->folders_max);
    return store_place(replace->store, files, replace->len, err);
}

static bool is_new(const struct replace *replace, struct str folder, struct str value,
                   const char *extension)
{
    if (strcmp(extension, writer_extension(replace->options->writer)) != 0)
        return false;
    struct piece wanted = {.folder = folder, .value = value};
    for (size_t i = 0; i < replace->len; i++)
        if (same_target(&replace->pieces[i], &wanted))
            return true;
    return false;
}

// Is this the file of a replaced value that the run did not write? Then *folder is where it is.
static bool is_surplus(const struct replace *replace, struct str path, struct str *folder)
{
    size_t depth = 0, begin = 0;
    for (size_t at = 0; at < path.len; at++) {
        if (path.ptr[at] != '/')
            continue;
        if (str_find(str_slice(path, begin, at), '=') <= 0)
            return false; // no partition folder
        begin = at + 1;
        depth++;
    }
    struct str name = str_slice(path, begin, path.len);
    if (depth != replace->options->depth || !str_starts(name, "part-"))
        return false;
    *folder = str_slice(path, 0, begin > 0 ? begin - 1 : 0);
    name = str_slice(name, strlen("part-"), name.len);
    for (size_t v = 0; v < replace->values_len; v++) {
        struct str value = replace->values[v];
        struct str rest = str_slice(name, value.len, name.len);
        if (name.len < value.len || !str_equal(str_slice(name, 0, value.len), value))
            continue;
        for (size_t e = 0; e < COUNT_OF(extensions); e++)
            if (str_is(rest, extensions[e]))
                return !is_new(replace, *folder, value, extensions[e]);
    }
    return false;
}

static bool surplus_remove(struct replace *replace, struct error *err)
{
    struct listed *files;
    size_t len;
    struct str folder;
    if (!store_list(replace->store, (struct str){"", 0}, &replace->arena, &files, &len, err))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_surplus(replace, files[i].path, &folder))
            continue;
        if (!store_remove(replace->store, files[i].path, err))
            return false;
        touch(replace, folder);
    }
    return true;
}

static bool success_write(struct replace *replace, struct error *err)
{
    for (size_t i = 0; i < replace->touched_len; i++) {
        struct str folder = replace->touched[i];
        struct str name = arena_print(&replace->arena, "%.*s%s_SUCCESS", STR_ARGS(folder),
                                      folder.len > 0 ? "/" : "");
        if (!store_write(replace->store, name, (struct str){"", 0}, err))
            return false;
    }
    return true;
}

// Values whose last row may be gone: an hour that was read and has no good row any more. They stand
// in the names as folders do.
static bool values_ask(struct replace *replace, struct error *err)
{
    if (replace->options->values_query.len == 0)
        return true;
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql, "SELECT DISTINCT (#1)::VARCHAR FROM (%.*s\n)",
              STR_ARGS(replace->options->values_query));
    struct connection *connection = connection_open(replace->options->writer->database, err);
    struct statement *statement =
        connection != NULL ? statement_prepare(connection, buf_cstr(&sql), err) : NULL;
    bool ok = statement != NULL && statement_execute(statement, err);
    struct chunk *chunk;
    while (ok && (chunk = statement_next(statement)) != NULL) {
        for (size_t i = 0; i < chunk->rows; i++) {
            if (vector_is_null(&chunk->columns[0], i))
                continue;
            AUTO(buf_clear) struct buf value = {0};
            AUTO(buf_clear) struct buf name = {0};
            text_encode_value(&value, &chunk->columns[0], i, "");
            partition_print(&name, STR("v"), buf_str(&value));
            value_add(replace, str_slice(buf_str(&name), strlen("v="), name.len));
        }
    }
    statement_free(statement);
    connection_close(connection);
    return ok || error_wrap(err, "option replaces");
}

bool replace_finish(struct replace *replace, struct error *err)
{
    replace->touched_len = 0;
    if (!values_ask(replace, err))
        return false;
    if (replace->len == 0 && replace->values_len == 0)
        return true; // nothing was read: nothing is replaced
    if (!pieces_join(replace, err))
        return false;
    FAILPOINT("files.written");
    if (!pieces_place(replace, err))
        return false;
    FAILPOINT("files.renamed");
    return surplus_remove(replace, err) && success_write(replace, err) &&
           folder_remove_tree(replace->staging, err);
}
