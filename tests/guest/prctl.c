/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a process. Calls: prctl personality */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

/* A new thread and a child have the parent's settings. */
static void check_inherited(void)
{
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    CHECK(prctl(PR_GET_TIMERSLACK) == 70000 && prctl(PR_SET_TIMERSLACK, 5) == 0);
    CHECK(prctl(PR_SET_TIMERSLACK, 0) == 0 && prctl(PR_GET_TIMERSLACK) == 70000);
    CHECK(prctl(PR_CAPBSET_READ, 7) == 0 && prctl(PR_CAPBSET_READ, 6) == 1);
    CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
}

static void *check_thread(void *unused)
{
    check_inherited();
    CHECK(prctl(PR_SET_TIMERSLACK, 9) == 0);
    return unused;
}

static void test_state(void)
{
    pthread_t thread;
    int *address = NULL, status;

    CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK_ERRNO(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
    CHECK(prctl(PR_GET_TIMERSLACK) == 50000 && prctl(PR_SET_TIMERSLACK, 70000) == 0);
    CHECK(prctl(PR_CAPBSET_DROP, 7) == 0);
    CHECK_ERRNO(prctl(PR_CAPBSET_READ, 64), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0), EINVAL);
    CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1);
    CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
    CHECK(prctl(PR_GET_TID_ADDRESS, &address) == 0 && address != NULL && *address == getpid());
    CHECK(pthread_create(&thread, NULL, check_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(prctl(PR_GET_TIMERSLACK) == 70000); /* each has its own */
    pid_t pid = fork();
    if (pid == 0) {
        check_inherited();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    printf("state\n");
}

int main(void)
{
    char name[16], path[32];
    int value = -1, status;
    CHECK(prctl(PR_SET_NAME, "longer than sixteen bytes") == 0 && prctl(PR_GET_NAME, name) == 0);
    printf("name: %s\n", name);
    CHECK_ERRNO(prctl(PR_SET_NAME, 8), EFAULT);
    CHECK_ERRNO(prctl(PR_GET_NAME, 8), EFAULT);

    CHECK(prctl(PR_GET_DUMPABLE) == 1 && prctl(PR_SET_DUMPABLE, 0) == 0);
    CHECK(prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
    CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 7), EINVAL);

    CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0 && prctl(PR_GET_PDEATHSIG, &value) == 0);
    CHECK(value == SIGUSR1);
    CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 999), EINVAL);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(prctl(PR_GET_PDEATHSIG, &value) == 0 && value == 0); /* not inherited */
        CHECK(prctl(PR_GET_NAME, path) == 0 && strcmp(path, name) == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);

    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 0);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value == 1);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
    CHECK_ERRNO(prctl(9999, 0, 0, 0, 0), EINVAL);
    printf("settings\n");

    CHECK(syscall(SYS_personality, 0xffffffff) == 0);
    printf("personality\n");
    test_state();
    return 0;
}
