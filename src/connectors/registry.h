// SPDX-License-Identifier: MIT
// All connectors, by name: two arrays. A new connector is a folder and one line in registry.c.
#ifndef FIRESTEEL_REGISTRY_H
#define FIRESTEEL_REGISTRY_H

#include "connectors/sink.h"
#include "connectors/source.h"

extern const struct source_type *const source_types[];
extern const size_t source_types_len;
extern const struct sink_type *const sink_types[];
extern const size_t sink_types_len;
const struct source_type *source_type_find(struct str name);
const struct sink_type *sink_type_find(struct str name);

#endif
