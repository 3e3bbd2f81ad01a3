// SPDX-License-Identifier: MIT
// One event is one line and one write call, so that lines of several threads and of several
// processes on one pipe do not mix. Line breaks inside a text become spaces (human) or escapes
// (JSON).
#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Atomic int minimum = LOG_INFO;
static _Atomic bool as_json;
static char pipeline_name[128]; // set once, before threads start
static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR", "OFF"};

void log_set_level(enum log_level level)
{
    atomic_store(&minimum, (int)level);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load(&minimum);
}

void log_set_json(bool json)
{
    atomic_store(&as_json, json);
}

void log_set_pipeline(const char *name)
{
    snprintf(pipeline_name, sizeof(pipeline_name), "%s", name == NULL ? "" : name);
}

bool log_level_parse(struct str text, enum log_level *level)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++) {
        if (str_equal_nocase(text, str_of(level_names[i]))) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void print_human(struct buf *line, const char *time, const char *level, struct str text)
{
    buf_print(line, "%s %s ", time, level);
    if (pipeline_name[0] != 0)
        buf_print(line, "%s: ", pipeline_name);
    buf_reserve(line, text.len);
    for (size_t i = 0; i < text.len; i++)
        buf_add_char(line, text.ptr[i] == '\n' || text.ptr[i] == '\r' ? ' ' : text.ptr[i]);
}

static void print_json(struct buf *line, const char *time, const char *level, struct str text)
{
    buf_print(line, "{\"@timestamp\":\"%s\",\"log.level\":\"%s\",\"message\":", time, level);
    buf_add_json_string(line, text);
    buf_add_cstr(line, ",\"ecs.version\":\"8.11.0\"");
    if (pipeline_name[0] != 0) {
        buf_add_cstr(line, ",\"service.name\":");
        buf_add_json_string(line, str_of(pipeline_name));
    }
    buf_print(line, ",\"process.pid\":%d}", (int)getpid());
}

void log_write(enum log_level level, const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&minimum, memory_order_relaxed) || level >= LOG_OFF)
        return;
    AUTO(buf_clear) struct buf text = {0};
    AUTO(buf_clear) struct buf line = {0};
    va_list arguments;
    va_start(arguments, format);
    buf_vprint(&text, format, arguments);
    va_end(arguments);
    char time[40];
    time_print(clock_now_us(&clock_system), 3, time);
    if (atomic_load(&as_json))
        print_json(&line, time, level_names[level], buf_str(&text));
    else
        print_human(&line, time, level_names[level], buf_str(&text));
    buf_add_char(&line, '\n');
    // Nobody can be told that the log is not to be written.
    UNUSED ssize_t written = write(STDERR_FILENO, line.ptr, line.len);
}
