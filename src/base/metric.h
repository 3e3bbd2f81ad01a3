// SPDX-License-Identifier: MIT
// Counters and gauges that the service face exposes in Prometheus text form. Registered once by
// name and label set, then updated by a relaxed atomic: no lock and no lookup on the way of a row.
#ifndef FIRESTEEL_METRIC_H
#define FIRESTEEL_METRIC_H

#include "base/buf.h"
#include <stdatomic.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    _Atomic int64_t whole; // integer part of counters and gauges
    _Atomic uint64_t bits; // a double's bits, when is_double
    _Atomic bool is_double;
};

// Same name + labels gives the same metric; it lives as long as the process. `labels` is the text
// between the braces, already escaped: `topic="a",partition="0"`, or "".
struct metric *metric_get(enum metric_kind kind, const char *name, const char *help,
                          const char *labels);
void metric_add(struct metric *metric, int64_t delta);
void metric_set(struct metric *metric, int64_t value);
void metric_set_double(struct metric *metric, double value);
int64_t metric_value(const struct metric *metric);
void metric_print(struct buf *out); // whole exposition, sorted by name, HELP and TYPE once per name
void metric_reset_all(void);        // tests only

#endif
