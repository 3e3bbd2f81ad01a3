// SPDX-License-Identifier: MIT
// Profile `twitch`: chat messages, viewer counts, transactions and stream events of live streams.
// Both shapes in use are written: event_id + stream_id with an offset in the time, and message_id +
// channel with Z. What is when and where: twitch_time.c.
#include "connectors/generator/twitch.h"

#include "base/clock.h"
#include <string.h>

#define MINUTE_US (60 * US_PER_SECOND)
#define LATE_MIN_US (2 * MINUTE_US) // more than window and delay together

static const char *const words_plain[] = {
    "that", "was",  "the",  "stream", "play",  "what", "just",  "happened", "chat", "look",
    "this", "game", "boss", "run",    "today", "when", "again", "round",    "map",  "anyone",
};
static const char *const words_felt[] = {
    "love", "great",    "awesome", "amazing", "good",   "lol",  "haha",  "nice", "Awesome!",
    "hate", "terrible", "boring",  "bad",     "cringe", "FAIL", "worst", "love", "hyped",
};
static const char *const emotes[] = {
    "Kappa",     "PogChamp",    "LUL",      "KEKW",       "Pog",     "monkaS",
    "PepeHands", "FeelsBad",    "Kreygasm", "BibleThump", "HeyGuys", "catJAM",
    "OMEGALUL",  "Sadge",       "EZ",       "Clap",       "GG",      "ResidentSleeper",
    "TriHard",   "NotLikeThis",
};
static const char *const topics[TWITCH_KINDS] = {"telemetra.events.chat", "telemetra.events.viewer",
                                                 "telemetra.events.transactions",
                                                 "telemetra.events.stream_meta"};

static inline char *put_text(char *out, const char *text)
{
    return stpcpy(out, text);
}
static inline char *put_str(char *out, struct str text)
{
    memcpy(out, text.ptr, text.len);
    return out + text.len;
}
static inline char *put_number(char *out, uint64_t value)
{
    char digits[20];
    char *at = digits + sizeof(digits);
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    size_t len = (size_t)(digits + sizeof(digits) - at);
    memcpy(out, at, len);
    return out + len;
}
static inline char *put_padded(char *out, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

static char *put_time(struct feed *feed, char *out, int64_t time_us, bool is_first_shape)
{
    int64_t minute = time_us / MINUTE_US, rest = time_us % MINUTE_US;
    if (rest < 0) {
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
    memcpy(out, feed->minute_text[slot], 17);
    out = put_padded(out + 17, (uint64_t)(rest / US_PER_SECOND), 2);
    *out++ = '.';
    out = put_padded(out, (uint64_t)(rest % US_PER_SECOND), 6);
    return put_text(out, is_first_shape ? "+00:00" : "Z");
}

static uint64_t below(uint64_t *random, uint64_t limit)
{
    *random = random_at(*random, 1);
    return (*random >> 32) * limit >> 32;
}

static char *put_emote(const struct feed *feed, char *out, uint64_t *random)
{
    // The first ones are used most: the square of an even draw.
    double draw = (double)below(random, 1 << 24) / (1 << 24);
    uint64_t number = (uint64_t)(draw * draw * (double)feed->options->emotes);
    if (number < COUNT_OF(emotes))
        return put_text(out, emotes[number]);
    return put_number(put_text(out, "emote"), number + 1);
}

// "id, time, stream" in one of the two shapes; `broken`: one of them is left out.
static char *put_head(struct feed *feed, char *out, const struct twitch_place *place, int64_t row,
                      const char *id_first, const char *id_second, int broken)
{
    const struct twitch *twitch = feed->own;
    bool is_first = (random_at(feed->seed ^ 0x54a9e, (uint64_t)row) & 1) != 0;
    out = put_text(out, "{\"");
    out = put_text(out, is_first ? id_first : id_second);
    out = put_text(out, "\": \"");
    out = put_padded(out, (uint64_t)row, 12);
    *out++ = '"';
    if (broken != 1) {
        out = put_text(out, ", \"timestamp\": \"");
        out = put_time(feed, out, place->time_us, is_first);
        *out++ = '"';
    }
    if (broken != 2) {
        out = put_text(out, is_first ? ", \"stream_id\": \"" : ", \"channel\": \"");
        out = put_str(out, twitch->streams[place->stream]);
        *out++ = '"';
    }
    return out;
}

static char *put_message(const struct feed *feed, char *out, uint64_t *random)
{
    uint64_t words = 2 + below(random, 6);
    for (uint64_t i = 0; i < words; i++) {
        uint64_t choice = below(random, 8);
        if (i > 0)
            *out++ = ' ';
        if (choice == 0)
            out = put_emote(feed, out, random);
        else if (choice == 1)
            out = put_text(out, words_felt[below(random, COUNT_OF(words_felt))]);
        else
            out = put_text(out, words_plain[below(random, COUNT_OF(words_plain))]);
    }
    return out;
}

static char *put_chat(struct feed *feed, char *out, const struct twitch_place *place, int64_t row,
                      uint64_t *random, int broken)
{
    uint64_t users = (uint64_t)feed->options->users;
    uint64_t user = place->stream * users + below(random, users) + 1;
    out = put_head(feed, out, place, row, "event_id", "message_id", broken);
    out = put_text(out, ", \"user_id\": \"user_");
    out = put_number(out, user);
    out = put_text(out, "\", \"username\": \"viewer");
    out = put_number(out, user);
    out = put_text(out, "\", \"message\": \"");
    out = put_message(feed, out, random);
    *out++ = '"';
    uint64_t count = below(random, 8); // none in 3 of 8, and then often no field at all
    if (count > 1) {
        out = put_text(out, ", \"emotes\": [");
        for (uint64_t i = 2; i < count; i += 2) {
            out = put_text(out, i > 2 ? ", \"" : "\"");
            out = put_emote(feed, out, random);
            *out++ = '"';
        }
        *out++ = ']';
    }
    uint64_t flags = below(random, 64);
    out = put_text(out, ", \"badges\": [");
    out = put_text(out, (flags & 3) == 0 ? "\"subscriber\"" : "");
    out = put_text(out, "], \"is_subscriber\": ");
    out = put_text(out, (flags & 3) == 0 ? "true" : "false");
    out = put_text(out, ", \"is_moderator\": ");
    out = put_text(out, flags == 9 ? "true" : "false");
    if (flags == 7)
        out = put_number(put_text(out, ", \"bits\": "), 100 + below(random, 900));
    return put_text(out, "}");
}

// A walk between 100 and 2000 that any row can be asked for: between points every minute, with a
// spike now and then.
static uint64_t viewer_count(const struct feed *feed, const struct twitch_place *place)
{
    int64_t minute = (place->time_us - feed->start_us) / MINUTE_US;
    int64_t within = (place->time_us - feed->start_us) % MINUTE_US;
    uint64_t seed = random_at(feed->seed ^ 0x71e3, place->stream);
    int64_t points[2];
    for (int i = 0; i < 2; i++) {
        uint64_t point = random_at(seed, (uint64_t)(minute + i + 16));
        points[i] = 100 + (int64_t)((point >> 32) * 1400 >> 32);
        if ((point & 31) == 0)
            points[i] += 500;
    }
    int64_t count = points[0] + (points[1] - points[0]) * within / MINUTE_US;
    return (uint64_t)(count < 100 ? 100 : count > 2000 ? 2000 : count);
}

static char *put_viewer(struct feed *feed, char *out, const struct twitch_place *place, int64_t row,
                        uint64_t *random, int broken)
{
    uint64_t count = viewer_count(feed, place);
    out = put_head(feed, out, place, row, "event_id", "event_id", broken);
    out = put_number(put_text(out, ", \"viewer_count\": "), count);
    out = put_number(put_text(out, ", \"unique_viewers\": "), count - below(random, count / 10));
    out = put_number(put_text(out, ", \"peak_viewers\": "), 2000);
    out = put_number(put_text(out, ", \"chatter_count\": "), count / 3);
    return put_text(out, "}");
}

static char *put_transaction(struct feed *feed, char *out, const struct twitch_place *place,
                             int64_t row, uint64_t *random, int broken)
{
    static const char *const kinds[] = {"donation", "subscription", "bits", "gift_sub",
                                        "subscription_renewal"};
    out = put_head(feed, out, place, row, "transaction_id", "transaction_id", broken);
    out = put_text(put_text(out, ", \"transaction_type\": \""), kinds[below(random, 5)]);
    out = put_number(put_text(out, "\", \"amount\": "), 1 + below(random, 100));
    out = put_text(out, ".00, \"currency\": \"USD\", \"tier\": 1, \"months\": ");
    return put_text(put_number(out, 1 + below(random, 24)), "}");
}

static char *put_meta(struct feed *feed, char *out, const struct twitch_place *place, int64_t row,
                      uint64_t *random, int broken)
{
    static const char *const kinds[] = {"stream_start",    "stream_end",    "title_change",
                                        "category_change", "raid_incoming", "host_incoming"};
    out = put_head(feed, out, place, row, "event_id", "event_id", broken);
    out = put_text(put_text(out, ", \"event_type\": \""), kinds[below(random, COUNT_OF(kinds))]);
    return put_text(out, "\"}");
}

static size_t record_write(struct feed *feed, int64_t row, enum row_kind kind, int broken,
                           char *out)
{
    struct twitch_place place = twitch_locate(feed, row);
    uint64_t random = random_at(feed->seed, (uint64_t)row);
    if (kind == ROW_LATE)
        place.time_us -= LATE_MIN_US + (int64_t)below(&random, (uint64_t)LATE_MIN_US);
    else if (feed->options->disorder_us > 0)
        place.time_us -= (int64_t)below(&random, (uint64_t)feed->options->disorder_us);
    if (place.time_us < feed->start_us && kind != ROW_LATE)
        place.time_us = feed->start_us;
    char *end = out;
    switch (place.kind) {
    case TWITCH_CHAT:
        end = put_chat(feed, out, &place, row, &random, broken);
        break;
    case TWITCH_VIEWER:
        end = put_viewer(feed, out, &place, row, &random, broken);
        break;
    case TWITCH_TRANSACTION:
        end = put_transaction(feed, out, &place, row, &random, broken);
        break;
    case TWITCH_META:
        end = put_meta(feed, out, &place, row, &random, broken);
        break;
    }
    return (size_t)(end - out);
}

static size_t twitch_write(struct feed *feed, int64_t row, enum row_kind kind, int64_t rank,
                           char *out)
{
    if (kind == ROW_INVALID)
        return record_write(feed, row, ROW_VALID, 1 + (int)(rank & 1), out);
    size_t len = record_write(feed, row, kind, 0, out);
    if (kind != ROW_MALFORMED)
        return len;
    if ((rank & 1) != 0)
        return (size_t)(stpcpy(out, "not json") - out);
    return len / 2; // cut off
}

static void twitch_route(const struct feed *feed, int64_t row, struct route *route)
{
    const struct twitch *twitch = feed->own;
    struct twitch_place place = twitch_locate(feed, row);
    route->topic = topics[place.kind];
    route->key = twitch->streams[place.stream];
}

const struct profile twitch_profile = {
    .name = "twitch",
    .summary = "chat, viewers, transactions and events of live streams; each kind has its topic",
    .row_bytes_max = 1024,
    .check = twitch_check,
    .init = twitch_init,
    .write = twitch_write,
    .route = twitch_route,
};
