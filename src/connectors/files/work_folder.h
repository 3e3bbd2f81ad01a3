// SPDX-License-Identifier: MIT
// A folder of our own below TMPDIR (/tmp) for files on their way between S3 and DuckDB. It is
// removed when closed; what a killed process left is removed by the next one that opens its own.
#ifndef FIRESTEEL_WORK_FOLDER_H
#define FIRESTEEL_WORK_FOLDER_H

#include "base/error.h"

struct work_folder {
    char path[512];
    int lock; // -1: not open
};
MUST_USE bool work_folder_open(struct work_folder *folder, struct error *err);
void work_folder_close(struct work_folder *folder);

#endif
