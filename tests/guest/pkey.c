/* SPDX-License-Identifier: Apache-2.0 */
/* Protection keys, where there may be none. Calls: pkey_alloc pkey_free pkey_mprotect */
#include <sys/mman.h>

#include "check.h"

enum { PAGE = 4096 };

int main(void)
{
    char *memory = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(memory != MAP_FAILED);
    CHECK_ERRNO(pkey_alloc(1, 0), EINVAL);
    CHECK_ERRNO(pkey_alloc(0, 4), EINVAL);
    CHECK_ERRNO(pkey_free(15), EINVAL);
    CHECK(pkey_mprotect(memory, PAGE, PROT_READ | PROT_WRITE, -1) == 0);
    memory[0] = 1;
    CHECK_ERRNO(pkey_mprotect(memory, PAGE, PROT_READ, 15), EINVAL);
    int key = pkey_alloc(0, 0);
    CHECK(key >= 0 || errno == ENOSPC || errno == EINVAL);
    printf("no key is missed\n");
    return 0;
}
