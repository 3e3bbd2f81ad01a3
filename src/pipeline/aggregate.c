// SPDX-License-Identifier: MIT
// Which functions are aggregates. DuckDB is asked about macros, since a user's macro may hold one;
// its own names are listed here (the version is pinned, a test compares the list with the
// catalogue).
#include "pipeline/select.h"

#include <string.h>

static const char *const aggregate_names[] = {
    "any_value",
    "approx_count_distinct",
    "approx_quantile",
    "approx_top_k",
    "arbitrary",
    "arg_max",
    "arg_max_null",
    "arg_max_nulls_last",
    "arg_min",
    "arg_min_null",
    "arg_min_nulls_last",
    "argmax",
    "argmin",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bitstring_agg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "count_if",
    "count_star",
    "countif",
    "covar_pop",
    "covar_samp",
    "entropy",
    "favg",
    "first",
    "fsum",
    "geomean",
    "geometric_mean",
    "group_concat",
    "histogram",
    "histogram_exact",
    "kahan_sum",
    "kurtosis",
    "kurtosis_pop",
    "last",
    "list",
    "listagg",
    "mad",
    "max",
    "max_by",
    "mean",
    "median",
    "min",
    "min_by",
    "mode",
    "product",
    "quantile",
    "quantile_cont",
    "quantile_disc",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "reservoir_quantile",
    "sem",
    "skewness",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "sum_no_overflow",
    "sumkahan",
    "top_k",
    "top_k_elements",
    "var_pop",
    "var_samp",
    "variance",
    "wavg",
    "weighted_avg",
};

// A macro of the file whose body has an aggregate.
static bool is_aggregate_macro(struct builder *builder, struct str name)
{
    AUTO(buf_clear) struct buf sql = {0};
    AUTO(buf_clear) struct buf text = {0};
    buf_add_cstr(&sql,
                 "SELECT macro_definition FROM duckdb_functions() WHERE function_type = 'macro' "
                 "AND NOT internal AND lower(function_name) = lower(");
    buf_add_sql_string(&sql, name);
    buf_add_cstr(&sql, ") LIMIT 1");
    bool is_null = false;
    struct error err = {0};
    size_t place;
    if (!connection_query_text(builder->connection, buf_cstr(&sql), &text, &is_null, &err) ||
        is_null || text.len == 0)
        return false;
    AUTO(tree_release)
    json_t *body = tree_parse_expression(builder->connection, buf_str(&text), &place, &err);
    return body != NULL && tree_has_aggregate(builder, body);
}

// NOLINTNEXTLINE(misc-no-recursion): DuckDB refuses macros that call themselves
bool is_aggregate(struct builder *builder, const json_t *node)
{
    if (!tree_is(node, "FUNCTION"))
        return false;
    struct str name = tree_text(node, "function_name");
    for (size_t i = 0; i < COUNT_OF(aggregate_names); i++) {
        if (str_is(name, aggregate_names[i]))
            return true;
    }
    bool is_built_in =
        json_is_true(json_object_get(node, "is_operator")) || tree_text(node, "schema").len > 0;
    return !is_built_in && is_aggregate_macro(builder, name);
}

struct aggregate_search {
    struct builder *builder;
    bool found;
};

static bool search_aggregate(void *context, json_t *node, json_t **replacement)
{
    (void)replacement;
    struct aggregate_search *search = context;
    search->found = search->found || is_aggregate(search->builder, node);
    return !search->found && !tree_is(node, "SUBQUERY") && !tree_is(node, "WINDOW");
}

bool tree_has_aggregate(struct builder *builder, json_t *node)
{
    struct aggregate_search search = {.builder = builder};
    if (node != NULL)
        json_decref(tree_replace(json_incref(node), search_aggregate, &search));
    return search.found;
}

const char *aggregate_word(enum aggregate_kind kind)
{
    static const char *const words[] = {
        [AGGREGATE_COUNT_ROWS] = "count(*)",
        [AGGREGATE_COUNT] = "count",
        [AGGREGATE_SUM] = "sum",
        [AGGREGATE_AVG] = "avg",
        [AGGREGATE_MIN] = "min",
        [AGGREGATE_MAX] = "max",
        [AGGREGATE_FIRST] = "first",
        [AGGREGATE_LAST] = "last",
        [AGGREGATE_ANY_VALUE] = "any_value",
        [AGGREGATE_ARG_MIN] = "arg_min",
        [AGGREGATE_ARG_MAX] = "arg_max",
        [AGGREGATE_BOOL_AND] = "bool_and",
        [AGGREGATE_BOOL_OR] = "bool_or",
        [AGGREGATE_STDDEV_SAMP] = "stddev_samp",
        [AGGREGATE_STDDEV_POP] = "stddev_pop",
        [AGGREGATE_VAR_SAMP] = "var_samp",
        [AGGREGATE_VAR_POP] = "var_pop",
        [AGGREGATE_COUNT_DISTINCT] = "count_distinct",
        [AGGREGATE_TOP_K] = "top_k",
        [AGGREGATE_TOP_K_ELEMENTS] = "top_k_elements",
    };
    return (size_t)kind < COUNT_OF(words) ? words[kind] : "?";
}
