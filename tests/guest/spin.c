/* SPDX-License-Identifier: Apache-2.0 */
/* A program that ignores all signals and computes without a system call, until an alarm.
 * Calls: alarm setitimer */
#include <signal.h>
#include <sys/time.h>

#include "check.h"

static volatile sig_atomic_t is_over;

static void on_alarm(int sig)
{
    (void)sig;
    is_over++;
}

/* One round of a sequence whose end is known. */
static unsigned long round_of_work(void)
{
    unsigned long value = 1;
    for (int i = 0; i < 1000000; i++)
        value = value * 6364136223846793005UL + 1442695040888963407UL;
    return value;
}

int main(void)
{
    struct itimerval timer = {{0, 200000}, {0, 200000}};
    for (int sig = 1; sig < 65; sig++) {
        if (sig != SIGKILL && sig != SIGSTOP && sig != 32 && sig != 33)
            signal(sig, SIG_IGN);
    }
    signal(SIGALRM, on_alarm);
    unsigned long expected = round_of_work();
    printf("the sequence ends at %lx\n", expected);
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    while (is_over < 4)
        CHECK(round_of_work() == expected);
    printf("over\n");
    return 0;
}
