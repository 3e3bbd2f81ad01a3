// SPDX-License-Identifier: MIT
// What every source must do (src/connectors/source.h), as one suite over all of them. A new source
// adds a case: how its input is made, and how it is opened.
#include "connector_case.h"
#include "connectors/table/memory.h"
// clang-format off
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
// clang-format on

struct source_case {
    const char *name, *connector, *options, *format;
    void (*prepare)(void);
    int64_t rows;
    bool is_remote; // partitions are found while reading, and there may be nothing for a moment
};

static void generator_prepare(void)
{
}

static void json_prepare(void)
{
    AUTO(buf_clear) struct buf text = {0};
    for (int file = 0; file < 3; file++) {
        buf_reset(&text);
        for (int i = 0; i < 100 * file + 1; i++)
            buf_print(&text, "{\"file\": %d, \"row\": %d}%s", file, i, i % 7 == 0 ? "\r\n" : "\n");
        char name[40];
        snprintf(name, sizeof(name), "in/day=%d/part.json", file);
        write_text(name, buf_str(&text));
    }
    write_text("in/z-unfinished.json", STR("{\"last\": 1}\n\n\n{\"no newline\": 1}"));
    write_text("in/empty.json", STR(""));
    write_text("in/.hidden.json", STR("{\"hidden\": 1}\n"));
    write_text("in/_SUCCESS", STR(""));
}

static void csv_prepare(void)
{
    AUTO(buf_clear) struct buf text = {0};
    buf_add_cstr(&text, "id,text\n");
    for (int i = 0; i < 60; i++)
        buf_print(&text, i % 3 == 0 ? "%d,\"two\nlines, \"\"quoted\"\"\"\n" : "%d,plain\n", i);
    write_text("in/a.csv", buf_str(&text));
    write_text("in/b.csv", buf_str(&text));
}

static void raw_prepare(void)
{
    write_text("in/a.log", STR("one\n\nthree\nfour"));
    write_text("in/b.log", STR("\n"));
}

static void parquet_prepare(void)
{
    struct error err = {0};
    CHECK(folder_create(at("in"), &err));
    static const struct {
        const char *name;
        int rows;
    } files[] = {{"a", 9000}, {"b", 5}};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct str sql = arena_print(
            &case_arena,
            "COPY (SELECT i AS id, {'name': 'row ' || i} AS nested, i * 1.5 AS real FROM range(%d) "
            "t(i)) TO '%s/in/%s.parquet' (FORMAT parquet, ROW_GROUP_SIZE 2048)",
            files[i].rows, root, files[i].name);
        CHECK(connection_execute(connection, sql.ptr, &err));
    }
}

static void memory_prepare(void)
{
    memory_clear();
    for (uint32_t i = 0; i < 90; i++) {
        struct str payload = arena_print(&case_arena, "payload %u", i);
        memory_source_add(STR("box"), i % 3, &payload, 1);
    }
}

// A cluster inside librdkafka.
static rd_kafka_t *mock_handle;
static rd_kafka_mock_cluster_t *mock_cluster;
static char kafka_options[256];

static void kafka_clear(void)
{
    if (mock_cluster != NULL)
        rd_kafka_mock_cluster_destroy(mock_cluster);
    if (mock_handle != NULL)
        rd_kafka_destroy(mock_handle);
    mock_cluster = NULL;
    mock_handle = NULL;
}

static void kafka_prepare(void)
{
    char text[256];
    kafka_clear();
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", text, sizeof(text));
    mock_handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    mock_cluster = rd_kafka_mock_cluster_new(mock_handle, 1);
    assert_int_equal(rd_kafka_mock_topic_create(mock_cluster, "events", 3, 1), 0);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(mock_cluster);
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text));
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    for (int i = 0; i < 300; i++) {
        int len = snprintf(text, sizeof(text), "{\"id\": %d}", i);
        assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("events"),
                                           RD_KAFKA_V_PARTITION(i % 3),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                           RD_KAFKA_V_VALUE(text, (size_t)len), RD_KAFKA_V_END),
                         0);
    }
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
    rd_kafka_destroy(producer);
    snprintf(kafka_options, sizeof(kafka_options),
             "bootstrap_servers=%s;topic=events;starting_offsets=earliest", brokers);
}

static const struct source_case cases[] = {
    {"generator", "generator", "rows=1500;duplicates=0.05;invalid=20;late=7;malformed=30", "json",
     generator_prepare, 1500, false},
    {"files json", "files", "path={root}/in", "json", json_prepare, 1 + 101 + 201 + 2, false},
    {"files csv", "files", "path={root}/in/*.csv", "csv", csv_prepare, 120, false},
    {"files raw", "files", "path={root}/in/**", "raw", raw_prepare, 5, false},
    {"files parquet", "files", "path={root}/in", "parquet", parquet_prepare, 9005, false},
    {"memory", "memory", "instance=box", "raw", memory_prepare, 90, false},
    {"kafka", "kafka", kafka_options, "json", kafka_prepare, 300, true},
};

// Where a reader stands, as the engine would keep it in its journal.
struct standing {
    struct partition partitions[16];
    size_t len;
};

static struct source_context context_of(const struct source_case *source_case)
{
    static struct column columns[2];
    static struct format_column fields[2];
    static const struct str id_path[] = {{"id", 2}}, name_path[] = {{"nested", 6}, {"name", 4}};
    columns[0] = (struct column){STR("id"), type_of("BIGINT")};
    columns[1] = (struct column){STR("name"), type_of("VARCHAR")};
    fields[0] = (struct format_column){
        .name = STR("id"), .type = columns[0].type, .path = id_path, .path_len = 1, .target = 0};
    fields[1] = (struct format_column){.name = STR("name"),
                                       .type = columns[1].type,
                                       .path = name_path,
                                       .path_len = 2,
                                       .target = 1};
    return (struct source_context){.name = STR("events"),
                                   .pipeline = STR("contract"),
                                   .commit_interval_us = US_PER_SECOND,
                                   .execution = EXECUTION_ONCE,
                                   .clock = &clock_system,
                                   .format = str_of(source_case->format),
                                   .columns = columns,
                                   .fields = fields,
                                   .columns_len = 2,
                                   .database = database};
}

static void chunks_print(const struct batch *batch, struct buf *out)
{
    for (size_t i = 0; i < batch->chunks_len; i++) {
        const struct chunk *chunk = batch->chunks[i];
        for (size_t row = 0; row < chunk->rows; row++) {
            text_encode_value(out, &chunk->columns[0], row, "NULL");
            buf_add_char(out, ' ');
            text_encode_value(out, &chunk->columns[1], row, "NULL");
            buf_add_char(out, '\n');
        }
    }
}

static size_t batch_rows(const struct batch *batch)
{
    size_t rows = batch->rows;
    for (size_t i = 0; i < batch->chunks_len; i++)
        rows += batch->chunks[i]->rows;
    return rows;
}

// Rows as text, one a line, with the partition's name and the offset; touches the padding.
static void batch_print(const struct batch *batch, const struct partition *partitions,
                        struct buf *out)
{
    for (size_t i = 0; i < batch->rows; i++) {
        const struct payload *payload = &batch->payloads[i];
        unsigned sum = 0;
        for (size_t k = 0; k < 64; k++)
            sum += (unsigned char)payload->ptr[payload->len + k];
        buf_print(out, "%.*s:%lld:%.*s%s\n", STR_ARGS(partitions[payload->partition].name),
                  (long long)batch->offsets[i], (int)payload->len, payload->ptr,
                  sum == UINT32_MAX ? "?" : "");
    }
    chunks_print(batch, out);
}

static void standing_update(struct standing *standing, const struct partition *partitions,
                            size_t len, const struct batch *batch)
{
    assert_true(len <= COUNT_OF(standing->partitions));
    for (size_t i = standing->len; i < len; i++) {
        standing->partitions[i] = partitions[i];
        standing->partitions[i].name = arena_str(&case_arena, partitions[i].name);
        standing->partitions[i].mark = arena_str(&case_arena, partitions[i].mark);
    }
    standing->len = len > standing->len ? len : standing->len;
    for (size_t i = 0; i < batch->positions_len; i++) {
        const struct batch_position *position = &batch->positions[i];
        assert_true(position->partition < len);
        struct partition *partition = &standing->partitions[position->partition];
        assert_true(position->offset >= partition->offset);
        assert_true(position->line >= partition->line);
        partition->offset = position->offset;
        partition->line = position->line;
        partition->is_done = position->is_done;
        partition->is_end = position->is_end;
    }
    for (size_t i = 0; i < batch->rows; i++) {
        bool has_position = false;
        for (size_t k = 0; k < batch->positions_len && !has_position; k++)
            has_position = batch->positions[k].partition == batch->payloads[i].partition;
        assert_true(has_position);
    }
}

// Reads until READ_END, or until `batches` batches (-1: no limit). Returns the rows read.
static int64_t read_rows(const struct source_case *source_case, struct source *source,
                         size_t rows_max, size_t bytes_max, int64_t batches,
                         struct standing *standing, struct buf *out, bool *is_end)
{
    const struct source_type *type = source_type_find(str_of(source_case->connector));
    int64_t until_us = clock_monotonic_us() + 20 * US_PER_SECOND;
    struct error err = {0};
    struct batch *batch = batch_new();
    int64_t rows = 0;
    *is_end = false;
    while (!*is_end && batches-- != 0) {
        enum read_state state;
        CHECK(type->read(source, batch, rows_max, bytes_max, &state, &err));
        if (source_case->is_remote && state == READ_IDLE) {
            assert_true(clock_monotonic_us() < until_us);
            batches += batches >= 0;
            continue;
        }
        assert_int_not_equal(state, READ_IDLE);
        assert_true(batch->chunks_len > 0 || batch_rows(batch) <= rows_max);
        const struct partition *partitions;
        size_t len;
        CHECK(type->list(source, &partitions, &len, &err));
        standing_update(standing, partitions, len, batch);
        batch_print(batch, partitions, out);
        if (batch->wants_commit)
            CHECK(type->acknowledge(source, standing->partitions, standing->len, &err));
        rows += (int64_t)batch_rows(batch);
        *is_end = state == READ_END;
        if (*is_end)
            assert_int_equal(batch_rows(batch), 0);
    }
    batch_free(batch);
    return rows;
}

static const struct source_type *begin(const struct source_case *source_case,
                                       struct source_context *context, struct source **source)
{
    struct error err = {0};
    *context = context_of(source_case);
    *source = source_open(source_case->connector, source_case->options, context, &err);
    CHECK(*source != NULL);
    return source_type_find(str_of(source_case->connector));
}

static void whole_is_read_in_one_go(const struct source_case *source_case, struct buf *whole)
{
    struct source_context context;
    struct source *source;
    const struct source_type *type = begin(source_case, &context, &source);
    const struct partition *partitions;
    struct error err = {0};
    size_t len;
    CHECK(type->list(source, &partitions, &len, &err));
    assert_true(len > 0 || source_case->is_remote);
    for (size_t i = 0; i < len; i++) {
        assert_true(partitions[i].name.len > 0);
        assert_int_equal(partitions[i].offset, 0);
    }
    struct standing standing = {0};
    bool is_end;
    int64_t rows =
        read_rows(source_case, source, 100000, (size_t)64 << 20, -1, &standing, whole, &is_end);
    assert_int_equal(rows, source_case->rows);
    for (size_t i = 0; i < standing.len; i++)
        assert_true(standing.partitions[i].is_end);
    // The end stays the end.
    AUTO(buf_clear) struct buf more = {0};
    assert_int_equal(read_rows(source_case, source, 10, 1000, 1, &standing, &more, &is_end), 0);
    assert_true(is_end);
    CHECK(type->acknowledge(source, standing.partitions, standing.len, &err));
    type->close(source);
}

// Sorted lines: partitions may be read in another interleaving when batches are small.
static int line_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static void assert_same_rows(const struct buf *a, const struct buf *b)
{
    const struct buf *bufs[2] = {a, b};
    AUTO(buf_clear) struct buf first = {0};
    AUTO(buf_clear) struct buf second = {0};
    struct buf *targets[2] = {&first, &second};
    for (int i = 0; i < 2; i++) {
        size_t len = 0;
        struct str *lines = heap_array(bufs[i]->len + 1, sizeof(*lines));
        struct str rest = buf_str(bufs[i]);
        while (rest.len > 0) {
            size_t end = (size_t)str_find(rest, '\n') + 1;
            lines[len++] = str_slice(rest, 0, end);
            rest = str_slice(rest, end, rest.len);
        }
        qsort(lines, len, sizeof(*lines), line_compare);
        for (size_t k = 0; k < len; k++)
            buf_add_str(targets[i], lines[k]);
        heap_free(lines);
    }
    assert_string_equal(buf_cstr(targets[0]), buf_cstr(targets[1]));
}

// Stops after every number of batches, starts again with the positions, and reads the rest.
static void restarts_lose_and_repeat_nothing(const struct source_case *source_case,
                                             const struct buf *whole)
{
    size_t rows_max = (size_t)source_case->rows / 6 + 1;
    for (int64_t batches = 0, is_over = 0; !is_over; batches++) {
        struct source_context context;
        struct source *source;
        const struct source_type *type = begin(source_case, &context, &source);
        AUTO(buf_clear) struct buf rows = {0};
        struct standing standing = {0};
        struct error err = {0};
        const struct partition *partitions;
        size_t len;
        bool is_end = false;
        CHECK(type->list(source, &partitions, &len, &err));
        struct batch empty = {0};
        standing_update(&standing, partitions, len, &empty);
        read_rows(source_case, source, rows_max, 3000, batches, &standing, &rows, &is_end);
        is_over = is_end;
        type->close(source);

        type = begin(source_case, &context, &source);
        CHECK(type->list(source, &partitions, &len, &err));
        CHECK(type->seek(source, standing.partitions, standing.len, &err));
        read_rows(source_case, source, rows_max, 3000, -1, &standing, &rows, &is_end);
        assert_same_rows(&rows, whole);
        type->close(source);
    }
}

static void every_source_keeps_the_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        print_message("%s\n", cases[i].name);
        struct error err = {0};
        CHECK(folder_remove_tree(at("in"), &err));
        cases[i].prepare();
        AUTO(buf_clear) struct buf whole = {0};
        whole_is_read_in_one_go(&cases[i], &whole);
        restarts_lose_and_repeat_nothing(&cases[i], &whole);
    }
    memory_clear();
    kafka_clear();
}

static void every_source_is_in_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < source_types_len; i++) {
        bool is_there = is_tested_with_server(source_types[i]->name);
        for (size_t k = 0; k < COUNT_OF(cases); k++)
            is_there = is_there || strcmp(cases[k].connector, source_types[i]->name) == 0;
        if (!is_there)
            print_error("source '%s' has no case in the contract suite\n", source_types[i]->name);
        assert_true(is_there);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_source_keeps_the_contract, case_begin, case_end),
        cmocka_unit_test(every_source_is_in_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
