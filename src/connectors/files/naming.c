// SPDX-License-Identifier: MIT
// Names carry what makes a delivery repeatable: checkpoint and epoch. The same epoch gives the same
// names again, so a repeat replaces what is there with the same content, and after a restart the
// names alone tell which epoch the folder has seen.
#include "connectors/files/naming.h"

#include <string.h>

enum part { PART_TEXT, PART_SEQUENCE, PART_EPOCH, PART_CHECKPOINT, PART_CHECKPOINT8, PART_BAD };

// Takes the next piece off the template; for PART_TEXT *text is one character.
static enum part part_take(struct str *rest, struct str *text)
{
    static const struct {
        const char *word;
        enum part part;
    } words[] = {
        {"{sequence}", PART_SEQUENCE},
        {"{epoch}", PART_EPOCH},
        {"{checkpoint}", PART_CHECKPOINT},
        {"{checkpoint8}", PART_CHECKPOINT8},
    };
    *text = str_slice(*rest, 0, 1);
    enum part part = rest->ptr[0] == '{' || rest->ptr[0] == '}' ? PART_BAD : PART_TEXT;
    size_t len = 1;
    for (size_t i = 0; i < COUNT_OF(words) && part == PART_BAD; i++) {
        if (str_starts(*rest, words[i].word)) {
            part = words[i].part;
            len = strlen(words[i].word);
        }
    }
    *rest = str_slice(*rest, len, rest->len);
    return part;
}

bool name_check(struct str name_template, bool is_repeatable, struct error *err)
{
    unsigned seen = 0;
    struct str rest = name_template, text;
    if (rest.len == 0 || rest.len > 200 || rest.ptr[0] == '.' || rest.ptr[0] == '_')
        return error_set(err, ERROR_USER,
                         "files: name '%.*s' must have 1 to 200 characters and not begin with '.' "
                         "or '_' (readers skip such files)",
                         STR_ARGS(name_template));
    while (rest.len > 0) {
        enum part part = part_take(&rest, &text);
        if (part == PART_BAD)
            return error_set(err, ERROR_USER,
                             "files: name '%.*s': only {sequence} {epoch} {checkpoint} "
                             "{checkpoint8} are known",
                             STR_ARGS(name_template));
        if (part == PART_TEXT && (text.ptr[0] == '/' || text.ptr[0] == 0))
            return error_set(err, ERROR_USER,
                             "files: name '%.*s' is a file name, it cannot hold a '/'",
                             STR_ARGS(name_template));
        seen |= 1U << part;
    }
    bool is_unique = (seen & 1U << PART_SEQUENCE) && (seen & 1U << PART_EPOCH) &&
                     (seen & (1U << PART_CHECKPOINT | 1U << PART_CHECKPOINT8));
    if (is_repeatable && !is_unique)
        return error_set(err, ERROR_USER,
                         "files: name '%.*s' needs {sequence}, {epoch} and {checkpoint8}: without "
                         "them a delivery repeated after a crash would be there twice",
                         STR_ARGS(name_template));
    return true;
}

void name_print(struct buf *out, struct str name_template, struct str checkpoint, uint64_t epoch,
                int64_t sequence)
{
    struct str rest = name_template, text;
    while (rest.len > 0) {
        switch (part_take(&rest, &text)) {
        case PART_SEQUENCE:
            buf_print(out, "%05lld", (long long)sequence);
            break;
        case PART_EPOCH:
            buf_print(out, "%llu", (unsigned long long)epoch);
            break;
        case PART_CHECKPOINT:
            buf_add_str(out, checkpoint);
            break;
        case PART_CHECKPOINT8:
            buf_add_str(out, str_slice(checkpoint, 0, checkpoint.len < 8 ? checkpoint.len : 8));
            break;
        case PART_TEXT:
        case PART_BAD:
            buf_add_str(out, text);
            break;
        }
    }
}

static bool digits_take(struct str *rest, uint64_t *value)
{
    size_t len = 0;
    *value = 0;
    while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9') {
        if (len >= 19)
            return false;
        *value = *value * 10 + (uint64_t)(rest->ptr[len++] - '0');
    }
    *rest = str_slice(*rest, len, rest->len);
    return len > 0;
}

static bool text_take(struct str *rest, struct str text)
{
    if (rest->len < text.len || memcmp(rest->ptr, text.ptr, text.len) != 0)
        return false;
    *rest = str_slice(*rest, text.len, rest->len);
    return true;
}

bool name_parse(struct str name, struct str name_template, struct str checkpoint, uint64_t *epoch)
{
    struct str rest = name_template, text;
    uint64_t number;
    bool matches = true;
    *epoch = 0;
    while (rest.len > 0 && matches) {
        enum part part = part_take(&rest, &text);
        if (part == PART_SEQUENCE)
            matches = digits_take(&name, &number);
        else if (part == PART_EPOCH)
            matches = digits_take(&name, epoch);
        else if (part == PART_CHECKPOINT)
            matches = text_take(&name, checkpoint);
        else if (part == PART_CHECKPOINT8)
            matches =
                text_take(&name, str_slice(checkpoint, 0, checkpoint.len < 8 ? checkpoint.len : 8));
        else
            matches = text_take(&name, text);
    }
    return matches && name.len == 0;
}

// Spark's list (ExternalCatalogUtils), and the zero byte, which no path can hold.
static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == 0x7f || strchr("\"#%'*/:=?\\{[]^", c) != NULL;
}

static void escaped_add(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (needs_escape(c))
            buf_print(out, "%%%02X", c);
        else
            buf_add_char(out, (char)c);
    }
}

void partition_print(struct buf *out, struct str column, struct str value)
{
    escaped_add(out, column);
    buf_add_char(out, '=');
    if (value.len == 0)
        buf_add_cstr(out, "__HIVE_DEFAULT_PARTITION__");
    else
        escaped_add(out, value);
}
