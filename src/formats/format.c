// SPDX-License-Identifier: MIT
// The list of formats: adding one is a file and a line here.
#include "formats/format.h"

const struct format_type *format_find(struct str name)
{
    static const struct format_type *const formats[] = {&format_json, &format_csv, &format_raw};
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (str_is(name, formats[i]->name))
            return formats[i];
    return NULL;
}
