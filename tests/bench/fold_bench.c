// SPDX-License-Identifier: MIT
// What judge, dedup and fold cost a row, on one core, over rows shaped like the devices system:
//   fold_bench [judge|hash|dedup|fold|merge|codec|duckdb ..]   (all without arguments)
// Prints CPU nanoseconds a row; the figures of docs/decisions/001-fold-in-c.md come from here.
#include "base/clock.h"
#include "duck/scan.h"
#include "engine/dedup.h"
#include "engine/fold.h"
#include "engine/judge.h"
#include <stdio.h>
#include <time.h>

enum { CHUNKS = 64, PANE_SECONDS = 60 };
enum {
    EVENT_ID,
    DEVICE,
    TYPE,
    TIME,
    DURATION,
    BATTERY,
    SIGNAL,
    LATITUDE,
    LONGITUDE,
    CITY,
    COUNTRY,
    FIRMWARE,
    COLUMNS
};
static const enum type_kind column_kinds[COLUMNS] = {
    TYPE_BIGINT,  TYPE_VARCHAR, TYPE_VARCHAR, TYPE_TIMESTAMP, TYPE_DOUBLE,  TYPE_INTEGER,
    TYPE_INTEGER, TYPE_DOUBLE,  TYPE_DOUBLE,  TYPE_VARCHAR,   TYPE_VARCHAR, TYPE_VARCHAR};

static double cpu_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool wants(int argc, char **argv, const char *what)
{
    for (int i = 1; i < argc; i++)
        if (str_is(str_of(argv[i]), what))
            return true;
    return argc == 1;
}

static void put_text(struct vector *vector, size_t row, struct arena *arena, const char *prefix,
                     uint64_t number)
{
    struct str text = arena_print(arena, "%s%lu", prefix, (unsigned long)number);
    ((struct string_cell *)vector->data)[row] = string_cell_of(text.ptr, text.len);
}

// Event times move on by 1 ms a row, two minutes in all, up to 2 s out of order.
static struct chunk *chunk_make(uint64_t *random, uint64_t devices, uint64_t first_row,
                                struct arena *arena)
{
    const struct type *types[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        types[i] = type_simple(column_kinds[i]);
    struct chunk *chunk = chunk_new(types, COLUMNS);
    chunk->rows = ROWS_PER_VECTOR;
    for (size_t row = 0; row < chunk->rows; row++) {
        struct vector *columns = chunk->columns;
        uint64_t device = random_next(random) % devices;
        bool bad = random_next(random) % 33 == 0;
        ((int64_t *)columns[EVENT_ID].data)[row] = (int64_t)(random_next(random) >> 20);
        put_text(&columns[DEVICE], row, arena, "dev_", device);
        put_text(&columns[TYPE], row, arena, "sensor_", device % 4);
        ((int64_t *)columns[TIME].data)[row] = INT64_C(1700000000000000) +
                                               (int64_t)(first_row + row) * 1000 -
                                               (int64_t)(random_next(random) % 2000000);
        ((double *)columns[DURATION].data)[row] =
            bad ? -1 : 0.1 + (double)(random_next(random) % 4900) / 1000;
        ((int32_t *)columns[BATTERY].data)[row] = (int32_t)(random_next(random) % 101);
        ((int32_t *)columns[SIGNAL].data)[row] = -(int32_t)(random_next(random) % 121);
        ((double *)columns[LATITUDE].data)[row] = (double)(random_next(random) % 180) - 90;
        ((double *)columns[LONGITUDE].data)[row] = (double)(random_next(random) % 360) - 180;
        put_text(&columns[CITY], row, arena, "City ", random_next(random) % 50);
        put_text(&columns[COUNTRY], row, arena, "Country ", random_next(random) % 20);
        put_text(&columns[FIRMWARE], row, arena, "v1.", random_next(random) % 9);
    }
    return chunk;
}

// ---- Judge

static struct predicate *not_null(struct arena *arena, int column)
{
    struct predicate *predicate = ARENA_NEW(arena, struct predicate);
    *predicate =
        (struct predicate){.op = PREDICATE_IS_NOT_NULL, .path.column = column, .other.column = -1};
    return predicate;
}

static struct predicate *bound(struct arena *arena, int column, enum predicate_op op, double value)
{
    struct predicate *predicate = not_null(arena, column);
    predicate->op = op;
    predicate->constants = ARENA_NEW(arena, struct constant);
    predicate->constants_len = 1;
    bool is_whole = column_kinds[column] == TYPE_INTEGER;
    predicate->constants[0] = (struct constant){
        .kind = is_whole ? TYPE_BIGINT : TYPE_DOUBLE, .whole = (int64_t)value, .real = value};
    return predicate;
}

static struct predicate *between(struct arena *arena, int column, enum predicate_op above,
                                 double least, enum predicate_op below, double most)
{
    struct predicate *both = not_null(arena, -1);
    both->op = PREDICATE_AND;
    both->children = ARENA_ARRAY(arena, struct predicate *, 3);
    both->children_len = 3;
    both->children[0] = not_null(arena, column);
    both->children[1] = bound(arena, column, above, least);
    both->children[2] = bound(arena, column, below, most);
    return both;
}

static void bench_judge(struct chunk **chunks, struct arena *arena)
{
    struct predicate *constraints[] = {
        not_null(arena, EVENT_ID),
        not_null(arena, DEVICE),
        not_null(arena, TYPE),
        not_null(arena, TIME),
        between(arena, DURATION, PREDICATE_GT, 0, PREDICATE_LT, 100),
        between(arena, BATTERY, PREDICATE_GE, 0, PREDICATE_LE, 100),
        between(arena, SIGNAL, PREDICATE_GE, -120, PREDICATE_LE, 0),
        between(arena, LATITUDE, PREDICATE_GE, -90, PREDICATE_LE, 90),
        between(arena, LONGITUDE, PREDICATE_GE, -180, PREDICATE_LE, 180),
        not_null(arena, FIRMWARE),
    };
    struct arena scratch = {0};
    uint64_t fails[ROWS_PER_VECTOR];
    size_t hits = 0, rounds = 40;
    double from = cpu_now_ns();
    for (size_t round = 0; round < rounds; round++)
        for (size_t c = 0; c < CHUNKS; c++) {
            struct rows_part part = {.chunk = chunks[c], .count = chunks[c]->rows};
            memset(fails, 0, sizeof(fails));
            for (size_t i = 0; i < COUNT_OF(constraints); i++)
                hits += judge_violations(constraints[i], &part, UINT64_C(1) << i, fails, &scratch);
            arena_reset(&scratch);
        }
    double rows = (double)(rounds * CHUNKS * ROWS_PER_VECTOR);
    printf("judge   10 constraints              %7.1f ns/row  (%.1f %% fail)\n",
           (cpu_now_ns() - from) / rows, 100.0 * (double)hits / rows);
    arena_clear(&scratch);
}

// ---- Dedup

static void bench_hash(struct chunk **chunks)
{
    static struct hash128 hashes[ROWS_PER_VECTOR];
    size_t rounds = 20;
    double from = cpu_now_ns();
    for (size_t round = 0; round < rounds; round++)
        for (size_t c = 0; c < CHUNKS; c++) {
            struct rows_part part = {.chunk = chunks[c], .count = chunks[c]->rows};
            dedup_hash(&part, (int[]){EVENT_ID, DEVICE}, 2, hashes);
        }
    printf("hash    (event_id, device_id)       %7.1f ns/row\n",
           (cpu_now_ns() - from) / (double)(rounds * CHUNKS * ROWS_PER_VECTOR));
}

enum { SETTLE = 16384 };

// Settles `rows` rows of which one in ten repeats a key, after `warm` keys are in. Event time moves
// so that `within` spans `alive` keys (0: all).
static void bench_dedup(const char *name, uint64_t warm, uint64_t rows, int64_t alive)
{
    static struct hash128 hashes[SETTLE];
    static int64_t times[SETTLE];
    static uint8_t duplicate[SETTLE];
    int64_t within = alive == 0 ? INT64_C(1) << 50 : alive * 10;
    struct dedup *dedup = dedup_new(within / 8, within);
    AUTO(buf_clear) struct buf added = {0};
    uint64_t random = 1, key = 0;
    double from = 0;
    for (uint64_t done = 0; done < warm + rows; done += SETTLE) {
        for (size_t i = 0; i < SETTLE; i++) {
            uint64_t number = random_next(&random) % 10 == 0 && key > 1000 ? key - 1000 : key++;
            hashes[i] = hash_bytes(&number, sizeof(number));
            times[i] = (int64_t)(done + i) * 10;
        }
        memset(duplicate, 0, sizeof(duplicate));
        double start = cpu_now_ns();
        dedup_advance(dedup, times[0]);
        dedup_settle(dedup, hashes, times, NULL, SETTLE, 0, 1, duplicate);
        if (done >= warm)
            from += cpu_now_ns() - start;
        buf_reset(&added);
        dedup_take_added(dedup, &added);
    }
    printf("dedup   %-28s%7.1f ns/row  %.1f M/s, %ld keys, %.1f bytes a key\n", name,
           from / (double)rows, 1e3 * (double)rows / from, (long)dedup_keys(dedup),
           (double)dedup_bytes(dedup) / (double)dedup_keys(dedup));
    dedup_free(dedup);
}

// ---- Fold

static struct column group_inputs[] = {
    {STR("t"), NULL},  {STR("device_id"), NULL}, {STR("device_type"), NULL}, {STR("d"), NULL},
    {STR("b"), NULL},  {STR("s"), NULL},         {STR("city"), NULL},        {STR("country"), NULL},
    {STR("fw"), NULL}, {STR("ts"), NULL}};
static const int input_columns[] = {TIME,   DEVICE, TYPE,    DURATION, BATTERY,
                                    SIGNAL, CITY,   COUNTRY, FIRMWARE, TIME};

static struct aggregate aggregates[12];

static struct relation devices_relation(void)
{
    static const struct {
        enum aggregate_kind kind;
        int argument;
        enum type_kind type;
    } wanted[12] = {
        {AGGREGATE_COUNT_ROWS, -1, TYPE_BIGINT}, {AGGREGATE_AVG, 3, TYPE_DOUBLE},
        {AGGREGATE_MAX, 3, TYPE_DOUBLE},         {AGGREGATE_MIN, 3, TYPE_DOUBLE},
        {AGGREGATE_AVG, 4, TYPE_DOUBLE},         {AGGREGATE_MIN, 4, TYPE_INTEGER},
        {AGGREGATE_AVG, 5, TYPE_DOUBLE},         {AGGREGATE_MIN, 5, TYPE_INTEGER},
        {AGGREGATE_FIRST, 6, TYPE_VARCHAR},      {AGGREGATE_FIRST, 7, TYPE_VARCHAR},
        {AGGREGATE_FIRST, 8, TYPE_VARCHAR},      {AGGREGATE_MAX, 9, TYPE_TIMESTAMP},
    };
    for (size_t i = 0; i < 12; i++)
        aggregates[i] = (struct aggregate){.kind = wanted[i].kind,
                                           .argument = wanted[i].argument,
                                           .order_argument = -1,
                                           .filter = -1,
                                           .type = type_simple(wanted[i].type)};
    for (size_t i = 0; i < COUNT_OF(group_inputs); i++)
        group_inputs[i].type = type_simple(column_kinds[input_columns[i]]);
    return (struct relation){.kind = RELATION_GROUPS,
                             .name = STR("devices"),
                             .group_inputs = group_inputs,
                             .group_inputs_len = COUNT_OF(group_inputs),
                             .group_keys_len = 2,
                             .aggregates = aggregates,
                             .aggregates_len = 12,
                             .window_size_us = PANE_SECONDS * US_PER_SECOND,
                             .window_slide_us = PANE_SECONDS * US_PER_SECOND};
}

static void fold_chunks(struct fold *fold, struct chunk **chunks, size_t round)
{
    for (size_t c = 0; c < CHUNKS; c++) {
        struct rows_part part = {.chunk = chunks[c],
                                 .count = chunks[c]->rows,
                                 .first_sequence =
                                     (int64_t)((round * CHUNKS + c) * ROWS_PER_VECTOR)};
        const struct vector *columns[COUNT_OF(input_columns)];
        for (size_t i = 0; i < COUNT_OF(input_columns); i++)
            columns[i] = &chunks[c]->columns[input_columns[i]];
        fold_add(fold, &part, columns, NULL);
    }
}

static double bench_fold(struct relation *relation, struct chunk **chunks, uint64_t devices,
                         struct fold **out)
{
    struct fold *fold = fold_new(relation, PANE_SECONDS * US_PER_SECOND);
    size_t rounds = 16;
    fold_chunks(fold, chunks, 0);
    double from = cpu_now_ns();
    for (size_t round = 1; round <= rounds; round++)
        fold_chunks(fold, chunks, round);
    double per_row = (cpu_now_ns() - from) / (double)(rounds * CHUNKS * ROWS_PER_VECTOR);
    printf("fold    %8lu devices, warm      %7.1f ns/row  %zu panes, %ld groups, %.0f bytes a "
           "group\n",
           (unsigned long)devices, per_row, fold_panes_len(fold), (long)fold_groups(fold),
           (double)fold_bytes(fold) / (double)fold_groups(fold));
    from = cpu_now_ns();
    struct fold *cold = fold_new(relation, PANE_SECONDS * US_PER_SECOND);
    fold_chunks(cold, chunks, 0);
    printf("fold    %8lu devices, new panes %7.1f ns/row\n", (unsigned long)devices,
           (cpu_now_ns() - from) / (double)(CHUNKS * ROWS_PER_VECTOR));
    fold_free(cold);
    *out = fold;
    return per_row;
}

static void bench_close(struct relation *relation, struct fold *a, struct fold *b)
{
    struct pane *both[2] = {fold_pane(a, fold_panes_len(a) - 1),
                            fold_pane(b, fold_panes_len(b) - 1)};
    double from = cpu_now_ns();
    struct pane *merged = pane_merge(relation, both, 2);
    double groups = (double)(pane_groups(both[0]) + pane_groups(both[1]));
    printf("merge   two lanes                   %7.1f ns/group  %ld groups\n",
           (cpu_now_ns() - from) / groups, (long)pane_groups(merged));
    const struct type *types[16] = {type_simple(TYPE_TIMESTAMP), type_simple(TYPE_TIMESTAMP),
                                    type_simple(TYPE_VARCHAR), type_simple(TYPE_VARCHAR)};
    for (size_t i = 0; i < 12; i++)
        types[4 + i] = aggregates[i].type;
    struct chunk *chunk = chunk_new(types, 16);
    size_t cursor = 0;
    from = cpu_now_ns();
    while (pane_result(merged, relation, 0, 1, &cursor, chunk))
        ;
    printf("result  16 columns                  %7.1f ns/group\n",
           (cpu_now_ns() - from) / (double)pane_groups(merged));
    chunk_free(chunk);
    pane_free(merged);
}

static void bench_codec(struct relation *relation, struct fold *fold)
{
    AUTO(buf_clear) struct buf bytes = {0};
    struct error err = {0};
    double from = cpu_now_ns();
    fold_encode_changed(fold, &bytes);
    double groups = (double)fold_groups(fold);
    printf("encode  changed groups              %7.1f ns/group  %.0f bytes a group\n",
           (cpu_now_ns() - from) / groups, (double)bytes.len / groups);
    struct fold *copy = fold_new(relation, PANE_SECONDS * US_PER_SECOND);
    from = cpu_now_ns();
    if (!fold_load(copy, buf_str(&bytes), &err))
        printf("%s\n", err.text);
    printf("load    into an empty fold          %7.1f ns/group\n", (cpu_now_ns() - from) / groups);
    fold_free(copy);
}

// The other way: the same aggregates as one DuckDB statement a trigger of `per_statement` chunks,
// its partial rows fetched and dropped.
static void bench_duckdb(struct chunk **chunks, uint64_t devices, size_t per_statement)
{
    static const char sql[] =
        "SELECT epoch_us(t) // 60000000 AS w, device_id, device_type, count(*), sum(d), count(d), "
        "max(d), min(d), sum(b), count(b), min(b), sum(s), count(s), min(s), first(city), "
        "first(country), first(fw), max(ts) FROM bench_input() GROUP BY ALL";
    struct error err = {0};
    struct database *database = database_open((struct database_options){.threads = 1}, &err);
    struct connection *connection = connection_open(database, &err);
    struct column columns[COUNT_OF(input_columns)];
    for (size_t i = 0; i < COUNT_OF(input_columns); i++)
        columns[i] = group_inputs[i];
    struct scan *scan =
        scan_new(connection, "bench_input", columns, COUNT_OF(columns), false, &err);
    struct statement *statement = statement_prepare(connection, sql, &err);
    if (scan == NULL || statement == NULL) {
        printf("duckdb  %s\n", err.text);
        return;
    }
    struct chunk views[CHUNKS]; // group inputs are a choice of the decoded columns
    static struct vector vectors[CHUNKS][COUNT_OF(input_columns)];
    struct rows_part parts[CHUNKS];
    for (size_t c = 0; c < CHUNKS; c++) {
        for (size_t i = 0; i < COUNT_OF(input_columns); i++)
            vectors[c][i] = chunks[c]->columns[input_columns[i]];
        views[c] = (struct chunk){.rows = chunks[c]->rows,
                                  .columns_len = COUNT_OF(input_columns),
                                  .columns = vectors[c],
                                  .handle = chunks[c]->handle};
        parts[c] = (struct rows_part){.chunk = &views[c], .count = chunks[c]->rows};
    }
    double from = cpu_now_ns();
    size_t rounds = devices > 1000 ? 3 : 6;
    for (size_t done = 0; done < rounds * CHUNKS; done += per_statement) {
        struct rows rows = {.parts = parts + done % CHUNKS, .parts_len = per_statement};
        scan_set_rows(scan, &rows);
        if (!statement_execute(statement, &err))
            printf("duckdb  %s\n", err.text);
        while (statement_next(statement) != NULL)
            ;
        statement_finish(statement);
    }
    printf("duckdb  %8lu devices, %5zu rows a statement %7.1f ns/row\n", (unsigned long)devices,
           per_statement * ROWS_PER_VECTOR,
           (cpu_now_ns() - from) / (double)(rounds * CHUNKS * ROWS_PER_VECTOR));
    statement_free(statement);
    scan_free(scan);
    connection_close(connection);
    database_close(database);
}

static void bench_devices(int argc, char **argv, uint64_t devices)
{
    struct arena arena = {0};
    struct chunk *chunks[CHUNKS];
    uint64_t random = 42;
    for (size_t c = 0; c < CHUNKS; c++)
        chunks[c] = chunk_make(&random, devices, c * ROWS_PER_VECTOR, &arena);
    struct relation relation = devices_relation();
    if (devices == 50 && wants(argc, argv, "judge"))
        bench_judge(chunks, &arena);
    if (devices == 50 && wants(argc, argv, "hash"))
        bench_hash(chunks);
    if (wants(argc, argv, "fold")) {
        struct fold *a, *b;
        bench_fold(&relation, chunks, devices, &a);
        if (wants(argc, argv, "merge") && devices > 1000) {
            bench_fold(&relation, chunks, devices, &b);
            bench_close(&relation, a, b);
            fold_free(b);
        }
        if (wants(argc, argv, "codec"))
            bench_codec(&relation, a);
        fold_free(a);
    }
    if (wants(argc, argv, "duckdb"))
        for (size_t per_statement = 1; per_statement <= 16; per_statement *= 4)
            bench_duckdb(chunks, devices, per_statement);
    for (size_t c = 0; c < CHUNKS; c++)
        chunk_free(chunks[c]);
    arena_clear(&arena);
}

int main(int argc, char **argv)
{
    static const uint64_t devices[] = {50, 200, 100000};
    for (size_t i = 0; i < COUNT_OF(devices); i++)
        bench_devices(argc, argv, devices[i]);
    if (wants(argc, argv, "dedup")) {
        bench_dedup("100 k keys alive, expiring", 1 << 20, 1 << 22, 100000);
        bench_dedup("1 M keys alive, expiring", 1 << 22, 1 << 22, 1000000);
        bench_dedup("10 M keys alive, expiring", 12 << 20, 1 << 22, 10000000);
        bench_dedup("growing from 8 M", 8 << 20, 1 << 22, 0);
    }
    return 0;
}
