// SPDX-License-Identifier: MIT
// A growing run of bytes: text being built, a frame being encoded. Zeroed = empty and valid.
// Little-endian encoders are here too, since journal, segment and position all use them.
#ifndef FIRESTEEL_BUF_H
#define FIRESTEEL_BUF_H

#include "base/str.h"
#include <stdarg.h>

struct buf {
    char *ptr; // not zero-terminated; buf_cstr terminates
    size_t len;
    size_t capacity;
};

void buf_clear(struct buf *buf); // frees; the buf is then empty and valid
void buf_reset(struct buf *buf); // empties, keeps the memory
void buf_reserve(struct buf *buf, size_t more);
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_str(struct buf *buf, struct str s);
void buf_add_cstr(struct buf *buf, const char *s);
void buf_add_char(struct buf *buf, char c);
void buf_print(struct buf *buf, const char *format, ...) PRINTF(2, 3);
void buf_vprint(struct buf *buf, const char *format, va_list arguments) PRINTF(2, 0);
const char *buf_cstr(struct buf *buf); // terminated by zero, owned by the buf
struct str buf_str(const struct buf *buf);

void buf_add_u8(struct buf *buf, uint8_t value);
void buf_add_u32(struct buf *buf, uint32_t value);
void buf_add_u64(struct buf *buf, uint64_t value);
void buf_add_i64(struct buf *buf, int64_t value);
void buf_add_double(struct buf *buf, double value);
void buf_add_bytes(struct buf *buf, struct str s); // u32 length, then the bytes
// Text helpers for the outputs that escape: "..." as JSON, '...' as SQL, "..." as an identifier.
void buf_add_json_string(struct buf *buf, struct str s);
void buf_add_sql_string(struct buf *buf, struct str s);
void buf_add_sql_name(struct buf *buf, struct str s);

// The reading side: a cursor over bytes. Reading past the end sets `bad` and gives zeros; check
// `bad` once at the end instead of after each field.
struct reader {
    const char *ptr;
    size_t len;
    size_t at;
    bool bad;
};
struct reader reader_of(struct str s);
uint8_t reader_u8(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
int64_t reader_i64(struct reader *reader);
double reader_double(struct reader *reader);
struct str reader_bytes(struct reader *reader); // borrowed from the input
struct str reader_raw(struct reader *reader, size_t len);
bool reader_is_done(const struct reader *reader); // all read and nothing bad

#endif
