// SPDX-License-Identifier: MIT
// The registry of metrics: a list kept sorted by (name, labels), so that printing is one walk. It
// is locked only to register and to print. Metrics are never freed: users keep plain pointers to
// them.
#include "base/metric.h"
#include "base/arena.h"
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

struct entry {
    struct metric metric;
    struct entry *next;
    enum metric_kind kind;
    struct str name, help, labels;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries;
static struct arena names; // lives as long as the process, as the entries do

static int entry_compare(const struct entry *entry, struct str name, struct str labels)
{
    int order = str_compare(entry->name, name);
    return order != 0 ? order : str_compare(entry->labels, labels);
}

struct metric *metric_get(enum metric_kind kind, const char *name, const char *help,
                          const char *labels)
{
    pthread_mutex_lock(&mutex);
    struct entry **place = &entries;
    int order = -1;
    while (*place != NULL) {
        order = entry_compare(*place, str_of(name), str_of(labels));
        if (order >= 0)
            break;
        place = &(*place)->next;
    }
    if (*place == NULL || order != 0) {
        struct entry *entry = ARENA_NEW(&names, struct entry);
        entry->kind = kind;
        entry->name = arena_str(&names, str_of(name));
        entry->help = arena_str(&names, str_of(help));
        entry->labels = arena_str(&names, str_of(labels));
        entry->next = *place;
        *place = entry;
    }
    struct metric *metric = &(*place)->metric;
    ASSERT((*place)->kind == kind); // one name, one kind: anything else is not valid exposition
    pthread_mutex_unlock(&mutex);
    return metric;
}

void metric_add(struct metric *metric, int64_t delta)
{
    atomic_fetch_add_explicit(&metric->whole, delta, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->whole, value, memory_order_relaxed);
}

void metric_set_double(struct metric *metric, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    atomic_store_explicit(&metric->bits, bits, memory_order_relaxed);
    atomic_store_explicit(&metric->is_double, true, memory_order_release);
}

static double double_value(const struct metric *metric)
{
    uint64_t bits = atomic_load_explicit(&metric->bits, memory_order_relaxed);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

int64_t metric_value(const struct metric *metric)
{
    if (atomic_load_explicit(&metric->is_double, memory_order_acquire))
        return (int64_t)double_value(metric);
    return atomic_load_explicit(&metric->whole, memory_order_relaxed);
}

static void print_value(struct buf *out, const struct metric *metric)
{
    if (!atomic_load_explicit(&metric->is_double, memory_order_acquire)) {
        buf_print(out, "%" PRId64, atomic_load_explicit(&metric->whole, memory_order_relaxed));
        return;
    }
    double value = double_value(metric);
    if (isnan(value))
        buf_add_cstr(out, "NaN");
    else if (isinf(value))
        buf_add_cstr(out, value > 0 ? "+Inf" : "-Inf");
    else
        buf_print(out, "%.17g", value);
}

// HELP text: backslash and line break are escaped, as the exposition format wants it.
static void print_help(struct buf *out, struct str help)
{
    for (size_t i = 0; i < help.len; i++) {
        if (help.ptr[i] == '\n')
            buf_add_cstr(out, "\\n");
        else if (help.ptr[i] == '\\')
            buf_add_cstr(out, "\\\\");
        else
            buf_add_char(out, help.ptr[i]);
    }
}

void metric_print(struct buf *out)
{
    pthread_mutex_lock(&mutex);
    struct str above = {"", 0};
    for (const struct entry *entry = entries; entry != NULL; entry = entry->next) {
        if (!str_equal(above, entry->name)) {
            above = entry->name;
            buf_print(out, "# HELP %s ", entry->name.ptr);
            print_help(out, entry->help);
            buf_print(out, "\n# TYPE %s %s\n", entry->name.ptr,
                      entry->kind == METRIC_COUNTER ? "counter" : "gauge");
        }
        buf_add_str(out, entry->name);
        if (entry->labels.len > 0)
            buf_print(out, "{%s}", entry->labels.ptr);
        buf_add_char(out, ' ');
        print_value(out, &entry->metric);
        buf_add_char(out, '\n');
    }
    pthread_mutex_unlock(&mutex);
}

void metric_reset_all(void)
{
    pthread_mutex_lock(&mutex);
    for (struct entry *entry = entries; entry != NULL; entry = entry->next) {
        atomic_store(&entry->metric.whole, 0);
        atomic_store(&entry->metric.bits, 0);
        atomic_store(&entry->metric.is_double, false);
    }
    pthread_mutex_unlock(&mutex);
}
