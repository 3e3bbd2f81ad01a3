// SPDX-License-Identifier: MIT
// Late rows: counted by the caller, and here kept as rows of the LATE INTO sink, with where they
// came from and which watermark judged them. Late rows are few, so this path may be plain.
#include "engine/job_state.h"

enum { LATE_RELATION, LATE_WATERMARK, LATE_SOURCE, LATE_PARTITION, LATE_OFFSET, LATE_COLUMNS };

static void set_text(struct vector *vector, size_t row, struct str text)
{
    ((struct string_cell *)vector->data)[row] = string_cell_of(text.ptr, text.len);
}

static void fill_origin(struct lane *lane, size_t index, struct chunk *origin, size_t row,
                        int64_t sequence)
{
    const struct job *job = lane->job;
    const struct job_source *source = job->trigger_source;
    int64_t watermark = source->watermark_us;
    set_text(&origin->columns[LATE_RELATION], row, job->plan->relations[index].name);
    ((int64_t *)origin->columns[LATE_WATERMARK].data)[row] = watermark;
    if (watermark == TIME_MIN_US || watermark == TIME_MAX_US)
        vector_set_null(&origin->columns[LATE_WATERMARK], row);
    set_text(&origin->columns[LATE_SOURCE], row, source->plan->name);
    int64_t at = sequence - job->sequence;
    if (at < 0 || (size_t)at >= source->batch->rows || source->batch->chunks_len > 0) {
        vector_set_null(&origin->columns[LATE_PARTITION], row);
        vector_set_null(&origin->columns[LATE_OFFSET], row);
        return;
    }
    uint32_t partition = source->batch->payloads[at].partition;
    set_text(&origin->columns[LATE_PARTITION], row, source->partitions[partition].name);
    ((int64_t *)origin->columns[LATE_OFFSET].data)[row] = source->batch->offsets[at];
}

// The flagged rows of one part, as a segment of the late sink.
static void late_part(struct lane *lane, size_t index, const struct rows_part *part,
                      uint16_t *selection, size_t count)
{
    const struct plan_sink *sink =
        &lane->job->plan->sinks[lane->job->plan->relations[index].late_into];
    const struct type *types[LATE_COLUMNS] = {
        type_simple(TYPE_VARCHAR), type_simple(TYPE_TIMESTAMP), type_simple(TYPE_VARCHAR),
        type_simple(TYPE_VARCHAR), type_simple(TYPE_BIGINT)};
    size_t len = sink->columns_len - LATE_COLUMNS;
    ASSERT(len == part->chunk->columns_len);
    struct chunk *origin = chunk_new(types, LATE_COLUMNS);
    for (size_t i = 0; i < count; i++)
        fill_origin(lane, index, origin, selection[i], rows_part_sequence(part, selection[i]));
    struct chunk joined = {.rows = part->chunk->rows, .columns_len = sink->columns_len};
    joined.columns = ARENA_ARRAY(&lane->arena, struct vector, joined.columns_len);
    memcpy(joined.columns, part->chunk->columns, len * sizeof(struct vector));
    memcpy(joined.columns + len, origin->columns, LATE_COLUMNS * sizeof(struct vector));
    struct rows_part own = {.chunk = &joined, .selection = selection, .count = count};
    struct rows rows = {.parts = &own, .parts_len = 1};
    size_t sink_index = (size_t)lane->job->plan->relations[index].late_into;
    segment_list_add(&lane->sink_rows[sink_index],
                     segment_new(&rows, sink->columns, sink->columns_len));
    chunk_free(origin);
}

void lane_late(struct lane *lane, size_t index, const struct rows *rows, size_t first,
               const uint8_t *flags, size_t count)
{
    if (lane->job->plan->relations[index].late_into < 0 ||
        !lane->job->plan->sinks[lane->job->plan->relations[index].late_into].is_enabled)
        return;
    size_t at = 0; // number of the part's first row
    for (size_t p = 0; p < rows->parts_len; at += rows->parts[p].count, p++) {
        const struct rows_part *part = &rows->parts[p];
        if (at + part->count <= first || at >= first + count)
            continue;
        uint16_t *selection = ARENA_ARRAY(&lane->arena, uint16_t, part->count);
        size_t flagged = 0;
        for (size_t i = 0; i < part->count; i++)
            if (at + i >= first && at + i < first + count && flags[at + i - first] == 1)
                selection[flagged++] = (uint16_t)rows_part_row(part, i);
        if (flagged > 0)
            late_part(lane, index, part, selection, flagged);
    }
}

void lane_keep(struct lane *lane, size_t index, struct kept_segment kept)
{
    if (lane->kept_len == lane->kept_capacity) {
        lane->kept_capacity = lane->kept_capacity > 0 ? lane->kept_capacity * 2 : 16;
        lane->kept = heap_resize(lane->kept, lane->kept_capacity * sizeof(*lane->kept));
    }
    kept.relation = index;
    lane->kept[lane->kept_len++] = kept;
}
