// SPDX-License-Identifier: MIT
// Times from a batch's arrival to the commit that made it durable: the newest few thousand, for
// percentiles on the progress line and in the API.
#ifndef FIRESTEEL_LATENCY_H
#define FIRESTEEL_LATENCY_H

#include "base/base.h"

struct latency; // heap object, job thread writes, any thread asks
struct latency *latency_new(void);
void latency_free(struct latency *latency);
void latency_add(struct latency *latency, int64_t duration_us);
double latency_percentile_ms(struct latency *latency, double fraction); // 0 when nothing was added

#endif
