// SPDX-License-Identifier: MIT
// The catalogue of codes: what `firesteel explain E0123` prints. A page says why something is
// refused and shows what to write; the message in the file has said where. Codes never change their
// meaning: E01 the text and its statements, E02 SELECT bodies, E03 options and settings, E04 names
// and how things fit together. A test holds every code in the sources to a page here.
#include "pipeline/diagnostic.h"

#include <string.h>

static const struct {
    const char *code, *page;
} pages[] = {
    {"E0001", "the planner itself failed\n\n"
              "DuckDB could not be started or asked inside this process. Look at memory, and at "
              "libduckdb beside the program.\n"},
    {"E0101",
     "a literal or comment has no end\n\n"
     "Everything behind it was swallowed, so later mistakes are not shown yet. Text stands in\n"
     "'..' with a quote inside written '', names in \"..\", $$..$$ quotes anything, /* */ "
     "nests.\n"},
    {"E0102", "the file is not UTF-8 text\n\n"
              "    iconv -f latin1 -t utf8 old.sql > new.sql\n"},
    {"E0103", "a ${NAME} has no value\n\n"
              "Values come from -D NAME=value, then from the environment; ${1}, ${2} are the words "
              "behind --\n"
              "on the command line. A default is written ${NAME:-default}.\n"},
    {"E0104", "a ${..} is not understood\n\n"
              "    ${NAME}             the value, or error E0103\n"
              "    ${NAME:-default}    the value, or the default when unset or empty\n"
              "    ${NAME:+text}       the text when set, else nothing\n"
              "    ${1}                first word behind -- on the command line\n"
              "    $${                 the two characters ${\n"},
    {"E0105", "a ${..} outside a literal must be one number, identifier or keyword\n\n"
              "Variables fill places, they do not write SQL. Inside a literal anything goes:\n"
              "    path = '${PATH_OF_INPUT}'        rows = ${ROWS:-1000}\n"},
    {"E0106", "a ${..} outside a literal must stand alone\n\n"
              "Write the whole word as a literal: topic = 'events_${STAGE}'.\n"},
    {"E0121",
     "this statement is not known\n\n"
     "A pipeline holds SET, REPORT and CREATE SOURCE, VIEW, TABLE, SINK, METRIC, SCHEDULE, MACRO,\n"
     "TYPE, each ended by ;\n"},
    {"E0122",
     "something else was expected here\n\n"
     "    SET name = value;\n"
     "    CREATE SOURCE name (column TYPE, ..) WITH (connector = '..', ..);\n"
     "    CREATE VIEW name AS SELECT ..;\n"
     "    CREATE SINK name WITH (connector = '..', ..) [EMIT ..] [LATE INTO sink] AS SELECT ..;\n"},
    {"E0123", "this statement comes in a later version\n\n"
              "The message says what to do until then.\n"},
    {"E0124",
     "this is the form of another system\n\n"
     "Firesteel takes words from Flink, RisingWave, Databricks and ksqlDB, but each thing has one\n"
     "form only. The message shows it.\n"},
    {"E0125", "a ; is missing\n\nEach statement ends with ;\n"},
    {"E0126", "something is there twice\n\nKeep one of them.\n"},
    {"E0127", "parentheses do not match\n\nEach ( needs its ) before the ; of the statement.\n"},
    {"E0128", "a column is not understood\n\n"
              "    name TYPE                              a field of the record\n"
              "    name TYPE FROM 'metadata.battery'      a field below another one\n"
              "    name TYPE AS (expression)              computed from other columns\n"
              "    name TYPE METADATA FROM 'offset'       what the connector knows\n"
              "    name TIMESTAMP FORMAT 'unix_ms'        a time that is a number\n"},
    {"E0129",
     "a constraint is not understood\n\n"
     "    CONSTRAINT name EXPECT (condition) [ON VIOLATION WARN | DROP ROW | QUARANTINE | FAIL]\n"
     "A row violates it when the condition is false or NULL. WARN, the default, counts and keeps "
     "it.\n"},
    {"E0130", "a watermark is not understood\n\n"
              "    WATERMARK FOR time AS time - INTERVAL '10 minutes' [IDLE TIMEOUT INTERVAL '30 "
              "seconds']\n"},
    {"E0131",
     "EMIT is not understood\n\n"
     "    CREATE SINK name WITH (..) EMIT ON WINDOW CLOSE AS SELECT ..\n"
     "    CREATE SINK name WITH (..) EMIT CHANGES EVERY INTERVAL '10 seconds' AS SELECT ..\n"},
    {"E0132", "a SELECT was expected\n\nA body begins with SELECT, WITH, FROM or VALUES.\n"},

    {"E0201", "DuckDB cannot parse this\n\n"
              "SELECT bodies and expressions are DuckDB SQL; the message is its parser's.\n"},
    {"E0202", "there is no such column\n\n"
              "Columns are those of what FROM names. A window adds window_start and window_end.\n"},
    {"E0203", "a SELECT reads something that is not defined\n\n"
              "Names are those of CREATE SOURCE, VIEW and TABLE in this file, in any order.\n"},
    {"E0204", "DuckDB refuses this expression\n\nThe message is its binder's: types, functions, "
              "arguments.\n"},
    {"E0205", "a condition is wrong\n\nIt must be BOOLEAN and use only the columns at hand.\n"},
    {"E0206", "two columns have one name\n\nGive one of them another: x AS y.\n"},
    {"E0207",
     "a column has a type that a stream cannot carry\n\nCast it, for instance to VARCHAR.\n"},
    {"E0210", "ORDER BY and LIMIT need the end of the input\n\n"
              "A stream has none. Take top_k, arg_max or list inside a window, or SET execution = "
              "'batch'.\n"},
    {"E0211", "DISTINCT over a stream would remember every row for ever\n\n"
              "    SELECT * FROM DEDUP(rel, key, within => INTERVAL '10 minutes')\n"},
    {"E0212", "UNION and recursion are not possible over a stream\n\n"
              "Write one view for each part with a sink of its own, or SET execution = 'batch'.\n"},
    {"E0213", "an aggregate over a stream needs a window\n\n"
              "    SELECT window_start, window_end, key, count(*)\n"
              "    FROM TUMBLE(rel, event_time, INTERVAL '1 minute')\n"
              "    GROUP BY ALL\n"},
    {"E0214", "OVER beside an aggregate is not supported\n\n"
              "Aggregate in one view and use OVER in a view that reads it.\n"},
    {"E0215", "a subquery over a stream inside an expression is not supported\n\n"
              "Join with reference data (CREATE TABLE), or join two windowed views.\n"},
    {"E0216", "this join of streams is not supported\n\n"
              "Two windowed views can be joined on window_start and window_end; more of them step "
              "by step.\n"},
    {"E0217", "a join would need all rows of a stream at once\n\n"
              "Put the stream on the left and reference data on the right.\n"},
    {"E0218", "GROUP BY does not fit the window\n\n"
              "It must hold window_start or window_end (GROUP BY ALL does), and every column that "
              "is not in an aggregate.\n"},
    {"E0219", "this step over closed windows is not supported\n\n"
              "Closed windows can be filtered, projected, joined by window and given OVER.\n"},
    {"E0220", "the arguments of DEDUP, TUMBLE or HOP are wrong\n\n"
              "    DEDUP(rel, key [, key ..] [, within => INTERVAL] [, keep => 'first'])\n"
              "    TUMBLE(rel, time, size [, shift => INTERVAL])\n"
              "    HOP(rel, time, slide, size)\n"},
    {"E0221", "an interval is wrong\n\nIt must be constant and above zero: INTERVAL '1 minute'.\n"},
    {"E0222", "HOP takes the slide before the size\n\n    HOP(rel, time, INTERVAL '1 minute', "
              "INTERVAL '10 minutes')\n"},
    {"E0223", "months and years have no fixed length\n\nWrite days: INTERVAL '30 days'.\n"},
    {"E0224",
     "a window would be cut into too many panes\n\n"
     "Pane = greatest common divisor of slide and size. Choose a slide that divides the size.\n"},
    {"E0225", "the time of a window must be a TIMESTAMP column\n\nDeclare it so in the source, or "
              "select it in a view before.\n"},
    {"E0226",
     "event time is missing\n\n"
     "Windows and DEDUP need a source with WATERMARK FOR, and views that keep that column.\n"},
    {"E0227", "DEDUP is not understood\n\n    DEDUP(rel, key [, key ..] [, within => INTERVAL] [, "
              "keep => 'first'])\n"},
    {"E0228", "keep => 'last' needs the end of the input\n\nIt works in batch execution only.\n"},
    {"E0229", "ROLLUP, CUBE and GROUPING SETS are not supported over a stream\n\nWrite one view "
              "for each grouping.\n"},
    {"E0230",
     "OVER does not fit a stream\n\n"
     "    OVER (PARTITION BY key ORDER BY window_start ROWS BETWEEN 5 PRECEDING AND CURRENT ROW)\n"
     "over a view that aggregated by window.\n"},
    {"E0231", "a join of windows does not fit\n\nJoin two windowed views with equal window_start "
              "and window_end.\n"},
    {"E0232", "window(time, '1 minute') is another system's form\n\n"
              "    FROM TUMBLE(events, event_time, INTERVAL '1 minute') GROUP BY window_start, "
              "window_end, ..\n"},
    {"E0233",
     "a SELECT reads no source or view\n\nReference data is CREATE TABLE name AS SELECT ..\n"},
    {"E0234", "this form is not supported over a stream\n\nThe message says what to write. Batch "
              "execution takes any DuckDB SQL.\n"},
    {"E0235", "an expression uses a window where there is none yet\n\nUse HAVING, or a view that "
              "reads this one.\n"},
    {"E0236",
     "COLUMNS(..) and RENAME are not supported in a streaming SELECT\n\nName the columns.\n"},

    {"E0301", "there is no such setting\n\nThe message lists them all.\n"},
    {"E0302",
     "the value of a setting does not fit\n\n"
     "Lengths of time are INTERVAL '1 second' or '500 ms', sizes 64MB, words stand in quotes.\n"},
    {"E0303", "there is no such connector\n\n'firesteel connectors' lists them.\n"},
    {"E0304",
     "there is no such option\n\n"
     "'firesteel connectors NAME' lists them. An option that only another connector knows is\n"
     "ignored, so that the connector itself can be chosen by an expression; 'firesteel explain\n"
     "FILE' lists what was ignored.\n"},
    {"E0305",
     "the value of an option does not fit\n\n'firesteel connectors NAME' says what it takes.\n"},
    {"E0306", "a required option is missing\n\n'firesteel connectors NAME' lists them.\n"},
    {"E0307", "the expression of an option cannot be computed\n\n"
              "It stands in parentheses, has no columns, and gives one value that is not NULL:\n"
              "    enabled = ('${S3_BUCKET:-}' <> '')\n"},
    {"E0308", "a source or sink has no connector\n\n    WITH (connector = 'files', ..)\n"},
    {"E0309", "--with names no source or sink\n\n    --with events.path=recorded.jsonl\n"},
    {"E0311", "a setting is given twice\n\nKeep one of them. --set replaces it for one run.\n"},
    {"E0312", "what a checkpoint on S3 cannot have\n\nAn epoch on S3 takes at least a second, and "
              "the quarantine lies below the checkpoint.\n"},
    {"E0313",
     "the connector cannot keep that promise\n\n"
     "http, redis and console deliver at least once: say so with delivery = 'at_least_once'.\n"},
    {"E0314", "the sink can only append\n\nEMIT CHANGES replaces rows. Use EMIT ON WINDOW CLOSE, "
              "or another connector.\n"},

    {"E0401", "a name is defined twice\n\nSources, views, tables and sinks share one set of names, "
              "in any case.\n"},
    {"E0402", "a name is not defined\n\nOrder does not matter, spelling does.\n"},
    {"E0403", "a step reads itself\n\nThe message shows the circle of names.\n"},
    {"E0404",
     "this cannot be read from here\n\n"
     "Sinks give no rows back; reference data (CREATE TABLE) cannot read a source or view.\n"},
    {"E0405", "a sink for late rows does not fit\n\n"
              "    CREATE SINK late_rows WITH (..);\n"
              "    CREATE SINK result WITH (..) LATE INTO late_rows AS SELECT ..;\n"
              "It has no SELECT of its own, and some LATE INTO names it.\n"},
    {"E0406", "a name is Firesteel's own\n\nNames of tables that begin with _ and the columns "
              "_sequence and _new are taken.\n"},
    {"E0407", "the pipeline would do nothing, or not what it says\n\nThe message says why.\n"},
    {"E0408",
     "reference data cannot be loaded\n\nFiles in a CREATE TABLE are relative to the .sql file.\n"},
    {"E0409", "DuckDB refuses a macro or type\n\nThey are DuckDB's own statements, passed on as "
              "they are.\n"},
    {"E0410",
     "a type is not known\n\nTypes are DuckDB's, or those of a CREATE TYPE in this file.\n"},
    {"E0411",
     "metadata does not fit\n\n"
     "    value BLOB, topic VARCHAR, partition BIGINT, offset BIGINT, timestamp TIMESTAMP,\n"
     "    key VARCHAR, headers VARCHAR, file VARCHAR, line BIGINT\n"},
    {"E0412",
     "a time format does not fit\n\n    name TIMESTAMP FORMAT 'unix_ms' | 'unix_s' | 'unix_us'\n"},
    {"E0413",
     "the watermark's column does not fit\n\nIt is a TIMESTAMP column of the same source.\n"},
    {"E0414", "a length of time is not understood\n\n"
              "    INTERVAL '10 minutes', '1 hour 30 seconds', '500 milliseconds', '2 days'\n"},
    {"E0415",
     "the emission does not fit the rows\n\n"
     "Windows: EMIT ON WINDOW CLOSE (default) or, for a GROUP BY without HAVING, EMIT CHANGES.\n"
     "Other rows appear with each commit.\n"},
    {"E0416", "late rows of two steps have different columns\n\nGive each a sink of its own.\n"},
    {"E0417", "nothing here has late rows\n\nDEDUP and windowed GROUP BY judge lateness; put LATE "
              "INTO there.\n"},
    {"E0418",
     "a report does not fit its template\n\n"
     "    REPORT ON STDOUT TEMPLATE 'read {rows}, kept {kept}\n' AS SELECT .. AS rows, .. AS "
     "kept FROM ledger;\n"
     "Each row of the SELECT fills the template once. Without TEMPLATE the SELECT has one\n"
     "column, printed a line a row.\n"},
    {"E0419", "a metric has no value, or no possible name\n\n"
              "    CREATE METRIC data_records_total TYPE counter HELP '..' AS\n"
              "      SELECT relation AS topic, passed AS value FROM ledger WHERE kind = 'sink';\n"
              "Column `value` is the sample, every other column is a label.\n"},
    {"E0420", "a schedule is not understood\n\n"
              "    CREATE SCHEDULE hourly EVERY INTERVAL '1 hour' RUN 'bronze_to_silver.sql' WITH "
              "(retries = 3);\n"},

    {"W0201", "a cast from text to TIMESTAMP loses the offset\n\n"
              "DuckDB reads '2024-01-15T10:30:00+02:00'::TIMESTAMP as 10:30. Declare the column "
              "TIMESTAMP in\n"
              "the source instead: its decoder turns it to UTC.\n"},
    {"W0202", "state grows with rows, not with groups\n\n"
              "The aggregate needs all rows of a window until it closes.\n"},
    {"W0301",
     "a connector of a later version\n\nThe pipeline can be checked; running it is refused.\n"},
    {"W0401", "nothing reads this\n\nIt is left out.\n"},
};

const char *diagnostic_page(const char *code)
{
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        if (strcmp(pages[i].code, code) == 0)
            return pages[i].page;
    return NULL;
}
