// SPDX-License-Identifier: MIT
// Table mode: views whose rows are rows of a source (plan->counted). Their constraints are judged
// while the source is read; which rows are duplicates is known only when everything was read.
#ifndef FIRESTEEL_BATCH_VIEWS_H
#define FIRESTEEL_BATCH_VIEWS_H

#include "engine/job_state.h"

MUST_USE bool batch_views_open(struct job *job, struct error *err);
// Rows of a source on their way into its table; source->batch still has their bytes.
MUST_USE bool batch_views_judge(struct job *job, struct job_source *source, const struct rows *rows,
                                struct error *err);
// Makes view `index` of plan->counted: drops duplicates and what its constraints refuse, counts.
MUST_USE bool batch_view_make(struct job *job, size_t index, struct error *err);
void batch_views_close(struct job *job);
// How often rows that reached the view violated its constraint, also when it was not their first.
int64_t batch_view_violations(const struct job *job, size_t index, size_t constraint);

#endif
