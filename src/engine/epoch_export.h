// SPDX-License-Identifier: MIT
// `firesteel state export`: what a checkpoint holds, as Parquet files for people and their tools.
// It only reads: no lock, nothing repaired, so it works beside a running job.
//   positions.parquet    source, partition, mark, offset, line, is_done, newest_event_time
//   watermarks.parquet   source, watermark, future_rows
//   ledger.parquet       entry, name, term, rows ("rejected.NAME": by constraint)
//   replays.parquet      source, epoch, row: quarantine sent through again up to here
// With the pipeline, which alone knows keys, aggregates and types:
//   groups.VIEW.parquet  one row a group and pane: window_start, window_end (of the pane), k0..
//   (the
//                        GROUP BY keys in order), r0.. (the aggregates so far)
//   rows.VIEW.parquet    rows kept whole for aggregates that need them
//   waiting.VIEW.N.parquet  rows that wait for the other side of a join; history of OVER
// Not in it: dedup keys (hashes without their values) and rows that wait to be delivered.
#ifndef FIRESTEEL_EPOCH_EXPORT_H
#define FIRESTEEL_EPOCH_EXPORT_H

#include "pipeline/plan.h"

// plan NULL: what can be told without it. `report`: one line a file.
MUST_USE bool state_export(const char *folder, const struct plan *plan, const char *to,
                           struct buf *report, struct error *err);

#endif
