// SPDX-License-Identifier: MIT
// A plan while it is being made: shared by the files that each make one kind of thing in it
// (settings.c, option_plan.c, source_plan.c, sink_plan.c) and by plan.c, which decides the order.
#ifndef FIRESTEEL_PLAN_MAKER_H
#define FIRESTEEL_PLAN_MAKER_H

#include "pipeline/build.h"

enum unit_state { UNIT_WAITING, UNIT_DONE, UNIT_BROKEN }; // broken: reported; readers stay silent

// What one CREATE statement became. Parallel to the statements.
struct unit {
    const struct statement *statement;
    enum unit_state state;
    size_t *reads; // units its rows come from
    size_t reads_len;
    bool is_read;                      // some other unit names it
    bool is_reached;                   // an enabled sink's rows come through it
    int first_relation, last_relation; // made for it; last: its rows. -1: none
    int sink;                          // index into plan->sinks, -1: none or disabled
};

struct maker {
    const struct plan_request *request;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct plan *plan;
    struct database *database;
    struct builder builder;
    const struct statement *statements;
    struct unit *units;
    size_t units_len;
    bool needs_table_mode; // a body is outside the streaming subset, in batch
};

// The options of one source or sink, evaluated, overridden, sorted into common ones and the
// connector's own.
struct object_options {
    const struct statement *statement;
    const struct source_type *source; // one of both
    const struct sink_type *sink;
    bool is_enabled;
    struct option_value *values; // the connector's
    size_t values_len;
    // Name is empty when not given.
    struct option_value format, emit, on_error, coerce, delivery, on_reject;
};
MUST_USE bool options_resolve(struct maker *maker, const struct statement *statement,
                              struct object_options *options);
// A --with for a name that is no source or sink is an error.
void options_check_overrides(struct maker *maker);

// Connectors of later versions: they can be checked, not run.
const struct source_type *later_source_find(struct str name);
const struct sink_type *later_sink_find(struct str name);
bool later_type_is(const void *type);
// Name of a connector (built in or later) that knows this option, or NULL.
const char *option_owner(struct str name, bool is_source);

void settings_build(struct maker *maker);

struct unit *unit_find(struct maker *maker, struct str name);
// "did you mean x?" over names of units of these kinds (bit 1 << kind), or what there is; NULL:
// none.
const char *unit_cure(struct maker *maker, struct str wanted, unsigned kinds);
int plan_append_relation(struct maker *maker, const struct relation *relation);

void source_build(struct maker *maker, struct unit *unit);
// report_plan.c
void report_build(struct maker *maker, struct unit *unit);
void metric_build(struct maker *maker, struct unit *unit);
void schedule_build(struct maker *maker, struct unit *unit);
// counted_view.c: true when the view is one (done, or reported).
bool counted_view_build(struct maker *maker, struct unit *unit);
void sink_open(struct maker *maker, struct unit *unit);  // options; takes its place in plan->sinks
void sink_build(struct maker *maker, struct unit *unit); // its SELECT
void sinks_finish(struct maker *maker);                  // LATE INTO, emission
bool constraints_build(struct maker *maker, const struct statement *statement,
                       struct relation *relation);
// The first of a list of words that is meant by value, -1 after a diagnostic. given: name empty ->
// 0.
int option_word(struct maker *maker, const struct option_value *given, const char *const *words,
                size_t words_len);

#endif
