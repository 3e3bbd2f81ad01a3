// SPDX-License-Identifier: MIT
// Where a violated assertion ends. It writes with plain stdio: the log may be what is broken.
#include "base/base.h"
#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr,
            "firesteel: assertion failed: %s (%s:%d); this is a bug, the next start recovers from "
            "the checkpoint\n",
            condition, file, line);
    abort();
}
