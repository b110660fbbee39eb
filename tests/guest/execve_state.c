/* SPDX-License-Identifier: Apache-2.0 */
/* What an exec keeps and what it resets. Calls: execve rt_sigaction sigaltstack */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"

static void on_signal(int sig)
{
    (void)sig;
}

static void *handler_of(int sig)
{
    struct sigaction action;
    CHECK(sigaction(sig, NULL, &action) == 0);
    return (void *)action.sa_handler;
}

static int after(char **argv)
{
    sigset_t set;
    stack_t stack;
    struct rlimit limit;
    struct itimerval timer;
    char name[16], byte;
    CHECK(getpid() == atoi(argv[2]));
    CHECK(lseek(20, 0, SEEK_CUR) == 2 && read(20, &byte, 1) == 1 && byte == 'c');
    CHECK_ERRNO(fcntl(21, F_GETFD), EBADF);
    CHECK(fcntl(22, F_GETFD) == 0);
    printf("descriptors\n");

    CHECK(handler_of(SIGUSR1) == SIG_DFL && handler_of(SIGUSR2) == SIG_IGN);
    CHECK(handler_of(SIGTERM) == SIG_DFL);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
    CHECK(sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGHUP) == 0);
    CHECK(sigpending(&set) == 0 && sigismember(&set, SIGTERM) == 1);
    CHECK(sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE));
    printf("signals\n");

    CHECK(getitimer(ITIMER_REAL, &timer) == 0 && timer.it_value.tv_sec > 500);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 123);
    CHECK(umask(0) == 013 && access("../dir", F_OK) == 0);
    CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "interpreter") == 0);
    printf("the rest\n");
    return 0;
}

static void before(char *self)
{
    char pid[16];
    sigset_t set;
    static char alternative[65536];
    stack_t stack = {.ss_sp = alternative, .ss_size = sizeof(alternative)};
    struct rlimit limit = {123, 456};
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(write(fd, "abcd", 4) == 4 && lseek(fd, 2, SEEK_SET) == 2);
    CHECK(dup2(fd, 20) == 20 && dup3(fd, 21, O_CLOEXEC) == 21 && dup3(fd, 22, O_CLOEXEC) == 22);
    CHECK(fcntl(22, F_SETFD, 0) == 0);

    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0 && raise(SIGTERM) == 0);
    CHECK(sigaltstack(&stack, NULL) == 0);

    alarm(1000);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    umask(013);
    CHECK(mkdir("dir", 0700) == 0 && chdir("dir") == 0);
    CHECK(symlink(self, "interpreter") == 0 && prctl(PR_SET_NAME, "before") == 0);
    snprintf(pid, sizeof(pid), "%d", getpid());
    execl("interpreter", "any", "after", pid, NULL);
    CHECK(0);
}

int main(int argc, char **argv)
{
    int status;
    if (argc > 1)
        return after(argv);
    pid_t pid = fork();
    if (pid == 0)
        before(argv[0]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}
