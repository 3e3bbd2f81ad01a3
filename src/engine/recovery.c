// SPDX-License-Identifier: MIT
// From journal to running state: the newest base, then frames in order, each section applied to the
// object it names. Objects the pipeline no longer has are dropped; objects whose keys, aggregates,
// window or types changed are refused, unless the user said --drop-state NAME. Nothing is
// recomputed: rows to deliver come back as they were decided.
#include "base/log.h"
#include "engine/epoch.h"
#include "engine/replay.h"
#include "pipeline/fit.h"

struct record {
    bool is_base;
    uint64_t epoch;
    struct str payload;
};

struct records {
    struct arena arena;
    struct record *list;
    size_t len, capacity;
};

// The journal hands records over while it is being opened, before sinks and state exist: keep them.
static bool collect(void *context, bool is_base, uint64_t epoch, struct str payload,
                    struct error *err)
{
    struct records *records = context;
    (void)err;
    if (is_base) { // what came before it is history
        records->len = 0;
        arena_reset(&records->arena);
    }
    if (records->len == records->capacity) {
        records->capacity = records->capacity > 0 ? records->capacity * 2 : 16;
        records->list = heap_resize(records->list, records->capacity * sizeof(*records->list));
    }
    records->list[records->len++] =
        (struct record){is_base, epoch, arena_str(&records->arena, payload)};
    return true;
}

// ---- Changed SQL
// ---------------------------------------------------------------------------------
static bool is_listed(const char *list, struct str name)
{
    struct str rest = str_of(list);
    while (rest.len > 0) {
        int64_t comma = str_find(rest, ',');
        struct str item = comma < 0 ? rest : str_slice(rest, 0, (size_t)comma);
        if (str_equal_nocase(str_trim(item), name))
            return true;
        rest = comma < 0 ? (struct str){0} : str_slice(rest, (size_t)comma + 1, rest.len);
    }
    return false;
}

static bool may_restore(const struct job *job, struct str name)
{
    return !is_listed(job->options.drop_state, name);
}

struct refusals {
    struct job *job;
    struct buf text, names;
};

static void add_refusal(void *context, enum fit fit, struct str name, struct str title,
                        struct str what)
{
    struct refusals *refusals = context;
    if (fit != FIT_SAME)
        refusals->job->is_changed = true;
    if (fit != FIT_CHANGED || !may_restore(refusals->job, name))
        return;
    buf_print(&refusals->text, "\n  %.*s: %.*s", STR_ARGS(title), STR_ARGS(what));
    buf_print(&refusals->names, "%s%.*s", refusals->names.len > 0 ? "," : "", STR_ARGS(name));
}

static bool check_fingerprint(struct job *job, struct str stored, struct error *err)
{
    struct refusals refusals = {.job = job};
    fit_compare(stored, job->plan->fingerprint, add_refusal, &refusals);
    if (refusals.text.len > 0)
        error_set_exit(err, ERROR_USER, EXIT_PIPELINE,
                       "the pipeline changed what these objects keep in state, so the checkpoint "
                       "cannot be used for them:%s\nundo the change, or give their state up: "
                       "--drop-state '%s'",
                       buf_cstr(&refusals.text), buf_cstr(&refusals.names));
    buf_clear(&refusals.text);
    buf_clear(&refusals.names);
    return err->kind == ERROR_NONE;
}

// ---- Sections
// ------------------------------------------------------------------------------------
static struct job_source *source_named(struct job *job, struct str name)
{
    for (size_t s = 0; s < job->plan->sources_len; s++)
        if (str_equal(job->plan->sources[s].name, name))
            return &job->sources[s];
    return NULL;
}

// A source whose state was given up is read from its begin.
static bool may_restore_source(const struct job *job, struct str name)
{
    AUTO(buf_clear) struct buf full = {0};
    buf_print(&full, "source.%.*s", STR_ARGS(name));
    return may_restore(job, buf_str(&full));
}

static void load_positions(struct job *job, struct reader *reader)
{
    struct str name = reader_bytes(reader);
    struct job_source *source = may_restore_source(job, name) ? source_named(job, name) : NULL;
    uint32_t len = reader_u32(reader);
    for (uint32_t i = 0; i < len && !reader->bad; i++) {
        struct partition partition = {.name = reader_bytes(reader), .mark = reader_bytes(reader)};
        partition.offset = reader_i64(reader);
        partition.line = reader_i64(reader);
        partition.is_done = reader_u8(reader) != 0;
        if (source != NULL && !reader->bad)
            source_restore_partition(source, &partition);
    }
}

static bool load_groups(struct job *job, struct job_relation *state, size_t relation, uint32_t lane,
                        struct str bytes, struct error *err)
{
    if (lane > 4096)
        return error_set(err, ERROR_FATAL, "lane %u in the checkpoint", lane);
    while (state->folds_len <= lane) { // the checkpoint had more lanes: their groups close here too
        state->folds = heap_resize(state->folds, (state->folds_len + 1) * sizeof(*state->folds));
        state->folds[state->folds_len++] =
            fold_new(&job->plan->relations[relation], state->pane_us);
    }
    return fold_load(state->folds[lane], bytes, err);
}

static void drop_panes(struct job_relation *state, struct str bytes)
{
    struct reader reader = reader_of(bytes);
    while (!reader_is_done(&reader) && !reader.bad) {
        int64_t start_us = reader_i64(&reader);
        for (size_t l = 0; l < state->folds_len; l++)
            fold_drop_pane(state->folds[l], start_us);
        kept_drop(state, start_us);
    }
}

static bool load_kept(struct job *job, size_t relation, struct reader *reader, struct error *err)
{
    struct job_relation *state = &job->relations[relation];
    int64_t start_us = reader_i64(reader);
    struct segment *segment =
        segment_open(reader_bytes(reader), true, state->kept_columns, state->kept_columns_len, err);
    if (segment == NULL)
        return false;
    kept_add(state, start_us, segment);
    for (size_t k = 0; k < state->kept_len; k++)
        state->kept[k].durable = state->kept[k].segments.len;
    return true;
}

static bool load_waiting(struct job *job, size_t relation, struct reader *reader, struct error *err)
{
    struct job_relation *state = &job->relations[relation];
    uint32_t side = reader_u32(reader), len = reader_u32(reader);
    int input_index = side < 2 ? job->plan->relations[relation].inputs[side] : -1;
    if (side > 1)
        return error_set(err, ERROR_FATAL, "side %u of a join in the checkpoint", side);
    segment_list_clear(&state->waiting[side]);
    if (input_index < 0)
        return true;
    const struct relation *input = &job->plan->relations[input_index];
    for (uint32_t i = 0; i < len && !reader->bad; i++) {
        struct segment *segment =
            segment_open(reader_bytes(reader), true, input->columns, input->columns_len, err);
        if (segment == NULL)
            return false;
        segment_list_add(&state->waiting[side], segment);
    }
    return true;
}

static bool load_relation(struct job *job, enum section section, struct reader *reader,
                          struct error *err)
{
    struct str name = reader_bytes(reader);
    int index = plan_find_relation(job->plan, name);
    if (index < 0 || !may_restore(job, name))
        return true;
    struct job_relation *state = &job->relations[index];
    bool is_groups = job->plan->relations[index].kind == RELATION_GROUPS;
    if (section == SECTION_KEYS) {
        if (state->key_files != NULL)
            key_files_decode(state->key_files, reader);
        return true;
    }
    if (section == SECTION_WAITING)
        return load_waiting(job, (size_t)index, reader, err);
    if (!is_groups)
        return true;
    if (section == SECTION_CLOSED) {
        state->closed_until_us = reader_i64(reader);
        drop_panes(state, reader_bytes(reader));
    }
    if (section == SECTION_KEPT && job->plan->relations[index].keeps_rows)
        return load_kept(job, (size_t)index, reader, err);
    if (section != SECTION_GROUPS || job->plan->relations[index].keeps_rows)
        return true;
    uint32_t lane = reader_u32(reader);
    return load_groups(job, state, (size_t)index, lane, reader_bytes(reader), err);
}

static bool load_watermark(struct job *job, struct reader *reader, struct error *err)
{
    struct str name = reader_bytes(reader), bytes = reader_bytes(reader);
    struct job_source *source = may_restore_source(job, name) ? source_named(job, name) : NULL;
    if (source == NULL || source->watermark == NULL)
        return true;
    return watermark_decode(source->watermark, bytes, clock_now_us(job->clock), err);
}

static bool load_head(struct job *job, bool is_base, struct reader *reader, struct error *err)
{
    job->sequence = reader_i64(reader);
    job->rows_total = reader_i64(reader);
    struct str fingerprint = reader_bytes(reader);
    return !is_base || check_fingerprint(job, fingerprint, err);
}

// The epoch's bad rows may not have reached their file before the crash: the name is fixed, so
// writing them again is harmless.
static bool load_quarantine(struct job *job, uint64_t epoch, struct str bytes, struct error *err)
{
    struct segment *segment = quarantine_open_segment(bytes, err);
    bool ok = segment != NULL && job_write_quarantine(job, epoch, segment, err);
    segment_free(segment);
    return ok;
}

static bool load_section(struct job *job, const struct record *record, enum section section,
                         struct str bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    switch (section) {
    case SECTION_HEAD:
        return load_head(job, record->is_base, &reader, err);
    case SECTION_POSITIONS:
        load_positions(job, &reader);
        return true;
    case SECTION_WATERMARK:
        return load_watermark(job, &reader, err);
    case SECTION_KEYS:
    case SECTION_CLOSED:
    case SECTION_GROUPS:
    case SECTION_KEPT:
    case SECTION_WAITING:
        return load_relation(job, section, &reader, err);
    case SECTION_OUTBOX:
        return outbox_load(job->outbox, &reader, record->epoch, record->is_base, err);
    case SECTION_LEDGER:
        return ledger_decode(job->ledger, reader_bytes(&reader), err);
    case SECTION_QUARANTINE:
        return load_quarantine(job, record->epoch, reader_bytes(&reader), err);
    case SECTION_REPLAY:
        replay_load(job, &reader);
        return true;
    case SECTION_END:
        break;
    }
    return error_set(err, ERROR_FATAL,
                     "checkpoint epoch %llu: section %d is not known to this "
                     "version",
                     (unsigned long long)record->epoch, (int)section);
}

static bool load_record(struct job *job, const struct record *record, struct error *err)
{
    struct reader reader = reader_of(record->payload);
    while (!reader_is_done(&reader)) {
        enum section section = reader_u8(&reader);
        struct str bytes = reader_bytes(&reader);
        if (reader.bad)
            return error_set(err, ERROR_FATAL, "checkpoint epoch %llu: record cut short",
                             (unsigned long long)record->epoch);
        if (!load_section(job, record, section, bytes, err))
            return false;
    }
    job->epoch = record->epoch;
    return true;
}

static bool after_load(struct job *job, struct error *err)
{
    for (size_t s = 0; s < job->plan->sources_len; s++)
        if (job->sources[s].watermark != NULL)
            job->sources[s].watermark_us = watermark_us(job->sources[s].watermark);
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        struct job_relation *state = &job->relations[r];
        int64_t watermark = relation_watermark_us(job, r);
        if (state->dedup != NULL && watermark != TIME_MIN_US)
            dedup_advance(state->dedup, watermark);
        if (state->key_files != NULL &&
            !key_files_load(state->key_files, state->dedup, dedup_dead_slice(state->dedup), err))
            return false;
    }
    return true;
}

struct records *recovery_open(struct job *job, const char *folder, struct error *err)
{
    struct records *records = heap_new(sizeof(*records));
    job->journal = journal_open(folder, collect, records, err);
    if (job->journal == NULL) {
        recovery_close(records);
        return NULL;
    }
    memcpy(job->uuid, journal_identity(job->journal)->uuid, sizeof(job->uuid));
    job->generation = journal_identity(job->journal)->generation;
    return records;
}

bool recovery_run(struct job *job, struct records *records, struct error *err)
{
    for (size_t i = 0; i < records->len; i++)
        if (!load_record(job, &records->list[i], err))
            return error_wrap(err, "recovering from %.*s",
                              STR_ARGS(job->plan->settings.checkpoint));
    if (!after_load(job, err))
        return false;
    if (records->len > 0)
        log_info("resuming after epoch %llu", (unsigned long long)job->epoch);
    return true;
}

void recovery_close(struct records *records)
{
    if (records == NULL)
        return;
    arena_clear(&records->arena);
    heap_free(records->list);
    heap_free(records);
}

// ---- Looking before a run
// -------------------------------------------------------------------------------------
static bool find_fingerprint(void *context, bool is_base, uint64_t epoch, struct str payload,
                             struct error *err)
{
    struct stored_plan *stored = context;
    struct reader reader = reader_of(payload);
    (void)err;
    stored->epoch = epoch;
    while (is_base && !reader_is_done(&reader) && !reader.bad) {
        enum section section = reader_u8(&reader);
        struct reader inner = reader_of(reader_bytes(&reader));
        if (section != SECTION_HEAD)
            continue;
        reader_i64(&inner);
        reader_i64(&inner);
        buf_reset(&stored->fingerprint);
        buf_add_str(&stored->fingerprint, reader_bytes(&inner));
        stored->is_there = true;
        break;
    }
    return true;
}

bool stored_plan_read(const char *folder, struct stored_plan *stored, struct error *err)
{
    struct journal_identity identity;
    int64_t torn = 0;
    return !path_is_folder(folder) ||
           journal_read(folder, find_fingerprint, stored, &identity, &torn, err);
}

// ---- Showing
// -------------------------------------------------------------------------------------
void epoch_print(struct str payload, bool is_base, struct buf *out)
{
    static const char *const names[] = {"?",      "head",       "positions", "watermark", "keys",
                                        "closed", "groups",     "kept",      "waiting",   "outbox",
                                        "ledger", "quarantine", "replay"};
    struct reader reader = reader_of(payload);
    (void)is_base;
    while (!reader_is_done(&reader) && !reader.bad) {
        uint8_t section = reader_u8(&reader);
        struct str bytes = reader_bytes(&reader);
        const char *name = section < SECTION_END ? names[section] : names[0];
        struct reader inner = reader_of(bytes);
        bool is_named = (section >= SECTION_POSITIONS && section <= SECTION_WAITING) ||
                        section == SECTION_REPLAY;
        struct str object = is_named ? reader_bytes(&inner) : (struct str){0};
        buf_print(out, "    %-10s %10zu bytes  %.*s\n", name, bytes.len, STR_ARGS(object));
    }
}
