// SPDX-License-Identifier: MIT
// Rows that cannot be processed, kept with everything needed to look at them and to send them
// again. Lanes collect them, the frame decides them (as a segment), and then they are written as
// one Parquet file an epoch, whose name says which: a repeat after a crash writes the same file
// again or finds it.
#ifndef FIRESTEEL_QUARANTINE_H
#define FIRESTEEL_QUARANTINE_H

#include "duck/database.h"
#include "duck/segment.h"

// raw BLOB, source, topic, partition VARCHAR, offset BIGINT, at TIMESTAMP, reasons VARCHAR[],
// epoch BIGINT. raw is NULL for rows that never were bytes (Parquet sources, views).
extern const struct column quarantine_columns[];
#define QUARANTINE_COLUMNS 8

struct quarantine; // heap object: rows waiting for the next frame; one owner at a time
struct quarantine *quarantine_new(void);
void quarantine_free(struct quarantine *quarantine);
// Copies everything. at_us: wall clock. offset -1: none. reasons: names of the violated
// constraints, or what the decoder says.
void quarantine_add(struct quarantine *quarantine, struct str raw, struct str source,
                    struct str partition, int64_t offset, int64_t at_us, const struct str *reasons,
                    size_t reasons_len);
int64_t quarantine_rows(const struct quarantine *quarantine);
int64_t quarantine_bytes(const struct quarantine *quarantine);
void quarantine_move(struct quarantine *to, struct quarantine *from); // empties `from`
// The rows as a segment of quarantine_columns, in the order source, partition, offset; empties the
// quarantine. NULL when there are none. The caller frees it.
struct segment *quarantine_take_segment(struct quarantine *quarantine, uint64_t epoch);
// From a frame: the same bytes again.
struct segment *quarantine_open_segment(struct str bytes, struct error *err);

struct quarantine_writer; // heap object: a connection and a scan of its own; any one thread at a
                          // time
struct quarantine_writer *quarantine_writer_new(struct database *database, struct error *err);
void quarantine_writer_free(struct quarantine_writer *writer);
// The file of an epoch: part-<first 8 of uuid>-<epoch, 12 digits>.parquet
#define QUARANTINE_NAME_MAX 64
void quarantine_file_name(const char *uuid, uint64_t epoch, char name[QUARANTINE_NAME_MAX]);
// Writes that file into the folder, durably; makes the folder. Does
// nothing when that file is there: it got its name only when it was whole.
MUST_USE bool quarantine_write(struct quarantine_writer *writer, const char *folder,
                               const char *uuid, uint64_t epoch, const struct segment *segment,
                               struct error *err);
// Newest epoch that this checkpoint has a file of; 0: none.
MUST_USE bool quarantine_newest(const char *folder, const char *uuid, uint64_t *epoch,
                                struct error *err);
// Asked at each start, as sinks are: a file of an epoch beyond the checkpoint's last (an older copy
// of the checkpoint beside a folder that went on) is ERROR_FATAL with EXIT_REFUSED.
MUST_USE bool quarantine_is_behind(const char *folder, const char *uuid, uint64_t epoch,
                                   struct error *err);
// The Parquet files of a quarantine folder in the order of their epochs (for replay). An absent
// folder has none. With `below`, folders in it (batch runs) are looked into as well.
MUST_USE bool quarantine_list(const char *folder, bool below, struct arena *arena,
                              struct str **paths, size_t *len, struct error *err);

#endif
