// SPDX-License-Identifier: MIT
// Views of strings. Comparison is by bytes: the pipeline language is ASCII where case matters, and
// user data is never folded. Number parsing takes the whole string or nothing, so that "10x" is not
// silently 10.
#include "base/str.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct str str_of(const char *zero_terminated)
{
    if (zero_terminated == NULL)
        return (struct str){"", 0};
    return (struct str){zero_terminated, strlen(zero_terminated)};
}

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool str_is(struct str a, const char *zero_terminated)
{
    return str_equal(a, str_of(zero_terminated));
}

bool str_starts(struct str a, const char *prefix)
{
    size_t len = strlen(prefix);
    return a.len >= len && (len == 0 || memcmp(a.ptr, prefix, len) == 0);
}

bool str_ends(struct str a, const char *suffix)
{
    size_t len = strlen(suffix);
    return a.len >= len && (len == 0 || memcmp(a.ptr + (a.len - len), suffix, len) == 0);
}

int str_compare(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str a)
{
    while (a.len > 0 && is_space(a.ptr[0])) {
        a.ptr++;
        a.len--;
    }
    while (a.len > 0 && is_space(a.ptr[a.len - 1]))
        a.len--;
    return a;
}

struct str str_slice(struct str a, size_t from, size_t to)
{
    if (to > a.len)
        to = a.len;
    if (from >= to)
        return (struct str){"", 0};
    return (struct str){a.ptr + from, to - from};
}

int64_t str_find(struct str a, char c)
{
    const char *found = a.len == 0 ? NULL : memchr(a.ptr, c, a.len);
    return found == NULL ? -1 : found - a.ptr;
}

bool str_parse_int64(struct str a, int64_t *out)
{
    size_t at = 0;
    bool negative = false;
    if (a.len > 0 && (a.ptr[0] == '-' || a.ptr[0] == '+')) {
        negative = a.ptr[0] == '-';
        at = 1;
    }
    if (at == a.len)
        return false;
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;
    for (; at < a.len; at++) {
        if (a.ptr[at] < '0' || a.ptr[at] > '9')
            return false;
        uint64_t digit = (uint64_t)(a.ptr[at] - '0');
        if (value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool str_parse_double(struct str a, double *out)
{
    // strtod needs a terminated string and skips white space: both are kept out here.
    char text[512];
    if (a.len == 0 || a.len >= sizeof(text) || is_space(a.ptr[0]) || memchr(a.ptr, 0, a.len))
        return false;
    memcpy(text, a.ptr, a.len);
    text[a.len] = 0;
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end != text + a.len || (errno == ERANGE && (value > 1 || value < -1)))
        return false;
    *out = value;
    return true;
}

// Levenshtein's table, three rows of it: the swap of two neighbours looks two rows back.
size_t str_distance(struct str a, struct str b, size_t limit)
{
    enum { LONGEST = 255 };
    if (a.len > LONGEST || b.len > LONGEST)
        return limit;
    uint16_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = (uint16_t)j;
    for (size_t i = 1; i <= a.len; i++) {
        uint16_t *row = rows[i % 3];
        const uint16_t *above = rows[(i - 1) % 3];
        size_t least = row[0] = (uint16_t)i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = (size_t)above[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            if (above[j] + 1u < best)
                best = above[j] + 1u;
            if (row[j - 1] + 1u < best)
                best = row[j - 1] + 1u;
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                rows[(i - 2) % 3][j - 2] + 1u < best)
                best = rows[(i - 2) % 3][j - 2] + 1u;
            row[j] = (uint16_t)best;
            least = best < least ? best : least;
        }
        // Two rows of nothing but `limit` can only grow; one is not enough, because of swaps.
        if (least > limit)
            return limit;
    }
    size_t distance = rows[a.len % 3][b.len];
    return distance < limit ? distance : limit;
}
