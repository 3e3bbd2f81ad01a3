// SPDX-License-Identifier: MIT
// A batch is filled by one source call and then travels to the lanes as a whole: it owns everything
// its rows point to. Arrays grow by doubling and are kept over batch_reset, so that a recycled
// batch costs no allocation and no page fault. timestamps_us, keys and headers exist only once a
// source has allocated them; from then on they grow with the others.
#include "connectors/source.h"

struct batch *batch_new(void)
{
    return heap_new(sizeof(struct batch));
}

static void chunks_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->chunks_len; i++) {
        if (batch->chunks[i] != NULL)
            chunk_free(batch->chunks[i]);
    }
    batch->chunks_len = 0;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    chunks_free(batch);
    heap_free(batch->payloads);
    heap_free(batch->offsets);
    heap_free(batch->timestamps_us);
    heap_free(batch->keys);
    heap_free(batch->headers);
    heap_free(batch->chunks);
    heap_free(batch->positions);
    arena_clear(&batch->arena);
    heap_free(batch);
}

void batch_reset(struct batch *batch)
{
    chunks_free(batch);
    batch->rows = 0;
    batch->bytes = 0;
    batch->positions_len = 0;
    batch->arrival_us = 0;
    batch->wants_commit = false;
    arena_reset(&batch->arena);
}

void batch_reserve(struct batch *batch, size_t rows)
{
    if (rows <= batch->rows_capacity)
        return;
    size_t capacity = batch->rows_capacity < 1024 ? 1024 : batch->rows_capacity;
    while (capacity < rows)
        capacity *= 2;
    batch->payloads = heap_resize(batch->payloads, capacity * sizeof(*batch->payloads));
    batch->offsets = heap_resize(batch->offsets, capacity * sizeof(*batch->offsets));
    if (batch->timestamps_us != NULL)
        batch->timestamps_us =
            heap_resize(batch->timestamps_us, capacity * sizeof(*batch->timestamps_us));
    if (batch->keys != NULL)
        batch->keys = heap_resize(batch->keys, capacity * sizeof(*batch->keys));
    if (batch->headers != NULL)
        batch->headers = heap_resize(batch->headers, capacity * sizeof(*batch->headers));
    batch->rows_capacity = capacity;
}

void batch_add(struct batch *batch, const char *ptr, size_t len, uint32_t partition, int64_t offset)
{
    ASSERT(len <= UINT32_MAX);
    if (UNLIKELY(batch->rows == batch->rows_capacity))
        batch_reserve(batch, batch->rows + 1);
    batch->payloads[batch->rows] =
        (struct payload){.ptr = ptr, .len = (uint32_t)len, .partition = partition};
    batch->offsets[batch->rows] = offset;
    batch->rows++;
    batch->bytes += len;
}

void batch_position_set(struct batch *batch, uint32_t partition, int64_t offset, int64_t line,
                        bool is_end, bool is_done)
{
    struct batch_position *position = NULL;
    // Newest first: a reader that walks through files sets the same few again and again.
    for (size_t i = batch->positions_len; i > 0 && position == NULL; i--) {
        if (batch->positions[i - 1].partition == partition)
            position = &batch->positions[i - 1];
    }
    if (position == NULL) {
        if (batch->positions_len == batch->positions_capacity) {
            size_t capacity = batch->positions_capacity == 0 ? 8 : batch->positions_capacity * 2;
            batch->positions = heap_resize(batch->positions, capacity * sizeof(*batch->positions));
            batch->positions_capacity = capacity;
        }
        position = &batch->positions[batch->positions_len++];
    }
    *position = (struct batch_position){.partition = partition,
                                        .offset = offset,
                                        .line = line,
                                        .is_end = is_end,
                                        .is_done = is_done};
}

void batch_position_mark(struct batch *batch, uint32_t partition, struct str mark)
{
    for (size_t i = 0; i < batch->positions_len; i++)
        if (batch->positions[i].partition == partition)
            batch->positions[i].mark = mark;
}

void batch_want(struct batch *batch, bool timestamps, bool keys, bool headers)
{
    size_t room = batch->rows_capacity > 0 ? batch->rows_capacity : 1;
    if (timestamps && batch->timestamps_us == NULL)
        batch->timestamps_us = heap_array(room, sizeof(*batch->timestamps_us));
    if (keys && batch->keys == NULL)
        batch->keys = heap_array(room, sizeof(*batch->keys));
    if (headers && batch->headers == NULL)
        batch->headers = heap_array(room, sizeof(*batch->headers));
}
