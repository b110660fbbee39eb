/* SPDX-License-Identifier: Apache-2.0 */
/* Barriers that others make. Calls: membarrier */
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "check.h"

int main(void)
{
    CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) >= 0);
    CHECK_ERRNO(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
    printf("query\n");
    return 0;
}
