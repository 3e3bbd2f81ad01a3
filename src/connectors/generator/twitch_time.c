// SPDX-License-Identifier: MIT
// When and where the rows of profile `twitch` happen. Everything follows from the row number.
//
// An anomaly is a chat rate more than three deviations above the ten windows before, so the rates
// must be such that bursts are found and nothing else is: plain random arrivals would be flagged
// now and then, perfectly even ones have no deviation at all. Hence every block of 100 rows holds
// each kind by its exact share, channels take turns in a shuffled order, and the rate swells and
// falls by a third every 80 seconds, all channels together, falling first: that is the deviation.
// A burst adds to one channel's chat, within 20 seconds, twice what it says in a minute.
//
// Rows without the extra ones of bursts are "regular" and have ordinals; time is a function of the
// ordinal, and bursts shift rows against ordinals.
#include "connectors/generator/twitch.h"

#include "base/arena.h"
#include "base/clock.h"
#include <string.h>

#define SWELL_US (80 * US_PER_SECOND)
#define SWELL_BY_US (9 * US_PER_SECOND / 2) // slope 2 pi * 4.5 / 80 = 0.35: time never goes back
#define BURST_US (20 * US_PER_SECOND)
#define BURST_MINUTES 2                      // of a channel's usual chat
#define BURST_QUIET_US (240 * US_PER_SECOND) // before the first, and between two
#define BURST_AFTER_US (100 * US_PER_SECOND) // after the last
#define CYCLE_ROWS 1000000                   // endless without a rate
enum { NAME_BYTES_MAX = 64 };

static const char *const kind_words[TWITCH_KINDS] = {"chat", "viewer", "transactions",
                                                     "stream_meta"};
static const uint32_t kind_shares[TWITCH_KINDS] = {70, 20, 7, 3};

static struct str list_next(struct str *rest)
{
    int64_t comma = str_find(*rest, ',');
    size_t len = comma < 0 ? rest->len : (size_t)comma;
    struct str item = str_trim(str_slice(*rest, 0, len));
    *rest = comma < 0 ? (struct str){0} : str_slice(*rest, len + 1, rest->len);
    return item;
}

static int kind_of(struct str word)
{
    for (int i = 0; i < TWITCH_KINDS; i++)
        if (str_is(word, kind_words[i]))
            return i;
    return -1;
}

static double cycle_us(const struct generator_options *options)
{
    return (double)options->span_us;
}

bool twitch_check(const struct generator_options *options, struct error *err)
{
    struct str rest = options->events;
    if (str_trim(rest).len == 0)
        return error_set(err, ERROR_USER,
                         "generator: events is empty: name some of chat, viewer, "
                         "transactions, stream_meta");
    while (rest.len > 0) {
        struct str word = list_next(&rest);
        if (kind_of(word) < 0)
            return error_set(err, ERROR_USER,
                             "generator: events: '%.*s' is none of chat, viewer, transactions, "
                             "stream_meta",
                             STR_ARGS(word));
    }
    rest = options->channels;
    while (rest.len > 0) {
        struct str name = list_next(&rest);
        if (name.len == 0 || name.len > NAME_BYTES_MAX || str_find(name, '"') >= 0 ||
            str_find(name, '\\') >= 0)
            return error_set(err, ERROR_USER,
                             "generator: channels: '%.*s' is no name: 1 to %d bytes without quotes "
                             "and backslashes, separated by commas",
                             STR_ARGS(name), NAME_BYTES_MAX);
    }
    if (options->streams < 0 || options->streams > 1000000 || options->users < 1 ||
        options->users > 100000000 || options->emotes < 1 || options->emotes > 1000000)
        return error_set(err, ERROR_USER,
                         "generator: streams is 0 to 1000000, users 1 to 100000000, emotes 1 to "
                         "1000000");
    double least = (double)(BURST_QUIET_US + BURST_AFTER_US) +
                   (double)options->bursts * (double)(BURST_QUIET_US + BURST_US);
    if (options->bursts < 0 || (options->bursts > 0 && least > cycle_us(options)))
        return error_set(err, ERROR_USER,
                         "generator: bursts = %lld need a span of at least %.0f seconds, so that "
                         "each stands out",
                         (long long)options->bursts, least / US_PER_SECOND);
    return true;
}

static void streams_init(struct feed *feed, struct twitch *twitch)
{
    const struct generator_options *options = feed->options;
    struct str rest = options->channels;
    size_t named = 0;
    while (rest.len > 0)
        named += list_next(&rest).len > 0;
    size_t len = options->streams > 0 ? (size_t)options->streams : named;
    len = len > 0 ? len : 1;
    twitch->streams = ARENA_ARRAY(feed->arena, struct str, len);
    twitch->streams_len = (uint32_t)len;
    rest = options->channels;
    for (size_t i = 0; i < len; i++) {
        struct str name = options->streams > 0 ? (struct str){0} : list_next(&rest);
        twitch->streams[i] = name.len > 0 ? name : arena_print(feed->arena, "stream_%zu", i + 1);
    }
}

static void shares_init(const struct feed *feed, struct twitch *twitch)
{
    struct str rest = feed->options->events;
    uint32_t sum = 0, all = 0;
    while (rest.len > 0) {
        int kind = kind_of(list_next(&rest));
        twitch->shares[kind] = kind_shares[kind];
    }
    for (size_t i = 0; i < TWITCH_KINDS; i++)
        all += twitch->shares[i];
    size_t largest = 0;
    for (size_t i = 0; i < TWITCH_KINDS; i++) {
        twitch->shares[i] = twitch->shares[i] * TWITCH_BLOCK / all;
        sum += twitch->shares[i];
        if (twitch->shares[i] > twitch->shares[largest])
            largest = i;
    }
    twitch->shares[largest] += TWITCH_BLOCK - sum;
    for (size_t i = 1; i < TWITCH_KINDS; i++)
        twitch->shares_from[i] = twitch->shares_from[i - 1] + twitch->shares[i - 1];
}

// The swell: a parabola in place of each half sine, so that no library decides about the bits.
static double swell(double time_us)
{
    double turns = time_us / (double)SWELL_US;
    double phase = (turns - (double)(int64_t)turns) * 2;
    double sign = 1;
    if (phase >= 1) {
        phase -= 1;
        sign = -1;
    }
    return sign * 4 * phase * (1 - phase);
}

static int64_t ordinal_time(const struct feed *feed, const struct twitch *twitch, int64_t ordinal)
{
    double even_us = (double)ordinal * cycle_us(feed->options) / (double)twitch->cycle_regular;
    // Minus: the rate falls first, or the part-filled windows of the beginning would look like one.
    return (int64_t)(even_us - (double)SWELL_BY_US * swell(even_us));
}

static void bursts_init(struct feed *feed, struct twitch *twitch)
{
    double span_us = cycle_us(feed->options), bursts = (double)feed->options->bursts;
    double chat = (double)twitch->shares[TWITCH_CHAT] / TWITCH_BLOCK / twitch->streams_len;
    // rows = regular + bursts * extra, extra = minutes * chat * regular / span
    double extra_share = BURST_MINUTES * 60.0 * US_PER_SECOND * chat / (span_us > 0 ? span_us : 1);
    twitch->burst_extra =
        (int64_t)((double)twitch->cycle_rows / (1 + bursts * extra_share) * extra_share);
    if (feed->options->bursts == 0 || twitch->burst_extra == 0)
        twitch->burst_extra = 0;
    else
        twitch->bursts_len = (size_t)feed->options->bursts;
    twitch->cycle_regular = twitch->cycle_rows - (int64_t)twitch->bursts_len * twitch->burst_extra;
    if (twitch->bursts_len == 0)
        return;
    twitch->burst_rows = (int64_t)((double)twitch->cycle_regular * BURST_US / span_us) + 1;
    twitch->bursts = ARENA_ARRAY(feed->arena, struct twitch_burst, twitch->bursts_len);
    double room_us = (span_us - BURST_QUIET_US - BURST_AFTER_US) / bursts;
    for (size_t i = 0; i < twitch->bursts_len; i++) {
        struct twitch_burst *burst = &twitch->bursts[i];
        uint64_t random = random_at(feed->seed ^ 0xb0257, i);
        double slack_us = room_us - BURST_QUIET_US - BURST_US;
        double at_us = BURST_QUIET_US + (double)i * room_us +
                       slack_us * (double)(random >> 40) / (double)(1 << 24);
        burst->first = (int64_t)(at_us / span_us * (double)twitch->cycle_regular);
        burst->row = burst->first + (int64_t)i * twitch->burst_extra;
        burst->stream = (uint32_t)((random & 0xffffffff) * twitch->streams_len >> 32);
        burst->first_us = ordinal_time(feed, twitch, burst->first);
    }
}

void twitch_init(struct feed *feed)
{
    const struct generator_options *options = feed->options;
    struct twitch *twitch = ARENA_NEW(feed->arena, struct twitch);
    feed->own = twitch;
    streams_init(feed, twitch);
    shares_init(feed, twitch);
    twitch->cycle_rows = options->rows;
    if (options->rows == 0)
        twitch->cycle_rows =
            options->rate > 0 ? (int64_t)(cycle_us(options) / US_PER_SECOND * (double)options->rate)
                              : CYCLE_ROWS;
    twitch->cycle_rows = twitch->cycle_rows > 0 ? twitch->cycle_rows : 1;
    bursts_init(feed, twitch);
    for (size_t i = 0; i < MINUTES_CACHED; i++)
        feed->minutes[i] = INT64_MIN;
}

// The last burst that begins at or before the row; NULL: none.
static const struct twitch_burst *burst_before(const struct twitch *twitch, int64_t row)
{
    size_t from = 0, to = twitch->bursts_len;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (twitch->bursts[middle].row <= row)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 ? &twitch->bursts[from - 1] : NULL;
}

// Ordinal of the regular row at or after `row` of a cycle; *burst: the row is one of its extra
// ones.
static int64_t regular_ordinal(const struct twitch *twitch, int64_t row,
                               const struct twitch_burst **burst)
{
    const struct twitch_burst *before = burst_before(twitch, row);
    *burst = NULL;
    if (before == NULL)
        return row;
    int64_t all = twitch->burst_rows + twitch->burst_extra, at = row - before->row;
    if (at >= all)
        return before->first + at - twitch->burst_extra;
    int64_t extra = (int64_t)((__int128)at * twitch->burst_extra / all);
    int64_t next = (int64_t)((__int128)(at + 1) * twitch->burst_extra / all);
    if (next > extra)
        *burst = before;
    return before->first + at - extra;
}

static uint32_t shuffled(uint32_t value, uint32_t len, uint64_t random)
{
    // An odd multiplier coprime to 100 and a shift: a permutation of the block.
    static const uint32_t factors[8] = {3, 7, 11, 13, 37, 41, 57, 91};
    return (value * factors[random & 7] + (uint32_t)(random >> 40)) % len;
}

struct twitch_place twitch_locate(const struct feed *feed, int64_t row)
{
    const struct twitch *twitch = feed->own;
    const struct twitch_burst *burst;
    int64_t cycle = row / twitch->cycle_rows;
    int64_t in_cycle = regular_ordinal(twitch, row % twitch->cycle_rows, &burst);
    struct twitch_place place = {.time_us = feed->start_us + cycle * feed->options->span_us +
                                            ordinal_time(feed, twitch, in_cycle)};
    if (burst != NULL) {
        place.kind = TWITCH_CHAT;
        place.stream = burst->stream;
        place.ordinal = row;
        return place;
    }
    int64_t ordinal = cycle * twitch->cycle_regular + in_cycle;
    int64_t block = ordinal / TWITCH_BLOCK;
    uint32_t at = shuffled((uint32_t)(ordinal % TWITCH_BLOCK), TWITCH_BLOCK,
                           random_at(feed->seed ^ 0x7a1c, (uint64_t)block));
    int kind = TWITCH_KINDS - 1;
    while (kind > 0 && (twitch->shares[kind] == 0 || at < twitch->shares_from[kind]))
        kind--;
    place.kind = (enum twitch_kind)kind;
    place.ordinal = block * twitch->shares[kind] + at - twitch->shares_from[kind];
    int64_t turn = place.ordinal / twitch->streams_len;
    uint64_t slot = (uint64_t)(place.ordinal % twitch->streams_len);
    uint64_t shift = random_at(feed->seed ^ 0x5712, (uint64_t)turn * TWITCH_KINDS + (uint64_t)kind);
    place.stream = (uint32_t)((slot + (shift >> 32)) % twitch->streams_len);
    return place;
}
