// SPDX-License-Identifier: MIT
// The fold's memory, shared by the files fold*.c and aggregate*.c and by nobody else.
//
// A group is one row of fixed layout, 8-byte aligned:
//   u32 hash, u32 NULL keys (bit a key)     word 0
//   keys: 1 word for what fits 8 bytes (integers sign-extended), 2 for text cells and 16-byte
//   values bits: GROUP_DIRTY, GROUP_TOUCHED, then "has a value" of the steps that need such a bit
//   states of the steps
// A step is what aggregates of the same argument and FILTER share: avg(x), min(x), max(x) are one
// step with one count, several first() of a group are one step with one row number.
#ifndef FIRESTEEL_FOLD_LAYOUT_H
#define FIRESTEEL_FOLD_LAYOUT_H

#include "engine/fold.h"
#include "engine/fold_values.h"
#include "engine/gather.h"

enum { FOLD_BLOCK = 128 }; // rows in one round of find and update: their groups fit the L1/L2 cache

#define GROUP_DIRTY UINT64_C(1)
#define GROUP_TOUCHED UINT64_C(2)
enum { GROUP_BITS_FIRST = 2, BLOCK_ROWS_LOG2 = 6, BLOCK_ROWS = 1 << BLOCK_ROWS_LOG2 };

enum step_op {
    STEP_ROWS,  // count(*)
    STEP_COUNT, // count of what is not a number or text
    STEP_SMALL, // n, sum, min, max; min and max are int32
    STEP_WHOLE, // .. int64
    STEP_HUGE,  // .. __int128
    STEP_REAL,  // .. double
    STEP_TEXT,  // n, min, max
    STEP_MOMENTS,
    STEP_BOOL,
    STEP_FIRST,
    STEP_LAST,
    STEP_ANY, // first that is not NULL
    STEP_ARG_MIN,
    STEP_ARG_MAX,
    STEP_VALUES, // n = different values; the values are in a table of the pane
};

// A copied value: of first, last, any_value, arg_min, arg_max.
struct value {
    int input;
    enum type_kind kind;
    bool is_text;
    bool is_slot;   // text that changes often; else (first, any_value) a bare cell
    uint32_t bytes; // of the cell
    uint32_t at;
    uint32_t bit; // set: not NULL
};

enum { NEED_N = 1, NEED_SUM = 2, NEED_MIN = 4, NEED_MAX = 8 };

struct step {
    enum step_op op;
    int input, order, filter; // group inputs, -1: none
    unsigned needs;
    bool has_bit; // min, max or sum without n: the bit says whether there was a value
    uint32_t bit;
    uint32_t n_at, sum_at, min_at, max_at; // MOMENTS: n, mean, m2; BOOL: min = and, max = or
    uint32_t sequence_at;
    uint32_t order_at; // ARG: the order value, as `order_class` (text: a slot)
    enum number_class order_class;
    uint32_t table; // VALUES: which of the pane's
    enum number_class value_class;
    bool is_list;         // .. the elements of the argument are counted
    struct value *values; // FIRST, LAST: all of them; ANY, ARG: one
    size_t values_len;
};

struct result {
    enum aggregate_kind kind;
    const struct step *step;
    size_t value;   // of step->values
    uint32_t limit; // top_k: how many
    const struct type *argument, *type;
};

struct key {
    int input;
    const struct type *type;
    bool is_text;
    uint32_t at; // in the row
    uint32_t word, words;
};

struct text_place {
    uint32_t at;
    bool is_slot; // else a bare cell
};

struct layout {
    struct arena arena;
    const struct relation *relation;
    struct key *keys;
    size_t keys_len;
    uint32_t key_words; // word 0 included
    bool has_text_keys;
    uint32_t bits_at, bits_words;
    struct step *steps;
    size_t steps_len;
    struct result *results;
    size_t results_len;
    const struct step **tables; // STEP_VALUES, by step->table
    size_t tables_len;
    struct running *running; // of the fold: HOP with counted values
    struct text_place *texts;
    size_t texts_len;
    uint32_t row_bytes;
    char *empty; // a row of a group without input
    uint64_t fingerprint;
};

// False: something in the relation cannot be folded. The layout is then still to be cleared.
MUST_USE bool layout_init(struct layout *layout, const struct relation *relation);
void layout_clear(struct layout *layout);

// Text in a state: the cell, and memory that is used again for the next longer text. The capacity
// of `owned` stands in the 4 bytes before it.
struct text_slot {
    struct string_cell cell;
    char *owned;
};
enum { TEXT_SLOT_BYTES = sizeof(struct text_slot) };

struct pane {
    const struct layout *layout;
    struct layout *layout_owned; // of pane_merge
    int64_t start_us;
    uint64_t origin; // of the fold whose rows these are; see fold_codec.c
    uint32_t shares; // all rows came as one share of so many; 0: not so
    int64_t input_rows;
    uint32_t groups;
    char **blocks; // BLOCK_ROWS rows each, stable
    size_t blocks_len, blocks_capacity;
    char **slabs; // memory of later blocks
    size_t slabs_len;
    uint64_t *index; // hash << 32 | row + 1; 0: free
    uint32_t index_mask;
    struct arena texts;
    uint32_t *changed; // rows with GROUP_DIRTY
    size_t changed_len, changed_capacity;
    uint32_t *touched; // rows with GROUP_TOUCHED
    size_t touched_len, touched_capacity;
    bool tracks_touched;
    struct value_table *values; // layout->tables_len
    struct tops *tops;          // a result; made when results are asked for
    // What the running window holds of this pane (fold_window.c).
    struct running *taken_by;
    uint64_t window_round;
    uint32_t *whole_rows; // its row of each group
    uint32_t whole_rows_len, whole_rows_capacity;
};

struct fold {
    const struct relation *relation;
    uint32_t share, shares; // of the running fold_add
    struct layout layout;
    int64_t pane_us;
    uint64_t origin;
    struct pane **panes; // ascending (start, origin)
    size_t panes_len, panes_capacity;
    struct pane *last; // own pane used last
    bool tracks_touched;
};

static inline char *pane_row(const struct pane *pane, uint32_t row)
{
    return pane->blocks[row >> BLOCK_ROWS_LOG2] +
           (size_t)(row & (BLOCK_ROWS - 1)) * pane->layout->row_bytes;
}

static inline uint64_t *group_bits(const struct layout *layout, char *group, uint32_t bit)
{
    return (uint64_t *)(void *)(group + layout->bits_at) + (bit >> 6);
}
static inline bool group_has(const struct layout *layout, const char *group, uint32_t bit)
{
    const uint64_t *words = (const uint64_t *)(const void *)(group + layout->bits_at);
    return words[bit >> 6] >> (bit & 63) & 1;
}
static inline void group_set(const struct layout *layout, char *group, uint32_t bit)
{
    *group_bits(layout, group, bit) |= UINT64_C(1) << (bit & 63);
}

// Cells inside a group row.
#define CELL(type, group, at) (*(type *)(void *)((group) + (at)))
#define CELL_CONST(type, group, at) (*(const type *)(const void *)((group) + (at)))
static inline __int128 huge_get(const char *group, uint32_t at)
{
    __int128 value;
    memcpy(&value, group + at, sizeof(value)); // rows are 8-byte aligned, not 16
    return value;
}
static inline void huge_set(char *group, uint32_t at, __int128 value)
{
    memcpy(group + at, &value, sizeof(value));
}

// ---- fold_table.c
struct pane *pane_new(const struct layout *layout, int64_t start_us, uint64_t origin);
void pane_reserve(struct pane *pane, size_t more_groups); // no growth of the index until then
// The group with these keys (word 0 and the key words), or a new empty one. Text is copied.
char *pane_group(struct pane *pane, const uint64_t *key, uint32_t *row);
char *pane_find(const struct pane *pane, const uint64_t *key, uint32_t *row); // NULL: none
void pane_mark(struct pane *pane, char *group, uint32_t row); // dirty and, if asked for, touched
void pane_mark_touched(struct pane *pane, char *group, uint32_t row);
size_t pane_bytes(const struct pane *pane);
void text_slot_set(struct pane *pane, struct text_slot *slot, const struct string_cell *cell);
void text_cell_set(struct pane *pane, struct string_cell *target, const struct string_cell *cell);
static inline void value_set_text(struct pane *pane, const struct value *value, char *group,
                                  const struct string_cell *cell)
{
    if (value->is_slot)
        text_slot_set(pane, (void *)(group + value->at), cell);
    else
        text_cell_set(pane, (void *)(group + value->at), cell);
}
// Hash of the key words of a row, text by content; the upper half of key[0] holds the NULL bits.
uint32_t key_hash(const struct layout *layout, const uint64_t *key);

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product =
        (unsigned __int128)(a ^ UINT64_C(0x9e3779b97f4a7c15)) * (b ^ UINT64_C(0xd1b54a32d192ed03));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
uint64_t hash_text_long(const struct string_cell *cell);

// ---- aggregate_cell.c: the rows of one round, with the group of each
struct round {
    const struct layout *layout;
    const struct vector *const *columns;
    size_t count;
    uint16_t rows[FOLD_BLOCK];
    char *groups[FOLD_BLOCK];
    struct pane *panes[FOLD_BLOCK];
    uint32_t numbers[FOLD_BLOCK]; // of the groups in their panes
    int64_t sequences[FOLD_BLOCK];
};
void step_update(const struct step *step, const struct round *round);

// ---- aggregate_merge.c
void group_merge(struct pane *pane, char *group, const char *other);

// ---- fold_merge.c: an empty pane with a layout of its own
struct pane *pane_merge_new(const struct relation *relation, struct pane *const *panes, size_t len);

// ---- fold_window.c
struct running *running_new(void);
void running_free(struct running *running);
size_t running_bytes(const struct running *running);
// Moves on to the window of these panes; gives `merged`, which has its groups, the counted values.
void running_window(struct running *running, const struct relation *relation, struct pane *merged,
                    struct pane *const *panes, size_t len);
void running_give_back(struct pane *pane); // before the pane goes

// ---- fold.c
struct pane *fold_pane_at(struct fold *fold, int64_t start_us, uint64_t origin); // made when new

#endif
