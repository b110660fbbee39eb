/* SPDX-License-Identifier: Apache-2.0 */
/* NUMA policies where there is one node. Calls: get_mempolicy set_mempolicy mbind mmap fork */
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

static int mode;
static unsigned long nodes;

static long get(void *address, unsigned long flags)
{
    mode = -1;
    nodes = ~0UL;
    return syscall(SYS_get_mempolicy, &mode, &nodes, 64, address, flags);
}

static long set(int policy, unsigned long mask)
{
    return syscall(SYS_set_mempolicy, policy, mask != 0 ? &mask : NULL, mask != 0 ? 64 : 0);
}

static void test_thread(void)
{
    CHECK(get(NULL, 0) == 0 && mode == MPOL_DEFAULT && nodes == 0);
    CHECK(get(NULL, MPOL_F_MEMS_ALLOWED) == 0 && nodes == 1);
    CHECK(set(MPOL_BIND, 1) == 0 && get(NULL, 0) == 0 && mode == MPOL_BIND && nodes == 1);
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(get(NULL, 0) == 0 && mode == MPOL_BIND ? 0 : 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(set(MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, 1) == 0 && get(NULL, 0) == 0);
    CHECK(mode == (MPOL_INTERLEAVE | MPOL_F_STATIC_NODES));
    CHECK(get(NULL, MPOL_F_NODE) == 0 && mode == 0);
    CHECK(set(MPOL_PREFERRED, 0) == 0 && get(NULL, 0) == 0 && mode == MPOL_LOCAL);
    CHECK(set(MPOL_DEFAULT, 0) == 0 && get(NULL, 0) == 0 && mode == MPOL_DEFAULT);
    printf("thread\n");
}

static void test_errors(void)
{
    CHECK_ERRNO(set(MPOL_DEFAULT, 1), EINVAL);
    CHECK_ERRNO(set(MPOL_BIND, 0), EINVAL);
    CHECK_ERRNO(set(MPOL_LOCAL, 1), EINVAL);
    CHECK_ERRNO(set(99, 1), EINVAL);
    CHECK_ERRNO(set(MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_set_mempolicy, MPOL_BIND, 8L, 64), EFAULT);
    CHECK_ERRNO(get(&mode, 0), EINVAL);
    CHECK_ERRNO(get(NULL, 1 << 5), EINVAL);
    CHECK_ERRNO(get(NULL, MPOL_F_NODE), EINVAL);
    CHECK_ERRNO(get(NULL, MPOL_F_ADDR), EFAULT);
    CHECK_ERRNO(get(NULL, MPOL_F_MEMS_ALLOWED | MPOL_F_NODE), EINVAL);
    CHECK_ERRNO(syscall(SYS_get_mempolicy, NULL, &nodes, 0, NULL, 0), EINVAL);
    printf("errors\n");
}

static void test_range(void)
{
    unsigned long mask = 1;
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(syscall(SYS_mbind, page, 8192, MPOL_BIND, &mask, 64, 0) == 0);
    page[0] = 1;
    CHECK(get(page, MPOL_F_ADDR | MPOL_F_NODE) == 0 && mode == 0);
    CHECK(syscall(SYS_mbind, page, 0, MPOL_BIND, &mask, 64, 0) == 0);
    CHECK_ERRNO(syscall(SYS_mbind, page + 1, 10, MPOL_BIND, &mask, 64, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_mbind, page, 4096, MPOL_BIND, &mask, 64, 1 << 6), EINVAL);
    CHECK_ERRNO(syscall(SYS_mbind, page, 4096, MPOL_BIND, NULL, 0, 0), EINVAL);
    CHECK(munmap(page + 4096, 4096) == 0);
    CHECK_ERRNO(syscall(SYS_mbind, page, 8192, MPOL_BIND, &mask, 64, 0), EFAULT);
    printf("range\n");
}

int main(void)
{
    if (get(NULL, 0) == -1 && errno == ENOSYS)
        SKIP("no NUMA policies");
    test_thread();
    test_errors();
    test_range();
    return 0;
}
