// SPDX-License-Identifier: MIT
// Closing a window with many groups on all lanes. It is possible where nothing meets: each lane
// holds a share of the groups of its own (fold_add_share), the result columns are the groups' as
// they are, and only sinks read them. Any other window closes on the job thread (window.c). Rows
// reach the sinks in lane order, as they would there.
#include "engine/job_state.h"

struct lane_close {
    size_t relation;
    int64_t start_us, end_us;
    struct pane *const *panes;
    size_t panes_len;
};

bool lanes_may_close(const struct job *job, size_t index)
{
    const struct relation *relation = &job->plan->relations[index];
    if (!job->lanes_started || relation->final_direct == NULL || relation->constraints_len > 0)
        return false;
    for (size_t r = index + 1; r < job->plan->relations_len; r++)
        for (size_t side = 0; side < COUNT_OF(relation->inputs); side++)
            if (job->plan->relations[r].inputs[side] == (int)index)
                return false;
    return true;
}

static void give_vector(struct lane *lane, size_t index, struct chunk *chunk)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    struct rows *rows = &lane->relations[index].rows;
    rows_clear(rows);
    struct rows_part *part = rows_add(rows);
    *part = (struct rows_part){
        .chunk = chunk_pick(chunk, relation->final_direct, relation->columns_len, &lane->arena),
        .count = chunk->rows};
    lane->counts[index].made += (int64_t)chunk->rows;
    lane->counts[index].rows_out += (int64_t)chunk->rows;
}

static bool close_share(struct lane *lane, struct job_source *source UNUSED, struct error *err)
{
    const struct lane_close *task = lane->job->lane_close;
    const struct relation *relation = &lane->job->plan->relations[task->relation];
    struct lane_relation *own = &lane->relations[task->relation];
    if (own->result_chunk == NULL)
        own->result_chunk = closer_chunk(lane->job, task->relation);
    bool ok = true;
    for (size_t p = lane->index; ok && p < task->panes_len; p += lane->job->lanes_len) {
        size_t cursor = 0;
        while (ok && pane_result(task->panes[p], relation, task->start_us, task->end_us, &cursor,
                                 own->result_chunk)) {
            give_vector(lane, task->relation, own->result_chunk);
            ok = lane_give_to_sinks(lane, task->relation, err);
            lane_end_trigger(lane);
        }
    }
    return ok;
}

bool lanes_close_window(struct job *job, size_t index, int64_t start_us, struct pane *const *panes,
                        size_t panes_len, struct error *err)
{
    struct lane_close task = {
        .relation = index,
        .start_us = start_us,
        .end_us = start_us + job->plan->relations[index].window_size_us,
        .panes = panes,
        .panes_len = panes_len,
    };
    job->lane_close = &task;
    bool ok = lanes_do(job, close_share, NULL, err);
    job->lane_close = NULL;
    for (size_t l = 0; ok && l < job->lanes_len; l++)
        lane_gather(job, &job->lanes[l]);
    job->has_uncommitted = true;
    return ok;
}
