// SPDX-License-Identifier: MIT
// Quarantine files. DuckDB writes the Parquet under a temporary name; fsync, rename and the
// folder's fsync are ours. The final name is made of checkpoint and epoch, so whoever finds it
// finds a whole file with exactly that epoch's rows, and a repeat after a crash has nothing to
// decide.
#include "base/failpoint.h"
#include "base/file.h"
#include "duck/scan.h"
#include "engine/quarantine.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SCAN_NAME "_firesteel_quarantine"

struct quarantine_writer {
    struct connection *connection;
    struct scan *scan;
};

struct quarantine_writer *quarantine_writer_new(struct database *database, struct error *err)
{
    struct quarantine_writer *writer = heap_new(sizeof(*writer));
    writer->connection = connection_open(database, err);
    if (writer->connection != NULL)
        writer->scan = scan_new(writer->connection, SCAN_NAME, quarantine_columns,
                                QUARANTINE_COLUMNS, false, err);
    if (writer->scan != NULL)
        return writer;
    quarantine_writer_free(writer);
    return NULL;
}

void quarantine_writer_free(struct quarantine_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->scan != NULL)
        scan_free(writer->scan);
    if (writer->connection != NULL)
        connection_close(writer->connection);
    heap_free(writer);
}

static bool copy_to(struct quarantine_writer *writer, const char *path,
                    const struct segment *segment, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    buf_print(&sql, "COPY (SELECT * FROM " SCAN_NAME "()) TO ");
    buf_add_sql_string(&sql, str_of(path));
    buf_add_cstr(&sql, " (FORMAT parquet, COMPRESSION snappy)");
    scan_set_segments(writer->scan, &segment, 1);
    bool good = connection_execute(writer->connection, buf_cstr(&sql), err);
    scan_set_segments(writer->scan, NULL, 0);
    if (good)
        return true;
    err->kind = ERROR_RETRY; // the statement is ours: what fails is the disk
    return error_wrap(err, "quarantine: cannot write %s", path);
}

void quarantine_file_name(const char *uuid, uint64_t epoch, char name[QUARANTINE_NAME_MAX])
{
    snprintf(name, QUARANTINE_NAME_MAX, "part-%.8s-%012" PRIu64 ".parquet", uuid, epoch);
}

bool quarantine_write(struct quarantine_writer *writer, const char *folder, const char *uuid,
                      uint64_t epoch, const struct segment *segment, struct error *err)
{
    char name[QUARANTINE_NAME_MAX], path[1024], temporary[1024];
    quarantine_file_name(uuid, epoch, name);
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    int temporary_len = snprintf(temporary, sizeof(temporary), "%s/.%s.tmp", folder, name);
    if (len >= (int)sizeof(path) || temporary_len >= (int)sizeof(temporary))
        return error_set(err, ERROR_USER, "quarantine folder %.200s..: the path is too long",
                         folder);
    if (!folder_create(folder, err))
        return false;
    // The rename may have been the last thing before a crash: its folder is synced again.
    if (path_exists(path))
        return file_sync_folder(folder, err);
    if (!copy_to(writer, temporary, segment, err) || !file_sync_path(temporary, err))
        return false;
    FAILPOINT("quarantine.written");
    if (!file_rename(temporary, path, err))
        return false;
    FAILPOINT("quarantine.renamed");
    return file_sync_folder(folder, err);
}

bool quarantine_newest(const char *folder, const char *uuid, uint64_t *epoch, struct error *err)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct str *names;
    size_t len;
    *epoch = 0;
    if (!path_is_folder(folder))
        return true;
    if (!folder_list(folder, &arena, &names, &len, err))
        return error_wrap(err, "quarantine");
    const char *head = arena_print(&arena, "part-%.8s-", uuid).ptr;
    for (size_t i = 0; i < len; i++) {
        int64_t number;
        size_t from = strlen(head), ending = strlen(".parquet");
        if (!str_starts(names[i], head) || !str_ends(names[i], ".parquet") ||
            names[i].len <= from + ending ||
            !str_parse_int64(str_slice(names[i], from, names[i].len - ending), &number))
            continue;
        *epoch = (uint64_t)number > *epoch ? (uint64_t)number : *epoch;
    }
    return true;
}

bool quarantine_is_behind(const char *folder, const char *uuid, uint64_t epoch, struct error *err)
{
    uint64_t newest;
    if (!quarantine_newest(folder, uuid, &newest, err))
        return false;
    return newest <= epoch ||
           error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "the quarantine %s already holds epoch %" PRIu64
                          ", but the checkpoint ends at epoch %" PRIu64
                          ": the checkpoint is older; its next bad rows would be taken for those "
                          "that are there, and lost. Restore the newer checkpoint, or accept with: "
                          "firesteel state adopt",
                          folder, newest, epoch);
}

struct path_list {
    struct str *items;
    size_t len, capacity;
};

static void path_add(struct path_list *paths, struct str path)
{
    if (paths->len == paths->capacity) {
        paths->capacity = paths->capacity == 0 ? 16 : paths->capacity * 2;
        paths->items = heap_resize(paths->items, paths->capacity * sizeof(*paths->items));
    }
    paths->items[paths->len++] = path;
}

// Byte order of names is the order of epochs, as their digits are padded.
static bool list_into(const char *folder, bool below, struct arena *arena, struct path_list *paths,
                      struct error *err)
{
    struct str *names;
    size_t len;
    if (!folder_list(folder, arena, &names, &len, err))
        return false;
    for (size_t i = 0; i < len; i++) {
        struct str path = arena_print(arena, "%s/%.*s", folder, STR_ARGS(names[i]));
        if (str_starts(names[i], "part-") && str_ends(names[i], ".parquet"))
            path_add(paths, path);
        else if (below && !str_starts(names[i], ".") && path_is_folder(path.ptr) &&
                 !list_into(path.ptr, false, arena, paths, err)) // one level: folders of runs
            return false;
    }
    return true;
}

bool quarantine_list(const char *folder, bool below, struct arena *arena, struct str **paths,
                     size_t *len, struct error *err)
{
    struct path_list list = {0};
    *paths = NULL;
    *len = 0;
    bool good = !path_is_folder(folder) || list_into(folder, below, arena, &list, err);
    if (good && list.len > 0) {
        *paths = ARENA_ARRAY(arena, struct str, list.len);
        for (size_t i = 0; i < list.len; i++)
            (*paths)[i] = list.items[i];
        *len = list.len;
    }
    heap_free(list.items);
    return good;
}
