/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the tools: one line each, on stderr, with the program's name and what it was doing. The
 * text may come from an image or a sandbox, so control characters are not let through.
 */
#include "tools/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 1024 };

static const char *program_name = "sbx";

void error_set_program(const char *program)
{
    program_name = program;
}

void error_print(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    for (char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = '?';
    (void)fprintf(stderr, "%s: %s\n", program_name, line);
}

static void print_lines(const char *doing, const struct report *report)
{
    for (size_t i = 0; i < report->line_count; i++) {
        if (doing == NULL)
            error_print("%s", report->lines[i]);
        else
            error_print("%s: %s", doing, report->lines[i]);
    }
}

int error_print_report(const char *doing, const struct report *report)
{
    size_t count = report->bad_count + report->note_count;

    print_lines(doing, report);
    if (count > report->line_count)
        error_print("%s: and %zu more", doing == NULL ? "errors" : doing,
                    count - report->line_count);
    return EXIT_CODE_FAILURE;
}

void error_print_notes(const char *doing, const struct report *report)
{
    if (report->bad_count == 0)
        print_lines(doing, report);
}
