/* SPDX-License-Identifier: Apache-2.0 */
/* What one thread can ask of futexes and of robust lists.
 * Calls: futex set_robust_list get_robust_list membarrier */
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "check.h"

int main(void)
{
    static int word = 1, lists[6];
    void *head;
    size_t size;
    CHECK(syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0); /* nobody waits */
    CHECK(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0) == 0);
    CHECK_ERRNO(syscall(SYS_futex, (char *)&word + 1, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_futex, &word, 127, 1, NULL, NULL, 0), ENOSYS);
    printf("wake\n");

    CHECK_ERRNO(syscall(SYS_set_robust_list, lists, 3), EINVAL);
    CHECK(syscall(SYS_set_robust_list, lists, 24) == 0);
    CHECK(syscall(SYS_get_robust_list, 0, &head, &size) == 0 && head == lists && size == 24);
    CHECK_ERRNO(syscall(SYS_get_robust_list, 4000000, &head, &size), ESRCH);
    CHECK_ERRNO(syscall(SYS_get_robust_list, 0, 8, &size), EFAULT);
    CHECK(syscall(SYS_set_robust_list, NULL, 24) == 0);
    printf("robust lists\n");

    CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) >= 0);
    CHECK_ERRNO(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
    printf("membarrier\n");
    return 0;
}
