// SPDX-License-Identifier: MIT
// The words of starting_offsets are Spark's, so that a value can be carried over as it is. A
// partition that a list leaves out starts at the earliest offset: nothing is skipped silently.
#include "connectors/kafka/offsets.h"

#include "base/clock.h"
#include <jansson.h>
#include <string.h>

static bool refuse(struct str text, const char *why, struct error *err)
{
    return error_set(err, ERROR_USER,
                     "kafka: starting_offsets = '%.*s': %s; write earliest, latest, a time such as "
                     "2024-01-15T10:00:00Z, or {\"topic\":{\"0\":23,\"1\":-2}} (-2 earliest, -1 "
                     "latest)",
                     STR_ARGS(text), why);
}

static bool list_topic(struct offsets *offsets, const char *topic, json_t *partitions,
                       struct arena *arena, struct str text, struct error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(partitions))
        return refuse(text, "each topic needs an object of partitions", err);
    json_object_foreach(partitions, key, value)
    {
        int64_t partition;
        if (!str_parse_int64(str_of(key), &partition) || partition < 0 || partition > INT32_MAX)
            return refuse(text, "a partition is a number from 0", err);
        if (!json_is_integer(value) || json_integer_value(value) < OFFSET_EARLIEST)
            return refuse(text, "an offset is a whole number from 0, -1 or -2", err);
        offsets->listed[offsets->listed_len++] = (struct listed_offset){
            arena_str(arena, str_of(topic)), (int32_t)partition, json_integer_value(value)};
    }
    return true;
}

static bool list_parse(struct str text, struct arena *arena, struct offsets *offsets,
                       struct error *err)
{
    json_error_t problem;
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL || !json_is_object(root)) {
        json_decref(root);
        return refuse(text, "it is not a JSON object", err);
    }
    const char *topic;
    json_t *partitions;
    size_t room = 0;
    json_object_foreach(root, topic, partitions) room += json_object_size(partitions);
    offsets->kind = OFFSETS_LISTED;
    offsets->listed = ARENA_ARRAY(arena, struct listed_offset, room);
    bool ok = true;
    json_object_foreach(root, topic, partitions) ok =
        ok && list_topic(offsets, topic, partitions, arena, text, err);
    json_decref(root);
    return ok;
}

bool offsets_parse(struct str text, struct arena *arena, struct offsets *offsets, struct error *err)
{
    int64_t time_us, time_ms;
    *offsets = (struct offsets){0};
    text = str_trim(text);
    if (str_equal_nocase(text, STR("earliest"))) {
        offsets->kind = OFFSETS_EARLIEST;
    } else if (str_equal_nocase(text, STR("latest"))) {
        offsets->kind = OFFSETS_LATEST;
    } else if (str_starts(text, "{")) {
        return list_parse(text, arena, offsets, err);
    } else if (time_parse(text, &time_us)) {
        offsets->kind = OFFSETS_TIMESTAMP;
        offsets->timestamp_ms = time_us / US_PER_MS + (time_us % US_PER_MS > 0 ? 1 : 0);
    } else if (str_parse_int64(text, &time_ms) && time_ms >= 0) {
        offsets->kind = OFFSETS_TIMESTAMP;
        offsets->timestamp_ms = time_ms;
    } else {
        return refuse(text, "that is no place to start", err);
    }
    return true;
}

int64_t offsets_of(const struct offsets *offsets, struct str topic, int32_t partition)
{
    for (size_t i = 0; i < offsets->listed_len; i++)
        if (offsets->listed[i].partition == partition && str_equal(offsets->listed[i].topic, topic))
            return offsets->listed[i].offset;
    return OFFSET_EARLIEST;
}
