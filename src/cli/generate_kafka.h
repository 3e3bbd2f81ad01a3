// SPDX-License-Identifier: MIT
// The Kafka end of `firesteel generate --to kafka://host:port[,host:port][/topic]`.
#ifndef FIRESTEEL_GENERATE_KAFKA_H
#define FIRESTEEL_GENERATE_KAFKA_H

#include "base/file.h"
#include "connectors/kafka/producer.h"
#include "connectors/source.h"

struct kafka_target {
    struct producer *producer;
    const struct source *source; // tells what kind a row is
    char topic[256];             // of rows that the profile does not route
    bool has_one_topic;          // the user named it: for all rows
    int64_t partitions;
    bool has_log;
    struct file log;
    struct buf log_buf;
};

// Without a topic in `to`: those of the profile. Topics are made when they are missing. From here
// on SIGINT and SIGTERM only ask to stop (kafka_target_is_stopped): the log must be whole.
MUST_USE bool kafka_target_open(struct kafka_target *target, const char *to, const char *profile,
                                int64_t partitions, struct error *err);
// Appends to the producer's own log, a line for each acknowledged record.
MUST_USE bool kafka_target_log(struct kafka_target *target, const char *path, struct error *err);
MUST_USE bool kafka_target_add(struct kafka_target *target, struct str payload, int64_t row,
                               struct error *err);
MUST_USE bool kafka_target_poll(struct kafka_target *target, struct error *err);
MUST_USE bool kafka_target_finish(struct kafka_target *target, struct error *err);
bool kafka_target_is_stopped(void);
void kafka_target_print(const struct kafka_target *target, struct buf *out); // "N rows in topic .."
void kafka_target_close(struct kafka_target *target);

#endif
