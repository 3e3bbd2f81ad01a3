// SPDX-License-Identifier: MIT
// One transactional producer and what it remembers at the broker. A delivery is one transaction:
// its records and, on (topic, partition 0) of each sink in a consumer group used for nothing else,
// a mark: offset = epoch, metadata = checkpoint and generation. The mark is there exactly when the
// records are. Opening fences whoever wrote before and reads the marks, so after any doubt (a reply
// that did not come, a crash) opening again tells what happened.
#ifndef FIRESTEEL_TRANSACTION_H
#define FIRESTEEL_TRANSACTION_H

#include "connectors/kafka/client.h"
#include "connectors/kafka/record.h"

struct transaction_options {
    const struct kafka_client_options *client;
    const struct option_value *values; // all options of the sink as given
    size_t values_len;
    const char *name;        // for messages: "sink out"
    const char *id;          // transactional.id
    const char *compression; // of batches
    struct str checkpoint;   // uuid
    uint64_t generation;
    bool has_marks; // else (batch) nothing is remembered at the broker
};

struct transaction;
struct transaction *transaction_new(const struct transaction_options *options);
void transaction_free(struct transaction *transaction); // NULL is allowed
// The number of a topic of this transaction; the same name gives the same number. Before open.
int transaction_topic(struct transaction *transaction, const char *name);

// Fences older writers, waits until their transactions are settled, reads the marks. Nothing when
// it is open already. *epoch: the newest in a mark of this checkpoint, 0: none.
// EXIT_REFUSED when a topic's mark is of another checkpoint or of a later generation.
MUST_USE bool transaction_open(struct transaction *transaction, uint64_t *epoch, struct error *err);
// ERROR_USER when a topic is not there.
MUST_USE bool transaction_check_topics(struct transaction *transaction, struct error *err);

MUST_USE bool transaction_begin(struct transaction *transaction, struct error *err);
#define TRANSACTION_TAG_BITS 48
// tag: comes back from transaction_failed_tag when the broker refuses this record.
MUST_USE bool transaction_send(struct transaction *transaction, int topic,
                               const struct record *record, uint64_t epoch, uint64_t tag,
                               struct error *err);
// Waits for all acknowledgements, then marks and commits. Whatever fails here or in send: the
// transaction is aborted, or will be when it is opened again; then nothing of it is ever readable,
// or (a lost reply) all of it is and opening says so.
MUST_USE bool transaction_commit(struct transaction *transaction, uint64_t epoch,
                                 struct error *err);
// For a transaction of several deliveries: waits for all acknowledgements; then, once, end.
MUST_USE bool transaction_settle(struct transaction *transaction, struct error *err);
MUST_USE bool transaction_end(struct transaction *transaction, struct error *err);
void transaction_abort(struct transaction *transaction);
// Of the record that made send or commit fail with ERROR_DATA; UINT64_MAX: none did.
uint64_t transaction_failed_tag(const struct transaction *transaction, bool *is_too_large);
// Makes the marks this checkpoint's: those of another checkpoint at epoch 0, own ones keep theirs.
// before: the checkpoints that were there.
MUST_USE bool transaction_adopt(struct transaction *transaction, struct buf *before,
                                struct error *err);

#endif
