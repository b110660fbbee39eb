/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that runs a program ends the others and becomes the process. Calls: execve */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"

static char *self;
static int started[2]; /* pipe */

static void *spin(void *unused)
{
    CHECK(write(started[1], "x", 1) == 1);
    for (;;)
        __asm__ volatile("" ::: "memory");
    return unused;
}

static void *block(void *unused)
{
    int pipes[2];
    char byte;
    CHECK(pipe(pipes) == 0 && write(started[1], "x", 1) == 1);
    CHECK(read(pipes[0], &byte, 1) == 1);
    return unused;
}

static void *exec_self(void *unused)
{
    char pid[20];
    char *argv[] = {self, "new", pid, NULL};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGUSR2) == 0);
    snprintf(pid, sizeof(pid), "%d", getpid());
    execv(self, argv);
    _exit(99);
    return unused;
}

static void *exec_nothing(void *unused)
{
    char *argv[] = {"none", NULL};
    CHECK_ERRNO(execv("no such program", argv), ENOENT);
    return unused;
}

/* The new program: one thread, with the id of the process and what the old one had pending. */
static int check_new(const char *pid)
{
    sigset_t set;

    CHECK(getpid() == atoi(pid) && gettid() == getpid());
    CHECK(sigpending(&set) == 0 && sigismember(&set, SIGUSR2));
    CHECK_ERRNO(fcntl(70, F_GETFD), EBADF);
    return 33;
}

static void start(void *(*run)(void *))
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
}

static void run_child(bool by_first, bool leader_ends)
{
    pthread_t thread;
    char byte;

    CHECK(pipe(started) == 0 && dup3(1, 70, O_CLOEXEC) == 70);
    CHECK(pthread_create(&thread, NULL, exec_nothing, NULL) == 0); /* nothing happens */
    CHECK(pthread_join(thread, NULL) == 0);
    start(spin);
    start(block);
    for (int i = 0; i < 2; i++)
        CHECK(read(started[0], &byte, 1) == 1);
    if (by_first)
        exec_self(NULL);
    start(exec_self);
    if (leader_ends)
        pthread_exit(NULL);
    block(NULL);
}

static void test(bool by_first, bool leader_ends)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        run_child(by_first, leader_ends);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 33);
}

static void *exec_at_once(void *unused)
{
    char *argv[] = {self, "exit", NULL};
    execv(self, argv);
    return unused;
}

/* Several want to: one of them does. While it is about to, there are no new threads (EAGAIN). */
static void test_race(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        for (int i = 0, err = 0; i < 4 && err == 0; i++) {
            err = pthread_create(&thread, NULL, exec_at_once, NULL);
            CHECK(err == 0 || (err == EAGAIN && i > 0));
        }
        block(NULL);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 34);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "new") == 0)
        return check_new(argv[2]);
    if (argc == 2 && strcmp(argv[1], "exit") == 0)
        return 34;
    self = argv[0];
    test(true, false);
    printf("by the first thread\n");
    test(false, false);
    printf("by another\n");
    test(false, true);
    printf("after the first has ended\n");
    CHECK(pipe(started) == 0);
    test_race();
    printf("by several\n");
    return 0;
}
