// SPDX-License-Identifier: MIT
// Names of the files and partition folders that the sink writes.
#ifndef FIRESTEEL_NAMING_H
#define FIRESTEEL_NAMING_H

#include "base/buf.h"
#include "base/error.h"

// A name template: text with {sequence} {epoch} {checkpoint} {checkpoint8}.
// is_repeatable: names must differ by checkpoint, epoch and sequence (append mode).
MUST_USE bool name_check(struct str name_template, bool is_repeatable, struct error *err);
void name_print(struct buf *out, struct str name_template, struct str checkpoint, uint64_t epoch,
                int64_t sequence);
// Is `name` one that name_print could have made for this checkpoint? Then its epoch.
bool name_parse(struct str name, struct str name_template, struct str checkpoint, uint64_t *epoch);
// `column=value` as Hive and Spark write it; the value as text, NULL and "" as
// __HIVE_DEFAULT_PARTITION__. Never holds a slash: a value cannot lead out of the folder.
void partition_print(struct buf *out, struct str column, struct str value);

#endif
