// SPDX-License-Identifier: MIT
// Asking the cluster, without waiting: DescribeTopics gives ids and partitions of the topics, then
// ListOffsets what is needed to know where to start or end. Both are requests whose answers are
// picked up from a queue in later calls, so that reading goes on beside a slow answer. It is done
// at start until it works, again each discovery_interval (partitions added, topics recreated), and
// at once when a partition reports that something is wrong with it.
#include "connectors/kafka/kafka_source.h"

#include "base/log.h"
#include <string.h>

#define REQUEST_TIMEOUT_MS 5000
#define ASK_AGAIN_US US_PER_SECOND
#define NAMES_TIMEOUT_MS 1000

void metadata_request(struct source *source)
{
    struct discovery *discovery = &source->discovery;
    int64_t earliest_us = discovery->asked_us + ASK_AGAIN_US;
    if (discovery->step == DISCOVERY_NONE && discovery->due_us > earliest_us)
        discovery->due_us = earliest_us;
}

void metadata_clear(struct source *source)
{
    if (source->discovery.queue != NULL)
        rd_kafka_queue_destroy(source->discovery.queue);
    heap_free(source->discovery.queries);
    source->discovery = (struct discovery){0};
}

static rd_kafka_AdminOptions_t *request_options(struct source *source, rd_kafka_admin_op_t kind)
{
    char text[256];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(source->client->handle, kind);
    rd_kafka_resp_err_t code =
        rd_kafka_AdminOptions_set_request_timeout(options, REQUEST_TIMEOUT_MS, text, sizeof(text));
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    return options;
}

// ---- Names -----------------------------------------------------------------------------------
// All topics of the cluster; NULL when it did not answer in time.
static const struct rd_kafka_metadata *all_topics(struct source *source, rd_kafka_resp_err_t *code)
{
    const struct rd_kafka_metadata *metadata = NULL;
    *code = rd_kafka_metadata(source->client->handle, 1, NULL, &metadata, NAMES_TIMEOUT_MS);
    return *code == RD_KAFKA_RESP_ERR_NO_ERROR ? metadata : NULL;
}

static bool is_wanted(const struct source *source, const char *name)
{
    regmatch_t match;
    // Spark's subscribePattern matches the whole name.
    return strncmp(name, "__", 2) != 0 && regexec(&source->pattern, name, 1, &match, 0) == 0 &&
           match.rm_so == 0 && name[match.rm_eo] == 0;
}

static bool has_name(const struct source *source, struct str name)
{
    for (size_t i = 0; i < source->names_len; i++)
        if (str_equal(source->names[i], name))
            return true;
    return false;
}

// What exists, for messages: the nearest name first, then a few others.
static void print_topics(struct source *source, struct str wanted, struct buf *out)
{
    rd_kafka_resp_err_t code;
    const struct rd_kafka_metadata *metadata = all_topics(source, &code);
    if (metadata == NULL)
        return;
    const char **names = heap_array((size_t)metadata->topic_cnt + 1, sizeof(*names));
    size_t len = 0;
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (strncmp(metadata->topics[i].topic, "__", 2) != 0 &&
            metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            names[len++] = metadata->topics[i].topic;
    const char *near = nearest_name(wanted, names, len);
    if (near != NULL)
        buf_print(out, "; did you mean '%s'?", near);
    else if (len == 0)
        buf_add_cstr(out, "; it has no topics");
    else
        buf_add_cstr(out, "; it has ");
    for (size_t i = 0; near == NULL && i < len && i < 10; i++)
        buf_print(out, "%s%s%s", i > 0 ? ", " : "", names[i], i == 9 && len > 10 ? ", .." : "");
    heap_free(names);
    rd_kafka_metadata_destroy(metadata);
}

// A stream waits for a topic: it may be made later. A run with an end would wait for ever.
static bool fail_unknown(struct source *source, struct str topic, struct error *err)
{
    AUTO(buf_clear) struct buf others = {0};
    print_topics(source, topic, &others);
    enum error_kind kind = source_is_bounded(source) ? ERROR_USER : ERROR_RETRY;
    return error_set(err, kind, "kafka: no topic '%.*s' on %s%s", STR_ARGS(topic),
                     source->client->servers, buf_cstr(&others));
}

// A pattern's topics: those it had, and what is new.
static bool find_names(struct source *source, const struct rd_kafka_metadata *metadata,
                       struct error *err)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        struct str name = str_of(metadata->topics[i].topic);
        if (metadata->topics[i].err != RD_KAFKA_RESP_ERR_NO_ERROR || !is_wanted(source, name.ptr) ||
            has_name(source, name))
            continue;
        source->names =
            heap_resize(source->names, (source->names_len + 1) * sizeof(*source->names));
        source->names[source->names_len++] = arena_str(&source->arena, name);
    }
    if (source->names_len > 0)
        return true;
    AUTO(buf_clear) struct buf others = {0};
    print_topics(source, source->options->topic_pattern, &others);
    enum error_kind kind = source_is_bounded(source) ? ERROR_USER : ERROR_RETRY;
    return error_set(err, kind, "kafka: no topic on %s matches topic_pattern '%.*s'%s",
                     source->client->servers, STR_ARGS(source->options->topic_pattern),
                     buf_cstr(&others));
}

// First of all: who is there? A broker that just answered is the one to ask.
static bool find_broker(struct source *source, struct error *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(source->client->handle, source->has_pattern, NULL,
                                                 &metadata, NAMES_TIMEOUT_MS);
    rd_kafka_poll(source->client->handle, 0); // errors of connections
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(source->client, code, NULL, err, "asking for topics");
    kafka_client_is_well(source->client);
    source->discovery.broker = metadata->orig_broker_id;
    if (source->discovery.broker < 0 && metadata->broker_cnt > 0)
        source->discovery.broker = metadata->brokers[0].id;
    bool ok = !source->has_pattern || find_names(source, metadata, err);
    rd_kafka_metadata_destroy(metadata);
    return ok;
}

// ---- Topics ----------------------------------------------------------------------------------
static void ask_topics(struct source *source)
{
    struct discovery *discovery = &source->discovery;
    const char **names = heap_array(source->names_len, sizeof(*names));
    for (size_t i = 0; i < source->names_len; i++)
        names[i] = source->names[i].ptr; // ended by a zero: arena_str
    rd_kafka_TopicCollection_t *topics =
        rd_kafka_TopicCollection_of_topic_names(names, source->names_len);
    rd_kafka_AdminOptions_t *options = request_options(source, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
    if (discovery->broker >= 0) {
        char text[256];
        rd_kafka_resp_err_t code =
            rd_kafka_AdminOptions_set_broker(options, discovery->broker, text, sizeof(text));
        ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    rd_kafka_DescribeTopics(source->client->handle, topics, options, discovery->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_TopicCollection_destroy(topics);
    heap_free(names);
    discovery->step = DISCOVERY_TOPICS;
    discovery->pending = 1;
    discovery->queries_len = 0;
}

static bool take_topic(struct source *source, const rd_kafka_TopicDescription_t *description,
                       struct error *err)
{
    struct str name = str_of(rd_kafka_TopicDescription_name(description));
    const rd_kafka_error_t *problem = rd_kafka_TopicDescription_error(description);
    rd_kafka_resp_err_t code =
        problem != NULL ? rd_kafka_error_code(problem) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return fail_unknown(source, name, err);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(source->client, code, NULL, err, "topic '%.*s'", STR_ARGS(name));
    size_t partitions;
    rd_kafka_TopicDescription_partitions(description, &partitions);
    const rd_kafka_Uuid_t *uuid = rd_kafka_TopicDescription_topic_id(description);
    bool has_id = uuid != NULL && (rd_kafka_Uuid_most_significant_bits(uuid) != 0 ||
                                   rd_kafka_Uuid_least_significant_bits(uuid) != 0);
    struct str id = has_id ? str_of(rd_kafka_Uuid_base64str(uuid)) : (struct str){0};
    struct topic *topic = source_topic(source, name);
    topic->is_chosen = true;
    return decide_topic(source, topic, id, (int32_t)partitions, err);
}

static bool take_topics(struct source *source, rd_kafka_event_t *event, struct error *err)
{
    size_t len;
    const rd_kafka_TopicDescription_t **topics =
        rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &len);
    bool ok = true;
    for (size_t i = 0; ok && i < len; i++)
        ok = take_topic(source, topics[i], err);
    return ok;
}

// ---- Offsets ---------------------------------------------------------------------------------
enum { ASK_EARLIEST, ASK_LATEST, ASK_TIME };

static bool asks(const struct query *query, int what)
{
    return what == ASK_EARLIEST ? query->wants_earliest
           : what == ASK_LATEST ? query->wants_latest
                                : query->wants_time;
}

static void ask_offsets(struct source *source, int what)
{
    struct discovery *discovery = &source->discovery;
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)discovery->queries_len);
    for (size_t i = 0; i < discovery->queries_len; i++) {
        const struct query *query = &discovery->queries[i];
        if (!asks(query, what))
            continue;
        int64_t spec = what == ASK_EARLIEST ? RD_KAFKA_OFFSET_SPEC_EARLIEST
                       : what == ASK_LATEST ? RD_KAFKA_OFFSET_SPEC_LATEST
                                            : source->start.timestamp_ms;
        rd_kafka_topic_partition_list_add(list, query->topic->name.ptr, query->number)->offset =
            spec;
    }
    if (list->cnt > 0) {
        rd_kafka_AdminOptions_t *options = request_options(source, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
        // The end is where open transactions begin: behind it nothing is readable yet.
        rd_kafka_error_t *problem = rd_kafka_AdminOptions_set_isolation_level(
            options, RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED);
        ASSERT(problem == NULL);
        rd_kafka_AdminOptions_set_opaque(options, (void *)(intptr_t)what);
        rd_kafka_ListOffsets(source->client->handle, list, options, discovery->queue);
        rd_kafka_AdminOptions_destroy(options);
        discovery->pending++;
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static bool take_offset(struct source *source, const rd_kafka_topic_partition_t *answer, int what,
                        struct error *err)
{
    if (answer->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(source->client, answer->err, NULL, err, "offsets of %s, partition %d",
                          answer->topic, answer->partition);
    for (size_t i = 0; i < source->discovery.queries_len; i++) {
        struct query *query = &source->discovery.queries[i];
        if (query->number != answer->partition || !str_is(query->topic->name, answer->topic))
            continue;
        if (what == ASK_EARLIEST)
            query->earliest = answer->offset;
        else if (what == ASK_LATEST)
            query->latest = answer->offset;
        else
            query->at_time = answer->offset;
    }
    return true;
}

static bool take_offsets(struct source *source, rd_kafka_event_t *event, struct error *err)
{
    size_t len;
    int what = (int)(intptr_t)rd_kafka_event_opaque(event);
    const rd_kafka_ListOffsetsResultInfo_t **infos =
        rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event), &len);
    bool ok = true;
    for (size_t i = 0; ok && i < len; i++)
        ok = take_offset(source, rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]), what,
                         err);
    return ok;
}

// ---- Step by step ----------------------------------------------------------------------------
static bool finish(struct source *source, struct error *err)
{
    struct discovery *discovery = &source->discovery;
    if (discovery->step == DISCOVERY_TOPICS && discovery->queries_len > 0) {
        for (int what = ASK_EARLIEST; what <= ASK_TIME; what++)
            ask_offsets(source, what);
        discovery->step = DISCOVERY_OFFSETS;
        if (discovery->pending > 0)
            return true;
    }
    if (!decide_partitions(source, err))
        return false;
    discovery->step = DISCOVERY_NONE;
    discovery->was_done = true;
    discovery->trouble.kind = ERROR_NONE;
    discovery->due_us = clock_monotonic_us() + source->options->discovery_interval_us;
    return true;
}

static bool take(struct source *source, rd_kafka_event_t *event, struct error *err)
{
    struct discovery *discovery = &source->discovery;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    discovery->pending--;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(source->client, code, rd_kafka_event_error_string(event), err,
                          "asking for topics and offsets");
    kafka_client_is_well(source->client);
    bool is_topics = rd_kafka_event_type(event) == RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT;
    if (!(is_topics ? take_topics(source, event, err) : take_offsets(source, event, err)))
        return false;
    return discovery->pending > 0 || finish(source, err);
}

// Answers of an attempt that failed are not waited for: they go with their queue.
static bool give_up(struct source *source, struct error *err)
{
    struct discovery *discovery = &source->discovery;
    rd_kafka_queue_destroy(discovery->queue);
    discovery->queue = rd_kafka_queue_new(source->client->handle);
    discovery->step = DISCOVERY_NONE;
    discovery->pending = 0;
    discovery->due_us = 0;
    discovery->trouble = *err;
    return false;
}

static bool begin(struct source *source, struct error *err)
{
    struct discovery *discovery = &source->discovery;
    discovery->asked_us = clock_monotonic_us();
    source->client->is_down = false; // it is said once an outage: the answer will tell
    if (!find_broker(source, err))
        return give_up(source, err);
    ask_topics(source);
    return true;
}

bool metadata_run(struct source *source, int wait_ms, struct error *err)
{
    struct discovery *discovery = &source->discovery;
    if (discovery->step == DISCOVERY_NONE) {
        if (clock_monotonic_us() < discovery->due_us)
            return true;
        if (!begin(source, err))
            return false;
    }
    int64_t until_us = clock_monotonic_us() + wait_ms * US_PER_MS;
    do {
        rd_kafka_event_t *event = rd_kafka_queue_poll(discovery->queue, wait_ms > 0 ? 10 : 0);
        rd_kafka_poll(source->client->handle, 0); // errors of connections
        bool ok = event == NULL || take(source, event, err);
        rd_kafka_event_destroy(event);
        if (!ok)
            return give_up(source, err);
        // Nobody there: no need to wait for the request to time out.
        if (discovery->step != DISCOVERY_NONE && source->client->is_down) {
            kafka_fail(source->client, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, NULL, err,
                       "asking for topics");
            return give_up(source, err);
        }
    } while (discovery->step != DISCOVERY_NONE && clock_monotonic_us() < until_us);
    if (discovery->step == DISCOVERY_NONE || discovery->trouble.kind == ERROR_NONE)
        return true;
    *err = discovery->trouble; // still under way, and it did not work before
    return false;
}
