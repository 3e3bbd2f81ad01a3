// SPDX-License-Identifier: MIT
// A pull parser for the small XML that S3 answers with: elements and their text. No DTD (refused),
// no attributes, no name spaces: prefixes are cut off.
#ifndef FIRESTEEL_XML_H
#define FIRESTEEL_XML_H

#include "base/arena.h"
#include "base/buf.h"

#define XML_DEPTH_MAX 32

enum xml_event {
    XML_OPEN,  // <name>
    XML_CLOSE, // </name>; `text` holds the characters since the last tag
    XML_END,   // the document is complete
    XML_BAD,   // no XML, or cut off
};

struct xml {
    struct str document;
    size_t at;
    struct str stack[XML_DEPTH_MAX];
    size_t depth;
    bool was_opened, is_empty_tag; // something was there; <name/> still to be closed
    struct str name;               // of the last event, without prefix
    struct buf text;
};

void xml_init(struct xml *xml, struct str document);
void xml_clear(struct xml *xml);
// `name` and `text` are valid until the next call.
enum xml_event xml_next(struct xml *xml);
// The text of the first element of this name anywhere in the document; false: none, or no XML.
bool xml_find(struct str document, const char *name, struct buf *text);

#endif
