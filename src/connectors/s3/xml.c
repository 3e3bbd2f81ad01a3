// SPDX-License-Identifier: MIT
// Our own since S3's answers use a corner of XML and a parser's surface is a risk: what is not
// needed cannot be attacked. Every read is bounded by the document, entities are the five named
// ones and numbers, and depth is limited. White space between tags is text and is ignored by those
// who read.
#include "connectors/s3/xml.h"

#include <string.h>

void xml_init(struct xml *xml, struct str document)
{
    *xml = (struct xml){.document = document};
    if (str_starts(document, "\xef\xbb\xbf"))
        xml->at = 3;
}

void xml_clear(struct xml *xml)
{
    buf_clear(&xml->text);
}

// Place after the next `end` from `at` on, or SIZE_MAX.
static size_t skip_past(const struct xml *xml, size_t at, const char *end)
{
    size_t len = strlen(end);
    const struct str *document = &xml->document;
    if (at > document->len)
        return SIZE_MAX;
    const void *found = memmem(document->ptr + at, document->len - at, end, len);
    return found == NULL ? SIZE_MAX : (size_t)((const char *)found - document->ptr) + len;
}

static void code_point_add(struct buf *out, uint32_t c)
{
    if (c < 0x80)
        buf_add_char(out, (char)c);
    else if (c < 0x800) {
        buf_add_char(out, (char)(0xc0 | c >> 6));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_add_char(out, (char)(0xe0 | c >> 12));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_add_char(out, (char)(0xf0 | c >> 18));
        buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    }
}

static int digit_of(char c, int base)
{
    int value = -1;
    if (c >= '0' && c <= '9')
        value = c - '0';
    else if (c >= 'a' && c <= 'f')
        value = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
        value = c - 'A' + 10;
    return value < base ? value : -1;
}

// `name` is what stands between & and ;
static bool entity_add(struct buf *out, struct str name)
{
    static const struct {
        const char *name;
        char c;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < COUNT_OF(named); i++) {
        if (str_is(name, named[i].name)) {
            buf_add_char(out, named[i].c);
            return true;
        }
    }
    if (name.len < 2 || name.ptr[0] != '#')
        return false;
    int base = name.ptr[1] == 'x' ? 16 : 10;
    uint32_t value = 0;
    size_t at = base == 16 ? 2 : 1;
    if (at == name.len)
        return false;
    for (; at < name.len; at++) {
        int digit = digit_of(name.ptr[at], base);
        if (digit < 0 || value > 0x10ffff)
            return false;
        value = value * (uint32_t)base + (uint32_t)digit;
    }
    if (value == 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return false;
    code_point_add(out, value);
    return true;
}

// Characters up to the next '<'.
static bool text_read(struct xml *xml)
{
    const struct str *document = &xml->document;
    while (xml->at < document->len && document->ptr[xml->at] != '<') {
        if (document->ptr[xml->at] != '&') {
            buf_add_char(&xml->text, document->ptr[xml->at++]);
            continue;
        }
        size_t end = xml->at + 1;
        while (end < document->len && end - xml->at < 12 && document->ptr[end] != ';')
            end++;
        if (end == document->len || document->ptr[end] != ';' ||
            !entity_add(&xml->text, str_slice(*document, xml->at + 1, end)))
            return false;
        xml->at = end + 1;
    }
    return true;
}

static bool is_name_end(char c)
{
    return c == '>' || c == '/' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str without_prefix(struct str name)
{
    int64_t colon = str_find(name, ':');
    return colon < 0 ? name : str_slice(name, (size_t)colon + 1, name.len);
}

// The place of the '>' that ends the tag which begins at `at`; quotes may hold one.
static size_t tag_end(const struct xml *xml, size_t at)
{
    char quote = 0;
    for (; at < xml->document.len; at++) {
        char c = xml->document.ptr[at];
        if (quote != 0)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '>')
            return at;
    }
    return SIZE_MAX;
}

static enum xml_event pop(struct xml *xml)
{
    xml->name = without_prefix(xml->stack[--xml->depth]);
    return XML_CLOSE;
}

static enum xml_event tag_read(struct xml *xml)
{
    const struct str *document = &xml->document;
    bool closes = xml->at + 1 < document->len && document->ptr[xml->at + 1] == '/';
    size_t from = xml->at + 1 + closes, to = from;
    size_t end = tag_end(xml, from);
    if (end == SIZE_MAX)
        return XML_BAD;
    while (!is_name_end(document->ptr[to]))
        to++;
    struct str name = str_slice(*document, from, to);
    xml->at = end + 1;
    if (name.len == 0 || str_find(name, '<') >= 0)
        return XML_BAD;
    if (closes)
        return xml->depth > 0 && str_equal(name, xml->stack[xml->depth - 1]) ? pop(xml) : XML_BAD;
    if (xml->depth == XML_DEPTH_MAX || (xml->depth == 0 && xml->was_opened))
        return XML_BAD;
    buf_reset(&xml->text);
    xml->stack[xml->depth++] = name;
    xml->was_opened = true;
    xml->is_empty_tag = document->ptr[end - 1] == '/';
    xml->name = without_prefix(name);
    return XML_OPEN;
}

enum xml_event xml_next(struct xml *xml)
{
    const struct str *document = &xml->document;
    if (xml->is_empty_tag) {
        xml->is_empty_tag = false;
        return pop(xml);
    }
    buf_reset(&xml->text);
    while (text_read(xml)) {
        if (xml->at >= document->len)
            return xml->depth == 0 && xml->was_opened ? XML_END : XML_BAD;
        struct str rest = str_slice(*document, xml->at, document->len);
        size_t next = SIZE_MAX;
        if (str_starts(rest, "<?"))
            next = skip_past(xml, xml->at + 2, "?>");
        else if (str_starts(rest, "<!--"))
            next = skip_past(xml, xml->at + 4, "-->");
        else if (str_starts(rest, "<![CDATA[")) {
            next = skip_past(xml, xml->at + 9, "]]>");
            if (next != SIZE_MAX)
                buf_add(&xml->text, document->ptr + xml->at + 9, next - 3 - (xml->at + 9));
        } else if (!str_starts(rest, "<!"))
            return tag_read(xml);
        if (next == SIZE_MAX)
            return XML_BAD;
        xml->at = next;
    }
    return XML_BAD;
}

bool xml_find(struct str document, const char *name, struct buf *text)
{
    struct xml xml;
    xml_init(&xml, document);
    bool is_found = false;
    enum xml_event event;
    while (!is_found && (event = xml_next(&xml)) != XML_END && event != XML_BAD) {
        if (event != XML_CLOSE || !str_is(xml.name, name))
            continue;
        buf_reset(text);
        buf_add_str(text, buf_str(&xml.text));
        is_found = true;
    }
    xml_clear(&xml);
    return is_found;
}
