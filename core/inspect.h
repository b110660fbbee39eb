/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core/task.h"

/* May task look into process as a debugger may (ptrace(2), "Ptrace access mode checking")?
 * 0 or -EPERM. of_files: its file-system ids count (PTRACE_MODE_FSCREDS), not its real ones. Takes
 * the tasks lock. */
int task_may_inspect(struct task *task, struct process *process, bool of_files);
