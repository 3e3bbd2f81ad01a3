// SPDX-License-Identifier: MIT
// Sink 'postgres'. `deliver` only notes what is to be written; `commit` writes all sinks of the
// group in one transaction, over the connection of the first:
//
//   BEGIN; lock the progress row; judge (progress_row.h); COPY for each sink; new progress; COMMIT
//
// Any failure closes the connection, which rolls back; the engine calls again with the same rows. A
// COMMIT without an answer needs nothing more: the next try reads whether it happened.
//
// A batch run is one transaction from its first delivery to `finish`: readers see all of it or
// nothing, and a run that failed leaves nothing. It has no journal, so no progress row either.
#include "base/failpoint.h"
#include "base/log.h"
#include "connectors/postgres/postgres.h"
#include "connectors/postgres/postgres_write.h"
#include "connectors/postgres/progress_row.h"

#include <string.h>

enum write_mode { MODE_AUTO, MODE_APPEND, MODE_UPSERT, MODE_REPLACE };
static const char *const mode_words[] = {"auto", "append", "upsert", "replace", NULL};

struct postgres_sink_options {
    struct postgres_options address;
    struct str schema, table, key, ddl;
    int mode;
    bool create_tables;
};

#define OPTION(name, kind, fallback, help)                                                         \
    {                                                                                              \
#name, kind, fallback, help, offsetof(struct postgres_sink_options, name), NULL            \
    }
static const struct option sink_options[] = {
    POSTGRES_ADDRESS_OPTIONS(struct postgres_sink_options),
    OPTION(schema, OPTION_TEXT, "", "default: as the search_path says"),
    OPTION(table, OPTION_TEXT, "", "'name' or 'schema.name'; default: the name of the sink"),
    OPTION(key, OPTION_TEXT, "", "columns 'a, b': rows with an equal key are replaced"),
    {"mode", OPTION_WORD, "auto",
     "append, upsert (by key), replace (batch: the whole table); auto: upsert when there is a key",
     offsetof(struct postgres_sink_options, mode), mode_words},
    OPTION(create_tables, OPTION_BOOL, "false", "make what is missing (--create-tables)"),
    OPTION(ddl, OPTION_TEXT, "", "SQL that makes table and indexes; default: from the columns"),
};

struct sink {
    struct arena arena;
    struct postgres_address address;
    struct postgres_link link;
    struct table_wish wish;
    enum write_mode mode;
    enum execution execution;
    struct progress_owner owner;
    struct progress seen; // when this run started
    bool is_recovered;    // table and seen are known
    struct arena table_arena;
    struct postgres_table table;
    struct table_writer writer;
    struct delivery delivery; // noted by deliver for commit
    bool has_delivery;
    bool is_in_batch; // leader: its transaction holds the batch so far
    bool is_emptied;  // mode replace: the old rows are deleted
    bool is_written;  // something was written in this transaction
};

// ---- Opening
// -------------------------------------------------------------------------------------
// "a, b" or ['a', 'b'].
static size_t keys_parse(struct str text, struct arena *arena, struct str *keys, size_t keys_max)
{
    text = str_trim(text);
    if (str_starts(text, "[") && str_ends(text, "]"))
        text = str_slice(text, 1, text.len - 1);
    size_t len = 0;
    while (text.len > 0 && len < keys_max) {
        int64_t comma = str_find(text, ',');
        size_t end = comma >= 0 ? (size_t)comma : text.len;
        struct str key = str_trim(str_slice(text, 0, end));
        if (key.len >= 2 && (key.ptr[0] == '\'' || key.ptr[0] == '"'))
            key = str_slice(key, 1, key.len - 1);
        if (key.len > 0)
            keys[len++] = arena_str(arena, key);
        text = str_slice(text, end + (comma >= 0), text.len);
    }
    return len;
}

static bool mode_resolve(struct sink *sink, const struct postgres_sink_options *options,
                         const struct sink_context *context, struct error *err)
{
    struct str *keys = ARENA_ARRAY(&sink->arena, struct str, context->columns_len + 1);
    size_t keys_len = keys_parse(options->key, &sink->arena, keys, context->columns_len + 1);
    if (keys_len == 0 && context->emits_changes)
        for (size_t k = 0; k < context->keys_len; k++)
            keys[keys_len++] = arena_str(&sink->arena, context->keys[k]);
    sink->mode = (enum write_mode)options->mode;
    if (sink->mode == MODE_AUTO)
        sink->mode = keys_len > 0 ? MODE_UPSERT : MODE_APPEND;
    if (sink->mode == MODE_UPSERT && keys_len == 0)
        return error_set(err, ERROR_USER, "postgres: mode = 'upsert' needs key = 'column, ..'");
    if (sink->mode != MODE_UPSERT && context->emits_changes)
        return error_set(err, ERROR_USER,
                         "postgres: EMIT CHANGES replaces rows: leave mode out, or 'upsert'");
    if (sink->mode == MODE_REPLACE && context->execution != EXECUTION_BATCH)
        return error_set(err, ERROR_USER,
                         "postgres: mode = 'replace' is for batch runs; a stream takes 'append' or "
                         "'upsert'");
    sink->wish.keys = keys;
    sink->wish.keys_len = sink->mode == MODE_UPSERT ? keys_len : 0;
    for (size_t k = 0; k < sink->wish.keys_len; k++) {
        bool is_there = false;
        for (size_t c = 0; c < context->columns_len; c++)
            is_there = is_there || str_equal_nocase(keys[k], context->columns[c].name);
        if (!is_there)
            return error_set(err, ERROR_USER, "postgres: the rows have no key column %.*s",
                             STR_ARGS(keys[k]));
    }
    return true;
}

static void wish_make(struct sink *sink, const struct postgres_sink_options *options,
                      const struct sink_context *context)
{
    struct str schema = options->schema, table = options->table;
    int64_t dot = str_find(table, '.');
    if (table.len == 0)
        table = context->name;
    else if (schema.len == 0 && dot > 0) {
        schema = str_slice(table, 0, (size_t)dot);
        table = str_slice(table, (size_t)dot + 1, table.len);
    }
    sink->wish.sink = arena_str(&sink->arena, context->name);
    sink->wish.schema = arena_str(&sink->arena, schema);
    sink->wish.table = arena_str(&sink->arena, table);
    sink->wish.columns = context->columns;
    sink->wish.columns_len = context->columns_len;
    sink->wish.may_create = options->create_tables;
    sink->wish.ddl = arena_str(&sink->arena, options->ddl);
}

static void postgres_close(struct sink *sink)
{
    table_writer_clear(&sink->writer);
    postgres_link_close(&sink->link);
    arena_clear(&sink->table_arena);
    arena_clear(&sink->arena);
    heap_free(sink);
}

static struct sink *postgres_open(const void *options, const struct sink_context *context,
                                  struct error *err)
{
    const struct postgres_sink_options *given = options;
    struct sink *sink = heap_new(sizeof(*sink));
    AUTO(buf_clear) struct buf application = {0};
    buf_print(&application, "firesteel %.*s", STR_ARGS(context->pipeline));
    wish_make(sink, given, context);
    if (!mode_resolve(sink, given, context, err) ||
        !postgres_address_make(&given->address, buf_cstr(&application), &sink->arena,
                               &sink->address, err)) {
        postgres_close(sink);
        return NULL;
    }
    sink->link.address = &sink->address;
    sink->execution = context->execution;
    sink->owner = (struct progress_owner){
        .pipeline = arena_str(&sink->arena, context->pipeline),
        .group = arena_print(&sink->arena, "%s@%s", sink->address.user, sink->address.database),
        .checkpoint = arena_str(&sink->arena, context->checkpoint),
        .generation = context->generation,
    };
    return sink;
}

static void postgres_group_key(const struct sink *sink, struct buf *out)
{
    postgres_address_print(&sink->address, out);
}

// ---- Starting
// ------------------------------------------------------------------------------------
static bool table_open(struct sink *sink, struct error *err)
{
    table_writer_clear(&sink->writer);
    arena_reset(&sink->table_arena);
    if (!postgres_table_open(&sink->link, &sink->wish, &sink->table_arena, &sink->table, err))
        return false;
    table_writer_open(&sink->writer, &sink->wish, &sink->table);
    return true;
}

static bool recover(struct sink *sink, uint64_t *epoch, struct error *err)
{
    *epoch = 0;
    sink->is_recovered = false;
    if (!postgres_link_open(&sink->link, NULL, err))
        return false;
    if (sink->execution != EXECUTION_BATCH) {
        if (!progress_open(&sink->link, &sink->owner, err) ||
            !progress_read(&sink->link, &sink->owner, false, &sink->seen, err))
            return false;
        if (sink->seen.exists && !str_is(sink->owner.checkpoint, sink->seen.checkpoint))
            return progress_refuse(PROGRESS_FOREIGN, &sink->seen, &sink->owner, 0, err);
        *epoch = sink->seen.has_epoch ? sink->seen.epoch : 0;
    }
    sink->is_recovered = table_open(sink, err);
    return sink->is_recovered;
}

static bool postgres_recover(struct sink *sink, uint64_t *epoch, struct error *err)
{
    bool ok = recover(sink, epoch, err);
    postgres_link_close(&sink->link); // the first of the group opens it again to write
    return ok;
}

// With the next epoch open: what the journal counted as delivered says nothing about these tables.
static bool postgres_adopt(struct sink *sink, struct buf *before, struct error *err)
{
    struct progress old;
    bool ok = postgres_link_open(&sink->link, NULL, err) &&
              progress_open(&sink->link, &sink->owner, err) &&
              progress_read(&sink->link, &sink->owner, false, &old, err) &&
              progress_adopt(&sink->link, &sink->owner, err);
    if (ok)
        buf_add_cstr(before, old.exists ? old.checkpoint : "nobody");
    postgres_link_close(&sink->link);
    return ok;
}

// ---- Delivering
// ----------------------------------------------------------------------------------
static bool postgres_deliver(struct sink *sink, const struct delivery *delivery,
                             struct error *err UNUSED)
{
    sink->delivery = *delivery;
    sink->has_delivery = true;
    return true;
}

// A new connection knows none of our temporary tables, and the tables may have changed.
static bool session_ready(struct sink *const *sinks, size_t len, struct error *err)
{
    struct postgres_link *link = &sinks[0]->link;
    bool is_new;
    if (!postgres_link_open(link, &is_new, err))
        return false;
    for (size_t s = 0; is_new && s < len; s++) {
        struct sink *sink = sinks[s];
        if (!sink->is_recovered) // a test that delivers without asking first
            continue;
        if (!postgres_table_check(link, &sink->wish, &sink->table_arena, &sink->table, err) ||
            !table_writer_begin(&sink->writer, link, err))
            return false;
    }
    return true;
}

static bool write_sinks(struct sink *const *sinks, size_t len, struct error *err)
{
    for (size_t s = 0; s < len; s++) {
        struct sink *sink = sinks[s];
        if (!sink->has_delivery || sink->delivery.rows == 0)
            continue;
        if (!table_write(&sink->writer, &sinks[0]->link, &sink->delivery, sink->is_written, err))
            return false;
        sink->is_written = true;
        FAILPOINT("postgres.copied");
    }
    return true;
}

// Locks the row and tells what to do; a missing row is put there, so that it can be locked.
static bool judge(struct sink *leader, uint64_t epoch, uint64_t previous,
                  enum progress_verdict *verdict, struct error *err)
{
    struct postgres_link *link = &leader->link;
    struct progress now;
    bool is_ours = true;
    if (!progress_read(link, &leader->owner, true, &now, err))
        return false;
    *verdict = progress_judge(&now, &leader->seen, &leader->owner, epoch, previous);
    if (!now.exists && *verdict == PROGRESS_APPLY) {
        if (!progress_claim(link, &leader->owner, &is_ours, err))
            return false;
        if (!is_ours && (!postgres_execute(link, "ROLLBACK", err) ||
                         !progress_read(link, &leader->owner, true, &now, err)))
            return false;
        if (!is_ours)
            *verdict = progress_judge(&now, &leader->seen, &leader->owner, epoch, previous);
    }
    if (*verdict == PROGRESS_APPLY || *verdict == PROGRESS_DONE)
        return true;
    return progress_refuse(*verdict, &now, &leader->owner, previous, err);
}

static bool commit_stream(struct sink *const *sinks, size_t len, uint64_t epoch, uint64_t previous,
                          struct error *err)
{
    struct sink *leader = sinks[0];
    enum progress_verdict verdict;
    FAILPOINT("postgres.before_begin");
    if (!judge(leader, epoch, previous, &verdict, err))
        return false;
    if (verdict == PROGRESS_DONE)
        return postgres_execute(&leader->link, "ROLLBACK", err);
    FAILPOINT("postgres.locked");
    if (!write_sinks(sinks, len, err) ||
        !progress_write(&leader->link, &leader->owner, &leader->seen, epoch, err))
        return false;
    FAILPOINT("postgres.before_commit");
    AUTO(postgres_result_clear) PGresult *result = postgres_query(&leader->link, "COMMIT", err);
    if (result == NULL)
        return false;
    if (!str_is(str_of(PQcmdStatus(result)), "COMMIT"))
        return error_set(err, ERROR_FATAL, "postgres: COMMIT was answered with %s",
                         PQcmdStatus(result));
    FAILPOINT("postgres.committed");
    return true;
}

// Deletes what mode replace replaces, once for all sinks, before the first rows.
static bool batch_begin(struct sink *const *sinks, size_t len, struct error *err)
{
    struct postgres_link *link = &sinks[0]->link;
    if (!session_ready(sinks, len, err) || !postgres_execute(link, "BEGIN READ WRITE", err))
        return false;
    for (size_t s = 0; s < len; s++) {
        AUTO(buf_clear) struct buf sql = {0};
        buf_print(&sql, "DELETE FROM %.*s", STR_ARGS(sinks[s]->table.name));
        if (sinks[s]->mode == MODE_REPLACE && !postgres_execute(link, buf_cstr(&sql), err))
            return false;
        sinks[s]->is_emptied = true;
    }
    sinks[0]->is_in_batch = true;
    return true;
}

static bool commit_batch(struct sink *const *sinks, size_t len, struct error *err)
{
    bool was_begun = sinks[0]->is_in_batch;
    bool ok = (was_begun || batch_begin(sinks, len, err)) && write_sinks(sinks, len, err);
    if (!ok && was_begun && err->kind == ERROR_RETRY) {
        // The rows of earlier deliveries went with the transaction, and nobody has them any more.
        err->kind = ERROR_FATAL;
        error_wrap(err,
                   "the transaction of this batch run is lost, nothing was written; run again");
    }
    return ok;
}

static bool postgres_commit(struct sink *const *sinks, size_t len, uint64_t epoch,
                            struct error *err)
{
    uint64_t previous = UINT64_MAX;
    for (size_t s = 0; s < len; s++)
        if (sinks[s]->has_delivery)
            previous = sinks[s]->delivery.previous_epoch;
    bool is_batch = sinks[0]->execution == EXECUTION_BATCH;
    bool ok = is_batch ? commit_batch(sinks, len, err)
                       : session_ready(sinks, len, err) &&
                             commit_stream(sinks, len, epoch, previous, err);
    for (size_t s = 0; s < len; s++) {
        sinks[s]->has_delivery = false;
        if (!ok || !is_batch)
            sinks[s]->is_written = false;
        if (!ok)
            sinks[s]->is_in_batch = sinks[s]->is_emptied = false;
    }
    if (!ok)
        postgres_link_close(&sinks[0]->link);
    return ok;
}

static bool postgres_finish(struct sink *sink, struct error *err)
{
    FAILPOINT("postgres.before_finish");
    if (sink->execution != EXECUTION_BATCH)
        return true;
    if (!sink->is_in_batch && (sink->mode != MODE_REPLACE || sink->is_emptied))
        return true; // another sink of the group holds the transaction, or there were no rows
    struct sink *const alone[] = {sink};
    if (!sink->is_in_batch && !batch_begin(alone, 1, err))
        return false;
    if (!postgres_execute(&sink->link, "COMMIT", err)) {
        if (err->kind == ERROR_RETRY)
            err->kind = ERROR_FATAL;
        return error_wrap(err, "the end of this batch run is not known: look into table %.*s",
                          STR_ARGS(sink->table.name));
    }
    sink->is_in_batch = false;
    return true;
}

const struct sink_type postgres_sink_type = {
    .name = "postgres",
    .summary = "rows into tables of PostgreSQL, several tables in one transaction",
    .options = sink_options,
    .options_len = COUNT_OF(sink_options),
    .options_size = sizeof(struct postgres_sink_options),
    .promise = PROMISE_EXACTLY_ONCE,
    .takes_changes = true,
    .open = postgres_open,
    .group_key = postgres_group_key,
    .recover = postgres_recover,
    .deliver = postgres_deliver,
    .commit = postgres_commit,
    .finish = postgres_finish,
    .adopt = postgres_adopt,
    .close = postgres_close,
};
