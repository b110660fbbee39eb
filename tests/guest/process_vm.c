/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of another process. Calls: process_vm_readv process_vm_writev */
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "check.h"

enum { PAGE = 4096, PAGES = 30, RW = PROT_READ | PROT_WRITE };

static char here[PAGES * PAGE];

static void test_moves(pid_t pid, char *there)
{
    struct iovec remote[3] = {{there + 100, 50}, {there, 0}, {there + 5 * PAGE, 20 * PAGE}};
    struct iovec local[2] = {{here, 10}, {here + 10, 20 * PAGE + 40}};

    CHECK(process_vm_readv(pid, local, 2, remote, 3, 0) == 20 * PAGE + 50);
    for (int i = 0; i < 20 * PAGE + 50; i++)
        CHECK(here[i] == 'c');
    memset(here, 'p', sizeof here);
    CHECK(process_vm_writev(pid, local, 1, remote, 1, 0) == 10); /* the shorter of both */
    local[0].iov_len = 20 * PAGE;
    CHECK(process_vm_writev(pid, local, 1, remote + 2, 1, 0) == 20 * PAGE);
    printf("moves\n");
}

static void test_errors(pid_t pid, char *there)
{
    struct iovec local = {here, PAGE}, remote = {there, PAGE}, bad = {(void *)8, 4};
    struct iovec end = {there + (PAGES - 1) * PAGE, 2 * PAGE};

    CHECK_ERRNO(process_vm_readv(pid, &local, 1, &remote, 1, 1), EINVAL);
    CHECK_ERRNO(process_vm_readv(pid, &local, 1, &bad, 1, 0), EFAULT);
    CHECK_ERRNO(process_vm_readv(pid, &local, 1, (void *)8, 1, 0), EFAULT);
    CHECK_ERRNO(process_vm_readv(pid, &local, 2000, &remote, 1, 0), EINVAL);
    CHECK_ERRNO(process_vm_readv(0x7ffffff, &local, 1, &remote, 1, 0), ESRCH);
    CHECK(process_vm_readv(pid, &local, 0, &remote, 1, 0) == 0);
    local.iov_len = 2 * PAGE;
    CHECK(process_vm_readv(pid, &local, 1, &end, 1, 0) == PAGE); /* up to what is not there */
    printf("errors\n");
}

int main(void)
{
    int ready[2], go[2], status;
    char byte;
    char *there = mmap(NULL, (PAGES + 1) * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(munmap(there + PAGES * PAGE, PAGE) == 0);
    CHECK(pipe(ready) == 0 && pipe(go) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        memset(there, 'c', PAGES * PAGE);
        CHECK(write(ready[1], "r", 1) == 1 && read(go[0], &byte, 1) == 1);
        CHECK(memcmp(there + 99, "cppppppppppc", 12) == 0);
        CHECK(there[5 * PAGE - 1] == 'c' && there[5 * PAGE] == 'p');
        CHECK(there[25 * PAGE - 1] == 'p' && there[25 * PAGE] == 'c');
        _exit(0);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(there[0] == 0);
    test_moves(pid, there);
    test_errors(pid, there);
    CHECK(write(go[1], "g", 1) == 1 && waitpid(pid, &status, 0) == pid && status == 0);
    CHECK_ERRNO(process_vm_readv(pid, &(struct iovec){here, 1}, 1, &(struct iovec){there, 1}, 1, 0),
                ESRCH);
    return 0;
}
