// SPDX-License-Identifier: MIT
// JSON below the level of columns: strings, literals, and skipping a value while checking it. All
// functions take a position and return the one behind what they read, or NULL with `fault` set.
//
// Bounds: payloads are followed by 64 readable bytes of unknown content, so a position may run past
// `end` by less than that before it is checked. Every loop checks; so does the caller after a
// value.
#ifndef FIRESTEEL_JSON_SCAN_H
#define FIRESTEEL_JSON_SCAN_H

#include "base/arena.h"
#include "formats/fault.h"
#include <emmintrin.h>
#include <string.h>

#define JSON_DEPTH_MAX 128

struct json_scan {
    const char *end;
    enum fault fault;
    unsigned depth;     // containers that are open
    bool has_non_ascii; // then the payload's UTF-8 must be checked
};

static inline const char *json_fail(struct json_scan *scan, enum fault fault)
{
    if (scan->fault == FAULT_NONE)
        scan->fault = fault;
    return NULL;
}

// Bit i set: byte i ends a plain run of string bytes: quote, backslash, control, or not ASCII.
static inline unsigned json_special_mask(const char *p)
{
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    // Signed: bytes from 0x80 on are negative, so one compare finds them and the controls.
    __m128i other = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), other));
}

// `p` is behind the opening quote, `at` where the plain run ended. Returns the closing quote;
// checks escapes (surrogate pairs too).
const char *json_string_end_slow(struct json_scan *scan, const char *at, bool *has_escape);

// Returns the closing quote of the string whose content begins at `p`.
static inline const char *json_string_end(struct json_scan *scan, const char *p, bool *has_escape)
{
    unsigned mask = json_special_mask(p);
    while (UNLIKELY(mask == 0)) {
        p += 16;
        if (p >= scan->end)
            return json_fail(scan, FAULT_NOT_JSON);
        mask = json_special_mask(p);
    }
    p += __builtin_ctz(mask);
    *has_escape = false;
    if (LIKELY(*p == '"' && p < scan->end))
        return p;
    return json_string_end_slow(scan, p, has_escape);
}

// Content of a checked string without its escapes; `target` has room for `close - p` bytes.
size_t json_unescape(const char *p, const char *close, char *target);

static inline const char *json_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

// A value of any kind, checked to the last byte.
const char *json_skip(struct json_scan *scan, const char *p);
// "null", "true", "false": the word at `p` or NULL.
const char *json_word(struct json_scan *scan, const char *p, const char *word);
// A number by the grammar, its end not looked at further.
const char *json_number_end(struct json_scan *scan, const char *p);

#endif
