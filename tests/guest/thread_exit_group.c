/* SPDX-License-Identifier: Apache-2.0 */
/* What ends all threads of a process, wherever they are. Calls: exit_group */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static int started[2]; /* pipe */

static void tell_start(void)
{
    CHECK(write(started[1], "x", 1) == 1);
}

static void *spin(void *unused)
{
    tell_start();
    for (;;)
        __asm__ volatile("" ::: "memory");
    return unused;
}

static void *block(void *unused)
{
    int pipes[2];
    char byte;
    CHECK(pipe(pipes) == 0);
    tell_start();
    CHECK(read(pipes[0], &byte, 1) == 1);
    return unused;
}

static void *sleep_long(void *unused)
{
    tell_start();
    sleep(1000);
    return unused;
}

static void *leave(void *unused)
{
    exit(7);
    return unused;
}

static void *fail(void *unused)
{
    *(volatile char *)8 = 1;
    return unused;
}

static void *stop_all(void *unused)
{
    signal(SIGABRT, SIG_DFL);
    abort();
    return unused;
}

static void *kill_all(void *unused)
{
    kill(getpid(), SIGKILL);
    return unused;
}

static void start(void *(*run)(void *))
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
}

/* A process of which one thread does what is asked for, while the others are busy. */
static int run_process(void *(*run)(void *))
{
    char bytes[4];
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(pipe(started) == 0);
        start(spin);
        start(block);
        start(sleep_long);
        for (int i = 0; i < 3; i++)
            CHECK(read(started[0], bytes, 1) == 1);
        if (run != NULL)
            start(run);
        else
            exit(9);
        block(NULL);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

static void *exit_thread(void *unused)
{
    syscall(SYS_exit, 11); /* the others go on */
    return unused;
}

static void test_last(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, exit_thread, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        syscall(SYS_exit, 12);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("the last thread: %d\n", WEXITSTATUS(status));
}

int main(void)
{
    int status = run_process(NULL);
    printf("the first thread: %d %d\n", WIFEXITED(status), WEXITSTATUS(status));
    status = run_process(leave);
    printf("another thread: %d %d\n", WIFEXITED(status), WEXITSTATUS(status));
    status = run_process(fail);
    printf("a fault: %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
    status = run_process(stop_all);
    printf("abort: %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
    status = run_process(kill_all);
    printf("kill: %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
    test_last();
    return 0;
}
