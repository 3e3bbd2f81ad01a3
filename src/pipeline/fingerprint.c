// SPDX-License-Identifier: MIT
// What must stay equal for state to be read back: one line an object that keeps state, in the order
// of the plan. The first word names the object (source.x, sink.x, or a relation's name) and is
// unique; a line is about keys, aggregates, window and types, and not about hosts, paths, WHERE or
// how often something is emitted. Expressions enter as a checksum of their SQL: the line stays
// short, and a changed expression changes it.
#include "pipeline/plan.h"

#include "base/hash.h"

static void add_name(struct buf *out, const char *prefix, struct str name)
{
    buf_add_cstr(out, prefix);
    for (size_t i = 0; i < name.len; i++) // one word, whatever was quoted
        buf_add_char(out, name.ptr[i] == ' ' || name.ptr[i] == '\n' ? '_' : name.ptr[i]);
}

static void add_columns(struct buf *out, const char *what, const struct column *columns, size_t len)
{
    buf_print(out, " %s=(", what);
    for (size_t i = 0; i < len; i++)
        buf_print(out, "%s%.*s %s", i > 0 ? ", " : "", STR_ARGS(columns[i].name),
                  columns[i].type->sql);
    buf_add_char(out, ')');
}

static void add_sql(struct buf *out, const char *what, struct str sql)
{
    if (sql.len > 0)
        buf_print(out, " %s=%08x", what, crc32c(0, sql.ptr, sql.len));
}

static void add_source(struct buf *out, const struct plan_source *source)
{
    add_name(out, "source.", source->name);
    buf_print(out, " %s", source->type->name);
    if (source->watermark_column >= 0)
        buf_print(out, " watermark=%.*s", STR_ARGS(source->columns[source->watermark_column].name));
    buf_add_char(out, '\n');
}

static void add_dedup(struct buf *out, const struct relation *relation)
{
    buf_print(out, " dedup within=%lld keys=(", (long long)relation->within_us);
    for (size_t i = 0; i < relation->dedup_keys_len; i++) {
        const struct column *column = &relation->columns[relation->dedup_keys[i]];
        buf_print(out, "%s%.*s %s", i > 0 ? ", " : "", STR_ARGS(column->name), column->type->sql);
    }
    buf_add_char(out, ')');
}

static void add_groups(struct buf *out, const struct plan *plan, const struct relation *relation)
{
    buf_print(out, " groups window=%lld/%lld/%lld keys=%zu", (long long)relation->window_size_us,
              (long long)relation->window_slide_us, (long long)relation->window_shift_us,
              relation->group_keys_len);
    add_columns(out, "inputs", relation->group_inputs, relation->group_inputs_len);
    if (relation->group_direct != NULL) {
        const struct relation *input = &plan->relations[relation->inputs[0]];
        buf_add_cstr(out, " from=(");
        for (size_t i = 0; i < relation->group_inputs_len; i++)
            buf_print(out, "%s%.*s", i > 0 ? ", " : "",
                      STR_ARGS(input->columns[relation->group_direct[i]].name));
        buf_add_char(out, ')');
    }
    add_sql(out, "from", relation->group_direct == NULL ? relation->group_inputs_sql : STR(""));
    buf_add_cstr(out, " aggregates=(");
    for (size_t i = 0; i < relation->aggregates_len; i++) {
        const struct aggregate *aggregate = &relation->aggregates[i];
        buf_print(out, "%s%d %d %d %d %s", i > 0 ? ", " : "", (int)aggregate->kind,
                  aggregate->argument, aggregate->order_argument, aggregate->filter,
                  aggregate->type->sql);
    }
    buf_add_char(out, ')');
    if (relation->keeps_rows)
        buf_add_cstr(out, " keeps_rows");
}

static void add_over(struct buf *out, const struct plan *plan, const struct relation *relation)
{
    const struct relation *input = &plan->relations[relation->inputs[0]];
    buf_print(out, " over preceding=%lld partition=(", (long long)relation->over_preceding);
    for (size_t i = 0; i < relation->over_partition_len; i++)
        buf_print(out, "%s%.*s", i > 0 ? ", " : "",
                  STR_ARGS(input->columns[relation->over_partition[i]].name));
    buf_add_char(out, ')');
    add_columns(out, "inputs", input->columns, input->columns_len);
}

static void add_relation(struct buf *out, const struct plan *plan, const struct relation *relation)
{
    switch (relation->kind) {
    case RELATION_SOURCE:
    case RELATION_ROWS:
        return; // keeps nothing of its own
    case RELATION_DEDUP:
        add_name(out, "", relation->name);
        add_dedup(out, relation);
        break;
    case RELATION_GROUPS:
        add_name(out, "", relation->name);
        add_groups(out, plan, relation);
        break;
    case RELATION_JOIN:
        add_name(out, "", relation->name);
        buf_add_cstr(out, " join");
        for (size_t i = 0; i < COUNT_OF(relation->inputs); i++)
            if (relation->inputs[i] >= 0)
                add_columns(out, i == 0 ? "left" : "right",
                            plan->relations[relation->inputs[i]].columns,
                            plan->relations[relation->inputs[i]].columns_len);
        break;
    case RELATION_OVER:
        add_name(out, "", relation->name);
        add_over(out, plan, relation);
        break;
    }
    buf_add_char(out, '\n');
}

void plan_fingerprint(const struct plan *plan, struct buf *out)
{
    for (size_t i = 0; i < plan->sources_len; i++)
        add_source(out, &plan->sources[i]);
    for (size_t i = 0; i < plan->relations_len; i++)
        add_relation(out, plan, &plan->relations[i]);
    // Rows that wait for delivery are kept as columns of their sink.
    for (size_t i = 0; i < plan->sinks_len; i++) {
        add_name(out, "sink.", plan->sinks[i].name);
        add_columns(out, "columns", plan->sinks[i].columns, plan->sinks[i].columns_len);
        buf_add_char(out, '\n');
    }
}
