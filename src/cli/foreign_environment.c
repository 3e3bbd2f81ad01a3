// SPDX-License-Identifier: MIT
// By prefix, not by a list: what Spark calls its settings changes with its versions.
#include "cli/foreign_environment.h"
#include "base/buf.h"
#include "base/log.h"
#include <string.h>
#include <unistd.h>

void foreign_environment_tell(void)
{
    static const char prefix[] = "SPARK_";
    AUTO(buf_clear) struct buf names = {0};
    for (char **one = environ; *one != NULL; one++) {
        if (strncmp(*one, prefix, sizeof(prefix) - 1) != 0)
            continue;
        if (names.len > 0)
            buf_add_cstr(&names, ", ");
        buf_add(&names, *one, strcspn(*one, "="));
    }
    if (names.len > 0)
        log_info("accepted, but without a meaning here: %s", buf_cstr(&names));
}
