// SPDX-License-Identifier: MIT
// A ring under one mutex with two conditions. Items are whole batches, so it is locked a few
// hundred times a second and a lock-free ring would gain nothing but doubt. Waiting uses the
// monotonic clock: a change of the wall clock must not stretch a timeout.
#include "base/queue.h"
#include "base/arena.h"
#include <errno.h>
#include <pthread.h>
#include <time.h>

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    void **items;
    size_t capacity;
    size_t first; // index of the oldest item
    size_t count;
    bool closed;
};

struct queue *queue_new(size_t capacity)
{
    ASSERT(capacity > 0);
    struct queue *queue = heap_new(sizeof(*queue));
    queue->items = heap_array(capacity, sizeof(*queue->items));
    queue->capacity = capacity;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->not_empty, &attributes);
    pthread_cond_init(&queue->not_full, &attributes);
    pthread_condattr_destroy(&attributes);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->not_full);
    pthread_cond_destroy(&queue->not_empty);
    pthread_mutex_destroy(&queue->mutex);
    heap_free(queue->items);
    heap_free(queue);
}

bool queue_put(struct queue *queue, void *item)
{
    ASSERT(item != NULL); // NULL is what queue_take says when there is nothing
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == queue->capacity && !queue->closed)
        pthread_cond_wait(&queue->not_full, &queue->mutex);
    bool open = !queue->closed;
    if (open) {
        queue->items[(queue->first + queue->count) % queue->capacity] = item;
        queue->count++;
        pthread_cond_signal(&queue->not_empty);
    }
    pthread_mutex_unlock(&queue->mutex);
    return open;
}

static struct timespec deadline_after(int64_t timeout_us)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t nanoseconds = now.tv_nsec + (timeout_us % US_PER_SECOND) * 1000;
    now.tv_sec += (time_t)(timeout_us / US_PER_SECOND + nanoseconds / 1000000000);
    now.tv_nsec = (long)(nanoseconds % 1000000000);
    return now;
}

void *queue_take(struct queue *queue, int64_t timeout_us)
{
    struct timespec deadline = {0};
    if (timeout_us > 0)
        deadline = deadline_after(timeout_us);
    pthread_mutex_lock(&queue->mutex);
    while (queue->count == 0 && !queue->closed && timeout_us != 0) {
        if (timeout_us < 0)
            pthread_cond_wait(&queue->not_empty, &queue->mutex);
        else if (pthread_cond_timedwait(&queue->not_empty, &queue->mutex, &deadline) == ETIMEDOUT)
            break;
    }
    void *item = NULL;
    if (queue->count > 0) {
        item = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        pthread_cond_signal(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->mutex);
    return item;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_cond_broadcast(&queue->not_empty);
    pthread_cond_broadcast(&queue->not_full);
    pthread_mutex_unlock(&queue->mutex);
}

size_t queue_count(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    size_t count = queue->count;
    pthread_mutex_unlock(&queue->mutex);
    return count;
}
