// SPDX-License-Identifier: MIT
// A table gives, for each lead byte, the length and the range of the second byte; that range is
// what rules out overlong forms (E0, F0), surrogates (ED) and code points beyond U+10FFFF (F4).
#include "formats/utf8.h"
#include <emmintrin.h>

// Length of the sequence, or 0 when it is bad.
static size_t sequence_len(const unsigned char *p, size_t left)
{
    unsigned char lead = p[0];
    unsigned char low = 0x80, high = 0xBF;
    size_t len;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        len = 2;
    else if (lead >= 0xE0 && lead <= 0xEF)
        len = 3;
    else if (lead >= 0xF0 && lead <= 0xF4)
        len = 4;
    else
        return 0;
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    if (left < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool utf8_is_valid(const char *ptr, size_t len)
{
    const unsigned char *p = (const unsigned char *)ptr;
    const unsigned char *end = p + len;
    while (p < end) {
        if (end - p >= 16) {
            __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
            unsigned high = (unsigned)_mm_movemask_epi8(block);
            unsigned ascii = high == 0 ? 16 : (unsigned)__builtin_ctz(high);
            p += ascii;
            if (ascii == 16)
                continue;
        }
        size_t step = sequence_len(p, (size_t)(end - p));
        if (step == 0)
            return false;
        p += step;
    }
    return true;
}

size_t utf8_write(char *target, uint32_t code_point)
{
    unsigned char *p = (unsigned char *)target;
    if (code_point < 0x80) {
        p[0] = (unsigned char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        p[0] = (unsigned char)(0xC0 | code_point >> 6);
        p[1] = (unsigned char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        p[0] = (unsigned char)(0xE0 | code_point >> 12);
        p[1] = (unsigned char)(0x80 | (code_point >> 6 & 0x3F));
        p[2] = (unsigned char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    p[0] = (unsigned char)(0xF0 | code_point >> 18);
    p[1] = (unsigned char)(0x80 | (code_point >> 12 & 0x3F));
    p[2] = (unsigned char)(0x80 | (code_point >> 6 & 0x3F));
    p[3] = (unsigned char)(0x80 | (code_point & 0x3F));
    return 4;
}
