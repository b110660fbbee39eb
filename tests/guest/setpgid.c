/* SPDX-License-Identifier: Apache-2.0 */
/* Process groups and sessions. Calls: setpgid getpgid getpgrp setsid getsid */
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static int to_child[2], to_parent[2];

static void tell(int *ends)
{
    CHECK(write(ends[1], "x", 1) == 1);
}

static void hear(int *ends)
{
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1);
}

static void expect(pid_t pid)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_group(void)
{
    pid_t group = getpgrp(), pid = fork();
    if (pid == 0) {
        CHECK(getpgid(0) == group && getpgid(getpid()) == group); /* inherited */
        CHECK(setpgid(0, 0) == 0 && getpgrp() == getpid());
        CHECK(setpgid(0, group) == 0 && syscall(SYS_getpgrp) == group);
        tell(to_parent);
        hear(to_child);
        CHECK(getpgrp() == getpid());
        _exit(0);
    }
    hear(to_parent);
    CHECK(setpgid(pid, 0) == 0 && getpgid(pid) == pid);
    tell(to_child);
    expect(pid);
    printf("groups\n");
}

static void test_errors(void)
{
    CHECK_ERRNO(setpgid(0, -1), EINVAL);
    CHECK_ERRNO(setpgid(4000000, 0), ESRCH);
    CHECK_ERRNO(setpgid(0, 4000000), EPERM); /* no such group in this session */
    CHECK_ERRNO(getpgid(4000000), ESRCH);
    CHECK_ERRNO(getsid(4000000), ESRCH);
    CHECK_ERRNO(getpgid(-1), ESRCH);
    printf("errors\n");
}

static void test_session(void)
{
    pid_t session = getsid(0), pid = fork();
    if (pid == 0) {
        CHECK(getsid(0) == session);
        CHECK(setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
        CHECK_ERRNO(setsid(), EPERM);
        CHECK_ERRNO(setpgid(0, 0), EPERM); /* a session's leader stays */
        CHECK_ERRNO(setpgid(0, getpid()), EPERM);
        tell(to_parent);
        hear(to_child);
        _exit(0);
    }
    hear(to_parent);
    CHECK(getsid(pid) == pid && getsid(0) == session);
    CHECK_ERRNO(setpgid(pid, 0), EPERM); /* in another session */
    CHECK_ERRNO(setpgid(pid, getpgrp()), EPERM);
    tell(to_child);
    expect(pid);

    pid = fork();
    if (pid == 0) {
        CHECK(setpgid(0, 0) == 0);
        CHECK_ERRNO(setsid(), EPERM); /* leads a group */
        _exit(0);
    }
    expect(pid);
    printf("sessions\n");
}

static void test_execed(char *self)
{
    pid_t pid = fork();
    if (pid == 0) {
        char out[16], in[16];
        snprintf(out, sizeof(out), "%d", to_parent[1]);
        snprintf(in, sizeof(in), "%d", to_child[0]);
        execl(self, self, out, in, NULL);
        _exit(1);
    }
    hear(to_parent);
    CHECK_ERRNO(setpgid(pid, 0), EACCES);
    tell(to_child);
    expect(pid);
    printf("after exec\n");
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        char byte;
        return write(atoi(argv[1]), "x", 1) == 1 && read(atoi(argv[2]), &byte, 1) == 1 ? 0 : 1;
    }
    CHECK(pipe(to_child) == 0 && pipe(to_parent) == 0);
    test_group();
    test_errors();
    test_session();
    test_execed(argv[0]);
    return 0;
}
