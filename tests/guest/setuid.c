/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of a process. Calls: getuid geteuid getgid getegid setuid setgid setreuid
 * setregid setresuid getresuid setresgid getresgid setfsuid setfsgid getgroups setgroups capget */
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static void is(uid_t real, uid_t effective, uid_t saved)
{
    uid_t r, e, s;
    CHECK(getresuid(&r, &e, &s) == 0 && r == real && e == effective && s == saved);
    CHECK(getuid() == real && geteuid() == effective);
}

static void is_group(gid_t real, gid_t effective, gid_t saved)
{
    gid_t r, e, s;
    CHECK(getresgid(&r, &e, &s) == 0 && r == real && e == effective && s == saved);
    CHECK(getgid() == real && getegid() == effective);
}

static void in_child(void (*test)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        test();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_for_good(void)
{
    CHECK(setgid(1001) == 0 && setuid(1000) == 0);
    is(1000, 1000, 1000);
    is_group(1001, 1001, 1001);
    CHECK_ERRNO(setuid(0), EPERM);
    CHECK_ERRNO(setgid(0), EPERM);
    CHECK_ERRNO(setresuid(-1, 0, -1), EPERM);
    CHECK_ERRNO(setreuid(-1, 1), EPERM);
    CHECK_ERRNO(setgroups(0, NULL), EPERM);
    CHECK(setuid(1000) == 0 && setresuid(1000, -1, 1000) == 0);
}

static void test_and_back(void)
{
    CHECK(setresuid(1, 2, 0) == 0);
    is(1, 2, 0);
    CHECK_ERRNO(setresuid(3, -1, -1), EPERM);
    CHECK(setresuid(-1, 1, -1) == 0);
    is(1, 1, 0);
    CHECK(setuid(0) == 0); /* the saved one; not root, so nothing else changes */
    is(1, 0, 0);
    CHECK(setreuid(5, 6) == 0);
    is(5, 6, 6);
    CHECK(setreuid(6, 5) == 0); /* changing places */
    is(6, 5, 5);
}

static void test_groups(void)
{
    gid_t groups[4] = {30, 10, 20, 40}, now[8];
    CHECK(setresgid(1, 2, 3) == 0);
    is_group(1, 2, 3);
    CHECK(setregid(4, 5) == 0);
    is_group(4, 5, 5);
    CHECK(setgroups(4, groups) == 0 && getgroups(0, NULL) == 4 && getgroups(8, now) == 4);
    int sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (int)now[i];
    CHECK(sum == 100);
    CHECK_ERRNO(getgroups(3, now), EINVAL);
    CHECK_ERRNO(getgroups(-1, now), EINVAL);
    CHECK_ERRNO(syscall(SYS_getgroups, 8, 8), EFAULT);
    CHECK_ERRNO(setgroups(70000, groups), EINVAL);
    CHECK(setgroups(0, NULL) == 0 && getgroups(8, now) == 0);
}

static void test_fs(void)
{
    CHECK(setfsuid(77) == 0 && setfsuid(-1) == 77);
    CHECK(setfsgid(78) == (int)getegid() && setfsgid(-1) == 78);
    CHECK(setresuid(-1, 9, -1) == 0 && setfsuid(-1) == 9); /* follows the effective one */
}

static void test_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    CHECK(syscall(SYS_capget, &header, data) == 0);
    CHECK(data[0].effective & (1u << CAP_CHOWN));
    CHECK(setuid(1000) == 0 && syscall(SYS_capget, &header, data) == 0);
    CHECK(data[0].effective == 0 && data[1].effective == 0);
    header.version = 1;
    CHECK_ERRNO(syscall(SYS_capget, &header, data), EINVAL);
    CHECK(header.version == _LINUX_CAPABILITY_VERSION_3);
}

int main(void)
{
    if (getuid() != 0 || geteuid() != 0)
        SKIP("needs to be root");
    in_child(test_for_good);
    in_child(test_and_back);
    printf("users\n");
    in_child(test_groups);
    printf("groups\n");
    in_child(test_fs);
    in_child(test_capabilities);
    printf("capabilities\n");
    is(0, 0, 0);
    return 0;
}
