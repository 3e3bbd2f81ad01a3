// SPDX-License-Identifier: MIT
// Reading a checkpoint folder (format and crash cases: head of journal.c). The question that
// decides everything is what stands behind the last good record: nothing valid means a write that a
// crash tore, and may be cut; a valid record means that bytes in the middle were damaged later, and
// only a person may decide to give up what follows.
#include "base/hash.h"
#include "engine/journal_format.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char journal_magic[8] = {'F', 'S', 'J', 'O', 'U', 'R', 'N', 'L'};

bool journal_path(const char *folder, const char *name, char path[JOURNAL_PATH_MAX],
                  struct error *err)
{
    int len = snprintf(path, JOURNAL_PATH_MAX, "%s/%s", folder, name);
    if (len >= JOURNAL_PATH_MAX)
        return error_set(err, ERROR_USER, "checkpoint folder %.200s..: the path is too long",
                         folder);
    return true;
}

bool journal_file_path(const char *folder, uint64_t number, char path[JOURNAL_PATH_MAX],
                       struct error *err)
{
    char name[32];
    snprintf(name, sizeof(name), "journal-%08" PRIu64, number);
    return journal_path(folder, name, path, err);
}

bool journal_files_list(const char *folder, struct arena *arena, struct journal_files *files,
                        struct error *err)
{
    struct str *names;
    size_t len;
    *files = (struct journal_files){0};
    if (!folder_list(folder, arena, &names, &len, err))
        return false;
    files->numbers = ARENA_ARRAY(arena, uint64_t, len);
    for (size_t i = 0; i < len; i++) {
        int64_t number;
        char again[32];
        if (!str_starts(names[i], "journal-") ||
            !str_parse_int64(str_slice(names[i], 8, names[i].len), &number) || number < 1)
            continue;
        // Only names that this program writes: "journal-1" or "journal-+0000001" is something else.
        snprintf(again, sizeof(again), "journal-%08" PRIu64, (uint64_t)number);
        if (!str_is(names[i], again))
            continue;
        size_t at = files->len++;
        for (; at > 0 && files->numbers[at - 1] > (uint64_t)number; at--)
            files->numbers[at] = files->numbers[at - 1];
        files->numbers[at] = (uint64_t)number;
    }
    return true;
}

void journal_header_write(struct buf *out, const char *uuid, uint64_t number, uint32_t *crc)
{
    size_t start = out->len;
    buf_add(out, journal_magic, sizeof(journal_magic));
    buf_add_u32(out, JOURNAL_VERSION);
    buf_add(out, uuid, 36);
    buf_add_u64(out, number);
    buf_add_u32(out, 0);
    *crc = crc32c(0, out->ptr + start, out->len - start);
    buf_add_u32(out, *crc);
    ASSERT(out->len - start == JOURNAL_HEADER_BYTES);
}

void record_head_write(struct buf *out, const struct record *record)
{
    buf_add_u32(out, (uint32_t)record->payload.len);
    buf_add_u32(out, record->is_base ? RECORD_BASE : RECORD_FRAME);
    buf_add_u64(out, record->epoch);
    buf_add_u64(out, record->generation);
    buf_add_u32(out, record->previous_crc);
}

uint32_t record_write(struct buf *out, uint32_t seed, const struct record *record)
{
    size_t start = out->len;
    buf_reserve(out, RECORD_HEAD_BYTES + record->payload.len + RECORD_TAIL_BYTES);
    record_head_write(out, record);
    buf_add_str(out, record->payload);
    uint32_t crc = crc32c(seed, out->ptr + start, out->len - start);
    buf_add_u32(out, crc);
    return crc;
}

bool record_read(struct str bytes, uint32_t seed, struct record *record)
{
    struct reader reader = reader_of(bytes);
    uint32_t length = reader_u32(&reader), type = reader_u32(&reader);
    if (reader.bad || (type != RECORD_BASE && type != RECORD_FRAME))
        return false;
    record->is_base = type == RECORD_BASE;
    record->epoch = reader_u64(&reader);
    record->generation = reader_u64(&reader);
    record->previous_crc = reader_u32(&reader);
    record->payload = reader_raw(&reader, length);
    record->bytes = reader.at + RECORD_TAIL_BYTES;
    size_t covered = reader.at;
    record->crc = reader_u32(&reader);
    return !reader.bad && record->crc == crc32c(seed, bytes.ptr, covered);
}

static bool read_header(struct str bytes, uint64_t number, struct journal_header *header,
                        char *damage, size_t damage_size, struct error *err)
{
    struct reader reader = reader_of(bytes);
    struct str magic = reader_raw(&reader, sizeof(journal_magic));
    uint32_t version = reader_u32(&reader);
    struct str uuid = reader_raw(&reader, 36);
    header->number = reader_u64(&reader);
    reader_u32(&reader);
    size_t covered = reader.at;
    header->crc = reader_u32(&reader);
    *damage = 0;
    if (reader.bad) {
        snprintf(damage, damage_size, "the file header is cut off");
        return true;
    }
    bool is_whole = header->crc == crc32c(0, bytes.ptr, covered);
    // The version is believed only when the checksum says that it was written so.
    if (is_whole && memcmp(magic.ptr, journal_magic, sizeof(journal_magic)) == 0 &&
        version > JOURNAL_VERSION)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "journal-%08" PRIu64 ": format version %u, this program writes and "
                              "reads version %d; use the newer program",
                              number, version, JOURNAL_VERSION);
    if (!is_whole || memcmp(magic.ptr, journal_magic, sizeof(journal_magic)) != 0 || version == 0)
        snprintf(damage, damage_size, "the file header does not fit its checksum");
    else if (header->number != number)
        snprintf(damage, damage_size, "the file header says number %" PRIu64, header->number);
    memcpy(header->uuid, uuid.ptr, 36);
    header->uuid[36] = 0;
    return true;
}

// Does a whole record stand anywhere from `from` on? The type word makes a hit by chance, and with
// it a checksum in vain, rare; a tail of zeros costs one comparison a byte.
static bool has_record_after(struct str bytes, size_t from, uint32_t seed, size_t *place)
{
    struct record record;
    for (size_t at = from; at + RECORD_HEAD_BYTES + RECORD_TAIL_BYTES <= bytes.len; at++) {
        if (bytes.ptr[at + 4] != 'B' && bytes.ptr[at + 4] != 'F')
            continue;
        if (record_read(str_slice(bytes, at, bytes.len), seed, &record)) {
            *place = at;
            return true;
        }
    }
    return false;
}

static const char *chain_problem(const struct journal_scan *scan, const struct record *record)
{
    if (record->is_base != (scan->records == 0))
        return record->is_base ? "a second base record" : "a frame where the base should be";
    if (record->previous_crc != scan->crc)
        return "a record that does not follow the one before it";
    if (scan->records > 0 && record->epoch != scan->epoch + 1)
        return "a frame whose epoch does not follow the one before it";
    if (record->generation < scan->generation)
        return "a frame of an older generation than the one before it";
    return NULL;
}

bool journal_scan_bytes(struct str bytes, uint64_t number, struct journal_scan *scan,
                        struct error *err)
{
    *scan = (struct journal_scan){.file_bytes = (int64_t)bytes.len};
    if (!read_header(bytes, number, &scan->header, scan->damage, sizeof(scan->damage), err))
        return false;
    if (scan->damage[0] != 0) {
        scan->is_damaged = true;
        return true;
    }
    uint32_t seed = scan->crc = scan->header.crc;
    size_t at = JOURNAL_HEADER_BYTES;
    struct record record;
    while (record_read(str_slice(bytes, at, bytes.len), seed, &record)) {
        const char *problem = chain_problem(scan, &record);
        if (problem != NULL) {
            snprintf(scan->damage, sizeof(scan->damage), "%s", problem);
            scan->is_damaged = true;
            break;
        }
        at += record.bytes;
        scan->epoch = record.epoch;
        scan->generation = record.generation;
        scan->crc = record.crc;
        scan->records++;
        if (record.is_base)
            scan->base_bytes = (int64_t)at;
    }
    scan->good_bytes = (int64_t)at;
    if (scan->is_damaged || (at == bytes.len && scan->records > 0))
        return true;
    size_t place;
    if (has_record_after(bytes, at + 1, seed, &place)) {
        scan->is_damaged = true;
        snprintf(scan->damage, sizeof(scan->damage),
                 "a damaged record, and a valid one after it at byte %zu", place);
    } else if (scan->records == 0) {
        // A journal file gets its name after its base is durable: this is damage, not a crash.
        scan->is_damaged = true;
        snprintf(scan->damage, sizeof(scan->damage), "the base record is damaged");
    }
    return true;
}

bool journal_visit_bytes(struct str bytes, const struct journal_scan *scan, journal_visit visit,
                         void *context, struct error *err)
{
    size_t at = JOURNAL_HEADER_BYTES;
    struct record record;
    while ((int64_t)at < scan->good_bytes) {
        bool good = record_read(str_slice(bytes, at, bytes.len), scan->header.crc, &record);
        ASSERT(good);
        if (visit != NULL && !visit(context, record.is_base, record.epoch, record.payload, err))
            return false;
        at += record.bytes;
    }
    return true;
}

bool journal_refuse(const char *folder, uint64_t number, int64_t byte, const char *damage,
                    struct error *err)
{
    return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                          "%s/journal-%08" PRIu64 " is damaged at byte %" PRId64
                          ": %s; nothing was changed. Restore the folder, or give up what follows "
                          "that byte with: firesteel state repair %s",
                          folder, number, byte, damage, folder);
}

static void print_generation(const struct journal_identity *identity, unsigned version,
                             struct buf *out)
{
    buf_print(out, "firesteel checkpoint\nversion %u\nuuid %s\ngeneration %" PRIu64 "\n", version,
              identity->uuid, identity->generation);
    buf_print(out, "crc %08x\n", crc32c(0, out->ptr, out->len));
}

// Taken apart, printed again and compared: no second spelling counts.
static bool parse_generation(struct buf *bytes, struct journal_identity *identity,
                             unsigned *version)
{
    AUTO(buf_clear) struct buf again = {0};
    *identity = (struct journal_identity){0};
    if (sscanf(buf_cstr(bytes),
               "firesteel checkpoint version %9u uuid %36[0-9a-f-] generation %19" SCNu64, version,
               identity->uuid, &identity->generation) != 3)
        return false;
    print_generation(identity, *version, &again);
    return strlen(identity->uuid) == 36 && str_equal(buf_str(bytes), buf_str(&again));
}

bool generation_read(const char *folder, struct journal_identity *identity, bool *exists,
                     struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    unsigned version = 0;
    AUTO(buf_clear) struct buf bytes = {0};
    *identity = (struct journal_identity){0};
    if (!journal_path(folder, "generation", path, err))
        return false;
    *exists = path_exists(path);
    if (!*exists)
        return true;
    if (!file_read_whole(path, &bytes, err))
        return false;
    if (!parse_generation(&bytes, identity, &version))
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "%s is damaged: its content does not fit its checksum. Restore the "
                              "folder, or: firesteel state repair %s",
                              path, folder);
    if (version > JOURNAL_VERSION)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "%s: format version %u, this program writes and reads version %d; "
                              "use the newer program",
                              path, version, JOURNAL_VERSION);
    return true;
}

bool generation_write(const char *folder, const struct journal_identity *identity,
                      struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    AUTO(buf_clear) struct buf text = {0};
    print_generation(identity, JOURNAL_VERSION, &text);
    return journal_path(folder, "generation", path, err) &&
           file_write_whole(path, buf_str(&text), err);
}

static bool read_newest(const char *folder, struct journal_state *state, struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    uint64_t number = state->files.numbers[state->files.len - 1];
    return journal_file_path(folder, number, path, err) &&
           file_read_whole(path, &state->bytes, err) &&
           journal_scan_bytes(buf_str(&state->bytes), number, &state->scan, err);
}

bool journal_state_read(const char *folder, struct journal_state *state, struct error *err)
{
    *state = (struct journal_state){0};
    if (!generation_read(folder, &state->identity, &state->has_identity, err) ||
        !journal_files_list(folder, &state->arena, &state->files, err))
        return false;
    if (state->files.len == 0)
        return true;
    if (!state->has_identity)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "%s holds a journal but no file `generation`. Restore the folder, "
                              "or: firesteel state repair %s",
                              folder, folder);
    if (!read_newest(folder, state, err))
        return false;
    const struct journal_scan *scan = &state->scan;
    uint64_t number = state->files.numbers[state->files.len - 1];
    if (scan->is_damaged)
        return journal_refuse(folder, number, scan->good_bytes, scan->damage, err);
    if (strcmp(scan->header.uuid, state->identity.uuid) != 0)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "%s/journal-%08" PRIu64 " belongs to checkpoint %s, the folder to "
                              "%s: files of two checkpoints were mixed; restore the folder",
                              folder, number, scan->header.uuid, state->identity.uuid);
    if (scan->generation > state->identity.generation)
        return error_set_exit(err, ERROR_FATAL, EXIT_REFUSED,
                              "%s/generation says %" PRIu64 ", but the journal was written by "
                              "generation %" PRIu64 ". Restore the folder, or: "
                              "firesteel state repair %s",
                              folder, state->identity.generation, scan->generation, folder);
    return true;
}

void journal_state_clear(struct journal_state *state)
{
    buf_clear(&state->bytes);
    arena_clear(&state->arena);
}

bool journal_read(const char *folder, journal_visit visit, void *context,
                  struct journal_identity *identity, int64_t *torn_bytes, struct error *err)
{
    struct journal_state state = {0};
    if (!path_is_folder(folder))
        return error_set(err, ERROR_USER, "%s: there is no such checkpoint folder", folder);
    // The job may be running and start its next file between our look at the names and at the
    // bytes: then look again.
    bool good = false;
    for (int tries = 0; tries < 3 && !good; tries++) {
        journal_state_clear(&state);
        error_clear(err);
        good = journal_state_read(folder, &state, err);
        if (!good && err->kind != ERROR_USER)
            break;
    }
    if (good && !state.has_identity)
        good = error_set(err, ERROR_USER, "%s is not a checkpoint: it holds no file `generation`",
                         folder);
    if (good) {
        *identity = state.identity;
        *torn_bytes = state.scan.file_bytes - state.scan.good_bytes;
        good = state.files.len == 0 ||
               journal_visit_bytes(buf_str(&state.bytes), &state.scan, visit, context, err);
    }
    journal_state_clear(&state);
    return good;
}
