// SPDX-License-Identifier: MIT
// Source 'kafka'. A partition of a topic is a partition, "topic/3"; its offset is the next record
// to read; its mark is the topic's id. Positions are the journal's alone: partitions are assigned
// by hand, and the group's offsets at the broker are written for lag tools and never read.
//
// Nothing is asked of the cluster before the first read, so that a pipeline starts (degraded) while
// its broker is away. What then is decided, where `latest` was, is given out as positions without
// rows, and reading begins when acknowledge says that they are durable (source_decide.c).
#include "connectors/kafka/kafka.h"
#include "connectors/kafka/kafka_source.h"

#include "base/log.h"
#include <stdio.h>
#include <string.h>

#define COMMIT_WAIT_US US_PER_SECOND // at close

#define OPTION(name_, kind_, fallback_, member, help_)                                             \
    {                                                                                              \
        .name = name_, .kind = kind_, .fallback = fallback_, .help = help_,                        \
        .offset = offsetof(struct kafka_source_options, member)                                    \
    }
static const struct option kafka_source_options[] = {
    KAFKA_CLIENT_OPTIONS(struct kafka_source_options),
    OPTION("topic", OPTION_TEXT, "", topic, "topic to read, or several separated by commas"),
    OPTION("topic_pattern", OPTION_TEXT, "", topic_pattern,
           "instead of topic: regular expression (POSIX extended) that whole names match"),
    OPTION("starting_offsets", OPTION_TEXT, "", starting_offsets,
           "of a new checkpoint: earliest, latest (default; batch: earliest), a time, or "
           "{\"topic\":{\"0\":23,\"1\":-2}}"),
    OPTION("max_offsets_per_trigger", OPTION_TEXT, "", max_offsets_per_trigger,
           "most records per commit_interval, over all partitions; empty: no limit"),
    OPTION(
        "fail_on_data_loss", OPTION_BOOL, "true", fail_on_data_loss,
        "refuse (exit 4) when records are gone or a topic was made anew; false: count and go on"),
    OPTION("group_id", OPTION_TEXT, "", group_id,
           "group whose offsets show the progress to lag tools; default "
           "firesteel-<pipeline>-<source>"),
    OPTION("discovery_interval", OPTION_DURATION, "10 seconds", discovery_interval_us,
           "how often new partitions and topics are looked for"),
    OPTION("give_up_after", OPTION_DURATION, "30 seconds", give_up_after_us,
           "once and batch: no broker for so long ends the run (exit 75)"),
};

// ---- Tables ----------------------------------------------------------------------------------
bool source_is_bounded(const struct source *source)
{
    return source->context.execution != EXECUTION_STREAM;
}

struct topic *source_topic(struct source *source, struct str name)
{
    for (size_t i = 0; i < source->topics_len; i++)
        if (str_equal(source->topics[i]->name, name))
            return source->topics[i];
    if (source->topics_len == source->topics_capacity) {
        source->topics_capacity = source->topics_capacity == 0 ? 8 : source->topics_capacity * 2;
        source->topics =
            heap_resize(source->topics, source->topics_capacity * sizeof(*source->topics));
    }
    struct topic *topic = ARENA_NEW(&source->arena, struct topic);
    topic->name = arena_str(&source->arena, name);
    source->topics[source->topics_len++] = topic;
    return topic;
}

int64_t source_partition_find(const struct topic *topic, int32_t number)
{
    bool is_known = number >= 0 && number < topic->index_len && topic->index[number] != UINT32_MAX;
    return is_known ? (int64_t)topic->index[number] : -1;
}

uint32_t source_partition_add(struct source *source, struct topic *topic, int32_t number,
                              int64_t offset, struct str name, enum partition_phase phase)
{
    if (source->len == source->capacity) {
        source->capacity = source->capacity == 0 ? 16 : source->capacity * 2;
        source->partitions =
            heap_resize(source->partitions, source->capacity * sizeof(*source->partitions));
        source->states = heap_resize(source->states, source->capacity * sizeof(*source->states));
    }
    uint32_t index = (uint32_t)source->len++;
    source->partitions[index] = (struct partition){.name = name, .offset = offset};
    source->states[index] = (struct partition_state){.topic = topic,
                                                     .number = number,
                                                     .phase = phase,
                                                     .end = INT64_MAX,
                                                     .acknowledged = -1,
                                                     .grouped = -1};
    if (number >= topic->index_len) {
        topic->index = heap_resize(topic->index, ((size_t)number + 1) * sizeof(*topic->index));
        while (topic->index_len <= number)
            topic->index[topic->index_len++] = UINT32_MAX;
    }
    topic->index[number] = index;
    return index;
}

void source_start(struct source *source, uint32_t index)
{
    struct partition_state *state = &source->states[index];
    struct topic *topic = state->topic;
    if (state->is_consuming)
        return;
    if (topic->handle == NULL) {
        topic->handle = rd_kafka_topic_new(source->client->handle, topic->name.ptr, NULL);
        ASSERT(topic->handle != NULL);
    }
    state->is_consuming =
        rd_kafka_consume_start_queue(topic->handle, state->number, source->partitions[index].offset,
                                     source->queue) == 0;
    if (!state->is_consuming)
        kafka_fail(source->client, rd_kafka_last_error(), NULL, &source->error, "starting %.*s",
                   STR_ARGS(source->partitions[index].name));
}

void source_stop(struct source *source, uint32_t index)
{
    struct partition_state *state = &source->states[index];
    if (!state->is_consuming)
        return;
    state->is_consuming = false;
    rd_kafka_consume_stop(state->topic->handle, state->number);
}

// ---- Open ------------------------------------------------------------------------------------
static bool parse_topics(struct source *source, struct error *err)
{
    const struct kafka_source_options *options = source->options;
    struct str rest = str_trim(options->topic), pattern = str_trim(options->topic_pattern);
    if ((rest.len == 0) == (pattern.len == 0))
        return error_set(err, ERROR_USER,
                         rest.len == 0 ? "kafka: give topic = '..', or topic_pattern"
                                       : "kafka: topic and topic_pattern exclude each other");
    if (pattern.len > 0) {
        int code = regcomp(&source->pattern, arena_cstr(&source->arena, pattern), REG_EXTENDED);
        char text[128];
        regerror(code, &source->pattern, text, sizeof(text));
        source->has_pattern = code == 0;
        return code == 0 || error_set(err, ERROR_USER,
                                      "kafka: topic_pattern '%.*s' is no regular expression: %s",
                                      STR_ARGS(pattern), text);
    }
    size_t commas = 1;
    for (size_t i = 0; i < rest.len; i++)
        commas += rest.ptr[i] == ',';
    source->names = heap_array(commas, sizeof(*source->names));
    while (rest.len > 0) {
        int64_t comma = str_find(rest, ',');
        struct str name = str_trim(comma < 0 ? rest : str_slice(rest, 0, (size_t)comma));
        rest = comma < 0 ? (struct str){0} : str_slice(rest, (size_t)comma + 1, rest.len);
        if (name.len == 0 || name.len > 249)
            return error_set(err, ERROR_USER, "kafka: topic = '%.*s' has a name that is none",
                             STR_ARGS(options->topic));
        source->names[source->names_len++] = arena_str(&source->arena, name);
    }
    return true;
}

static bool parse_start(struct source *source, struct error *err)
{
    struct str text = str_trim(source->options->starting_offsets);
    bool is_batch = source->context.execution == EXECUTION_BATCH;
    if (text.len == 0)
        text = is_batch ? STR("earliest") : STR("latest");
    if (!offsets_parse(text, &source->arena, &source->start, err))
        return false;
    if (is_batch && source->start.kind == OFFSETS_LATEST)
        return error_set(err, ERROR_USER,
                         "kafka: starting_offsets = 'latest' in a batch run reads nothing: write "
                         "earliest, a time or offsets");
    for (size_t i = 0; !source->has_pattern && i < source->start.listed_len; i++) {
        bool is_read = false;
        for (size_t n = 0; n < source->names_len; n++)
            is_read = is_read || str_equal(source->names[n], source->start.listed[i].topic);
        if (!is_read)
            return error_set(err, ERROR_USER,
                             "kafka: starting_offsets names topic '%.*s', which is not read",
                             STR_ARGS(source->start.listed[i].topic));
    }
    text = str_trim(source->options->max_offsets_per_trigger);
    if (text.len > 0 &&
        (!str_parse_int64(text, &source->trigger_rows_max) || source->trigger_rows_max < 1))
        return error_set(
            err, ERROR_USER,
            "kafka: max_offsets_per_trigger = '%.*s' is not a number from 1; empty: no "
            "limit",
            STR_ARGS(text));
    if (source->options->discovery_interval_us < 100 * US_PER_MS)
        return error_set(err, ERROR_USER, "kafka: discovery_interval is at least 100 milliseconds");
    return true;
}

static bool client_open(struct source *source, struct error *err)
{
    const struct source_context *context = &source->context;
    rd_kafka_conf_t *conf =
        kafka_conf_new(&source->options->client, context->values, context->values_len, err);
    if (conf == NULL)
        return false;
    struct str group = str_trim(source->options->group_id);
    if (group.len > 0)
        snprintf(source->group, sizeof(source->group), "%.*s", STR_ARGS(group));
    else
        snprintf(source->group, sizeof(source->group), "firesteel-%.*s-%.*s",
                 STR_ARGS(context->pipeline), STR_ARGS(context->name));
    kafka_conf_set(conf, "group.id", source->group);
    kafka_conf_set(conf, "enable.auto.commit", "false");
    kafka_conf_set(conf, "enable.auto.offset.store", "false");
    kafka_conf_set(conf, "auto.offset.reset", "error");
    kafka_conf_set(conf, "isolation.level", "read_committed");
    kafka_conf_set(conf, "enable.partition.eof", "true");
    static const char *const defaults[][2] = {
        {"check.crcs", "true"},
        {"fetch.wait.max.ms", "10"},
        {"fetch.queue.backoff.ms", "2"},
        {"fetch.error.backoff.ms", "100"},
        {"queued.min.messages", "100000"},
        {"queued.max.messages.kbytes", "16384"},
    };
    for (size_t i = 0; i < COUNT_OF(defaults); i++)
        kafka_conf_default(conf, context->values, context->values_len, defaults[i][0],
                           defaults[i][1]);
    char name[128];
    snprintf(name, sizeof(name), "source %.*s", STR_ARGS(context->name));
    source->client = kafka_client_new(RD_KAFKA_CONSUMER, conf, name, &source->options->client, err);
    if (source->client == NULL)
        return false;
    source->queue = rd_kafka_queue_new(source->client->handle);
    source->commits = rd_kafka_queue_new(source->client->handle);
    source->discovery.queue = rd_kafka_queue_new(source->client->handle);
    return true;
}

static void kafka_close(struct source *source);

static struct source *kafka_open(const void *options, const struct source_context *context,
                                 struct error *err)
{
    struct source *source = heap_new(sizeof(*source));
    source->options = options;
    source->context = *context;
    source->got_us = clock_monotonic_us();
    if (parse_topics(source, err) && parse_start(source, err) && client_open(source, err))
        return source;
    kafka_close(source);
    return NULL;
}

static bool kafka_list(struct source *source, const struct partition **partitions, size_t *len,
                       struct error *err UNUSED)
{
    *partitions = source->partitions;
    *len = source->len;
    return true;
}

static bool kafka_seek(struct source *source, const struct partition *partitions, size_t len,
                       struct error *err)
{
    for (size_t i = 0; i < len; i++) {
        struct str name = partitions[i].name;
        size_t slash = name.len;
        int64_t number = -1;
        while (slash > 0 && name.ptr[slash - 1] != '/')
            slash--;
        if (slash < 2 || !str_parse_int64(str_slice(name, slash, name.len), &number) ||
            number < 0 || number > 1000000)
            return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                                  "kafka: the checkpoint knows partition '%.*s', which is no "
                                  "topic/number: it was made with another connector",
                                  STR_ARGS(name));
        struct topic *topic = source_topic(source, str_slice(name, 0, slash - 1));
        int64_t index = source_partition_find(topic, (int32_t)number);
        if (index < 0)
            index = source_partition_add(source, topic, (int32_t)number, 0,
                                         arena_str(&source->arena, name), PHASE_FOUND);
        source->partitions[index].offset = partitions[i].offset;
        source->partitions[index].line = partitions[i].line;
        source->partitions[index].mark = arena_str(&source->arena, partitions[i].mark);
        source->was_resumed = true;
    }
    return true;
}

// ---- Durable ---------------------------------------------------------------------------------
static void drain_commits(struct source *source, int wait_ms)
{
    rd_kafka_event_t *event;
    while (source->commits_pending > 0 &&
           (event = rd_kafka_queue_poll(source->commits, wait_ms)) != NULL) {
        rd_kafka_resp_err_t code = rd_kafka_event_error(event);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__NO_OFFSET)
            log_debug("source %.*s: kafka: offsets of group '%s' are not shown: %s",
                      STR_ARGS(source->context.name), source->group,
                      rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        source->commits_pending--;
    }
}

void source_commit_group(struct source *source)
{
    drain_commits(source, 0);
    if (source->commits_pending > 0 || source->client->is_down)
        return;
    rd_kafka_topic_partition_list_t *list = NULL;
    for (size_t i = 0; i < source->len; i++) {
        struct partition_state *state = &source->states[i];
        if (state->acknowledged < 0 || state->acknowledged == state->grouped)
            continue;
        if (list == NULL)
            list = rd_kafka_topic_partition_list_new((int)source->len);
        rd_kafka_topic_partition_list_add(list, state->topic->name.ptr, state->number)->offset =
            state->acknowledged;
        state->grouped = state->acknowledged;
    }
    if (list == NULL)
        return;
    if (rd_kafka_commit_queue(source->client->handle, list, source->commits, NULL, NULL) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        source->commits_pending++;
    rd_kafka_topic_partition_list_destroy(list);
}

static bool kafka_acknowledge(struct source *source, const struct partition *partitions, size_t len,
                              struct error *err UNUSED)
{
    for (uint32_t i = 0; i < len && i < source->len; i++) {
        struct partition_state *state = &source->states[i];
        const struct partition *own = &source->partitions[i];
        bool is_same =
            str_equal(partitions[i].name, own->name) && str_equal(partitions[i].mark, own->mark);
        if (!is_same || state->phase == PHASE_FOUND || state->phase == PHASE_LOST ||
            state->phase == PHASE_IGNORED)
            continue;
        if (state->phase == PHASE_DECIDED) {
            if (!state->is_announced || partitions[i].offset != own->offset)
                continue;
            state->phase = PHASE_READING;
            source_start(source, i);
        }
        state->acknowledged = partitions[i].offset;
    }
    source_commit_group(source);
    return true;
}

static void finish_commits(struct source *source)
{
    int64_t until_us = clock_monotonic_us() + COMMIT_WAIT_US;
    while (source->commits_pending > 0 && clock_monotonic_us() < until_us)
        drain_commits(source, 20);
}

static void kafka_close(struct source *source)
{
    if (source->client != NULL) {
        finish_commits(source);
        source_commit_group(source);
        finish_commits(source);
        for (uint32_t i = 0; i < source->len; i++)
            source_stop(source, i);
        metadata_clear(source);
        rd_kafka_queue_destroy(source->queue);
        rd_kafka_queue_destroy(source->commits);
    }
    for (size_t i = 0; i < source->topics_len; i++) {
        if (source->topics[i]->handle != NULL)
            rd_kafka_topic_destroy(source->topics[i]->handle);
        heap_free(source->topics[i]->index);
    }
    kafka_client_free(source->client);
    if (source->has_pattern)
        regfree(&source->pattern);
    heap_free(source->topics);
    heap_free(source->names);
    heap_free(source->partitions);
    heap_free(source->states);
    heap_free(source->touched);
    arena_clear(&source->arena);
    heap_free(source);
}

const struct source_type kafka_source_type = {
    .name = "kafka",
    .summary = "topics of a Kafka cluster, committed records only",
    .options = kafka_source_options,
    .options_len = COUNT_OF(kafka_source_options),
    .options_size = sizeof(struct kafka_source_options),
    .open = kafka_open,
    .list = kafka_list,
    .seek = kafka_seek,
    .read = source_read,
    .acknowledge = kafka_acknowledge,
    .close = kafka_close,
};
