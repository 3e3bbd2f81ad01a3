// SPDX-License-Identifier: MIT
// The words of each fault. They are stable: dashboards and golden tests hold them.
#include "formats/fault.h"
#include "base/base.h"

const char *fault_text(enum fault fault)
{
    static const char *const texts[FAULT_COUNT] = {
        [FAULT_NONE] = "",
        [FAULT_EMPTY] = "empty",
        [FAULT_NOT_JSON] = "not json",
        [FAULT_NOT_RECORD] = "not a json object",
        [FAULT_TRAILING] = "trailing bytes",
        [FAULT_UTF8] = "invalid utf-8",
        [FAULT_DEEP] = "too deep",
        [FAULT_QUOTE] = "misplaced quote",
        [FAULT_FIELDS] = "too many fields",
        [FAULT_INTEGER] = "not an integer",
        [FAULT_NUMBER] = "not a number",
        [FAULT_RANGE] = "out of range",
        [FAULT_BOOLEAN] = "not a boolean",
        [FAULT_TIMESTAMP] = "not a timestamp",
        [FAULT_DATE] = "not a date",
        [FAULT_TIME] = "not a time",
        [FAULT_UUID] = "not a uuid",
        [FAULT_LIST] = "not a list",
        [FAULT_OBJECT] = "not an object",
    };
    ASSERT(fault < FAULT_COUNT);
    return texts[fault];
}
