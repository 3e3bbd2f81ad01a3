// SPDX-License-Identifier: MIT
// Source 'generator': the smallest complete source, and the one to read first before writing
// another. It owns one partition whose offset is the row number. Everything about a row follows
// from the options and its number, so seek is an assignment. The partition's mark holds the start
// time and a fingerprint of the options: a checkpoint made with others belongs to another input and
// is refused.
#include "connectors/generator/generator.h"
#include "connectors/generator/clinical.h"
#include "connectors/generator/profile.h"

#include "base/hash.h"
#include <string.h>

#define ENDLESS_SPAN_ROWS 1000000 // an endless stream without rate covers `span` in so many rows
#define COPY_DISTANCE 50          // a duplicate follows its original within so many rows ..
#define COPY_DISTANCE_US (5 * 60 * US_PER_SECOND) // .. and so much event time

const struct profile *const profiles[] = {&devices_profile, &twitch_profile, &clinical_profile};
const char *const profile_names[] = {"devices", "twitch", "clinical", NULL};
static const char *const types_words[] = {"per_event", "per_device", NULL};

struct source {
    const struct generator_options *options; // &own
    struct generator_options own;            // with `hour` worked in
    const struct clock *clock;
    const struct profile *profile;
    struct spread spread;
    struct feed feed;
    struct arena arena;
    struct partition partition;
    int64_t copy_distance; // rows
    // Where reading stands, beside partition.offset. Both are caches.
    int64_t valid_until;            // rows offset .. valid_until-1 are valid
    int64_t valid_last;             // newest valid row before offset, -1: not known
    int64_t rate_from_us, rate_row; // pace: rate_row was due at rate_from_us
};

#define OPTION(name_, kind_, fallback_, member, help_)                                             \
    {                                                                                              \
        .name = name_, .kind = kind_, .fallback = fallback_, .help = help_,                        \
        .offset = offsetof(struct generator_options, member)                                       \
    }
static const struct option generator_options[] = {
    {.name = "profile",
     .kind = OPTION_WORD,
     .fallback = "devices",
     .help = "shape of the records",
     .offset = offsetof(struct generator_options, profile),
     .words = profile_names},
    OPTION("rows", OPTION_INT, "0", rows, "rows in all; 0: endless"),
    OPTION("seed", OPTION_INT, "1", seed, "the same seed and options give the same rows"),
    OPTION("rate", OPTION_INT, "0", rate, "rows per second; 0: as fast as they are taken"),
    OPTION("devices", OPTION_INT, "50", devices, "number of devices"),
    {.name = "types",
     .kind = OPTION_WORD,
     .fallback = "per_event",
     .help = "device_type drawn for each event, or fixed per device",
     .offset = offsetof(struct generator_options, types),
     .words = types_words},
    OPTION("start", OPTION_TEXT, "2024-01-15T10:00:00Z", start,
           "event time of the first row, or now"),
    OPTION("span", OPTION_DURATION, "1 hour", span_us,
           "event time from first to last row (endless: of a million rows, or by rate)"),
    OPTION("disorder", OPTION_DURATION, "2 seconds", disorder_us,
           "rows come out of order by up to this much event time"),
    OPTION("duplicates", OPTION_DOUBLE, "0", duplicates,
           "copies of earlier rows: a share below 1, or an exact count"),
    OPTION("invalid", OPTION_DOUBLE, "0", invalid,
           "rows that break a rule of the profile: share or count"),
    OPTION("late", OPTION_DOUBLE, "0", late,
           "rows 20 to 40 minutes behind, in the last four fifths: share or count"),
    OPTION("malformed", OPTION_DOUBLE, "0", malformed, "rows that do not decode: share or count"),
    OPTION("topic", OPTION_TEXT, "", topic,
           "profiles with several topics: only records of these, separated by commas"),
    OPTION("hour", OPTION_TEXT, "", hour,
           "all event times within this hour, 2025-10-05T14: in place of start and span"),
    OPTION("patients", OPTION_INT, "1000", patients, "clinical: number of patients"),
    OPTION("out_of_range", OPTION_BOOL, "false", out_of_range,
           "clinical: invalid rows have values out of range, too"),
    OPTION("channels", OPTION_TEXT, "demo_stream", channels, "twitch: names, separated by commas"),
    OPTION("streams", OPTION_INT, "0", streams, "twitch: so many channels instead, stream_1 .."),
    OPTION("users", OPTION_INT, "500", users, "twitch: users of a channel"),
    OPTION("emotes", OPTION_INT, "200", emotes, "twitch: different emotes"),
    OPTION("events", OPTION_TEXT, "chat, viewer, transactions, stream_meta", events,
           "twitch: kinds of events"),
    OPTION("bursts", OPTION_INT, "0", bursts,
           "twitch: bursts of chat within span, each in one channel"),
};

static void feed_init(struct source *source, int64_t start_us)
{
    const struct generator_options *options = source->options;
    struct feed *feed = &source->feed;
    *feed = (struct feed){.options = options, .start_us = start_us, .arena = &source->arena};
    feed->seed = random_at((uint64_t)options->seed, 0x6669726573746565);
    double step_us = (double)options->span_us / ENDLESS_SPAN_ROWS;
    if (options->rows > 0)
        step_us = (double)options->span_us / (double)options->rows;
    else if (options->rate > 0)
        step_us = (double)US_PER_SECOND / (double)options->rate;
    feed->step = (uint64_t)(step_us * 4294967296.0);
    double copies = step_us > 0 ? (double)COPY_DISTANCE_US / step_us : COPY_DISTANCE;
    source->copy_distance = copies >= COPY_DISTANCE ? COPY_DISTANCE
                            : copies < 1            ? 1
                                                    : (int64_t)copies;
    source->profile->init(feed);
}

static void mark_set(struct source *source)
{
    const struct generator_options *options = source->options;
    struct str text =
        arena_print(&source->arena, "%s %lld %lld %lld %lld %d %lld %lld %.17g %.17g %.17g %.17g",
                    source->profile->name, (long long)options->rows, (long long)options->seed,
                    options->rows > 0 ? 0LL : (long long)options->rate, (long long)options->devices,
                    options->types, (long long)options->span_us, (long long)options->disorder_us,
                    options->duplicates, options->invalid, options->late, options->malformed);
    if (source->profile == &clinical_profile)
        text = arena_print(&source->arena, "%.*s %lld %d", STR_ARGS(text),
                           (long long)options->patients, options->out_of_range);
    if (source->profile == &twitch_profile)
        text = arena_print(&source->arena, "%.*s %.*s %lld %lld %lld %.*s %lld %lld",
                           STR_ARGS(text), STR_ARGS(options->channels), (long long)options->streams,
                           (long long)options->users, (long long)options->emotes,
                           STR_ARGS(options->events), (long long)options->bursts,
                           options->rows > 0 ? 0LL : (long long)options->rate);
    source->partition.mark =
        arena_print(&source->arena, "%lld/%016llx", (long long)source->feed.start_us,
                    (unsigned long long)hash64_bytes(text.ptr, text.len));
}

static bool hour_apply(struct source *source, struct error *err)
{
    struct str hour = str_trim(source->options->hour);
    int64_t start_us;
    if (hour.len == 0)
        return true;
    source->own.start = arena_print(&source->arena, "%.*s:00:00Z", STR_ARGS(hour));
    source->own.span_us = 3600 * US_PER_SECOND;
    if (hour.len != 13 || !time_parse(source->own.start, &start_us))
        return error_set(err, ERROR_USER, "generator: hour = '%.*s': write it as 2025-10-05T14",
                         STR_ARGS(hour));
    return true;
}

static bool start_parse(struct source *source, int64_t *start_us, struct error *err)
{
    struct str start = str_trim(source->options->start);
    if (str_equal_nocase(start, STR("now"))) {
        *start_us = clock_now_us(source->clock);
        return true;
    }
    if (!time_parse(start, start_us))
        return error_set(err, ERROR_USER,
                         "generator: start = '%.*s' is not a time such as 2024-01-15T10:00:00Z, "
                         "nor the word now",
                         STR_ARGS(start));
    return true;
}

static bool options_check(const struct generator_options *options, enum execution execution,
                          struct error *err)
{
    if (options->rows < 0 || options->rate < 0 || options->span_us < 0 || options->disorder_us < 0)
        return error_set(err, ERROR_USER,
                         "generator: rows, rate, span and disorder must not be negative");
    if (options->rows > INT64_C(1000000000000))
        return error_set(err, ERROR_USER,
                         "generator: rows = %lld: at most 1000000000000, or 0 "
                         "for an endless stream",
                         (long long)options->rows);
    if (options->devices < 1 || options->devices > 100000000)
        return error_set(err, ERROR_USER, "generator: devices = %lld: 1 to 100000000",
                         (long long)options->devices);
    if (options->rows == 0 && execution != EXECUTION_STREAM)
        return error_set(err, ERROR_USER,
                         "generator: rows = 0 never ends, so the run would not either: give rows, "
                         "or run it as a stream");
    return true;
}

static void generator_close(struct source *source)
{
    arena_clear(&source->arena);
    heap_free(source);
}

static struct source *generator_open(const void *options, const struct source_context *context,
                                     struct error *err)
{
    struct source *source = heap_new(sizeof(*source));
    source->own = *(const struct generator_options *)options;
    source->options = &source->own;
    source->clock = context->clock;
    source->profile = profiles[source->options->profile];
    source->partition.name = STR("generator/0");
    source->valid_last = -1;
    source->rate_from_us = INT64_MIN;
    struct spread_options spread = {
        .rows = source->options->rows,
        .amounts = {0, source->options->duplicates, source->options->invalid, source->options->late,
                    source->options->malformed},
        .seed = (uint64_t)source->options->seed,
    };
    int64_t start_us = 0;
    if (!hour_apply(source, err) || !options_check(source->options, context->execution, err) ||
        (source->profile->check != NULL && !source->profile->check(source->options, err)) ||
        !spread_init(&source->spread, spread, err) || !start_parse(source, &start_us, err)) {
        generator_close(source);
        return NULL;
    }
    feed_init(source, start_us);
    mark_set(source);
    return source;
}

static bool generator_list(struct source *source, const struct partition **partitions, size_t *len,
                           struct error *err UNUSED)
{
    *partitions = &source->partition;
    *len = 1;
    return true;
}

// With start = 'now' the checkpoint remembers what "now" was.
static bool mark_check(struct source *source, struct str mark, struct error *err)
{
    if (mark.len == 0 || str_equal(mark, source->partition.mark))
        return true;
    int64_t slash = str_find(mark, '/');
    int64_t start_us = 0;
    if (slash > 0 && str_equal_nocase(str_trim(source->options->start), STR("now")) &&
        str_parse_int64(str_slice(mark, 0, (size_t)slash), &start_us)) {
        feed_init(source, start_us);
        mark_set(source);
        if (str_equal(mark, source->partition.mark))
            return true;
    }
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "generator: the checkpoint was made with other generator options, so its "
                          "rows are not these rows; put the options back or use a new checkpoint");
}

static bool generator_seek(struct source *source, const struct partition *partitions, size_t len,
                           struct error *err)
{
    for (size_t i = 0; i < len; i++) {
        const struct partition *from = &partitions[i];
        if (!str_equal(from->name, source->partition.name))
            return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                                  "generator: the checkpoint knows partition '%.*s', the generator "
                                  "has only '%.*s'",
                                  STR_ARGS(from->name), STR_ARGS(source->partition.name));
        if (!mark_check(source, from->mark, err))
            return false;
        int64_t rows = source->options->rows;
        if (from->offset < 0 || (rows > 0 && from->offset > rows))
            return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                                  "generator: the checkpoint wants row %lld of %lld",
                                  (long long)from->offset, (long long)rows);
        source->partition.offset = from->offset;
        source->partition.line = from->offset;
        source->partition.is_done = rows > 0 && from->offset == rows;
        source->valid_until = 0;
        source->valid_last = -1;
    }
    return true;
}

// The valid row that duplicate `row` copies: a few rows back, then on to the next valid one.
static int64_t copied_row(const struct source *source, int64_t row)
{
    uint64_t random = random_at(source->feed.seed ^ 0xc0b1, (uint64_t)row);
    int64_t at = row - 1 - (int64_t)(random % (uint64_t)source->copy_distance);
    if (at < 0)
        at = 0;
    if (source->valid_last >= 0 && at >= source->valid_last)
        return source->valid_last;
    while (spread_role(&source->spread, at).kind != ROW_VALID)
        at--; // ends at row 0, which is valid in each stretch
    return at;
}

static size_t row_write(struct source *source, int64_t row, char *out)
{
    struct feed *feed = &source->feed;
    if (LIKELY(row < source->valid_until)) {
        source->valid_last = row;
        return source->profile->write(feed, row, ROW_VALID, row, out);
    }
    struct row_role role = spread_role(&source->spread, row);
    source->valid_until = role.until;
    if (role.kind == ROW_DUPLICATE)
        return source->profile->write(feed, copied_row(source, row), ROW_VALID, 0, out);
    if (role.kind == ROW_VALID)
        source->valid_last = row;
    return source->profile->write(feed, row, role.kind, role.rank, out);
}

// Rows that are due by now under `rate`.
static int64_t rows_due(struct source *source)
{
    if (source->options->rate == 0)
        return INT64_MAX;
    int64_t now_us = source->clock->simulated ? clock_now_us(source->clock) : clock_monotonic_us();
    if (source->rate_from_us == INT64_MIN) {
        source->rate_from_us = now_us;
        source->rate_row = source->partition.offset;
    }
    double due = (double)(now_us - source->rate_from_us) * (double)source->options->rate /
                 (double)US_PER_SECOND;
    return source->rate_row + (int64_t)due - source->partition.offset;
}

// Profiles with several topics can be read one topic at a time; all see the same rows.
static bool is_wanted(const struct source *source, int64_t row)
{
    struct str rest = source->options->topic;
    struct route route;
    if (rest.len == 0 || !generator_row_route(source, row, &route))
        return true;
    while (rest.len > 0) {
        int64_t comma = str_find(rest, ',');
        size_t end = comma < 0 ? rest.len : (size_t)comma;
        if (str_is(str_trim(str_slice(rest, 0, end)), route.topic))
            return true;
        rest = str_slice(rest, comma < 0 ? end : end + 1, rest.len);
    }
    return false;
}

static bool generator_read(struct source *source, struct batch *batch, size_t rows_max,
                           size_t bytes_max, enum read_state *state, struct error *err UNUSED)
{
    batch_reset(batch);
    struct partition *partition = &source->partition;
    int64_t left =
        source->options->rows > 0 ? source->options->rows - partition->offset : INT64_MAX;
    if (left <= 0) {
        partition->is_end = partition->is_done = true;
        batch_position_set(batch, 0, partition->offset, partition->line, true, true);
        *state = READ_END;
        return true;
    }
    int64_t due = rows_due(source);
    int64_t wanted = due < left ? due : left;
    if (wanted <= 0) {
        *state = READ_IDLE;
        return true;
    }
    size_t rows = (uint64_t)wanted < rows_max ? (size_t)wanted : rows_max;
    size_t row_bytes = source->profile->row_bytes_max;
    size_t room = rows * 400 < bytes_max ? rows * 400 : bytes_max;
    room = room < row_bytes ? row_bytes : room;
    char *out = arena_bytes(&batch->arena, room + row_bytes + 64), *end = out + room;
    batch_reserve(batch, rows);
    batch->arrival_us = clock_monotonic_us();
    int64_t row = partition->offset;
    while (row - partition->offset < (int64_t)rows && out < end) {
        size_t len = row_write(source, row, out);
        if (is_wanted(source, row)) {
            batch_add(batch, out, len, 0, row);
            out += len;
        }
        row++;
    }
    bool is_all = row - partition->offset == wanted;
    partition->offset = partition->line = row;
    partition->is_done = row == source->options->rows;
    partition->is_end = partition->is_done || is_all;
    batch_position_set(batch, 0, row, row, partition->is_end, partition->is_done);
    *state = READ_ROWS;
    return true;
}

static bool generator_acknowledge(struct source *source UNUSED,
                                  const struct partition *partitions UNUSED, size_t len UNUSED,
                                  struct error *err UNUSED)
{
    return true; // nothing to give back: rows can always be made again
}

enum row_kind generator_row_kind(const struct source *source, int64_t row)
{
    return spread_role(&source->spread, row).kind;
}

bool generator_row_route(const struct source *source, int64_t row, struct route *route)
{
    if (source->profile->route == NULL)
        return false;
    if (generator_row_kind(source, row) == ROW_DUPLICATE)
        row = copied_row(source, row);
    source->profile->route(&source->feed, row, route);
    return true;
}

const struct source_type generator_source_type = {
    .name = "generator",
    .summary = "makes records on the spot, deterministic from a seed",
    .options = generator_options,
    .options_len = COUNT_OF(generator_options),
    .options_size = sizeof(struct generator_options),
    .open = generator_open,
    .list = generator_list,
    .seek = generator_seek,
    .read = generator_read,
    .acknowledge = generator_acknowledge,
    .close = generator_close,
};
