/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "core/control.h"
#include "snapshot/report.h"

/* A sandbox that this tool has started. */
struct launch {
    int socket; /* the start socket: events, and requests like any control socket */
    pid_t pid;  /* of the sandbox process, a child */
};

/* Starts the sbx-kernel that lies beside this program and sends it start (borrowed; the listener is
 * made here: name in the state directory). Every error is reported. */
int launch_kernel(int state_dir, struct control_start *start, struct report *report,
                  struct launch *ret);
