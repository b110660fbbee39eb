/* SPDX-License-Identifier: Apache-2.0 */
/* RLIMIT_FSIZE: the signal, and the error when it is ignored. Calls: write ftruncate truncate
 * fallocate */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"

static volatile sig_atomic_t signals;

static void on_signal(int signal)
{
    (void)signal;
    signals++;
}

int main(void)
{
    char buffer[200] = "";
    struct stat stat;
    const struct sigaction action = {.sa_handler = on_signal};
    CHECK(sigaction(SIGXFSZ, &action, NULL) == 0);
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && ftruncate(fd, 300) == 0);
    CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, RLIM_INFINITY}) == 0);
    CHECK(ftruncate(fd, 200) == 0 && signals == 0); /* smaller is always allowed */
    CHECK(ftruncate(fd, 200) == 0 && ftruncate(fd, 50) == 0 && ftruncate(fd, 100) == 0);
    CHECK_ERRNO(ftruncate(fd, 101), EFBIG);
    CHECK(signals == 1);
    CHECK_ERRNO(truncate("file", 1000), EFBIG);
    CHECK(signals == 2);
    CHECK(pwrite(fd, buffer, 200, 20) == 80 && signals == 2);
    CHECK_ERRNO(pwrite(fd, buffer, 1, 100), EFBIG);
    CHECK(signals == 3);
    CHECK_ERRNO(fallocate(fd, 0, 0, 200), EFBIG);
    CHECK(signals == 4 && fstat(fd, &stat) == 0 && stat.st_size == 100);
    CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) == 0);
    CHECK(ftruncate(fd, 5000) == 0 && signals == 4);
    printf("limits\n");
    return 0;
}
