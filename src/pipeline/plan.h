// SPDX-License-Identifier: MIT
// The plan: what a pipeline file means, ready to run. Read-only once built; engine, explain, test
// harness and page read the same structure. Everything lives in one arena. plan_build is pure but
// for an in-memory DuckDB used to parse and type SELECT bodies.
//
// A plan is a graph of relations in topological order. Each relation's rows are made from its
// inputs' rows by exactly one rule (relation_kind). SQL texts in it name relations by their user
// names: the engine gives every lane a schema in which those names resolve to what the lane holds.
#ifndef FIRESTEEL_PLAN_H
#define FIRESTEEL_PLAN_H

#include "connectors/registry.h"
#include "duck/database.h"
#include "pipeline/statement.h"

// ---- Conditions -------------------------------------------------------------------------------
// Three-valued logic over columns and constants, small enough to run in C (engine/judge.c).
enum predicate_op {
    PREDICATE_AND, // children
    PREDICATE_OR,  // children
    PREDICATE_NOT, // children[0]
    PREDICATE_IS_NULL,
    PREDICATE_IS_NOT_NULL,
    PREDICATE_LT, // column op constant, or column op other_column
    PREDICATE_LE,
    PREDICATE_GT,
    PREDICATE_GE,
    PREDICATE_EQ,
    PREDICATE_NE,
    PREDICATE_IN,       // column IN constants
    PREDICATE_COLUMN,   // a BOOLEAN column itself
    PREDICATE_CONSTANT, // constants[0] is BOOLEAN (kind BOOLEAN; is_null for NULL)
};
struct constant {
    enum type_kind
        kind; // BOOLEAN, BIGINT, DOUBLE, VARCHAR, TIMESTAMP (already in the column's domain)
    bool is_null;
    int64_t whole; // BOOLEAN, BIGINT, TIMESTAMP
    double real;
    struct str text;
};
struct column_path {
    int column;    // of the relation
    int fields[4]; // struct fields below it
    int fields_len;
};
struct predicate {
    enum predicate_op op;
    struct column_path path, other; // other.column = -1: compare with constants
    struct constant *constants;
    size_t constants_len;
    struct predicate **children;
    size_t children_len;
};
struct condition {
    const struct predicate *predicate; // NULL: only DuckDB can say (sql)
    struct str sql;                    // boolean expression over the relation's columns, DuckDB SQL
    size_t place;
};
struct constraint {
    struct str name;
    struct condition condition;
    enum violation violation;
};

// ---- Sources ----------------------------------------------------------------------------------
enum metadata {
    METADATA_NONE,
    METADATA_VALUE, // BLOB
    METADATA_TOPIC,
    METADATA_PARTITION,
    METADATA_OFFSET,
    METADATA_TIMESTAMP,
    METADATA_KEY,
    METADATA_HEADERS,
    METADATA_FILE,
    METADATA_LINE,
};
enum on_error { ON_ERROR_QUARANTINE, ON_ERROR_DROP, ON_ERROR_FAIL };

struct source_column { // parallel to the relation's columns
    struct str name;
    const struct type *type;
    const struct str *path; // FIELD (and COMPUTED that is only a path): keys from the record's top
    size_t path_len;
    enum time_unit time_unit;
    enum metadata metadata; // METADATA_NONE unless from the connector
    struct str computed;    // SQL over the source's other columns; empty: decoded
    bool is_needed; // somebody downstream reads it (conservative); others need not be decoded
};
struct plan_source {
    struct str name;
    size_t place;
    int relation;
    const struct source_type *type; // connector
    struct option_value *options;   // evaluated
    size_t options_len;
    struct str format; // "json", "csv", "raw", "parquet"
    struct source_column *columns;
    size_t columns_len;
    bool coerce_spark;
    enum on_error on_error;
    bool has_computed;    // some column has `computed` SQL
    int watermark_column; // -1: none
    int64_t watermark_delay_us;
    int64_t idle_timeout_us; // -1: partitions never become idle
    bool is_enabled;
};

// ---- Relations --------------------------------------------------------------------------------
enum relation_kind {
    RELATION_SOURCE, // decoded rows that passed the constraints
    RELATION_ROWS,   // filter, then projection / lookup / UNNEST: a row at a time
    RELATION_DEDUP,
    RELATION_GROUPS, // windowed aggregate; rows appear when the window closes
    RELATION_JOIN,   // join of two closed relations, window by window
    RELATION_OVER,   // OVER on a closed relation
};
// How the fold (C) computes an aggregate. Everything else keeps rows and asks DuckDB at close.
enum aggregate_kind {
    AGGREGATE_COUNT_ROWS, // count(*)
    AGGREGATE_COUNT,      // count(x)
    AGGREGATE_SUM,        // integers: __int128, result HUGEINT; FLOAT/DOUBLE: double
    AGGREGATE_AVG,        // double
    AGGREGATE_MIN,        // any type with an order in C: integers, floats, strings, times, BOOLEAN
    AGGREGATE_MAX,
    AGGREGATE_FIRST, // of the group in arrival order, NULL counts as a value
    AGGREGATE_LAST,
    AGGREGATE_ANY_VALUE, // first that is not NULL
    AGGREGATE_ARG_MIN,   // argument, order_argument (rows where either is NULL are skipped)
    AGGREGATE_ARG_MAX,
    AGGREGATE_BOOL_AND,
    AGGREGATE_BOOL_OR,
    AGGREGATE_STDDEV_SAMP,
    AGGREGATE_STDDEV_POP,
    AGGREGATE_VAR_SAMP,
    AGGREGATE_VAR_POP,
    AGGREGATE_COUNT_DISTINCT, // count(DISTINCT x), exact
    AGGREGATE_TOP_K,          // the `limit` most frequent values, as a list
    AGGREGATE_TOP_K_ELEMENTS, // .. of the elements of lists
};
struct aggregate {
    enum aggregate_kind kind;
    int argument;            // index into group_inputs columns; -1: none
    int order_argument;      // arg_min/arg_max; else -1
    int filter;              // BOOLEAN input column of FILTER (WHERE ..); -1: none
    const struct type *type; // of the result column (what DuckDB's binder says)
    int64_t limit;           // top_k
};

struct relation {
    enum relation_kind kind;
    struct str name; // the user's; a sink's own SELECT gets the sink's name
    size_t place;
    struct column *columns;
    size_t columns_len;
    int inputs[2];  // relation indexes; -1: none
    int source;     // RELATION_SOURCE: index into plan->sources
    bool is_closed; // its rows appear at window close and carry window_start/window_end
    int window_start_column,
        window_end_column;          // in columns, when is_closed and still carried; else -1
    struct constraint *constraints; // judged on this relation's rows
    size_t constraints_len;
    int late_into; // sink index, -1: late rows are only counted
    // Columns through which a consumer of this relation finds event time; -1: none (no watermark).
    int time_column;

    // RELATION_ROWS. Filter first (counted), then the projection.
    bool has_filter;
    struct condition filter; // over the input's columns (inputs[0])
    int *direct;             // output column -> input column, when all are plain columns; else NULL
    struct str project_sql;  // "SELECT .. FROM input-name .." without that WHERE; empty when direct
    bool changes_rows;       // UNNEST, lookups: output rows are not one to one with input rows;
                             // project_sql then gives a last extra column `_sequence` BIGINT taken
                             // from the input (which offers `_sequence` beside its columns)

    // RELATION_DEDUP: same columns as the input.
    int *dedup_keys;
    size_t dedup_keys_len;
    int64_t within_us;
    bool keep_last; // batch only

    // RELATION_SOURCE in table mode: constraints of views that pass its rows on as they are
    // (counted_view). They are judged while the row's bytes are at hand; what becomes of the row is
    // decided when the view's DEDUP has spoken.
    struct constraint *later;
    size_t later_len;

    // RELATION_GROUPS. The input's rows are filtered (filter), then mapped to "group inputs":
    // [time TIMESTAMP, key_0.., argument_0.., filter_0..] by group_direct or group_inputs_sql.
    int64_t window_size_us, window_slide_us, window_shift_us; // TUMBLE: slide = size
    struct column *group_inputs;
    size_t group_inputs_len;
    int *group_direct;           // group input -> input relation's column; NULL: use the SQL
    struct str group_inputs_sql; // "SELECT time, key, .. FROM input-name"
    size_t group_keys_len;       // window_start/end are not among them: group inputs 1..keys
    struct aggregate *aggregates;
    size_t aggregates_len;
    bool keeps_rows; // some aggregate needs all rows: aggregates is empty; at close group_sql makes
                     // the same columns from the kept group inputs
    // Closed groups as a table named "_groups": window_start, window_end, k0.., r0.. (one a key,
    // one an aggregate; types in group_columns). final_sql maps it to `columns` (SELECT list,
    // HAVING); NULL- length final_sql with final_direct set when it is only a choice of columns.
    struct column *group_columns;
    size_t group_columns_len;
    struct str
        group_sql; // keeps_rows: "SELECT window_start, window_end, k0.., agg(..) FROM _kept GROUP
                   // BY .." where _kept = window_start, window_end, group_inputs.., _sequence
    struct str final_sql;
    int *final_direct;
    int *key_columns; // output columns that are plain keys or window bounds: upsert key
    size_t key_columns_len;
    bool has_having;

    // RELATION_JOIN: SQL over both inputs' names, run per set of closed windows.
    // RELATION_OVER: SQL over the input's name, which then also offers `_new` BOOLEAN (row just
    // closed, not history); gives only rows that are new.
    struct str closed_sql;
    int *over_partition; // input columns of PARTITION BY; history is kept per these
    size_t over_partition_len;
    int64_t over_preceding; // rows of history a frame may reach back to
    // Of frames with a deviation that counts the current row, too: the rows before it. 0: none.
    int64_t over_own_deviation;
};

// ---- Sinks and the whole ----------------------------------------------------------------------
struct plan_sink {
    struct str name;
    size_t place;
    const struct sink_type *type;
    struct option_value *options;
    size_t options_len;
    int relation; // -1: only a target of LATE INTO
    enum emit_kind emit;
    int64_t emit_every_us;
    bool is_enabled;
    struct column *columns; // of the rows it gets. LATE targets: the relation's columns plus
    size_t columns_len;     // _relation VARCHAR, _watermark TIMESTAMP, _source VARCHAR,
                            // _partition VARCHAR, _offset BIGINT
};
struct plan_table { // CREATE TABLE n AS SELECT
    struct str name;
    struct str sql;
    size_t place;
};

// Table mode: a view of the form SELECT * FROM x or SELECT * FROM DEDUP(x, ..), where x is a source
// or another such view. Its rows are its source's rows, so they can be counted and judged one by
// one.
struct counted_view {
    struct str name; // empty: the view is plain SQL
    struct str input, source;
    struct str keys; // of DEDUP, as SQL; empty: none
    bool keep_last;
    size_t later_from, later_len; // its constraints within the source's relation->later
};

// REPORT ON STDOUT | STDERR, after a run that ends. `sql` reads the tables of the run: ledger,
// ledger_rejections, run (engine/run_tables.h).
struct plan_report {
    struct str sql;
    struct str format; // TEMPLATE: "{column}" is replaced, once a row; has_template false: rows of
    bool has_format;   // one text column, a line each
    bool is_stderr;
    struct column *columns;
    size_t columns_len;
    size_t place;
};
// CREATE METRIC: column `value`, the others are labels.
struct plan_metric {
    struct str name, help, sql;
    bool is_counter; // accumulates over runs
    struct column *columns;
    size_t columns_len;
    int value_column;
    size_t place;
};
struct plan_schedule {
    struct str name, file; // relative to the .sql file
    int64_t every_us;      // 0: cron
    struct str cron;
    int64_t retries;
    bool catch_up;
    size_t place;
};

// Settings (SET name = value); table in plan_settings[].
struct settings {
    struct str pipeline;
    struct str checkpoint; // folder; default .firesteel/<pipeline>
    struct str quarantine; // folder; default <checkpoint>/quarantine
    int64_t commit_interval_us;
    int64_t trigger_interval_us;
    int64_t memory_limit_bytes; // 0: none
    int64_t outbox_limit_bytes;
    int64_t future_skew_us; // -1: none
    int64_t max_ahead_us;
    int64_t over_retention_us;
    int64_t lanes;         // 0: cores
    int execution;         // enum execution
    bool strict;           // reserved for tests: ledger imbalance aborts
    struct str listen;     // HTTP address, empty: none
    int64_t trigger_rows;  // rows a lane takes per trigger
    int64_t journal_bytes; // frames before the next base
};

struct plan {
    struct arena *arena;
    const char *path;
    const char *folder; // of the .sql file
    struct settings settings;
    struct str *prelude; // CREATE MACRO / TYPE statements and built-in macros, in order
    size_t prelude_len;
    struct plan_table *tables;
    size_t tables_len;
    struct plan_source *sources;
    size_t sources_len;
    struct relation *relations; // inputs before consumers
    size_t relations_len;
    struct plan_sink *sinks;
    size_t sinks_len;
    // Batch pipelines that use more SQL than a stream can: after the sources were read, everything
    // runs in DuckDB. view_sql[i]: CREATE VIEW text for each view in order; each sink's SELECT in
    // batch_sink_sql. relations then holds only the sources.
    bool is_table_mode;
    struct str *view_sql;
    struct counted_view *counted; // parallel to view_sql
    size_t view_sql_len;
    struct str *batch_sink_sql; // parallel to sinks; empty for LATE targets
    struct plan_report *reports;
    size_t reports_len;
    struct plan_metric *metrics;
    size_t metrics_len;
    struct plan_schedule *schedules;
    size_t schedules_len;
    struct str fingerprint; // see plan_fingerprint
    // Options that were not used because they belong to another connector: "events: topic (kafka)".
    struct str *ignored;
    size_t ignored_len;
};

// Overrides from the command line: --with NAME.option=value and --set name=value.
struct override {
    struct str object; // source or sink name; empty for --set
    struct str name, value;
};
struct plan_request {
    const char *path;
    struct str text;
    struct variables variables;
    const struct override *overrides;
    size_t overrides_len;
    int execution; // enum execution, or -1: as the file says
};
// NULL when there are errors; all of them are in diagnostics. Warnings may be there in any case.
struct plan *plan_build(const struct plan_request *request, struct arena *arena,
                        struct diagnostics *diagnostics);
// The tables that REPORT and CREATE METRIC read: statements that make them, empty.
extern const char plan_run_tables[];
extern const struct option plan_settings[];
extern const size_t plan_settings_len;

// State compatibility, one line an object that holds state: "name kind keys.. types..". Two plans
// may share a checkpoint when every object that is in both has the same line.
void plan_fingerprint(const struct plan *plan, struct buf *out);
const char *aggregate_word(enum aggregate_kind kind); // as in SQL: "count(*)", "avg"; else "?"
void plan_explain(const struct plan *plan, struct buf *out);      // words, for people
void plan_print_json(const struct plan *plan, struct buf *out);   // for machines and golden tests
int plan_find_relation(const struct plan *plan, struct str name); // -1: none

#endif
