// SPDX-License-Identifier: MIT
// Is this text UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF?
// DuckDB turns bad strings into NULL silently, and we hand it strings without a copy: we must ask.
#ifndef FIRESTEEL_UTF8_H
#define FIRESTEEL_UTF8_H

#include "base/str.h"

bool utf8_is_valid(const char *ptr, size_t len);
// Writes one code point (not a surrogate), returns its length 1..4.
size_t utf8_write(char *target, uint32_t code_point);

#endif
