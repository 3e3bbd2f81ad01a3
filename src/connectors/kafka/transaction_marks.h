// SPDX-License-Identifier: MIT
// The mark of a delivery: a committed offset of (topic, partition 0) in a consumer group that
// nobody consumes with. Offset = epoch, metadata = "<checkpoint uuid> <generation>".
#ifndef FIRESTEEL_TRANSACTION_MARKS_H
#define FIRESTEEL_TRANSACTION_MARKS_H

#include "connectors/kafka/client.h"

struct transaction_mark {
    uint64_t epoch, generation;
    struct str checkpoint; // empty: there is no mark
};
struct transaction_marks {
    struct transaction_mark *list; // parallel to topics
    const char *const *topics;
    size_t len;
};

// Waits until marks of transactions under way are settled.
MUST_USE bool transaction_marks_read(struct kafka_client *client, const char *group,
                                     struct transaction_marks *marks, struct arena *arena,
                                     struct error *err);
void transaction_mark_add(rd_kafka_topic_partition_list_t *offsets, const char *topic,
                          uint64_t epoch, struct str checkpoint, uint64_t generation);

#endif
