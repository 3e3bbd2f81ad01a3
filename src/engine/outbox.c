// SPDX-License-Identifier: MIT
// The deciding half of the outbox: what is pending, what becomes a delivery and under which epoch,
// and how both are written to and read from the journal. Sections are keyed by sink name, so a
// pipeline file may change as long as no sink with undelivered rows disappears.
//
// Section of a frame: u32 sinks, each: name, u64 delivered epoch, u8 decided (1; 2: at the end of
// the input), u32 segments, each: bytes. Section of a base: the same with, before the segments
// (pending rows), u32 deliveries, each: u64 epoch, u64 previous, u8 is_end, u32 segments, bytes.
#include "engine/outbox_state.h"

// ---- Opening
// -------------------------------------------------------------------------------------
static bool is_fed_by_windows(const struct plan *plan, int relation)
{
    return relation >= 0 && plan->relations[relation].is_closed;
}

static bool open_sink(struct outbox *outbox, size_t index, struct error *err)
{
    struct outbox_sink *sink = &outbox->sinks[index];
    const struct plan_sink *plan = sink->plan;
    const struct sink_type *type = plan->type;
    size_t bad;
    sink->options = arena_new(&outbox->arena, type->options_size);
    if (!option_fill(type->options, type->options_len, plan->options, plan->options_len,
                     sink->options, &outbox->arena, &bad, err))
        return error_wrap(err, "sink %.*s", STR_ARGS(plan->name));
    struct str *keys = NULL;
    size_t keys_len = 0;
    if (plan->relation >= 0) {
        const struct relation *relation = &outbox->plan->relations[plan->relation];
        keys = ARENA_ARRAY(&outbox->arena, struct str, relation->key_columns_len);
        for (size_t k = 0; k < relation->key_columns_len; k++)
            keys[keys_len++] = relation->columns[relation->key_columns[k]].name;
    }
    struct sink_context *context = ARENA_NEW(&outbox->arena, struct sink_context);
    *context = (struct sink_context){
        .pipeline = outbox->plan->settings.pipeline,
        .name = plan->name,
        .checkpoint = outbox->options.uuid,
        .generation = outbox->options.generation,
        .execution = outbox->options.execution,
        .clock = outbox->options.clock,
        .columns = plan->columns,
        .columns_len = plan->columns_len,
        .keys = keys,
        .keys_len = keys_len,
        .emits_changes = plan->emit == EMIT_CHANGES,
        .values = plan->options,
        .values_len = plan->options_len,
        .database = outbox->options.database,
    };
    sink->sink = type->open(sink->options, context, err);
    if (sink->sink == NULL)
        return error_wrap(err, "sink %.*s", STR_ARGS(plan->name));
    sink->is_closed = is_fed_by_windows(outbox->plan, plan->relation);
    struct str labels =
        arena_print(&outbox->arena, "pipeline=\"%.*s\",sink=\"%.*s\"",
                    STR_ARGS(outbox->plan->settings.pipeline), STR_ARGS(plan->name));
    sink->rows_metric = metric_get(METRIC_COUNTER, "firesteel_sink_records_total",
                                   "Rows delivered to the sink.", labels.ptr);
    return true;
}

static void join_group(struct outbox *outbox, struct outbox_sink *sink)
{
    AUTO(buf_clear) struct buf key = {0};
    buf_print(&key, "%s ", sink->plan->type->name);
    sink->plan->type->group_key(sink->sink, &key);
    for (size_t g = 0; g < outbox->groups_len; g++) {
        if (str_equal(buf_str(&outbox->groups[g].key), buf_str(&key))) {
            sink->group = g;
            return;
        }
    }
    struct outbox_group *group = &outbox->groups[outbox->groups_len];
    *group = (struct outbox_group){.outbox = outbox, .index = outbox->groups_len};
    buf_add_str(&group->key, buf_str(&key));
    sink->group = outbox->groups_len++;
}

struct outbox *outbox_open(const struct plan *plan, const struct outbox_options *options,
                           struct error *err)
{
    struct outbox *outbox = heap_new(sizeof(*outbox));
    outbox->plan = plan;
    outbox->options = *options;
    outbox->sinks_len = plan->sinks_len;
    outbox->sinks = ARENA_ARRAY(&outbox->arena, struct outbox_sink, plan->sinks_len);
    outbox->groups = ARENA_ARRAY(&outbox->arena, struct outbox_group, plan->sinks_len);
    pthread_mutex_init(&outbox->mutex, NULL);
    pthread_cond_init(&outbox->changed, NULL);
    for (size_t s = 0; s < plan->sinks_len; s++) {
        outbox->sinks[s].plan = &plan->sinks[s];
        if (!plan->sinks[s].is_enabled)
            continue;
        if (!open_sink(outbox, s, err)) {
            outbox_close(outbox);
            return NULL;
        }
        join_group(outbox, &outbox->sinks[s]);
    }
    return outbox;
}

void outbox_close(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    outbox_workers_stop(outbox);
    for (size_t g = 0; g < outbox->groups_len; g++) {
        struct outbox_group *group = &outbox->groups[g];
        for (struct outbox_delivery *next; group->first != NULL; group->first = next) {
            next = group->first->next;
            outbox_delivery_free(outbox, group->first);
        }
        if (group->decided != NULL)
            outbox_delivery_free(outbox, group->decided);
        buf_clear(&group->key);
    }
    for (size_t s = 0; s < outbox->sinks_len; s++) {
        segment_list_clear(&outbox->sinks[s].fresh);
        segment_list_clear(&outbox->sinks[s].pending);
        if (outbox->sinks[s].sink != NULL)
            outbox->sinks[s].plan->type->close(outbox->sinks[s].sink);
    }
    pthread_mutex_destroy(&outbox->mutex);
    pthread_cond_destroy(&outbox->changed);
    arena_clear(&outbox->arena);
    heap_free(outbox);
}

// ---- Pending rows and decisions
// ------------------------------------------------------------------
static void count_pending(struct outbox *outbox, struct outbox_sink *sink,
                          const struct segment *segment)
{
    if (sink->pending_rows == 0)
        sink->pending_since_us = clock_now_us(outbox->options.clock);
    sink->pending_rows += segment->rows;
    sink->pending_bytes += (int64_t)segment->len;
    outbox->bytes += (int64_t)segment->len;
}

void outbox_add(struct outbox *outbox, size_t index, struct segment_list *rows)
{
    struct outbox_sink *sink = &outbox->sinks[index];
    for (size_t i = 0; i < rows->len; i++) {
        count_pending(outbox, sink, rows->list[i]);
        sink->rows_added += rows->list[i]->rows;
    }
    segment_list_move(&sink->fresh, rows);
}

bool outbox_has_rows(const struct outbox *outbox)
{
    for (size_t s = 0; s < outbox->sinks_len; s++)
        if (outbox->sinks[s].fresh.len > 0)
            return true;
    return false;
}

static bool wants_delivery(const struct outbox *outbox, const struct outbox_sink *sink, bool is_end)
{
    if (sink->sink == NULL || sink->pending_rows == 0)
        return false;
    if (is_end || sink->plan->type->should_deliver == NULL)
        return true;
    struct pending pending = {
        .rows = sink->pending_rows,
        .bytes = sink->pending_bytes,
        .age_us = clock_now_us(outbox->options.clock) - sink->pending_since_us,
        .is_end = is_end,
        .is_closed = sink->is_closed,
    };
    return sink->plan->type->should_deliver(sink->sink, &pending);
}

// All pending rows of the group's sinks become its delivery for `epoch`.
static void decide(struct outbox *outbox, struct outbox_group *group, uint64_t epoch, bool is_end)
{
    struct outbox_delivery *delivery = heap_new(sizeof(*delivery));
    delivery->epoch = epoch;
    delivery->previous_epoch = group->last_decided;
    delivery->is_end = is_end;
    delivery->rows = heap_array(outbox->sinks_len, sizeof(*delivery->rows));
    for (size_t s = 0; s < outbox->sinks_len; s++) {
        struct outbox_sink *sink = &outbox->sinks[s];
        if (sink->sink == NULL || sink->group != group->index)
            continue;
        delivery->bytes += sink->pending_bytes;
        segment_list_move(&delivery->rows[s], &sink->pending);
        sink->pending_rows = sink->pending_bytes = 0;
    }
    ASSERT(group->decided == NULL);
    group->decided = delivery;
    group->last_decided = epoch;
}

// What the ledger of this record shall say. Mutex held.
static void take_snapshot(struct outbox *outbox)
{
    for (size_t s = 0; s < outbox->sinks_len; s++) {
        struct outbox_sink *sink = &outbox->sinks[s];
        if (sink->sink == NULL)
            continue;
        const struct outbox_group *group = &outbox->groups[sink->group];
        sink->snapshot.added += sink->rows_added;
        sink->snapshot.delivered += sink->rows_delivered;
        sink->rows_added = sink->rows_delivered = 0;
        sink->snapshot.waiting = sink->pending_rows;
        for (const struct outbox_delivery *d = group->first; d != NULL; d = d->next)
            sink->snapshot.waiting += segment_list_rows(&d->rows[s]);
        if (group->decided != NULL)
            sink->snapshot.waiting += segment_list_rows(&group->decided->rows[s]);
    }
}

struct outbox_counts outbox_counts(struct outbox *outbox, size_t index)
{
    struct outbox_sink *sink = &outbox->sinks[index];
    struct outbox_counts counts = sink->snapshot;
    sink->snapshot.added = sink->snapshot.delivered = 0;
    return counts;
}

bool outbox_is_due(const struct outbox *outbox)
{
    for (size_t s = 0; s < outbox->sinks_len; s++)
        if (outbox->sinks[s].fresh.len == 0 && wants_delivery(outbox, &outbox->sinks[s], false))
            return true;
    return false;
}

static void encode_segments(const struct segment_list *segments, struct buf *out)
{
    buf_add_u32(out, (uint32_t)segments->len);
    for (size_t i = 0; i < segments->len; i++)
        buf_add_bytes(out, (struct str){segments->list[i]->bytes, segments->list[i]->len});
}

void outbox_encode_epoch(struct outbox *outbox, uint64_t epoch, bool is_end, struct buf *frame)
{
    bool *decided = heap_array(outbox->groups_len + 1, sizeof(*decided));
    pthread_mutex_lock(&outbox->mutex);
    for (size_t s = 0; s < outbox->sinks_len; s++)
        if (wants_delivery(outbox, &outbox->sinks[s], is_end))
            decided[outbox->sinks[s].group] = true;
    buf_add_u32(frame, (uint32_t)outbox->sinks_len);
    for (size_t s = 0; s < outbox->sinks_len; s++) {
        struct outbox_sink *sink = &outbox->sinks[s];
        const struct outbox_group *group = &outbox->groups[sink->group];
        bool is_open = sink->sink != NULL;
        buf_add_bytes(frame, sink->plan->name);
        buf_add_u64(frame, is_open ? group->delivered : 0);
        buf_add_u8(frame, is_open && decided[sink->group] ? (is_end ? 2 : 1) : 0);
        encode_segments(&sink->fresh, frame);
        segment_list_move(&sink->pending, &sink->fresh);
    }
    for (size_t g = 0; g < outbox->groups_len; g++)
        if (decided[g])
            decide(outbox, &outbox->groups[g], epoch, is_end);
    take_snapshot(outbox);
    pthread_mutex_unlock(&outbox->mutex);
    heap_free(decided);
}

static void release(struct outbox_group *group)
{
    struct outbox_delivery *delivery = group->decided;
    group->decided = NULL;
    if (group->last != NULL)
        group->last->next = delivery;
    else
        group->first = delivery;
    group->last = delivery;
}

// Tests deliver right here, so that a failpoint fails the call and nothing runs beside it.
static bool deliver_now(struct outbox_group *group, struct error *err)
{
    while (group->first != NULL) {
        if (!outbox_deliver(group, group->first, err))
            return false;
        outbox_settle(group);
    }
    return true;
}

bool outbox_release(struct outbox *outbox, struct error *err)
{
    bool ok = true;
    pthread_mutex_lock(&outbox->mutex);
    for (size_t g = 0; g < outbox->groups_len; g++)
        if (outbox->groups[g].decided != NULL)
            release(&outbox->groups[g]);
    for (size_t g = 0; ok && outbox->options.is_synchronous && g < outbox->groups_len; g++)
        ok = deliver_now(&outbox->groups[g], err);
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mutex);
    return ok;
}

// ---- Journal
// -------------------------------------------------------------------------------------
void outbox_encode_base(struct outbox *outbox, struct buf *base)
{
    pthread_mutex_lock(&outbox->mutex);
    buf_add_u32(base, (uint32_t)outbox->sinks_len);
    for (size_t s = 0; s < outbox->sinks_len; s++) {
        struct outbox_sink *sink = &outbox->sinks[s];
        const struct outbox_group *group = &outbox->groups[sink->group];
        bool is_open = sink->sink != NULL;
        buf_add_bytes(base, sink->plan->name);
        buf_add_u64(base, is_open ? group->delivered : 0);
        buf_add_u8(base, 0);
        uint32_t deliveries = 0;
        for (struct outbox_delivery *d = is_open ? group->first : NULL; d != NULL; d = d->next)
            deliveries++;
        buf_add_u32(base, deliveries);
        for (struct outbox_delivery *d = is_open ? group->first : NULL; d != NULL; d = d->next) {
            buf_add_u64(base, d->epoch);
            buf_add_u64(base, d->previous_epoch);
            buf_add_u8(base, d->is_end);
            encode_segments(&d->rows[s], base);
        }
        encode_segments(&sink->pending, base);
    }
    take_snapshot(outbox);
    pthread_mutex_unlock(&outbox->mutex);
}

static bool load_segments(struct outbox *outbox, struct outbox_sink *sink, struct reader *reader,
                          struct segment_list *into, struct str name, struct error *err)
{
    uint32_t len = reader_u32(reader);
    for (uint32_t i = 0; i < len && !reader->bad; i++) {
        struct str bytes = reader_bytes(reader);
        if (sink == NULL)
            return error_set(
                err, ERROR_USER,
                "the checkpoint holds undelivered rows for sink %.*s, which the pipeline "
                "no longer has; put it back until they are delivered",
                STR_ARGS(name));
        struct segment *segment =
            segment_open(bytes, true, sink->plan->columns, sink->plan->columns_len, err);
        if (segment == NULL)
            return error_wrap(err, "sink %.*s: rows in the checkpoint", STR_ARGS(name));
        outbox->bytes += (int64_t)segment->len;
        segment_list_add(into, segment);
    }
    return true;
}

static struct outbox_delivery *find_delivery(struct outbox *outbox, struct outbox_group *group,
                                             uint64_t epoch, uint64_t previous, bool is_end)
{
    for (struct outbox_delivery *d = group->first; d != NULL; d = d->next)
        if (d->epoch == epoch)
            return d;
    decide(outbox, group, epoch, is_end); // makes an empty one: nothing is pending yet
    group->decided->previous_epoch = previous;
    release(group);
    return group->last;
}

static void drop_delivered(struct outbox *outbox, struct outbox_group *group, uint64_t delivered)
{
    if (delivered > group->delivered)
        group->delivered = delivered;
    while (group->first != NULL && group->first->epoch <= delivered) {
        struct outbox_delivery *next = group->first->next;
        outbox->bytes -= group->first->bytes;
        outbox_delivery_free(outbox, group->first);
        group->first = next;
        if (next == NULL)
            group->last = NULL;
    }
    if (group->last_decided < delivered)
        group->last_decided = delivered;
}

static bool load_deliveries(struct outbox *outbox, struct outbox_sink *sink, struct reader *reader,
                            struct str name, struct error *err)
{
    uint32_t deliveries = reader_u32(reader);
    for (uint32_t d = 0; d < deliveries && !reader->bad; d++) {
        uint64_t epoch = reader_u64(reader), previous = reader_u64(reader);
        bool is_end = reader_u8(reader) != 0;
        struct segment_list none = {0}, *into = &none;
        struct outbox_delivery *delivery = NULL;
        if (sink != NULL) {
            delivery = find_delivery(outbox, &outbox->groups[sink->group], epoch, previous, is_end);
            into = &delivery->rows[sink - outbox->sinks];
        }
        if (!load_segments(outbox, sink, reader, into, name, err))
            return false;
        for (size_t i = 0; delivery != NULL && i < into->len; i++)
            delivery->bytes += (int64_t)into->list[i]->len;
    }
    return true;
}

static struct outbox_sink *sink_named(struct outbox *outbox, struct str name)
{
    for (size_t s = 0; s < outbox->sinks_len; s++)
        if (str_equal(outbox->sinks[s].plan->name, name) && outbox->sinks[s].sink != NULL)
            return &outbox->sinks[s];
    return NULL;
}

bool outbox_load(struct outbox *outbox, struct reader *reader, uint64_t epoch, bool is_base,
                 struct error *err)
{
    uint32_t sinks = reader_u32(reader);
    uint8_t *decided = heap_array(outbox->groups_len + 1, 1);
    bool ok = true;
    for (uint32_t s = 0; ok && s < sinks && !reader->bad; s++) {
        struct str name = reader_bytes(reader);
        uint64_t delivered = reader_u64(reader);
        uint8_t decision = reader_u8(reader);
        struct outbox_sink *sink = sink_named(outbox, name);
        struct segment_list fresh = {0};
        if (is_base)
            ok = load_deliveries(outbox, sink, reader, name, err);
        ok = ok && load_segments(outbox, sink, reader, &fresh, name, err);
        for (size_t i = 0; ok && i < fresh.len; i++) {
            outbox->bytes -= (int64_t)fresh.list[i]->len; // counted again as pending
            count_pending(outbox, sink, fresh.list[i]);
        }
        if (sink != NULL) {
            segment_list_move(&sink->pending, &fresh);
            drop_delivered(outbox, &outbox->groups[sink->group], delivered);
            if (decision > decided[sink->group])
                decided[sink->group] = decision;
        }
        segment_list_clear(&fresh);
    }
    for (size_t g = 0; ok && g < outbox->groups_len; g++) {
        if (decided[g] == 0)
            continue;
        decide(outbox, &outbox->groups[g], epoch, decided[g] == 2);
        release(&outbox->groups[g]);
    }
    heap_free(decided);
    return ok;
}

// ---- Running
// -------------------------------------------------------------------------------------
bool outbox_start(struct outbox *outbox, uint64_t epoch, struct error *err)
{
    for (size_t s = 0; s < outbox->sinks_len; s++) {
        struct outbox_sink *sink = &outbox->sinks[s];
        if (sink->sink == NULL || sink->plan->type->recover == NULL)
            continue;
        uint64_t remembered = 0;
        if (!sink->plan->type->recover(sink->sink, &remembered, err))
            return error_wrap(err, "sink %.*s", STR_ARGS(sink->plan->name));
        if (remembered > epoch && outbox->options.execution != EXECUTION_BATCH)
            return error_set_exit(
                err, ERROR_FATAL, EXIT_REFUSED,
                "sink %.*s already holds epoch %llu, but the checkpoint ends at epoch %llu: the "
                "checkpoint is older than the sink; going on would write rows twice. Restore the "
                "newer "
                "checkpoint, or accept with: firesteel state adopt",
                STR_ARGS(sink->plan->name), (unsigned long long)remembered,
                (unsigned long long)epoch);
    }
    if (!outbox->options.is_synchronous)
        outbox_workers_start(outbox);
    return outbox_release(outbox, err);
}

bool outbox_finish(struct outbox *outbox, struct error *err)
{
    for (size_t s = 0; s < outbox->sinks_len; s++) {
        struct outbox_sink *sink = &outbox->sinks[s];
        if (sink->sink != NULL && sink->plan->type->finish != NULL &&
            !sink->plan->type->finish(sink->sink, err))
            return error_wrap(err, "sink %.*s", STR_ARGS(sink->plan->name));
    }
    return true;
}

int64_t outbox_fresh_bytes(const struct outbox *outbox)
{
    int64_t bytes = 0;
    for (size_t s = 0; s < outbox->sinks_len; s++)
        for (size_t i = 0; i < outbox->sinks[s].fresh.len; i++)
            bytes += (int64_t)outbox->sinks[s].fresh.list[i]->len;
    return bytes;
}

int64_t outbox_bytes(const struct outbox *outbox)
{
    return outbox->bytes;
}
