// SPDX-License-Identifier: MIT
// Cutting a buffer of a text file into records: lines, or CSV records that may span lines.
#ifndef FIRESTEEL_RECORDS_H
#define FIRESTEEL_RECORDS_H

#include "connectors/source.h"

struct record_style {
    bool is_csv;      // line breaks inside "quotes" belong to the record
    bool keeps_blank; // an empty line is a record (raw); else it is skipped, as JSON lines tools do
};

// Adds the whole records of buffer[from..len) to the batch until it holds rows_max rows. The record
// that the buffer cuts off stays out, unless is_last (the file ends here). *line is the number of
// lines before `from`, and is advanced. Returns where the first record not taken begins.
size_t records_cut(struct batch *batch, const char *buffer, size_t from, size_t len,
                   struct record_style style, bool is_last, uint32_t partition, size_t rows_max,
                   int64_t *line);
// End (after the line break) of the record that begins at `from`, or SIZE_MAX when the buffer does
// not hold it all. Counts the line breaks in it.
size_t record_end(const char *buffer, size_t from, size_t len, struct record_style style,
                  int64_t *lines);

#endif
