// SPDX-License-Identifier: MIT
// Metrics: identity by name and labels, exposition text, updates from several threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include "base/metric.h"

static void exposition(void **state)
{
    (void)state;
    struct metric *b1 =
        metric_get(METRIC_COUNTER, "b_total", "rows\nseen \\ so far", "topic=\"z\"");
    struct metric *b0 =
        metric_get(METRIC_COUNTER, "b_total", "rows\nseen \\ so far", "topic=\"a\"");
    struct metric *a = metric_get(METRIC_GAUGE, "a_seconds", "age", "");
    assert_ptr_equal(b1, metric_get(METRIC_COUNTER, "b_total", "ignored", "topic=\"z\""));
    assert_ptr_not_equal(b0, b1);
    metric_add(b1, 3);
    metric_add(b1, 4);
    metric_set(b0, 5);
    metric_set_double(a, 0.25);
    assert_int_equal(metric_value(b1), 7);
    struct buf out = {0};
    metric_print(&out);
    assert_string_equal(buf_cstr(&out), "# HELP a_seconds age\n"
                                        "# TYPE a_seconds gauge\n"
                                        "a_seconds 0.25\n"
                                        "# HELP b_total rows\\nseen \\\\ so far\n"
                                        "# TYPE b_total counter\n"
                                        "b_total{topic=\"a\"} 5\n"
                                        "b_total{topic=\"z\"} 7\n");
    metric_set_double(a, (double)INFINITY);
    buf_reset(&out);
    metric_print(&out);
    assert_true(str_starts(buf_str(&out),
                           "# HELP a_seconds age\n# TYPE a_seconds gauge\na_seconds +Inf\n"));
    buf_clear(&out);
    metric_reset_all();
    assert_int_equal(metric_value(b1), 0);
    assert_int_equal(metric_value(a), 0);
}

static void *count(void *argument)
{
    struct metric *metric = metric_get(METRIC_COUNTER, "threads_total", "x", "");
    for (int i = 0; i < 10000; i++)
        metric_add(metric, 1);
    (void)argument;
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    pthread_t workers[4];
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        assert_int_equal(pthread_create(&workers[i], NULL, count, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        pthread_join(workers[i], NULL);
    assert_int_equal(metric_value(metric_get(METRIC_COUNTER, "threads_total", "x", "")), 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exposition), cmocka_unit_test(threads)};
    return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
