// SPDX-License-Identifier: MIT
// Where a files source reads: files of this machine, or objects of a bucket.
#ifndef FIRESTEEL_INPUT_H
#define FIRESTEEL_INPUT_H

#include "connectors/files/store.h"

struct input;
// `paths`: the source's option, one path or a list, all local or all in one bucket. `folder`: what
// relative paths are relative to.
struct input *input_open(struct str paths, const struct store_options *options, const char *folder,
                         struct error *err);
void input_close(struct input *input); // NULL is allowed
bool input_is_remote(const struct input *input);
// As path_list_make. Of an object, modified_us is a number made of its etag, so that it differs
// whenever the content does.
MUST_USE bool input_list(struct input *input, struct arena *arena, struct listed **files,
                         size_t *len, struct error *err);
// A path at which nothing is, as listing_is_missing.
bool input_is_missing(struct input *input, struct str path, struct arena *arena,
                      const char **nearest);
// One file that a listing did not show. *is_there false: it is gone.
MUST_USE bool input_look(struct input *input, struct str path, struct arena *arena,
                         struct listed *file, bool *is_there, struct error *err);
// For messages, and to open a local file. In `arena`.
const char *input_place(const struct input *input, struct str path, struct arena *arena);
// At least one byte from `offset` on, which is below file->size. The file must still be the one
// that was listed: EXIT_REFUSED.
MUST_USE bool input_read(struct input *input, const struct listed *file, int64_t offset,
                         char *target, size_t len, size_t *got, struct error *err);
// A local path that has the file's content and its folders' names; valid until the next call.
const char *input_local(struct input *input, const struct listed *file, struct error *err);

#endif
