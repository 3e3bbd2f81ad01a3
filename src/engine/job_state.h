// SPDX-License-Identifier: MIT
// All that changes while a pipeline runs. The plan stays read-only; everything here hangs off
// `struct job`. Shared by the engine's own files, not by its users (job.h is for them).
//
// Who touches what: the job thread owns everything between triggers. While a trigger runs, each
// lane thread owns its `struct lane` (rows, statements, its fold of each relation) and reads the
// rest; the only meeting points are the barriers around dedup_settle. Reader threads own their
// source's connector; outbox workers own their sinks.
#ifndef FIRESTEEL_JOB_STATE_H
#define FIRESTEEL_JOB_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/metric.h"
#include "base/queue.h"
#include "duck/scan.h"
#include "engine/measures.h"
#include "engine/dedup.h"
#include "engine/fold.h"
#include "engine/job.h"
#include "engine/journal.h"
#include "engine/judge.h"
#include "engine/key_files.h"
#include "engine/ledger.h"
#include "engine/outbox.h"
#include "engine/quarantine.h"
#include "engine/watermark.h"
#include "pipeline/plan.h"

#define CONSTRAINTS_MAX 64 // one bit a constraint

struct segment_list {
    struct segment **list; // owned
    size_t len, capacity;
};
void segment_list_add(struct segment_list *segments, struct segment *segment);
int64_t segment_list_rows(const struct segment_list *segments);
void segment_list_clear(struct segment_list *segments); // frees the segments too
void segment_list_move(struct segment_list *to, struct segment_list *from);

// ---- Lanes ------------------------------------------------------------------------------------
struct kept_segment {
    int64_t start_us; // of the pane
    struct segment *segment;
    size_t relation;
};

// What a lane holds of one relation during one trigger.
struct lane_relation {
    struct chunk *result_chunk;     // GROUPS closed on lanes; kept
    struct rows rows;               // the relation's rows of this trigger
    struct scan *scan;              // how statements read them; NULL: nobody does by SQL
    struct statement *computed;     // source: computed columns
    struct statement *filter;       // WHERE that only DuckDB can judge
    struct statement *project;      // ROWS projection, GROUPS inputs
    struct statement *constraints;  // constraints that only DuckDB can judge, one column each
    struct dedup_part *dedup_parts; // DEDUP: hashes and verdicts of `rows`, part by part
    struct group_part *group_parts; // GROUPS: inputs of this trigger, to be folded
    size_t group_parts_len, group_parts_capacity;
    struct chunk **taken; // result chunks kept until the trigger ends
    size_t taken_len, taken_capacity;
};

struct lane {
    struct job *job;
    size_t index;
    pthread_t thread;
    struct connection *connection;
    struct lane_relation *relations; // parallel to plan->relations
    struct decoder **decoders;       // parallel to plan->sources
    struct chunk ***chunks;          // per source: pool of decode chunks
    size_t *chunks_len;
    struct arena arena;             // everything of one trigger: selections, strings, hashes
    struct counts *counts;          // parallel to plan->relations; moved to the ledger by the job
    struct segment_list *sink_rows; // parallel to plan->sinks; rows made in this trigger
    struct kept_segment *kept;      // rows for panes of relations that keep rows, this trigger
    size_t kept_len, kept_capacity;
    struct quarantine *quarantine;
    struct watermark_tally tally; // event times seen in this trigger, by watermark number
    uint32_t *partition_numbers;  // scratch: one a row of a vector
    size_t row_from, row_to;      // range of the batch in this trigger
    struct error error;
    bool failed;
};

// Rows of one relation in one trigger, by what became of them. Moved into the ledger at trigger
// end.
struct counts {
    int64_t rows_in, passed, filtered, duplicate, late, undecodable, made;
    int64_t second_in, second_passed;  // JOIN: the right side
    int64_t rejected[CONSTRAINTS_MAX]; // by first violated constraint
    int64_t warned[CONSTRAINTS_MAX];
    int64_t rows_out; // what the relation gave to its consumers
};

// ---- Relations that keep state ----------------------------------------------------------------
// Rows of one pane that an aggregate needs whole (relation->keeps_rows).
struct kept_pane {
    int64_t start_us;
    int64_t rows;
    struct segment_list segments;
    size_t durable; // segments already in the journal
};

struct job_relation {
    int source; // of the stream it comes from; closed relations: the source of its watermark, or -1
    struct dedup *dedup;
    struct key_files *key_files; // of the dedup; NULL in batch
    int64_t pane_us;             // GROUPS
    bool is_shared; // this trigger: each lane folds its share of the groups over all rows
    struct chunk *result_chunk; // closed groups, vector by vector
    struct fold **folds;        // one a lane (more when the checkpoint had more lanes)
    size_t folds_len;
    struct kept_pane *kept; // ascending start_us
    size_t kept_len, kept_capacity;
    int64_t closed_until_us; // windows that end at or before it have been given out
    struct buf dropped;      // pane starts dropped since the last frame (i64 each)
    // Closing: a connection of its own, since "_groups" means another table in each relation.
    struct connection *connection;
    struct scan *groups_scan, *kept_scan;
    struct statement *group_statement, *final_statement;
    struct column *kept_columns; // group inputs and _sequence
    size_t kept_columns_len;
    // JOIN: rows waiting for the other side. OVER: history.
    struct segment_list waiting[2];
    bool waiting_changed;
    struct scan *closed_scan[2];
    struct statement *closed_statement, *history_statement;
    // EMIT CHANGES: input rows of each window when it was last given out.
    struct changed_window {
        int64_t start_us, rows;
    } * changed;
    size_t changed_len, changed_capacity;
    _Atomic int64_t state_bytes;
};

// ---- Sources ----------------------------------------------------------------------------------
struct job_source {
    struct job *job;
    const struct plan_source *plan;
    size_t index;
    struct source *source;
    void *options;
    struct format_column *fields;
    size_t fields_len;
    struct column *field_columns;
    const struct format_type *format; // NULL: the source gives columns
    struct str format_options;
    size_t *order; // open relations fed by this source, in plan order (relation indexes)
    size_t order_len;
    struct reader_thread *reader; // NULL: tests read on the job thread
    // Positions: what the next frame says. Index = partition index of the source.
    struct partition *partitions;
    size_t partitions_len, partitions_capacity;
    bool *position_changed;
    struct partition *noted; // of the epoch under way; NULL: told, or nobody wants to know
    size_t noted_len;
    uint32_t *watermark_numbers; // partition index -> number in the watermark
    struct watermark *watermark;
    int64_t watermark_limit_us; // of this trigger: later event times do not move the watermark
    int64_t watermark_us;       // as lanes judge by it
    bool is_end;                // its end was reached and all its batches processed
    int64_t replay_epoch, replay_row; // how far its quarantined rows were sent again (replay.h)
    int64_t replay_until;             // epoch of the last file the newest replay is about
    bool replay_changed;
    int64_t rows_total, bytes_total;
    struct batch *batch; // of the running trigger
};

// ---- The job ----------------------------------------------------------------------------------
// A batch on its way from a reader to the job thread.
struct batch_slot {
    struct job_source *source;
    struct batch *batch;
    bool is_last; // the source has ended with this batch; no source: the committer's bell
};

struct barrier {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t members, waiting;
    uint64_t round;
};

struct job {
    const struct plan *plan;
    struct job_options options;
    const struct clock *clock;
    struct arena arena;
    struct database *database;
    struct connection *connection;
    struct job_source *sources;
    struct job_relation *relations;
    struct lane *lanes;
    size_t lanes_len;
    struct lane closer;         // runs closed relations on the job thread; its index is lanes_len
    struct pane **closer_panes; // merged panes that the closer's rows point into
    size_t closer_panes_len, closer_panes_capacity;
    struct arena window_arena; // of the window being closed
    struct barrier settle;
    pthread_mutex_t partitions_mutex; // tables of partitions grow under it
    // Lane dispatch: lanes run one trigger when `round` goes up and report in `done`.
    pthread_mutex_t lane_mutex;
    pthread_cond_t lane_go, lane_done;
    uint64_t lane_round;
    size_t lanes_done;
    bool lanes_stop, lanes_started;
    bool (*lane_work)(struct lane *lane, struct job_source *source, struct error *err);
    struct job_source *trigger_source;
    const struct lane_close *lane_close; // the window being closed on lanes
    int64_t sequence;                    // rows taken so far = number of the next row
    int64_t now_us;                      // engine value of now() for the trigger

    struct scan **table_scans; // table mode, per source
    struct statement **table_inserts;
    struct batch_views *batch_views; // table mode: batch_views.h
    struct ledger *ledger;
    int *ledger_of_relation; // entry; JOIN: of the first input
    int *ledger_of_sink;
    int64_t *ledger_lane; // slots for counts posted by constraint
    struct queue *filled; // batch_slot of all readers
    struct outbox *outbox;
    struct quarantine *quarantine;
    const char *quarantine_folder;
    bool quarantine_is_remote; // its files belong into the bucket
    struct quarantine_writer *quarantine_writer;
    struct journal *journal; // NULL in batch
    int lock_fd;             // batch: the checkpoint's lock; else the journal holds it
    char uuid[37];
    uint64_t generation;
    uint64_t epoch;              // of the last frame
    struct committer *committer; // makes epochs durable beside the lanes
    struct remote *remote;       // the checkpoint is on S3; NULL: it is a local folder
    struct batch_slot bell;      // wakes the job thread where it waits for input; no source
    bool is_changed; // the checkpoint was made for a pipeline with other objects or keys
    bool has_uncommitted;
    bool wants_commit; // a source waits for its positions to be durable
    int64_t last_commit_us;
    bool committed_rows_once;
    int64_t committed_rows; // rows_total at the newest commit
    int64_t arrival_us;     // monotonic arrival of the oldest uncommitted batch
    int64_t emit_us;        // wall time of the last EMIT CHANGES round
    _Atomic int stop_requested;
    bool drained;
    enum job_state state;
    int64_t rows_total;
    struct latency *latency;
    struct measures measures;
    int64_t *sink_rows_before; // ledger's rows of each sink when this run began
    int64_t start_us;          // monotonic
};

void job_progress_open(struct job *job); // progress.c: what this run begins with

void barrier_init(struct barrier *barrier, size_t members);
void barrier_clear(struct barrier *barrier);
void barrier_wait(struct barrier *barrier);

// lane_open.c
MUST_USE bool lane_open(struct lane *lane, struct job *job, size_t index, struct error *err);
void lane_close(struct lane *lane);
MUST_USE bool lanes_start(struct job *job, struct error *err);
void lanes_stop(struct job *job);
// Runs one trigger on all lanes over source->batch and waits for them.
MUST_USE bool lanes_run(struct job *job, struct job_source *source, struct error *err);

// The same for any work: `task` on every lane.
MUST_USE bool lanes_do(struct job *job,
                       bool (*work)(struct lane *, struct job_source *, struct error *),
                       struct job_source *source, struct error *err);

// close_lanes.c: a window whose groups the lanes hold in shares, to sinks only.
bool lanes_may_close(const struct job *job, size_t relation);
MUST_USE bool lanes_close_window(struct job *job, size_t relation, int64_t start_us,
                                 struct pane *const *panes, size_t panes_len, struct error *err);

// lane.c: rows[relation] from rows[its input], on this lane. Any relation but closed JOIN/OVER.
MUST_USE bool lane_run(struct lane *lane, struct job_source *source, struct error *err);
MUST_USE bool lane_step(struct lane *lane, size_t relation, struct error *err);
MUST_USE bool lane_give_to_sinks(struct lane *lane, size_t relation, struct error *err);
void lane_end_trigger(struct lane *lane);

// lane_decode.c
MUST_USE bool lane_decode(struct lane *lane, struct job_source *source, struct error *err);
// lane_judge.c: applies the relation's constraints to its rows (selection shrinks).
MUST_USE bool lane_judge(struct lane *lane, size_t relation, struct error *err);
MUST_USE bool lane_filter(struct lane *lane, size_t relation, const struct condition *condition,
                          struct rows *rows, struct error *err);
void lane_keep(struct lane *lane, size_t relation, struct kept_segment kept);
// lane_late.c: rows first..first+count of `rows` (counted over its parts) whose flag is 1 go to the
// relation's late sink, if it has one. `rows` holds the relation's INPUT columns.
void lane_late(struct lane *lane, size_t relation, const struct rows *rows, size_t first,
               const uint8_t *flags, size_t count);

// rows helpers (lane_rows.c)
struct rows_part *rows_add(struct rows *rows);
void rows_clear(struct rows *rows); // forgets the parts (memory of the array kept)
void rows_free(struct rows *rows);
// A chunk whose columns are those of `chunk` picked by `columns`; lives in `arena`.
struct chunk *chunk_pick(const struct chunk *chunk, const int *columns, size_t len,
                         struct arena *arena);
int64_t rows_part_sequence(const struct rows_part *part, size_t row);
void lane_keep_chunk(struct lane_relation *relation, struct chunk *chunk); // until the trigger ends
// Runs a prepared statement and keeps its chunks as rows until the trigger ends. sequences: numbers
// of the rows in order, or NULL when the last result column holds them.
MUST_USE bool lane_take_result(struct lane *lane, struct lane_relation *relation,
                               struct statement *statement, const int64_t *sequences,
                               bool has_sequence_column, struct rows *rows, struct error *err);

// window.c
MUST_USE bool windows_open(struct job *job, struct error *err);
void windows_close(struct job *job);
// Gives out every window that the watermarks have passed (TIME_MAX_US when drained).
MUST_USE bool windows_advance(struct job *job, struct error *err);
MUST_USE bool windows_emit_changes(struct job *job, struct error *err);
int64_t windows_rows(const struct job *job); // live (pane, group) rows and kept rows
void kept_add(struct job_relation *relation, int64_t start_us, struct segment *segment);
void kept_drop(struct job_relation *relation, int64_t start_us);

// closed.c: rows of a closed relation are there (closer.relations[..].rows): consumers and sinks.
MUST_USE bool closed_open(struct job *job, struct error *err);
void closed_close(struct job *job);
MUST_USE bool closed_push(struct job *job, size_t relation, struct error *err);
MUST_USE bool closed_advance(struct job *job,
                             struct error *err); // joins whose both sides are ready
MUST_USE bool closed_push_changes(struct job *job, size_t relation, struct error *err);
struct chunk *closer_chunk(struct job *job, size_t relation); // of group_columns; the caller's
void closer_keep_pane(struct job *job, struct pane *pane);    // freed by closer_end
void closer_end(struct job *job);
int64_t relation_watermark_us(const struct job *job, size_t relation);

// committer.c: the epoch's bad rows become a file of the quarantine.
MUST_USE bool job_write_quarantine(struct job *job, uint64_t epoch, const struct segment *bad_rows,
                                   struct error *err);

// epoch.c, recovery.c
MUST_USE bool epoch_commit(struct job *job, bool is_end, struct error *err);
struct records; // what the journal holds, between opening it and applying it
struct records *recovery_open(struct job *job, const char *folder, struct error *err);
MUST_USE bool recovery_run(struct job *job, struct records *records, struct error *err);
void recovery_close(struct records *records);
void epoch_encode_base(struct job *job, struct buf *out);
// Encodes a base and makes it durable.
MUST_USE bool epoch_write_base(struct job *job, struct buf *base, struct error *err);

// job.c: the ledger's view of a closed pane's input rows.
void job_count_closed(struct job *job, size_t relation, int64_t rows);

// Positions and what was read since (epoch.c); recovery applies them before the readers start.
void epoch_encode_positions(struct job *job, bool all, struct buf *out);

// reader.c: a thread a source fills batches; the job thread takes them, oldest first.
MUST_USE bool readers_start(struct job *job, struct error *err);
void readers_stop(struct job *job);
struct batch_slot *readers_take(struct job *job, int64_t timeout_us); // NULL: nothing came
void readers_give_back(struct job *job, struct batch_slot *slot);
bool readers_failed(struct job *job, struct error *err);
bool source_lag(struct job_source *source, int64_t *lag); // any thread; false: not known
bool readers_degraded(const struct job *job);
// Partitions that appeared since the last call join source->partitions (job thread).
void source_adopt_partitions(struct job_source *source);
// A partition from the checkpoint: its position replaces or joins what is known (before seek).
void source_restore_partition(struct job_source *source, const struct partition *partition);
// Positions as the epoch under way says them; once it is durable the connector is told, on its own
// thread.
void source_note_positions(struct job_source *source);
void source_acknowledge(struct job_source *source);
MUST_USE bool source_read_now(struct job_source *source, struct batch *batch, size_t rows_max,
                              enum read_state *state, struct error *err); // tests

// job_open.c
void job_ledger_open(struct job *job);
void job_count_lane(struct job *job, struct lane *lane); // lane's counts -> ledger
void job_ledger_levels(struct job *job);                 // in_state and what sinks have
MUST_USE bool job_ledger_check(struct job *job, struct error *err);

MUST_USE bool job_load_reference(struct job *job, struct connection *connection, struct error *err);
// job.c: rows of a long batch run are delivered (staged) before its end.
MUST_USE bool batch_commit_if_large(struct job *job, struct error *err);

// batch_run.c: batch pipelines that use more SQL than a stream can (plan->is_table_mode). Sources
// are read through lanes as always, into DuckDB tables; then views and sinks run as plain SQL on
// all cores.
MUST_USE bool batch_tables_open(struct job *job, struct error *err);
MUST_USE bool batch_tables_take(struct job *job, struct job_source *source, struct error *err);
MUST_USE bool batch_tables_finish(struct job *job, struct error *err);
void batch_tables_close(struct job *job);

// trigger.c: one batch through everything.
MUST_USE bool trigger_run(struct job *job, struct job_source *source, struct batch *batch,
                          struct error *err);
void lane_gather(struct job *job, struct lane *lane); // what a lane left: sinks, panes, counts
MUST_USE bool trigger_time(struct job *job, struct error *err); // watermarks by the clock, windows
void job_now(struct job *job);

#endif
