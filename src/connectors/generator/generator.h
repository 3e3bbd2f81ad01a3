// SPDX-License-Identifier: MIT
// Source 'generator': records made on the spot, the same for the same options. One partition,
// offset = row number, so it can be read again from anywhere.
#ifndef FIRESTEEL_GENERATOR_H
#define FIRESTEEL_GENERATOR_H

#include "connectors/generator/spread.h"
#include "connectors/source.h"

extern const struct source_type generator_source_type;
// What the row with that offset is; for the producer's own log.
enum row_kind generator_row_kind(const struct source *source, int64_t row);

// Where the row goes; false: the profile has one topic, and no keys.
struct route;
bool generator_row_route(const struct source *source, int64_t row, struct route *route);

#endif
