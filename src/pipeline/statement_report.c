// SPDX-License-Identifier: MIT
// What a run tells about itself, and when runs happen:
//   REPORT ON STDOUT | STDERR [TEMPLATE '..{column}..'] AS SELECT ..
//   CREATE METRIC name TYPE counter | gauge [HELP '..'] AS SELECT label, .., value ..
//   CREATE SCHEDULE name EVERY INTERVAL '1 hour' | CRON '0 * * * *' RUN 'file.sql' [WITH (..)]
#include "pipeline/parser.h"

bool parse_report(struct parser *parser, struct statement *statement)
{
    const char *form = "write REPORT ON STDOUT [TEMPLATE '..'] AS SELECT ..";
    statement->name_place = parser->at->at;
    parser->at++; // REPORT
    if (!parser_expect(parser, "ON", form))
        return false;
    statement->is_stderr = parser_is(parser, "STDERR");
    if (!parser_accept(parser, "STDOUT") && !parser_accept(parser, "STDERR"))
        return parser_fail_expected(parser, "STDOUT or STDERR", form);
    if (parser_accept(parser, "TEMPLATE")) {
        statement->has_text = true;
        if (!parser_string(parser, "the template", &statement->text, &statement->text_place))
            return false;
    }
    return parse_body(parser, statement);
}

bool parse_metric(struct parser *parser, struct statement *statement)
{
    if (!parser_expect(parser, "TYPE", "write CREATE METRIC name TYPE gauge AS SELECT .."))
        return false;
    statement->is_counter = parser_is(parser, "COUNTER");
    if (!parser_accept(parser, "COUNTER") && !parser_accept(parser, "GAUGE"))
        return parser_fail_expected(
            parser, "COUNTER or GAUGE",
            "a counter adds up over runs, a gauge is the value of the newest run");
    if (parser_accept(parser, "HELP")) {
        statement->has_text = true;
        if (!parser_string(parser, "the help text", &statement->text, &statement->text_place))
            return false;
    }
    return parse_body(parser, statement);
}

bool parse_schedule(struct parser *parser, struct statement *statement)
{
    const char *form = "write CREATE SCHEDULE name EVERY INTERVAL '1 hour' RUN 'file.sql'";
    size_t place;
    if (parser_accept(parser, "EVERY")) {
        if (!parser_interval(parser, "the time between two runs", &statement->every))
            return false;
    } else if (parser_accept(parser, "CRON")) {
        if (!parser_string(parser, "five fields: minute hour day month weekday", &statement->cron,
                           &place))
            return false;
    } else {
        return parser_fail_expected(parser, "EVERY or CRON", form);
    }
    statement->emit_place = statement->name_place;
    if (!parser_expect(parser, "RUN", form) ||
        !parser_string(parser, "the pipeline's file", &statement->text, &statement->text_place))
        return false;
    if (parser_accept(parser, "WITH") && !parser_options(parser, statement))
        return false;
    return parser->at == parser->end ||
           parser_fail_expected(parser, "WITH or ';'", "options: retries = 3, catch_up = true");
}
