// SPDX-License-Identifier: MIT
// State is measured by the thread that owns it, and only its size is shown to others.
#include "engine/measures.h"
#include "engine/job_state.h"

const char *const stage_names[STAGES] = {"collect", "decode", "judge",  "transform",
                                         "close",   "frame",  "deliver"};

static int64_t segments_bytes(const struct segment_list *segments)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < segments->len; i++)
        bytes += (int64_t)segments->list[i]->len;
    return bytes;
}

static int64_t relation_bytes(const struct job_relation *state)
{
    int64_t bytes = state->dedup != NULL ? dedup_bytes(state->dedup) : 0;
    for (size_t l = 0; l < state->folds_len; l++)
        bytes += fold_bytes(state->folds[l]);
    for (size_t k = 0; k < state->kept_len; k++)
        bytes += segments_bytes(&state->kept[k].segments);
    for (size_t side = 0; side < COUNT_OF(state->waiting); side++)
        bytes += segments_bytes(&state->waiting[side]);
    return bytes;
}

void measures_take(struct job *job)
{
    for (size_t r = 0; r < job->plan->relations_len; r++)
        atomic_store_explicit(&job->relations[r].state_bytes, relation_bytes(&job->relations[r]),
                              memory_order_relaxed);
    atomic_store_explicit(&job->measures.state_rows, windows_rows(job), memory_order_relaxed);
}
