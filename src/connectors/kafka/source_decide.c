// SPDX-License-Identifier: MIT
// What the cluster's answers mean for each partition. Three rules:
// - A position that was decided here (a start, a skip over lost records, a recreated topic) is
// given
//   out first and read from only once it is durable: nothing is decided twice.
// - Records that are gone are refused (exit 4) unless fail_on_data_loss = false; then the range is
//   logged and counted.
// - A topic is its id. One that was deleted and made again is another topic, whatever its name.
#include "connectors/kafka/kafka_source.h"

#include "base/log.h"

static struct query *add_query(struct source *source, struct topic *topic, int32_t number,
                               int64_t index)
{
    struct discovery *discovery = &source->discovery;
    if (discovery->queries_len == discovery->queries_capacity) {
        size_t capacity = discovery->queries_capacity == 0 ? 16 : discovery->queries_capacity * 2;
        discovery->queries =
            heap_resize(discovery->queries, capacity * sizeof(*discovery->queries));
        discovery->queries_capacity = capacity;
    }
    struct query *query = &discovery->queries[discovery->queries_len++];
    *query = (struct query){.topic = topic,
                            .number = number,
                            .index = index,
                            .earliest = -1,
                            .latest = -1,
                            .at_time = -1};
    return query;
}

static struct str name_print(struct source *source, const struct topic *topic, int32_t number)
{
    return arena_print(&source->arena, "%.*s/%d", STR_ARGS(topic->name), number);
}

static struct metric *partition_metric(struct source *source, enum metric_kind kind,
                                       const char *name, const char *help,
                                       const struct topic *topic, int32_t number)
{
    AUTO(buf_clear) struct buf labels = {0};
    buf_add_cstr(&labels, "source=\"");
    for (size_t i = 0; i < source->context.name.len; i++) {
        char c = source->context.name.ptr[i];
        if (c == '"' || c == '\\')
            buf_add_char(&labels, '\\');
        buf_add_char(&labels, c == '\n' ? ' ' : c);
    }
    buf_print(&labels, "\",topic=\"%.*s\",partition=\"%d\"", STR_ARGS(topic->name), number);
    return metric_get(kind, name, help, buf_cstr(&labels));
}

static void count_skipped(struct source *source, const struct topic *topic, int32_t number,
                          int64_t rows)
{
    metric_add(partition_metric(source, METRIC_COUNTER, "firesteel_skipped_offsets_total",
                                "Offsets that were gone and skipped (fail_on_data_loss = false).",
                                topic, number),
               rows > 0 ? rows : 0);
}

// ---- A topic's answer ------------------------------------------------------------------------
static bool recreated(struct source *source, struct topic *topic, struct str known, struct str id,
                      struct error *err)
{
    if (source->options->fail_on_data_loss)
        return error_set_exit(
            err, ERROR_FATAL, EXIT_REFUSED,
            "kafka: topic '%.*s' on %s was deleted and made again: its id is %.*s, and the "
            "checkpoint has positions of %.*s; records may be lost. fail_on_data_loss = false "
            "reads "
            "the new topic from its earliest record",
            STR_ARGS(topic->name), source->client->servers, STR_ARGS(id), STR_ARGS(known));
    log_warn("source %.*s: kafka: topic '%.*s' was deleted and made again (id %.*s, before %.*s): "
             "it is read from its earliest record, what was unread of the old one is lost",
             STR_ARGS(source->context.name), STR_ARGS(topic->name), STR_ARGS(id), STR_ARGS(known));
    for (int32_t p = 0; p < topic->index_len; p++) {
        if (topic->index[p] == UINT32_MAX)
            continue;
        struct partition_state *state = &source->states[topic->index[p]];
        int64_t low = 0, high = 0, at = source->partitions[topic->index[p]].offset;
        // The end of the old one as it was last seen, if it was.
        if (topic->handle != NULL &&
            rd_kafka_get_watermark_offsets(source->client->handle, topic->name.ptr, p, &low,
                                           &high) == RD_KAFKA_RESP_ERR_NO_ERROR)
            count_skipped(source, topic, p, high - at);
        source_stop(source, topic->index[p]);
        state->phase = PHASE_LOST;
        state->is_recreated = true;
    }
    return true;
}

static bool check_id(struct source *source, struct topic *topic, struct str id, struct error *err)
{
    if (id.len == 0) // the cluster is too old to have ids
        return true;
    struct str known = topic->id;
    for (int32_t p = 0; known.len == 0 && p < topic->index_len; p++)
        if (topic->index[p] != UINT32_MAX)
            known = source->partitions[topic->index[p]].mark;
    if (known.len > 0 && !str_equal(known, id) && !recreated(source, topic, known, id, err))
        return false;
    if (!str_equal(topic->id, id))
        topic->id = arena_str(&source->arena, id);
    return true;
}

static void ask_start(struct source *source, struct query *query)
{
    bool is_later = source->was_resumed || source->discovery.was_done;
    enum offsets_kind kind = is_later ? OFFSETS_EARLIEST : source->start.kind;
    int64_t listed = kind == OFFSETS_LISTED
                         ? offsets_of(&source->start, query->topic->name, query->number)
                         : OFFSET_EARLIEST;
    query->wants_time = kind == OFFSETS_TIMESTAMP;
    query->wants_earliest =
        kind == OFFSETS_EARLIEST || (kind == OFFSETS_LISTED && listed != OFFSET_LATEST);
    query->wants_latest = kind != OFFSETS_EARLIEST || source_is_bounded(source);
}

static bool check_listed(const struct source *source, const struct topic *topic, int32_t partitions,
                         struct error *err)
{
    for (size_t i = 0; i < source->start.listed_len; i++) {
        const struct listed_offset *listed = &source->start.listed[i];
        if (str_equal(listed->topic, topic->name) && listed->partition >= partitions)
            return error_set(
                err, ERROR_USER,
                "kafka: starting_offsets names partition %d of topic '%.*s', which has "
                "partitions 0 to %d",
                listed->partition, STR_ARGS(topic->name), partitions - 1);
    }
    return true;
}

bool decide_topic(struct source *source, struct topic *topic, struct str id, int32_t partitions,
                  struct error *err)
{
    if (!check_id(source, topic, id, err) || !check_listed(source, topic, partitions, err))
        return false;
    topic->partitions = partitions;
    for (int32_t p = 0; p < partitions; p++) {
        int64_t index = source_partition_find(topic, p);
        enum partition_phase phase = index >= 0 ? source->states[index].phase : PHASE_FOUND;
        if (index < 0 && source_is_bounded(source) && source->discovery.was_done)
            continue; // came after the start: not of this run
        if (phase != PHASE_FOUND && phase != PHASE_LOST && phase != PHASE_IGNORED)
            continue;
        struct query *query = add_query(source, topic, p, index);
        if (index < 0)
            ask_start(source, query);
        else
            query->wants_earliest = query->wants_latest = true;
    }
    for (int32_t p = partitions; p < topic->index_len; p++) {
        int64_t index = source_partition_find(topic, p);
        if (index < 0 || source->states[index].phase == PHASE_IGNORED)
            continue;
        if (source->options->fail_on_data_loss)
            return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                                  "kafka: the checkpoint has a position of topic '%.*s', partition "
                                  "%d, but the topic has only %d partitions; records may be lost. "
                                  "fail_on_data_loss = false goes on without it",
                                  STR_ARGS(topic->name), p, partitions);
        source_stop(source, (uint32_t)index);
        source->states[index].phase = PHASE_IGNORED;
        source->states[index].is_announced = false;
    }
    return true;
}

// ---- A partition's answer --------------------------------------------------------------------
// A start outside of the log is brought into it, or refused.
static bool start_of(struct source *source, const struct query *query, int64_t *offset,
                     struct error *err)
{
    if (query->wants_time) {
        *offset = query->at_time >= 0 ? query->at_time : query->latest;
        return true;
    }
    bool is_later = source->was_resumed || source->discovery.was_done;
    int64_t listed = OFFSET_EARLIEST;
    if (!is_later && source->start.kind == OFFSETS_LATEST)
        listed = OFFSET_LATEST;
    else if (!is_later && source->start.kind == OFFSETS_LISTED)
        listed = offsets_of(&source->start, query->topic->name, query->number);
    *offset = listed == OFFSET_EARLIEST ? query->earliest
              : listed == OFFSET_LATEST ? query->latest
                                        : listed;
    if (listed < 0 || (listed >= query->earliest && listed <= query->latest))
        return true;
    if (source->options->fail_on_data_loss)
        return error_set_exit(
            err, ERROR_FATAL, EXIT_REFUSED,
            "kafka: starting_offsets wants offset %lld of topic '%.*s', partition "
            "%d, which has %lld to %lld; fail_on_data_loss = false takes the "
            "nearest",
            (long long)listed, STR_ARGS(query->topic->name), query->number,
            (long long)query->earliest, (long long)query->latest);
    *offset = listed < query->earliest ? query->earliest : query->latest;
    log_warn(
        "source %.*s: kafka: starting_offsets wants offset %lld of topic '%.*s', partition %d, "
        "which has %lld to %lld: it starts at %lld",
        STR_ARGS(source->context.name), (long long)listed, STR_ARGS(query->topic->name),
        query->number, (long long)query->earliest, (long long)query->latest, (long long)*offset);
    if (*offset > listed)
        count_skipped(source, query->topic, query->number, *offset - listed);
    return true;
}

static bool add_partition(struct source *source, const struct query *query, struct error *err)
{
    int64_t offset;
    if (!start_of(source, query, &offset, err))
        return false;
    uint32_t index =
        source_partition_add(source, query->topic, query->number, offset,
                             name_print(source, query->topic, query->number), PHASE_DECIDED);
    source->partitions[index].mark = query->topic->id;
    if (source_is_bounded(source))
        source->states[index].end = query->latest;
    log_debug("source %.*s: kafka: %.*s starts at %lld", STR_ARGS(source->context.name),
              STR_ARGS(source->partitions[index].name), (long long)offset);
    return true;
}

static bool refuse_lost(struct source *source, const struct query *query, int64_t at,
                        struct error *err)
{
    const char *why = at < query->earliest ? "those before it were deleted, by retention or by hand"
                                           : "the log is shorter than it was";
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "kafka: topic '%.*s', partition %d on %s: offset %lld is wanted, and the "
                          "lowest is %lld, the end %lld: %s; records are lost. fail_on_data_loss = "
                          "false goes on at %lld and counts what it skips",
                          STR_ARGS(query->topic->name), query->number, source->client->servers,
                          (long long)at, (long long)query->earliest, (long long)query->latest, why,
                          (long long)(at < query->earliest ? query->earliest : query->latest));
}

static void move(struct source *source, uint32_t index, int64_t offset)
{
    struct partition_state *state = &source->states[index];
    source->partitions[index].offset = offset;
    source->partitions[index].mark = state->topic->id;
    state->phase = PHASE_DECIDED;
    state->is_announced = false;
    state->is_recreated = false;
    state->grouped = state->acknowledged = -1;
}

// A partition that has a position: is it still in the log?
static bool resume_partition(struct source *source, const struct query *query, struct error *err)
{
    uint32_t index = (uint32_t)query->index;
    struct partition_state *state = &source->states[index];
    struct partition *partition = &source->partitions[index];
    int64_t at = partition->offset;
    if (source_is_bounded(source) && state->end == INT64_MAX)
        state->end = query->latest;
    if (state->is_recreated) {
        move(source, index, query->earliest);
    } else if (at < query->earliest || at > query->latest) {
        int64_t to = at < query->earliest ? query->earliest : query->latest;
        if (source->options->fail_on_data_loss)
            return refuse_lost(source, query, at, err);
        log_warn(
            "source %.*s: kafka: topic '%.*s', partition %d: offsets %lld to %lld are gone and "
            "skipped (fail_on_data_loss = false)",
            STR_ARGS(source->context.name), STR_ARGS(query->topic->name), query->number,
            (long long)(at < to ? at : to), (long long)(at < to ? to - 1 : at - 1));
        count_skipped(source, query->topic, query->number, to - at);
        move(source, index, to);
    } else if (partition->mark.len == 0 && query->topic->id.len > 0) {
        move(source, index, at); // it had no id yet
    } else {
        state->phase = PHASE_READING;
        source_start(source, index);
    }
    return true;
}

bool decide_partitions(struct source *source, struct error *err)
{
    struct discovery *discovery = &source->discovery;
    for (size_t i = 0; i < discovery->queries_len; i++) {
        const struct query *query = &discovery->queries[i];
        if (!(query->index < 0 ? add_partition(source, query, err)
                               : resume_partition(source, query, err)))
            return false;
    }
    discovery->queries_len = 0;
    for (size_t i = 0; i < source->len; i++) {
        struct partition_state *state = &source->states[i];
        if (state->lag == NULL)
            state->lag = partition_metric(source, METRIC_GAUGE, "firesteel_source_lag_records",
                                          "Records between the position and the partition's end.",
                                          state->topic, state->number);
        if (state->phase == PHASE_FOUND && !state->topic->is_chosen) {
            log_info("source %.*s: kafka: %.*s is in the checkpoint, but not chosen any more: its "
                     "position is kept",
                     STR_ARGS(source->context.name), STR_ARGS(source->partitions[i].name));
            state->phase = PHASE_IGNORED;
        }
    }
    return true;
}

// ---- Out into a batch ------------------------------------------------------------------------
void decide_announce(struct source *source, struct batch *batch)
{
    bool has_journal = source->context.execution != EXECUTION_BATCH;
    for (uint32_t i = 0; i < source->len; i++) {
        struct partition_state *state = &source->states[i];
        struct partition *partition = &source->partitions[i];
        bool is_reading = state->phase == PHASE_READING && partition->offset < state->end;
        if (state->is_announced || state->phase == PHASE_FOUND || state->phase == PHASE_LOST ||
            is_reading)
            continue;
        bool was_decided = state->phase == PHASE_DECIDED;
        if (partition->offset >= state->end && state->phase != PHASE_IGNORED) {
            source_stop(source, i);
            state->phase = PHASE_ENDED;
        }
        bool is_end = state->phase == PHASE_ENDED || state->phase == PHASE_IGNORED;
        batch_position_set(batch, i, partition->offset, partition->line, is_end,
                           state->phase == PHASE_IGNORED);
        batch_position_mark(batch, i, partition->mark);
        state->is_announced = true;
        batch->wants_commit = batch->wants_commit || (was_decided && has_journal);
        if (state->phase == PHASE_DECIDED && !has_journal) {
            state->phase = PHASE_READING;
            source_start(source, i);
        }
    }
}
