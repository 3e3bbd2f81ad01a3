// SPDX-License-Identifier: MIT
// Where lanes meet: a counting barrier that spins briefly (a trigger's halves end nearly together)
// and then sleeps, so that a lane whose core was taken away does not burn the other core.
#include "engine/job_state.h"

#define SPINS 2000

void barrier_init(struct barrier *barrier, size_t members)
{
    pthread_mutex_init(&barrier->mutex, NULL);
    pthread_cond_init(&barrier->changed, NULL);
    barrier->members = members;
    barrier->waiting = 0;
    barrier->round = 0;
}

void barrier_clear(struct barrier *barrier)
{
    pthread_mutex_destroy(&barrier->mutex);
    pthread_cond_destroy(&barrier->changed);
}

void barrier_wait(struct barrier *barrier)
{
    if (barrier->members <= 1)
        return;
    pthread_mutex_lock(&barrier->mutex);
    uint64_t round = barrier->round;
    if (++barrier->waiting == barrier->members) {
        barrier->waiting = 0;
        __atomic_store_n(&barrier->round, round + 1, __ATOMIC_RELEASE);
        pthread_cond_broadcast(&barrier->changed);
        pthread_mutex_unlock(&barrier->mutex);
        return;
    }
    pthread_mutex_unlock(&barrier->mutex);
    for (int i = 0; i < SPINS; i++) {
        if (__atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE) != round)
            return;
        __asm__ volatile("" ::: "memory");
    }
    pthread_mutex_lock(&barrier->mutex);
    while (barrier->round == round)
        pthread_cond_wait(&barrier->changed, &barrier->mutex);
    pthread_mutex_unlock(&barrier->mutex);
}
