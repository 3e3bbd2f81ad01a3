// SPDX-License-Identifier: MIT
// Skipping checks as strictly as reading: a record is good or bad by its bytes, never by which
// columns somebody wants from it. Containers are skipped with a bit stack, not by recursion.
#include "formats/json_scan.h"
#include "formats/number_text.h"
#include "formats/utf8.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The four digits of \uXXXX, or -1. Stops at the first byte that is none, so it never reads far.
static int hex_unit(const char *p)
{
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_high_surrogate(int unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(int unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

// `p` is at a backslash. Returns behind the escape, or NULL.
static const char *escape_end(struct json_scan *scan, const char *p)
{
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        break;
    default:
        return json_fail(scan, FAULT_NOT_JSON);
    }
    int unit = hex_unit(p + 2);
    if (unit < 0)
        return json_fail(scan, FAULT_NOT_JSON);
    if (is_low_surrogate(unit))
        return json_fail(scan, FAULT_UTF8);
    if (!is_high_surrogate(unit))
        return p + 6;
    if (p + 6 < scan->end && (p[6] != '\\' || p[7] != 'u' || !is_low_surrogate(hex_unit(p + 8))))
        return json_fail(scan, FAULT_UTF8); // half a pair has no UTF-8 form
    return p + 12;
}

const char *json_string_end_slow(struct json_scan *scan, const char *at, bool *has_escape)
{
    while (at < scan->end) {
        if (*at == '"')
            return at;
        if (*at == '\\') {
            *has_escape = true;
            at = escape_end(scan, at);
            if (at == NULL)
                return NULL;
        } else if ((unsigned char)*at >= 0x80) {
            scan->has_non_ascii = true;
            at++;
        } else {
            return json_fail(scan, FAULT_NOT_JSON); // a raw control character
        }
        for (unsigned mask = 0; at < scan->end; at += 16) {
            mask = json_special_mask(at);
            if (mask != 0) {
                at += __builtin_ctz(mask);
                break;
            }
        }
    }
    return json_fail(scan, FAULT_NOT_JSON);
}

size_t json_unescape(const char *p, const char *close, char *target)
{
    char *out = target;
    while (p < close) {
        const char *slash = memchr(p, '\\', (size_t)(close - p));
        size_t plain = (size_t)((slash != NULL ? slash : close) - p);
        memcpy(out, p, plain);
        out += plain;
        p += plain;
        if (slash == NULL)
            break;
        static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
        const char *letter = strchr(letters, p[1]);
        if (p[1] != 'u') {
            *out++ = letter != NULL ? bytes[letter - letters] : p[1];
            p += 2;
            continue;
        }
        uint32_t point = (uint32_t)hex_unit(p + 2);
        p += 6;
        if (is_high_surrogate((int)point)) {
            point = 0x10000 + ((point - 0xD800) << 10) + ((uint32_t)hex_unit(p + 2) - 0xDC00);
            p += 6;
        }
        out += utf8_write(out, point);
    }
    return (size_t)(out - target);
}

const char *json_word(struct json_scan *scan, const char *p, const char *word)
{
    size_t len = strlen(word);
    if (memcmp(p, word, len) != 0)
        return json_fail(scan, FAULT_NOT_JSON);
    return p + len;
}

static const char *digits_end(const char *p, const char *end)
{
    while (p < end) {
        unsigned count = digits_count(digits_word(p));
        p += count;
        if (count < 8)
            break;
    }
    return p < end ? p : end; // digits behind the payload are none of it
}

const char *json_number_end(struct json_scan *scan, const char *p)
{
    const char *end = scan->end;
    p += *p == '-';
    const char *first = p;
    p = digits_end(p, end);
    if (p == first || (*first == '0' && p > first + 1))
        return json_fail(scan, FAULT_NOT_JSON);
    if (*p == '.') {
        first = ++p;
        p = digits_end(p, end);
        if (p == first)
            return json_fail(scan, FAULT_NOT_JSON);
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        first = p;
        p = digits_end(p, end);
        if (p == first)
            return json_fail(scan, FAULT_NOT_JSON);
    }
    return p;
}

static const char *scalar_skip(struct json_scan *scan, const char *p)
{
    bool has_escape;
    switch (*p) {
    case '"':
        p = json_string_end(scan, p + 1, &has_escape);
        return p == NULL ? NULL : p + 1;
    case 't':
        return json_word(scan, p, "true");
    case 'f':
        return json_word(scan, p, "false");
    case 'n':
        return json_word(scan, p, "null");
    default:
        return json_number_end(scan, p);
    }
}

// Behind '{' or ',' of an object: the key and its colon.
static const char *key_skip(struct json_scan *scan, const char *p)
{
    bool has_escape;
    p = json_space(p, scan->end);
    if (p >= scan->end || *p != '"')
        return json_fail(scan, FAULT_NOT_JSON);
    p = json_string_end(scan, p + 1, &has_escape);
    if (p == NULL)
        return NULL;
    p = json_space(p + 1, scan->end);
    if (p >= scan->end || *p != ':')
        return json_fail(scan, FAULT_NOT_JSON);
    return p + 1;
}

// Bit d of `objects` tells whether the container at depth d (0 = the outermost skipped) is an
// object.
struct nesting {
    uint64_t objects[JSON_DEPTH_MAX / 64];
    unsigned depth;
};

static bool nesting_push(struct nesting *nesting, struct json_scan *scan, bool object)
{
    if (scan->depth + nesting->depth >= JSON_DEPTH_MAX) {
        json_fail(scan, FAULT_DEEP);
        return false;
    }
    uint64_t bit = UINT64_C(1) << (nesting->depth & 63);
    uint64_t *word = &nesting->objects[nesting->depth >> 6];
    *word = object ? *word | bit : *word & ~bit;
    nesting->depth++;
    return true;
}

static bool nesting_is_object(const struct nesting *nesting)
{
    unsigned top = nesting->depth - 1;
    return (nesting->objects[top >> 6] >> (top & 63) & 1) != 0;
}

// `p` is behind a value: closes containers, stops behind the next comma's key. *done when the
// outermost one is closed.
static const char *after_value(struct json_scan *scan, struct nesting *nesting, const char *p)
{
    while (nesting->depth > 0) {
        p = json_space(p, scan->end);
        if (p >= scan->end)
            return json_fail(scan, FAULT_NOT_JSON);
        bool object = nesting_is_object(nesting);
        if (*p == ',')
            return object ? key_skip(scan, p + 1) : p + 1;
        if (*p != (object ? '}' : ']'))
            return json_fail(scan, FAULT_NOT_JSON);
        p++;
        nesting->depth--;
    }
    return p;
}

static const char *container_skip(struct json_scan *scan, const char *p)
{
    struct nesting nesting = {.depth = 0};
    do {
        p = json_space(p, scan->end);
        if (p >= scan->end)
            return json_fail(scan, FAULT_NOT_JSON);
        if (*p == '{' || *p == '[') {
            bool object = *p == '{';
            if (!nesting_push(&nesting, scan, object))
                return NULL;
            p = json_space(p + 1, scan->end);
            if (p >= scan->end)
                return json_fail(scan, FAULT_NOT_JSON);
            if (*p != (object ? '}' : ']')) {
                p = object ? key_skip(scan, p) : p;
                if (p == NULL)
                    return NULL;
                continue;
            }
        } else {
            p = scalar_skip(scan, p);
        }
        if (p != NULL)
            p = after_value(scan, &nesting, p);
        if (p == NULL)
            return NULL;
    } while (nesting.depth > 0);
    return p;
}

const char *json_skip(struct json_scan *scan, const char *p)
{
    return *p == '{' || *p == '[' ? container_skip(scan, p) : scalar_skip(scan, p);
}
