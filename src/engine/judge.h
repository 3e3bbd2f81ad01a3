// SPDX-License-Identifier: MIT
// Conditions over decoded vectors, in C: constraints and WHERE, one pass a vector, three-valued.
#ifndef FIRESTEEL_JUDGE_H
#define FIRESTEEL_JUDGE_H

#include "duck/chunk.h"
#include "pipeline/plan.h"

enum truth { TRUTH_FALSE = 0, TRUTH_TRUE = 1, TRUTH_NULL = 2 };

// Fills out[i] (i < part->count, i-th selected row) with the predicate's truth. `scratch` holds
// temporary vectors and is reset by the caller. Works on column types of judge_supports.
void judge_predicate(const struct predicate *predicate, const struct rows_part *part,
                     uint8_t *truth, struct arena *scratch);
// Conjunctions of single-column comparisons are the hot case: clears bit-per-row flags in one go.
// fails[i] |= bit for each selected row where the predicate is not true; returns how many rows it
// hit.
size_t judge_violations(const struct predicate *predicate, const struct rows_part *part,
                        uint64_t bit, uint64_t *fails, struct arena *scratch);
bool judge_supports(const struct predicate *predicate, const struct column *columns,
                    size_t columns_len);

#endif
