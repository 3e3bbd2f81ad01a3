// SPDX-License-Identifier: MIT
// firesteel init: a new folder with a first pipeline, its test and some input, so that `firesteel
// test` and `firesteel run` work at once and every line can be changed to see what happens. Nothing
// that exists is written over.
#include "base/file.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include <stdio.h>

// NAME is replaced by the pipeline's name.
static const char pipeline_text[] =
    "-- A first pipeline: page views by minute and page.\n"
    "--\n"
    "--   firesteel test NAME.sql                 # its tests, without any outside system\n"
    "--   firesteel run --once --drain NAME.sql   # what is in input/, then end\n"
    "--   firesteel explain NAME.sql              # what it does, in words\n"
    "\n"
    "SET pipeline = 'NAME';\n"
    "SET future_skew = 'none';   -- the example's times are old; leave this out for live data\n"
    "\n"
    "-- Where rows come from. Values in ${..} are set with -D NAME=value or the environment.\n"
    "CREATE SOURCE views (\n"
    "  view_id   BIGINT,\n"
    "  page      VARCHAR,\n"
    "  viewed_at TIMESTAMP,\n"
    "  seconds   DOUBLE FROM 'timing.seconds',       -- from elsewhere in the record\n"
    "  -- Rows that break a rule are kept aside with the reason, not lost.\n"
    "  CONSTRAINT has_page EXPECT (page IS NOT NULL) ON VIOLATION QUARANTINE,\n"
    "  CONSTRAINT seconds  EXPECT (seconds >= 0)     ON VIOLATION QUARANTINE,\n"
    "  -- Rows may come up to five minutes out of order.\n"
    "  WATERMARK FOR viewed_at AS viewed_at - INTERVAL '5 minutes'\n"
    ") WITH (connector = 'files', path = '${INPUT:-input/*.jsonl}', format = 'json');\n"
    "\n"
    "-- Each view counts once, however often it was sent.\n"
    "CREATE VIEW fresh AS SELECT * FROM DEDUP(views, view_id);\n"
    "\n"
    "-- A minute is given out once, when the watermark has passed its end.\n"
    "CREATE SINK page_minutes WITH (connector = 'console')\n"
    "AS SELECT window_start, page, count(*) AS views, avg(seconds) AS avg_seconds\n"
    "   FROM TUMBLE(fresh, viewed_at, INTERVAL '1 minute')\n"
    "   GROUP BY window_start, page;\n";

static const char test_text[] =
    "-- firesteel test NAME.sql\n"
    "\n"
    "TEST 'views are counted by minute and page, copies once';\n"
    "INSERT INTO views VALUES\n"
    "  ({'view_id': 1, 'page': '/a', 'viewed_at': '2024-01-15 10:30:10', 'timing': {'seconds': "
    "1.0}}),\n"
    "  ({'view_id': 2, 'page': '/a', 'viewed_at': '2024-01-15 10:30:50', 'timing': {'seconds': "
    "3.0}}),\n"
    "  ({'view_id': 2, 'page': '/a', 'viewed_at': '2024-01-15 10:30:50', 'timing': {'seconds': "
    "3.0}}),\n"
    "  ({'view_id': 3, 'page': '/b', 'viewed_at': '2024-01-15 10:31:00', 'timing': {'seconds': "
    "5.0}});\n"
    "EXPECT page_minutes EMPTY;                          -- the minute is still open\n"
    "ADVANCE TIME TO TIMESTAMP '2024-01-15 10:40:00';    -- event time, not the clock\n"
    "EXPECT page_minutes ROWS (page, views, avg_seconds) VALUES ('/a', 2, 2.0), ('/b', 1, 5.0);\n"
    "EXPECT LEDGER fresh (rows_in => 4, duplicate => 1);\n"
    "\n"
    "TEST 'a view without a page is put aside';\n"
    "INSERT INTO views VALUES\n"
    "  ({'view_id': 1, 'viewed_at': '2024-01-15 10:30:10', 'timing': {'seconds': 1.0}});\n"
    "ADVANCE TIME TO TIMESTAMP '2024-01-15 10:40:00';\n"
    "EXPECT page_minutes EMPTY;\n"
    "EXPECT LEDGER views (rows_in => 1, rejected.has_page => 1);\n";

static const char input_text[] =
    "{\"view_id\":1,\"page\":\"/"
    "a\",\"viewed_at\":\"2024-01-15T10:30:10Z\",\"timing\":{\"seconds\":1.5}}\n"
    "{\"view_id\":2,\"page\":\"/"
    "b\",\"viewed_at\":\"2024-01-15T10:30:40Z\",\"timing\":{\"seconds\":4}}\n"
    "{\"view_id\":2,\"page\":\"/"
    "b\",\"viewed_at\":\"2024-01-15T10:30:40Z\",\"timing\":{\"seconds\":4}}\n"
    "{\"view_id\":3,\"page\":null,\"viewed_at\":\"2024-01-15T10:30:41Z\",\"timing\":{\"seconds\":2}"
    "}\n"
    "{\"view_id\":4,\"page\":\"/"
    "a\",\"viewed_at\":\"2024-01-15T10:31:05Z\",\"timing\":{\"seconds\":0.5}}\n";

static void add_named(struct buf *out, const char *text, struct str name)
{
    for (const char *at = text; *at != 0;) {
        bool is_name = str_starts(str_of(at), "NAME") && !str_starts(str_of(at), "NAME=");
        if (is_name)
            buf_add_str(out, name);
        else
            buf_add_char(out, *at);
        at += is_name ? 4 : 1;
    }
}

static bool name_is_good(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-';
        if (!is_good)
            return false;
    }
    return name.len > 0;
}

static struct str last_part(struct str path)
{
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    size_t from = path.len;
    while (from > 0 && path.ptr[from - 1] != '/')
        from--;
    return str_slice(path, from, path.len);
}

static bool write_file(const char *path, const char *text, struct str name, struct error *err)
{
    AUTO(buf_clear) struct buf out = {0};
    add_named(&out, text, name);
    if (!file_write_whole(path, buf_str(&out), err))
        return false;
    printf("%s\n", path);
    return true;
}

static bool make_project(const char *folder, struct str name, struct arena *arena,
                         struct error *err)
{
    const char *input = arena_print(arena, "%s/input", folder).ptr;
    const struct {
        const char *path, *text;
    } files[] = {
        {arena_print(arena, "%s/%.*s.sql", folder, STR_ARGS(name)).ptr, pipeline_text},
        {arena_print(arena, "%s/%.*s.test.sql", folder, STR_ARGS(name)).ptr, test_text},
        {arena_print(arena, "%s/views.jsonl", input).ptr, input_text},
    };
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (path_exists(files[i].path))
            return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                                  "%s exists already; choose another folder", files[i].path);
    if (!folder_create(input, err))
        return false;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (!write_file(files[i].path, files[i].text, name, err))
            return false;
    fprintf(stderr, "next: cd %s && firesteel test . && firesteel run --once --drain %.*s.sql\n",
            folder, STR_ARGS(name));
    return true;
}

int command_init(int argc, char **argv)
{
    struct arguments arguments;
    char none;
    AUTO(arena_clear) struct arena arena = {0};
    const struct usage usage = {.positional = "FOLDER", .positional_min = 1, .positional_max = 1};
    int exit_code = EXIT_DONE;
    if (!arguments_parse(&usage, argc, argv, &none, &arguments, &arena, &exit_code))
        return exit_code;
    struct error err = {0};
    struct str name = last_part(str_of(arguments.positional.items[0]));
    if (!name_is_good(name)) {
        error_set_exit(&err, ERROR_USER, EXIT_USAGE,
                       "init %s: the folder's name becomes the pipeline's name; use letters, "
                       "digits, _ and -",
                       arguments.positional.items[0]);
        return command_fail(&err);
    }
    return make_project(arguments.positional.items[0], name, &arena, &err) ? EXIT_DONE
                                                                           : command_fail(&err);
}
