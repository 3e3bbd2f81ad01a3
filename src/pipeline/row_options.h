// SPDX-License-Identifier: MIT
// Options of a sink that are expressions over its rows (sink.h, row_options): key = (device_id).
// They become columns behind the sink's own, by a step after its SELECT.
#ifndef FIRESTEEL_ROW_OPTIONS_H
#define FIRESTEEL_ROW_OPTIONS_H

#include "pipeline/plan_maker.h"

// Whether some sink has a row option of that name, so that it must not be computed as a constant.
bool row_option_is_known(struct str name);
bool row_option_is_of(const struct sink_type *type, struct str name);
// A literal is refused, where a number could be meant it is taken. Diagnostic added when false.
bool row_option_check(struct maker *maker, const struct option_text *option);

// The relation whose rows the sink gets: `relation` itself when no row option is given. -1: failed,
// diagnostic added.
int row_options_build(struct maker *maker, const struct unit *unit, int relation);
// The same for table mode, around a sink's SQL.
struct str row_options_wrap(struct maker *maker, const struct unit *unit, struct str sql);

#endif
