// SPDX-License-Identifier: MIT
// Reading ahead: a thread a source fills batches and puts them into one bounded queue. The number
// of slots bounds memory: a reader without an empty slot waits (back pressure). A connector is
// called only from its reader thread; what the job thread wants from it (acknowledge) is left as a
// note.
#include "base/log.h"
#include "engine/job_state.h"

#define SLOTS_PER_SOURCE 2
#define BATCH_BYTES_MAX (32 << 20)
#define IDLE_PAUSE_US (2 * US_PER_MS)
#define ENDS_PAUSE_US (500 * US_PER_MS)
#define BACKOFF_FIRST_US (100 * US_PER_MS)
#define BACKOFF_MAX_US (5 * US_PER_SECOND)

struct reader_thread {
    pthread_t thread;
    bool is_running;
    struct queue *empty;
    _Atomic bool stop, failed, degraded;
    struct error error;
    char trouble[ERROR_TEXT_MAX]; // what was last said about being degraded
    pthread_mutex_t lock;         // guards what follows
    struct partition *announced;  // partitions the job thread has not yet adopted
    size_t announced_len, announced_total;
    struct partition *acknowledged;
    size_t acknowledged_len;
    int64_t *ends; // of the logs, as the connector knew them lately
    size_t ends_len;
    int64_t ends_us; // when they were asked for
};

static size_t rows_max(const struct job *job)
{
    return (size_t)job->plan->settings.trigger_rows * job->lanes_len;
}

// New partitions, as the connector lists them now. Reader thread.
static void announce(struct job_source *source)
{
    struct reader_thread *reader = source->reader;
    const struct partition *partitions;
    size_t len;
    struct error error = {0};
    if (!source->plan->type->list(source->source, &partitions, &len, &error))
        return;
    pthread_mutex_lock(&reader->lock);
    if (len > reader->announced_total) {
        size_t fresh = len - reader->announced_total;
        reader->announced = heap_resize(reader->announced, (reader->announced_len + fresh) *
                                                               sizeof(*reader->announced));
        memcpy(reader->announced + reader->announced_len, partitions + reader->announced_total,
               fresh * sizeof(*partitions));
        reader->announced_len += fresh;
        reader->announced_total = len;
    }
    pthread_mutex_unlock(&reader->lock);
}

static void add_partition(struct job_source *source, const struct partition *partition)
{
    struct job *job = source->job;
    pthread_mutex_lock(&job->partitions_mutex);
    if (source->partitions_len == source->partitions_capacity) {
        size_t capacity = source->partitions_capacity > 0 ? source->partitions_capacity * 2 : 16;
        source->partitions =
            heap_resize(source->partitions, capacity * sizeof(*source->partitions));
        source->position_changed = heap_resize(source->position_changed, capacity);
        source->watermark_numbers =
            heap_resize(source->watermark_numbers, capacity * sizeof(uint32_t));
        source->partitions_capacity = capacity;
    }
    size_t index = source->partitions_len++;
    source->partitions[index] = *partition;
    source->partitions[index].name = arena_str(&job->arena, partition->name);
    source->partitions[index].mark = arena_str(&job->arena, partition->mark);
    source->position_changed[index] = true;
    source->watermark_numbers[index] = 0;
    if (source->watermark != NULL)
        source->watermark_numbers[index] = (uint32_t)watermark_partition(
            source->watermark, partition->name, clock_now_us(job->clock));
    pthread_mutex_unlock(&job->partitions_mutex);
}

void source_adopt_partitions(struct job_source *source)
{
    struct reader_thread *reader = source->reader;
    if (reader == NULL) {
        const struct partition *partitions;
        size_t len;
        struct error error = {0};
        if (source->plan->type->list(source->source, &partitions, &len, &error))
            for (size_t p = source->partitions_len; p < len; p++)
                add_partition(source, &partitions[p]);
        return;
    }
    pthread_mutex_lock(&reader->lock);
    for (size_t p = 0; p < reader->announced_len; p++)
        add_partition(source, &reader->announced[p]);
    reader->announced_len = 0;
    pthread_mutex_unlock(&reader->lock);
}

void source_restore_partition(struct job_source *source, const struct partition *partition)
{
    for (size_t p = 0; p < source->partitions_len; p++) {
        struct partition *own = &source->partitions[p];
        if (!str_equal(own->name, partition->name))
            continue;
        own->offset = partition->offset;
        own->line = partition->line;
        own->is_done = partition->is_done;
        own->mark = arena_str(&source->job->arena, partition->mark);
        return;
    }
    add_partition(source, partition);
}

static void pass_acknowledged(struct job_source *source)
{
    struct reader_thread *reader = source->reader;
    pthread_mutex_lock(&reader->lock);
    struct partition *partitions = reader->acknowledged;
    size_t len = reader->acknowledged_len;
    reader->acknowledged = NULL;
    pthread_mutex_unlock(&reader->lock);
    if (partitions == NULL)
        return;
    struct error error = {0};
    if (!source->plan->type->acknowledge(source->source, partitions, len, &error))
        log_warn("source %.*s: cannot acknowledge: %s", STR_ARGS(source->plan->name), error.text);
    heap_free(partitions);
}

void source_note_positions(struct job_source *source)
{
    if (source->plan->type->acknowledge == NULL || source->reader == NULL)
        return;
    heap_free(source->noted);
    source->noted_len = source->partitions_len;
    source->noted = heap_array(source->noted_len + 1, sizeof(*source->noted));
    if (source->noted_len > 0)
        memcpy(source->noted, source->partitions, source->noted_len * sizeof(*source->noted));
}

void source_acknowledge(struct job_source *source)
{
    struct reader_thread *reader = source->reader;
    if (reader == NULL || source->noted == NULL)
        return;
    pthread_mutex_lock(&reader->lock);
    heap_free(reader->acknowledged);
    reader->acknowledged = source->noted;
    reader->acknowledged_len = source->noted_len;
    pthread_mutex_unlock(&reader->lock);
    source->noted = NULL;
}

// Where the logs end is asked for twice a second: it is for people and alerts. Reader thread.
static void learn_ends(struct job_source *source)
{
    struct reader_thread *reader = source->reader;
    int64_t now_us = clock_monotonic_us();
    const struct partition *partitions;
    size_t len;
    struct error error = {0};
    if (source->plan->type->ends == NULL || now_us - reader->ends_us < ENDS_PAUSE_US ||
        !source->plan->type->list(source->source, &partitions, &len, &error))
        return;
    reader->ends_us = now_us;
    int64_t *ends = heap_array(len + 1, sizeof(*ends));
    source->plan->type->ends(source->source, ends, len);
    pthread_mutex_lock(&reader->lock);
    heap_free(reader->ends);
    reader->ends = ends;
    reader->ends_len = len;
    pthread_mutex_unlock(&reader->lock);
}

bool source_lag(struct job_source *source, int64_t *lag)
{
    struct reader_thread *reader = source->reader;
    *lag = 0;
    if (reader == NULL || source->plan->type->ends == NULL)
        return false;
    pthread_mutex_lock(&source->job->partitions_mutex);
    pthread_mutex_lock(&reader->lock);
    bool is_known = reader->ends != NULL;
    size_t len =
        reader->ends_len < source->partitions_len ? reader->ends_len : source->partitions_len;
    for (size_t p = 0; p < reader->ends_len; p++) { // a partition the job has not met: all of it
        int64_t offset = p < len ? source->partitions[p].offset : 0;
        if (reader->ends[p] > offset)
            *lag += reader->ends[p] - offset;
    }
    pthread_mutex_unlock(&reader->lock);
    pthread_mutex_unlock(&source->job->partitions_mutex);
    return is_known;
}

// One call into the connector; errors that pass are retried with back-off. False: this thread ends.
static bool fill(struct job_source *source, struct batch *batch, enum read_state *state)
{
    struct reader_thread *reader = source->reader;
    int64_t backoff_us = BACKOFF_FIRST_US;
    while (!reader->stop) {
        struct error error = {0};
        batch_reset(batch);
        if (source->plan->type->read(source->source, batch, rows_max(source->job), BATCH_BYTES_MAX,
                                     state, &error)) {
            if (reader->degraded)
                log_info("source %.*s: goes on", STR_ARGS(source->plan->name));
            reader->degraded = false;
            return true;
        }
        if (error.kind != ERROR_RETRY) {
            reader->error = error;
            reader->failed = true;
            return false;
        }
        if (!reader->degraded || strcmp(reader->trouble, error.text) != 0)
            log_warn("source %.*s: %s; trying again", STR_ARGS(source->plan->name), error.text);
        memcpy(reader->trouble, error.text, sizeof(reader->trouble));
        reader->degraded = true;
        for (int64_t slept = 0; slept < backoff_us && !reader->stop; slept += IDLE_PAUSE_US)
            clock_sleep_us(IDLE_PAUSE_US);
        backoff_us = backoff_us * 2 > BACKOFF_MAX_US ? BACKOFF_MAX_US : backoff_us * 2;
    }
    return false;
}

static void *reader_main(void *argument)
{
    struct job_source *source = argument;
    struct reader_thread *reader = source->reader;
    bool ended = false;
    while (!reader->stop && !ended) {
        struct batch_slot *slot = queue_take(reader->empty, 100 * US_PER_MS);
        pass_acknowledged(source);
        if (slot == NULL)
            continue;
        enum read_state state = READ_IDLE;
        if (!fill(source, slot->batch, &state)) {
            queue_put(reader->empty, slot);
            break;
        }
        ended = state == READ_END;
        learn_ends(source);
        bool has_news =
            slot->batch->rows > 0 || slot->batch->chunks_len > 0 || slot->batch->positions_len > 0;
        if (!has_news && !ended) {
            queue_put(reader->empty, slot);
            clock_sleep_us(IDLE_PAUSE_US);
            continue;
        }
        if (slot->batch->arrival_us == 0)
            slot->batch->arrival_us = clock_monotonic_us();
        slot->is_last = ended;
        announce(source);
        if (!queue_put(source->job->filled, slot))
            queue_put(reader->empty, slot);
    }
    while (!reader->stop && !reader->failed) { // the last rows become durable after the end
        pass_acknowledged(source);
        clock_sleep_us(10 * US_PER_MS);
    }
    pass_acknowledged(source);
    return NULL;
}

bool readers_start(struct job *job, struct error *err)
{
    job->filled = queue_new(job->plan->sources_len * SLOTS_PER_SOURCE + 2);
    (void)err;
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        struct job_source *source = &job->sources[s];
        if (source->source == NULL)
            continue;
        struct reader_thread *reader = heap_new(sizeof(*reader));
        pthread_mutex_init(&reader->lock, NULL);
        reader->announced_total = source->partitions_len;
        reader->empty = queue_new(SLOTS_PER_SOURCE);
        for (size_t i = 0; i < SLOTS_PER_SOURCE; i++) {
            struct batch_slot *slot = heap_new(sizeof(*slot));
            slot->source = source;
            slot->batch = batch_new();
            queue_put(reader->empty, slot);
        }
        source->reader = reader;
        reader->is_running = pthread_create(&reader->thread, NULL, reader_main, source) == 0;
        ASSERT(reader->is_running);
        pthread_setname_np(reader->thread, "read");
    }
    return true;
}

static void slot_free(struct batch_slot *slot)
{
    batch_free(slot->batch);
    heap_free(slot);
}

void readers_stop(struct job *job)
{
    if (job->filled == NULL)
        return;
    for (size_t s = 0; s < job->plan->sources_len; s++)
        if (job->sources[s].reader != NULL)
            job->sources[s].reader->stop = true;
    queue_close(job->filled);
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        struct reader_thread *reader = job->sources[s].reader;
        if (reader == NULL)
            continue;
        pthread_join(reader->thread, NULL);
        queue_close(reader->empty);
        for (struct batch_slot *slot; (slot = queue_take(reader->empty, 0)) != NULL;)
            slot_free(slot);
        queue_free(reader->empty);
        pthread_mutex_destroy(&reader->lock);
        heap_free(reader->announced);
        heap_free(reader->acknowledged);
        heap_free(reader->ends);
        heap_free(reader);
        job->sources[s].reader = NULL;
    }
    for (struct batch_slot *slot; (slot = queue_take(job->filled, 0)) != NULL;)
        if (slot != &job->bell)
            slot_free(slot);
    queue_free(job->filled);
    job->filled = NULL;
}

struct batch_slot *readers_take(struct job *job, int64_t timeout_us)
{
    return queue_take(job->filled, timeout_us);
}

void readers_give_back(struct job *job, struct batch_slot *slot)
{
    (void)job;
    slot->is_last = false;
    if (!queue_put(slot->source->reader->empty, slot))
        slot_free(slot);
}

bool readers_failed(struct job *job, struct error *err)
{
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        struct reader_thread *reader = job->sources[s].reader;
        if (reader == NULL || !reader->failed)
            continue;
        *err = reader->error;
        error_wrap(err, "source %.*s", STR_ARGS(job->sources[s].plan->name));
        return true;
    }
    return false;
}

bool readers_degraded(const struct job *job)
{
    for (size_t s = 0; s < job->plan->sources_len; s++)
        if (job->sources[s].reader != NULL && job->sources[s].reader->degraded)
            return true;
    return false;
}

bool source_read_now(struct job_source *source, struct batch *batch, size_t rows,
                     enum read_state *state, struct error *err)
{
    batch_reset(batch);
    return source->plan->type->read(source->source, batch, rows, BATCH_BYTES_MAX, state, err);
}
