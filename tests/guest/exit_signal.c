/* SPDX-License-Identifier: Apache-2.0 */
/* The program itself dies of a signal. Calls: kill rt_sigprocmask */
#include <signal.h>

#include "check.h"

int main(void)
{
    sigset_t none;
    sigemptyset(&none);
    CHECK(sigprocmask(SIG_SETMASK, &none, NULL) == 0);
    printf("about to die\n");
    signal(SIGTERM, SIG_DFL);
    kill(getpid(), SIGTERM);
    printf("not reached\n");
    return 0;
}
