// SPDX-License-Identifier: MIT
// A string that somebody else owns: pointer and length, not terminated by zero. Never freed.
#ifndef FIRESTEEL_STR_H
#define FIRESTEEL_STR_H

#include "base/base.h"

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
// For printf: printf("%.*s", STR_ARGS(s))
#define STR_ARGS(s) (int)(s).len, (s).ptr

struct str str_of(const char *zero_terminated); // NULL gives the empty string
bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b); // ASCII only, as SQL identifiers compare here
bool str_is(struct str a, const char *zero_terminated);
bool str_starts(struct str a, const char *prefix);
bool str_ends(struct str a, const char *suffix);
int str_compare(struct str a, struct str b); // byte order, as memcmp, then length
struct str str_trim(struct str a);           // without white space at both ends
struct str str_slice(struct str a, size_t from, size_t to);
// Position of the first `c`, or -1.
int64_t str_find(struct str a, char c);
bool str_parse_int64(struct str a, int64_t *out); // whole string, decimal, optional sign
bool str_parse_double(struct str a, double *out); // whole string
// Number of single-character edits between both (a swap of neighbours is one), for "did you mean";
// stops counting at `limit`, and gives that.
size_t str_distance(struct str a, struct str b, size_t limit);

#endif
