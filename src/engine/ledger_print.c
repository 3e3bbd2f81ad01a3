// SPDX-License-Identifier: MIT
// The ledger for people and for machines. People get a table of what is there (columns without any
// row are left out), the rejections by constraint, and for each source its sum written out, so that
// it can be added up by hand.
#include "engine/ledger_entry.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COLUMN_REJECTED LEDGER_TERMS // after the terms
#define COLUMNS (LEDGER_TERMS + 1)

static const char *const column_names[COLUMNS] = {
    [LEDGER_ROWS_IN] = "rows in",   [LEDGER_PASSED] = "passed",
    [LEDGER_FILTERED] = "filtered", [LEDGER_DUPLICATE] = "duplicate",
    [LEDGER_LATE] = "late",         [LEDGER_UNDECODABLE] = "undecodable",
    [LEDGER_IN_STATE] = "in state", [LEDGER_MADE] = "made",
    [LEDGER_ROWS_OUT] = "rows out", [LEDGER_WARNED] = "warned",
    [COLUMN_REJECTED] = "rejected",
};
static const char *const json_names[COLUMNS] = {
    [LEDGER_ROWS_IN] = "rows_in",   [LEDGER_PASSED] = "passed",
    [LEDGER_FILTERED] = "filtered", [LEDGER_DUPLICATE] = "duplicate",
    [LEDGER_LATE] = "late",         [LEDGER_UNDECODABLE] = "undecodable",
    [LEDGER_IN_STATE] = "in_state", [LEDGER_MADE] = "made",
    [LEDGER_ROWS_OUT] = "rows_out", [LEDGER_WARNED] = "warned",
    [COLUMN_REJECTED] = "rejected",
};
// As a row meets them on its way.
static const int column_order[COLUMNS] = {
    LEDGER_ROWS_IN,   LEDGER_UNDECODABLE, COLUMN_REJECTED, LEDGER_FILTERED,
    LEDGER_DUPLICATE, LEDGER_LATE,        LEDGER_IN_STATE, LEDGER_PASSED,
    LEDGER_MADE,      LEDGER_ROWS_OUT,    LEDGER_WARNED,
};

// 1234567 -> "1,234,567". buffer >= 32 bytes.
static const char *grouped(int64_t value, char *buffer)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, value);
    int sign = value < 0, at = 0;
    for (int i = 0; i < len; i++) {
        if (i > sign && (len - i) % 3 == 0)
            buffer[at++] = ',';
        buffer[at++] = digits[i];
    }
    buffer[at] = 0;
    return buffer;
}

static int64_t cell(const struct ledger *ledger, size_t entry, int column)
{
    return column == COLUMN_REJECTED ? ledger_rejected_sum(ledger, (int)entry)
                                     : ledger_value(ledger, (int)entry, (enum ledger_term)column);
}

static size_t name_width(const struct ledger *ledger)
{
    size_t width = 8;
    for (size_t i = 0; i < ledger->len; i++)
        if (ledger->entries[i].entry.name.len > width)
            width = ledger->entries[i].entry.name.len;
    return width;
}

static bool is_column_shown(const struct ledger *ledger, int column)
{
    if (column == LEDGER_ROWS_IN || column == LEDGER_PASSED || column == LEDGER_ROWS_OUT)
        return true;
    // `made` differs from `rows out` only by rejections; alone it says nothing new.
    for (size_t i = 0; column != LEDGER_MADE && i < ledger->len; i++)
        if (cell(ledger, i, column) != 0)
            return true;
    for (size_t i = 0; column == LEDGER_MADE && i < ledger->len; i++)
        if (cell(ledger, i, LEDGER_MADE) != 0 && ledger_rejected_sum(ledger, (int)i) != 0)
            return true;
    return false;
}

static void print_table(const struct ledger *ledger, struct buf *out)
{
    char text[32];
    int width = (int)name_width(ledger);
    buf_print(out, "%-*s", width, "relation");
    for (int c = 0; c < COLUMNS; c++)
        if (is_column_shown(ledger, column_order[c]))
            buf_print(out, "  %13s", column_names[column_order[c]]);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < ledger->len; i++) {
        struct str name = ledger->entries[i].entry.name;
        buf_print(out, "%-*.*s", width, STR_ARGS(name));
        for (int c = 0; c < COLUMNS; c++)
            if (is_column_shown(ledger, column_order[c]))
                buf_print(out, "  %13s", grouped(cell(ledger, i, column_order[c]), text));
        buf_add_char(out, '\n');
    }
}

static void print_rejections(const struct ledger *ledger, struct buf *out)
{
    char text[32];
    for (size_t i = 0; i < ledger->len; i++) {
        const struct ledger_entry *entry = &ledger->entries[i].entry;
        for (size_t c = 0; c < entry->constraints_len; c++) {
            int64_t rows = ledger_rejected(ledger, (int)i, c);
            if (rows != 0)
                buf_print(out, "%.*s: constraint %.*s rejected %s\n", STR_ARGS(entry->name),
                          STR_ARGS(entry->constraints[c]), grouped(rows, text));
        }
    }
}

// "events: 1,000 rows in = 10 undecodable + 20 rejected + 970 passed"
static void print_sum(const struct ledger *ledger, size_t entry, struct buf *out)
{
    char text[32];
    struct str name = ledger->entries[entry].entry.name;
    buf_print(out, "%.*s: %s rows in =", STR_ARGS(name),
              grouped(cell(ledger, entry, LEDGER_ROWS_IN), text));
    const char *plus = " ";
    for (int c = 0; c < COLUMNS; c++) {
        int column = column_order[c];
        if (column == LEDGER_ROWS_IN || column == LEDGER_MADE || column == LEDGER_ROWS_OUT ||
            column == LEDGER_WARNED)
            continue;
        int64_t rows = cell(ledger, entry, column);
        if (rows == 0 && column != LEDGER_PASSED)
            continue;
        buf_print(out, "%s%s %s", plus, grouped(rows, text), column_names[column]);
        plus = " + ";
    }
    buf_add_char(out, '\n');
}

void ledger_print(const struct ledger *ledger, struct buf *out)
{
    print_table(ledger, out);
    print_rejections(ledger, out);
    for (size_t i = 0; i < ledger->len; i++)
        if (ledger->entries[i].entry.from < 0 && !ledger->entries[i].entry.is_sink)
            print_sum(ledger, i, out);
    AUTO(buf_clear) struct buf problems = {0};
    if (ledger_check(ledger, &problems))
        buf_print(out, "the ledger balances\n");
    else
        buf_print(out, "THE LEDGER DOES NOT BALANCE\n%.*s\n", STR_ARGS(buf_str(&problems)));
}

void ledger_print_json(const struct ledger *ledger, struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < ledger->len; i++) {
        const struct ledger_entry *entry = &ledger->entries[i].entry;
        buf_add_cstr(out, i > 0 ? ",{\"relation\":" : "{\"relation\":");
        buf_add_json_string(out, entry->name);
        if (entry->from >= 0) {
            buf_add_cstr(out, ",\"from\":");
            buf_add_json_string(out, ledger->entries[entry->from].entry.name);
        }
        for (int c = 0; c < COLUMNS; c++)
            if (column_order[c] != COLUMN_REJECTED)
                buf_print(out, ",\"%s\":%" PRId64, json_names[column_order[c]],
                          cell(ledger, i, column_order[c]));
        buf_add_cstr(out, ",\"rejected\":{");
        for (size_t c = 0; c < entry->constraints_len; c++) {
            buf_add_cstr(out, c > 0 ? "," : "");
            buf_add_json_string(out, entry->constraints[c]);
            buf_print(out, ":%" PRId64, ledger_rejected(ledger, (int)i, c));
        }
        buf_add_cstr(out, "}}");
    }
    buf_add_char(out, ']');
}
