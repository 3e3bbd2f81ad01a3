// SPDX-License-Identifier: MIT
// What people who come from other systems write, and what a later version brings. Each is refused
// by name with the form to write instead: a "syntax error" would be true and useless.
#include "pipeline/parser.h"

#include <string.h>

struct refused {
    const char *first, *second; // words; second may be NULL
    const char *text, *cure;
};

static const struct refused later_statements[] = {
    {"CREATE", "MODEL", "CREATE MODEL is not in this version",
     "train outside and join the model's scores with CREATE TABLE"},
    {"CREATE", "ENDPOINT", "CREATE ENDPOINT is not in this version",
     "write a files sink and serve the folder"},
    {"CREATE", "CHART", "CREATE CHART is not in this version",
     "write a files sink and draw from the folder"},
    {"CREATE", "REPORT", "CREATE REPORT is not in this version",
     "write a console or files sink with the rows of the report"},
    {"DECLARE", NULL, "DECLARE is not in this version",
     "arguments behind -- are ${1}, ${2}, ..; named values are ${NAME} and -D NAME=value"},
};

static const struct refused foreign_statements[] = {
    {"CREATE", "STREAM", "CREATE STREAM is the form of ksqlDB",
     "write CREATE SOURCE for input, CREATE VIEW for a step, CREATE SINK for output"},
    {"CREATE", "STREAMING", "CREATE STREAMING TABLE is the form of Databricks",
     "write CREATE SOURCE for input, CREATE VIEW for a step, CREATE SINK for output"},
    {"CREATE", "LIVE", "CREATE LIVE TABLE is the form of Databricks",
     "write CREATE VIEW for a step, CREATE SINK for output"},
    {"CREATE", "MATERIALIZED", "there are no materialized views in a pipeline",
     "write CREATE VIEW name AS SELECT .. and CREATE SINK to write its rows"},
    {"CREATE", "TEMPORARY", "nothing in a pipeline is temporary", "write CREATE VIEW name AS .."},
    {"CREATE", "TEMP", "nothing in a pipeline is temporary", "write CREATE VIEW name AS .."},
    {"CREATE", "EXTERNAL", "CREATE EXTERNAL TABLE is the form of Spark",
     "write CREATE SOURCE name (..) WITH (connector = 'files', path = '..', format = '..')"},
    {"CREATE", "FLOW", "CREATE FLOW is the form of Databricks", "write CREATE VIEW"},
    {"CREATE", "CONNECTION", "connections are options of a source or sink",
     "put them into its WITH (..)"},
    {"CREATE", "SECRET", "secrets are options of a source or sink",
     "fill them from the environment: password = '${DB_PASSWORD}'"},
    {"CREATE", "INDEX", "a pipeline has no indexes", "leave it out"},
    {"CREATE", "SCHEMA", "names have no schema in a pipeline", "leave it out"},
    {"CREATE", "DATABASE", "a pipeline has no databases", "leave it out"},
    {"CREATE", "SEQUENCE", "a pipeline has no sequences",
     "use a column of the source: METADATA FROM 'offset'"},
    {"INSERT", NULL, "INSERT INTO is not how a pipeline writes",
     "write CREATE SINK name WITH (..) AS SELECT .."},
    {"SELECT", NULL, "a SELECT alone has nowhere to send its rows",
     "write CREATE SINK name WITH (connector = 'console') AS SELECT .."},
    {"WITH", NULL, "a SELECT alone has nowhere to send its rows",
     "write CREATE SINK name WITH (connector = 'console') AS WITH .."},
    {"FROM", NULL, "a SELECT alone has nowhere to send its rows",
     "write CREATE SINK name WITH (connector = 'console') AS FROM .."},
    {"COPY", NULL, "COPY is not how a pipeline writes",
     "write CREATE SINK name WITH (connector = 'files', ..) AS SELECT .."},
    {"EXECUTE", "STATEMENT", "EXECUTE STATEMENT SET is the form of Flink",
     "leave it out: all sinks of a file run together"},
    {"BEGIN", "STATEMENT", "BEGIN STATEMENT SET is the form of Flink",
     "leave it out: all sinks of a file run together"},
    {"BEGIN", NULL, "a pipeline has no transactions of its own",
     "leave it out: every commit is one transaction"},
    {"COMMIT", NULL, "a pipeline has no transactions of its own",
     "leave it out: SET commit_interval says how often results become durable"},
    {"END", NULL, "a pipeline has no blocks", "leave it out"},
    {"DROP", NULL, "a pipeline file describes, it does not change anything",
     "remove the CREATE statement instead"},
    {"ALTER", NULL, "a pipeline file describes, it does not change anything",
     "change the CREATE statement instead"},
    {"UPDATE", NULL, "rows are not updated in place", "compute the new value in a CREATE VIEW"},
    {"DELETE", NULL, "rows are not deleted in place", "filter them with WHERE in a CREATE VIEW"},
    {"USE", NULL, "a pipeline has no catalogs", "leave it out"},
    {"APPLY", "CHANGES", "APPLY CHANGES is the form of Databricks",
     "write a view over DEDUP(source, key, ..)"},
    {"ATTACH", NULL, "a pipeline does not attach databases",
     "read reference data with CREATE TABLE name AS SELECT * FROM read_parquet('..')"},
    {"INSTALL", NULL, "extensions are not installed from a pipeline", "leave it out"},
    {"LOAD", NULL, "extensions are not loaded from a pipeline", "leave it out"},
    {"PRAGMA", NULL, "PRAGMA is DuckDB's own", "settings of a pipeline are SET name = value"},
    {"TEST", NULL, "tests are not part of the pipeline file",
     "put them into a file of their own beside it: name.test.sql"},
    {"ADVANCE", NULL, "tests are not part of the pipeline file",
     "put them into a file of their own beside it: name.test.sql"},
    {"EXPECT", NULL, "tests are not part of the pipeline file",
     "put them into a file of their own beside it: name.test.sql"},
};

// Words behind a column list or options, with what they mean elsewhere.
static const struct refused clauses[] = {
    {"FORMAT", NULL, "FORMAT .. ENCODE .. is the form of RisingWave",
     "make it an option: WITH (.., format = 'json')"},
    {"ENCODE", NULL, "ENCODE is the form of RisingWave",
     "make it an option: WITH (.., format = 'json')"},
    {"PARTITIONED", NULL, "PARTITIONED BY is the form of Flink and Spark",
     "make it an option of the sink: WITH (.., partition_by = 'column')"},
    {"PARTITION", "BY", "PARTITION BY is not a clause of its own here",
     "make it an option of the sink: WITH (.., partition_by = 'column')"},
    {"USING", NULL, "USING is the form of Spark",
     "write WITH (connector = 'files', format = '..')"},
    {"LOCATION", NULL, "LOCATION is the form of Spark", "write WITH (.., path = '..')"},
    {"OPTIONS", NULL, "OPTIONS is the form of Spark", "write WITH (..)"},
    {"TBLPROPERTIES", NULL, "TBLPROPERTIES is the form of Spark", "write WITH (..)"},
    {"STORED", NULL, "STORED AS is the form of Hive", "write WITH (.., format = '..')"},
    {"COMMENT", NULL, "COMMENT is not a clause here", "write a comment behind --"},
    {"INTO", NULL, "INTO is the form of RisingWave's table sinks",
     "write WITH (connector = '..', ..)"},
    {"INCLUDE", NULL, "INCLUDE is the form of RisingWave",
     "declare a column: name TYPE METADATA FROM 'offset'"},
    {"PRIMARY", "KEY", "a source has no PRIMARY KEY",
     "rows with equal keys are removed by DEDUP(source, key, ..)"},
    {"LIKE", NULL, "LIKE is not known here", "name the columns"},
};

static bool refused_matches(const struct parser *parser, const struct refused *refused)
{
    return parser_is(parser, refused->first) &&
           (refused->second == NULL || parser_is_ahead(parser, 1, refused->second));
}

static bool refuse_from(struct parser *parser, const struct refused *list, size_t len,
                        const char *code)
{
    for (size_t i = 0; i < len; i++) {
        if (!refused_matches(parser, &list[i]))
            continue;
        parser_fail(parser, code, parser->at, list[i].cure, "%s", list[i].text);
        return true;
    }
    return false;
}

// CREATE OR REPLACE / IF NOT EXISTS: a file says what is, so there is nothing to replace.
static bool refuse_create_modifier(struct parser *parser)
{
    if (!parser_is(parser, "CREATE") || !parser_is_ahead(parser, 1, "OR"))
        return false;
    if (parser_is_ahead(parser, 3, "MACRO") || parser_is_ahead(parser, 3, "FUNCTION") ||
        parser_is_ahead(parser, 3, "TYPE") || parser_is_ahead(parser, 3, "TEMP"))
        return false;
    parser_fail(parser, "E0124", parser->at + 1, "leave OR REPLACE out",
                "there is nothing to replace: the file is the whole pipeline");
    return true;
}

bool refuse_statement(struct parser *parser)
{
    if (parser_is(parser, "CREATE") &&
        (parser_is_ahead(parser, 2, "MACRO") || parser_is_ahead(parser, 2, "FUNCTION")))
        return false; // CREATE TEMP MACRO is DuckDB's
    if (refuse_create_modifier(parser))
        return true;
    return refuse_from(parser, later_statements, COUNT_OF(later_statements), "E0123") ||
           refuse_from(parser, foreign_statements, COUNT_OF(foreign_statements), "E0124");
}

bool refuse_clause(struct parser *parser, const struct statement *statement)
{
    if (statement->kind == STATEMENT_SOURCE && parser_is(parser, "AS")) {
        parser_fail(parser, "E0122", parser->at, "write CREATE VIEW name AS SELECT ..",
                    "a source has no SELECT");
        return true;
    }
    if (statement->kind != STATEMENT_SINK && parser_is(parser, "EMIT")) {
        parser_fail(parser, "E0131", parser->at, "put EMIT into the CREATE SINK that reads this",
                    "EMIT belongs to a sink");
        return true;
    }
    if (statement->kind == STATEMENT_SOURCE && parser_is(parser, "LATE")) {
        parser_fail(parser, "E0122", parser->at,
                    "put LATE INTO on the view or sink that judges lateness",
                    "a source has no late rows: lateness is judged by who reads it");
        return true;
    }
    return refuse_from(parser, clauses, COUNT_OF(clauses), "E0124");
}
