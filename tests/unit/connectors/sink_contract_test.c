// SPDX-License-Identifier: MIT
// What every sink must do (src/connectors/sink.h), as one suite over all of them. A new sink adds a
// case: how it is opened, and how its rows are read back as sorted text.
#include "connector_case.h"
#include "connectors/table/memory.h"

#define CHECKPOINT "0123abcd-0000-4000-8000-000000000001"
#define ROWS 300 // of an epoch
#define OTHER_CHECKPOINT "ffffffff-0000-4000-8000-000000000002"

struct sink_case {
    const char *name, *connector, *options;
    void (*read_back)(struct buf *out); // "id|text|time;.." ordered by id
};

#define READ_BACK                                                                                  \
    "string_agg(concat_ws('|', id, txt, strftime(ts::TIMESTAMP, '%%x %%X.%%f')), ';' ORDER BY id)"

static void files_read_back(struct buf *out, const char *reader, const char *extension)
{
    AUTO(buf_clear) struct buf count = {0};
    query(&count,
          arena_print(&case_arena, "SELECT count(*) FROM glob('%s/out/**/*%s')", root, extension)
              .ptr);
    buf_reset(out);
    if (str_is(buf_str(&count), "0"))
        return;
    query(out,
          arena_print(&case_arena,
                      "SELECT " READ_BACK " FROM %s('%s/out/**/*%s', hive_partitioning = true)",
                      reader, root, extension)
              .ptr);
}

static void parquet_read_back(struct buf *out)
{
    files_read_back(out, "read_parquet", ".parquet");
}

static void json_read_back(struct buf *out)
{
    files_read_back(out, "read_json", ".json");
}

static void csv_read_back(struct buf *out)
{
    files_read_back(out, "read_csv", ".csv");
}

static void memory_read_back(struct buf *out)
{
    AUTO(buf_clear) struct buf lines = {0};
    memory_sink_print(STR("box"), &lines);
    write_text("memory.json", buf_str(&lines));
    buf_reset(out);
    if (lines.len > 0)
        query(out, arena_print(&case_arena, "SELECT " READ_BACK " FROM read_json('%s/memory.json')",
                               root)
                       .ptr);
}

static const struct sink_case cases[] = {
    {"files parquet", "files", "path={root}/out", parquet_read_back},
    {"files parquet zstd by kind", "files",
     "path={root}/out;compression=zstd;partition_by=kind;open_files=2", parquet_read_back},
    {"files json", "files", "path={root}/out/;format=json;partition_by=kind, ts", json_read_back},
    {"files csv", "files", "path={root}/out;format=csv;partition_by=['kind']", csv_read_back},
    {"memory", "memory", "instance=box", memory_read_back},
};

static struct column *columns;
static size_t columns_len;

// Rows of one epoch, as the engine would take them from its journal.
struct rows_of_epoch {
    struct segment *segments[8];
    size_t len;
    int64_t rows;
};

static void epoch_make(struct rows_of_epoch *rows, uint64_t epoch, int64_t count)
{
    rows->len = segments_of(
        arena_print(&case_arena,
                    "SELECT %llu * 10000 + i AS id, 'text ' || i AS txt, 'k' || i %% 2 AS kind, "
                    "TIMESTAMP '2024-01-15 10:30:00' + to_microseconds(i %% 2 * 250000) AS ts FROM "
                    "range(%lld) t(i)",
                    (unsigned long long)epoch, (long long)count)
            .ptr,
        rows->segments, COUNT_OF(rows->segments), &columns, &columns_len);
    rows->rows = count;
}

static void epoch_clear(struct rows_of_epoch *rows)
{
    for (size_t i = 0; i < rows->len; i++)
        segment_free(rows->segments[i]);
}

static void expected_print(struct buf *out, uint64_t first, uint64_t last, int64_t count)
{
    query(out,
          arena_print(&case_arena,
                      "SELECT " READ_BACK " FROM (SELECT e * 10000 + i AS id, 'text ' || i AS txt, "
                      "TIMESTAMP '2024-01-15 10:30:00' + to_microseconds(i %% 2 * 250000) AS ts "
                      "FROM range(%lld) t(i), range(%llu, %llu) u(e))",
                      (long long)count, (unsigned long long)first, (unsigned long long)last + 1)
              .ptr);
}

static struct sink *open_case(const struct sink_case *sink_case, const char *checkpoint)
{
    struct error err = {0};
    struct sink_context context = {.pipeline = STR("p"),
                                   .name = STR("s"),
                                   .checkpoint = str_of(checkpoint),
                                   .generation = 1,
                                   .clock = &clock_system,
                                   .columns = columns,
                                   .columns_len = columns_len,
                                   .database = database};
    struct sink *sink = sink_open(sink_case->connector, sink_case->options, &context, &err);
    CHECK(sink != NULL);
    return sink;
}

static bool deliver(const struct sink_type *type, struct sink *sink,
                    const struct rows_of_epoch *rows, uint64_t epoch, struct error *err)
{
    struct delivery delivery = {.epoch = epoch,
                                .previous_epoch = epoch - 1,
                                .segments = (const struct segment *const *)rows->segments,
                                .segments_len = rows->len,
                                .rows = rows->rows};
    return type->deliver(sink, &delivery, err) &&
           (type->commit == NULL || type->commit(&sink, 1, epoch, err));
}

static void clean(void)
{
    struct error err = {0};
    failpoint_disarm();
    memory_clear();
    CHECK(folder_remove_tree(at("out"), &err));
}

static void repeats_change_nothing(const struct sink_case *sink_case,
                                   const struct rows_of_epoch *epochs)
{
    clean();
    const struct sink_type *type = sink_type_find(str_of(sink_case->connector));
    struct sink *sink = open_case(sink_case, CHECKPOINT);
    struct error err = {0};
    uint64_t epoch = 77;
    AUTO(buf_clear) struct buf rows = {0};
    AUTO(buf_clear) struct buf expected = {0};
    CHECK(type->recover(sink, &epoch, &err));
    assert_int_equal(epoch, 0);
    struct rows_of_epoch nothing = {0};
    CHECK(deliver(type, sink, &nothing, 1, &err));
    sink_case->read_back(&rows);
    assert_int_equal(rows.len, 0);
    for (int i = 0; i < 2; i++) {
        CHECK(deliver(type, sink, &epochs[0], 1, &err));
        CHECK(deliver(type, sink, &epochs[1], 2, &err));
        CHECK(deliver(type, sink, &epochs[1], 2, &err));
        type->close(sink);
        sink = open_case(sink_case, CHECKPOINT);
        CHECK(type->recover(sink, &epoch, &err));
        assert_int_equal(epoch, 2);
        sink_case->read_back(&rows);
        expected_print(&expected, 1, 2, ROWS);
        assert_string_equal(buf_cstr(&rows), buf_cstr(&expected));
    }
    type->close(sink);
}

static void another_checkpoint_is_refused(const struct sink_case *sink_case)
{
    const struct sink_type *type = sink_type_find(str_of(sink_case->connector));
    struct sink *sink = open_case(sink_case, OTHER_CHECKPOINT);
    struct error err = {0};
    uint64_t epoch;
    assert_false(type->recover(sink, &epoch, &err));
    assert_int_equal(error_exit_code(&err), EXIT_REFUSED);
    type->close(sink);
}

// Crashes at step 1, 2, .. of a delivery; then the sink is opened again and the epoch repeated.
static void crash_at_each_step(const struct sink_case *sink_case,
                               const struct rows_of_epoch *epochs)
{
    const struct sink_type *type = sink_type_find(str_of(sink_case->connector));
    AUTO(buf_clear) struct buf rows = {0};
    AUTO(buf_clear) struct buf expected = {0};
    expected_print(&expected, 1, 2, ROWS);
    int64_t step = 0;
    for (bool is_over = false; !is_over;) {
        clean();
        struct error err = {0};
        uint64_t epoch;
        struct sink *sink = open_case(sink_case, CHECKPOINT);
        CHECK(type->recover(sink, &epoch, &err));
        failpoint_crash_at_step(++step);
        is_over =
            deliver(type, sink, &epochs[0], 1, &err) && deliver(type, sink, &epochs[1], 2, &err);
        failpoint_disarm();
        type->close(sink);
        sink = open_case(sink_case, CHECKPOINT);
        CHECK(type->recover(sink, &epoch, &err));
        assert_true(epoch <= 2);
        if (epoch < 2)
            CHECK(deliver(type, sink, &epochs[0], 1, &err));
        CHECK(deliver(type, sink, &epochs[1], 2, &err));
        type->close(sink);
        sink_case->read_back(&rows);
        assert_string_equal(buf_cstr(&rows), buf_cstr(&expected));
    }
    print_message("%s: %lld crash points\n", sink_case->name, (long long)step - 1);
    assert_true(step > 2);
}

static void every_sink_keeps_the_contract(void **state)
{
    (void)state;
    struct rows_of_epoch epochs[2];
    columns = NULL;
    epoch_make(&epochs[0], 1, ROWS);
    epoch_make(&epochs[1], 2, ROWS);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        repeats_change_nothing(&cases[i], epochs);
        another_checkpoint_is_refused(&cases[i]);
        crash_at_each_step(&cases[i], epochs);
    }
    clean();
    epoch_clear(&epochs[0]);
    epoch_clear(&epochs[1]);
}

static void every_exact_sink_is_in_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sink_types_len; i++) {
        bool is_there = sink_types[i]->promise != PROMISE_EXACTLY_ONCE ||
                        is_tested_with_server(sink_types[i]->name);
        for (size_t k = 0; k < COUNT_OF(cases); k++)
            is_there = is_there || strcmp(cases[k].connector, sink_types[i]->name) == 0;
        if (!is_there)
            print_error("sink '%s' has no case in the contract suite\n", sink_types[i]->name);
        assert_true(is_there);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_sink_keeps_the_contract, case_begin, case_end),
        cmocka_unit_test(every_exact_sink_is_in_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
