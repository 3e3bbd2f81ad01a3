// SPDX-License-Identifier: MIT
// A source's watermark. Rules, in the words of docs/sql.md and decided here where they left a
// choice:
// - Rows move their partition's maximum, except event times beyond the wall clock plus the allowed
//   skew (and infinity): one broken clock must not close everybody's windows. Those are counted.
// - watermark = min over active partitions of their maximum, less the delay; it never goes back. An
//   active partition that has no row yet holds it where it is.
// - A partition is idle when its position is the end of its log and nothing came for the timeout,
//   counted from its last row or from when it was first seen. With --once the end is enough, and a
//   partition that is done (a whole file) needs no waiting either. Rows that came since the last
//   advance make a partition active for one advance in any case, so that the last rows of a file
//   still count.
// - All idle: the watermark stays. All done: nothing can come any more from any of them, and the
//   largest maximum decides, whatever the order in which they were read.
#include "engine/watermark.h"
#include "base/clock.h"
#include "base/hash.h"
#include <inttypes.h>

struct partition_time {
    struct str name;
    int64_t max_us;
    int64_t waiting_since_us; // wall clock of the last row, or of the first sight
    bool is_end, is_done;
    bool is_fresh;   // rows since the last advance
    bool is_changed; // since the last encode
};

struct watermark {
    struct watermark_options options;
    struct arena names;
    struct partition_time *partitions;
    size_t len, capacity;
    uint32_t *slots; // name -> number + 1; open addressing
    size_t slots_len;
    int64_t now_us; // the watermark
    int64_t future_rows;
};

struct watermark *watermark_new(struct watermark_options options)
{
    struct watermark *watermark = heap_new(sizeof(*watermark));
    watermark->options = options;
    watermark->now_us = TIME_MIN_US;
    return watermark;
}

void watermark_free(struct watermark *watermark)
{
    if (watermark == NULL)
        return;
    arena_clear(&watermark->names);
    heap_free(watermark->partitions);
    heap_free(watermark->slots);
    heap_free(watermark);
}

static size_t find_slot(const struct watermark *watermark, struct str name)
{
    size_t mask = watermark->slots_len - 1;
    size_t at = (size_t)hash64_bytes(name.ptr, name.len) & mask;
    while (watermark->slots[at] != 0 &&
           !str_equal(watermark->partitions[watermark->slots[at] - 1].name, name))
        at = (at + 1) & mask;
    return at;
}

static void grow(struct watermark *watermark)
{
    watermark->capacity = watermark->capacity == 0 ? 16 : watermark->capacity * 2;
    watermark->partitions =
        heap_resize(watermark->partitions, watermark->capacity * sizeof(*watermark->partitions));
    heap_free(watermark->slots);
    watermark->slots_len = watermark->capacity * 2;
    watermark->slots = heap_array(watermark->slots_len, sizeof(*watermark->slots));
    for (size_t i = 0; i < watermark->len; i++)
        watermark->slots[find_slot(watermark, watermark->partitions[i].name)] = (uint32_t)i + 1;
}

size_t watermark_partition(struct watermark *watermark, struct str name, int64_t now_us)
{
    if (watermark->len == watermark->capacity)
        grow(watermark);
    size_t slot = find_slot(watermark, name);
    if (watermark->slots[slot] != 0)
        return watermark->slots[slot] - 1;
    size_t number = watermark->len++;
    watermark->slots[slot] = (uint32_t)number + 1;
    watermark->partitions[number] = (struct partition_time){
        .name = arena_str(&watermark->names, name),
        .max_us = TIME_MIN_US,
        .waiting_since_us = now_us,
        .is_changed = true,
    };
    return number;
}

size_t watermark_partitions_len(const struct watermark *watermark)
{
    return watermark->len;
}

void watermark_tally_clear(struct watermark_tally *tally)
{
    heap_free(tally->max_us);
    heap_free(tally->rows);
    *tally = (struct watermark_tally){0};
}

static void tally_reserve(struct watermark_tally *tally, size_t len)
{
    if (len > tally->capacity) {
        tally->capacity = len < 16 ? 16 : len * 2;
        tally->max_us = heap_resize(tally->max_us, tally->capacity * sizeof(int64_t));
        tally->rows = heap_resize(tally->rows, tally->capacity * sizeof(int64_t));
    }
    for (; tally->len < len; tally->len++) {
        tally->max_us[tally->len] = TIME_MIN_US;
        tally->rows[tally->len] = 0;
    }
}

int64_t watermark_limit_us(const struct watermark *watermark, int64_t now_us)
{
    int64_t skew = watermark->options.future_skew_us;
    if (skew < 0 || now_us > TIME_MAX_US - 1 - skew)
        return TIME_MAX_US - 1; // infinity is no time that ever comes
    return now_us + skew;
}

void watermark_tally_add(struct watermark_tally *tally, const struct rows_part *part,
                         const struct vector *times, const uint32_t *partitions, uint32_t partition,
                         const uint8_t *skip, int64_t limit_us)
{
    const int64_t *time_us = times->data;
    if (partitions == NULL)
        tally_reserve(tally, partition + (size_t)1);
    for (size_t i = 0; i < part->count; i++) {
        if (skip != NULL && skip[i] != 0)
            continue;
        size_t row = rows_part_row(part, i);
        if (partitions != NULL) {
            partition = partitions[row];
            if (UNLIKELY(partition >= tally->len))
                tally_reserve(tally, partition + (size_t)1);
        }
        tally->rows[partition]++;
        if (UNLIKELY(vector_is_null(times, row)))
            continue;
        int64_t time = time_us[row];
        if (UNLIKELY(time > limit_us))
            tally->future_rows++;
        else if (time > tally->max_us[partition])
            tally->max_us[partition] = time;
    }
}

void watermark_observe(struct watermark *watermark, struct watermark_tally *tally, int64_t now_us)
{
    ASSERT(tally->len <= watermark->len);
    for (size_t i = 0; i < tally->len; i++) {
        if (tally->rows[i] == 0)
            continue;
        struct partition_time *partition = &watermark->partitions[i];
        partition->is_fresh = true;
        partition->waiting_since_us = now_us;
        if (tally->max_us[i] > partition->max_us) {
            partition->max_us = tally->max_us[i];
            partition->is_changed = true;
        }
        tally->rows[i] = 0;
        tally->max_us[i] = TIME_MIN_US;
    }
    watermark->future_rows += tally->future_rows;
    tally->future_rows = 0;
}

void watermark_position(struct watermark *watermark, size_t partition, bool is_end, bool is_done)
{
    ASSERT(partition < watermark->len);
    struct partition_time *time = &watermark->partitions[partition];
    time->is_end = is_end || is_done;
    if (time->is_done != is_done)
        time->is_changed = true;
    time->is_done = is_done;
}

bool watermark_is_idle(const struct watermark *watermark, size_t partition, int64_t now_us)
{
    ASSERT(partition < watermark->len);
    const struct partition_time *time = &watermark->partitions[partition];
    if (time->is_fresh)
        return false;
    if (time->is_done || (watermark->options.is_once && time->is_end))
        return true;
    int64_t timeout = watermark->options.idle_timeout_us;
    return time->is_end && timeout >= 0 && now_us - time->waiting_since_us >= timeout;
}

int64_t watermark_holder(const struct watermark *watermark, int64_t now_us)
{
    int64_t holder = -1;
    for (size_t i = 0; i < watermark->len; i++)
        if (!watermark_is_idle(watermark, i, now_us) &&
            (holder < 0 || watermark->partitions[i].max_us < watermark->partitions[holder].max_us))
            holder = (int64_t)i;
    return holder;
}

// The event time that the rules name, before the delay; TIME_MIN_US: stay.
static int64_t source_time(const struct watermark *watermark, int64_t now_us)
{
    bool all_done = watermark->len > 0;
    int64_t largest = TIME_MIN_US;
    for (size_t i = 0; i < watermark->len; i++) {
        all_done = all_done && watermark->partitions[i].is_done;
        if (watermark->partitions[i].max_us > largest)
            largest = watermark->partitions[i].max_us;
    }
    if (all_done)
        return largest;
    int64_t holder = watermark_holder(watermark, now_us);
    return holder < 0 ? TIME_MIN_US : watermark->partitions[holder].max_us;
}

bool watermark_advance(struct watermark *watermark, int64_t now_us)
{
    int64_t time = source_time(watermark, now_us);
    for (size_t i = 0; i < watermark->len; i++)
        watermark->partitions[i].is_fresh = false;
    // Times near the beginning of time must not wrap around when the delay is taken off.
    if (time < TIME_MIN_US + 1 + watermark->options.delay_us ||
        time - watermark->options.delay_us <= watermark->now_us)
        return false;
    watermark->now_us = time - watermark->options.delay_us;
    return true;
}

void watermark_finish(struct watermark *watermark)
{
    watermark->now_us = TIME_MAX_US;
}

void watermark_raise(struct watermark *watermark, int64_t at_least_us)
{
    if (at_least_us > watermark->now_us)
        watermark->now_us = at_least_us;
}

int64_t watermark_us(const struct watermark *watermark)
{
    return watermark->now_us;
}

int64_t watermark_future_rows(const struct watermark *watermark)
{
    return watermark->future_rows;
}

int64_t watermark_partition_max_us(const struct watermark *watermark, size_t partition)
{
    ASSERT(partition < watermark->len);
    return watermark->partitions[partition].max_us;
}

// In words.

static void print_time(struct buf *out, int64_t time_us)
{
    char text[40];
    if (time_us == TIME_MIN_US)
        buf_print(out, "not known yet");
    else if (time_us == TIME_MAX_US)
        buf_print(out, "the end of time");
    else
        buf_print(out, "%s", time_print(time_us, 3, text));
}

void watermark_explain(const struct watermark *watermark, int64_t now_us, struct buf *out)
{
    char text[40];
    buf_print(out, "watermark: ");
    print_time(out, watermark->now_us);
    int64_t holder = watermark_holder(watermark, now_us);
    if (watermark->now_us == TIME_MAX_US)
        return;
    if (holder < 0) {
        buf_print(out, watermark->len == 0 ? "; no partition is known yet"
                                           : "; all partitions are idle, so it stays");
        return;
    }
    const struct partition_time *partition = &watermark->partitions[holder];
    buf_print(out, "; held back by %.*s, ", STR_ARGS(partition->name));
    if (partition->max_us == TIME_MIN_US) {
        buf_print(out, "which had no row yet");
    } else {
        buf_print(out, "whose newest event is of ");
        print_time(out, partition->max_us);
    }
    int64_t timeout = watermark->options.idle_timeout_us;
    if (!partition->is_end) {
        buf_print(out, "; it is not at its end");
    } else if (timeout < 0) {
        buf_print(out, "; it is at its end, and no IDLE TIMEOUT is set");
    } else {
        int64_t left = partition->waiting_since_us + timeout - now_us;
        buf_print(out, "; at its end, idle in %s", duration_print(left > 0 ? left : 0, text));
    }
}

// Encoding: i64 watermark, i64 future rows, u32 count, then name, i64 maximum, u8 done each.

void watermark_encode(struct watermark *watermark, bool all, struct buf *out)
{
    uint32_t count = 0;
    for (size_t i = 0; i < watermark->len; i++)
        count += all || watermark->partitions[i].is_changed;
    buf_add_i64(out, watermark->now_us);
    buf_add_i64(out, watermark->future_rows);
    buf_add_u32(out, count);
    for (size_t i = 0; i < watermark->len; i++) {
        struct partition_time *partition = &watermark->partitions[i];
        if (!all && !partition->is_changed)
            continue;
        partition->is_changed = false;
        buf_add_bytes(out, partition->name);
        buf_add_i64(out, partition->max_us);
        buf_add_u8(out, partition->is_done);
    }
}

bool watermark_decode(struct watermark *watermark, struct str bytes, int64_t now_us,
                      struct error *err)
{
    struct reader reader = reader_of(bytes);
    int64_t time = reader_i64(&reader), future_rows = reader_i64(&reader);
    uint32_t count = reader_u32(&reader);
    for (uint32_t i = 0; i < count && !reader.bad; i++) {
        struct str name = reader_bytes(&reader);
        int64_t max_us = reader_i64(&reader);
        uint8_t is_done = reader_u8(&reader);
        if (reader.bad || is_done > 1)
            return error_set(err, ERROR_FATAL, "watermark: entry %u of %u is damaged", i + 1,
                             count);
        size_t number = watermark_partition(watermark, name, now_us); // may move the array
        struct partition_time *partition = &watermark->partitions[number];
        if (max_us > partition->max_us)
            partition->max_us = max_us;
        partition->is_done = partition->is_end = is_done;
        partition->is_changed = false;
    }
    if (!reader_is_done(&reader))
        return error_set(err, ERROR_FATAL, "watermark: %zu bytes are damaged", bytes.len);
    if (time > watermark->now_us)
        watermark->now_us = time;
    watermark->future_rows = future_rows;
    return true;
}
