// SPDX-License-Identifier: MIT
// Bytes that grow by doubling, and the little-endian encoding that journal, segment and position
// share. Fixed widths, no variable-length integers: a frame is checked by its CRC, and simple
// decoding matters more there than a few bytes.
#include "base/buf.h"
#include "base/arena.h"
#include <stdio.h>
#include <string.h>

void buf_clear(struct buf *buf)
{
    heap_free(buf->ptr);
    *buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
}

void buf_reserve(struct buf *buf, size_t more)
{
    if (more <= buf->capacity - buf->len)
        return;
    ASSERT(more < SIZE_MAX / 4 && buf->len < SIZE_MAX / 4);
    size_t capacity = buf->capacity < 64 ? 64 : buf->capacity * 2;
    if (capacity < buf->len + more)
        capacity = buf->len + more;
    buf->ptr = heap_resize(buf->ptr, capacity);
    buf->capacity = capacity;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    buf_reserve(buf, len);
    memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
}

void buf_add_str(struct buf *buf, struct str s)
{
    buf_add(buf, s.ptr, s.len);
}

void buf_add_cstr(struct buf *buf, const char *s)
{
    buf_add(buf, s, strlen(s));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_reserve(buf, 1);
    buf->ptr[buf->len++] = c;
}

void buf_print(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buf_vprint(buf, format, arguments);
    va_end(arguments);
}

void buf_vprint(struct buf *buf, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    buf_reserve(buf, 64);
    size_t room = buf->capacity - buf->len;
    int len = vsnprintf(buf->ptr + buf->len, room, format, arguments);
    ASSERT(len >= 0);
    if ((size_t)len >= room) {
        buf_reserve(buf, (size_t)len + 1);
        vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, again);
    }
    va_end(again);
    buf->len += (size_t)len;
}

const char *buf_cstr(struct buf *buf)
{
    buf_reserve(buf, 1);
    buf->ptr[buf->len] = 0;
    return buf->ptr;
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->ptr == NULL ? "" : buf->ptr, buf->len};
}

// Byte by byte, so that the encoding is the same on every machine; compilers make one store of it.
static void add_little(struct buf *buf, uint64_t value, size_t len)
{
    buf_reserve(buf, len);
    for (size_t i = 0; i < len; i++)
        buf->ptr[buf->len + i] = (char)(unsigned char)(value >> (8 * i));
    buf->len += len;
}

void buf_add_u8(struct buf *buf, uint8_t value)
{
    add_little(buf, value, 1);
}

void buf_add_u32(struct buf *buf, uint32_t value)
{
    add_little(buf, value, 4);
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
    add_little(buf, value, 8);
}

void buf_add_i64(struct buf *buf, int64_t value)
{
    add_little(buf, (uint64_t)value, 8);
}

void buf_add_double(struct buf *buf, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    add_little(buf, bits, 8);
}

void buf_add_bytes(struct buf *buf, struct str s)
{
    ASSERT(s.len <= UINT32_MAX);
    buf_add_u32(buf, (uint32_t)s.len);
    buf_add_str(buf, s);
}

void buf_add_json_string(struct buf *buf, struct str s)
{
    buf_add_char(buf, '"');
    size_t plain = 0; // start of the run that needs no escape
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        buf_add(buf, s.ptr + plain, i - plain);
        plain = i + 1;
        switch (c) {
        case '"':
            buf_add_cstr(buf, "\\\"");
            break;
        case '\\':
            buf_add_cstr(buf, "\\\\");
            break;
        case '\n':
            buf_add_cstr(buf, "\\n");
            break;
        case '\r':
            buf_add_cstr(buf, "\\r");
            break;
        case '\t':
            buf_add_cstr(buf, "\\t");
            break;
        default:
            buf_print(buf, "\\u%04x", c);
        }
    }
    if (plain < s.len)
        buf_add(buf, s.ptr + plain, s.len - plain);
    buf_add_char(buf, '"');
}

static void add_doubled(struct buf *buf, struct str s, char quote)
{
    buf_add_char(buf, quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == quote)
            buf_add_char(buf, quote);
        buf_add_char(buf, s.ptr[i]);
    }
    buf_add_char(buf, quote);
}

void buf_add_sql_string(struct buf *buf, struct str s)
{
    add_doubled(buf, s, '\'');
}

void buf_add_sql_name(struct buf *buf, struct str s)
{
    add_doubled(buf, s, '"');
}

struct reader reader_of(struct str s)
{
    return (struct reader){.ptr = s.ptr, .len = s.len};
}

static uint64_t read_little(struct reader *reader, size_t len)
{
    struct str bytes = reader_raw(reader, len);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value |= (uint64_t)(unsigned char)bytes.ptr[i] << (8 * i);
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)read_little(reader, 1);
}

uint32_t reader_u32(struct reader *reader)
{
    return (uint32_t)read_little(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
    return read_little(reader, 8);
}

int64_t reader_i64(struct reader *reader)
{
    return (int64_t)read_little(reader, 8);
}

double reader_double(struct reader *reader)
{
    uint64_t bits = read_little(reader, 8);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

struct str reader_bytes(struct reader *reader)
{
    uint32_t len = reader_u32(reader);
    return reader_raw(reader, len);
}

struct str reader_raw(struct reader *reader, size_t len)
{
    // Once bad, always bad: a field after the broken one must not be taken for a good one.
    if (reader->bad || len > reader->len - reader->at) {
        reader->bad = true;
        return (struct str){"", 0};
    }
    struct str bytes = {reader->ptr + reader->at, len};
    reader->at += len;
    return bytes;
}

bool reader_is_done(const struct reader *reader)
{
    return !reader->bad && reader->at == reader->len;
}
