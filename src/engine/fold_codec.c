// SPDX-License-Identifier: MIT
// Groups as bytes. One piece for each call that had something to write:
//   u32 magic "FLD1", u64 fingerprint of the layout, u32 panes; then each pane:
//   u64 origin, i64 start, i64 input rows, u32 groups; then each group:
//   the row without its hash (u32 NULL keys, then all words), then for each text cell longer than
//   12 bytes, in order of layout->texts, its bytes (the length is in the cell);
//   then the pane's counted values, if the layout has any (fold_values.c), whose groups are given
//   by their place among the groups above.
// A row is little endian on every machine this runs on (asserted). Pointers, hash and marks are
// written as zero and made anew by the reader, which trusts no length: places come from the layout,
// the fingerprint says that it is the same one, every text is checked against what is left.
// A group that is there already is replaced, so frames replay in order.
#include "engine/fold_layout.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rows are written as they lie in memory");
enum { MAGIC = 0x31444c46, HEAD_BYTES = 4 }; // of a row: the hash, not written

// ---- Writing

static void group_encode(const struct layout *layout, const char *group, struct buf *out)
{
    size_t start = out->len;
    buf_add(out, group + HEAD_BYTES, layout->row_bytes - HEAD_BYTES);
    char *row = out->ptr + start - HEAD_BYTES; // offsets of the layout, within what was added
    uint64_t bits;
    memcpy(&bits, row + layout->bits_at, sizeof(bits));
    bits &= ~(GROUP_DIRTY | GROUP_TOUCHED);
    memcpy(row + layout->bits_at, &bits, sizeof(bits));
    for (size_t i = 0; i < layout->texts_len; i++) {
        const struct text_place *place = &layout->texts[i];
        const struct string_cell *cell = &CELL_CONST(struct string_cell, group, place->at);
        row = out->ptr + start - HEAD_BYTES;
        if (place->is_slot)
            memset(row + place->at + offsetof(struct text_slot, owned), 0, sizeof(uint64_t));
        if (cell->len <= sizeof(cell->inlined))
            continue;
        memset(row + place->at + offsetof(struct string_cell, pointer.ptr), 0, sizeof(uint64_t));
        buf_add(out, cell->pointer.ptr, cell->len);
    }
}

static void pane_encode(struct pane *pane, bool all, struct buf *out)
{
    size_t count = all ? pane->groups : pane->changed_len;
    buf_add_u64(out, pane->origin);
    buf_add_i64(out, pane->start_us);
    buf_add_i64(out, pane->input_rows);
    buf_add_u32(out, (uint32_t)count);
    buf_reserve(out, count * pane->layout->row_bytes);
    for (size_t i = 0; i < count; i++)
        group_encode(pane->layout, pane_row(pane, all ? (uint32_t)i : pane->changed[i]), out);
    if (pane->layout->tables_len > 0) {
        uint32_t *ordinals = heap_array((size_t)pane->groups + 1, sizeof(*ordinals));
        for (size_t i = 0; i < count; i++)
            ordinals[all ? i : pane->changed[i]] = (uint32_t)i;
        values_encode(pane, all, ordinals, out);
        heap_free(ordinals);
    }
    for (size_t i = 0; i < pane->changed_len; i++)
        *group_bits(pane->layout, pane_row(pane, pane->changed[i]), 0) &= ~GROUP_DIRTY;
    pane->changed_len = 0;
}

static void fold_encode(struct fold *fold, bool all, struct buf *out)
{
    uint32_t panes = 0;
    for (size_t i = 0; i < fold->panes_len; i++)
        panes += all || fold->panes[i]->changed_len > 0;
    if (panes == 0)
        return;
    buf_add_u32(out, MAGIC);
    buf_add_u64(out, fold->layout.fingerprint);
    buf_add_u32(out, panes);
    for (size_t i = 0; i < fold->panes_len; i++)
        if (all || fold->panes[i]->changed_len > 0)
            pane_encode(fold->panes[i], all, out);
}

void fold_encode_changed(struct fold *fold, struct buf *out)
{
    fold_encode(fold, false, out);
}

void fold_encode_all(struct fold *fold, struct buf *out)
{
    fold_encode(fold, true, out);
}

// ---- Reading

// Points the text cells of `row` at the input and makes them canonical. False: cut short.
static bool texts_decode(const struct layout *layout, char *row, struct reader *reader)
{
    for (size_t i = 0; i < layout->texts_len; i++) {
        struct string_cell *cell = &CELL(struct string_cell, row, layout->texts[i].at);
        const char *bytes = cell->inlined;
        struct string_cell copy = *cell;
        if (cell->len > sizeof(cell->inlined))
            bytes = reader_raw(reader, cell->len).ptr;
        else
            bytes = copy.inlined;
        if (reader->bad)
            return false;
        *cell = string_cell_of(bytes, copy.len);
    }
    return true;
}

// What would be undefined to have in a cell: a BOOLEAN that is neither 0 nor 1.
static void cells_normalise(const struct layout *layout, char *row)
{
    for (size_t k = 0; k < layout->keys_len; k++)
        if (layout->keys[k].type->kind == TYPE_BOOLEAN)
            CELL(uint64_t, row, layout->keys[k].at) &= 1;
    for (size_t i = 0; i < layout->steps_len; i++) {
        const struct step *step = &layout->steps[i];
        if (step->op == STEP_BOOL) {
            row[step->min_at] &= 1;
            row[step->max_at] &= 1;
        }
        for (size_t v = 0; v < step->values_len; v++)
            if (step->values[v].kind == TYPE_BOOLEAN)
                row[step->values[v].at] &= 1;
    }
    for (size_t i = 0; i < layout->results_len; i++) {
        const struct result *result = &layout->results[i];
        if (result->argument == NULL || result->argument->kind != TYPE_BOOLEAN)
            continue;
        if (result->kind == AGGREGATE_MIN)
            CELL(int32_t, row, result->step->min_at) &= 1;
        if (result->kind == AGGREGATE_MAX)
            CELL(int32_t, row, result->step->max_at) &= 1;
    }
}

static bool is_text_at(const struct layout *layout, uint32_t at, size_t *from)
{
    while (*from < layout->texts_len && layout->texts[*from].at < at)
        (*from)++;
    return *from < layout->texts_len && layout->texts[*from].at == at;
}

// Takes the states of a decoded row; its texts still point into the input.
static void group_replace(struct pane *pane, char *group, const char *row)
{
    const struct layout *layout = pane->layout;
    uint64_t marks = *group_bits(layout, group, 0) & (GROUP_DIRTY | GROUP_TOUCHED);
    size_t text = 0;
    for (uint32_t at = layout->bits_at; at < layout->row_bytes;) {
        if (!is_text_at(layout, at, &text)) {
            memcpy(group + at, row + at, 8);
            at += 8;
            continue;
        }
        const struct string_cell *cell = &CELL_CONST(struct string_cell, row, at);
        if (layout->texts[text].is_slot)
            text_slot_set(pane, &CELL(struct text_slot, group, at), cell);
        else
            text_cell_set(pane, &CELL(struct string_cell, group, at), cell);
        at += layout->texts[text].is_slot ? TEXT_SLOT_BYTES : (int)sizeof(struct string_cell);
    }
    uint64_t *bits = group_bits(layout, group, 0);
    *bits = (*bits & ~(GROUP_DIRTY | GROUP_TOUCHED)) | marks;
}

static bool groups_load(struct pane *pane, uint32_t count, char *row, uint32_t *rows,
                        struct reader *reader)
{
    const struct layout *layout = pane->layout;
    for (uint32_t i = 0; i < count; i++) {
        struct str bytes = reader_raw(reader, layout->row_bytes - HEAD_BYTES);
        if (reader->bad)
            return false;
        memcpy(row + HEAD_BYTES, bytes.ptr, bytes.len);
        if (!texts_decode(layout, row, reader))
            return false;
        cells_normalise(layout, row);
        uint64_t *key = (void *)row;
        key[0] &= ~(uint64_t)UINT32_MAX;
        key[0] |= key_hash(layout, key);
        pane_reserve(pane, 1);
        uint32_t number;
        char *group = pane_group(pane, key, &number);
        group_replace(pane, group, row);
        rows[i] = number;
        if (pane->tracks_touched) // what was touched before a stop may not have been emitted
            pane_mark_touched(pane, group, number);
    }
    return true;
}

static bool pane_load(struct fold *fold, char *row, struct reader *reader)
{
    uint64_t origin = reader_u64(reader);
    int64_t start_us = reader_i64(reader), input_rows = reader_i64(reader);
    uint32_t groups = reader_u32(reader);
    size_t row_bytes = fold->layout.row_bytes - HEAD_BYTES;
    __int128 distance = (__int128)start_us - fold->relation->window_shift_us;
    if (reader->bad || input_rows < 0 || distance % fold->pane_us != 0 ||
        groups > (reader->len - reader->at) / row_bytes)
        return false;
    struct pane *pane = fold_pane_at(fold, start_us, origin);
    pane->input_rows = input_rows;
    uint32_t *rows = heap_array((size_t)groups + 1, sizeof(*rows));
    bool is_good =
        groups_load(pane, groups, row, rows, reader) && values_decode(pane, rows, groups, reader);
    heap_free(rows);
    return is_good;
}

bool fold_load(struct fold *fold, struct str bytes, struct error *err)
{
    struct reader reader = reader_of(bytes);
    char *row = heap_new(fold->layout.row_bytes);
    bool is_good = true;
    while (is_good && reader.at < reader.len) {
        uint32_t magic = reader_u32(&reader);
        uint64_t fingerprint = reader_u64(&reader);
        uint32_t panes = reader_u32(&reader);
        is_good = !reader.bad && magic == MAGIC && fingerprint == fold->layout.fingerprint;
        for (uint32_t i = 0; is_good && i < panes; i++)
            is_good = pane_load(fold, row, &reader);
    }
    heap_free(row);
    fold->last = NULL;
    if (is_good)
        return true;
    return error_set(err, ERROR_FATAL,
                     "window state of '%.*s': bytes are damaged or of another layout near byte %zu "
                     "of %zu; run 'firesteel state verify' on the checkpoint",
                     STR_ARGS(fold->relation->name), reader.at, bytes.len);
}
