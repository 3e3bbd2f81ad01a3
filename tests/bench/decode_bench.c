// SPDX-License-Identifier: MIT
// How many device events a second one core decodes, by columns wanted: decode_bench [seconds].
// Payloads stand one behind the other in an arena as the sources put them there, more of them than
// the caches hold. Chunks and decoder are reused, as in a lane. The rate is by CPU time of the
// thread.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "base/hash.h"
#include "duck/database.h"
#include "formats/format.h"

#define EVENTS 100000
#define COLUMNS_MAX 12

struct wish {
    const char *name;
    const char *sql;
    const char *path; // keys joined by '.'
};

struct shape {
    const char *title;
    struct wish wishes[COLUMNS_MAX];
    const char *style; // "spaced" as Python writes, "compact", both "mixed", "long" doubles
};

#define WISH_TOP                                                                                   \
    {"event_id", "BIGINT", "event_id"}, {"device_id", "VARCHAR", "device_id"},                     \
        {"device_type", "VARCHAR", "device_type"}, {"event_time", "TIMESTAMP", "event_time"},      \
    {                                                                                              \
        "event_duration", "DOUBLE", "event_duration"                                               \
    }
#define WISH_ALL                                                                                   \
    WISH_TOP, {"latitude", "DOUBLE", "location.latitude"},                                         \
        {"longitude", "DOUBLE", "location.longitude"}, {"city", "VARCHAR", "location.city"},       \
        {"country", "VARCHAR", "location.country"},                                                \
        {"firmware", "VARCHAR", "metadata.firmware_version"},                                      \
        {"battery", "INTEGER", "metadata.battery_level"},                                          \
    {                                                                                              \
        "signal", "INTEGER", "metadata.signal_strength"                                            \
    }

static const struct shape shapes[] = {
    {"12 leaves", {WISH_ALL}, "spaced"},
    {"12 leaves", {WISH_ALL}, "compact"},
    {"12 leaves, 17-digit doubles", {WISH_ALL}, "long"},
    {"12 leaves, two layouts at random", {WISH_ALL}, "mixed"},
    {"9 leaves (no city, country, firmware)",
     {WISH_TOP,
      {"latitude", "DOUBLE", "location.latitude"},
      {"longitude", "DOUBLE", "location.longitude"},
      {"battery", "INTEGER", "metadata.battery_level"},
      {"signal", "INTEGER", "metadata.signal_strength"}},
     "spaced"},
    {"4 leaves",
     {{"device_id", "VARCHAR", "device_id"},
      {"device_type", "VARCHAR", "device_type"},
      {"event_time", "TIMESTAMP", "event_time"},
      {"event_duration", "DOUBLE", "event_duration"}},
     "spaced"},
    {"two STRUCT columns",
     {WISH_TOP,
      {"location", "STRUCT(latitude DOUBLE, longitude DOUBLE, city VARCHAR, country VARCHAR)",
       "location"},
      {"metadata",
       "STRUCT(firmware_version VARCHAR, battery_level INTEGER, signal_strength INTEGER)",
       "metadata"}},
     "spaced"},
    {"no column: only checked", {{NULL, NULL, NULL}}, "spaced"},
};

static void event_print(struct buf *out, uint64_t *random, const char *style)
{
    static const char *const types[] = {"sensor_A", "sensor_B", "camera", "thermo"};
    static const char *const cities[] = {"New York", "London", "Tokyo", "San Francisco", "Berlin"};
    static const char *const countries[] = {"USA", "UK", "Japan", "USA", "Germany"};
    const char *real = style[0] == 'l' ? "%.17g" : "%.6f";
    uint64_t r = random_next(random), place = r >> 20 & 3;
    bool compact = style[0] == 'c' || (style[0] == 'm' && r >> 63 != 0);
    const char *c = compact ? "," : ", ", *k = compact ? ":" : ": ";
    char latitude[32], longitude[32];
    double unit = (double)(random_next(random) >> 11) / 9007199254740992.0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(latitude, sizeof(latitude), real, unit * 180 - 90);
    snprintf(longitude, sizeof(longitude), real, unit * 360 - 180);
#pragma GCC diagnostic pop
    buf_print(out, "{\"event_id\"%s%d%s\"device_id\"%s\"dev_%d\"%s\"device_type\"%s\"%s\"", k,
              100000 + (int)(r % 900000), c, k, (int)(r >> 32) % 100000 & 0xFFFF, c, k,
              types[r >> 8 & 3]);
    buf_print(out, "%s\"event_time\"%s\"2024-01-15T10:%02d:%02d.%06dZ\"%s\"event_duration\"%s%.3f",
              c, k, (int)(r >> 10 & 31), (int)(r >> 15 & 31), (int)(r >> 30) & 0x7FFFF, c, k,
              0.1 + (double)(r >> 40 & 4095) / 1000);
    buf_print(out, "%s\"location\"%s{\"latitude\"%s%s%s\"longitude\"%s%s%s\"city\"%s\"%s\"", c, k,
              k, latitude, c, k, longitude, c, k, cities[place]);
    buf_print(out, "%s\"country\"%s\"%s\"}%s\"metadata\"%s{\"firmware_version\"%s\"%d.%d.%d\"", c,
              k, countries[place], c, k, k, (int)(r >> 50 & 3), (int)(r >> 52 & 15),
              (int)(r >> 56 & 15));
    buf_print(out, "%s\"battery_level\"%s%d%s\"signal_strength\"%s%d}}", c, k, (int)(r % 101), c, k,
              -(int)(r % 121));
}

static size_t columns_make(const struct shape *shape, struct connection *connection,
                           struct arena *arena, struct format_column *columns,
                           const struct type **types)
{
    size_t len = 0;
    for (; len < COLUMNS_MAX && shape->wishes[len].name != NULL; len++) {
        const struct wish *wish = &shape->wishes[len];
        struct error err = {0};
        struct str *path = ARENA_ARRAY(arena, struct str, 2);
        struct str keys = str_of(wish->path);
        int64_t dot = str_find(keys, '.');
        path[0] = dot < 0 ? keys : str_slice(keys, 0, (size_t)dot);
        path[1] = dot < 0 ? keys : str_slice(keys, (size_t)dot + 1, keys.len);
        types[len] = connection_type(connection, str_of(wish->sql), arena, &err);
        ASSERT(types[len] != NULL);
        columns[len] = (struct format_column){.name = str_of(wish->name),
                                              .type = types[len],
                                              .path = path,
                                              .path_len = dot < 0 ? 1 : 2,
                                              .target = (int)len};
    }
    return len;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void shape_measure(const struct shape *shape, struct connection *connection, double seconds)
{
    static struct payload payloads[EVENTS];
    static uint8_t verdicts[ROWS_PER_VECTOR];
    struct format_column columns[COLUMNS_MAX];
    const struct type *types[COLUMNS_MAX];
    struct arena arena = {0}, values = {0};
    struct buf text = {0};
    struct error err = {0};
    uint64_t random = 42;
    size_t columns_len = columns_make(shape, connection, &arena, columns, types);
    for (size_t i = 0; i < EVENTS; i++) {
        size_t start = text.len;
        event_print(&text, &random, shape->style);
        payloads[i].len = (uint32_t)(text.len - start);
    }
    size_t bytes = text.len, at = 0;
    for (int i = 0; i < 64; i++)
        buf_add_char(&text, ' ');
    for (size_t i = 0; i < EVENTS; at += payloads[i++].len)
        payloads[i].ptr = text.ptr + at;
    struct decoder *decoder =
        format_json.open(columns, columns_len, false, (struct str){NULL, 0}, &err);
    ASSERT(decoder != NULL);
    struct chunk *chunk = chunk_new(types, columns_len);
    double spent = 0, best = 1e9;
    for (int64_t rows = 0; spent < seconds;) {
        double start = cpu_seconds();
        for (size_t i = 0; i < EVENTS; i += ROWS_PER_VECTOR) {
            size_t count = EVENTS - i < ROWS_PER_VECTOR ? EVENTS - i : ROWS_PER_VECTOR;
            const struct decode_problem *problems;
            size_t problems_len;
            chunk_reset(chunk);
            format_json.decode(decoder, payloads + i, count, chunk, verdicts, &values, &problems,
                               &problems_len);
            ASSERT(problems_len == 0);
            rows += (int64_t)count;
        }
        double took = cpu_seconds() - start;
        spent += took;
        best = took < best ? took : best;
        if (spent >= seconds)
            printf("%-40s %-8s %4zu B  %6.2f M rows/s (best %5.2f, %3.0f ns a row)\n", shape->title,
                   shape->style, bytes / EVENTS, (double)rows / spent / 1e6, EVENTS / best / 1e6,
                   best * 1e9 / EVENTS);
    }
    chunk_free(chunk);
    format_json.close(decoder);
    arena_clear(&arena);
    arena_clear(&values);
    buf_clear(&text);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    struct error err = {0};
    struct database *database = database_open((struct database_options){.threads = 1}, &err);
    struct connection *connection = connection_open(database, &err);
    ASSERT(connection != NULL);
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        shape_measure(&shapes[i], connection, seconds);
    connection_close(connection);
    database_close(database);
    return 0;
}
