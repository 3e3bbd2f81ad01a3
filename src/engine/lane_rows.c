// SPDX-License-Identifier: MIT
// Rows in a lane: lists of parts, picked columns, and results of statements that become rows.
// Nothing here copies a value; a part says where values are and which rows count.
#include "engine/job_state.h"

struct rows_part *rows_add(struct rows *rows)
{
    if (rows->parts_len == rows->parts_capacity) {
        rows->parts_capacity = rows->parts_capacity > 0 ? rows->parts_capacity * 2 : 16;
        rows->parts = heap_resize(rows->parts, rows->parts_capacity * sizeof(*rows->parts));
    }
    struct rows_part *part = &rows->parts[rows->parts_len++];
    *part = (struct rows_part){.first_sequence = -1};
    return part;
}

void rows_clear(struct rows *rows)
{
    rows->parts_len = 0;
}

void rows_free(struct rows *rows)
{
    heap_free(rows->parts);
    *rows = (struct rows){0};
}

struct chunk *chunk_pick(const struct chunk *chunk, const int *columns, size_t len,
                         struct arena *arena)
{
    struct chunk *picked = ARENA_NEW(arena, struct chunk);
    picked->rows = chunk->rows;
    picked->columns_len = len;
    picked->columns = ARENA_ARRAY(arena, struct vector, len);
    for (size_t i = 0; i < len; i++)
        picked->columns[i] = chunk->columns[columns[i]];
    return picked;
}

int64_t rows_part_sequence(const struct rows_part *part, size_t row)
{
    return part->sequences != NULL ? part->sequences[row] : part->first_sequence + (int64_t)row;
}

void lane_keep_chunk(struct lane_relation *relation, struct chunk *chunk)
{
    if (relation->taken_len == relation->taken_capacity) {
        relation->taken_capacity = relation->taken_capacity > 0 ? relation->taken_capacity * 2 : 8;
        relation->taken =
            heap_resize(relation->taken, relation->taken_capacity * sizeof(*relation->taken));
    }
    relation->taken[relation->taken_len++] = chunk;
}

bool lane_take_result(struct lane *lane, struct lane_relation *relation,
                      struct statement *statement, const int64_t *sequences,
                      bool has_sequence_column, struct rows *rows, struct error *err)
{
    if (!statement_execute(statement, err))
        return false;
    struct chunk *chunk;
    int64_t done = 0;
    while ((chunk = statement_take(statement)) != NULL) {
        lane_keep_chunk(relation, chunk);
        struct rows_part *part = rows_add(rows);
        part->count = chunk->rows;
        part->chunk = chunk;
        part->first_sequence = 0;
        part->sequences = ARENA_ARRAY(&lane->arena, int64_t, chunk->rows);
        const int64_t *from = sequences != NULL ? sequences + done : NULL;
        if (has_sequence_column) {
            from = chunk->columns[chunk->columns_len - 1].data;
            struct chunk *view = ARENA_NEW(&lane->arena, struct chunk);
            *view = *chunk;
            view->columns_len--;
            part->chunk = view;
        }
        if (from != NULL)
            memcpy(part->sequences, from, chunk->rows * sizeof(int64_t));
        done += (int64_t)chunk->rows;
    }
    statement_finish(statement);
    return true;
}

void segment_list_add(struct segment_list *segments, struct segment *segment)
{
    if (segments->len == segments->capacity) {
        segments->capacity = segments->capacity > 0 ? segments->capacity * 2 : 8;
        segments->list = heap_resize(segments->list, segments->capacity * sizeof(*segments->list));
    }
    segments->list[segments->len++] = segment;
}

void segment_list_clear(struct segment_list *segments)
{
    for (size_t i = 0; i < segments->len; i++)
        segment_free(segments->list[i]);
    heap_free(segments->list);
    *segments = (struct segment_list){0};
}

void segment_list_move(struct segment_list *to, struct segment_list *from)
{
    for (size_t i = 0; i < from->len; i++)
        segment_list_add(to, from->list[i]);
    from->len = 0;
}

int64_t segment_list_rows(const struct segment_list *segments)
{
    int64_t rows = 0;
    for (size_t i = 0; i < segments->len; i++)
        rows += segments->list[i]->rows;
    return rows;
}
