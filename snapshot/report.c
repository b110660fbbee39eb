/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a load or a save. It allocates nothing: it must work when memory is short.
 */
#include "snapshot/report.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 0))) static void add_line(struct report *report,
                                                           const char *format, va_list arguments)
{
    if (report->line_count == REPORT_LINES)
        return;
    (void)vsnprintf(report->lines[report->line_count++], REPORT_LINE_SIZE, format, arguments);
}

void report_bad(struct report *report, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(report, format, arguments);
    va_end(arguments);
    report->bad_count++;
}

void report_note(struct report *report, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(report, format, arguments);
    va_end(arguments);
    report->note_count++;
}
