// SPDX-License-Identifier: MIT
// Log lines on stderr, one event one line; human form by default ("2024-01-15T10:30:00.000Z ERROR
// devices: text key=value"), ECS-named JSON with log_set_json. Thread safe. The word ERROR appears
// in human lines of that level, because people grep for it.
#ifndef FIRESTEEL_LOG_H
#define FIRESTEEL_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

void log_set_level(enum log_level level);
enum log_level log_level(void);
void log_set_json(bool json);
void log_set_pipeline(const char *name);                      // shown on each line; copied
bool log_level_parse(struct str text, enum log_level *level); // DEBUG|INFO|WARN|ERROR, any case
void log_write(enum log_level level, const char *format, ...) PRINTF(2, 3);
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

#endif
