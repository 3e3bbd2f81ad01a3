// SPDX-License-Identifier: MIT
// The topic is looked up first, so that a user without the right to make topics can fill one; it is
// made by the admin interface and not by the broker's own making on first use, which would give it
// the broker's number of partitions.
#include "connectors/kafka/producer_topic.h"

#include "base/base.h"
#include "base/clock.h"

#define ANSWER_MS 10000
#define APPEAR_MAX_US (15 * US_PER_SECOND)

// 0 partitions: not there. The list of all topics is asked for: naming one may make it.
static bool partitions_count(struct kafka_client *client, const char *topic, int32_t *found,
                             struct error *err)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client->handle, 1, NULL, &metadata, ANSWER_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_poll(client->handle, 0); // takes in why
        return kafka_fail(client, code, NULL, err, "looking for topic %s", topic);
    }
    kafka_client_is_well(client);
    *found = 0;
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (str_is(str_of(metadata->topics[i].topic), topic) &&
            metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            *found = metadata->topics[i].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return true;
}

// The code of the one topic that was asked for; *text lives as long as the event.
static rd_kafka_resp_err_t answer_read(rd_kafka_event_t *event, const char **text)
{
    *text = NULL;
    if (event == NULL)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    size_t len = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &len);
    if (len == 0)
        return RD_KAFKA_RESP_ERR_UNKNOWN;
    *text = rd_kafka_topic_result_error_string(results[0]);
    return rd_kafka_topic_result_error(results[0]);
}

static bool topic_create(struct kafka_client *client, const char *topic, int64_t partitions,
                         struct error *err)
{
    char text[512];
    // -1: the broker's own number of replicas
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, (int)partitions, -1, text, sizeof(text));
    if (wanted == NULL)
        return error_set(err, ERROR_USER, "kafka: making topic %s with %lld partitions: %s", topic,
                         (long long)partitions, text);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->handle);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client->handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_MS, text, sizeof(text));
    rd_kafka_CreateTopics(client->handle, &wanted, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ANSWER_MS + 1000);
    const char *reason;
    rd_kafka_resp_err_t code = answer_read(event, &reason);
    // Somebody else may have been quicker.
    bool is_made = code == RD_KAFKA_RESP_ERR_NO_ERROR ||
                   code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ||
                   kafka_fail(client, code, reason, err, "topic %s is not there; making it", topic);
    if (!is_made)
        err->kind = kafka_error_kind(code);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(wanted);
    rd_kafka_queue_destroy(queue);
    return is_made;
}

bool producer_topic_make(struct kafka_client *client, const char *topic, int64_t partitions,
                         int32_t *found, struct error *err)
{
    if (!partitions_count(client, topic, found, err))
        return false;
    if (*found > 0)
        return true;
    if (!topic_create(client, topic, partitions, err))
        return false;
    int64_t until = clock_monotonic_us() + APPEAR_MAX_US;
    while (*found == 0 && clock_monotonic_us() < until) {
        clock_sleep_us(20 * US_PER_MS);
        if (!partitions_count(client, topic, found, err))
            return false;
    }
    return *found > 0 ||
           error_set(err, ERROR_RETRY, "kafka: topic %s was made and does not appear", topic);
}
