// SPDX-License-Identifier: MIT
// Failpoints: a short list of armed names and one counter of all passages. After a crash by step
// every later passage fails as well: a dead process does not tidy up, and a test in one process
// must not be kinder than kill -9 is.
#include "base/failpoint.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct armed {
    char name[64];
    int64_t at;       // which passage triggers
    int64_t passages; // so far
    enum failpoint_action action;
    struct armed *next;
};

bool failpoint_active;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct armed *armed_list;
static int64_t steps;
static int64_t crash_step; // 0: none
static char last_name[64];

static const struct {
    const char *name;
    enum failpoint_action action;
} actions[] = {
    {"kill", FAILPOINT_KILL}, {"exit", FAILPOINT_EXIT},     {"crash", FAILPOINT_CRASH},
    {"eio", FAILPOINT_EIO},   {"enospc", FAILPOINT_ENOSPC}, {"short", FAILPOINT_SHORT},
};

static enum failpoint_action passage(const char *name)
{
    pthread_mutex_lock(&mutex);
    steps++;
    size_t len = strlen(name);
    len = len < sizeof(last_name) ? len : sizeof(last_name) - 1;
    memcpy(last_name, name, len);
    last_name[len] = 0;
    enum failpoint_action action = FAILPOINT_NONE;
    if (crash_step > 0 && steps >= crash_step)
        action = FAILPOINT_CRASH;
    for (struct armed *armed = armed_list; armed != NULL; armed = armed->next) {
        if (strcmp(armed->name, name) == 0 && ++armed->passages == armed->at)
            action = armed->action;
    }
    pthread_mutex_unlock(&mutex);
    return action;
}

enum failpoint_action failpoint_hit(const char *name)
{
    if (!failpoint_active)
        return FAILPOINT_NONE;
    enum failpoint_action action = passage(name);
    if (action == FAILPOINT_KILL) {
        kill(getpid(), SIGKILL);
        pause();
    }
    if (action == FAILPOINT_EXIT) {
        file_drop_unsynced();
        _exit(137);
    }
    return action;
}

static bool arm_one(struct str word, struct error *err)
{
    struct armed armed = {.at = 1};
    int64_t equals = str_find(word, '=');
    struct str name = equals < 0 ? word : str_slice(word, 0, (size_t)equals);
    struct str action =
        equals < 0 ? STR("") : str_trim(str_slice(word, (size_t)equals + 1, word.len));
    int64_t at_sign = str_find(name, '@');
    if (at_sign >= 0) {
        struct str number = str_slice(name, (size_t)at_sign + 1, name.len);
        if (!str_parse_int64(number, &armed.at) || armed.at < 1)
            return error_set(err, ERROR_USER,
                             "failpoint '%.*s': '%.*s' is not a passage, use 1 or more",
                             STR_ARGS(word), STR_ARGS(number));
        name = str_slice(name, 0, (size_t)at_sign);
    }
    if (name.len == 0 || name.len >= sizeof(armed.name))
        return error_set(err, ERROR_USER, "failpoint '%.*s': write name[@n]=action",
                         STR_ARGS(word));
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        if (str_is(action, actions[i].name))
            armed.action = actions[i].action;
    }
    if (armed.action == FAILPOINT_NONE)
        return error_set(
            err, ERROR_USER,
            "failpoint '%.*s': unknown action, use kill, exit, crash, eio, enospc or short",
            STR_ARGS(word));
    memcpy(armed.name, name.ptr, name.len);
    if (armed.action == FAILPOINT_EXIT)
        file_track_unsynced(true); // what is not remembered cannot be dropped
    struct armed *kept = heap_new(sizeof(*kept));
    *kept = armed;
    pthread_mutex_lock(&mutex);
    kept->next = armed_list;
    armed_list = kept;
    failpoint_active = true;
    pthread_mutex_unlock(&mutex);
    return true;
}

bool failpoint_arm(const char *spec, struct error *err)
{
    struct str rest = str_of(spec);
    while (rest.len > 0) {
        int64_t comma = str_find(rest, ',');
        size_t end = comma < 0 ? rest.len : (size_t)comma;
        struct str word = str_trim(str_slice(rest, 0, end));
        if (word.len > 0 && !arm_one(word, err))
            return false;
        rest = str_slice(rest, end + 1, rest.len);
    }
    return true;
}

void failpoint_disarm(void)
{
    pthread_mutex_lock(&mutex);
    while (armed_list != NULL) {
        struct armed *next = armed_list->next;
        heap_free(armed_list);
        armed_list = next;
    }
    steps = 0;
    crash_step = 0;
    last_name[0] = 0;
    failpoint_active = false;
    pthread_mutex_unlock(&mutex);
}

void failpoint_init_from_environment(void)
{
    const char *spec = getenv("FIRESTEEL_FAILPOINT");
    struct error err = {0};
    if (spec == NULL || spec[0] == 0)
        return;
    // A torture run that silently arms nothing would pass: better to stop here.
    if (!failpoint_arm(spec, &err)) {
        log_error("FIRESTEEL_FAILPOINT: %s", err.text);
        _exit(EXIT_USAGE);
    }
}

void failpoint_crash_at_step(int64_t step)
{
    pthread_mutex_lock(&mutex);
    crash_step = step;
    failpoint_active = true;
    pthread_mutex_unlock(&mutex);
}

int64_t failpoint_steps(void)
{
    pthread_mutex_lock(&mutex);
    int64_t count = steps;
    pthread_mutex_unlock(&mutex);
    return count;
}

const char *failpoint_last(void)
{
    return last_name;
}
