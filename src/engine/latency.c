// SPDX-License-Identifier: MIT
// A ring of the newest durations; percentiles sort a copy when somebody asks.
#include "engine/latency.h"
#include "base/arena.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define DURATIONS_MAX 8192

struct latency {
    pthread_mutex_t mutex;
    int64_t durations_us[DURATIONS_MAX];
    size_t added;
};

struct latency *latency_new(void)
{
    struct latency *latency = heap_new(sizeof(*latency));
    pthread_mutex_init(&latency->mutex, NULL);
    return latency;
}

void latency_free(struct latency *latency)
{
    if (latency == NULL)
        return;
    pthread_mutex_destroy(&latency->mutex);
    heap_free(latency);
}

void latency_add(struct latency *latency, int64_t duration_us)
{
    pthread_mutex_lock(&latency->mutex);
    latency->durations_us[latency->added++ % DURATIONS_MAX] = duration_us;
    pthread_mutex_unlock(&latency->mutex);
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

double latency_percentile_ms(struct latency *latency, double fraction)
{
    int64_t *copy = heap_array(DURATIONS_MAX, sizeof(*copy));
    pthread_mutex_lock(&latency->mutex);
    size_t len = latency->added < DURATIONS_MAX ? latency->added : DURATIONS_MAX;
    memcpy(copy, latency->durations_us, len * sizeof(*copy));
    pthread_mutex_unlock(&latency->mutex);
    double result = 0;
    if (len > 0) {
        qsort(copy, len, sizeof(*copy), compare);
        result = (double)copy[(size_t)(fraction * (double)(len - 1))] / 1000.0;
    }
    heap_free(copy);
    return result;
}
