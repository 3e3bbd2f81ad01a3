// SPDX-License-Identifier: MIT
// The connector that reads quarantine files (idea and promises: replay.h). Payloads keep what was
// known of them: the partition they came from and their offset there. Event time: replayed rows are
// judged by the watermark as it stands, but do not move it, since it is about how far the real
// input has come.
#include "engine/replay.h"
#include "base/log.h"
#include "duck/database.h"

struct replay_options {
    struct str folder, checkpoint, skipped;
};

static const struct option replay_options[] = {
    {"folder", OPTION_TEXT, NULL, "the quarantine", offsetof(struct replay_options, folder), NULL},
    {"checkpoint", OPTION_TEXT, NULL, "whose files", offsetof(struct replay_options, checkpoint),
     NULL},
    {"skipped", OPTION_TEXT, "", "reasons of rows that cannot be sent again, as SQL texts",
     offsetof(struct replay_options, skipped), NULL},
};

struct quarantine_file {
    struct str path;
    int64_t epoch;
};

struct source {
    const struct replay_options *options;
    struct arena arena;
    struct str name; // of the source in the pipeline
    struct connection *connection;
    struct partition *partitions; // the real ones: rows are shown as coming from them
    size_t partitions_len;
    struct quarantine_file *files; // ascending epoch
    size_t files_len, file;
    int64_t row; // next in files[file]
    int64_t rows_left;
};

// ---- Which rows
// ----------------------------------------------------------------------------------
static size_t consumers(const struct plan *plan, int relation)
{
    size_t len = 0;
    for (size_t r = 0; r < plan->relations_len; r++)
        len +=
            (plan->relations[r].inputs[0] == relation) + (plan->relations[r].inputs[1] == relation);
    for (size_t s = 0; s < plan->sinks_len; s++)
        len += plan->sinks[s].relation == relation;
    return len;
}

// Whether a row that this view put aside was seen by nobody else on its way from the source.
static bool is_only_way(const struct plan *plan, int relation)
{
    const struct relation *at = &plan->relations[relation];
    if (at->kind != RELATION_ROWS || at->changes_rows)
        return false;
    for (int input = at->inputs[0]; input >= 0; input = plan->relations[input].inputs[0]) {
        const struct relation *before = &plan->relations[input];
        if (consumers(plan, input) != 1)
            return false;
        if (before->kind == RELATION_SOURCE)
            return true;
        if (before->kind != RELATION_ROWS || before->changes_rows)
            return false;
    }
    return false;
}

static bool has_constraint(const struct relation *relation, struct str name)
{
    for (size_t c = 0; c < relation->constraints_len; c++)
        if (str_equal(relation->constraints[c].name, name))
            return true;
    return false;
}

// Names of view constraints whose rows were counted elsewhere: 'a', 'b'.
static struct str skipped_reasons(struct job *job, const struct plan_source *source)
{
    const struct plan *plan = job->plan;
    AUTO(buf_clear) struct buf out = {0};
    for (size_t r = 0; r < plan->relations_len; r++) {
        const struct relation *relation = &plan->relations[r];
        if (relation->kind == RELATION_SOURCE || is_only_way(plan, (int)r))
            continue;
        for (size_t c = 0; c < relation->constraints_len; c++) {
            struct str name = relation->constraints[c].name;
            if (has_constraint(&plan->relations[source->relation], name))
                continue;
            buf_add_cstr(&out, out.len > 0 ? ", " : "");
            buf_add_sql_string(&out, name);
        }
    }
    return arena_str(&job->arena, buf_str(&out));
}

bool replay_check(const struct job *job, struct error *err)
{
    if (!job->options.replay)
        return true;
    if (job->options.execution == EXECUTION_BATCH)
        return error_set_exit(
            err, ERROR_USER, EXIT_PIPELINE,
            "replay: a batch pipeline keeps no checkpoint to replay into; correct "
            "the pipeline or the input and run it again");
    if (job->journal == NULL || journal_is_new(job->journal))
        return error_set_exit(err, ERROR_USER, EXIT_FAILED,
                              "replay: %.*s holds no checkpoint yet, so nothing of it is in "
                              "quarantine; run the pipeline first",
                              STR_ARGS(job->plan->settings.checkpoint));
    return true;
}

const struct plan_source *replay_plan(struct job *job, const struct plan_source *plan)
{
    const struct settings *settings = &job->plan->settings;
    struct str folder = settings->quarantine;
    if (folder.len == 0)
        folder = arena_print(&job->arena, "%.*s/quarantine", STR_ARGS(settings->checkpoint));
    struct option_value *options = ARENA_ARRAY(&job->arena, struct option_value, 3);
    options[0] = (struct option_value){.name = STR("folder"), .value = folder};
    options[1] = (struct option_value){.name = STR("checkpoint"), .value = str_of(job->uuid)};
    options[2] = (struct option_value){.name = STR("skipped"), .value = skipped_reasons(job, plan)};
    struct plan_source *own = ARENA_NEW(&job->arena, struct plan_source);
    *own = *plan;
    own->type = &quarantine_source_type;
    own->options = options;
    own->options_len = 3;
    return own;
}

// ---- The connector
// -------------------------------------------------------------------------------
static struct source *replay_open(const void *options, const struct source_context *context,
                                  struct error *err)
{
    struct source *source = heap_new(sizeof(*source));
    source->options = options;
    source->name = arena_str(&source->arena, context->name);
    source->connection = connection_open(context->database, err);
    if (source->connection != NULL)
        return source;
    heap_free(source);
    return NULL;
}

static void replay_close(struct source *source)
{
    connection_close(source->connection);
    arena_clear(&source->arena);
    heap_free(source);
}

static bool replay_list(struct source *source, const struct partition **partitions, size_t *len,
                        struct error *err UNUSED)
{
    *partitions = source->partitions;
    *len = source->partitions_len;
    return true;
}

// part-<first 8 of uuid>-<epoch>.parquet; files of another checkpoint are not ours to replay.
static bool parse_epoch(const struct source *source, struct str path, int64_t *epoch)
{
    struct str name = path;
    for (int64_t slash; (slash = str_find(name, '/')) >= 0;)
        name = str_slice(name, (size_t)slash + 1, name.len);
    struct str uuid = str_slice(source->options->checkpoint, 0, 8), ending = STR(".parquet");
    size_t before = 5 + uuid.len + 1;
    if (name.len <= before + ending.len || !str_equal(str_slice(name, 5, 5 + uuid.len), uuid))
        return false;
    return str_parse_int64(str_slice(name, before, name.len - ending.len), epoch);
}

static bool list_files(struct source *source, struct error *err)
{
    struct str *paths;
    size_t len;
    const char *folder = arena_cstr(&source->arena, source->options->folder);
    if (!quarantine_list(folder, false, &source->arena, &paths, &len, err))
        return false;
    source->files = ARENA_ARRAY(&source->arena, struct quarantine_file, len);
    for (size_t i = 0; i < len; i++) {
        int64_t epoch;
        if (!parse_epoch(source, paths[i], &epoch)) {
            log_warn("replay: %.*s was not written by this checkpoint and is left alone",
                     STR_ARGS(paths[i]));
            continue;
        }
        source->files[source->files_len++] = (struct quarantine_file){paths[i], epoch};
    }
    return true;
}

static bool replay_take_partitions(struct source *source, const struct partition *partitions,
                                   size_t len, struct error *err)
{
    source->partitions = ARENA_ARRAY(&source->arena, struct partition, len);
    source->partitions_len = len;
    for (size_t p = 0; p < len; p++) {
        source->partitions[p] = partitions[p];
        source->partitions[p].name = arena_str(&source->arena, partitions[p].name);
        source->partitions[p].mark = arena_str(&source->arena, partitions[p].mark);
    }
    return list_files(source, err);
}

static uint32_t partition_named(const struct source *source, struct str name)
{
    for (size_t p = 0; p < source->partitions_len; p++)
        if (str_equal(source->partitions[p].name, name))
            return (uint32_t)p;
    return 0; // a partition the checkpoint has forgotten: it only serves to show the row
}

static bool is_text(const struct chunk *chunk, size_t column, size_t row, struct str *text)
{
    if (vector_is_null(&chunk->columns[column], row))
        return false;
    *text = string_cell_str(&((struct string_cell *)chunk->columns[column].data)[row]);
    return true;
}

// Columns: raw (NULL: not to be sent again), partition, offset, row number.
static void take_rows(struct source *source, const struct chunk *chunk, struct batch *batch,
                      size_t bytes_max)
{
    for (size_t i = 0; i < chunk->rows && batch->bytes < bytes_max; i++) {
        struct str raw, partition = {0};
        source->row = ((int64_t *)chunk->columns[3].data)[i] + 1;
        if (!is_text(chunk, 0, i, &raw)) {
            source->rows_left++;
            continue;
        }
        is_text(chunk, 1, i, &partition);
        char *copy = arena_bytes(&batch->arena, raw.len + 64);
        memcpy(copy, raw.ptr, raw.len);
        memset(copy + raw.len, 0, 64);
        batch_add(batch, copy, raw.len, partition_named(source, partition),
                  ((int64_t *)chunk->columns[2].data)[i]);
    }
}

static void print_query(const struct source *source, size_t rows_max, struct buf *sql)
{
    struct str skipped = source->options->skipped;
    buf_add_cstr(sql, "SELECT ");
    if (skipped.len > 0)
        buf_print(sql, "CASE WHEN NOT list_has_any(reasons, [%.*s]) THEN raw END",
                  STR_ARGS(skipped));
    else
        buf_add_cstr(sql, "raw");
    buf_add_cstr(sql, ", \"partition\", coalesce(\"offset\", -1), file_row_number "
                      "FROM read_parquet(");
    buf_add_sql_string(sql, source->files[source->file].path);
    buf_add_cstr(sql, ", file_row_number = true, hive_partitioning = false) WHERE source = ");
    buf_add_sql_string(sql, source->name);
    buf_print(sql, " AND file_row_number >= %lld ORDER BY file_row_number LIMIT %zu",
              (long long)source->row, rows_max);
}

// At most rows_max rows of the file; *is_whole: nothing of it is left.
static bool read_file(struct source *source, struct batch *batch, size_t rows_max, size_t bytes_max,
                      bool *is_whole, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    print_query(source, rows_max, &sql);
    struct statement *statement = statement_prepare(source->connection, buf_cstr(&sql), err);
    bool good = statement != NULL && statement_execute(statement, err);
    size_t rows = 0;
    const struct chunk *chunk;
    while (good && (chunk = statement_next(statement)) != NULL) {
        rows += chunk->rows;
        take_rows(source, chunk, batch, bytes_max);
    }
    statement_free(statement);
    *is_whole = rows < rows_max && batch->bytes < bytes_max;
    if (good)
        return true;
    err->kind = ERROR_FATAL; // the statement is ours: the file is not what was written
    return error_wrap(err, "replay: cannot read %.*s", STR_ARGS(source->files[source->file].path));
}

static bool replay_read(struct source *source, struct batch *batch, size_t rows_max,
                        size_t bytes_max, enum read_state *state, struct error *err)
{
    batch_reset(batch);
    batch->arrival_us = clock_monotonic_us();
    *state = READ_END;
    while (source->file < source->files_len && batch->rows == 0) {
        bool is_whole = true;
        *state = READ_ROWS;
        if (!read_file(source, batch, rows_max, bytes_max, &is_whole, err))
            return false;
        if (batch->rows > 0 && source->partitions_len == 0)
            return error_set(err, ERROR_FATAL,
                             "replay: quarantine has rows of %.*s, of which the checkpoint has no "
                             "position",
                             STR_ARGS(source->name));
        batch_position_set(batch, REPLAY_PARTITION, source->files[source->file].epoch,
                           is_whole ? REPLAY_FILE_END : source->row, false, false);
        source->file += is_whole;
        source->row = is_whole ? 0 : source->row;
    }
    if (*state == READ_END && source->rows_left > 0)
        log_warn(
            "replay: %lld rows of %.*s stay in quarantine: they have no payload, or a view put "
            "them aside and their source row went on elsewhere",
            (long long)source->rows_left, STR_ARGS(source->name));
    return true;
}

static bool replay_acknowledge(struct source *source UNUSED,
                               const struct partition *partitions UNUSED, size_t len UNUSED,
                               struct error *err UNUSED)
{
    return true;
}

const struct source_type quarantine_source_type = {
    .name = "quarantine",
    .summary = "rows in quarantine, read by firesteel replay",
    .options = replay_options,
    .options_len = COUNT_OF(replay_options),
    .options_size = sizeof(struct replay_options),
    .open = replay_open,
    .list = replay_list,
    .seek = replay_take_partitions,
    .read = replay_read,
    .acknowledge = replay_acknowledge,
    .close = replay_close,
};

// ---- Positions
// -----------------------------------------------------------------------------------
void replay_seek(struct job_source *source)
{
    struct source *own = source->source;
    while (own->file < own->files_len && own->files[own->file].epoch < source->replay_epoch)
        own->file++;
    if (own->file < own->files_len && own->files[own->file].epoch == source->replay_epoch) {
        bool is_whole = source->replay_row == REPLAY_FILE_END;
        own->file += is_whole;
        own->row = is_whole ? 0 : source->replay_row;
    }
    bool is_unfinished =
        own->file < own->files_len && own->files[own->file].epoch <= source->replay_until;
    if (!is_unfinished)
        source->replay_until = (int64_t)source->job->epoch;
    while (own->files_len > own->file &&
           own->files[own->files_len - 1].epoch > source->replay_until)
        own->files_len--;
}

void replay_move(struct job_source *source, const struct batch_position *position)
{
    source->replay_epoch = position->offset;
    source->replay_row = position->line;
    source->replay_changed = true;
}

void replay_encode(const struct job_source *source, struct buf *out)
{
    buf_add_bytes(out, source->plan->name);
    buf_add_i64(out, source->replay_epoch);
    buf_add_i64(out, source->replay_row);
    buf_add_i64(out, source->replay_until);
}

void replay_load(struct job *job, struct reader *reader)
{
    struct str name = reader_bytes(reader);
    int64_t epoch = reader_i64(reader), row = reader_i64(reader), until = reader_i64(reader);
    for (size_t s = 0; s < job->plan->sources_len && !reader->bad; s++) {
        if (!str_equal(job->plan->sources[s].name, name))
            continue;
        job->sources[s].replay_epoch = epoch;
        job->sources[s].replay_row = row;
        job->sources[s].replay_until = until;
    }
}
