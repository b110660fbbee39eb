/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes. Calls: getrandom */
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

int main(void)
{
    unsigned char a[32] = {0}, b[32] = {0}, child[32], large[70000];
    int counts[256] = {0}, ends[2];
    CHECK(getrandom(a, sizeof(a), 0) == sizeof(a) && getrandom(b, sizeof(b), GRND_RANDOM) > 0);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    CHECK(getrandom(a, 0, 0) == 0 && getrandom(a, 1, GRND_NONBLOCK) == 1);
    CHECK(getrandom(large, sizeof(large), 0) == sizeof(large));
    for (size_t i = 0; i < sizeof(large); i++)
        counts[large[i]]++;
    for (int i = 0; i < 256; i++)
        CHECK(counts[i] > 100 && counts[i] < 600); /* 273 are to be expected */
    printf("random\n");

    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(getrandom(child, sizeof(child), 0) == sizeof(child));
        CHECK(write(ends[1], child, sizeof(child)) == sizeof(child));
        _exit(0);
    }
    CHECK(getrandom(a, sizeof(a), 0) == sizeof(a));
    CHECK(read(ends[0], child, sizeof(child)) == sizeof(child));
    CHECK(memcmp(a, child, sizeof(a)) != 0 && waitpid(pid, NULL, 0) == pid);
    printf("another for the child\n");

    CHECK_ERRNO(getrandom(a, 1, 0x100), EINVAL);
    CHECK_ERRNO(getrandom(a, 1, GRND_RANDOM | 0x4), EINVAL);
    CHECK_ERRNO(syscall(SYS_getrandom, 8, 1, 0), EFAULT);
    return 0;
}
