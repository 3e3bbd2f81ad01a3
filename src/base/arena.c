// SPDX-License-Identifier: MIT
// Arena: a list of blocks, newest first, pieces cut from the newest one. Blocks double up to 1 MB,
// so a small arena stays small and a large one makes few calls. A piece too big for that gets a
// block of its own, put behind the newest, so that the room left in the newest is not lost.
#include "base/arena.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

enum { BLOCK_FIRST = 4096, BLOCK_MAX = 1 << 20, KEPT_MAX = 16 << 20, ALIGNMENT = 16 };

struct arena_block {
    struct arena_block *older;
    size_t size; // of `bytes`
    _Alignas(ALIGNMENT) char bytes[];
};

NORETURN static void out_of_memory(size_t size)
{
    fprintf(stderr,
            "firesteel: out of memory at %zu bytes; the next start recovers from the checkpoint\n",
            size);
    abort();
}

static struct arena_block *block_new(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_block))
        out_of_memory(size);
    struct arena_block *block = malloc(sizeof(*block) + size);
    if (block == NULL)
        out_of_memory(size);
    block->older = NULL;
    block->size = size;
    arena->bytes += sizeof(*block) + size;
    return block;
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_clear(struct arena *arena)
{
    struct arena_block *block = arena->block;
    while (block != NULL) {
        struct arena_block *older = block->older;
        free(block);
        block = older;
    }
    *arena = (struct arena){0};
}

// What was spread over several blocks gets one that holds it all, so that an arena that is filled
// again and again asks the system for nothing. After an exceptional size only the largest stays.
void arena_reset(struct arena *arena)
{
    struct arena_block *kept = arena->block;
    size_t total = 0;
    for (struct arena_block *block = arena->block; block != NULL; block = block->older) {
        total += block->size;
        if (block->size > kept->size)
            kept = block;
    }
    bool joins = kept != NULL && total > kept->size && total <= KEPT_MAX;
    for (struct arena_block *block = arena->block, *older; block != NULL; block = older) {
        older = block->older;
        if (block != kept || joins)
            free(block);
    }
    arena->block = NULL;
    arena->used = 0;
    arena->bytes = 0;
    if (joins) {
        arena->block = block_new(arena, total);
        arena->block->older = NULL;
    } else if (kept != NULL) {
        kept->older = NULL;
        arena->block = kept;
        arena->bytes = sizeof(*kept) + kept->size;
    }
}

static char *arena_cut(struct arena *arena, size_t size, size_t alignment)
{
    struct arena_block *block = arena->block;
    if (block != NULL) {
        size_t start = (arena->used + alignment - 1) & ~(alignment - 1);
        if (start <= block->size && size <= block->size - start) {
            arena->used = start + size;
            return block->bytes + start;
        }
    }
    size_t next = block == NULL ? BLOCK_FIRST : block->size * 2;
    if (next > BLOCK_MAX)
        next = BLOCK_MAX;
    if (size > next / 4 && block != NULL) {
        struct arena_block *own = block_new(arena, size);
        own->older = block->older;
        block->older = own;
        return own->bytes;
    }
    struct arena_block *newest = block_new(arena, size > next ? size : next);
    newest->older = block;
    arena->block = newest;
    arena->used = size;
    return newest->bytes;
}

void *arena_new(struct arena *arena, size_t size)
{
    return memset(arena_cut(arena, size == 0 ? 1 : size, ALIGNMENT), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    return arena_new(arena, total);
}

char *arena_bytes(struct arena *arena, size_t size)
{
    return arena_cut(arena, size, 1);
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *copy = arena_bytes(arena, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return (struct str){copy, s.len};
}

const char *arena_cstr(struct arena *arena, struct str s)
{
    return arena_str(arena, s).ptr;
}

struct str arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ASSERT(len >= 0);
    char *text = arena_bytes(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return (struct str){text, (size_t)len};
}

void *heap_new(size_t size)
{
    return heap_array(1, size);
}

void *heap_array(size_t count, size_t size)
{
    bool empty = count == 0 || size == 0;
    void *ptr = calloc(empty ? 1 : count, empty ? 1 : size);
    if (ptr == NULL)
        out_of_memory(size);
    return ptr;
}

void *heap_resize(void *old, size_t size)
{
    void *ptr = realloc(old, size == 0 ? 1 : size);
    if (ptr == NULL)
        out_of_memory(size);
    return ptr;
}

void *heap_aligned(size_t alignment, size_t size)
{
    if (size > SIZE_MAX - alignment)
        out_of_memory(size);
    size_t whole = (size + alignment - 1) / alignment * alignment;
    if (whole >= HUGE_PAGE / 2) { // tables probed at random: fewer page faults and TLB misses
        alignment = HUGE_PAGE;
        whole = (whole + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    }
    void *ptr = aligned_alloc(alignment, whole == 0 ? alignment : whole);
    if (ptr == NULL)
        out_of_memory(size);
    if (alignment == HUGE_PAGE)
        madvise(ptr, whole, MADV_HUGEPAGE);
    return ptr;
}

void heap_free(void *ptr)
{
    free(ptr);
}
