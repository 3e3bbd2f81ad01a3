// SPDX-License-Identifier: MIT
// Connector 'memory': rows that a test puts in and takes out. Content belongs to an instance
// (option `instance`, default: the name of the source or sink) and outlives any job in this
// process, so a job that crashes and starts again finds what a broker or a table would have kept.
// Thread safe.
#ifndef FIRESTEEL_MEMORY_H
#define FIRESTEEL_MEMORY_H

#include "connectors/sink.h"
#include "connectors/source.h"

extern const struct source_type memory_source_type;
extern const struct sink_type memory_sink_type;

// Appends records to a partition ("0", "1", ..: made when needed). Bytes are copied.
void memory_source_add(struct str instance, uint32_t partition, const struct str *payloads,
                       size_t len);
// No more records will come: read answers READ_END after the last one, also in stream mode.
void memory_source_finish(struct str instance);
int64_t memory_source_rows(struct str instance); // records put in so far

// What the sink was given: deliveries in order of their epoch, each once.
int64_t memory_sink_rows(struct str instance);
// Copies of the rows, one segment a delivered segment; the caller frees each (segment_free) and
// then the array (heap_free). Their columns point into the instance.
struct segment **memory_sink_take(struct str instance, size_t *len);
void memory_sink_print(struct str instance, struct buf *out); // a JSON object a line
uint64_t memory_sink_epoch(struct str instance);              // newest delivered, 0: none
int64_t memory_sink_finished(struct str instance);            // how often `finish` was called

// Forgets every instance. No job may use one.
void memory_clear(void);

#endif
