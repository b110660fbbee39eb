/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a process. Calls: prctl personality */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

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
    return 0;
}
