// SPDX-License-Identifier: MIT
// Memory with one lifetime: allocated piece by piece, given back all at once. The arena is always a
// parameter, so a signature tells how long its result lives. Not thread safe: one arena, one owner.
// Out of memory aborts: the checkpoint is the recovery path.
#ifndef FIRESTEEL_ARENA_H
#define FIRESTEEL_ARENA_H

#include "base/str.h"

struct arena_block;
struct arena {
    struct arena_block *block; // newest block
    size_t used;               // bytes used in the newest block
    size_t bytes;              // bytes held from the system, for accounting
};

void arena_init(struct arena *arena);  // a zeroed arena is initialised too
void arena_clear(struct arena *arena); // gives everything back to the system
void arena_reset(struct arena *arena); // forgets all content but keeps the largest block for reuse
// Zeroed, aligned for any type. A size of 0 gives a valid pointer.
void *arena_new(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size); // zeroed; overflow aborts
// Not zeroed, 1-byte aligned: for string bytes.
char *arena_bytes(struct arena *arena, size_t size);
struct str arena_str(struct arena *arena, struct str s); // a copy, followed by a zero byte
const char *arena_cstr(struct arena *arena, struct str s);
struct str arena_print(struct arena *arena, const char *format, ...) PRINTF(2, 3);

#define ARENA_NEW(arena, type) ((type *)arena_new((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))

// Heap memory for owners that grow or end on their own. They abort when memory is out.
void *heap_new(size_t size);                       // zeroed
void *heap_array(size_t count, size_t size);       // zeroed
void *heap_resize(void *old, size_t size);         // not zeroed beyond the old size
void *heap_aligned(size_t alignment, size_t size); // not zeroed; freed by heap_free
void heap_free(void *ptr);                         // NULL is allowed

#endif
