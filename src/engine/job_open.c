// SPDX-License-Identifier: MIT
// Opening and closing a job. The order matters: checkpoint and lock first (a second process must go
// no further), then sources and sinks, then state, then the sinks are asked what they remember, and
// only then is the first record read. Start positions are durable before that.
#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "engine/job_state.h"
#include "engine/key_files.h"
#include "engine/committer.h"
#include "engine/latency.h"
#include "engine/remote.h"
#include "engine/replay.h"
#include <stdio.h>
#include <unistd.h>

// ---- Database
// ------------------------------------------------------------------------------------
static bool open_database(struct job *job, struct error *err)
{
    const struct plan *plan = job->plan;
    struct database_options options = {.threads = 1,
                                       .memory_max_bytes = plan->settings.memory_limit_bytes};
    job->database = database_open(options, err);
    if (job->database == NULL)
        return false;
    job->connection = connection_open(job->database, err);
    if (job->connection == NULL)
        return false;
    return job_load_reference(job, job->connection, err);
}

// Macros, types and reference tables. Files they read are relative to the pipeline's file.
bool job_load_reference(struct job *job, struct connection *connection, struct error *err)
{
    const struct plan *plan = job->plan;
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_cstr(&sql, "SET file_search_path = ");
    buf_add_sql_string(&sql, str_of(plan->folder));
    if (!connection_execute(connection, buf_cstr(&sql), err))
        return false;
    for (size_t i = 0; i < plan->prelude_len; i++)
        if (!connection_execute(connection, arena_cstr(&job->arena, plan->prelude[i]), err))
            return false;
    for (size_t t = 0; t < plan->tables_len; t++) {
        buf_reset(&sql);
        buf_add_cstr(&sql, "CREATE TABLE ");
        buf_add_sql_name(&sql, plan->tables[t].name);
        buf_print(&sql, " AS %.*s", STR_ARGS(plan->tables[t].sql));
        if (!connection_execute(connection, buf_cstr(&sql), err))
            return error_wrap(err, "table %.*s", STR_ARGS(plan->tables[t].name));
    }
    return connection_execute(connection, "SET file_search_path = ''", err);
}

// ---- Sources
// -------------------------------------------------------------------------------------
static void open_fields(struct job *job, struct job_source *source)
{
    const struct plan_source *plan = source->plan;
    size_t len = plan->columns_len;
    source->fields = ARENA_ARRAY(&job->arena, struct format_column, len);
    source->field_columns = ARENA_ARRAY(&job->arena, struct column, len);
    for (size_t c = 0; c < len; c++) {
        const struct source_column *column = &plan->columns[c];
        bool is_field = column->metadata == METADATA_NONE && column->computed.len == 0;
        bool all = source->format == NULL; // sources of columns give every declared one
        source->field_columns[c] = (struct column){column->name, column->type};
        if (!is_field || (!column->is_needed && !all))
            continue;
        source->fields[source->fields_len++] = (struct format_column){
            .name = column->name,
            .type = column->type,
            .path = column->path,
            .path_len = column->path_len,
            .time_unit = column->time_unit,
            .target = (int)c,
        };
    }
}

// Open relations this source feeds, in plan order: the steps of its triggers.
static void open_order(struct job *job, struct job_source *source)
{
    const struct plan *plan = job->plan;
    bool *fed = ARENA_ARRAY(&job->arena, bool, plan->relations_len);
    source->order = ARENA_ARRAY(&job->arena, size_t, plan->relations_len);
    fed[source->plan->relation] = true;
    for (size_t r = 0; r < plan->relations_len; r++) {
        const struct relation *relation = &plan->relations[r];
        bool is_fed = relation->inputs[0] >= 0 && fed[relation->inputs[0]];
        if (is_fed || r == (size_t)source->plan->relation)
            job->relations[r].source = (int)source->index;
        bool is_closed_step = relation->is_closed && relation->kind != RELATION_GROUPS;
        if (!is_fed || is_closed_step)
            continue;
        source->order[source->order_len++] = r;
        fed[r] = relation->kind != RELATION_GROUPS;
    }
}

static bool is_wanted(const struct plan_source *plan, enum metadata metadata)
{
    for (size_t c = 0; c < plan->columns_len; c++)
        if (plan->columns[c].metadata == metadata && plan->columns[c].is_needed)
            return true;
    return false;
}

static bool open_source(struct job *job, size_t index, struct error *err)
{
    struct job_source *source = &job->sources[index];
    const struct plan_source *plan = source->plan;
    source->options = arena_new(&job->arena, plan->type->options_size);
    size_t bad;
    if (!option_fill(plan->type->options, plan->type->options_len, plan->options, plan->options_len,
                     source->options, &job->arena, &bad, err))
        return false;
    source->format = format_find(plan->format); // NULL: "parquet", the source gives columns
    open_fields(job, source);
    open_order(job, source);
    struct source_context *context = ARENA_NEW(&job->arena, struct source_context);
    *context = (struct source_context){
        .name = plan->name,
        .pipeline = job->plan->settings.pipeline,
        .execution = job->options.execution,
        .clock = job->clock,
        .format = plan->format,
        .columns = source->field_columns,
        .fields = source->fields,
        .columns_len = plan->columns_len,
        .commit_interval_us = job->plan->settings.commit_interval_us,
        .wants_timestamps = is_wanted(plan, METADATA_TIMESTAMP),
        .wants_keys = is_wanted(plan, METADATA_KEY),
        .wants_headers = is_wanted(plan, METADATA_HEADERS),
        .values = plan->options,
        .values_len = plan->options_len,
        .database = job->database,
        .folder = ".",
    };
    source->source = plan->type->open(source->options, context, err);
    if (source->source == NULL)
        return false;
    source->watermark_us = TIME_MIN_US;
    if (plan->watermark_column >= 0)
        source->watermark = watermark_new((struct watermark_options){
            .delay_us = plan->watermark_delay_us,
            .idle_timeout_us = plan->idle_timeout_us,
            .future_skew_us = job->options.is_test ? -1 : job->plan->settings.future_skew_us,
            .is_once = job->options.execution == EXECUTION_ONCE,
        });
    source_adopt_partitions(source);
    return true;
}

static bool open_sources(struct job *job, struct error *err)
{
    job->sources = ARENA_ARRAY(&job->arena, struct job_source, job->plan->sources_len);
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        const struct plan_source *plan = &job->plan->sources[s];
        job->sources[s] = (struct job_source){
            .job = job, .plan = job->options.replay ? replay_plan(job, plan) : plan, .index = s};
        if (job->plan->sources[s].is_enabled && !open_source(job, s, err))
            return error_wrap(err, "source %.*s", STR_ARGS(job->plan->sources[s].name));
    }
    return true;
}

// The connector numbers its partitions; after seek our table takes its order, with our positions.
static bool seek_source(struct job_source *source, struct error *err)
{
    const struct partition *listed;
    size_t len;
    if (source->source == NULL)
        return true;
    if (!source->plan->type->seek(source->source, source->partitions, source->partitions_len,
                                  err) ||
        !source->plan->type->list(source->source, &listed, &len, err))
        return error_wrap(err, "source %.*s", STR_ARGS(source->plan->name));
    struct partition *own = source->partitions;
    size_t own_len = source->partitions_len;
    source->partitions = NULL;
    source->partitions_len = source->partitions_capacity = 0;
    heap_free(source->position_changed);
    heap_free(source->watermark_numbers);
    source->position_changed = NULL;
    source->watermark_numbers = NULL;
    source_adopt_partitions(source);
    for (size_t p = 0; p < own_len; p++)
        source_restore_partition(source, &own[p]);
    for (size_t p = 0; p < source->partitions_len; p++)
        if (source->watermark != NULL)
            watermark_position(source->watermark, source->watermark_numbers[p],
                               source->partitions[p].is_end, source->partitions[p].is_done);
    heap_free(own);
    if (source->job->options.replay)
        replay_seek(source);
    return true;
}

// ---- State
// ---------------------------------------------------------------------------------------
static void open_state(struct job *job, const char *folder)
{
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        const struct relation *relation = &job->plan->relations[r];
        if (relation->kind != RELATION_DEDUP)
            continue;
        bool is_batch = job->options.execution == EXECUTION_BATCH;
        int64_t slice_us = relation->within_us / 8;
        job->relations[r].dedup =
            dedup_new(slice_us > 0 ? slice_us : 1, is_batch ? -1 : relation->within_us);
        if (!is_batch)
            job->relations[r].key_files = key_files_new(folder, relation->name);
    }
}

static void batch_identity(struct job *job)
{
    // The same pipeline and place give the same name, so a re-run replaces its own output.
    AUTO(buf_clear) struct buf text = {0};
    buf_print(&text, "%.*s %.*s", STR_ARGS(job->plan->settings.pipeline),
              STR_ARGS(job->plan->settings.checkpoint));
    struct hash128 hash = hash_bytes(text.ptr, text.len);
    snprintf(job->uuid, sizeof(job->uuid), "%08x-%04x-%04x-%04x-%012llx", (uint32_t)hash.lo,
             (uint32_t)(hash.lo >> 32 & 0xffff), (uint32_t)(hash.lo >> 48),
             (uint32_t)(hash.hi & 0xffff), (unsigned long long)(hash.hi >> 16));
}

// No journal, but the same lock: a stream and a batch run of one checkpoint must not meet.
static bool batch_lock(struct job *job, const char *folder, struct error *err)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/lock", folder);
    batch_identity(job);
    return folder_create(folder, err) && file_lock(path, &job->lock_fd, err);
}

static bool open_quarantine(struct job *job, struct error *err)
{
    const struct settings *settings = &job->plan->settings;
    job->quarantine = quarantine_new();
    job->quarantine_writer = quarantine_writer_new(job->database, err);
    struct str folder = settings->quarantine;
    if (folder.len == 0)
        folder = arena_print(&job->arena, "%.*s/quarantine", STR_ARGS(settings->checkpoint));
    if (job->options.execution == EXECUTION_BATCH) // a stream's bad rows are beside it, untouched
        folder = arena_print(&job->arena, "%.*s/batch", STR_ARGS(folder));
    if (job->remote != NULL && remote_is(folder)) {
        job->quarantine_is_remote = true;
        folder = arena_print(&job->arena, "%s/quarantine", remote_folder(job->remote));
    }
    job->quarantine_folder = arena_cstr(&job->arena, folder);
    if (job->options.execution == EXECUTION_BATCH &&
        !folder_remove_tree(job->quarantine_folder, err))
        return false;
    return job->quarantine_writer != NULL;
}

static const char *checkpoint_folder(struct job *job, struct error *err)
{
    struct str checkpoint = job->plan->settings.checkpoint;
    if (!remote_is(checkpoint))
        return arena_cstr(&job->arena, checkpoint);
    if (job->options.execution == EXECUTION_BATCH || job->options.replay) {
        error_set_exit(err, ERROR_USER, EXIT_PIPELINE,
                       "checkpoint %.*s: batch runs and replay need a local one; --set "
                       "checkpoint=FOLDER",
                       STR_ARGS(checkpoint));
        return NULL;
    }
    job->remote = remote_open(checkpoint, true, err);
    return job->remote == NULL ? NULL : remote_folder(job->remote);
}

// An epoch that says nothing new: from here on the owner before this one finds its next epoch
// taken.
static bool take_over(struct job *job, struct error *err)
{
    return job->remote == NULL || job->epoch == 0 ||
           (epoch_commit(job, false, err) && committer_settle(job->committer, true, err));
}

static bool open_all(struct job *job, struct error *err)
{
    const char *folder = checkpoint_folder(job, err);
    struct records *records = NULL;
    bool ok = folder != NULL;
    if (ok && job->options.execution == EXECUTION_BATCH)
        ok = batch_lock(job, folder, err);
    else if (ok)
        ok = (records = recovery_open(job, folder, err)) != NULL;
    if (ok && job->remote != NULL)
        ok = remote_claim(job->remote, job->uuid, job->generation, err);
    ok = ok && replay_check(job, err) && open_database(job, err);
    struct outbox_options options = {
        .clock = job->clock,
        .execution = job->options.execution,
        .uuid = str_of(job->uuid),
        .generation = job->generation,
        .is_synchronous = job->options.is_test,
    };
    if (ok) {
        options.database = job->database;
        options.measures = &job->measures;
        job->outbox = outbox_open(job->plan, &options, err);
    }
    ok = ok && job->outbox != NULL && open_sources(job, err) && open_quarantine(job, err);
    if (ok) {
        open_state(job, folder);
        job_ledger_open(job);
    }
    ok = ok && (!job->plan->is_table_mode || batch_tables_open(job, err));
    ok = ok && windows_open(job, err) && closed_open(job, err) && lanes_start(job, err);
    if (ok && records != NULL)
        ok = recovery_run(job, records, err);
    recovery_close(records);
    if (ok && job->journal != NULL)
        ok = quarantine_is_behind(job->quarantine_folder, job->uuid, job->epoch, err);
    for (size_t s = 0; ok && s < job->plan->sources_len; s++)
        ok = seek_source(&job->sources[s], err);
    job->committer = committer_new(job);
    // A changed pipeline begins with a base of its own: frames of two pipelines after one base
    // could not be told apart, and what was given up must not come back.
    if (ok && job->journal != NULL && (journal_is_new(job->journal) || job->is_changed)) {
        AUTO(buf_clear) struct buf base = {0};
        ok = epoch_write_base(job, &base, err);
    }
    if (ok)
        job_progress_open(job);
    return ok && outbox_start(job->outbox, job->epoch, err) && take_over(job, err) &&
           (job->options.is_test || readers_start(job, err));
}

struct job *job_open(const struct plan *plan, const struct job_options *options, struct error *err)
{
    struct job *job = heap_new(sizeof(*job));
    job->plan = plan;
    job->options = *options;
    job->clock = options->clock;
    job->lock_fd = -1;
    job->lanes_len = (size_t)plan->settings.lanes;
    if (job->lanes_len == 0)
        job->lanes_len = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    job->relations = ARENA_ARRAY(&job->arena, struct job_relation, plan->relations_len);
    for (size_t r = 0; r < plan->relations_len; r++)
        job->relations[r].source = -1;
    job->latency = latency_new();
    pthread_mutex_init(&job->partitions_mutex, NULL);
    job->start_us = clock_monotonic_us();
    job->last_commit_us = job->start_us;
    job->state = JOB_STARTING;
    if (open_all(job, err)) {
        job->state = JOB_RUNNING;
        return job;
    }
    job_close(job);
    return NULL;
}

static void close_sources(struct job *job)
{
    for (size_t s = 0; job->sources != NULL && s < job->plan->sources_len; s++) {
        struct job_source *source = &job->sources[s];
        if (source->source != NULL)
            source->plan->type->close(source->source);
        watermark_free(source->watermark);
        heap_free(source->partitions);
        heap_free(source->noted);
        heap_free(source->position_changed);
        heap_free(source->watermark_numbers);
    }
}

void job_close(struct job *job)
{
    if (job == NULL)
        return;
    committer_free(job->committer);
    readers_stop(job);
    outbox_close(job->outbox);
    closed_close(job);
    windows_close(job);
    lanes_stop(job);
    batch_tables_close(job);
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        dedup_free(job->relations[r].dedup);
        key_files_free(job->relations[r].key_files);
    }
    arena_clear(&job->window_arena);
    close_sources(job);
    if (job->journal != NULL)
        journal_close(job->journal);
    remote_close(job->remote);
    if (job->lock_fd >= 0)
        file_unlock(&job->lock_fd);
    quarantine_free(job->quarantine);
    quarantine_writer_free(job->quarantine_writer);
    ledger_free(job->ledger);
    heap_free(job->ledger_lane);
    latency_free(job->latency);
    pthread_mutex_destroy(&job->partitions_mutex);
    connection_close(job->connection);
    database_close(job->database);
    arena_clear(&job->arena);
    heap_free(job);
}
