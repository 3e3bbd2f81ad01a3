// SPDX-License-Identifier: MIT
// The floor under the Kafka sink: the bare loop begin, produce, send offsets, commit against a real
// broker, and how long a record takes from its making to a reader of committed records. No engine,
// no journal, no JSON. With two producers the next transaction is filled while the last one
// commits; commits stay in order. docs/decisions/005-kafka-transactions.md has figures.
//   kafka_commit_bench SERVERS [INTERVAL_MS 10] [RATE 20000] [SECONDS 10] [PRODUCERS 1] [EXTRA k=v
//   ..]
#include "base/arena.h"
#include "base/clock.h"
#include <inttypes.h>
#include <pthread.h>
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARTITIONS 4
#define PAYLOAD_BYTES 350
#define EPOCHS_MAX 100000

enum step { STEP_BEGIN, STEP_PRODUCE, STEP_OFFSETS, STEP_COMMIT, STEPS };
static const char *const step_names[STEPS] = {"begin", "produce", "send offsets", "commit"};

static struct {
    const char *servers;
    char topic[64];
    int64_t interval_us, rate, seconds;
    int producers;
    char **extra;
    int extra_len;
    int64_t start_us;
    int64_t *steps[STEPS], *cycles;
    _Atomic int64_t committed; // epochs, in order
    _Atomic int64_t taken_us;  // records made up to here are in some transaction
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int64_t *latencies;
    int64_t latencies_len, latencies_max;
    _Atomic bool is_done;
    _Atomic int64_t sent;
} bench;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "kafka_commit_bench: %s: %s\n", what, why);
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
    for (int i = 0; type == RD_KAFKA_PRODUCER && i < bench.extra_len; i++) {
        char pair[256];
        snprintf(pair, sizeof(pair), "%s", bench.extra[i]);
        char *equals = strchr(pair, '=');
        if (equals == NULL)
            fail(pair, "not key=value");
        *equals = 0;
        if (rd_kafka_conf_set(conf, pair, equals + 1, text, sizeof(text)) != 0)
            fail(pair, text);
    }
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof(text));
    if (client == NULL)
        fail("rd_kafka_new", text);
    return client;
}

static void check(rd_kafka_error_t *error, const char *what)
{
    if (error != NULL)
        fail(what, rd_kafka_error_string(error));
}

static void topic_make(void)
{
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, (const char *const[]){NULL});
    char text[256];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(bench.topic, PARTITIONS, -1, text, sizeof(text));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 15000);
    if (event == NULL || rd_kafka_event_error(event) != 0)
        fail("making a topic", event == NULL ? "no answer" : rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_destroy(client);
}

static void *reader_main(void *argument)
{
    (void)argument;
    rd_kafka_t *client = client_new(
        RD_KAFKA_CONSUMER,
        (const char *const[]){"group.id", "kafka_commit_bench", "isolation.level", "read_committed",
                              "fetch.wait.max.ms", "100", "fetch.queue.backoff.ms", "1",
                              "enable.auto.commit", "false", NULL});
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(list, bench.topic, i)->offset = 0;
    rd_kafka_assign(client, list);
    rd_kafka_topic_partition_list_destroy(list);
    int64_t idle_since_us = clock_monotonic_us();
    while (!bench.is_done || clock_monotonic_us() - idle_since_us < US_PER_SECOND) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 100);
        if (message == NULL)
            continue;
        int64_t made_us, now_us = clock_monotonic_us();
        if (message->err == 0 && message->len == PAYLOAD_BYTES) {
            memcpy(&made_us, message->payload, sizeof(made_us));
            if (bench.latencies_len < bench.latencies_max)
                bench.latencies[bench.latencies_len++] = now_us - made_us;
            idle_since_us = now_us;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return NULL;
}

static void sleep_until(int64_t until_us)
{
    int64_t now_us = clock_monotonic_us();
    if (until_us > now_us)
        usleep((useconds_t)(until_us - now_us));
}

// What was made since the last transaction.
static void records_send(rd_kafka_t *client, rd_kafka_topic_t *topic)
{
    char payload[PAYLOAD_BYTES];
    memset(payload, 'x', sizeof(payload));
    int64_t until_us = clock_monotonic_us();
    int64_t step_us = US_PER_SECOND / bench.rate;
    int64_t made_us = bench.taken_us;
    for (; made_us + step_us <= until_us; made_us += step_us) {
        memcpy(payload, &made_us, sizeof(made_us));
        int32_t partition = (int32_t)(bench.sent++ % PARTITIONS);
        while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, payload, sizeof(payload),
                                NULL, 0, NULL) != 0)
            rd_kafka_poll(client, 1);
    }
    bench.taken_us = made_us;
}

static void wait_for(int64_t epoch)
{
    pthread_mutex_lock(&bench.mutex);
    while (bench.committed < epoch)
        pthread_cond_wait(&bench.changed, &bench.mutex);
    pthread_mutex_unlock(&bench.mutex);
}

static pthread_mutex_t fill_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t fill_changed = PTHREAD_COND_INITIALIZER;
static int64_t filled;

static void *producer_main(void *argument)
{
    int number = (int)(intptr_t)argument;
    char id[96];
    snprintf(id, sizeof(id), "%s-%d", bench.topic, number);
    rd_kafka_t *client =
        client_new(RD_KAFKA_PRODUCER, (const char *const[]){"transactional.id", id, "linger.ms",
                                                            "0", "compression.type", "lz4", NULL});
    check(rd_kafka_init_transactions(client, 30000), "init");
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, bench.topic, NULL);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(bench.topic);
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *mark = rd_kafka_topic_partition_list_add(offsets, bench.topic, 0);
    for (int64_t epoch = number + 1; epoch < EPOCHS_MAX; epoch += bench.producers) {
        pthread_mutex_lock(&fill_mutex);
        while (filled < epoch - 1)
            pthread_cond_wait(&fill_changed, &fill_mutex);
        pthread_mutex_unlock(&fill_mutex);
        if (epoch == 1)
            bench.start_us = bench.taken_us = clock_monotonic_us();
        if (clock_monotonic_us() - bench.start_us > bench.seconds * US_PER_SECOND)
            break;
        sleep_until(bench.taken_us + bench.interval_us);
        int64_t at_us[STEPS + 1];
        at_us[STEP_BEGIN] = clock_monotonic_us();
        check(rd_kafka_begin_transaction(client), "begin");
        at_us[STEP_PRODUCE] = clock_monotonic_us();
        records_send(client, topic);
        pthread_mutex_lock(&fill_mutex);
        filled = epoch;
        pthread_cond_broadcast(&fill_changed);
        pthread_mutex_unlock(&fill_mutex);
        at_us[STEP_OFFSETS] = clock_monotonic_us();
        mark->offset = epoch;
        check(rd_kafka_send_offsets_to_transaction(client, offsets, group, 10000), "offsets");
        if (bench.producers > 1 && rd_kafka_flush(client, 10000) != 0)
            fail("flush", "time is over");
        at_us[STEP_COMMIT] = clock_monotonic_us();
        wait_for(epoch - 1);
        check(rd_kafka_commit_transaction(client, 10000), "commit");
        at_us[STEPS] = clock_monotonic_us();
        for (int s = 0; s < STEPS; s++)
            bench.steps[s][epoch] = at_us[s + 1] - at_us[s];
        bench.cycles[epoch] = at_us[STEPS] - at_us[0];
        pthread_mutex_lock(&bench.mutex);
        bench.committed = epoch;
        pthread_cond_broadcast(&bench.changed);
        pthread_mutex_unlock(&bench.mutex);
    }
    pthread_mutex_lock(&fill_mutex);
    filled = EPOCHS_MAX;
    pthread_cond_broadcast(&fill_changed);
    pthread_mutex_unlock(&fill_mutex);
    rd_kafka_topic_partition_list_destroy(offsets);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void report(const char *name, int64_t *values, int64_t len)
{
    if (len == 0)
        return;
    qsort(values, (size_t)len, sizeof(*values), compare);
    printf("%-14s n=%-8" PRId64 " p50 %7.2f ms   p99 %7.2f ms   max %7.2f ms\n", name, len,
           (double)values[len / 2] / 1000, (double)values[len * 99 / 100] / 1000,
           (double)values[len - 1] / 1000);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        fail("usage", "SERVERS [INTERVAL_MS] [RATE] [SECONDS] [PRODUCERS] [key=value ..]");
    bench.servers = argv[1];
    bench.interval_us = (argc > 2 ? atoll(argv[2]) : 10) * US_PER_MS;
    bench.rate = argc > 3 ? atoll(argv[3]) : 20000;
    bench.seconds = argc > 4 ? atoll(argv[4]) : 10;
    bench.producers = argc > 5 ? atoi(argv[5]) : 1;
    bench.extra = argv + 6;
    bench.extra_len = argc > 6 ? argc - 6 : 0;
    snprintf(bench.topic, sizeof(bench.topic), "commit_bench_%d", (int)getpid());
    for (int s = 0; s < STEPS; s++)
        bench.steps[s] = heap_array(EPOCHS_MAX, sizeof(int64_t));
    bench.cycles = heap_array(EPOCHS_MAX, sizeof(int64_t));
    bench.latencies_max = bench.rate * (bench.seconds + 10);
    bench.latencies = heap_array((size_t)bench.latencies_max, sizeof(int64_t));
    pthread_mutex_init(&bench.mutex, NULL);
    pthread_cond_init(&bench.changed, NULL);
    topic_make();
    pthread_t reader, producers[2];
    pthread_create(&reader, NULL, reader_main, NULL);
    for (int i = 0; i < bench.producers && i < 2; i++)
        pthread_create(&producers[i], NULL, producer_main, (void *)(intptr_t)i);
    for (int i = 0; i < bench.producers && i < 2; i++)
        pthread_join(producers[i], NULL);
    bench.is_done = true;
    pthread_join(reader, NULL);
    int64_t epochs = bench.committed, skip = epochs / 10; // without the start
    printf("%d producer(s), %" PRId64 " ms, %" PRId64 " records/s: %" PRId64
           " transactions, %" PRId64 " records sent, %" PRId64 " read\n",
           bench.producers, bench.interval_us / US_PER_MS, bench.rate, epochs, (int64_t)bench.sent,
           bench.latencies_len);
    for (int s = 0; s < STEPS; s++)
        report(step_names[s], bench.steps[s] + skip, epochs - skip);
    report("transaction", bench.cycles + skip, epochs - skip);
    report("made to read", bench.latencies + bench.latencies_len / 10,
           bench.latencies_len - bench.latencies_len / 10);
    return 0;
}
