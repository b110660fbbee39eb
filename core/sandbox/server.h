/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/control.h"
#include "core/kernel.h"

/* Serves a running sandbox until it has ended or is frozen for good: tools on the control socket,
 * the tool that started it, checkpoints at calls. Takes nothing of start. */
void server_run(struct kernel *kernel, const struct control_start *start, int start_socket);
