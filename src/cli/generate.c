// SPDX-License-Identifier: MIT
// firesteel generate: the generator on its own, for recorded inputs, demos and tests. The flags are
// the options of source 'generator', taken from its table, so both always know the same words.
// Files appear under their names only when complete: a pipeline that follows the folder never sees
// half of one.
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/generate_kafka.h"
#include "connectors/generator/generator.h"
#include "connectors/generator/profile.h"

#include "base/file.h"
#include "base/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 40
#define TOPICS_MAX 8
#define BATCH_ROWS 16384
#define BATCH_BYTES ((size_t)8 << 20)
#define FLUSH_BYTES ((size_t)1 << 20)

struct generate_flags {
    const char *to, *log;
    int64_t rows_per_file, partitions;
    const char *values[OPTIONS_MAX]; // parallel to the generator's options
};

enum target_kind { TARGET_STDOUT, TARGET_FILE, TARGET_FOLDER, TARGET_KAFKA };

struct target {
    enum target_kind kind;
    const char *path;
    int64_t rows_per_file;
    struct file file; // open under a hidden name
    struct buf buf;
    char name[1024]; // of the file being written, its final path
    int64_t files, lines;
    struct file log;
    bool has_log;
    struct buf log_buf;
    struct kafka_target kafka;
    // A folder of a profile with several topics holds a folder for each, made when it is needed.
    const char *topic;
    char hour[40]; // "date=2025-10-05/hour=14" below the topic's folder, with --hour; else empty
    char folder[900];
    struct target *topics[TOPICS_MAX];
};

static bool is_file_name(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name != NULL ? name + 1 : path;
    return strchr(name, '.') != NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool target_choose(struct target *target, const char *to, struct error *err)
{
    target->path = to;
    if (to == NULL || strcmp(to, "-") == 0) {
        target->kind = TARGET_STDOUT;
        return true;
    }
    if (strncmp(to, "kafka://", 8) == 0) {
        target->kind = TARGET_KAFKA;
        return true;
    }
    if (strstr(to, "://") != NULL)
        return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                              "generate: --to %s: give a folder, a file, - (stdout) or "
                              "kafka://host:port/topic",
                              to);
    size_t len = strlen(to);
    bool is_folder = len == 0 || to[len - 1] == '/' || path_is_folder(to) ||
                     (!path_exists(to) && !is_file_name(to));
    target->kind = is_folder ? TARGET_FOLDER : TARGET_FILE;
    return true;
}

// Parts of an earlier, longer run would be read together with the new ones.
static bool folder_check(const struct target *target, int64_t rows, struct error *err)
{
    int64_t files = (rows + target->rows_per_file - 1) / target->rows_per_file;
    char path[1024];
    snprintf(path, sizeof(path), "%s/part-%05lld.jsonl", target->path, (long long)files);
    if (!path_exists(path))
        return folder_create(target->path, err);
    return error_set(err, ERROR_USER,
                     "generate: %s is left from a longer run and would be mixed with this one: "
                     "remove it, or write to a new folder",
                     path);
}

// The hidden name beside the final one.
static void hidden_name(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    int folder_len = slash != NULL ? (int)(slash + 1 - path) : 0;
    snprintf(out, size, "%.*s.%s.tmp", folder_len, path, path + folder_len);
}

static bool file_begin(struct target *target, struct error *err)
{
    if (target->kind == TARGET_FOLDER)
        snprintf(target->name, sizeof(target->name),
                 target->hour[0] != 0 ? "%s/batch_%05lld.json" : "%s/part-%05lld.jsonl",
                 target->path, (long long)target->files);
    else
        snprintf(target->name, sizeof(target->name), "%s", target->path);
    target->files++;
    target->lines = 0;
    char hidden[1100];
    hidden_name(target->name, hidden, sizeof(hidden));
    return file_create(&target->file, hidden, err);
}

static bool lines_flush(struct target *target, struct error *err)
{
    struct buf *buf = &target->buf;
    bool is_done = true;
    if (target->kind != TARGET_STDOUT)
        is_done = file_append(&target->file, buf->ptr, buf->len, err);
    else if (fwrite(buf->ptr, 1, buf->len, stdout) != buf->len || fflush(stdout) != 0)
        is_done = error_set_errno(err, ERROR_FATAL, errno, "generate: cannot write to stdout");
    buf_reset(buf);
    return is_done;
}

static bool file_end(struct target *target, struct error *err)
{
    char hidden[1100];
    hidden_name(target->name, hidden, sizeof(hidden));
    // No fsync: what a power loss takes, the same seed makes again.
    bool is_done = lines_flush(target, err);
    file_close(&target->file);
    return is_done && file_rename(hidden, target->name, err);
}

static bool log_flush(struct target *target, struct error *err)
{
    bool is_done = file_append(&target->log, target->log_buf.ptr, target->log_buf.len, err);
    buf_reset(&target->log_buf);
    return is_done;
}

// One line about the row that was just written to `own`.
static bool log_add(struct target *target, const struct target *own, struct str payload,
                    int64_t offset, const struct source *source, struct error *err)
{
    struct buf *out = &target->log_buf;
    buf_add_cstr(out, "{\"topic\":");
    buf_add_json_string(out, str_of(own->kind == TARGET_STDOUT ? "-" : own->name));
    buf_print(out, ",\"partition\":0,\"offset\":%lld,\"line\":%lld,\"kind\":\"%s\",\"payload\":",
              (long long)offset, (long long)own->lines,
              row_kind_names[generator_row_kind(source, offset)]);
    buf_add_json_string(out, payload);
    buf_add_cstr(out, "}\n");
    return out->len < FLUSH_BYTES || log_flush(target, err);
}

static bool row_add(struct target *target, struct str payload, struct error *err)
{
    if (target->file.fd < 0 && target->kind != TARGET_STDOUT && !file_begin(target, err))
        return false;
    buf_add_str(&target->buf, payload);
    buf_add_char(&target->buf, '\n');
    target->lines++;
    if (target->kind == TARGET_FOLDER && target->lines == target->rows_per_file)
        return file_end(target, err);
    return target->buf.len < FLUSH_BYTES || lines_flush(target, err);
}

// Where the row goes: the target itself, or its folder for the row's topic.
static struct target *target_for(struct target *target, const struct source *source, int64_t row,
                                 struct error *err)
{
    struct route route;
    if (target->kind != TARGET_FOLDER || !generator_row_route(source, row, &route))
        return target;
    size_t at = 0;
    while (target->topics[at] != NULL && strcmp(target->topics[at]->topic, route.topic) != 0)
        at++;
    if (target->topics[at] != NULL)
        return target->topics[at];
    ASSERT(at + 1 < TOPICS_MAX);
    struct target *own = target->topics[at] = heap_new(sizeof(*own));
    own->kind = TARGET_FOLDER;
    own->rows_per_file = target->rows_per_file;
    own->topic = route.topic;
    own->file.fd = -1;
    // The producer's log is one file, so it is written through the target above.
    const char *dot = strrchr(route.topic, '.');
    snprintf(own->hour, sizeof(own->hour), "%s", target->hour);
    snprintf(own->folder, sizeof(own->folder), "%s/%s%s%s", target->path,
             dot != NULL ? dot + 1 : route.topic, own->hour[0] != 0 ? "/" : "", own->hour);
    own->path = own->folder;
    return folder_create(own->path, err) ? own : NULL;
}

static bool topics_end(struct target *target, bool is_good, struct error *err)
{
    for (size_t i = 0; i < TOPICS_MAX && target->topics[i] != NULL; i++) {
        struct target *own = target->topics[i];
        if (own->file.fd >= 0)
            is_good = is_good && file_end(own, err);
        target->files += own->files;
        file_close(&own->file);
        buf_clear(&own->buf);
        heap_free(own);
    }
    return is_good;
}

static bool rows_write(struct target *target, struct source *source, int64_t *rows,
                       struct error *err)
{
    struct batch *batch = batch_new();
    bool is_done = false, is_good = true;
    while (is_good && !is_done) {
        enum read_state state;
        is_good = generator_source_type.read(source, batch, BATCH_ROWS, BATCH_BYTES, &state, err);
        for (size_t i = 0; is_good && i < batch->rows; i++) {
            struct str payload = {batch->payloads[i].ptr, batch->payloads[i].len};
            if (target->kind == TARGET_KAFKA) {
                is_good = kafka_target_add(&target->kafka, payload, batch->offsets[i], err);
                continue;
            }
            struct target *own = target_for(target, source, batch->offsets[i], err);
            is_good = own != NULL && row_add(own, payload, err);
            if (is_good && target->has_log)
                is_good = log_add(target, own, payload, batch->offsets[i], source, err);
        }
        *rows += (int64_t)batch->rows;
        is_done = state == READ_END || kafka_target_is_stopped();
        if (is_good && target->kind == TARGET_KAFKA)
            is_good = kafka_target_poll(&target->kafka, err);
        // At a given rate what is due must be seen now.
        if (is_good && state == READ_IDLE)
            clock_sleep_us(1 * US_PER_MS);
        else if (is_good && target->kind == TARGET_STDOUT)
            is_good = lines_flush(target, err);
    }
    batch_free(batch);
    if (target->kind == TARGET_KAFKA)
        return kafka_target_finish(&target->kafka, err) && is_good;
    is_good = topics_end(target, is_good, err) && (!target->has_log || log_flush(target, err));
    if (is_good && (target->file.fd >= 0 || (target->kind == TARGET_FILE && target->files == 0)))
        is_good = (target->file.fd >= 0 || file_begin(target, err)) && file_end(target, err);
    return is_good && (target->kind != TARGET_STDOUT || lines_flush(target, err));
}

static struct source *source_open(const struct generate_flags *flags, const char *profile,
                                  const struct target *target, struct arena *arena,
                                  struct error *err)
{
    const struct source_type *type = &generator_source_type;
    struct option_value values[OPTIONS_MAX];
    size_t len = 0, bad;
    values[len++] = (struct option_value){.name = STR("profile"), .value = str_of(profile)};
    int64_t rows = 0;
    for (size_t i = 0; i < type->options_len; i++) {
        if (flags->values[i] == NULL)
            continue;
        values[len++] = (struct option_value){.name = str_of(type->options[i].name),
                                              .value = str_of(flags->values[i]),
                                              .place = SIZE_MAX};
        if (strcmp(type->options[i].name, "rows") == 0)
            str_parse_int64(str_trim(str_of(flags->values[i])), &rows);
    }
    void *options = arena_new(arena, type->options_size);
    if (!option_fill(type->options, type->options_len, values, len, options, arena, &bad, err))
        return NULL;
    if (target->kind != TARGET_STDOUT && target->kind != TARGET_KAFKA && rows == 0) {
        error_set(err, ERROR_USER,
                  "generate: say how many rows: --rows N (without, it never ends, "
                  "which only --to - and --to kafka:// can take)");
        return NULL;
    }
    if (target->kind == TARGET_FOLDER && !folder_check(target, rows, err))
        return NULL;
    struct source_context *context = ARENA_NEW(arena, struct source_context);
    context->name = STR("generate");
    context->clock = &clock_system;
    context->execution = EXECUTION_STREAM;
    return type->open(options, context, err);
}

static bool target_open(struct target *target, const struct generate_flags *flags,
                        const char *profile, const struct source *source, struct error *err)
{
    if (target->kind == TARGET_KAFKA) {
        target->kafka.source = source;
        return kafka_target_open(&target->kafka, flags->to, profile, flags->partitions, err) &&
               (flags->log == NULL || kafka_target_log(&target->kafka, flags->log, err));
    }
    target->has_log = flags->log != NULL;
    if (!target->has_log)
        return true;
    return path_exists(flags->log) ? file_open_append(&target->log, flags->log, -1, err)
                                   : file_create(&target->log, flags->log, err);
}

static void target_report(const struct target *target, int64_t rows, const char *profile)
{
    AUTO(buf_clear) struct buf text = {0};
    if (target->kind == TARGET_STDOUT)
        return;
    if (target->kind == TARGET_KAFKA)
        kafka_target_print(&target->kafka, &text);
    else
        buf_print(&text, "%lld rows of %s in %lld file%s: %s", (long long)rows, profile,
                  (long long)target->files, target->files == 1 ? "" : "s", target->path);
    log_info("generate: %s", buf_cstr(&text));
}

// With --hour a profile of several topics is laid out as a lake's raw layer: a folder an hour.
static void hour_layout(const struct generate_flags *flags, struct target *target)
{
    const struct source_type *type = &generator_source_type;
    for (size_t i = 0; i < type->options_len; i++) {
        if (strcmp(type->options[i].name, "hour") != 0 || flags->values[i] == NULL)
            continue;
        struct str hour = str_trim(str_of(flags->values[i]));
        if (hour.len == 13) // else the generator refuses it
            snprintf(target->hour, sizeof(target->hour), "date=%.10s/hour=%.2s", hour.ptr,
                     hour.ptr + 11);
    }
}

static bool generate(const struct generate_flags *flags, const char *profile, struct arena *arena,
                     struct error *err)
{
    struct target target = {
        .file = {.fd = -1}, .log = {.fd = -1}, .rows_per_file = flags->rows_per_file};
    if (flags->rows_per_file < 1)
        return error_set_exit(err, ERROR_USER, EXIT_USAGE,
                              "generate: --rows-per-file must be at least 1");
    if (!target_choose(&target, flags->to, err))
        return false;
    hour_layout(flags, &target);
    struct source *source = source_open(flags, profile, &target, arena, err);
    if (source == NULL)
        return false;
    int64_t rows = 0;
    bool is_done = target_open(&target, flags, profile, source, err) &&
                   rows_write(&target, source, &rows, err);
    if (is_done)
        target_report(&target, rows, profile);
    kafka_target_close(&target.kafka);
    file_close(&target.file);
    file_close(&target.log);
    buf_clear(&target.buf);
    buf_clear(&target.log_buf);
    generator_source_type.close(source);
    return is_done;
}

// One flag for each option of the generator but `profile`, which is the word after the command.
static size_t flags_make(struct flag *flags, struct arena *arena)
{
    const struct source_type *type = &generator_source_type;
    ASSERT(type->options_len <= OPTIONS_MAX);
    size_t len = 0;
    flags[len++] = (struct flag){.name = "to",
                                 .kind = FLAG_TEXT,
                                 .value = "FOLDER|FILE|kafka://HOST:PORT[/TOPIC]|-",
                                 .help = "where to; - is stdout (default)",
                                 .offset = offsetof(struct generate_flags, to)};
    flags[len++] =
        (struct flag){.name = "log",
                      .kind = FLAG_TEXT,
                      .value = "FILE",
                      .help = "append a JSON line for each record: where it is, what it is",
                      .offset = offsetof(struct generate_flags, log)};
    flags[len++] =
        (struct flag){.name = "rows-per-file",
                      .kind = FLAG_INT,
                      .value = "N",
                      .help = "in a folder: rows of part-00000.jsonl .. (default 500000)",
                      .offset = offsetof(struct generate_flags, rows_per_file)};
    flags[len++] =
        (struct flag){.name = "partitions",
                      .kind = FLAG_INT,
                      .value = "N",
                      .help = "of a Kafka topic that has to be made (default 4, of twitch 3)",
                      .offset = offsetof(struct generate_flags, partitions)};
    for (size_t i = 0; i < type->options_len; i++) {
        const struct option *option = &type->options[i];
        if (strcmp(option->name, "profile") == 0)
            continue;
        flags[len++] = (struct flag){
            .name = option->name,
            .kind = FLAG_TEXT,
            .value = option->kind == OPTION_DURATION ? "DURATION"
                     : option->kind == OPTION_TEXT   ? "TIME"
                     : option->kind == OPTION_WORD   ? "WORD"
                                                     : "N",
            .help = arena_print(arena, "%s (default %s)", option->help, option->fallback).ptr,
            .offset = offsetof(struct generate_flags, values) + i * sizeof(const char *)};
    }
    return len;
}

int command_generate(int argc, char **argv)
{
    struct arena arena = {0};
    struct flag flags[OPTIONS_MAX + 4];
    struct usage usage = {.positional = "PROFILE",
                          .positional_min = 1,
                          .positional_max = 1,
                          .flags = flags,
                          .flags_len = flags_make(flags, &arena)};
    struct generate_flags given = {.rows_per_file = 500000, .partitions = -1};
    struct arguments arguments;
    struct error err = {0};
    int exit_code;
    if (arguments_parse(&usage, argc, argv, &given, &arguments, &arena, &exit_code)) {
        exit_code = EXIT_DONE;
        if (given.partitions == -1)
            given.partitions = strcmp(arguments.positional.items[0], "twitch") == 0 ? 3 : 4;
        if (!generate(&given, arguments.positional.items[0], &arena, &err)) {
            // What the user got wrong here stands on the command line, not in a pipeline file.
            if (err.kind == ERROR_USER && err.exit_code == 0)
                err.exit_code = EXIT_USAGE;
            exit_code = command_fail(&err);
        }
    }
    arena_clear(&arena);
    return exit_code;
}
