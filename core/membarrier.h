/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

struct task;

/* Every command that there is, as a set: what MEMBARRIER_CMD_QUERY says. */
uint32_t membarrier_commands(void);
/* One command, checked already: 0, or -EPERM: it was not registered for. No lock is held. */
int membarrier_run(struct task *task, uint32_t command);
