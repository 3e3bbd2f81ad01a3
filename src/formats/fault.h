// SPDX-License-Identifier: MIT
// Why a payload or a value is refused. Reasons end up in quarantine and as a metric's label, so
// they are few, short and never hold a value from the row.
#ifndef FIRESTEEL_FAULT_H
#define FIRESTEEL_FAULT_H

enum fault {
    FAULT_NONE,
    // of the whole record
    FAULT_EMPTY,
    FAULT_NOT_JSON,
    FAULT_NOT_RECORD,
    FAULT_TRAILING,
    FAULT_UTF8,
    FAULT_DEEP,
    FAULT_QUOTE,
    FAULT_FIELDS,
    // of one value
    FAULT_INTEGER,
    FAULT_NUMBER,
    FAULT_RANGE,
    FAULT_BOOLEAN,
    FAULT_TIMESTAMP,
    FAULT_DATE,
    FAULT_TIME,
    FAULT_UUID,
    FAULT_LIST,
    FAULT_OBJECT,
    FAULT_COUNT,
};

const char *fault_text(enum fault fault); // "not json", "out of range"

#endif
