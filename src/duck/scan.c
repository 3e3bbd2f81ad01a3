// SPDX-License-Identifier: MIT
// The table function behind every statement that reads rows this program holds. Vectors are lent by
// reference (duckdb_vector_reference_vector throws C++ on another type, so types are compared when
// the rows are set); a selection becomes a dictionary vector. Runs on one thread at a time.
#include "duck/scan.h"
#include "duck/internal.h"

enum scan_kind { SCAN_NOTHING, SCAN_ROWS, SCAN_SEGMENTS, SCAN_CALLBACK };

struct scan {
    struct arena arena;
    struct column *columns;
    size_t columns_len;
    bool with_sequence;
    enum scan_kind kind;
    const struct rows *rows;
    const struct segment *const *segments;
    size_t segments_len;
    scan_next next;
    void *context;
    struct chunk *chunk; // segments are read into it
};

// One execution.
struct scan_run {
    struct scan *scan;
    size_t *projection;
    size_t projection_len;
    size_t item;     // part or segment
    int64_t row;     // within the segment
    int64_t counted; // rows given so far
};

static void scan_bind(duckdb_bind_info info)
{
    struct scan *scan = duckdb_bind_get_extra_info(info);
    for (size_t i = 0; i < scan->columns_len; i++) {
        duckdb_logical_type logical = type_to_logical(scan->columns[i].type);
        duckdb_bind_add_result_column(info, scan->columns[i].name.ptr, logical);
        duckdb_destroy_logical_type(&logical);
    }
    if (scan->with_sequence) {
        duckdb_logical_type logical = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
        duckdb_bind_add_result_column(info, "_sequence", logical);
        duckdb_destroy_logical_type(&logical);
    }
}

static void scan_run_free(void *memory)
{
    struct scan_run *run = memory;
    heap_free(run->projection);
    heap_free(run);
}

static void scan_init(duckdb_init_info info)
{
    struct scan_run *run = heap_new(sizeof(*run));
    run->scan = duckdb_init_get_extra_info(info);
    run->projection_len = duckdb_init_get_column_count(info);
    run->projection = heap_array(run->projection_len + 1, sizeof(*run->projection));
    for (size_t i = 0; i < run->projection_len; i++)
        run->projection[i] = duckdb_init_get_column_index(info, i);
    duckdb_init_set_init_data(info, run, scan_run_free);
    duckdb_init_set_max_threads(info, 1);
}

static void fill_sequence(struct scan_run *run, duckdb_vector target, const struct rows_part *part,
                          size_t count)
{
    int64_t *values = duckdb_vector_get_data(target);
    for (size_t i = 0; i < count; i++) {
        if (part == NULL) {
            values[i] = run->counted + (int64_t)i;
            continue;
        }
        size_t row = rows_part_row(part, i);
        values[i] =
            part->sequences != NULL ? part->sequences[row] : part->first_sequence + (int64_t)row;
    }
}

// Gives `count` rows of `chunk` (those of the selection, when there is one).
static void emit(struct scan_run *run, duckdb_data_chunk output, struct chunk *chunk,
                 const struct rows_part *part, size_t count)
{
    duckdb_selection_vector selection = NULL;
    if (part != NULL && part->selection != NULL) {
        selection = duckdb_create_selection_vector(count);
        sel_t *rows = duckdb_selection_vector_get_data_ptr(selection);
        for (size_t i = 0; i < count; i++)
            rows[i] = part->selection[i];
    }
    for (size_t i = 0; i < run->projection_len; i++) {
        duckdb_vector target = duckdb_data_chunk_get_vector(output, i);
        size_t column = run->projection[i];
        if (column >= run->scan->columns_len) {
            fill_sequence(run, target, part, count);
            continue;
        }
        duckdb_vector_reference_vector(target, chunk->columns[column].handle);
        if (selection != NULL)
            duckdb_slice_vector(target, selection, count);
    }
    if (selection != NULL)
        duckdb_destroy_selection_vector(selection);
    run->counted += (int64_t)count;
    duckdb_data_chunk_set_size(output, count);
}

static bool emit_rows(struct scan_run *run, duckdb_data_chunk output)
{
    const struct rows *rows = run->scan->rows;
    while (run->item < rows->parts_len) {
        const struct rows_part *part = &rows->parts[run->item++];
        if (part->count == 0)
            continue;
        emit(run, output, part->chunk, part, part->count);
        return true;
    }
    return false;
}

static bool emit_segments(struct scan_run *run, duckdb_data_chunk output)
{
    struct scan *scan = run->scan;
    while (run->item < scan->segments_len) {
        const struct segment *segment = scan->segments[run->item];
        int64_t left = segment->rows - run->row;
        if (left <= 0) {
            run->item++;
            run->row = 0;
            continue;
        }
        size_t count = left < ROWS_PER_VECTOR ? (size_t)left : ROWS_PER_VECTOR;
        segment_read(segment, run->row, count, scan->chunk);
        run->row += (int64_t)count;
        emit(run, output, scan->chunk, NULL, count);
        return true;
    }
    return false;
}

static bool emit_callback(struct scan_run *run, duckdb_function_info info, duckdb_data_chunk output)
{
    struct scan *scan = run->scan;
    struct chunk *chunk = NULL;
    struct error error = {0};
    do {
        if (!scan->next(scan->context, &chunk, &error)) {
            duckdb_function_set_error(info, error.text);
            return false;
        }
    } while (chunk != NULL && chunk->rows == 0);
    if (chunk == NULL)
        return false;
    emit(run, output, chunk, NULL, chunk->rows);
    return true;
}

static void scan_function(duckdb_function_info info, duckdb_data_chunk output)
{
    struct scan_run *run = duckdb_function_get_init_data(info);
    bool more = false;
    switch (run->scan->kind) {
    case SCAN_NOTHING:
        break;
    case SCAN_ROWS:
        more = emit_rows(run, output);
        break;
    case SCAN_SEGMENTS:
        more = emit_segments(run, output);
        break;
    case SCAN_CALLBACK:
        more = emit_callback(run, info, output);
        break;
    }
    if (!more)
        duckdb_data_chunk_set_size(output, 0);
}

// DuckDB owns the scan from registration on and frees it with the instance.
static void scan_destroy(void *memory)
{
    struct scan *scan = memory;
    chunk_free(scan->chunk);
    arena_clear(&scan->arena);
    heap_free(scan);
}

struct scan *scan_new(struct connection *connection, const char *name, const struct column *columns,
                      size_t columns_len, bool with_sequence, struct error *err)
{
    struct scan *scan = heap_new(sizeof(*scan));
    scan->columns = ARENA_ARRAY(&scan->arena, struct column, columns_len);
    scan->columns_len = columns_len;
    scan->with_sequence = with_sequence;
    for (size_t i = 0; i < columns_len; i++) {
        scan->columns[i].name = arena_str(&scan->arena, columns[i].name);
        scan->columns[i].type = type_copy(columns[i].type, &scan->arena);
    }
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_table_function_set_name(function, name);
    duckdb_table_function_set_extra_info(function, scan, scan_destroy);
    duckdb_table_function_set_bind(function, scan_bind);
    duckdb_table_function_set_init(function, scan_init);
    duckdb_table_function_set_function(function, scan_function);
    duckdb_table_function_supports_projection_pushdown(function, true);
    bool ok = duckdb_register_table_function(connection->handle, function) == DuckDBSuccess;
    duckdb_destroy_table_function(&function);
    if (ok)
        return scan;
    error_set(err, ERROR_FATAL, "duckdb: cannot register the table function %s", name);
    return NULL;
}

void scan_set_rows(struct scan *scan, const struct rows *rows)
{
    for (size_t p = 0; p < rows->parts_len && p < 1; p++)
        for (size_t i = 0; i < scan->columns_len; i++)
            ASSERT(type_equal(scan->columns[i].type, rows->parts[p].chunk->columns[i].type));
    scan->kind = SCAN_ROWS;
    scan->rows = rows;
}

void scan_set_segments(struct scan *scan, const struct segment *const *segments, size_t len)
{
    if (scan->chunk == NULL) {
        const struct type **types =
            ARENA_ARRAY(&scan->arena, const struct type *, scan->columns_len);
        for (size_t i = 0; i < scan->columns_len; i++)
            types[i] = scan->columns[i].type;
        scan->chunk = chunk_new(types, scan->columns_len);
    }
    scan->kind = SCAN_SEGMENTS;
    scan->segments = segments;
    scan->segments_len = len;
}

void scan_set_callback(struct scan *scan, scan_next next, void *context)
{
    scan->kind = SCAN_CALLBACK;
    scan->next = next;
    scan->context = context;
}

void scan_free(struct scan *scan)
{
    if (scan == NULL)
        return;
    chunk_free(scan->chunk);
    scan->chunk = NULL;
    scan->kind = SCAN_NOTHING;
}
