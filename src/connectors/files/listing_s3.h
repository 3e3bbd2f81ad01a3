// SPDX-License-Identifier: MIT
// Which objects an s3:// path means: as listing.h for files. A key that ends with '/' is no file.
#ifndef FIRESTEEL_LISTING_S3_H
#define FIRESTEEL_LISTING_S3_H

#include "connectors/files/listing.h"
#include "connectors/s3/s3.h"

// Paths begin as `path` does (s3a:// stays s3a://). Sorted. Everything lives in `arena`.
MUST_USE bool listing_s3(struct s3 *s3, struct str path, struct arena *arena, struct listed **files,
                         size_t *len, struct error *err);
// All below `prefix`, which is empty or ends with '/'; paths are relative to it.
MUST_USE bool listing_s3_below(struct s3 *s3, struct str prefix, struct arena *arena,
                               struct listed **files, size_t *len, struct error *err);

#endif
