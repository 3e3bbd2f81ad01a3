// SPDX-License-Identifier: MIT
// Errors as values in the caller's storage: no allocation, so that "out of disk" and "out of
// memory" can be told as well as anything else. A text that is too long is cut at the end, where
// the details are; what was tried stands at the front.
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

PRINTF(5, 0)
static void fill(struct error *err, enum error_kind kind, int exit_code, const char *code,
                 const char *format, va_list arguments)
{
    if (err == NULL)
        return;
    // The text may be made from the old text of the same error: print first, then put.
    char text[ERROR_TEXT_MAX];
    vsnprintf(text, sizeof(text), format, arguments);
    err->kind = kind;
    err->exit_code = exit_code;
    snprintf(err->code, sizeof(err->code), "%s", code);
    memcpy(err->text, text, sizeof(text));
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, kind, 0, "", format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_exit(struct error *err, enum error_kind kind, int exit_code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, kind, exit_code, "", format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_code(struct error *err, enum error_kind kind, const char *code, const char *format,
                    ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, kind, 0, code, format, arguments);
    va_end(arguments);
    return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
    if (err == NULL)
        return false;
    char text[ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t len = strlen(text);
    size_t room = sizeof(text) - len; // at least 1, for the closing zero
    const char *const parts[] = {": ", err->text};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        size_t part = strlen(parts[i]) < room ? strlen(parts[i]) : room - 1;
        memcpy(text + len, parts[i], part);
        len += part;
        room -= part;
    }
    text[len] = 0;
    memcpy(err->text, text, sizeof(text));
    return false;
}

bool error_set_errno(struct error *err, enum error_kind kind, int number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(err, kind, 0, "", format, arguments);
    va_end(arguments);
    if (err != NULL) {
        char buffer[128];
        size_t len = strlen(err->text);
        snprintf(err->text + len, sizeof(err->text) - len, ": %s",
                 strerror_r(number, buffer, sizeof(buffer)));
    }
    return false;
}

void error_clear(struct error *err)
{
    *err = (struct error){0};
}

int error_exit_code(const struct error *err)
{
    if (err->exit_code != 0)
        return err->exit_code;
    switch (err->kind) {
    case ERROR_NONE:
        return EXIT_DONE;
    case ERROR_USER:
        return EXIT_PIPELINE;
    case ERROR_RETRY:
        return EXIT_LATER;
    case ERROR_DATA:
    case ERROR_FATAL:
        return EXIT_FAILED;
    }
    return EXIT_FAILED;
}
