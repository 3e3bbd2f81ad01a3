// SPDX-License-Identifier: MIT
// Source 'memory': a small broker in this process. Records stay, so seek works as on a real log.
#include "connectors/table/instances.h"

#include <string.h>

struct memory_options {
    struct str instance;
};

static const struct option memory_options[] = {
    {.name = "instance",
     .kind = OPTION_TEXT,
     .fallback = "",
     .help = "whose records; default: the name of the source",
     .offset = offsetof(struct memory_options, instance)},
};

struct source {
    enum execution execution;
    struct arena arena;
    struct str instance;
    struct partition *partitions;
    size_t len, capacity;
};

static struct source *memory_open(const void *options, const struct source_context *context,
                                  struct error *err UNUSED)
{
    const struct memory_options *given = options;
    struct source *source = heap_new(sizeof(*source));
    source->execution = context->execution;
    source->instance =
        arena_str(&source->arena, given->instance.len > 0 ? given->instance : context->name);
    return source;
}

static void memory_close(struct source *source)
{
    heap_free(source->partitions);
    arena_clear(&source->arena);
    heap_free(source);
}

// Partitions are never fewer than one, so that there is always somebody to hold a position.
static void partitions_refresh(struct source *source, size_t len)
{
    len = len == 0 ? 1 : len;
    if (len > source->capacity) {
        source->capacity = len * 2;
        source->partitions =
            heap_resize(source->partitions, source->capacity * sizeof(*source->partitions));
    }
    while (source->len < len) {
        source->partitions[source->len] =
            (struct partition){.name = arena_print(&source->arena, "%zu", source->len)};
        source->len++;
    }
}

static bool memory_list(struct source *source, const struct partition **partitions, size_t *len,
                        struct error *err UNUSED)
{
    pthread_mutex_lock(&memory_mutex);
    partitions_refresh(source, memory_instance_get(source->instance)->logs_len);
    pthread_mutex_unlock(&memory_mutex);
    *partitions = source->partitions;
    *len = source->len;
    return true;
}

static bool memory_seek(struct source *source, const struct partition *partitions, size_t len,
                        struct error *err)
{
    for (size_t i = 0; i < len; i++) {
        int64_t number;
        if (!str_parse_int64(partitions[i].name, &number) || number < 0 || number > 1000000)
            return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                                  "memory: the checkpoint knows partition '%.*s', which cannot be "
                                  "one of '%.*s'",
                                  STR_ARGS(partitions[i].name), STR_ARGS(source->instance));
        partitions_refresh(source, (size_t)number + 1);
        pthread_mutex_lock(&memory_mutex);
        const struct memory_instance *instance = memory_instance_get(source->instance);
        int64_t rows =
            (size_t)number < instance->logs_len ? (int64_t)instance->logs[number].len : 0;
        pthread_mutex_unlock(&memory_mutex);
        if (partitions[i].offset < 0 || partitions[i].offset > rows)
            return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                                  "memory: partition %lld of '%.*s' has %lld records, the "
                                  "checkpoint stands at %lld",
                                  (long long)number, STR_ARGS(source->instance), (long long)rows,
                                  (long long)partitions[i].offset);
        source->partitions[number].offset = partitions[i].offset;
        source->partitions[number].line = partitions[i].offset;
    }
    return true;
}

static void log_read(struct source *source, size_t number, const struct memory_instance *instance,
                     struct batch *batch, size_t rows_max, size_t bytes_max)
{
    struct partition *partition = &source->partitions[number];
    const struct memory_log *log = &instance->logs[number];
    int64_t from = partition->offset;
    while (partition->offset < (int64_t)log->len && batch->rows < rows_max &&
           batch->bytes < bytes_max) {
        struct str payload = log->payloads[partition->offset];
        char *copy = arena_bytes(&batch->arena, payload.len + 64);
        memcpy(copy, payload.ptr, payload.len);
        memset(copy + payload.len, 0, 64);
        batch_add(batch, copy, payload.len, (uint32_t)number, partition->offset);
        partition->offset++;
    }
    partition->line = partition->offset;
    bool is_end = partition->offset == (int64_t)log->len;
    bool is_done = is_end && instance->is_finished;
    if (partition->offset != from || is_done != partition->is_done)
        batch_position_set(batch, (uint32_t)number, partition->offset, partition->line, is_end,
                           is_done);
    partition->is_end = is_end;
    partition->is_done = is_done;
}

static bool memory_read(struct source *source, struct batch *batch, size_t rows_max,
                        size_t bytes_max, enum read_state *state, struct error *err UNUSED)
{
    batch_reset(batch);
    batch->arrival_us = clock_monotonic_us();
    pthread_mutex_lock(&memory_mutex);
    const struct memory_instance *instance = memory_instance_get(source->instance);
    partitions_refresh(source, instance->logs_len);
    bool is_end = true;
    for (size_t i = 0; i < instance->logs_len; i++) {
        log_read(source, i, instance, batch, rows_max, bytes_max);
        is_end = is_end && source->partitions[i].is_end;
    }
    bool is_finished = instance->is_finished;
    pthread_mutex_unlock(&memory_mutex);
    if (batch->rows > 0)
        *state = READ_ROWS;
    else
        *state =
            is_end && (is_finished || source->execution != EXECUTION_STREAM) ? READ_END : READ_IDLE;
    return true;
}

static bool memory_acknowledge(struct source *source UNUSED,
                               const struct partition *partitions UNUSED, size_t len UNUSED,
                               struct error *err UNUSED)
{
    return true;
}

const struct source_type memory_source_type = {
    .name = "memory",
    .summary = "records put in by a test in the same process",
    .options = memory_options,
    .options_len = COUNT_OF(memory_options),
    .options_size = sizeof(struct memory_options),
    .open = memory_open,
    .list = memory_list,
    .seek = memory_seek,
    .read = memory_read,
    .acknowledge = memory_acknowledge,
    .close = memory_close,
};
