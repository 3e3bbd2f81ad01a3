// SPDX-License-Identifier: MIT
// Records go out as they are made; the log is written from the broker's acknowledgements, so it
// holds what is in the topic and nothing else, with the places the broker gave. A test can compare
// a pipeline's output with it without asking the generator what it meant to do.
#include "cli/generate_kafka.h"
#include "connectors/generator/generator.h"
#include "connectors/generator/profile.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define LOG_FLUSH_BYTES ((size_t)1 << 20)
#define SCHEME_LEN 8 // kafka://

static atomic_int signals;

static void on_signal(int number UNUSED)
{
    atomic_fetch_add(&signals, 1);
}

bool kafka_target_is_stopped(void)
{
    return signals > 0;
}

static void log_add(void *context, const struct producer_record *record)
{
    struct kafka_target *target = context;
    struct buf *out = &target->log_buf;
    buf_add_cstr(out, "{\"topic\":");
    buf_add_json_string(out, str_of(record->topic));
    buf_print(out, ",\"partition\":%d,\"offset\":%lld,\"row\":%lld,\"kind\":\"%s\",\"payload\":",
              (int)record->partition, (long long)record->offset, (long long)record->row,
              row_kind_names[generator_row_kind(target->source, record->row)]);
    buf_add_json_string(out, record->payload);
    buf_add_cstr(out, "}\n");
}

static bool log_flush(struct kafka_target *target, size_t above, struct error *err)
{
    struct buf *buf = &target->log_buf;
    if (buf->len <= above)
        return true;
    bool is_done = file_append(&target->log, buf->ptr, buf->len, err);
    buf_reset(buf);
    return is_done;
}

bool kafka_target_open(struct kafka_target *target, const char *to, const char *profile,
                       int64_t partitions, struct error *err)
{
    struct str rest = str_of(to + SCHEME_LEN);
    int64_t slash = str_find(rest, '/');
    struct str servers = slash < 0 ? rest : str_slice(rest, 0, (size_t)slash);
    target->log.fd = -1;
    struct str topic = slash < 0 ? STR("") : str_slice(rest, (size_t)slash + 1, rest.len);
    target->has_one_topic = topic.len > 0;
    if (topic.len == 0)
        topic = strcmp(profile, "devices") == 0 ? STR("input_events") : str_of(profile);
    snprintf(target->topic, sizeof(target->topic), "%.*s", STR_ARGS(topic));
    target->partitions = partitions;
    if (servers.len == 0)
        return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                              "generate: --to %s: write kafka://host:port/topic", to);
    if (partitions < 1)
        return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                              "generate: --partitions must be at least 1");
    target->producer = producer_open(servers, err);
    if (target->producer == NULL)
        return error_wrap(err, "generate: --to %s", to);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return true;
}

bool kafka_target_log(struct kafka_target *target, const char *path, struct error *err)
{
    target->has_log = path_exists(path) ? file_open_append(&target->log, path, -1, err)
                                        : file_create(&target->log, path, err);
    if (target->has_log)
        producer_on_acknowledged(target->producer, log_add, target);
    return target->has_log;
}

bool kafka_target_add(struct kafka_target *target, struct str payload, int64_t row,
                      struct error *err)
{
    struct route route = {0};
    bool is_routed = generator_row_route(target->source, row, &route);
    const char *name = is_routed && !target->has_one_topic ? route.topic : target->topic;
    int topic = producer_topic(target->producer, name, target->partitions, err);
    return topic >= 0 && producer_send(target->producer, topic, route.key, payload, row, err) &&
           (!target->has_log || log_flush(target, LOG_FLUSH_BYTES, err));
}

bool kafka_target_poll(struct kafka_target *target, struct error *err)
{
    return producer_poll(target->producer, err) && (!target->has_log || log_flush(target, 0, err));
}

bool kafka_target_finish(struct kafka_target *target, struct error *err)
{
    bool is_done = producer_flush(target->producer, err);
    // What was acknowledged is in the topic, also when the rest failed.
    struct error log_err = {0};
    if (!target->has_log || log_flush(target, 0, &log_err))
        return is_done;
    if (is_done)
        *err = log_err;
    return false;
}

void kafka_target_print(const struct kafka_target *target, struct buf *out)
{
    buf_print(out, "%lld rows in topic", (long long)producer_acknowledged(target->producer));
    producer_print_topics(target->producer, out);
}

void kafka_target_close(struct kafka_target *target)
{
    if (target->producer != NULL)
        producer_close(target->producer);
    if (target->has_log)
        file_close(&target->log);
    buf_clear(&target->log_buf);
}
