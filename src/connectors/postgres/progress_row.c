// SPDX-License-Identifier: MIT
// The rules stand in progress_judge, a pure function, so that a test can go through all of them.
#include "connectors/postgres/progress_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char table_sql[] =
    "CREATE TABLE IF NOT EXISTS firesteel_progress (pipeline text NOT NULL, delivery_group text "
    "NOT NULL, checkpoint text NOT NULL, generation bigint NOT NULL, epoch bigint, writer text NOT "
    "NULL, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (pipeline, delivery_group))";

bool progress_open(struct postgres_link *link, struct progress_owner *owner, struct error *err)
{
    AUTO(postgres_result_clear)
    PGresult *found =
        postgres_query(link,
                       "SELECT to_regclass('firesteel_progress') IS NOT NULL, "
                       "md5(random()::text || clock_timestamp()::text || pg_backend_pid()::text)",
                       err);
    if (found == NULL)
        return false;
    snprintf(owner->writer, sizeof(owner->writer), "%s", PQgetvalue(found, 0, 1));
    if (*PQgetvalue(found, 0, 0) == 't' || postgres_execute(link, table_sql, err))
        return true;
    if (err->kind == ERROR_DATA) // 23505: another process makes it, too
        err->kind = ERROR_RETRY;
    bool is_denied = strstr(err->text, "[42501]") != NULL;
    return error_wrap(err, "cannot make table firesteel_progress%s%s",
                      is_denied ? ", let an administrator run: " : "", is_denied ? table_sql : "");
}

bool progress_read(struct postgres_link *link, const struct progress_owner *owner, bool locks,
                   struct progress *progress, struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    if (locks)
        buf_add_cstr(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ");
    buf_add_cstr(&sql, "SELECT checkpoint, generation, epoch, writer FROM firesteel_progress WHERE "
                       "pipeline = ");
    buf_add_sql_string(&sql, owner->pipeline);
    buf_add_cstr(&sql, " AND delivery_group = ");
    buf_add_sql_string(&sql, owner->group);
    buf_add_cstr(&sql, locks ? " FOR UPDATE" : "");
    AUTO(postgres_result_clear) PGresult *result = postgres_query(link, buf_cstr(&sql), err);
    if (result == NULL)
        return false;
    *progress = (struct progress){.exists = PQntuples(result) == 1};
    if (!progress->exists)
        return true;
    int64_t generation, epoch = 0;
    progress->has_epoch = !PQgetisnull(result, 0, 2);
    if (!str_parse_int64(str_of(PQgetvalue(result, 0, 1)), &generation) ||
        (progress->has_epoch && !str_parse_int64(str_of(PQgetvalue(result, 0, 2)), &epoch)))
        return error_set(err, ERROR_FATAL, "postgres: firesteel_progress holds no numbers");
    progress->generation = (uint64_t)generation;
    progress->epoch = (uint64_t)epoch;
    snprintf(progress->checkpoint, sizeof(progress->checkpoint), "%s", PQgetvalue(result, 0, 0));
    snprintf(progress->writer, sizeof(progress->writer), "%s", PQgetvalue(result, 0, 3));
    return true;
}

static uint64_t own_generation(const struct progress *seen, const struct progress_owner *owner)
{
    return seen->exists && seen->generation > owner->generation ? seen->generation
                                                                : owner->generation;
}

enum progress_verdict progress_judge(const struct progress *now, const struct progress *seen,
                                     const struct progress_owner *owner, uint64_t epoch,
                                     uint64_t previous)
{
    if (!now->exists)
        return previous == 0 || previous == UINT64_MAX ? PROGRESS_APPLY : PROGRESS_GAP;
    if (!str_is(owner->checkpoint, now->checkpoint))
        return PROGRESS_FOREIGN;
    uint64_t generation = own_generation(seen, owner);
    bool is_own = strcmp(now->writer, owner->writer) == 0;
    bool is_as_seen = seen->exists && strcmp(now->writer, seen->writer) == 0;
    if (now->generation > generation || (now->generation == generation && !is_own && !is_as_seen))
        return PROGRESS_FENCED;
    if (!now->has_epoch)
        return PROGRESS_APPLY;
    if (now->epoch >= epoch)
        return PROGRESS_DONE;
    if (now->epoch == previous || previous == UINT64_MAX)
        return PROGRESS_APPLY;
    // `state adopt` passed by epochs that the database holds and the journal does not.
    bool is_adopted = now->epoch > previous && seen->has_epoch && now->epoch == seen->epoch;
    return is_adopted ? PROGRESS_APPLY : PROGRESS_GAP;
}

bool progress_refuse(enum progress_verdict verdict, const struct progress *now,
                     const struct progress_owner *owner, uint64_t previous, struct error *err)
{
    if (verdict == PROGRESS_FOREIGN)
        return error_set_exit(
            err, ERROR_FATAL, EXIT_REFUSED,
            "postgres: %.*s was written by pipeline %.*s with checkpoint %s, this run has "
            "checkpoint "
            "%.*s: going on would write rows twice. Restore that checkpoint, or accept with: "
            "firesteel state adopt",
            STR_ARGS(owner->group), STR_ARGS(owner->pipeline), now->checkpoint,
            STR_ARGS(owner->checkpoint));
    if (verdict == PROGRESS_FENCED)
        return error_set(err, ERROR_FATAL,
                         "postgres: another run of pipeline %.*s (generation %" PRIu64
                         ", epoch %" PRIu64 ") has taken over %.*s; this one (generation %" PRIu64
                         ") writes nothing more. Stop one of them",
                         STR_ARGS(owner->pipeline), now->generation, now->epoch,
                         STR_ARGS(owner->group), owner->generation);
    ASSERT(verdict == PROGRESS_GAP);
    AUTO(buf_clear) struct buf cure = {0};
    buf_add_cstr(&cure,
                 now->exists ? "UPDATE firesteel_progress SET epoch = NULL WHERE pipeline = " : "");
    if (now->exists) {
        buf_add_sql_string(&cure, owner->pipeline);
        buf_add_cstr(&cure, " AND delivery_group = ");
        buf_add_sql_string(&cure, owner->group);
    } else {
        buf_add_cstr(&cure, "INSERT INTO firesteel_progress (pipeline, delivery_group, checkpoint, "
                            "generation, writer) VALUES (");
        buf_add_sql_string(&cure, owner->pipeline);
        buf_add_cstr(&cure, ", ");
        buf_add_sql_string(&cure, owner->group);
        buf_print(&cure, ", '%.*s', %" PRIu64 ", '')", STR_ARGS(owner->checkpoint),
                  owner->generation);
    }
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "postgres: %.*s ends at epoch %" PRIu64 ", but epoch %" PRIu64
                          " was delivered: the database is older than the checkpoint, and the rows "
                          "between are missing. Restore the newer database, or accept the loss "
                          "with: %.*s",
                          STR_ARGS(owner->group), now->epoch, previous, STR_ARGS(buf_str(&cure)));
}

static void write_sql(const struct progress_owner *owner, uint64_t generation, const char *epoch,
                      bool replaces, struct buf *sql)
{
    const struct str values[] = {owner->pipeline, owner->group, owner->checkpoint,
                                 str_of(owner->writer)};
    buf_add_cstr(sql, "INSERT INTO firesteel_progress (pipeline, delivery_group, checkpoint, "
                      "writer, generation, epoch) VALUES (");
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        buf_add_sql_string(sql, values[i]);
        buf_add_cstr(sql, ", ");
    }
    buf_print(sql, "%" PRIu64 ", %s) ON CONFLICT (pipeline, delivery_group) DO ", generation,
              epoch);
    buf_add_cstr(sql, replaces ? "UPDATE SET checkpoint = excluded.checkpoint, "
                                 "writer = excluded.writer, generation = excluded.generation, "
                                 "epoch = excluded.epoch, updated_at = now()"
                               : "NOTHING");
}

bool progress_claim(struct postgres_link *link, const struct progress_owner *owner, bool *is_ours,
                    struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0};
    write_sql(owner, owner->generation, "NULL", false, &sql);
    AUTO(postgres_result_clear) PGresult *result = postgres_query(link, buf_cstr(&sql), err);
    *is_ours = result != NULL && str_is(str_of(PQcmdTuples(result)), "1");
    return result != NULL;
}

bool progress_write(struct postgres_link *link, const struct progress_owner *owner,
                    const struct progress *seen, uint64_t epoch, struct error *err)
{
    char number[24];
    AUTO(buf_clear) struct buf sql = {0};
    snprintf(number, sizeof(number), "%" PRIu64, epoch);
    write_sql(owner, own_generation(seen, owner), number, true, &sql);
    return postgres_execute(link, buf_cstr(&sql), err);
}

bool progress_adopt(struct postgres_link *link, const struct progress_owner *owner,
                    struct error *err)
{
    struct progress_owner nobody = *owner;
    nobody.writer[0] = 0;
    AUTO(buf_clear) struct buf sql = {0};
    // The run that follows has a greater generation.
    write_sql(&nobody, owner->generation, "NULL", true, &sql);
    return postgres_execute(link, buf_cstr(&sql), err);
}
