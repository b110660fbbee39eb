/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "snapshot/report.h"

/* Exit codes of the tools that are not the guest's. docs/errors.md. */
enum {
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_FAILURE = 125,
    EXIT_CODE_SIGNAL = 128, /* and the signal's number */
};

/* The name that stands before every error: "sbx run". Borrowed. */
void error_set_program(const char *program);

/* One line on stderr. */
__attribute__((format(printf, 1, 2))) void error_print(const char *format, ...);
/* A line for each of a report; before stands what was being done: "opening image a/b". NULL:
 * nothing. Returns EXIT_CODE_FAILURE. */
int error_print_report(const char *doing, const struct report *report);
/* Notes of a report only. */
void error_print_notes(const char *doing, const struct report *report);
