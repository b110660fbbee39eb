/* SPDX-License-Identifier: Apache-2.0 */
/* Taking signals without a handler. Calls: rt_sigtimedwait, restart_syscall */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static sigset_t wanted;

static void test_pending(void)
{
    siginfo_t info;
    union sigval value = {.sival_int = 5};

    CHECK(sigqueue(getpid(), SIGRTMIN + 1, value) == 0);
    value.sival_int = 6;
    CHECK(sigqueue(getpid(), SIGRTMIN + 1, value) == 0);
    CHECK(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0);
    CHECK(syscall(SYS_rt_sigtimedwait, &wanted, &info, NULL, 8) == SIGUSR1); /* our own first */
    CHECK(info.si_code == SI_TKILL);
    CHECK(sigwaitinfo(&wanted, &info) == SIGUSR1 && info.si_code == SI_USER);
    CHECK(info.si_pid == getpid());
    CHECK(sigwaitinfo(&wanted, &info) == SIGRTMIN + 1 && info.si_value.sival_int == 5);
    CHECK(sigwaitinfo(&wanted, NULL) == SIGRTMIN + 1);
    printf("pending ones, in order\n");
}

static void test_timeout(void)
{
    struct timespec none = {0}, soon = {.tv_nsec = 20000000}, wrong = {.tv_nsec = 1000000000};
    struct timespec before, after;

    CHECK_ERRNO(sigtimedwait(&wanted, NULL, &none), EAGAIN);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    CHECK_ERRNO(sigtimedwait(&wanted, NULL, &soon), EAGAIN);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    long long spent =
        (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
    CHECK(spent >= 20000000);
    CHECK_ERRNO(sigtimedwait(&wanted, NULL, &wrong), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &wanted, NULL, NULL, 4), EINVAL);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, 8, NULL, NULL, 8), EFAULT);
    CHECK(raise(SIGUSR1) == 0);
    CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &wanted, 8, NULL, 8), EFAULT); /* and it is lost */
    CHECK_ERRNO(sigtimedwait(&wanted, NULL, &none), EAGAIN);
    CHECK_ERRNO(syscall(SYS_restart_syscall), EINTR);
    printf("timeouts and errors\n");
}

static pid_t start_child(int first, int second)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        usleep(20000);
        CHECK(kill(parent, first) == 0);
        while (second != 0 && first == second) { /* until somebody waits, and ends us */
            usleep(10000);
            CHECK(kill(parent, second) == 0);
        }
        if (second != 0)
            CHECK(kill(parent, second) == 0);
        _exit(0);
    }
    CHECK(pid > 0);
    return pid;
}

static void end_child(pid_t pid)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static volatile int handled;

static void on_signal(int signal)
{
    handled = signal;
}

static void test_waiting(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct timespec long_time = {.tv_sec = 1000};
    siginfo_t info;
    pid_t pid = start_child(SIGUSR1, 0);

    CHECK(sigtimedwait(&wanted, &info, &long_time) == SIGUSR1 && info.si_pid == pid);
    end_child(pid);
    CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
    pid = start_child(SIGUSR2, SIGUSR2);
    CHECK_ERRNO(sigwaitinfo(&wanted, NULL), EINTR); /* never made again */
    CHECK(handled == SIGUSR2 && kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == 0);
    pid = start_child(SIGCHLD, SIGUSR1); /* nobody cares for the first */
    CHECK(sigwaitinfo(&wanted, &info) == SIGUSR1 && info.si_pid == pid); /* blocked: not ignored */
    end_child(pid);
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = SIG_DFL}, NULL) == 0);
    printf("waiting\n");
}

static void *take_two(void *tid)
{
    siginfo_t info;
    int signal;

    *(pid_t *)tid = gettid();
    CHECK(sigwaitinfo(&wanted, &info) == SIGUSR1);
    CHECK(sigwait(&wanted, &signal) == 0 && signal == SIGRTMIN + 1);
    return tid;
}

/* The first thread blocks them, so they come to the one that waits for them. */
static void test_thread(void)
{
    static pid_t tid;
    union sigval value = {.sival_int = 0};
    pthread_t thread;
    void *result;

    CHECK(pthread_create(&thread, NULL, take_two, &tid) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0 && sigqueue(getpid(), SIGRTMIN + 1, value) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == &tid);
    printf("by a thread\n");
}

int main(void)
{
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    sigaddset(&wanted, SIGRTMIN + 1);
    sigaddset(&wanted, SIGKILL); /* has no effect */
    CHECK(sigprocmask(SIG_BLOCK, &wanted, NULL) == 0);
    test_pending();
    test_timeout();
    test_waiting();
    test_thread();
    return 0;
}
