// SPDX-License-Identifier: MIT
// librdkafka does the work (batches, compression, sequence numbers against doubles on a retry);
// this file decides the partition, keeps the queue bounded and turns delivery reports into records.
// The partition is a hash of the payload: copies of a record stay in order behind it, and the same
// seed fills the same partitions each time.
#include "connectors/kafka/producer.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/producer_topic.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include <inttypes.h>

#define POLL_EVERY 512 // records between two looks at the reports
#define FLUSH_MAX_US (90 * US_PER_SECOND)

struct producer {
    struct kafka_client *client;
    rd_kafka_queue_t *reports;
    rd_kafka_topic_t *topics[PRODUCER_TOPICS_MAX];
    int32_t partitions[PRODUCER_TOPICS_MAX];
    int topics_len;
    int64_t sent, acknowledged;
    void (*on_acknowledged)(void *context, const struct producer_record *record);
    void *context;
    bool has_failed;
    struct error error; // of the first record that was refused
};

static void report_take(struct producer *producer, const rd_kafka_message_t *message)
{
    int64_t row = (int64_t)(intptr_t)message->_private;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (!producer->has_failed)
            kafka_fail(producer->client, message->err, NULL, &producer->error,
                       "writing record %" PRId64 " to topic %s", row,
                       rd_kafka_topic_name(message->rkt));
        producer->has_failed = true;
        return;
    }
    producer->acknowledged++;
    if (producer->on_acknowledged == NULL)
        return;
    struct producer_record record = {.row = row,
                                     .topic = rd_kafka_topic_name(message->rkt),
                                     .partition = message->partition,
                                     .offset = message->offset,
                                     .payload = {message->payload, message->len}};
    producer->on_acknowledged(producer->context, &record);
}

static void reports_take(struct producer *producer, int wait_ms)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(producer->reports, wait_ms);
    for (; event != NULL; event = rd_kafka_queue_poll(producer->reports, 0)) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR) {
            kafka_client_is_well(producer->client);
            const rd_kafka_message_t *message;
            while ((message = rd_kafka_event_message_next(event)) != NULL)
                report_take(producer, message);
        }
        rd_kafka_event_destroy(event);
    }
}

struct producer *producer_open(struct str bootstrap_servers, struct error *err)
{
    static const struct {
        const char *name, *value;
    } values[] = {
        {"client.id", "firesteel-generate"},
        {"enable.idempotence", "true"},
        {"compression.type", "lz4"},
        {"partitioner", "murmur2_random"},
        {"linger.ms", "5"},
        {"batch.size", "1000000"},
        {"batch.num.messages", "10000"},
        {"queue.buffering.max.messages", "200000"},
        {"queue.buffering.max.kbytes", "131072"},
        {"message.timeout.ms", "300000"}, // a broker that is started again may take a minute
    };
    const struct kafka_client_options options = {.bootstrap_servers = bootstrap_servers};
    rd_kafka_conf_t *conf = kafka_conf_new(&options, NULL, 0, err);
    if (conf == NULL)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(values); i++)
        kafka_conf_set(conf, values[i].name, values[i].value);
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR);
    struct producer *producer = heap_new(sizeof(*producer));
    producer->client = kafka_client_new(RD_KAFKA_PRODUCER, conf, "generate", &options, err);
    if (producer->client != NULL) {
        producer->reports = rd_kafka_queue_get_main(producer->client->handle);
        return producer;
    }
    producer_close(producer);
    return NULL;
}

int producer_topic(struct producer *producer, const char *name, int64_t partitions,
                   struct error *err)
{
    for (int i = 0; i < producer->topics_len; i++)
        if (str_is(str_of(rd_kafka_topic_name(producer->topics[i])), name))
            return i;
    ASSERT(producer->topics_len < PRODUCER_TOPICS_MAX);
    int at = producer->topics_len;
    if (!producer_topic_make(producer->client, name, partitions, &producer->partitions[at], err))
        return -1;
    producer->topics[at] = rd_kafka_topic_new(producer->client->handle, name, NULL);
    if (producer->topics[at] == NULL) {
        kafka_fail(producer->client, rd_kafka_last_error(), NULL, err, "opening topic %s", name);
        return -1;
    }
    return producer->topics_len++;
}

void producer_on_acknowledged(struct producer *producer,
                              void (*acknowledged)(void *context,
                                                   const struct producer_record *record),
                              void *context)
{
    producer->on_acknowledged = acknowledged;
    producer->context = context;
}

bool producer_poll(struct producer *producer, struct error *err)
{
    reports_take(producer, 0);
    if (!producer->has_failed)
        return true;
    *err = producer->error;
    return false;
}

bool producer_send(struct producer *producer, int topic, struct str key, struct str payload,
                   int64_t row, struct error *err)
{
    int32_t partition = RD_KAFKA_PARTITION_UA;
    if (key.len == 0)
        partition = (int32_t)(hash64_bytes(payload.ptr, payload.len) %
                              (uint64_t)producer->partitions[topic]);
    // The report carries the row in the place of a pointer; the payload is copied by the client.
    void *opaque = (void *)(intptr_t)row;
    while (rd_kafka_produce(producer->topics[topic], partition, RD_KAFKA_MSG_F_COPY,
                            (void *)payload.ptr, payload.len, key.ptr, key.len, opaque) != 0) {
        rd_kafka_resp_err_t code = rd_kafka_last_error();
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return kafka_fail(producer->client, code, NULL, err,
                              "writing record %" PRId64 " to topic %s", row,
                              rd_kafka_topic_name(producer->topics[topic]));
        reports_take(producer, 10);
        if (producer->has_failed)
            return producer_poll(producer, err);
    }
    return ++producer->sent % POLL_EVERY != 0 || producer_poll(producer, err);
}

bool producer_flush(struct producer *producer, struct error *err)
{
    int64_t until = clock_monotonic_us() + FLUSH_MAX_US;
    while (producer->acknowledged < producer->sent && !producer->has_failed &&
           clock_monotonic_us() < until)
        reports_take(producer, 100);
    if (!producer_poll(producer, err))
        return false;
    return producer->acknowledged == producer->sent ||
           kafka_fail(producer->client, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, err,
                      "waiting for %" PRId64 " of %" PRId64 " records to be acknowledged",
                      producer->sent - producer->acknowledged, producer->sent);
}

void producer_print_topics(const struct producer *producer, struct buf *out)
{
    for (int i = 0; i < producer->topics_len; i++)
        buf_print(out, "%s %s (%d partition%s)", i > 0 ? "," : "",
                  rd_kafka_topic_name(producer->topics[i]), (int)producer->partitions[i],
                  producer->partitions[i] == 1 ? "" : "s");
}

int64_t producer_acknowledged(const struct producer *producer)
{
    return producer->acknowledged;
}

void producer_close(struct producer *producer)
{
    for (int i = 0; i < producer->topics_len; i++)
        rd_kafka_topic_destroy(producer->topics[i]);
    if (producer->reports != NULL)
        rd_kafka_queue_destroy(producer->reports);
    if (producer->client != NULL)
        rd_kafka_purge(producer->client->handle,
                       RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    kafka_client_free(producer->client);
    heap_free(producer);
}
