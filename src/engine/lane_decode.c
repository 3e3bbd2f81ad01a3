// SPDX-License-Identifier: MIT
// First step of a trigger: a lane's range of the batch becomes typed columns. Undecodable rows
// leave here (to quarantine, or counted); connector metadata and computed columns are added. The
// format does the work, straight into DuckDB's vectors; this file only deals out ranges.
#include "engine/job_state.h"

static struct chunk *pool_chunk(struct lane *lane, struct job_source *source, size_t index)
{
    struct chunk ***pool = &lane->chunks[source->index];
    size_t *len = &lane->chunks_len[source->index];
    const struct relation *relation = &lane->job->plan->relations[source->plan->relation];
    while (index >= *len) {
        const struct type **types =
            ARENA_ARRAY(&lane->arena, const struct type *, relation->columns_len);
        for (size_t i = 0; i < relation->columns_len; i++)
            types[i] = relation->columns[i].type;
        *pool = heap_resize(*pool, (*len + 1) * sizeof(**pool));
        (*pool)[(*len)++] = chunk_new(types, relation->columns_len);
    }
    return (*pool)[index];
}

static void set_string(struct vector *vector, size_t row, struct str text)
{
    if (text.ptr == NULL)
        vector_set_null(vector, row);
    else
        ((struct string_cell *)vector->data)[row] = string_cell_of(text.ptr, text.len);
}

static struct str metadata_text(const struct job_source *source, enum metadata metadata, size_t row)
{
    const struct batch *batch = source->batch;
    uint32_t partition = batch->payloads[row].partition;
    struct str name = source->partitions[partition].name;
    switch (metadata) {
    case METADATA_VALUE:
        return (struct str){batch->payloads[row].ptr, batch->payloads[row].len};
    case METADATA_KEY:
        return batch->keys != NULL ? batch->keys[row] : (struct str){0};
    case METADATA_HEADERS:
        return batch->headers != NULL ? batch->headers[row] : (struct str){0};
    case METADATA_TOPIC: {
        int64_t slash = str_find(name, '/');
        return slash >= 0 ? str_slice(name, 0, (size_t)slash) : name;
    }
    case METADATA_FILE:
    case METADATA_PARTITION:
        return name;
    case METADATA_NONE:
    case METADATA_OFFSET:
    case METADATA_TIMESTAMP:
    case METADATA_LINE:
        break;
    }
    return (struct str){0};
}

// Kafka's number of a partition is the end of its name, "topic/3"; others are counted.
static int64_t partition_number(const struct job_source *source, uint32_t partition)
{
    struct str name = source->partitions[partition].name;
    size_t from = name.len;
    while (from > 0 && name.ptr[from - 1] != '/')
        from--;
    int64_t number;
    bool is_number = from > 0 && str_parse_int64(str_slice(name, from, name.len), &number);
    return is_number ? number : partition;
}

static void fill_metadata(struct job_source *source, enum metadata metadata, struct vector *vector,
                          size_t first_row, size_t count)
{
    const struct batch *batch = source->batch;
    for (size_t i = 0; i < count; i++) {
        size_t row = first_row + i;
        int64_t number = batch->offsets[row];
        if (metadata == METADATA_TIMESTAMP) {
            if (batch->timestamps_us == NULL) {
                vector_set_null(vector, i);
                continue;
            }
            number = batch->timestamps_us[row];
        } else if (metadata == METADATA_PARTITION && !type_is_string(vector->type->kind)) {
            number = partition_number(source, batch->payloads[row].partition);
        }
        if (type_is_string(vector->type->kind))
            set_string(vector, i, metadata_text(source, metadata, row));
        else if (vector->type->cell_bytes == sizeof(int64_t))
            ((int64_t *)vector->data)[i] = number;
        else if (vector->type->cell_bytes == sizeof(int32_t))
            ((int32_t *)vector->data)[i] = (int32_t)number;
        else
            vector_set_null(vector, i);
    }
}

static void add_bad_row(struct lane *lane, struct job_source *source, size_t row, struct str reason)
{
    const struct payload *payload = &source->batch->payloads[row];
    struct str raw = {payload->ptr, payload->len};
    quarantine_add(lane->quarantine, raw, source->plan->name,
                   source->partitions[payload->partition].name, source->batch->offsets[row],
                   lane->job->now_us, &reason, 1);
}

// Rows that did not decode leave the selection. Fails when the source says `on_error = 'fail'`.
static bool drop_undecodable(struct lane *lane, struct job_source *source, size_t first_row,
                             struct rows_part *part, const uint8_t *verdicts,
                             const struct decode_problem *problems, size_t problems_len,
                             struct error *err)
{
    struct counts *counts = &lane->counts[source->plan->relation];
    if (problems_len == 0)
        return true;
    uint16_t *selection = ARENA_ARRAY(&lane->arena, uint16_t, part->count);
    size_t kept = 0;
    for (size_t i = 0; i < part->count; i++)
        if (verdicts[i] == VERDICT_OK)
            selection[kept++] = (uint16_t)i;
    counts->undecodable += (int64_t)(part->count - kept);
    part->selection = selection;
    part->count = kept;
    for (size_t p = 0; p < problems_len; p++) {
        size_t row = first_row + problems[p].row;
        if (source->plan->on_error == ON_ERROR_QUARANTINE)
            add_bad_row(lane, source, row, problems[p].reason);
        if (source->plan->on_error != ON_ERROR_FAIL)
            continue;
        struct str partition = source->partitions[source->batch->payloads[row].partition].name;
        return error_set_exit(err, ERROR_DATA, EXIT_QUALITY,
                              "source %.*s: cannot decode %.*s at %lld: %.*s; set on_error = "
                              "'quarantine' to keep such rows aside",
                              STR_ARGS(source->plan->name), STR_ARGS(partition),
                              (long long)source->batch->offsets[row], STR_ARGS(problems[p].reason));
    }
    return true;
}

static bool add_computed(struct lane *lane, struct job_source *source, struct error *err)
{
    struct lane_relation *relation = &lane->relations[source->plan->relation];
    struct rows results = {0};
    scan_set_rows(relation->scan, &relation->rows);
    bool ok = lane_take_result(lane, relation, relation->computed, NULL, false, &results, err);
    size_t part = 0, at = 0;
    for (size_t r = 0; ok && r < results.parts_len; r++) {
        const struct chunk *result = results.parts[r].chunk;
        for (size_t i = 0; i < result->rows; i++, at++) {
            while (at == relation->rows.parts[part].count) {
                part++;
                at = 0;
            }
            struct rows_part *target = &relation->rows.parts[part];
            size_t row = rows_part_row(target, at), column = 0;
            for (size_t c = 0; c < source->plan->columns_len; c++)
                if (source->plan->columns[c].computed.len > 0)
                    vector_copy_value(&target->chunk->columns[c], row, &result->columns[column++],
                                      i);
        }
    }
    rows_free(&results);
    return ok;
}

static bool decode_vector(struct lane *lane, struct job_source *source, size_t first, size_t count,
                          size_t index, struct error *err)
{
    struct chunk *chunk = pool_chunk(lane, source, index);
    const struct decode_problem *problems;
    size_t problems_len;
    uint8_t verdicts[ROWS_PER_VECTOR];
    chunk_reset(chunk);
    source->format->decode(lane->decoders[source->index], source->batch->payloads + first, count,
                           chunk, verdicts, &lane->arena, &problems, &problems_len);
    for (size_t c = 0; c < source->plan->columns_len; c++)
        if (source->plan->columns[c].metadata != METADATA_NONE)
            fill_metadata(source, source->plan->columns[c].metadata, &chunk->columns[c], first,
                          count);
    struct rows_part *part = rows_add(&lane->relations[source->plan->relation].rows);
    part->chunk = chunk;
    part->count = count;
    part->first_sequence = lane->job->sequence + (int64_t)first;
    return drop_undecodable(lane, source, first, part, verdicts, problems, problems_len, err);
}

// Sources that read columns hand over chunks; lanes take them in turn, keeping order inside a lane.
static void take_chunks(struct lane *lane, struct job_source *source)
{
    struct batch *batch = source->batch;
    size_t per_lane = (batch->chunks_len + lane->job->lanes_len - 1) / lane->job->lanes_len;
    size_t from = per_lane * lane->index, row = 0;
    for (size_t i = 0; i < batch->chunks_len; i++) {
        struct chunk *chunk = batch->chunks[i];
        if (i >= from && i < from + per_lane && chunk->rows > 0) {
            struct rows_part *part = rows_add(&lane->relations[source->plan->relation].rows);
            part->chunk = chunk;
            part->count = chunk->rows;
            part->first_sequence = lane->job->sequence + (int64_t)row;
            lane->counts[source->plan->relation].rows_in += (int64_t)chunk->rows;
        }
        row += chunk->rows;
    }
}

bool lane_decode(struct lane *lane, struct job_source *source, struct error *err)
{
    if (source->format == NULL) {
        take_chunks(lane, source);
    } else {
        size_t index = 0;
        for (size_t at = lane->row_from; at < lane->row_to; at += ROWS_PER_VECTOR, index++) {
            size_t count = lane->row_to - at;
            count = count < ROWS_PER_VECTOR ? count : ROWS_PER_VECTOR;
            if (!decode_vector(lane, source, at, count, index, err))
                return false;
        }
        lane->counts[source->plan->relation].rows_in += (int64_t)(lane->row_to - lane->row_from);
    }
    return !source->plan->has_computed || add_computed(lane, source, err);
}
