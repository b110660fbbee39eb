/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/control.h"
#include "snapshot/report.h"

/* What a tool gives a new sandbox besides the spec: descriptors. They are collected in a struct
 * control_start and closed with donation_close. */

/* Makes sure that descriptors 0 to 2 are open: the first act of a tool. */
void donation_open_stdio(void);

enum donation_stdio { STDIO_OURS, STDIO_NULL, STDIO_FILE };
/* Ours are duplicated; a file (path) takes output and errors, appended, input is empty. */
int donation_set_stdio(struct control_start *start, enum donation_stdio kind, const char *path,
                       struct report *report);

/* Opens the source of root number nr of the spec O_PATH. A line in the report if that fails. */
void donation_open_root(struct control_start *start, size_t nr, struct report *report);

/* Closes all descriptors; the spec stays. */
void donation_close(struct control_start *start);
