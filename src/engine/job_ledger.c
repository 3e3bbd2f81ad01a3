// SPDX-License-Identifier: MIT
// Which ledger entry a relation or sink has, and which counter goes to which term. The terms are
// counted where things happen (lane.c, lane_judge.c, window.c, closed.c); here they are only
// posted.
#include "engine/job_state.h"
#include "base/log.h"

static int first_input_entry(const struct job *job, const struct relation *relation)
{
    return relation->inputs[0] >= 0 ? job->ledger_of_relation[relation->inputs[0]] : -1;
}

static bool is_one_to_one(const struct relation *relation)
{
    return relation->kind == RELATION_SOURCE || relation->kind == RELATION_DEDUP ||
           (relation->kind == RELATION_ROWS && !relation->changes_rows);
}

// Sinks come after all relations; a relation's late_into points at an entry made later.
static int sink_entry(const struct job *job, int sink)
{
    if (sink < 0 || !job->plan->sinks[sink].is_enabled)
        return -1;
    int entry = 0;
    for (size_t r = 0; r < job->plan->relations_len; r++)
        entry += job->plan->relations[r].kind == RELATION_JOIN ? 2 : 1;
    for (int s = 0; s < sink; s++)
        entry += job->plan->sinks[s].is_enabled;
    return entry;
}

static void open_relation(struct job *job, size_t index)
{
    const struct relation *relation = &job->plan->relations[index];
    struct str *constraints = ARENA_ARRAY(&job->arena, struct str, relation->constraints_len);
    for (size_t c = 0; c < relation->constraints_len; c++)
        constraints[c] = relation->constraints[c].name;
    struct ledger_entry entry = {
        .name = relation->name,
        .from = first_input_entry(job, relation),
        .late_into = sink_entry(job, relation->late_into),
        .is_one_to_one = is_one_to_one(relation),
        .constraints = constraints,
        .constraints_len = relation->constraints_len,
    };
    job->ledger_of_relation[index] = ledger_add_entry(job->ledger, &entry);
    if (relation->kind != RELATION_JOIN)
        return;
    struct ledger_entry second = {.name = relation->name,
                                  .from = job->ledger_of_relation[relation->inputs[1]],
                                  .late_into = -1,
                                  .is_second_input = true};
    ledger_add_entry(job->ledger, &second);
}

// Table mode: views that are counted; each is read from an entry made before it.
static void open_counted(struct job *job)
{
    const struct plan *plan = job->plan;
    for (size_t v = 0; v < plan->view_sql_len; v++) {
        const struct counted_view *view = &plan->counted[v];
        int source = view->name.len > 0 ? plan_find_relation(plan, view->source) : -1;
        if (source < 0)
            continue;
        struct str *constraints = ARENA_ARRAY(&job->arena, struct str, view->later_len);
        for (size_t c = 0; c < view->later_len; c++)
            constraints[c] = plan->relations[source].later[view->later_from + c].name;
        struct ledger_entry entry = {.name = view->name,
                                     .from = ledger_find(job->ledger, view->input),
                                     .late_into = -1,
                                     .is_one_to_one = true,
                                     .constraints = constraints,
                                     .constraints_len = view->later_len};
        ledger_add_entry(job->ledger, &entry);
    }
}

void job_ledger_open(struct job *job)
{
    const struct plan *plan = job->plan;
    job->ledger = ledger_new();
    job->ledger_of_relation = ARENA_ARRAY(&job->arena, int, plan->relations_len);
    job->ledger_of_sink = ARENA_ARRAY(&job->arena, int, plan->sinks_len);
    for (size_t r = 0; r < plan->relations_len; r++)
        open_relation(job, r);
    for (size_t s = 0; s < plan->sinks_len; s++) {
        const struct plan_sink *sink = &plan->sinks[s];
        // Upserts repeat rows of one window, so what comes in is not what the relation gave once.
        bool is_counted_outside = sink->emit == EMIT_CHANGES || sink->relation < 0;
        struct ledger_entry entry = {
            .name = sink->name,
            .from = is_counted_outside ? -1 : job->ledger_of_relation[sink->relation],
            .late_into = -1,
            .is_sink = true,
        };
        job->ledger_of_sink[s] = sink->is_enabled ? ledger_add_entry(job->ledger, &entry) : -1;
    }
    open_counted(job);
    job->ledger_lane = ledger_lane_new(job->ledger);
}

static void post(struct job *job, size_t index, struct counts *counts)
{
    const struct relation *relation = &job->plan->relations[index];
    int entry = job->ledger_of_relation[index];
    struct ledger *ledger = job->ledger;
    bool is_join = relation->kind == RELATION_JOIN;
    ledger_count(ledger, entry, LEDGER_ROWS_IN, counts->rows_in);
    ledger_count(ledger, entry, LEDGER_FILTERED, counts->filtered);
    ledger_count(ledger, entry, LEDGER_DUPLICATE, counts->duplicate);
    ledger_count(ledger, entry, LEDGER_LATE, counts->late);
    ledger_count(ledger, entry, LEDGER_UNDECODABLE, counts->undecodable);
    if (relation->kind != RELATION_GROUPS) // groups pass when their pane closes
        ledger_count(ledger, entry, LEDGER_PASSED, counts->passed);
    if (!is_one_to_one(relation))
        ledger_count(ledger, entry, LEDGER_MADE, counts->made);
    ledger_count(ledger, entry, LEDGER_ROWS_OUT, counts->rows_out);
    if (is_join) {
        ledger_count(ledger, entry + 1, LEDGER_ROWS_IN, counts->second_in);
        ledger_count(ledger, entry + 1, LEDGER_PASSED, counts->second_passed);
    }
    for (size_t c = 0; c < relation->constraints_len; c++) {
        ledger_count(ledger, entry, LEDGER_WARNED, counts->warned[c]);
        job->ledger_lane[ledger_rejected_slot(ledger, entry, c)] += counts->rejected[c];
    }
    *counts = (struct counts){0};
}

void job_count_lane(struct job *job, struct lane *lane)
{
    for (size_t r = 0; r < job->plan->relations_len; r++)
        post(job, r, &lane->counts[r]);
    ledger_merge(job->ledger, job->ledger_lane);
}

void job_count_closed(struct job *job, size_t index, int64_t rows)
{
    ledger_count(job->ledger, job->ledger_of_relation[index], LEDGER_PASSED, rows);
}

static int64_t rows_in_state(const struct job_relation *state)
{
    int64_t rows = 0;
    for (size_t l = 0; l < state->folds_len; l++)
        for (size_t p = 0; p < fold_panes_len(state->folds[l]); p++)
            rows += pane_input_rows(fold_pane(state->folds[l], p));
    for (size_t k = 0; k < state->kept_len; k++)
        rows += state->kept[k].rows;
    return rows;
}

void job_ledger_levels(struct job *job)
{
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        const struct job_relation *state = &job->relations[r];
        int entry = job->ledger_of_relation[r];
        if (job->plan->relations[r].kind == RELATION_GROUPS)
            ledger_set(job->ledger, entry, LEDGER_IN_STATE, rows_in_state(state));
        if (job->plan->relations[r].kind == RELATION_JOIN) {
            ledger_set(job->ledger, entry, LEDGER_IN_STATE, segment_list_rows(&state->waiting[0]));
            ledger_set(job->ledger, entry + 1, LEDGER_IN_STATE,
                       segment_list_rows(&state->waiting[1]));
        }
    }
    for (size_t s = 0; s < job->plan->sinks_len; s++) {
        if (job->ledger_of_sink[s] < 0)
            continue;
        struct outbox_counts counts = outbox_counts(job->outbox, s);
        ledger_count(job->ledger, job->ledger_of_sink[s], LEDGER_ROWS_IN, counts.added);
        ledger_count(job->ledger, job->ledger_of_sink[s], LEDGER_PASSED, counts.delivered);
        ledger_set(job->ledger, job->ledger_of_sink[s], LEDGER_IN_STATE, counts.waiting);
    }
}

bool job_ledger_check(struct job *job, struct error *err)
{
    AUTO(buf_clear) struct buf problems = {0};
    if (ledger_check(job->ledger, &problems))
        return true;
    static struct metric *imbalance;
    if (imbalance == NULL)
        imbalance = metric_get(METRIC_GAUGE, "firesteel_ledger_imbalance",
                               "Commits whose ledger did not add up; always 0.", "");
    metric_add(imbalance, 1);
    if (job->options.is_test || job->plan->settings.strict)
        return error_set(err, ERROR_FATAL, "the ledger does not add up: %s", buf_cstr(&problems));
    log_error("the ledger does not add up: %s", buf_cstr(&problems));
    return true;
}
