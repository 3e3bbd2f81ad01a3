// SPDX-License-Identifier: MIT
// A bounded queue of pointers between threads: the only way data moves from one thread to another,
// whole batches at a time. Full = the producer waits (back pressure); closed = both sides leave.
#ifndef FIRESTEEL_QUEUE_H
#define FIRESTEEL_QUEUE_H

#include "base/base.h"

struct queue; // heap object, multi-producer multi-consumer
struct queue *queue_new(size_t capacity);
void queue_free(struct queue *queue); // must be empty or its content owned elsewhere
// False when closed (the item stays the caller's).
bool queue_put(struct queue *queue, void *item);
// NULL when closed and empty, or after timeout_us (-1: wait for ever, 0: only look).
void *queue_take(struct queue *queue, int64_t timeout_us);
void queue_close(struct queue *queue);
size_t queue_count(struct queue *queue);

#endif
