// SPDX-License-Identifier: MIT
// Sink 'memory': captures what is delivered. It behaves as an exactly-once target does: an epoch
// that it has is not taken twice, and another checkpoint's deliveries are refused.
#include "connectors/table/instances.h"

#include "base/failpoint.h"
#include "duck/database.h"

struct memory_options {
    struct str instance;
};

static const struct option memory_options[] = {
    {.name = "instance",
     .kind = OPTION_TEXT,
     .fallback = "",
     .help = "where to; default: the name of the sink",
     .offset = offsetof(struct memory_options, instance)},
};

struct sink {
    struct arena arena;
    struct str instance, checkpoint, name;
    enum execution execution;
    const struct column *columns;
    size_t columns_len;
};

static struct sink *memory_open(const void *options, const struct sink_context *context,
                                struct error *err UNUSED)
{
    const struct memory_options *given = options;
    struct sink *sink = heap_new(sizeof(*sink));
    sink->name = arena_str(&sink->arena, context->name);
    sink->instance =
        given->instance.len > 0 ? arena_str(&sink->arena, given->instance) : sink->name;
    sink->checkpoint = arena_str(&sink->arena, context->checkpoint);
    sink->execution = context->execution;
    sink->columns = context->columns;
    sink->columns_len = context->columns_len;
    return sink;
}

static void memory_close(struct sink *sink)
{
    arena_clear(&sink->arena);
    heap_free(sink);
}

static void memory_group_key(const struct sink *sink, struct buf *out)
{
    buf_print(out, "memory %.*s", STR_ARGS(sink->instance));
}

static bool memory_recover(struct sink *sink, uint64_t *epoch, struct error *err)
{
    pthread_mutex_lock(&memory_mutex);
    const struct memory_instance *instance = memory_instance_get(sink->instance);
    size_t len = instance->deliveries_len;
    *epoch = len == 0 ? 0 : instance->deliveries[len - 1].epoch;
    bool is_foreign = len > 0 && sink->execution != EXECUTION_BATCH &&
                      !str_equal(instance->checkpoint, sink->checkpoint);
    if (is_foreign)
        error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                       "memory: '%.*s' holds rows of checkpoint %.*s, this run has checkpoint %.*s",
                       STR_ARGS(sink->instance), STR_ARGS(instance->checkpoint),
                       STR_ARGS(sink->checkpoint));
    pthread_mutex_unlock(&memory_mutex);
    return !is_foreign;
}

// The instance outlives the plan, so it keeps columns of its own.
static void columns_keep(struct memory_instance *instance, const struct sink *sink)
{
    if (instance->columns != NULL)
        return;
    instance->columns = ARENA_ARRAY(&instance->arena, struct column, sink->columns_len);
    instance->columns_len = sink->columns_len;
    for (size_t i = 0; i < sink->columns_len; i++) {
        instance->columns[i].name = arena_str(&instance->arena, sink->columns[i].name);
        instance->columns[i].type = type_copy(sink->columns[i].type, &instance->arena);
    }
}

static bool delivery_take(struct memory_instance *instance, const struct delivery *delivery,
                          struct error *err)
{
    if (instance->deliveries_len == instance->deliveries_capacity) {
        size_t capacity =
            instance->deliveries_capacity == 0 ? 16 : instance->deliveries_capacity * 2;
        instance->deliveries =
            heap_resize(instance->deliveries, capacity * sizeof(*instance->deliveries));
        instance->deliveries_capacity = capacity;
    }
    struct memory_delivery *taken = &instance->deliveries[instance->deliveries_len++];
    *taken = (struct memory_delivery){.epoch = delivery->epoch, .rows = delivery->rows};
    taken->segments = heap_array(delivery->segments_len, sizeof(struct segment *));
    for (size_t i = 0; i < delivery->segments_len; i++) {
        const struct segment *segment = delivery->segments[i];
        struct segment *copy = segment_open((struct str){segment->bytes, segment->len}, true,
                                            instance->columns, instance->columns_len, err);
        if (copy == NULL)
            return false;
        taken->segments[taken->segments_len++] = copy;
    }
    return true;
}

static bool memory_deliver(struct sink *sink, const struct delivery *delivery, struct error *err)
{
    FAILPOINT("memory.deliver");
    if (delivery->rows == 0)
        return true;
    pthread_mutex_lock(&memory_mutex);
    struct memory_instance *instance = memory_instance_get(sink->instance);
    size_t len = instance->deliveries_len;
    bool is_done = true;
    if (len == 0)
        instance->checkpoint = arena_str(&instance->arena, sink->checkpoint);
    columns_keep(instance, sink);
    if (len == 0 || instance->deliveries[len - 1].epoch < delivery->epoch)
        is_done = delivery_take(instance, delivery, err);
    pthread_mutex_unlock(&memory_mutex);
    if (!is_done)
        return false;
    FAILPOINT("memory.delivered");
    return true;
}

static bool memory_finish(struct sink *sink, struct error *err UNUSED)
{
    pthread_mutex_lock(&memory_mutex);
    memory_instance_get(sink->instance)->finishes++;
    pthread_mutex_unlock(&memory_mutex);
    return true;
}

const struct sink_type memory_sink_type = {
    .name = "memory",
    .summary = "captures rows for a test in the same process",
    .options = memory_options,
    .options_len = COUNT_OF(memory_options),
    .options_size = sizeof(struct memory_options),
    .promise = PROMISE_EXACTLY_ONCE,
    .takes_changes = true,
    .open = memory_open,
    .group_key = memory_group_key,
    .recover = memory_recover,
    .deliver = memory_deliver,
    .finish = memory_finish,
    .close = memory_close,
};
