/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/control.h"
#include "core/kernel.h"
#include "snapshot/report.h"

/* Gives the kernel its host roots and stdio from start, which keeps what is not taken. */
int boot_take_donations(struct kernel *kernel, struct control_start *start);

/* Makes the machine, the tree of names and pid 1, which runs spec->argv, in a frozen kernel. On
 * failure *exit_code is what the tool is to exit with (125, 126, 127) and the report says why. */
int boot_machine(struct kernel *kernel, const StartSpec *spec, struct report *report,
                 unsigned *exit_code);
