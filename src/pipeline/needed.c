// SPDX-License-Identifier: MIT
// Which columns of a source somebody reads; the decoder skips the others. Worked out from the sinks
// backwards. Through SQL a column counts as read when its name is a word of the text: too many
// columns are marked rather than one too few.
#include "pipeline/build.h"

#include <ctype.h>
#include <string.h>

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

// The name occurs in the text with no word character beside it.
static bool text_names(struct str sql, struct str name)
{
    for (size_t i = 0; name.len > 0 && i + name.len <= sql.len; i++) {
        if (str_equal_nocase(str_slice(sql, i, i + name.len), name) &&
            (i == 0 || !is_word(sql.ptr[i - 1])) &&
            (i + name.len == sql.len || !is_word(sql.ptr[i + name.len])))
            return true;
    }
    // A name with a quote in it is written doubled: take such names as read.
    return str_find(name, '"') >= 0 && sql.len > 0;
}

static void mark_named(bool *needed, const struct relation *relation, struct str sql)
{
    for (size_t i = 0; i < relation->columns_len; i++)
        needed[i] = needed[i] || text_names(sql, relation->columns[i].name);
}

static void mark_all(bool *needed, const struct relation *relation)
{
    for (size_t i = 0; i < relation->columns_len; i++)
        needed[i] = true;
}

static void mark_indexes(bool *needed, const int *indexes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        needed[indexes[i]] = true;
}

// What `relation` reads of its input, given which of its own columns are needed.
static void mark_input(const struct relation *relation, const bool *own,
                       const struct relation *input, bool *needed)
{
    if (relation->late_into >= 0)
        mark_all(needed, input);
    if (input->time_column >= 0)
        needed[input->time_column] = true;
    if (relation->has_filter)
        mark_named(needed, input, relation->filter.sql);
    switch (relation->kind) {
    case RELATION_SOURCE:
        return;
    case RELATION_DEDUP:
        mark_indexes(needed, relation->dedup_keys, relation->dedup_keys_len);
        for (size_t i = 0; i < relation->columns_len; i++)
            needed[i] = needed[i] || own[i];
        return;
    case RELATION_ROWS:
        for (size_t i = 0; relation->direct != NULL && i < relation->columns_len; i++)
            needed[relation->direct[i]] = needed[relation->direct[i]] || own[i];
        mark_named(needed, input, relation->project_sql);
        return;
    case RELATION_GROUPS:
        if (relation->group_direct != NULL)
            mark_indexes(needed, relation->group_direct, relation->group_inputs_len);
        mark_named(needed, input, relation->group_inputs_sql);
        return;
    case RELATION_JOIN:
    case RELATION_OVER:
        mark_all(needed, input);
        return;
    }
}

static void mark_source(struct plan_source *source, const struct relation *relation,
                        const bool *needed)
{
    for (size_t i = 0; i < source->columns_len && i < relation->columns_len; i++)
        source->columns[i].is_needed = needed[i] || (int)i == source->watermark_column;
    // Computed columns may read computed columns: until nothing changes.
    bool changed = true;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < source->columns_len; i++) {
            if (!source->columns[i].is_needed || source->columns[i].computed.len == 0)
                continue;
            for (size_t j = 0; j < source->columns_len; j++) {
                if (!source->columns[j].is_needed &&
                    text_names(source->columns[i].computed, source->columns[j].name))
                    changed = source->columns[j].is_needed = true;
            }
        }
    }
}

void view_mark_needed(struct builder *builder)
{
    struct plan *plan = builder->plan;
    bool **needed = ARENA_ARRAY(builder->arena, bool *, plan->relations_len);
    for (size_t r = 0; r < plan->relations_len; r++)
        needed[r] = ARENA_ARRAY(builder->arena, bool, plan->relations[r].columns_len);
    for (size_t s = 0; s < plan->sinks_len; s++) {
        int r = plan->sinks[s].relation;
        if (r >= 0)
            mark_all(needed[r], &plan->relations[r]);
    }
    for (size_t r = plan->relations_len; r-- > 0;) {
        const struct relation *relation = &plan->relations[r];
        if (plan->is_table_mode || relation->late_into >= 0)
            mark_all(needed[r], relation);
        for (size_t c = 0; c < relation->constraints_len; c++)
            mark_named(needed[r], relation, relation->constraints[c].condition.sql);
        for (size_t i = 0; i < COUNT_OF(relation->inputs); i++) {
            if (relation->inputs[i] >= 0)
                mark_input(relation, needed[r], &plan->relations[relation->inputs[i]],
                           needed[relation->inputs[i]]);
        }
        if (relation->kind == RELATION_SOURCE)
            mark_source(&plan->sources[relation->source], relation, needed[r]);
    }
}
