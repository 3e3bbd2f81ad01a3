// SPDX-License-Identifier: MIT
// A job in the test's own process: plan from text, connector 'memory' at both ends, a checkpoint in
// a folder of its own, a simulated clock. A crash is an error out of a failpoint after which every
// durable write fails until the job is closed; then un-synced writes are dropped (power loss), and
// a new job opens on what is left.
#ifndef FIRESTEEL_JOB_CASE_H
#define FIRESTEEL_JOB_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "connectors/table/memory.h"
#include "duck/database.h"
#include "engine/job.h"
#include "engine/quarantine.h"

#define CLOCK_START_US INT64_C(1705314600000000) // 2024-01-15 10:30:00
#define TEXT_MAX 512

// A scan's memory belongs to the DuckDB instance's catalog (src/duck/scan.c, scan_free).
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:scan_new\nleak:scan_set_segments\n";
}

struct job_case {
    struct arena arena;
    struct plan *plan;
    struct clock clock;
    struct job_options options;
    struct job *job;
    char folder[256];
    struct error err;
    int64_t crashes;
};

static inline struct plan *case_plan(struct job_case *job_case, const char *sql)
{
    struct arena *arena = &job_case->arena;
    struct str names[] = {STR("FOLDER")};
    struct str *values = ARENA_ARRAY(arena, struct str, 1);
    values[0] = arena_str(arena, str_of(job_case->folder));
    struct str *kept = ARENA_ARRAY(arena, struct str, 1);
    kept[0] = names[0];
    struct plan_request request = {.path = "job.sql",
                                   .text = arena_str(arena, str_of(sql)),
                                   .variables = {.names = kept, .values = values, .len = 1},
                                   .execution = -1};
    struct diagnostics *diagnostics = ARENA_NEW(arena, struct diagnostics);
    diagnostics_init(diagnostics, arena, request.path, request.text);
    struct plan *plan = plan_build(&request, arena, diagnostics);
    if (plan == NULL) {
        AUTO(buf_clear) struct buf out = {0};
        diagnostics_print(diagnostics, false, &out);
        fail_msg("%s", buf_cstr(&out));
    }
    return plan;
}

static inline void case_begin(struct job_case *job_case, const char *sql)
{
    *job_case = (struct job_case){0};
    bool has_memory = access("/dev/shm", W_OK) == 0; // fsync costs nothing there
    const char *parent = has_memory ? "/dev/shm" : "/tmp";
    if (getenv("TMPDIR") != NULL)
        parent = getenv("TMPDIR");
    snprintf(job_case->folder, sizeof(job_case->folder), "%.200s/firesteel_job.XXXXXX", parent);
    assert_non_null(mkdtemp(job_case->folder));
    memory_clear();
    log_set_level(LOG_ERROR);
    job_case->clock = (struct clock){.simulated = true, .now_us = CLOCK_START_US};
    job_case->options =
        (struct job_options){.is_test = true, .clock = &job_case->clock, .drop_state = ""};
    job_case->plan = case_plan(job_case, sql);
}

static inline void case_end(struct job_case *job_case)
{
    struct error err = {0};
    job_close(job_case->job);
    failpoint_disarm();
    file_track_unsynced(false);
    memory_clear();
    assert_true(folder_remove_tree(job_case->folder, &err));
    arena_clear(&job_case->arena);
}

static inline bool case_open(struct job_case *job_case)
{
    if (job_case->job == NULL)
        job_case->job = job_open(job_case->plan, &job_case->options, &job_case->err);
    return job_case->job != NULL;
}

// The process dies and the machine with it; afterwards the disk works again.
static inline void case_die(struct job_case *job_case)
{
    job_close(job_case->job);
    job_case->job = NULL;
    failpoint_disarm();
    file_drop_unsynced();
    job_case->crashes++;
    error_clear(&job_case->err);
}

static inline bool case_is_crash(const struct job_case *job_case)
{
    return strstr(job_case->err.text, "failpoint ") != NULL;
}

static inline void case_add(const char *source, uint32_t partition, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline void case_add(const char *source, uint32_t partition, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct str payload = {text, (size_t)len};
    memory_source_add(str_of(source), partition, &payload, 1);
}

static inline int case_compare_lines(const void *left, const void *right)
{
    return str_compare(*(const struct str *)left, *(const struct str *)right);
}

// All that the sink was given, as sorted lines: rows are a multiset. `without`: a column that says
// how the run was cut into triggers, not what was computed.
static inline struct str case_rows(struct job_case *job_case, const char *sink, const char *without)
{
    AUTO(buf_clear) struct buf text = {0};
    memory_sink_print(str_of(sink), &text);
    struct str rest = arena_str(&job_case->arena, buf_str(&text));
    size_t lines_len = 0;
    for (size_t i = 0; i < rest.len; i++)
        lines_len += rest.ptr[i] == '\n';
    struct str *lines = ARENA_ARRAY(&job_case->arena, struct str, lines_len + 1);
    lines_len = 0;
    for (int64_t end; (end = str_find(rest, '\n')) >= 0;) {
        lines[lines_len++] = str_slice(rest, 0, (size_t)end);
        rest = str_slice(rest, (size_t)end + 1, rest.len);
    }
    for (size_t i = 0; i < lines_len && without != NULL; i++) {
        const char *from = memmem(lines[i].ptr, lines[i].len, without, strlen(without));
        if (from == NULL)
            continue;
        const char *end = lines[i].ptr + lines[i].len;
        const char *to = memchr(from, ',', (size_t)(end - from));
        to = to != NULL ? to : end;
        lines[i] = arena_print(&job_case->arena, "%.*s%.*s", (int)(from - lines[i].ptr),
                               lines[i].ptr, (int)(end - to), to);
    }
    qsort(lines, lines_len, sizeof(*lines), case_compare_lines);
    buf_reset(&text);
    for (size_t i = 0; i < lines_len; i++)
        buf_print(&text, "%.*s\n", STR_ARGS(lines[i]));
    return arena_str(&job_case->arena, buf_str(&text));
}

// What stands in the quarantine's Parquet files, sorted.
static inline struct str case_quarantine(struct job_case *job_case)
{
    struct error err = {0};
    bool is_null;
    struct str *paths;
    size_t len;
    AUTO(buf_clear) struct buf sql = {0}, text = {0};
    const char *folder = arena_cstr(&job_case->arena, job_case->plan->settings.quarantine);
    assert_true(quarantine_list(folder, false, &job_case->arena, &paths, &len, &err));
    if (len == 0)
        return (struct str){0};
    struct database *database = database_open((struct database_options){.threads = 1}, &err);
    struct connection *connection = connection_open(database, &err);
    buf_add_cstr(&sql, "SELECT string_agg(line, chr(10) ORDER BY line) FROM (SELECT "
                       "concat_ws(' ', source, \"partition\", \"offset\", reasons::VARCHAR, "
                       "CAST(raw AS VARCHAR)) AS line FROM read_parquet([");
    for (size_t i = 0; i < len; i++) {
        buf_add_cstr(&sql, i > 0 ? ", " : "");
        buf_add_sql_string(&sql, paths[i]);
    }
    buf_add_cstr(&sql, "]))");
    if (!connection_query_text(connection, buf_cstr(&sql), &text, &is_null, &err))
        fail_msg("%s", err.text);
    connection_close(connection);
    database_close(database);
    return arena_str(&job_case->arena, buf_str(&text));
}

static inline int64_t case_ledger(struct job_case *job_case, const char *relation, const char *term)
{
    int64_t value = -1;
    if (!job_ledger_value(job_case->job, str_of(relation), str_of(term), &value))
        fail_msg("the ledger has no %s of %s", term, relation);
    return value;
}

#endif
