// SPDX-License-Identifier: MIT
// Quarantined rows go through the pipeline again, exactly once. While a job replays, each source's
// connector is the one of this file: it reads the raw payloads of that source's rows from the
// quarantine's Parquet files, oldest first, and nothing else. The real positions stay as they are.
//
// How far a source has been replayed is one place in the order of files: (epoch of the file, row in
// it). It lives in the checkpoint beside the positions, so a crash neither loses nor doubles a row,
// and the next replay takes only what is new. Rows that are bad again go to files of higher epochs,
// which the running replay does not read: it takes the files up to the epoch at its start. That
// epoch is in the checkpoint too, so a replay that was interrupted goes on with the same files.
#ifndef FIRESTEEL_REPLAY_H
#define FIRESTEEL_REPLAY_H

#include "engine/job_state.h"

// Marks the place in a batch's positions (batch_position: offset = epoch, line = row).
#define REPLAY_PARTITION UINT32_MAX
#define REPLAY_FILE_END INT64_MAX // as row: all of that file

extern const struct source_type quarantine_source_type;

// Before any source is opened: refuses what cannot be replayed.
MUST_USE bool replay_check(const struct job *job, struct error *err);
// The plan of the source with its connector replaced. Lives in the job's arena.
const struct plan_source *replay_plan(struct job *job, const struct plan_source *plan);
// After recovery, before the first read: where to go on.
void replay_seek(struct job_source *source);
void replay_move(struct job_source *source, const struct batch_position *position);
// The section of a record: bytes source, i64 epoch, i64 row, i64 until.
void replay_encode(const struct job_source *source, struct buf *out);
void replay_load(struct job *job, struct reader *reader);

#endif
