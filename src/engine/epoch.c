// SPDX-License-Identifier: MIT
// What a frame says, and when it counts. A record (base or frame) is a run of sections: u8 kind,
// bytes. A frame holds what changed since the frame before; a base holds everything. Sections are
// keyed by the user's names, not by indexes, so the pipeline file may change around the state.
//
//   1 head       i64 sequence (rows taken so far), i64 rows_total, bytes fingerprint (base only)
//   2 positions  bytes source, u32 n, each: bytes name, bytes mark, i64 offset, i64 line, u8
//   is_done 3 watermark  bytes source, bytes (watermark.h) 4 keys       bytes relation, bytes
//   (dedup.h): added keys; base: all keys 5 dropped    bytes relation, bytes: i64 pane starts that
//   closed 6 groups     bytes relation, u32 lane, bytes (fold.h): changed groups; base: all groups
//   7 kept       bytes relation, i64 pane start, bytes segment: rows added; base: all rows
//   8 waiting    bytes relation, u32 side, u32 n, segments: the whole list, replacing
//   9 outbox     (outbox.c)
//   10 ledger    bytes (ledger.h)
//   11 quarantine bytes segment: the epoch's bad rows, written out after the frame is durable
//   12 replay    bytes source, i64 epoch, i64 row, i64 until: quarantine sent again (replay.h)
//
// Order in a record is the order of application: closed before groups, outbox before ledger.
#include "base/failpoint.h"
#include "engine/committer.h"
#include "engine/epoch.h"
#include "engine/remote.h"
#include "engine/replay.h"

#define BASE_RATIO 3 // frames may weigh so many times the base before the next one

static size_t section_begin(struct buf *out, enum section section)
{
    buf_add_u8(out, (uint8_t)section);
    buf_add_u32(out, 0);
    return out->len;
}

static void section_end(struct buf *out, size_t begin)
{
    uint32_t len = (uint32_t)(out->len - begin);
    memcpy(out->ptr + begin - sizeof(len), &len, sizeof(len));
}

static void encode_head(struct job *job, bool all, struct buf *out)
{
    size_t begin = section_begin(out, SECTION_HEAD);
    buf_add_i64(out, job->sequence);
    buf_add_i64(out, job->rows_total);
    AUTO(buf_clear) struct buf fingerprint = {0};
    if (all)
        plan_fingerprint(job->plan, &fingerprint);
    buf_add_bytes(out, buf_str(&fingerprint));
    section_end(out, begin);
}

void epoch_encode_positions(struct job *job, bool all, struct buf *out)
{
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        struct job_source *source = &job->sources[s];
        uint32_t changed = 0;
        for (size_t p = 0; p < source->partitions_len; p++)
            changed += all || source->position_changed[p];
        if (changed == 0)
            continue;
        size_t begin = section_begin(out, SECTION_POSITIONS);
        buf_add_bytes(out, source->plan->name);
        buf_add_u32(out, changed);
        for (size_t p = 0; p < source->partitions_len; p++) {
            const struct partition *partition = &source->partitions[p];
            if (!all && !source->position_changed[p])
                continue;
            buf_add_bytes(out, partition->name);
            buf_add_bytes(out, partition->mark);
            buf_add_i64(out, partition->offset);
            buf_add_i64(out, partition->line);
            buf_add_u8(out, partition->is_done);
            source->position_changed[p] = false;
        }
        section_end(out, begin);
    }
}

static void encode_replays(struct job *job, bool all, struct buf *out)
{
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        struct job_source *source = &job->sources[s];
        if (all ? source->replay_epoch == 0 : !source->replay_changed)
            continue;
        size_t begin = section_begin(out, SECTION_REPLAY);
        replay_encode(source, out);
        section_end(out, begin);
        source->replay_changed = false;
    }
}

static void encode_watermarks(struct job *job, bool all, struct buf *out)
{
    for (size_t s = 0; s < job->plan->sources_len; s++) {
        struct job_source *source = &job->sources[s];
        if (source->watermark == NULL)
            continue;
        AUTO(buf_clear) struct buf bytes = {0};
        watermark_encode(source->watermark, all, &bytes);
        size_t begin = section_begin(out, SECTION_WATERMARK);
        buf_add_bytes(out, source->plan->name);
        buf_add_bytes(out, buf_str(&bytes));
        section_end(out, begin);
    }
}

static void encode_segment(enum section section, struct str relation, int64_t number,
                           const struct segment *segment, struct buf *out)
{
    size_t begin = section_begin(out, section);
    buf_add_bytes(out, relation);
    buf_add_i64(out, number);
    buf_add_bytes(out, (struct str){segment->bytes, segment->len});
    section_end(out, begin);
}

static void encode_waiting(const struct relation *relation, struct job_relation *state,
                           struct buf *out)
{
    for (uint32_t side = 0; side < 2; side++) {
        size_t begin = section_begin(out, SECTION_WAITING);
        buf_add_bytes(out, relation->name);
        buf_add_u32(out, side);
        buf_add_u32(out, (uint32_t)state->waiting[side].len);
        for (size_t i = 0; i < state->waiting[side].len; i++) {
            const struct segment *segment = state->waiting[side].list[i];
            buf_add_bytes(out, (struct str){segment->bytes, segment->len});
        }
        section_end(out, begin);
    }
    state->waiting_changed = false;
}

static void encode_groups(const struct relation *relation, struct job_relation *state, bool all,
                          struct buf *out)
{
    for (size_t l = 0; l < state->folds_len; l++) {
        size_t begin = section_begin(out, SECTION_GROUPS);
        buf_add_bytes(out, relation->name);
        buf_add_u32(out, (uint32_t)l);
        buf_add_u32(out, 0);
        size_t at = out->len;
        if (all)
            fold_encode_all(state->folds[l], out);
        else
            fold_encode_changed(state->folds[l], out);
        uint32_t len = (uint32_t)(out->len - at);
        memcpy(out->ptr + at - sizeof(len), &len, sizeof(len));
        section_end(out, begin);
    }
    for (size_t k = 0; k < state->kept_len; k++) {
        struct kept_pane *pane = &state->kept[k];
        for (size_t i = all ? 0 : pane->durable; i < pane->segments.len; i++)
            encode_segment(SECTION_KEPT, relation->name, pane->start_us, pane->segments.list[i],
                           out);
        pane->durable = pane->segments.len;
    }
}

static void encode_relations(struct job *job, bool all, struct buf *out)
{
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        const struct relation *relation = &job->plan->relations[r];
        struct job_relation *state = &job->relations[r];
        if (state->key_files != NULL) {
            size_t begin = section_begin(out, SECTION_KEYS);
            buf_add_bytes(out, relation->name);
            key_files_encode(state->key_files, all, out);
            section_end(out, begin);
        }
        if (relation->kind == RELATION_GROUPS) {
            size_t begin = section_begin(out, SECTION_CLOSED);
            buf_add_bytes(out, relation->name);
            buf_add_i64(out, state->closed_until_us);
            buf_add_bytes(out, all ? (struct str){0} : buf_str(&state->dropped));
            section_end(out, begin);
        }
        buf_reset(&state->dropped);
        if (relation->kind == RELATION_GROUPS)
            encode_groups(relation, state, all, out);
        if ((relation->kind == RELATION_JOIN || relation->kind == RELATION_OVER) &&
            (all || state->waiting_changed))
            encode_waiting(relation, state, out);
    }
}

static void encode_ledger(struct job *job, struct buf *out)
{
    AUTO(buf_clear) struct buf bytes = {0};
    ledger_encode(job->ledger, &bytes);
    size_t begin = section_begin(out, SECTION_LEDGER);
    buf_add_bytes(out, buf_str(&bytes));
    section_end(out, begin);
}

void epoch_encode_base(struct job *job, struct buf *out)
{
    encode_head(job, true, out);
    epoch_encode_positions(job, true, out);
    encode_replays(job, true, out);
    encode_watermarks(job, true, out);
    encode_relations(job, true, out);
    size_t begin = section_begin(out, SECTION_OUTBOX);
    outbox_encode_base(job->outbox, out);
    section_end(out, begin);
    job_ledger_levels(job);
    encode_ledger(job, out);
}

static void encode_frame(struct job *job, uint64_t epoch, bool is_end,
                         const struct segment *bad_rows, struct buf *out)
{
    encode_head(job, false, out);
    epoch_encode_positions(job, false, out);
    encode_replays(job, false, out);
    encode_watermarks(job, false, out);
    encode_relations(job, false, out);
    size_t begin = section_begin(out, SECTION_OUTBOX);
    outbox_encode_epoch(job->outbox, epoch, is_end, out);
    section_end(out, begin);
    job_ledger_levels(job);
    encode_ledger(job, out);
    if (bad_rows != NULL) {
        begin = section_begin(out, SECTION_QUARANTINE);
        buf_add_bytes(out, (struct str){bad_rows->bytes, bad_rows->len});
        section_end(out, begin);
    }
}

// What a base would weigh: groups, kept rows, undelivered rows.
static int64_t base_estimate(const struct job *job)
{
    int64_t bytes = outbox_bytes(job->outbox);
    for (size_t r = 0; r < job->plan->relations_len; r++) {
        const struct job_relation *state = &job->relations[r];
        for (size_t l = 0; l < state->folds_len; l++)
            bytes += fold_bytes(state->folds[l]);
        for (size_t k = 0; k < state->kept_len; k++)
            for (size_t i = 0; i < state->kept[k].segments.len; i++)
                bytes += (int64_t)state->kept[k].segments.list[i]->len;
    }
    return bytes;
}

// A base is worth writing when the frames outweigh it: it costs as much as it saves. At the end of
// the input it saves nothing.
static bool wants_base(const struct job *job, const struct buf *frame)
{
    if (job->journal == NULL || job->drained)
        return false;
    int64_t frames = journal_frame_bytes(job->journal) + (int64_t)frame->len;
    return frames >= job->plan->settings.journal_bytes && frames >= BASE_RATIO * base_estimate(job);
}

bool epoch_write_base(struct job *job, struct buf *base, struct error *err)
{
    epoch_encode_base(job, base);
    return journal_rebase(job->journal, job->epoch, buf_str(base), err) &&
           (job->remote == NULL || remote_put_base(job->remote, job->epoch, buf_str(base), err));
}

// In memory of its own size, given back at once: a base is rare and larger than any frame.
static bool rebase(struct job *job, struct error *err)
{
    buf_clear(&committer_order(job->committer)->frame);
    AUTO(buf_clear) struct buf base = {0};
    buf_reserve(&base, (size_t)base_estimate(job) + (1 << 20));
    return epoch_write_base(job, &base, err);
}

bool epoch_commit(struct job *job, bool is_end, struct error *err)
{
    if (!committer_settle(job->committer, true, err))
        return false;
    FAILPOINT("epoch.begin");
    struct commit_order *order = committer_order(job->committer);
    order->epoch = job->epoch + 1;
    order->arrival_us = job->arrival_us;
    for (size_t s = 0; s < job->plan->sources_len; s++)
        source_note_positions(&job->sources[s]);
    for (size_t r = 0; r < job->plan->relations_len; r++) // batch runs keep no key files
        if (job->relations[r].key_files != NULL)
            key_files_take(job->relations[r].key_files, job->relations[r].dedup);
    order->bad_rows = quarantine_take_segment(job->quarantine, order->epoch);
    int64_t begin_us = clock_monotonic_us();
    buf_reset(&order->frame);
    encode_frame(job, order->epoch, is_end, order->bad_rows, &order->frame);
    stage_add(&job->measures, STAGE_FRAME, begin_us);
    if (!job_ledger_check(job, err))
        return false;
    job->epoch = order->epoch;
    job->arrival_us = 0;
    job->has_uncommitted = false;
    // A base says what the frames before it say, so nothing may move until it is written.
    bool rebases = wants_base(job, &order->frame);
    return committer_run(job->committer, is_end || rebases, err) && (!rebases || rebase(job, err));
}
