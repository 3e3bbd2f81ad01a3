// SPDX-License-Identifier: MIT
// A list of instances under one lock: tests have few of them, and no test's speed hangs on this.
#include "connectors/table/instances.h"

#include "duck/database.h"

pthread_mutex_t memory_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct memory_instance *instances;

struct memory_instance *memory_instance_get(struct str name)
{
    for (struct memory_instance *instance = instances; instance != NULL;
         instance = instance->next) {
        if (str_equal(instance->name, name))
            return instance;
    }
    struct memory_instance *instance = heap_new(sizeof(*instance));
    instance->name = arena_str(&instance->arena, name);
    instance->next = instances;
    instances = instance;
    return instance;
}

static void delivery_clear(struct memory_delivery *delivery)
{
    for (size_t i = 0; i < delivery->segments_len; i++)
        segment_free(delivery->segments[i]);
    heap_free(delivery->segments);
}

void memory_clear(void)
{
    pthread_mutex_lock(&memory_mutex);
    while (instances != NULL) {
        struct memory_instance *instance = instances;
        instances = instance->next;
        for (size_t i = 0; i < instance->logs_len; i++)
            heap_free(instance->logs[i].payloads);
        for (size_t i = 0; i < instance->deliveries_len; i++)
            delivery_clear(&instance->deliveries[i]);
        heap_free(instance->logs);
        heap_free(instance->deliveries);
        arena_clear(&instance->arena);
        heap_free(instance);
    }
    pthread_mutex_unlock(&memory_mutex);
}

void memory_source_add(struct str instance_name, uint32_t partition, const struct str *payloads,
                       size_t len)
{
    pthread_mutex_lock(&memory_mutex);
    struct memory_instance *instance = memory_instance_get(instance_name);
    if (partition >= instance->logs_len) {
        instance->logs = heap_resize(instance->logs, (partition + 1) * sizeof(*instance->logs));
        while (instance->logs_len <= partition)
            instance->logs[instance->logs_len++] = (struct memory_log){0};
    }
    struct memory_log *log = &instance->logs[partition];
    if (log->len + len > log->capacity) {
        log->capacity = (log->len + len) * 2;
        log->payloads = heap_resize(log->payloads, log->capacity * sizeof(*log->payloads));
    }
    for (size_t i = 0; i < len; i++)
        log->payloads[log->len++] = arena_str(&instance->arena, payloads[i]);
    pthread_mutex_unlock(&memory_mutex);
}

void memory_source_finish(struct str instance)
{
    pthread_mutex_lock(&memory_mutex);
    memory_instance_get(instance)->is_finished = true;
    pthread_mutex_unlock(&memory_mutex);
}

int64_t memory_source_rows(struct str instance_name)
{
    pthread_mutex_lock(&memory_mutex);
    const struct memory_instance *instance = memory_instance_get(instance_name);
    int64_t rows = 0;
    for (size_t i = 0; i < instance->logs_len; i++)
        rows += (int64_t)instance->logs[i].len;
    pthread_mutex_unlock(&memory_mutex);
    return rows;
}

int64_t memory_sink_rows(struct str instance_name)
{
    pthread_mutex_lock(&memory_mutex);
    const struct memory_instance *instance = memory_instance_get(instance_name);
    int64_t rows = 0;
    for (size_t i = 0; i < instance->deliveries_len; i++)
        rows += instance->deliveries[i].rows;
    pthread_mutex_unlock(&memory_mutex);
    return rows;
}

uint64_t memory_sink_epoch(struct str instance_name)
{
    pthread_mutex_lock(&memory_mutex);
    const struct memory_instance *instance = memory_instance_get(instance_name);
    size_t len = instance->deliveries_len;
    uint64_t epoch = len == 0 ? 0 : instance->deliveries[len - 1].epoch;
    pthread_mutex_unlock(&memory_mutex);
    return epoch;
}

int64_t memory_sink_finished(struct str instance)
{
    pthread_mutex_lock(&memory_mutex);
    int64_t finishes = memory_instance_get(instance)->finishes;
    pthread_mutex_unlock(&memory_mutex);
    return finishes;
}

static struct segment *segment_copy(const struct segment *segment,
                                    const struct memory_instance *instance)
{
    struct error err = {0};
    struct str bytes = {segment->bytes, segment->len};
    struct segment *copy =
        segment_open(bytes, true, instance->columns, instance->columns_len, &err);
    ASSERT(copy != NULL); // it was a valid segment before
    return copy;
}

struct segment **memory_sink_take(struct str instance_name, size_t *len)
{
    pthread_mutex_lock(&memory_mutex);
    const struct memory_instance *instance = memory_instance_get(instance_name);
    *len = 0;
    for (size_t i = 0; i < instance->deliveries_len; i++)
        *len += instance->deliveries[i].segments_len;
    struct segment **copies = heap_array(*len, sizeof(struct segment *));
    size_t at = 0;
    for (size_t i = 0; i < instance->deliveries_len; i++) {
        const struct memory_delivery *delivery = &instance->deliveries[i];
        for (size_t k = 0; k < delivery->segments_len; k++)
            copies[at++] = segment_copy(delivery->segments[k], instance);
    }
    pthread_mutex_unlock(&memory_mutex);
    return copies;
}

static void segment_print(const struct segment *segment, struct chunk *chunk, struct buf *out)
{
    for (int64_t at = 0; at < segment->rows;) {
        int64_t count = segment->rows - at;
        count = count < ROWS_PER_VECTOR ? count : ROWS_PER_VECTOR;
        segment_read(segment, at, (size_t)count, chunk);
        for (int64_t row = 0; row < count; row++) {
            json_encode_row(out, chunk, (size_t)row, segment->columns, segment->columns_len);
            buf_add_char(out, '\n');
        }
        at += count;
    }
}

void memory_sink_print(struct str instance, struct buf *out)
{
    size_t len;
    struct segment **segments = memory_sink_take(instance, &len);
    if (len > 0) {
        size_t columns_len = segments[0]->columns_len;
        const struct type **types = heap_array(columns_len, sizeof(*types));
        for (size_t i = 0; i < columns_len; i++)
            types[i] = segments[0]->columns[i].type;
        struct chunk *chunk = chunk_new(types, columns_len);
        for (size_t i = 0; i < len; i++)
            segment_print(segments[i], chunk, out);
        chunk_free(chunk);
        heap_free(types);
    }
    for (size_t i = 0; i < len; i++)
        segment_free(segments[i]);
    heap_free(segments);
}
