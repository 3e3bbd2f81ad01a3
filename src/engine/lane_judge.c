// SPDX-License-Identifier: MIT
// Constraints and WHERE: which rows stay. A row leaves by shrinking the part's selection; the
// values stay where they are. All constraints of a row are evaluated once; the strongest action
// among those it violates decides; it counts once, under the first in order of declaration that is
// not WARN.
#include "engine/job_state.h"

// Result columns of a statement over `rows`, one truth a row and column, in row order.
static bool ask_duckdb(struct lane *lane, size_t relation, struct statement *statement,
                       const struct rows *rows, uint8_t **truths, size_t columns, size_t total,
                       struct error *err)
{
    scan_set_rows(lane->relations[relation].scan, rows);
    for (size_t c = 0; c < columns; c++)
        truths[c] = arena_new(&lane->arena, total + 1);
    if (!statement_execute(statement, err))
        return false;
    size_t at = 0;
    struct chunk *chunk;
    while ((chunk = statement_next(statement)) != NULL) {
        ASSERT(at + chunk->rows <= total);
        for (size_t c = 0; c < columns; c++)
            for (size_t i = 0; i < chunk->rows; i++)
                truths[c][at + i] = !vector_is_null(&chunk->columns[c], i) &&
                                    ((const uint8_t *)chunk->columns[c].data)[i] != 0;
        at += chunk->rows;
    }
    statement_finish(statement);
    ASSERT(at == total);
    return true;
}

bool lane_filter(struct lane *lane, size_t relation, const struct condition *condition,
                 struct rows *rows, struct error *err)
{
    size_t total = rows_count(rows), at = 0;
    uint8_t *truth = NULL;
    if (total == 0)
        return true;
    size_t input = (size_t)lane->job->plan->relations[relation].inputs[0];
    if (condition->predicate == NULL &&
        !ask_duckdb(lane, input, lane->relations[relation].filter, rows, &truth, 1, total, err))
        return false;
    struct counts *counts = &lane->counts[relation];
    for (size_t p = 0; p < rows->parts_len; p++) {
        struct rows_part *part = &rows->parts[p];
        uint8_t own[ROWS_PER_VECTOR];
        const uint8_t *row_truth = own;
        if (condition->predicate != NULL)
            judge_predicate(condition->predicate, part, own, &lane->arena);
        else
            row_truth = truth + at;
        at += part->count;
        uint16_t *selection = ARENA_ARRAY(&lane->arena, uint16_t, part->count);
        size_t kept = 0;
        for (size_t i = 0; i < part->count; i++) {
            selection[kept] = (uint16_t)rows_part_row(part, i);
            bool stays = row_truth[i] == TRUTH_TRUE;
            counts->filtered += !stays;
            kept += stays;
        }
        part->selection = selection;
        part->count = kept;
    }
    return true;
}

struct judgement {
    const struct relation *relation;
    uint64_t warn, drop, quarantine, fail; // constraint bits by action
};

static struct judgement judgement_of(const struct relation *relation)
{
    struct judgement judgement = {.relation = relation};
    for (size_t c = 0; c < relation->constraints_len; c++) {
        uint64_t bit = UINT64_C(1) << c;
        switch (relation->constraints[c].violation) {
        case VIOLATION_WARN:
            judgement.warn |= bit;
            break;
        case VIOLATION_DROP:
            judgement.drop |= bit;
            break;
        case VIOLATION_QUARANTINE:
            judgement.quarantine |= bit;
            break;
        case VIOLATION_FAIL:
            judgement.fail |= bit;
            break;
        }
    }
    return judgement;
}

static size_t reason_names(const struct relation *relation, uint64_t fails, struct str *reasons)
{
    size_t len = 0;
    for (size_t c = 0; c < relation->constraints_len; c++)
        if (fails >> c & 1)
            reasons[len++] = relation->constraints[c].name;
    return len;
}

static bool reject(struct lane *lane, const struct judgement *judgement, struct counts *counts,
                   uint64_t fails, int64_t sequence, struct error *err)
{
    const struct relation *relation = judgement->relation;
    struct job_source *source = lane->job->trigger_source;
    struct str reasons[CONSTRAINTS_MAX];
    counts->rejected[__builtin_ctzll(fails & ~judgement->warn)]++;
    if (((fails & judgement->fail) | (fails & judgement->quarantine)) == 0)
        return true;
    size_t reasons_len = reason_names(relation, fails, reasons);
    struct str partition = {0}, raw = {0};
    int64_t offset = -1;
    const struct batch *batch = source != NULL ? source->batch : NULL;
    size_t row = (size_t)(sequence - lane->job->sequence);
    if (batch != NULL && batch->chunks_len == 0 && sequence >= lane->job->sequence &&
        row < batch->rows) {
        const struct payload *payload = &batch->payloads[row];
        raw = (struct str){payload->ptr, payload->len};
        partition = source->partitions[payload->partition].name;
        offset = batch->offsets[row];
    }
    if (fails & judgement->fail)
        return error_set_exit(
            err, ERROR_DATA, EXIT_QUALITY,
            "%.*s: constraint %.*s is violated by the row at %.*s %lld", STR_ARGS(relation->name),
            STR_ARGS(relation->constraints[__builtin_ctzll(fails & judgement->fail)].name),
            STR_ARGS(partition), (long long)offset);
    quarantine_add(lane->quarantine, raw, source != NULL ? source->plan->name : relation->name,
                   partition, offset, lane->job->now_us, reasons, reasons_len);
    return true;
}

static bool judge_part(struct lane *lane, const struct judgement *judgement, struct counts *counts,
                       struct rows_part *part, const uint64_t *fails, struct error *err)
{
    uint16_t *selection = ARENA_ARRAY(&lane->arena, uint16_t, part->count);
    size_t kept = 0;
    for (size_t i = 0; i < part->count; i++) {
        size_t row = rows_part_row(part, i);
        selection[kept] = (uint16_t)row;
        if (LIKELY(fails[i] == 0)) {
            kept++;
            continue;
        }
        for (uint64_t warned = fails[i] & judgement->warn; warned != 0; warned &= warned - 1)
            counts->warned[__builtin_ctzll(warned)]++;
        if ((fails[i] & ~judgement->warn) == 0)
            kept++;
        else if (!reject(lane, judgement, counts, fails[i], rows_part_sequence(part, row), err))
            return false;
    }
    part->selection = selection;
    part->count = kept;
    return true;
}

bool lane_judge(struct lane *lane, size_t index, struct error *err)
{
    const struct relation *relation = &lane->job->plan->relations[index];
    struct rows *rows = &lane->relations[index].rows;
    size_t total = rows_count(rows), at = 0;
    if (relation->constraints_len == 0 || total == 0)
        return true;
    struct judgement judgement = judgement_of(relation);
    uint8_t *truths[CONSTRAINTS_MAX];
    size_t asked = 0;
    for (size_t c = 0; c < relation->constraints_len; c++)
        asked += relation->constraints[c].condition.predicate == NULL;
    if (asked > 0 && !ask_duckdb(lane, index, lane->relations[index].constraints, rows, truths,
                                 asked, total, err))
        return false;
    for (size_t p = 0; p < rows->parts_len; p++) {
        struct rows_part *part = &rows->parts[p];
        uint64_t fails[ROWS_PER_VECTOR];
        size_t hits = 0, column = 0, count = part->count;
        memset(fails, 0, count * sizeof(*fails));
        for (size_t c = 0; c < relation->constraints_len; c++) {
            const struct condition *condition = &relation->constraints[c].condition;
            uint64_t bit = UINT64_C(1) << c;
            if (condition->predicate != NULL) {
                hits += judge_violations(condition->predicate, part, bit, fails, &lane->arena);
                continue;
            }
            const uint8_t *truth = truths[column++] + at;
            for (size_t i = 0; i < count; i++) {
                fails[i] |= truth[i] ? 0 : bit;
                hits += !truth[i];
            }
        }
        at += count;
        if (hits > 0 && !judge_part(lane, &judgement, &lane->counts[index], part, fails, err))
            return false;
    }
    return true;
}
