// SPDX-License-Identifier: MIT
// Named places where a test makes the program fail. FIRESTEEL_FAILPOINT="name[@n]=action[,..]" or
// failpoint_arm(); the n-th passage (default 1) triggers. Names look like "journal.before_fsync".
// Actions: kill (SIGKILL to self), exit (_exit(137) after dropping un-synced writes),
// crash (returns true: the caller fails with error text "failpoint"), eio, enospc, short (file
// layer). Costs one load of a global flag while nothing is armed. `steps` counts passages, for
// harnesses that crash at step 1, 2, .. N.
#ifndef FIRESTEEL_FAILPOINT_H
#define FIRESTEEL_FAILPOINT_H

#include "base/error.h"

enum failpoint_action {
    FAILPOINT_NONE,
    FAILPOINT_KILL,
    FAILPOINT_EXIT,
    FAILPOINT_CRASH,
    FAILPOINT_EIO,
    FAILPOINT_ENOSPC,
    FAILPOINT_SHORT,
};

extern bool failpoint_active; // anything armed or counting
enum failpoint_action failpoint_hit(const char *name);
bool failpoint_arm(const char *spec, struct error *err); // adds to what is armed
void failpoint_disarm(void);                             // forgets all, resets counters
void failpoint_init_from_environment(void);
// Crash at the n-th passage through any failpoint, whatever its name (0 = only count).
void failpoint_crash_at_step(int64_t step);
int64_t failpoint_steps(void);    // passages since the last disarm
const char *failpoint_last(void); // name of the newest passage, for messages

// In functions with `err`: fails the caller when the point is armed with crash.
#define FAILPOINT(name)                                                                            \
    do {                                                                                           \
        if (UNLIKELY(failpoint_active) && failpoint_hit(name) == FAILPOINT_CRASH)                  \
            return error_set(err, ERROR_FATAL, "failpoint %s", (name));                            \
    } while (0)

#endif
