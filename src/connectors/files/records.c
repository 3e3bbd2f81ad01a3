// SPDX-License-Identifier: MIT
// Lines are found with memchr, which runs at memory speed. A CSV record takes the slow way, byte by
// byte, only from a line with a quote on: a quote opens a quoted part at the begin of a field, and
// there a line break is content. Which of , ; tab | separates fields is the decoder's business, so
// a quote after any of them counts.
#include "connectors/files/records.h"

#include <string.h>

static bool opens_field(const char *record, const char *at)
{
    return at == record || at[-1] == ',' || at[-1] == ';' || at[-1] == '\t' || at[-1] == '|' ||
           at[-1] == '\n';
}

static size_t csv_record_end(const char *buffer, size_t from, size_t len, int64_t *lines)
{
    bool quoted = false;
    const char *record = buffer + from, *end = buffer + len;
    for (const char *at = record; at < end; at++) {
        if (*at == '"') {
            if (quoted && at + 1 < end && at[1] == '"')
                at++;
            else if (quoted || opens_field(record, at))
                quoted = !quoted;
        } else if (*at == '\n') {
            ++*lines;
            if (!quoted)
                return (size_t)(at + 1 - buffer);
        }
    }
    return SIZE_MAX;
}

size_t record_end(const char *buffer, size_t from, size_t len, struct record_style style,
                  int64_t *lines)
{
    const char *end = memchr(buffer + from, '\n', len - from);
    if (style.is_csv) {
        size_t line_len = end != NULL ? (size_t)(end - buffer) - from : len - from;
        if (memchr(buffer + from, '"', line_len) != NULL)
            return csv_record_end(buffer, from, len, lines);
    }
    if (end == NULL)
        return SIZE_MAX;
    ++*lines;
    return (size_t)(end + 1 - buffer);
}

size_t records_cut(struct batch *batch, const char *buffer, size_t from, size_t len,
                   struct record_style style, bool is_last, uint32_t partition, size_t rows_max,
                   int64_t *line)
{
    while (from < len && batch->rows < rows_max) {
        int64_t lines = 0;
        size_t next = record_end(buffer, from, len, style, &lines);
        size_t text_len;
        if (next != SIZE_MAX) {
            text_len = next - 1 - from;
        } else if (is_last) {
            next = len;
            text_len = len - from;
            lines++;
        } else {
            break;
        }
        if (text_len > 0 && buffer[from + text_len - 1] == '\r')
            text_len--;
        if (text_len > 0 || style.keeps_blank)
            batch_add(batch, buffer + from, text_len, partition, *line + 1);
        *line += lines;
        from = next;
    }
    return from;
}
