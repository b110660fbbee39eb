/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs attempt in a child; true: it died of that signal (an assert is SIGABRT). No other thread may
 * run. */
static inline bool dies_of(int signal_nr, void (*attempt)(void))
{
    const struct rlimit no_core = {0};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)close(STDERR_FILENO);
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(signal_nr, SIG_DFL);
        attempt();
        _exit(0);
    }
    if (waitpid(pid, &status, 0) != pid)
        return false;
    return WIFSIGNALED(status) && WTERMSIG(status) == signal_nr;
}
