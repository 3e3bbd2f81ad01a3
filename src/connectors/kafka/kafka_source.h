// SPDX-License-Identifier: MIT
// The Kafka source's own structures, shared by its files:
//   kafka_source.c  options, open, list, seek, acknowledge, close
//   source_read.c   messages into batches, errors of partitions
//   metadata.c      asking the cluster: which topics, ids, partitions, offsets
//   source_decide.c what the answers mean: where to start, what was lost, what is refused
//   offsets.c       option starting_offsets
// One thread (the reader's) calls all of it.
#ifndef FIRESTEEL_KAFKA_SOURCE_H
#define FIRESTEEL_KAFKA_SOURCE_H

#include "base/metric.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/offsets.h"
#include "connectors/source.h"

#include <regex.h>

struct kafka_source_options {
    struct kafka_client_options client;
    struct str topic, topic_pattern;
    struct str starting_offsets;
    struct str max_offsets_per_trigger; // text, since empty means none
    bool fail_on_data_loss;
    struct str group_id;
    int64_t discovery_interval_us;
    int64_t give_up_after_us;
};

struct topic {
    struct str name;
    struct str id;            // as the cluster says it, base64; empty: not known
    rd_kafka_topic_t *handle; // of librdkafka; NULL: never read from
    int32_t partitions;       // how many the cluster has; 0: not known yet
    uint32_t *index;          // partition number -> index in source->partitions, UINT32_MAX: none
    int32_t index_len;
    bool is_chosen; // by the options; else only the checkpoint knows it
};

enum partition_phase {
    PHASE_FOUND,   // from the checkpoint; the cluster has not been asked about it
    PHASE_DECIDED, // its position was decided anew, and must be durable before it is read
    PHASE_READING, // messages come
    PHASE_LOST,    // its position is not in the log: decide anew
    PHASE_ENDED,   // once, batch: complete
    PHASE_IGNORED, // the options no longer choose its topic
};
struct partition_state { // parallel to source->partitions
    struct topic *topic;
    int32_t number;
    enum partition_phase phase;
    int64_t end;          // once, batch: read up to here; INT64_MAX in a stream
    int64_t acknowledged; // offset that is durable in the journal; -1: none yet
    int64_t grouped;      // offset last committed to the group; -1: none
    bool is_consuming;    // librdkafka fetches it
    bool is_recreated;    // PHASE_LOST: its topic is another one now
    bool is_touched;      // its position changed while the batch was filled
    bool is_announced;    // its decision is in a batch that was given out
    struct metric *lag;
};

// What must be asked about a partition before it can be read.
struct query {
    struct topic *topic;
    int32_t number;
    int64_t index; // of the partition; -1: new
    bool wants_earliest, wants_latest, wants_time;
    int64_t earliest, latest, at_time; // answers; -1: none
};

enum discovery_step { DISCOVERY_NONE, DISCOVERY_TOPICS, DISCOVERY_OFFSETS };
struct discovery {
    enum discovery_step step;
    rd_kafka_queue_t *queue; // answers come here
    int64_t due_us;          // monotonic; 0: now
    int64_t asked_us;
    int32_t broker; // to ask: it just answered
    bool was_done;  // once at least
    struct query *queries;
    size_t queries_len, queries_capacity;
    int pending;          // requests without an answer
    struct error trouble; // of the last attempt, shown while the next one is under way
};

struct source {
    const struct kafka_source_options *options;
    struct source_context context;
    struct arena arena; // as long as the source: names, marks, topics
    struct kafka_client *client;
    rd_kafka_queue_t *queue; // messages of all partitions
    struct offsets start;
    struct str *names; // of topics to read; with a pattern filled by what the cluster has
    size_t names_len;
    regex_t pattern;
    bool has_pattern;
    char group[256];
    struct topic **topics;
    size_t topics_len, topics_capacity;
    struct partition *partitions;
    struct partition_state *states;
    size_t len, capacity;
    bool was_resumed; // the checkpoint had positions: partitions it does not know are new
    struct discovery discovery;
    struct error error;    // of a partition, to be returned by the next read
    int64_t down_since_us; // once, batch: since when nothing works; 0: it works
    int64_t trigger_rows_max, trigger_rows, trigger_since_us; // max_offsets_per_trigger
    int64_t lag_us;                                           // when the lag was last set
    int64_t got_us;                                           // when something last came
    rd_kafka_queue_t *commits;                                // answers to commits of group offsets
    int commits_pending;
    // While messages are taken.
    struct batch *batch;
    size_t rows_max, bytes_max;
    char *room, *room_end;         // where the next payload goes
    size_t room_bytes, last_bytes; // of a block of it; of the batch before
    const rd_kafka_topic_t *last_topic;
    int32_t last_number;
    uint32_t last_index;
    uint32_t *touched; // partitions with is_touched
    size_t touched_len, touched_capacity;
    bool got_anything;
};

// kafka_source.c
struct topic *source_topic(struct source *source, struct str name); // made when new
uint32_t source_partition_add(struct source *source, struct topic *topic, int32_t number,
                              int64_t offset, struct str mark, enum partition_phase phase);
int64_t source_partition_find(const struct topic *topic, int32_t number); // -1: none
void source_commit_group(struct source *source);     // what is durable, for lag tools
bool source_is_bounded(const struct source *source); // once, batch: has an end

// metadata.c. Goes on with finding out, waiting for answers at most wait_ms. False: it failed, or
// failed before and has not worked since.
MUST_USE bool metadata_run(struct source *source, int wait_ms, struct error *err);
void metadata_request(struct source *source); // ask again now, if not asked a moment ago
void metadata_clear(struct source *source);

// source_decide.c
// The cluster has these partitions of a topic, and this id: notes what must be asked (queries).
MUST_USE bool decide_topic(struct source *source, struct topic *topic, struct str id,
                           int32_t partitions, struct error *err);
MUST_USE bool decide_partitions(struct source *source, struct error *err); // queries are answered
void decide_announce(struct source *source, struct batch *batch);
void source_start(struct source *source, uint32_t index); // fetching begins at its position
void source_stop(struct source *source, uint32_t index);

// source_read.c
MUST_USE bool source_read(struct source *source, struct batch *batch, size_t rows_max,
                          size_t bytes_max, enum read_state *state, struct error *err);

#endif
