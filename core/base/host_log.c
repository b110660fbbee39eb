/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line a call, written by one write, cut off where it is too long.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host.h"

enum { LINE_SIZE = 512 };

static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_level = LOG_WARNING;

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARNING] = "warning",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

void host_log_set(int fd, enum host_log_level level)
{
    atomic_store(&log_fd, fd);
    atomic_store(&log_level, level);
}

void host_log(enum host_log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    if ((int)level > atomic_load(&log_level) || atomic_load(&log_fd) < 0)
        return;
    size_t size = (size_t)snprintf(line, sizeof(line), "sbx: %s: ", level_names[level]);
    va_start(arguments, format);
    (void)vsnprintf(line + size, sizeof(line) - size, format, arguments);
    va_end(arguments);
    size += strnlen(line + size, sizeof(line) - size - 1);
    line[size++] = '\n';
    (void)!write(atomic_load(&log_fd), line, size);
}
