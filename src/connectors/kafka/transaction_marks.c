// SPDX-License-Identifier: MIT
// Marks are read by the admin interface. "Stable" offsets are asked for, because a transaction that
// was committed in the broker's log may not have reached the offsets yet; the answer is then
// UNSTABLE_OFFSET_COMMIT, and asking goes on for a moment.
#include "connectors/kafka/transaction_marks.h"

#include "base/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS 10000
#define UNSTABLE_MAX_US (10 * US_PER_SECOND)

void transaction_mark_add(rd_kafka_topic_partition_list_t *offsets, const char *topic,
                          uint64_t epoch, struct str checkpoint, uint64_t generation)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "%.*s %" PRIu64, STR_ARGS(checkpoint), generation);
    rd_kafka_topic_partition_t *mark = rd_kafka_topic_partition_list_add(offsets, topic, 0);
    mark->offset = (int64_t)epoch;
    // The list's owner frees it with free(): a copy made by the client itself.
    mark->metadata = strdup(text);
    mark->metadata_size = (size_t)len;
}

static bool mark_parse(const rd_kafka_topic_partition_t *offset, struct transaction_mark *mark,
                       struct arena *arena, struct error *err)
{
    *mark = (struct transaction_mark){0};
    if (offset->offset < 0)
        return true;
    struct str text = {offset->metadata, offset->metadata_size};
    int64_t space = text.ptr == NULL ? -1 : str_find(text, ' '), generation = 0;
    if (space <= 0 || !str_parse_int64(str_slice(text, (size_t)space + 1, text.len), &generation))
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "kafka: topic '%s': what is committed in its progress group is not a "
                              "mark of Firesteel's ('%.*s'): somebody else uses that group; give "
                              "the sink another transactional_id",
                              offset->topic, STR_ARGS(text));
    mark->epoch = (uint64_t)offset->offset;
    mark->generation = (uint64_t)generation;
    mark->checkpoint = arena_str(arena, str_slice(text, 0, (size_t)space));
    return true;
}

static rd_kafka_event_t *marks_ask(struct kafka_client *client, const char *group,
                                   const struct transaction_marks *marks)
{
    rd_kafka_topic_partition_list_t *wanted = rd_kafka_topic_partition_list_new((int)marks->len);
    for (size_t i = 0; i < marks->len; i++)
        rd_kafka_topic_partition_list_add(wanted, marks->topics[i], 0);
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group, wanted);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client->handle, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    char text[256];
    rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_MS, text, sizeof(text));
    rd_kafka_error_t *error = rd_kafka_AdminOptions_set_require_stable_offsets(options, 1);
    ASSERT(error == NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->handle);
    rd_kafka_ListConsumerGroupOffsets(client->handle, &request, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ANSWER_MS + 1000);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(wanted);
    return event;
}

// The first error in the answer; *offsets lives as long as the event.
static rd_kafka_resp_err_t answer_read(rd_kafka_event_t *event,
                                       const rd_kafka_topic_partition_list_t **offsets)
{
    *offsets = NULL;
    if (event == NULL)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return rd_kafka_event_error(event);
    size_t len = 0;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &len);
    if (len == 0)
        return RD_KAFKA_RESP_ERR_UNKNOWN;
    const rd_kafka_error_t *error = rd_kafka_group_result_error(groups[0]);
    if (error != NULL)
        return rd_kafka_error_code(error);
    *offsets = rd_kafka_group_result_partitions(groups[0]);
    for (int i = 0; *offsets != NULL && i < (*offsets)->cnt; i++)
        if ((*offsets)->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return (*offsets)->elems[i].err;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool answer_take(const rd_kafka_topic_partition_list_t *offsets,
                        struct transaction_marks *marks, struct arena *arena, struct error *err)
{
    for (size_t i = 0; i < marks->len; i++) {
        marks->list[i] = (struct transaction_mark){0};
        for (int k = 0; offsets != NULL && k < offsets->cnt; k++)
            if (strcmp(offsets->elems[k].topic, marks->topics[i]) == 0 &&
                !mark_parse(&offsets->elems[k], &marks->list[i], arena, err))
                return false;
    }
    return true;
}

bool transaction_marks_read(struct kafka_client *client, const char *group,
                            struct transaction_marks *marks, struct arena *arena, struct error *err)
{
    int64_t until_us = clock_monotonic_us() + UNSTABLE_MAX_US;
    for (;;) {
        const rd_kafka_topic_partition_list_t *offsets;
        rd_kafka_event_t *event = marks_ask(client, group, marks);
        rd_kafka_resp_err_t code = answer_read(event, &offsets);
        bool is_done = code == RD_KAFKA_RESP_ERR_NO_ERROR;
        bool is_good = is_done && answer_take(offsets, marks, arena, err);
        if (event != NULL)
            rd_kafka_event_destroy(event);
        if (is_done)
            return is_good;
        // A group that nobody ever committed to.
        if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
            return answer_take(NULL, marks, arena, err);
        bool is_unstable = code == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT ||
                           code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
                           code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
        if (!is_unstable || clock_monotonic_us() > until_us)
            return kafka_fail(client, code, NULL, err, "reading the progress group '%s'", group);
        clock_sleep_us(10 * US_PER_MS);
    }
}
