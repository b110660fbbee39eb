/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

enum { REPORT_LINES = 32, REPORT_LINE_SIZE = 256 };

/* What does not fit, collected: bad lines fail a load, notes do not. Lines past the last are only
 * counted, so a hostile image cannot make it grow. */
struct report {
    char lines[REPORT_LINES][REPORT_LINE_SIZE];
    size_t line_count;
    size_t bad_count;
    size_t note_count;
};

__attribute__((format(printf, 2, 3))) void report_bad(struct report *report, const char *format,
                                                      ...);
__attribute__((format(printf, 2, 3))) void report_note(struct report *report, const char *format,
                                                       ...);
