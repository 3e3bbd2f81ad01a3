// SPDX-License-Identifier: MIT
// One number or one text into one cell of a simple type: the rules of what fits, shared by the JSON
// and the CSV decoder.
#ifndef FIRESTEEL_CELL_VALUE_H
#define FIRESTEEL_CELL_VALUE_H

#include "formats/format.h"
#include "formats/moment_text.h"
#include "formats/number_text.h"

// What a value of a wrong kind is told: "not an integer" for an INTEGER column.
enum fault cell_misfit(const struct type *type);
// `cell` is where the value goes; nothing is written when it does not fit.
enum fault cell_from_number(const struct type *type, enum time_unit unit,
                            const struct number *number, void *cell);
// TIMESTAMP, DATE, TIME and UUID from their text; every other type is a misfit. MOMENT_PADDING
// bytes behind the text are readable.
enum fault cell_from_moment(const struct type *type, enum time_unit unit, struct str text,
                            struct day_cache *days, void *cell);

#endif
