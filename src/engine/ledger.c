// SPDX-License-Identifier: MIT
// Counting rows, checking the sums, and keeping the counts over restarts (contract and sums:
// ledger.h; printing: ledger_print.c). Slots of an entry lie together: its terms, then its
// constraints. After a changed pipeline a new consumer has not seen what its input gave out before:
// each entry remembers how much that was (`missed`), so that the sums hold again from the start.
#include "engine/ledger_entry.h"
#include <inttypes.h>

struct ledger *ledger_new(void)
{
    return heap_new(sizeof(struct ledger));
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    arena_clear(&ledger->names);
    heap_free(ledger->entries);
    heap_free(ledger->counts);
    heap_free(ledger);
}

int ledger_add_entry(struct ledger *ledger, const struct ledger_entry *entry)
{
    if (ledger->len == ledger->capacity) {
        ledger->capacity = ledger->capacity == 0 ? 16 : ledger->capacity * 2;
        ledger->entries = heap_resize(ledger->entries, ledger->capacity * sizeof(*ledger->entries));
    }
    struct ledger_line *line = &ledger->entries[ledger->len];
    *line = (struct ledger_line){.entry = *entry, .first_slot = ledger->slots_len};
    line->entry.name = arena_str(&ledger->names, entry->name);
    struct str *constraints = ARENA_ARRAY(&ledger->names, struct str, entry->constraints_len);
    for (size_t i = 0; i < entry->constraints_len; i++)
        constraints[i] = arena_str(&ledger->names, entry->constraints[i]);
    line->entry.constraints = constraints;
    ledger->slots_len += LEDGER_TERMS + entry->constraints_len;
    ledger->counts = heap_resize(ledger->counts, ledger->slots_len * sizeof(*ledger->counts));
    for (size_t i = line->first_slot; i < ledger->slots_len; i++)
        ledger->counts[i] = 0;
    return (int)ledger->len++;
}

size_t ledger_entries_len(const struct ledger *ledger)
{
    return ledger->len;
}

const struct ledger_entry *ledger_entry(const struct ledger *ledger, int entry)
{
    ASSERT(entry >= 0 && (size_t)entry < ledger->len);
    return &ledger->entries[entry].entry;
}

int ledger_find(const struct ledger *ledger, struct str name)
{
    for (size_t i = 0; i < ledger->len; i++)
        if (str_equal(ledger->entries[i].entry.name, name))
            return (int)i;
    return -1;
}

size_t ledger_slot(const struct ledger *ledger, int entry, enum ledger_term term)
{
    ASSERT(entry >= 0 && (size_t)entry < ledger->len && term < LEDGER_TERMS);
    return ledger->entries[entry].first_slot + (size_t)term;
}

size_t ledger_rejected_slot(const struct ledger *ledger, int entry, size_t constraint)
{
    ASSERT(constraint < ledger_entry(ledger, entry)->constraints_len);
    return ledger->entries[entry].first_slot + LEDGER_TERMS + constraint;
}

size_t ledger_slots_len(const struct ledger *ledger)
{
    return ledger->slots_len;
}

int64_t *ledger_lane_new(const struct ledger *ledger)
{
    return heap_array(ledger->slots_len + 1, sizeof(int64_t));
}

void ledger_merge(struct ledger *ledger, int64_t *lane)
{
    for (size_t i = 0; i < ledger->slots_len; i++) {
        ledger->counts[i] += lane[i];
        lane[i] = 0;
    }
}

void ledger_count(struct ledger *ledger, int entry, enum ledger_term term, int64_t rows)
{
    ledger->counts[ledger_slot(ledger, entry, term)] += rows;
}

void ledger_count_rejected(struct ledger *ledger, int entry, size_t constraint, int64_t rows)
{
    ledger->counts[ledger_rejected_slot(ledger, entry, constraint)] += rows;
}

void ledger_set(struct ledger *ledger, int entry, enum ledger_term term, int64_t rows)
{
    ledger->counts[ledger_slot(ledger, entry, term)] = rows;
}

int64_t ledger_value(const struct ledger *ledger, int entry, enum ledger_term term)
{
    return ledger->counts[ledger_slot(ledger, entry, term)];
}

int64_t ledger_rejected(const struct ledger *ledger, int entry, size_t constraint)
{
    return ledger->counts[ledger_rejected_slot(ledger, entry, constraint)];
}

int64_t ledger_rejected_sum(const struct ledger *ledger, int entry)
{
    int64_t sum = 0;
    for (size_t i = 0; i < ledger_entry(ledger, entry)->constraints_len; i++)
        sum += ledger_rejected(ledger, entry, i);
    return sum;
}

// Rows that the entry's inputs gave out so far, as they counted them.
static int64_t rows_given(const struct ledger *ledger, int entry)
{
    const struct ledger_entry *line = ledger_entry(ledger, entry);
    int64_t given = line->from < 0 ? 0 : ledger_value(ledger, line->from, LEDGER_ROWS_OUT);
    for (size_t i = 0; line->is_sink && i < ledger->len; i++)
        if (ledger->entries[i].entry.late_into == entry)
            given += ledger_value(ledger, (int)i, LEDGER_LATE);
    return given;
}

// A sink whose input is counted elsewhere (upserts of EMIT CHANGES repeat rows) has no such sum.
static bool has_input(const struct ledger *ledger, int entry)
{
    if (ledger_entry(ledger, entry)->from >= 0)
        return true;
    for (size_t i = 0; i < ledger->len; i++)
        if (ledger->entries[i].entry.late_into == entry)
            return true;
    return false;
}

static bool note(struct buf *problems, bool holds, const struct ledger_entry *line,
                 const char *left_name, int64_t left, const char *right_name, int64_t right)
{
    if (!holds && problems != NULL)
        buf_print(problems,
                  "%s%.*s: %s is %" PRId64 ", but %s is %" PRId64 " (difference %" PRId64 ")",
                  problems->len > 0 ? "\n" : "", STR_ARGS(line->name), left_name, left, right_name,
                  right, left - right);
    return holds;
}

static bool check_entry(const struct ledger *ledger, int entry, struct buf *problems)
{
    const struct ledger_entry *line = ledger_entry(ledger, entry);
    int64_t rejected = ledger_rejected_sum(ledger, entry);
    int64_t rows_in = ledger_value(ledger, entry, LEDGER_ROWS_IN);
    int64_t passed = ledger_value(ledger, entry, LEDGER_PASSED);
    int64_t rows_out = ledger_value(ledger, entry, LEDGER_ROWS_OUT);
    int64_t sum = passed + ledger_value(ledger, entry, LEDGER_FILTERED) +
                  ledger_value(ledger, entry, LEDGER_DUPLICATE) +
                  ledger_value(ledger, entry, LEDGER_LATE) +
                  ledger_value(ledger, entry, LEDGER_UNDECODABLE) +
                  ledger_value(ledger, entry, LEDGER_IN_STATE);
    if (line->is_one_to_one || line->is_sink)
        sum += rejected;
    bool good =
        note(problems, rows_in == sum, line, "rows_in", rows_in,
             line->is_one_to_one || line->is_sink
                 ? "passed + filtered + duplicate + late + undecodable + in_state + rejected"
                 : "passed + filtered + duplicate + late + undecodable + in_state",
             sum);
    if (!line->is_sink && line->is_one_to_one)
        good &= note(problems, rows_out == passed, line, "rows_out", rows_out, "passed", passed);
    if (!line->is_sink && !line->is_one_to_one && !line->is_second_input) {
        int64_t made = ledger_value(ledger, entry, LEDGER_MADE);
        good &= note(problems, made == rows_out + rejected, line, "made", made,
                     "rows_out + rejected", rows_out + rejected);
    }
    if (has_input(ledger, entry)) {
        int64_t given = rows_given(ledger, entry) - ledger->entries[entry].missed;
        good &= note(problems, rows_in == given, line, "rows_in", rows_in,
                     "what its input gave out", given);
    }
    return good;
}

bool ledger_check(const struct ledger *ledger, struct buf *problems)
{
    bool good = true;
    for (size_t i = 0; i < ledger->len; i++)
        good &= check_entry(ledger, (int)i, problems);
    return good;
}

// Encoding: u32 entries; each: name, i64 missed, u32 terms, i64 each, u32 constraints, (name, i64).

void ledger_encode(const struct ledger *ledger, struct buf *out)
{
    buf_add_u32(out, (uint32_t)ledger->len);
    for (size_t i = 0; i < ledger->len; i++) {
        const struct ledger_line *line = &ledger->entries[i];
        buf_add_bytes(out, line->entry.name);
        buf_add_i64(out, line->missed);
        buf_add_u32(out, LEDGER_TERMS);
        for (int term = 0; term < LEDGER_TERMS; term++)
            buf_add_i64(out, ledger_value(ledger, (int)i, (enum ledger_term)term));
        buf_add_u32(out, (uint32_t)line->entry.constraints_len);
        for (size_t c = 0; c < line->entry.constraints_len; c++) {
            buf_add_bytes(out, line->entry.constraints[c]);
            buf_add_i64(out, ledger_rejected(ledger, (int)i, c));
        }
    }
}

static struct ledger_line *match_line(struct ledger *ledger, struct str name)
{
    for (size_t i = 0; i < ledger->len; i++)
        if (!ledger->entries[i].is_decoded && str_equal(ledger->entries[i].entry.name, name))
            return &ledger->entries[i];
    return NULL;
}

// Counts under a constraint that is gone go on under its entry's first one, or the rows would be
// missing from the sum. Without any they count as filtered, or as never made.
static void keep_rejected(struct ledger *ledger, struct ledger_line *line, struct str name,
                          int64_t rows)
{
    size_t at = 0;
    for (size_t c = 0; c < line->entry.constraints_len; c++)
        if (str_equal(line->entry.constraints[c], name))
            at = c;
    if (line->entry.constraints_len > 0)
        ledger->counts[line->first_slot + LEDGER_TERMS + at] += rows;
    else if (line->entry.is_one_to_one || line->entry.is_sink)
        ledger->counts[line->first_slot + LEDGER_FILTERED] += rows;
    else
        ledger->counts[line->first_slot + LEDGER_MADE] -= rows;
}

static void decode_line(struct ledger *ledger, struct reader *reader)
{
    struct str name = reader_bytes(reader);
    int64_t missed = reader_i64(reader);
    uint32_t terms = reader_u32(reader);
    struct ledger_line *line = reader->bad ? NULL : match_line(ledger, name);
    if (line != NULL) {
        line->is_decoded = true;
        line->missed = missed;
        for (size_t c = 0; c < LEDGER_TERMS + line->entry.constraints_len; c++)
            ledger->counts[line->first_slot + c] = 0;
    }
    for (uint32_t term = 0; term < terms && !reader->bad; term++) {
        int64_t value = reader_i64(reader);
        if (line != NULL && term < LEDGER_TERMS)
            ledger->counts[line->first_slot + term] = value;
    }
    uint32_t constraints = reader_u32(reader);
    for (uint32_t c = 0; c < constraints && !reader->bad; c++) {
        struct str constraint = reader_bytes(reader);
        int64_t rows = reader_i64(reader);
        if (line != NULL)
            keep_rejected(ledger, line, constraint, rows);
    }
}

bool ledger_decode(struct ledger *ledger, struct str bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    for (size_t i = 0; i < ledger->len; i++)
        ledger->entries[i].is_decoded = false;
    uint32_t len = reader_u32(&reader);
    for (uint32_t i = 0; i < len && !reader.bad; i++)
        decode_line(ledger, &reader);
    if (!reader_is_done(&reader))
        return error_set(err, ERROR_FATAL, "ledger: %zu bytes are damaged", bytes.len);
    for (size_t i = 0; i < ledger->len; i++) {
        struct ledger_line *line = &ledger->entries[i];
        if (line->is_decoded)
            continue;
        for (size_t c = 0; c < LEDGER_TERMS + line->entry.constraints_len; c++)
            ledger->counts[line->first_slot + c] = 0;
        line->missed = rows_given(ledger, (int)i);
    }
    return true;
}
