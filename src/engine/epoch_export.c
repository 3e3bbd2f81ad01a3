// SPDX-License-Identifier: MIT
// A checkpoint as Parquet (what and for whom: epoch_export.h). Records are applied in order as
// recovery does, but into plain lists: facts as JSON lines, of which DuckDB then takes the newest
// by key; groups into one fold a relation and lane; rows as the segments they are.
#include "engine/epoch_export.h"
#include "base/file.h"
#include "duck/scan.h"
#include "engine/epoch.h"
#include "engine/fold.h"
#include "engine/journal.h"
#include <stdio.h>

#define LANES_MAX 4096

struct kept_rows {
    int64_t start_us;
    struct segment *segment;
};

struct relation_export {
    int64_t pane_us;
    struct fold **folds;
    size_t folds_len;
    struct kept_rows *kept;
    size_t kept_len, kept_capacity;
    struct column *kept_columns;
    struct segment_list waiting[2];
};

struct exporter {
    const struct plan *plan;
    const char *to;
    struct buf *report;
    struct arena arena;
    struct buf facts, ledger; // JSON lines
    int64_t number;           // of the next fact: the newest wins
    struct relation_export *relations;
    struct database *database;
    struct connection *connection;
    int scans; // names are per database
};

// ---- Facts
// ---------------------------------------------------------------------------------------
static void add_fact(struct exporter *exporter, struct buf *out, const char *kind, struct str name,
                     struct str part)
{
    buf_print(out, "{\"n\":%lld,\"kind\":\"%s\",\"name\":", (long long)exporter->number++, kind);
    buf_add_json_string(out, name);
    buf_add_cstr(out, ",\"part\":");
    buf_add_json_string(out, part);
}

static void end_fact(struct buf *out, int64_t first, int64_t second, bool flag)
{
    buf_print(out, ",\"x\":%lld,\"y\":%lld,\"flag\":%s}\n", (long long)first, (long long)second,
              flag ? "true" : "false");
}

static void take_positions(struct exporter *exporter, struct reader *reader)
{
    struct str source = reader_bytes(reader);
    uint32_t len = reader_u32(reader);
    for (uint32_t i = 0; i < len && !reader->bad; i++) {
        struct str name = reader_bytes(reader), mark = reader_bytes(reader);
        int64_t offset = reader_i64(reader), line = reader_i64(reader);
        bool is_done = reader_u8(reader) != 0;
        add_fact(exporter, &exporter->facts, "position", source, name);
        buf_add_cstr(&exporter->facts, ",\"mark\":");
        buf_add_json_string(&exporter->facts, mark);
        end_fact(&exporter->facts, offset, line, is_done);
    }
}

// As watermark.c writes it: watermark, future rows, partitions with their newest event time.
static void take_watermark(struct exporter *exporter, struct reader *section)
{
    struct str source = reader_bytes(section);
    struct reader reader = reader_of(reader_bytes(section));
    int64_t watermark_us = reader_i64(&reader), future_rows = reader_i64(&reader);
    add_fact(exporter, &exporter->facts, "watermark", source, (struct str){"", 0});
    end_fact(&exporter->facts, watermark_us, future_rows, false);
    uint32_t len = reader_u32(&reader);
    for (uint32_t i = 0; i < len && !reader.bad; i++) {
        struct str name = reader_bytes(&reader);
        int64_t newest_us = reader_i64(&reader);
        bool is_done = reader_u8(&reader) != 0;
        add_fact(exporter, &exporter->facts, "newest", source, name);
        end_fact(&exporter->facts, newest_us, 0, is_done);
    }
}

static void take_replay(struct exporter *exporter, struct reader *reader)
{
    struct str source = reader_bytes(reader);
    int64_t epoch = reader_i64(reader), row = reader_i64(reader);
    add_fact(exporter, &exporter->facts, "replay", source, (struct str){"", 0});
    end_fact(&exporter->facts, epoch, row, false);
}

// As ledger.c writes it; each record has all of it.
static void take_ledger(struct exporter *exporter, struct reader *section)
{
    static const char *const terms[LEDGER_TERMS] = {
        [LEDGER_ROWS_IN] = "rows_in",   [LEDGER_PASSED] = "passed",
        [LEDGER_FILTERED] = "filtered", [LEDGER_DUPLICATE] = "duplicate",
        [LEDGER_LATE] = "late",         [LEDGER_UNDECODABLE] = "undecodable",
        [LEDGER_IN_STATE] = "in_state", [LEDGER_MADE] = "made",
        [LEDGER_ROWS_OUT] = "rows_out", [LEDGER_WARNED] = "warned",
    };
    struct reader reader = reader_of(reader_bytes(section));
    uint32_t entries = reader_u32(&reader);
    buf_reset(&exporter->ledger);
    for (uint32_t i = 0; i < entries && !reader.bad; i++) {
        struct str name = reader_bytes(&reader);
        reader_i64(&reader); // rows given before the entry existed
        uint32_t terms_len = reader_u32(&reader);
        for (uint32_t t = 0; t < terms_len && !reader.bad; t++) {
            int64_t rows = reader_i64(&reader);
            add_fact(exporter, &exporter->ledger, "ledger", name,
                     str_of(t < LEDGER_TERMS ? terms[t] : "?"));
            end_fact(&exporter->ledger, rows, i, false);
        }
        uint32_t constraints = reader_u32(&reader);
        for (uint32_t c = 0; c < constraints && !reader.bad; c++) {
            struct str constraint = reader_bytes(&reader);
            int64_t rows = reader_i64(&reader);
            struct str term = arena_print(&exporter->arena, "rejected.%.*s", STR_ARGS(constraint));
            add_fact(exporter, &exporter->ledger, "ledger", name, term);
            end_fact(&exporter->ledger, rows, i, false);
        }
    }
}

// ---- State of relations
// ---------------------------------------------------------------------------
static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void open_relations(struct exporter *exporter)
{
    const struct plan *plan = exporter->plan;
    size_t relations_len = plan != NULL ? plan->relations_len : 0;
    exporter->relations = ARENA_ARRAY(&exporter->arena, struct relation_export, relations_len);
    for (size_t r = 0; r < relations_len; r++) {
        const struct relation *relation = &plan->relations[r];
        struct relation_export *own = &exporter->relations[r];
        if (relation->kind != RELATION_GROUPS)
            continue;
        own->pane_us = greatest_divisor(relation->window_size_us, relation->window_slide_us);
        size_t len = relation->group_inputs_len;
        own->kept_columns = ARENA_ARRAY(&exporter->arena, struct column, len + 1);
        memcpy(own->kept_columns, relation->group_inputs, len * sizeof(struct column));
        own->kept_columns[len] = (struct column){STR("_sequence"), type_simple(TYPE_BIGINT)};
    }
}

static void forget_relation(struct relation_export *own)
{
    for (size_t l = 0; l < own->folds_len; l++)
        fold_free(own->folds[l]);
    for (size_t k = 0; k < own->kept_len; k++)
        segment_free(own->kept[k].segment);
    own->folds_len = own->kept_len = 0;
    for (int side = 0; side < 2; side++)
        segment_list_clear(&own->waiting[side]);
}

// A base says everything: what came before it is history.
static void forget(struct exporter *exporter)
{
    buf_reset(&exporter->facts);
    for (size_t r = 0; exporter->plan != NULL && r < exporter->plan->relations_len; r++)
        forget_relation(&exporter->relations[r]);
}

static bool take_groups(struct relation_export *own, const struct relation *relation,
                        struct reader *reader, struct error *err)
{
    uint32_t lane = reader_u32(reader);
    struct str bytes = reader_bytes(reader);
    if (lane > LANES_MAX || reader->bad)
        return error_set(err, ERROR_FATAL, "groups of %.*s are damaged", STR_ARGS(relation->name));
    while (own->folds_len <= lane) {
        own->folds = heap_resize(own->folds, (own->folds_len + 1) * sizeof(*own->folds));
        own->folds[own->folds_len++] = fold_new(relation, own->pane_us);
    }
    return fold_load(own->folds[lane], bytes, err);
}

static void take_dropped(struct relation_export *own, struct str bytes)
{
    struct reader reader = reader_of(bytes);
    while (!reader_is_done(&reader) && !reader.bad) {
        int64_t start_us = reader_i64(&reader);
        for (size_t l = 0; l < own->folds_len; l++)
            fold_drop_pane(own->folds[l], start_us);
        size_t left = 0;
        for (size_t k = 0; k < own->kept_len; k++) {
            if (own->kept[k].start_us == start_us)
                segment_free(own->kept[k].segment);
            else
                own->kept[left++] = own->kept[k];
        }
        own->kept_len = left;
    }
}

static bool take_kept(struct relation_export *own, const struct relation *relation,
                      struct reader *reader, struct error *err)
{
    struct kept_rows kept = {.start_us = reader_i64(reader)};
    kept.segment = segment_open(reader_bytes(reader), true, own->kept_columns,
                                relation->group_inputs_len + 1, err);
    if (kept.segment == NULL)
        return false;
    if (own->kept_len == own->kept_capacity) {
        own->kept_capacity = own->kept_capacity > 0 ? own->kept_capacity * 2 : 16;
        own->kept = heap_resize(own->kept, own->kept_capacity * sizeof(*own->kept));
    }
    own->kept[own->kept_len++] = kept;
    return true;
}

static bool take_waiting(struct exporter *exporter, size_t index, struct reader *reader,
                         struct error *err)
{
    struct relation_export *own = &exporter->relations[index];
    uint32_t side = reader_u32(reader), len = reader_u32(reader);
    int input = side < 2 ? exporter->plan->relations[index].inputs[side] : -1;
    if (input < 0)
        return true;
    const struct relation *from = &exporter->plan->relations[input];
    segment_list_clear(&own->waiting[side]);
    for (uint32_t i = 0; i < len && !reader->bad; i++) {
        struct segment *segment =
            segment_open(reader_bytes(reader), true, from->columns, from->columns_len, err);
        if (segment == NULL)
            return false;
        segment_list_add(&own->waiting[side], segment);
    }
    return true;
}

static bool take_relation(struct exporter *exporter, enum section section, struct reader *reader,
                          struct error *err)
{
    struct str name = reader_bytes(reader);
    int index = exporter->plan != NULL ? plan_find_relation(exporter->plan, name) : -1;
    if (index < 0)
        return true;
    const struct relation *relation = &exporter->plan->relations[index];
    struct relation_export *own = &exporter->relations[index];
    if (section == SECTION_WAITING)
        return take_waiting(exporter, (size_t)index, reader, err);
    if (relation->kind != RELATION_GROUPS)
        return true;
    if (section == SECTION_CLOSED) {
        reader_i64(reader); // closed up to
        take_dropped(own, reader_bytes(reader));
    }
    if (section == SECTION_KEPT && relation->keeps_rows)
        return take_kept(own, relation, reader, err);
    if (section == SECTION_GROUPS && !relation->keeps_rows)
        return take_groups(own, relation, reader, err);
    return true;
}

static bool take_section(struct exporter *exporter, enum section section, struct str bytes,
                         struct error *err)
{
    struct reader reader = reader_of(bytes);
    switch (section) {
    case SECTION_POSITIONS:
        take_positions(exporter, &reader);
        break;
    case SECTION_WATERMARK:
        take_watermark(exporter, &reader);
        break;
    case SECTION_REPLAY:
        take_replay(exporter, &reader);
        break;
    case SECTION_LEDGER:
        take_ledger(exporter, &reader);
        break;
    case SECTION_CLOSED:
    case SECTION_GROUPS:
    case SECTION_KEPT:
    case SECTION_WAITING:
        return take_relation(exporter, section, &reader, err);
    case SECTION_HEAD:
    case SECTION_KEYS:
    case SECTION_OUTBOX:
    case SECTION_QUARANTINE:
    case SECTION_END:
        break;
    }
    return true;
}

static bool take_record(void *context, bool is_base, uint64_t epoch, struct str payload,
                        struct error *err)
{
    struct exporter *exporter = context;
    struct reader reader = reader_of(payload);
    if (is_base)
        forget(exporter);
    while (!reader_is_done(&reader)) {
        enum section section = reader_u8(&reader);
        struct str bytes = reader_bytes(&reader);
        if (reader.bad)
            return error_set(err, ERROR_FATAL, "epoch %llu: record cut short",
                             (unsigned long long)epoch);
        if (!take_section(exporter, section, bytes, err))
            return error_wrap(err, "epoch %llu", (unsigned long long)epoch);
    }
    return true;
}

// ---- Files
// ---------------------------------------------------------------------------------------
static bool copy_to(struct exporter *exporter, const char *query, const char *name,
                    struct error *err)
{
    AUTO(buf_clear) struct buf sql = {0}, rows = {0};
    const char *path = arena_print(&exporter->arena, "%s/%s.parquet", exporter->to, name).ptr;
    bool is_null;
    buf_print(&sql, "COPY (%s) TO ", query);
    buf_add_sql_string(&sql, str_of(path));
    buf_add_cstr(&sql, " (FORMAT parquet)");
    if (!connection_query_text(exporter->connection, buf_cstr(&sql), &rows, &is_null, err))
        return error_wrap(err, "%s", path);
    buf_print(exporter->report, "%10s rows  %s\n", buf_cstr(&rows), path);
    return true;
}

#define TIME_OF(column)                                                                            \
    "CASE WHEN " column " BETWEEN -62135596800000000 AND 253402300799999999 THEN "                 \
    "make_timestamp(" column ") END"

static bool export_facts(struct exporter *exporter, struct error *err)
{
    const char *lines = arena_print(&exporter->arena, "%s/.facts.jsonl", exporter->to).ptr;
    AUTO(buf_clear) struct buf sql = {0};
    buf_add_str(&exporter->facts, buf_str(&exporter->ledger));
    buf_add_cstr(&sql, "CREATE TABLE facts AS SELECT * FROM read_json(");
    buf_add_sql_string(&sql, str_of(lines));
    buf_add_cstr(&sql, ", format = 'newline_delimited', maximum_object_size = 67108864, columns = "
                       "{n: 'BIGINT', kind: 'VARCHAR', name: 'VARCHAR', part: 'VARCHAR', mark: "
                       "'VARCHAR', x: 'BIGINT', y: 'BIGINT', flag: 'BOOLEAN'})");
    bool ok = file_write_whole(lines, buf_str(&exporter->facts), err) &&
              connection_execute(exporter->connection, buf_cstr(&sql), err);
    struct error ignored = {0};
    if (!file_remove(lines, ok ? err : &ignored))
        ok = false;
    return ok &&
           copy_to(
               exporter,
               "SELECT p.name AS source, p.part AS \"partition\", p.mark, p.x AS \"offset\", "
               "p.y AS line, p.flag AS is_done, " TIME_OF(
                   "e.x") " AS newest_event_time "
                          "FROM (SELECT name, part, arg_max(mark, n) AS mark, arg_max(x, n) AS x, "
                          "arg_max(y, n) AS y, arg_max(flag, n) AS flag FROM facts WHERE kind = "
                          "'position' GROUP BY ALL) p LEFT JOIN (SELECT name, part, arg_max(x, n) "
                          "AS x "
                          "FROM facts WHERE kind = 'newest' GROUP BY ALL) e USING (name, part) "
                          "ORDER BY ALL",
               "positions", err) &&
           copy_to(
               exporter,
               "SELECT name AS source, " TIME_OF("x") " AS watermark, y AS future_rows FROM "
                                                      "(SELECT name, arg_max(x, n) AS x, "
                                                      "arg_max(y, n) AS y FROM facts WHERE kind = "
                                                      "'watermark' GROUP BY ALL) ORDER BY ALL",
               "watermarks", err) &&
           copy_to(exporter,
                   "SELECT y AS entry, name, part AS term, x AS rows FROM facts WHERE kind = "
                   "'ledger' ORDER BY n",
                   "ledger", err) &&
           copy_to(exporter,
                   "SELECT name AS source, arg_max(x, n) AS epoch, arg_max(y, n) AS row FROM facts "
                   "WHERE kind = 'replay' GROUP BY ALL ORDER BY ALL",
                   "replays", err);
}

static bool export_segments(struct exporter *exporter, const char *name,
                            const struct segment *const *segments, size_t len,
                            const struct column *columns, size_t columns_len, struct error *err)
{
    char function[32], query[64];
    snprintf(function, sizeof(function), "_export%d", exporter->scans++);
    snprintf(query, sizeof(query), "SELECT * FROM %s()", function);
    struct scan *scan = scan_new(exporter->connection, function, columns, columns_len, false, err);
    if (scan == NULL)
        return false;
    scan_set_segments(scan, segments, len);
    bool ok = copy_to(exporter, query, name, err);
    scan_set_segments(scan, NULL, 0);
    scan_free(scan);
    return ok;
}

// A pane's groups as a segment, appended to the list.
static void read_pane(const struct pane *pane, const struct relation *relation, int64_t pane_us,
                      struct chunk *chunk, struct segment_list *segments)
{
    size_t cursor = 0;
    int64_t start_us = pane_start_us(pane);
    while (pane_result(pane, relation, start_us, start_us + pane_us, &cursor, chunk)) {
        struct rows_part part = {.chunk = chunk, .count = chunk->rows, .first_sequence = -1};
        struct rows rows = {.parts = &part, .parts_len = 1, .parts_capacity = 1};
        segment_list_add(segments,
                         segment_new(&rows, relation->group_columns, relation->group_columns_len));
    }
}

// Panes of one start in several lanes are parts of the same groups.
static void read_groups(const struct relation_export *own, const struct relation *relation,
                        struct arena *arena, struct segment_list *segments)
{
    size_t len = 0;
    for (size_t l = 0; l < own->folds_len; l++)
        len += fold_panes_len(own->folds[l]);
    struct pane **panes = ARENA_ARRAY(arena, struct pane *, len);
    struct pane **same = ARENA_ARRAY(arena, struct pane *, len);
    const struct type **types =
        ARENA_ARRAY(arena, const struct type *, relation->group_columns_len);
    for (size_t c = 0; c < relation->group_columns_len; c++)
        types[c] = relation->group_columns[c].type;
    len = 0;
    for (size_t l = 0; l < own->folds_len; l++)
        for (size_t p = 0; p < fold_panes_len(own->folds[l]); p++)
            panes[len++] = fold_pane(own->folds[l], p);
    struct chunk *chunk = chunk_new(types, relation->group_columns_len);
    for (size_t i = 0; i < len; i++) {
        size_t same_len = 0;
        for (size_t j = i; panes[i] != NULL && j < len; j++) {
            if (panes[j] == NULL || pane_start_us(panes[j]) != pane_start_us(panes[i]))
                continue;
            same[same_len++] = panes[j];
            panes[j] = j > i ? NULL : panes[j];
        }
        if (same_len == 0)
            continue;
        struct pane *merged = pane_merge(relation, same, same_len);
        read_pane(merged, relation, own->pane_us, chunk, segments);
        pane_free(merged);
    }
    chunk_free(chunk);
}

static bool export_groups(struct exporter *exporter, size_t index, const char *name,
                          struct error *err)
{
    const struct relation *relation = &exporter->plan->relations[index];
    struct segment_list segments = {0};
    read_groups(&exporter->relations[index], relation, &exporter->arena, &segments);
    bool ok =
        export_segments(exporter, name, (const struct segment *const *)segments.list, segments.len,
                        relation->group_columns, relation->group_columns_len, err);
    segment_list_clear(&segments);
    heap_free(segments.list);
    return ok;
}

static bool export_kept(struct exporter *exporter, size_t index, const char *name,
                        struct error *err)
{
    const struct relation_export *own = &exporter->relations[index];
    const struct segment **segments =
        ARENA_ARRAY(&exporter->arena, const struct segment *, own->kept_len);
    for (size_t k = 0; k < own->kept_len; k++)
        segments[k] = own->kept[k].segment;
    return export_segments(exporter, name, segments, own->kept_len, own->kept_columns,
                           exporter->plan->relations[index].group_inputs_len + 1, err);
}

// Names of views become names of files.
static const char *file_name(struct exporter *exporter, const char *kind, struct str view, int side)
{
    char *plain = arena_bytes(&exporter->arena, view.len + 1);
    for (size_t i = 0; i < view.len; i++)
        plain[i] = view.ptr[i] == '/' || view.ptr[i] == 0 ? '_' : view.ptr[i];
    plain[view.len] = 0;
    return side < 0 ? arena_print(&exporter->arena, "%s.%s", kind, plain).ptr
                    : arena_print(&exporter->arena, "%s.%s.%d", kind, plain, side).ptr;
}

static bool export_relation(struct exporter *exporter, size_t index, struct error *err)
{
    const struct relation *relation = &exporter->plan->relations[index];
    struct relation_export *own = &exporter->relations[index];
    if (relation->kind == RELATION_GROUPS && relation->keeps_rows)
        return export_kept(exporter, index, file_name(exporter, "rows", relation->name, -1), err);
    if (relation->kind == RELATION_GROUPS)
        return export_groups(exporter, index, file_name(exporter, "groups", relation->name, -1),
                             err);
    for (int side = 0; side < 2; side++) {
        if (own->waiting[side].len == 0)
            continue;
        const struct relation *input = &exporter->plan->relations[relation->inputs[side]];
        if (!export_segments(exporter, file_name(exporter, "waiting", relation->name, side),
                             (const struct segment *const *)own->waiting[side].list,
                             own->waiting[side].len, input->columns, input->columns_len, err))
            return false;
    }
    return true;
}

static bool export_all(struct exporter *exporter, struct error *err)
{
    exporter->database = database_open((struct database_options){.threads = 1}, err);
    if (exporter->database == NULL)
        return false;
    exporter->connection = connection_open(exporter->database, err);
    if (exporter->connection == NULL || !export_facts(exporter, err))
        return false;
    for (size_t r = 0; exporter->plan != NULL && r < exporter->plan->relations_len; r++)
        if (!export_relation(exporter, r, err))
            return false;
    return true;
}

static void clear(struct exporter *exporter)
{
    for (size_t r = 0; exporter->plan != NULL && r < exporter->plan->relations_len; r++) {
        struct relation_export *own = &exporter->relations[r];
        forget_relation(own);
        heap_free(own->folds);
        heap_free(own->kept);
        heap_free(own->waiting[0].list);
        heap_free(own->waiting[1].list);
    }
    if (exporter->connection != NULL)
        connection_close(exporter->connection);
    if (exporter->database != NULL)
        database_close(exporter->database);
    buf_clear(&exporter->facts);
    buf_clear(&exporter->ledger);
    arena_clear(&exporter->arena);
}

bool state_export(const char *folder, const struct plan *plan, const char *to, struct buf *report,
                  struct error *err)
{
    struct exporter exporter = {.plan = plan, .to = to, .report = report};
    struct journal_identity identity;
    int64_t torn = 0;
    open_relations(&exporter);
    bool ok = journal_read(folder, take_record, &exporter, &identity, &torn, err) &&
              folder_create(to, err) && export_all(&exporter, err);
    clear(&exporter);
    return ok;
}
