// SPDX-License-Identifier: MIT
// sentiment(text, positive, negative): how a text feels by two lists of words, -1 to 1.
//
// The text is cut into words, runs of letters, digits and apostrophes in lower case; each different
// word counts once; p and n of them are in the lists; the result is (p - n) / (p + n), 0 when there
// is none, or no text. In plain SQL (regexp_extract_all, list_intersect) a message costs about 10
// us, most of it for building a hash set of the lists for every row: this is why it is here. The
// lists must be in lower case. They are the same for all rows of a chunk as a rule, so their set is
// built when a row's list is another one than that of the row before.
#include "duck/internal.h"
#include <locale.h>
#include <string.h>
#include <wctype.h>

enum { WORD_BYTES_MAX = 128, SLOTS_MIN = 64 };

struct lexeme {
    uint64_t row; // that had it last, + 1
    const char *ptr;
    uint32_t hash, len; // len 0: free
    uint8_t positive, negative;
};

struct lexicon {
    struct lexeme *slots;
    uint32_t mask, len;
    struct list_cell lists[2]; // what it was made of
    bool has[2];
};

// FNV-1a: one step a byte, while the word is read.
#define HASH_START UINT32_C(2166136261)
static inline uint32_t hash_step(uint32_t hash, char byte)
{
    return (hash ^ (uint8_t)byte) * UINT32_C(16777619);
}

static struct lexeme *lexicon_slot(const struct lexicon *lexicon, uint32_t hash, const char *ptr,
                                   uint32_t len)
{
    uint32_t at = (hash ^ hash >> 15) & lexicon->mask;
    for (;; at = (at + 1) & lexicon->mask) {
        struct lexeme *slot = &lexicon->slots[at];
        if (slot->len == 0 ||
            (slot->hash == hash && slot->len == len && memcmp(slot->ptr, ptr, len) == 0))
            return slot;
    }
}

static void lexicon_add(struct lexicon *lexicon, const struct vector *list, struct list_cell cell,
                        bool is_positive)
{
    const struct vector *child = &list->children[0];
    for (uint64_t i = 0; i < cell.length; i++) {
        const struct string_cell *word =
            &((const struct string_cell *)child->data)[cell.offset + i];
        if (vector_is_null(child, cell.offset + i) || word->len == 0 || word->len > WORD_BYTES_MAX)
            continue;
        struct str text = string_cell_str(word);
        uint32_t hash = HASH_START;
        for (size_t k = 0; k < text.len; k++)
            hash = hash_step(hash, text.ptr[k]);
        struct lexeme *slot = lexicon_slot(lexicon, hash, text.ptr, word->len);
        slot->ptr = text.ptr;
        slot->hash = hash;
        slot->len = word->len;
        *(is_positive ? &slot->positive : &slot->negative) = 1;
    }
}

static bool is_same(const struct lexicon *lexicon, const struct vector *const *lists, size_t row)
{
    for (size_t i = 0; i < 2; i++) {
        bool has = !vector_is_null(lists[i], row);
        struct list_cell cell = ((const struct list_cell *)lists[i]->data)[row];
        if (has != lexicon->has[i] || (has && (cell.offset != lexicon->lists[i].offset ||
                                               cell.length != lexicon->lists[i].length)))
            return false;
    }
    return true;
}

static void lexicon_make(struct lexicon *lexicon, const struct vector *const *lists, size_t row)
{
    size_t words = 0, slots = SLOTS_MIN;
    for (size_t i = 0; i < 2; i++) {
        lexicon->has[i] = !vector_is_null(lists[i], row);
        lexicon->lists[i] = lexicon->has[i] ? ((const struct list_cell *)lists[i]->data)[row]
                                            : (struct list_cell){0};
        words += lexicon->lists[i].length;
    }
    while (slots < words * 4)
        slots *= 2;
    heap_free(lexicon->slots);
    lexicon->slots = heap_array(slots, sizeof(*lexicon->slots));
    lexicon->mask = (uint32_t)(slots - 1);
    for (size_t i = 0; i < 2; i++)
        lexicon_add(lexicon, lists[i], lexicon->lists[i], i == 0);
}

// ---- Words

struct word {
    char text[WORD_BYTES_MAX + 4];
    uint32_t len, hash; // len beyond the maximum: no list has it
};

static inline void word_add(struct word *word, char byte)
{
    if (word->len < WORD_BYTES_MAX)
        word->text[word->len] = byte;
    word->len++;
    word->hash = hash_step(word->hash, byte);
}

// One character beyond ASCII; the number of its bytes.
static size_t word_wide(struct word *word, const char *text, size_t len, locale_t locale,
                        bool *is_letter)
{
    uint8_t first = (uint8_t)text[0];
    size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (bytes > len)
        bytes = len;
    uint32_t point = first & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++)
        point = point << 6 | ((uint8_t)text[i] & 0x3f);
    *is_letter = iswalnum_l((wint_t)point, locale) != 0;
    if (!*is_letter)
        return bytes;
    point = (uint32_t)towlower_l((wint_t)point, locale);
    size_t out = point >= 0x10000 ? 4 : point >= 0x800 ? 3 : point >= 0x80 ? 2 : 1;
    static const uint8_t heads[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    word_add(word, (char)(heads[out] | (point >> (6 * (out - 1)))));
    for (size_t i = out - 1; i > 0; i--)
        word_add(word, (char)(0x80 | ((point >> (6 * (i - 1))) & 0x3f)));
    return bytes;
}

// What an ASCII byte is in a word, in lower case; 0: no part of one.
static const char word_bytes[128] = {
    ['\''] = '\'', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5',
    ['6'] = '6',   ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c',
    ['D'] = 'd',   ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j',
    ['K'] = 'k',   ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q',
    ['R'] = 'r',   ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x',
    ['Y'] = 'y',   ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e',
    ['f'] = 'f',   ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l',
    ['m'] = 'm',   ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's',
    ['t'] = 't',   ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z'};

static double text_score(struct lexicon *lexicon, struct str text, uint64_t row, locale_t locale)
{
    uint32_t positive = 0, negative = 0;
    struct word word;
    word.len = 0;
    word.hash = HASH_START;
    for (size_t at = 0; at <= text.len;) {
        bool is_letter = false;
        uint8_t byte = at < text.len ? (uint8_t)text.ptr[at] : 0;
        if (byte >= 0x80) {
            at += word_wide(&word, text.ptr + at, text.len - at, locale, &is_letter);
        } else {
            char lower = word_bytes[byte];
            is_letter = lower != 0;
            if (is_letter)
                word_add(&word, lower);
            at++;
        }
        if (is_letter || word.len == 0)
            continue;
        if (word.len <= WORD_BYTES_MAX) {
            struct lexeme *found = lexicon_slot(lexicon, word.hash, word.text, word.len);
            if (found->len != 0 && found->row != row + 1) {
                found->row = row + 1;
                positive += found->positive;
                negative += found->negative;
            }
        }
        word.len = 0;
        word.hash = HASH_START;
    }
    double all = (double)positive + (double)negative;
    return all == 0 ? 0 : ((double)positive - (double)negative) / all;
}

// ---- The function

static const struct type text_type = {.kind = TYPE_VARCHAR, .sql = "VARCHAR", .cell_bytes = 16};
static struct type word_type = {.kind = TYPE_VARCHAR, .sql = "VARCHAR", .cell_bytes = 16};
static const struct type list_type = {.kind = TYPE_LIST,
                                      .sql = "VARCHAR[]",
                                      .cell_bytes = sizeof(struct list_cell),
                                      .child = &word_type};

static void sentiment(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    locale_t locale = duckdb_scalar_function_get_extra_info(info);
    struct vector columns[3], children[2];
    const struct type *const types[3] = {&text_type, &list_type, &list_type};
    for (size_t i = 0; i < 3; i++) {
        columns[i] =
            (struct vector){.type = types[i], .handle = duckdb_data_chunk_get_vector(input, i)};
        if (i > 0) {
            children[i - 1] = (struct vector){
                .type = &word_type, .handle = duckdb_list_vector_get_child(columns[i].handle)};
            columns[i].children = &children[i - 1];
            columns[i].children_len = 1;
        }
        vector_refresh(&columns[i]);
    }
    const struct vector *const lists[2] = {&columns[1], &columns[2]};
    struct lexicon lexicon = {0};
    double *scores = duckdb_vector_get_data(output);
    size_t rows = duckdb_data_chunk_get_size(input);
    for (size_t row = 0; row < rows; row++) {
        const struct string_cell *cell = &((const struct string_cell *)columns[0].data)[row];
        if (lexicon.slots == NULL || !is_same(&lexicon, lists, row))
            lexicon_make(&lexicon, lists, row);
        scores[row] = vector_is_null(&columns[0], row)
                          ? 0
                          : text_score(&lexicon, string_cell_str(cell), row, locale);
    }
    heap_free(lexicon.slots);
}

static void locale_release(void *locale)
{
    freelocale(locale);
}

bool sentiment_register(struct connection *connection, struct error *err)
{
    // Classes of all characters, whatever the user's locale is.
    locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (locale == (locale_t)0)
        locale = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, "sentiment");
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type list = duckdb_create_list_type(text);
    duckdb_logical_type score = duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    duckdb_scalar_function_add_parameter(function, text);
    duckdb_scalar_function_add_parameter(function, list);
    duckdb_scalar_function_add_parameter(function, list);
    duckdb_scalar_function_set_return_type(function, score);
    duckdb_scalar_function_set_special_handling(function); // NULL is no feeling: 0
    duckdb_scalar_function_set_extra_info(function, locale, locale_release);
    duckdb_scalar_function_set_function(function, sentiment);
    bool ok = duckdb_register_scalar_function(connection->handle, function) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&function);
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_logical_type(&list);
    duckdb_destroy_logical_type(&score);
    return ok || error_set(err, ERROR_FATAL, "duckdb: cannot register sentiment()");
}
