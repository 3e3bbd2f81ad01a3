// SPDX-License-Identifier: MIT
// A plain producer: idempotent, not transactional. It fills topics for demos and tests
// (`firesteel generate --to kafka://..`) and says which record stands where once the broker has it.
// Records with a key go where Java's clients would send them; of the others,
// equal payloads go to the same partition, so that a copy follows its original.
#ifndef FIRESTEEL_PRODUCER_H
#define FIRESTEEL_PRODUCER_H

#include "base/error.h"
#include "base/buf.h"

struct producer_record {
    int64_t row; // as given to producer_send
    const char *topic;
    int32_t partition;
    int64_t offset;
    struct str payload;
};

struct producer;
struct producer *producer_open(struct str bootstrap_servers, struct error *err);
// The topic's number for producer_send, -1 on failure. Makes the topic, with so many partitions,
// when it is not there. ERROR_RETRY (exit 75) when no broker answers. At most PRODUCER_TOPICS_MAX.
int producer_topic(struct producer *producer, const char *name, int64_t partitions,
                   struct error *err);
// Called for each record that the broker acknowledged, from the thread that calls producer_*.
void producer_on_acknowledged(struct producer *producer,
                              void (*acknowledged)(void *context,
                                                   const struct producer_record *record),
                              void *context);
// Copies the payload; waits while the queue is full. Empty key: the record has none.
MUST_USE bool producer_send(struct producer *producer, int topic, struct str key,
                            struct str payload, int64_t row, struct error *err);
// Takes in what was acknowledged since; never waits. False: a record was refused for good.
MUST_USE bool producer_poll(struct producer *producer, struct error *err);
// Everything sent is acknowledged when this returns true.
MUST_USE bool producer_flush(struct producer *producer, struct error *err);
void producer_print_topics(const struct producer *producer, struct buf *out); // " a (4 partitions)"
int64_t producer_acknowledged(const struct producer *producer);               // records so far
void producer_close(struct producer *producer);

#define PRODUCER_TOPICS_MAX 8

#endif
