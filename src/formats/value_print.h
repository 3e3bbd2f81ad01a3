// SPDX-License-Identifier: MIT
// Values of simple types as bare text, shared by the JSON, CSV and console writers.
#ifndef FIRESTEEL_VALUE_PRINT_H
#define FIRESTEEL_VALUE_PRINT_H

#include "base/buf.h"
#include "duck/chunk.h"

// Shortest decimal form that reads back as the same value; always with '.', 'e', or a word (NaN).
void double_print(struct buf *out, double value);
void float_print(struct buf *out, float value);
void int128_print(struct buf *out, __int128 value);
void decimal_print(struct buf *out, __int128 value, int scale);
// Any type but LIST, STRUCT, MAP, VARCHAR and BLOB; the value is not NULL. iso: times as
// 2024-01-15T10:30:00.000Z, else as people read them.
void value_print(struct buf *out, const struct vector *vector, size_t row, bool iso);
// BLOB as DuckDB shows it: printable ASCII as it is, the rest as \xAB.
void blob_print(struct buf *out, struct str bytes);

#endif
