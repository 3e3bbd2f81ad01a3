// SPDX-License-Identifier: MIT
// Options: defaults first, then what the user gave, one switch over the kinds. A default goes
// through the same parser as the user's text, so a table with a wrong default fails in the first
// test.
#include "base/option.h"
#include "base/clock.h"
#include <string.h>

const struct option *option_find(const struct option *table, size_t table_len, struct str name)
{
    for (size_t i = 0; i < table_len; i++) {
        if (str_equal_nocase(name, str_of(table[i].name)))
            return &table[i];
    }
    return NULL;
}

bool bool_parse(struct str text, bool *value)
{
    static const char *const yes[] = {"true", "on", "1", "yes"};
    static const char *const no[] = {"false", "off", "0", "no"};
    text = str_trim(text);
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        bool is_yes = str_equal_nocase(text, str_of(yes[i]));
        if (is_yes || str_equal_nocase(text, str_of(no[i]))) {
            *value = is_yes;
            return true;
        }
    }
    return false;
}

bool size_parse(struct str text, int64_t *bytes)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = {
        {"", 1},
        {"B", 1},
        {"KB", 1000},
        {"MB", 1000 * 1000},
        {"GB", 1000 * 1000 * 1000},
        {"TB", INT64_C(1000) * 1000 * 1000 * 1000},
        {"KIB", 1 << 10},
        {"MIB", 1 << 20},
        {"GIB", 1 << 30},
        {"TIB", INT64_C(1) << 40},
    };
    text = str_trim(text);
    size_t digits = 0;
    while (digits < text.len &&
           ((text.ptr[digits] >= '0' && text.ptr[digits] <= '9') || text.ptr[digits] == '.'))
        digits++;
    struct str number = str_slice(text, 0, digits);
    struct str unit = str_trim(str_slice(text, digits, text.len));
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (!str_equal_nocase(unit, str_of(units[i].name)))
            continue;
        int64_t whole;
        double part;
        if (str_parse_int64(number, &whole))
            return !__builtin_mul_overflow(whole, units[i].bytes, bytes);
        if (!str_parse_double(number, &part) || part * (double)units[i].bytes >= 9e18)
            return false;
        *bytes = (int64_t)(part * (double)units[i].bytes);
        return true;
    }
    return false;
}

const char *nearest_name(struct str wanted, const char *const *names, size_t count)
{
    char lowered[2][256];
    if (wanted.len == 0 || wanted.len > sizeof(lowered[0]))
        return NULL;
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        struct str name = str_of(names[i]);
        if (name.len > sizeof(lowered[1]))
            continue;
        for (size_t k = 0; k < wanted.len; k++)
            lowered[0][k] =
                (char)(wanted.ptr[k] | (wanted.ptr[k] >= 'A' && wanted.ptr[k] <= 'Z' ? 32 : 0));
        for (size_t k = 0; k < name.len; k++)
            lowered[1][k] =
                (char)(name.ptr[k] | (name.ptr[k] >= 'A' && name.ptr[k] <= 'Z' ? 32 : 0));
        size_t allowed = (name.len > wanted.len ? name.len : wanted.len) / 3;
        size_t distance = str_distance((struct str){lowered[0], wanted.len},
                                       (struct str){lowered[1], name.len}, allowed + 1);
        if (distance <= allowed && distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

// INTERVAL '10 minutes' or '10 minutes' or 10 minutes
static bool interval_parse(struct str text, int64_t *us)
{
    text = str_trim(text);
    if (text.len > 8 && str_equal_nocase(str_slice(text, 0, 8), STR("interval")))
        text = str_trim(str_slice(text, 8, text.len));
    if (text.len >= 2 && text.ptr[0] == '\'' && text.ptr[text.len - 1] == '\'')
        text = str_slice(text, 1, text.len - 1);
    return duration_parse(text, us);
}

static bool refuse(const struct option *option, struct str value, const char *allowed,
                   struct error *err)
{
    return error_set(err, ERROR_USER, "option '%s': '%.*s' is not %s", option->name,
                     STR_ARGS(value), allowed);
}

static bool put_word(const struct option *option, struct str value, int *index, struct error *err)
{
    char list[512];
    size_t len = 0;
    list[0] = 0;
    for (int i = 0; option->words[i] != NULL; i++) {
        if (str_equal_nocase(value, str_of(option->words[i]))) {
            *index = i;
            return true;
        }
        size_t word = strlen(option->words[i]);
        if (len + word + 3 < sizeof(list)) {
            memcpy(list + len, i == 0 ? "" : ", ", i == 0 ? 0 : 2);
            len += i == 0 ? 0 : 2;
            memcpy(list + len, option->words[i], word + 1);
            len += word;
        }
    }
    return error_set(err, ERROR_USER, "option '%s': '%.*s' is not known; use one of: %s",
                     option->name, STR_ARGS(value), list);
}

static bool put(const struct option *option, struct str value, char *target, struct arena *arena,
                struct error *err)
{
    void *member = target + option->offset;
    switch (option->kind) {
    case OPTION_TEXT:
        *(struct str *)member = arena_str(arena, value);
        return true;
    case OPTION_SECRET:
        ((struct secret *)member)->hidden = arena_str(arena, value);
        return true;
    case OPTION_BOOL:
        return bool_parse(value, member) || refuse(option, value, "true or false", err);
    case OPTION_INT:
        return str_parse_int64(str_trim(value), member) ||
               refuse(option, value, "a whole number", err);
    case OPTION_DOUBLE:
        return str_parse_double(str_trim(value), member) || refuse(option, value, "a number", err);
    case OPTION_DURATION:
        return interval_parse(value, member) ||
               refuse(option, value, "a length of time such as '10 minutes' or '500 ms'", err);
    case OPTION_SIZE:
        return size_parse(value, member) ||
               refuse(option, value, "a size such as 64MB, '1 GiB' or a number of bytes", err);
    case OPTION_WORD:
        return put_word(option, str_trim(value), member, err);
    }
    assert_failed("an option kind that put() knows", __FILE__, __LINE__);
}

static bool is_given(const struct option *option, const struct option_value *values, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (str_equal_nocase(values[i].name, str_of(option->name)))
            return true;
    }
    return false;
}

bool option_fill(const struct option *table, size_t table_len, const struct option_value *values,
                 size_t values_len, void *target, struct arena *arena, size_t *bad,
                 struct error *err)
{
    size_t ignored;
    bad = bad == NULL ? &ignored : bad;
    *bad = SIZE_MAX;
    for (size_t i = 0; i < table_len; i++) {
        if (is_given(&table[i], values, values_len))
            continue;
        if (table[i].fallback == NULL)
            return error_set(err, ERROR_USER, "option '%s' is missing: %s", table[i].name,
                             table[i].help);
        if (!put(&table[i], str_of(table[i].fallback), target, arena, err))
            return false;
    }
    for (size_t i = 0; i < values_len; i++) {
        const struct option *option = option_find(table, table_len, values[i].name);
        if (option == NULL)
            continue;
        if (put(option, values[i].value, target, arena, err))
            continue;
        *bad = i;
        // The value may be a password that landed in the wrong option: never show it.
        if (values[i].is_secret)
            error_set(err, ERROR_USER, "option '%s': the value (hidden: it is secret) does not fit",
                      option->name);
        return false;
    }
    return true;
}
