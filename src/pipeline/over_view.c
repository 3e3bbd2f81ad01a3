// SPDX-License-Identifier: MIT
// placeholder
#include "pipeline/select.h"

int over_build(struct select *select, json_t *query, const struct from *from)
{
    (void)query;
    (void)from;
    select_refuse(select, "E0234", TREE_NO_PLACE, NULL, "not built yet");
    return -1;
}
