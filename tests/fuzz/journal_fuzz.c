// SPDX-License-Identifier: MIT
// Any bytes as a journal file. Checksums keep a fuzzer out, so the input is a recipe: first byte:
// number of valid records to write, then triples (position, value, kind of damage) applied to them;
// the rest is appended. Whatever comes out: only records that were written, in order from the base,
// or a refusal.
#include "engine/journal_format.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define UUID "0a1b2c3d-0000-4000-8000-000000000000"

struct found {
    uint64_t next;
    bool is_wrong;
};

static bool visit(void *context, bool is_base, uint64_t epoch, struct str payload,
                  struct error *err)
{
    (void)err;
    struct found *found = context;
    found->is_wrong |= is_base != (epoch == 0) || epoch != found->next || payload.len != epoch;
    for (size_t i = 0; i < payload.len; i++)
        found->is_wrong |= payload.ptr[i] != (char)('a' + epoch % 26);
    found->next = epoch + 1;
    return true;
}

static void write_records(struct buf *out, uint64_t records)
{
    uint32_t seed;
    journal_header_write(out, UUID, 1, &seed);
    uint32_t crc = seed;
    char payload[256];
    for (uint64_t epoch = 0; epoch < records; epoch++) {
        memset(payload, (int)('a' + epoch % 26), sizeof(payload));
        crc = record_write(out, seed,
                           &(struct record){.is_base = epoch == 0,
                                            .epoch = epoch,
                                            .generation = 1,
                                            .previous_crc = crc,
                                            .payload = {payload, epoch}});
    }
}

// Returns how many bytes of the recipe were used.
static size_t damage(struct buf *out, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    for (; at + 4 <= len && bytes[at + 3] != 0; at += 4) {
        size_t place = ((size_t)bytes[at] << 8 | bytes[at + 1]) % out->len;
        switch (bytes[at + 3] % 4) {
        case 0:
            out->ptr[place] = (char)bytes[at + 2];
            break;
        case 1:
            out->ptr[place] = (char)(out->ptr[place] ^ (char)bytes[at + 2]);
            break;
        case 2: // cut
            out->len = place + 1;
            break;
        default: // zeros
            for (size_t i = place; i < out->len && i < place + bytes[at + 2]; i++)
                out->ptr[i] = 0;
        }
    }
    return at;
}

static void check(struct str file, uint64_t records)
{
    struct error err = {0};
    struct journal_scan scan;
    struct found found = {0};
    if (!journal_scan_bytes(file, 1, &scan, &err))
        return; // of a newer version, it says
    ASSERT(scan.good_bytes >= 0 && scan.good_bytes <= (int64_t)file.len);
    ASSERT(scan.is_damaged || scan.records > 0);
    ASSERT(!scan.is_damaged || scan.damage[0] != 0);
    if (scan.records == 0)
        return;
    bool good = journal_visit_bytes(file, &scan, visit, &found, &err);
    ASSERT(good && !found.is_wrong);
    ASSERT(found.next == scan.records && found.next <= records);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct buf file = {0};
    check((struct str){(const char *)bytes, len}, 0);
    if (len == 0)
        return 0;
    uint64_t records = bytes[0] % 20 + 1;
    write_records(&file, records);
    size_t used = 1 + damage(&file, bytes + 1, len - 1);
    if (used < len)
        buf_add(&file, bytes + used, len - used);
    check(buf_str(&file), records);
    buf_clear(&file);
    return 0;
}
