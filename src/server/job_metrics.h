// SPDX-License-Identifier: MIT
// The job's figures as Prometheus metrics: called about once a second beside the run.
#ifndef FIRESTEEL_JOB_METRICS_H
#define FIRESTEEL_JOB_METRICS_H

#include "engine/job.h"

void metrics_update(struct job *job, const struct plan *plan);

#endif
