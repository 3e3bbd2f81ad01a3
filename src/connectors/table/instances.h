// SPDX-License-Identifier: MIT
// The instances behind connector 'memory' (memory.h): shared by its source and its sink.
#ifndef FIRESTEEL_INSTANCES_H
#define FIRESTEEL_INSTANCES_H

#include "connectors/table/memory.h"
#include <pthread.h>

struct memory_log { // a partition
    struct str *payloads;
    size_t len, capacity;
};

struct memory_delivery {
    uint64_t epoch;
    struct segment **segments;
    size_t segments_len;
    int64_t rows;
};

struct memory_instance {
    struct memory_instance *next;
    struct str name;
    struct arena arena; // payload bytes, columns
    struct memory_log *logs;
    size_t logs_len;
    bool is_finished;
    struct str checkpoint; // of the job that wrote first
    struct column *columns;
    size_t columns_len;
    struct memory_delivery *deliveries;
    size_t deliveries_len, deliveries_capacity;
    int64_t finishes;
};

extern pthread_mutex_t memory_mutex; // held around every use of an instance
struct memory_instance *memory_instance_get(struct str name); // made when new

#endif
