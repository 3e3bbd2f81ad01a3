// SPDX-License-Identifier: MIT
// Files as a source. A file is a partition: name = path, offset = byte (Parquet: row), line = lines
// read, mark = "size/mtime" (of an object on S3 "size/number of its etag"). Files are taken in byte
// order of their paths; in stream mode the folder is listed again and again, and a file is taken
// once its size and time stood still for `settle`. What was taken is read up to the size it had
// then: a file counts as whole, and is done at its end. An object on S3 is whole as soon as it is
// there, and never grows.
//
// Reads are big and go straight into the batch's arena, where records are found: a byte is copied
// once, by the kernel. A record cut off by the end of the buffer is read again with the next batch.
#include "connectors/files/files.h"
#include "connectors/files/input.h"
#include "connectors/files/parquet_source.h"
#include "connectors/files/records.h"

#include "base/log.h"
#include <stdio.h>
#include <string.h>

#define PIECE_BYTES ((size_t)256 << 10) // one pread; small enough to be cut while in cache
#define RECORD_BYTES_MAX ((size_t)64 << 20)
#define PADDING 64
#define RESCAN_US (200 * US_PER_MS)
#define RESCAN_REMOTE_US (1 * US_PER_SECOND) // and a listing takes a tenth of the time at most

enum missing { MISSING_ERROR, MISSING_OK };
static const char *const missing_words[] = {"error", "ok", NULL};

struct files_source_options {
    struct str path;
    int missing;
    int64_t settle_us;
    bool header;
    struct store_options s3;
};

static const struct option files_source_options[] = {
    {.name = "path",
     .kind = OPTION_TEXT,
     .fallback = NULL,
     .help = "a file, a folder (all below it), a pattern with * ? [..] and ** for folders, or a "
             "list of these: (['a', 'b/*.json']); s3://bucket/.. likewise",
     .offset = offsetof(struct files_source_options, path)},
    {.name = "missing",
     .kind = OPTION_WORD,
     .fallback = "error",
     .help = "batch and once: is a path (not a pattern) at which nothing is an error, or ok",
     .offset = offsetof(struct files_source_options, missing),
     .words = missing_words},
    {.name = "settle",
     .kind = OPTION_DURATION,
     .fallback = "2 seconds",
     .help = "stream: a file is taken when unchanged for so long (batch and once: at once)",
     .offset = offsetof(struct files_source_options, settle_us)},
    {.name = "header",
     .kind = OPTION_BOOL,
     .fallback = "true",
     .help = "csv: the first record of each file names the columns and is skipped",
     .offset = offsetof(struct files_source_options, header)},
    STORE_OPTIONS(files_source_options),
};

struct file_state { // parallel to partitions
    const char *place;
    int64_t size;
    int64_t modified_us;
    struct str etag;
    bool is_reported; // the change after it was read was logged
};

// A file that is not yet taken: what it looked like, and since when.
struct waiting_file {
    struct str path;
    int64_t size, modified_us, since_us;
};

struct source {
    const struct files_source_options *options;
    struct source_context context;
    struct arena arena; // names, marks, places: as long as the source
    struct partition *partitions;
    struct file_state *states;
    uint32_t *by_name; // partition indexes sorted by name
    size_t len, capacity;
    size_t current;                 // partitions before it are done
    struct arena waiting_arenas[2]; // of this and the previous listing
    struct waiting_file *waiting;
    size_t waiting_len;
    int waiting_turn;
    int64_t next_scan_us;           // monotonic
    bool was_scanned, was_reported; // reported: that nothing is there
    struct input *input;
    double record_bytes; // running average, to size the reads
    bool is_parquet;
    struct record_style style;
    struct parquet_reader *parquet;
};

static void files_close(struct source *source)
{
    input_close(source->input);
    parquet_reader_free(source->parquet);
    heap_free(source->partitions);
    heap_free(source->states);
    heap_free(source->by_name);
    arena_clear(&source->waiting_arenas[0]);
    arena_clear(&source->waiting_arenas[1]);
    arena_clear(&source->arena);
    heap_free(source);
}

static struct source *files_open(const void *options, const struct source_context *context,
                                 struct error *err)
{
    struct source *source = heap_new(sizeof(*source));
    source->options = options;
    source->context = *context;
    source->record_bytes = 400;
    source->is_parquet = str_is(context->format, "parquet");
    source->style.is_csv = str_is(context->format, "csv");
    source->style.keeps_blank = str_is(context->format, "raw");
    source->input = input_open(source->options->path, &source->options->s3, context->folder, err);
    if (source->input == NULL) {
        files_close(source);
        return NULL;
    }
    if (source->is_parquet) {
        source->parquet = parquet_reader_new(&source->context, err);
        if (source->parquet == NULL) {
            files_close(source);
            return NULL;
        }
    }
    return source;
}

// Place in by_name where `name` is or belongs.
static size_t name_rank(const struct source *source, struct str name, bool *is_there)
{
    size_t from = 0, to = source->len;
    *is_there = false;
    while (from < to) {
        size_t middle = (from + to) / 2;
        int order = str_compare(source->partitions[source->by_name[middle]].name, name);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void mark_set(struct source *source, size_t file)
{
    const struct file_state *state = &source->states[file];
    source->partitions[file].mark = arena_print(&source->arena, "%lld/%lld", (long long)state->size,
                                                (long long)state->modified_us);
}

static size_t partition_add(struct source *source, const struct listed *listed)
{
    if (source->len == source->capacity) {
        size_t capacity = source->capacity == 0 ? 16 : source->capacity * 2;
        source->partitions =
            heap_resize(source->partitions, capacity * sizeof(*source->partitions));
        source->states = heap_resize(source->states, capacity * sizeof(*source->states));
        source->by_name = heap_resize(source->by_name, capacity * sizeof(*source->by_name));
        source->capacity = capacity;
    }
    bool is_there;
    size_t rank = name_rank(source, listed->path, &is_there);
    ASSERT(!is_there);
    memmove(source->by_name + rank + 1, source->by_name + rank,
            (source->len - rank) * sizeof(*source->by_name));
    source->by_name[rank] = (uint32_t)source->len;
    size_t file = source->len++;
    source->partitions[file] = (struct partition){.name = arena_str(&source->arena, listed->path)};
    source->states[file] =
        (struct file_state){.place = input_place(source->input, listed->path, &source->arena),
                            .size = listed->size,
                            .modified_us = listed->modified_us,
                            .etag = arena_str(&source->arena, listed->etag)};
    mark_set(source, file);
    return file;
}

// Has the file stood still for `settle`? By its own time, or because an earlier listing saw it so.
static bool is_settled(struct source *source, const struct listed *file, int64_t now_us,
                       int64_t *since_us)
{
    *since_us = now_us;
    if (source->context.execution != EXECUTION_STREAM || source->options->settle_us <= 0 ||
        input_is_remote(source->input))
        return true;
    if (!source->context.clock->simulated &&
        now_us - file->modified_us >= source->options->settle_us)
        return true;
    for (size_t i = 0; i < source->waiting_len; i++) {
        const struct waiting_file *seen = &source->waiting[i];
        if (!str_equal(seen->path, file->path) || seen->size != file->size ||
            seen->modified_us != file->modified_us)
            continue;
        *since_us = seen->since_us;
        return now_us - seen->since_us >= source->options->settle_us;
    }
    return false;
}

static void change_report(struct source *source, size_t file, const struct listed *now)
{
    struct file_state *state = &source->states[file];
    if (state->is_reported || !source->partitions[file].is_done ||
        (state->size == now->size && state->modified_us == now->modified_us))
        return;
    state->is_reported = true;
    log_warn("files: %s changed after it was read; the change is not read: write new files and "
             "rename them into place",
             state->place);
}

// Nothing was found: a pattern may match nothing, a folder may be empty, but a path at which
// nothing is was probably mistyped. A stream waits for it.
static bool nothing_found(struct source *source, struct arena *arena, struct error *err)
{
    struct str path = source->options->path;
    const char *nearest;
    bool is_missing = input_is_missing(source->input, path, arena, &nearest);
    const char *before = nearest != NULL ? ": did you mean " : "";
    nearest = nearest != NULL ? nearest : "";
    if (source->context.execution == EXECUTION_STREAM && is_missing)
        log_warn("files: there is no %.*s yet%s%s; waiting for it", STR_ARGS(path), before,
                 nearest);
    else if (source->context.execution == EXECUTION_STREAM)
        log_info("files: nothing matches %.*s yet; waiting", STR_ARGS(path));
    else if (is_missing && source->options->missing == MISSING_ERROR)
        return error_set(err, ERROR_USER,
                         "files: there is no %.*s%s%s; when that is as it should be: missing = "
                         "'ok'",
                         STR_ARGS(path), before, nearest);
    else
        log_warn("files: nothing matches %.*s: no rows", STR_ARGS(path));
    return true;
}

// Where waiting for better times makes no sense, what a stream would try again is the end. A
// service that is away is worth another start (exit 75).
static bool unreadable(const struct source *source, struct error *err)
{
    if (source->context.execution != EXECUTION_STREAM && err->kind == ERROR_RETRY &&
        !input_is_remote(source->input))
        err->kind = ERROR_FATAL;
    return false;
}

// Lists the path and takes what is whole and new.
static bool scan(struct source *source, struct error *err)
{
    int turn = source->waiting_turn ^ 1;
    struct arena *arena = &source->waiting_arenas[turn];
    arena_reset(arena);
    struct listed *files;
    size_t len;
    int64_t begin_us = clock_monotonic_us();
    if (!input_list(source->input, arena, &files, &len, err))
        return unreadable(source, err);
    struct waiting_file *waiting = ARENA_ARRAY(arena, struct waiting_file, len);
    size_t waiting_len = 0;
    int64_t now_us = clock_now_us(source->context.clock);
    for (size_t i = 0; i < len; i++) {
        bool is_there;
        size_t rank = name_rank(source, files[i].path, &is_there);
        if (is_there) {
            change_report(source, source->by_name[rank], &files[i]);
            continue;
        }
        int64_t since_us;
        if (is_settled(source, &files[i], now_us, &since_us))
            partition_add(source, &files[i]);
        else
            waiting[waiting_len++] = (struct waiting_file){.path = files[i].path,
                                                           .size = files[i].size,
                                                           .modified_us = files[i].modified_us,
                                                           .since_us = since_us};
    }
    if (len == 0 && !source->was_reported) {
        if (!nothing_found(source, arena, err))
            return false;
        source->was_reported = true;
    }
    source->waiting = waiting;
    source->waiting_len = waiting_len;
    source->waiting_turn = turn;
    source->was_scanned = true;
    int64_t end_us = clock_monotonic_us(), pause_us = RESCAN_US;
    if (input_is_remote(source->input)) {
        int64_t gentle_us = 9 * (end_us - begin_us);
        pause_us = gentle_us > RESCAN_REMOTE_US ? gentle_us : RESCAN_REMOTE_US;
    }
    source->next_scan_us = end_us + pause_us;
    return true;
}

static bool files_list(struct source *source, const struct partition **partitions, size_t *len,
                       struct error *err)
{
    if (!source->was_scanned && !scan(source, err))
        return false;
    *partitions = source->partitions;
    *len = source->len;
    return true;
}

static bool mark_parse(struct str mark, int64_t *size, int64_t *modified_us)
{
    int64_t slash = str_find(mark, '/');
    return slash > 0 && str_parse_int64(str_slice(mark, 0, (size_t)slash), size) &&
           str_parse_int64(str_slice(mark, (size_t)slash + 1, mark.len), modified_us);
}

// Does the file still begin with what was read from it? A file that cannot grow (its positions are
// rows, or it is an object) must be the very same.
static bool mark_check(const struct file_state *state, const struct partition *from, bool can_grow,
                       struct error *err)
{
    int64_t size, modified_us;
    if (!mark_parse(from->mark, &size, &modified_us)) {
        size = state->size;
        modified_us = state->modified_us;
    }
    const char *what = NULL;
    if (can_grow && (state->size < size || state->size < from->offset))
        what = "is shorter than";
    else if (from->offset > 0 && state->modified_us != modified_us &&
             (state->size == size || !can_grow))
        what = "was changed since";
    if (what == NULL)
        return true;
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "files: %s %s when it was read up to %lld of %lld: put the old content "
                          "back, or start with a new checkpoint",
                          state->place, what, (long long)from->offset, (long long)size);
}

// A file of the checkpoint that no listing shows: gone, or the path is another one now.
static bool unlisted_add(struct source *source, const struct partition *from, size_t *file,
                         struct error *err)
{
    struct listed listed = {.size = -1};
    bool is_there = false, is_remote_done = from->is_done && input_is_remote(source->input);
    // Objects that were read to their end are many, and of no more interest.
    if (!is_remote_done &&
        !input_look(source->input, from->name, &source->arena, &listed, &is_there, err))
        return false;
    if (!is_there && !from->is_done)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "files: %s is gone, and was read only up to %lld: put it back, or "
                              "start with a new checkpoint",
                              input_place(source->input, from->name, &source->arena),
                              (long long)from->offset);
    listed.path = from->name;
    if (!is_there) {
        listed.size = from->offset;
        listed.modified_us = 0;
        mark_parse(from->mark, &listed.size, &listed.modified_us);
    }
    *file = partition_add(source, &listed);
    return true;
}

static bool seek_one(struct source *source, const struct partition *from, struct error *err)
{
    bool is_there;
    size_t rank = name_rank(source, from->name, &is_there);
    size_t file = is_there ? source->by_name[rank] : 0;
    if (!is_there) {
        if (!unlisted_add(source, from, &file, err))
            return false;
    }
    struct partition *partition = &source->partitions[file];
    struct file_state *state = &source->states[file];
    bool can_grow = !source->is_parquet && !input_is_remote(source->input);
    if (!mark_check(state, from, can_grow, err))
        return false;
    partition->offset = from->offset;
    partition->line = from->line;
    partition->is_done = from->is_done;
    partition->is_end = from->is_done;
    int64_t size, modified_us;
    if (from->is_done && mark_parse(from->mark, &size, &modified_us)) {
        struct listed now = {.size = state->size, .modified_us = state->modified_us};
        state->size = size;
        state->modified_us = modified_us;
        change_report(source, file, &now);
        mark_set(source, file);
    }
    return true;
}

static bool files_seek(struct source *source, const struct partition *partitions, size_t len,
                       struct error *err)
{
    if (!source->was_scanned && !scan(source, err))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!seek_one(source, &partitions[i], err))
            return false;
    }
    source->current = 0;
    return true;
}

static struct listed listed_of(const struct source *source, size_t file)
{
    const struct file_state *state = &source->states[file];
    return (struct listed){.path = source->partitions[file].name,
                           .size = state->size,
                           .modified_us = state->modified_us,
                           .etag = state->etag};
}

static bool read_at(struct source *source, size_t file, char *target, size_t len, int64_t offset,
                    size_t *got, struct error *err)
{
    struct listed listed = listed_of(source, file);
    return input_read(source->input, &listed, offset, target, len, got, err) ||
           unreadable(source, err);
}

// How many bytes the next read should take: about what gives the rows still wanted.
static size_t bytes_wanted(const struct source *source, const struct batch *batch, size_t file,
                           size_t rows_max, size_t bytes_max)
{
    double rows = (double)(rows_max - batch->rows);
    double guess = rows * source->record_bytes * 1.02 + 4096;
    size_t wanted = guess < (double)bytes_max ? (size_t)guess : bytes_max;
    if (bytes_max > batch->bytes && wanted > bytes_max - batch->bytes)
        wanted = bytes_max - batch->bytes;
    int64_t left = source->states[file].size - source->partitions[file].offset;
    return wanted < 4096 ? (left < 4096 ? (size_t)left : 4096)
                         : ((uint64_t)left < wanted ? (size_t)left : wanted);
}

// A byte order mark and the CSV header stand before the first record.
static size_t head_skip(const struct source *source, const char *buffer, size_t len, bool is_last,
                        int64_t *line)
{
    size_t at = len >= 3 && memcmp(buffer, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (!source->style.is_csv || !source->options->header)
        return at;
    int64_t lines = 0;
    size_t end = record_end(buffer, at, len, source->style, &lines);
    if (end == SIZE_MAX)
        return is_last ? len : SIZE_MAX;
    *line += lines;
    return end;
}

// Reads `wanted` bytes from the partition's offset piece by piece and cuts records as they come.
// *taken: bytes used up (0: not even one record fits).
static bool buffer_read(struct source *source, size_t file, struct batch *batch, size_t wanted,
                        size_t rows_max, size_t *taken, struct error *err)
{
    struct partition *partition = &source->partitions[file];
    char *buffer = arena_bytes(&batch->arena, wanted + PADDING);
    size_t have = 0, from = 0;
    int64_t line = partition->line;
    bool is_head = partition->offset == 0;
    while (have < wanted && batch->rows < rows_max) {
        size_t piece = wanted - have < PIECE_BYTES ? wanted - have : PIECE_BYTES, got;
        if (!read_at(source, file, buffer + have, piece, partition->offset + (int64_t)have, &got,
                     err))
            return false;
        have += got;
        bool is_last = partition->offset + (int64_t)have >= source->states[file].size;
        if (is_head) {
            size_t skipped = head_skip(source, buffer, have, is_last, &line);
            if (skipped == SIZE_MAX)
                continue;
            from = skipped;
            is_head = false;
        }
        from = records_cut(batch, buffer, from, have, source->style, is_last, (uint32_t)file,
                           rows_max, &line);
    }
    memset(buffer + have, 0, PADDING);
    partition->line = line;
    partition->offset += (int64_t)from;
    *taken = from;
    return true;
}

// A record beyond RECORD_BYTES_MAX cannot be decoded, and must not be lost either: its first part
// goes on with a last byte that no text has, so every decoder refuses it and it is quarantined.
static bool giant_skip(struct source *source, size_t file, struct batch *batch, struct error *err)
{
    struct partition *partition = &source->partitions[file];
    char *buffer = arena_bytes(&batch->arena, RECORD_BYTES_MAX + PADDING);
    memset(buffer + RECORD_BYTES_MAX, 0, PADDING);
    size_t have = 0, got;
    while (have < RECORD_BYTES_MAX) {
        if (!read_at(source, file, buffer + have, RECORD_BYTES_MAX - have,
                     partition->offset + (int64_t)have, &got, err))
            return false;
        have += got;
    }
    buffer[RECORD_BYTES_MAX - 1] = (char)0xff;
    batch_add(batch, buffer, RECORD_BYTES_MAX, (uint32_t)file, ++partition->line);
    log_warn("files: %s line %lld is longer than %zu bytes; it goes to quarantine cut off",
             source->states[file].place, (long long)partition->line, RECORD_BYTES_MAX);
    int64_t offset = partition->offset + (int64_t)have;
    char *piece = arena_bytes(&batch->arena, PIECE_BYTES);
    const char *end = NULL;
    while (offset < source->states[file].size && end == NULL) {
        int64_t left = source->states[file].size - offset;
        size_t len = (uint64_t)left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        if (!read_at(source, file, piece, len, offset, &got, err))
            return false;
        end = memchr(piece, '\n', got);
        offset += end != NULL ? end + 1 - piece : (int64_t)got;
    }
    partition->offset = offset;
    return true;
}

static bool text_read(struct source *source, size_t file, struct batch *batch, size_t rows_max,
                      size_t bytes_max, struct error *err)
{
    struct partition *partition = &source->partitions[file];
    size_t rows_before = batch->rows, taken = 0;
    size_t wanted = bytes_wanted(source, batch, file, rows_max, bytes_max);
    while (true) {
        if (!buffer_read(source, file, batch, wanted, rows_max, &taken, err))
            return false;
        int64_t left = source->states[file].size - partition->offset;
        if (taken > 0 || left <= 0)
            break;
        if (wanted >= RECORD_BYTES_MAX)
            return giant_skip(source, file, batch, err);
        wanted = wanted * 4 < RECORD_BYTES_MAX ? wanted * 4 : RECORD_BYTES_MAX;
        wanted = (uint64_t)left < wanted ? (size_t)left : wanted;
    }
    size_t rows = batch->rows - rows_before;
    if (rows > 0)
        source->record_bytes += ((double)taken / (double)rows - source->record_bytes) / 4;
    return true;
}

static bool file_read(struct source *source, size_t file, struct batch *batch, size_t rows_max,
                      size_t bytes_max, struct error *err)
{
    struct partition *partition = &source->partitions[file];
    bool is_end = false;
    if (source->is_parquet) {
        struct listed listed = listed_of(source, file);
        const char *place = input_local(source->input, &listed, err);
        if (place == NULL || !parquet_read(source->parquet, place, batch, partition->offset,
                                           rows_max, &partition->offset, &is_end, err))
            return false;
        partition->line = partition->offset;
    } else {
        if (partition->offset < source->states[file].size &&
            !text_read(source, file, batch, rows_max, bytes_max, err))
            return false;
        is_end = partition->offset >= source->states[file].size;
    }
    partition->is_end = partition->is_done = is_end;
    batch_position_set(batch, (uint32_t)file, partition->offset, partition->line, is_end, is_end);
    return true;
}

// Is there a file that still has rows? Looks at the folder again when all are done (stream).
static bool file_next(struct source *source, bool *found, struct error *err)
{
    for (int look = 0; look < 2; look++) {
        while (source->current < source->len && source->partitions[source->current].is_done)
            source->current++;
        *found = source->current < source->len;
        bool is_due =
            !source->was_scanned ||
            (source->context.execution == EXECUTION_STREAM &&
             (source->context.clock->simulated || clock_monotonic_us() >= source->next_scan_us));
        if (*found || look == 1 || !is_due)
            return true;
        if (!scan(source, err))
            return false;
    }
    return true;
}

static bool files_read(struct source *source, struct batch *batch, size_t rows_max,
                       size_t bytes_max, enum read_state *state, struct error *err)
{
    batch_reset(batch);
    size_t chunk_rows = 0;
    while (batch->rows < rows_max && chunk_rows < rows_max && batch->bytes < bytes_max) {
        bool found;
        if (!file_next(source, &found, err))
            return false;
        if (!found)
            break;
        if (batch->positions_len == 0) {
            batch->arrival_us = clock_monotonic_us();
            batch_reserve(batch, source->is_parquet ? 0 : rows_max);
        }
        if (!file_read(source, source->current, batch, rows_max - chunk_rows, bytes_max, err))
            return false;
        chunk_rows = 0;
        for (size_t i = 0; i < batch->chunks_len; i++)
            chunk_rows += batch->chunks[i]->rows;
    }
    if (batch->positions_len > 0)
        *state = READ_ROWS;
    else
        *state = source->context.execution == EXECUTION_STREAM ? READ_IDLE : READ_END;
    return true;
}

static bool files_acknowledge(struct source *source UNUSED,
                              const struct partition *partitions UNUSED, size_t len UNUSED,
                              struct error *err UNUSED)
{
    return true; // files stay where they are
}

static void files_ends(const struct source *source, int64_t *ends, size_t len)
{
    for (size_t i = 0; i < len; i++) // Parquet is read by rows, which only its footer knows
        ends[i] = source->is_parquet ? -1 : source->states[i].size;
}

const struct source_type files_source_type = {
    .name = "files",
    .summary = "lines, CSV records or Parquet rows of files in a folder, complete or growing",
    .options = files_source_options,
    .options_len = COUNT_OF(files_source_options),
    .options_size = sizeof(struct files_source_options),
    .is_seekable_by_name = true,
    .open = files_open,
    .list = files_list,
    .seek = files_seek,
    .read = files_read,
    .acknowledge = files_acknowledge,
    .close = files_close,
    .ends = files_ends,
    .offset_unit = "bytes",
};
