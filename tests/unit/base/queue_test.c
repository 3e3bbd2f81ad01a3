// SPDX-License-Identifier: MIT
// The queue between threads: order, back pressure, closing, timeouts; run under the thread
// sanitizer as well (tests/run.d/35-threads).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include "base/clock.h"
#include "base/queue.h"

enum { PRODUCERS = 3, CONSUMERS = 3, ITEMS = 20000 };

static int numbers[PRODUCERS][ITEMS];
static _Atomic int seen[PRODUCERS][ITEMS];
static _Atomic int refused;

struct producer {
    struct queue *queue;
    int index;
};

static void *produce(void *argument)
{
    struct producer *producer = argument;
    for (int i = 0; i < ITEMS; i++) {
        numbers[producer->index][i] = producer->index * ITEMS + i;
        if (!queue_put(producer->queue, &numbers[producer->index][i]))
            atomic_fetch_add(&refused, 1);
    }
    return NULL;
}

static void *consume(void *argument)
{
    struct queue *queue = argument;
    int last[PRODUCERS] = {-1, -1, -1};
    int *item;
    while ((item = queue_take(queue, -1)) != NULL) {
        int index = *item / ITEMS, number = *item % ITEMS;
        atomic_fetch_add(&seen[index][number], 1);
        if (number <= last[index]) // each consumer sees each producer's items in order
            return (void *)1;
        last[index] = number;
    }
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    struct queue *queue = queue_new(7);
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    struct producer arguments[PRODUCERS];
    for (int i = 0; i < CONSUMERS; i++)
        assert_int_equal(pthread_create(&consumers[i], NULL, consume, queue), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        arguments[i] = (struct producer){queue, i};
        assert_int_equal(pthread_create(&producers[i], NULL, produce, &arguments[i]), 0);
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i], NULL);
    queue_close(queue); // what is inside is still to be taken
    for (int i = 0; i < CONSUMERS; i++) {
        void *out_of_order;
        pthread_join(consumers[i], &out_of_order);
        assert_null(out_of_order);
    }
    assert_int_equal(refused, 0);
    for (int p = 0; p < PRODUCERS; p++) {
        for (int i = 0; i < ITEMS; i++)
            assert_int_equal(seen[p][i], 1);
    }
    assert_int_equal(queue_count(queue), 0);
    queue_free(queue);
}

static void order_and_close(void **state)
{
    (void)state;
    struct queue *queue = queue_new(3);
    int items[4] = {0, 1, 2, 3};
    for (int round = 0; round < 5; round++) { // the ring wraps
        assert_true(queue_put(queue, &items[0]) && queue_put(queue, &items[1]));
        assert_int_equal(queue_count(queue), 2);
        assert_ptr_equal(queue_take(queue, 0), &items[0]);
        assert_ptr_equal(queue_take(queue, -1), &items[1]);
    }
    assert_true(queue_put(queue, &items[2]));
    queue_close(queue);
    assert_false(queue_put(queue, &items[3]));
    assert_ptr_equal(queue_take(queue, -1), &items[2]);
    assert_null(queue_take(queue, -1));
    queue_free(queue);
}

static void timeouts(void **state)
{
    (void)state;
    struct queue *queue = queue_new(1);
    assert_null(queue_take(queue, 0));
    int64_t before = clock_monotonic_us();
    assert_null(queue_take(queue, 20 * US_PER_MS));
    assert_true(clock_monotonic_us() - before >= 20 * US_PER_MS);
    queue_free(queue);
    queue_free(NULL);
}

static void *put_one_more(void *argument)
{
    static int item;
    return queue_put(argument, &item) ? argument : NULL;
}

static void close_frees_a_waiting_producer(void **state)
{
    (void)state;
    struct queue *queue = queue_new(1);
    int item = 1;
    assert_true(queue_put(queue, &item));
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, put_one_more, queue), 0);
    queue_close(queue); // full: the other thread waits, or comes later; both must leave
    void *taken;
    pthread_join(producer, &taken);
    assert_null(taken);
    assert_int_equal(queue_count(queue), 1);
    queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads),
        cmocka_unit_test(order_and_close),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(close_frees_a_waiting_producer),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
