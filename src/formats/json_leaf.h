// SPDX-License-Identifier: MIT
// The leaves that decide the speed of the decoder: integers, doubles, texts and timestamps in the
// form that nearly every record has them. What they do not expect goes to json_scalar_read, which
// begins again and knows every case; so nothing here decides that a value is bad.
#ifndef FIRESTEEL_JSON_LEAF_H
#define FIRESTEEL_JSON_LEAF_H

#include "formats/json_value.h"
#include "formats/number_text.h"

// One digit run of at most 16 that ends the number; NULL sends everything else the slow way.
static inline const char *integer_fast(const char *p, int64_t *value)
{
    bool negative = *p == '-';
    p += negative;
    uint64_t word = digits_word(p);
    unsigned count = digits_count(word);
    if (UNLIKELY(count == 0 || ((*p == '0') & (count > 1))))
        return NULL;
    uint64_t size = digits_value(word, count);
    p += count;
    if (UNLIKELY(count == 8)) {
        static const uint32_t scale[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
        word = digits_word(p);
        count = digits_count(word);
        if (count == 8)
            return NULL;
        if (count > 0)
            size = size * scale[count] + digits_value(word, count);
        p += count;
    }
    if (UNLIKELY(*p == '.' || (*p | 0x20) == 'e'))
        return NULL;
    int64_t sign = -(int64_t)negative; // no branch: signs are hard to predict
    *value = ((int64_t)size ^ sign) - sign;
    return p;
}

static inline const char *integer_read(struct json_reader *reader, struct json_node *node,
                                       const char *p, size_t row)
{
    int64_t value;
    const char *behind = integer_fast(p, &value);
    if (UNLIKELY(behind == NULL || value < node->min || value > node->max))
        return json_scalar_read(reader, node, p, row);
    integer_store(node->vector->data, row, node->cell_bytes, value);
    vector_set_present(node->vector, row);
    return behind;
}

// Up to eight digits on each side of the point, exact by one division; NULL: the slow way.
static inline const char *double_fast(const char *p, double *value)
{
    bool negative = *p == '-';
    p += negative;
    uint64_t word = digits_word(p);
    unsigned count = digits_count(word);
    if (UNLIKELY((count == 0) | (count == 8) | ((*p == '0') & (count > 1))))
        return NULL;
    uint64_t mantissa = digits_value(word, count);
    p += count;
    double size = (double)mantissa;
    if (LIKELY(*p == '.')) {
        static const uint32_t scale[9] = {1,      10,      100,      1000,     10000,
                                          100000, 1000000, 10000000, 100000000};
        word = digits_word(p + 1);
        count = digits_count(word);
        p += 1 + count;
        if (UNLIKELY(count == 0 || (unsigned char)(*p - '0') <= 9))
            return NULL;
        mantissa = mantissa * scale[count] + digits_value(word, count);
        size = (double)mantissa / power_of_ten[count]; // mantissa < 10^15 < 2^53
    }
    if (UNLIKELY((*p | 0x20) == 'e'))
        return NULL;
    uint64_t bits;
    memcpy(&bits, &size, sizeof(bits));
    bits |= (uint64_t)negative << 63; // no branch: signs are hard to predict
    memcpy(value, &bits, sizeof(bits));
    return p;
}

static inline const char *double_read(struct json_reader *reader, struct json_node *node,
                                      const char *p, size_t row)
{
    double *cell = (double *)node->vector->data + row;
    const char *behind = double_fast(p, cell);
    if (UNLIKELY(behind == NULL)) {
        behind = json_double_long(p, reader->scan.end, cell);
        if (behind == NULL)
            return json_scalar_read(reader, node, p, row);
    }
    vector_set_present(node->vector, row);
    return behind;
}

// string_cell_of without a call and without a branch on the length, which is hard to predict: 16
// bytes are read (there is padding), the ones behind the text are masked away.
static inline void string_store(struct string_cell *cell, const char *p, uint32_t len)
{
    static const unsigned char keep[32] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    };
    uint32_t kept = len < 12 ? len : 12;
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i mask = _mm_loadu_si128((const __m128i *)(const void *)(keep + 16 - kept));
    text = _mm_slli_si128(_mm_and_si128(text, mask), 4);
    uint64_t head = (uint64_t)_mm_cvtsi128_si64(text) | len;
    uint64_t tail = (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(text, text));
    uint64_t pointer = (uint64_t)(uintptr_t)p;
    tail = len <= 12 ? tail : pointer;
    memcpy(cell, &head, sizeof(head));
    memcpy((char *)cell + 8, &tail, sizeof(tail));
}

static inline const char *text_read(struct json_reader *reader, struct json_node *node,
                                    const char *p, size_t row)
{
    if (UNLIKELY(*p != '"'))
        return json_scalar_read(reader, node, p, row);
    bool has_escape;
    const char *close = json_string_end(&reader->scan, p + 1, &has_escape);
    if (UNLIKELY(close == NULL || has_escape))
        return close == NULL ? NULL : json_scalar_read(reader, node, p, row);
    string_store((struct string_cell *)node->vector->data + row, p + 1, (uint32_t)(close - p - 1));
    vector_set_present(node->vector, row);
    return close + 1;
}

static inline const char *timestamp_read(struct json_reader *reader, struct json_node *node,
                                         const char *p, size_t row)
{
    if (UNLIKELY(*p != '"'))
        return json_scalar_read(reader, node, p, row);
    bool has_escape;
    const char *close = json_string_end(&reader->scan, p + 1, &has_escape);
    if (UNLIKELY(close == NULL || has_escape))
        return close == NULL ? NULL : json_scalar_read(reader, node, p, row);
    if (UNLIKELY(!timestamp_parse(p + 1, (size_t)(close - p - 1), &reader->days,
                                  (int64_t *)node->vector->data + row)))
        json_problem(reader, node, row, FAULT_TIMESTAMP);
    else
        vector_set_present(node->vector, row);
    return close + 1;
}

#endif
