// SPDX-License-Identifier: MIT
// Profile `devices`: events of sensors, about 350 bytes of JSON. Written by hand from tables, since
// the generator must never be what a benchmark measures: constant pieces are copied with constant
// sizes, numbers are written digit pair by digit pair, times reuse their text up to the minute.
//
// event_id has only 900,000 values and the key of an event is (event_id, device_id), so random ids
// would collide and make duplicates nobody asked for. Row i takes id = permutation(i mod 900,000)
// and device = (random(i mod 900,000) + i div 900,000) mod devices: each id meets another device in
// each turn, so pairs are unique for 900,000 * devices rows (45 million with 50 devices), and ids
// alone are unique within any 900,000 neighbours. Devices are still drawn at random.
#include "connectors/generator/profile.h"

#include "base/clock.h"
#include <string.h>

#define EVENT_ID_MIN 100000
#define EVENT_IDS UINT64_C(900000)
#define MINUTE_US (60 * US_PER_SECOND)
// A late row lies 20 to 40 minutes behind its neighbours: more than delay (10 minutes), window and
// the rows of one trigger together.
#define LATE_MIN_US (20 * MINUTE_US)

struct piece {
    uint32_t len;
    char text[60]; // copied as a whole
};
#define PIECE(literal)                                                                             \
    {                                                                                              \
        sizeof(literal) - 1, literal                                                               \
    }
#define PLACE(city, country) PIECE(", \"city\": \"" city "\", \"country\": \"" country "\"}")

static const struct piece device_types[4] = {PIECE("sensor_A"), PIECE("sensor_B"), PIECE("camera"),
                                             PIECE("thermo")};
static const struct piece places[16] = {
    PLACE("Berlin", "Germany"),   PLACE("Hamburg", "Germany"),  PLACE("Paris", "France"),
    PLACE("London", "UK"),        PLACE("New York", "USA"),     PLACE("San Francisco", "USA"),
    PLACE("Tokyo", "Japan"),      PLACE("Sydney", "Australia"), PLACE("Toronto", "Canada"),
    PLACE("São Paulo", "Brazil"), PLACE("Mumbai", "India"),     PLACE("Singapore", "Singapore"),
    PLACE("Oslo", "Norway"),      PLACE("Madrid", "Spain"),     PLACE("Warsaw", "Poland"),
    PLACE("Nairobi", "Kenya"),
};
static const struct piece place_unknown = PIECE(", \"city\": null, \"country\": null}");
static const struct piece firmwares[8] = {
    PIECE("\"1.0.0\""), PIECE("\"1.1.0\""), PIECE("\"1.2.3\""),     PIECE("\"2.0.0\""),
    PIECE("\"2.1.4\""), PIECE("\"2.3.0\""), PIECE("\"3.0.0-rc1\""), PIECE("\"3.0.1\""),
};

enum field {
    FIELD_EVENT_ID,
    FIELD_DEVICE_ID,
    FIELD_DEVICE_TYPE,
    FIELD_EVENT_TIME,
    FIELD_DURATION,
    FIELD_LATITUDE,
    FIELD_LONGITUDE,
    FIELD_BATTERY,
    FIELD_SIGNAL,
    FIELDS,
};

// One field of an otherwise valid record replaced by this text.
struct change {
    enum field field;
    const char *text;
};
// Each breaks exactly one rule of the devices pipeline; all are used in turn.
static const struct change violations[] = {
    {FIELD_EVENT_ID, "null"},   {FIELD_DEVICE_ID, "null"}, {FIELD_DEVICE_TYPE, "null"},
    {FIELD_EVENT_TIME, "null"}, {FIELD_DURATION, "null"},  {FIELD_DURATION, "0.0"},
    {FIELD_DURATION, "-1.5"},   {FIELD_DURATION, "100.0"}, {FIELD_DURATION, "250.75"},
    {FIELD_LATITUDE, "null"},   {FIELD_LATITUDE, "-90.5"}, {FIELD_LATITUDE, "200.0"},
    {FIELD_LONGITUDE, "null"},  {FIELD_LONGITUDE, "-181"}, {FIELD_LONGITUDE, "180.25"},
    {FIELD_BATTERY, "null"},    {FIELD_BATTERY, "-1"},     {FIELD_BATTERY, "150"},
    {FIELD_SIGNAL, "null"},     {FIELD_SIGNAL, "-200"},    {FIELD_SIGNAL, "1"},
};
// Undecodable already within the first five fields, so that a decoder that stops early sees it.
static const struct change type_errors[] = {
    {FIELD_EVENT_ID, "\"abc\""},
    {FIELD_EVENT_TIME, "\"yesterday\""},
    {FIELD_DURATION, "NaN"},
    {FIELD_EVENT_ID, "12.5"},
    {FIELD_DEVICE_ID, "\"dev_\xff\xfe\""},
    {FIELD_DURATION, "\"long\""},
};

static const char digit_pairs[201] = "0001020304050607080910111213141516171819"
                                     "2021222324252627282930313233343536373839"
                                     "4041424344454647484950515253545556575859"
                                     "6061626364656667686970717273747576777879"
                                     "8081828384858687888990919293949596979899";

static inline char *put_pair(char *out, uint32_t value)
{
    memcpy(out, digit_pairs + 2 * value, 2);
    return out + 2;
}

static inline char *put_six(char *out, uint32_t value)
{
    out = put_pair(out, value / 10000);
    out = put_pair(out, value / 100 % 100);
    return put_pair(out, value % 100);
}

static inline char *put_number(char *out, uint32_t value)
{
    char digits[12];
    char *at = digits + sizeof(digits);
    while (value >= 100) {
        at -= 2;
        memcpy(at, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, digit_pairs + 2 * value, 2);
    } else {
        *--at = (char)('0' + value);
    }
    size_t len = (size_t)(digits + sizeof(digits) - at);
    memcpy(out, at, len);
    return out + len;
}

static inline char *put_signed(char *out, int32_t value)
{
    if (value < 0)
        *out++ = '-';
    return put_number(out, (uint32_t)(value < 0 ? -value : value));
}

// Millionths of a degree.
static inline char *put_degrees(char *out, int32_t micro)
{
    if (micro < 0)
        *out++ = '-';
    uint32_t value = (uint32_t)(micro < 0 ? -micro : micro);
    out = put_number(out, value / 1000000);
    *out++ = '.';
    return put_six(out, value % 1000000);
}

static inline char *put_piece(char *out, const struct piece *piece)
{
    memcpy(out, piece->text, sizeof(piece->text));
    return out + piece->len;
}

#define PUT(literal) (memcpy(out, literal, sizeof(literal) - 1), out += sizeof(literal) - 1)

static inline char *put_time(struct feed *feed, char *out, int64_t time_us)
{
    int64_t minute = time_us / MINUTE_US;
    int64_t rest = time_us % MINUTE_US;
    if (UNLIKELY(rest < 0)) {
        rest += MINUTE_US;
        minute--;
    }
    size_t slot = (size_t)minute % MINUTES_CACHED;
    if (UNLIKELY(feed->minutes[slot] != minute)) {
        char text[40];
        time_print(minute * MINUTE_US, 0, text);
        memcpy(feed->minute_text[slot], text, 17);
        feed->minutes[slot] = minute;
    }
    memcpy(out, feed->minute_text[slot], 24);
    out = put_pair(out + 17, (uint32_t)(rest / US_PER_SECOND));
    *out++ = '.';
    out = put_six(out, (uint32_t)(rest % US_PER_SECOND));
    *out++ = 'Z';
    return out;
}

static void devices_init(struct feed *feed)
{
    // Coprime to 900,000 = 2^5 3^2 5^5, near the golden section for a good scatter.
    static const uint32_t factors[8] = {556201, 556211, 556219, 556223,
                                        556229, 556243, 556253, 556267};
    feed->id_factor = factors[random_at(feed->seed, 1) % COUNT_OF(factors)];
    feed->id_shift = random_at(feed->seed, 2) % EVENT_IDS;
    for (size_t i = 0; i < MINUTES_CACHED; i++)
        feed->minutes[i] = INT64_MIN;
}

static inline int64_t event_time(const struct feed *feed, int64_t row, uint64_t random,
                                 enum row_kind kind)
{
    int64_t time_us = feed->start_us + (int64_t)(((unsigned __int128)row * feed->step) >> 32);
    if (kind == ROW_LATE)
        return time_us - LATE_MIN_US - (int64_t)(random % (uint64_t)LATE_MIN_US);
    int64_t disorder_us = feed->options->disorder_us;
    if (disorder_us > 0)
        time_us -= (int64_t)(((random & 0xffffffff) * (uint64_t)disorder_us) >> 32);
    return time_us < feed->start_us ? feed->start_us : time_us;
}

// `change` is NULL for a plain record. Bits of random words are spent field by field.
static inline size_t record_write(struct feed *feed, int64_t row, enum row_kind kind,
                                  const struct change *change, char *out)
{
    char *begin = out;
    enum field changed = change != NULL ? change->field : FIELDS;
    const char *text = change != NULL ? change->text : "";
    uint64_t turn = (uint64_t)row / EVENT_IDS, slot = (uint64_t)row % EVENT_IDS;
    uint64_t devices = (uint64_t)feed->options->devices;
    uint64_t device = ((random_at(feed->seed ^ 0xd1ce, slot) >> 32) * devices >> 32) + turn;
    if (device >= devices)
        device %= devices;
    uint64_t a = random_at(feed->seed, (uint64_t)row * 2 + 3);
    uint64_t b = random_at(feed->seed, (uint64_t)row * 2 + 4);
    uint64_t type = feed->options->types == TYPES_PER_DEVICE
                        ? random_at(feed->seed ^ 0x7e9e, device) & 3
                        : a >> 62;

#define FIELD(field, value)                                                                        \
    do {                                                                                           \
        if (UNLIKELY(changed == (field)))                                                          \
            out = stpcpy(out, text);                                                               \
        else                                                                                       \
            value;                                                                                 \
    } while (0)
    PUT("{\"event_id\": ");
    FIELD(FIELD_EVENT_ID,
          out = put_six(out, (uint32_t)(EVENT_ID_MIN +
                                        (slot * feed->id_factor + feed->id_shift) % EVENT_IDS)));
    PUT(", \"device_id\": ");
    FIELD(FIELD_DEVICE_ID,
          (PUT("\"dev_"), out = put_number(out, (uint32_t)device + 1), *out++ = '"'));
    PUT(", \"device_type\": ");
    FIELD(FIELD_DEVICE_TYPE,
          (*out++ = '"', out = put_piece(out, &device_types[type]), *out++ = '"'));
    PUT(", \"event_time\": ");
    FIELD(FIELD_EVENT_TIME,
          (*out++ = '"', out = put_time(feed, out, event_time(feed, row, b, kind)), *out++ = '"'));
    PUT(", \"event_duration\": ");
    uint32_t duration_ms = 100 + (uint32_t)(((a & 0xffffffff) * 4901) >> 32);
    FIELD(FIELD_DURATION,
          (*out++ = (char)('0' + duration_ms / 1000), *out++ = '.',
           *out++ = (char)('0' + duration_ms / 100 % 10), out = put_pair(out, duration_ms % 100)));
    PUT(", \"location\": {\"latitude\": ");
    uint64_t c = a * UINT64_C(0xff51afd7ed558ccd) ^ b >> 31;
    FIELD(FIELD_LATITUDE,
          out = put_degrees(out, (int32_t)((c >> 32) * 180000001 >> 32) - 90000000));
    PUT(", \"longitude\": ");
    FIELD(FIELD_LONGITUDE,
          out = put_degrees(out, (int32_t)((c & 0xffffffff) * 360000001 >> 32) - 180000000));
    // City and country may be unknown: one row in 128.
    out = put_piece(out, (b >> 57) == 0 ? &place_unknown : &places[b >> 53 & 15]);
    PUT(", \"metadata\": {\"firmware_version\": ");
    out = put_piece(out, &firmwares[b >> 50 & 7]);
    PUT(", \"battery_level\": ");
    FIELD(FIELD_BATTERY, out = put_number(out, (uint32_t)((b >> 34 & 0xffff) * 101 >> 16)));
    PUT(", \"signal_strength\": ");
    FIELD(FIELD_SIGNAL, out = put_signed(out, -(int32_t)((a >> 40 & 0xffff) * 121 >> 16)));
    PUT("}}");
#undef FIELD
    return (size_t)(out - begin);
}

static size_t malformed_write(struct feed *feed, int64_t row, int64_t rank, char *out)
{
    size_t variant = (size_t)rank % (COUNT_OF(type_errors) + 5);
    if (variant < COUNT_OF(type_errors))
        return record_write(feed, row, ROW_VALID, &type_errors[variant], out);
    char *end = out;
    switch (variant - COUNT_OF(type_errors)) {
    case 0:
        return (size_t)(stpcpy(end, "this is not json") - out);
    case 1:
        return (size_t)(stpcpy(end, "[1, 2, 3]") - out);
    case 2:
        return (size_t)(stpcpy(end, "null") - out);
    case 3: // cut off
        return record_write(feed, row, ROW_VALID, NULL, out) / 4;
    default: // Python's idea of a dictionary
        end += record_write(feed, row, ROW_VALID, NULL, out);
        for (char *at = out; at < end; at++)
            *at = *at == '"' ? '\'' : *at;
        return (size_t)(end - out);
    }
}

static size_t devices_write(struct feed *feed, int64_t row, enum row_kind kind, int64_t rank,
                            char *out)
{
    if (LIKELY(kind == ROW_VALID || kind == ROW_LATE))
        return record_write(feed, row, kind, NULL, out);
    if (kind == ROW_MALFORMED)
        return malformed_write(feed, row, rank, out);
    return record_write(feed, row, ROW_VALID, &violations[(size_t)rank % COUNT_OF(violations)],
                        out);
}

const struct profile devices_profile = {
    .name = "devices",
    .summary = "sensor events: seven top fields, location and metadata nested",
    .row_bytes_max = 512,
    .init = devices_init,
    .write = devices_write,
};
