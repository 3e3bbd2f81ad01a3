// SPDX-License-Identifier: MIT
// Latency through a pipeline between two topics: makes devices events at a steady rate into IN,
// reads committed records of OUT and prints, as JSON, how long they took. The pipeline hands two
// numbers through: sent_us, the moment a record was given to the producer, and broker_us, the
// timestamp the broker gave it (a topic with LogAppendTime; whole milliseconds). Each 25th event is
// invalid, so that the reader knows what a filter has to leave. Producer, reader and broker are on
// the cores of the pipeline. Used by tests/bench/run; docs/bench.md.
//   kafka_latency_bench SERVERS IN OUT RATE SECONDS WARM_SECONDS
#include "base/arena.h"
#include "base/clock.h"
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARTITIONS 4
#define INVALID_EVERY 25
#define QUIET_MAX_US (10 * US_PER_SECOND) // what has not come by then is missing

static struct {
    const char *servers, *in, *out;
    int64_t rate, seconds, warm_seconds;
    int64_t start_us;
    int64_t *from_send, *from_broker;
    int64_t len, capacity, seen;
    _Atomic int64_t expected; // -1: still sending
} bench = {.expected = -1};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "kafka_latency_bench: %s: %s\n", what, why);
    exit(1);
}

static rd_kafka_t *client_new(rd_kafka_type_t type, const char *const *values)
{
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bench.servers, text, sizeof(text));
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", text, sizeof(text));
    for (size_t i = 0; values[i] != NULL; i += 2)
        if (rd_kafka_conf_set(conf, values[i], values[i + 1], text, sizeof(text)) != 0)
            fail(values[i], text);
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof(text));
    if (client == NULL)
        fail("rd_kafka_new", text);
    return client;
}

static int64_t number_of(const char *json, const char *name)
{
    const char *at = strstr(json, name);
    if (at == NULL)
        fail("a record of the output has no number", name);
    return atoll(at + strlen(name));
}

static void record_take(const rd_kafka_message_t *message)
{
    char json[2048];
    int64_t now_us = clock_now_us(&clock_system);
    size_t len = message->len < sizeof(json) - 1 ? message->len : sizeof(json) - 1;
    memcpy(json, message->payload, len);
    json[len] = 0;
    bench.seen++;
    int64_t sent_us = number_of(json, "\"sent_us\":");
    if (sent_us - bench.start_us < bench.warm_seconds * US_PER_SECOND ||
        bench.len == bench.capacity)
        return;
    bench.from_send[bench.len] = now_us - sent_us;
    bench.from_broker[bench.len++] = now_us - number_of(json, "\"broker_us\":");
}

static void *reader_main(void *argument)
{
    (void)argument;
    rd_kafka_t *client = client_new(
        RD_KAFKA_CONSUMER,
        (const char *const[]){"group.id", "kafka_latency_bench", "isolation.level",
                              "read_committed", "fetch.wait.max.ms", "100",
                              "fetch.queue.backoff.ms", "1", "enable.auto.commit", "false", NULL});
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(list, bench.out, i)->offset = 0;
    rd_kafka_assign(client, list);
    rd_kafka_topic_partition_list_destroy(list);
    int64_t got_us = clock_monotonic_us();
    while (bench.expected < 0 || bench.seen < bench.expected) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 100);
        int64_t now_us = clock_monotonic_us();
        if (bench.expected >= 0 && now_us - got_us > QUIET_MAX_US)
            break;
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            record_take(message);
            got_us = now_us;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return NULL;
}

static int event_print(char *out, size_t size, int64_t i, int64_t sent_us)
{
    double duration = i % INVALID_EVERY == 0 ? -1 : 0.1 + (double)(i % 4900) / 1000;
    int64_t second = i / bench.rate;
    return snprintf(
        out, size,
        "{\"event_id\":%" PRId64 ",\"device_id\":\"dev_%d\",\"device_type\":\"sensor_A\","
        "\"event_time\":\"2026-01-15T10:%02d:%02d.%06dZ\",\"event_duration\":%.3f,"
        "\"location\":{\"latitude\":%.6f,\"longitude\":%.6f,\"city\":\"Berlin\","
        "\"country\":\"Germany\"},\"metadata\":{\"firmware_version\":\"2.1.%d\","
        "\"battery_level\":%d,\"signal_strength\":%d},\"sent_us\":%" PRId64 "}",
        i, (int)(i % 50), (int)(second / 60 % 60), (int)(second % 60),
        (int)(i % bench.rate * US_PER_SECOND / bench.rate), duration, 52.0 + (double)(i % 100) / 10,
        13.0 + (double)(i % 200) / 10, (int)(i % 9), (int)(i % 101), (int)-(i % 121), sent_us);
}

// What is due by now, in steps of a millisecond; the number of events sent.
static int64_t events_send(void)
{
    rd_kafka_t *client =
        client_new(RD_KAFKA_PRODUCER, (const char *const[]){"linger.ms", "1", "compression.type",
                                                            "lz4", "acks", "all", NULL});
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, bench.in, NULL);
    int64_t total = bench.rate * bench.seconds, sent = 0, begin_us = clock_monotonic_us();
    bench.start_us = clock_now_us(&clock_system);
    while (sent < total) {
        int64_t due = (clock_monotonic_us() - begin_us) * bench.rate / US_PER_SECOND;
        int64_t now_us = clock_now_us(&clock_system);
        for (; sent < due && sent < total; sent++) {
            char json[1024];
            int len = event_print(json, sizeof(json), sent, now_us);
            while (rd_kafka_produce(topic, (int32_t)(sent % PARTITIONS), RD_KAFKA_MSG_F_COPY, json,
                                    (size_t)len, NULL, 0, NULL) != 0)
                rd_kafka_poll(client, 1);
        }
        rd_kafka_poll(client, 0);
        usleep(US_PER_MS);
    }
    if (rd_kafka_flush(client, 30000) != 0)
        fail("producing", "not acknowledged within 30 s");
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return sent;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void print_times(const char *name, int64_t *values, int64_t len)
{
    qsort(values, (size_t)len, sizeof(*values), compare);
    printf(", \"%s\": {\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"max\": %.2f}", name,
           (double)values[len / 2] / 1000, (double)values[len * 90 / 100] / 1000,
           (double)values[len * 99 / 100] / 1000, (double)values[len - 1] / 1000);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        fail("usage", "SERVERS IN OUT RATE SECONDS WARM_SECONDS");
    bench.servers = argv[1];
    bench.in = argv[2];
    bench.out = argv[3];
    bench.rate = atoll(argv[4]);
    bench.seconds = atoll(argv[5]);
    bench.warm_seconds = atoll(argv[6]);
    if (bench.rate < 1 || bench.seconds <= bench.warm_seconds)
        fail("usage", "RATE is at least 1, SECONDS more than WARM_SECONDS");
    bench.capacity = bench.rate * bench.seconds;
    bench.from_send = heap_array((size_t)bench.capacity, sizeof(int64_t));
    bench.from_broker = heap_array((size_t)bench.capacity, sizeof(int64_t));
    pthread_t reader;
    pthread_create(&reader, NULL, reader_main, NULL);
    int64_t sent = events_send();
    int64_t expected = sent - (sent + INVALID_EVERY - 1) / INVALID_EVERY;
    bench.expected = expected;
    pthread_join(reader, NULL);
    if (bench.len == 0)
        fail("reading", "nothing came");
    printf("{\"sent\": %" PRId64 ", \"expected\": %" PRId64 ", \"read\": %" PRId64, sent, expected,
           bench.seen);
    print_times("from_send_ms", bench.from_send, bench.len);
    print_times("from_broker_ms", bench.from_broker, bench.len);
    printf("}\n");
    return 0;
}
